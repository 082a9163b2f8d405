"""What clashes with a booking at its site: person, room, bed, staff, slot, hour, absence or closed day.

`clashes_of` is the one function that answers it, for one booking that is proposed and for one that is
on record. It reads values alone: `schedules.selectors.visits.clashes` fetches them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import reduce

from trials.domain.language import Code
from trials.domain.sites.closed_days import closed_words
from trials.domain.sites.resources import DEFAULT_MINUTES, ResourceKind, ResourceTerms
from trials.domain.sites.wall_clock import later
from trials.domain.words import Value, Words
from trials.domain.words import mark as _


class ClashKind(StrEnum):
    """The ways in which something clashes with a booking, the most severe first."""

    PERSON = "person"
    ROOM = "room"
    BED = "bed"
    STAFF = "staff"
    SLOT = "slot"
    ABSENCE = "absence"
    CLOSED = "closed"
    HOURS = "hours"
    SAME_DAY = "same-day"
    TOGETHER = "together"


HINTS = frozenset({ClashKind.SAME_DAY, ClashKind.TOGETHER})
"""What is only worth knowing: every other kind needs "all the same" and a reason."""

_FULL = {
    ResourceKind.ROOM: ClashKind.ROOM,
    ResourceKind.BED: ClashKind.BED,
    ResourceKind.STAFF: ClashKind.STAFF,
    ResourceKind.SLOT: ClashKind.SLOT,
}


@dataclass(frozen=True, slots=True)
class Clash:
    """One thing that clashes with a booking, in words; `other` is the visit (id) that takes the same."""

    kind: ClashKind
    words: Words
    other: int | None = None
    resource: int | None = None

    @property
    def hint(self) -> bool:
        """Whether it is only worth knowing: the booking needs no reason because of it."""
        return self.kind in HINTS


@dataclass(frozen=True, slots=True)
class BookedTime:
    """A booking, proposed or on record: whose, when, and what it takes.

    Hours carry the zone of the site; a start without an end is taken to last the usual length of its
    resource. `visit` is its id (None: not stored yet), `who` and `what` name it for people who may
    see it, `ward` says that the clinic need not be open.
    """

    participant: int
    on: date
    start: datetime | None = None
    end: datetime | None = None
    resource: int | None = None
    staff: int | None = None
    visit: int | None = None
    ward: bool = False
    who: str = ""
    what: str = ""
    trial: int | None = None

    def span(self, terms: ResourceTerms | None = None) -> tuple[datetime, datetime] | None:
        """Return when it begins and ends; None where no hour is fixed."""
        if self.start is None:
            return None
        minutes = terms.minutes if terms else DEFAULT_MINUTES
        return self.start, self.end or later(self.start, timedelta(minutes=minutes))

    def days(self, terms: ResourceTerms | None = None) -> list[date]:
        """Return the days on which it is: one that goes on past midnight is on the next day as well."""
        span = self.span(terms)
        if span is None or self.on == date.max:
            return [self.on]
        after = self.on + timedelta(days=1)
        # By the clock on the wall: a booking's day is that of the site, whatever hour it is in UTC.
        until = span[1].replace(tzinfo=None)
        return [self.on, after] if until > datetime.combine(after, time.min) else [self.on]

    def is_one_with(self, other: BookedTime) -> bool:
        """Return whether both are one appointment: two visits of a participant at one hour, in one room."""
        mine, theirs = (
            (one.participant, one.on, one.start, one.end, one.resource, one.staff) for one in (self, other)
        )
        return self.start is not None and mine == theirs

    def takes(self) -> Iterator[int]:
        """Return the ids of the resources that it takes."""
        yield from (one for one in (self.resource, self.staff) if one is not None)


@dataclass(frozen=True, slots=True)
class OpenVisit:
    """A clinic visit of the same participant that could take place on a day: nothing is recorded of it."""

    visit: int
    what: str
    opens: date
    closes: date
    booked_on: date | None = None


@dataclass(frozen=True, slots=True)
class DayAtSite:
    """What is known of one day at a site: why nobody can be seen, who is away (words), or None.

    `others` are the bookings at the site that are on that day or on another on which the booking at hand is,
    and those of the participant elsewhere. Who takes
    a room is said of participants of the same trial and of `seen_trials` alone.
    """

    closed: str | None = None
    away: str | None = None
    others: tuple[BookedTime, ...] = ()
    open_visits: tuple[OpenVisit, ...] = ()
    resources: Mapping[int, ResourceTerms] = field(default_factory=dict)
    seen_trials: frozenset[int] = frozenset()


def clashes_of(booked: BookedTime, day: DayAtSite) -> tuple[Clash, ...]:
    """Return all that clashes with a booking on its day, the most severe first."""
    others = [one for one in day.others if one.visit is None or one.visit != booked.visit]
    found = [
        *_person(booked, others, day),
        *_resources(booked, others, day),
        *_closed(booked, day),
        *_together(booked, day),
    ]
    return tuple(sorted(found, key=lambda clash: list(ClashKind).index(clash.kind)))


def grave(clashes: Iterable[Clash]) -> list[Clash]:
    """Return the clashes that are more than a hint: a booking needs "all the same" and a reason."""
    return [clash for clash in clashes if not clash.hint]


def _person(booked: BookedTime, others: Iterable[BookedTime], day: DayAtSite) -> Iterator[Clash]:
    own = _span(booked, day)
    for other in others:
        if other.participant != booked.participant:
            continue
        theirs = _span(other, day)
        if own and theirs and _overlap(_instants(own), _instants(theirs)) and not booked.is_one_with(other):
            words: dict[str, Value] = {"visit": Code(other.what), "hour": f"{theirs[0]:%H:%M}"}
            message = _("The participant is booked for %(visit)s from %(hour)s on the same day.")
            if other.on != booked.on:
                words["day"] = other.on
                message = _(
                    "The participant is booked for %(visit)s on %(day)s from %(hour)s: the two overlap."
                )
            yield Clash(ClashKind.PERSON, Words.of(message, words), other.visit)
        elif other.on == booked.on and not (booked.ward and other.ward):
            message = _("%(visit)s of the participant is booked on the same day.")
            yield Clash(ClashKind.SAME_DAY, Words.of(message, {"visit": Code(other.what)}), other.visit)


def _resources(booked: BookedTime, others: list[BookedTime], day: DayAtSite) -> Iterator[Clash]:
    for pk in booked.takes():
        terms = day.resources.get(pk)
        if terms is not None:
            yield from _unusable(booked, terms, day)
            taking = [one for one in others if pk in one.takes() and not booked.is_one_with(one)]
            yield from _full(booked, terms, taking, day)


def _unusable(booked: BookedTime, terms: ResourceTerms, day: DayAtSite) -> Iterator[Clash]:
    """The closed days and the hours of what a booking takes."""
    words: dict[str, Value] = {"name": terms.name}
    for on in booked.days(terms):
        note, there = terms.closed_on(on), {**words, "day": on}
        if note is not None:
            yield _not_usable(terms, note, there)
        elif not terms.used_on(on):
            message = _("%(name)s is not used on that weekday: %(day)s.")
            yield Clash(ClashKind.CLOSED, Words.of(message, there), resource=terms.pk)
    span = booked.span(terms)
    if span and not (terms.by_day or _within(terms, span)):
        first, last = terms.opens_at, terms.closes_at
        words["first"] = f"{first:%H:%M}" if first else "00:00"
        words["last"] = f"{last:%H:%M}" if last else "24:00"
        message = _("%(name)s is open from %(first)s to %(last)s.")
        yield Clash(ClashKind.HOURS, Words.of(message, words), resource=terms.pk)


def _not_usable(terms: ResourceTerms, note: str, words: Mapping[str, Value]) -> Clash:
    """The clash with a closed day of a resource, or with a day on which somebody is away."""
    if terms.kind is ResourceKind.STAFF:
        kind = ClashKind.ABSENCE
        message, bare = _("%(name)s is away on %(day)s: %(why)s."), _("%(name)s is away on %(day)s.")
    else:
        kind = ClashKind.CLOSED
        message = _("%(name)s cannot be used on %(day)s: %(why)s.")
        bare = _("%(name)s cannot be used on %(day)s.")
    said = Words.of(message, {**words, "why": note}) if note else Words.of(bare, words)
    return Clash(kind, said, resource=terms.pk)


def _within(terms: ResourceTerms, span: tuple[datetime, datetime]) -> bool:
    start, end = span
    if end.date() > start.date():  # it goes on past midnight: only what is never closed holds it
        return terms.closes_at is None and (terms.opens_at is None or terms.opens_at <= start.time())
    return terms.within_hours(start.time(), end.time())


def _full(
    booked: BookedTime, terms: ResourceTerms, others: Iterable[BookedTime], day: DayAtSite
) -> Iterator[Clash]:
    """Whether more take a resource at once than it holds; a bed is taken by the day, all else by the hour."""
    taking, peak = (_by_day if terms.by_day else _by_hour)(booked, terms, others)
    if peak <= terms.capacity or not taking:
        return
    seen = [one for one in taking if one.trial == booked.trial or one.trial in day.seen_trials]
    yield Clash(_FULL[terms.kind], _taken_by(terms, seen), taking[0].visit, terms.pk)


Taking = tuple[list[BookedTime], int]
"""The other bookings that take a resource, and how many at most take it at once with the one at hand."""


def _by_day(booked: BookedTime, terms: ResourceTerms, others: Iterable[BookedTime]) -> Taking:
    own = booked.days(terms)  # overnight both: until when a bed is needed is seldom known before
    there = [(one, on) for one in others for on in one.days(terms) if on in own]
    peak = max(len({one.participant for one, at in there if at == on} | {booked.participant}) for on in own)
    return list(dict.fromkeys(one for one, _on in there if one.participant != booked.participant)), peak


def _by_hour(booked: BookedTime, terms: ResourceTerms, others: Iterable[BookedTime]) -> Taking:
    span = booked.span(terms)
    if span is None:
        return [], 0
    span = _instants(span)
    others_there = ((one, _instants(their)) for one in others if (their := one.span(terms)))
    spans = [(one, their) for one, their in others_there if _overlap(span, their)]
    spans = list({(one.participant, their): (one, their) for one, their in spans}.values())  # two in one
    return [one for one, _their in spans], 1 + _most_at_once([_cut(their, span) for _one, their in spans])


def _taken_by(terms: ResourceTerms, seen: Sequence[BookedTime]) -> Words:
    """By whom a resource is taken; of other trials nobody is named."""
    words: dict[str, Value] = {"name": terms.name}
    if not seen:
        return Words.of(_("%(name)s is taken by a participant of another trial."), words)
    words["others"] = _listed(seen)
    if terms.capacity == 1:
        return Words.of(_("%(name)s is taken: %(others)s."), words)
    words["capacity"] = terms.capacity
    return Words.of(_("%(name)s is full: it holds %(capacity)s, taken by %(others)s."), words)


def _listed(bookings: Iterable[BookedTime]) -> Words:
    """Return whose visits these are, one after the other; their labels are said in the reader's language."""
    named = (Words.of("%(who)s %(what)s", {"who": one.who, "what": Code(one.what)}) for one in bookings)
    return reduce(lambda one, after: Words.of(_("%(first)s, %(next)s"), {"first": one, "next": after}), named)


