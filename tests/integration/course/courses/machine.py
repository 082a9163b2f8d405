"""Everything that happens to participants, in any order, through the real services."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from participants.domain.lifecycle import NOT_APPLICABLE, Step
from participants.models import Participant
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.domain.visits.values import Booking, Completion
from schedules.models import CalendarState, Visit
from schedules.services.enrolment.enrolling import enrol
from schedules.services.visits.appointments import (
    book_visit,
    cancel_visit,
    complete_visit,
    miss_visit,
    unbook_visit,
    undo_visit,
)
from schedules.services.visits.unscheduled import Unscheduled, add_unscheduled
from tests.cast import an_enrolment
from tests.integration.course.courses.checks import AUDITED, Checked
from tests.integration.course.courses.naive import (
    DAY,
    END,
    FREE,
    Model,
    Seen,
    order,
)
from trials.domain.errors import DomainError
from trials.models import ProtocolVersion, Site

SHANGHAI = ZoneInfo("Asia/Shanghai")
START = date(2027, 1, 4)
CONSENT = date(2026, 12, 1)
WHO, WHICH = st.integers(0, 9), st.integers(0, 20)


class Visited(Checked):
    """Enrols; books, completes, misses, cancels and takes back visits, also those nobody planned."""

    sites: list[Site]
    versions: dict[int, ProtocolVersion]

    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.today = START
        self.models: list[Model] = []
        self.closed: list[set[date]] = [set() for _site in self.sites]

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    @property
    def now(self) -> datetime:
        return datetime(self.today.year, self.today.month, self.today.day, 18, tzinfo=SHANGHAI)

    def rows(self) -> list[list[dict[str, Any]]]:
        """All rows that anything here could change."""
        return stored()

    def tried(self, act: Any, **values: Any) -> str:
        """Whether a service did it: "" if so, and else what it said; a refusal changes nothing at all."""
        before = self.rows()
        try:
            with transaction.atomic():
                act(by=None, now=self.now, **values)
        except DomainError as refused:
            said = str(refused).strip()
        else:
            return ""
        assert said, "a refusal says why"
        assert self.rows() == before, "a refusal changes nothing"
        return said

    def chosen(self, number: int) -> Model:
        return self.models[number % len(self.models)]

    def visit(self, model: Model, number: int) -> tuple[str, Visit]:
        code = sorted(model.visits)[number % len(model.visits)]
        return code, self.stored_visit(model, code)

    def stored_visit(self, model: Model, code: str) -> Visit:
        return Visit.objects.get(participant=model.pk, code=code, attempt=model.attempt)

    @initialize(ahead=st.integers(10, 20))
    def first(self, ahead: int) -> None:
        self.enrolled(ahead, 0)

    @precondition(lambda self: len(self.models) < 3)
    @rule(ahead=st.integers(5, 30), place=st.integers(0, 1))
    def enrolled(self, ahead: int, place: int) -> None:
        planned = self.today + ahead * DAY
        anchors = {"infusion": AnchorDay(planned), "consent": AnchorDay(CONSENT, AnchorKind.ACTUAL)}
        code = f"S01-{len(self.models)}"
        asked = an_enrolment(self.versions[1], site=self.sites[place], subject_code=code, anchors=anchors)
        model = Model(enrol(enrolment=asked, by=None).pk, planned, place)
        model.plan()
        self.models.append(model)

    @rule(days=st.integers(1, 6))
    def days_pass(self, days: int) -> None:
        self.today += days * DAY

    @rule(who=WHO, which=WHICH, ahead=st.integers(-2, 12))
    def booked(self, who: int, which: int, ahead: int) -> None:
        model = self.chosen(who)
        code, visit = self.visit(model, which)
        seen, day = model.visits[code], max(self.today, visit.opens) + ahead * DAY
        values = {"visit": visit, "version": visit.version, "reason": "as agreed"}
        refused = self.tried(book_visit, booking=Booking(day, anyway=True), **values)
        inside = seen.beside == FREE or seen.span[0] <= day <= seen.span[2]
        if refused:
            assert not (seen.live and day >= self.today and inside), f"{code} on {day}: {refused}"
            return
        assert seen.live
        seen.booked, seen.agreed = day, not inside
        if seen.beside == FREE:
            seen.span = (day, day, day)

    @rule(who=WHO, which=WHICH)
    def unbooked(self, who: int, which: int) -> None:
        model = self.chosen(who)
        code, visit = self.visit(model, which)
        seen = model.visits[code]
        refused = self.tried(unbook_visit, visit=visit, version=visit.version, reason="ill")
        assert bool(refused) is not bool(seen.live and seen.booked), refused
        if not refused:
            seen.booked = None

    @rule(who=WHO, which=WHICH, back=st.integers(0, 3))
    def completed(self, who: int, which: int, back: int) -> None:
        """The next visit of the course as a rule; any other one now and then."""
        model = self.chosen(who)
        live = [code for code in order(model) if model.visits[code].live]
        code = live[0] if which % 3 and live else sorted(model.visits)[which % len(model.visits)]
        self.done(model, code, self.today - back * DAY)

    def done(self, model: Model, code: str, day: date) -> None:
        seen, visit = model.visits[code], self.stored_visit(model, code)
        completion = Completion(day, activities=None, outside_reason="there was no other day")
        values = {"visit": visit, "version": visit.version, "reason": "as told", "completion": completion}
        possible = seen.live and not model.over and (code != "d0" or model.could_be(day))
        if refused := self.tried(complete_visit, **values):
            wrong = possible and (code in ("d0", "screening") or seen.beside)
            assert not wrong, f"{code} happened on {day}, it goes on record: {refused}"
            return
        assert seen.live or (seen.ended == "course" and code not in ("ld-1", "d0")), (
            "it took place all the same"
        )
        seen.left, seen.was_over = bool(model.end) and seen.live, seen.ended == "course"
        seen.outside = not seen.span[0] <= day <= seen.span[2]
        seen.performed, seen.ended, seen.voids = day, "", False
        if seen.beside == FREE:
            seen.span, seen.outside = (day, day, day), False
        if code == "ld-1":
            model.chemotherapy = day
        if code == "d0":
            model.infused = day
        model.plan()

    @rule(who=WHO)
    def kept(self, who: int) -> None:
        """The next visit of a course on its day, so that courses come far."""
        model = self.chosen(who)
        live = [code for code in order(model) if model.visits[code].live]
        if live and model.visits[live[0]].span[1] <= self.today + 14 * DAY:
            self.today = max(self.today, model.visits[live[0]].span[1])
            self.done(model, live[0], self.today)

    @rule(who=WHO, which=WHICH, cancelled=st.booleans())
    def ended(self, who: int, which: int, cancelled: bool) -> None:
        model = self.chosen(who)
        code, visit = self.visit(model, which)
        seen, act = model.visits[code], cancel_visit if cancelled else miss_visit
        refused = self.tried(act, visit=visit, version=visit.version, reason="did not come")
        possible = seen.live and (cancelled or self.today >= seen.span[0])
        assert bool(refused) is not possible, refused
        if not refused:
            seen.left, seen.was_over = bool(model.end), False
            seen.ended = "cancelled" if cancelled else "missed"

    @rule(who=WHO, which=WHICH)
    def taken_back(self, who: int, which: int) -> None:
        model = self.chosen(who)
        code, visit = self.visit(model, which)
        seen = model.visits[code]
        if self.tried(undo_visit, visit=visit, version=visit.version, reason="wrong chart"):
            return
        assert seen.performed or seen.ended in {"missed", "cancelled"}
        if seen.performed and code == "ld-1":
            model.chemotherapy = None
        if seen.performed and code == "d0":
            model.infused = None
        seen.performed, seen.ended, seen.under, seen.outside = None, "", None, False
        if seen.beside == FREE and seen.booked:
            seen.span = (seen.booked,) * 3
        model.plan()
        by = next((taken for taken in model.steps if seen.was_over and code in taken.codes), None)
        end = by or (None if seen.left else model.end)
        if by or (end and model.comes(code, end.on) and seen.beside != END):  # it ends with the course again
            assert end
            seen.ended, seen.voids = "course", end.step in NOT_APPLICABLE
            end.codes = tuple({*end.codes, code})
        model.plan()

    @rule(who=WHO, days=st.integers(-3, 9))
    def added(self, who: int, days: int) -> None:
        """A visit that nobody planned, on a day of the last week or of the next ones."""
        model, day = self.chosen(who), self.today + days * DAY
        person = Participant.objects.get(pk=model.pk)
        asked = Unscheduled(Booking(day, anyway=True))
        known = set(codes_of(model))
        if refused := self.tried(add_unscheduled, participant=person, asked=asked, reason="a cough"):
            end = model.end
            assert end, refused
            last = model.steps[-1].step if model.steps else end.step
            assert days > 0 or Step.DEATH in {end.step, last}, refused
            return
        (code,) = set(codes_of(model)) - known
        model.visits[code] = Seen((day,) * 3, beside=FREE, given=bool(model.infused))
        model.visits[code].booked = day if days >= 0 else None


def codes_of(model: Model) -> Iterator[str]:
    return Visit.objects.filter(participant=model.pk, attempt=model.attempt).values_list("code", flat=True)


def stored() -> list[list[dict[str, Any]]]:
    """All rows that anything here could change."""
    return [list(model._default_manager.order_by("pk").values()) for model in (*AUDITED, CalendarState)]
