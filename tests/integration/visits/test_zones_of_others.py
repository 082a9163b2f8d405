"""The faults of zones, tried where the clocks differ most: half hours, the date line, other ends of a day."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from participants.domain.anchors import RecordedAnchor
from participants.domain.lifecycle import Step
from participants.models import Participant
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.domain.visits.values import Booking, Completion
from schedules.models import Deviation, ValueDifference, Visit
from schedules.services.course.status_changes import StepRequest, take_step
from schedules.services.deviations.classification import sweep_unrecorded
from schedules.services.enrolment.enrolling import enrol
from schedules.services.exchange.reports import Report, report_anchor, report_visit
from schedules.services.replanning.moves import replan_many
from schedules.services.visits.appointments import complete_visit
from schedules.services.visits.unscheduled import Unscheduled, add_unscheduled
from schedules.services.windows.evaluation import sweep_windows
from tests.cast import a_site, an_approval, an_enrolment
from tests.integration.visits.test_visits import CONSENT, INFUSION, conditioned, done, visit
from trials.models import Site

pytestmark = pytest.mark.django_db
SHANGHAI = ZoneInfo("Asia/Shanghai")
NIGHT = datetime(2026, 12, 7, 0, 15, tzinfo=SHANGHAI)
EVENING = datetime(2026, 12, 7, 23, 45, tzinfo=SHANGHAI)
LATER = datetime(2026, 12, 9, 12, tzinfo=UTC)


def days(participant: Participant) -> dict[str, tuple[Any, ...]]:
    rows = Visit.objects.filter(participant=participant)
    columns = ("code", "label", "anchor_on", "opens", "target", "closes", "performed_on")
    return {row[0]: row[1:] for row in rows.values_list(*columns)}


@pytest.mark.parametrize(
    ("zone", "at", "transfer"),
    [
        ("Asia/Kolkata", NIGHT, True),
        ("America/St_Johns", NIGHT, False),
        ("Australia/Lord_Howe", EVENING, True),
        ("Pacific/Apia", EVENING, True),
        ("Pacific/Kiritimati", EVENING, False),
        ("Pacific/Midway", NIGHT, True),
    ],
)
def test_no_day_on_record_moves_to_another_zone(zone: str, at: datetime, transfer: bool) -> None:
    anchors = {"infusion": AnchorDay(INFUSION), "consent": AnchorDay(CONSENT, AnchorKind.ACTUAL)}
    person = enrol(enrolment=an_enrolment(anchors=anchors), by=None)
    conditioned(person)
    done(visit(person, "rest"), date(2026, 12, 6), datetime(2026, 12, 6, 4, tzinfo=UTC))
    d0 = visit(person, "d0")
    given = Completion(INFUSION, at, activities=None)
    complete_visit(visit=d0, version=d0.version, completion=given, by=None, now=EVENING)
    added = Unscheduled(Booking(date(2026, 12, 8)))
    add_unscheduled(participant=person, asked=added, by=None, reason="rash", now=EVENING)
    before = days(person)
    if transfer:
        there = a_site("THERE", zone=zone)
        an_approval(there, person.protocol_version)
        person.refresh_from_db()
        request = StepRequest(Step.TRANSFER, date(2026, 12, 8), site=there, release=True)
        take_step(
            participant=person,
            version=person.version,
            request=request,
            by=None,
            reason="moves",
            now=LATER,
        )
    else:
        person.site.zone = zone
        person.site.save()
    replan_many(ids=[person.pk], proposals={}, now=LATER, by=None, reason="once more")
    sweep_windows(now=LATER)
    sweep_unrecorded(now=LATER)
    assert days(person) == before
    found = Deviation.objects.filter(withdrawn_on=None, lapsed_on=None).values_list("kind", "visit__code")
    assert list(found.exclude(kind="unrecorded", visit__code="early-termination")) == []


@pytest.mark.parametrize(("zone", "at"), [("Pacific/Kiritimati", EVENING), ("America/Sao_Paulo", NIGHT)])
def test_an_edc_that_has_the_day_on_record_agrees_in_another_zone(zone: str, at: datetime) -> None:
    """The hour was compared by the clocks of the new zone, where it is of another day."""
    anchors = {"infusion": AnchorDay(INFUSION), "consent": AnchorDay(CONSENT, AnchorKind.ACTUAL)}
    person = enrol(enrolment=an_enrolment(anchors=anchors), by=None)
    conditioned(person)
    done(visit(person, "rest"), date(2026, 12, 6), datetime(2026, 12, 6, 4, tzinfo=UTC))
    d0 = visit(person, "d0")
    given = Completion(INFUSION, at, activities=None)
    d0 = complete_visit(visit=d0, version=d0.version, completion=given, by=None, now=EVENING)
    Site.objects.update(zone=zone)
    d0.refresh_from_db()
    report = Report(Completion(INFUSION, activities=None), client="rave-live")
    report_visit(visit=d0, version=d0.version, report=report, by=None, now=LATER)
    person.refresh_from_db()
    anchor = RecordedAnchor("infusion", actual_on=INFUSION)
    report_anchor(participant=person, anchor=anchor, report=Report(""), by=None, now=LATER)
    assert not ValueDifference.objects.exists()
