# ruff: noqa: S608 (every part of the SQL stands in this file; what is given comes in as parameters)
"""What is due by the rules, as one statement over all trials and sites: written by it, and judged by it.

A reminder holds as long as its rule still yields its key. So the condition that a sweep writes by is the
one that is asked again before anything is said. Days, hours and switches come in as one JSON text of places
(a rule at a site of a trial); the SQL is the same on both databases but for the few words of `_WORDS`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet

from participants.domain.lifecycle import Step
from participants.models import Participant
from schedules.domain.reminders import CLOSING
from schedules.domain.reminders.hours import Hours
from schedules.domain.reminders.rules import BY_KIND, SWEPT, Direction, Manner, newly_due, spans
from schedules.domain.reminders.settings import Setting, Wanted, assumed, layers_for, wanted
from schedules.models import ReminderPause, ReminderStart
from schedules.selectors.reminders.wanted import Said, said_by_place, settings_rows, settings_said
from schedules.selectors.store.calendars import days_of_tables, working_day_tables, working_days_by_site
from trials.domain.sites.working_days import MONDAY_TO_FRIDAY, WorkingDays
from trials.selectors.together import Asked, read_together
from trials.zones import zone_named

_FIELDS = {
    "kind": "text",
    "trial_id": "bigint",
    "site_id": "bigint",
    "today": "date",
    "first": "date",
    "last": "date",
    "since": "date",
    "step": "integer",
    "manner": "text",
    "leaves": "timestamptz",
    "soonest": "timestamptz",
    "late_on": "date",
}
_WORDS = {
    "postgresql": {
        "places": "SELECT * FROM jsonb_to_recordset(CAST(%s AS jsonb)) AS place("
        + ", ".join(f"{name} {kind}" for name, kind in _FIELDS.items())
        + ")",
        "gap": "({0} - {1})",
        "plus": "({0} + ({1} - {2}))",
        "before": "({0} - 1)",
        "utc_day": "CAST(({0} AT TIME ZONE 'UTC') AS date)",
        "day": "CAST(%s AS date)",
        "fence": " OFFSET 0",
    },
    "sqlite": {
        "places": "SELECT "
        + ", ".join(f"json_extract(value, '$.{name}') AS {name}" for name in _FIELDS)
        + " FROM json_each(%s)",
        "gap": "CAST(julianday({0}) - julianday({1}) AS integer)",
        "plus": "date({0}, CAST(julianday({1}) - julianday({2}) AS integer) || ' days')",
        "before": "date({0}, '-1 day')",
        "utc_day": "date({0})",
        "day": "%s",
        "fence": "",
    },
}
# `fence` keeps PostgreSQL from reading the visits of each participant in turn (45 times as long): it has no
# statistics of the places, takes those of a rule for one row, and would begin with them. With it the days
# come first; the rule comes out of the fence too, so that the places are never taken for so few that what is
# fenced is read again for each participant. `+ 0` keeps it from finding a person by their trial: without
# statistics (after a restore) that looks as cheap as by their id, and reads all people of the trial for each
# visit, for an hour at 100,000.

_LIVE = (
    "it.performed_on IS NULL AND it.missed_on IS NULL AND it.cancelled_on IS NULL"
    " AND it.held_on IS NULL AND it.applies"
)
# The contrary of `BOOKED` (selectors/visits/status_query.py) in words of both databases; and what was booked
# for a day that is over is booked no more.
_NOT_BOOKED = (
    "(it.booked_on IS NULL OR it.booked_on < place.today OR NOT"
    " (it.outside_reason <> '' OR it.booked_on BETWEEN it.opens AND it.closes))"
)
_BETWEEN = "BETWEEN place.first AND place.last"


@dataclass(frozen=True, slots=True)
class _Source:
    """Where one kind finds its things: table, what names a thing, its day, its label, and the condition.

    `own` is the part of the condition that asks the table alone, with the days of no place. `bound` is the
    indexed column that the earliest first and the latest last day of all places limit, both `slack` days
    later.
    """

    table: str
    thing: str
    day: str
    where: str
    own: str = ""
    label: str = "it.label"
    visit: str = "CAST(NULL AS bigint)"
    participant: str = "it.participant_id"
    bound: str = ""
    slack: int = 0
    join: str = ""


def _of_visit(day: str, where: str, bound: str = "") -> _Source:
    return _Source(
        "schedules_visit",
        "it.uid",
        f"it.{day}",
        where,
        own=_LIVE,
        visit="it.id",
        bound=f"it.{bound or day}",
    )


def _of_window(kind: str, day: str, more: str = "", *, day_before: bool = False) -> _Source:
    about = f"{{before:it.{day}}}" if day_before else f"it.{day}"
    return _Source(
        "schedules_protocolwindow",
        "'w' || CAST(it.id AS text)",
        about,
        f"{about} {_BETWEEN}{more}",
        own=f"it.cancelled_on IS NULL AND it.kind = '{kind}'",
        bound=f"it.{day}",
        slack=int(day_before),
    )


def _of_flag(kind: str) -> _Source:
    raised = "{utc_day:it.raised_at}"
    where = f"{raised} {_BETWEEN} AND (it.snoozed_until IS NULL OR it.snoozed_until <= place.today)"
    join = "LEFT JOIN schedules_protocolwindow its_window ON its_window.id = it.window_id"
    label = "COALESCE(its_window.label, '')"
    return _Source(
        "schedules_flag",
        "'f' || CAST(it.id AS text)",
        raised,
        where,
        own=f"it.kind = '{kind}' AND it.cleared_at IS NULL",
        label=label,
        join=join,
    )


_SOURCES = {
    CLOSING: _of_visit("closes", f"it.closes {_BETWEEN} AND {_NOT_BOOKED}"),
    "book": _of_visit("opens", f"it.opens {_BETWEEN} AND it.place <> 'ward' AND {_NOT_BOOKED}"),
    "coming": _of_visit("booked_on", f"it.booked_on {_BETWEEN}"),
    # A window of less than five days has no half to speak of (ours).
    "half": _of_visit(
        "closes",
        "it.opens <= place.today AND it.closes >= place.today AND {gap:it.closes,it.opens} >= 4"
        " AND 2 * {gap:place.today,it.opens} >= {gap:it.closes,it.opens}"
        " AND (place.since IS NULL OR 2 * {gap:place.since,it.opens} < {gap:it.closes,it.opens})"
        f" AND it.place <> 'ward' AND {_NOT_BOOKED}",
        bound="today",
    ),
    "unrecorded": _of_visit("booked_on", f"it.booked_on {_BETWEEN}"),
    "closed": _of_visit("closes", f"it.closes {_BETWEEN}"),
    "missed": _Source(
        "schedules_deviation",
        "'d' || CAST(it.id AS text)",
        "it.occurred_on",
        f"it.occurred_on {_BETWEEN}",
        own="it.kind = 'missed' AND it.classification = '' AND it.withdrawn_on IS NULL"
        " AND it.lapsed_on IS NULL",
        label="its_visit.label",
        visit="it.visit_id",
        bound="it.occurred_on",
        join="JOIN schedules_visit its_visit ON its_visit.id = it.visit_id",
    ),
    "screening": _Source(
        "schedules_visit",
        "it.uid",
        "{plus:it.anchor_on,it.performed_on,it.opens}",
        "{plus:it.anchor_on,it.performed_on,it.opens} BETWEEN place.first AND place.last",
        own="it.epoch = 'screening' AND it.anchor_kind IN ('planned', 'derived')"
        " AND it.performed_on IS NOT NULL AND it.cancelled_on IS NULL AND it.opens IS NOT NULL",
        visit="it.id",
    ),
    "washout": _of_window("washout", "starts_on", day_before=True),
    "test-opens": _of_window("freshness", "starts_on"),
    "test-closes": _of_window("freshness", "ends_on"),
    "at-risk": _of_flag("window-at-risk"),
    "violated": _of_flag("window-violated"),
    "near-begins": _of_window("presence", "starts_on"),
    "lodging": _of_window(
        "presence",
        "starts_on",
        " AND NOT EXISTS (SELECT 1 FROM participants_fact fact WHERE fact.participant_id = it.participant_id"
        " AND fact.kind = 'lodging' AND fact.withdrawn_at IS NULL"
        " AND (fact.ends_on IS NULL OR fact.ends_on >= place.today))",
    ),
    "near-ends": _of_window("presence", "ends_on"),
    "stay-ends": _of_window("stay", "ends_on"),
    "hold": _Source(
        "participants_coursestep",
        "'s' || CAST(it.id AS text)",
        "it.happened_on",
        f"it.happened_on {_BETWEEN}"
        " AND EXISTS (SELECT 1 FROM schedules_visit held WHERE held.participant_id = it.participant_id"
        " AND held.held_on IS NOT NULL AND held.performed_on IS NULL AND held.cancelled_on IS NULL)"
        " AND NOT EXISTS (SELECT 1 FROM participants_coursestep later"
        " WHERE later.participant_id = it.participant_id AND NOT later.undone AND later.id > it.id)",
        own=f"it.step = '{Step.HOLD}' AND NOT it.undone",
        label="''",
    ),
    "product": _Source(
        "participants_productstep",
        "'m' || CAST(it.id AS text)",
        "it.expected_on",
        f"it.expected_on {_BETWEEN}"
        " AND NOT EXISTS (SELECT 1 FROM participants_productstep later"
        " WHERE later.participant_id = it.participant_id AND later.attempt > it.attempt)",
        own="it.done_on IS NULL",
        label="it.step",
    ),
    "gate": _Source(
        "participants_safetyreview",
        "'r' || CAST(it.id AS text) || '-' || CAST(person.id AS text)",
        "it.held_on",
        f"it.opens_next AND it.held_on {_BETWEEN}"
        " AND (it.cohort_id IS NULL OR person.cohort_id IS NULL OR person.cohort_id <> it.cohort_id)"
        " AND EXISTS (SELECT 1 FROM participants_anchor ahead WHERE ahead.participant_id = person.id"
        " AND ahead.actual_on IS NULL AND ahead.planned_on >= place.today)",
        label="''",
        participant="",
    ),
    "consent": _Source(
        "trials_consentform",
        "'c' || CAST(it.id AS text) || '-' || CAST(person.id AS text)",
        "it.effective_on",
        f"it.consent_again AND it.effective_on {_BETWEEN}"
        " AND EXISTS (SELECT 1 FROM participants_consent given WHERE given.participant_id = person.id"
        " AND given.withdrawn_on IS NULL)"
        " AND NOT EXISTS (SELECT 1 FROM participants_consent given JOIN trials_consentform form"
        " ON form.id = given.form_id WHERE given.participant_id = person.id AND given.withdrawn_on IS NULL"
        " AND (form.effective_on > it.effective_on"
        " OR (form.effective_on = it.effective_on AND form.id >= it.id)))"
        " AND EXISTS (SELECT 1 FROM schedules_visit ahead WHERE ahead.participant_id = person.id"
        " AND ahead.performed_on IS NULL AND ahead.missed_on IS NULL AND ahead.cancelled_on IS NULL)",
        label="it.version",
        participant="",
    ),
    # 330 days: some eleven months after their anchor and later, the long follow-up (ours).
    "contact": _of_visit(
        "opens", f"it.opens {_BETWEEN} AND it.place <> 'ward' AND {{gap:it.target,it.anchor_on}} >= 330"
    ),
    "edc": _Source(
        "schedules_valuedifference",
        "'e' || CAST(it.id AS text)",
        "{utc_day:it.noticed_at}",
        f"{{utc_day:it.noticed_at}} {_BETWEEN}",
        own="it.settled_at IS NULL",
        label="''",
        visit="it.visit_id",
    ),
    "edc-silent": _Source(
        "schedules_visit",
        "it.uid",
        "it.performed_on",
        f"it.performed_on {_BETWEEN} AND it.cancelled_on IS NULL AND NOT it.unscheduled"
        " AND EXISTS (SELECT 1 FROM schedules_edcsubject named"
        " JOIN schedules_edcmap map ON map.id = named.map_id"
        " WHERE named.participant_id = it.participant_id AND map.environment = 'live')"
        " AND NOT EXISTS (SELECT 1 FROM schedules_edcconfirmation said WHERE said.visit_id = it.id)"
        " AND NOT EXISTS (SELECT 1 FROM schedules_valuedifference other"
        " WHERE other.visit_id = it.id AND other.settled_at IS NULL)",
        visit="it.id",  # no index has the days on which visits were done: it begins with whom the EDC knows
    ),
}
_TRIAL_TABLES = {"gate": "participants_safetyreview", "consent": "trials_consentform"}

COLUMNS = (
    "key", "kind", "participant_id", "visit_id", "due_on", "day", "thing", "manner", "not_before",
)  # fmt: skip

_NOT_PAUSED = (
    "NOT EXISTS (SELECT 1 FROM schedules_reminderpause pause WHERE NOT pause.ended"
    " AND place.today BETWEEN pause.first AND pause.last AND pause.participant_id = person.id)"
)


def _spelled(text: str) -> str:
    """Write the words that the two databases say differently."""
    words = _WORDS[connection.vendor]
    while "{" in text:
        before, rest = text.split("{", 1)
        call, after = rest.split("}", 1)
        name, given = call.split(":", 1)
        text = before + words[name].format(*given.split(",")) + after
    return text


@dataclass(frozen=True, slots=True)
class Places:
    """The places in which rules are asked today, and their kinds."""

    rows: Sequence[dict[str, object]]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that are asked anywhere, in the order of the rules."""
        asked = {row["kind"] for row in self.rows}
        return tuple(kind for kind in SWEPT if kind in asked)

    def bounds(self, kind: str) -> tuple[str, str, str, str]:
        """The earliest first and the latest last day of a kind, the earliest and the latest present day."""
        mine = [row for row in self.rows if row["kind"] == kind]
        slack, todays = timedelta(_SOURCES[kind].slack), [str(row["today"]) for row in mine]
        return (
            str(date.fromisoformat(min(str(row["first"]) for row in mine)) + slack),
            str(date.fromisoformat(max(str(row["last"]) for row in mine)) + slack),
            min(todays),
            max(todays),
        )


