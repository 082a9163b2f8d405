"""Calendar addresses are made, shown, fetched and ended on real processes; then what they left is searched.

The proxy, the web server, the workers, beat and backup write logs; the database holds sessions, messages,
jobs and the trail; Valkey holds cache and queues; a Sentry server gets the errors. No secret of a calendar
may stand in any of them: only its SHA-256 in one column.
"""

from __future__ import annotations

import gzip
import re
import ssl
import subprocess
import threading
import zlib
from collections.abc import Iterator
from html.parser import HTMLParser
from http.client import HTTPConnection, HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlencode

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.production.image import ROOT, Compose
from tests.production.running import eventually
from tests.production.stack import COLLECTING, Checkout, Stack, running, tools
from tests.production.test_settings import environment_file

LOGIN = "nurse"
PASSWORD = "a long enough pass phrase 7"
TOKEN = re.compile(r"/calendar/([A-Za-z0-9_-]{43})\.ics")
FILLED_IN = {
    "SECRET_KEY": "k7#" * 20 + "abcdefgh",
    "ALLOWED_HOSTS": "localhost",
    "POSTGRES_PASSWORD": "owner",
    "POSTGRES_APP_PASSWORD": "app",
    "WEB_CONCURRENCY": "1",
    "WEB_THREADS": "8",
    "WORKER_CONCURRENCY": "1",
    "LOG_FORMAT": "json",
    "SECOND_FACTOR_ROLES": "superuser",
}
SOMEBODY = f"""
from datetime import date
from trials.audit.acts import caused_by
from trials.models import Site, User
from trials.services.accounts.memberships import grant_membership
with caused_by("test"):
    site = Site.objects.create(code="S01", name="Somewhere", zone="Asia/Shanghai")
    user = User.objects.create_user("{LOGIN}", password={PASSWORD!r})
    grant_membership(user=user, role="coordinator", site=site, starts_on=date(2020, 1, 1), by=None)
"""
REFUSED = {404, 405, 414, 431, 400}


@pytest.fixture(scope="module")
def reports() -> Iterator[tuple[str, list[bytes]]]:
    """A Sentry server's address, and what it was sent."""
    got: list[bytes] = []

    class Sentry(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            got.append(unpacked(body, self.headers.get("Content-Encoding")))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Sentry) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://key@127.0.0.1:{server.server_port}/1", got
        server.shutdown()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, reports: tuple[str, list[bytes]]) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("stack")
    tree = Checkout(folder)
    for path in ("/tmp", "/var/lib/dayzero/audit", "/var/lib/dayzero/backups"):  # noqa: S108  the image's
        tree.real(path).mkdir(parents=True)
    command = ["python", "manage.py", "collectstatic", "--noinput", "-v0"]
    subprocess.run(command, cwd=ROOT, env=tree.environment | COLLECTING, check=True)
    given = environment_file(ROOT / ".env.example") | FILLED_IN | {"SENTRY_DSN": reports[0]}
    with running(Stack(tree, Compose(given), folder)) as stack:
        yield stack


def unpacked(body: bytes, coding: str | None) -> bytes:
    """What a report says, however it travelled."""
    if coding == "br":
        import brotli

        return bytes(brotli.decompress(body))
    return gzip.decompress(body) if coding == "gzip" else body


class Form(HTMLParser):
    """What a browser would send of the form on a page that has this field."""

    def __init__(self, page: str, having: str) -> None:
        super().__init__()
        self.forms: list[dict[str, str]] = []
        self.select = ""
        self.feed(page)
        self.values = next(form for form in self.forms if having in form)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append({})
        elif not self.forms:
            return
        elif tag == "select":
            self.select = given.get("name", "")
        elif tag == "option" and self.select:
            if "selected" in given or self.select not in self.forms[-1]:
                self.forms[-1][self.select] = given.get("value", "")
        elif tag == "input" and "name" in given:
            unchecked = given.get("type") in {"checkbox", "radio"} and "checked" not in given
            if not unchecked:
                self.forms[-1][given["name"]] = given.get("value", "on")

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self.select = ""


