"""The shipped protocols against what the public records say, one golden row per rule.

Offsets are ISO 8601. The last column says where a stated value stands in its record, or why
an assumed one was taken; for stated rows the document must name that very section.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from trials.domain.protocols.protocol import (
    AtOffset,
    Basis,
    Bound,
    Conduct,
    EventAfter,
    Freshness,
    HalfLives,
    Presence,
    Protocol,
    Reference,
    ReferenceKind,
    Stay,
    Washout,
)
from trials.formats.protocols import library
from trials.formats.protocols.yaml import Loaded

TRIALS = ("NCT07193667", "NCT07274059", "NCT07339332", "NCT07331467", "NCT07233642", "CART-SLE")
WITH_CHEMOTHERAPY = {"NCT07193667", "NCT07274059", "NCT07339332", "CART-SLE"}
STATED, ASSUMED = "stated", "assumed"
CONFIRM = "confirm against your protocol"

ITEM = "Detailed description, item {}".format
DESCRIBED = "Detailed description"
DLT = "Primary outcomes, dose limited toxicity"
ELIGIBLE = "Eligibility criteria"
INCLUDED, EXCLUDED = "Eligibility criteria, inclusion", "Eligibility criteria, exclusion"
NOT_READ = "visits are not in the copy read"
BEFORE_COUNT = ("activity blood-count -P2W", "activity blood-count P0D")
NOT_SAID = "the record gives a length, not from when: enrolment"
FROM_TREATMENT = "lymphodepletion-start P0D or infusion P0D, earliest"

# code, timing, counted from, tolerance, place, basis, source or reason
VISITS = {
    "NCT07193667": [
        ("screening", "within -P28D..-P6D", "infusion", None, "clinic", STATED, ITEM(1)),
        ("ld", "each P0D..P2D", "lymphodepletion-start", None, "ward", STATED, ITEM(2)),
        ("rest", "over -P2D..-P1D", "infusion", None, "ward", STATED, ITEM(3)),
        ("d0", "at P0D", "infusion", "P0D", "ward", STATED, ITEM(4)),
        ("d4", "at P4D", "infusion", "P1D", "clinic", STATED, ITEM(4)),
        ("d7", "at P7D", "infusion", "P1D", "clinic", STATED, ITEM(4)),
        ("d10", "at P10D", "infusion", "P1D", "clinic", STATED, ITEM(4)),
        ("d14", "at P14D", "infusion", "P2D", "clinic", STATED, ITEM(4)),
        ("d21", "at P21D", "infusion", "P2D", "clinic", STATED, ITEM(4)),
        ("d28", "at P28D", "infusion", "P3D", "clinic", STATED, ITEM(4)),
        ("w8", "at P8W", "infusion", "P7D", "clinic", STATED, ITEM(4)),
        ("w12", "at P12W", "infusion", "P7D", "clinic", STATED, ITEM(4)),
        ("w24", "at P24W", "infusion", "P14D", "clinic", STATED, ITEM(5)),
        ("w36", "at P36W", "infusion", "P14D", "clinic", STATED, ITEM(5)),
        ("w52", "at P52W", "infusion", "P14D", "clinic", STATED, ITEM(5)),
    ],
    "NCT07274059": [
        ("screening", "within -P28D..-P6D", "infusion", None, "clinic", ASSUMED, "not in the record"),
        ("ld", "each P0D..P2D", "lymphodepletion-start", None, "ward", ASSUMED, "drugs stated, days not"),
        ("rest", "over -P2D..-P1D", "infusion", None, "ward", STATED, DESCRIBED),
        ("d0", "at P0D", "infusion", "P0D", "ward", STATED, DESCRIBED),
        ("d14", "at P14D", "infusion", "P2D", "clinic", STATED, DESCRIBED),
        ("d28", "at P28D", "infusion", "P3D", "clinic", STATED, DESCRIBED),
        ("m3", "at P3M", "infusion", "P7D", "clinic", STATED, DESCRIBED),
        ("m6", "at P6M", "infusion", "P14D", "clinic", STATED, DESCRIBED),
        ("m9", "at P9M", "infusion", "P14D", "clinic", STATED, DESCRIBED),
        ("m12", "at P12M", "infusion", "P14D", "clinic", STATED, DESCRIBED),
        ("m18", "at P18M", "infusion", "P14D", "clinic", STATED, DESCRIBED),
        ("m24", "at P24M", "infusion", "P14D", "clinic", STATED, DESCRIBED),
    ],
    "NCT07339332": [
        ("screening", "within -P28D..-P6D", "infusion", None, "clinic", ASSUMED, NOT_READ),
        ("ld", "each P0D..P2D", "lymphodepletion-start", None, "ward", ASSUMED, NOT_READ),
        ("rest", "over -P2D..-P1D", "infusion", None, "ward", ASSUMED, NOT_READ),
        ("d0", "at P0D", "infusion", "P0D", "ward", STATED, ELIGIBLE),
        ("d14", "at P14D", "infusion", "P2D", "clinic", ASSUMED, NOT_READ),
        ("d28", "at P28D", "infusion", "P3D", "clinic", ASSUMED, NOT_READ),
        ("m3", "at P3M", "infusion", "P7D", "clinic", ASSUMED, NOT_READ),
        ("m6", "at P6M", "infusion", "P14D", "clinic", ASSUMED, NOT_READ),
        ("m9", "at P9M", "infusion", "P14D", "clinic", ASSUMED, NOT_READ),
        ("m12", "at P12M", "infusion", "P14D", "clinic", ASSUMED, NOT_READ),
    ],
    "NCT07331467": [
        ("screening", "within -P28D..-P6D", "infusion", None, "clinic", ASSUMED, NOT_READ),
        ("collection", "at P0D", "collection", "P0D", "ward", ASSUMED, "cells are made in about 10 minutes"),
        ("d0", "at P0D", "infusion", "P0D", "ward", STATED, "Outcomes"),
        ("d28", "at P28D", "infusion", "P3D", "clinic", ASSUMED, "outcome AUC28d"),
        ("d90", "at P90D", "infusion", "P7D", "clinic", ASSUMED, "outcome AUC90d"),
        ("m3", "at P3M", "infusion", "P7D", "clinic", ASSUMED, "outcomes at 3 months"),
        ("m6", "at P6M", "infusion", "P14D", "clinic", ASSUMED, "outcomes at 6 months"),
    ],
    "NCT07233642": [
        ("screening", "within -P28D..-P6D", "infusion", None, "clinic", ASSUMED, NOT_READ),
        ("d0", "at P0D", "infusion", "P0D", "ward", STATED, ELIGIBLE),
        ("d14", "at P14D", "infusion", "P2D", "clinic", ASSUMED, NOT_READ),
        ("d28", "at P28D", "infusion", "P3D", "clinic", ASSUMED, NOT_READ),
        ("m3", "at P3M", "infusion", "P7D", "clinic", ASSUMED, NOT_READ),
        ("m6", "at P6M", "infusion", "P14D", "clinic", ASSUMED, NOT_READ),
        ("m12", "at P12M", "infusion", "P14D", "clinic", ASSUMED, NOT_READ),
    ],
    "CART-SLE": [
        ("screening", "within -P28D..-P6D", "infusion", None, "clinic", ASSUMED, CONFIRM),
        ("ld", "each P0D..P2D", "lymphodepletion-start", None, "ward", ASSUMED, CONFIRM),
        ("rest", "over -P2D..-P1D", "infusion", None, "ward", ASSUMED, CONFIRM),
        ("d0", "at P0D", "infusion", "P0D", "ward", ASSUMED, CONFIRM),
        ("d14", "at P14D", "infusion", "P2D", "clinic", ASSUMED, CONFIRM),
        ("d28", "at P28D", "infusion", "P3D", "clinic", ASSUMED, CONFIRM),
        ("m3", "at P3M", "infusion", "P7D", "clinic", ASSUMED, CONFIRM),
        ("m6", "at P6M", "infusion", "P14D", "clinic", ASSUMED, CONFIRM),
        ("m9", "at P9M", "infusion", "P14D", "clinic", ASSUMED, CONFIRM),
        ("m12", "at P12M", "infusion", "P14D", "clinic", ASSUMED, CONFIRM),
        ("m18", "at P18M", "infusion", "P14D", "clinic", ASSUMED, CONFIRM),
        ("m24", "at P24M", "infusion", "P14D", "clinic", ASSUMED, CONFIRM),
    ],
}

# code, kind, starts, ends, assumed as a whole or at an end, traits, source or reason
BIRTH, PARTNERS = ("childbearing_potential",), ("childbearing_potential", "partner_childbearing_potential")
WINDOWS = {
    "NCT07193667": [
        ("hcg-before-enrolment", "freshness", "enrolment -P7D", "enrolment P0D", STATED, BIRTH, ELIGIBLE),
        ("csf-washout", "washout", *BEFORE_COUNT, STATED, (), ELIGIBLE),
        ("immunosuppressant-washout", "washout", "enrolment -5 half-lives of immunosuppressant",
         "enrolment P0D", STATED, (), ELIGIBLE),
        ("biologic-washout", "washout", "enrolment -5 half-lives of biologic",
         "enrolment P0D", STATED, (), ELIGIBLE),
        ("other-trial-washout", "washout", "enrolment -P3M", "enrolment P0D", STATED, (), ELIGIBLE),
        ("malignancy-washout", "washout", "enrolment -P5Y", "enrolment P0D", ASSUMED, (), NOT_SAID),
        ("prior-treatment", "conduct", "enrolment -P6M", "enrolment P0D", ASSUMED, (), NOT_SAID),
        ("contraception", "conduct", FROM_TREATMENT, "infusion P6M", ASSUMED, (),
         "'during and after' is ambiguous"),
    ],
    "NCT07274059": [
        ("hospital-stay", "stay", "infusion P0D", "infusion P7D", STATED, (), DESCRIBED),
        ("stay-near-site", "presence", "infusion P0D", "infusion P28D", STATED, (), DESCRIBED),
        ("dlt-observation", "observation", "infusion P0D", "infusion P28D", STATED, (), DLT),
        ("ae-observation", "observation", "infusion P0D", "infusion P3M", STATED, (), DESCRIBED),
        ("hcg-before-enrolment", "freshness", "enrolment -P7D", "enrolment P0D", STATED, BIRTH, INCLUDED),
        ("csf-washout", "washout", *BEFORE_COUNT, STATED, (), INCLUDED),
        ("immunosuppressant-washout", "washout", "enrolment -5 half-lives of immunosuppressant",
         "enrolment P0D", STATED, (), EXCLUDED),
        ("biologic-washout", "washout", "enrolment -P4W", "enrolment P0D", STATED, (), EXCLUDED),
        ("malignancy-washout", "washout", "enrolment -P5Y", "enrolment P0D", ASSUMED, (), NOT_SAID),
        ("prior-treatment", "conduct", "enrolment -P3M", "enrolment P0D", ASSUMED, (), NOT_SAID),
        ("contraception", "conduct", FROM_TREATMENT, "infusion P6M", ASSUMED, (),
         "the end of study treatment is read as the infusion"),
    ],
    "NCT07339332": [
        ("hcg-screening", "freshness", "screening P0D", "infusion -P6D", ASSUMED, BIRTH,
         "at screening is read as the screening period"),
        ("hcg-before-lymphodepletion", "freshness", "lymphodepletion-start -PT48H",
         "lymphodepletion-start PT0H", STATED, BIRTH, ELIGIBLE),
        ("contraception", "conduct", "lymphodepletion-start -P28D", "infusion P1Y", ASSUMED, BIRTH,
         "'self-cleaning' is read as lymphodepletion"),
        ("contraception-partner", "conduct", "lymphodepletion-start P0D", "infusion P1Y", ASSUMED, PARTNERS,
         "from the start of it; 'their male partners' is ambiguous"),
        ("egg-donation", "conduct", FROM_TREATMENT, "infusion P1Y", ASSUMED, BIRTH,
         "within 1 year, of what is not said"),
        ("sperm-donation", "conduct", "screening P0D", "visit m12 P0D", ASSUMED, PARTNERS,
         "the entire study is read as from screening to the last visit"),
        ("lvef-before-screening", "freshness", "screening -P8W", "screening P0D", STATED, (), ELIGIBLE),
        ("infection-free", "washout", "screening -P2W", "screening P0D", STATED, (), ELIGIBLE),
        ("sle-history", "conduct", "enrolment -P6M", "enrolment P0D", ASSUMED, (), NOT_SAID),
        ("prior-treatment", "conduct", "screening -P3M", "screening P0D", STATED, (), ELIGIBLE),
        ("stable-dose", "conduct", "screening -P2W", "screening P0D", ASSUMED, (),
         "read as before screening"),
        ("nephritis-free", "washout", "enrolment -P2M", "enrolment P0D", ASSUMED, (), NOT_SAID),
        ("apheresis-dialysis-free", "washout", "enrolment -P30D", "enrolment P0D", ASSUMED, (), NOT_SAID),
        ("lupus-crisis-free", "washout", "enrolment -P30D", "enrolment P0D", ASSUMED, (), NOT_SAID),
        ("bleeding-free", "washout", "screening -P30D", "screening P0D", STATED, (), ELIGIBLE),
        ("cardiovascular-free", "washout", "screening -P30D", "screening P0D", STATED, (), ELIGIBLE),
        ("b-cell-drug-washout", "washout", "screening -P3M", "screening P0D", STATED, (), ELIGIBLE),
        ("immunosuppressant-washout", "washout", "infusion -P2W", "infusion P0D", STATED, (), ELIGIBLE),
        ("jak-inhibitor-washout", "washout", "infusion -P2W", "infusion P0D", STATED, (), ELIGIBLE),
        ("steroid-check", "conduct", "infusion -P2W", "infusion P0D", ASSUMED, (), "the wording is unclear"),
        ("vaccine-washout", "washout", "screening -P1M", "screening P0D", STATED, (), ELIGIBLE),
        ("malignancy-washout", "washout", "consent -P2Y", "consent P0D", STATED, (), ELIGIBLE),
        ("surgery-free", "washout", "consent -P4W", "visit m12 P0D", ASSUMED, (),
         "nor planned during the study: read as to the last visit"),
        ("other-trial-washout", "washout",
         "enrolment -P3M or enrolment -5 half-lives of investigational-product, earliest", "enrolment P0D",
         ASSUMED, (), "3 months or 5 half-lives, not said which: the longer"),
        ("suicidal-thoughts-free", "washout", "enrolment -P6M", "enrolment P0D", ASSUMED, (), NOT_SAID),
        ("suicidal-behaviour-free", "washout", "enrolment -P12M", "enrolment P0D", ASSUMED, (), NOT_SAID),
    ],
    "NCT07331467": [
        ("contraception", "conduct", "infusion P0D", "infusion P1Y", ASSUMED, (), "the start is not said"),
        ("prior-treatment", "conduct", "enrolment -P3M", "enrolment P0D", ASSUMED, (), NOT_SAID),
        ("cns-lupus-free", "washout", "enrolment -P30D", "enrolment P0D", ASSUMED, (), NOT_SAID),
        ("infarction-free", "washout", "screening -P6M", "screening P0D", STATED, (), ELIGIBLE),
        ("infection-free", "washout", "screening -P3M", "screening P0D", STATED, (), ELIGIBLE),
        ("transplant-free", "washout", "screening -P3M", "screening P0D", STATED, (), ELIGIBLE),
        ("gvhd-free", "washout", "screening -P2W", "screening P0D", STATED, (), ELIGIBLE),
        ("live-vaccine-washout", "washout", "screening -P4W", "screening P0D", STATED, (), ELIGIBLE),
        ("other-trial-washout", "washout", "screening -P3M", "screening P0D", STATED, (), ELIGIBLE),
        ("malignancy-washout", "washout", "enrolment -P5Y", "enrolment P0D", ASSUMED, (), NOT_SAID),
    ],
    "NCT07233642": [
        ("contraception", "conduct", "infusion P0D", "infusion P1Y", STATED, (), ELIGIBLE),
        ("prior-treatment", "conduct", "enrolment -P3M", "enrolment P0D", ASSUMED, (), NOT_SAID),
        ("cns-lupus-free", "washout", "enrolment -P60D", "enrolment P0D", ASSUMED, (), NOT_SAID),
        ("renal-replacement-free", "washout", "infusion -P3M", "infusion P0D", STATED, (), ELIGIBLE),
        ("infection-free", "washout", "screening -P3M", "screening P0D", STATED, (), ELIGIBLE),
        ("transplant-free", "washout", "screening -P3M", "screening P0D", STATED, (), ELIGIBLE),
        ("gvhd-free", "washout", "screening -P2W", "screening P0D", STATED, (), ELIGIBLE),
        ("mas-free", "washout", "screening -P1M", "screening P0D", STATED, (), ELIGIBLE),
        ("live-vaccine-washout", "washout", "screening -P4W", "screening P0D", STATED, (), ELIGIBLE),
        ("other-trial-washout", "washout", "screening -P3M", "screening P0D", STATED, (), ELIGIBLE),
        ("comes-of-age", "event-after", None, None, ASSUMED, ("minor",), "usual, not in the record"),
    ],
    "CART-SLE": [
        ("hospital-stay", "stay", "infusion P0D", "infusion P7D", ASSUMED, (), CONFIRM),
        ("stay-near-site", "presence", "infusion P0D", "infusion P28D", ASSUMED, (), CONFIRM),
        ("dlt-observation", "observation", "infusion P0D", "infusion P28D", ASSUMED, (), CONFIRM),
    ],
}  # fmt: skip

# code, follows which anchor by how much, basis, trials, reason
ALL = set(TRIALS)
ANCHORS = [
    ("consent", None, None, ALL, "nothing tells it"),
    ("screening", "infusion -P28D", ASSUMED, ALL, "the first day of the range until the visit is performed"),
    ("enrolment", "infusion -P6D", ASSUMED, ALL, "the last day of screening until it is set"),
    ("lymphodepletion-start", "infusion -P5D", STATED, {"NCT07193667"}, ITEM(2)),
    ("lymphodepletion-start", "infusion -P5D", ASSUMED, WITH_CHEMOTHERAPY - {"NCT07193667"}, "days not said"),
    ("collection", "infusion P0D", ASSUMED, {"NCT07331467"}, "cells are made in about 10 minutes"),
    ("infusion", None, None, ALL, "day 0"),
]

# version, number of participants, planned end, reason
FRAMES = {
    "NCT07193667": ("2025-09-26", 3, date(2027, 12, 31), "2025-10-31 to 2027-12-31"),
    "NCT07274059": ("2025-12-10", 48, date(2037, 12, 31), "completion, not primary completion in 2035"),
    "NCT07339332": ("2026-01-14", 12, date(2027, 12, 31), "2026-01-16 to 2027-12-31"),
    "NCT07331467": ("2026-01-12", 18, date(2028, 8, 31), "2028-08, the month only: its last day"),
    "NCT07233642": ("2026-01-31", None, None, "not in the copy read"),
    "CART-SLE": ("1", None, None, "no record"),
}


@pytest.fixture(scope="module")
def loaded() -> dict[str, Loaded]:
    """Every shipped document by its code, with its warnings."""
    return {code: library.load_named(code) for code in library.codes()}


@pytest.fixture(scope="module")
def protocols(loaded) -> dict[str, Protocol]:
    """Every shipped protocol by its code."""
    return {code: document.protocol for code, document in loaded.items()}


def rows(tables: dict[str, list[tuple]]) -> list:
    """The rows of all trials, each with its trial in front and a readable name."""
    return [
        pytest.param(trial, row, id=f"{trial}-{row[0]}") for trial, table in tables.items() for row in table
    ]


def said(reference: Reference) -> str:
    """An anchor by its bare code; a visit or activity with the word in front."""
    return reference.code if reference.kind is ReferenceKind.ANCHOR else f"{reference.kind} {reference.code}"


def length(offset) -> str:
    """An offset as ISO 8601, half-lives in words."""
    return f"{offset.count} half-lives of {offset.drug}" if isinstance(offset, HalfLives) else offset.iso


def end(bound: Bound | None) -> str | None:
    """One end of a window as the tables write it."""
    if bound is None:
        return None
    moments = " or ".join(f"{said(m.counts_from)} {length(m.offset)}" for m in bound.moments)
    return f"{moments}, {bound.pick}" if len(bound.moments) > 1 else moments


def timing(rule) -> str:
    """A visit's timing as the tables write it."""
    if isinstance(rule.timing, AtOffset):
        return f"at {rule.timing.offset.iso}"
    return f"{rule.timing.kind} {rule.timing.first.iso}..{rule.timing.last.iso}"


