"""What Today counts of many people by pieces is what it counts of few by whole conditions, to its bound."""

from __future__ import annotations

import os
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from participants.models import Participant
from schedules.domain.visits.status import clinic_days
from schedules.models import Visit
from schedules.selectors.today import counted as few_of
from schedules.selectors.today import counted_of_many as many
from schedules.selectors.today.counted import CLOSED, WARD, Counted, counted_of_few
from schedules.selectors.today.parts import Closing, Days, Section
from schedules.services.enrolment.enrolling import enrol
from tests.cast import a_site, an_enrolment
from tests.integration.visits.test_status_properties import DAY, calendars, records
from trials.domain.sites.working_days import WorkingDays

pytestmark = pytest.mark.django_db
LONG = bool(os.environ.get("DAYZERO_LONG"))
KEPT = ("code", "label", "epoch", "anchor_code", "offset", "timing", "timing_basis", "rule_code")
Rows = list[tuple[int, dict[str, Any]]]


@pytest.mark.parametrize("bound", [None, 2])
def test_parts_of_many_are_those_of_few(bound: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """At two sites, whose day may differ. With a bound no count is too high, and each that ended is right."""
    people = [enrol(enrolment=an_enrolment(), by=None)]
    other = a_site("S02")
    people.append(Participant.objects.get(pk=people[0].pk))
    people[1].pk, people[1].site, people[1].subject_code = None, other, "S02-001"
    people[1].save()
    model = Visit.objects.get(participant=people[0], code="d28")
    shared = {name: getattr(model, name) for name in KEPT}
    reached: Counter[str] = Counter()
    if bound:
        monkeypatch.setattr(few_of, "MOST", bound)
        monkeypatch.setattr(many, "LOOKED_AT", bound + 1)

    @settings(max_examples=500 if LONG else 25, deadline=None, database=None, derandomize=not LONG)
    @given(
        st.lists(st.tuples(st.integers(0, 1), records()), min_size=12, max_size=25),
        calendars(),
        st.tuples(st.integers(-4, 4), st.integers(0, 1)),
        st.sampled_from(["", "over", "single"]),
    )
    def agree(rows: Rows, calendar: WorkingDays | None, day: tuple[int, int], given_days: str) -> None:
        first = DAY + timedelta(days=day[0])
        days: Days = {}
        for person, here in zip(people, (first, first + timedelta(days=day[1])), strict=True):
            days.setdefault(clinic_days(here, calendar), []).append(person.site_id)  # type: ignore[attr-defined]
        with transaction.atomic():
            Visit.objects.all().delete()
            Visit.objects.bulk_create(
                Visit(**{**shared, **on_ward(row, given_days)}, participant=people[whose], occurrence=n)
                for n, (whose, row) in enumerate(rows, 2)
            )
            live = Visit.objects.running()
            few, some = (
                counted_of_few(live, days, tuple(Section)),
                many.counted_of_many(live, days, tuple(Section)),
            )
            agrees(few, some, bounded=bool(bound))
            reached.update({part.value: count for part, count in few.counts.items()})
            reached.update({each.value: count for each, count in few.closing.items()})
            reached.update({WARD: few.ward, CLOSED: few.closed, "more": len(some.more)})
            transaction.set_rollback(True)

    agree()
    assert {*Section, *Closing, WARD, CLOSED} <= {name for name, count in reached.items() if count}, reached
    assert bool(reached["more"]) is bool(bound)


def on_ward(row: dict[str, Any], given_days: str) -> dict[str, Any]:
    """A row whose days on the ward may need no booking."""
    if row["place"] != "ward" or not given_days:
        return row
    if given_days == "over":
        return row | {"timing": "over"}
    return row | {"opens": row["target"], "closes": row["target"]}


def agrees(few: Counted, some: Counted, *, bounded: bool) -> None:
    """Whether both say the same: all of it, or each count that came to its end."""
    counts = [
        (part.value, few.counts[part], some.counts[part]) for part in Section if part is not Section.PREPARE
    ]
    counts += [(each.value, few.closing[each], some.closing[each]) for each in Closing]
    counts += [(WARD, few.ward, some.ward), (CLOSED, few.closed, some.closed)]
    for name, right, found in counts:
        assert (found <= right) if name in some.more else (found == right), (name, right, found, some.more)
    if bounded:
        assert set(some.first) <= set(few.first)
    else:
        assert sorted(some.first) == sorted(few.first)