class Browser:
    """Somebody who is signed in, at the web server as its proxy asks it."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self.cookies = stack, dict[str, str]()

    def ask(self, method: str, path: str, values: dict[str, str] | None = None) -> tuple[int, str]:
        asked = HTTPConnection("localhost", self.stack.port(), timeout=60)
        headers = {
            "X-Forwarded-Proto": "https",
            "Host": "localhost",
            "Referer": "https://localhost/",
            "Origin": "https://localhost",
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
        }
        if values is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        asked.request(method, path, urlencode(values) if values is not None else None, headers)
        answer = asked.getresponse()
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                key, _, kept = value.partition(";")[0].partition("=")
                self.cookies[key] = kept
        text = answer.read().decode()
        if answer.status in {302, 303}:
            return self.ask("GET", answer.headers["Location"].removeprefix("https://localhost"))
        return answer.status, text

    def sign_in(self) -> None:
        _status, page = self.ask("GET", "/accounts/login/")
        values = Form(page, "password").values | {"login": LOGIN, "password": PASSWORD}
        status, page = self.ask("POST", "/accounts/login/", values)
        assert status == 200, page
        assert "sessionid" in str(self.cookies), page


def fetched(stack: Stack, path: str, method: str = "GET", **headers: str) -> int:
    """Ask the proxy as a phone does."""
    trust = ssl.create_default_context()
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    asked = HTTPSConnection("localhost", stack.ports["proxy"], timeout=60, context=trust)
    asked.request(method, path, headers={"User-Agent": "iOS/18.1 dataaccessd/1.0", **headers})
    answer = asked.getresponse()
    answer.read()
    return answer.status


def seen_by_somebody(stack: Stack) -> tuple[list[str], str]:
    """Make addresses on the pages and use them in every way; give their secrets, and the session's key."""
    made = stack.run("web", ["python", "manage.py", "shell", "-c", SOMEBODY])
    assert made[0] == 0, made[1]
    browser = Browser(stack)
    browser.sign_in()
    _status, page = browser.ask("GET", "/calendars/new/")
    form = Form(page, "form_key").values
    status, page = browser.ask("POST", "/calendars/new/", form)
    assert status == 200, page
    first = TOKEN.findall(page)[0]
    assert browser.ask("POST", "/calendars/new/", form)[0] == 409, "sent again, the form makes no other"
    _status, listed = browser.ask("GET", "/calendars/")
    assert first not in listed
    replace = re.findall(r"/calendars/(\d+)/replace/", listed)[0]
    token = Form(listed, "csrfmiddlewaretoken").values["csrfmiddlewaretoken"]
    use(stack, first)
    status, page = browser.ask("POST", f"/calendars/{replace}/replace/", {"csrfmiddlewaretoken": token})
    second = TOKEN.findall(page)[0]
    assert second != first
    use(stack, second)
    assert fetched(stack, f"/calendar/{first}.ics") in {200, 429}, "what has ended says so, once it may"
    return [first, second], browser.cookies["sessionid"]


def use(stack: Stack, secret: str) -> None:
    """Fetch an address, rightly and wrongly, and once while the database has lost a table."""
    path = f"/calendar/{secret}.ics"
    assert fetched(stack, path) == 200
    assert fetched(stack, path, **{"Accept-Encoding": "gzip", "If-None-Match": '"x"'}) == 200
    assert fetched(stack, path, **{"If-None-Match": "*"}) == 304
    assert fetched(stack, path, "HEAD") == 200
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PROPFIND", "TRACE"):
        assert fetched(stack, path, method) in REFUSED, method
    longer = f"/calendar/{secret * 40}.ics"
    for wrong in (f"{path}/", f"{path}?token={secret}", f"/calendar/{secret}", longer):
        assert fetched(stack, wrong) in REFUSED | {200}, wrong[:60]
    assert fetched(stack, f"/{secret}") in REFUSED | {302}
    with psycopg.connect(stack.server, dbname="dayzero", autocommit=True) as owner:
        owner.execute("ALTER TABLE schedules_feedshown RENAME TO gone")
        try:
            assert fetched(stack, path) == 500
        finally:
            owner.execute("ALTER TABLE gone RENAME TO schedules_feedshown")
    while fetched(stack, path) != 429:
        pass


def places(stack: Stack, sent: list[bytes]) -> dict[str, bytes]:
    """All that the processes wrote, by what it is called."""
    found = {str(file): read(file) for file in stack.folder.rglob("*") if file.is_file()}
    dump = [str(tools() / "pg_dump"), "--dbname", make_conninfo(stack.server, dbname="dayzero"), "--inserts"]
    found["database"] = subprocess.run(dump, capture_output=True, check=True).stdout
    for name in ("broker", "cache"):
        found[name] = in_valkey(stack.port(name))
    found["reports"] = b"\n".join(sent)
    return found


def read(file: Path) -> bytes:
    """A file as it is, and unpacked where it is packed."""
    body = file.read_bytes()
    if file.suffix == ".gz":
        return gzip.decompress(body)
    return body


def in_valkey(port: int) -> bytes:
    """Every key and value that a server holds."""
    import valkey

    held = []
    for number in range(4):
        client = valkey.Valkey(port=port, db=number)
        for key in client.scan_iter():
            held += [key, client.dump(key) or b""]
            if client.type(key) == b"string":
                value = client.get(key) or b""
                held.append(value)
                try:
                    held.append(zlib.decompress(value))
                except zlib.error:
                    continue
    return b"\n".join(held)


@pytest.mark.long
def test_no_secret_of_a_calendar_is_left_anywhere(stack: Stack, reports: tuple[str, list[bytes]]) -> None:
    secrets, session = seen_by_somebody(stack)
    assert stack.run("web", ["python", "manage.py", "sweep"])[0] == 0
    assert eventually(lambda: len(reports[1]) > 0, 30), "an error was reported"
    assert eventually(lambda: '"route": "feed"' in stack.log("web"))
    assert '"status": 500' in stack.log("web"), "the error was logged"
    assert stack.run("backup", ["python", "manage.py", "backup"])[0] == 0
    found = places(stack, reports[1])
    assert any(session.encode() in body for body in found.values()), "what is there is found"
    assert b"ProgrammingError" in found["reports"]
    assert b"limit:feed" in found["cache"], "the cache was read"
    for secret in secrets:
        for name, body in found.items():
            assert secret.encode() not in body, f"a secret stands in {name}"
