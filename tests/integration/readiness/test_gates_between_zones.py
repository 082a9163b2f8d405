"""A gate that looks at somebody at another site asks what day it is there, not at the site that asks.

On 8 December 2026 at 01:00 UTC it is Tuesday the 8th in Shanghai and still Monday the 7th in Los Angeles.
Of CART-SLE, chemotherapy was given on 2 to 4 December for an infusion on the 7th, which has not come: while
its day lasts the observation ends on a known day, and once it is over nobody knows when it ends.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any

import pytest

from participants.domain.anchors import RecordedAnchor
from participants.models import Participant
from schedules.domain.errors import EnrolmentRefused, ReplanningRefused
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.services.enrolment.enrolling import Enrolment, enrol, preview_enrolment
from schedules.services.replanning.moves import commit_replanning, preview_replanning, record_anchor
from schedules.services.replanning.previews import Proposal
from schedules.services.replanning.refusals import StartNeedsReason
from tests.cast import a_site, a_version, an_enrolment
from tests.integration.visits.test_visits import CONSENT, INFUSION, done, visit
from trials.formats.protocols import library
from trials.models import Site

pytestmark = pytest.mark.django_db

HERE = datetime(2026, 12, 8, 1, tzinfo=UTC)
NOT_KNOWN = "When the observation of a participant at .* ends is not known"
AFTER = date(2027, 1, 11)  # the observation ends on 4 January; chemotherapy begins on the 6th


@pytest.fixture(params=["where its day is over", "where its day lasts"])
def over(request: pytest.FixtureRequest) -> bool:
    """Whether the day of the infusion is over at the site of whoever waits for it."""
    return bool(request.param == "where its day is over")


@pytest.fixture
def places(over: bool) -> tuple[Site, Site]:
    """The site of whoever waits for the infusion, and that of those who come after."""
    shanghai, los_angeles = a_site(), a_site("LA", zone="America/Los_Angeles")
    return (shanghai, los_angeles) if over else (los_angeles, shanghai)


@pytest.fixture
def waiting(places: tuple[Site, Site]) -> Participant:
    version = a_version(text=library.path("CART-SLE").read_text(encoding="utf-8"))
    anchors = {"infusion": AnchorDay(INFUSION), "consent": AnchorDay(CONSENT, AnchorKind.ACTUAL)}
    person = enrol(enrolment=an_enrolment(version, site=places[0], anchors=anchors), by=None)
    given = {"screening": date(2026, 11, 16)} | {f"ld-{n}": date(2026, 12, 1 + n) for n in (1, 2, 3)}
    for code, day in given.items():
        done(visit(person, code), day, datetime.combine(day, time(20), UTC))  # noon in Los Angeles
    return person


def next_one(waiting: Participant, site: Site, number: int, infusion: date, **changes: Any) -> Enrolment:
    """Somebody who is to be enrolled at the other site, planned for a day."""
    anchors = {"infusion": AnchorDay(infusion), "consent": AnchorDay(CONSENT, AnchorKind.ACTUAL)}
    code = f"S02-{number:03}"
    version = waiting.protocol_version
    return an_enrolment(version, site=site, subject_code=code, anchors=anchors, **changes)


def test_enrolling(waiting: Participant, places: tuple[Site, Site], over: bool) -> None:
    """Whoever comes next is enrolled while the observation has a known end, else refused."""
    asked = next_one(waiting, places[1], 1, AFTER, now=HERE)
    if over:
        for enrolling in (lambda: preview_enrolment(asked), lambda: enrol(enrolment=asked, by=None)):
            with pytest.raises(EnrolmentRefused, match=NOT_KNOWN):
                enrolling()
        return
    preview_enrolment(asked)
    assert enrol(enrolment=asked, by=None).subject_code == "S02-001"


def moved(day: date) -> Proposal:
    return Proposal(anchors={"infusion": RecordedAnchor("infusion", planned_on=day)})


def test_moving(waiting: Participant, places: tuple[Site, Site], over: bool) -> None:
    """The same for whoever is on record already and is moved by a week."""
    person = enrol(enrolment=next_one(waiting, places[1], 1, AFTER), by=None)
    proposal = moved(AFTER + timedelta(days=7))
    digest = preview_replanning(participant=person, proposal=proposal, now=HERE).digest
    move = partial(
        commit_replanning,
        participant=person,
        proposal=proposal,
        digest=digest,
        now=HERE,
        by=None,
        reason="a bed",
    )
    if over:
        with pytest.raises(ReplanningRefused, match=NOT_KNOWN):
            move()
        return
    assert move().plan.day_zero == date(2027, 1, 18)


def test_what_a_move_does_to_others(waiting: Participant, places: tuple[Site, Site], over: bool) -> None:
    """Somebody who is put before another closes that one's gate, unless it has no known day anyway."""
    enrol(enrolment=next_one(waiting, places[1], 1, AFTER), by=None)
    person = enrol(enrolment=next_one(waiting, places[1], 2, date(2027, 6, 7)), by=None)
    preview = preview_replanning(participant=person, proposal=moved(date(2027, 1, 10)), now=HERE)
    changed = [(one.subject, one.before.open, one.after.open) for one in preview.around.gates]
    assert changed == ([] if over else [("S02-001", True, False)])


def test_putting_a_start_on_record(waiting: Participant, places: tuple[Site, Site], over: bool) -> None:
    """A start against the closed gate says why it is closed by the day at the site of whoever waits."""
    person = enrol(enrolment=next_one(waiting, places[1], 1, AFTER), by=None)
    start = RecordedAnchor("lymphodepletion-start", actual_on=date(2026, 12, 7))
    with pytest.raises(
        StartNeedsReason, match=NOT_KNOWN if over else "Under observation until Monday 2027-01-04"
    ):
        record_anchor(participant=person, anchor=start, now=HERE, by=None)
