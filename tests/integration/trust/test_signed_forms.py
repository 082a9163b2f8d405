"""Signed content carries the number of its form; a signature is checked in the form in which it was made."""

import json

import pytest

from schedules.models import Visit
from schedules.selectors.trust import signed_names
from schedules.selectors.trust.pages import shown_content
from schedules.selectors.trust.signing import signable_schedule
from tests.integration.trust.test_signatures import sign_schedule
from trials.selectors.protocols.approvals import signatures_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def second_form(monkeypatch):
    """A form that signs one more column of a visit, and calls another by a new name."""
    visit = {**signed_names.VISIT, "place": "place", "performed_day": "performed_on"}
    del visit["performed_on"]
    second = {**signed_names.SCHEDULE_FORMS[1], "visits": visit}

    def begin() -> None:
        monkeypatch.setitem(signed_names.SCHEDULE_FORMS, 2, second)

    return begin


def test_a_signature_in_the_first_form_stands_beside_a_second(participant, investigator, second_form) -> None:
    first = sign_schedule(participant, investigator)
    assert "form" not in json.loads(first.content), "the first form was signed without a number"
    second_form()
    (row,) = signatures_of(signable_schedule(participant))
    assert not row.void
    second = sign_schedule(participant, investigator)
    assert json.loads(second.content)["form"] == 2
    assert [one.void for one in signatures_of(signable_schedule(participant))] == [False, False]
    assert "form" not in dict(shown_content(signable_schedule(participant)).facts)


def test_a_change_is_told_in_the_form_that_was_signed(participant, investigator, second_form) -> None:
    sign_schedule(participant, investigator)
    second_form()
    sign_schedule(participant, investigator)
    Visit.objects.filter(participant=participant, code="d28").update(performed_on="2026-11-20")
    newer, older = signatures_of(signable_schedule(participant))
    assert [change.path for change in older.changes] == ["visits[d28].performed_on"]
    assert [change.path for change in newer.changes] == ["visits[d28].performed_day"]


def test_what_only_the_second_form_signs_voids_only_the_second(
    participant, investigator, second_form
) -> None:
    sign_schedule(participant, investigator)
    second_form()
    sign_schedule(participant, investigator)
    Visit.objects.filter(participant=participant, code="d28").update(place="phone")
    assert [one.void for one in signatures_of(signable_schedule(participant))] == [True, False]


def test_a_column_kept_elsewhere_voids_no_signature(participant, investigator, monkeypatch) -> None:
    """The name on the left is signed; only where it is kept changes, as when a column is renamed."""
    d28 = Visit.objects.filter(participant=participant, code="d28")
    d28.update(booked_on="2026-12-20", booked_place="B 2")
    sign_schedule(participant, investigator)
    d28.update(booked_place="", why_shifted="B 2")
    kept = {**signed_names.VISIT, "booked_place": "why_shifted"}
    names = {**signed_names.SCHEDULE_FORMS[1], "visits": kept}
    monkeypatch.setitem(signed_names.SCHEDULE_FORMS, 1, names)
    Visit.objects.filter(participant=participant).exclude(code="d28").update(why_shifted="")
    (row,) = signatures_of(signable_schedule(participant))
    assert (row.void, row.changes) == (False, ())


def test_a_form_that_nobody_knows_is_void(participant, investigator, second_form, monkeypatch) -> None:
    second_form()
    sign_schedule(participant, investigator)
    monkeypatch.delitem(signed_names.SCHEDULE_FORMS, 2)
    (row,) = signatures_of(signable_schedule(participant))
    assert row.void
