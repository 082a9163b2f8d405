"""What people say of a deviation: described, classified, withdrawn, upheld; the slower of two is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from django.db import IntegrityError, transaction

from schedules.domain.deviations.drafts import Assessment
from schedules.models import Deviation
from schedules.selectors.store.changes import changes_since
from schedules.services.deviations.classification import (
    assess_deviation,
    reinstate_deviation,
    uphold_deviation,
    withdraw_deviation,
)
from tests.integration.deviations.conftest import at, undone, visit
from trials.domain.errors import Refused, Stale
from trials.models import User

pytestmark = pytest.mark.django_db
NOW = at(12, 27)
FULL = Assessment(
    description="The road was closed for three days.",
    classification="important",
    affects_safety=False,
    affects_rights=False,
    affects_data=True,
    cause="A snow storm.",
    action="The visit was done on the first day possible.",
    reported_to_sponsor_on=date(2026, 12, 27),
)


def assess(
    one: Deviation, said: Assessment = FULL, version: int | None = None, reason: str = ""
) -> Deviation:
    version = version or one.version
    return assess_deviation(deviation=one, version=version, said=said, by=None, reason=reason, now=NOW)


def refused(act: object) -> dict[str, tuple[str, ...]]:
    with pytest.raises(Refused) as caught:
        act()  # type: ignore[operator]
    return caught.value.fields


def test_it_is_described_and_classified(late) -> None:
    one = assess(late)
    one.refresh_from_db()
    assert (one.classification, one.affects_data, one.affects_safety) == ("important", True, False)
    assert (one.cause, one.reported_to_ethics_on, one.version) == ("A snow storm.", None, 2)


def test_what_is_not_complete_is_refused_by_field(late) -> None:
    assert set(refused(lambda: assess(late, replace(FULL, description="", affects_rights=None)))) == {
        "description",
        "affects_rights",
    }
    early = refused(lambda: assess(late, replace(FULL, reported_to_ethics_on=date(2026, 12, 25))))
    assert "is before the deviation occurred, on Saturday 2026-12-26" in early["reported_to_ethics_on"][0]
    assert Deviation.objects.get().version == 1


def test_the_database_refuses_a_class_without_its_answers(late) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Deviation.objects.update(classification="minor")


def test_what_was_classified_changes_with_a_reason(late) -> None:
    one = assess(late)
    other = replace(FULL, classification="minor")
    assert "already classified" in refused(lambda: assess(one, other))["reason"][0]
    assert assess(one, other, reason="the sponsor disagrees").classification == "minor"


def test_the_slower_one_is_told_what_changed(late) -> None:
    by = User.objects.create_user("quick")
    assess_deviation(deviation=late, version=1, said=FULL, by=by, now=NOW)
    with pytest.raises(Stale) as stale:
        assess(late, replace(FULL, classification="minor"), version=1)
    (change,) = changes_since("schedules.deviation", late.pk, stale.value.shown, NOW.tzinfo)
    fields = {field.name: (field.old, field.new) for field in change.fields}
    assert change.by == "quick"
    assert fields["classification"] == ("", "important")
    assert fields["affects rights"] == ("", "no")
    assert fields["affects data"] == ("", "yes")


def test_it_is_withdrawn_with_a_reason_and_brought_back(late) -> None:
    act = {"by": None, "now": NOW}
    nothing = refused(lambda: withdraw_deviation(deviation=late, version=1, reason=" ", **act))
    assert "Enter a reason" in nothing["reason"][0]
    one = withdraw_deviation(deviation=late, version=1, reason="a window agreed with the sponsor", **act)
    assert one.withdrawn_on == date(2026, 12, 27)
    assert "bring it back first" in refused(lambda: assess(one))[""][0]
    back = reinstate_deviation(deviation=one, version=2, reason="the sponsor did not agree", **act)
    assert (back.withdrawn_on, back.withdrawn_reason, back.version) == (None, "", 3)
    again = refused(lambda: reinstate_deviation(deviation=one, version=3, reason="again", **act))
    assert "not withdrawn" in again[""][0]


def test_what_is_no_longer_so_is_upheld_for_good(late, participant) -> None:
    act = {"by": None, "now": NOW, "reason": "it was so"}
    assert "nothing to uphold" in refused(lambda: uphold_deviation(deviation=late, version=1, **act))[""][0]
    undone(visit("d14", participant), at(12, 22))
    one = uphold_deviation(deviation=late, version=2, **act)
    assert (one.lapsed_on, one.lapsed_because) == (None, "upheld")
    undone_again = visit("d14", participant)
    from schedules.services.store.deviation_drafts import draft_of_visits

    draft_of_visits([undone_again.pk], at(12, 22))
    one.refresh_from_db()
    assert (one.lapsed_on, one.version) == (None, 3)
