"""Reminders by real processes: beats, workers and brokers may double, lose and die; each is told once."""

import random
import re
import sys
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.production.demo import LANES, ask
from tests.production.running import MANAGE, eventually, run, started

CELERY = (sys.executable, "-m", "celery", "--quiet", "--app")
SLOW_WORKER = (sys.executable, "-m", "tests.production.slow_worker")
KEY = re.compile(r"^X-Dayzero-Key: (\S+)", re.MULTILINE)
BATCH = 20


@dataclass(frozen=True)
class Place:
    """A database with the demo in it, and the folder where its e-mail goes."""

    url: str
    outbox: Path

    @property
    def settings(self) -> dict[str, str]:
        """What its processes find in their environment; forty days ahead, so that there is work."""
        return {
            "DJANGO_SETTINGS_MODULE": "config.settings.development",
            "DATABASE_URL": self.url,
            "EMAIL_URL": f"filemail:///{self.outbox}",
            "REMINDER_DAYS": "40",
        }

    def ask(self, statement: str) -> list[tuple[object, ...]]:
        """What the database answers to a statement."""
        return ask(self.url, statement)

    def count(self, condition: str = "1 = 1") -> int:
        """How many reminders there are so."""
        return int(str(self.ask(f"SELECT count(*) FROM schedules_reminder WHERE {condition}")[0][0]))

    def told(self) -> Counter[str]:
        """How often each key stands in an e-mail."""
        texts = (mail.read_text() for mail in self.outbox.glob("*"))
        return Counter(key for text in texts for key in KEY.findall(text))

    def waiting(self, condition: str = "1 = 1") -> int:
        """How many messages are so, and neither sent nor no longer needed."""
        open_ = f"sent_at IS NULL AND lapsed_at IS NULL AND {condition}"
        return int(str(self.ask(f"SELECT count(*) FROM schedules_reminderdelivery WHERE {open_}")[0][0]))

    def is_told(self) -> bool:
        """Whether there is something, all of it is addressed, and no message waits."""
        addressed = not self.count("claimed_at IS NULL AND lapsed_at IS NULL")
        return self.count() > 0 and addressed and not self.waiting()

    def keys(self) -> set[str]:
        """The keys of all that was said: what another message of the day said with it was never tried."""
        statement = "SELECT message FROM schedules_reminderdelivery WHERE attempts > 0 OR sent_at IS NULL"
        return {str(row[0]) for row in self.ask(statement)}


AT_ANY_HOUR = """
from datetime import time
from schedules.models import ReminderSetting
from trials.audit.acts import caused_by
from trials.models import Trial
hours = {"earliest": time(0), "latest": time(0), "working_days": False, "escalate_after": 0}
with caused_by("test"):
    for trial in Trial.objects.all():
        ReminderSetting.objects.get_or_create(
            trial=trial, site=None, kind="", defaults={"manner": "at-once", **hours}
        )
"""
"""Lets all reminders leave at once, by themselves, at whatever hour the tests run."""


AHEAD_OF_A_CLAIM = """
SELECT count(*) FROM schedules_reminderdelivery waiting
JOIN schedules_reminder its ON its.id = waiting.reminder_id
WHERE waiting.sent_at IS NULL AND waiting.lapsed_at IS NULL AND waiting.claimed_at IS NULL AND NOT EXISTS (
    SELECT 1 FROM schedules_reminderdelivery claimed
    JOIN schedules_reminder other ON other.id = claimed.reminder_id
    WHERE claimed.claimed_at IS NOT NULL AND claimed.sent_at IS NULL
        AND claimed.recipient_id = waiting.recipient_id AND (other.visit_id = its.visit_id
        OR (other.visit_id IS NULL AND its.visit_id IS NULL AND other.participant_id = its.participant_id)))
"""
"""How many messages wait, unclaimed, although nobody holds another about their thing for the same person."""


@pytest.fixture(scope="module", params=LANES)
def demo_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    return LANES[request.param](tmp_path_factory.mktemp("database"))


def has_claimed(log: Path, times: int) -> bool:
    """Whether a slow worker has begun to send so many reminders."""
    return log.read_text().count("claimed") >= times


