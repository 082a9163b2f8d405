"""The Celery app with a quick beat and, where DAYZERO_PLANT names one, a fault that a check must notice.

`dropped-claim`: a worker marks what it takes up as sent before it sends it.
"""

import os
from typing import Any

from tests.production.quick_beat import app

__all__ = ["app"]


@app.on_after_finalize.connect
def plant(**_: Any) -> None:
    """Plant the fault once Django's models are there."""
    if os.environ.get("DAYZERO_PLANT") != "dropped-claim":
        return
    from schedules.services.reminders import by_channel, ledger

    claim = ledger.claim_messages

    def claim_and_forget(**given: Any) -> Any:
        found = claim(**given)
        for rows in found:
            ledger.keep_sent(rows, given["at"])
        return found

    for module in (ledger, by_channel):
        module.claim_messages = claim_and_forget  # type: ignore[attr-defined]
