"""Participants brought to another version: shown, held back with the reason, worked on one by one."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from participants.domain.anchors import RecordedAnchor
from participants.models import Consent, CourseStep, Participant
from schedules import tasks
from schedules.domain.errors import AmendmentRefused
from schedules.domain.replanning.amendments import Outcome
from schedules.domain.replanning.visit_effects import Effect
from schedules.models import AmendmentRun, AmendmentStep, Visit
from schedules.services.replanning import amendments
from schedules.services.replanning.amendment_previews import AmendmentStale
from schedules.services.replanning.amendments import advance_amendments, retry_amendment, start_amendment
from schedules.services.replanning.moves import record_anchor
from schedules.services.visits.appointments import undo_visit
from tests.cast import a_site, a_version, an_approval, document
from tests.integration.replanning.amendments.conftest import (
    INFUSION,
    NOW,
    amendment,
    shown,
    somebody,
    started,
)
from trials.domain.stored_sentences import facts_text
from trials.models import AuditEntry, ConsentForm, ProtocolVersion, Site, SiteApproval, Trial, User

pytestmark = pytest.mark.django_db


def outcomes(run: AmendmentRun) -> dict[str, Outcome]:
    steps = AmendmentStep.objects.filter(run=run).select_related("participant").order_by("pk")
    return {step.participant.subject_code: Outcome(step.outcome) for step in steps}


def window(person: Participant, code: str) -> tuple[date, date]:
    visit = Visit.objects.get(participant=person, code=code)
    return visit.opens, visit.closes


def said(person: Participant) -> str:
    """What came of somebody, as a page tells it."""
    return facts_text(AmendmentStep.objects.get(participant=person).message)


def everything() -> list[object]:
    models: tuple[Any, ...] = (Visit, Participant, AmendmentRun, AmendmentStep)
    return [list(model.objects.order_by("pk").values()) for model in models]


@pytest.fixture
def ready(old: ProtocolVersion, new: ProtocolVersion, site: Site) -> Participant:
    """Infused on 7 December; D14 was done on the 23rd, the last day of ±2. The site may use version 2."""
    person = somebody(old, site, "S01-001")
    an_approval(site, new)
    return person


def test_a_dry_run_writes_nothing_and_says_what_comes_goes_and_stays(
    ready: Participant, old: ProtocolVersion, new: ProtocolVersion, site: Site
) -> None:
    before = everything()
    (one,) = shown(amendment(old, new, site)).prospects
    assert everything() == before
    assert one.outcome is Outcome.READY
    found = {change.code: change.effects for change in one.changes}
    assert found == {"d7": (Effect.NOW_MISSED, Effect.ADDED), "m9": (Effect.CANCELLED,)}
    assert [change.code for change in one.done] == ["d14"]
    assert one.done[0].effects == (Effect.UNCHANGED,), "done under ±2 days, and so it stays"


def test_each_is_brought_over_with_what_was_done_under_the_version_it_was_done_under(
    ready: Participant, old: ProtocolVersion, new: ProtocolVersion, site: Site
) -> None:
    stood = window(ready, "d14")
    run = started(amendment(old, new, site), by=User.objects.create_user("designer"))
    assert outcomes(run) == {"S01-001": Outcome.WAITING}
    assert advance_amendments(now=NOW) == 1
    assert outcomes(run) == {"S01-001": Outcome.DONE}
    ready.refresh_from_db()
    assert ready.protocol_version == new
    assert Visit.objects.get(participant=ready, code="m9").cancelled_on is not None
    assert window(ready, "d7") == (date(2026, 12, 13), date(2026, 12, 15))
    assert window(ready, "d14") == stood == (date(2026, 12, 19), date(2026, 12, 23))
    run.refresh_from_db()
    assert run.finished_at == NOW
    step = AmendmentStep.objects.get()
    assert facts_text(step.message) == "1 added, 0 moved, 1 cancelled; 1 stay as they were done."
    entry = AuditEntry.objects.get(
        model="participants.participant", action="change", new__contains="protocol"
    )
    assert (entry.actor, entry.reason) == ("designer", "amendment 2")


def test_what_was_done_moves_with_its_anchor_by_the_older_version(
    ready: Participant, old: ProtocolVersion, new: ProtocolVersion, site: Site
) -> None:
    """A correction of the infusion's day moves D14 too, by its own ±2 days, and D28 by the new version."""
    started(amendment(old, new, site))
    advance_amendments(now=NOW)
    corrected = RecordedAnchor("infusion", actual_on=INFUSION + timedelta(days=1))
    record_anchor(participant=ready, anchor=corrected, now=NOW, by=None, reason="a slip of the pen")
    assert window(ready, "d14") == (date(2026, 12, 20), date(2026, 12, 24))
    visit = Visit.objects.get(participant=ready, code="d14")
    undo_visit(visit=visit, version=visit.version, by=None, reason="another's", now=NOW)
    assert window(ready, "d14") == (date(2026, 12, 19), date(2026, 12, 25)), "to come, and so by version 2"


