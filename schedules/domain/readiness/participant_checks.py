"""What readiness asks of the participant: course, consent, what was done before, tests, product."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime

from participants.domain.consents import ConsentState
from participants.domain.lifecycle import PHASE_LABELS, Phase
from participants.domain.moments import Point, day_of, first_after, first_instant
from participants.domain.product import LABELS, READY, Product, ProductState, readiness_expected, usual_days
from schedules.domain.plan.slots import activities_at
from schedules.domain.plan.values import AnchorDay, AnchorKind, Plan, PlannedVisit, PlannedWindow
from schedules.domain.readiness.start_context import (
    Answer,
    Item,
    Line,
    Person,
    Start,
    line,
)
from schedules.domain.windows.judges import judge
from schedules.domain.windows.verdicts import VerdictStatus
from trials.domain.protocols.protocol import Freshness, Role
from trials.domain.words import Code, Value, Words, first_day_or_hour, last_day_or_hour, listed
from trials.domain.words import mark as _


def lines_of_person(start: Start, plan: Plan, day: date) -> Iterator[Line]:
    """The lines about the participant; none where nobody is named yet."""
    if start.person is None:
        return
    yield _course(start.person)
    yield _consent(start.person, start.anchors.get(start.protocol.code_of(Role.CONSENT)), day)
    yield from _visits(start, start.person, plan, day)
    yield from _tests(start, start.person, plan, day)
    yield _product(start, start.person.product, day)


def _course(person: Person) -> Line:
    words: dict[str, Value] = {"phase": PHASE_LABELS[person.phase]}
    if person.phase is Phase.SCREENING:
        return line(Item.COURSE, Answer.YES, _("In screening: nothing has begun."), {})
    if person.phase is Phase.REPEATING:
        return line(Item.COURSE, Answer.YES, _("To be repeated: nothing of the new block has begun."), {})
    if person.phase is Phase.ON_HOLD:
        return line(Item.COURSE, Answer.NO, _("On hold before day zero: resume the course first."), {})
    return line(Item.COURSE, Answer.NO, _("Current phase: %(phase)s."), words)


def _consent(person: Person, anchor: AnchorDay | None, day: date) -> Line:
    standing = person.consent
    if standing.state is ConsentState.WITHDRAWN:
        words: dict[str, Value] = {"day": standing.withdrawn_on or day}
        return line(Item.CONSENT, Answer.NO, _("Consent was withdrawn on %(day)s."), words)
    if standing.state is ConsentState.AGAIN and standing.asked_by:
        words = {"version": standing.asked_by.version}
        return line(Item.CONSENT, Answer.NO, _("Form %(version)s asks for consent again first."), words)
    if standing.given and standing.form and standing.signed_on:
        words = {"version": standing.form.version, "day": standing.signed_on}
        template = _("Consent to form %(version)s was given on %(day)s.")
        answer = Answer.YES if standing.signed_on <= day else Answer.NO
        return line(Item.CONSENT, answer, template, words)
    if anchor and anchor.kind is AnchorKind.ACTUAL and anchor.day <= day:
        return line(Item.CONSENT, Answer.YES, _("Consent was given on %(day)s."), {"day": anchor.day})
    return line(Item.CONSENT, Answer.NOT_KNOWN, _("No consent is on record."), {})


def _visits(start: Start, person: Person, plan: Plan, day: date) -> Iterator[Line]:
    """The visits whose window ends before the start: done in it, expired, or not on record."""
    for visit in plan.visits:
        if visit.window.closes < day and not visit.rule.block:
            yield _visit(start, person, plan, visit)


def _visit(start: Start, person: Person, plan: Plan, visit: PlannedVisit) -> Line:
    opens, closes = visit.window.opens, visit.window.closes
    values: dict[str, Value] = {"visit": visit.label, "opens": opens, "closes": closes}
    done = start.known.performed.get(visit.code)
    if done is None:
        return _not_done(start, visit, values, ended=visit.code in person.ended)
    values["day"] = done.day
    if done.day < opens:
        repeat = tuple(map(Code, _to_repeat(start, visit)))
        expired = Words.of(_("%(visit)s on %(day)s has expired: its window opens on %(opens)s."), values)
        again = Words.of(_("To be repeated: %(activities)s."), {"activities": listed(repeat)})
        return Line(Item.VISIT, Answer.NO, (expired, again) if repeat else (expired,), visit.label)
    if done.day > closes:
        template = _("%(visit)s was on %(day)s, after its window closed on %(closes)s.")
        return line(Item.VISIT, Answer.NO, template, values, visit.label)
    return line(Item.VISIT, Answer.YES, _("%(visit)s was on %(day)s."), values, visit.label)


def _not_done(start: Start, visit: PlannedVisit, values: Mapping[str, Value], *, ended: bool) -> Line:
    if ended:
        template = _("%(visit)s was missed or cancelled.")
        return line(Item.VISIT, Answer.NO, template, values, visit.label)
    if visit.window.closes < start.today:
        template = _("%(visit)s is not on record as done, and its window closed on %(closes)s.")
        return line(Item.VISIT, Answer.NOT_KNOWN, template, values, visit.label)
    template = _("%(visit)s is not on record as done; it can be done from %(opens)s to %(closes)s.")
    return line(Item.VISIT, Answer.NOT_KNOWN, template, values, visit.label)


def _to_repeat(start: Start, visit: PlannedVisit) -> Iterator[str]:
    for activity in activities_at(start.protocol, visit.rule, visit.occurrence, start.traits):
        if activity.repeat_when_expired:
            yield activity.label


def _tests(start: Start, person: Person, plan: Plan, day: date) -> Iterator[Line]:
    """The tests that must not be too old by the start, judged as if their windows were over."""
    for window in plan.windows:
        if not isinstance(window.rule.terms, Freshness):
            continue
        if window.ends is None or day_of(window.ends, start.zone) <= day:
            yield _test(start, person, window, day)


def _once_over(start: Start, window: PlannedWindow, day: date) -> datetime:
    """The instant at which a window that ends by this day is over, however long it is; never before today."""
    end: Point = window.ends if window.ends is not None else day
    ends = [end, window.other.ends] if window.other and window.other.ends else [end]
    return max(first_instant(start.today, start.zone), *(first_after(one, start.zone) for one in ends))


def _test(start: Start, person: Person, window: PlannedWindow, day: date) -> Line:
    label = window.rule.label
    verdict = judge(window, person.facts, _once_over(start, window, day), start.zone, start.protocol.month)
    evidence = tuple(one.words for one in verdict.evidence)
    if verdict.status in {VerdictStatus.KEPT, VerdictStatus.WAIVED, VerdictStatus.OPEN_AND_KEPT}:
        return Line(Item.TEST, Answer.YES, evidence, label)
    can_be_done = window.ends is None or day_of(window.ends, start.zone) >= start.today
    span = _span(window) if can_be_done else ()
    if verdict.status is VerdictStatus.VIOLATED or verdict.status is VerdictStatus.AT_RISK:
        return Line(Item.TEST, Answer.NO, (*evidence, *span), label)
    missing = tuple(Words.of(_("Missing: %(what)s."), {"what": what}) for what in verdict.missing)
    unplaced = tuple(Words.of(_("Not known: %(what)s."), {"what": what}) for what in window.missing)
    return Line(Item.TEST, Answer.NOT_KNOWN, (*missing, *unplaced, *span), label)


def _span(window: PlannedWindow) -> tuple[Words, ...]:
    if window.starts is None or window.ends is None:
        return ()
    first, last = first_day_or_hour(window.starts), last_day_or_hour(window.ends)
    if first == last and not isinstance(first, datetime):
        return (Words.of(_("It counts on %(day)s only."), {"day": first}),)
    values: dict[str, Value] = {"starts": window.starts, "ends": window.ends}
    return (Words.of(_("It counts from %(starts)s to %(ends)s."), values),)


def _product(start: Start, product: Product, day: date) -> Line:
    item = Item.PRODUCT
    state = product.state(day)
    received, released = (product.done(one) or day for one in READY)
    values: dict[str, Value] = {"received": received, "released": released, "attempt": product.attempt}
    if state is ProductState.READY:
        template = _("Received on %(received)s, released on %(released)s.")
        return line(item, Answer.YES, template, values)
    if state is ProductState.READY_ALL_THE_SAME:
        template = _("Out of specification, and released all the same on %(released)s.")
        return line(item, Answer.YES, template, values)
    if state is ProductState.FAILED:
        return line(item, Answer.NO, _("Attempt %(attempt)d failed and is not made again yet."), values)
    if state is ProductState.OUT_OF_SPECIFICATION:
        return line(item, Answer.NO, _("Out of specification, and not released since."), values)
    return _awaited(start, product, day)


def _awaited(start: Start, product: Product, day: date) -> Line:
    """A product that is on its way, or of which nothing is on record."""
    anchor = start.anchors.get(start.protocol.code_of(Role.COLLECTION))
    usual = usual_days(start.protocol)
    expected = readiness_expected(product, start.today, anchor.day if anchor else None, usual)
    lacking = tuple(Words.of(_("Missing: %(what)s."), {"what": LABELS[one]}) for one in product.missing(day))
    if product.days and day <= start.today and not usual.on_the_spot:
        return Line(Item.PRODUCT, Answer.NO, lacking)
    if expected.day is None:
        return Line(Item.PRODUCT, Answer.NOT_KNOWN, lacking)
    late = expected.day > day
    template = (
        _("Expected to be ready on %(ready)s, after the start.")
        if late
        else _("Expected to be ready on %(ready)s.")
    )
    words = Words.of(template, {"ready": expected.day})
    # A day that no protocol states never says no: each start would be a deviation by our own assumption.
    told = late and not expected.assumed
    return Line(Item.PRODUCT, Answer.NO if told else Answer.NOT_KNOWN, (*lacking, words))
