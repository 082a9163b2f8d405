"""What happened is recorded: a visit before the consent, and repeats of a visit in another order."""

from __future__ import annotations

from datetime import date

import pytest

from participants.domain.anchors import RecordedAnchor
from participants.models import Participant
from schedules.domain.errors import VisitRefused
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.domain.visits.status import Appointment, WindowPosition, clinic_days, standing
from schedules.domain.visits.values import Booking, Completion
from schedules.models import Deviation, Visit
from schedules.selectors.store.stored_visits import lost_booking, record_of
from schedules.selectors.visits.status_query import appointment_condition, window_condition
from schedules.services.enrolment.enrolling import enrol
from schedules.services.replanning.moves import record_anchor
from schedules.services.visits.appointments import complete_visit, undo_visit
from schedules.services.visits.unscheduled import Unscheduled, add_unscheduled
from tests.cast import a_version, an_enrolment
from tests.integration.visits.test_visits import (
    CONSENT,
    INFUSION,
    at,
    conditioned,
    done,
    infused,
    visit,
)
from trials.domain.stored_sentences import facts_text
from trials.formats.protocols import library

pytestmark = pytest.mark.django_db
EIGHT_DAYS_BEFORE = date(2026, 10, 26)


@pytest.fixture
def participant() -> Participant:
    """Consented on Tuesday 3 November 2026, the infusion planned for Monday 7 December."""
    anchors = {"infusion": AnchorDay(INFUSION), "consent": AnchorDay(CONSENT, AnchorKind.ACTUAL)}
    return enrol(enrolment=an_enrolment(anchors=anchors), by=None)


def unscheduled_on(person: Participant, on: date, *, sure: bool) -> Visit:
    asked = Unscheduled(Booking(on, sure=sure))
    return add_unscheduled(participant=person, asked=asked, by=None, reason="rash", now=at(12, 8))


def completed(one: Visit, on: date, reason: str = "", *, sure: bool = False, now=None) -> Visit:
    one.refresh_from_db()
    completion = Completion(on, outside_reason=reason, sure=sure)
    return complete_visit(
        visit=one, version=one.version, completion=completion, by=None, now=now or at(12, 8)
    )


def drafts(person: Participant) -> list[tuple[str, date, bool]]:
    """The deviations of consents: what they say, when, and whether they still hold."""
    found = Deviation.objects.filter(participant=person, kind="before-consent").order_by("pk")
    return [(facts_text(one.facts), one.occurred_on, one.lapsed_on is None) for one in found]


# --- before the consent ---------------------------------------------------------------------------
def test_a_visit_before_the_consent_is_asked_about_and_drafted(participant: Participant) -> None:
    """An unscheduled one, eight days before it."""
    with pytest.raises(VisitRefused) as asked:
        unscheduled_on(participant, EIGHT_DAYS_BEFORE, sure=False)
    assert "before the consent on Tuesday 2026-11-03" in asked.value.fields["sure"][0]
    added = unscheduled_on(participant, EIGHT_DAYS_BEFORE, sure=True)
    assert not drafts(participant), "nothing has been recorded of it yet"
    with pytest.raises(VisitRefused) as asked:
        completed(added, EIGHT_DAYS_BEFORE)
    assert set(asked.value.fields) == {"sure", "outside_reason"}
    completed(added, EIGHT_DAYS_BEFORE, "seen by the referring doctor", sure=True)
    ((said, on, stands),) = drafts(participant)
    assert said == "The consent is of Tuesday 2026-11-03. seen by the referring doctor"
    assert (on, stands) == (EIGHT_DAYS_BEFORE, True)
    drafted = Deviation.objects.get(kind="before-consent")
    assert (drafted.visit, drafted.actual_on) == (added, EIGHT_DAYS_BEFORE)


def test_a_visit_of_the_protocol_before_the_consent_is_drafted_too(participant: Participant) -> None:
    """The screening dates an anchor that the consent comes before: that order is drafted, and once."""
    screening = visit(participant, "screening")
    with pytest.raises(VisitRefused):
        completed(screening, EIGHT_DAYS_BEFORE)
    completed(screening, EIGHT_DAYS_BEFORE, "done in the ward round", sure=True)
    kinds = list(Deviation.objects.filter(participant=participant).values_list("kind", flat=True))
    assert kinds.count("order") == 1
    assert "before-consent" not in kinds


def test_on_the_day_of_the_consent_nothing_is_asked(participant: Participant) -> None:
    completed(unscheduled_on(participant, CONSENT, sure=False), CONSENT)
    assert not drafts(participant)


def test_a_consent_that_is_corrected_drafts_and_lapses_what_was_done_before_it(
    participant: Participant,
) -> None:
    on = date(2026, 11, 9)
    completed(unscheduled_on(participant, on, sure=False), on)
    later = RecordedAnchor("consent", actual_on=date(2026, 11, 12))
    record_anchor(participant=participant, anchor=later, by=None, reason="misread", now=at(12, 8))
    assert [(when, stands) for _said, when, stands in drafts(participant)] == [(on, True)]
    back = RecordedAnchor("consent", actual_on=CONSENT)
    record_anchor(participant=participant, anchor=back, by=None, reason="read right", now=at(12, 8))
    assert [(when, stands) for _said, when, stands in drafts(participant)] == [(on, False)]
    assert Deviation.objects.get(kind="before-consent").lapsed_because == "consented"


