"""The visits of the Today page by what there is to do: coming, to prepare, to book, to record."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import reduce
from operator import or_
from typing import Any, Self

from django.db.models import Count, F, Q, QuerySet
from django.db.models.expressions import OrderBy

from participants.models import Participant
from participants.selectors.participants import few_in_sight
from schedules.domain.visits.allowed_actions import activities_of
from schedules.domain.visits.date_strip import StripDay, date_strip, day_to_offer
from schedules.domain.visits.status import ClinicDays
from schedules.domain.visits.visit import UNSCHEDULED
from schedules.models import LOST_BOOKING, Visit, VisitPlace, VisitPreparation, VisitTiming
from schedules.selectors.store.calendars import SiteCalendars, site_calendars
from schedules.selectors.today.strips import DayNotes, day_notes
from schedules.selectors.today.worklist import (
    Part,
    Wanted,
    WorkRow,
    in_part,
    live_visits,
    near,
    part_of_visit,
    with_relations,
    work_rows,
)
from schedules.selectors.visits.companions import Companion
from schedules.selectors.visits.offers import Offer, folded, offers_of
from schedules.selectors.visits.status_query import BOOKED, WAITS, at_each, by_today
from trials.domain.protocols.protocol import Place
from trials.domain.words import Say, plain
from trials.models import User
from trials.zones import roles_day

FIRST = 8
"""So many rows of a part are shown before "Show all"."""

WHOLE = 60
"""So many rows a part shows at most; the rest is a list with pages."""

FEW = 12
"""A part of so many rows or fewer is shown whole."""

_DAY = timedelta(days=1)
TO_BOOK = (Part.NO_CLINIC_DAY_LEFT, Part.LAST_DAYS, Part.OPEN, Part.UPCOMING)


class Section(StrEnum):
    """A part of the page with visits as its rows."""

    COMING = "coming"
    PREPARE = "prepare"
    BOOK = "book"
    RECORD = "record"


class Closing(StrEnum):
    """How soon the windows of a group close that are to be booked."""

    TOMORROW = "tomorrow"
    THIS_WEEK = "this-week"
    NEXT_WEEK = "next-week"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class BoardRow:
    """A visit with what its row needs: the strip, the day that one click books, what is to be done."""

    work: WorkRow
    section: Section
    strip: tuple[StripDay, ...]
    offered: date | None
    activities: tuple[str, ...]
    prepared: frozenset[str] = frozenset()
    companion_to_book: Companion | None = None
    companion_booked: Companion | None = None
    """The visit that is booked with this one in one act, and the one that is booked already: at most one."""

    @property
    def visit(self) -> Visit:
        """The visit as it is stored."""
        return self.work.visit

    @property
    def participant(self) -> Participant:
        """Whose visit it is."""
        return self.work.participant

    @property
    def strip_days(self) -> frozenset[date]:
        """The days that the strip shows."""
        return frozenset(one.day for one in self.strip)

    def offering(self, chosen: str) -> BoardRow:
        """The row with the day in its strip that was chosen, in place of the one that it would offer."""
        days = [day for day in self.strip_days if day.isoformat() == chosen]
        return replace(self, offered=days[0]) if days else self

    @property
    def ward(self) -> bool:
        """Whether it takes place on the ward."""
        return self.work.visit.place == VisitPlace.WARD

    @property
    def all_day(self) -> bool:
        """Whether it is a day on the ward without an hour."""
        return self.ward and self.visit.booked_start is None

    @property
    def day_number(self) -> str:
        """The day number of the participant today; empty where day zero is not known."""
        zero, reading = self.work.reading.zero, self.work.reading
        return reading.protocol.day_label((reading.today - zero).days) if zero else ""

    @property
    def begins(self) -> datetime | None:
        """The hour at which it is booked, in the site's zone."""
        start = self.visit.booked_start
        return start.astimezone(self.work.reading.zone) if start else None

    @property
    def minutes(self) -> int | None:
        """How long it is booked for; None where the booking does not say."""
        visit = self.visit
        if not (visit.booked_start and visit.booked_end):
            return None
        return int((visit.booked_end - visit.booked_start).total_seconds() // 60)

    @property
    def last_day(self) -> bool:
        """Whether the window closes today."""
        return self.visit.closes == self.work.today

    @property
    def to_prepare(self) -> tuple[str, ...]:
        """What a hospital needs before this visit; a bed only for the ward, nothing for a telephone call."""
        if self.visit.place in (VisitPlace.PHONE, VisitPlace.HOME):
            return ()
        return ("bed", "orders") if self.ward else ("doctor", "orders")

    @property
    def unprepared(self) -> bool:
        """Whether anything is still to be prepared."""
        return bool(set(self.to_prepare) - self.prepared)

    @property
    def recordable_on(self) -> date | None:
        """The day on which it was to be, for "done as booked"; None where nobody booked it."""
        visit, today = self.visit, self.work.today
        if visit.booked_on:
            return visit.booked_on if visit.booked_on <= today else None
        alone = visit.opens == visit.closes
        return visit.opens if self.ward and alone and visit.opens <= today else None


@dataclass(frozen=True, slots=True)
class Board:
    """The rows of each part that are shown, how many there are in all, and how soon windows close."""

    rows: Mapping[Section, Sequence[BoardRow]] = field(default_factory=dict)
    counts: Mapping[Section, int] = field(default_factory=dict)
    closing: Mapping[Closing, int] = field(default_factory=dict)
    ward: int = 0
    closed: int = 0
    absorbed: Mapping[Section, int] = field(default_factory=dict)

    def hidden(self, section: Section) -> int:
        """How many visits of a part are not shown."""
        return self.counts.get(section, 0) - self.shown(section)

    def shown(self, section: Section) -> int:
        """How many visits of a part are shown; a row may hold two."""
        return len(self.rows.get(section, ())) + self.absorbed.get(section, 0)


def board(
    user: User,
    now: datetime,
    wanted: Wanted,
    places: SiteCalendars,
    say: Say = plain,
    whole: Collection[Section] = (),
    read: Collection[Section] = tuple(Section),
) -> Board:
    """What the Today page shows of the visits at `places`, in the language of `say`.

    `whole` are the parts that are shown with up to WHOLE rows, `read` those of which rows are read at all:
    the others are counted alone. The number of queries does not depend on that of visits, participants or
    sites.
    """
    if not places.sites:
        return Board()
    days = places.by_day(now)
    conditions = _conditions(days)
    live = live_visits(user, now, wanted).filter(near(days))
    joined = {section: reduce(or_, parts) for section, parts in conditions.items()}
    counts, closing, ward, closed = _counts(live, joined, days)
    many = few_in_sight(user, roles_day(now), wanted.site, wanted.trial) is None
    first = [
        (section, pk)
        for section, parts in conditions.items()
        if counts[section] and section in read
        for pk in _first(live, parts, _order(section, many), _shown(section, counts[section], whole))
    ]
    shown = Visit.objects.filter(pk__in=[pk for _section, pk in first]).annotate(group=part_of_visit(days))
    found = with_relations(shown).in_bulk() if first else {}
    chosen = [(section, found[pk]) for section, pk in first]
    rows = _rows(chosen, now, say, places)
    if many:
        rows[Section.BOOK].sort(key=_as_of_few)
    book = [visit for section, visit in chosen if section is Section.BOOK]
    absorbed = {Section.BOOK: len(book) - len(rows[Section.BOOK])}
    rows[Section.PREPARE] = [row for row in rows[Section.PREPARE] if _is_next(row)]
    counts[Section.PREPARE] = len(rows[Section.PREPARE])
    return Board(rows, counts, closing, ward, closed, absorbed)


def counted(user: User, now: datetime, wanted: Wanted, places: SiteCalendars) -> Board:
    """How many visits each part has: what `board` counts, and no rows but those that are to be prepared.

    Whether somebody is there before the day of those says the calendar of their site, which no query asks.
    """
    return board(user, now, wanted, places, read=[Section.PREPARE])


def board_row(visit: Visit, now: datetime, section: Section, say: Say = plain) -> BoardRow:
    """The row of one visit, as the page shows it under a part."""
    setattr(visit, "group", 0)  # noqa: B010 - the part is not read of a row alone
    places = site_calendars([visit.participant.site])
    return _rows([(section, visit)], now, say, places)[section][0]


class CountAlone(Count):
    """A count that refers to no other count of its query.

    Django looks for such references node by node and hashes what stands below each, which for the conditions
    of several sites takes longer than the query.
    """

    def replace_expressions(self, replacements: Mapping[Any, Any]) -> Self:
        """Return the count as it is."""
        return self


_SOONEST = ("closes", "opens", "participant__subject_code", "pk")
_ORDER: Mapping[Section, tuple[str | OrderBy, ...]] = {
    Section.COMING: (F("booked_start").asc(nulls_first=True), "participant__subject_code", "pk"),
    Section.PREPARE: ("booked_on", "opens", F("booked_start").asc(nulls_first=True), "pk"),
    Section.BOOK: _SOONEST,
    Section.RECORD: (F("booked_on").asc(nulls_last=True), *_SOONEST),
}


_BOOK_OF_MANY = ("closes", "pk")
"""The order of what is to be booked where many are in sight: an index has it. Thousands of windows close on
one day, and by their first day and subject code all of them would be read for the first eight. Those that are
shown then stand in the order in which few do."""


def _as_of_few(row: BoardRow) -> tuple[date, date, str, int]:
    visit = row.visit
    return visit.closes, visit.opens, row.participant.subject_code, visit.pk


def _order(section: Section, many: bool) -> Sequence[str | OrderBy]:
    return _BOOK_OF_MANY if many and section is Section.BOOK else _ORDER[section]


def _first(
    live: QuerySet[Visit], parts: Sequence[Q], order: Sequence[str | OrderBy], shown: int
) -> list[int]:
    """The ids of the first rows of a part, before anything is joined; a query for each of its conditions.

    Joined by OR, PostgreSQL walks along no index to the first few, and reads all there are.
    """
    if len(parts) == 1:
        return list(live.filter(*parts).order_by(*order).values_list("pk", flat=True)[:shown])
    found = (live.filter(part).order_by(*order).values_list(*order)[:shown] for part in parts)
    return [row[-1] for row in sorted({row for some in found for row in some})[:shown]]


def _shown(section: Section, count: int, whole: Collection[Section]) -> int:
    if section in (Section.COMING, Section.PREPARE) or section in whole:
        return WHOLE
    return count if count <= FEW else FIRST


def _conditions(days: Mapping[ClinicDays, Sequence[int]]) -> dict[Section, tuple[Q, ...]]:
    """The conditions on the rows of each part, of which one holds.

    A day on the ward that is given by its block needs no booking: it comes on its day. `given` is
    `needs_no_booking` of the domain as a condition. A booking that no longer fits and is still to come is
    to be made again, however far away the window has moved: the person would come in vain.
    """
    today = by_today(days)
    given = Q(place=VisitPlace.WARD) & (Q(opens=F("closes")) | Q(timing=VisitTiming.OVER))
    unbooked = Q(booked_on=None)
    to_book = Q(pk__in=[])
    for part in TO_BOOK:
        to_book |= in_part(part, days)
    on_ward = given & unbooked & at_each(today, lambda day: Q(opens__lte=day, closes__gte=day))
    soon = given & unbooked & at_each(today, lambda day: Q(opens__gt=day, opens__lte=day + 4 * _DAY))
    booked = BOOKED & at_each(today, lambda day: Q(booked_on__gt=day, booked_on__lte=day + 4 * _DAY))
    lost = Q(booked_on__isnull=False) & ~BOOKED & ~WAITS & at_each(today, lambda day: Q(booked_on__gte=day))
    # in words of indexes, and implied: windows that are over are left out of what is to be booked, what lies
    # ahead out of what is to be recorded
    still_open, last = Q(closes__gte=min(today)), max(today)
    behind = Q(booked_on__lt=last) | Q(arrived_on__isnull=False) | Q(closes__lt=last)
    return {
        Section.COMING: (in_part(Part.COMING, days) | (on_ward & Q(arrived_on=None)),),
        Section.PREPARE: (booked | soon,),
        Section.BOOK: (to_book & ~(given & unbooked) & still_open, lost & LOST_BOOKING),
        Section.RECORD: (in_part(Part.TO_RECORD, days) & behind,),
    }


def _counts(
    live: QuerySet[Visit], conditions: Mapping[Section, Q], days: Mapping[ClinicDays, Sequence[int]]
) -> tuple[dict[Section, int], dict[Closing, int], int, int]:
    """How many visits each part has, and what its counter says besides; one query."""
    today, book = by_today(days), conditions[Section.BOOK]
    until = {
        Closing.TOMORROW: at_each(today, lambda day: Q(closes__lte=day + _DAY)),
        Closing.THIS_WEEK: at_each(today, lambda day: Q(closes__lte=_week_ends(day))),
        Closing.NEXT_WEEK: at_each(today, lambda day: Q(closes__lte=_week_ends(day) + 7 * _DAY)),
    }
    found = live.aggregate(
        **{section.value: CountAlone("pk", filter=condition) for section, condition in conditions.items()},
        **{
            f"until_{key}".replace("-", "_"): CountAlone("pk", filter=book & end)
            for key, end in until.items()
        },
        ward=CountAlone("pk", filter=conditions[Section.COMING] & Q(place=VisitPlace.WARD)),
        closed=CountAlone(
            "pk",
            filter=conditions[Section.RECORD] & at_each(today, lambda day: Q(closes__lt=day)),
        ),
    )
    counts = {section: found[section.value] for section in Section}
    one, two, three = found["until_tomorrow"], found["until_this_week"], found["until_next_week"]
    two, three = max(one, two), max(one, two, three)
    closing = {
        Closing.TOMORROW: one,
        Closing.THIS_WEEK: two - one,
        Closing.NEXT_WEEK: three - two,
        Closing.LATER: counts[Section.BOOK] - three,
    }
    return counts, closing, found["ward"], found["closed"]


def _week_ends(day: date) -> date:
    return day + (6 - day.weekday()) * _DAY


def closing_of(row: BoardRow) -> Closing:
    """How soon the window of a row closes."""
    closes, today = row.visit.closes, row.work.today
    if closes <= today + _DAY:
        return Closing.TOMORROW
    if closes <= _week_ends(today):
        return Closing.THIS_WEEK
    return Closing.NEXT_WEEK if closes <= _week_ends(today) + 7 * _DAY else Closing.LATER


def _rows(
    chosen: Sequence[tuple[Section, Visit]], now: datetime, say: Say, places: SiteCalendars
) -> dict[Section, list[BoardRow]]:
    """The rows of visits under their parts; a constant number of queries."""
    found: dict[Section, list[BoardRow]] = {section: [] for section in Section}
    if not chosen:
        return found
    visits = [visit for _section, visit in chosen]
    ticks, works = _ticks([visit.pk for visit in visits]), work_rows(visits, now, say, places)
    to_book = [work for (section, _visit), work in zip(chosen, works, strict=True) if section is Section.BOOK]
    own_row, notes = _offered(to_book)
    for (section, visit), work in zip(chosen, works, strict=True):
        row = _row(section, work, ticks.get(visit.pk, frozenset()))
        if section is not Section.BOOK:
            found[section].append(row)
        elif offer := own_row.get(visit.pk):
            found[section].append(_with_offer(row, offer, notes))
    found[Section.COMING].sort(key=_comes_to_clinic)
    return found


def _offered(to_book: Sequence[WorkRow]) -> tuple[Mapping[int, Offer], DayNotes]:
    """What is offered of those that have a row of their own, by the visit, and what is on their days."""
    offers = offers_of([(work.visit, work.reading) for work in to_book])
    return folded((work.visit for work in to_book), offers.of), day_notes(to_book, offers.full)


def _comes_to_clinic(row: BoardRow) -> bool:
    """Whether somebody comes for a visit: those who lie on the ward without an hour stand before them."""
    return not row.ward or row.begins is not None


def _with_offer(row: BoardRow, offer: Offer, notes: DayNotes) -> BoardRow:
    """A row to book with what is on its days, the day to offer, and the other visit of the same journey."""
    strip = tuple(notes.noted(day, row.visit) for day in row.strip)
    return replace(
        row,
        strip=strip,
        offered=offer.day,
        companion_to_book=offer.companion_to_book,
        companion_booked=offer.companion_booked,
    )


def _row(section: Section, work: WorkRow, prepared: frozenset[str]) -> BoardRow:
    visit, reading = work.visit, work.reading
    window, place = work.line.planned.window, Place(visit.place)
    strip: tuple[StripDay, ...] = ()
    if section is Section.BOOK:
        strip = date_strip(window, place, reading.calendar, work.today, reading.say)
    offered = day_to_offer(window, place, reading.calendar, work.today, visit.suggested)
    asked = activities_of(
        reading.protocol, visit.rule_code, visit.occurrence, frozenset(work.participant.traits)
    )
    activities = () if visit.rule_code == UNSCHEDULED else tuple(one.label for one in asked)
    return BoardRow(work, section, strip, offered, activities, prepared)


def _is_next(row: BoardRow) -> bool:
    """Whether a visit to come is on the next day that somebody is there, and not prepared.

    On a Friday that is Monday: nobody is there to prepare anything on the days between.
    """
    day, calendar = row.visit.booked_on or row.visit.opens, row.work.reading.calendar
    between = (row.work.today + n * _DAY for n in range(1, (day - row.work.today).days))
    none_between = all(calendar is not None and not calendar.is_working_day(one) for one in between)
    return row.unprepared and none_between


def _ticks(visits: Collection[int]) -> dict[int, frozenset[str]]:
    """What is prepared for these visits; one query."""
    found: dict[int, set[str]] = {}
    for visit, kind in VisitPreparation.objects.filter(visit__in=visits).values_list("visit_id", "kind"):
        found.setdefault(visit, set()).add(kind)
    return {visit: frozenset(kinds) for visit, kinds in found.items()}
