"""The worked client against a live server on PostgreSQL, while writers, kills and a restore go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from examples.edc_in_step import Dayzero, Edc, over_http
from tests.production.demo import on_postgres
from tests.production.running import MANAGE, ROOT, environment, eventually, free_port, run, started
from tests.production.test_backup import tools

SECONDS = float(os.environ.get("DAYZERO_EDC_SECONDS", "20"))


@contextmanager
def serving(port: int, settings: dict[str, str], log: Path) -> Iterator[subprocess.Popen[str]]:
    """The web server, answering."""
    command = (
        *(sys.executable, "-m", "gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{port}"),
        *("--threads", "8", "--log-level", "warning"),
    )
    with started(*command, log=log, **settings) as server:
        send = over_http(f"http://127.0.0.1:{port}")

        def answers() -> bool:
            try:
                return send("GET", "/health/", {}, None)[0] < 500
            except OSError:
                return False

        assert eventually(answers)
        yield server


@pytest.mark.long
def test_both_sides_are_equal_in_the_end(tmp_path: Path) -> None:
    (tmp_path / "backups").mkdir()
    settings = {
        "DJANGO_SETTINGS_MODULE": "config.settings.development",
        "DATABASE_URL": on_postgres(tmp_path),
        "AUDIT_HEADS_FILE": str(tmp_path / "heads.jsonl"),
        "BACKUP_FOLDER": str(tmp_path / "backups"),
        "POSTGRES_TOOLS": tools(),
    }
    world = (sys.executable, "-m", "tests.production.edc_world")
    client_id, secret = run(*world, "client", **settings).split()
    port, log = free_port(), tmp_path / "web.log"
    edc = Edc(Dayzero(over_http(f"http://127.0.0.1:{port}"), client_id, secret))

    def while_writers_go_on(seconds: float, *, kill: subprocess.Popen[str] | None = None) -> None:
        writers = [
            subprocess.Popen([*world, "writer", str(seconds)], cwd=ROOT, env=environment(**settings))
            for _n in range(2)
        ]
        ends = time.monotonic() + seconds
        while time.monotonic() < ends or any(writer.poll() is None for writer in writers):
            edc.follow()
            due = [pk for pk, visit in edc.visits.items() if visit["appointment"] == "to-record"][:2]
            edc.push((pk, edc.visits[pk]["booked_on"] or edc.visits[pk]["target"]) for pk in due if not kill)
            if kill and time.monotonic() > ends - seconds / 2:
                os.kill(kill.pid, signal.SIGKILL)
                return_children(kill)
                break
        for writer in writers:
            writer.wait(120)

    def return_children(server: subprocess.Popen[str]) -> None:
        server.wait(30)
        eventually(lambda: not _listens(port), 30)

    with serving(port, settings, log) as server:
        while_writers_go_on(SECONDS)
        run(*MANAGE, "backup", **settings)
        edc.follow()
        while_writers_go_on(SECONDS / 2, kill=server)
    backup = max((tmp_path / "backups").glob("*.backup"))
    with serving(port, settings, log):
        edc.follow()
    lost = {pk: visit["version"] for pk, visit in edc.visits.items()}
    run(*MANAGE, "restore", str(backup), "--replace", "--reason", "disk failure", **settings)
    with serving(port, settings, log):
        while_writers_go_on(SECONDS / 2)
        edc.follow()
        assert edc.begun == 2, "after the restore everything was read again"
        fresh = Edc(edc.dayzero)
        fresh.read_all()
        edc.follow()
        differ = [pk for pk in {**edc.visits, **fresh.visits} if edc.visits.get(pk) != fresh.visits.get(pk)]
        assert differ == []
        assert lost
        print(f"{len(edc.visits)} visits equal, {len(edc.differences)} differences kept")


def _listens(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
