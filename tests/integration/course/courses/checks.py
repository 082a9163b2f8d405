"""What must hold after each step of a course: the record is the model's, and every write left its traces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Max
from django.db.models import Model as Row
from hypothesis.stateful import RuleBasedStateMachine, invariant

from participants.domain.lifecycle import phase_of
from participants.models import Absence, Anchor, CourseStep, Participant
from schedules.domain.visits.status import Appointment, WindowPosition, clinic_days, standing
from schedules.models import CalendarState, ChangeEvent, Deviation, Flag, ProtocolWindow, Visit
from schedules.selectors.store.calendars import working_days_by_site
from schedules.selectors.store.course import course_of, standing_of
from schedules.selectors.store.stored_visits import record_of
from schedules.selectors.visits.status_query import appointment_condition, window_condition
from schedules.services.course.repetition import REPETITION_WITHDRAWN
from tests.integration.course.courses.naive import BLOCK, DAY, Model
from trials.models import AuditEntry

AUDITED: tuple[type[Row], ...] = (
    Participant,
    Anchor,
    CourseStep,
    Absence,
    Visit,
    ProtocolWindow,
    Deviation,
    Flag,
)
UNSEEN = {"version", "sequence", "changed_at", "done_under_id", "attempt", "anchor_kind"}
"""Columns of a visit that no phone shows."""

Key = tuple[str, int]


@dataclass
class Traces:
    """All rows that services write, the last audit entry and change event, and the calendars' revisions."""

    rows: dict[Key, dict[str, Any]]
    entries: int
    events: int
    revisions: dict[int, int]

    @classmethod
    def left(cls) -> Traces:
        rows = {
            (model._meta.label_lower, row["id"]): row
            for model in AUDITED
            for row in model._default_manager.values()
        }
        revisions = dict(CalendarState.objects.values_list("participant", "revision"))
        return cls(rows, _last(AuditEntry), _last(ChangeEvent), revisions)

    def changed(self, since: Traces) -> Iterator[tuple[Key, set[str]]]:
        """The rows that differ, with the columns in which they do; those that are gone too."""
        for key in {*self.rows, *since.rows}:
            now, before = self.rows.get(key, {}), since.rows.get(key, {})
            if columns := {name for name in {*now, *before} if now.get(name) != before.get(name)}:
                yield key, columns


def _last(model: type[Row]) -> int:
    return int(model._default_manager.aggregate(last=Max("id"))["last"] or 0)


