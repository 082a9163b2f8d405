"""docs/compliance.md names tests that exist, and every sentence of the checklist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/compliance.md").read_text(encoding="utf-8")
CHECKLIST = "integration/test_compliance_checklist.py"
NAMED = re.compile(r"`((?:integration|browser|production|unit)/[\w/]+\.py)`|checklist (?=`)|`(test_\w+)`")


def named_on_page() -> set[tuple[str, str]]:
    """Every test that the page names, with its file."""
    found, file = set(), ""
    for match in NAMED.finditer(PAGE):
        if match[2]:
            found.add((file, match[2]))
        else:
            file = match[1] or CHECKLIST
    return found


def defined_in(file: str) -> set[str]:
    text = (ROOT / "tests" / file).read_text(encoding="utf-8")
    return set(re.findall(r"^\s*def (test_\w+)", text, re.MULTILINE))


def test_every_test_that_the_page_names_exists() -> None:
    gone = {(file, test) for file, test in named_on_page() if test not in defined_in(file)}
    assert not gone
    assert len(named_on_page()) > 40


def test_every_sentence_of_the_checklist_is_on_the_page() -> None:
    mapped = {test for file, test in named_on_page() if file == CHECKLIST}
    assert mapped == defined_in(CHECKLIST)
