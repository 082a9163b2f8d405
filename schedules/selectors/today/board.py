"""The visits of the Today page by what there is to do: coming, to prepare, to book, to record."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from participants.models import Participant
from participants.selectors.participants import few_in_sight
from schedules.domain.visits.allowed_actions import activities_of
from schedules.domain.visits.date_strip import StripDay, date_strip, day_to_offer
from schedules.domain.visits.visit import UNSCHEDULED
from schedules.models import Visit, VisitPlace, VisitPreparation
from schedules.selectors.store.calendars import SiteCalendars, site_calendars
from schedules.selectors.today.counted import CLOSED, WARD, counted_of_few
from schedules.selectors.today.counted_of_many import counted_of_many
from schedules.selectors.today.parts import Closing, Section, closing_on
from schedules.selectors.today.strips import DayNotes, day_notes
from schedules.selectors.today.worklist import (
    Wanted,
    WorkRow,
    live_visits,
    part_of_visit,
    with_relations,
    work_rows,
)
from schedules.selectors.visits.companions import Companion
from schedules.selectors.visits.offers import Offer, folded, offers_of
from trials.domain.protocols.protocol import Place
from trials.domain.words import Say, plain
from trials.models import User
from trials.zones import roles_day

_DAY = timedelta(days=1)


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
    more: frozenset[str] = frozenset()
    """The names of the counts that stopped before the end: of parts, of groups, WARD and CLOSED."""

    @property
    def said(self) -> dict[str, str]:
        """The counts as shown, with a plus where counting stopped early."""
        numbers = {section.value: self.counts.get(section, 0) for section in Section}
        numbers |= {WARD: self.ward, CLOSED: self.closed}
        return {name: self._said(name, count) for name, count in numbers.items()}

    @property
    def closing_said(self) -> dict[Closing, str]:
        """The counts of closing windows by group, as shown, with a plus where counting stopped early."""
        return {each: self._said(each.value, count) for each, count in self.closing.items()}

    def _said(self, name: str, count: int) -> str:
        return f"{count}+" if name in self.more else str(count)

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
    live = live_visits(user, now, wanted)
    few = few_in_sight(user, roles_day(now), wanted.site, wanted.trial)
    due = counted_of_many(live, days, whole) if few is None else counted_of_few(live, days, whole)
    first = [(section, pk) for section, pk in due.first if section in read]
    shown = Visit.objects.filter(pk__in=[pk for _section, pk in first]).annotate(group=part_of_visit(days))
    found = with_relations(shown).in_bulk() if first else {}
    chosen = [(section, found[pk]) for section, pk in first]
    rows = _rows(chosen, now, say, places)
    if few is None:
        rows[Section.BOOK].sort(key=_as_of_few)
    book = [visit for section, visit in chosen if section is Section.BOOK]
    absorbed = {Section.BOOK: len(book) - len(rows[Section.BOOK])}
    rows[Section.PREPARE] = [row for row in rows[Section.PREPARE] if _is_next(row)]
    counts = {**due.counts, Section.PREPARE: len(rows[Section.PREPARE])}
    return Board(rows, counts, due.closing, due.ward, due.closed, absorbed, due.more)


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


def _as_of_few(row: BoardRow) -> tuple[date, date, str, int]:
    """Where a row to book stands: of many, those of one day are chosen without a look at subject codes."""
    visit = row.visit
    return visit.closes, visit.opens, row.participant.subject_code, visit.pk


def closing_of(row: BoardRow) -> Closing:
    """How soon the window of a row closes."""
    return closing_on(row.visit.closes, row.work.today)


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
