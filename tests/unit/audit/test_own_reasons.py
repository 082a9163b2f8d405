"""The reasons that Dayzero gives itself are kept in one language and said in the reader's."""

from __future__ import annotations

import ast
from pathlib import Path

from trials.domain.audit.own_reasons import SIGNED_WITH, UNDONE, reason_text
from trials.domain.audit.signing import How

ROOMS = ("participants", "schedules", "trials")


def chinese(message: str) -> str:
    return f"zh:{message}"


def test_a_reason_of_ours_is_said_in_the_readers_language_and_a_persons_stands() -> None:
    assert reason_text(UNDONE, chinese) == f"zh:{UNDONE}"
    assert reason_text(UNDONE) == UNDONE
    assert reason_text("Came a day late.", chinese) == "Came a day late."
    assert reason_text("", chinese) == ""


def test_every_way_to_sign_has_its_sentence() -> None:
    assert set(SIGNED_WITH) == set(How)


def test_no_reason_is_kept_in_the_language_of_whoever_acts() -> None:
    """`reason=_("…")` was kept in the language of the act: a Chinese reason in an English trail."""
    found = [
        f"{path}:{call.lineno}"
        for room in ROOMS
        for path in Path(room).rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call)
        for keyword in call.keywords
        if keyword.arg == "reason" and isinstance(keyword.value, ast.Call)
        if getattr(keyword.value.func, "id", "") in ("_", "gettext")
    ]
    assert not found
