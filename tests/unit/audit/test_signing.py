"""A signature speaks of exactly what was signed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from trials.domain.audit.signing import (
    FIRST_FORM,
    Change,
    How,
    Proof,
    Standing,
    canonical_text,
    changes_since,
    content_digest,
    digest_of,
    form_of,
    numbered,
    standing,
)

SIGNED: dict[str, Any] = {
    "site": "WH",
    "visits": [{"code": "d28", "target": "2027-01-04"}, {"code": "m3", "target": "2027-03-07"}],
}
MOVED = {**SIGNED, "visits": [{"code": "d28", "target": "2027-01-05"}, SIGNED["visits"][1]]}
GONE = {**SIGNED, "visits": SIGNED["visits"][:1]}


@pytest.mark.parametrize(
    ("now", "expected", "why"),
    [
        (SIGNED, Standing.STANDS, "nothing changed"),
        (dict(reversed(SIGNED.items())), Standing.STANDS, "the order of keys says nothing"),
        (MOVED, Standing.VOID, "a day moved"),
        (GONE, Standing.VOID, "a visit is gone"),
        ({**SIGNED, "note": ""}, Standing.VOID, "something was added"),
    ],
)
def test_a_signature_is_bound_to_the_content_and_void_after_an_edit(now, expected, why) -> None:
    text = canonical_text(SIGNED)
    assert standing(text, digest_of(text), content_digest(now)) is expected, why


def test_a_signature_whose_text_was_exchanged_is_void() -> None:
    other = canonical_text(MOVED)
    assert standing(other, content_digest(SIGNED), content_digest(SIGNED)) is Standing.VOID


@pytest.mark.parametrize(
    ("now", "changes"),
    [
        (SIGNED, []),
        (MOVED, [Change("visits[d28].target", "2027-01-04", "2027-01-05")]),
        (GONE, [Change("visits[m3].code", "m3", "–"), Change("visits[m3].target", "2027-03-07", "–")]),
    ],
)
def test_what_changed_since_is_named(now, changes) -> None:
    assert list(changes_since(SIGNED, now)) == changes


NOW = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("user", "age", "holds", "why"),
    [
        (1, timedelta(0), True, "just proved"),
        (1, timedelta(minutes=5), True, "the last moment"),
        (1, timedelta(minutes=5, seconds=1), False, "too long ago"),
        (1, timedelta(seconds=-1), False, "from the future"),
        (2, timedelta(0), False, "somebody else's"),
    ],
)
def test_a_proof_is_of_one_account_and_for_a_few_minutes(user, age, holds, why) -> None:
    assert Proof(user, How.PASSWORD, NOW - age).holds_for(1, NOW) is holds, why


def test_texts_that_look_alike_have_one_digest() -> None:
    assert content_digest({"name": "é"}) == content_digest({"name": "é"})


@pytest.mark.parametrize(
    ("text", "form", "why"),
    [
        (canonical_text(numbered(SIGNED, FIRST_FORM)), FIRST_FORM, "the first form has no number"),
        (canonical_text(numbered(SIGNED, 3)), 3, "a later one has"),
        ('{"form": "three"}', FIRST_FORM, "a number is none in words"),
        ("[]", FIRST_FORM, "no object"),
        ("x", FIRST_FORM, "no JSON"),
    ],
)
def test_a_signed_text_says_in_which_form_it_is(text, form, why) -> None:
    assert form_of(text) == form, why


def test_the_first_form_is_signed_as_it_was_before_there_were_numbers() -> None:
    assert numbered(SIGNED, FIRST_FORM) == SIGNED
