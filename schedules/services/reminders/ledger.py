"""Delivery: workers claim messages, judge them once more, send them, and keep what came of each row.

The database is the queue. Whatever a crash or a lost message leaves behind is found again by
the next sweep or, as a claim that has grown old, by the next worker.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from time import monotonic
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from schedules.domain.readiness.start_flags import StartFlag
from schedules.domain.reminders import STALE_AFTER, START, Notice, start_key
from schedules.domain.reminders.messages import (
    MOST_LINES,
    Message,
    is_waiting,
    message_key,
    one_for_each_thing,
)
from schedules.domain.reminders.rules import Manner, urgency_of
from schedules.models import Reminder, ReminderDelivery, ReminderRecipient, Visit
from schedules.notifications import (
    is_refused_for_good,
    is_unreachable,
    reason_of,
    send_by_email,
    written_out,
)
from schedules.selectors.reminders.candidates import Context, context_of
from schedules.selectors.reminders.notices import (
    claim_age,
    is_due,
    is_free,
    languages_of,
    notices_for,
    reminders_by_id,
    still_true,
    thing_named,
)
from schedules.selectors.reminders.recipients import hours_of, people_of
from schedules.selectors.reminders.ways import EMAIL
from schedules.services.reminders.addressing import address_reminders, close_reminders
from schedules.services.reminders.sweeping import mark_lapsed
from trials.database_time import database_now
from trials.domain.channels.failures import UNWRITTEN
from trials.services.channels.health import claim_allowance, record_answer, record_silence

logger = logging.getLogger(__name__)

BATCH = 20
"""How many messages a worker claims at once: sent well within STALE_AFTER even by a slow mail server."""

RING_SECONDS = 20
"""For how long one ring delivers, the last message included: a server that hangs must not hold up sweeps."""

RING_NUMBER = 200
"""How many messages one ring takes up at most."""

UNREACHABLE = 3
"""After so many messages in a row that nobody answered, the rest of a ring is left to the next one."""

_REASON = 300
_MANY = 1000
Send = Callable[[Message], None]


def ring_reminders(
    *,
    now: Callable[[], datetime] = timezone.now,
    at: Callable[[], datetime] = database_now,
    send: Send = send_by_email,
    clock: Callable[[], float] = monotonic,
) -> int:
    """Deliver what is due, for RING_SECONDS and RING_NUMBER at most; give how many messages were taken up.

    For each batch `now` says what day it is, and `at` when it is claimed: claims go by the database's
    clock, on which all workers agree. `clock` counts seconds.
    """
    ring = Ring(send, clock() + RING_SECONDS, clock, health=True)
    allowance = claim_allowance(EMAIL, at=at(), per_minute=3 * RING_NUMBER)
    ring.rests = not allowance
    if allowance == 1:  # after a rest one message is tried, and where nobody answers no more
        ring.failures = UNREACHABLE - 1
    while ring.taken < RING_NUMBER and not ring.over:
        most = min(BATCH, RING_NUMBER - ring.taken)
        if not ring.deliver(now=now(), at=at(), most=most, stale_after=claim_age()):
            break
    return ring.taken


def deliver_reminders(
    *,
    now: datetime,
    at: datetime | None = None,
    stale_after: timedelta = STALE_AFTER,
    send: Send = send_by_email,
) -> int:
    """Address what is due, take up to BATCH messages, send them, and keep what came of each row.

    Give how many reminders and messages were taken up: 0 says that nothing is left to do now. Each message
    is judged again right before it is sent. What a receiver refuses for good ends at once; what failed for
    now waits (WAITS); what has nobody to be told is looked at again after `stale_after`. What is sent twice
    after a crash carries the same key. `at` is the database's instant, by which claims go; `now` where it
    is not given.
    """
    ring = Ring(send, monotonic() + RING_SECONDS)
    return ring.deliver(now=now, at=at or now, most=BATCH, stale_after=stale_after)


@dataclass(slots=True)
class Ring:
    """One ring of the bell: sends until `ends` (by `clock`, in seconds), and stops where nobody answers."""

    send: Send
    ends: float
    clock: Callable[[], float] = monotonic
    failures: int = 0
    taken: int = 0
    rests: bool = False
    health: bool = False

    @property
    def over(self) -> bool:
        """Whether the next message could not end in time, or would fail like the last ones."""
        return self.failures >= UNREACHABLE or self.clock() + settings.EMAIL_TIMEOUT > self.ends

    def deliver(self, *, now: datetime, at: datetime, most: int, stale_after: timedelta = STALE_AFTER) -> int:
        """Address and deliver one batch; give how many reminders and messages were taken up."""
        taken = address_reminders(now=now, at=at, stale_after=stale_after)
        if not settings.REMINDERS_LEAVE or self.rests:
            return len(taken)
        claimed = claim_messages(at=at, stale_after=stale_after, most=most)
        self.taken += len(claimed)
        context = context_of() if claimed else None
        for place, rows in enumerate(claimed):
            if self.over:
                let_go([row for left in claimed[place:] for row in left])
                break
            self._tell(rows, now, at, context)
        return len(taken) + len(claimed)

    def _tell(
        self, rows: Sequence[ReminderDelivery], now: datetime, at: datetime, context: Context | None
    ) -> None:
        judged = prepare_message(rows, now, at, context)
        if judged.message is None:
            return
        try:
            self.send(judged.message)
        except Exception as error:  # whatever it is, it must not hold up the others
            logger.exception("message %s could not be sent", judged.message.key)
            self._note(at, is_unreachable(error), reason_of(error))
            keep_failure(judged.said, reason_of(error), at, for_good=is_refused_for_good(error))
        else:
            self._note(at, False, "")
            keep_sent(judged.said, at)

    def _note(self, at: datetime, silent: bool, reason: str) -> None:
        """Count what nobody answered; kept for all workers where this ring goes by the way's health."""
        changed = silent or self.failures
        self.failures = self.failures + 1 if silent else 0
        if not self.health or not changed:
            return
        if silent:
            record_silence(EMAIL, at=at, reason=reason)
        else:
            record_answer(EMAIL, at=at)


