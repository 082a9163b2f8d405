"""An amendment whose workers are killed where it hurts: nobody lost, nobody twice, nobody half."""

import re
import signal
import sqlite3
import sys
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from tests import servers
from tests.production.running import MANAGE, eventually, run, started

AMENDING = (sys.executable, "-m", "tests.production.amending")


def a_database(lane: str, folder: Path) -> str:
    if lane == "sqlite":
        return f"sqlite:///{folder}/dayzero.sqlite3"
    server, name = servers.postgres_url(), f"demo_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return re.sub(r"/[^/?]*\?", f"/{name}?", server)


def ask(url: str, statement: str) -> list[tuple[object, ...]]:
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///"), timeout=20) as connection:
            return connection.execute(statement).fetchall()
    with psycopg.connect(url) as server:
        return server.execute(statement).fetchall()


@pytest.mark.parametrize("lane", ["sqlite", "postgres"])
def test_killed_workers_leave_everybody_whole(lane: str, tmp_path: Path) -> None:
    url = a_database(lane, tmp_path)
    given = {"DJANGO_SETTINGS_MODULE": "config.settings.development", "DATABASE_URL": url}
    run(*MANAGE, "migrate", "--verbosity", "0", **given)
    run(*MANAGE, "load_demo", **given)
    run(*AMENDING, "prepare", **given)
    halves = (
        "SELECT count(*) FROM schedules_amendmentstep s JOIN schedules_amendmentrun r ON r.id = s.run_id "
        "JOIN participants_participant p ON p.id = s.participant_id "
        "WHERE (s.outcome = 'done') <> (p.protocol_version_id = r.to_version_id)"
    )
    waiting = "SELECT count(*) FROM schedules_amendmentstep WHERE outcome = 'waiting'"
    everybody = ask(url, waiting)[0][0]
    for turn in range(2):
        log = tmp_path / f"worker-{turn}.log"
        with started(*AMENDING, "work", "0.4", log=log, stop=signal.SIGKILL, **given):
            assert eventually(lambda log=log: log.read_text().count("written") >= 2)
        assert ask(url, halves) == [(0,)], "what was written and not committed is gone"
    assert 0 < int(str(ask(url, waiting)[0][0])) < int(str(everybody))
    run(*AMENDING, "work", "0", **given)
    assert ask(url, waiting) == [(0,)]
    assert ask(url, halves) == [(0,)]
    assert ask(url, "SELECT count(*) FROM schedules_amendmentrun WHERE finished_at IS NULL") == [(0,)]
