"""Everything that happens to participants, in any order, through the real services, against a naive model.

A few courses in the suite, the same each time; `DAYZERO_LONG=1 pytest` this file for thousands of
steps, others each time. The model knows no engine: windows are days added to the infusion's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run

from participants.domain.anchors import RecordedAnchor
from participants.domain.lifecycle import Phase, Step, phase_of
from participants.models import Anchor, Participant
from schedules.domain.errors import BookingsOrphaned, ReplanningStale
from schedules.domain.plan import AnchorDay, AnchorKind
from schedules.domain.visit_values import Booking, Completion
from schedules.models import CalendarState, Deviation, Flag, Visit
from schedules.selectors.course import course_of, standing_of
from schedules.services.course import StepRequest, take_step, undo_last_step
from schedules.services.planning import enrol
from schedules.services.replanning import Proposal, commit_replanning, preview_replanning
from schedules.services.visits import (
    book_visit,
    cancel_visit,
    complete_visit,
    miss_visit,
    unbook_visit,
    undo_visit,
)
from tests.cast import a_site, a_version, an_approval, an_enrolment
from tests.conftest import LONG
from trials.domain.errors import DomainError
from trials.models import ProtocolVersion, Site

SHANGHAI = ZoneInfo("Asia/Shanghai")
START = date(2027, 1, 4)
CONSENT = date(2026, 12, 1)
DAY = timedelta(days=1)
ONE = """\
format: 1
trial: MACHINE
version: "1"
title: What the state machine plays with
zone: Asia/Shanghai
day_zero: infusion
epochs:
  - {code: all, label: All}
anchors:
  - {code: consent, label: Consent, not_after: [infusion]}
  - code: lymphodepletion-start
    label: Start of lymphodepletion
    derived: {anchor: infusion, offset: -P3D, basis: assumed}
    point_of_no_return: true
  - {code: infusion, label: Infusion}
blocks:
  - {code: conditioning, label: Conditioning}
visits:
  - {code: screening, label: Screening, epoch: all, from: infusion,
     within: {first: -P14D, last: -P5D}, basis: assumed}
  - {code: ld, label: Chemotherapy, epoch: all, from: lymphodepletion-start, each: {first: P0D, last: P1D},
     basis: assumed, place: ward, block: conditioning}
  - {code: rest, label: Rest, epoch: all, from: infusion, over: {first: -P1D, last: -P1D},
     basis: assumed, place: ward, block: conditioning}
  - {code: d0, label: Infusion, epoch: all, from: infusion, at: P0D,
     tolerance: {before: P0D, after: P0D, basis: assumed}, basis: assumed,
     place: ward, block: conditioning}
  - {code: d7, label: Day 7, epoch: all, from: infusion, at: P7D,
     tolerance: {before: P2D, after: P2D, basis: assumed}, basis: assumed}
  - {code: d14, label: Day 14, epoch: all, from: infusion, at: P14D,
     tolerance: {before: P3D, after: P3D, basis: assumed}, basis: assumed}
