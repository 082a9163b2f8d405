"""The ledger of reminders: a sweep writes what is due, once; workers claim a row, tell, and mark it sent.

The database is the queue. Whatever a crash or a lost message leaves behind is found again by
the next sweep or, as a claim that has grown old, by the next worker.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from time import monotonic
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import Exists, F, OuterRef, Q, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from schedules.domain.readiness.start_flags import StartFlag
from schedules.domain.reminders import (
    BETWEEN,
    CLOSING,
    KEY_PARTS,
    STALE_AFTER,
    START,
    Notice,
    local_days,
    start_key,
)
from schedules.domain.reminders.rules import SWEPT
from schedules.models import Reminder, ReminderDelivery, Visit
from schedules.notifications import is_refused_for_good, is_unreachable, reason_of, send_by_email
from schedules.selectors.exchange.reminders import holding_reminders, is_due, is_free, notices_of, present_key
from schedules.selectors.reminders.candidates import COLUMNS, Places, parameters, places_now, statement
from trials.database_time import database_now
from trials.domain.sites.zones import is_zone
from trials.models import Site
from trials.zones import zone_named

logger = logging.getLogger(__name__)

BATCH = 20
"""How many rows a worker claims at once: sent well within STALE_AFTER even by a slow mail server."""

RING_SECONDS = 20
"""For how long one ring delivers, the last message included: a server that hangs must not hold up sweeps."""

RING_NUMBER = 200
"""How many messages one ring takes up at most."""

UNREACHABLE = 3
"""After so many messages in a row that nobody answered, the rest of a ring is left to the next one."""

DROPPED = 1000
"""How many drafts that no longer hold a sweep drops at most; the next one goes on."""

KEPT_DRAFTS = timedelta(days=7)
"""How long after its window has closed a reminder that nobody was told is still shown."""

_REASON = 300
_MANY = 1000

# One statement for all sites on which it is this day. Both bounds on `closes`, so that the partial
# index of live visits is read from today to the last day and no further; the zone is asked for each
# of these visits, so that nobody reads all participants for the few it is about. The key is made of the
# parts of schedules.domain.reminders.closing_key; a date cast to text is ISO on both databases.
# What waits on hold is not spoken of, nor what has an appointment still to come: the same conditions as
# `is_worth_saying` and `booking_no_longer_fits`, and looked at again before anything is sent.
_WRITE_CLOSING = """
INSERT INTO schedules_reminder (key, kind, visit_id, participant_id, day, due_on)
SELECT due.key, said.kind, due.id, due.participant_id, due.closes, said.today
FROM (SELECT %s AS kind, %s AS today) said, (
    SELECT visit.id, visit.participant_id, visit.closes, {key} AS key, visit.booked_on,
        (visit.outside_reason <> '' OR visit.booked_on BETWEEN visit.opens AND visit.closes) AS fits
    FROM schedules_visit visit
    WHERE visit.performed_on IS NULL AND visit.missed_on IS NULL AND visit.cancelled_on IS NULL
    AND visit.held_on IS NULL AND visit.applies
    AND visit.closes BETWEEN %s AND %s
    AND (
        SELECT site.zone
        FROM participants_participant participant JOIN trials_site site ON site.id = participant.site_id
        WHERE participant.id = visit.participant_id
        AND participant.trial_id NOT IN (SELECT id FROM trials_trial WHERE frozen_on IS NOT NULL)
    ) IN ({zones})
) due
WHERE (due.booked_on IS NULL OR due.booked_on < said.today OR NOT due.fits)
AND NOT EXISTS (SELECT 1 FROM schedules_reminder reminder WHERE reminder.key = due.key)
ON CONFLICT DO NOTHING
"""


def sweep_closing(*, now: datetime, days: int | None = None) -> int:
    """Write one reminder for each live visit whose window closes within `days`, its site's today included.

    None for a visit on hold, or with an appointment that is still to come.

    `days` is settings.REMINDER_DAYS where not given. The window may not have opened yet: the only
    day of a visit at ±0 is worth a word before it comes. Gives the number of rows written; a
    second sweep, at the same time or later, writes none of them again.
    """
    ahead = timedelta(days=settings.REMINDER_DAYS if days is None else days)
    zones = Site.objects.exclude(zone="").values_list("zone", flat=True).distinct().order_by("zone")
    for name in zones:
        if not is_zone(name):
            logger.error("%r is no time zone: its sites are on the server's day until it is corrected", name)
    there_on = local_days(zones, now, zone_named)
    return sum(_write_closing(today, today + ahead, there) for today, there in there_on.items())


def closing_statement(zones: int) -> str:
    """Write the statement for so many zones; its key is made of the parts of `closing_key`."""
    key = f" || '{BETWEEN}' || ".join(["%s", *(f"CAST(visit.{part} AS text)" for part in KEY_PARTS)])
    return _WRITE_CLOSING.format(zones=", ".join(["%s"] * zones), key=key)


def _write_closing(today: date, last: date, zones: tuple[str, ...]) -> int:
    statement = closing_statement(len(zones))
    with connection.cursor() as cursor:
        cursor.execute(statement, [CLOSING, today, CLOSING, today, last, *zones])
        return int(cursor.rowcount)


def sweep_rules(*, now: datetime) -> int:
    """Write what is due by all other rules, each once; give how many rows were written.

    One statement for all of them. Where that fails, one for each: a rule that fails is reported and
    passed over, and holds up no other. None where settings.REMINDER_RULES is off.
    """
    if not settings.REMINDER_RULES:
        return 0
    places = places_now(now)
    if not places.kinds:
        return 0
    try:
        return _write_rules(places, places.kinds)
    except DatabaseError:
        logger.exception("the rules could not be swept together")
    written = 0
    for kind in places.kinds:
        try:
            written += _write_rules(places, (kind,))
        except DatabaseError:
            logger.exception("the reminders of rule %s could not be written", kind)
    return written


def _write_rules(places: Places, kinds: Sequence[str]) -> int:
    columns = ", ".join(COLUMNS)
    found = statement(kinds)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO schedules_reminder ({columns}) {found} WHERE NOT EXISTS"  # noqa: S608 (no input)
            " (SELECT 1 FROM schedules_reminder reminder WHERE reminder.key = due.key)"
            " ON CONFLICT DO NOTHING",
            parameters(places, kinds),
        )
        return int(cursor.rowcount)


def lapse_drafts(*, now: datetime) -> int:
    """Drop what was written and never taken to anybody, and is not true any more; give how many.

    Of windows that moved or closed KEPT_DRAFTS ago, and what a clock that ran ahead wrote too early:
    the sweep writes on its day what is true then.
    """
    early = Q(due_on__gt=now.date() + timedelta(days=1))
    over = Q(visit__closes__lt=now.date() - KEPT_DRAFTS) | ~Q(key=present_key())
    drafts = Reminder.objects.filter(early | over, sent_at=None, kind=CLOSING, deliveries=None)
    early_of_rules = Reminder.objects.filter(
        early, sent_at=None, kind__in=SWEPT, deliveries=None, claimed_at=None
    )
    ids = list(drafts.values_list("pk", flat=True)[:DROPPED])
    ids += early_of_rules.values_list("pk", flat=True)[:DROPPED]
    Reminder.objects.filter(pk__in=ids, sent_at=None, deliveries=None).delete()
    return len(ids)


def ring_reminders(
    *,
    now: Callable[[], datetime] = timezone.now,
    at: Callable[[], datetime] = database_now,
    send: Callable[[Notice], None] = send_by_email,
    clock: Callable[[], float] = monotonic,
) -> int:
    """Deliver what is due, for RING_SECONDS and RING_NUMBER at most; give how many messages were taken up.

    For each batch `now` says what day it is, and `at` when it is claimed: claims go by the database's
    clock, on which all workers agree. `clock` counts seconds.
    """
    ring = Ring(send, clock() + RING_SECONDS, clock)
    while ring.taken < RING_NUMBER and not ring.over:
        if not ring.deliver(now=now(), at=at(), most=min(BATCH, RING_NUMBER - ring.taken)):
            break
    return ring.taken


def deliver_reminders(
    *,
    now: datetime,
    at: datetime | None = None,
    stale_after: timedelta = STALE_AFTER,
    send: Callable[[Notice], None] = send_by_email,
) -> int:
    """Take up to BATCH reminders, tell each of those concerned, and keep what came of it by person.

    Give how many reminders were taken up: 0 says that nothing is left to do now, or that nothing can
    leave (settings.REMINDERS_LEAVE). Each message is judged again right before it is sent. What a
    receiver refuses for good ends at once; what failed for now waits (WAITS); what has nobody to be
    told is looked at again after `stale_after`. What is sent twice after a crash carries the same key.
    `at` is the database's instant, by which claims go; `now` where it is not given.
    """
    ring = Ring(send, monotonic() + RING_SECONDS)
    return ring.deliver(now=now, at=at or now, most=BATCH, stale_after=stale_after)


@dataclass(slots=True)
class Ring:
    """One ring of the bell: sends until `ends` (by `clock`, in seconds), and stops where nobody answers."""

    send: Callable[[Notice], None]
    ends: float
    clock: Callable[[], float] = monotonic
    failures: int = 0
    taken: int = 0

    @property
    def over(self) -> bool:
        """Whether the next message could not end in time, or would fail like the last ones."""
        return self.failures >= UNREACHABLE or self.clock() + settings.EMAIL_TIMEOUT > self.ends

    def deliver(self, *, now: datetime, at: datetime, most: int, stale_after: timedelta = STALE_AFTER) -> int:
        """Deliver one batch; give how many reminders were taken up."""
        if not settings.REMINDERS_LEAVE:
            return 0
        taken = set(take_up_reminders(now=now, at=at, stale_after=stale_after))
        claimed = claim_deliveries(now=now, at=at, stale_after=stale_after, most=most)
        taken |= {delivery.reminder_id for delivery in claimed}
        self.taken += len(claimed)
        for place, delivery in enumerate(claimed):
            if self.over:
                _let_go(claimed[place:])
                break
            self._tell(delivery, now, at)
        return len(taken)

    def _tell(self, delivery: ReminderDelivery, now: datetime, at: datetime) -> None:
        notice = _still_true(delivery, now)
        if notice is None:
            _keep(delivery, claimed_at=None, tried_at=at)
            return
        try:
            self.send(notice)
        except Exception as error:  # whatever it is, it must not hold up the others
            logger.exception("reminder %s could not be sent", delivery.reminder_id)
            self.failures = self.failures + 1 if is_unreachable(error) else 0
            _keep_failure(delivery, error, at)
        else:
            self.failures = 0
            _keep(delivery, sent_at=at, tried_at=at, attempts=delivery.attempts + 1, reason="")
            _close([delivery.reminder_id], at)


@transaction.atomic
def take_up_reminders(
    *, now: datetime, at: datetime | None = None, stale_after: timedelta = STALE_AFTER
) -> list[int]:
    """Claim reminders that nobody looked at lately, and write a row for each person to be told.

    Give their ids. Anyone who is told already, or refused for good, keeps the row; an address that was
    refused and has been corrected is tried again, and so is what somebody freed by hand.
    """
    claimed = claim_reminders(now=now, at=at, stale_after=stale_after)
    notices = notices_of(claimed, now)
    for reminder in set(claimed) - {notice.reminder for notice in notices}:
        logger.warning("reminder %s has nobody to be told: no coordinator with an address", reminder)
    addresses = {(notice.reminder, notice.recipient): notice.address for notice in notices}
    for delivery in ReminderDelivery.objects.filter(reminder__in=claimed, sent_at=None):
        address = addresses.get((delivery.reminder_id, delivery.recipient_id), delivery.address)
        if address != delivery.address:
            _keep(delivery, address=address, refused_at=None, reason="", attempts=0, tried_at=None)
    ReminderDelivery.objects.bulk_create(
        [
            ReminderDelivery(reminder_id=one.reminder, recipient_id=one.recipient, address=one.address)
            for one in notices
        ],
        ignore_conflicts=True,
    )
    _close(claimed, at or now)  # whose worker died after the last sending and before it said so
    return claimed


@transaction.atomic
def claim_reminders(
    *, now: datetime, at: datetime | None = None, stale_after: timedelta = STALE_AFTER
) -> list[int]:
    """Take up to BATCH unsent reminders that nobody holds, and give their ids.

    Left alone are those that may not be told now (`holding_reminders`). Rows that another worker is
    just claiming are passed over, not waited for. One that was never taken up, or was freed by hand,
    has not been tried either.
    """
    at = at or now
    found = holding_reminders(now).filter(is_free(at, stale_after))
    rows = list(
        found.order_by(F("claimed_at").asc(nulls_first=True), "id")
        .select_for_update(of=("self",), skip_locked=True)
        .values_list("id", "claimed_at")[:BATCH]
    )
    ids, fresh = [pk for pk, _at in rows], [pk for pk, at in rows if at is None]
    ReminderDelivery.objects.filter(reminder__in=fresh, sent_at=None, refused_at=None).update(
        tried_at=None, attempts=0
    )
    Reminder.objects.filter(id__in=ids).update(claimed_at=at)
    return ids


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
def claim_deliveries(
    *, now: datetime, at: datetime, stale_after: timedelta = STALE_AFTER, most: int = BATCH
) -> list[ReminderDelivery]:
    """Take up to `most` open deliveries that nobody holds and that have waited long enough."""
    open_ = ReminderDelivery.objects.filter(
        is_free(at, stale_after), is_due(at), sent_at=None, refused_at=None
    ).filter(reminder__in=holding_reminders(now))
    claimed = list(
        open_.order_by(F("tried_at").asc(nulls_first=True), "id").select_for_update(
            of=("self",), skip_locked=True
        )[:most]
    )
    ReminderDelivery.objects.filter(pk__in=[one.pk for one in claimed]).update(claimed_at=at)
    return claimed


def _still_true(delivery: ReminderDelivery, now: datetime) -> Notice | None:
    """The message as it stands now; None where it is no longer true, or no longer this person's."""
    told = notices_of([delivery.reminder_id], now)
    return next((notice for notice in told if notice.recipient == delivery.recipient_id), None)


