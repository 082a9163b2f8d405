"""A migration does what it did when it was written, whatever becomes of the code: it imports none of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
APPS = ("config", "trials", "participants", "schedules")

NEVER_RUN = "a validator: the state names it, and a migration checks no value with it"
OF_NEW_ROWS = "a default of a table that the migration makes, which has no rows yet"
ALLOWED = {
    ("trials/migrations/0001_release_0_1_0.py", "trials.models.places"): NEVER_RUN,
    ("trials/migrations/0008_valid_zones.py", "trials.models.places"): NEVER_RUN,
    ("trials/migrations/0001_release_0_1_0.py", "trials.models.access"): OF_NEW_ROWS,
    ("trials/migrations/0016_api_clients_by_oauth.py", "trials.models.access"): OF_NEW_ROWS,
    ("schedules/migrations/0001_initial.py", "schedules.models.visits"): OF_NEW_ROWS,
    ("schedules/migrations/0001_release_0_1_0.py", "schedules.models.visits"): OF_NEW_ROWS,
    ("participants/migrations/0011_search.py", "participants.models.participant"): (
        "the expression of an index, which makemigrations compares by its class: write another expression as"
        " another class"
    ),
}
"""Which migration imports what of ours, and why later changes of it cannot change what the migration does."""


def imports_of(source: str) -> Iterator[str]:
    """Every module of ours that a migration asks for, inside functions and by name too."""
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = ["." * node.level + (node.module or "")]
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            asked = getattr(node.func, "attr", getattr(node.func, "id", ""))
            names = [str(node.args[0].value)] if asked in {"import_module", "import_string"} else []
        yield from (name for name in names if name.startswith(".") or name.partition(".")[0] in APPS)


def test_no_migration_imports_code_that_changes() -> None:
    found = {
        (str(path.relative_to(ROOT)), name)
        for app in APPS
        for path in sorted((ROOT / app).glob("**/migrations/*.py"))
        for name in imports_of(path.read_text(encoding="utf-8"))
    }
    assert found == ALLOWED.keys(), "copy what it needs into the migration, or say here why it may import it"


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("from trials.domain.channels.kinds import way_of", ["trials.domain.channels.kinds"]),
        ("def forwards(apps, editor):\n    import schedules.models", ["schedules.models"]),
        ("from ..models import Site", ["..models"]),
        ("import_module('participants.models')", ["participants.models"]),
        ("from django.db import models\nimport json", []),
        ("apps.get_model('trials', 'site')", []),
    ],
)
def test_every_way_of_importing_is_seen(source: str, named: list[str]) -> None:
    assert [*imports_of(source)] == named
