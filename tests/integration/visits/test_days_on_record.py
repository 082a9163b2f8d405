"""The day of what happened is a fact: another site's zone, or a corrected one, moves none of it."""

from __future__ import annotations

import importlib
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.apps import apps
from django.test import Client

from participants.domain.anchors import RecordedAnchor
from participants.domain.fact_kinds import Admission, TestResult
from participants.domain.lifecycle import Step
from participants.models import Anchor, Fact, Participant
from schedules.api.reading.people import ActivitySerializer
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.domain.visits.status import Appointment, appointment
from schedules.domain.visits.values import Booking, Completion
from schedules.models import Deviation, Visit, VisitActivity
from schedules.selectors.store.records import records_of
from schedules.selectors.store.stored_visits import record_of
from schedules.selectors.trust.signing import signable_schedule
from schedules.services.course.status_changes import StepRequest, take_step
from schedules.services.enrolment.enrolling import enrol
from schedules.services.replanning.moves import record_anchor, replan_many
from schedules.services.store.plan_rows import WINDOW_COLUMNS
from schedules.services.store.replanning_rows import with_days_gone_by
from schedules.services.visits.appointments import book_visit, complete_visit, record_arrival
from schedules.services.windows.facts import record_fact
from tests.cast import a_site, an_approval, an_enrolment
from tests.integration.visits.test_visits import CONSENT, INFUSION, conditioned, done, visit
from trials.models import User

pytestmark = pytest.mark.django_db

SHANGHAI = ZoneInfo("Asia/Shanghai")
AT = datetime(2026, 12, 7, 2, 30, tzinfo=SHANGHAI)
"""The infusion: still Sunday the 6th in Los Angeles."""
LATER = datetime(2026, 12, 9, 4, tzinfo=UTC)


@pytest.fixture
def participant() -> Participant:
    anchors = {"infusion": AnchorDay(INFUSION), "consent": AnchorDay(CONSENT, AnchorKind.ACTUAL)}
    person = enrol(enrolment=an_enrolment(anchors=anchors), by=None)
    conditioned(person)
    done(visit(person, "rest"), date(2026, 12, 6), datetime(2026, 12, 6, 4, tzinfo=UTC))
    d0 = visit(person, "d0")
    completion = Completion(INFUSION, AT, activities=None)
    complete_visit(visit=d0, version=d0.version, completion=completion, by=None, now=AT)
    return person


def transferred(participant: Participant) -> None:
    there = a_site("LA", zone="America/Los_Angeles")
    an_approval(there, participant.protocol_version)
    participant.refresh_from_db()
    request = StepRequest(Step.TRANSFER, date(2026, 12, 8), site=there)
    take_step(
        participant=participant,
        version=participant.version,
        request=request,
        by=None,
        reason="moves house",
        now=LATER,
    )
    participant.refresh_from_db()


def corrected(participant: Participant) -> None:
    site = participant.site
    site.zone = "America/Los_Angeles"
    site.save()
    replan_many(ids=[participant.pk], proposals={}, now=LATER, by=None, reason="the zone was wrong")
    participant.refresh_from_db()


def days(participant: Participant) -> dict[str, tuple[Any, ...]]:
    rows = Visit.objects.filter(participant=participant)
    columns = ("code", "anchor_on", "opens", "target", "closes", "performed_on")
    return {row[0]: row[1:] for row in rows.values_list(*columns)}


@pytest.mark.parametrize("turn", [transferred, corrected])
def test_another_zone_moves_no_day_on_record(participant: Participant, turn: Any) -> None:
    before = days(participant)
    assert before["d28"][2] == date(2027, 1, 4)
    turn(participant)
    assert days(participant) == before
    d0 = visit(participant, "d0")
    assert appointment(record_of(d0), date(2026, 12, 8)) is Appointment.DONE
    assert not Deviation.objects.filter(withdrawn_on=None).exists()


@pytest.mark.parametrize("turn", [transferred, corrected])
def test_what_is_planned_later_counts_from_the_day_on_record(participant: Participant, turn: Any) -> None:
    turn(participant)
    replan_many(ids=[participant.pk], proposals={}, now=LATER, by=None, reason="once more")
    (record,) = records_of([participant.pk])
    infusion = record.anchor_days({})["infusion"]
    assert (infusion.day, infusion.at) == (INFUSION, AT)
    assert f"{infusion.at:%H:%M}" == "02:30", "by the clocks of the place where it was"
    assert days(participant)["d28"][2] == date(2027, 1, 4)


@pytest.mark.parametrize("turn", [transferred, corrected])
def test_an_hour_is_shown_by_the_clocks_by_which_it_was_recorded(
    participant: Participant, turn: Any, client: Client
) -> None:
    """Beside its day: 02:30 on the 7th in Shanghai is 10:30 on the 6th in Los Angeles."""
    d0 = visit(participant, "d0")
    made = VisitActivity(visit=d0, participant=participant, code="cbc", label="Blood count", done=True)
    made.done_at = AT
    made.save()
    turn(participant)
    client.force_login(User.objects.create_superuser("root", password="a long and made-up one"))
    said = client.get(f"/visits/{d0.pk}/").content.decode()
    assert "02:30" in said
    assert "10:30" not in said
    done_at = ActivitySerializer(VisitActivity.objects.get(pk=made.pk)).data["done_at"]
    assert f"{done_at:%Y-%m-%d %H:%M}" == "2026-12-07 02:30"


