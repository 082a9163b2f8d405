"""`manage.py plan` as a process of its own, with nothing in its environment and no database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clocks import moved_clock

ROOT = Path(__file__).resolve().parents[2]


def plan(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a bare machine would: only PATH and UTF-8."""
    environment = {"PATH": os.environ["PATH"], "PYTHONUTF8": "1"} | moved_clock()
    command = [sys.executable, "manage.py", "plan", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def golden(trial: str) -> object:
    return json.loads((ROOT / "tests" / "golden" / f"{trial}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("trial", ["NCT07193667", "NCT07274059", "NCT07339332", "NCT07331467", "NCT07233642"])
def test_json_is_the_golden_plan(trial):
    done = plan(trial, "--on", "infusion=2026-12-07", "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == golden(trial)


def test_a_path_is_as_good_as_a_code():
    path = ROOT / "trials" / "library" / "NCT07193667.yaml"
    done = plan(str(path), "--on", "infusion=2026-12-07", "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == golden("NCT07193667")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("NCT07193667", "--on", "infusion=2026-02-30"), "'2026-02-30' is not a date"),
        ((), "no TRIAL given"),
        ((sys.executable, "--on", "infusion=2026-12-07"), "has faults: "),
    ],
)
def test_bad_input_is_one_line_and_exit_2(arguments, said):
    done = plan(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("CommandError: ")
    assert said in line
