"""A participant's product: its milestones, which may follow which, and when it is expected to be ready.

Ready is a product that is at the site and released. One that failed, or lies outside its
specification, ends its attempt; a remake begins the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from trials.domain.protocols.offsets import Offset, Unit
from trials.domain.protocols.protocol import PRODUCT_STEPS, Protocol
from trials.domain.refusals import IN_THE_FUTURE, Refusal
from trials.domain.words import Code, listed
from trials.domain.words import mark as _


class Milestone(StrEnum):
    """Something that happens to a product, in the usual order; the last three may come at any point."""

    REMADE = "remade"
    COLLECTION = "collection"
    SHIPPED = "shipped"
    RECEIVED = "received"
    QUALITY_CONTROL = "quality-control"
    RELEASED = "released"
    FAILED = "failed"
    OUT_OF_SPECIFICATION = "out-of-specification"


WAY = (
    Milestone.COLLECTION,
    Milestone.SHIPPED,
    Milestone.RECEIVED,
    Milestone.QUALITY_CONTROL,
    Milestone.RELEASED,
)
"""The way of a product that nothing happens to."""

READY = (Milestone.RECEIVED, Milestone.RELEASED)
"""What makes a product ready: it is at the site, and it is released."""

BROKEN = (Milestone.FAILED, Milestone.OUT_OF_SPECIFICATION)
"""What ends an attempt, unless what lies outside its specification is released all the same."""

AFTER: Mapping[Milestone, tuple[Milestone, ...]] = {
    Milestone.SHIPPED: (Milestone.REMADE, Milestone.COLLECTION),
    Milestone.RECEIVED: (Milestone.REMADE, Milestone.COLLECTION, Milestone.SHIPPED),
    Milestone.QUALITY_CONTROL: (Milestone.REMADE, Milestone.COLLECTION),
    Milestone.RELEASED: (Milestone.REMADE, Milestone.COLLECTION, Milestone.QUALITY_CONTROL),
}
"""Milestones that cannot lie after another one; quality control may be done before or after shipping."""


@dataclass(frozen=True, slots=True)
class UsualDays:
    """Whole days of each milestone from the one before; an expected day replaces them.

    `assumed` where no record says them: what is only assumed refuses nothing.
    """

    days: Mapping[Milestone, int]
    assumed: bool = True

    @property
    def on_the_spot(self) -> bool:
        """Whether the product is usually ready on the day of its collection."""
        return not any(self.days.values())


USUAL_DAYS = UsualDays(
    {
        Milestone.COLLECTION: 0,
        Milestone.SHIPPED: 14,
        Milestone.RECEIVED: 1,
        Milestone.QUALITY_CONTROL: 1,
        Milestone.RELEASED: 1,
    }
)
"""What is assumed where the protocol's document does not say."""


def usual_days(protocol: Protocol) -> UsualDays:
    """The usual days of a trial's product, by its document; of hours, the days that they begin."""
    rule = protocol.product
    if rule is None:
        return USUAL_DAYS
    days = {Milestone(step.replace("_", "-")): _whole_days(getattr(rule, step)) for step in PRODUCT_STEPS}
    return UsualDays({Milestone.COLLECTION: 0, **days}, rule.basis.assumed)


