"""The cohort board: each dose level with its slots, and who is under observation until when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from schedules.domain.readiness.gates import Cohorts, Course
from trials.domain.protocols.protocol import DoseLevel


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
