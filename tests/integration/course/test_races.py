"""Racing pairs of edits on one visit: one wins, one is told, none is lost.

DAYZERO_RACES says how many pairs the long lane runs: 200, or 10,000 by `make races`.
"""

from __future__ import annotations

import os

import pytest

from schedules.models import CalendarState, ChangeEvent, Visit
from tests.races import a_visit, run_race
from trials.models import AuditEntry

PAIRS = int(os.environ.get("DAYZERO_RACES", "200"))
A_FEW = 40


@pytest.mark.parametrize("pairs", [A_FEW, pytest.param(PAIRS, marks=pytest.mark.long)])
@pytest.mark.django_db(transaction=True)
def test_of_two_edits_one_wins_and_one_is_told(pairs: int) -> None:
    visit = a_visit()
    first = Visit.objects.get(pk=visit).version
    race = run_race(visit, pairs)
    assert not race.faults, race.faults[:5]
    assert (race.stale, race.won.total()) == (pairs, pairs)
    writes = Visit.objects.get(pk=visit).version - first
    changes = AuditEntry.objects.filter(model="schedules.visit", object_id=str(visit), action="change")
    assert writes == changes.count() == ChangeEvent.objects.filter(visit=visit).count()
    assert CalendarState.objects.get().revision == 1 + writes
    print(f"{pairs} pairs, won by {dict(race.won)}")
