"""Rows are locked against each other's writers, not against being named by new rows."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_no_lock_keeps_others_from_naming_the_row() -> None:
    """PostgreSQL's plain FOR UPDATE stops whoever writes a row that names the locked one, at their commit: a
    sweep waited there for who acted on a participant, and they for what the sweep had written.
    """
    plain = [
        f"{file.relative_to(ROOT)}:{call.lineno}"
        for app in ("participants", "schedules", "trials")
        for file in sorted((ROOT / app).rglob("*.py"))
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and getattr(call.func, "attr", "") == "select_for_update"
        and "no_key" not in {word.arg for word in call.keywords}
    ]
    assert not plain
