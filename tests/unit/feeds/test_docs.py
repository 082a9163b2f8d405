"""docs/feeds.md names the test that shows each line: there is one of each name."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[2]
NAMED = re.compile(r"`(test_\w+)`")
MADE = re.compile(r"^(?:    )?def (test_\w+)", re.MULTILINE)


def test_every_test_that_the_page_on_calendars_names_is_there() -> None:
    named = set(NAMED.findall((TESTS.parent / "docs" / "feeds.md").read_text(encoding="utf-8")))
    rooms = [*TESTS.glob("*/feeds/test_*.py"), *TESTS.glob("integration/web/test_cal*.py")]
    rooms += TESTS.glob("production/test_*.py")
    made = {name for file in rooms for name in MADE.findall(file.read_text(encoding="utf-8"))}
    assert len(named) > 80
    assert named - made == set()
