"""One participant's own visit, as far as rules look at it: what the plan said, and what is on record."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, NamedTuple, Self

from schedules.domain.plan.slots import codes_by_rule
from schedules.domain.plan.values import AnchorKind, PlannedVisit
from schedules.domain.plan.visit_windows import VisitWindow
from schedules.domain.visits.bookings import booking_no_longer_fits
from trials.domain.language import kept
from trials.domain.protocols.occurrences import names_of
from trials.domain.protocols.protocol import AtOffset, Protocol, TimingKind, VisitRule

RANGES = frozenset({TimingKind.WITHIN.value, TimingKind.OVER.value})
"""The timings that have no single due day."""

EARLY_TERMINATION = "early-termination"
UNSCHEDULED = "unscheduled"
"""The rules of visits that the protocol does not ask for: after an early end, and added at the site."""

# As long as its column: PostgreSQL refuses a longer text.
WHY_SHIFTED = 120


class VisitState(NamedTuple):
    """What is known of a visit, by the names of its columns; a tenth of the price of the model's row.

    From `participant_id` to `tolerance_basis` it is what a plan says, in the order of `plan_row`. `rule` is
    no column: the rule of the protocol that the visit follows, where the reader looked it up. A new
    column that rules look at goes before `rule`, with its default.
    """

    pk: int
    participant_id: int
    code: str
    rule_code: str
    occurrence: int
    label: str
    epoch: str
    timing: str
    place: str
    anchor_code: str
    anchor_on: date
    anchor_at: datetime | None
    anchor_kind: str
    offset: str
    opens: date
    target: date
    closes: date
    target_at: datetime | None
    suggested: date | None
    why_shifted: str
    timing_basis: str
    tolerance_basis: str
    unscheduled: bool = False
    attempt: int = 1
    booked_on: date | None = None
    performed_on: date | None = None
    performed_at: datetime | None = None
    performed_zone: str = ""
    missed_on: date | None = None
    cancelled_on: date | None = None
    cancelled_by_id: int | None = None
    applies: bool = True
    held_on: date | None = None
    outside_reason: str = ""
    version: int = 1
    sequence: int = 0
    done_under_id: int | None = None
    arrived_on: date | None = None
    rule: VisitRule | None = None

    @classmethod
    def of_plan(cls, planned: PlannedVisit) -> Self:
        """Make a visit that is planned and not stored: nothing is on record of it."""
        return cls(0, *plan_row(planned, 0))._replace(rule=planned.rule)

    @property
    def window(self) -> VisitWindow:
        """The days on which it counts as on time."""
        return VisitWindow(self.opens, self.target, self.closes)

    @property
    def named(self) -> dict[str, object]:
        """The visit's part of a refusal's words."""
        return {"visit": self.label}

    @property
    def names(self) -> frozenset[str]:
        """The codes by which the version that gave it its rule may name it; its own where it has no rule."""
        return names_of(self.rule, self.occurrence) if self.rule else frozenset({self.code})

    def code_under(self, protocol: Protocol) -> str:
        """What a version calls it, by its rule and number; its own code where that has no such visit."""
        called = None if self.unscheduled else codes_by_rule(protocol).get((self.rule_code, self.occurrence))
        return called or self.code

    @property
    def live(self) -> bool:
        """Whether nothing has ended it yet."""
        return not (self.performed_on or self.missed_on or self.cancelled_on)

    @property
    def gone(self) -> bool:
        """Whether a plan no longer asked for it: neither a person nor a step of the course cancelled it."""
        return self.cancelled_on is not None and not self.applies and self.cancelled_by_id is None

    @property
    def by_course(self) -> bool:
        """Whether a step of the course cancelled it."""
        return self.cancelled_by_id is not None

    @property
    def free(self) -> bool:
        """Whether its window is wherever it takes place."""
        return self.unscheduled and self.rule_code == UNSCHEDULED

    @property
    def stays(self) -> bool:
        """Whether it is still asked for after an early end, or comes after it."""
        ends_course = self.unscheduled and self.rule_code == EARLY_TERMINATION
        return ends_course or (self.rule is not None and self.rule.stays_after_early_end)

    @property
    def waits(self) -> bool:
        """Whether its window does not run: it is on hold."""
        return self.held_on is not None

    def awaits_base(self, today: date) -> bool:
        """Whether it comes after a planned day that is over, and nobody has recorded that it happened.

        A day that is merely derived is never awaited: it moves with what it follows, and where it follows
        from a missed visit it will never be actual. A visit that no rule asks for has days of its own.
        """
        after = self.anchor_on < min(self.target, today)
        return after and self.anchor_kind == AnchorKind.PLANNED and not self.unscheduled

    @property
    def is_range(self) -> bool:
        """Whether it is over or within a range, which has no single due day."""
        return self.timing in RANGES

    @property
    def block(self) -> str | None:
        """The block in which it holds its place, which moves as a whole or not at all."""
        return self.rule.block if self.rule else None

    @property
    def booking_lost(self) -> bool:
        """Whether it is live and booked for a day that its window has left: it must be booked again."""
        return self.live and booking_no_longer_fits(self.booked_on, self.window, self.outside_reason)

    @property
    def days_outside(self) -> int:
        """Days by which it was done before its window (negative) or after it; 0 inside, or not done."""
        return self.window.days_outside(self.performed_on) if self.performed_on else 0

    @property
    def planned(self) -> tuple[Any, ...]:
        """What the plan said of it, as a plan's row says it."""
        return (*self[_FIRST:_LABEL], kept(self.label), *self[_LABEL + 1 : _LAST])

    def within(self, window: VisitWindow) -> Self:
        """Give the same visit with another window."""
        return self._replace(opens=window.opens, target=window.target, closes=window.closes)


_LABEL = VisitState._fields.index("label")
_FIRST = VisitState._fields.index("participant_id")
_LAST = VisitState._fields.index("unscheduled")
COLUMNS = VisitState._fields[:-1]
"""The columns of a visit that a state is read from, in its order."""
PLAN_COLUMNS = VisitState._fields[_FIRST:_LAST]
"""Those of them that a plan says."""


def plan_row(visit: PlannedVisit, participant: int) -> tuple[Any, ...]:
    """Say a planned visit in the order of PLAN_COLUMNS."""
    rule, base, timing = visit.rule, visit.base, visit.rule.timing
    opens, target, closes = visit.window
    tolerance = timing.tolerance.basis.kind.value if isinstance(timing, AtOffset) else ""
    return (
        participant, visit.code, rule.code, visit.occurrence, kept(visit.label), rule.epoch,
        timing.kind.value, rule.place.value, rule.counts_from.code, base.day, base.at, base.kind.value,
        visit.offset.iso, opens, target, closes, visit.at, visit.suggested, visit.why_shifted[:WHY_SHIFTED],
        rule.basis.kind.value, tolerance,
    )  # fmt: skip