@transaction.atomic
def claim_messages(
    *, at: datetime, stale_after: timedelta = STALE_AFTER, most: int = BATCH, channel: str = EMAIL
) -> list[list[ReminderDelivery]]:
    """Take up to `most` messages of a channel that nobody holds and that may leave; give the rows of each.

    The worker that claims a message's first row has all of it. Rows that leave together get the message's
    key when they are first claimed; after a crash the same rows leave again under the same key.
    """
    free = ReminderDelivery.objects.filter(
        is_free(at, stale_after), is_due(at), sent_at=None, refused_at=None, lapsed_at=None
    ).filter(reminder__lapsed_at=None, channel=channel)
    earlier = free.filter(message=OuterRef("message"), pk__lt=OuterRef("pk")).exclude(message="")
    heads = list(
        free.filter(Q(message="") | ~Exists(earlier))
        .order_by(F("tried_at").asc(nulls_first=True), "id")
        .select_for_update(of=("self",), skip_locked=True)[:most]
    )
    mates = _mates(free, heads)
    found = [[head, *mates.get(head.message, [])] for head in heads]
    for rows in found:
        _name(rows)
    pks = [row.pk for rows in found for row in rows]
    ReminderDelivery.objects.filter(pk__in=pks).update(claimed_at=at)
    return found


def _mates(free: Any, heads: Sequence[ReminderDelivery]) -> dict[str, list[ReminderDelivery]]:
    """The rows that leave with the first one of their message; one query, none where all leave alone."""
    names = [head.message for head in heads if head.message]
    found: dict[str, list[ReminderDelivery]] = {}
    if names:
        rows = free.filter(message__in=names).exclude(pk__in=[head.pk for head in heads])
        for row in rows.order_by("id").select_for_update(of=("self",), skip_locked=True):
            found.setdefault(row.message, []).append(row)
    return found


def _name(rows: Sequence[ReminderDelivery]) -> None:
    """Give a message that is claimed for the first time its key."""
    if not is_waiting(rows[0].message):
        return
    keys = dict(Reminder.objects.filter(pk__in=[row.reminder_id for row in rows]).values_list("pk", "key"))
    whom = rows[0].recipient_id or -number_of_channel(rows[0].channel)
    key = message_key([keys[row.reminder_id] for row in rows], whom)
    ReminderDelivery.objects.filter(pk__in=[row.pk for row in rows]).update(message=key)
    for row in rows:
        row.message = key


