"""Plant faults and see which the tests notice: `make mutants`.

    python -m tests.mutants                     the faults of by_hand.py; 1 if one of them survives
    python -m tests.mutants --drawn 2           two drawn of each module of the domain and ten services
    python -m tests.mutants --drawn 5 replanning --seed 3

Every fault is one change in one file of a temporary copy; the working tree is never touched. A drawn
fault is tried by the tests nearest to its module, then by the whole unit lane. One that survives is a
place to look: either a test is missing, or the two spellings mean the same.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from tests.mutants.by_hand import MUTANTS
from tests.mutants.drawn import drawn_from

ROOT = Path(__file__).resolve().parents[2]
COPIED = (
    "config", "trials", "participants", "schedules", "templates", "static", "locale", "tests", "docs",
    "pyproject.toml", "manage.py",
)  # fmt: skip
APPS = ("trials", "participants", "schedules")
PROCESSES = int(os.environ.get("PROCESSES", "2"))
SECONDS = 240
PLUGINS = ("schemathesis", "valkey", "playwright", "xdist", "randomly", "cacheprovider")
PYTEST = (
    sys.executable, "-B", "-m", "pytest", "-x", "-q", "--no-header",
    *(word for plugin in PLUGINS for word in ("-p", f"no:{plugin}")),
    "-m", "not long and not by_command",
)  # fmt: skip
UNIT = ("tests/unit",)
ENGINE = tuple(
    f"tests/unit/{name}"
    for name in (
        "plan", "visits", "replanning", "audit/test_audit_chain.py", "participants/test_points.py",
        "reminders", "channels", "deviations",
    )
)  # fmt: skip
# The services that were changed most often: what a coordinator's acts and the sweeps go through.
SERVICES = (
    "schedules/services/course/repetition.py",
    "schedules/services/course/rescreening_and_transfer.py",
    "schedules/services/course/status_changes.py",
    "schedules/services/visits/appointments.py",
    "schedules/services/visits/completion.py",
    "schedules/services/enrolment/refusals.py",
    "schedules/services/replanning/moves.py",
    "schedules/services/availability/site_days.py",
    "schedules/services/reminders/ledger.py",
    "participants/services/absences.py",
)


@dataclass(frozen=True, slots=True)
class Fault:
    """A file with a fault in it, what the fault is, and the tests that are asked, the nearest first."""

    file: str
    planted: bytes
    words: str
    stages: tuple[tuple[str, ...], ...]


def by_hand(wanted: Sequence[str]) -> Iterator[Fault]:
    """The faults that somebody thought of."""
    for mutant in MUTANTS:
        if not wanted or any(word in mutant.file for word in wanted):
            sound = (ROOT / mutant.file).read_text("utf-8")
            planted = sound.replace(mutant.old, mutant.new, 1).encode()
            yield Fault(mutant.file, planted, mutant.fault, (ENGINE,))


def drawn(wanted: Sequence[str], each: int, seed: int) -> Iterator[Fault]:
    """Faults of every module of the domain, and of the busiest services."""
    domain = (
        str(file.relative_to(ROOT)) for app in APPS for file in sorted(ROOT.glob(f"{app}/domain/**/*.py"))
    )
    for module in (*domain, *SERVICES):
        if wanted and not any(word in module for word in wanted):
            continue
        stages = _by_services(module) if "/services/" in module else (_nearest(module, "unit"), UNIT)
        source = (ROOT / module).read_bytes()
        for change in drawn_from(module, source, each, seed):
            words = f"line {change.line}: {change.old} -> {change.new}"
            yield Fault(module, change.planted_in(source), " ".join(words.split()), stages)


def _by_services(module: str) -> tuple[tuple[str, ...], ...]:
    room = f"tests/integration/{Path(module).parent.name}"
    return (
        _nearest(module, "integration"),
        (room,) if (ROOT / room).is_dir() else ("tests/integration/course",),
    )


def _nearest(module: str, lane: str) -> tuple[str, ...]:
    """The tests that import a module, and those of its room; the whole lane if there are none."""
    name = module.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    files = sorted((ROOT / "tests" / lane).glob("**/test_*.py"))
    near = [file for file in files if f"from {name} import" in file.read_text("utf-8")]
    found = [str(file.relative_to(ROOT)) for file in near]
    if lane == "unit" and (room := ROOT / "tests" / lane / Path(module).parent.name).is_dir():
        found.append(str(room.relative_to(ROOT)))
    return tuple(found) or (f"tests/{lane}",)


def copy_tree(folder: Path) -> Path:
    """A copy of what the tests need."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, folder / name)
    return folder


def tests_pass(tree: Path, tests: Iterable[str]) -> bool:
    """Whether some tests pass in that tree; tests that hang have noticed."""
    surroundings = {**os.environ, "DAYZERO_TEST_DATABASE": "sqlite"}
    try:
        done = subprocess.run(
            (*PYTEST, *tests), cwd=tree, env=surroundings, capture_output=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def survives(fault: Fault, trees: SimpleQueue[Path]) -> bool:
    """Whether no test notices a fault. Raises SyntaxError for one that is no Python: anything kills that."""
    compile(fault.planted, fault.file, "exec")
    tree = trees.get()
    file = tree / fault.file
    sound = file.read_bytes()
    try:
        file.write_bytes(fault.planted)
        return all(tests_pass(tree, tests) for tests in fault.stages)
    finally:
        file.write_bytes(sound)
        trees.put(tree)


def tried(faults: Sequence[Fault], told: Callable[[str], None]) -> int:
    """Try faults two at a time, tell what became of each, and return how many survived."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        trees: SimpleQueue[Path] = SimpleQueue()
        for number in range(PROCESSES):
            trees.put(copy_tree(Path(folder) / str(number)))
        tree = trees.get()
        if not tests_pass(tree, UNIT):
            raise SystemExit("The tests fail without any fault: mend that first.")
        trees.put(tree)
        survived = 0
        with ThreadPoolExecutor(PROCESSES) as pool:
            for fault, alive in zip(faults, pool.map(lambda one: survives(one, trees), faults), strict=True):
                survived += alive
                told(f"{'SURVIVED' if alive else 'killed':8}  {fault.file}: {fault.words}")
    return survived


def main() -> int:
    """Try what was asked for; 1 if a fault of by_hand.py survives."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("files", nargs="*", help="only files whose path contains one of these")
    parser.add_argument("--drawn", type=int, default=0, metavar="N", help="draw N faults of each module")
    parser.add_argument("--seed", type=int, default=1, help="which ones are drawn")
    asked = parser.parse_args()
    faults = list(drawn(asked.files, asked.drawn, asked.seed) if asked.drawn else by_hand(asked.files))
    started = time.monotonic()
    survived = tried(faults, lambda line: print(line, flush=True))
    noticed = len(faults) - survived
    print(f"{noticed} of {len(faults)} faults noticed in {time.monotonic() - started:.0f} s")
    return 1 if survived and not asked.drawn else 0


if __name__ == "__main__":
    sys.exit(main())