OF_ALL = ""
"""The kind of a setting that is for all rules."""


@dataclass(frozen=True, slots=True)
class Place:
    """A site of a trial: what it wants of each rule, and the hours in which somebody there is told.

    Hours by kind; by OF_ALL those of what no rule speaks of.
    """

    trial: int
    site: int
    wanted: Mapping[str, Wanted]
    hours: Mapping[str, Hours]


def base_of(kind: str) -> Wanted:
    """Give what holds of a rule where nobody set anything; how soon a window closes is a setting."""
    rule = BY_KIND[kind]
    if kind != CLOSING or settings.REMINDER_DAYS is None:
        return assumed(rule)
    return wanted(rule, [Setting(days=(settings.REMINDER_DAYS,))])


def all_places(kinds: Collection[str] = SWEPT) -> list[Place]:
    """Every site of a trial that has participants and is not frozen, with its rules; three queries."""
    found = list(_pairs().values_list("trial_id", "site_id", "site__zone").distinct())
    said = settings_said({trial for trial, _site, _zone in found}) if found else {}
    calendars = working_days_by_site({site for _trial, site, _zone in found}) if found else {}
    return _places(found, kinds, said, calendars)


def _pairs() -> QuerySet[Participant]:
    """The participants of trials that are not frozen, at sites that have a zone."""
    return Participant.objects.filter(trial__frozen_on=None).exclude(site__zone="").order_by()


