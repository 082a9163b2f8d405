"""`make run`: from an empty folder to a page, and the same page again."""

import hashlib
import re
import signal
import socket
import sqlite3
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from tests.production.running import MANAGE, ROOT, environment, eventually, free_port, run, started

COMPLETE = {
    "DJANGO_SETTINGS_MODULE": "config.settings.production",
    "SECRET_KEY": "k7#" * 20 + "abcdefgh",
    "ALLOWED_HOSTS": "dayzero.example.org",
}


def contents(database: Path) -> dict[str, tuple[int, str]]:
    """How many rows each table has, and a digest of them."""
    with sqlite3.connect(database) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {}
        for table in sorted(tables):
            rows = sorted(map(repr, connection.execute(f'SELECT * FROM "{table}"')))
            found[table] = (len(rows), hashlib.sha256("\n".join(rows).encode()).hexdigest())
    connection.close()
    return found


def title(address: str) -> str:
    """The title of the page where an address ends, redirects followed."""
    with urllib.request.urlopen(address, timeout=60) as answer:  # noqa: S310
        page = answer.read().decode()
    found = re.search(r"<title>(.*?)</title>", page, re.DOTALL)
    assert found, page[:500]
    return found[1].strip()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A folder of its own for a database and for e-mail; otherwise an empty environment."""
    folder = tmp_path_factory.mktemp("demo")
    return {
        "DATABASE_URL": f"sqlite:///{folder}/dayzero.sqlite3",
        "EMAIL_URL": f"filemail:///{folder}/outbox",
    }


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_it_starts_shows_a_page_stops_and_changes_nothing_the_next_time(
    demo: dict[str, str], tmp_path: Path, stop: int
) -> None:
    database = Path(demo["DATABASE_URL"].removeprefix("sqlite:///"))
    before = contents(database) if database.exists() else None
    port, log = free_port(), tmp_path / "log"
    begun = time.monotonic()
    with started(*MANAGE, "rundemo", log=log, stop=stop, PORT=str(port), **demo) as process:
        assert eventually(lambda: "Dayzero: http" in log.read_text()), log.read_text()
        seconds = time.monotonic() - begun
        said = log.read_text()
        assert f"http://127.0.0.1:{port}/" in said
        assert "coordinator, investigator, monitor, manager, designer, administrator; the password" in said
        assert "Dayzero" in title(f"http://127.0.0.1:{port}/")
    assert process.returncode == 0, log.read_text()
    assert "Stopped." in log.read_text()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0, "nobody listens any more"
    print(f"page after {seconds:.1f} s, the {'first' if before is None else 'second'} time")
    if before is not None:
        assert contents(database) == before
        assert before["participants_participant"][0] == 40


def test_a_taken_port_is_said_before_anything_is_done(tmp_path: Path) -> None:
    database = tmp_path / "untouched.sqlite3"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = refused("rundemo", PORT=str(port), DATABASE_URL=f"sqlite:///{database}")
    assert f"Port {port} is taken" in done
    assert f"PORT={port + 1} make run" in done
    assert not database.exists()


def test_a_port_that_cannot_be_is_said() -> None:
    assert refused("rundemo", PORT="abc") == "CommandError: PORT is 'abc'; it can be 1 to 65535."


def test_production_settings_refuse_made_up_accounts(tmp_path: Path) -> None:
    place = COMPLETE | {"DATABASE_URL": f"sqlite:///{tmp_path}/real.sqlite3"}
    run(*MANAGE, "migrate", "-v0", **place)
    for command in ("rundemo", "load_demo"):
        assert "never" in refused(command, **place)
    assert contents(tmp_path / "real.sqlite3")["trials_user"][0] == 0


def refused(*arguments: str, **given: str) -> str:
    """The last words of a command that fails."""
    done = subprocess.run(
        [*MANAGE, *arguments],
        cwd=ROOT,
        env=environment(**given),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0, done.stdout
    return done.stderr.strip().splitlines()[-1]
