"""An amendment whose workers are killed where it hurts: nobody lost, nobody twice, nobody half."""

import signal
import sys
from pathlib import Path

import pytest

from tests.production.demo import LANES, ask
from tests.production.running import eventually, run, started

AMENDING = (sys.executable, "-m", "tests.production.amending")


@pytest.mark.parametrize("lane", LANES)
def test_killed_workers_leave_everybody_whole(lane: str, tmp_path: Path) -> None:
    url = LANES[lane](tmp_path)
    given = {"DJANGO_SETTINGS_MODULE": "config.settings.development", "DATABASE_URL": url}
    run(*AMENDING, "prepare", **given)
    halves = (
        "SELECT count(*) FROM schedules_amendmentstep s JOIN schedules_amendmentrun r ON r.id = s.run_id "
        "JOIN participants_participant p ON p.id = s.participant_id "
        "WHERE (s.outcome = 'done') <> (p.protocol_version_id = r.to_version_id)"
    )
    waiting = "SELECT count(*) FROM schedules_amendmentstep WHERE outcome = 'waiting'"
    everybody = ask(url, waiting)[0][0]
    for turn in range(2):
        log = tmp_path / f"worker-{turn}.log"
        with started(*AMENDING, "work", "0.4", log=log, stop=signal.SIGKILL, **given):
            assert eventually(lambda log=log: log.read_text().count("written") >= 2)
        assert ask(url, halves) == [(0,)], "what was written and not committed is gone"
    assert 0 < int(str(ask(url, waiting)[0][0])) < int(str(everybody))
    run(*AMENDING, "work", "0", **given)
    assert ask(url, waiting) == [(0,)]
    assert ask(url, halves) == [(0,)]
    assert ask(url, "SELECT count(*) FROM schedules_amendmentrun WHERE finished_at IS NULL") == [(0,)]
