"""Only an investigator waives, only with a reason, and only where the protocol lets it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from participants.domain.fact_kinds import Illness, Waiver
from participants.domain.facts import Facts
from tests.unit.windows.judging import at, d, told, window
from trials.domain.protocols.protocol import Washout

WAIVER = Waiver("window", "investigator-1", "investigator", "resolved under treatment", at(-3))
ILL = (Illness("mas", d(-10), d(-8)),)


@pytest.mark.parametrize(
    ("waivable", "change", "status", "why"),
    [
        (True, {}, "waived", "as the protocol allows"),
        (False, {}, "violated", "the protocol does not allow it"),
        (True, {"role": "coordinator"}, "violated", "not by a coordinator"),
        (True, {"reason": "  "}, "violated", "not without a reason"),
        (True, {"window": "another"}, "violated", "of another window"),
    ],
)
def test_waivers(waivable, change, status, why):
    asked = window(Washout(("mas",)), d(-28), d(0), waivable=waivable)
    facts = Facts(occurrences=ILL, waivers=(replace(WAIVER, **change),))
    assert told(asked, facts, at(1)).status == status, why


def test_a_waiver_says_who_when_and_why():
    asked = window(Washout(("mas",)), d(-28), d(0), waivable=True)
    verdict = told(asked, Facts(occurrences=ILL, waivers=(WAIVER,)), at(1))
    assert verdict.because() == (
        "Waived by investigator-1 on Friday 2026-02-27 12:00 +08:00: resolved under treatment",
    )
