"""The sweep: what has become due by the rules is written, once; what is no longer true lapses.

A sweep that finds nothing changed since the last one asks one statement; one that finds some records changed
looks at those, and one on a new day at what the day brings. A change of a visit renews the
reminders of its participant in the same transaction, so that nobody waits for the next sweep.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import F

from schedules.domain.reminders import CLOSING
from schedules.domain.reminders.rules import OF_VISITS, RULES, SWEPT
from schedules.models import Reminder, ReminderDelivery, ReminderRecipient, ReminderSweep
from schedules.selectors.reminders.candidates import (
    COLUMNS,
    Places,
    context_of,
    due,
    parameters,
    places_now,
    statement,
)
from schedules.selectors.reminders.changes import (
    MOST,
    newest_entry,
    people_changed,
    people_of_passed_days,
)
from trials.domain.sites.zones import is_zone
from trials.models import Site
from trials.zones import zone_named

logger = logging.getLogger(__name__)

HEALED = timedelta(minutes=10)
"""After so long a sweep looks at everything again, whatever the trail says: a transaction that was open
while the last one looked may have got an earlier number in the trail than what it saw."""

_ONE = 1
_MOMENT = timedelta(microseconds=1)
_IDLE = {
    "postgresql": "SELECT schedules_sweep_is_idle(%s, %s)",  # keeps its plan: to plan it takes twice as long
    "sqlite": "SELECT 1 FROM schedules_remindersweep last WHERE last.id = 1 AND last.seen = %s"
    " AND %s BETWEEN last.at AND last.until"
    " AND last.entry = COALESCE((SELECT max(entry.id) FROM trials_auditentry entry), 0)",
}
_WRITE = (
    "INSERT INTO schedules_reminder ({columns}) {found} {unless}"
    # joined by hash they come in any order, and chance would decide who is told first
    " ORDER BY due.participant_id, due.visit_id, due.key"
    " ON CONFLICT (key) DO UPDATE SET lapsed_at = NULL, claimed_at = NULL, nobody_at = NULL,"
    " due_on = excluded.due_on, not_before = excluded.not_before, manner = excluded.manner"
    " WHERE schedules_reminder.lapsed_at IS NOT NULL AND schedules_reminder.sent_at IS NULL"
)
_UNLESS_THERE = (
    "WHERE COALESCE((SELECT 0 FROM schedules_reminder reminder WHERE reminder.key = due.key"
    " AND (reminder.lapsed_at IS NULL OR reminder.sent_at IS NOT NULL) LIMIT 1), 1) = 1"
)
"""Each key is looked up by itself: of NOT EXISTS PostgreSQL makes a join, and where it takes the ledger for
empty (it last looked before the first large sweep, or after one that was rolled back) it read the whole
ledger once for each key that is due (18 to 41 s at 19,000 reminders). What time alone has made due is new,
and is not looked for: there is hardly a conflict, which would lock a row."""
_SAID_AND_LAPSED = (
    "{due} SELECT again.id FROM ("
    "SELECT (SELECT reminder.id FROM schedules_reminder reminder WHERE reminder.key = due.key"
    " AND reminder.sent_at IS NOT NULL AND reminder.lapsed_at IS NOT NULL LIMIT 1) AS id FROM due"
    ") again WHERE again.id IS NOT NULL"
)
"""Each key is looked up by itself, for the same reason."""
_OVER = (
    "{due} SELECT max(held.id) FROM ("
    "SELECT reminder.id, reminder.key, 0 AS due FROM schedules_reminder reminder"
    " WHERE reminder.lapsed_at IS NULL AND reminder.kind IN ({kinds}) {more}"
    " UNION ALL SELECT NULL, due.key, 1 FROM due"
    ") held GROUP BY held.key HAVING max(held.due) = 0"
)
"""Grouped, not joined: before the table has statistics, PostgreSQL takes both sides of a join for one row
and looks for what is due once for each reminder (over 100 s at 5,500 of them, and growing by the square)."""


def sweep_reminders(*, now: datetime) -> int:
    """Write what is due by all rules, and let lapse what is not any more; give how many rows were written.

    One statement where nothing has changed since the last sweep: no entry of the trail, no day at any site,
    no setting. Where only some records or the day have changed, only those are looked at, and what the day
    brings; everybody is looked at every HEALED.
    """
    # A release with another rule, or another setting, makes things due that no entry of the trail tells of.
    seen = f"{settings.REMINDER_DAYS} {len(RULES)}"
    if _is_idle(now, seen):
        return 0
    # Before anything else is read: what is written meanwhile has a later number, and the next sweep sees it.
    newest, zones = newest_entry(), _zones()
    # Not after `now`: where the clock was put back, what is due between is looked for among everybody.
    last = ReminderSweep.objects.filter(pk=_ONE, seen=seen, at__lte=now, whole_at__gt=now - HEALED).first()
    written = _sweep_changed(last, newest, zones, now) if last is not None else None
    whole_at = last.whole_at if last is not None and written is not None else now
    if written is None:
        lapse_reminders(now=now)
        written = sweep_rules(now=now)
    # The moment before: BETWEEN holds at both ends, and at midnight there is a new day to be swept.
    until = min(_next_midnight(zones, now), (whole_at or now) + HEALED) - _MOMENT
    swept = {"entry": newest, "seen": seen, "at": now, "until": until, "whole_at": whole_at}
    # The row is there but for the first time, and `update_or_create` would read and lock it before.
    if not ReminderSweep.objects.filter(pk=_ONE).update(**swept):
        ReminderSweep.objects.update_or_create(pk=_ONE, defaults=swept)
    return written


def _sweep_changed(last: ReminderSweep, newest: int, zones: Sequence[ZoneInfo], now: datetime) -> int | None:
    """Sweep those whose record has changed since the last sweep, and what time has made due since.

    Give how many rows were written; None where everybody is to be looked at.
    """
    changed = people_changed(after=last.entry, newest=newest)
    passed = people_of_passed_days(*_days_passed(zones, last.at, now)) if changed is not None else None
    if changed is None or passed is None or len(people := changed | passed) > MOST:
        return None
    try:
        with transaction.atomic():
            places = places_now(now, swept=last.at)
            written = _write(places, places.kinds, new=True) if places.kinds else 0
            if people:
                theirs = places_now(now, SWEPT, context_of(SWEPT, people))
                _lapse(theirs, SWEPT, now, people)
                written += _write(theirs, theirs.kinds, people) if theirs.kinds else 0
                _show_again(theirs, people)
            return written
    except DatabaseError:
        logger.exception("what has changed could not be swept by itself")
        return None


def _days_passed(zones: Sequence[ZoneInfo], before: datetime, now: datetime) -> tuple[date, date]:
    """The first and the last day that ended at any site between two instants; in no order where none did."""
    days = [(before.astimezone(zone).date(), now.astimezone(zone).date()) for zone in zones]
    ended = [(first, after - timedelta(days=1)) for first, after in days if first < after]
    return min((one for one, _ in ended), default=date.max), max((one for _, one in ended), default=date.min)


def _is_idle(now: datetime, seen: str) -> bool:
    """Whether nothing has changed since the last whole sweep; one bare statement."""
    with connection.cursor() as cursor:
        cursor.execute(_IDLE[connection.vendor], [seen, connection.ops.adapt_datetimefield_value(now)])
        found = cursor.fetchone()
    return found is not None and bool(found[0])


def _next_midnight(zones: Sequence[ZoneInfo], now: datetime) -> datetime:
    """The next instant at which it becomes another day at a site."""
    days = [now.astimezone(zone) for zone in zones]
    nights = [
        datetime.combine(here.date() + timedelta(days=1), time.min, here.tzinfo).astimezone(UTC)
        for here in days
    ]
    return min(nights, default=now + HEALED)


def _zones() -> list[ZoneInfo]:
    """The zones of all sites; a wrong one is reported. One query."""
    names = list(Site.objects.exclude(zone="").values_list("zone", flat=True).distinct().order_by("zone"))
    for name in names:
        if not is_zone(name):
            logger.error("%r is no time zone: its sites are on the server's day until it is corrected", name)
    return [zone_named(name) for name in names]


def sweep_rules(
    *, now: datetime, kinds: Collection[str] = SWEPT, days: Mapping[str, int | None] | None = None
) -> int:
    """Write what is due by these rules, each once; give how many rows were written.

    One statement for all of them. Where that fails, one for each: a rule that fails is reported and
    passed over, and holds up no other. `days`, by kind, stands for what places want.
    """
    places = places_now(now, [kind for kind in SWEPT if kind in kinds], days=days)
    if not places.kinds:
        return 0
    try:
        with transaction.atomic():
            return _write(places, places.kinds)
    except DatabaseError:
        logger.exception("the rules could not be swept together")
    written = 0
    for kind in places.kinds:
        try:
            with transaction.atomic():
                written += _write(places, (kind,))
        except DatabaseError:
            logger.exception("the reminders of rule %s could not be written", kind)
    return written


def sweep_closing(*, now: datetime, days: int | None = None) -> int:
    """Write the reminders of windows that close, within so many days where given; give how many."""
    return sweep_rules(now=now, kinds=(CLOSING,), days={CLOSING: days})


def _write(
    places: Places, kinds: Sequence[str], people: Collection[int] | None = None, *, new: bool = False
) -> int:
    unless = "WHERE true" if new else _UNLESS_THERE
    found = statement(kinds, people)
    with connection.cursor() as cursor:
        cursor.execute(
            _WRITE.format(columns=", ".join(COLUMNS), found=found, unless=unless),
            parameters(places, kinds, people),
        )
        return int(cursor.rowcount)


def renew_reminders(people: Collection[int], *, now: datetime, kinds: Collection[str] = OF_VISITS) -> None:
    """Let lapse what is no longer true of these participants, and write what is, as part of what changed it.

    A constant number of statements, however many participants.
    """
    if not people:
        return
    asked = [kind for kind in SWEPT if kind in kinds]
    places = places_now(now, asked, context_of(asked, people))
    # SQLite has no INSERT inside WITH: there the two halves are two statements.
    if places.kinds and connection.vendor == "postgresql":
        mark_lapsed(_written_and_over(places, kinds, people), at=now)
        return
    _lapse(places, kinds, now, people)
    if places.kinds:
        _write(places, places.kinds, people)


def _written_and_over(places: Places, kinds: Collection[str], people: Collection[int]) -> list[int]:
    """Write what is due and give what is no longer, in one statement: both look at what was before it."""
    asked = places.kinds
    columns = ", ".join(COLUMNS)
    found = f"SELECT {columns} FROM due"  # noqa: S608
    written = _WRITE.format(columns=columns, found=found, unless=_UNLESS_THERE)
    with connection.cursor() as cursor:
        cursor.execute(
            _OVER.format(
                due=f"{due(asked, people)}, written AS ({written})",
                kinds=_named(kinds),
                more=f" AND reminder.participant_id IN ({_ids(people)})",
            ),
            parameters(places, asked, people),
        )
        return [row[0] for row in cursor.fetchall()]


def _show_again(places: Places, people: Collection[int]) -> None:
    """Bring back into the bells what was said, was no longer true, and is due again under the same key.

    A visit was booked before its window closed, and the booking is cancelled: nobody is told twice, but the
    reminder stands among what is unread, and others are told where nobody acknowledges it. Who left the bell
    for another reason, since their role has ended, stays out of it. At most three statements.
    """
    if not places.kinds:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _SAID_AND_LAPSED.format(due=due(places.kinds, people)), parameters(places, places.kinds, people)
        )
        again = [row[0] for row in cursor.fetchall()]
    if again:
        # What left the bell with the reminder itself has its very instant (`mark_lapsed` writes both).
        theirs = ReminderRecipient.objects.filter(reminder__in=again, over_at=F("reminder__lapsed_at"))
        theirs.update(over_at=None, seen_at=None)
        Reminder.objects.filter(pk__in=again).update(lapsed_at=None)


def lapse_reminders(*, now: datetime) -> int:
    """Let lapse every reminder that its rule does not yield any more, sent or not; give how many.

    It leaves the bells of those who were told, and is not sent. Where it becomes true again before it was
    said to anybody, the sweep takes it up again.
    """
    return _lapse(places_now(now), SWEPT, now)


def _lapse(
    places: Places, kinds: Collection[str], now: datetime, people: Collection[int] | None = None
) -> int:
    asked = places.kinds
    more = "" if people is None else f" AND reminder.participant_id IN ({_ids(people)})"
    if not asked:
        over = Reminder.objects.filter(lapsed_at=None, kind__in=kinds)
        ids = list(
            (over if people is None else over.filter(participant__in=people)).values_list("pk", flat=True)
        )
    else:
        with connection.cursor() as cursor:
            cursor.execute(
                _OVER.format(due=due(asked, people), kinds=_named(kinds), more=more),
                parameters(places, asked, people),
            )
            ids = [row[0] for row in cursor.fetchall()]
    mark_lapsed(ids, at=now)
    return len(ids)


def _named(kinds: Collection[str]) -> str:
    return ", ".join(f"'{kind}'" for kind in SWEPT if kind in kinds)


def _ids(people: Collection[int]) -> str:
    # Numbers of ours, written out: the two databases take lists differently, and PostgreSQL no empty IN ().
    return ", ".join(str(int(pk)) for pk in sorted(people)) or "NULL"


def mark_lapsed(reminders: Sequence[int], *, at: datetime) -> None:
    """Take reminders out of the bells and off the queue: they are no longer true. Three statements."""
    for place in range(0, len(reminders), _MANY):
        some = reminders[place : place + _MANY]
        Reminder.objects.filter(pk__in=some).update(lapsed_at=at)
        ReminderRecipient.objects.filter(reminder__in=some, over_at=None).update(over_at=at)
        waiting = ReminderDelivery.objects.filter(reminder__in=some, sent_at=None, refused_at=None)
        waiting.update(lapsed_at=at)


_MANY = 10_000
