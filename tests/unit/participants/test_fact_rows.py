"""Every kind of fact, stored and read back, is the same fact."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from participants.domain import fact_kinds as f
from participants.domain.fact_kinds import FactKind
from participants.domain.fact_rows import fact_of, facts_of, kind_of, row_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY, NEXT = date(2026, 3, 2), date(2026, 3, 9)
NOON = datetime(2026, 3, 2, 12, tzinfo=SHANGHAI)
CASES = [
    (f.Lodging(DAY, None, 90), "until further notice"),
    (f.Lodging(DAY, NEXT, 0), "on the premises"),
    (f.NightAway(DAY), "how far is not known"),
    (f.NightAway(DAY, 180), "how far is known"),
    (f.CompanionConfirmed(DAY, NEXT), "for a week"),
    (f.Admission(NOON), "admitted still"),
    (f.Admission(NOON, NOON + timedelta(days=7), NEXT), "with the day the ward had in mind"),
    (f.TestResult("hcg", DAY), "a sample without its hour and result"),
    (f.TestResult("hcg", NOON, NOON + timedelta(hours=2), "negative"), "with both"),
    (f.Dose("biologic", DAY, timedelta(hours=36.5), "label 2024", "rituximab"), "a half-life"),
    (f.Dose("jak-inhibitor", NOON), "no half-life"),
    (f.Vaccination("live-vaccine", DAY), "a vaccine"),
    (f.Illness("gvhd", DAY), "lasts"),
    (f.Infection(DAY, NEXT), "over"),
    (f.Infection(DAY, None, "pneumonia"), "one of its own name"),
    (f.Procedure("dialysis", NOON), "a procedure"),
    (f.Event("consent-again", DAY), "an event"),
    (f.Confirmation("contraception", NOON, "d14", DAY, holds=False), "broken, asked at a visit"),
    (f.Confirmation("contraception", DAY), "kept throughout"),
    (f.Waiver("mas-free", "li", "investigator", "mild", NOON), "by an investigator"),
]


@pytest.mark.parametrize(("fact", "why"), CASES)
def test_a_fact_stored_and_read_back_is_the_same(fact, why):
    row = row_of(replace(fact, ref="7"), SHANGHAI)
    assert fact_of(row, SHANGHAI) == replace(fact, ref="7"), why
    assert row.starts_on == DAY, "an instant has its local day beside it"


def test_every_kind_is_tried():
    assert {kind_of(fact) for fact, _why in CASES} == set(FactKind)


def test_an_instant_is_read_in_the_zone_of_the_site():
    late = datetime(2026, 3, 1, 23, tzinfo=UTC)
    row = row_of(f.Procedure("dialysis", late), SHANGHAI)
    assert row.starts_on == DAY, "seven in the morning of the next day in Shanghai"
    assert fact_of(row, SHANGHAI).at.tzinfo == SHANGHAI


def test_facts_are_sorted_into_their_kinds():
    found = facts_of([row_of(fact, SHANGHAI) for fact, _why in CASES], SHANGHAI)
    assert (len(found.lodgings), len(found.admissions), len(found.tests)) == (2, 2, 2)
    assert (len(found.occurrences), len(found.confirmations), len(found.waivers)) == (8, 2, 1)
    assert (len(found.nights_away), len(found.companions)) == (2, 1)