def _places(
    pairs: Iterable[tuple[int, int, str]],
    kinds: Collection[str],
    said: Said,
    calendars: Mapping[int, WorkingDays],
) -> list[Place]:
    return [
        place_of(trial, site, zone, kinds, said, calendars.get(site)) for trial, site, zone in sorted(pairs)
    ]


@dataclass(frozen=True, slots=True)
class Context:
    """What rules are asked with: the places, since when each kind is known, the pauses of trials.

    Read once for all that is judged together; what a reminder says is judged afresh with it.
    """

    places: Sequence[Place]
    since: Mapping[str, date]
    pauses: Sequence[ReminderPause]

    def place(self, trial: int, site: int) -> Place | None:
        """Give a site of a trial; None where it is frozen or has no zone."""
        return next((one for one in self.places if (one.trial, one.site) == (trial, site)), None)

    def is_paused(self, trial: int, today: date) -> bool:
        """Whether nothing is said of a trial on this day."""
        return any(one.trial_id == trial and one.first <= today <= one.last for one in self.pauses)


def context_of(kinds: Collection[str] = SWEPT, people: Collection[int] | None = None) -> Context:
    """Read it; five queries, or one for the places of some participants where they are given."""
    if people is None:
        return Context(places=all_places(kinds), since=dict(_starts()), pauses=list(_pauses()))
    pairs, said, tables, started, paused = read_together(
        Asked.of(_places_of, people),
        Asked.of(_settings_of, people),
        Asked.of(_tables_of, people),
        Asked.of(_starts),
        Asked.of(_pauses),
    )
    places = _places(pairs, kinds, said_by_place(said), days_of_tables(tables))
    return Context(places=places, since=dict(started), pauses=paused)


