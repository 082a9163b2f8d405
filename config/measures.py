"""What is measured, as Prometheus reads it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import datetime

from django.db import DatabaseError
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from schedules.selectors.operations.reminders import channels_lately, oldest_unsent
from trials.domain.release import RELEASE
from trials.selectors.operations import state
from trials.selectors.operations.queues import queues

logger = logging.getLogger(__name__)
Part = Callable[[datetime], Iterator[Metric]]


def text_at(now: datetime) -> tuple[bytes, str]:
    """Give all measures at an instant as text, and the type of that text."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Measures(now))
    return generate_latest(registry), CONTENT_TYPE_LATEST


class Measures:
    """What is measured at an instant; a part that cannot be read is left out, and is counted as such."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def collect(self) -> Iterator[Metric]:
        """Give every measure."""
        failed = GaugeMetricFamily("dayzero_unreadable", "Parts that could not be read now.", labels=["part"])
        for name, part in PARTS.items():
            found, away = [], 0
            try:
                found = list(part(self.now))
            except (DatabaseError, OSError) as error:
                logger.warning("The measures of %s could not be read: %s", name, type(error).__name__)
                away = 1
            failed.add_metric([name], away)
            yield from found
        yield failed


def _software(now: datetime) -> Iterator[Metric]:
    about = GaugeMetricFamily("dayzero_info", "The software that answers.", labels=["version"])
    about.add_metric([RELEASE], 1)
    yield about
    yield _one("dayzero_migrations_missing", "Apps of which the database lacks a migration.",
               len(state.missing_migrations()))  # fmt: skip
    yield _one("dayzero_clock_ahead_seconds", "How far this server's clock is ahead of the database's.",
               state.clock_distance(now).total_seconds())  # fmt: skip


def _reminders(now: datetime) -> Iterator[Metric]:
    number, since = oldest_unsent(now)
    yield _one("dayzero_reminders_unsent", "Reminders that hold and that nobody was told yet.", number)
    yield _one("dayzero_reminder_oldest_unsent_seconds", "Age of the oldest of them.", _waits(since, now))
    kinds = {
        "open": "Deliveries that are not sent yet.",
        "failed": "Open deliveries that have failed before.",
        "sent": "Deliveries sent within a day.",
        "refused": "Deliveries refused for good within a day.",
    }
    channels = channels_lately(now)
    for kind, words in kinds.items():
        family = GaugeMetricFamily(f"dayzero_deliveries_{kind}", words, labels=["channel"])
        for channel in channels:
            family.add_metric([channel.channel], getattr(channel, kind))
        yield family


def _tasks(now: datetime) -> Iterator[Metric]:
    labels = ["task"]
    took = GaugeMetricFamily("dayzero_task_seconds", "How long the last run took.", labels=labels)
    since = GaugeMetricFamily("dayzero_task_started_seconds_ago", "Since the last start.", labels=labels)
    waited = GaugeMetricFamily("dayzero_task_waited_seconds", "From the ring to the start.", labels=labels)
    runs = CounterMetricFamily("dayzero_task_runs", "Runs.", labels=labels)
    failures = CounterMetricFamily("dayzero_task_failures", "Runs that failed.", labels=labels)
    for run in state.task_runs():
        named = [run.task]
        since.add_metric(named, _ago(run.started_at, now))
        runs.add_metric(named, run.runs)
        failures.add_metric(named, run.failures)
        if run.seconds is not None:
            took.add_metric(named, run.seconds)
        if run.waited is not None:
            waited.add_metric(named, run.waited)
    yield from (took, since, waited, runs, failures)


def _queues(now: datetime) -> Iterator[Metric]:
    length = GaugeMetricFamily("dayzero_queue_length", "Messages in a queue.", labels=["queue"])
    oldest = GaugeMetricFamily("dayzero_queue_age_seconds", "Age of the oldest of them.", labels=["queue"])
    for queue in queues():
        length.add_metric([queue.name], queue.length)
        oldest.add_metric([queue.name], queue.oldest)
    yield from (length, oldest)


def _safety(now: datetime) -> Iterator[Metric]:
    sealed, backup = state.sealed(), state.last_backup()
    yield _one("dayzero_audit_unsealed", "Entries of the trail that no seal covers yet.", sealed.unsealed)
    yield _one("dayzero_audit_sealed_link", "The last link that is sealed.", sealed.last)
    if sealed.sealed_at:
        yield _one("dayzero_audit_sealed_seconds_ago", "Since the last seal.", _ago(sealed.sealed_at, now))
    if backup:
        yield _one("dayzero_backup_seconds_ago", "Since the newest backup that was finished.",
                   _ago(backup.finished_at, now))  # fmt: skip
        yield _one("dayzero_backup_bytes", "Its size.", backup.size)


PARTS: dict[str, Part] = {
    "software": _software,
    "reminders": _reminders,
    "tasks": _tasks,
    "queues": _queues,
    "safety": _safety,
}


def _one(name: str, words: str, value: float) -> Metric:
    family = GaugeMetricFamily(name, words)
    family.add_metric([], value)
    return family


def _waits(since: datetime | None, now: datetime) -> float:
    """Seconds that something has waited; none where a clock was put back meanwhile."""
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())


def _ago(at: datetime | None, now: datetime) -> float:
    """Seconds since something was done.

    What is dated ahead was done before a clock was put back, and not since: it is as far from now as that.
    """
    return 0.0 if at is None else abs((now - at).total_seconds())