def test_a_visit_that_becomes_the_first_of_several_is_the_same_visit(
    old: ProtocolVersion, site: Site
) -> None:
    """The plan names it otherwise (`m24`, then `m24-1`); its row is known by its rule and number."""
    repeated = "    at: P24M\n    repeat: {every: P6M, until: P36M}\n"
    text = document().replace('version: "1"', 'version: "2"').replace("    at: P24M\n", repeated)
    new = a_version(
        text=text.replace("    at: P14D\n", "    at: P14D\n    repeat: {every: P4D, until: P18D}\n")
    )
    person = somebody(old, site, "S01-001")
    an_approval(site, new)
    booked, stood = Visit.objects.filter(code="m24"), window(person, "d14")
    booked.update(booked_on=date(2028, 12, 7))
    uid = booked.get().uid
    found = {change.code: change.effects for change in shown(amendment(old, new, site)).prospects[0].changes}
    assert found == dict.fromkeys(("d14-2", "m24-2", "m24-3"), (Effect.ADDED,))
    run = started(amendment(old, new, site))
    advance_amendments(now=NOW)
    assert outcomes(run) == {"S01-001": Outcome.DONE}
    rows = Visit.objects.filter(rule_code="m24").order_by("occurrence").values_list("code", "label", "target")
    assert list(rows) == [
        ("m24", "Month 24 1", date(2028, 12, 7)),
        ("m24-2", "Month 24 2", date(2029, 6, 7)),
        ("m24-3", "Month 24 3", date(2029, 12, 7)),
    ]
    assert (booked.get().booked_on, booked.get().uid) == (date(2028, 12, 7), uid)
    assert window(person, "d14") == stood, "done under version 1, and so it stays"
    assert shown(amendment(new, old, site)).prospects[0].outcome is Outcome.READY
    an_approval(site, old)
    started(amendment(new, old, site))
    advance_amendments(now=NOW)
    live = Visit.objects.live().filter(rule_code__in=("d14", "m24")).values_list("code", "label", "target")
    assert list(live) == [("m24", "Month 24", date(2028, 12, 7))]


def test_whoever_is_not_brought_over_is_listed_with_the_reason(
    ready: Participant, old: ProtocolVersion, new: ProtocolVersion, site: Site
) -> None:
    other = a_site("CD")
    elsewhere = somebody(old, other, "S02-001")
    ended = somebody(old, site, "S01-002")
    CourseStep.objects.create(
        participant=ended, step="withdrawal", happened_on=date(2026, 12, 20), reason="-"
    )
    already = somebody(new, site, "S01-003")
    booked = somebody(old, site, "S01-004")
    Visit.objects.filter(participant=booked, code="m9").update(booked_on=date(2027, 9, 7))
    asked = amendment(old, new, site, other)
    dry = shown(asked)
    assert {one.participant.subject_code: (one.outcome, str(one.why or "")) for one in dry.prospects} == {
        "S01-001": (Outcome.READY, ""),
        "S01-002": (Outcome.SKIPPED, "The course has ended: withdrawn."),
        "S01-003": (Outcome.SKIPPED, "Under version 2 already."),
        "S01-004": (
            Outcome.BOOKING,
            "Booked: Month 9 (2027-09-07). Change the version on the participant's own page instead.",
        ),
        "S02-001": (Outcome.SKIPPED, "No approval of version 2 is on record at site CD."),
    }
    run = started(asked)
    assert advance_amendments(now=NOW) == 5
    assert {code for code, out in outcomes(run).items() if out is Outcome.DONE} == {"S01-001"}
    messages = dict(AmendmentStep.objects.values_list("participant__subject_code", "message"))
    assert facts_text(messages["S02-001"]) == "No approval of version 2 is on record at site CD."
    assert {p.protocol_version_id for p in (elsewhere, ended, booked)} == {old.pk}
    assert already.protocol_version == new


