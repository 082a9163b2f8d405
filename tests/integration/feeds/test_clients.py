"""A feed as calendar programs take it: vdirsyncer fetches it over HTTP, khal shows it, vobject reads it."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import vobject
from django.core.cache import cache
from django.utils import timezone

from participants.models import Participant
from schedules.models import CalendarFeed, CalendarState, Visit
from schedules.services.feeds.subscriptions import open_feed, revoke_feed
from tests.phones import a_coordinator

pytestmark = pytest.mark.django_db(transaction=True)
BIN = Path(sys.executable).parent
# A zone of its own for khal, so that a wrong hour would show.
KHAL = """
[calendars]
[[feed]]
path = {folder}/copy
type = calendar
[locale]
timeformat = %H:%M
dateformat = %Y-%m-%d
longdateformat = %Y-%m-%d
datetimeformat = %Y-%m-%d %H:%M
longdatetimeformat = %Y-%m-%d %H:%M
local_timezone = Asia/Shanghai
default_timezone = Asia/Shanghai
[sqlite]
path = {folder}/khal.db
"""
VDIRSYNCER = """
[general]
status_path = "{folder}/status/"
[pair feed]
a = "address"
b = "copy"
collections = null
conflict_resolution = "a wins"
[storage address]
type = "http"
url = "{url}"
[storage copy]
type = "filesystem"
path = "{folder}/copy"
fileext = ".ics"
"""


class Phone:
    """Somebody's own copy of a calendar."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        (folder / "copy").mkdir()
        (folder / "vdirsyncer").write_text(VDIRSYNCER.format(folder=folder, url=url))
        (folder / "khal").write_text(KHAL.format(folder=folder))
        self._run("vdirsyncer", "-c", "vdirsyncer", "discover")

    def fetch(self) -> None:
        self._run("vdirsyncer", "-v", "WARNING", "-c", "vdirsyncer", "sync", "--force-delete")

    def shows(self, first: str, last: str) -> list[str]:
        """Start and title of what it shows between two days."""
        shown = self._run(
            "khal", "-c", "khal", "list", "--day-format", "", "--format", "{start} {title}", first, last
        )
        return [line.strip() for line in shown.splitlines() if line.strip()]

    def _run(self, program: str, *arguments: str) -> str:
        done = subprocess.run(
            [BIN / program, *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def subscription(participant: Participant) -> tuple[CalendarFeed, str]:
    cache.clear()
    return open_feed(owner=a_coordinator(), participant=participant, now=timezone.now())


@pytest.fixture
def phone(subscription: tuple[CalendarFeed, str], live_server: object, tmp_path: Path) -> Phone:
    return Phone(tmp_path, f"{live_server}/calendar/{subscription[1]}.ics")


def test_a_calendar_program_follows_a_feed_to_its_end(
    phone: Phone, participant: Participant, subscription: tuple[CalendarFeed, str]
) -> None:
    phone.fetch()
    trial = participant.trial.called
    assert f"2027-01-04 {trial} S01-001 D28 ±3" in phone.shows("2027-01-01", "2027-01-10")
    copies = list((phone.folder / "copy").glob("*.ics"))
    assert len(copies) == Visit.objects.count()

    nine = timezone.now().replace(year=2027, month=1, day=5, hour=1, minute=0, second=0, microsecond=0)
    later = timezone.now() + timedelta(seconds=2)
    Visit.objects.filter(code="d28").update(
        booked_on="2027-01-05",
        booked_start=nine,
        booked_end=nine + timedelta(hours=1),
        sequence=1,
        changed_at=later,
    )
    CalendarState.objects.update(revision=2, changed_at=later)
    phone.fetch()
    assert f"2027-01-05 09:00 {trial} S01-001 D28 ±3" in phone.shows("2027-01-01", "2027-01-10")
    assert len(list((phone.folder / "copy").glob("*.ics"))) == len(copies), "moved, not doubled"

    feed = subscription[0]
    revoke_feed(feed=feed, now=timezone.now())
    phone.fetch()
    assert phone.shows("2027-01-01", "2027-01-10") == []
    (left,) = (phone.folder / "copy").glob("*.ics")
    (event,) = vobject.readOne(left.read_text()).vevent_list
    assert event.summary.value == "This calendar subscription has ended"
