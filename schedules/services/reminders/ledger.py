"""Delivery: workers claim messages, judge them once more, send them, and keep what came of each row.

The database is the queue. Whatever a crash or a lost message leaves behind is found again by
the next sweep or, as a claim that has grown old, by the next worker.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from time import monotonic
from typing import Any, Self

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Case, Exists, F, OuterRef, Q, Value, When
from django.utils import timezone

from schedules.domain.readiness.start_flags import StartFlag
from schedules.domain.reminders import STALE_AFTER, START, start_key
from schedules.domain.reminders.grouping import Message, is_waiting, message_key
from schedules.domain.reminders.rules import urgency_of
from schedules.models import Reminder, ReminderDelivery, ReminderRecipient, Visit
from schedules.notifications import (
    Send,
    is_refused_for_good,
    is_unreachable,
    reason_of,
    sending_by_email,
    written_out,
)
from schedules.selectors.reminders.changes import newest_entry
from schedules.selectors.reminders.claims import Other, Thing, others_of_things, thing_heard
from schedules.selectors.reminders.judging import Judged, Rows, held_of, judge_messages
from schedules.selectors.reminders.notices import claim_age, is_due, is_free, thing_named
from schedules.selectors.reminders.ways import EMAIL
from schedules.services.reminders.addressing import address_reminders, close_reminders
from schedules.services.reminders.sweeping import mark_lapsed
from trials.database_time import database_now
from trials.domain.channels.failures import UNWRITTEN
from trials.selectors.channels import receivers_of
from trials.services.channels.health import claim_allowance, hold_way, record_answer, record_silence

logger = logging.getLogger(__name__)

BATCH = 20
"""How many messages a worker claims at once: sent well within STALE_AFTER even by a slow mail server."""

ROUNDS = 10
"""How often a claim looks behind messages that wait for another one about their thing."""

RING_SECONDS = 20
"""For how long one ring delivers, the last message included: a server that hangs must not hold up sweeps."""

RING_NUMBER = 200
"""How many messages one ring takes up at most."""

JUDGED_FOR = 2.0
"""For how many seconds a judgement holds by itself; what happens in them is looked for all the same."""

UNREACHABLE = 3
"""After so many messages in a row that nobody answered, the rest of a ring is left to the next one."""

# As long as its column: PostgreSQL refuses a longer text.
_REASON = 300
_MANY = 1000


def ring_reminders(
    *,
    now: Callable[[], datetime] = timezone.now,
    at: Callable[[], datetime] = database_now,
    send: Send | None = None,
    clock: Callable[[], float] = monotonic,
) -> int:
    """Deliver what is due, for RING_SECONDS and RING_NUMBER at most; give how many messages were taken up.

    For each batch `now` says what day it is, and `at` when it is claimed: claims go by the database's
    clock, on which all workers agree. `clock` counts seconds.
    """
    with ExitStack() as stack:
        send = send or stack.enter_context(sending_by_email())
        ring = Ring(send, clock() + RING_SECONDS, clock, health=True)
        # Of two asked for one is given as a probe, both where the server is well: more is not needed.
        allowance = claim_allowance(EMAIL, at=at(), most=2)
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
    send: Send | None = None,
) -> int:
    """Address what is due, take up to BATCH messages, send them, and keep what came of each row.

    Give how many reminders and messages were taken up: 0 says that nothing is left to do now. Each message
    is judged again right before it is sent. What a receiver refuses for good ends at once; what failed for
    now waits (WAITS); what has nobody to be told is looked at again after `stale_after`. What is sent twice
    after a crash carries the same key. `at` is the database's instant, by which claims go; `now` where it
    is not given.
    """
    with ExitStack() as stack:
        ring = Ring(send or stack.enter_context(sending_by_email()), monotonic() + RING_SECONDS)
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
    addressed: bool = False

    @property
    def over(self) -> bool:
        """Whether the next message could not end in time, or would fail like the last ones."""
        return self.failures >= UNREACHABLE or self.clock() + settings.EMAIL_TIMEOUT > self.ends

    def deliver(self, *, now: datetime, at: datetime, most: int, stale_after: timedelta = STALE_AFTER) -> int:
        """Address and deliver one batch; give how many reminders and messages were taken up."""
        taken = address_reminders(now=now, at=at, stale_after=stale_after, again=not self.addressed)
        self.addressed = True  # what waits to leave is looked at once a ring, not once a batch
        if not settings.REMINDERS_LEAVE or self.rests:
            return len(taken)
        claimed = claim_messages(at=at, stale_after=stale_after, most=most)
        self.taken += len(claimed)
        with Batch(now, at, self.clock) as batch:
            judged = batch.judge(claimed)
            for place, (rows, one) in enumerate(zip(claimed, judged, strict=True)):
                if self.over:
                    let_go([row for left in claimed[place:] for row in left], at)
                    break
                if one.said:
                    self._tell(batch, batch.look_again([rows])[0], at)
        return len(taken) + len(claimed)

    def _tell(self, batch: Batch, judged: Judged, at: datetime) -> None:
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
            batch.keep_sent(judged)

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


def claim_messages(
    *, at: datetime, stale_after: timedelta = STALE_AFTER, most: int = BATCH, channel: str = EMAIL
) -> list[list[ReminderDelivery]]:
    """Take up to `most` messages of a channel that nobody holds and that may leave; give the rows of each.

    The worker that claims a message's first row has all of it. Rows that leave together get the message's
    key when they are first claimed; after a crash the same rows leave again under the same key. Of one thing
    a receiver has one message claimed at a time, and each other waits until it is known what came of that:
    claims for one receiver follow each other, so that two workers cannot both be first.
    """
    receivers = receivers_of([channel])
    # SQLite has one lock of writers and no order among those who wait for it: workers that find nothing, and
    # ask again, would keep it from the one that sends. So each looks first, as anybody may.
    if connection.vendor == "sqlite" and not _to_claim(receivers, at, stale_after, most, channel):
        return []
    with transaction.atomic():
        hold_way(receivers.get(channel, channel))
        found = _to_claim(receivers, at, stale_after, most, channel)
        _keep_claims(found, at)
    return found


def _to_claim(
    receivers: Mapping[str, str], at: datetime, stale_after: timedelta, most: int, channel: str
) -> list[list[ReminderDelivery]]:
    """Up to `most` messages that may be claimed, locked where the database locks rows."""
    free = ReminderDelivery.objects.filter(
        is_free(at, stale_after), is_due(at), sent_at=None, refused_at=None, lapsed_at=None
    ).filter(reminder__lapsed_at=None, channel=channel)
    found: list[list[ReminderDelivery]] = []
    things: set[Thing] = set()
    seen: list[int] = []
    for _round in range(ROUNDS):
        heads = _heads(free, seen, most - len(found))
        mates = _mates(free, heads)
        messages = [[head, *mates.get(head.message, [])] for head in heads]
        messages, others = _most_urgent_first(free, messages, receivers, at, stale_after)
        taken = list(_not_held_up(messages, receivers, others, things))
        found += taken
        seen += [rows[0].pk for rows in messages]
        if len(taken) == len(messages) or len(found) >= most:
            break
    return found[:most]


def _most_urgent_first(
    free: Any,
    messages: list[list[ReminderDelivery]],
    receivers: Mapping[str, str],
    at: datetime,
    stale_after: timedelta,
) -> tuple[list[list[ReminderDelivery]], Mapping[Thing, Sequence[Other]]]:
    """Put before these messages those that may leave as well and say more of a thing of theirs.

    Gives with them what else is to leave about their things.
    """
    for _round in range(ROUNDS):
        rows = [row for one in messages for row in one]
        others = others_of_things(rows, receivers, at, stale_after)
        of = [(row, others.get(thing_heard(row, receivers), ())) for row in rows]
        urgent = {one.row.pk: one.row for row, about in of for one in about if one.goes_first(row)}
        first = _messages_of(free, list(urgent.values()))
        if not first:
            break
        messages = [*first, *messages]
    return sorted(messages, key=_lesser_lines_among(messages, receivers)), others


def _lesser_lines_among(messages: Sequence[Rows], receivers: Mapping[str, str]) -> Callable[[Rows], int]:
    """How many lines of a message say less of their thing than another of these messages does."""
    most: dict[Thing, int] = {}
    for rows in messages:
        for row in rows:
            thing = thing_heard(row, receivers)
            most[thing] = max(most.get(thing, 0), urgency_of(row.reminder.kind))
    return lambda rows: sum(urgency_of(row.reminder.kind) < most[thing_heard(row, receivers)] for row in rows)


def _not_held_up(
    messages: Sequence[list[ReminderDelivery]],
    receivers: Mapping[str, str],
    others: Mapping[Thing, Sequence[Other]],
    things: set[Thing],
) -> Iterator[list[ReminderDelivery]]:
    """The messages that wait for no other, nor for one before (of `things`, which theirs join)."""
    for rows in messages:
        of = {row.pk: thing_heard(row, receivers) for row in rows}
        waits = any(one.holds_up(row) for row in rows for one in others.get(of[row.pk], ()))
        if not (waits or things.intersection(of.values())):
            things.update(of.values())
            yield rows


def _keep_claims(messages: Sequence[Rows], at: datetime) -> None:
    """Claim the rows of these messages; those that are claimed for the first time get their keys."""
    new = _named([rows for rows in messages if is_waiting(rows[0].message)])
    pks = [row.pk for rows in messages for row in rows]
    kept: dict[str, Any] = {"message": Case(*new, default=F("message"))} if new else {}
    ReminderDelivery.objects.filter(pk__in=pks).update(claimed_at=at, **kept)


def _heads(free: Any, passed: Sequence[int], most: int) -> list[ReminderDelivery]:
    """The first rows of up to `most` free messages, but for those passed over."""
    earlier = free.filter(message=OuterRef("message"), pk__lt=OuterRef("pk")).exclude(message="")
    first = free.filter(Q(message="") | ~Exists(earlier)).select_related("reminder")
    # Not its reminder: one that another worker holds for another way would have this row passed over.
    first = first.select_for_update(of=("self",), skip_locked=True, no_key=True)
    if passed:
        first = first.exclude(pk__in=passed)
    # Two statements that walk along the index of what is open: one for both would sort all that waits, and
    # by the number alone PostgreSQL walks along all that was ever sent.
    heads = list(first.filter(tried_at=None).order_by("tried_at", "id")[:most])
    if len(heads) < most:
        heads += first.filter(tried_at__isnull=False).order_by("tried_at", "id")[: most - len(heads)]
    return heads


def _messages_of(free: Any, rows: Rows) -> list[list[ReminderDelivery]]:
    """The messages in which these rows leave, with all rows of each; none that was taken meanwhile."""
    if not rows:
        return []
    theirs = Q(pk__in=[row.pk for row in rows]) | Q(message__in={row.message for row in rows} - {""})
    found: dict[str | int, list[ReminderDelivery]] = {}
    locked = free.filter(theirs).select_for_update(of=("self",), skip_locked=True, no_key=True)
    for row in locked.select_related("reminder").order_by("id"):
        found.setdefault(row.message or row.pk, []).append(row)
    return list(found.values())


def _mates(free: Any, heads: Sequence[ReminderDelivery]) -> dict[str, list[ReminderDelivery]]:
    """The rows that leave with the first one of their message; one query, none where all leave alone."""
    names = [head.message for head in heads if head.message]
    found: dict[str, list[ReminderDelivery]] = {}
    if names:
        rows = free.filter(message__in=names).exclude(pk__in=[head.pk for head in heads])
        # In the order in which everybody locks them: two workers cannot wait for each other crosswise.
        rows = rows.select_related("reminder").order_by("id")
        for row in rows.select_for_update(of=("self",), skip_locked=True, no_key=True):
            found.setdefault(row.message, []).append(row)
    return found


def _named(messages: Sequence[Rows]) -> list[When]:
    """Give messages that are claimed for the first time their keys, and say how to keep them."""
    found = []
    for rows in messages:
        # What a group is told has no person: the channel's number, which below nought is nobody's.
        whom = rows[0].recipient_id or -number_of_channel(rows[0].channel)
        key = message_key([row.reminder.key for row in rows], whom)
        for row in rows:
            row.message = key
        found.append(When(pk__in=[row.pk for row in rows], then=Value(key)))
    return found


@dataclass(slots=True)
class Batch:
    """Messages that one worker has claimed: judged together, and looked at once more before each leaves."""

    now: datetime
    at: datetime
    clock: Callable[[], float] = monotonic
    language: str = ""
    judged: dict[int, Judged] = field(default_factory=dict)
    waiting: set[int] = field(default_factory=set)
    newest: int = 0
    ends: float = 0.0
    said: list[int] = field(default_factory=list)

    def judge(self, messages: Sequence[Rows]) -> list[Judged]:
        """Judge claimed messages, by as many statements however many they are."""
        # Read before anything is judged, and once: what is written meanwhile then counts as come since.
        if messages and not self.judged:
            self.newest = newest_entry()
        heads = [rows[0].pk for rows in messages]
        self.waiting |= set(heads)
        return self._judge(dict(zip(heads, messages, strict=True)))

    def _judge(self, messages: Mapping[int, Rows]) -> list[Judged]:
        found = prepare_messages(list(messages.values()), self.now, self.at, self.language)
        self.judged |= zip(messages, found, strict=True)
        self.ends = self.clock() + JUDGED_FOR
        return found

    def look_again(self, messages: Sequence[Rows]) -> list[Judged]:
        """Give what these messages say now. One query where nothing has happened since they were judged.

        One is judged again where a row of it was acknowledged, given up or taken by another worker and where
        the trail has gone on; after JUDGED_FOR seconds all that wait are.
        """
        heads = [rows[0].pk for rows in messages]
        if self.clock() >= self.ends:
            self._judge_all_that_wait()
        self.waiting -= set(heads)
        found = [self.judged[head] for head in heads]
        moved = self._moved(found)
        held = {place: rows for place, rows in moved.items() if rows}
        again = prepare_messages(list(held.values()), self.now, self.at, self.language)
        now_said = dict.fromkeys(moved, Judged(None, ())) | dict(zip(held, again, strict=True))
        return [now_said.get(place, one) for place, one in enumerate(found)]

    def _judge_all_that_wait(self) -> None:
        self.newest = newest_entry()
        self._judge({head: one.said for head in self.waiting if (one := self.judged[head]).said})

    def _moved(self, found: Sequence[Judged]) -> dict[int, Rows]:
        """What is still held of messages (by place) of which something has happened since; one query."""
        held, newest = held_of([row for one in found for row in one.said], self.at)
        left = {place: [row for row in one.said if row.pk in held] for place, one in enumerate(found)}
        return {
            place: rows
            for place, rows in left.items()
            if found[place].said and (newest != self.newest or len(rows) < len(found[place].said))
        }

    def keep_sent(self, judged: Judged) -> None:
        """Keep that a message has left; its reminders are closed with the batch."""
        keep_sent(judged.said, self.at)
        self.said += [row.reminder_id for row in judged.said]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the reminders of which all is said; who dies before it leaves that to the next to look."""
        if self.said:
            close_reminders(self.said, self.at)


