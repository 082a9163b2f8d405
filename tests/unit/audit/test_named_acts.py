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