def _keep_failure(delivery: ReminderDelivery, error: Exception, at: datetime) -> None:
    """A refusal for good ends the delivery; anything else waits, longer each time."""
    reason = reason_of(error)[:_REASON]
    ends = at if is_refused_for_good(error) else None
    _keep(
        delivery,
        claimed_at=None,
        tried_at=at,
        attempts=min(delivery.attempts + 1, _MANY),
        reason=reason,
        refused_at=ends,
    )
    if ends:
        _close([delivery.reminder_id], at)


def _let_go(deliveries: Sequence[ReminderDelivery]) -> None:
    """Give back what there was no time for: the next ring takes it up."""
    ReminderDelivery.objects.filter(pk__in=[one.pk for one in deliveries]).update(claimed_at=None)


def _keep(delivery: ReminderDelivery, **values: Any) -> None:
    ReminderDelivery.objects.filter(pk=delivery.pk, sent_at=None).update(**values)


def _close(reminders: Sequence[int], at: datetime) -> None:
    """Reminders are said once nobody is left to be told and somebody was; one statement."""
    theirs = ReminderDelivery.objects.filter(reminder=OuterRef("pk"))
    left = theirs.filter(sent_at=None, refused_at=None)
    said = theirs.filter(sent_at__isnull=False)
    Reminder.objects.filter(~Exists(left), Exists(said), pk__in=reminders, sent_at=None).update(
        sent_at=at, claimed_at=Coalesce("claimed_at", Value(at))
    )
