"""A database of an older state goes on after migrating: what was signed, sealed, served and said still holds.

`tests/data/before-rooms` was made by the code as it stood before its rooms were laid out again: the demo with
five signed schedules, a sealed trail, two subscribed calendars and every reminder sent. `tests/data/0.1.0` is
the same of the release, made by `python -m tests.production.dataset`: every later migration is tried on it.
"""

import json
import lzma
import re
import sys
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from tests import servers
from tests.production.running import MANAGE, ROOT, run

DATA = ROOT / "tests" / "data"
SETS = ("before-rooms", "0.1.0")


def restored(data: Path, database: str, folder: Path) -> str:
    """The address of a copy of the older database."""
    if database == "sqlite":
        file = folder / "before.sqlite3"
        file.write_bytes(lzma.decompress((data / "sqlite.db.xz").read_bytes()))
        return f"sqlite:///{file}"
    name = f"before_{uuid4().hex}"
    with psycopg.connect(servers.postgres_url(), autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
    url = re.sub(r"/[^/?]*\?", f"/{name}?", servers.postgres_url())
    dump = lzma.decompress((data / "postgres.sql.xz").read_bytes()).decode()
    with psycopg.connect(url, autocommit=True) as server:
        for statements, rows in parts_of(dump):
            server.execute(statements)
            if rows:
                head, *lines = rows.splitlines(keepends=True)
                with server.cursor().copy(head.rstrip().rstrip(";")) as copy:
                    copy.write("".join(lines))
    return url


def parts_of(dump: str) -> list[tuple[str, str]]:
    """A dump as pairs: statements, and the rows of one table that come after them."""
    dump = re.sub(r"^\\(un)?restrict .*$", "", dump, flags=re.MULTILINE)
    parts = []
    for part in re.split(r"^\\\.$", dump, flags=re.MULTILINE):
        statements, found, rows = part.partition("\nCOPY ")
        parts.append((statements, f"COPY {rows.rstrip(chr(10))}\n" if found else ""))
    return parts


@pytest.fixture(
    scope="module",
    params=[(data, database) for data in SETS for database in ("sqlite", "postgres")],
    ids="-".join,
)
def upgraded(request, tmp_path_factory):
    """What was known before, what is found after, and what the verifier says of the trail."""
    data, database = DATA / request.param[0], request.param[1]
    folder = tmp_path_factory.mktemp(database)
    url = restored(data, database, folder)
    given = {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "config.settings.development"}
    facts = data / f"{database}.json"
    run(*MANAGE, "migrate", "-v0", **given)
    heads = folder / "heads"
    heads.write_text(json.loads(facts.read_text())["heads"])
    verified = run(*MANAGE, "verify_audit", "--heads", str(heads), **given)
    found = json.loads(
        run(sys.executable, "-m", "tests.production.upgraded", str(facts), **given).splitlines()[-1]
    )
    return json.loads(facts.read_text()), found, verified


def test_every_signature_stands_after_an_upgrade(upgraded) -> None:
    before, found, _ = upgraded
    assert (len(before["signed"]), found["void"]) == (5, [])


def test_the_sealed_trail_is_whole_after_an_upgrade(upgraded) -> None:
    _, _, verified = upgraded
    assert "The trail is whole." in verified


def test_a_subscribed_phone_is_given_the_same_events_with_the_same_stamps(upgraded) -> None:
    before, found, _ = upgraded
    assert found["stamps"] == [feed["stamps"] for feed in before["feeds"]]


def test_nothing_is_said_twice_after_an_upgrade(upgraded) -> None:
    before, found, _ = upgraded
    assert (found["written"], found["sent"], found["reminders"]) == (0, 0, before["reminders"])


def test_a_record_has_one_history_across_a_rename(upgraded) -> None:
    _, found, _ = upgraded
    assert found["after a rename"] == {
        "first": "create",
        "told": [["booked_place", "before the rename"], ["booked_place", "after it"]],
        "under another name": 0,
    }


def test_every_visit_keeps_its_history_after_an_upgrade(upgraded) -> None:
    _, found, _ = upgraded
    assert found["visits without a history"] == []
