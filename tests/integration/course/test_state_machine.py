"""Everything that happens to participants, in any order, through the real services, against a naive model.

A few courses in every lane, some more in the long one, the same each time. DAYZERO_COURSES says how many
seeds to play instead, each for 1,000 steps: 20 by `make courses`. A seed that fails fails again under its
number.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test as run

from tests.cast import a_site, a_version, an_approval
from tests.integration.course.courses.checks import PLACES
from tests.integration.course.courses.moving import Courses
from tests.integration.course.courses.naive import ONE, THREE, TWO
from trials.domain.sites.working_days import WorkingDays
from trials.services.sites.working_days import correct_working_days

SEEDS = int(os.environ.get("DAYZERO_COURSES", "0"))
MANY, SOME, FEW = (20, 50), (6, 20), (2, 12)
"""How many courses, of how many steps each: by command, in the long lane, in every lane."""


@pytest.mark.parametrize(
    ("number", "size"),
    [(number, MANY) for number in range(SEEDS)] or [(0, FEW), pytest.param(0, SOME, marks=pytest.mark.long)],
)
@pytest.mark.django_db
def test_courses_in_any_order(number: int, size: tuple[int, int]) -> None:
    courses, steps = size
    Courses.sites = [a_site(code) for code in PLACES]
    Courses.versions = {label: a_version(text=text) for label, text in ((1, ONE), (2, TWO), (3, THREE))}
    for site in Courses.sites:
        correct_working_days(site=site, days=WorkingDays("Monday to Friday"), by=None, reason="opened")
        for version in Courses.versions.values():
            an_approval(site, version)
    played = settings(
        max_examples=courses,
        stateful_step_count=steps,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        report_multiple_bugs=False,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run(seed(number)(Courses), settings=played)
