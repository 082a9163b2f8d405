"""The Celery app with a beat of five seconds and, where DAYZERO_PLANT names one, a fault to be noticed.

`dropped-claim`: a worker marks what it takes up as sent before it sends it.
`missing-key`: the key of a reminder is not unique, and a sweep writes without looking.
`carried`: what is to be sent is known to the broker alone, whose loss nothing makes up for.
`plain-beat`: the scheduler is Celery's own, which is silent after a clock put back.
"""

import os
from datetime import timedelta
from typing import Any

from config.celery import app

__all__ = ["app"]

for entry in app.conf.beat_schedule.values():
    entry["schedule"] = timedelta(seconds=5)
    entry["options"] = {"expires": 5.0}  # as outside of tests: until the next one comes

if os.environ.get("DAYZERO_PLANT") == "plain-beat":
    app.conf.beat_scheduler = "celery.beat:PersistentScheduler"


def carry_by_broker(ledger: Any) -> None:
    """Let the broker hold what is to be sent by e-mail, and nobody look into the database for it."""
    from redis import Redis

    from schedules.models import Reminder

    broker = Redis.from_url(os.environ["REDIS_URL"])
    address, claim = ledger.address_reminders, ledger.claim_messages

    def address_and_hand_over(**given: Any) -> Any:
        fresh = set(Reminder.objects.filter(claimed_at=None).values_list("pk", flat=True))
        found = address(**given)
        if handed := fresh & set(found):
            broker.sadd("to-be-sent", *handed)
        return found

    def claim_what_was_handed_over(**given: Any) -> Any:
        handed = {int(pk) for pk in broker.smembers("to-be-sent")}
        return [rows for rows in claim(**given) if rows[0].reminder_id in handed]

    ledger.address_reminders, ledger.claim_messages = address_and_hand_over, claim_what_was_handed_over


@app.on_after_finalize.connect
def plant(**_: Any) -> None:
    """Plant the fault once Django's models are there."""
    from schedules.services.reminders import by_channel, ledger, sweeping

    if os.environ.get("DAYZERO_PLANT") == "missing-key":
        sweeping._WRITE = "INSERT INTO schedules_reminder ({columns}) {found}"
        sweeping._is_idle = lambda *_: False
        sweeping.HEALED = timedelta(0)  # every sweep looks at everybody
    if os.environ.get("DAYZERO_PLANT") == "carried":
        carry_by_broker(ledger)
    if os.environ.get("DAYZERO_PLANT") != "dropped-claim":
        return
    claim, held_of = ledger.claim_messages, ledger.held_of

    def claim_and_forget(**given: Any) -> Any:
        found = claim(**given)
        for rows in found:
            ledger.keep_sent(rows, given["at"])
        return found

    def not_looking(rows: Any, at: Any) -> Any:
        return {row.pk for row in rows}, held_of(rows, at)[1]

    for module in (ledger, by_channel):
        module.claim_messages = claim_and_forget  # type: ignore[attr-defined]
    ledger.held_of = not_looking