def _closed(booked: BookedTime, day: DayAtSite) -> Iterator[Clash]:
    if day.away:
        words = Words.of(_("%(day)s: %(why)s."), {"day": booked.on, "why": closed_words(day.away)})
        yield Clash(ClashKind.ABSENCE, words)
    if day.closed and not booked.ward:
        words = Words.of(_("%(day)s is no clinic day: %(why)s."), {"day": booked.on, "why": day.closed})
        yield Clash(ClashKind.CLOSED, words)


def _together(booked: BookedTime, day: DayAtSite) -> Iterator[Clash]:
    """Other visits of the participant that could be on that day as well: one journey instead of two."""
    if booked.ward:
        return
    for other in day.open_visits:
        if other.visit != booked.visit and other.booked_on != booked.on:
            if not other.opens <= booked.on <= other.closes:
                continue
            message = _("%(visit)s can be on the same day: its window is open from %(opens)s to %(closes)s.")
            words: dict[str, Value] = {
                "visit": Code(other.what),
                "opens": other.opens,
                "closes": other.closes,
            }
            yield Clash(ClashKind.TOGETHER, Words.of(message, words), other.visit)


def _span(booked: BookedTime, day: DayAtSite) -> tuple[datetime, datetime] | None:
    return booked.span(day.resources.get(booked.resource) if booked.resource is not None else None)


def _instants(span: tuple[datetime, datetime]) -> tuple[datetime, datetime]:
    """The same span in UTC: by what the clocks of a zone show, an hour that comes twice would be one."""
    return span[0].astimezone(UTC), span[1].astimezone(UTC)


def _overlap(one: tuple[datetime, datetime], other: tuple[datetime, datetime]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _cut(span: tuple[datetime, datetime], within: tuple[datetime, datetime]) -> tuple[datetime, datetime]:
    return max(span[0], within[0]), min(span[1], within[1])


def _most_at_once(spans: Iterable[tuple[datetime, datetime]]) -> int:
    """Return how many spans overlap where most do; one that ends when another begins makes room for it."""
    edges = sorted([edge for start, end in spans for edge in ((start, 1), (end, -1))])
    most = running = 0
    for _at, change in edges:
        running += change
        most = max(most, running)
    return most
