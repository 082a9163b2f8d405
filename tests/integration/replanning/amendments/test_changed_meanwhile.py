"""What happens to participants between a dry run and their turn, and in the middle of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from participants.models import Consent, CourseStep, Participant
from schedules import tasks
from schedules.domain.errors import AmendmentRefused
from schedules.domain.replanning.amendments import Outcome
from schedules.domain.visits.values import Booking, Completion
from schedules.models import AmendmentRun, AmendmentStep, Visit
from schedules.services.replanning import amendments
from schedules.services.replanning.amendments import advance_amendments, retry_amendment, start_amendment
from schedules.services.visits.appointments import book_visit, complete_visit
from tests.cast import a_version, an_approval, document
from tests.integration.replanning.amendments.conftest import (
    NOW,
    amendment,
    second,
    shown,
    somebody,
    started,
)
from tests.overtaken import overtaken
from trials.domain.stored_sentences import facts_text
from trials.models import AuditEntry, ConsentForm, ProtocolVersion, Site, SiteApproval, Trial, User
from trials.services.protocols.closure import freeze_trial, open_trial

pytestmark = pytest.mark.django_db
TODAY = date(2026, 12, 23)


@pytest.fixture
def ready(old: ProtocolVersion, new: ProtocolVersion, site: Site) -> Participant:
    an_approval(site, new)
    return somebody(old, site, "S01-001")


def visit(person: Participant, code: str) -> Visit:
    return Visit.objects.get(participant=person, code=code)


def booked_for_month_nine(person: Participant) -> None:
    m9 = visit(person, "m9")
    book_visit(visit=m9, version=m9.version, booking=Booking(m9.target), by=None, now=NOW)


def done_d28(person: Participant) -> None:
    d28 = visit(person, "d28")
    early = Completion(TODAY, outside_reason="before the holidays")
    complete_visit(visit=d28, version=d28.version, completion=early, by=None, now=NOW)


def withdrawn(person: Participant) -> None:
    CourseStep.objects.create(participant=person, step="withdrawal", happened_on=TODAY, reason="-")


def asked_for_consent_again(person: Participant) -> None:
    old = ConsentForm.objects.create(trial=person.trial, version="1", effective_on=date(2026, 1, 1))
    Consent.objects.create(participant=person, form=old, signed_on=date(2026, 11, 2))
    ConsentForm.objects.create(trial=person.trial, version="2", effective_on=TODAY, consent_again=True)


def consent_withdrawn(person: Participant) -> None:
    form = ConsentForm.objects.create(trial=person.trial, version="1", effective_on=date(2026, 1, 1))
    Consent.objects.create(participant=person, form=form, signed_on=date(2026, 11, 2), withdrawn_on=TODAY)


def approval_changed(person: Participant) -> None:
    SiteApproval.objects.filter(protocol_version__label="2").update(reference="another")


def on_the_new_version_already(person: Participant) -> None:
    person.protocol_version = ProtocolVersion.objects.get(label="2")
    person.save(update_fields=["protocol_version"])


MEANWHILE: list[tuple[Callable[[Participant], None], Outcome, str]] = [
    (booked_for_month_nine, Outcome.BOOKING, "Booked: Month 9 (2027-09-07)"),
    (done_d28, Outcome.DONE, "2 stay as they were done"),
    (withdrawn, Outcome.SKIPPED, "The course has ended: withdrawn."),
    (asked_for_consent_again, Outcome.CONSENT, "Form 2 asks for consent again."),
    (consent_withdrawn, Outcome.SKIPPED, "Consent is withdrawn."),
    (approval_changed, Outcome.SKIPPED, "was changed after it was signed"),
    (on_the_new_version_already, Outcome.SKIPPED, "Under version 2 already."),
]


@pytest.mark.parametrize("meanwhile", MEANWHILE, ids=[row[0].__name__ for row in MEANWHILE])
def test_everybody_is_judged_when_their_turn_comes(
    ready: Participant,
    old: ProtocolVersion,
    new: ProtocolVersion,
    site: Site,
    meanwhile: tuple[Callable[[Participant], None], Outcome, str],
) -> None:
    happens, outcome, says = meanwhile
    started(amendment(old, new, site))
    happens(ready)
    before = list(Visit.objects.order_by("pk").values())
    assert advance_amendments(now=NOW) == 1
    step = AmendmentStep.objects.get()
    assert step.outcome == outcome
    assert says in facts_text(step.message)
    assert facts_text(step.message, lambda message: message.upper()) != facts_text(step.message)
    assert (list(Visit.objects.order_by("pk").values()) == before) is (outcome is not Outcome.DONE)
    assert AmendmentRun.objects.get().finished_at == NOW


def test_a_trial_that_is_frozen_in_the_middle_leaves_them_waiting_until_it_is_opened(
    ready: Participant,
    old: ProtocolVersion,
    new: ProtocolVersion,
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run, chief = started(amendment(old, new, site)), User.objects.create_user("chief")
    real = amendments.replan_many

    def frozen_first(**asked: Any) -> Any:
        Trial.objects.filter(pk=old.trial_id).update(frozen_on=TODAY)
        return real(**asked)

    monkeypatch.setattr(amendments, "replan_many", frozen_first)
    assert advance_amendments(now=NOW) == 0, "what was refused is undone, and nothing falls over"
    assert AmendmentStep.objects.get().outcome == Outcome.WAITING
    monkeypatch.undo()
    trial = freeze_trial(trial=Trial.objects.get(pk=old.trial_id), today=TODAY, by=chief, reason="closed")
    tasks.amend()
    assert AmendmentStep.objects.get().outcome == Outcome.WAITING
    open_trial(trial=trial, by=chief, reason="not yet")
    advance_amendments(now=NOW)
    assert AmendmentStep.objects.get(run=run).outcome == Outcome.DONE


def test_who_was_held_back_is_not_tried_again_while_another_run_goes_on(
    ready: Participant, old: ProtocolVersion, new: ProtocolVersion, site: Site
) -> None:
    booked_for_month_nine(ready)
    other = somebody(old, site, "S01-002")
    run = started(amendment(old, new, site))
    advance_amendments(now=NOW)
    third = a_version(text=second(document()).replace('version: "2"', 'version: "3"'))
    an_approval(site, third)
    started(amendment(new, third, site))
    with pytest.raises(AmendmentRefused, match="has not finished"):
        retry_amendment(run=run, by=None, reason="moved the booking")
    advance_amendments(now=NOW)
    assert retry_amendment(run=run, by=None, reason="moved the booking") == 1
    other.refresh_from_db()
    assert other.protocol_version == third


def test_what_was_done_under_the_first_of_three_versions_stays_under_it(
    ready: Participant, old: ProtocolVersion, new: ProtocolVersion, site: Site
) -> None:
    started(amendment(old, new, site))
    advance_amendments(now=NOW)
    third = a_version(text=second(document()).replace('version: "2"', 'version: "3"'))
    an_approval(site, third)
    (one,) = shown(amendment(new, third, site)).prospects
    assert [(change.code, one.under(change.code)) for change in one.done] == [("d14", "1")]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("what", ["a run is begun", "who was held back is tried again"])
def test_of_two_people_at_once_one_is_told(
    ready: Participant,
    old: ProtocolVersion,
    new: ProtocolVersion,
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
) -> None:
    asked = amendment(old, new, site)
    digest = shown(asked).digest

    def begins() -> AmendmentRun:
        return start_amendment(amendment=asked, digest=digest, by=None, reason="amendment 2", now=NOW)

    act: Callable[[], Any] = begins
    if what != "a run is begun":
        booked_for_month_nine(ready)
        somebody(old, site, "S01-002")
        digest = shown(asked).digest
        run = begins()
        advance_amendments(now=NOW)
        act = lambda: retry_amendment(run=run, by=None, reason="again")  # noqa: E731
    where = (amendments, "_refuse_second_run")
    assert overtaken(monkeypatch, where, act, act) == [None, AmendmentRefused]
    assert AmendmentStep.objects.filter(outcome=Outcome.WAITING).count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("happens", [booked_for_month_nine, done_d28])
def test_a_visit_is_recorded_while_its_participant_is_brought_over(
    ready: Participant,
    old: ProtocolVersion,
    new: ProtocolVersion,
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    happens: Callable[[Participant], None],
) -> None:
    """The worker holds the participant: anyone who records waits, and is then told or goes on."""
    started(amendment(old, new, site))
    worker, person = overtaken(
        monkeypatch,
        (amendments, "record_of"),
        lambda: advance_amendments(now=NOW),
        lambda: happens(ready),
    )
    assert worker is None
    assert (person is None) is (happens is done_d28), "month 9 is gone; D28 is where it was"
    assert AmendmentStep.objects.get().outcome == Outcome.DONE
    entries = AuditEntry.objects.filter(model="participants.participant", new__contains="protocol_version")
    assert entries.filter(action="change").count() == 1
