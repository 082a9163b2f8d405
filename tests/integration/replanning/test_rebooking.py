"""Bookings that a move leaves behind are made again, whatever the clocks do on the new day."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from participants.domain.anchors import RecordedAnchor
from schedules.domain.plan.values import AnchorDay
from schedules.models import Visit
from schedules.services.enrolment.enrolling import enrol
from schedules.services.replanning.moves import Proposal, preview_replanning
from schedules.services.visits.rebooking import replan_and_rebook
from tests.cast import a_site, an_enrolment

BERLIN, NOW = ZoneInfo("Europe/Berlin"), datetime(2026, 9, 1, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("infusion", "moved", "booked", "again"),
    [
        (date(2027, 3, 7), date(2027, 3, 14), datetime(2027, 3, 21, 2, 30, tzinfo=BERLIN), None),
        (date(2026, 10, 4), date(2026, 10, 11), datetime(2026, 10, 18, 2, 30, tzinfo=BERLIN), None),
        (date(2026, 10, 4), date(2026, 10, 12), datetime(2026, 10, 18, 2, 30, tzinfo=BERLIN), 2),
    ],
    ids=["an hour that does not exist", "an hour that comes twice", "an hour as it was"],
)
@pytest.mark.django_db
def test_a_booking_keeps_its_hour_where_the_new_day_has_it(
    infusion: date, moved: date, booked: datetime, again: int | None
) -> None:
    """Day 14 on the day on which the clocks of Berlin change, and on the day after one."""
    site = a_site("BER", zone="Europe/Berlin")
    person = enrol(enrolment=an_enrolment(site=site, anchors={"infusion": AnchorDay(infusion)}), by=None)
    Visit.objects.filter(code="d14").update(booked_on=booked.date(), booked_start=booked)
    anchors = {"infusion": RecordedAnchor("infusion", planned_on=moved)}
    proposal = Proposal(anchors=anchors, accept_unbookable=True)
    shown = preview_replanning(participant=person, proposal=proposal, now=NOW)
    done = replan_and_rebook(
        participant=person, proposal=proposal, digest=shown.digest, now=NOW, by=None, reason="no bed"
    )
    visit = Visit.objects.get(code="d14")
    assert [one.on for one in done] == [visit.target] == [visit.booked_on]
    start = visit.booked_start and visit.booked_start.astimezone(BERLIN)
    assert (start.hour if start else None) == again
