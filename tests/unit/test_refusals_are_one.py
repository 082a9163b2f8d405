"""One class says why something cannot be done, and one method makes an error of it."""

from __future__ import annotations

import ast
from datetime import date
from pathlib import Path

from trials.domain.errors import Refused
from trials.domain.refusals import IN_THE_FUTURE, Refusal

APPS = ("trials", "participants", "schedules")


def test_an_error_holds_each_refusal_at_its_field_in_the_readers_language() -> None:
    day = date(2026, 12, 7)
    found = [
        Refusal("on", IN_THE_FUTURE, {"day": day, "today": date(2026, 12, 6)}, code="future"),
        Refusal.said("", "已经登记。"),
    ]
    refused = Refused.because(found, lambda message: {"Monday": "周一"}.get(message, message))
    assert refused.fields["on"][0].startswith("周一 2026-12-07 ")
    assert refused.refusals[0].code == "future"
    assert refused.fields[""] == ("已经登记。",)
    assert refused.kept == f"{found[0].text()} 已经登记。", "a record is kept in English where there is any"
    assert Refused({"on": ["no day"]}).kept == "no day", "and in the words given where no rule spoke"


def test_no_other_class_is_a_refusal_of_its_own_and_nobody_marks_messages_by_hand() -> None:
    named: list[str] = []
    for app in APPS:
        for path in Path(app).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ClassDef) and node.name.endswith("Refusal"):
                    named.append(f"{path}: {node.name}")
                if isinstance(node, ast.FunctionDef) and node.name == "_":
                    named.append(f"{path}: def _")
    assert named == ["trials/domain/refusals.py: Refusal"]
