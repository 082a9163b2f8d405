"""Forked copies of this process in which pytest runs."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import TypeVar

import pytest

from tests.servers import FOLDER

OURS = ("config", "trials", "participants", "schedules", "tests")
SAID = "said.txt"
MEMORY = 6 << 30
SLEPT = 900
"""Seconds by the clock on the wall, for a fault that waits for ever; what works for ever ends before."""
NO_TESTS = 5
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Lane:
    """Tests that run with the same options."""

    name: str
    folders: tuple[str, ...]
    options: tuple[str, ...]
    whole: bool
    """Whether a fault that its own tests let through is tried by all of them."""
    near: bool = False
    """Whether a first look is enough: a fault is tried only by the tests of its room that call its function,
    with what the sound function has made while files were imported."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A source of ours with a fault in it, the line where it is in the sound one, and what it is."""

    file: str
    source: bytes
    line: int
    words: str


def forked(work: Callable[[], int]) -> int:
    """Do some work in a copy of this process, and return the copy's number."""
    sys.stdout.flush()
    copy = os.fork()
    if not copy:
        code = 1
        try:
            code = work()
        finally:
            sys.stdout.flush()
            os._exit(code)
    return copy


def each_forked(
    works: Iterable[tuple[Key, Callable[[], int]]], most: int, told: Callable[[Key, int], None]
) -> None:
    """Do works in copies, so many at a time, and tell the code of each as it ends; a crash is one too."""
    running: dict[int, Key] = {}

    def wait() -> None:
        copy, status = os.wait()
        told(running.pop(copy), os.waitstatus_to_exitcode(status))

    for key, work in works:
        running[forked(work)] = key
        if len(running) >= most:
            wait()
    while running:
        wait()


def limit(cpu: float) -> None:
    """End this process when it has worked so many seconds, or far too long by the clock on the wall."""
    resource.setrlimit(resource.RLIMIT_CPU, (int(cpu) + 1, int(cpu) + 2))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.alarm(SLEPT)


def run(tree: Path, lane: Lane, plugin: object, files: Iterable[str] = ()) -> int:
    """Run tests of a lane in this process, 0 if they pass; nothing else can be done in it afterwards."""
    os.chdir(tree)
    os.environ["DAYZERO_TEST_DATABASE"] = "sqlite"
    (tree / "run").mkdir(exist_ok=True)
    os.environ[FOLDER] = str(tree / "run")
    sys.dont_write_bytecode = False  # what is compiled once is read by those that begin anew
    here = Path(__file__).resolve().parents[2]
    sys.path[:] = [str(tree), *(path for path in sys.path if path and Path(path).resolve() != here)]
    for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
        del sys.modules[name]
    silence = os.open(SAID, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    code = pytest.main(["-x", "-q", "--no-header", *lane.options, *(files or lane.folders)], plugins=[plugin])
    return 0 if code in {0, NO_TESTS} else 1


@contextlib.contextmanager
def importing(compiled: Callable[[str], CodeType | None]) -> Iterator[None]:
    """Let Python take this code of the files for which there is any; no file is touched."""
    sound = SourceFileLoader.get_code

    def get_code(loader: SourceFileLoader, fullname: str) -> CodeType | None:
        return compiled(loader.path) or sound(loader, fullname)

    SourceFileLoader.get_code = get_code  # type: ignore[method-assign]
    try:
        yield
    finally:
        SourceFileLoader.get_code = sound  # type: ignore[method-assign]
