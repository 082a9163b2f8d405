"""What each room of the tree keeps out, beside the arrows that import-linter holds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
APPS = ("config", "trials", "participants", "schedules")
EDGES = {"api", "web", "admin", "tasks", "management", "templatetags"}
PLAIN = {"domain", "formats", "ical"}

RULES = [
    (EDGES, r"\.objects\b", "an edge translates: reads are selectors, writes are services"),
    (PLAIN, r"\b(date\.today|datetime\.now|timezone\.now|localdate|utcnow)\(", "today is an argument"),
    ({"web", "api", "admin"}, r"\btimezone\.now\(", "a request reads the clock once: `trials.request_clock`"),
    ({""}, r"\b(TODO|FIXME|XXX)\b", "what is left to do stands in an issue"),
    ({""}, r"\bbreakpoint\(|\bpdb\b", "nobody stops here"),
    (PLAIN | {"services", "selectors"}, r"\bprint\(", "what happens is logged, or told to whoever asked"),
]


def sources() -> Iterator[Path]:
    for app in APPS:
        yield from (path for path in sorted((ROOT / app).rglob("*.py")) if "migrations" not in path.parts)


def is_in(path: Path, rooms: set[str]) -> bool:
    parts = {part.removesuffix(".py") for part in path.relative_to(ROOT).parts}
    return rooms == {""} or bool(rooms & parts)


@pytest.mark.parametrize(("rooms", "pattern", "reason"), RULES, ids=[rule[2] for rule in RULES])
def test_nothing_stands_in_a_room_that_keeps_it_out(rooms, pattern, reason):
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in sources()
        if is_in(path, rooms)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if re.search(pattern, line)
    ]
    assert found == [], reason


def test_the_database_is_asked_for_its_time_in_one_place():
    """A test sets that clock on either database; only the triggers, which are the database's, read theirs."""
    asking = re.compile(r"(clock|statement|transaction)_timestamp|current_timestamp|'now'", re.IGNORECASE)
    found = {path.name for path in sources() if asking.search(path.read_text(encoding="utf-8"))}
    assert found == {"database_time.py", "triggers.py"}


def test_the_rules_look_at_something():
    """A folder that is called otherwise one day would pass every rule."""
    for rooms, _, reason in RULES:
        assert sum(is_in(path, rooms) for path in sources()) > 20, reason


def test_no_file_is_a_drawer_for_what_has_no_name():
    """A file of `utils` is a noun that nobody looked for."""
    assert [path for path in sources() if path.stem in {"utils", "helpers", "misc", "common"}] == []


FULLEST = 16  # what one can still read at a glance


def test_no_room_is_so_full_that_it_must_be_searched():
    rooms: dict[Path, int] = {}
    for path in sources():
        if path.name != "__init__.py":
            rooms[path.parent] = rooms.get(path.parent, 0) + 1
    assert {str(room.relative_to(ROOT)): count for room, count in rooms.items() if count > FULLEST} == {}


def test_the_design_names_only_files_that_there_are():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:trials|participants|schedules)/[a-z_/]+\.(?:py|sql)", page))
    assert len(named) > 15
    assert sorted(name for name in named if not (ROOT / name).exists()) == []