def _places_of(people: Collection[int]) -> QuerySet[Any, Any]:
    return _pairs().filter(pk__in=people).values_list("trial_id", "site_id", "site__zone").distinct()


def _settings_of(people: Collection[int]) -> QuerySet[Any, Any]:
    return settings_rows(_pairs().filter(pk__in=people).values("trial_id"))


def _tables_of(people: Collection[int]) -> QuerySet[Any, Any]:
    return working_day_tables(_pairs().filter(pk__in=people).values("site_id"))


def _starts() -> QuerySet[Any, Any]:
    return ReminderStart.objects.order_by("kind").values_list("kind", "since")


def _pauses() -> QuerySet[ReminderPause]:
    return ReminderPause.objects.filter(trial__isnull=False, ended=False)


def place_of(
    trial: int,
    site: int,
    zone: str,
    kinds: Collection[str],
    said: Mapping[tuple[int, int | None, str], Setting],
    calendar: WorkingDays | None,
) -> Place:
    """Give one site of a trial with its rules; without a calendar it works from Monday to Friday."""
    works = cache(calendar.is_working_day if calendar else _on_a_weekday)
    rules = {
        kind: wanted(BY_KIND[kind], layers_for(kind, trial, site, said), base_of(kind)) for kind in kinds
    }
    of_all = wanted(BY_KIND[CLOSING], layers_for(OF_ALL, trial, site, said))
    hours = {
        kind: Hours(zone_named(zone), rule.earliest, rule.latest, works, rule.working_days)
        for kind, rule in {OF_ALL: of_all, **rules}.items()
    }
    return Place(trial, site, rules, hours)


