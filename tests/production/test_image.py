"""The image and what Compose starts from it, as real processes: docker-compose.yml with nothing passed over.

`tests/production/image.py` lists what only root could do; all else is done as the files say (`stack.py`).
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from functools import partial
from pathlib import Path
from urllib.error import HTTPError

import psycopg
import pytest
from ruamel.yaml import YAML

from tests.production.image import ROOT, Compose, Image, let_in
from tests.production.running import eventually, free_port, started
from tests.production.stack import Stack, running
from tests.production.test_settings import environment_file

OWNERS = "own/er?p@ss:w#rd%41 $HOME"
RUNNING = "run/ning?p@ss:w#rd%41'\"x"
FILLED_IN = {
    "SECRET_KEY": "k7#" * 20 + "abcdefgh",
    "ALLOWED_HOSTS": "localhost",
    "POSTGRES_PASSWORD": OWNERS,
    "POSTGRES_APP_PASSWORD": RUNNING,
    "METRICS_TOKEN": "w" * 40,
    "WEB_CONCURRENCY": "1",
}
OURS = ("migrate", "owner", "web", "worker", "worker-deliver", "worker-long", "beat", "backup")
SERVERS = ("postgres", "broker", "cache")
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
def stack(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """What `docker compose up --detach` starts from the image."""
    values = environment_file(ROOT / ".env.example") | FILLED_IN
    with running(Stack(image, Compose(values), tmp_path_factory.mktemp("stack"))) as stack:
        yield stack


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


def test_a_page_comes_with_its_style_sheet(stack: Stack) -> None:
    status, page = stack.get("/accounts/login/")
    assert status == 200, stack.log("web")
    sheets = re.findall(r'<link[^>]+rel="stylesheet"[^>]+href="([^"]+)"', page)
    sheets += re.findall(r'<link[^>]+href="([^"]+)"[^>]+rel="stylesheet"', page)
    assert sheets
    for sheet in set(sheets):
        status, text = stack.get(sheet)
        assert status == 200, sheet
        assert "{" in text


def test_every_service_is_well_by_its_own_health_check(stack: Stack) -> None:
    checked = [name for name, one in stack.compose.services().items() if "healthcheck" in one]
    assert set(checked) >= {
        "proxy",
        "web",
        "worker",
        "worker-deliver",
        "worker-long",
        "beat",
        "backup",
        *SERVERS,
    }
    assert {name: stack.unwell(name) for name in checked} == dict.fromkeys(checked, "")


def test_what_a_service_writes_lies_on_a_volume_of_its_own(stack: Stack) -> None:
    for name in OURS:
        service, found = stack.service(name), stack.compose.environment(name)
        mounted = [volume.split(":")[1] for volume in service["volumes"]]
        assert str(Path(found["AUDIT_HEADS_FILE"]).parent) in mounted
        assert (found["BACKUP_FOLDER"] in mounted) is (name in {"backup", "owner"})
        assert service["read_only"], "all else is lost with the container, so nothing else can be written"
        assert found.get("HEARTBEAT_FILE", service["tmpfs"] + "/").startswith(service["tmpfs"] + "/")
        assert service["cap_drop"] == ["ALL"]
    declared = YAML(typ="safe").load((ROOT / "docker-compose.yml").read_text())["volumes"]
    assert set(declared) == {"audit-heads", "backups", "postgres", "proxy"}


def test_the_owners_password_reaches_the_owners_commands_alone(stack: Stack) -> None:
    for name in OURS:
        holds = OWNERS in stack.environment(name).values()
        assert holds is (name in {"migrate", "owner"}), name


def test_every_queue_has_a_worker_and_what_may_hang_has_its_own(stack: Stack) -> None:
    from config.celery import DELIVER, LONG, QUEUES

    workers = [name for name in OURS if name.startswith("worker")]
    words = {name: stack.command(name) for name in workers}
    taken = {name: set(said[said.index("--queues") + 1].split(",")) for name, said in words.items()}
    assert sorted(queue for queues in taken.values() for queue in queues) == sorted(QUEUES)
    assert {DELIVER} in taken.values()
    assert {LONG} in taken.values()


def test_the_connections_of_all_processes_are_added_up_before_any_starts(stack: Stack) -> None:
    code, said = stack.run("migrate", ["python", "manage.py", "check", "--database", "default"])
    assert code == 0, said
    found = re.search(r"hold up to (\d+) connections; the server allows (\d+)", said)
    assert found
    assert int(found[2]) == 200, "the file's own max_connections"
    code, said = stack.run("migrate", stack.command("migrate"), {"WEBS": "3"})
    assert code != 0
    assert "Lower WEBS" in said


def test_what_runs_could_not_switch_the_trail_off(stack: Stack) -> None:
    assert json.loads(stack.get("/health/")[1]) == {"status": "ok", "problems": []}
    for service in ("web", "worker", "beat"):
        assert "could switch the audit trail off" not in stack.log(service)


def test_the_workers_do_what_they_are_rung_for_and_beat_runs(stack: Stack) -> None:
    chief = ("--noinput", "--username", "chief", "--email", "chief@example.org")
    assert stack.run("web", ["python", "manage.py", "createsuperuser", *chief])[0] == 0  # something to seal
    for task in (
        "schedules.tasks.sweep",
        "schedules.tasks.deliver",
        "schedules.tasks.amend",
        "trials.tasks.seal",
    ):
        code, said = stack.run("worker", ["celery", "--quiet", "--app", "config", "call", task])
        assert code == 0, said
    for worker, number in (("worker", 2), ("worker-deliver", 1), ("worker-long", 1)):
        assert eventually(partial(has_succeeded, stack, worker, number)), stack.log(worker)
        assert "Traceback" not in stack.log(worker)
    heads = Path(stack.environment("worker")["AUDIT_HEADS_FILE"])
    assert eventually(heads.exists)
    assert eventually(lambda: heads.read_text().count('"head"') == 1), "sealed, and the head handed out"
    assert eventually(lambda: "beat: Starting" in stack.log("beat")), stack.log("beat")
    line = json.loads(stack.log("worker").splitlines()[-1])
    assert {"at", "level", "logger", "message"} <= set(line), "one JSON object a line"


def has_succeeded(stack: Stack, worker: str, times: int) -> bool:
    """Whether a worker has done so many tasks."""
    return stack.log(worker).count(" succeeded in ") >= times


def test_a_backup_is_there_after_the_first_start(stack: Stack) -> None:
    assert eventually(lambda: "bytes, whole" in stack.log("backup")), stack.log("backup")
    folder = stack.tree.real("/var/lib/dayzero/backups")
    newest = f"/var/lib/dayzero/backups/{max(path.name for path in folder.glob('*.backup'))}"
    code, said = stack.run("backup", ["python", "manage.py", "backup", "--check", newest])
    assert code == 0, said


def through_the_proxy(stack: Stack, path: str) -> tuple[int, dict[str, str], str]:
    """Ask the proxy by HTTPS, with its own certificate."""
    context = ssl.create_default_context(cafile=str(next((stack.folder / "proxy").rglob("root.crt"))))
    request = urllib.request.Request(f"https://localhost:{stack.port('proxy')}{path}")
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(request, timeout=30) as answer:
            return answer.status, dict(answer.headers), answer.read().decode()
    except HTTPError as error:
        return error.code, dict(error.headers), error.read().decode()


def test_the_proxy_ends_https_and_shares_requests_among_the_web_servers(stack: Stack) -> None:
    stack.up("web", "proxy", scale={"web": 2})
    assert eventually(lambda: through_the_proxy(stack, "/health/ready/")[0] == 200, 60), stack.log("proxy")
    status, headers, page = through_the_proxy(stack, "/accounts/login/")
    assert status == 200
    assert "Strict-Transport-Security" in headers
    assert 'name="login"' in page
    for _ in range(20):
        through_the_proxy(stack, "/accounts/login/")
    logs = [(stack.folder / "logs" / f"web{number}.log").read_text() for number in range(2)]
    assert all('"route": "login"' in log for log in logs), "both of them are asked"
    one = next(one for one in stack.instances["web"] if one.number == 1)
    os.killpg(one.process.pid, signal.SIGKILL)
    assert {through_the_proxy(stack, "/accounts/login/")[0] for _ in range(10)} == {200}, (
        "the other one answers"
    )
    assert eventually(lambda: stack.unwell("web") == "", 90), "it restarts unless stopped"
    plain = urllib.request.Request(f"http://localhost:{stack.ports['http']}/accounts/login/")
    with pytest.raises(HTTPError) as refused:
        urllib.request.build_opener(NoRedirect).open(plain, timeout=10)
    assert refused.value.code == 308
    assert refused.value.headers["Location"].startswith("https://localhost")


def test_a_health_check_makes_no_second_certificate_authority(stack: Stack) -> None:
    """CI met it: the check of the first start had put its own authority in the running proxy's place."""
    checks = {
        name: str(one.get("healthcheck", {}).get("test", ""))
        for name, one in stack.compose.services().items()
    }
    assert not [name for name, check in checks.items() if "caddy" in check]
    for _ in range(3):
        assert stack.unwell("proxy") == ""
    roots = list((stack.folder / "proxy").rglob("root.crt"))
    assert len(roots) == 1
    assert through_the_proxy(stack, "/health/ready/")[0] == 200


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows nothing."""

    def redirect_request(self, *_: object) -> None:  # type: ignore[override]
        """Stay where one is."""


def test_three_workers_share_the_work(stack: Stack) -> None:
    stack.up("worker", scale={"worker": 3})
    assert stack.unwell("worker") == ""
    assert len({one.process.pid for one in stack.instances["worker"]}) == 3
    stack.up("worker", scale={"worker": 1})


def test_a_worker_that_is_killed_comes_back_and_a_frozen_one_is_unwell(stack: Stack) -> None:
    before = stack.instances["worker-long"][0].process
    stack.kill("worker-long")
    back = eventually(
        lambda: [one for one in stack.instances["worker-long"] if one.process is not before], 60
    )
    assert back
    assert eventually(lambda: stack.unwell("worker-long") == "", 60)
    heart = Path(stack.environment("beat")["HEARTBEAT_FILE"])
    past = time.time() - 600
    os.utime(heart, (past, past))
    assert "seconds old" in stack.unwell("beat"), "a beat that hangs touches nothing"
    assert eventually(lambda: stack.unwell("beat") == "", 90), "the next ring touches it"


def test_the_cache_and_the_broker_may_go_and_come_back(stack: Stack) -> None:
    stack.stop("cache", "broker")
    status, page = stack.get("/accounts/login/", patience=30)
    assert status == 200, page[:300]
    assert stack.get("/health/ready/")[0] == 200
    before = stack.log("worker").count(" succeeded in ")
    stack.up("cache", "broker")
    assert eventually(lambda: stack.log("worker").count(" succeeded in ") > before, 150), stack.log("worker")[
        -2000:
    ]


def test_fifty_half_open_connections_block_no_page(stack: Stack) -> None:
    with ExitStack() as opened:
        for number in range(51):
            client = opened.enter_context(closing(socket.create_connection(("localhost", stack.port()))))
            client.sendall(HALF_OPEN[number % len(HALF_OPEN)])
        time.sleep(0.5)
        for _ in range(10):
            began = time.monotonic()
            assert stack.get("/accounts/login/")[0] == 200
            assert time.monotonic() - began < 4


def test_the_measures_are_shown_to_prometheus_alone(stack: Stack) -> None:
    assert stack.get("/metrics/")[0] == 404
    asked = urllib.request.Request(
        f"http://localhost:{stack.port()}/metrics/",
        headers={"X-Forwarded-Proto": "https", "Authorization": f"Bearer {FILLED_IN['METRICS_TOKEN']}"},
    )
    with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310  ours
        text = answer.read().decode()
    assert 'dayzero_queue_length{queue="deliver"}' in text
    assert 'dayzero_task_started_seconds_ago{task="schedules.tasks.sweep"}' in text
    assert 'dayzero_unreadable{part="queues"} 0.0' in text


def test_no_log_holds_the_secret_of_a_calendar(stack: Stack) -> None:
    """What the web server and the proxy cannot read, do not find or cannot pass on, they would quote."""
    for line in (
        f"GET /calendar/{SECRET}.ics HTTP/9.9",
        f"GET http://localhost/calendar/{SECRET}.ics XTTP/1.1",
    ):
        with closing(socket.create_connection(("localhost", stack.port()))) as client:
            client.sendall(f"{line}\r\nHost: localhost\r\n\r\n".encode())
            client.recv(1000)
    assert eventually(lambda: "Invalid request" in stack.log("web"))
    address = f"/calendar/{SECRET}.ics"
    assert eventually(lambda: through_the_proxy(stack, "/health/ready/")[0] == 200, 60)
    assert through_the_proxy(stack, address)[0] == 404
    assert eventually(lambda: '"route": "feed"' in stack.log("web"))
    stack.stop("web")
    status, _headers, page = through_the_proxy(stack, address)
    assert status == 503
    assert "Nothing was saved" in page
    # Caddy writes an error that has an answer of its own as DEBUG alone: there is nothing to wait for.
    for name in stack.compose.services():
        assert SECRET not in stack.log(name), name
    stack.up("web", "proxy")


def test_a_request_that_takes_too_long_leaves_no_secret_in_the_log(stack: Stack, tmp_path: Path) -> None:
    """With a worker that ends in the middle of a page, as gunicorn's own default does after its timeout."""
    port, log = free_port(), tmp_path / "log"
    more = ("--worker-class", "sync", "--threads", "1", "--workers", "1", "--timeout", "2")
    command = [*stack.command("web"), *more, "--bind", f"127.0.0.1:{port}"]
    given = stack.environment("web")
    with (
        started(*command, log=log, cwd=stack.place, **given),
        psycopg.connect(stack.server, dbname="dayzero") as holding,
    ):
        assert eventually(lambda: stack.answers(port), 120), log.read_text()
        holding.execute("LOCK TABLE schedules_calendarfeed IN ACCESS EXCLUSIVE MODE")
        with suppress(OSError):
            stack.get(f"/calendar/{SECRET}.ics", port, patience=20)
        assert eventually(lambda: "Error handling request" in log.read_text(), 20), log.read_text()
    assert "TIMEOUT" in log.read_text()
    assert SECRET not in log.read_text()