def bases(protocol: Protocol) -> Iterator[Basis]:
    """Every basis in a protocol."""
    for anchor in protocol.anchors:
        if anchor.derived:
            yield anchor.derived.basis
    for rule in protocol.visits:
        yield rule.basis
        if isinstance(rule.timing, AtOffset):
            yield rule.timing.tolerance.basis
    for window in protocol.windows:
        yield window.basis
        yield from (bound.basis for bound in (window.starts, window.ends) if bound)
    yield from (item.basis for item in (*protocol.activities, *protocol.dose_levels, *protocol.gates))


def test_the_library_holds_six_trials_under_their_codes(protocols):
    assert set(library.codes()) == ALL
    assert {code: protocol.trial for code, protocol in protocols.items()} == {code: code for code in ALL}


def test_an_unknown_code_is_refused_with_the_possible_ones():
    for name in ("NCT00000000", "../library/CART-SLE", ""):
        with pytest.raises(library.UnknownTrial) as refused:
            library.path(name)
        assert repr(name) in str(refused.value)
        assert "CART-SLE, NCT07193667" in str(refused.value)


def test_a_document_is_named_by_its_code_or_its_path(loaded, tmp_path: Path):
    copy = tmp_path / "mine.yaml"
    copy.write_bytes(library.path("CART-SLE").read_bytes())
    assert library.load_named(str(copy)) == loaded["CART-SLE"]
    assert library.load("CART-SLE") == loaded["CART-SLE"].protocol
    with pytest.raises(library.UnknownTrial, match="unknown trial"):
        library.load_named(str(tmp_path))


