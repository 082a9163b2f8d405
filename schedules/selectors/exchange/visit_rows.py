"""Visits as machines read them: rows of columns and a constant number of queries, no models."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from functools import cache, lru_cache, reduce
from operator import or_
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext

from participants.models import CourseStep, Participant
from participants.selectors.participants import ids_of_few, participants_visible_to
from schedules.domain.errors import FilterRefused
from schedules.domain.plan.explanations import because_visit
from schedules.domain.plan.values import AnchorKind
from schedules.domain.visits.edc_words import EdcStatus
from schedules.domain.visits.status import (
    Appointment,
    ClinicDays,
    Standing,
    WindowPosition,
    clinic_days,
    standing,
)
from schedules.domain.visits.visit import COLUMNS, VisitState
from schedules.models import LIVE, OVER, Visit
from schedules.selectors.exchange.people import (
    Since,
    WantedPeople,
    changed_visits,
    of_people,
    people_wanted,
)
from schedules.selectors.store.calendars import SiteCalendars, TableKey, site_calendars, working_days_by_table
from schedules.selectors.store.plain_rows import Columns, Row, Written, ids_of, read_plain, selected
from schedules.selectors.store.stored_visits import planned_visit
from schedules.selectors.visits.status_query import (
    RARE,
    appointment_condition,
    closing_between,
    edc_condition,
    rare_window,
    window_condition,
)
from trials.domain.accounts.access import Right, Scope
from trials.domain.protocols.protocol import Protocol
from trials.domain.words import Say, plain
from trials.keyset import ID_END, Key, Place, RowAfter
from trials.models import ProtocolVersion, Site, Trial, User, WorkingDayTable
from trials.selectors.among import AmongIds
from trials.selectors.records import protocol_of, roles_of, sites_visible_to, within
from trials.selectors.together import read_together
from trials.zones import roles_day, zone_named

IN_REACH = 500
"""So many visits that go on, and that are over, are looked up one by one for the positions of windows."""
SOON_CLOSED = frozenset({WindowPosition.LAST_DAYS, WindowPosition.NO_CLINIC_DAY_LEFT})
"""The positions of visits that close within a few days: of all that there are, not one in a hundred."""
CLOSING_SOON = 50_000
"""So many of them that go on, and that are over, are found by the day on which they close, in an index."""


class Beside(NamedTuple):
    """What of a visit rules do not look at, and whose it is."""

    booked_start: datetime | None
    booked_end: datetime | None
    booked_zone: str
    booked_place: str
    arrived_at: datetime | None
    arrived_zone: str
    missed_reason: str
    cancelled_reason: str
    ended_by: str | None
    ended_because: str | None
    subject_code: str
    site_id: int
    version_id: int


_TABLES: Mapping[str, type[Model]] = {
    "v": Visit,
    "p": Participant,
    "cs": CourseStep,
    "s": Site,
    "w": WorkingDayTable,
    "pv": ProtocolVersion,
    "t": Trial,
}
"""Each table by its alias."""

_VISIT = (
    *(f"v.{name}" for name in COLUMNS),
    "v.booked_start",
    "v.booked_end",
    "v.booked_zone",
    "v.booked_place",
    "v.arrived_at",
    "v.arrived_zone",
    "v.missed_reason",
    "v.cancelled_reason",
    "cs.step",
    "cs.reason",
    "p.subject_code",
    "p.site_id",
    "p.protocol_version_id",
)
"""What is read of each visit: the columns of its state, then what stands beside it."""
_SITE = ("s.id", "s.code", "s.zone", "w.id", "w.digest")
_VERSION = ("id", "label", "digest")
_EDITION = (*(f"pv.{name}" for name in _VERSION), "t.code")


@cache
def _columns(names: tuple[str, ...]) -> Columns:
    """The columns with these names, each after its table's alias."""
    found = []
    for alias, _dot, name in (one.partition(".") for one in names):
        meta = _TABLES[alias]._meta  # noqa: SLF001  Django's own name for what it publishes
        field: Any = meta.pk if name == "pk" else meta.get_field(name.removesuffix("_id"))
        found.append((alias, field))
    return tuple(found)


_STATE = len(COLUMNS)
_TARGET, _ID = COLUMNS.index("target"), COLUMNS.index("pk")


@dataclass(frozen=True, slots=True)
class AtSite:
    """What the visits at one site share: its code, its zone, and the day that is asked about there."""

    code: str
    zone: ZoneInfo
    days: ClinicDays


