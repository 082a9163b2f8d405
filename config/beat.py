"""The scheduler of beat: it rings on when the machine's clock is put back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from celery.beat import Scheduler


class SteadyScheduler(Scheduler):
    """Celery's, which would wait after a clock put back by a day until that day is over.

    It knows when each task comes next by the wall clock. Where that shows less than at the last look, all
    is due at once: what is rung for may be done again at any time.
    """

    _looked_at: datetime | None = None

    def tick(self, *given: Any, **named: Any) -> float:
        """Ring for one task that is due; give the seconds until the next look."""
        now: datetime = self.app.now()
        if self._looked_at is not None and now < self._looked_at:
            for entry in self.schedule.values():
                entry.last_run_at = now - entry.schedule.run_every
            self._heap = None  # filled again by what is due now
        self._looked_at = now
        return float(super().tick(*given, **named))