# what validation wonders about in each document, reason
UNUSED = ["unused-trait"]
WARNINGS = [
    ("NCT07193667", UNUSED, "no window asks for a partner's potential"),
    ("NCT07274059", UNUSED, "contraception is shown for everybody"),
    ("NCT07339332", [], "all traits are used"),
    (
        "NCT07331467",
        ["overlapping-windows", *UNUSED * 2],
        "d90 and m3, each inferred from an outcome",
    ),
    ("NCT07233642", UNUSED * 2, "contraception is shown for everybody"),
    ("CART-SLE", UNUSED * 2, "ready for the windows of one's own protocol"),
]


@pytest.mark.parametrize(("trial", "expected", "reason"), WARNINGS)
def test_no_warnings_but_those_we_know_of(loaded, trial, expected, reason):
    assert sorted(warning.code for warning in loaded[trial].warnings) == expected


@pytest.mark.parametrize("trial", TRIALS)
def test_visits_and_windows_in_the_order_of_the_tables(protocols, trial):
    assert [rule.code for rule in protocols[trial].visits] == [row[0] for row in VISITS[trial]]
    assert [rule.code for rule in protocols[trial].windows] == [row[0] for row in WINDOWS[trial]]


@pytest.mark.parametrize(("trial", "row"), rows(VISITS))
def test_visit(protocols, trial, row):
    code, when, anchor, tolerance, place, basis, reason = row
    rule = protocols[trial].visit_by_code[code]
    assert (timing(rule), said(rule.counts_from), rule.place, rule.basis.kind) == (when, anchor, place, basis)
    if basis == STATED:
        assert rule.basis.section == reason
    if isinstance(rule.timing, AtOffset):
        given = rule.timing.tolerance
        assert (given.before.iso, given.after.iso) == (tolerance, tolerance)
        assert given.basis.assumed, "no record says a tolerance"
        assert rule.timing.repeat is None
    else:
        assert tolerance is None