def _whole_days(offset: Offset) -> int:
    hours = {Unit.HOURS: 1, Unit.WEEKS: 24 * 7}.get(offset.unit, 24) * offset.amount
    return -(-hours // 24)


LABELS: Mapping[Milestone, str] = {
    Milestone.REMADE: _("Made again"),
    Milestone.COLLECTION: _("Collection"),
    Milestone.SHIPPED: _("Shipped"),
    Milestone.RECEIVED: _("Received at the site"),
    Milestone.QUALITY_CONTROL: _("Quality control"),
    Milestone.RELEASED: _("Released"),
    Milestone.FAILED: _("Failed"),
    Milestone.OUT_OF_SPECIFICATION: _("Out of specification"),
}


@dataclass(frozen=True, slots=True)
class MilestoneDay:
    """A milestone of one attempt: when it is expected, as somebody said, and when it came."""

    milestone: Milestone
    attempt: int = 1
    expected_on: date | None = None
    done_on: date | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """A milestone of the present attempt: its day, whether it came, and whether anybody gave that day.

    `day` is None where nothing tells; `assumed` is true of a day that follows from the usual days.
    """

    milestone: Milestone
    day: date | None
    done: bool = False
    assumed: bool = False
    late: bool = False


class ProductState(StrEnum):
    """What can be said of a product on a day."""

    UNKNOWN = "unknown"
    ON_ITS_WAY = "on-its-way"
    READY = "ready"
    READY_ALL_THE_SAME = "ready-all-the-same"
    FAILED = "failed"
    OUT_OF_SPECIFICATION = "out-of-specification"


@dataclass(frozen=True, slots=True)
class Product:
    """Everything on record of a participant's product, all attempts."""

    days: tuple[MilestoneDay, ...] = ()

    @property
    def attempt(self) -> int:
        """The present attempt, from 1."""
        return max((day.attempt for day in self.days), default=1)

    @property
    def present(self) -> dict[Milestone, MilestoneDay]:
        """The milestones of the present attempt."""
        return {day.milestone: day for day in self.days if day.attempt == self.attempt}

    def done(self, milestone: Milestone, by: date | None = None) -> date | None:
        """The day on which a milestone of the present attempt came, if it did (until a day)."""
        day = self.present.get(milestone)
        done = day.done_on if day else None
        return done if done and (by is None or done <= by) else None

    def state(self, day: date) -> ProductState:
        """What is on record of the product until a day."""
        failed, outside = self._days_of(BROKEN, day)
        received, released = self._days_of(READY, day)
        if failed:
            return ProductState.FAILED
        if outside and not (released and released >= outside):
            return ProductState.OUT_OF_SPECIFICATION
        if received and released:
            return ProductState.READY_ALL_THE_SAME if outside else ProductState.READY
        return ProductState.ON_ITS_WAY if self.days else ProductState.UNKNOWN

    def _days_of(self, milestones: Iterable[Milestone], by: date) -> Iterator[date | None]:
        return (self.done(milestone, by) for milestone in milestones)

    def missing(self, day: date) -> tuple[Milestone, ...]:
        """What has not come by a day and makes the product ready."""
        return tuple(milestone for milestone in READY if not self.done(milestone, day))


def expected(
    product: Product, today: date, collection: date | None = None, usual: UsualDays = USUAL_DAYS
) -> tuple[Expected, ...]:
    """The way of the present attempt: what came, and when the rest is expected.

    A day that somebody gave counts; else the usual days from the milestone before. A delay moves
    what follows by as much, and nothing is expected before today. `collection` is the day planned
    for the collection where no milestone says.
    """
    present, found = product.present, list[Expected]()
    base, delay = product.done(Milestone.REMADE) or collection, timedelta(0)
    for milestone in WAY:
        own = present.get(milestone, MilestoneDay(milestone))
        if own.done_on:
            one = Expected(milestone, own.done_on, done=True)
        elif any(product.done(later) for later in WAY if milestone in AFTER.get(later, ())):
            one = Expected(milestone, None)  # passed over
        else:
            one = _expected(own, (base, delay), today, usual)
        found.append(one)
        base = one.day or base
        if one.day and own.expected_on:
            delay = max(timedelta(0), one.day - own.expected_on)
    return tuple(found)


def _expected(
    own: MilestoneDay, before: tuple[date | None, timedelta], today: date, usual: UsualDays
) -> Expected:
    base, delay = before
    if own.expected_on:
        day = max(own.expected_on + delay, base or own.expected_on)
        return Expected(own.milestone, max(day, today), late=day < today)
    if base is None:
        return Expected(own.milestone, None, assumed=True)
    day = base + timedelta(days=usual.days[own.milestone])
    return Expected(own.milestone, max(day, today), assumed=usual.assumed, late=day < today)


def ready_on(
    product: Product, today: date, collection: date | None = None, usual: UsualDays = USUAL_DAYS
) -> date | None:
    """The day on which the product is, or is expected to be, at the site and released; None if untold."""
    return readiness_expected(product, today, collection, usual).day


def readiness_expected(
    product: Product, today: date, collection: date | None = None, usual: UsualDays = USUAL_DAYS
) -> Expected:
    """The later of the two milestones that make a product ready, assumed where either of them is."""
    way = expected(product, today, collection, usual)
    ready = [one for one in way if one.milestone in READY]
    days = [one.day for one in ready if one.day]
    day = max(days) if len(days) == len(ready) else None
    given = _last_given(way)
    assumed = any(one.assumed for one in ready) and not (day and given and given >= day)
    return Expected(Milestone.RELEASED, day, assumed=assumed)


def _last_given(way: Sequence[Expected]) -> date | None:
    """The latest day that somebody gave, or on which something came: what follows cannot be sooner."""
    return max((one.day for one in way if one.day and not one.assumed), default=None)


def next_milestones(product: Product) -> tuple[Milestone, ...]:
    """What may be recorded now of the present attempt, and whether a remake may begin another."""
    done = {milestone for milestone in product.present if product.done(milestone)}
    if Milestone.FAILED in done:
        return (Milestone.REMADE,)
    left = tuple(milestone for milestone in WAY if milestone not in done)
    broken = tuple(milestone for milestone in BROKEN if milestone not in done)
    remade = (Milestone.REMADE,) if Milestone.OUT_OF_SPECIFICATION in done else ()
    return (*left, *broken, *remade)


def refusals_of_milestone(
    product: Product, milestone: Milestone, on: date, today: date, note: str = ""
) -> Iterator[Refusal]:
    """Everything that forbids a milestone to have come on a day."""
    words: dict[str, object] = {"milestone": LABELS[milestone], "day": on, "today": today}
    if milestone not in next_milestones(product):
        possible = (
            listed(Code(LABELS[one]) for one in next_milestones(product)) if next_milestones(product) else "–"
        )
        message = _("%(milestone)s cannot be recorded now. Possible are: %(possible)s.")
        yield Refusal("milestone", message, words | {"possible": possible})
    if on > today:
        yield Refusal("on", IN_THE_FUTURE, words)
    if milestone in BROKEN and not note.strip():
        yield Refusal("note", _("Enter what was found. It is kept in the audit trail."), words)
    yield from _refusals_of_order(product, milestone, on, words)


def _refusals_of_order(
    product: Product, milestone: Milestone, on: date, words: Mapping[str, object]
) -> Iterator[Refusal]:
    earlier = BROKEN if milestone is Milestone.REMADE else AFTER.get(milestone, ())
    later = [
        one for one, before in AFTER.items() if milestone in before and milestone is not Milestone.REMADE
    ]
    for other, day in _done(product, earlier):
        if on < day:
            message = _("%(day)s is before %(other)s on %(other_day)s: give that day or a later one.")
            yield Refusal("on", message, {**words, "other": LABELS[other], "other_day": day})
    for other, day in _done(product, later):
        if on > day:
            message = _("%(day)s is after %(other)s on %(other_day)s: give that day or an earlier one.")
            yield Refusal("on", message, {**words, "other": LABELS[other], "other_day": day})


def _done(product: Product, milestones: Iterable[Milestone]) -> Sequence[tuple[Milestone, date]]:
    return [(one, day) for one in milestones if (day := product.done(one))]


def refusals_of_expectation(
    product: Product, milestone: Milestone, on: date, today: date
) -> Iterator[Refusal]:
    """Everything that forbids to expect a milestone on a day."""
    words: dict[str, object] = {"milestone": LABELS[milestone], "day": on, "today": today}
    if milestone not in WAY:
        yield Refusal("milestone", _("Nobody expects this: record it when it happens."), words)
    if done := product.done(milestone):
        message = _("%(milestone)s is on record for %(done)s.")
        yield Refusal("milestone", message, words | {"done": done})
    if on < today:
        message = _("%(day)s is over: today is %(today)s at the site.")
        yield Refusal("on", message, words)