class Edition(NamedTuple):
    """What the visits of one protocol version share: its label, the trial's code, and the protocol.

    `assumed` are the anchors whose days follow from others by a rule that no record states.
    """

    label: str
    trial: str
    protocol: Protocol
    assumed: frozenset[str]


class ListedVisit(NamedTuple):
    """A visit as machines get it: what is on record, and by what it is read."""

    state: VisitState
    beside: Beside
    at: AtSite
    edition: Edition

    @property
    def protocol(self) -> Protocol:
        """The protocol by which it is read."""
        return self.edition.protocol

    @property
    def standing(self) -> Standing:
        """Both axes on the day that is asked about."""
        return standing(self.state, self.at.days)

    @property
    def anchor_assumed(self) -> bool:
        """Whether the day that it counts from follows from others by a rule that no record states."""
        return self.state.anchor_kind == AnchorKind.DERIVED and self.state.anchor_code in self.edition.assumed

    @property
    def booking_fits(self) -> bool | None:
        """Whether the booked day is still in the window; None without a booking."""
        return None if self.state.booked_on is None else not self.state.booking_lost

    def because(self, say: Say = plain) -> str:
        """Why its date is what it is, in words."""
        return because_visit(self.protocol, planned_visit(self.state, self.protocol, self.at.zone), say)


@dataclass(frozen=True, slots=True)
class WantedVisits:
    """Which visits are asked for; of each none means all.

    `codes` are those of visits, `rules` those of visit rules. `target` and `touching` are ranges of days,
    open at an end that is None: of targets, and of windows that have a day in common with it. `as_of` is
    the day on which both axes are taken, the site's present day where nobody gives one. `by_target` asks
    for a list in the order of targets, where a full read goes by id.
    """

    people: WantedPeople = field(default_factory=WantedPeople)
    codes: Collection[str] = ()
    rules: Collection[str] = ()
    occurrences: Collection[int] = ()
    window: Collection[WindowPosition] = ()
    appointment: Collection[Appointment] = ()
    edc_status: Collection[EdcStatus] = ()
    target: tuple[date | None, date | None] = (None, None)
    touching: tuple[date | None, date | None] = (None, None)
    changed_since: Since | None = None
    as_of: date | None = None
    by_target: bool = False
    further: Q | None = None
    """A condition on visits, of an EDC's names."""

    @property
    def is_rare(self) -> bool:
        """Whether positions of windows alone are asked for in which few visits can be."""
        return bool(self.window) and RARE.issuperset(self.window)

    @property
    def everything(self) -> bool:
        """Whether all visits in sight are asked for, by id."""
        people = any(getattr(self.people, one.name) for one in fields(self.people))
        named = (self.codes, self.rules, self.occurrences, self.window, self.appointment, self.edc_status)
        ranges = (*self.target, *self.touching, self.changed_since, self.further)
        return not (people or any(named) or self.by_target) and ranges == (None,) * len(ranges)


@dataclass(frozen=True, slots=True)
class ListedVisits:
    """A page of visits, and the key that the next one starts after."""

    visits: Sequence[ListedVisit]
    after: Place | None


def listed_visits(
    user: User, wanted: WantedVisits, page: tuple[Place | None, int], now: datetime
) -> ListedVisits:
    """Read a page of the visits in a user's sight; `page` is the place to start after and the size.

    By id, where nothing moves; by target only where that is wanted, since a target moves with each
    re-planning. Raises FilterRefused for what is not in sight. The number of queries does not depend on
    what is found.
    """
    after, size = page
    if wanted.everything and not isinstance(after, tuple):
        rows = _full_read(roles_of(user, roles_day(now)), after, size + 1)
    else:
        rows = _page(_chosen(user, wanted, (after, size + 1), now), by_target=wanted.by_target)
    last = rows[size - 1] if len(rows) > size else None
    following: Place | None = None
    if last is not None:
        following = (last[_TARGET], last[_ID]) if wanted.by_target else last[_ID]
    return ListedVisits(_listed(rows[:size], now, wanted.as_of), following)


def listed_visit(user: User, pk: int, now: datetime, as_of: date | None = None) -> ListedVisit | None:
    """A visit in a user's sight as machines get it; None for any other id."""
    return next(iter(visits_by_id(user, [pk], now, as_of).values()), None)


def visits_by_id(
    user: User, pks: Collection[int], now: datetime, as_of: date | None = None
) -> dict[int, ListedVisit]:
    """Those of the visits in a user's sight, by id; a constant number of queries."""
    people = participants_visible_to(user, roles_day(now))
    possible = [pk for pk in pks if 0 < pk < ID_END]
    if not possible:
        return {}
    rows = _page(ids_of(Visit.objects.filter(pk__in=possible, participant__in=people).order_by()))
    return {one.state.pk: one for one in _listed(rows, now, as_of)}


