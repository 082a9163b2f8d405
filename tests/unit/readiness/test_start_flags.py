"""When a start to come is flagged: as soon as a line of its list says no. Chemotherapy is on 2 December."""

from __future__ import annotations

from datetime import date

import pytest

from participants.domain.consents import ConsentStanding, ConsentState
from participants.domain.lifecycle import Phase
from schedules.domain.readiness.start_flags import start_flag
from schedules.domain.windows.flags import FlagSeverity
from tests.unit.plan.small import days
from tests.unit.readiness.starting import BEGINS, a_person, a_start

WITHDRAWN = ConsentStanding(ConsentState.WITHDRAWN, withdrawn_on=date(2026, 11, 20))
AGAINST = a_person(consent=WITHDRAWN)


@pytest.mark.parametrize(
    ("today", "severity", "why"),
    [
        (date(2026, 11, 23), FlagSeverity.MEDIUM, "nine days before"),
        (date(2026, 11, 29), FlagSeverity.MEDIUM, "three days before"),
        (date(2026, 11, 30), FlagSeverity.HIGH, "two days before"),
        (BEGINS, FlagSeverity.HIGH, "on the day itself"),
        (date(2026, 12, 3), None, "the day is over"),
    ],
)
def test_a_start_that_is_forbidden_is_flagged(today: date, severity: FlagSeverity | None, why: str) -> None:
    flag = start_flag(a_start(person=AGAINST, today=today))
    assert (flag and flag.severity) == severity, why
    assert flag is None or (flag.day == BEGINS and "Consent was withdrawn" in flag.message)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, "no line says no"),
        ({"person": None}, "nobody yet"),
        ({"person": a_person(consent=WITHDRAWN, phase=Phase.ON_HOLD)}, "it has begun"),
        ({"person": AGAINST, "anchors": {}}, "nothing is planned"),
        ({"person": AGAINST, "anchors": days(infusion="Mon 2026-12-07 actual")}, "it took place"),
        (
            {"person": AGAINST, "anchors": days(infusion="Mon 2026-12-07", ld="Wed 2026-12-02 actual")},
            "chemotherapy was given",
        ),
    ],
)
def test_no_start_is_flagged(changes: dict[str, object], why: str) -> None:
    assert start_flag(a_start(**changes)) is None, why


def test_which_lines_say_no_is_kept_apart_from_their_words() -> None:
    again = ConsentStanding(ConsentState.WITHDRAWN, withdrawn_on=date(2026, 11, 21))
    first, second = (start_flag(a_start(person=a_person(consent=one))) for one in (WITHDRAWN, again))
    assert first
    assert second
    assert (first.lines, first.evidence) != (first.evidence, first.lines)
    assert first.lines == second.lines, "the same line says no"
    assert first.evidence != second.evidence, "in other words"
