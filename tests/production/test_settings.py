"""The production settings, each time in a process of their own as a server would load them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clocks import moved_clock

ROOT = Path(__file__).resolve().parent.parent.parent
COMPLETE = {
    "SECRET_KEY": "k7#" * 20 + "abcdefgh",
    "ALLOWED_HOSTS": "dayzero.example.org",
    "DATABASE_URL": "postgresql://dayzero@/dayzero?host=/run/postgresql",
}


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python at the project's root with this environment and nothing else."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]} | moved_clock() | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def manage(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run manage.py under the production settings."""
    return python("manage.py", *arguments, DJANGO_SETTINGS_MODULE="config.settings.production", **environment)


def environment_file(path: Path) -> dict[str, str]:
    """What Compose reads in a file such as .env.example: names and values, quotes taken off."""
    lines = re.findall(r"^([A-Z_]+)=(.*)$", path.read_text(), re.MULTILINE)
    return {name: re.sub(r"^'(.*)'$", r"\1", value) for name, value in lines}


def test_a_shell_reads_in_the_example_what_compose_reads() -> None:
    """An unquoted blank would run what follows it as a command."""
    asked = "set -euo pipefail; set -a; source .env.example; env -0"
    done = subprocess.run(
        ["bash", "-c", asked], cwd=ROOT, env={"PATH": os.environ["PATH"]}, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    read = dict(line.split("=", 1) for line in done.stdout.decode().split("\0") if line)
    example = environment_file(ROOT / ".env.example")
    assert {name: read[name] for name in example} == example


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


def test_a_web_server_gets_the_production_settings_unless_told_otherwise() -> None:
    result = python("-c", "import config.wsgi")
    assert "Dayzero does not start in production" in result.stderr.splitlines()[-1]


def test_manage_needs_nothing_in_the_environment() -> None:
    result = python("manage.py", "check")
    assert result.returncode == 0, result.stderr


def test_the_example_of_an_environment_lists_every_setting_that_is_read() -> None:
    listed = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    sources = [path.read_text() for path in (ROOT / "config" / "settings").glob("*.py")]
    read = set(re.findall(r"env\.\w+\(\s*\"([A-Z_]+)\"", "\n".join(sources)))
    assert {"LOG_LEVEL", "REDIS_URL"} <= read
    assert read <= listed


def test_the_example_as_it_stands_starts_once_the_three_are_filled_in() -> None:
    example = environment_file(ROOT / ".env.example")
    result = python("manage.py", "check", "--deploy", "--fail-level", "WARNING", **example | COMPLETE)
    assert result.returncode == 0, result.stderr


def test_browsers_come_by_https_alone_and_scripts_read_no_cookie() -> None:
    asked = (
        "from django.conf import settings as s; print(s.DEBUG, s.SECURE_SSL_REDIRECT, s.SECURE_HSTS_SECONDS, "
        "s.SECURE_HSTS_INCLUDE_SUBDOMAINS, s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, "
        "s.LANGUAGE_COOKIE_SECURE, s.SESSION_COOKIE_HTTPONLY, s.CSRF_COOKIE_HTTPONLY)"
    )
    production = {"DJANGO_SETTINGS_MODULE": "config.settings.production"}
    said = python("-c", asked, **COMPLETE | production).stdout.split()
    assert said == ["False", "True", "31536000", *["True"] * 6]


SAY = (
    "from django.conf import settings as s; print(s.CONTENT_SECURITY_POLICY['DIRECTIVES']['form-action'], "
    "s.SECOND_FACTOR_ROLES, [a['client_id'] for a in s.SOCIALACCOUNT_PROVIDERS['openid_connect']['APPS']])"
)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, """["'self'"] ['everybody'] []"""),
        (
            {"OIDC_SERVER_URL": "https://id.example.org/realms/trials", "OIDC_CLIENT_ID": "dayzero"},
            """["'self'", 'https://id.example.org'] ['everybody'] ['dayzero']""",
        ),
        (
            {"SECOND_FACTOR_ROLES": "administrator,investigator"},
            """["'self'"] ['administrator', 'investigator'] []""",
        ),
    ],
)
def test_single_sign_on_and_second_factors_come_from_the_environment(
    environment: dict[str, str], said: str
) -> None:
    production = {"DJANGO_SETTINGS_MODULE": "config.settings.production"}
    assert python("-c", SAY, **COMPLETE | production | environment).stdout.strip() == said


HEAVY = (
    *("weasyprint", "openpyxl", "apprise", "odmlib", "prometheus_client", "sentry_sdk", "PIL", "qrcode"),
    *("lxml", "redis"),
)
WORKER = "import config.celery as c; c.app.loader.import_default_modules()"


@pytest.mark.parametrize("also", ["pass", "import config.urls", WORKER])
def test_what_is_heavy_is_imported_where_it_is_used(also: str) -> None:
    """Libraries for print, channels and spreadsheets are no part of every process."""
    found = f"[one for one in {HEAVY!r} if one in sys.modules]"
    asked = f"import sys, django; django.setup(); {also}; print({found})"
    result = python("-c", asked, DJANGO_SETTINGS_MODULE="config.settings.development")
    assert result.stdout.strip() == "[]", result.stderr