def prepare_messages(
    messages: Sequence[Rows], now: datetime, at: datetime, language: str = ""
) -> list[Judged]:
    """Judge messages together and keep what of them does not leave; give for each what does, if anything.

    Raises nothing. Where that fails, each is judged by itself; where judging one fails, every row of it waits
    with the reason. Where writing it fails, only those wait that were to leave: the others have their outcome
    by then.
    """
    if not messages:
        return []
    try:
        judged = judge_messages(messages, now, at, language)
    except Exception:
        if len(messages) > 1:
            logger.exception("%s messages could not be judged together", len(messages))
            return [one for rows in messages for one in prepare_messages([rows], now, at, language)]
        logger.exception("message %s could not be judged", messages[0][0].message)
        keep_failure(messages[0], UNWRITTEN, at, for_good=False)
        return [Judged(None, ())]
    return [_prepared(rows, one, at) for rows, one in zip(messages, judged, strict=True)]


def _prepared(rows: Rows, judged: Judged, at: datetime) -> Judged:
    try:
        put_off(judged, at)
    except Exception:
        logger.exception("what does not leave of message %s could not be kept", rows[0].message)
        keep_failure(rows, UNWRITTEN, at, for_good=False)
        return Judged(None, ())
    try:
        return set_unwritable_aside(judged, at)
    except Exception:
        logger.exception("message %s could not be written", rows[0].message)
        keep_failure(judged.said, UNWRITTEN, at, for_good=False)
        return Judged(None, ())