def prepare_message(
    rows: Sequence[ReminderDelivery],
    now: datetime,
    at: datetime,
    context: Context | None = None,
    language: str = "",
) -> Judged:
    """Judge the rows of a message and keep what of them does not leave; give what does, if anything.

    Raises nothing. Where judging fails, every row waits with the reason. Where writing fails, only those wait
    that were to leave: the others have their outcome by then.
    """
    try:
        judged = judge_message(rows, now, at, context, language)
        put_off(judged, at)
    except Exception:
        logger.exception("message %s could not be judged", rows[0].message)
        keep_failure(rows, UNWRITTEN, at, for_good=False)
        return Judged(None, ())
    try:
        return set_unwritable_aside(judged, at)
    except Exception:
        logger.exception("message %s could not be written", rows[0].message)
        keep_failure(judged.said, UNWRITTEN, at, for_good=False)
        return Judged(None, ())


@dataclass(frozen=True, slots=True)
class Judged:
    """What the rows of a message say at this moment: the message, and the rows that it says.

    `covered` are rows of whose thing the person heard something today that is as urgent; `waits` those that
    are more urgent than that, with the next morning; `over` those that do not concern the person any more;
    `untrue` those whose reminder is no longer true.
    """

    message: Message | None
    said: Sequence[ReminderDelivery]
    covered: Sequence[ReminderDelivery] = ()
    waits: Sequence[tuple[ReminderDelivery, datetime]] = ()
    over: Sequence[ReminderDelivery] = ()
    untrue: Sequence[ReminderDelivery] = ()


def judge_message(
    rows: Sequence[ReminderDelivery],
    now: datetime,
    at: datetime,
    context: Context | None = None,
    language: str = "",
) -> Judged:
    """Judge right before sending what the rows of a message say, and to whom; writes nothing.

    Nobody hears of one thing twice on one day: what is no more urgent than what was said counts as said
    with it, what is more urgent waits until the next morning, and only what leaves at once does so. A group
    hears of what somebody at its place is told. `language` is the channel's, else the recipient's counts.
    """
    head = rows[0]
    reminders = reminders_by_id([row.reminder_id for row in rows])
    true = {one.pk: one for one in still_true(reminders, now, context)}
    people = people_of(list(true.values()), now, context)
    capacities = dict(
        ReminderRecipient.objects.filter(reminder__in=true, person=head.recipient_id).values_list(
            "reminder_id", "capacity"
        )
    )
    whom = head.recipient_id
    concerned = {
        pk
        for pk in true
        if (people.told.get(pk) if whom is None else people.still_concerns(pk, whom, capacities.get(pk, "")))
    }
    mornings = _told_today(head, [true[pk] for pk in sorted(concerned)], at, context)
    said = [row for row in rows if row.reminder_id in concerned - mornings.keys()]
    notices = notices_for([true[row.reminder_id] for row in said], whom or 0, head.address, now)
    return Judged(
        message=_message(head, one_for_each_thing(notices), language) if said else None,
        said=said,
        covered=[row for row in rows if mornings.get(row.reminder_id, at) is None],
        waits=[(row, morning) for row in rows if (morning := mornings.get(row.reminder_id)) is not None],
        over=[row for row in rows if row.reminder_id in true.keys() - concerned],
        untrue=[row for row in rows if row.reminder_id not in true],
    )


def _message(head: ReminderDelivery, notices: Sequence[Notice], language: str) -> Message:
    whom = head.recipient_id or 0
    return Message(
        key=head.message,
        recipient=whom,
        channel=head.channel,
        address=head.address,
        notices=tuple(notices[:MOST_LINES]),
        language=language or languages_of([whom]).get(whom, ""),
        more=max(0, len(notices) - MOST_LINES),
        bell=f"{settings.PUBLIC_ADDRESS}/reminders/" if settings.PUBLIC_ADDRESS else "",
    )


def _told_today(
    head: ReminderDelivery, reminders: Sequence[Reminder], at: datetime, context: Context | None
) -> dict[int, datetime | None]:
    """Those reminders of whose thing this person heard today already; one query with a context.

    With the next morning where it has become graver since, None where what was said was as urgent.
    """
    hours = hours_of(reminders, context)
    told = ReminderDelivery.objects.filter(
        recipient=head.recipient_id,
        channel=head.channel,
        sent_at__gt=at - timedelta(days=1),
        reminder__visit__in={one.visit_id for one in reminders if one.visit_id},
    ).exclude(message=head.message)
    found: dict[int, datetime | None] = {}
    for sent in told.select_related("reminder"):
        assert sent.sent_at is not None
        for reminder in reminders:
            here = hours.get(reminder.pk)
            if here is None or thing_named(sent.reminder) != thing_named(reminder):
                continue
            same_day = sent.sent_at.astimezone(here.zone).date() == at.astimezone(here.zone).date()
            graver = urgency_of(reminder.kind) > urgency_of(sent.reminder.kind)
            if same_day and not graver:
                found[reminder.pk] = None
            elif same_day and reminder.manner != Manner.AT_ONCE:
                found.setdefault(reminder.pk, here.next_morning(at, any_day=True))
    return found


