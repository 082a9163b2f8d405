"""Whatever windows, calendars and records there are: both axes as a query are both axes as a function."""

from __future__ import annotations

import os
from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from schedules.domain.plan.values import AnchorKind
from schedules.domain.visits.status import (
    Appointment,
    WindowPosition,
    appointment,
    clinic_days,
    window_position,
)
from schedules.models import Visit
from schedules.selectors.store.stored_visits import record_of
from schedules.selectors.visits.status_query import appointment_condition, before_its_end, window_condition
from schedules.services.enrolment.enrolling import enrol
from tests.cast import an_enrolment
from trials.domain.sites.working_days import WorkingDays

pytestmark = pytest.mark.django_db
LONG = bool(os.environ.get("DAYZERO_LONG"))
DAY = date(2027, 2, 14)
SPAN = st.integers(0, 12)
BEFORE_ITS_END = {
    WindowPosition.UPCOMING,
    WindowPosition.OPEN,
    WindowPosition.LAST_DAYS,
    WindowPosition.NO_CLINIC_DAY_LEFT,
}
REASONS = st.sampled_from(["", "", "the participant travels"])


@st.composite
def records(draw: Any) -> dict[str, Any]:
    """What may stand in a visit's row: a window around a day, and any marks that the database allows."""
    target = DAY + timedelta(days=draw(st.integers(-12, 12)))
    opens, closes = target - timedelta(days=draw(SPAN)), target + timedelta(days=draw(SPAN))
    row: dict[str, Any] = {"opens": opens, "target": target, "closes": closes}
    row["anchor_on"] = DAY + timedelta(days=draw(st.integers(-12, 12)))
    row["anchor_kind"] = draw(st.sampled_from([*AnchorKind]))
    row["place"] = draw(st.sampled_from(["ward", "clinic", "clinic", "phone"]))
    if draw(st.booleans()):
        row["booked_on"] = target + timedelta(days=draw(st.integers(-14, 14)))
        row["outside_reason"] = draw(REASONS)
    if draw(st.integers(0, 3)) == 0:
        row["arrived_on"] = DAY + timedelta(days=draw(st.integers(-3, 3)))
    end = draw(st.sampled_from(["", "", "", "", "performed_on", "missed_on", "cancelled_on", "never"]))
    if end == "never":
        return row | {"cancelled_on": DAY, "applies": False}
    if end:
        row[end] = target + timedelta(days=draw(st.integers(-8, 8)))
    return row | ({"held_on": DAY} if draw(st.integers(0, 3)) == 0 else {})


@st.composite
def calendars(draw: Any) -> WorkingDays | None:
    """The working days of a site, or none; with a week in which it is shut."""
    if draw(st.integers(0, 4)) == 0:
        return None
    weekdays = draw(st.sampled_from([{1, 2, 3, 4, 5}, {2, 4}, {7}]))
    first = DAY + timedelta(days=draw(st.integers(-5, 5)))
    shut = {first + timedelta(days=n): "festival" for n in range(draw(st.integers(0, 9)))}
    return WorkingDays("site", weekdays=frozenset(weekdays), closures=shut)


def test_query_and_function_agree_on_both_axes() -> None:
    participant = enrol(enrolment=an_enrolment(), by=None)
    model = Visit.objects.get(participant=participant, code="d28")
    kept = ("participant_id", "rule_code", "code", "label", "epoch", "anchor_code", "offset", "timing",
            "timing_basis")  # fmt: skip
    shared = {name: getattr(model, name) for name in kept}
    reached: Counter[str] = Counter()

    @settings(max_examples=1000 if LONG else 25, deadline=None, database=None, derandomize=not LONG)
    @given(
        st.lists(records(), min_size=12, max_size=25),
        calendars(),
        st.integers(-4, 4),
        st.sampled_from([date.max, DAY, DAY - timedelta(days=6)]),
    )
    def agree(rows: list[dict[str, Any]], calendar: WorkingDays | None, days: int, known: date) -> None:
        day = clinic_days(DAY + timedelta(days=days), calendar)._replace(known=known)
        here = {day: [participant.site_id]}
        with transaction.atomic():
            Visit.objects.bulk_create(Visit(**shared, **row, occurrence=n) for n, row in enumerate(rows, 2))
            visits = {visit.pk: record_of(visit) for visit in Visit.objects.all()}
            for position in WindowPosition:
                found = set(
                    Visit.objects.filter(window_condition(position, here)).values_list("pk", flat=True)
                )
                assert found == {pk for pk, one in visits.items() if window_position(one, day) is position}, (
                    position
                )
                reached[position] += len(found)
            ahead = set(Visit.objects.filter(before_its_end(here)).values_list("pk", flat=True))
            assert ahead == {pk for pk, one in visits.items() if window_position(one, day) in BEFORE_ITS_END}
            for wanted in Appointment:
                found = set(
                    Visit.objects.filter(appointment_condition(wanted, here)).values_list("pk", flat=True)
                )
                assert found == {
                    pk for pk, one in visits.items() if appointment(one, day.today, day.known) is wanted
                }, wanted
                reached[wanted] += len(found)
            transaction.set_rollback(True)

    agree()
    assert {value for value, count in reached.items() if count} == {*WindowPosition, *Appointment}, reached


def test_two_sites_with_other_days_are_asked_in_one_query() -> None:
    participant = enrol(enrolment=an_enrolment(), by=None)
    Visit.objects.filter(participant=participant, code="d28").update(anchor_kind=AnchorKind.ACTUAL)
    visit = Visit.objects.get(participant=participant, code="d28")
    early, late = (
        clinic_days(visit.opens - timedelta(days=1), None),
        clinic_days(visit.closes + timedelta(days=1), None),
    )
    other = participant.site_id + 1
    closed = Visit.objects.filter(pk=visit.pk)
    assert not closed.filter(
        window_condition(WindowPosition.CLOSED, {early: [participant.site_id], late: [other]})
    )
    assert closed.filter(
        window_condition(WindowPosition.CLOSED, {early: [other], late: [participant.site_id]})
    )
