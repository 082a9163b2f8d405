"""How far confirmations reach, one joining on to another."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from participants.domain.fact_kinds import Confirmation
from participants.domain.moments import DAY, day_of
from schedules.domain.windows.judges.case import Case


def confirmed_to(case: Case, topics: Collection[str]) -> tuple[Confirmation, date] | None:
    """The last confirmation of a chain that reaches back to the window's start, and the day it reaches.

    A confirmation without `since` reaches back as far as the window does. Where the start is not
    known only such a one counts. None where nothing inside the window reaches back to its start.
    """
    start = None if case.starts is None else day_of(case.starts, case.zone)
    holding = [one for one in case.facts.confirmations if one.topic in topics and one.holds]
    reached: tuple[Confirmation, date] | None = None
    for one in sorted(holding, key=lambda one: day_of(one.at, case.zone)):
        day = day_of(one.at, case.zone)
        if start is not None and day < start:
            continue
        if _reaches_back(one, start if reached is None else reached[1] + DAY):
            reached = (one, day)
    return reached


def _reaches_back(one: Confirmation, day: date | None) -> bool:
    """Whether a confirmation says how it was since a day; where that is not known, since ever."""
    return one.since is None or (day is not None and one.since <= day)