def _full_read(scope: Scope, after: int | None, size: int) -> list[Row]:
    """A page of all visits in sight, by id: what a program reads page by page, ten thousand times."""
    last = 0 if after is None else after
    if scope.everything or scope.allows_throughout(Right.VIEW):
        sql = f"{_selected()} WHERE v.id > %s ORDER BY v.id LIMIT %s"
        return read_plain(sql, (last, size), _columns(_VISIT))
    return _page(_in_sight(scope, last, size))


def _in_sight(scope: Scope, last: int, size: int) -> Written | None:
    """The ids of a page of the visits in sight of a scope.

    The condition of a scope is put into words once. The plus keeps SQLite from looking up all visits of
    these people for each page, to sort them: it walks on by id. PostgreSQL knows how many there are.
    """
    sight = _people_visible(scope)
    if sight is None:
        return None
    people, params = sight
    few = ids_of_few(Participant.objects.filter(within(scope)))
    if few is not None:
        rows = ids_of(Visit.objects.filter(participant__in=few, pk__gt=last).order_by())
        return rows and _first_of_few(rows, "pk", size)
    walking = "+" if connection.vendor == "sqlite" else ""
    sql = f"""
        SELECT id AS pk FROM {Visit._meta.db_table}
        WHERE {walking}participant_id IN ({people}) AND id > %s ORDER BY id LIMIT %s
    """  # noqa: S608, SLF001  names of ours alone; what readers ask for are parameters
    return sql, (*params, last, size)


def _first_of_few(rows: Written, order: str, size: int) -> Written:
    """The first ids of few rows, all of which are looked up before they are put in order.

    Without MATERIALIZED a database walks along the order that is asked for, past everybody else's rows.
    """
    sql, params = rows
    first = f"WITH few AS MATERIALIZED ({sql}) SELECT pk FROM few ORDER BY {order} LIMIT %s"  # noqa: S608
    return first, (*params, size)


@lru_cache(maxsize=256)
def _people_visible(scope: Scope) -> Written | None:
    return ids_of(Participant.objects.filter(within(scope)).order_by())


def _page(ids: Written | None, *, by_target: bool = False) -> list[Row]:
    """The columns of the visits with these ids, by id or by target; one statement.

    The ids are a list, and no table to be joined: before a table has statistics (after a restore), PostgreSQL
    takes both sides of such a join for one row, and finds the page again for each visit that there is.
    """
    if ids is None:
        return []
    page, params = ids
    order = "v.target, v.id" if by_target else "v.id"
    among = f"= ANY(ARRAY({page}))" if connection.vendor == "postgresql" else f"IN ({page})"
    sql = f"{_selected()} WHERE v.id {among} ORDER BY {order}"
    return read_plain(sql, params, _columns(_VISIT))


@cache
def _selected() -> str:
    """The statement that reads visits, up to which ones.

    What many of them share (site, version) is read apart: PostgreSQL plans a join of nine tables for longer
    than it takes to read a page.
    """
    tables = {alias: model._meta.db_table for alias, model in _TABLES.items()}  # noqa: SLF001
    return f"""
        SELECT {selected(_columns(_VISIT))} FROM {tables["v"]} v
        JOIN {tables["p"]} p ON p.id = v.participant_id
        LEFT JOIN {tables["cs"]} cs ON cs.id = v.cancelled_by_id
    """  # noqa: S608  names of ours alone


@cache
def _shared(names: tuple[str, ...]) -> str:
    """The statement that reads what visits share, sites or versions, up to the ids of those."""
    tables = {alias: model._meta.db_table for alias, model in _TABLES.items()}  # noqa: SLF001
    sources = {
        _SITE: f"""
            {tables["s"]} s LEFT JOIN {tables["w"]} w ON w.site_id = s.id
                AND w.version = (SELECT MAX(n.version) FROM {tables["w"]} n WHERE n.site_id = s.id)
            WHERE s.id IN
        """,  # noqa: S608
        _EDITION: f"{tables['pv']} pv JOIN {tables['t']} t ON t.id = pv.trial_id WHERE pv.id IN",
    }
    return f"SELECT {selected(_columns(names))} FROM {sources[names]}"  # noqa: S608


def _read_shared(names: tuple[str, ...], ids: Collection[int]) -> list[Row]:
    """The columns of the sites or versions with these ids; one statement."""
    places = ", ".join(["%s"] * len(ids))
    return read_plain(f"{_shared(names)} ({places})", tuple(ids), _columns(names))


