"""The list before the point of no return: read from the record, kept when chemotherapy begins."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from participants.domain.anchors import RecordedAnchor
from participants.domain.errors import ProductRefused
from participants.domain.lifecycle import Step
from participants.domain.product import Milestone
from participants.models import Consent, Participant, ProductStep
from participants.services.product import (
    MilestoneRecord,
    expect_milestone,
    record_milestone,
    withdraw_milestone,
)
from schedules.domain.errors import VisitRefused
from schedules.domain.readiness.checklist import Readiness, readiness_on
from schedules.domain.readiness.start_context import Answer, Item
from schedules.domain.visits.values import Completion
from schedules.models import Deviation, ReadinessCheck, Visit
from schedules.selectors.readiness.start_context import Newcomer, start_of, start_of_newcomer
from schedules.services.course.status_changes import StepRequest, take_step
from schedules.services.replanning.moves import record_anchor
from schedules.services.replanning.refusals import StartNeedsReason
from schedules.services.visits.appointments import complete_visit, undo_visit
from schedules.services.windows.evaluation import sweep_windows
from tests.cast import a_version
from tests.integration.readiness.conftest import BEGINS, ZERO, at, enrolled, visit_of
from trials.models import AuditEntry, ConsentForm, ProtocolVersion, Site

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 23)
NOW = at(TODAY)


def asked(participant: Participant, day: date = BEGINS) -> Readiness:
    return readiness_on(start_of(participant, NOW), day)


def answers(readiness: Readiness) -> dict[Item, Answer]:
    return {line.item: line.answer for line in readiness.lines}


def milestone(participant: Participant, what: Milestone, day: date, note: str = "") -> ProductStep:
    record = MilestoneRecord(what, day, note)
    return record_milestone(participant=participant, record=record, by=None, today=TODAY)


def begun(participant: Participant, day: date = BEGINS, reason: str = "") -> Visit:
    visit = visit_of(participant, "ld-1")
    done = Completion(day, outside_reason=reason)
    return complete_visit(visit=visit, version=visit.version, completion=done, by=None, now=at(day))


def test_the_list_is_read_from_the_record(participant: Participant) -> None:
    Visit.objects.filter(code="screening").update(performed_on=date(2026, 11, 16))
    for what in (Milestone.RECEIVED, Milestone.RELEASED):
        milestone(participant, what, TODAY)
    found = answers(asked(participant))
    assert found[Item.PRODUCT] is Answer.YES
    assert found[Item.CONSENT] is Answer.NOT_KNOWN
    assert found[Item.BED] is found[Item.SLOT] is found[Item.HOLIDAYS] is Answer.YES
    assert {line.of: line.answer for line in asked(participant).lines if line.item is Item.VISIT} == {
        "Screening": Answer.YES
    }


def test_beds_and_slots_are_taken_by_others_at_the_site_whatever_their_trial(
    participant: Participant, site: Site, version: ProtocolVersion
) -> None:
    other = a_version("NCT07274059")
    enrolled(site, other, "S02-001", ZERO)
    assert answers(asked(participant))[Item.SLOT] is Answer.NO
    assert answers(asked(participant))[Item.BED] is Answer.YES, "one of two"
    enrolled(site, version, "S01-002", ZERO)
    assert answers(asked(participant))[Item.BED] is Answer.NO
    newcomer = start_of_newcomer(Newcomer(version, site), NOW)
    assert answers(readiness_on(newcomer, BEGINS))[Item.BED] is Answer.NO
    Visit.objects.filter(participant__subject_code="S01-002").update(cancelled_on=TODAY)
    assert answers(asked(participant))[Item.BED] is Answer.YES


def test_the_list_takes_as_many_queries_whoever_else_is_there(
    participant: Participant, site: Site, version: ProtocolVersion
) -> None:
    enrolled(site, version, "S02-001")
    asked(participant)
    with CaptureQueriesContext(connection) as alone:
        asked(participant)
    for number in range(3):
        enrolled(site, version, f"S03-{number}", ZERO + timedelta(days=60 * number))
    with CaptureQueriesContext(connection) as among_many:
        asked(participant)
    assert len(among_many) == len(alone) <= 22


def test_the_list_is_kept_when_chemotherapy_begins(participant: Participant) -> None:
    begun(participant)
    check = ReadinessCheck.objects.get()
    assert (check.participant, check.for_day, check.checked_at) == (participant, BEGINS, at(BEGINS))
    assert (check.verdicts["answer"], check.verdicts["anchor"]) == ("not-known", "lymphodepletion-start")
    lines = {line["item"]: line["answer"] for line in check.verdicts["lines"]}
    assert (lines["course"], lines["holidays"], lines["product"]) == ("yes", "yes", "not-known")


def test_a_second_chemotherapy_day_asks_nothing(participant: Participant) -> None:
    begun(participant)
    visit = visit_of(participant, "ld-2")
    done = Completion(date(2026, 12, 3))
    complete_visit(visit=visit, version=visit.version, completion=done, by=None, now=at(date(2026, 12, 3)))
    assert ReadinessCheck.objects.count() == 1


def test_against_a_no_a_reason_is_asked_for_and_kept(participant: Participant) -> None:
    milestone(participant, Milestone.COLLECTION, TODAY)
    with pytest.raises(VisitRefused) as refused:
        begun(participant)
    (message,) = refused.value.fields["outside_reason"]
    assert "Product at the site and released: Missing: Received at the site. Missing: Released." in message
    assert not ReadinessCheck.objects.exists()
    assert visit_of(participant, "ld-1").performed_on is None
    begun(participant, reason="released by telephone")
    check = ReadinessCheck.objects.get()
    assert (check.verdicts["answer"], check.verdicts["reason"]) == ("no", "released by telephone")
    assert AuditEntry.objects.filter(
        model="schedules.readinesscheck", reason="released by telephone"
    ).exists()


def test_the_anchor_without_its_visit_asks_the_same(participant: Participant) -> None:
    milestone(participant, Milestone.COLLECTION, TODAY)
    anchor = RecordedAnchor("lymphodepletion-start", actual_on=BEGINS)
    with pytest.raises(StartNeedsReason):
        record_anchor(participant=participant, anchor=anchor, now=at(BEGINS), by=None)
    record_anchor(participant=participant, anchor=anchor, now=at(BEGINS), by=None, reason="by telephone")
    assert ReadinessCheck.objects.get().verdicts["answer"] == "no"


SINCE = {
    "another form": lambda person: ConsentForm.objects.create(
        trial=person.trial, version="2", effective_on=BEGINS + timedelta(days=1), consent_again=True
    ),
    "consent withdrawn": lambda person: person.consents.update(withdrawn_on=BEGINS + timedelta(days=1)),
    "withdrawn": lambda person: take_step(
        participant=person,
        version=Participant.objects.get(pk=person.pk).version,
        request=StepRequest(Step.WITHDRAWAL, BEGINS + timedelta(days=1)),
        by=None,
        reason="moves away",
        now=at(BEGINS + timedelta(days=1)),
    ),
}


@pytest.mark.parametrize("since", SINCE)
def test_a_start_that_is_entered_later_is_judged_by_what_stood_then(
    participant: Participant, since: str
) -> None:
    """Chemotherapy of the day before is recorded; what became of consent and course since is no departure."""
    form = ConsentForm.objects.create(trial=participant.trial, version="1", effective_on=date(2026, 1, 1))
    Consent.objects.create(participant=participant, form=form, signed_on=date(2026, 11, 2))
    SINCE[since](participant)
    anchor = RecordedAnchor("lymphodepletion-start", actual_on=BEGINS)
    later = at(BEGINS + timedelta(days=2))
    record_anchor(participant=participant, anchor=anchor, now=later, by=None)
    lines = {line["item"]: line["answer"] for line in ReadinessCheck.objects.get().verdicts["lines"]}
    assert (lines["consent"], lines["course"]) == ("yes", "yes")
    assert not Deviation.objects.filter(kind="start").exists()


def test_what_was_taken_back_and_done_again_is_asked_again(participant: Participant) -> None:
    visit = begun(participant)
    undo_visit(visit=visit, version=visit.version, by=None, reason="a slip of the hand", now=at(BEGINS))
    begun(participant)
    assert ReadinessCheck.objects.count() == 2


def test_without_chemotherapy_the_infusion_is_the_point_of_no_return(site: Site) -> None:
    person = enrolled(site, a_version("NCT07331467@2026-03-25.2"), "S05-001")
    done = Completion(ZERO)
    Visit.objects.filter(participant=person, code="screening").update(performed_on=date(2026, 11, 16))
    consent = RecordedAnchor("consent", actual_on=date(2026, 11, 2))
    record_anchor(participant=person, anchor=consent, now=NOW, by=None)
    visit = visit_of(person, "d0")
    complete_visit(visit=visit, version=visit.version, completion=done, by=None, now=at(ZERO))
    check = ReadinessCheck.objects.get(participant=person)
    assert (check.for_day, check.verdicts["anchor"]) == (ZERO, "infusion")


@pytest.mark.parametrize("edition", ["NCT07331467", "NCT07331467@2026-03-25.2"])
def test_days_assumed_for_a_product_neither_refuse_nor_draft(site: Site, edition: str) -> None:
    """Cells made in ten minutes: nothing of the product is on record when it is given."""
    person = enrolled(site, a_version(edition), "S05-001")
    Visit.objects.filter(participant=person, code="screening").update(performed_on=date(2026, 11, 16))
    consent = RecordedAnchor("consent", actual_on=date(2026, 11, 2))
    record_anchor(participant=person, anchor=consent, now=NOW, by=None)
    lines = {line.item: line for line in asked(person, ZERO).lines}
    assert lines[Item.PRODUCT].answer is Answer.NOT_KNOWN, "what is assumed says no to nothing"
    for code in ("collection", "d0"):
        visit = visit_of(person, code)
        if visit.performed_on is None:
            visit.refresh_from_db()
            done = Completion(ZERO)
            complete_visit(visit=visit, version=visit.version, completion=done, by=None, now=at(ZERO))
    sweep_windows(now=at(ZERO))
    about = Deviation.objects.filter(kind="start", lapsed_on=None)
    assert [one for one in about if "roduct" in one.facts] == []


@pytest.mark.parametrize("what", [Milestone.FAILED, Milestone.OUT_OF_SPECIFICATION])
def test_a_product_fails_though_nothing_else_of_it_is_on_record(
    participant: Participant, what: Milestone
) -> None:
    milestone(participant, what, TODAY, "viability 40%")
    line = next(line for line in asked(participant).lines if line.item is Item.PRODUCT)
    assert line.answer is Answer.NO, "a failure that is on record does refuse"
    remade = milestone(participant, Milestone.REMADE, TODAY)
    assert remade.attempt == 2


def test_milestones_are_recorded_made_again_and_taken_back(participant: Participant) -> None:
    collected = milestone(participant, Milestone.COLLECTION, TODAY - timedelta(days=7))
    expected = MilestoneRecord(Milestone.RELEASED, date(2026, 11, 30), "as the maker says")
    expect_milestone(participant=participant, record=expected, by=None, today=TODAY)
    milestone(participant, Milestone.FAILED, TODAY, "viability 40%")
    remade = milestone(participant, Milestone.REMADE, TODAY)
    assert (collected.attempt, remade.attempt) == (1, 2)
    with pytest.raises(ProductRefused, match="made again since"):
        withdraw_milestone(step=collected, by=None, reason="the wrong day")
    withdraw_milestone(step=remade, by=None, reason="not yet")
    released = ProductStep.objects.get(step="released")
    with pytest.raises(ProductRefused, match="already"):
        withdraw_milestone(step=released, by=None, reason="it is only expected")
    with pytest.raises(ProductRefused, match="Enter "):
        withdraw_milestone(step=collected, by=None, reason=" ")
    assert set(ProductStep.objects.values_list("step", "attempt")) == {
        ("collection", 1),
        ("released", 1),
        ("failed", 1),
    }


def test_a_milestone_out_of_order_is_refused_in_words(participant: Participant) -> None:
    milestone(participant, Milestone.COLLECTION, TODAY)
    with pytest.raises(ProductRefused) as refused:
        milestone(participant, Milestone.SHIPPED, TODAY - timedelta(days=1))
    assert refused.value.fields == {
        "on": ("Sunday 2026-11-22 is before Collection on Monday 2026-11-23: give that day or a later one.",)
    }
