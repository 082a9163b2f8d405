"""Beat rings on, whatever the machine's clock does."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from celery import Celery

from config.beat import SteadyScheduler

AT = datetime(2026, 11, 29, 8, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Bell(SteadyScheduler):
    """One that only keeps what it would have rung for."""

    def __init__(self, app: Celery, **given: Any) -> None:
        self.rung: list[str] = []
        super().__init__(app, **given)

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        self.rung.append(entry.name)


@pytest.fixture
def bell() -> Bell:
    app = Celery("test", set_as_current=False, broker="memory://")
    app.conf.update(timezone="UTC", result_expires=None)
    app.conf.beat_schedule = {
        name: {"task": name, "schedule": timedelta(minutes=every)}
        for name, every in (("sweep", 1), ("judge", 1), ("seal", 10))
    }
    with time_machine.travel(AT - DAY, tick=False):
        return Bell(app)


def rung_within(bell: Bell, begin: datetime, minutes: int) -> dict[str, int]:
    """How often each task is rung for in so many minutes from an instant on, looked at every ten seconds."""
    bell.rung.clear()
    for tens in range(6 * minutes):
        with time_machine.travel(begin + timedelta(seconds=10 * tens), tick=False):
            while bell.tick() == 0:
                pass
    return {name: bell.rung.count(name) for name in sorted(set(bell.rung))}


@pytest.mark.parametrize("jump", [DAY, HOUR, timedelta(0), -HOUR, -DAY, -400 * DAY])
def test_each_task_is_rung_for_as_often_after_the_clock_was_put(bell: Bell, jump: timedelta) -> None:
    assert rung_within(bell, AT, 20) == {"judge": 20, "seal": 2, "sweep": 20}
    after = AT + timedelta(minutes=20) + jump
    assert rung_within(bell, after, 20) == {"judge": 20, "seal": 2, "sweep": 20}
