"""What watches the server is answered truthfully, and learns nothing that it should not."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.db import OperationalError, connections
from django.test import Client
from django.utils import timezone

from schedules.domain.reminders import CLOSING
from schedules.models import Reminder
from tests.cast import NOW
from trials.models import AuditSeal, BackupRun, TaskRun
from trials.selectors.operations import state
from trials.services.operations.runs import begin_run, end_run

pytestmark = pytest.mark.django_db
PROBE = Path(__file__).parents[3] / "deploy" / "probe.py"
TOKEN = "a-long-word-for-prometheus"


def read(client: Client) -> dict[str, float]:
    """The measures by name and labels, as Prometheus reads them."""
    answer = client.get("/metrics/", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    lines = [line for line in answer.content.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_a_process_lives_without_its_database(client: Client) -> None:
    with patch.object(connections["default"], "cursor", side_effect=OperationalError("no")):
        assert client.get("/health/live/").status_code == 200
        ready = client.get("/health/ready/")
        assert (ready.status_code, ready.json()["problems"]) == (503, ["The database does not answer."])
        assert client.get("/health/").status_code == 503


def test_a_server_on_a_database_of_another_release_is_not_ready(client: Client) -> None:
    assert client.get("/health/ready/").json() == {"status": "ok", "problems": []}
    with patch.object(state, "_newest_migrations", lambda: (("trials", "9999_of_tomorrow"),)):
        answer = client.get("/health/ready/")
    assert answer.status_code == 503
    assert "run `manage.py migrate`" in answer.json()["problems"][0]


@pytest.mark.parametrize("shown", ["", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x"])
def test_without_the_token_there_are_no_measures(client: Client, settings: Any, shown: str) -> None:
    settings.METRICS_TOKEN = TOKEN
    answer = client.get("/metrics/", headers={"Authorization": shown})
    assert (answer.status_code, answer.content) == (404, b"Not Found\n")


def test_without_a_setting_nobody_is_shown_measures(client: Client, settings: Any) -> None:
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics/", headers={"Authorization": "Bearer "}).status_code == 404


def test_the_measures_say_what_waits_what_failed_and_since_when(
    client: Client, settings: Any, django_assert_max_num_queries: Any
) -> None:
    settings.METRICS_TOKEN = TOKEN
    begin_run(task="schedules.tasks.sweep", queue="sweep", now=NOW - timedelta(seconds=90), waited=1.5)
    end_run(task="schedules.tasks.sweep", now=NOW, seconds=0.25)
    begin_run(task="schedules.tasks.deliver", queue="deliver", now=NOW, waited=None)
    end_run(task="schedules.tasks.deliver", now=NOW, seconds=1.0, error="SMTPConnectError")
    AuditSeal.objects.create(first=1, last=7, head="0" * 64, sealed_at=NOW - timedelta(minutes=5))
    BackupRun.objects.create(name="a", started_at=NOW, finished_at=NOW - timedelta(hours=3), size=1024)
    with django_assert_max_num_queries(14):
        found = read(client)
    assert found['dayzero_task_seconds{task="schedules.tasks.sweep"}'] == 0.25
    assert found['dayzero_task_started_seconds_ago{task="schedules.tasks.sweep"}'] >= 90
    assert found['dayzero_task_waited_seconds{task="schedules.tasks.sweep"}'] == 1.5
    assert found['dayzero_task_failures_total{task="schedules.tasks.deliver"}'] == 1
    assert found["dayzero_reminders_unsent"] == 0
    assert found["dayzero_backup_seconds_ago"] >= 3 * 3600
    assert found["dayzero_audit_sealed_link"] == 7
    assert {name: value for name, value in found.items() if "unreadable" in name and value} == {}


def test_after_a_clock_was_put_back_no_age_is_negative_and_what_has_not_run_since_is_not_new(
    client: Client, settings: Any
) -> None:
    settings.METRICS_TOKEN = TOKEN
    ahead = timezone.now() + timedelta(days=1)
    begin_run(task="schedules.tasks.sweep", queue="sweep", now=ahead, waited=None)
    AuditSeal.objects.create(first=1, last=7, head="0" * 64, sealed_at=ahead)
    BackupRun.objects.create(name="a", started_at=ahead, finished_at=ahead, size=1024)
    Reminder.objects.create(key="k", kind=CLOSING, due_on=timezone.now().date(), created_at=ahead)
    found = read(client)
    assert found["dayzero_reminders_unsent"] == 1
    assert found["dayzero_reminder_oldest_unsent_seconds"] == 0
    ages = [value for name, value in found.items() if "seconds_ago" in name]
    assert len(ages) == 3
    assert min(ages) > 86_000, "who is to be woken where nothing has run for three minutes is woken"


@pytest.mark.parametrize(("old", "well"), [(5, True), (120, False), (-5, True), (-86400, False)])
def test_a_sign_of_life_that_a_clock_put_back_has_dated_ahead_is_none(
    tmp_path: Path, old: int, well: bool
) -> None:
    file = tmp_path / "alive"
    file.touch()
    at = file.stat().st_mtime - old  # the machine's clock: that of tests stands elsewhere
    os.utime(file, (at, at))
    said = subprocess.run(
        [sys.executable, PROBE, "alive", str(file), "60"], check=False, stderr=subprocess.PIPE
    )
    assert (said.returncode == 0) is well, said.stderr


def test_a_part_that_cannot_be_read_leaves_the_others(client: Client, settings: Any) -> None:
    settings.METRICS_TOKEN, settings.BROKER_URL = TOKEN, "redis://127.0.0.1:1/0"
    found = read(client)
    assert found['dayzero_unreadable{part="queues"}'] == 1
    assert found['dayzero_unreadable{part="tasks"}'] == 0
    assert 'dayzero_info{version="0.1.0"}' in found


def test_a_task_keeps_one_row_however_often_it_runs() -> None:
    errors = ("", "ValueError", "")
    for number in range(3):
        begin_run(task="t", queue="q", now=NOW + timedelta(minutes=number), waited=None)
        end_run(task="t", now=NOW + timedelta(minutes=number), seconds=number, error=errors[number])
    run = TaskRun.objects.get()
    assert (run.runs, run.failures, run.error, run.seconds) == (3, 1, "ValueError", 2)
    assert run.failed_at == NOW + timedelta(minutes=1)


def test_a_cache_that_is_away_stops_no_page_and_still_counts(client: Client, settings: Any) -> None:
    from django.core.cache import caches

    settings.CACHES = {
        "default": {
            "BACKEND": "config.caching.ForgivingRedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
            "OPTIONS": {"socket_connect_timeout": 1},
        }
    }
    away: Any = caches.create_connection("default")
    assert away.get("k", 5) == 5
    assert away.add("k", 0, timeout=60)
    assert [away.incr("k"), away.incr("k"), away.get("k")] == [1, 2, 2]
    with pytest.raises(ValueError, match="not found"):
        away.incr("another")
