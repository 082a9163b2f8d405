"""What is in somebody's bell: reminders that they were told, within what they may see today."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from django.db.models import Q, QuerySet

from schedules.domain.reminders import BETWEEN
from schedules.models import Reminder, ReminderDelivery, ReminderRecipient
from trials.domain.accounts.access import Right, Scope
from trials.models import User
from trials.selectors.records import roles_of, within

MANY = 100
"""A count that nobody reads to the last digit stops here."""

PAGE = 50
# Pages are counted no farther: nobody leafs through two hundred of them, and counting reads each row.
_LISTED = 10_000


class Shelf(StrEnum):
    """Which part of the bell is looked at."""

    OPEN = "open"
    SNOOZED = "snoozed"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class BellPage:
    """One page of a bell: its rows, and how many pages there are."""

    rows: Sequence[ReminderRecipient]
    page: int
    pages: int


def in_bell(user: User, scope: Scope) -> QuerySet[ReminderRecipient]:
    """All that was ever told to somebody, of what they may look at with these roles."""
    path = "reminder__participant__"
    of_people = within(scope, Right.VIEW, site=f"{path}site", trial=f"{path}trial")
    of_places = Q(reminder__participant=None)
    return ReminderRecipient.objects.filter(of_people | of_places, person=user)


def unread_count(user: User, scope: Scope, now: datetime) -> int:
    """How many reminders in the bell are open and not read; MANY stands for that many or more. One query."""
    awake = Q(snoozed_until=None) | Q(snoozed_until__lte=now)
    found = in_bell(user, scope).filter(awake, seen_at=None, acknowledged_at=None, over_at=None)
    return found.order_by()[:MANY].count()


def bell_page(user: User, scope: Scope, shelf: Shelf, now: datetime, page: int) -> BellPage:
    """One page of the bell, the newest first; what came together by its urgency. Two queries."""
    open_ = in_bell(user, scope).filter(acknowledged_at=None, over_at=None)
    asleep = Q(snoozed_until__gt=now)
    if shelf is Shelf.SNOOZED:
        found = open_.filter(asleep).order_by("snoozed_until", "-pk")
    elif shelf is Shelf.DONE:
        done = Q(acknowledged_at__isnull=False) | Q(over_at__isnull=False)
        found = in_bell(user, scope).filter(done).order_by("-pk")
    else:
        found = open_.exclude(asleep).order_by("-pk")
    total = found.order_by()[:_LISTED].count()
    pages = max(1, -(-total // PAGE))
    page = min(max(1, page), pages)
    return BellPage(list(_related(found)[(page - 1) * PAGE : page * PAGE]), page, pages)


def recipient_in_sight(user: User, today: date, pk: int) -> ReminderRecipient | None:
    """One row of somebody's own bell."""
    return _related(in_bell(user, roles_of(user, today))).filter(pk=pk).first()


def _related(rows: QuerySet[ReminderRecipient]) -> QuerySet[ReminderRecipient]:
    return rows.select_related(
        "reminder__participant__trial",
        "reminder__participant__site",
        "reminder__visit__participant__site",
        "instead_of",
    )


@dataclass(frozen=True, slots=True)
class Telling:
    """What one person was told of one reminder: in the bell, and by the ways besides."""

    recipient: ReminderRecipient
    deliveries: Sequence[ReminderDelivery]


def tellings_of(rows: QuerySet[ReminderRecipient], most: int = PAGE) -> list[Telling]:
    """What was said to whom, the newest first, with each way and what came of it; two queries."""
    found = list(rows.select_related("reminder", "person", "instead_of").order_by("-pk")[:most])
    ways = ReminderDelivery.objects.filter(reminder__in={one.reminder_id for one in found})
    by_person: dict[tuple[int, int | None], list[ReminderDelivery]] = {}
    for delivery in ways.select_related("reminder").order_by("pk"):
        by_person.setdefault((delivery.reminder_id, delivery.recipient_id), []).append(delivery)
    return [
        Telling(
            one,
            [
                *by_person.get((one.reminder_id, one.person_id), []),
                *by_person.pop((one.reminder_id, None), []),  # the group's, once
            ],
        )
        for one in found
    ]


def told_of_participant(participant: int) -> QuerySet[ReminderRecipient]:
    """Everything that was told of a participant."""
    return ReminderRecipient.objects.filter(reminder__participant=participant)


def told_of_visit(visit: int) -> QuerySet[ReminderRecipient]:
    """Everything that was told of a visit."""
    return ReminderRecipient.objects.filter(reminder__visit=visit)


def told_of_flag(flag: int) -> QuerySet[ReminderRecipient]:
    """Everything that was told of a flag, by the rules of flags."""
    keys = Q()
    for kind in ("at-risk", "violated"):
        keys |= Q(reminder__key__startswith=BETWEEN.join((kind, f"f{flag}", "")))
    return ReminderRecipient.objects.filter(keys)


def untold_of(**of: object) -> list[Reminder]:
    """The reminders of something (fields of a reminder) that nobody could be told; one query."""
    nobody = Reminder.objects.filter(nobody_at__isnull=False, sent_at=None, lapsed_at=None, **of)
    return list(nobody.select_related("visit").order_by("pk")[:PAGE])
