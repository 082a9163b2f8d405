"""What a reminder says, whether it is still true, and what came of telling."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse

from schedules.domain.readiness.start_flags import START_FLAG
from schedules.domain.reminders import AHEAD, CLOSING, START, WAITS, Notice, is_worth_saying, wait_after
from schedules.domain.reminders.ledger import ClinicDaysLeft, last_clinic_day
from schedules.domain.reminders.rules import SWEPT, UNTOLD, thing_of
from schedules.models import RUNNING, Flag, Reminder, ReminderDelivery, ReminderPreference, Visit
from schedules.selectors.reminders.candidates import Context, keys_due
from schedules.selectors.reminders.recipients import person_of
from schedules.selectors.store.calendars import today_at, working_days_by_site
from trials.domain.language import Text
from trials.domain.protocols.protocol import Place
from trials.models import Site, Trial
from trials.zones import roles_day, server_zone, zone_of

_DAY = timedelta(days=1)
KEPT_UNSAID = timedelta(days=30)
"""For how long a reminder that nobody could be told is tried."""

_RELATED = (
    "visit__participant__trial",
    "visit__participant__site",
    "participant__trial",
    "participant__site",
)


def open_reminders(now: datetime) -> QuerySet[Reminder]:
    """The reminders that are neither said nor over, and due about now; what is true is asked later."""
    # `now` is dated in UTC, and at sites east of there it may be the next day already.
    return Reminder.objects.filter(
        due_on__lte=now.date() + _DAY, due_on__gte=now.date() - KEPT_UNSAID, sent_at=None, lapsed_at=None
    )


def claim_age() -> timedelta:
    """How old a claim grows before somebody else takes it up (settings.REMINDER_CLAIM_SECONDS)."""
    return timedelta(seconds=settings.REMINDER_CLAIM_SECONDS)


def is_free(now: datetime, stale_after: timedelta) -> Q:
    """The condition on rows that nobody holds: never claimed, long ago, or by a clock that ran ahead."""
    return Q(claimed_at=None) | Q(claimed_at__lt=now - stale_after) | Q(claimed_at__gt=now + AHEAD)


def is_old(claimed_at: datetime | None, now: datetime, stale_after: timedelta) -> bool:
    """Whether nobody holds a row that was claimed then, by the same rule as `is_free`."""
    return claimed_at is None or not now - stale_after <= claimed_at <= now + AHEAD


def is_due(now: datetime) -> Q:
    """The condition on deliveries that have waited long enough since they were last tried."""
    due = Q(tried_at=None) | Q(tried_at__gt=now + AHEAD)
    for number, wait in enumerate(WAITS, start=1):
        tried = {"attempts__gte": number} if wait == WAITS[-1] else {"attempts": number}
        due |= Q(**tried, tried_at__lte=now - wait)
    due |= Q(attempts=0, tried_at__lte=now - WAITS[0])
    return due & (Q(not_before=None) | Q(not_before__lte=now))


def leaves_at(row: ReminderDelivery, now: datetime) -> datetime:
    """Give when an open delivery leaves at the earliest, from now on; by the same rule as `is_due`."""
    tried = row.tried_at + wait_after(row.attempts) if row.tried_at and row.tried_at <= now + AHEAD else now
    return max(now, tried, row.not_before or now)


def reminders_by_id(ids: Collection[int]) -> list[Reminder]:
    """These reminders with what is said of them, in the order in which they were written; one query."""
    return list(Reminder.objects.filter(pk__in=ids).select_related(*_RELATED).order_by("id"))


def still_true(rows: Sequence[Reminder], now: datetime, context: Context | None = None) -> list[Reminder]:
    """Those of the reminders that are true at this moment: their rule yields them, their flag is open.

    However many there are, one query with a context, else six; one more where one is of a start.
    """
    swept = [row for row in rows if row.kind in SWEPT]
    people = {one.pk for row in swept if (one := person_of(row)) is not None}
    due = keys_due({row.kind for row in swept}, people, now, context)
    starts = _open_starts([row.pk for row in rows if row.kind == START], now)
    return [
        row
        for row in rows
        if row.key in due
        or row.kind == UNTOLD
        or (row.pk in starts and row.visit is not None and _in_time(row, row.visit, now))
    ]


def _open_starts(ids: Sequence[int], now: datetime) -> set[int]:
    """Those reminders of a start whose flag is open and visit live; no query where none is given."""
    if not ids:
        return set()
    flagged = Flag.objects.filter(
        participant=OuterRef("visit__participant"), kind=START_FLAG, cleared_at=None, snoozed_until=None
    )
    live = {f"visit__{name}": value for name, value in RUNNING.items()}
    found = Reminder.objects.filter(Exists(flagged), pk__in=ids, visit__participant__trial__frozen_on=None)
    return set(found.filter(**live).values_list("pk", flat=True))


def _in_time(row: Reminder, visit: Visit, now: datetime) -> bool:
    today = roles_day(now).there(zone_of(visit.participant.site))
    return is_worth_saying(due_on=row.due_on, closes=visit.closes, today=today)


OF_OPEN_WINDOWS = frozenset({CLOSING, "half"})
"""The kinds that say until when somebody can be seen: they also say whether the clinic is open until then."""


def clinic_days_ahead(rows: Sequence[Reminder], now: datetime) -> dict[int, ClinicDaysLeft]:
    """What the windows that close soon have left, by reminder; one query, none where no window does.

    Not of a visit on the ward, for which every day is one, and not where a site has no table.
    """
    asked = [
        (row.pk, row.visit, row.visit.participant.site)
        for row in rows
        if row.kind in OF_OPEN_WINDOWS and row.visit is not None and row.visit.place != Place.WARD
    ]
    tables = working_days_by_site({site.pk for _pk, _visit, site in asked}) if asked else {}
    return {
        pk: last_clinic_day(today_at(site, now), visit.closes, tables[site.pk].is_working_day)
        for pk, visit, site in asked
        if site.pk in tables
    }


def notices_about(rows: Sequence[Reminder], now: datetime) -> dict[int, Notice]:
    """What these reminders say, to nobody yet, by id; one query more where one is of a site or a window."""
    left = clinic_days_ahead(rows, now)
    sites = [row for row in rows if row.kind == UNTOLD]
    trials = Trial.objects.in_bulk({_place_of(row)[0] for row in sites}) if sites else {}
    names = site_names(sites)
    found = {}
    for row in rows:
        notice = replace(_notice(row), left=left.get(row.pk))
        if row.kind == UNTOLD:
            trial = trials.get(_place_of(row)[0])
            label = names.get(row.pk, row.thing)
            notice = replace(notice, trial=trial.called_in_both if trial else "", label=label)
        found[row.pk] = notice
    return found


def site_names(rows: Sequence[Reminder]) -> dict[int, Text]:
    """The names in both languages of the sites where nobody is told, by reminder; one query, or none.

    They are read when they are said: the row keeps the English one alone, as it was then.
    """
    return {pk: Text(site.name, site.name_zh) for pk, site in places_of(rows).items()}


def places_of(rows: Sequence[Reminder]) -> dict[int, Site]:
    """The sites where nobody is told, by reminder; one query, or none."""
    places = {row.pk: _place_of(row)[1] for row in rows if row.kind == UNTOLD}
    sites = Site.objects.in_bulk(set(places.values())) if places else {}
    return {pk: sites[one] for pk, one in places.items() if one in sites}


def zone_of_reminder(row: Reminder, places: Mapping[int, Site]) -> ZoneInfo:
    """The zone of the site that a reminder is about, of the `places_of` it too; the server's without one."""
    person = person_of(row)
    site = person.site if person else places.get(row.pk)
    return zone_of(site) if site else server_zone()