@pytest.mark.parametrize(("trial", "row"), rows(WINDOWS))
def test_window(protocols, trial, row):
    code, kind, starts, ends, basis, traits, reason = row
    rule = next(window for window in protocols[trial].windows if window.code == code)
    assert (rule.kind, end(rule.starts), end(rule.ends)) == (kind, starts, ends)
    assert rule.assumed == (basis == ASSUMED)
    assert rule.applies_to == traits
    if basis == STATED:
        assert {item.section for item in (rule.basis, rule.starts.basis, rule.ends.basis)} == {reason}


@pytest.mark.parametrize(("code", "derived", "basis", "trials", "reason"), ANCHORS)
def test_anchor(protocols, code, derived, basis, trials, reason):
    for trial in trials:
        rule = protocols[trial].anchor_by_code[code]
        follows = rule.derived and f"{rule.derived.anchor} {rule.derived.offset.iso}"
        assert (follows, rule.derived and rule.derived.basis.kind) == (derived, basis)
    named = {trial for other, *_, trials, _ in ANCHORS if other == code for trial in trials}
    assert {trial for trial, protocol in protocols.items() if code in protocol.anchor_by_code} == named


@pytest.mark.parametrize("trial", TRIALS)
def test_anchors_keep_their_order(protocols, trial):
    codes = [anchor.code for anchor in protocols[trial].anchors]
    assert [list(anchor.not_after) for anchor in protocols[trial].anchors] == [
        codes[place + 1 :] for place in range(len(codes))
    ]
    assert protocols[trial].anchor_by_code["screening"].derived.visit == "screening"
    assert protocols[trial].day_zero == "infusion"


