"""The shape of the code beside the values that we aim for: `make shape`. It reports, and fails nothing."""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
from pathlib import Path

APPS = ("config", "trials", "participants", "schedules")
EDGES = {"api", "web", "admin", "tasks", "management"}
BRANCHES = (
    ast.If,
    ast.For,
    ast.While,
    ast.IfExp,
    ast.ExceptHandler,
    ast.BoolOp,
    ast.comprehension,
    ast.match_case,
    ast.Assert,
)
ORM = re.compile(
    r"\.objects\b|\.(filter|exclude|get_or_create|bulk_create|select_related|prefetch_related|annotate|aggregate)\("
)
CLOCK = re.compile(r"\b(date\.today|datetime\.now|timezone\.now|localdate|utcnow)\(")


def body_length(node: ast.FunctionDef) -> int:
    """Lines of a function without its docstring."""
    first = node.body[0]
    doc = (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    )
    return node.end_lineno - node.lineno + 1 - (first.end_lineno - first.lineno + 1 if doc else 0)


def annotated(node: ast.FunctionDef) -> bool:
    args = [
        a
        for a in node.args.posonlyargs + node.args.args + node.args.kwonlyargs
        if a.arg not in ("self", "cls")
    ]
    return all(a.annotation for a in args) and (node.returns is not None or node.name == "__init__")


def edge(path: Path) -> bool:
    return bool(EDGES & {p.removesuffix(".py") for p in path.parts})


def fullest_rooms() -> list[tuple[int, str]]:
    """How many modules stand side by side in each folder, the fullest first."""
    rooms: dict[str, int] = {}
    for app in APPS:
        for path in Path(app).rglob("*.py"):
            if "migrations" not in path.parts and path.name != "__init__.py":
                rooms[str(path.parent)] = rooms.get(str(path.parent), 0) + 1
    return sorted(((count, room) for room, count in rooms.items()), reverse=True)


def subject_lengths() -> str:
    """Median and longest subject of the last hundred commits."""
    told = subprocess.run(
        ["git", "log", "-100", "--format=%s"], capture_output=True, text=True, check=False
    ).stdout.splitlines()
    lengths = [len(x) for x in told] or [0]
    return f"{statistics.median(lengths):.0f} / {max(lengths)}"


def main() -> None:
    sources = [p for app in APPS for p in Path(app).rglob("*.py") if "migrations" not in p.parts]
    tests = list(Path("tests").rglob("*.py"))
    files, functions, edge_lines, edge_orm, clocks = [], [], 0, 0, []
    described, comments = [0, 0], 0
    for path in sources:
        text = path.read_text(encoding="utf8")
        lines = len(text.splitlines())
        if lines > 5:
            files.append((lines, str(path)))
        comments += sum(line.lstrip().startswith("# ") for line in text.splitlines())
        if edge(path):
            edge_lines += lines
            edge_orm += len(ORM.findall(text))
        if "domain" in path.parts and CLOCK.search(text):
            clocks.append(str(path))
        tree = ast.parse(text)
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                complexity = 1 + sum(isinstance(x, BRANCHES) for x in ast.walk(node))
                count = len(node.args.args) + len(node.args.kwonlyargs)
                functions.append(
                    (body_length(node), complexity, count, annotated(node), f"{path}:{node.name}")
                )
            rule_room = {"domain", "services", "formats", "ical"} & {
                p.removesuffix(".py") for p in path.parts
            }
            if (
                rule_room
                and isinstance(node, (ast.FunctionDef, ast.ClassDef))
                and not node.name.startswith("_")
                and node.name != "Meta"
            ):
                described[1] += 1
                described[0] += bool(ast.get_docstring(node))
    if not functions:
        print("no code yet")
        return
    lengths = sorted(f[0] for f in functions)
    p90 = lengths[int(len(lengths) * 0.9)]
    source_lines = sum(n for n, _ in files)
    test_lines = sum(len(p.read_text(encoding="utf8").splitlines()) for p in tests)
    vague = [str(p) for p in sources if p.stem in ("utils", "helpers", "misc", "common")]
    rows = [
        (
            "function length, median / p90 / longest",
            f"{statistics.median(lengths):.0f} / {p90} / {lengths[-1]}",
            "6 / 20 / 40",
        ),
        ("functions over 40 lines", f"{100 * sum(n > 40 for n in lengths) / len(lengths):.1f}%", "under 1%"),
        ("longest source file (a signal, bend nothing for it)", f"{max(files)[0]}", "about 350"),
        (
            "complexity, mean / worst",
            f"{statistics.mean(f[1] for f in functions):.1f} / {max(f[1] for f in functions)}",
            "2.2 / 10",
        ),
        ("longest signature (a signal)", f"{max(f[2] for f in functions)}", "6"),
        ("annotated functions", f"{100 * sum(f[3] for f in functions) / len(functions):.0f}%", "100%"),
        (
            "docstrings in domain, formats, ical, services",
            f"{100 * described[0] / max(described[1], 1):.0f}%",
            "100%",
        ),
        ("ORM calls per 100 lines of edges", f"{100 * edge_orm / max(edge_lines, 1):.1f}", "under 0.5"),
        ("clock reads in domain", f"{len(clocks)} {' '.join(clocks)}", "0"),
        ("files named utils, helpers, misc, common", f"{len(vague)} {' '.join(vague)}", "0"),
        ("test lines per source line", f"{test_lines / max(source_lines, 1):.2f}", "1.3 to 2.2"),
        ("modules in the fullest room", "{} {}".format(*fullest_rooms()[0]), "16"),
        ("comment lines per 1,000", f"{1000 * comments / max(source_lines, 1):.0f}", "10"),
        ("commit subject, median / longest of 100", subject_lengths(), "50 / 72"),
        ("source lines, files", f"{source_lines}, {len(files)}", ""),
    ]
    for name, value, aim in rows:
        print(f"{name:<48} {value:<28} aim {aim}" if aim else f"{name:<48} {value}")
    print("longest functions: " + ", ".join(f"{f[4]} {f[0]}" for f in sorted(functions, reverse=True)[:4]))
    print("longest files: " + ", ".join(f"{p} {n}" for n, p in sorted(files, reverse=True)[:4]))


if __name__ == "__main__":
    main()
