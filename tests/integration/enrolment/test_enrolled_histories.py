"""Somebody enrolled with a history against the protocol: it happened, and becomes a deviation.

Of CART-SLE: the first chemotherapy is five days before the infusion.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from participants.models import Participant
from schedules.domain.errors import EnrolmentRefused, EnrolmentsRefused
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.models import Deviation
from schedules.services.enrolment.bulk import bulk_enrol
from schedules.services.enrolment.enrolling import Enrolment, enrol, preview_enrolment
from tests.cast import an_enrolment
from trials.domain.stored_sentences import facts_text

pytestmark = pytest.mark.django_db
BECAUSE = "transferred with its history"
TODAY = date(2026, 12, 20)


def dec(day: int) -> date:
    return date(2026, 12, day)


def given(planned: dict[str, date] | None = None, **actual: date) -> dict[str, AnchorDay]:
    days = {code.replace("_", "-"): AnchorDay(day, AnchorKind.ACTUAL) for code, day in actual.items()}
    return days | {code: AnchorDay(day) for code, day in (planned or {}).items()}


def asked(anchors: dict[str, AnchorDay], reason: str = "") -> Enrolment:
    consent = {"consent": AnchorDay(date(2026, 11, 2), AnchorKind.ACTUAL)}
    return an_enrolment(anchors=consent | anchors, reason=reason, today=TODAY)


HAPPENED: list[tuple[str, Any, str, tuple[str, date, int | None]]] = [
    (
        "an infusion a day too early",
        given(lymphodepletion_start=dec(2), infusion=dec(6)),
        "This breaks the block: Infusion on Sunday 2026-12-06 is 1 day earlier",
        ("block-broken", dec(6), -1),
    ),
    (
        "screening after the first chemotherapy",
        given(lymphodepletion_start=dec(2), infusion=dec(7), screening=dec(3)),
        "This turns the order round: Screening on Thursday 2026-12-03 is after",
        ("order", dec(3), None),
    ),
    (
        "a consent after the screening",
        given(screening=date(2026, 11, 16), consent=date(2026, 11, 20), infusion=dec(7)),
        "This turns the order round: Consent on Friday 2026-11-20 is after",
        ("order", date(2026, 11, 20), None),
    ),
]


@pytest.mark.parametrize(("why", "anchors", "says", "drafted"), HAPPENED, ids=[row[0] for row in HAPPENED])
def test_it_is_asked_about_taken_with_a_reason_and_drafted(
    why: str, anchors: dict[str, AnchorDay], says: str, drafted: tuple[str, date, int | None]
) -> None:
    for act in (preview_enrolment, lambda one: enrol(enrolment=one, by=None)):
        with pytest.raises(EnrolmentRefused) as refused:
            act(asked(anchors))
        (field,) = refused.value.fields
        assert field == "reason"
        assert says in refused.value.fields["reason"][0]
        assert "Enter why it happened" in refused.value.fields["reason"][-1]
    assert not Participant.objects.exists()
    preview_enrolment(asked(anchors, BECAUSE))
    person = enrol(enrolment=asked(anchors, BECAUSE), by=None)
    one = Deviation.objects.get(participant=person)
    assert (one.kind, one.occurred_on, one.days) == drafted, why
    assert (one.found_on, one.protocol_version) == (TODAY, person.protocol_version)
    assert facts_text(one.facts).endswith(f"Reason given: {BECAUSE}")


REFUSED = [
    (
        "planned days that contradict each other",
        given({"infusion": dec(7), "lymphodepletion-start": dec(4)}),
    ),
    (
        "a planned infusion too near to the chemotherapy that was given",
        given({"infusion": dec(6)}, lymphodepletion_start=dec(2)),
    ),
    (
        "an infusion before the chemotherapy that was given",
        given(lymphodepletion_start=dec(8), infusion=dec(7)),
    ),
    ("an infusion before the consent", given(consent=dec(8), infusion=dec(7))),
]


@pytest.mark.parametrize(("why", "anchors"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_is_planned_and_what_cannot_have_been_stays_refused(
    why: str, anchors: dict[str, AnchorDay]
) -> None:
    with pytest.raises(EnrolmentRefused, match="contradict each other") as refused:
        enrol(enrolment=asked(anchors, BECAUSE), by=None)
    assert "anchors" in refused.value.fields, why


def test_an_import_asks_and_drafts_the_same() -> None:
    _why, anchors, _says, drafted = HAPPENED[0]
    plain = an_enrolment(subject_code="S01-002", today=TODAY)
    with pytest.raises(EnrolmentsRefused) as refused:
        bulk_enrol(enrolments=[plain, asked(anchors)], by=None)
    assert set(refused.value.refused[1].fields) == {"reason"}
    bulk_enrol(enrolments=[plain, asked(anchors, BECAUSE)], by=None)
    one = Deviation.objects.get()
    assert (one.participant.subject_code, one.kind) == ("S01-001", drafted[0])
