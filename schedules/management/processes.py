"""Child processes that start together and stop together."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType

PATIENCE = 10.0
"""Seconds that a process is given to stop by itself."""
GLANCE = 0.2


class Stopped(Exception):
    """Somebody asked for the end: Ctrl-C, or a signal to terminate."""


@contextmanager
def stoppable() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM raise Stopped inside, once; another signal is ignored."""

    def stop(number: int, frame: FrameType | None) -> None:
        for one in (signal.SIGINT, signal.SIGTERM):
            signal.signal(one, signal.SIG_IGN)
        raise Stopped

    before = {one: signal.signal(one, stop) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


@contextmanager
def running(commands: Mapping[str, Sequence[str]]) -> Iterator[Mapping[str, subprocess.Popen[bytes]]]:
    """Run these programs, by name, for as long as the block lasts; afterwards none of them is left."""
    started: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, command in commands.items():
            started[name] = subprocess.Popen(command)  # noqa: S603 - our own programs
        yield started
    finally:
        for process in started.values():
            process.terminate()
        for process in started.values():
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_until(
    ready: Callable[[], bool], processes: Mapping[str, subprocess.Popen[bytes]], patience: float = 60.0
) -> str | None:
    """Wait for a condition; the name of the process that ended instead, or of the first after `patience`."""
    end = time.monotonic() + patience
    while not ready():
        if (ended := first_ended(processes)) or time.monotonic() > end:
            return ended or next(iter(processes))
        time.sleep(GLANCE)
    return None


def first_ended(processes: Mapping[str, subprocess.Popen[bytes]]) -> str | None:
    """The name of a process that is no longer running."""
    return next((name for name, process in processes.items() if process.poll() is not None), None)
