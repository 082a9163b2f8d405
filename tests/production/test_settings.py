"""The production settings, each time in a process of their own as a server would load them."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
COMPLETE = {
    "SECRET_KEY": "k7#" * 20 + "abcdefgh",
    "ALLOWED_HOSTS": "dayzero.example.org",
    "DATABASE_URL": "postgresql://dayzero@/dayzero?host=/run/postgresql",
}


def manage(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run manage.py under the production settings with this environment and nothing else."""
    bare = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "config.settings.production"}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=bare | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_every_missing_setting_is_named_at_once() -> None:
    result = manage("check")
    assert result.returncode != 0
    assert "without SECRET_KEY, ALLOWED_HOSTS, DATABASE_URL" in result.stderr.splitlines()[-1]


def test_one_missing_setting_is_named_alone() -> None:
    result = manage("check", **COMPLETE | {"ALLOWED_HOSTS": ""})
    assert "without ALLOWED_HOSTS:" in result.stderr.splitlines()[-1]


def test_the_checks_for_deployment_find_nothing() -> None:
    result = manage("check", "--deploy", "--fail-level", "WARNING", **COMPLETE)
    assert result.returncode == 0, result.stderr
    assert "no issues" in result.stdout