def test_whoever_must_consent_again_is_held_back_until_they_have(
    ready: Participant, old: ProtocolVersion, new: ProtocolVersion, site: Site
) -> None:
    form = ConsentForm.objects.create(trial=old.trial, version="1", effective_on=date(2026, 1, 1))
    Consent.objects.create(participant=ready, form=form, signed_on=date(2026, 11, 2))
    again = ConsentForm.objects.create(
        trial=old.trial, version="2", effective_on=date(2026, 12, 1), consent_again=True
    )
    consented = somebody(old, site, "S01-002")
    Consent.objects.create(participant=consented, form=again, signed_on=date(2026, 12, 2))
    unknown = somebody(old, site, "S01-003")
    run = started(amendment(old, new, site))
    advance_amendments(now=NOW)
    assert outcomes(run) == {
        "S01-001": Outcome.CONSENT,
        "S01-002": Outcome.DONE,
        "S01-003": Outcome.CONSENT,
    }
    assert said(ready) == "Form 2 asks for consent again."
    assert said(unknown) == "Form 2 asks for consent again, and none is on record."
    Consent.objects.create(participant=ready, form=again, signed_on=date(2026, 12, 22))
    with pytest.raises(AmendmentRefused, match="Enter "):
        retry_amendment(run=run, by=None, reason=" ")
    assert retry_amendment(run=run, by=None, reason="consented") == 2
    with time_machine.travel(NOW, tick=False):
        tasks.amend()
    assert outcomes(run)["S01-001"] is Outcome.DONE
    assert outcomes(run)["S01-003"] is Outcome.CONSENT


def test_an_approval_that_goes_is_seen_when_the_turn_comes(
    ready: Participant, old: ProtocolVersion, new: ProtocolVersion, site: Site
) -> None:
    run = started(amendment(old, new, site))
    SiteApproval.objects.filter(site=site, protocol_version=new).update(reference="another")
    advance_amendments(now=NOW)
    assert outcomes(run) == {"S01-001": Outcome.SKIPPED}
    assert "was changed after it was signed" in AmendmentStep.objects.get().message


def test_what_changed_since_it_was_shown_is_shown_again(
    ready: Participant, old: ProtocolVersion, new: ProtocolVersion, site: Site
) -> None:
    asked = amendment(old, new, site)
    dry = shown(asked)
    somebody(old, site, "S01-002")
    with pytest.raises(AmendmentStale) as stale:
        start_amendment(amendment=asked, digest=dry.digest, by=None, reason="amendment 2", now=NOW)
    assert len(stale.value.dry_run.prospects) == 2  # type: ignore[attr-defined]
    assert not AmendmentRun.objects.exists()


def test_what_cannot_be_started_is_refused_in_words(
    ready: Participant, old: ProtocolVersion, new: ProtocolVersion, site: Site
) -> None:
    for asked, field, words in (
        (amendment(old, old, site), "to_version", "Choose another version than 1."),
        (amendment(old, new), "sites", "Choose at least one site."),
    ):
        with pytest.raises(AmendmentRefused) as refused:
            shown(asked)
        assert refused.value.fields == {field: (words,)}
    asked = amendment(old, new, site)
    digest = shown(asked).digest
    with pytest.raises(AmendmentRefused, match="Enter "):
        start_amendment(amendment=asked, digest=digest, by=None, reason="", now=NOW)
    started(asked)
    with pytest.raises(AmendmentRefused, match="has not finished"):
        start_amendment(amendment=asked, digest=digest, by=None, reason="again", now=NOW)
    advance_amendments(now=NOW)
    with pytest.raises(AmendmentRefused, match="Nobody at these sites"):
        started(asked)


class Killed(BaseException):
    """As a process dies: nothing catches it."""