def _chosen(
    user: User, wanted: WantedVisits, page: tuple[Place | None, int], now: datetime
) -> Written | None:
    """The ids of a page of the visits that are asked for; raises FilterRefused."""
    after, size = page
    people = people_wanted(user, wanted.people, now)
    few = ids_of_few(people)
    days = _days_seen(user, wanted, now) if wanted.window or wanted.appointment else {}
    found = _wanted(of_people(people, few), wanted, days)
    reach = _in_reach(wanted, days) if few is None else None
    if reach is not None:
        found = found.filter(pk__in=reach)
    visits = _following(found, wanted.by_target, after)
    walks = few is None and reach is None and not wanted.is_rare
    soon = _closing_soon(wanted, days, after) if walks else None
    if soon is not None:
        visits, walks = visits.filter(soon), not wanted.by_target
    return _first_page(visits, wanted.by_target, size, walks=walks)


def _first_page(visits: QuerySet[Visit], by_target: bool, size: int, *, walks: bool) -> Written | None:
    """The ids of the first visits in their order: walked to along an index, else of few that are sorted."""
    order = ("target", "pk") if by_target else ("pk",)
    if walks:
        return ids_of(visits.order_by(*order)[:size])
    rows = ids_of(visits.order_by(), "target")
    return rows and _first_of_few(rows, ", ".join(order), size)


def _following(visits: QuerySet[Visit], by_target: bool, after: Place | None) -> QuerySet[Visit]:
    """What follows a place of the same order; raises FilterRefused for a place in the other one."""
    if after is None:
        return visits
    if isinstance(after, int) == by_target:
        raise FilterRefused(
            {"cursor": [gettext("This cursor belongs to another sort order. Leave it out to start again.")]}
        )
    if not by_target:
        return visits.filter(pk__gt=after)
    key: Key = after  # type: ignore[assignment]  # a place by target is one of day and id
    return visits.filter(RowAfter({"target": key[0], "id": key[1]}))


def _in_reach(wanted: WantedVisits, days: Mapping[ClinicDays, Collection[int]]) -> list[int] | None:
    """The ids of all visits that close on the days of the positions asked for; None where they are many.

    One query along the indexes of these days, two where they are few. A page is walked to by the ids: where
    hardly anything of many years is in a position, everything else would be passed on the way.
    """
    closing = closing_between(wanted.window, days)
    if closing is None or RARE.issuperset(wanted.window):
        return None
    ends = [Visit.objects.filter(state, closing).order_by("closes") for state in (LIVE, OVER)]
    # whether there is one more, by the day alone: no row is looked up for that
    more = read_together(*(end.values_list("closes")[IN_REACH : IN_REACH + 1] for end in ends))
    if any(more):
        return None
    return [pk for some in read_together(*(end.values_list("pk") for end in ends)) for (pk,) in some]


def _closing_soon(
    wanted: WantedVisits, days: Mapping[ClinicDays, Collection[int]], after: Place | None
) -> AmongIds | None:
    """The condition on ids by which visits that close within a few days are found; one query, or none.

    None where more of them close on these days than CLOSING_SOON. Their ids are put in order, and looked up
    one after another until a page is full: walking along all ids passed 56,000 visits for a page of 100.
    """
    closing = closing_between(wanted.window, days)
    if closing is None or not SOON_CLOSED.issuperset(wanted.window):
        return None
    ends = [Visit.objects.filter(state, closing) for state in (LIVE, OVER)]
    if any(read_together(*(end.order_by("closes").values("closes")[CLOSING_SOON:][:1] for end in ends))):
        return None
    following = Q(pk__gt=after) if isinstance(after, int) else Q()
    going_on, over = (end.filter(following).order_by().values("pk") for end in ends)
    return AmongIds("pk", going_on.union(over, all=True))


def _wanted(
    of_theirs: Q, wanted: WantedVisits, days: Mapping[ClinicDays, Collection[int]]
) -> QuerySet[Visit]:
    """Those of the visits that are asked for; `days` as `_days_seen` gives them."""
    visits: QuerySet[Visit] = Visit.objects.filter(of_theirs)
    for name, values in (
        ("code", wanted.codes),
        ("rule_code", wanted.rules),
        ("occurrence", wanted.occurrences),
    ):
        if values:
            visits = visits.filter(**{f"{name}__in": set(values)})
    bounds = {
        "target__gte": wanted.target[0],
        "target__lte": wanted.target[1],
        "closes__gte": wanted.touching[0],
        "opens__lte": wanted.touching[1],
    }
    visits = visits.filter(**{name: day for name, day in bounds.items() if day is not None})
    if wanted.further is not None:
        visits = visits.filter(wanted.further)
    if wanted.changed_since is not None:
        visits = visits.filter(changed_visits(wanted.changed_since))
    if wanted.window or wanted.appointment:
        visits = _in_states(visits, wanted, days)
    return _any(visits, [edc_condition(one) for one in wanted.edc_status])


