"""What a reminder says, whom it is told to, and what came of telling."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta

from django.db.models import CharField, Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat

from schedules.domain.readiness.start_flags import START_FLAG
from schedules.domain.reminders import (
    AHEAD,
    BETWEEN,
    CLOSING,
    KEY_PARTS,
    START,
    WAITS,
    Notice,
    is_worth_saying,
)
from schedules.models import RUNNING, Flag, Reminder, ReminderDelivery, Visit
from schedules.selectors.store.stored_visits import lost_booking
from trials.models import Membership, Role
from trials.zones import roles_day, zone_of

_DAY = timedelta(days=1)


def holding_reminders(now: datetime) -> QuerySet[Reminder]:
    """The unsent reminders that may still be true: of live visits whose window is where it was then.

    On hold, done, missed or cancelled is not live; a frozen trial is not told of. What day it is at
    each site is asked later, by `notices_of`: here the earth's first and last day are the bounds.
    """
    live = Q(**{f"visit__{name}": value for name, value in RUNNING.items()})
    live &= Q(visit__closes__gte=now.date() - _DAY, due_on__lte=now.date() + _DAY)
    live &= Q(visit__participant__trial__frozen_on=None)
    return Reminder.objects.filter(live, _still_so(), sent_at=None)


def _still_so() -> Q:
    """What a reminder says is still so: the window closes on that day, the flag of the start is open."""
    flagged = Flag.objects.filter(
        participant=OuterRef("visit__participant"), kind=START_FLAG, cleared_at=None, snoozed_until=None
    )
    return Q(kind=CLOSING, key=present_key()) | Q(Exists(flagged), kind=START)


def present_key() -> Concat:
    """The key that a closing reminder of the row's visit would have now."""
    parts = (Cast(f"visit__{part}", CharField()) for part in KEY_PARTS)
    told = [each for part in parts for each in (Value(BETWEEN), part)]
    return Concat(Value(CLOSING), *told, output_field=CharField())


def is_free(now: datetime, stale_after: timedelta) -> Q:
    """The condition on rows that nobody holds: never claimed, long ago, or by a clock that ran ahead."""
    return Q(claimed_at=None) | Q(claimed_at__lt=now - stale_after) | Q(claimed_at__gt=now + AHEAD)


def is_due(now: datetime) -> Q:
    """The condition on deliveries that have waited long enough since they were last tried."""
    due = Q(tried_at=None) | Q(tried_at__gt=now + AHEAD)
    for number, wait in enumerate(WAITS, start=1):
        tried = {"attempts__gte": number} if wait == WAITS[-1] else {"attempts": number}
        due |= Q(**tried, tried_at__lte=now - wait)
    return due | Q(attempts=0, tried_at__lte=now - WAITS[0])


def notices_of(reminders: Sequence[int], now: datetime) -> list[Notice]:
    """The notices of these reminders, by id: one to each who coordinates there on this day.

    None of what is no longer worth saying on the site's day, or of a visit or trial that it may not
    be told of any more. Two queries, however many reminders; three where one is of a start.
    """
    rows = list(
        holding_reminders(now)
        .filter(id__in=reminders)
        .select_related("visit__participant__trial", "visit__participant__site")
        .order_by("id")
    )
    members = _coordinators({row.visit.participant.site_id for row in rows})
    starts = [row.visit.participant_id for row in rows if row.kind == START]
    flags = Flag.objects.filter(participant__in=starts, kind=START_FLAG) if starts else ()
    why = {flag.participant_id: flag.message for flag in flags}
    return [
        notice
        for row in rows
        for notice in _notices(row, members, now, why.get(row.visit.participant_id, ""))
    ]


def deliveries_of(visit: Visit) -> list[ReminderDelivery]:
    """What was said of a visit to whom, or could not be, the newest first; one query."""
    found = ReminderDelivery.objects.filter(reminder__visit=visit).select_related("recipient", "reminder")
    return list(found.order_by("-pk"))


def _coordinators(sites: Iterable[int]) -> list[Membership]:
    """Who coordinates one of these sites on some day, and has an address."""
    everywhere_or_there = Q(site__isnull=True) | Q(site__in=sites)
    return list(
        Membership.objects.filter(
            everywhere_or_there, role=Role.COORDINATOR, user__is_active=True, withdrawn_at=None
        )
        .exclude(user__email="")
        .select_related("user")
        .order_by("user_id", "pk")
    )


def _holds(member: Membership, today: date) -> bool:
    return member.starts_on <= today <= (member.ends_on or today)


def _notices(row: Reminder, members: Iterable[Membership], now: datetime, why: str) -> Iterator[Notice]:
    visit, participant = row.visit, row.visit.participant
    here = roles_day(now)
    today = here.there(zone_of(participant.site))
    if not is_worth_saying(
        due_on=row.due_on,
        closes=visit.closes,
        today=today,
        booked_on=visit.booked_on if row.kind == CLOSING else None,
        booking_lost=lost_booking(visit),
    ):
        return
    told = {
        member.user.email: member.user_id
        for member in members
        if member.site_id in (None, participant.site_id)
        and member.trial_id in (None, participant.trial_id)
        and _holds(member, here if member.site_id is None else today)
    }
    for address, recipient in sorted(told.items()):
        yield Notice(
            reminder=row.pk,
            key=row.key,
            trial=participant.trial.called,
            subject_code=participant.subject_code,
            label=visit.label,
            opens=visit.opens,
            closes=visit.closes,
            recipient=recipient,
            address=address,
            kind=row.kind,
            why=why,
        )