def _on_a_weekday(day: date) -> bool:
    return day.isoweekday() in MONDAY_TO_FRIDAY


def places_now(
    now: datetime,
    kinds: Collection[str] = SWEPT,
    context: Context | None = None,
    days: Mapping[str, int | None] | None = None,
    swept: datetime | None = None,
) -> Places:
    """Every rule in every trial and site that is not frozen nor paused; no query with a context.

    `days`, by kind, stands for what places want. `swept` limits the rules to what time alone has made due
    since that instant.
    """
    context = context or context_of(kinds)
    rows: list[dict[str, object]] = []
    for place in context.places:
        for kind in kinds:
            asked = (days or {}).get(kind)
            rule = place.wanted[kind] if asked is None else replace(place.wanted[kind], days=(asked,))
            today = now.astimezone(place.hours[kind].zone).date()
            if rule.active and not context.is_paused(place.trial, today):
                rows.extend(_rows(place, rule, now, context.since.get(kind), swept))
    return Places(rows)


def _rows(
    place: Place, rule: Wanted, now: datetime, since: date | None, swept: datetime | None = None
) -> Iterator[dict[str, object]]:
    hours, kind = place.hours[rule.rule.kind], rule.rule.kind
    today = now.astimezone(hours.zone).date()
    if rule.rule.direction is not Direction.AT_ONCE and not rule.days:
        return
    leaves, soonest = (hours.leaves(now, rule.manner), hours.soonest(now, any_day=True))
    found = spans(rule.rule, today, since, days=rule.days, idle=hours.idle_after(today))
    if swept is not None:
        before = swept.astimezone(hours.zone).date()
        then = spans(rule.rule, before, since, days=rule.days, idle=hours.idle_after(before))
        found, since = newly_due(found, then), max(since or before, before)
    for span in found:
        yield {
            "kind": kind,
            "trial_id": place.trial,
            "site_id": place.site,
            "today": today.isoformat(),
            "first": span.first.isoformat(),
            "last": span.last.isoformat(),
            "since": since and since.isoformat(),
            "step": span.step,
            "manner": rule.manner.value,
            "leaves": None if rule.manner is Manner.AT_ONCE and leaves <= now else _instant(leaves),
            "soonest": None if soonest <= now else _instant(soonest),
            "late_on": leaves.astimezone(hours.zone).date().isoformat(),
        }