@pytest.mark.parametrize("trial", TRIALS)
def test_the_point_of_no_return_is_the_first_chemotherapy_or_without_it_the_infusion(protocols, trial):
    marked = [anchor.code for anchor in protocols[trial].anchors if anchor.point_of_no_return]
    assert marked == ["lymphodepletion-start" if trial in WITH_CHEMOTHERAPY else "infusion"]


@pytest.mark.parametrize("trial", TRIALS)
def test_conditioning_is_one_block_where_there_is_chemotherapy(protocols, trial):
    block = [rule.code for rule in protocols[trial].visits if rule.block == "conditioning"]
    assert block == (["ld", "rest", "d0"] if trial in WITH_CHEMOTHERAPY else [])


@pytest.mark.parametrize("trial", TRIALS)
def test_frame(protocols, trial):
    version, number, planned_end, _ = FRAMES[trial]
    protocol = protocols[trial]
    assert (protocol.version, protocol.planned_number, protocol.planned_end) == (version, number, planned_end)
    assert [source.dated.isoformat() for source in protocol.sources] == [version] * (trial != "CART-SLE")
    assert protocol.hold is None, "no record says how long the infusion may wait"
    assert (protocol.zone, protocol.day_count, protocol.month) == ("Asia/Shanghai", "0", "calendar")


