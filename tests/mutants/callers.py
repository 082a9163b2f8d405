"""Which tests call which functions, found by running a lane once: a fault is tried by its callers."""

from __future__ import annotations

import ast
import builtins
import functools
import json
import sys
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType

from tests.mutants.lane import OURS, Lane

Function = tuple[str, int]
"""A file and the line on which a function begins there, with its decorators."""
NOTE = "__noted__"


@dataclass(frozen=True, slots=True)
class Callers:
    """The tests of a lane with the seconds that each took, and who calls a function."""

    seconds: Mapping[str, float]
    calls: Mapping[Function, Collection[str]]
    """The names of tests."""
    imports: Mapping[Function, Collection[str]]
    """The names of files of tests that call it, or are the first to, while they are imported."""

    def stages(self, lane: Lane, function: Function | None, module: str) -> Iterator[tuple[str, ...]]:
        """Yield the tests of a function, then what else stands in their files, then all others.

        Of a lane that is `near`, those of the module's room alone where it has any.

        A test may be given what another of its file has made, and any test what was made while files
        were imported. What no test calls is tried by none.
        """
        calling = self.calls.get(function, ()) if function else ()
        if lane.near:
            rooms, asked = set(Path(module).parts), calling if function else self.seconds
            room = [test for test in asked if Path(file_of(test)).parent.name in rooms]
            yield self._in_order(module, room or asked)
            return
        importing = self.imports.get(function, ()) if function else ()
        files = {file_of(name) for name in (*calling, *importing)}
        first = {test for test in self.seconds if test in calling or file_of(test) in importing}
        yield self._in_order(module, first)
        yield self._in_order(module, {test for test in self.seconds if file_of(test) in files} - first)
        if lane.whole and (importing or not function):
            yield self._in_order(module, [test for test in self.seconds if file_of(test) not in files])

    def any_for(self, function: Function | None) -> bool:
        """Whether any test calls a function; outside of functions all may."""
        return function is None or function in self.calls or function in self.imports

    def cpu(self, tests: Collection[str]) -> float:
        """Return the most seconds that these tests may work."""
        return 10 + 3 * sum(self.seconds[test] for test in tests)

    def _in_order(self, module: str, tests: Collection[str]) -> tuple[str, ...]:
        """Put those of the module's room first, then the file that is done soonest."""
        rooms = set(Path(module).parts)
        total: dict[str, float] = defaultdict(float)
        for test in tests:
            total[file_of(test)] += self.seconds[test]

        def key(test: str) -> tuple[bool, float, str, float]:
            file = file_of(test)
            return Path(file).parent.name not in rooms, total[file], file, self.seconds[test]

        return tuple(sorted(tests, key=key))


def functions_around(source: bytes, line: int) -> list[tuple[int, str]]:
    """List where the functions begin whose bodies hold a line, with their names, the outermost first."""
    return [
        (_begin(node), node.name)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body[0].lineno <= line <= (node.end_lineno or node.lineno)
    ]


def _begin(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return min([node.lineno, *(one.lineno for one in node.decorator_list)])


def file_of(test: str) -> str:
    """Return the file of a test by its name."""
    return test.partition("::")[0]


class Recorder:
    """Notes each call of our functions by who is being imported or run: each function says so itself."""

    def __init__(self, tree: Path) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.imports: dict[str, set[Function]] = defaultdict(set)
        self.calls: dict[str, set[Function]] = defaultdict(set)
        self._tree = tree
        self._file = ""

    def compiled(self, path: str) -> CodeType | None:
        """Compile a file of ours with a note at the beginning of each function; None for those of others."""
        file = Path(path)
        if not file.is_relative_to(self._tree):
            return None
        name = str(file.relative_to(self._tree))
        if name.partition("/")[0] not in OURS[:-1]:
            return None
        module = ast.parse(file.read_bytes())
        for node in ast.walk(module):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                note = ast.parse(f"{NOTE}(({name!r}, {_begin(node)}))").body[0]
                for part in ast.walk(note):
                    ast.copy_location(part, node.body[0])
                node.body.insert(0 if ast.get_docstring(node) is None else 1, note)
        return compile(module, path, "exec", dont_inherit=True)

    def imported(self, file: str) -> None:
        """Go on with the import of a file."""
        self._follow(self.imports[file], file)

    def run(self, test: str) -> None:
        """Go on with a test and its fixtures."""
        self._follow(self.calls[test], file_of(test))

    def kept(self) -> str:
        """Return what was noted as JSON."""
        notes = (self.imports, self.calls)
        return json.dumps([self.seconds, *({who: [*calls] for who, calls in one.items()} for one in notes)])

    def _follow(self, noted: set[Function], file: str) -> None:
        if file != self._file:
            self._file = file
            _forget()
        setattr(builtins, NOTE, noted.add)


def read(notes: str) -> Callers:
    """Read what a recorder kept."""
    seconds, *both = json.loads(notes)
    imports, calls = (_turned(one) for one in both)
    return Callers(seconds, calls, imports)


def _turned(noted: Mapping[str, Collection[tuple[str, int]]]) -> dict[Function, set[str]]:
    turned: dict[Function, set[str]] = defaultdict(set)
    for who, functions in noted.items():
        for file, line in functions:
            turned[file, line].add(who)
    return turned


def _forget() -> None:
    """Empty our caches: what the tests of one file had made is made again for the next."""
    for name, module in [*sys.modules.items()]:
        if name.partition(".")[0] in OURS and isinstance(module, ModuleType):
            for value in vars(module).values():
                if type(value) is functools._lru_cache_wrapper:  # Django has lazy ones that answer for others
                    value.cache_clear()
