"""The second editions of the five trials: what the records say, read again, in two languages.

One row for each correction of issue 13; the first editions stay as they were published.
"""

from __future__ import annotations

import pytest

from trials.domain.language import Text
from trials.formats.protocols import library
from trials.formats.protocols.yaml import digest

SECOND = {
    "NCT07193667": "2025-09-26.2",
    "NCT07274059": "2025-12-24.2",
    "NCT07339332": "2026-01-14.2",
    "NCT07331467": "2026-03-25.2",
    "NCT07233642": "2026-01-31.2",
}
FIRST = {
    "CART-SLE": "sha256:2a4f3ef28e860b47464c030efb751b2ba8fdd5fb86b1674055c9512328f460a2",
    "NCT07193667": "sha256:ca86bfc969fac1499ee6072c665ff3a4910f3c23ea467ddfd6a9e9e56357321a",
    "NCT07233642": "sha256:27c8146d9803de47dde60bec062016543de6d048d5f562b9ead531ce97011fd9",
    "NCT07274059": "sha256:d3a3b10e02fbc156d5304bfd7ebbe91c9f0f8da19742d38a7518e63f1ab18712",
    "NCT07331467": "sha256:1f10bc4d32a57bab35fd9e692f0fe2885d51453ba900649eea5cb383eefb35a6",
    "NCT07339332": "sha256:32516a9f45e9298d8bd57d81a47eed202793cb86403749868fd46d8a93cf67a7",
}
WOMEN, BOTH = ("childbearing_potential",), ("childbearing_potential", "partner_childbearing_potential")


def edition(code):
    return library.load(f"{code}@{SECOND[code]}")


def window(code, name):
    return next(rule for rule in edition(code).windows if rule.code == name)


def activity(code, name):
    return next(rule for rule in edition(code).activities if rule.code == name)


@pytest.mark.parametrize("code", FIRST)
def test_what_was_published_stays_as_it_was(code):
    assert library.editions(code)[0] == code
    assert digest(library.load(code)) == FIRST[code]


@pytest.mark.parametrize("code", SECOND)
def test_a_second_edition_names_the_copy_it_was_read_from(code):
    protocol = edition(code)
    assert library.editions(code) == (code, f"{code}@{SECOND[code]}")
    assert (protocol.trial, protocol.version) == (code, SECOND[code])
    assert {source.dated.isoformat() for source in protocol.sources} == {SECOND[code].removesuffix(".2")}


@pytest.mark.parametrize("code", SECOND)
def test_everything_that_people_read_is_in_chinese_too(code):
    protocol = edition(code)
    groups = (
        protocol.epochs, protocol.traits, protocol.anchors, protocol.blocks, protocol.visits,
        protocol.windows, protocol.activities, protocol.gates, protocol.facts,
    )  # fmt: skip
    same = {"SRI-4", "SLEDAI-2K", "PGA", "BILAG-2004", "LLDAS", "DORIS"}
    plain = {rule.label for group in groups for rule in group if not isinstance(rule.label, Text)}
    assert plain <= same
    assert isinstance(protocol.title, Text)


@pytest.mark.parametrize("code", SECOND)
def test_no_code_of_a_fact_reaches_a_reader(code):
    assert not [
        one
        for one in library.load_named(f"{code}@{SECOND[code]}").warnings
        if one.code in ("no-label", "no-basis")
    ]


@pytest.mark.parametrize("code", ["NCT07274059", "NCT07339332"])
def test_allogeneic_cells_are_given_and_not_given_back(code):
    labels = [rule.label.zh for rule in edition(code).visits if rule.code == "d0"]
    assert labels == ["输注"]


CONTRACEPTION = [("NCT07193667", BOTH), ("NCT07274059", BOTH), ("NCT07331467", WOMEN), ("NCT07233642", WOMEN)]


@pytest.mark.parametrize(("code", "traits"), CONTRACEPTION)
def test_contraception_is_not_for_everybody(code, traits):
    assert window(code, "contraception").applies_to == traits


def test_failure_or_recurrence_after_remission():
    rule = window("NCT07193667", "prior-treatment")
    assert "or recurrence after remission" in rule.label
    assert "progression is enough" in rule.basis.note
    assert "definition of its own" in rule.basis.note


def test_safety_is_followed_from_week_8_to_week_52():
    assert activity("NCT07193667", "safety-follow-up").visits == ("w8", "w12", "w24", "w36", "w52")


def test_one_year_without_egg_donation_is_stated_and_its_start_assumed():
    rule = window("NCT07339332", "egg-donation")
    assert (rule.starts.basis.assumed, rule.ends.basis.assumed, rule.basis.assumed) == (True, False, False)


@pytest.mark.parametrize(
    ("partners", "own"),
    [("contraception-partner", "contraception-male"), ("sperm-donation", "sperm-donation-male")],
)
def test_what_is_said_of_male_partners_is_assumed_of_male_participants(partners, own):
    said, assumed = window("NCT07339332", partners), window("NCT07339332", own)
    assert (said.basis.assumed, said.applies_to) == (False, WOMEN)
    assert (assumed.basis.assumed, assumed.applies_to) == (True, ("partner_childbearing_potential",))


def test_the_investigator_may_waive_surgery():
    assert window("NCT07339332", "surgery-free").waivable


def test_the_longer_of_three_months_and_five_half_lives_is_stated():
    rule = window("NCT07339332", "other-trial-washout")
    assert "whichever is longer" in rule.label
    assert "the longer of them; from when is not" in rule.starts.basis.note


@pytest.mark.parametrize("name", ["bleeding-free", "b-cell-drug-washout"])
def test_previous_is_not_before_screening(name):
    rule = window("NCT07339332", name)
    assert "before screening" not in rule.label
    assert {rule.starts.basis.assumed, rule.ends.basis.assumed} == {True}
    assert rule.starts.moments[0].counts_from.code == "enrolment"


def test_no_outcome_has_a_time_frame_of_28_or_90_days():
    visits = edition("NCT07331467").visit_by_code
    assert all("time frame of" not in visits[code].basis.note for code in ("d28", "d90"))
    assert "time frame is 3 months" in activity("NCT07331467", "auc").basis.note
    assert {level.basis.section for level in edition("NCT07331467").dose_levels} == {"Arms and Interventions"}


ADDED = [
    ("NCT07331467", {"hcg", "tuberculosis"}),
    ("NCT07233642", {"hcg", "tuberculosis", "malignancy-check"}),
    ("NCT07339332", {"cns-check", "car-t-check", "transplant-check", "screening-tests"}),
]


@pytest.mark.parametrize(("code", "added"), ADDED)
def test_what_was_missing_is_asked_at_screening(code, added):
    first = {rule.code for rule in library.load(code).activities}
    assert {rule.code for rule in edition(code).activities} - first == added
    assert all(activity(code, name).visits == ("screening",) for name in added)