@pytest.mark.parametrize("trial", TRIALS)
def test_traits(protocols, trial):
    traits = {trait.code: trait.always for trait in protocols[trial].traits}
    assert {"childbearing_potential", "partner_childbearing_potential"} <= set(traits)
    assert traits.get("lymphodepletion") == (
        trial != "NCT07274059" if trial in WITH_CHEMOTHERAPY else None
    ), "optional only in NCT07274059"
    assert ("minor" in traits) == (trial == "NCT07233642")


def test_lymphodepletion_is_a_choice_in_one_trial_only(protocols):
    bound = {
        (trial, item.code)
        for trial, protocol in protocols.items()
        for item in (*protocol.anchors, *protocol.visits, *protocol.activities)
        if item.applies_to == ("lymphodepletion",)
    }
    codes = {"lymphodepletion-start", "ld", "rest", "lymphodepletion"}
    assert bound == {("NCT07274059", code) for code in codes}


@pytest.mark.parametrize("trial", TRIALS)
def test_what_is_stated_names_a_source_and_a_section_and_what_is_assumed_says_why(protocols, trial):
    for basis in bases(protocols[trial]):
        if basis.assumed:
            assert basis.note
        else:
            assert basis.section
            assert basis.source in protocols[trial].source_by_code


def test_everything_in_the_template_is_assumed(protocols):
    assert {(basis.kind, basis.note) for basis in bases(protocols["CART-SLE"])} == {(ASSUMED, CONFIRM)}


