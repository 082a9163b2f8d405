"""The image and what Compose starts from it, as real processes: docker-compose.yml with nothing passed over.

`tests/production/image.py` lists what only root could do; all else is done as the files say.
"""

from __future__ import annotations

import json
import re
import shlex
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError

import psycopg
import pytest
from psycopg import sql

from tests import servers
from tests.clocks import moved_clock
from tests.production.image import ROOT, Compose, Image, let_in
from tests.production.running import eventually, free_port, started
from tests.production.test_settings import environment_file

OWNERS = "own/er?p@ss:w#rd%41 $HOME"
RUNNING = "run/ning?p@ss:w#rd%41'\"x"
FILLED_IN = {
    "SECRET_KEY": "k7#" * 20 + "abcdefgh",
    "ALLOWED_HOSTS": "localhost",
    "POSTGRES_PASSWORD": OWNERS,
    "POSTGRES_APP_PASSWORD": RUNNING,
}
SECRET = "s3cretOfACalendar" + "x" * 26  # of the form that such an address has
HALF_OPEN = (
    b"",
    b"GET /health/ HTTP/1.1\r\nHost: local",
    (
        b"POST /accounts/login/ HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Proto: https\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 500\r\n\r\nlogin="
    ),
)
"""What a client may send before it falls silent: nothing, half a head, half a form."""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("requirements.txt", True),
        ("config/settings/base.py", True),
        ("config/__pycache__/urls.cpython-311.pyc", False),
        ("static/dayzero.css", True),
        ("tests/cast.py", False),
        (".env", False),
        ("dayzero.sqlite3", False),
        ("docs/images/participant.png", False),
    ],
)
def test_what_the_image_is_built_from(path: str, expected: bool) -> None:
    patterns = (ROOT / ".dockerignore").read_text().split()
    assert let_in(path, patterns) is expected


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    built = Image(tmp_path_factory.mktemp("image"))
    built.build()
    return built


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PostgreSQL as its image makes it: the first role with its password, which is asked for."""
    folder = tmp_path_factory.mktemp("server") / "data"
    url = servers.start_postgres(folder)
    user = Compose(FILLED_IN).services()["postgres"]["environment"]["POSTGRES_USER"]
    with psycopg.connect(url, autocommit=True) as session:
        session.execute(
            sql.SQL("CREATE ROLE {} SUPERUSER LOGIN PASSWORD {}").format(sql.Identifier(user), OWNERS)
        )
        session.execute(sql.SQL("CREATE DATABASE dayzero OWNER {}").format(sql.Identifier(user)))
        hba = folder / "pg_hba.conf"
        asked = f"local dayzero {user} scram-sha-256\nlocal dayzero dayzero_app scram-sha-256\n"
        hba.write_text(asked + hba.read_text())
        session.execute("SELECT pg_reload_conf()")
    return url


@dataclass(frozen=True)
class Place:
    """Where the services run."""

    image: Image
    compose: Compose
    host: str
    valkey: str
    port: int
    logs: Path

    @property
    def folder(self) -> Path:
        """Where they are started."""
        return self.image.real(self.image.workdir)

    def run(self, *command: str, of: str) -> None:
        """Run a command to its end with what a service finds; it must end well."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment(of),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def log(self, service: str) -> str:
        """What a service that Compose starts has said so far."""
        return (self.logs / f"{service}0.log").read_text()

    def environment(self, service: str) -> dict[str, str]:
        """What a service finds, with the other services where they really are."""
        given = {
            name: str(self.image.real(value)) if value.startswith("/") else value
            for name, value in self.compose.environment(service).items()
        }
        given["DATABASE_URL"] = given["DATABASE_URL"].replace(
            "@postgres:5432/dayzero", f"@/dayzero?host={self.host}"
        )
        given["REDIS_URL"] = self.valkey
        if service == "web":
            given["PORT"] = str(self.port)
        return self.image.environment | given | moved_clock()

    def command(self, service: str) -> list[str]:
        """What it runs: its own command, or the image's."""
        command = self.compose.services()[service].get("command")
        words = list(self.image.command) if command is None else shlex.split(command)
        return [str(self.image.real(word)) if word.startswith("/") else word for word in words]

    def start(self, service: str, running: ExitStack, *more: str) -> Path:
        """Start a service until `running` is closed; gives its log."""
        log = self.logs / f"{service}{len(more)}.log"
        command = [*self.command(service), *more]
        running.enter_context(started(*command, log=log, cwd=self.folder, **self.environment(service)))
        return log

    def get(self, path: str, port: int | None = None, patience: float = 10.0) -> tuple[int, str]:
        """Ask the web server for a page, as a proxy that ends HTTPS does."""
        address = f"http://localhost:{port or self.port}{path}"
        request = urllib.request.Request(address, headers={"X-Forwarded-Proto": "https"})
        try:
            with urllib.request.urlopen(request, timeout=patience) as answer:  # noqa: S310  ours
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()

    def answers(self, port: int | None = None) -> bool:
        """Whether the web server answers at all."""
        try:
            return self.get("/health/", port)[0] > 0
        except OSError:
            return False


