"""Drafts follow the record: once for the same facts, never deleted, marked when no longer so."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from participants.domain.anchors import RecordedAnchor
from participants.domain.fact_kinds import Lodging, NightAway
from participants.domain.lifecycle import Step
from schedules.domain.deviations.drafts import Assessment, DeviationKind, Draft
from schedules.models import Deviation, Reminder, Visit
from schedules.services.course.status_changes import StepRequest, take_step
from schedules.services.deviations.classification import (
    assess_deviation,
    sweep_unrecorded,
    withdraw_deviation,
)
from schedules.services.enrolment.enrolling import enrol
from schedules.services.replanning.moves import record_anchor
from schedules.services.store.deviation_drafts import draft_deviation, draft_of_visits
from schedules.services.visits.appointments import miss_visit
from schedules.services.windows.facts import record_fact, withdraw_fact
from tests.cast import an_enrolment
from tests.integration.deviations.conftest import INFUSION, at, done, undone, visit
from tests.plans import plan_of, steps_of
from trials.domain.stored_sentences import facts_text
from trials.models import AuditEntry, Trial

pytestmark = pytest.mark.django_db


def only() -> Deviation:
    return Deviation.objects.get()


def test_a_visit_outside_its_window_is_drafted_from_facts(late, participant) -> None:
    assert (late.kind, late.days, late.facts) == ("outside-window", 3, "a storm closed the road")
    assert (late.found_on, late.occurred_on, late.actual_on) == (date(2026, 12, 26),) * 3
    assert (late.planned_on, late.opens, late.closes) == tuple(date(2026, 12, day) for day in (21, 19, 23))
    assert late.protocol_version_id == participant.protocol_version_id
    assert (late.description, late.classification, late.affects_safety) == ("", "", None)
    draft_of_visits([late.visit_id], at(12, 27))
    assert only().version == late.version, "the same facts write nothing"


def test_a_visit_on_time_is_no_deviation(participant) -> None:
    done(visit("d14", participant), date(2026, 12, 23), at(12, 23))
    assert not Deviation.objects.exists()


def test_a_missed_visit_and_activities_left_are_drafted(participant, asked) -> None:
    shown = visit("d14", participant)
    miss_visit(visit=shown, version=shown.version, by=None, reason="travelled", now=at(12, 22))
    assert (only().kind, only().occurred_on, only().facts) == ("missed", date(2026, 12, 22), "travelled")
    Deviation.objects.all().delete()
    done(visit("d14", asked), date(2026, 12, 21), at(12, 21), left={"safety": "no nurse"})
    assert (only().kind, facts_text(only().facts)) == ("activity-left", "Safety: no nurse")
    assert only().actual_on == date(2026, 12, 21)


def test_what_is_taken_back_is_marked_and_stands_again_when_it_is_so_again(late, participant) -> None:
    undone(visit("d14", participant), at(12, 22))
    assert (only().lapsed_on, only().lapsed_because) == (date(2026, 12, 22), "taken-back")
    done(visit("d14", participant), date(2026, 12, 26), at(12, 26), "a storm closed the road")
    again = only()
    assert (again.lapsed_on, again.lapsed_because, again.pk) == (None, "", late.pk)


def test_a_draft_that_nobody_touched_follows_and_another_one_stays(late, participant) -> None:
    undone(visit("d14", participant), at(12, 27))
    assert only().kind == "unrecorded", "the window has closed meanwhile"
    done(visit("d14", participant), date(2026, 12, 25), at(12, 27), "a storm")
    assert (only().pk, only().days, only().kind) == (late.pk, 2, "outside-window")
    said = Assessment(description="The road was closed.")
    assess_deviation(deviation=late, version=only().version, said=said, by=None, now=at(12, 27))
    undone(visit("d14", participant), at(12, 28))
    done(visit("d14", participant), date(2026, 12, 24), at(12, 28), "a storm")
    old, new = Deviation.objects.order_by("pk")
    assert (old.days, old.description, old.lapsed_because) == (2, "The road was closed.", "taken-back")
    assert (new.days, new.description, new.lapsed_on) == (1, "", None)


def test_a_withdrawn_draft_is_not_drafted_again(late, participant) -> None:
    withdraw_deviation(deviation=late, version=late.version, by=None, reason="approved", now=at(12, 27))
    draft_of_visits([late.visit_id], at(12, 28))
    assert only().withdrawn_on == date(2026, 12, 27)


def test_a_corrected_infusion_day_judges_anew(late, participant) -> None:
    Reminder.objects.all().delete()
    Visit.objects.filter(closes__lt=late.opens).delete()
    later = RecordedAnchor("infusion", actual_on=INFUSION + timedelta(days=3))
    record_anchor(participant=participant, anchor=later, now=at(12, 27), by=None)
    late.refresh_from_db()
    assert (late.lapsed_on, late.lapsed_because) == (date(2026, 12, 27), "inside")
    record_anchor(
        participant=participant,
        anchor=RecordedAnchor("infusion", actual_on=INFUSION),
        now=at(12, 28),
        by=None,
    )
    late.refresh_from_db()
    assert late.lapsed_on is None


# --- windows that close without a record -----------------------------------------------------------
def sweep(month: int, day: int, hour: int = 10) -> int:
    return sweep_unrecorded(now=at(month, day, hour))


def test_a_window_that_closed_without_a_record_is_drafted_on_the_morrow(participant) -> None:
    done(visit("screening", participant), date(2026, 11, 16), at(11, 16))
    Reminder.objects.all().delete()
    Visit.objects.filter(opens__lt=date(2026, 12, 19), performed_on=None).delete()
    assert sweep(12, 23, 23) == 0, "the last day is not over"
    assert sweep(12, 24, 1) == 1, "an hour past midnight in Shanghai, still the 23rd in UTC"
    assert (only().kind, only().occurred_on) == ("unrecorded", date(2026, 12, 23))
    left = visit("d14", participant)
    assert (left.missed_on, left.version) == (None, 1), "that nobody came is a person's to say"
    assert sweep(12, 24, 2) == 0
    entry = AuditEntry.objects.get(model="schedules.deviation")
    assert (entry.actor, entry.action) == ("", "create") or entry.actor.startswith("database")


def test_a_sweep_looks_up_the_draft_of_each_visit_by_itself(lane: str, participant) -> None:
    """Where PostgreSQL last saw few deviations, it read all there are once for each visit."""
    if lane != "postgres":
        pytest.skip("SQLite plans by the statement alone")
    asked: list[tuple[str, Any]] = []

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        asked.append((sql, params))
        return execute(sql, params, many, context)

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    with connection.execute_wrapper(watch):
        assert sweep(1, 10) > 1
    first = next((sql, params) for sql, params in asked if Deviation._meta.db_table in sql)
    plan = plan_of(*first)
    apart = [one for one in steps_of(plan) if one.get("Parent Relationship") == "SubPlan"]
    read = [one.get("Relation Name") for part in apart for one in steps_of(part)]
    assert Deviation._meta.db_table in read, plan


def test_a_record_that_comes_late_closes_the_draft_or_takes_it_up(participant) -> None:
    Visit.objects.exclude(code__in=["d14", "d28"]).delete()
    sweep(1, 10)
    first, second = Deviation.objects.order_by("occurred_on")
    done(visit("d14", participant), date(2026, 12, 22), at(1, 11))
    first.refresh_from_db()
    assert (first.lapsed_because, first.withdrawn_on) == ("recorded", date(2027, 1, 11))
    shown = visit("d28", participant)
    miss_visit(visit=shown, version=shown.version, by=None, reason="moved away", now=at(1, 11))
    second.refresh_from_db()
    assert (second.kind, second.facts, second.withdrawn_on) == ("missed", "moved away", None)
    undone(visit("d14", participant), at(1, 12))
    first.refresh_from_db()
    assert (first.kind, first.withdrawn_on, first.lapsed_on) == ("unrecorded", None, None)
    sweep(1, 12)
    both = Deviation.objects.filter(visit__code__in=["d14", "d28"])
    assert set(both) == {first, second}, "nothing is drafted twice"


def test_an_end_of_the_course_before_the_window_closed_lapses_the_draft(participant) -> None:
    Visit.objects.exclude(code="d14").delete()
    sweep(12, 24)
    request = StepRequest(Step.WITHDRAWAL, date(2026, 12, 22))
    take_step(
        participant=participant,
        version=participant.version,
        request=request,
        by=None,
        reason="consent withdrawn",
        now=at(12, 24),
    )
    assert only().lapsed_because == "cancelled"


def test_a_frozen_trial_is_left_as_it_is(participant) -> None:
    Trial.objects.update(frozen_on=date(2026, 12, 20))
    assert sweep(1, 10) == 0


def test_the_sweep_takes_a_constant_number_of_statements(participant) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            sweep(6, 1)
        return len(queries)

    Visit.objects.exclude(code="d14").delete()
    one = statements()
    Deviation.objects.all().delete()
    for number in range(2, 5):
        enrol(enrolment=an_enrolment(participant.protocol_version, subject_code=f"S01-00{number}"), by=None)
    assert statements() == one
    assert Deviation.objects.count() > 10


# --- windows of the protocol, and what nobody but a rule sees -----------------------------------------
def test_a_violation_that_the_facts_take_back_is_marked_and_comes_again(participant) -> None:
    def record(fact: object, now: object) -> object:
        return record_fact(participant=participant, fact=fact, by=None, now=now).stored

    record(Lodging(date(2026, 12, 7), None, 60), at(12, 8))
    away = record(NightAway(date(2026, 12, 20), 200), at(12, 22))
    assert only().lapsed_on is None
    withdraw_fact(stored=away, by=None, now=at(12, 24), reason="another participant's")
    assert (only().lapsed_on, only().lapsed_because) == (date(2026, 12, 24), "kept")
    record(NightAway(date(2026, 12, 20), 200), at(12, 25))
    assert Deviation.objects.filter(lapsed_on=None).count() == 1


def test_one_of_its_own_is_drafted_once(participant) -> None:
    draft = Draft("hold:1", "2026-12-09", DeviationKind.HOLD, date(2026, 12, 9), days=2)
    first = draft_deviation(participant=participant, draft=draft, now=at(12, 9))
    again = draft_deviation(participant=participant, draft=draft, now=at(12, 10))
    assert (first.pk, first.version, first.found_on) == (again.pk, again.version, date(2026, 12, 9))
