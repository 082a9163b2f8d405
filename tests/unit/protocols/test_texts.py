"""Texts in two languages, put together."""

from __future__ import annotations

import pytest

from trials.domain.language import Text, joined
from trials.domain.protocols.treatment_names import capital, in_sentence


def test_each_language_is_joined_by_its_own_semicolons() -> None:
    both = joined([Text("day assumed", "日期为系统默认"), "no source"])
    assert both == Text("day assumed; no source", "日期为系统默认；no source")


def test_texts_in_one_language_stay_plain() -> None:
    assert not isinstance(joined(["one", "other"]), Text)
    assert joined(["one", "other"]) == "one; other"


@pytest.mark.parametrize(
    ("label", "inside", "begins"),
    [
        ("Infusion", "infusion", "Infusion"),
        ("First dose", "first dose", "First dose"),
        ("CAR-T cells", "CAR-T cells", "CAR-T cells"),
        ("X-ray", "X-ray", "X-ray"),
        (Text("Infusion", "回输"), Text("infusion", "回输"), Text("Infusion", "回输")),
    ],
)
def test_a_label_has_no_capital_inside_a_sentence(label: str, inside: str, begins: str) -> None:
    lower = in_sentence(label)
    assert (lower, getattr(lower, "zh", "")) == (inside, getattr(inside, "zh", ""))
    assert (capital(lower), capital(lower).zh) == (begins, getattr(begins, "zh", ""))
