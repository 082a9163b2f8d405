"""The cohort board: each dose level with its slots, and who is under observation until when."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from schedules.domain.readiness.gates import Cohorts, Course
from trials.domain.protocols.protocol import DoseLevel

SHOWN = 60
"""So many slots of a level are shown before "Show all": nobody reads thousands of rows."""
LAST_BEGUN = 20
"""So many of them have begun; where fewer are still to begin, more of those who have are shown."""


class Nearest(NamedTuple):
    """The slots of a level around today, and how many there are before and after them."""

    courses: Sequence[Course]
    begun_before: int = 0
    planned_after: int = 0


@dataclass(frozen=True, slots=True)
class LevelBoard:
    """One dose level on the cohort board.

    `planned` is the protocol's size, None where it says none; `free` the slots still to fill.
    """

    level: str | None
    planned: int | None
    courses: tuple[Course, ...]
    replaced: int
    free: int | None
    observed_until: tuple[tuple[str, date], ...]


def board(cohorts: Cohorts, today: date, there: Mapping[str, date] | None = None) -> tuple[LevelBoard, ...]:
    """The cohort board: each level with its slots, and who is under observation until when.

    Nobody is watched who is only planned, whatever day it is. `there` is the day at the site of a subject,
    where that is not `today`. A trial without dose levels is one level without a name.
    """
    levels: tuple[DoseLevel | None, ...] = cohorts.levels or (None,)
    days = there or {}
    return tuple(_level_board(cohorts, level, today, days) for level in levels)


def _level_board(
    cohorts: Cohorts, level: DoseLevel | None, today: date, there: Mapping[str, date]
) -> LevelBoard:
    courses = tuple(course for course in cohorts.courses if level is None or course.level == level.code)
    replaced = sum(course.replaced for course in courses)
    planned = level.planned if level else None
    free = None if planned is None else max(0, planned - (len(courses) - replaced))
    codes = {gate.observation for gate in cohorts.gates if gate.observation}
    watched = tuple(
        (course.subject, until)
        for course in courses
        if course.begun
        and (until := _last_watched(course, codes))
        and course.begins <= there.get(course.subject, today) <= until
    )
    return LevelBoard(level.code if level else None, planned, courses, replaced, free, watched)


def _last_watched(course: Course, codes: set[str]) -> date | None:
    days = [day for code in codes if (day := course.observed_until(code))]
    return max(days, default=None)


def nearest(courses: Collection[Course], begun: Collection[str]) -> Nearest:
    """The last of the courses that have begun and the first that are to begin, in the order of their days.

    `begun` are the subjects whose course has. Who was to begin and has not is among those that come first.
    """
    ordered = sorted(courses, key=in_order)
    had = [course for course in ordered if course.subject in begun]
    ahead = [course for course in ordered if course.subject not in begun]
    last = min(len(had), max(LAST_BEGUN, SHOWN - len(ahead)))
    first = min(len(ahead), SHOWN - last)
    shown = sorted([*had[len(had) - last :], *ahead[:first]], key=in_order)
    return Nearest(shown, len(had) - last, len(ahead) - first)


def in_order(course: Course) -> tuple[date, str]:
    """Where a course stands on the board."""
    return course.begins, course.subject