def _instant(at: datetime) -> str:
    """An instant as both databases keep it: SQLite compares texts, and writes no empty fraction."""
    return str(at.astimezone(UTC).replace(tzinfo=None)) + ("+00" if connection.vendor == "postgresql" else "")


def statement(kinds: Sequence[str], people: Iterable[int] | None = None) -> str:
    """Write the one statement that yields what is due of these kinds; `people` limits it to some."""
    return f"{due(kinds, people)} SELECT {', '.join(COLUMNS)} FROM due"


def due(kinds: Sequence[str], people: Iterable[int] | None = None) -> str:
    """Write the WITH of what is due: `place` and `due`."""
    among = None if people is None else ", ".join(str(int(pk)) for pk in sorted(people)) or "NULL"
    each = " UNION ALL ".join(_select(kind, among) for kind in kinds)
    places = _WORDS[connection.vendor]["places"]
    return f"WITH place AS ({places}), due AS ({each})"


def parameters(places: Places, kinds: Sequence[str], people: Iterable[int] | None = None) -> list[str]:
    """The parameters of `statement`, in its order."""
    found: list[str] = [json.dumps([row for row in places.rows if row["kind"] in kinds])]
    if people is not None:
        return found
    for kind in kinds:
        first, last, earliest, latest = places.bounds(kind)
        bound = _SOURCES[kind].bound
        found += [earliest, latest] if bound == "it.today" else [first, last] if bound else []
    return found


def _select(kind: str, among: str | None) -> str:
    source, day = _SOURCES[kind], _WORDS[connection.vendor]["day"]
    of_people = kind not in _TRIAL_TABLES
    table = source.table if of_people else _TRIAL_TABLES[kind]
    on = f"person.id = {source.participant}" if of_people else "person.trial_id = it.trial_id"
    own = [source.own] if source.own else []
    if among is not None:
        own += [f"{source.participant} IN ({among})"] * of_people
    elif source.bound == "it.today":
        own += [f"it.closes >= {day} AND it.opens <= {day}"]
    elif source.bound:
        own += [f"{source.bound} BETWEEN {day} AND {day}"]
    if own:
        table = f"(SELECT it.*, '{kind}' AS rule FROM {table} it WHERE {' AND '.join(own)}{{fence:}})"
    rule = "it.rule" if own else f"'{kind}'"
    bound = f"person.id IN ({among}) AND " if among is not None else ""
    step = "CASE WHEN place.step > 0 THEN ':' || CAST(place.step AS text) ELSE '' END"
    # Nothing is said of somebody whose history is still being entered: what it lacks is not typed yet.
    # What would leave only after its day leaves as soon as it is no quiet hour, whatever day that is.
    leaves = f"CASE WHEN {source.day} < place.late_on AND {source.day} >= place.today THEN place.soonest"
    return _spelled(
        f"SELECT '{kind}:' || {source.thing} || ':' || CAST({source.day} AS text) || {step} AS key,"
        f" '{kind}' AS kind, person.id AS participant_id, {source.visit} AS visit_id, place.today AS due_on,"
        f" {source.day} AS day, {source.label} AS thing, place.manner AS manner,"
        f" {leaves} ELSE place.leaves END AS not_before"
        f" FROM {table} it JOIN participants_participant person ON {on} {source.join}"
        f" JOIN place ON place.kind = {rule} AND place.trial_id = person.trial_id + 0"
        f" AND place.site_id = person.site_id + 0"
        f" WHERE {bound}person.history_since IS NULL AND {source.where} AND {_NOT_PAUSED}"
    )


def keys_due(
    kinds: Collection[str], people: Collection[int], now: datetime, context: Context | None = None
) -> set[str]:
    """The keys that these rules yield of some participants now; one query with a context, else two."""
    asked = [kind for kind in SWEPT if kind in kinds]
    if not people or not asked:
        return set()
    places = places_now(now, asked, context or context_of(asked, people))
    if not places.rows:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(statement(places.kinds, people), parameters(places, places.kinds, people))
        return {row[0] for row in cursor.fetchall()}