def write_start_reminder(*, participant: int, start: StartFlag, today: date) -> None:
    """Let those who coordinate be told that the list before a start says no, once for the same lines."""
    live = Visit.objects.of(participant).running().to_come_by(start.day)
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
    _put_off_to_the_end_of_the_night(judged)
    for row, morning in judged.waits:
        _keep([row], claimed_at=None, not_before=morning, message="")
    if judged.covered:
        _keep(judged.covered, claimed_at=None, sent_at=at, tried_at=at, reason="")
        close_reminders([row.reminder_id for row in judged.covered], at)
    if judged.over:
        _end_for_person(judged.over, at)
    if judged.untrue:
        mark_lapsed([row.reminder_id for row in judged.untrue], at=at)


def _put_off_to_the_end_of_the_night(judged: Judged) -> None:
    """Keep the key of the message, which a receiver may have seen, unless others leave under it before."""
    apart = bool(judged.said) or len({morning for _row, morning in judged.quiet}) > 1
    for row, morning in judged.quiet:
        _keep([row], claimed_at=None, not_before=morning, **({"message": ""} if apart else {}))


def _end_for_person(rows: Rows, at: datetime) -> None:
    """Let rows of one message lapse that do not concern its person any more, and end their place."""
    _keep(rows, claimed_at=None, lapsed_at=at)
    theirs = ReminderRecipient.objects.filter(reminder__in=[row.reminder_id for row in rows])
    theirs.filter(person=rows[0].recipient_id).update(over_at=at)


def keep_sent(rows: Rows, at: datetime) -> None:
    """Keep that these rows have left; their reminders are closed later (`close_reminders`)."""
    _keep(rows, sent_at=at, tried_at=at, attempts=F("attempts") + 1, reason="")


def keep_failure(rows: Rows, reason: str, at: datetime, *, for_good: bool) -> None:
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


def let_go(rows: Rows, at: datetime) -> None:
    """Give back what was claimed at this instant and there was no time for: the next ring takes it up."""
    ReminderDelivery.objects.filter(pk__in=[one.pk for one in rows], claimed_at=at).update(claimed_at=None)


def number_of_channel(name: str) -> int:
    """Give the number of a channel by the name that its deliveries have; 0 for e-mail."""
    number = name.partition(":")[2]
    return int(number) if number.isdecimal() else 0


def _keep(rows: Sequence[ReminderDelivery], **values: Any) -> None:
    # A worker whose claim had grown old may have sent it all the same: nothing is written over that.
    ReminderDelivery.objects.filter(pk__in=[row.pk for row in rows], sent_at=None).update(**values)
