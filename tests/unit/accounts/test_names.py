"""Which names an account can have."""

from __future__ import annotations

import pytest

from trials.domain.accounts.accounts import NameNotFit, ReasonMissing, fit_name, fit_reason


@pytest.mark.parametrize(
    ("given", "kept", "why"),
    [
        ("coordinator", "coordinator", "letters"),
        (" Li.Wei ", "Li.Wei", "blanks around it are a slip; capitals are kept as given"),
        ("li-wei_2@wh", "li-wei_2@wh", "digits and signs between"),
        ("x" * 150, "x" * 150, "as long as can be stored"),
    ],
)
def test_a_name_that_fits(given: str, kept: str, why: str) -> None:
    assert fit_name(given) == kept, why


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("", "nothing"),
        ("   ", "only blanks"),
        ("-x", "a sign first looks like an option"),
        ("a b", "a blank inside"),
        ("李伟", "both databases must tell names apart alike"),
        ("Wéi", "the same for accents"),
        ("а" + "dmin", "a Cyrillic letter that looks Latin"),
        ("x" * 151, "longer than can be stored"),
    ],
)
def test_a_name_that_does_not(given: str, why: str) -> None:
    with pytest.raises(NameNotFit) as refused:
        fit_name(given)
    assert "Latin letters" in str(refused.value), why


@pytest.mark.parametrize("reason", ["", " ", "\n"])
def test_a_reason_says_something(reason: str) -> None:
    with pytest.raises(ReasonMissing, match="coordinator"):
        fit_reason(reason, "coordinator")


def test_blanks_around_a_reason_are_no_part_of_it() -> None:
    assert fit_reason(" left ", "coordinator") == "left"