"""
TWO = ONE.replace('version: "1"', 'version: "2"').replace("P3D, after: P3D", "P5D, after: P5D") + (
    "  - {code: d28, label: Day 28, epoch: all, from: infusion, at: P28D,\n"
    "     tolerance: {before: P7D, after: P7D, basis: assumed}, basis: assumed}\n"
)

Span = tuple[date, date, date]


def windows(infusion: date, chemotherapy: date | None, version: int) -> dict[str, Span]:
    """Every window, by counting days: chemotherapy stays where it was given, the rest fills the gap."""
    begins = chemotherapy or infusion - 3 * DAY
    wide = 3 if version == 1 else 5
    spans = {
        "screening": (infusion - 14 * DAY, infusion - 14 * DAY, infusion - 5 * DAY),
        "ld-1": (begins, begins, begins),
        "ld-2": (begins + DAY, begins + DAY, begins + DAY),
        "rest": (min(begins + 2 * DAY, infusion - DAY),) * 2 + (infusion - DAY,),
        "d0": (infusion, infusion, infusion),
        "d7": around(infusion + 7 * DAY, 2),
        "d14": around(infusion + 14 * DAY, wide),
        "d28": around(infusion + 28 * DAY, 7),
    }
    return spans if version == 2 else {code: span for code, span in spans.items() if code != "d28"}


def around(target: date, days: int) -> Span:
    return target - days * DAY, target, target + days * DAY


@dataclass
class Seen:
    """A visit as the model has it; `ended` is what ended it, `gone` that no plan asks for it now."""

    span: Span
    booked: date | None = None
    performed: date | None = None
    ended: str = ""

    @property
    def live(self) -> bool:
        return not (self.performed or self.ended)


@dataclass
class Model:
    """One participant, naively."""

    pk: int
    planned: date
    version: int = 1
    infused: date | None = None
    chemotherapy: date | None = None
    held: bool = False
    over: Phase | None = None
    steps: list[tuple[Step, tuple[str, ...]]] = field(default_factory=list)
    visits: dict[str, Seen] = field(default_factory=dict)
    revision: int = 1

    @property
    def infusion(self) -> date:
        return self.infused or self.planned

    @property
    def phase(self) -> Phase:
        if self.over or self.infused:
            return self.over or Phase.FOLLOW_UP
        if not self.chemotherapy:
            return Phase.SCREENING
        return Phase.ON_HOLD if self.held else Phase.CONDITIONING

    def plan(self) -> None:
        """Windows follow the infusion, of visits to come and of those done; the others stay as they ended."""
        spans = windows(self.infusion, self.chemotherapy, self.version)
        for code, span in spans.items():
            seen = self.visits.setdefault(code, Seen(span))
            if seen.ended == "gone":
                seen.ended = ""
            if seen.live or seen.performed:
                seen.span = span
        for code, seen in self.visits.items():
            if code not in spans and seen.live:
                seen.ended = "gone"

    @property
    def fits(self) -> bool:
        """Whether the infusion is not nearer to chemotherapy than the protocol puts it."""
        return self.chemotherapy is None or self.infusion >= self.chemotherapy + 3 * DAY

    def follows(self, wanted: Model) -> bool:
        """Whether a plan may become that one: nothing is planned that contradicts the chemotherapy given.

        What has happened, and what stood there before, is nobody's to refuse.
        """
        return wanted.fits or bool(self.infused) or wanted.infusion == self.infusion

    def could_be(self, day: date) -> bool:
        """Whether the infusion can have been given on a day: after all of the block that was done."""
        block = [self.visits[code] for code in ("ld-1", "ld-2", "rest")]
        given = [seen for seen in block if seen.performed]
        return all(seen.performed <= day and seen.span[1] < self.infusion for seen in given)  # type: ignore[operator]


class Courses(RuleBasedStateMachine):
    """Enrols, books, completes, misses, cancels, takes back, holds, slips, amends and withdraws."""

    site: Site
    versions: dict[int, ProtocolVersion]

    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.today = START
        self.models: list[Model] = []

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)

    @property
    def now(self) -> datetime:
        return datetime(self.today.year, self.today.month, self.today.day, 18, tzinfo=SHANGHAI)

    def tried(self, model: Model, act: Any, **values: Any) -> bool:
        """Whether a service did it; where it refused, in words, nothing at all is changed."""
        before = stored(model.pk)
        try:
            with transaction.atomic():
                act(by=None, now=self.now, **values)
        except DomainError as refused:
            said = str(refused).strip()
        else:
            return True
        assert said, "a refusal says why"
        assert stored(model.pk) == before, "a refusal changes nothing"
        return False

    def chosen(self, number: int) -> Model:
        return self.models[number % len(self.models)]

    def visit(self, model: Model, number: int) -> tuple[str, Visit]:
        code = sorted(model.visits)[number % len(model.visits)]
        return code, Visit.objects.get(participant=model.pk, code=code)

    # --- what happens -----------------------------------------------------------------------------
    @initialize(ahead=st.integers(10, 20))
    def first(self, ahead: int) -> None:
        self.enrolled(ahead)

    @precondition(lambda self: len(self.models) < 3)
    @rule(ahead=st.integers(5, 30))
    def enrolled(self, ahead: int) -> None:
        planned = self.today + ahead * DAY
        anchors = {"infusion": AnchorDay(planned), "consent": AnchorDay(CONSENT, AnchorKind.ACTUAL)}
        code = f"S01-{len(self.models)}"
        asked = an_enrolment(self.versions[1], site=self.site, subject_code=code, anchors=anchors)
        model = Model(enrol(enrolment=asked, by=None).pk, planned)
        model.plan()
        self.models.append(model)

    @rule(days=st.integers(1, 6))
    def days_pass(self, days: int) -> None:
        self.today += days * DAY

    @rule(who=st.integers(0, 9), which=st.integers(0, 20), ahead=st.integers(-2, 12))
    def booked(self, who: int, which: int, ahead: int) -> None:
        model = self.chosen(who)
        code, visit = self.visit(model, which)
        seen, day = model.visits[code], max(self.today, visit.opens) + ahead * DAY
        values = {"visit": visit, "version": visit.version, "reason": "as agreed"}
        if self.tried(model, book_visit, booking=Booking(day), **values):
            assert seen.live
            seen.booked = day
        elif seen.live and day >= self.today and seen.span[0] <= day <= seen.span[2] and not model.over:
            pytest.fail(f"{code} can be booked on {day}, inside its window")

    @rule(who=st.integers(0, 9), which=st.integers(0, 20))
    def unbooked(self, who: int, which: int) -> None:
        model = self.chosen(who)
        code, visit = self.visit(model, which)
        if self.tried(model, unbook_visit, visit=visit, version=visit.version, reason="ill"):
            assert model.visits[code].booked
            model.visits[code].booked = None

    @rule(who=st.integers(0, 9), which=st.integers(0, 20), back=st.integers(0, 3))
    def completed(self, who: int, which: int, back: int) -> None:
        """The next visit of the course as a rule; any other one now and then."""
        model = self.chosen(who)
        live = [code for code in order(model) if model.visits[code].live]
        code = live[0] if which % 3 and live else sorted(model.visits)[which % len(model.visits)]
        visit = Visit.objects.get(participant=model.pk, code=code)
        day = self.today - back * DAY
        completion = Completion(day, activities=None, outside_reason="there was no other day")
        values = {"visit": visit, "version": visit.version, "reason": "as told", "completion": completion}
        possible = code == "d0" and model.visits[code].live and not model.over and model.could_be(day)
        if not self.tried(model, complete_visit, **values):
            assert not possible, f"the infusion happened on {day}: it goes on record"
            return
        model.visits[code].performed = day
        if code == "ld-1":
            model.chemotherapy = day
        if code == "d0":
            model.infused, model.held = day, False
        if code in ("ld-1", "d0"):
            model.plan()

    @rule(who=st.integers(0, 9), which=st.integers(0, 20), cancelled=st.booleans())
    def ended(self, who: int, which: int, cancelled: bool) -> None:
        model = self.chosen(who)
        code, visit = self.visit(model, which)
        act = cancel_visit if cancelled else miss_visit
        if self.tried(model, act, visit=visit, version=visit.version, reason="did not come"):
            assert model.visits[code].live
            model.visits[code].ended = "cancelled" if cancelled else "missed"

    @rule(who=st.integers(0, 9), which=st.integers(0, 20))
    def taken_back(self, who: int, which: int) -> None:
        model = self.chosen(who)
        code, visit = self.visit(model, which)
        if not self.tried(model, undo_visit, visit=visit, version=visit.version, reason="wrong chart"):
            return
        seen = model.visits[code]
        if seen.performed and code == "ld-1":
            model.chemotherapy = None
        if seen.performed and code == "d0":
            model.infused = None
        seen.performed, seen.ended = None, ""
        model.plan()

    @rule(who=st.integers(0, 9), days=st.integers(-4, 9), accept=st.booleans())
    def slips(self, who: int, days: int, accept: bool) -> None:
        """The infusion moves: as it was previewed, or not at all."""
        model = self.chosen(who)
        planned = model.planned + days * DAY
        anchor = RecordedAnchor("infusion", planned, None, model.infused, None)
        self.replanned(model, Proposal(anchors={"infusion": anchor}, accept_orphans=accept), planned=planned)

    @rule(who=st.integers(0, 9), version=st.sampled_from((1, 2)), accept=st.booleans())
    def amended(self, who: int, version: int, accept: bool) -> None:
        model = self.chosen(who)
        proposal = Proposal(version=self.versions[version], accept_orphans=accept)
        self.replanned(model, proposal, version=version)

    def replanned(self, model: Model, proposal: Proposal, **changes: Any) -> None:
        person = Participant.objects.get(pk=model.pk)
        before = stored(model.pk)
        preview = preview_replanning(participant=person, proposal=proposal, now=self.now)
        assert stored(model.pk) == before, "a preview writes nothing"
        wanted = replace(
            model, visits={code: replace(seen) for code, seen in model.visits.items()}, **changes
        )
        wanted.plan()
        orphans = [
            code
            for code, seen in model.visits.items()
            if seen.live and seen.booked and orphaned(seen, wanted.visits[code])
        ]
        assert sorted(change.code for change in preview.orphans) == sorted(orphans)
        values = {"participant": person, "proposal": proposal, "digest": preview.digest, "reason": "fever"}
        if orphans and not proposal.accept_orphans and model.follows(wanted):
            with pytest.raises(BookingsOrphaned):
                commit_replanning(**values, now=self.now, by=None)
            return
        if self.tried(model, commit_replanning, **values):
            self.models[self.models.index(model)] = wanted
            with pytest.raises(ReplanningStale):
                commit_replanning(**values, now=self.now, by=None)
        else:
            assert not model.follows(wanted), "only what contradicts the chemotherapy is refused"

    @rule(who=st.integers(0, 9), step=st.sampled_from((Step.HOLD, Step.RESUMPTION)))
    def held_or_resumed(self, who: int, step: Step) -> None:
        model = self.chosen(who)
        if self.stepped(model, step):
            assert model.chemotherapy
            model.held = step is Step.HOLD
            model.steps.append((step, ()))

    @rule(
        who=st.integers(0, 9),
        step=st.sampled_from((Step.WITHDRAWAL, Step.NEVER_INFUSED, Step.SCREEN_FAILURE)),
    )
    def course_ends(self, who: int, step: Step) -> None:
        model = self.chosen(who)
        if model.over or not self.stepped(model, step):
            return
        to_come = [code for code, seen in model.visits.items() if seen.live and seen.span[2] >= self.today]
        for code in to_come:
            model.visits[code].ended = "course"
        model.over = ENDED[step]
        model.steps.append((step, tuple(to_come)))

    @rule(who=st.integers(0, 9))
    def step_taken_back(self, who: int) -> None:
        model = self.chosen(who)
        person = Participant.objects.get(pk=model.pk)
        values = {"participant": person, "version": person.version, "reason": "wrong chart"}
        if not self.tried(model, undo_last_step, **values):
            return
        step, cancelled = model.steps.pop()
        for code in cancelled:
            model.visits[code].ended = ""
        model.over = None if step in ENDED else model.over
        pauses = [taken for taken, _codes in model.steps if taken not in ENDED]
        model.held = bool(pauses) and pauses[-1] is Step.HOLD and not model.infused
        model.plan()

    def stepped(self, model: Model, step: Step) -> bool:
        person = Participant.objects.get(pk=model.pk)
        values = {"participant": person, "version": person.version, "reason": "as told"}
        return self.tried(model, take_step, request=StepRequest(step, self.today), **values)

    # --- what must hold after each step -------------------------------------------------------------
    @invariant()
    def everything_is_as_the_model_has_it(self) -> None:
        for model in self.models:
            rows = {row.code: row for row in Visit.objects.filter(participant=model.pk)}
            said = {code: seen_in(row) for code, row in rows.items()}
            assert said == {code: seen_by(seen) for code, seen in model.visits.items()}
            days = dict(Anchor.objects.filter(participant=model.pk).values_list("code", "actual_on"))
            assert days.get("infusion") == model.infused
            assert days.get("lymphodepletion-start") == model.chemotherapy
            assert phase_of(course_of(standing_of(Participant.objects.get(pk=model.pk)))) is model.phase

    @invariant()
    def a_slip_after_chemotherapy_is_a_drafted_deviation(self) -> None:
        for model in self.models:
            late = model.chemotherapy and model.infusion > model.chemotherapy + 3 * DAY
            drafted = Deviation.objects.filter(participant=model.pk, kind="hold", lapsed_on=None)
            if late and not model.over:
                days = (model.infusion - model.chemotherapy).days - 3  # type: ignore[operator]
                assert list(drafted.values_list("days", flat=True)) == [days]

    @invariant()
    def an_infusion_before_the_block_allows_is_a_drafted_deviation(self) -> None:
        for model in self.models:
            drafted = Deviation.objects.filter(
                participant=model.pk, kind="block-broken", visit=None, lapsed_on=None
            )
            days = [(model.infusion - model.chemotherapy).days - 3] if broken(model) else []  # type: ignore[operator]
            assert list(drafted.values_list("days", flat=True)) == days

    @invariant()
    def a_planned_infusion_that_no_longer_fits_is_flagged(self) -> None:
        for model in self.models:
            flags = Flag.objects.filter(participant=model.pk, kind="replan", cleared_at=None)
            assert flags.exists() is (not model.fits and not model.infused and not model.over)

    @invariant()
    def what_is_seen_by_phones_raises_the_revision(self) -> None:
        for model in self.models:
            revision = CalendarState.objects.get(participant=model.pk).revision
            assert revision >= model.revision
            model.revision = revision


ENDED = {
    Step.WITHDRAWAL: Phase.WITHDRAWN,
    Step.NEVER_INFUSED: Phase.NEVER_INFUSED,
    Step.SCREEN_FAILURE: Phase.SCREEN_FAILED,
}


def broken(model: Model) -> bool:
    """Whether the infusion was given nearer to chemotherapy than the block allows."""
    return bool(model.infused) and not model.fits


def order(model: Model) -> list[str]:
    return sorted(model.visits, key=lambda code: model.visits[code].span)


def orphaned(before: Seen, after: Seen) -> bool:
    """Whether a booking inside its window lies outside the new one, or its visit goes."""
    booked = before.booked
    assert booked
    inside = before.span[0] <= booked <= before.span[2]
    return after.ended == "gone" or (inside and not after.span[0] <= booked <= after.span[2])


def seen_by(seen: Seen) -> tuple[Any, ...]:
    return (*seen.span, seen.booked, seen.performed, bool(seen.ended))


def seen_in(row: Visit) -> tuple[Any, ...]:
    ended = bool(row.missed_on or row.cancelled_on)
    return (row.opens, row.target, row.closes, row.booked_on, row.performed_on, ended)


def stored(participant: int) -> list[object]:
    """All rows of a participant that anything here could change."""
    return [list(rows) for rows in _rows(participant)]


def _rows(participant: int) -> Iterator[Any]:
    yield Visit.objects.filter(participant=participant).order_by("pk").values()
    yield Anchor.objects.filter(participant=participant).order_by("pk").values()
    yield Participant.objects.filter(pk=participant).values()
    yield Deviation.objects.filter(participant=participant).order_by("pk").values()
    yield Flag.objects.filter(participant=participant).order_by("pk").values()


@pytest.mark.django_db
def test_courses_in_any_order() -> None:
    steps = settings(
        max_examples=400 if LONG else 6,
        stateful_step_count=60 if LONG else 25,
        derandomize=not LONG,
        deadline=None,
        database=None,
        suppress_health_check=list(settings.default.suppress_health_check),
    )
    Courses.site = a_site("YC")
    Courses.versions = {number: a_version(text=text) for number, text in ((1, ONE), (2, TWO))}
    for version in Courses.versions.values():
        an_approval(Courses.site, version)
    run(Courses, settings=steps)
