"""Where a consent stands on 21 November 2026."""

from __future__ import annotations

from datetime import date

import pytest

from participants.domain.consents import (
    ConsentState,
    FormEdition,
    GivenConsent,
    asks_first,
    refusals_of_consent,
    refusals_of_correction,
    refusals_of_withdrawal,
    standing_of,
)

TODAY = date(2026, 11, 21)
FIRST = FormEdition(1, "1.0", date(2026, 1, 1))
PLAIN = FormEdition(2, "1.1", date(2026, 6, 1))
AGAIN = FormEdition(3, "2.0", date(2026, 10, 1), consent_again=True)
TO_COME = FormEdition(4, "3.0", date(2026, 12, 1), consent_again=True)
ALL = (FIRST, PLAIN, AGAIN, TO_COME)
MARCH, NOVEMBER = date(2026, 3, 1), date(2026, 11, 2)


@pytest.mark.parametrize(
    ("given", "editions", "state", "asked_by", "why"),
    [
        ([], ALL, ConsentState.MISSING, None, "nothing is on record"),
        ([GivenConsent(1, MARCH)], ALL[:2], ConsentState.GIVEN, None, "1.1 asks nobody again"),
        ([GivenConsent(1, MARCH)], ALL, ConsentState.AGAIN, "2.0", "2.0 asks everybody again"),
        ([GivenConsent(1, MARCH), GivenConsent(3, NOVEMBER)], ALL, ConsentState.GIVEN, None, "done"),
        ([GivenConsent(1, MARCH)], (FIRST, TO_COME), ConsentState.GIVEN, None, "3.0 is not used yet"),
        ([GivenConsent(1, MARCH, NOVEMBER)], ALL, ConsentState.WITHDRAWN, None, "withdrawn"),
        ([GivenConsent(1, MARCH, TODAY)], ALL, ConsentState.WITHDRAWN, None, "taken back today"),
        ([GivenConsent(1, date(2026, 11, 22))], ALL, ConsentState.MISSING, None, "tomorrow's counts not"),
        (
            [GivenConsent(1, MARCH, date(2026, 5, 1)), GivenConsent(3, NOVEMBER)],
            ALL,
            ConsentState.GIVEN,
            None,
            "given anew after it was withdrawn",
        ),
    ],
)
def test_re_consent_needed_and_done(given, editions, state, asked_by, why) -> None:
    standing = standing_of(given, editions, TODAY)
    assert standing.state is state, why
    assert (standing.asked_by.version if standing.asked_by else None) == asked_by, why


@pytest.mark.parametrize(
    ("form", "on", "given", "anchor", "fields"),
    [
        (FIRST, MARCH, [], None, []),
        (FIRST, MARCH, [], MARCH, []),
        (FIRST, MARCH, [], NOVEMBER, ["signed_on"]),
        (AGAIN, NOVEMBER, [GivenConsent(1, MARCH)], MARCH, []),
        (AGAIN, MARCH, [GivenConsent(1, MARCH)], MARCH, ["signed_on"]),
        (FIRST, NOVEMBER, [GivenConsent(1, MARCH)], MARCH, ["form"]),
        (TO_COME, date(2026, 12, 2), [], None, ["signed_on"]),
    ],
    ids=["first", "as the anchor says", "another day than the anchor", "again", "before it was used",
         "twice", "in the future"],
)  # fmt: skip
def test_a_consent_that_cannot_have_been_given_is_refused(form, on, given, anchor, fields) -> None:
    refusals = list(refusals_of_consent(form, on, given, anchor, TODAY))
    assert [each.field for each in refusals] == fields
    assert all(each.message % each.values for each in refusals)


@pytest.mark.parametrize(
    ("given", "on", "fields"),
    [
        ([GivenConsent(1, MARCH)], MARCH, []),
        ([GivenConsent(1, MARCH)], date(2026, 2, 28), ["withdrawn_on"]),
        ([GivenConsent(1, MARCH)], date(2026, 11, 22), ["withdrawn_on"]),
        ([], TODAY, [""]),
        ([GivenConsent(1, MARCH, NOVEMBER)], TODAY, [""]),
    ],
)
def test_a_withdrawal_that_cannot_have_been_is_refused(given, on, fields) -> None:
    refusals = list(refusals_of_withdrawal(given, on, TODAY))
    assert [each.field for each in refusals] == fields
    assert all(each.message % each.values for each in refusals)


@pytest.mark.parametrize(
    ("form", "right", "others", "infused", "fields"),
    [
        (FIRST, GivenConsent(1, MARCH), [], None, []),
        (FIRST, GivenConsent(1, MARCH), [], MARCH, []),
        (FIRST, GivenConsent(1, NOVEMBER), [], MARCH, ["signed_on"]),
        (AGAIN, GivenConsent(3, NOVEMBER), [GivenConsent(1, MARCH)], MARCH, []),
        (AGAIN, GivenConsent(3, MARCH), [], None, ["signed_on"]),
        (FIRST, GivenConsent(1, MARCH), [GivenConsent(1, MARCH)], None, ["form"]),
        (FIRST, GivenConsent(1, date(2026, 12, 2)), [], None, ["signed_on"]),
        (FIRST, GivenConsent(1, NOVEMBER, MARCH), [], None, ["withdrawn_on"]),
        (FIRST, GivenConsent(1, MARCH, date(2026, 12, 2)), [], None, ["withdrawn_on"]),
    ],
    ids=["another day", "consent on the day of the infusion", "infused before", "an earlier consent stands",
         "before it was used", "twice", "in the future", "withdrawn before", "withdrawn in the future"],
)  # fmt: skip
def test_a_correction_that_cannot_be_is_refused(form, right, others, infused, fields) -> None:
    refusals = list(refusals_of_correction(form, right, others, infused, TODAY))
    assert [each.field for each in refusals] == fields
    assert all(each.message % each.values for each in refusals)


@pytest.mark.parametrize(
    ("given", "asking", "why"),
    [
        ([GivenConsent(1, MARCH)], "2.0", "they consented to an older form only"),
        ([GivenConsent(1, MARCH), GivenConsent(3, NOVEMBER)], None, "they consented to the one that asks"),
        ([], "2.0", "no consent of theirs is on record at all"),
        ([GivenConsent(1, MARCH, NOVEMBER)], None, "who withdrew is asked by nobody"),
    ],
)
def test_who_consents_before_another_version_holds(given, asking, why) -> None:
    form = asks_first(standing_of(given, ALL, TODAY), ALL, TODAY)
    assert (form.version if form else None) == asking, why