def _place_of(row: Reminder) -> tuple[int, int]:
    trial, _sign, site = thing_of(row.key).partition("-")
    return int(trial), int(site)


def _notice(row: Reminder) -> Notice:
    visit, participant = row.visit, person_of(row)
    day = row.day or (visit.closes if visit is not None else row.due_on)
    return Notice(
        reminder=row.pk,
        key=row.key,
        trial=participant.trial.called_in_both if participant is not None else "",
        subject_code=participant.subject_code if participant is not None else "",
        label=row.thing or (visit.label if visit is not None else ""),
        opens=visit.opens if visit is not None else day,
        closes=visit.closes if visit is not None else day,
        recipient=0,
        address="",
        kind=row.kind,
        day=row.day,
        thing=thing_named(row),
        link=link_of(row),
    )


def thing_named(row: Reminder) -> str:
    """What two reminders of the same thing have in common: the visit, else what the key names."""
    return f"v{row.visit_id}" if row.visit_id else thing_of(row.key)


def path_of(row: Reminder) -> str:
    """The page on which something can be done about it."""
    if row.visit_id and row.kind != START:
        return reverse("visit", args=[row.visit_id])
    person = person_of(row)
    return reverse("participant", args=[person.pk]) if person is not None else reverse("memberships")


def link_of(row: Reminder) -> str:
    """The address of that page outside; empty where the installation does not say where it is."""
    return f"{settings.PUBLIC_ADDRESS}{path_of(row)}" if settings.PUBLIC_ADDRESS else ""


def languages_of(people: Collection[int]) -> Mapping[int, str]:
    """In which language each of these people is told, where they chose one; one query."""
    return dict(ReminderPreference.objects.filter(user__in=people).values_list("user_id", "language"))
