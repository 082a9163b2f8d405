"""The rules of a trial as they hold at a place, and what they would say in the days to come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Q, QuerySet

from participants.models import Participant, ParticipantCoordinator
from schedules.domain.reminders.rules import RULES, SWEPT
from schedules.domain.reminders.settings import Wanted, layers_for, wanted
from schedules.models import Reminder, ReminderPause, ReminderSetting
from schedules.selectors.reminders.candidates import (
    COLUMNS,
    Context,
    base_of,
    context_of,
    parameters,
    places_now,
    statement,
)
from schedules.selectors.reminders.wanted import settings_said
from trials.domain.language import from_kept
from trials.models import Site, Trial, User
from trials.zones import zone_of

DAYS_AHEAD = 7
MOST = 200
"""How many reminders a preview names at most."""


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One rule as it holds, which of its words are set (for the trial or the site), and its own version."""

    wanted: Wanted
    set_in_trial: frozenset[str]
    set_at_site: frozenset[str]
    version: int


def rules_of(trial: Trial, site: Site | None) -> list[RuleRow]:
    """The rules of a trial, or of it at a site; two queries."""
    said = settings_said([trial.pk])
    versions = dict(ReminderSetting.objects.filter(trial=trial, site=site).values_list("kind", "version"))
    found = []
    for rule in RULES:
        whole = [said[key] for key in ((trial.pk, None, ""), (trial.pk, None, rule.kind)) if key in said]
        in_trial = wanted(rule, whole).set_here
        layers = layers_for(rule.kind, trial.pk, site.pk if site else None, said)
        places = ((trial.pk, site.pk, ""), (trial.pk, site.pk, rule.kind)) if site else ()
        own = [said[key] for key in places if key in said]
        found.append(
            RuleRow(
                wanted(rule, layers, base_of(rule.kind)),
                in_trial,
                wanted(rule, own).set_here,
                versions.get(rule.kind, 0),
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class Coming:
    """One reminder that would be written: when it leaves, of whom, and what it says."""

    leaves: date
    kind: str
    subject_code: str
    participant: int
    thing: str
    day: date


def coming_reminders(
    trial: Trial, sites: Sequence[Site], participants: QuerySet[Participant], now: datetime
) -> list[Coming]:
    """What the rules would say in the next days if nothing changes, by the day on which it leaves.

    Of participants in sight alone. One query for each day, besides five. What is said already is left out.
    """
    context = context_of()
    zones = {site.pk: zone_of(site) for site in sites}
    places = [one for one in context.places if one.trial == trial.pk and one.site in zones]
    theirs = participants.filter(trial=trial, site__in=zones).values_list("pk", "subject_code", "site_id")
    # each by the clock of their own site: between zones far apart the day was one off
    people = {pk: (code, zones[site]) for pk, code, site in theirs}
    found: dict[str, Coming] = {}
    for ahead in range(DAYS_AHEAD):
        for row in _due(replace(context, places=places), now + timedelta(days=ahead)):
            key, _kind, pk, *_rest = row
            if pk in people and len(found) < MOST:
                found.setdefault(key, _coming(row, *people[pk]))
    for key in Reminder.objects.filter(sent_at__isnull=False, key__in=list(found)).values_list(
        "key", flat=True
    ):
        del found[key]
    return sorted(found.values(), key=lambda one: (one.leaves, one.subject_code, one.kind))


def _coming(row: tuple[Any, ...], code: str, zone: ZoneInfo) -> Coming:
    _key, kind, pk, _visit, due_on, day, thing, _manner, leaves = row
    instant = _as_instant(leaves)
    when = instant.astimezone(zone).date() if instant else _as_day(due_on)
    return Coming(when, kind, code, pk, from_kept(thing or ""), _as_day(day))


def _due(context: Context, now: datetime) -> list[tuple[Any, ...]]:
    places = places_now(now, SWEPT, context)
    if not places.kinds:
        return []
    assert COLUMNS[-1] == "not_before"
    with connection.cursor() as cursor:
        cursor.execute(statement(places.kinds), parameters(places, places.kinds))
        return cursor.fetchmany(MOST * 5)


def _as_day(value: date | str) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)


def _as_instant(value: datetime | str | None) -> datetime | None:
    if value is None or isinstance(value, datetime):
        return value
    return datetime.fromisoformat(f"{value}+00:00")


def pauses_now(today: date, **of: object) -> list[ReminderPause]:
    """The pauses of something (fields of a pause) that are not over; one query."""
    found = ReminderPause.objects.filter(last__gte=today, ended=False, **of)
    return list(found.select_related("participant", "trial", "person").order_by("first", "pk"))


def pause_in_sight(user: User, participants: QuerySet[Participant], pk: int) -> ReminderPause | None:
    """A pause that is one's own, of a participant in sight, or of a trial."""
    mine = Q(person=user) | Q(participant__in=participants) | Q(trial__isnull=False)
    return ReminderPause.objects.filter(mine, pk=pk).select_related("participant", "trial", "person").first()


def setting_of(trial: Trial, site: Site | None, kind: str) -> ReminderSetting | None:
    """What a trial, or a site in it, has set for one rule (for the hours of all: no kind), if anything."""
    return ReminderSetting.objects.filter(trial=trial, site=site, kind=kind).first()


def coordinator_of(participant: Participant) -> ParticipantCoordinator | None:
    """Who looks after a participant, where somebody was named."""
    return ParticipantCoordinator.objects.filter(participant=participant).first()