TERMS = [
    ("NCT07274059", "stay-near-site", Presence(120), "within 2 hours of the facility"),
    ("NCT07274059", "hospital-stay", Stay(leave_on_last_day=True), "a discharge at any hour of D7 keeps it"),
    ("CART-SLE", "stay-near-site", Presence(120), "as in the record above"),
    ("CART-SLE", "hospital-stay", Stay(leave_on_last_day=True), "as in the record above"),
    ("NCT07339332", "hcg-before-lymphodepletion", Freshness("hcg", "negative"), "serum beta-hCG negative"),
    ("NCT07339332", "lvef-before-screening", Freshness("echocardiography", "LVEF at least 50%"),
     "by echocardiography"),
    ("NCT07339332", "vaccine-washout", Washout(("live-vaccine", "inactivated-vaccine", "rna-vaccine")),
     "all three"),
    ("NCT07339332", "apheresis-dialysis-free", Washout(("plasma-exchange", "plasma-separation", "dialysis")),
     "all three"),
    ("NCT07339332", "steroid-check", Conduct("steroid check by the investigator", ("d0",)),
     "nothing is forbidden"),
    ("NCT07331467", "transplant-free", Washout(("stem-cell-transplant",)), "stem cells only"),
    ("NCT07233642", "transplant-free", Washout(("organ-transplant", "stem-cell-transplant")),
     "organs as well"),
    ("NCT07233642", "comes-of-age", EventAfter("consent-again", 18), "of age at 18"),
]  # fmt: skip