def _days_seen(user: User, wanted: WantedVisits, now: datetime) -> dict[ClinicDays, list[int]]:
    """The ids of the sites in sight by the day that is asked about there, with the clinic days to come."""
    return _by_day(site_calendars(sites_visible_to(user, roles_day(now))), now, wanted.as_of)


def _in_states(
    visits: QuerySet[Visit], wanted: WantedVisits, days: Mapping[ClinicDays, Collection[int]]
) -> QuerySet[Visit]:
    """Those that stand in the window positions and appointment states asked for, each on its site's day."""
    visits = _any(visits, [window_condition(one, days) for one in wanted.window])
    if RARE.issuperset(wanted.window):
        visits = _any(visits, [rare_window(one, days) for one in wanted.window])
    return _any(visits, [appointment_condition(one, days) for one in wanted.appointment])


def _any(visits: QuerySet[Visit], conditions: Sequence[Q]) -> QuerySet[Visit]:
    """Those of which one of the conditions holds; all where there is none."""
    return visits.filter(reduce(or_, conditions)) if conditions else visits


def _days(calendars: SiteCalendars, now: datetime, as_of: date | None) -> Mapping[int, ClinicDays]:
    """The day that is asked about at each site, by its id, with the clinic days that come next."""
    if as_of is None:
        return calendars.clinic_days(now)
    known = calendars.clinic_days(now)
    return {
        pk: clinic_days(as_of, calendars.working_days.get(pk))._replace(known=here.today)
        for pk, here in known.items()
    }


def _by_day(calendars: SiteCalendars, now: datetime, as_of: date | None) -> dict[ClinicDays, list[int]]:
    days: dict[ClinicDays, list[int]] = {}
    for site, here in _days(calendars, now, as_of).items():
        days.setdefault(here, []).append(site)
    return days


def _listed(rows: Sequence[Row], now: datetime, as_of: date | None) -> list[ListedVisit]:
    """Rows as machines get them; one query for their sites and one for their versions, or none for no row."""
    if not rows:
        return []
    read = [(VisitState._make((*row[:_STATE], None)), Beside._make(row[_STATE:])) for row in rows]
    places = _places({beside.site_id for _state, beside in read}, now, as_of)
    # by the version under which it was done, else by the participant's present one
    versions = [state.done_under_id or beside.version_id for state, beside in read]
    editions = _editions(set(versions))
    return [
        ListedVisit(state, beside, places[beside.site_id], editions[version])
        for (state, beside), version in zip(read, versions, strict=True)
    ]


def _editions(versions: Collection[int]) -> dict[int, Edition]:
    """What the visits of each of these versions share, by its id.

    A version's document is read only where nobody has read this digest yet.
    """
    found = {}
    for pk, label, digest, trial in _read_shared(_EDITION, versions):
        protocol = protocol_of(ProtocolVersion.from_db(None, _VERSION, (pk, label, digest)))
        assumed = (one.code for one in protocol.anchors if one.derived and one.derived.basis.assumed)
        found[pk] = Edition(label, trial, protocol, frozenset(assumed))
    return found


def _places(sites: Collection[int], now: datetime, as_of: date | None) -> dict[int, AtSite]:
    """What the visits at each of these sites share, by the site's id."""
    named = {
        pk: (code, zone, None if table is None else (table, digest))
        for pk, code, zone, table, digest in _read_shared(_SITE, sites)
    }
    calendars = working_days_by_table({table for _code, _zone, table in named.values() if table})
    found: dict[tuple[date, TableKey | None], ClinicDays] = {}
    places = {}
    for pk, (code, name, table) in named.items():
        zone = zone_named(name)
        today = now.astimezone(zone).date()
        key = (today, table)
        if key not in found:
            known = date.max if as_of is None else today
            # a table that cannot be read is left out: the other sites' visits are read all the same
            calendar = calendars.get(table) if table else None
            found[key] = clinic_days(as_of or today, calendar)._replace(known=known)
        places[pk] = AtSite(code, zone, found[key])
    return places