@pytest.fixture
def place(demo_database: str, tmp_path: Path) -> Place:
    place = Place(demo_database, tmp_path / "outbox")
    run(*MANAGE, "shell", "-c", AT_ANY_HOUR, **place.settings)
    # what was done while the demo was made has written reminders already, which leave by the rules of then
    for table in ("delivery", "recipient", "", "sweep"):
        place.ask(f"DELETE FROM schedules_reminder{table}")
    return place


def test_a_worker_killed_between_claim_and_send_loses_and_doubles_nothing(
    place: Place, tmp_path: Path
) -> None:
    # nobody can be told yet, so the sweep alone does something
    run(*MANAGE, "sweep", **place.settings | {"EMAIL_URL": "smtp://127.0.0.1:1"})
    everything = place.count()
    assert everything > 2 * BATCH
    place.ask("UPDATE schedules_reminder SET claimed_at = NULL")

    log = tmp_path / "log"
    with started(*SLOW_WORKER, "600", "900", log=log, **place.settings) as worker:
        assert eventually(partial(has_claimed, log, 1))
        worker.kill()
        worker.wait()
    assert place.waiting("claimed_at IS NOT NULL") == BATCH
    assert not place.told()

    run(*MANAGE, "sweep", **place.settings)
    assert place.count() == everything, "the sweep finds its rows and writes none again"
    assert place.waiting("claimed_at IS NOT NULL") == BATCH, "the young claim is left alone"
    assert place.ask(AHEAD_OF_A_CLAIM) == [(0,)], "what else waits is about what may have been said"

    run(*SLOW_WORKER, "0", "0", **place.settings)
    assert place.count() == everything
    assert not place.waiting()
    assert place.told() == Counter(place.keys())


def test_workers_killed_at_random_lose_nothing_and_repeat_only_what_was_in_hand(
    place: Place, tmp_path: Path
) -> None:
    run(*MANAGE, "sweep", **place.settings | {"EMAIL_URL": "smtp://127.0.0.1:1"})
    place.ask("UPDATE schedules_reminder SET claimed_at = NULL")
    everything, kills, chance = place.count(), 6, random.Random(20261121)
    for number in range(kills):
        log = tmp_path / f"log-{number}"
        sendings = chance.randrange(1, 12)
        with started(*SLOW_WORKER, "0.02", "0", log=log, **place.settings) as worker:
            eventually(partial(has_claimed, log, sendings))
            worker.kill()
            worker.wait()
    run(*SLOW_WORKER, "0", "0", **place.settings)
    told = place.told()
    assert place.count() == everything
    assert not place.waiting()
    assert set(told) == place.keys(), "nothing lost, no row doubled"
    assert told.total() - len(told) <= kills, "a repeat is one message in hand for a kill, with the same key"


def test_beat_alone_tells_each_once_where_there_is_no_broker(place: Place, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with started(*CELERY, "tests.production.quick_beat", "beat", log=log, **place.settings):
        assert eventually(place.is_told), log.read_text()
        eventually(lambda: False, patience=2.5)  # two more rings change nothing
        # what judging wrote meanwhile is told by the next ring
        assert eventually(place.is_told), log.read_text()
    assert place.told() == Counter(place.keys())


def test_two_beats_and_two_workers_on_valkey_tell_each_once(
    place: Place, valkey_url: str, tmp_path: Path
) -> None:
    settings = place.settings | {"REDIS_URL": valkey_url}
    logs = [tmp_path / name for name in ("worker-1", "worker-2", "beat-1", "beat-2")]
    with ExitStack() as running:
        for log in logs:
            what = (
                ("config", "worker", "--pool=solo", f"--hostname={log.name}")
                if "worker" in log.name
                else ("tests.production.quick_beat", "beat")
            )
            running.enter_context(started(*CELERY, *what, log=log, **settings))
        done = eventually(place.is_told)
        assert done, "\n".join(log.read_text() for log in logs)
        eventually(lambda: False, patience=2.5)  # two more rings change nothing
    assert place.told() == Counter(place.keys())
