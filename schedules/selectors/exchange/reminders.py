"""What a reminder says, whom it is told to, and what came of telling."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta

from django.db.models import CharField, Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat

from participants.models import Participant
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
from schedules.domain.reminders.rules import BY_KIND, SWEPT
from schedules.models import RUNNING, Flag, Reminder, ReminderDelivery, Visit
from schedules.selectors.reminders.candidates import still_due
from schedules.selectors.store.stored_visits import lost_booking
from trials.models import Membership, Role
from trials.zones import roles_day, zone_of

BY_RULE = frozenset(SWEPT)
_DAY = timedelta(days=1)
KEPT_UNSAID = timedelta(days=30)
"""For how long a reminder of a rule that nobody could be told is tried."""


def holding_reminders(now: datetime) -> QuerySet[Reminder]:
    """The unsent reminders that may still be true: of live visits whose window is where it was then.

    On hold, done, missed or cancelled is not live; a frozen trial is not told of. What day it is at
    each site is asked later, by `notices_of`: here the earth's first and last day are the bounds.
    """
    live = Q(**{f"visit__{name}": value for name, value in RUNNING.items()})
    live &= Q(visit__closes__gte=now.date() - _DAY, due_on__lte=now.date() + _DAY)
    live &= Q(visit__participant__trial__frozen_on=None)
    by_rule = Q(kind__in=SWEPT, due_on__lte=now.date() + _DAY, due_on__gte=now.date() - KEPT_UNSAID)
    by_rule &= Q(participant__trial__frozen_on=None) & (Q(not_before=None) | Q(not_before__lte=now))
    return Reminder.objects.filter(live & _still_so() | by_rule, sent_at=None)


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
    """The notices of these reminders, by id: one to each who is told there on this day.

    None of what is no longer worth saying on the site's day, or of a visit or trial that it may not
    be told of any more. Two queries, however many reminders; three
    where one is of a start, and of those of a rule four more for each rule and participant.
    """
    rows = list(
        holding_reminders(now)
        .filter(id__in=reminders)
        .select_related(
            "visit__participant__trial",
            "visit__participant__site",
            "participant__trial",
            "participant__site",
        )
        .order_by("id")
    )
    rows = _still_due(rows, now)
    told = _told_by_kind(rows)
    members = _members({_person(row).site_id for row in rows}, {role for to in told.values() for role in to})
    starts = [_person(row).pk for row in rows if row.kind == START]
    flags = Flag.objects.filter(participant__in=starts, kind=START_FLAG) if starts else ()
    why = {flag.participant_id: flag.message for flag in flags}
    return [
        notice
        for row in rows
        for notice in _notices(
            row, [one for one in members if one.role in told[row.pk]], now, why.get(_person(row).pk, "")
        )
    ]


def _person(row: Reminder) -> Participant:
    """Whom a reminder is about; one of an older release names the visit alone."""
    if row.participant is not None:
        return row.participant
    assert row.visit is not None, "a reminder is about a visit or a participant"
    return row.visit.participant


def _still_due(rows: Sequence[Reminder], now: datetime) -> list[Reminder]:
    """Those whose rule still yields them; a window that is kept meanwhile needs no word either."""
    asked = {(row.kind, _person(row).pk) for row in rows if row.kind in BY_RULE}
    due = {pair: still_due(*pair, now) for pair in asked}
    return [row for row in rows if row.kind not in BY_RULE or row.key in due[row.kind, _person(row).pk]]


def _told_by_kind(rows: Sequence[Reminder]) -> dict[int, tuple[str, ...]]:
    """The roles that are told of each of these reminders; no query."""
    found = {}
    for row in rows:
        rule = BY_KIND.get(row.kind)
        found[row.pk] = rule.to if rule else (Role.COORDINATOR.value,)
    return found


def deliveries_of(visit: Visit) -> list[ReminderDelivery]:
    """What was said of a visit to whom, or could not be, the newest first; one query."""
    found = ReminderDelivery.objects.filter(reminder__visit=visit).select_related("recipient", "reminder")
    return list(found.order_by("-pk"))


def _members(sites: Iterable[int], roles: Iterable[str]) -> list[Membership]:
    """Who holds one of these roles at one of these sites on some day."""
    everywhere_or_there = Q(site__isnull=True) | Q(site__in=sites)
    return list(
        Membership.objects.filter(
            everywhere_or_there, role__in=list(roles), user__is_active=True, withdrawn_at=None
        )
        .exclude(user__email="")
        .select_related("user")
        .order_by("user_id", "pk")
    )


def _holds(member: Membership, today: date) -> bool:
    return member.starts_on <= today <= (member.ends_on or today)


def _notices(row: Reminder, members: Iterable[Membership], now: datetime, why: str) -> Iterator[Notice]:
    visit, participant = row.visit, _person(row)
    here = roles_day(now)
    today = here.there(zone_of(participant.site))
    if row.kind not in BY_RULE and (
        visit is None
        or not is_worth_saying(
            due_on=row.due_on,
            closes=visit.closes,
            today=today,
            booked_on=visit.booked_on if row.kind == CLOSING else None,
            booking_lost=lost_booking(visit),
        )
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
            label=visit.label if visit is not None and row.kind not in BY_RULE else row.thing,
            opens=visit.opens if visit is not None else row.day or row.due_on,
            closes=visit.closes if visit is not None else row.day or row.due_on,
            recipient=recipient,
            address=address,
            kind=row.kind,
            why=why,
            day=row.day,
        )
