"""The Celery app with a beat of five seconds and, where DAYZERO_PLANT names one, a fault to be noticed.

`dropped-claim`: a worker marks what it takes up as sent before it sends it.
`missing-key`: the key of a reminder is not unique, and a sweep writes without looking.
"""

import os
from datetime import timedelta
from typing import Any

from config.celery import app

__all__ = ["app"]

for entry in app.conf.beat_schedule.values():
    entry["schedule"] = timedelta(seconds=5)
    entry["options"] = {"expires": 5.0}  # as outside of tests: until the next one comes


@app.on_after_finalize.connect
def plant(**_: Any) -> None:
    """Plant the fault once Django's models are there."""
    from schedules.services.reminders import by_channel, ledger, sweeping

    if os.environ.get("DAYZERO_PLANT") == "missing-key":
        sweeping._WRITE = "INSERT INTO schedules_reminder ({columns}) {found}"
        sweeping._is_idle = lambda *_: False
        sweeping.HEALED = timedelta(0)  # every sweep looks at everybody
    if os.environ.get("DAYZERO_PLANT") != "dropped-claim":
        return
    claim = ledger.claim_messages

    def claim_and_forget(**given: Any) -> Any:
        found = claim(**given)
        for rows in found:
            ledger.keep_sent(rows, given["at"])
        return found

    for module in (ledger, by_channel):
        module.claim_messages = claim_and_forget  # type: ignore[attr-defined]
