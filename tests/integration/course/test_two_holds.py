"""Of somebody who is infused twice, each after chemotherapy of its own, each hold is drafted by itself."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from participants.domain.anchors import RecordedAnchor
from participants.models import Participant
from schedules.domain.deviations.drafts import DeviationKind
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.models import Deviation, Visit
from schedules.services.enrolment.enrolling import enrol
from schedules.services.replanning.moves import record_anchor
from tests.cast import a_version, an_enrolment

_ANCHORS = """
format: 1
trial: TWICE
version: "1"
title: Two infusions, each after chemotherapy
zone: Asia/Shanghai
day_zero: inf-1
epochs: [{code: treatment, label: Treatment}]
blocks: [{code: one, label: One}, {code: two, label: Two}]
anchors:
  - {code: signed, label: Signature, role: consent, not_after: [inf-1]}
  - {code: ld-1, label: First start, derived: {anchor: inf-1, offset: -P3D, basis: assumed},
     point_of_no_return: true, not_after: [inf-1]}
  - {code: inf-1, label: First infusion}
  - {code: ld-2, label: Second start, derived: {anchor: inf-2, offset: -P3D, basis: assumed},
     point_of_no_return: true, not_after: [inf-2]}
  - {code: inf-2, label: Second infusion, derived: {anchor: inf-1, offset: P56D, basis: assumed}}
visits:
"""
_VISITS = """
  - {code: chemo-N, label: Chemotherapy N, epoch: treatment, from: ld-N, each: {first: P0D, last: P1D},
     basis: assumed, block: BLOCK}
  - {code: rest-N, label: Rest N, epoch: treatment, from: inf-N, over: {first: -P1D, last: -P1D},
     basis: assumed, block: BLOCK}
  - {code: infusion-N, label: Infusion N, epoch: treatment, from: inf-N, at: P0D, basis: assumed,
     block: BLOCK, tolerance: {before: P0D, after: P0D, basis: assumed}}
"""


def on(person: Participant, code: str, day: date, now: date, *, planned: bool = False) -> None:
    anchor = RecordedAnchor(code, planned_on=day) if planned else RecordedAnchor(code, actual_on=day)
    at = datetime(now.year, now.month, now.day, 6, tzinfo=UTC)
    record_anchor(participant=person, anchor=anchor, now=at, by=None, reason="fever")


@pytest.mark.django_db
def test_the_second_hold_is_drafted_beside_the_first() -> None:
    """Two days late in December, and four days in February; the rest before each is as much longer."""
    parts = (_VISITS.replace("N", n).replace("BLOCK", block) for n, block in (("1", "one"), ("2", "two")))
    signed = AnchorDay(date(2026, 11, 16), AnchorKind.ACTUAL)
    anchors = {"inf-1": AnchorDay(date(2026, 12, 7)), "signed": signed}
    version = a_version(text=_ANCHORS + "".join(parts))
    person = enrol(enrolment=an_enrolment(version, anchors=anchors), by=None)
    on(person, "ld-1", date(2026, 12, 4), date(2026, 12, 4))
    on(person, "inf-1", date(2026, 12, 9), date(2026, 12, 9))
    on(person, "ld-2", date(2027, 1, 31), date(2027, 1, 31))
    on(person, "inf-2", date(2027, 2, 7), date(2027, 2, 4), planned=True)
    holds = Deviation.objects.filter(kind=DeviationKind.HOLD, lapsed_on=None).order_by("planned_on")
    assert list(holds.values_list("planned_on", "actual_on", "days")) == [
        (date(2026, 12, 7), date(2026, 12, 9), 2),
        (date(2027, 2, 3), None, 4),
    ]
    rest = Visit.objects.get(code="rest-2")
    assert (rest.opens, rest.closes) == (date(2027, 2, 2), date(2027, 2, 6))