def test_a_visit_taken_back_takes_its_deviation_with_it(participant: Participant) -> None:
    added = completed(
        unscheduled_on(participant, EIGHT_DAYS_BEFORE, sure=True), EIGHT_DAYS_BEFORE, "seen", sure=True
    )
    undo_visit(visit=added, version=added.version, by=None, reason="wrong chart", now=at(12, 8))
    assert [stands for _said, _on, stands in drafts(participant)] == [False]


# --- repeats of one visit -------------------------------------------------------------------------
@pytest.fixture
def weekly() -> Participant:
    """A visit in each of three weeks after the infusion, three days early or late, after it was given."""
    text = library.path("CART-SLE").read_text(encoding="utf-8")
    rule = """  - code: weekly
    label: Weekly
    epoch: follow-up
    from: infusion
    at: P7D
    repeat: {every: P7D, until: P21D}
    tolerance: {before: P3D, after: P3D, basis: {assumed: "made up"}}
    basis: {assumed: "made up"}
"""
    version = a_version(text=text.replace("  - code: d14\n", f"{rule}  - code: d14\n"))
    anchors = {"infusion": AnchorDay(INFUSION), "consent": AnchorDay(CONSENT, AnchorKind.ACTUAL)}
    person = enrol(enrolment=an_enrolment(version, anchors=anchors), by=None)
    infused(person)
    return person


@pytest.mark.parametrize(
    ("first", "then", "reason"),
    [
        (("weekly-1", date(2026, 12, 16)), ("weekly-2", date(2026, 12, 16)), "two weekly visits on one day"),
        (("weekly-2", date(2026, 12, 18)), ("weekly-1", date(2026, 12, 19)), "the later one was done first"),
    ],
)
def test_repeats_in_another_order_are_recorded_with_a_reason(
    weekly: Participant, first: tuple[str, date], then: tuple[str, date], reason: str
) -> None:
    now = at(12, 28)
    completed(visit(weekly, first[0]), first[1], "as it was", now=now)
    with pytest.raises(VisitRefused) as asked:
        completed(visit(weekly, then[0]), then[1], now=now)
    assert set(asked.value.fields) == {"outside_reason"}, reason
    assert "enter a reason" in " ".join(asked.value.fields["outside_reason"])
    recorded = completed(visit(weekly, then[0]), then[1], "the ward was full", now=now)
    assert (recorded.performed_on, recorded.outside_reason) == (then[1], "the ward was full"), reason


def test_what_cannot_have_been_is_refused_whatever_is_said(participant: Participant) -> None:
    """No infusion before the last chemotherapy, with the best of reasons."""
    conditioned(participant)
    with pytest.raises(VisitRefused) as refused:
        completed(visit(participant, "d0"), date(2026, 12, 3), "as told")
    assert "on" in refused.value.fields


def test_an_unscheduled_visit_recorded_by_mistake_keeps_the_day_of_its_booking(
    participant: Participant,
) -> None:
    """Taken back, it was left on the day of the mistake, and its booking seemed to have lost its window."""
    asked = Unscheduled(Booking(date(2026, 12, 4)))
    given = {"by": None, "reason": "a rash", "now": at(12, 1)}
    added = add_unscheduled(participant=participant, asked=asked, **given)
    finished = done(added, date(2026, 12, 1), at(12, 1, 11))
    undone = undo_visit(visit=finished, version=finished.version, **given)
    assert (undone.opens, undone.target, undone.closes) == (date(2026, 12, 4),) * 3
    assert not lost_booking(undone)


def test_chemotherapy_begins_with_its_first_day_whatever_is_said(participant: Participant) -> None:
    """Its second day could be recorded two days before the first, as a repeat in another order."""
    done(visit(participant, "screening"), date(2026, 11, 20), at(11, 20))
    completed(visit(participant, "ld-1"), date(2026, 12, 2), now=at(12, 2))
    with pytest.raises(VisitRefused, match="comes after Chemotherapy 1, which was done on") as refused:
        completed(visit(participant, "ld-2"), date(2026, 11, 30), "as told", now=at(12, 3))
    assert set(refused.value.fields) == {"on"}


def test_an_unscheduled_visit_waits_for_no_infusion(participant: Participant) -> None:
    """Added after the planned infusion, which nobody had recorded, it “waited” and was never to record."""
    asked = Unscheduled(Booking(date(2026, 12, 9)))
    add_unscheduled(participant=participant, asked=asked, by=None, reason="a rash", now=at(12, 11))
    added = Visit.objects.filter(participant=participant, unscheduled=True)
    days = clinic_days(date(2026, 12, 11), None)
    stands = standing(record_of(added.get()), days)
    assert (stands.window, stands.appointment) == (WindowPosition.CLOSED, Appointment.TO_RECORD)
    here = {days: [participant.site_id]}
    assert added.filter(window_condition(WindowPosition.CLOSED, here)).exists()
    assert added.filter(appointment_condition(Appointment.TO_RECORD, here)).exists()
    assert not added.filter(window_condition(WindowPosition.WAITING, here)).exists()
