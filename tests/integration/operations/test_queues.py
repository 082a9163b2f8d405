"""Every task is rung in a queue that is known, and what may hang shares none with what must not wait."""

from __future__ import annotations

from typing import Any

import pytest

from config.celery import DELIVER, JUDGE, LONG, QUEUES, SWEEP, app
from config.running import RUNG_AT
from trials.selectors.operations import queues
from trials.selectors.operations.queues import BrokerAway, queue_names

ROUTES = app.conf.task_routes


def queue_of(task: str) -> str:
    return str(ROUTES.get(task, {}).get("queue", app.conf.task_default_queue))


def test_every_entry_of_the_beat_names_a_task_that_there_is() -> None:
    app.loader.import_default_modules()
    assert {entry["task"] for entry in app.conf.beat_schedule.values()} <= set(app.tasks)
    assert set(ROUTES) <= set(app.tasks)


def test_what_may_hang_shares_no_queue_with_what_must_not_wait() -> None:
    assert queues.RUNG_AT == RUNG_AT
    assert set(queue_names()) == set(QUEUES) == {"sweep", "judge", "deliver", "long"}
    assert queue_of("schedules.tasks.deliver") == DELIVER
    assert queue_of("schedules.tasks.amend") == LONG
    assert queue_of("schedules.tasks.judge") == JUDGE
    assert {queue_of(task) for task in ("schedules.tasks.sweep", "trials.tasks.seal")} == {SWEEP}


def test_a_broker_that_does_not_answer_is_said_to_be_away(settings: Any) -> None:
    settings.BROKER_URL = "redis://127.0.0.1:1/0"
    with pytest.raises(BrokerAway):
        queues.queues()
