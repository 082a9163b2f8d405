"""The ledger of reminders: a sweep writes what is due, once; workers claim a row, tell, and mark it sent.

The database is the queue. Whatever a crash or a lost message leaves behind is found again by
the next sweep or, as a claim that has grown old, by the next worker.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import CharField, Exists, F, OuterRef, Q, Value
from django.db.models.functions import Cast, Concat

from schedules.domain.readiness.start_flags import START_FLAG, StartFlag
from schedules.domain.reminders import CLOSING, STALE_AFTER, START, Notice, local_days
from schedules.models import Flag, Reminder, Visit
from schedules.notifications import send_by_email
from schedules.selectors.exchange.reminders import notices_of
from schedules.selectors.store.stored_visits import LIVE
from trials.domain.sites.zones import is_zone
from trials.models import Site
from trials.zones import zone_named

logger = logging.getLogger(__name__)

BATCH = 20
"""How many rows a worker claims at once: sent well within STALE_AFTER even by a slow mail server."""

WORTH_SAYING = timedelta(days=7)
"""How long after its window has closed a reminder that was held up is still sent."""

# One statement for all sites on which it is this day. Both bounds on `closes`, so that the partial
# index of live visits is read from today to the last day and no further; the zone is asked for each
# of these visits, so that nobody reads all participants for the few it is about. The key is written
# as schedules.domain.reminders.closing_key writes it; a date cast to text is ISO on both databases.
_WRITE_CLOSING = """
INSERT INTO schedules_reminder (key, kind, visit_id, due_on)
SELECT due.key, %s, due.id, %s
FROM (
    SELECT visit.id, %s || visit.uid || ':' || CAST(visit.closes AS text) AS key
    FROM schedules_visit visit
    WHERE visit.performed_on IS NULL AND visit.missed_on IS NULL AND visit.cancelled_on IS NULL
    AND visit.closes BETWEEN %s AND %s
    AND (
        SELECT site.zone
        FROM participants_participant participant JOIN trials_site site ON site.id = participant.site_id
        WHERE participant.id = visit.participant_id
        AND participant.trial_id NOT IN (SELECT id FROM trials_trial WHERE frozen_on IS NOT NULL)
    ) IN ({zones})
) due
WHERE NOT EXISTS (SELECT 1 FROM schedules_reminder reminder WHERE reminder.key = due.key)
ON CONFLICT DO NOTHING
"""


def sweep_closing(*, now: datetime, days: int | None = None) -> int:
    """Write one reminder for each live visit whose window closes within `days`, its site's today included.

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


def _write_closing(today: date, last: date, zones: tuple[str, ...]) -> int:
    statement = _WRITE_CLOSING.format(zones=", ".join(["%s"] * len(zones)))
    with connection.cursor() as cursor:
        cursor.execute(statement, [CLOSING, today, f"{CLOSING}:", today, last, *zones])
        return int(cursor.rowcount)


def deliver_reminders(
    *, now: datetime, stale_after: timedelta = STALE_AFTER, send: Callable[[Notice], None] = send_by_email
) -> int:
    """Claim up to BATCH reminders, tell those concerned, and mark each sent once it is.

    Gives how many were claimed: 0 says that nothing is left to do, or that nothing can leave
    (settings.REMINDERS_LEAVE). A reminder that could not be sent, or that has nobody to be told,
    stays claimed and is taken up again after `stale_after`; the log says so by its id. What is
    sent twice after a crash carries the same key twice.
    """
    if not settings.REMINDERS_LEAVE:
        return 0
    claimed = claim_reminders(now=now, stale_after=stale_after)
    for notice in notices_of(claimed, now):
        if not notice.addresses:
            logger.warning(
                "reminder %s has nobody to be told: no coordinator with an address", notice.reminder
            )
            continue
        try:
            send(notice)
        except Exception:  # whatever it is, it must not hold up the others
            logger.exception("reminder %s could not be sent", notice.reminder)
            continue
        mark_reminder_sent(reminder=notice.reminder, now=now)
    return len(claimed)


@transaction.atomic
def claim_reminders(*, now: datetime, stale_after: timedelta = STALE_AFTER) -> list[int]:
    """Take up to BATCH unsent reminders that nobody holds, and give their ids.

    Left alone are those whose visit has been done, missed, cancelled or moved meanwhile, or whose
    trial is frozen. Rows that another worker is just claiming are passed over, not waited for. A
    reminder that could not leave until WORTH_SAYING after the window closed is let be.
    """
    live = Q(visit__closes__gte=now.date() - WORTH_SAYING)
    live &= Q(visit__performed_on=None, visit__missed_on=None, visit__cancelled_on=None)
    live &= Q(visit__participant__trial__frozen_on=None)
    free = Q(claimed_at=None) | Q(claimed_at__lt=now - stale_after)
    ids = list(
        Reminder.objects.filter(free, live, _still_so(), sent_at=None)
        .order_by(F("claimed_at").asc(nulls_first=True), "id")
        .select_for_update(of=("self",), skip_locked=True)
        .values_list("id", flat=True)[:BATCH]
    )
    Reminder.objects.filter(id__in=ids).update(claimed_at=now)
    return ids


def write_start_reminder(*, participant: int, start: StartFlag, today: date) -> None:
    """Let those who coordinate be told that the list before a start says no, once for the same lines."""
    live = Visit.objects.filter(participant=participant, **LIVE, closes__gte=start.day)
    visit = live.order_by("target", "pk").first()
    if visit:
        key = f"{START}:{participant}:{start.day}:{start.lines[:40]}"
        Reminder.objects.get_or_create(key=key, defaults={"kind": START, "visit": visit, "due_on": today})


def _still_so() -> Q:
    """What a reminder says is still so: the window closes on that day, the flag of the start is open."""
    flagged = Flag.objects.filter(
        participant=OuterRef("visit__participant"), kind=START_FLAG, cleared_at=None, snoozed_until=None
    )
    return Q(kind=CLOSING, key=_present_key()) | Q(Exists(flagged), kind=START)


def _present_key() -> Concat:
    """The key that a closing reminder of the row's visit would have now."""
    closes = Cast("visit__closes", CharField())
    return Concat(Value(f"{CLOSING}:"), "visit__uid", Value(":"), closes, output_field=CharField())


def mark_reminder_sent(*, reminder: int, now: datetime) -> None:
    """Record that the reminder of this id was handed over; the first time stands."""
    Reminder.objects.filter(pk=reminder, sent_at=None).update(sent_at=now)