class Checked(RuleBasedStateMachine):
    """What is compared after each step."""

    models: list[Model]
    today: date
    closed: list[set[date]]
    traces: Traces | None = None

    @invariant()
    def everything_is_as_the_model_has_it(self) -> None:
        for model in self.models:
            stored = Visit.objects.filter(participant=model.pk)
            assert not stored.filter(attempt=REPETITION_WITHDRAWN, cancelled_on=None).exists()
            rows = {(row.attempt, row.code): row for row in stored.exclude(attempt=REPETITION_WITHDRAWN)}
            wanted = {(model.attempt, code): model.row(code) for code in model.visits} | model.past
            assert {key: row_of(row) for key, row in rows.items()} == wanted
            days = dict(Anchor.objects.filter(participant=model.pk).values_list("code", "actual_on"))
            assert days.get("infusion") == model.infused
            assert days.get("lymphodepletion-start") == model.chemotherapy
            person = Participant.objects.select_related("site", "protocol_version").get(pk=model.pk)
            assert phase_of(course_of(standing_of(person))) is model.phase
            assert (person.site.code, person.protocol_version.label) == (
                PLACES[model.place],
                str(model.version),
            )

    @invariant()
    def the_day_that_is_suggested_is_the_nearest_that_can_be_kept(self) -> None:
        for model in self.models:
            live = {code for code, seen in model.visits.items() if seen.live}
            rows = Visit.objects.filter(participant=model.pk, attempt=model.attempt, code__in=live)
            said = dict(rows.values_list("code", "suggested"))
            assert said == {code: model.suggested(code, self.closed[model.place]) for code in live}

    @invariant()
    def both_axes_are_what_the_model_function_and_query_say(self) -> None:
        rows = list(Visit.objects.select_related("participant"))
        calendars = working_days_by_site({site.pk for site in self.sites})
        days = {site.pk: clinic_days(self.today, calendars.get(site.pk)) for site in self.sites}
        said = {row.pk: standing(record_of(row), days[row.participant.site_id]) for row in rows}
        here: dict[Any, list[int]] = {}
        for site, those in days.items():
            here.setdefault(those, []).append(site)
        for position in WindowPosition:
            found = Visit.objects.filter(window_condition(position, here)).values_list("pk", flat=True)
            assert set(found) == {pk for pk, its in said.items() if its.window is position}
        for wanted in Appointment:
            found = Visit.objects.filter(appointment_condition(wanted, here)).values_list("pk", flat=True)
            assert set(found) == {pk for pk, its in said.items() if its.appointment is wanted}
        by_code = {(row.participant_id, row.attempt, row.code): row.pk for row in rows}
        for model in self.models:
            for code in model.visits:
                pk = by_code[model.pk, model.attempt, code]
                its = (said[pk].window.value, said[pk].appointment.value)
                assert its == model.stands(code, self.today, self.closed[model.place]), code

    @invariant()
    def every_write_is_in_the_trail_and_is_told_to_phones_and_readers(self) -> None:
        before, self.traces = self.traces, Traces.left()
        if before is None:
            return
        changed = dict(self.traces.changed(before))
        entries = AuditEntry.objects.filter(id__gt=before.entries).values_list("model", "object_id")
        written = {(model, int(pk)) for model, pk in entries}
        hidden = {"sequence", "changed_at", "judge_at"}
        assert {key for key, columns in changed.items() if columns - hidden} <= written
        told = set(ChangeEvent.objects.filter(id__gt=before.events).values_list("participant", flat=True))
        for (label, pk), columns in changed.items():
            if label != "schedules.visit" or not columns - UNSEEN:
                continue
            now, then = self.traces.rows[label, pk], before.rows.get((label, pk))
            whose = now["participant_id"]
            if whose not in before.revisions:
                continue  # enrolled just now
            assert whose in told, columns
            assert self.traces.revisions[whose] > before.revisions[whose], columns
            if then:
                assert (now["version"] > then["version"], now["sequence"] > then["sequence"]) == (True, True)
        assert all(self.traces.revisions[pk] >= number for pk, number in before.revisions.items())

    @invariant()
    def a_slip_after_chemotherapy_is_a_drafted_deviation(self) -> None:
        for model in self.models:
            late = model.chemotherapy and model.infusion > model.chemotherapy + 3 * DAY
            about = f"hold:{model.pk}:{model.chemotherapy}:"
            drafted = Deviation.objects.filter(key__startswith=about, kind="hold", lapsed_on=None)
            if late and not model.over:
                days = (model.infusion - model.chemotherapy).days - 3  # type: ignore[operator]
                assert list(drafted.values_list("days", flat=True)) == [days]

    @invariant()
    def an_infusion_before_the_block_allows_is_a_drafted_deviation(self) -> None:
        for model in self.models:
            drafted = Deviation.objects.filter(
                participant=model.pk, kind="block-broken", visit=None, lapsed_on=None
            )
            broken = bool(model.infused) and not model.fits
            days = [(model.infusion - model.chemotherapy).days - 3] if broken else []  # type: ignore[operator]
            assert list(drafted.values_list("days", flat=True)) == days

    @invariant()
    def a_visit_done_outside_its_window_is_a_drafted_deviation(self) -> None:
        kinds = ("outside-window", "block-broken")
        for model in self.models:
            drafted = Deviation.objects.filter(
                participant=model.pk, kind__in=kinds, visit__attempt=model.attempt, lapsed_on=None
            )
            assert dict(drafted.values_list("visit__code", "days")) == {
                code: off for code, seen in model.visits.items() if (off := model.days_off(code))
            }

    @invariant()
    def a_planned_infusion_that_no_longer_fits_is_flagged(self) -> None:
        for model in self.models:
            flags = Flag.objects.filter(participant=model.pk, kind="replan", cleared_at=None)
            assert flags.exists() is (not model.fits and not model.infused and not model.over)

    @invariant()
    def a_block_that_keeps_its_shape_is_done_in_its_order(self) -> None:
        for model in self.models:
            if not model.fits:
                continue
            done = [model.visits[code].performed for code in BLOCK if code in model.visits]
            days = [day for day in done if day]
            assert days == sorted(days)


PLACES = ("YC", "CD")


def row_of(row: Visit) -> tuple[Any, ...]:
    ended = bool(row.missed_on or row.cancelled_on)
    live = not (row.performed_on or ended)
    held = live and row.held_on is not None
    return (row.opens, row.target, row.closes, row.booked_on, row.performed_on, ended, held)