@pytest.mark.parametrize(("trial", "code", "terms", "reason"), TERMS)
def test_terms(protocols, trial, code, terms, reason):
    assert next(window.terms for window in protocols[trial].windows if window.code == code) == terms


def test_only_the_activation_syndrome_may_be_waived(protocols):
    waivable = [(trial, w.code) for trial, found in protocols.items() for w in found.windows if w.waivable]
    assert waivable == [("NCT07233642", "mas-free")]


def test_dose_levels_from_the_low_one_up_in_the_one_record_that_names_them(protocols):
    levels = {
        trial: [dose.label for dose in p.dose_levels] for trial, p in protocols.items() if p.dose_levels
    }
    assert levels == {"NCT07331467": ["1.5×10^5/kg", "5×10^5/kg", "10×10^5/kg"]}


def test_the_observation_gates_the_next_participant_and_is_assumed_to(protocols):
    gates = {trial: [(g.before, g.observation) for g in p.gates] for trial, p in protocols.items() if p.gates}
    assert gates == {trial: [("participant", "dlt-observation")] for trial in ("NCT07274059", "CART-SLE")}


def test_the_record_that_contradicts_itself_says_so(protocols):
    conflicts = {trial: protocol.conflicts for trial, protocol in protocols.items() if protocol.conflicts}
    assert set(conflicts) == {"NCT07274059"}
    (conflict,) = conflicts["NCT07274059"]
    assert conflict.about == "ae-observation"
    assert [re.findall(r"\d months", text) for text in conflict.statements] == [["3 months"], ["2 months"]]


# activity, visits, reason
ACTIVITIES = [
    ("NCT07193667", "eligibility", "screening", "item 1"),
    ("NCT07193667", "blood-count", "screening", "colony-stimulating factors are counted back from it"),
    ("NCT07193667", "fc-regimen", "ld", "item 2"),
    ("NCT07193667", "rest-examinations", "rest", "item 3"),
    ("NCT07193667", "safety", "d0 d4 d7 d10 d14 d21 d28", "item 4"),
    ("NCT07193667", "efficacy", "d14 d28 w8 w12 w24 w36 w52", "items 4 and 5"),
    ("NCT07193667", "safety-follow-up", "w24 w36 w52", "item 5, to week 52"),
    ("NCT07274059", "blood-count", "screening", "colony-stimulating factors are counted back from it"),
    ("NCT07274059", "car-t-levels", "d14 d28", "an outcome to 2 months"),
    ("NCT07274059", "efficacy", "d14 d28 m3 m6 m9 m12 m18 m24", "outcomes to 2 years"),
    ("NCT07339332", "echocardiography", "screening", "the 8 weeks before screening"),
    ("NCT07331467", "auc", "d28 d90", "AUC28d and AUC90d"),
    ("NCT07331467", "safety", "m3", "3 months"),
    ("NCT07331467", "sledai-2k", "m6", "6 months"),
]


@pytest.mark.parametrize(("trial", "code", "visits", "reason"), ACTIVITIES)
def test_activity(protocols, trial, code, visits, reason):
    found = next(activity for activity in protocols[trial].activities if activity.code == code)
    assert " ".join(found.visits) == visits


def test_only_screening_is_repeated_when_expired_and_that_is_assumed(protocols):
    for protocol in protocols.values():
        for activity in protocol.activities:
            assert activity.repeat_when_expired == (activity.visits == ("screening",))
            assert activity.basis.assumed or not activity.repeat_when_expired


def test_unscheduled_visits_only_where_the_record_allows_them(protocols):
    assert {trial: p.unscheduled_epochs for trial, p in protocols.items() if p.unscheduled_epochs} == {
        "NCT07193667": ("follow-up",)
    }


@pytest.mark.parametrize("trial", TRIALS)
def test_the_page_on_the_trials_names_every_rule(trial):
    page = (Path(__file__).parents[3] / "docs" / "trials.md").read_text(encoding="utf-8")
    section = page.split(f"\n## {trial}")[1].split("\n## ")[0]
    for code, *_ in (*VISITS[trial], *WINDOWS[trial]):
        assert f"`{code}`" in section or f"`{code}-" in section
