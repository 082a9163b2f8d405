"""A feed as calendar programs take it: vdirsyncer fetches it over HTTP, khal shows it, vobject reads it.

ical.js, which Thunderbird and Nextcloud read with, is asked where node and the package are there:
`npm install ical.js` in a folder, and DAYZERO_NODE_MODULES=its node_modules. Else its test is skipped.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest
import time_machine
import vobject
from django.core.cache import cache
from django.utils import timezone

from participants.domain.anchors import RecordedAnchor
from participants.models import Anchor, Participant
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.domain.visits.values import Booking, Completion
from schedules.models import Visit
from schedules.services.course.holds import Resumption, hold_infusion, resume_infusion
from schedules.services.enrolment.enrolling import enrol
from schedules.services.feeds.subscriptions import open_feed, revoke_feed
from schedules.services.replanning.moves import Proposal, commit_replanning, preview_replanning
from schedules.services.visits.appointments import (
    book_visit,
    cancel_visit,
    complete_visit,
    miss_visit,
    undo_visit,
)
from tests.cast import NOW, TODAY, an_enrolment
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


# --- a whole life, every step by the services and read back by each program ------------------------
SHANGHAI, DAY, HOUR = ZoneInfo("Asia/Shanghai"), timedelta(days=1), timedelta(hours=1)
READ_BY_ICAL_JS = """
const ICAL = (m => m.default || m)(require('ical.js'));
let text = ''; process.stdin.on('data', d => text += d).on('end', () => {
  const events = new ICAL.Component(ICAL.parse(text)).getAllSubcomponents('vevent');
  console.log(JSON.stringify(events.map(e => [e.getFirstPropertyValue('uid'),
    e.getFirstPropertyValue('dtstart').toString(), e.getFirstPropertyValue('status'),
    e.getFirstPropertyValue('summary'), e.getFirstPropertyValue('sequence')])));
});
"""


class Life:
    """One visit, D28 of somebody whose infusion is soon, and what happens to it."""

    def __init__(self, participant: Participant, clock: time_machine.Coordinates) -> None:
        self.participant, self.clock = participant, clock

    @property
    def visit(self) -> Visit:
        return Visit.objects.get(participant=self.participant, code="d28")

    @property
    def today(self) -> date:
        return timezone.now().astimezone(SHANGHAI).date()

    def travel(self, day: date) -> None:
        self.clock.move_to(datetime(day.year, day.month, day.day, 18, tzinfo=SHANGHAI))

    def done(self, *codes: str) -> None:
        """Each on its target day, the latest of which it is afterwards."""
        for code in codes:
            visit = Visit.objects.get(participant=self.participant, code=code)
            self.travel(max(self.today, visit.target))
            completion = Completion(visit.target, activities=None)
            self.act(complete_visit, visit, completion=completion)

    def step(self, service: Callable[..., Any], **values: Any) -> None:
        """A step of the course, which concerns the participant."""
        version = Participant.objects.values_list("version", flat=True).get(pk=self.participant.pk)
        said = {"by": None, "reason": "fever", "now": timezone.now(), **values}
        service(participant=self.participant, version=version, **said)

    def act(self, service: Callable[..., Any], visit: Visit | None = None, **values: Any) -> None:
        visit = visit or self.visit
        service(visit=visit, version=visit.version, by=None, reason="as agreed", now=timezone.now(), **values)

    def book(self, day: date, hour: int) -> None:
        start = datetime(day.year, day.month, day.day, hour, tzinfo=SHANGHAI)
        self.act(book_visit, booking=Booking(day, start, start + HOUR, "Room 3"))

    def slip(self, days: int) -> None:
        anchor = RecordedAnchor("infusion", planned_on=self.infusion + days * DAY)
        proposal = Proposal(anchors={"infusion": anchor}, accept_unbookable=True)
        preview = preview_replanning(participant=self.participant, proposal=proposal, now=timezone.now())
        commit_replanning(
            participant=self.participant,
            proposal=proposal,
            digest=preview.digest,
            now=timezone.now(),
            by=None,
            reason="product late",
        )

    @property
    def infusion(self) -> date:
        planned = Anchor.objects.get(participant=self.participant, code="infusion").planned_on
        assert planned
        return planned

    def steps(self) -> Iterator[tuple[str, str, date, str]]:
        """Each step, done: its name, then status, day and how the title begins."""
        target = self.visit.target
        yield "planned", "TENTATIVE", target, ""
        self.book(target, 9)
        yield "booked", "CONFIRMED", target, ""
        self.book(target + DAY, 10)
        yield "moved", "CONFIRMED", target + DAY, ""
        self.slip(21)
        yield "lost its place", "TENTATIVE", self.visit.target, "Book again: "
        target = self.visit.target
        self.book(target, 11)
        yield "booked again", "CONFIRMED", target, ""
        self.act(cancel_visit)
        yield "cancelled", "CANCELLED", target, "Cancelled: "
        self.act(undo_visit)
        yield "reinstated", (self.visit.booked_on and "CONFIRMED") or "TENTATIVE", target, ""
        self.done("screening", "ld-1")
        self.step(hold_infusion, on=self.today)
        yield "on hold", "TENTATIVE", target, "On hold: "
        self.step(resume_infusion, resumption=Resumption(self.today))
        yield "resumed", "CONFIRMED", target, ""
        self.done("ld-2", "ld-3", "rest", "d0")
        self.travel(target)
        self.act(miss_visit)
        yield "missed", "CONFIRMED", target, "Missed: "
        self.act(undo_visit)
        yield "missed by mistake", "CONFIRMED", target, ""
        self.done("d28")
        yield "done", "CONFIRMED", target, "Done: "


@pytest.fixture
def life() -> Iterator[Life]:
    cache.clear()
    with time_machine.travel(NOW) as clock:
        anchors = {"infusion": AnchorDay(TODAY + 10 * DAY), "consent": AnchorDay(TODAY, AnchorKind.ACTUAL)}
        yield Life(enrol(enrolment=an_enrolment(anchors=anchors), by=None), clock)


@pytest.mark.long
def test_a_visit_is_followed_over_its_whole_life(life: Life, live_server: object, tmp_path: Path) -> None:
    owner = a_coordinator()
    feed, token = open_feed(owner=owner, participant=life.participant, now=timezone.now())
    phone = Phone(tmp_path, f"{live_server}/calendar/{token}.ics")
    sequence, number = -1, Visit.objects.count()
    for step, status, day, begins in life.steps():
        cache.clear()
        phone.fetch()
        copies = list((phone.folder / "copy").glob("*.ics"))
        assert len(copies) == number, step
        found = [icalendar.Calendar.from_ical(copy.read_bytes()).events[0] for copy in copies]
        (event,) = [one for one in found if " D28 " in one["SUMMARY"]]  # it gives UIDs of its own
        start = event.start.astimezone(SHANGHAI).date() if isinstance(event.start, datetime) else event.start
        assert (str(event["STATUS"]), start) == (status, day), step
        assert event["SEQUENCE"] > sequence, step
        sequence = event["SEQUENCE"]
        if status != "CANCELLED":
            shown = [line for line in phone.shows(str(day), str(day + DAY)) if "D28" in line]
            assert len(shown) == 1, step
            assert begins in shown[0], step
    revoke_feed(feed=feed, now=timezone.now())
    cache.clear()
    phone.fetch()
    (left,) = (phone.folder / "copy").glob("*.ics")
    (last,) = vobject.readOne(left.read_text()).vevent_list
    assert last.summary.value == "This calendar subscription has ended", "it emptied the copy"


def test_ical_js_reads_every_step_as_it_is(life: Life, client: Any) -> None:
    modules = os.environ.get("DAYZERO_NODE_MODULES", "")
    if not shutil.which("node") or not (Path(modules or "/nowhere") / "ical.js").is_dir():
        pytest.skip("NOT TESTED WITH ical.js: node or the package is not here (see the head of this file)")
    _feed, token = open_feed(owner=a_coordinator(), participant=life.participant, now=timezone.now())
    for step, status, day, begins in life.steps():
        cache.clear()
        body = client.get(f"/calendar/{token}.ics").content
        read = subprocess.run(
            ["node", "-e", READ_BY_ICAL_JS],
            input=body,
            env={**os.environ, "NODE_PATH": modules},
            capture_output=True,
            timeout=60,
            check=True,
        )
        oracle = {str(one["UID"]): one for one in icalendar.Calendar.from_ical(body).events}
        events = {uid: rest for uid, *rest in json.loads(read.stdout)}
        assert set(events) == set(oracle), step
        start, said, title, sequence = events[life.visit.uid]
        assert (said, sequence) == (status, oracle[life.visit.uid]["SEQUENCE"]), step
        assert title == oracle[life.visit.uid]["SUMMARY"], step
        assert title.startswith(begins), step
        assert abs((date.fromisoformat(start[:10]) - day).days) <= 1, step
