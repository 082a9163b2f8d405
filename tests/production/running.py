"""Dayzero's own processes, started as people start them and always stopped."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.clocks import moved_clock

ROOT = Path(__file__).resolve().parent.parent.parent
HANGS = 600
"""Seconds after which a command hangs: on a busy machine, migrating an old database takes minutes."""
MANAGE = (sys.executable, "manage.py")


def environment(**given: str) -> dict[str, str]:
    """What a process needs to find its programs, what is given, and nothing else."""
    return {"PATH": os.environ["PATH"]} | moved_clock() | given


def run(*command: str, **given: str) -> str:
    """Run a program to its end and give what it said; it must end well."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment(**given),
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def started(
    *command: str, log: Path, stop: int = signal.SIGTERM, cwd: Path = ROOT, **given: str
) -> Iterator[subprocess.Popen[str]]:
    """Run a program while the block lasts; what it says goes to a file."""
    with log.open("a") as out:
        process = subprocess.Popen(
            command, cwd=cwd, env=environment(**given), stdout=out, stderr=subprocess.STDOUT, text=True
        )
        try:
            yield process
        finally:
            process.send_signal(stop)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise


def eventually(true: Callable[[], object], patience: float = 60.0) -> bool:
    """Whether something becomes true before patience ends."""
    end = time.monotonic() + patience
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
