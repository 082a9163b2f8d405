"""A service that is recorded says by whom: a misspelt keyword fails on import, and no entry names nobody."""

from __future__ import annotations

import ast
from pathlib import Path

APPS = ("trials", "participants", "schedules")


def test_every_recorded_service_takes_by_as_a_keyword() -> None:
    nameless = [
        f"{path}: {node.name}"
        for app in APPS
        for path in Path(app).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
        and any(isinstance(one, ast.Name) and one.id == "recorded" for one in node.decorator_list)
        and "by" not in [argument.arg for argument in node.args.kwonlyargs]
    ]
    assert nameless == []


WITHOUT_RECORDS = {
    # what they write is no record: reminders, numbers of changes, seals, rows of jobs
    "sweep", "number_changes", "deliver", "deliver_by", "seal", "ring_jobs",
    # the service behind it names the cause, since it is rung for by pages as well
    "ring_webhooks", "end_feeds", "run_job",
}  # fmt: skip


def test_every_task_names_the_cause_of_what_it_records() -> None:
    """Owners of accounts were told under no cause: PostgreSQL named its own user in the trail."""
    nameless = [
        node.name
        for app in ("trials", "schedules")
        for node in ast.parse(Path(f"{app}/tasks.py").read_text()).body
        if isinstance(node, ast.FunctionDef)
        and "caused_by" not in [getattr(one, "id", "") for one in ast.walk(node)]
    ]
    assert set(nameless) == WITHOUT_RECORDS


COMMANDS_WITHOUT_RECORDS = {
    "backup", "check_protocol", "migrate", "plan", "print_lists", "renew_secrets", "seal_audit",
    "separate_roles", "verify_audit",
}  # fmt: skip


def test_every_command_names_the_cause_of_what_it_records() -> None:
    nameless = {
        path.stem
        for path in Path().glob("*/management/commands/*.py")
        if path.stem != "__init__" and "caused_by(" not in path.read_text()
    }
    assert nameless == COMMANDS_WITHOUT_RECORDS