@pytest.fixture(scope="module")
def place(
    image: Image, database: str, valkey_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """What `docker compose up` starts: migrate to its end, then web, worker and beat."""
    values = environment_file(ROOT / ".env.example") | FILLED_IN
    host = re.search(r"host=(\S+)", database)
    assert host
    logs = tmp_path_factory.mktemp("logs")
    place = Place(image, Compose(values), host[1], valkey_url, free_port(), logs)
    place.run(*place.command("migrate"), of="migrate")
    with ExitStack() as running:
        web = place.start("web", running)
        for service in ("worker", "beat"):
            place.start(service, running)
        assert eventually(place.answers, 120), web.read_text()
        yield place


def test_collecting_the_static_files_warns_of_nothing(image: Image) -> None:
    assert "0 silenced" in image.said
    assert "static files copied" in image.said
    # unfold puts its files in place of the admin's, and stands before it for that
    said = re.sub(r"Found another file with the destination path 'admin/js/.*\n", "", image.said)
    assert not re.search(r"warn|W00|Found another file", said, re.IGNORECASE), said


def test_the_environment_holds_what_is_locked_and_nothing_else(image: Image) -> None:
    python = image.real("/opt/venv/bin/python")
    asked = (
        "import importlib.util as u; print(u.find_spec('django') is not None, u.find_spec('pytest') is None)"
    )
    done = subprocess.run([python, "-c", asked], capture_output=True, text=True, check=True, env={})
    assert done.stdout.split() == ["True", "True"]


def test_a_page_comes_with_its_style_sheet(place: Place) -> None:
    status, page = place.get("/accounts/login/")
    assert status == 200, place.log("web")
    sheets = re.findall(r'<link[^>]+rel="stylesheet"[^>]+href="([^"]+)"', page)
    sheets += re.findall(r'<link[^>]+href="([^"]+)"[^>]+rel="stylesheet"', page)
    assert sheets
    for sheet in set(sheets):
        status, text = place.get(sheet)
        assert status == 200, sheet
        assert "{" in text


def test_what_runs_could_not_switch_the_trail_off(place: Place) -> None:
    assert json.loads(place.get("/health/")[1]) == {"status": "ok", "problems": []}
    for service in ("web", "worker", "beat"):
        assert "could switch the audit trail off" not in place.log(service)
        assert OWNERS not in place.environment(service).values(), "the owner's password is for migrate alone"


def test_the_worker_does_what_it_is_rung_for_and_beat_runs(place: Place) -> None:
    chief = ("--noinput", "--username", "chief", "--email", "chief@example.org")
    place.run("python", "manage.py", "createsuperuser", *chief, of="web")  # something to seal
    for task in ("schedules.tasks.sweep", "schedules.tasks.deliver", "trials.tasks.seal"):
        place.run("celery", "--quiet", "--app", "config", "call", task, of="worker")
    assert eventually(lambda: place.log("worker").count(" succeeded in ") >= 3), place.log("worker")
    assert "Traceback" not in place.log("worker")
    heads = Path(place.environment("worker")["AUDIT_HEADS_FILE"])
    assert heads.read_text().count('"head"') == 1, "sealed, and the head handed out"
    assert eventually(lambda: "beat: Starting" in place.log("beat")), place.log("beat")


def test_fifty_half_open_connections_block_no_page(place: Place) -> None:
    with ExitStack() as opened:
        for number in range(51):
            client = opened.enter_context(closing(socket.create_connection(("localhost", place.port))))
            client.sendall(HALF_OPEN[number % len(HALF_OPEN)])
        time.sleep(0.5)
        for _ in range(10):
            began = time.monotonic()
            assert place.get("/accounts/login/")[0] == 200
            assert time.monotonic() - began < 4


def test_the_web_servers_log_holds_no_secret(place: Place) -> None:
    """Gunicorn quotes what it cannot read."""
    for line in (
        f"GET /calendar/{SECRET}.ics HTTP/9.9",
        f"GET http://localhost/calendar/{SECRET}.ics XTTP/1.1",
    ):
        with closing(socket.create_connection(("localhost", place.port))) as client:
            client.sendall(f"{line}\r\nHost: localhost\r\n\r\n".encode())
            client.recv(1000)
    assert eventually(lambda: "Invalid request" in place.log("web"))
    assert SECRET not in place.log("web")


def test_a_request_that_takes_too_long_leaves_no_secret_in_the_log(place: Place, database: str) -> None:
    """With a worker that ends in the middle of a page, as gunicorn's own default does after its timeout."""
    port = free_port()
    with ExitStack() as running, psycopg.connect(database, dbname="dayzero") as holding:
        more = (
            "--worker-class",
            "sync",
            "--threads",
            "1",
            "--workers",
            "1",
            "--timeout",
            "2",
            "--bind",
            f"127.0.0.1:{port}",
        )
        log = place.start("web", running, *more)
        assert eventually(lambda: place.answers(port), 120), log.read_text()
        holding.execute("LOCK TABLE schedules_calendarfeed IN ACCESS EXCLUSIVE MODE")
        with suppress(OSError):
            place.get(f"/calendar/{SECRET}.ics", port, patience=20)
        assert eventually(lambda: "Error handling request" in log.read_text(), 20), log.read_text()
    assert "TIMEOUT" in log.read_text()
    assert SECRET not in log.read_text()