def test_a_worker_that_dies_leaves_whole_participants_and_another_goes_on(
    ready: Participant,
    old: ProtocolVersion,
    new: ProtocolVersion,
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number in (2, 3):
        somebody(old, site, f"S01-00{number}")
    run = started(amendment(old, new, site))
    real, calls = amendments.replan_many, []

    def dies_after_writing(**asked: Any) -> Any:
        calls.append(asked)
        done = real(**asked)
        if len(calls) == 2:
            raise Killed
        return done

    monkeypatch.setattr(amendments, "replan_many", dies_after_writing)
    with pytest.raises(Killed):
        advance_amendments(now=NOW)
    assert list(outcomes(run).values()) == [Outcome.DONE, Outcome.WAITING, Outcome.WAITING]
    versions = Participant.objects.order_by("pk").values_list("protocol_version", flat=True)
    assert list(versions) == [new.pk, old.pk, old.pk], "the second is as if nothing had been"
    assert Visit.objects.filter(code="d7").count() == 1
    assert advance_amendments(now=NOW) == 2
    assert advance_amendments(now=NOW) == 0
    assert set(outcomes(run).values()) == {Outcome.DONE}
    assert Visit.objects.filter(code="d7").count() == 3


def test_one_who_fails_does_not_hold_up_the_others(
    ready: Participant,
    old: ProtocolVersion,
    new: ProtocolVersion,
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    somebody(old, site, "S01-002")
    run = started(amendment(old, new, site))
    real = amendments.replan_many

    def stumbles(**asked: Any) -> Any:
        if asked["ids"] == [ready.pk]:
            raise RuntimeError
        return real(**asked)

    monkeypatch.setattr(amendments, "replan_many", stumbles)
    assert advance_amendments(now=NOW) == 2
    assert outcomes(run) == {"S01-001": Outcome.FAILED, "S01-002": Outcome.DONE}
    monkeypatch.undo()
    retry_amendment(run=run, by=None, reason="mended")
    advance_amendments(now=NOW)
    assert outcomes(run)["S01-001"] is Outcome.DONE


def test_participants_of_a_frozen_trial_wait(
    ready: Participant, old: ProtocolVersion, new: ProtocolVersion, site: Site
) -> None:
    run = started(amendment(old, new, site))
    Trial.objects.filter(pk=old.trial_id).update(frozen_on=date(2026, 12, 23))
    assert advance_amendments(now=NOW) == 0
    assert outcomes(run) == {"S01-001": Outcome.WAITING}


def test_a_dry_run_takes_as_many_queries_whatever_their_number(
    ready: Participant, old: ProtocolVersion, new: ProtocolVersion, site: Site
) -> None:
    asked = amendment(old, new, site)
    shown(asked)
    with CaptureQueriesContext(connection) as alone:
        shown(asked)
    for number in range(2, 6):
        somebody(old, site, f"S01-00{number}")
    with CaptureQueriesContext(connection) as many:
        assert len(shown(asked).prospects) == 5
    assert len(many) == len(alone) <= 18


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_bring_each_over_once(
    ready: Participant, old: ProtocolVersion, new: ProtocolVersion, site: Site
) -> None:
    for number in range(2, 7):
        somebody(old, site, f"S01-00{number}")
    run = started(amendment(old, new, site))
    worked: list[int] = []

    def work() -> None:
        try:
            worked.append(advance_amendments(now=NOW))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    advance_amendments(now=NOW)
    assert sum(worked) == 6
    assert set(outcomes(run).values()) == {Outcome.DONE}
    assert Visit.objects.filter(code="d7").count() == 6


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_a_worker_passes_over_who_is_held_by_another(
    ready: Participant, old: ProtocolVersion, new: ProtocolVersion, site: Site
) -> None:
    somebody(old, site, "S01-002")
    run = started(amendment(old, new, site))
    held, over = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                AmendmentStep.objects.select_for_update().get(run=run, participant=ready)
                held.set()
                over.wait(5)
        finally:
            connections.close_all()

    other = threading.Thread(target=hold)
    other.start()
    assert held.wait(5)
    worked = advance_amendments(now=NOW)
    over.set()
    other.join()
    assert (worked, outcomes(run)["S01-002"]) == (1, Outcome.DONE), "it did not wait"
    assert advance_amendments(now=NOW) == 1
