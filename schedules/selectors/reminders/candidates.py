# ruff: noqa: S608 (every part of the SQL stands in this file; what is given comes in as parameters)
"""What is due by the rules, as one statement over all trials and sites: written by it, and judged by it.

A reminder holds as long as its rule still yields its key. So the condition that a sweep writes by is the
one that is asked again before anything is said. Days, hours and switches come in as one JSON text of places
(a rule at a site of a trial); the SQL is the same on both databases but for the few words of `_WORDS`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from django.db import connection

from participants.domain.lifecycle import Step
from participants.models import Participant
from schedules.domain.reminders.rules import BY_KIND, SWEPT, Rule, say_from, spans
from schedules.models import ReminderStart
from trials.zones import zone_named

_WORDS = {
    "postgresql": {
        "places": (
            "SELECT * FROM jsonb_to_recordset(CAST(%s AS jsonb)) AS place(kind text, trial_id bigint,"
            " site_id bigint, today date, first date, last date, since date, step integer,"
            " not_before timestamptz)"
        ),
        "gap": "({0} - {1})",
        "utc_day": "CAST(({0} AT TIME ZONE 'UTC') AS date)",
        "day": "CAST(%s AS date)",
    },
    "sqlite": {
        "places": "SELECT "
        + ", ".join(
            f"json_extract(value, '$.{name}') AS {name}"
            for name in (
                "kind",
                "trial_id",
                "site_id",
                "today",
                "first",
                "last",
                "since",
                "step",
                "not_before",
            )
        )
        + " FROM json_each(%s)",
        "gap": "CAST(julianday({0}) - julianday({1}) AS integer)",
        "utc_day": "date({0})",
        "day": "%s",
    },
}

_LIVE = (
    "it.performed_on IS NULL AND it.missed_on IS NULL AND it.cancelled_on IS NULL"
    " AND it.held_on IS NULL AND it.applies"
)
_NOT_BOOKED = (
    "(it.booked_on IS NULL OR it.booked_on < place.today OR NOT"
    " (it.outside_reason <> '' OR it.booked_on BETWEEN it.opens AND it.closes))"
)
_BETWEEN = "BETWEEN place.first AND place.last"


@dataclass(frozen=True, slots=True)
class _Source:
    """Where one kind finds its things: table, what names a thing, its day, its label, and the condition.

    `bound` is the indexed column that the earliest first and the latest last day of all places limit.
    """

    table: str
    thing: str
    day: str
    where: str
    label: str = "it.label"
    visit: str = "CAST(NULL AS bigint)"
    participant: str = "it.participant_id"
    bound: str = ""
    join: str = ""


def _of_visit(day: str, where: str, bound: str = "") -> _Source:
    return _Source(
        "schedules_visit",
        "it.uid",
        f"it.{day}",
        f"{_LIVE} AND {where}",
        visit="it.id",
        bound=f"it.{bound or day}",
    )


def _of_window(kind: str, day: str, more: str = "") -> _Source:
    where = f"it.cancelled_on IS NULL AND it.kind = '{kind}' AND it.{day} {_BETWEEN}{more}"
    return _Source(
        "schedules_protocolwindow", "'w' || CAST(it.id AS text)", f"it.{day}", where, bound=f"it.{day}"
    )


def _of_flag(kind: str) -> _Source:
    raised = "{utc_day:it.raised_at}"
    where = (
        f"it.kind = '{kind}' AND it.cleared_at IS NULL AND {raised} {_BETWEEN}"
        " AND (it.snoozed_until IS NULL OR it.snoozed_until <= place.today)"
    )
    join = "LEFT JOIN schedules_protocolwindow its_window ON its_window.id = it.window_id"
    label = "COALESCE(its_window.label, '')"
    return _Source("schedules_flag", "'f' || CAST(it.id AS text)", raised, where, label=label, join=join)


_SOURCES = {
    "book": _of_visit("opens", f"it.opens {_BETWEEN} AND it.place <> 'ward' AND {_NOT_BOOKED}"),
    "coming": _of_visit("booked_on", f"it.booked_on {_BETWEEN}"),
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
        f"it.kind = 'missed' AND it.classification = '' AND it.withdrawn_on IS NULL AND it.lapsed_on IS NULL"
        f" AND it.occurred_on {_BETWEEN}",
        label="its_visit.label",
        visit="it.visit_id",
        bound="it.occurred_on",
        join="JOIN schedules_visit its_visit ON its_visit.id = it.visit_id",
    ),
    "washout": _of_window("washout", "starts_on"),
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
        f"it.step = '{Step.HOLD}' AND NOT it.undone AND it.happened_on {_BETWEEN}"
        " AND EXISTS (SELECT 1 FROM schedules_visit held WHERE held.participant_id = it.participant_id"
        " AND held.held_on IS NOT NULL AND held.performed_on IS NULL AND held.cancelled_on IS NULL)"
        " AND NOT EXISTS (SELECT 1 FROM participants_coursestep later"
        " WHERE later.participant_id = it.participant_id AND NOT later.undone AND later.id > it.id)",
        label="''",
    ),
    "product": _Source(
        "participants_productstep",
        "'m' || CAST(it.id AS text)",
        "it.expected_on",
        f"it.done_on IS NULL AND it.expected_on {_BETWEEN}"
        " AND NOT EXISTS (SELECT 1 FROM participants_productstep later"
        " WHERE later.participant_id = it.participant_id AND later.attempt > it.attempt)",
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
    "contact": _of_visit(
        "opens", f"it.opens {_BETWEEN} AND it.place <> 'ward' AND {{gap:it.target,it.anchor_on}} >= 330"
    ),
    "edc": _Source(
        "schedules_valuedifference",
        "'e' || CAST(it.id AS text)",
        "{utc_day:it.noticed_at}",
        f"it.settled_at IS NULL AND {{utc_day:it.noticed_at}} {_BETWEEN}",
        label="''",
        visit="it.visit_id",
    ),
}
_TRIAL_TABLES = {"gate": "participants_safetyreview", "consent": "trials_consentform"}

COLUMNS = (
    "key", "kind", "participant_id", "visit_id", "due_on", "day", "thing", "not_before",
)  # fmt: skip


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

    def bounds(self, kind: str) -> tuple[str, str, str]:
        """The earliest first, the latest last and the latest present day of a kind."""
        mine = [row for row in self.rows if row["kind"] == kind]
        return (
            min(str(row["first"]) for row in mine),
            max(str(row["last"]) for row in mine),
            max(str(row["today"]) for row in mine),
        )


def places_now(now: datetime, kinds: Collection[str] = SWEPT, person: int | None = None) -> Places:
    """Every rule in every trial and site that has participants and is not frozen; two queries."""
    pairs = Participant.objects.filter(trial__frozen_on=None).exclude(site__zone="")
    if person is not None:
        pairs = pairs.filter(pk=person)
    since = dict(ReminderStart.objects.values_list("kind", "since"))
    rows: list[dict[str, object]] = []
    for trial, site, name in pairs.order_by().values_list("trial_id", "site_id", "site__zone").distinct():
        zone = zone_named(name)
        today, quiet = now.astimezone(zone).date(), _instant(say_from(now, zone))
        for kind in kinds:
            rows.extend(_rows(BY_KIND[kind], trial, site, today, since.get(kind), quiet))
    return Places(rows)


def _rows(
    rule: Rule, trial: int, site: int, today: date, since: date | None, not_before: str
) -> Iterable[dict[str, object]]:
    for span in spans(rule, today, since):
        yield {
            "kind": rule.kind,
            "trial_id": trial,
            "site_id": site,
            "today": today.isoformat(),
            "first": span.first.isoformat(),
            "last": span.last.isoformat(),
            "since": since and since.isoformat(),
            "step": span.step,
            "not_before": not_before,
        }


def _instant(at: datetime) -> str:
    """An instant as both databases keep it: SQLite compares texts, and writes no empty fraction."""
    return str(at.astimezone(UTC).replace(tzinfo=None)) + ("+00" if connection.vendor == "postgresql" else "")


def statement(kinds: Sequence[str], *, person: bool = False) -> str:
    """Write the one statement that yields what is due of these kinds; `person` limits it to one."""
    each = " UNION ALL ".join(_select(kind, person=person) for kind in kinds)
    places = _WORDS[connection.vendor]["places"]
    return f"WITH place AS ({places}), due AS ({each}) SELECT {', '.join(COLUMNS)} FROM due"


def parameters(places: Places, kinds: Sequence[str], person: int | None = None) -> list[str | int]:
    """The parameters of `statement`, in its order."""
    found: list[str | int] = [json.dumps([row for row in places.rows if row["kind"] in kinds])]
    for kind in kinds:
        first, last, today = places.bounds(kind)
        bound = _SOURCES[kind].bound
        found += [today] if bound == "it.today" else [first, last] if bound else []
        found += [] if person is None else [person]
    return found


def _select(kind: str, *, person: bool) -> str:
    source, day = _SOURCES[kind], _WORDS[connection.vendor]["day"]
    ofpeople = kind not in _TRIAL_TABLES
    table = source.table if ofpeople else _TRIAL_TABLES[kind]
    on = f"person.id = {source.participant}" if ofpeople else "person.trial_id = it.trial_id"
    if source.bound == "it.today":
        bound = f"it.opens <= {day} AND "
    else:
        bound = f"{source.bound} BETWEEN {day} AND {day} AND " if source.bound else ""
    mine = " AND person.id = %s" if person else ""
    step = "CASE WHEN place.step > 0 THEN ':' || CAST(place.step AS text) ELSE '' END"
    return _spelled(
        f"SELECT '{kind}:' || {source.thing} || ':' || CAST({source.day} AS text) || {step} AS key,"
        f" '{kind}' AS kind, person.id AS participant_id, {source.visit} AS visit_id, place.today AS due_on,"
        f" {source.day} AS day, {source.label} AS thing, place.not_before AS not_before"
        f" FROM {table} it JOIN participants_participant person ON {on} {source.join}"
        f" JOIN place ON place.kind = '{kind}' AND place.trial_id = person.trial_id"
        f" AND place.site_id = person.site_id"
        f" WHERE {bound}person.history_since IS NULL AND {source.where}{mine}"
    )


def still_due(kind: str, participant: int, now: datetime) -> set[str]:
    """The keys that a rule yields of one participant now; three queries."""
    places = places_now(now, (kind,), participant)
    if not places.rows:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(statement((kind,), person=True), parameters(places, (kind,), participant))
        return {row[0] for row in cursor.fetchall()}
