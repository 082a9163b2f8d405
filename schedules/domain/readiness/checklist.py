"""May chemotherapy (or, where there is none, the infusion) start on this day? A list with verdicts.

Software does not decide: each line says yes, no, or which record is missing, and why.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from schedules.domain.plan.values import AnchorDay, Plan
from schedules.domain.readiness.beds import Beds, critical_days, days_in_hospital
from schedules.domain.readiness.gate_wording import words_of_gate, words_of_opening
from schedules.domain.readiness.gates import GateVerdict, course_of, gate_ahead
from schedules.domain.readiness.participant_checks import lines_of_person
from schedules.domain.readiness.start_context import Answer, Item, Line, Start, line
from trials.domain.sites.working_days import WorkingDays
from trials.domain.words import Code, Say, Value, Words, plain
from trials.domain.words import mark as _


@dataclass(frozen=True, slots=True)
class Readiness:
    """The whole list for one day of the point of no return."""

    day: date
    lines: tuple[Line, ...]
    plan: Plan = field(repr=False, compare=False)
    anchor: str = ""

    def answering(self, answer: Answer) -> tuple[Line, ...]:
        """The lines with this answer."""
        return tuple(line for line in self.lines if line.answer is answer)

    @property
    def answer(self) -> Answer:
        """No where any line says no, not known where any is not known, else yes."""
        answers = {line.answer for line in self.lines}
        return next((one for one in (Answer.NO, Answer.NOT_KNOWN) if one in answers), Answer.YES)

    def screening_expired(self, start: Start) -> bool:
        """Return whether a visit done before the start lies before its window now: it can be repeated."""
        done = start.known.performed
        before = [one for one in self.plan.visits if one.window.closes < self.day and not one.rule.block]
        expired = any(one.code in done and done[one.code].day < one.window.opens for one in before)
        return expired and not start.begun

    def document(self, say: Say = plain) -> list[dict[str, Any]]:
        """The list as it is kept in the audit trail."""
        return [
            {"item": line.item.value, "of": line.of, "answer": line.answer.value, "why": line.text(say)}
            for line in self.lines
        ]


def readiness_on(start: Start, day: date, at: datetime | None = None) -> Readiness:
    """The list for a start on a day; `at` is its instant where it has come and the hour is known."""
    given = AnchorDay.at_instant(at.astimezone(start.zone)) if at else None
    plan = start.plan_with(start.day_zero_for(day), given)
    return Readiness(day, readiness_of(start, plan, day), plan, start.anchor)


def readiness_of(start: Start, plan: Plan, day: date) -> tuple[Line, ...]:
    """The lines for a plan whose point of no return is on that day."""
    return (
        *lines_of_person(start, plan, day),
        *_gate(start, plan),
        *_beds(start, plan),
        *_holidays(start, plan),
    )


def gate_of(start: Start, plan: Plan) -> GateVerdict | None:
    """The verdict of the gates on a plan; None where the protocol has none."""
    cohorts = start.cohorts
    if not (cohorts.gates or cohorts.levels):
        return None
    person = start.person
    subject, level = (person.subject, person.level) if person else ("", start.level)
    course = course_of(plan, subject, level, start.zone)
    return gate_ahead(cohorts, course) if course else None


def _gate(start: Start, plan: Plan) -> Iterator[Line]:
    verdict = gate_of(start, plan)
    if verdict is None:
        return
    if verdict.open:
        yield line(Item.GATE, Answer.YES, _("The gate is open."), {})
        return
    opens = words_of_opening(verdict, start.protocol.gates)
    yield Line(Item.GATE, Answer.NO, (opens, *words_of_gate(verdict, start.names)))


def _beds(start: Start, plan: Plan) -> Iterator[Line]:
    yield _bed(start.beds, days_in_hospital(plan, start.zone))
    zero = plan.day_zero
    slots = start.beds.infusions_per_day
    if slots is None or zero is None:
        return
    taken = start.beds.infusions.get(zero, 0)
    values: dict[str, Value] = {"day": zero, "taken": taken, "slots": slots}
    template = _("%(taken)d of %(slots)d slots for day zero on %(day)s are taken.")
    yield line(Item.SLOT, Answer.NO if taken >= slots else Answer.YES, template, values)


def _bed(beds: Beds, days: Sequence[date]) -> Line:
    if beds.ward_beds is None:
        return line(Item.BED, Answer.NOT_KNOWN, _("Missing: how many ward beds the site has."), {})
    full = [day for day in days if beds.taken.get(day, 0) >= beds.ward_beds]
    values: dict[str, Value] = {"beds": beds.ward_beds}
    if not full:
        return line(Item.BED, Answer.YES, _("A bed is free on every day (of %(beds)d)."), values)
    values |= {"day": full[0], "n": len(full)}
    return line(
        Item.BED, Answer.NO, _("No bed (of %(beds)d) is free from %(day)s on; days in all: %(n)d."), values
    )


def _holidays(start: Start, plan: Plan) -> Iterator[Line]:
    days, calendar = critical_days(plan), start.calendar
    if calendar is None:
        words = _("Missing: the site's table of working days.")
        yield line(Item.HOLIDAYS, Answer.NOT_KNOWN, words, {})
        return
    met = [one for one in days if calendar.is_public_holiday(one)]
    if met:
        yield Line(Item.HOLIDAYS, Answer.NO, tuple(_holiday_words(met, calendar)))
        return
    provisional = sorted({one.year for one in days if calendar.is_provisional(one)})
    if provisional:
        values: dict[str, Value] = {"year": provisional[0]}
        words = _("Missing: the official calendar of %(year)d, which is not out.")
        yield line(Item.HOLIDAYS, Answer.NOT_KNOWN, words, values)
        return
    if days:
        values = {"first": days[0], "last": days[-1]}
        yield line(Item.HOLIDAYS, Answer.YES, _("None from %(first)s to %(last)s."), values)


def _holiday_words(days: Iterable[date], calendar: WorkingDays) -> Iterator[Words]:
    for day in days:
        name = Code(calendar.holiday_name(day) or "")
        yield Words.of(_("%(day)s is a public holiday (%(name)s)."), {"day": day, "name": name})