def write_start_reminder(*, participant: int, start: StartFlag, today: date) -> None:
    """Let those who coordinate be told that the list before a start says no, once for the same lines."""
    live = Visit.objects.of(participant).running().not_closed_by(start.day)
    visit = live.order_by("target", "pk").first()
    if visit:
        key = start_key(participant, start.day, start.lines)
        Reminder.objects.get_or_create(
            key=key,
            defaults={
                "kind": START,
                "visit": visit,
                "participant_id": participant,
                "day": start.day,
                "due_on": today,
            },
        )


@transaction.atomic
def put_off(judged: Judged, at: datetime) -> None:
    """Put back what waits for another morning; let lapse what is not true or not this person's any more.

    All of it or nothing: where it fails, no row has an outcome yet.
    """
    for row, morning in judged.waits:
        _keep([row], claimed_at=None, not_before=morning, message="")
    if judged.covered:
        _keep(judged.covered, claimed_at=None, sent_at=at, tried_at=at, reason="")
        close_reminders([row.reminder_id for row in judged.covered], at)
    if judged.over:
        _keep(judged.over, claimed_at=None, lapsed_at=at)
        ReminderRecipient.objects.filter(
            reminder__in=[row.reminder_id for row in judged.over], person=judged.over[0].recipient_id
        ).update(over_at=at)
    if judged.untrue:
        mark_lapsed([row.reminder_id for row in judged.untrue], at=at)


def keep_sent(rows: Sequence[ReminderDelivery], at: datetime) -> None:
    """Keep that these rows have left, and close the reminders of which all is said."""
    _keep(rows, sent_at=at, tried_at=at, attempts=F("attempts") + 1, reason="")
    close_reminders([row.reminder_id for row in rows], at)


def keep_failure(rows: Sequence[ReminderDelivery], reason: str, at: datetime, *, for_good: bool) -> None:
    """A refusal for good ends the deliveries; anything else waits, longer each time."""
    if not rows:
        return
    ends = at if for_good else None
    attempts = min(rows[0].attempts + 1, _MANY)
    _keep(rows, claimed_at=None, tried_at=at, attempts=attempts, reason=reason[:_REASON], refused_at=ends)
    if ends:
        close_reminders([row.reminder_id for row in rows], at)


def set_unwritable_aside(judged: Judged, at: datetime) -> Judged:
    """Take the lines that cannot be written out of a message, so that the others leave.

    Their rows say so, and are tried again by themselves: under a key of their own, since the message's key
    will have been seen. Raises what the message raises where that lies in none of its lines.
    """
    message = judged.message
    if message is None:
        return judged
    try:
        written_out(message)
    except Exception:
        faults = _faults(message)
        if not faults:
            raise
    else:
        return judged
    failed = [row for row in judged.said if thing_named(row.reminder) in faults]
    for row in failed:
        keep_failure([row], faults[thing_named(row.reminder)], at, for_good=False)
    _keep(failed, message="")
    left = tuple(notice for notice in message.notices if notice.thing not in faults)
    return replace(
        judged,
        message=replace(message, notices=left) if left else None,
        said=[row for row in judged.said if row not in failed],
    )


def _faults(message: Message) -> dict[str, str]:
    """What is wrong with each thing of a message that cannot be written, by the thing."""
    found = {}
    for notice in message.notices:
        try:
            written_out(replace(message, notices=(notice,), more=0))
        except Exception:
            logger.exception("reminder %s could not be written", notice.reminder)
            found[notice.thing] = UNWRITTEN
    return found


def let_go(rows: Sequence[ReminderDelivery]) -> None:
    """Give back what there was no time for: the next ring takes it up."""
    ReminderDelivery.objects.filter(pk__in=[one.pk for one in rows]).update(claimed_at=None)


def number_of_channel(name: str) -> int:
    """Give the number of a channel by the name that its deliveries have; 0 for e-mail."""
    number = name.partition(":")[2]
    return int(number) if number.isdecimal() else 0


def _keep(rows: Sequence[ReminderDelivery], **values: Any) -> None:
    ReminderDelivery.objects.filter(pk__in=[row.pk for row in rows], sent_at=None).update(**values)