@pytest.mark.parametrize("turn", [transferred, corrected])
def test_an_arrival_and_a_booking_keep_the_hours_of_their_clocks(
    participant: Participant, turn: Any, client: Client
) -> None:
    d28, booking = visit(participant, "d28"), Booking(INFUSION, AT)
    book_visit(visit=d28, version=d28.version, booking=booking, by=None, reason="earlier", now=AT)
    d28.refresh_from_db()
    record_arrival(visit=d28, version=d28.version, by=None, now=AT)
    turn(participant)
    root = User.objects.create_superuser("root", password="a long and made-up one")
    client.force_login(root)
    said = client.get(f"/visits/{d28.pk}/").content.decode()
    assert "02:30" in said
    assert "10:30" not in said
    (row,) = [row for row in client.get("/api/v1/visits").json()["results"] if row["id"] == d28.pk]
    assert row["booked_start"] == row["arrived_at"] == "2026-12-07T02:30:00+08:00"


def test_a_fact_keeps_its_day_at_another_site(participant: Participant) -> None:
    test = TestResult("cbc", AT, result="done")
    record_fact(participant=participant, fact=test, by=None, reason="", now=LATER)
    record_fact(participant=participant, fact=Admission(AT), by=None, reason="", now=LATER)
    transferred(participant)
    (record,) = records_of([participant.pk])
    (found,) = record.facts.tests
    assert isinstance(found.taken_at, datetime)
    assert (found.taken_at, found.taken_at.date()) == (AT, INFUSION)
    assert record.known.activities["cbc"].day == INFUSION if "cbc" in record.known.activities else True
    assert record.facts.admissions[0].admitted_at.date() == INFUSION


def test_a_correction_of_the_hour_at_the_new_site_keeps_the_zone_of_the_record(
    participant: Participant,
) -> None:
    transferred(participant)
    stands = Anchor.objects.get(participant=participant, code="infusion")
    assert (stands.actual_on, stands.actual_zone) == (INFUSION, "Asia/Shanghai")
    same = RecordedAnchor("infusion", actual_on=INFUSION, actual_at=AT)
    record_anchor(participant=participant, anchor=same, now=LATER, by=None, reason="looked at it again")
    stands.refresh_from_db()
    assert (stands.actual_on, stands.actual_zone) == (INFUSION, "Asia/Shanghai")


def test_a_signature_names_the_same_days_after_a_corrected_zone(participant: Participant) -> None:
    before = signable_schedule(participant).digest
    corrected(participant)
    assert signable_schedule(participant).digest == before


def test_the_migration_names_the_zone_of_hours_on_record(participant: Participant) -> None:
    record_fact(
        participant=participant, fact=TestResult("cbc", AT, result="done"), by=None, reason="", now=LATER
    )
    transferred(participant)
    Anchor.objects.update(actual_zone="")
    Visit.objects.update(performed_zone="", arrived_on=INFUSION, arrived_at=AT)
    Fact.objects.update(starts_zone="")
    for app, number in (("participants", "0004"), ("schedules", "0008")):
        module = importlib.import_module(f"{app}.migrations.{number}_zone_of_record")
        module.name_zones(apps, None)
    importlib.import_module("schedules.migrations.0044_more_zones_of_record").name_zones(apps, None)
    assert Anchor.objects.get(participant=participant, code="infusion").actual_zone == "Asia/Shanghai"
    assert Anchor.objects.get(participant=participant, code="consent").actual_zone == ""
    d0 = visit(participant, "d0")
    assert d0.performed_zone == d0.arrived_zone == "Asia/Shanghai"
    assert Fact.objects.get(participant=participant).starts_zone == "Asia/Shanghai"


def test_a_window_in_hours_keeps_the_days_that_are_over() -> None:
    """48 hours until an infusion in Shanghai: read in Los Angeles, it began on the day before."""
    place = {name: number for number, name in enumerate(WINDOW_COLUMNS)}
    began, ends = datetime(2026, 12, 4, 18, 30, tzinfo=UTC), datetime(2026, 12, 9, 18, 30, tzinfo=UTC)
    values: dict[str, Any] = {"starts_at": began, "ends_at": ends}
    stood = [values.get(name) for name in WINDOW_COLUMNS]
    row = list(stood)
    stood[place["starts_on"]], stood[place["ends_on"]] = date(2026, 12, 5), date(2026, 12, 10)
    row[place["starts_on"]], row[place["ends_on"]] = date(2026, 12, 4), date(2026, 12, 9)
    kept = with_days_gone_by(tuple(row), tuple(stood), LATER)
    assert kept[place["starts_on"]] == date(2026, 12, 5), "it is over: as it was recorded"
    assert kept[place["ends_on"]] == date(2026, 12, 9), "still to come: as the new site reads it"
