"""The servers of a run of tests end with it, however it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

STARTS = """
import sys, time
from pathlib import Path
from tests import servers
data = Path(sys.argv[1])
servers.start_postgres(data, keep=sys.argv[3] == "keep")
print((data / "postmaster.pid").read_text().split()[0], flush=True)
if sys.argv[2] == "stays":
    time.sleep(600)
"""


def started(data: Path, how: str, *, keep: bool = False) -> tuple[subprocess.Popen[str], int]:
    """A process of its own that starts a server, and the server's number."""
    command = [sys.executable, "-c", STARTS, str(data), how, "keep" if keep else "drop"]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    return run, int(run.stdout.readline())


def has_ended(number: int) -> bool:
    """Whether a process ends within half a minute; one that nobody has fetched yet has ended."""
    for _ in range(300):
        try:
            if Path(f"/proc/{number}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize("how", ["killed", "ends"])
def test_a_server_ends_with_the_run_that_started_it(
    how: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A lane that was killed left its PostgreSQL running, and its folder."""
    data = tmp_path_factory.mktemp("server") / "postgres"
    run, number = started(data, "ends" if how == "ends" else "stays")
    if how == "killed":
        run.send_signal(signal.SIGKILL)
    run.wait(60)
    assert has_ended(number)
    for _ in range(100):
        if not data.exists():
            break
        time.sleep(0.1)
    assert not data.exists()


def test_a_server_ends_although_the_run_before_it_was_killed(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """The list of those who use a folder named the run that was killed, and nobody was ever the last."""
    data = tmp_path_factory.mktemp("server") / "postgres"
    killed, first = started(data, "stays", keep=True)
    killed.send_signal(signal.SIGKILL)
    killed.wait(60)
    assert has_ended(first)
    ended, second = started(data, "ends", keep=True)
    ended.wait(60)
    assert has_ended(second)


def test_a_valkey_ends_with_the_run_that_was_killed() -> None:
    starts = """
import time
from redis import Redis
from tests import servers
with servers.valkey() as url:
    print(Redis.from_url(url).info()["process_id"], flush=True)
    time.sleep(600)
"""
    run = subprocess.Popen([sys.executable, "-c", starts], stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    number = int(run.stdout.readline())
    run.send_signal(signal.SIGKILL)
    run.wait(60)
    assert has_ended(number)
