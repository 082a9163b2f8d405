"""Who is told of a reminder, and by which ways: a row in each person's bell, and one for each way out."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, Subquery

from schedules.domain.reminders import STALE_AFTER
from schedules.domain.reminders.grouping import together
from schedules.domain.reminders.hours import Hours
from schedules.domain.reminders.people import Capacity, Told, people_to_escalate_to
from schedules.domain.reminders.rules import BY_KIND, UNTOLD, Manner, urgency_of
from schedules.models import Reminder, ReminderDelivery, ReminderRecipient
from schedules.selectors.reminders.notices import (
    KEPT_UNSAID,
    is_free,
    open_reminders,
    reminders_by_id,
    still_true,
)
from schedules.selectors.reminders.recipients import (
    People,
    answered_at,
    context_of_reminders,
    hours_of,
    people_of,
    person_of,
    persons_of,
    untold_key,
)
from schedules.selectors.reminders.ways import EMAIL, Way, left_behind, ways_of, ways_of_groups
from schedules.services.reminders.sweeping import mark_lapsed
from trials.zones import roles_day, zone_of

logger = logging.getLogger(__name__)

Address = tuple[int, int | None, str]
"""A reminder, a person (None: a group) and the name of a channel."""

ADDRESSED = 500
"""How many reminders are addressed at once."""

LOOKED_AGAIN = timedelta(hours=1)
"""After so long at the latest it is asked again whether somebody is there to escalate a reminder to."""


def address_reminders(
    *,
    now: datetime,
    at: datetime | None = None,
    stale_after: timedelta = STALE_AFTER,
    most: int = ADDRESSED,
    again: bool = True,
) -> list[int]:
    """Say who is told of reminders that nobody looked at lately, and by which ways; give their ids.

    Those that nobody ever looked at come first; without `again` no others are taken.
    What is no longer true lapses. Anyone who is told already, or refused for good, keeps the row; an
    address that was refused and has been corrected is tried again, and so is what somebody freed by hand.
    Whom to tell is judged again right before a message leaves. Where there is nobody, the reminder says so,
    and the administrators of the site are told.
    """
    at = at or now
    # SQLite has one lock of writers: who finds nothing to do does not take it (`ledger.claim_messages`).
    if connection.vendor == "sqlite" and not any(_to_address(now, at, stale_after, 1, again)):
        return []
    with transaction.atomic():
        return _addressed(now, at, stale_after, most, again)


def _addressed(now: datetime, at: datetime, stale_after: timedelta, most: int, again: bool) -> list[int]:
    claimed = _claim(now, at, stale_after, most, again)
    if not claimed:
        return []
    rows = reminders_by_id(claimed)
    context = context_of_reminders(rows)
    # In this order rows are written, and in the order of their numbers they leave: the most urgent first.
    true = sorted(still_true(rows, now, context), key=lambda row: (-urgency_of(row.kind), row.pk))
    mark_lapsed([row.pk for row in rows if row not in true], at=at)
    people = people_of(true, now, context)
    _place(true, people.told, at)
    _deliver(true, people.told, at)
    _note_untold(true, people, hours_of(true, context), now, at)
    close_reminders(claimed, at)
    return claimed


def _claim(now: datetime, at: datetime, stale_after: timedelta, most: int, again: bool) -> list[int]:
    """Take up reminders that nobody holds: never addressed, or unsent though they may leave.

    Rows that another worker is just claiming are passed over, not waited for.
    """
    fresh, held = _to_address(now, at, stale_after, most, again)
    ids = fresh + held
    # Of what lapsed and is true again: how it failed, or waited for another, must not hold it up now.
    leaves = Reminder.objects.filter(pk=OuterRef("reminder")).values("not_before")
    ReminderDelivery.objects.filter(reminder__in=fresh, sent_at=None, refused_at=None).update(
        tried_at=None, attempts=0, not_before=Subquery(leaves)
    )
    Reminder.objects.filter(id__in=ids).update(claimed_at=at)
    return ids


def _to_address(
    now: datetime, at: datetime, stale_after: timedelta, most: int, again: bool
) -> tuple[list[int], list[int]]:
    """Those never addressed, and where there are too few and `again` those that may leave; by their ids.

    Each of the two statements walks along the index of what is unsent and ends with the last row that it
    takes: one for both would sort all that waits, each time.
    """
    unsent = open_reminders(now).select_for_update(of=("self",), skip_locked=True, no_key=True)
    # by claimed_at too, though all have none: so the index is walked that holds only what waits
    never = unsent.filter(claimed_at=None).order_by("claimed_at", "id")
    fresh = list(never.values_list("id", flat=True)[:most])
    if not again or len(fresh) == most:
        return fresh, []
    may_leave = Q(not_before=None) | Q(not_before__lte=at)
    held = unsent.filter(is_free(at, stale_after), may_leave, claimed_at__isnull=False)
    held_ids = held.order_by("claimed_at", "id").values_list("id", flat=True)[: most - len(fresh)]
    return fresh, list(held_ids)


def _place(rows: Sequence[Reminder], told: Mapping[int, Sequence[Told]], at: datetime) -> None:
    """Put them into the bells of those who are told; out of those whom they concern no longer."""
    ReminderRecipient.objects.bulk_create(
        [
            ReminderRecipient(
                reminder=row,
                person_id=one.person,
                capacity=one.capacity.value,
                instead_of_id=one.instead_of,
                placed_at=at,
            )
            for row in reversed(rows)  # the bell shows the newest place first: that of the most urgent
            for one in told[row.pk]
        ],
        ignore_conflicts=True,
    )
    _keep_places(rows, told, at)


def _keep_places(rows: Sequence[Reminder], told: Mapping[int, Sequence[Told]], at: datetime) -> None:
    """End the places of those whom a reminder concerns no longer, and revive those whom it concerns again.

    Those to whom it was escalated keep their place: they are not among the people of the rule.
    """
    there = ReminderRecipient.objects.filter(reminder__in=[row.pk for row in rows])
    now_told = {(row.pk, one.person) for row in rows for one in told[row.pk]}
    changed: dict[bool, list[int]] = {True: [], False: []}
    for recipient in there.exclude(capacity=Capacity.ESCALATION):
        concerned = (recipient.reminder_id, recipient.person_id) in now_told
        if concerned == (recipient.over_at is not None):
            changed[concerned].append(recipient.pk)
    for concerned, ids in changed.items():
        if ids:
            ReminderRecipient.objects.filter(pk__in=ids).update(over_at=None if concerned else at)


def _deliver(rows: Sequence[Reminder], told: Mapping[int, Sequence[Told]], at: datetime) -> None:
    """Write a row for each way of each person; an address that was corrected begins again.

    What begins again, or is true again, leaves under another key: under the one that it had the others of its
    message may have left meanwhile, and a receiver would drop it. Who has acknowledged or snoozed it is sent
    nothing, and nothing goes to an e-mail address that was taken away.
    """
    here = _ways(rows, told)
    by_id = {row.pk: row for row in rows}
    there = {(pk, one.person) for pk, people in told.items() for one in people}
    noticed = set(
        ReminderRecipient.objects.filter(reminder__in=by_id)
        .filter(Q(acknowledged_at__isnull=False) | Q(snoozed_until__isnull=False))
        .values_list("reminder_id", "person_id")
    )
    for delivery in ReminderDelivery.objects.filter(reminder__in=by_id, sent_at=None):
        whom = (delivery.reminder_id, delivery.recipient_id)
        way = here.get((*whom, delivery.channel))
        if whom in noticed:
            continue
        if way is not None:
            _begin_again(delivery, by_id[delivery.reminder_id], way, at)
        elif delivery.channel == EMAIL and settings.REMINDERS_LEAVE and whom in there:
            _keep(delivery, lapsed_at=at, claimed_at=None)
    _write(rows, here, at)


def _begin_again(delivery: ReminderDelivery, row: Reminder, way: Way, at: datetime) -> None:
    """Let a delivery whose address was corrected, or that had lapsed, leave by this way as a new one."""
    again = {"lapsed_at": None, "message": _message(row, delivery, at)}
    if way.address != delivery.address or _is_renewed(way, delivery):
        fresh = {"refused_at": None, "reason": "", "attempts": 0, "tried_at": None}
        _keep(delivery, address=way.address, **again, **fresh)
    elif delivery.lapsed_at is not None:
        _keep(delivery, not_before=row.not_before, **again)


def _is_renewed(way: Way, delivery: ReminderDelivery) -> bool:
    """Whether a channel got another address or secret since it refused this."""
    return bool(delivery.refused_at and way.entered_at and way.entered_at > delivery.refused_at)


def _message(row: Reminder, delivery: ReminderDelivery, at: datetime) -> str:
    return together(delivery.recipient_id or 0, delivery.channel, row.manner, row.not_before, at)


def _write(rows: Sequence[Reminder], here: Mapping[Address, Way], at: datetime) -> None:
    by_id = {row.pk: row for row in rows}
    ReminderDelivery.objects.bulk_create(
        [
            ReminderDelivery(
                reminder_id=pk,
                recipient_id=person,
                channel=channel,
                address=way.address,
                not_before=by_id[pk].not_before,
                message=together(person or 0, channel, by_id[pk].manner, by_id[pk].not_before, at),
            )
            for (pk, person, channel), way in here.items()
        ],
        ignore_conflicts=True,
    )


def _keep(delivery: ReminderDelivery, **values: object) -> None:
    # Another worker may have sent it since it was read: what has left keeps what came of it.
    ReminderDelivery.objects.filter(pk=delivery.pk, sent_at=None).update(**values)


def _note_untold(
    rows: Sequence[Reminder], people: People, hours: Mapping[int, Hours], now: datetime, at: datetime
) -> None:
    """Say of reminders that there is nobody to be told, and tell administrators of the site once a day."""
    nobody = [row for row in rows if not people.told[row.pk]]
    told = [row.pk for row in rows if people.told[row.pk] and row.nobody_at is not None]
    Reminder.objects.filter(pk__in=told).update(nobody_at=None)
    Reminder.objects.filter(pk__in=[row.pk for row in nobody], nobody_at=None).update(nobody_at=at)
    sites: dict[str, tuple[str, date, datetime]] = {}
    for row in nobody:
        person = person_of(row)
        logger.warning("reminder %s has nobody to be told", row.pk)
        if person is not None:
            today = roles_day(now).there(zone_of(person.site))
            leaves = hours[row.pk].soonest(at, any_day=True) if row.pk in hours else at
            sites[untold_key(person.trial_id, person.site_id, today)] = (person.site.name, today, leaves)
    Reminder.objects.bulk_create(
        [
            Reminder(
                key=key,
                kind=UNTOLD,
                thing=name,
                day=today,
                due_on=today,
                manner=Manner.AT_ONCE,
                not_before=leaves if leaves > at else None,
            )
            for key, (name, today, leaves) in sites.items()
        ],
        ignore_conflicts=True,
    )


def close_reminders(reminders: Collection[int], at: datetime) -> None:
    """Close reminders of which all that can be said is said: told by every way, or in the bell alone.

    Where every way was refused for good, the reminder says so, and stays in the bell. Two statements.
    """
    theirs = ReminderDelivery.objects.filter(reminder=OuterRef("pk"), lapsed_at=None)
    left = theirs.filter(sent_at=None, refused_at=None)
    said = theirs.filter(sent_at__isnull=False)
    belled = ReminderRecipient.objects.filter(reminder=OuterRef("pk"), over_at=None)
    unsaid = Reminder.objects.filter(pk__in=reminders, sent_at=None, lapsed_at=None)
    unsaid.filter(~Exists(left), Exists(said) | ~Exists(theirs) & Exists(belled)).update(
        sent_at=at, claimed_at=at, failed_at=None
    )
    unsaid.filter(~Exists(left), Exists(theirs), ~Exists(said), failed_at=None).update(failed_at=at)


def lapse_left_behind(*, at: datetime) -> int:
    """Let deliveries lapse by channels that were switched off; give how many. Bell and e-mail have theirs."""
    left = list(left_behind().values_list("pk", "reminder_id")[:ADDRESSED])
    if left:
        open_ = ReminderDelivery.objects.filter(pk__in=[pk for pk, _reminder in left], sent_at=None)
        open_.update(lapsed_at=at, claimed_at=None)
        close_reminders({reminder for _pk, reminder in left}, at)
    return len(left)


def escalate_reminders(*, now: datetime, at: datetime | None = None, most: int = ADDRESSED) -> int:
    """Tell others of what nobody acknowledged in time; give how many reminders.

    Investigators of the site, or where none is left to tell coordinators, then data managers; once for each
    reminder. Where there is nobody today, it is asked again. Who snoozed it has noticed it, and is not passed
    by before it comes back. Of what was sent, `not_before` is when to look again.
    """
    at = at or now
    answered = answered_at(at).filter(reminder=OuterRef("pk"))
    # No rule escalates before a day has passed; after how many each does, `_escalate` asks. What is to be
    # looked at later than LOOKED_AGAIN from now was written by a clock that ran ahead.
    look = Q(not_before=None) | Q(not_before__lte=at) | Q(not_before__gt=at + LOOKED_AGAIN)
    found = Reminder.objects.filter(
        look,
        ~Exists(answered),
        sent_at__lte=at - timedelta(days=1),
        sent_at__gt=at - KEPT_UNSAID,
        lapsed_at=None,
        escalated_at=None,
        kind__in=list(BY_KIND),
    )
    with transaction.atomic():
        locked = found.select_for_update(of=("self",), skip_locked=True, no_key=True).order_by("pk")
        ids = list(locked.values_list("pk", flat=True)[:most])
        return len(_escalate(reminders_by_id(ids), now, at)) if ids else 0


def _escalate(rows: Sequence[Reminder], now: datetime, at: datetime) -> list[Reminder]:
    context = context_of_reminders(rows)
    true = still_true(rows, now, context)
    people = people_of(true, now, context)
    hours, before = hours_of(true, context), _told_before(true)
    told: dict[int, Sequence[Told]] = {}
    due: list[Reminder] = []
    later = {row.pk: at + LOOKED_AGAIN for row in rows}
    for row in true:
        rule = people.wanted.get(row.pk)
        if rule is None or row.sent_at is None:
            continue
        in_time = row.sent_at + timedelta(days=rule.escalates)
        if not rule.escalates:  # never: it is not looked at again
            told[row.pk] = []
        elif in_time > at:
            later[row.pk] = min(in_time, later[row.pk])
        elif others := people_to_escalate_to(people.staff[row.pk], before[row.pk]):
            told[row.pk] = others
            due.append(row)
            row.not_before = _leaves(row, hours.get(row.pk), at)
    asked = [row for row in true if row.pk in told]
    _place_more(asked, told, at)
    _write(asked, _ways(asked, told), at)
    Reminder.objects.filter(pk__in=list(told)).update(escalated_at=at)
    _look_later({pk: later[pk] for pk in later.keys() - told.keys()})
    return due


def _leaves(row: Reminder, hours: Hours | None, at: datetime) -> datetime | None:
    """When what is told to others leaves, by the hours of its site; at once where there are none."""
    return hours.leaves(at, Manner(row.manner or Manner.DIGEST)) if hours else None


def _look_later(when: Mapping[int, datetime]) -> None:
    """Look again at what is not escalated yet, so that it does not stand before what is in time."""
    for at in sorted(set(when.values())):
        Reminder.objects.filter(pk__in=[pk for pk, one in when.items() if one == at]).update(not_before=at)


def _told_before(rows: Sequence[Reminder]) -> Mapping[int, Collection[int]]:
    """Who has been told of each of these reminders, by its id; one query."""
    there = ReminderRecipient.objects.filter(reminder__in=[row.pk for row in rows])
    found: dict[int, set[int]] = defaultdict(set)
    for reminder, person in there.values_list("reminder_id", "person_id"):
        found[reminder].add(person)
    return found


def _place_more(rows: Sequence[Reminder], told: Mapping[int, Sequence[Told]], at: datetime) -> None:
    ReminderRecipient.objects.bulk_create(
        [
            ReminderRecipient(
                reminder=row, person_id=one.person, capacity=Capacity.ESCALATION.value, placed_at=at
            )
            for row in rows
            for one in told[row.pk]
        ],
        ignore_conflicts=True,
    )


def _ways(rows: Sequence[Reminder], told: Mapping[int, Sequence[Told]]) -> dict[Address, Way]:
    """The ways of those who are told, and of the groups at the place, by reminder, person and channel."""
    ways = ways_of({one.person for people in told.values() for one in people})
    loud = [row for row in rows if row.manner != Manner.BELL]
    found: dict[Address, Way] = {
        (row.pk, one.person, way.channel): way
        for row in loud
        for one in told[row.pk]
        for way in ways.get(one.person, ())
    }
    places = {pk: (one.trial_id, one.site_id) for pk, one in persons_of(loud).items()}
    groups = ways_of_groups(set(places.values()))
    for pk, place in places.items():
        found |= {(pk, None, way.channel): way for way in groups.get(place, ()) if told[pk]}
    return found
