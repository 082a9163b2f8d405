"""Numbering changes in the order in which they became visible, by one drainer at a time.

A number taken before a transaction commits lets a reader pass by what commits later under a lower one:
2,950 of 9,747 rows were missed so. Here a number is given to what everybody can see already.
"""

from __future__ import annotations

import secrets

from django.db import connection, transaction
from django.db.models import Max

from schedules.models import ChangeEvent, FeedEpoch
from trials.bounded import HasTime, always
from trials.models import AuditEpoch

# The number is the lock's name: a release with another one would number beside the one before.
DRAINER = 20261119
"""PostgreSQL's advisory lock that a drainer holds until its numbers are committed."""
AT_ONCE = 5000

_NUMBER = """
    WITH waiting AS (
        SELECT id FROM schedules_changeevent WHERE number IS NULL ORDER BY id LIMIT %s
    ), numbered AS (
        SELECT id, row_number() OVER (ORDER BY id)
            + (SELECT coalesce(max(number), 0) FROM schedules_changeevent) AS number
        FROM waiting
    )
    UPDATE schedules_changeevent SET number = numbered.number
    FROM numbered WHERE schedules_changeevent.id = numbered.id
"""


def number_changes() -> int:
    """Number the changes that are visible and have none; gives how many, 0 while another drainer is at it.

    All changes of one participant are written under that participant's lock, so theirs keep their order.
    """
    # Outside the transaction, which on SQLite takes the one lock of writers as it begins.
    if not ChangeEvent.objects.filter(number=None).exists():
        return 0
    with transaction.atomic(), connection.cursor() as cursor:
        # SQLite needs no lock of ours: it has one writer at a time.
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [DRAINER])
            if not cursor.fetchone()[0]:
                return 0
        cursor.execute(_NUMBER, [AT_ONCE])
        return int(cursor.rowcount)


def number_all_changes(has_time: HasTime = always) -> int:
    """Number whatever waits, in portions, while there is time; gives how many."""
    total = 0
    while has_time() and (found := number_changes()):
        total += found
    return total


def feed_epoch() -> str:
    """The word of the present epoch; another one once the audit trail began a new epoch after a restore."""
    number = AuditEpoch.objects.aggregate(last=Max("number"))["last"] or 0
    epoch, _made = FeedEpoch.objects.get_or_create(
        audit_epoch=number, defaults={"word": secrets.token_hex(6)}
    )
    return epoch.word
