"""A site run day by day by somebody who does only what the pages ask, held against books kept apart."""

from __future__ import annotations

import os
from datetime import date
from typing import Any

import pytest

from tests.simulation.site_year import TRIALS, SiteYear, summary

pytestmark = pytest.mark.django_db
_USUAL = (("PEOPLE", "15"), ("DAYS", "365"))


@pytest.fixture(autouse=True)
def morning() -> Any:
    """The year has a clock of its own."""
    return


@pytest.mark.long
def test_some_weeks_at_a_site_go_by_the_books() -> None:
    """One participant, through chemotherapy and infusion; the long form is a year."""
    year = SiteYear(
        seed=7, people=1, trials=("NCT07193667",), days=24, start=date(2026, 10, 19), lead=8, check_every=23
    )
    year.run()
    assert not year.complaints, year.report()
    assert year.books.counts["done"] >= 6, summary(year.books.counts)


@pytest.mark.by_command
@pytest.mark.parametrize("seed", [1, 2])
def test_a_year_at_a_site_goes_by_the_books(seed: int) -> None:
    """SIMULATED_PEOPLE and SIMULATED_DAYS ask for more of it, or less."""
    people, days = (int(os.environ.get(f"SIMULATED_{name}", usual)) for name, usual in _USUAL)
    year = SiteYear(seed=seed, people=people, trials=TRIALS, days=days)
    year.run()
    print(summary(year.books.counts))
    assert not year.complaints, year.report()
