"""The reasons that Dayzero gives itself are kept in one language and said in the reader's."""

from __future__ import annotations

import ast
import re
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


def test_a_persons_reason_that_begins_like_ours_stands() -> None:
    assert reason_text("Absence of the nurse", chinese) == "Absence of the nurse"


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


TEXT_COLUMN = re.compile(r"^    (\w+) = models\.(?:Char|Text)Field", re.MULTILINE)
SAYS = {"_", "gettext", "ngettext", "pgettext", "say", "str"}


def test_no_service_puts_a_sentence_on_record_in_the_language_of_whoever_acts() -> None:
    """What a plan no longer asks for, an absence without a note, a step of an amendment: all were."""
    columns = {
        name
        for room in ROOMS
        for path in Path(room).glob("models/*.py")
        for name in TEXT_COLUMN.findall(path.read_text())
    } - {"message", "name", "label"}  # what errors and signals are made of
    found = [
        f"{path}:{node.lineno}"
        for room in ROOMS
        for path in [*Path(room).glob("services/**/*.py"), *Path(room).glob("outbound/*.py")]
        for node in ast.walk(ast.parse(path.read_text()))
        for name, value in _given(node)
        if "demo" not in path.parts  # made-up people write in the language of whoever asked for them
        if name in columns and _says(value, SAYS - {"say", "str"})
    ]
    assert not found


def _given(node: ast.AST) -> list[tuple[str, ast.expr]]:
    """What a statement gives to names: keywords of a call, targets of an assignment."""
    if isinstance(node, ast.Call):
        return [(one.arg or "", one.value) for one in node.keywords]
    if isinstance(node, ast.Assign):
        return [(getattr(to, "id", getattr(to, "attr", "")), node.value) for to in node.targets]
    return []


def _says(value: ast.expr, by: set[str]) -> bool:
    return any(isinstance(one, ast.Call) and getattr(one.func, "id", "") in by for one in ast.walk(value))
