"""Consent: the form's version, the day, consent again needed and done, withdrawn."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from participants.domain.anchors import RecordedAnchor
from participants.domain.consents import ConsentState
from participants.domain.errors import ConsentRefused
from participants.models import Anchor, Consent, Participant
from participants.selectors.consents import asked_again, consent_standing, without_consent
from participants.services.consent import Correction, withdraw_consent
from schedules.domain.errors import ReplanningRefused, VisitRefused
from schedules.domain.visits.values import Completion
from schedules.models import ProtocolWindow, Visit
from schedules.selectors.trust.signing import signable_schedule
from schedules.services.enrolment.enrolling import enrol
from schedules.services.replanning.moves import Proposal, commit_replanning, preview_replanning, record_anchor
from schedules.services.trust.consents import correct_consent, record_consent
from schedules.services.visits.appointments import complete_visit
from tests.cast import NOW, TODAY, a_version, an_approval, an_enrolment, an_investigator, document
from trials.domain.audit.signing import How, Proof
from trials.domain.errors import Stale
from trials.models import AuditEntry, ConsentForm, Meaning, Trial
from trials.selectors.protocols.approvals import signatures_of
from trials.services.audit.signatures import sign
from trials.services.protocols.consent_forms import ConsentFormRefused, Edition, record_consent_form

pytestmark = pytest.mark.django_db

NOVEMBER = date(2026, 11, 2)


def form(
    trial: Trial, version: str = "1.0", day: date = date(2026, 1, 5), again: bool = False
) -> ConsentForm:
    return record_consent_form(trial=trial, edition=Edition(version, day, again), by=None)


def test_a_consent_sets_the_day_of_consent_and_stands(participant) -> None:
    first = form(participant.trial)
    record_consent(participant=participant, form=first, signed_on=NOVEMBER, now=NOW, by=None)
    standing = consent_standing(participant, TODAY)
    assert (standing.state, standing.given) == (ConsentState.GIVEN, True)
    assert Anchor.objects.get(participant=participant, code="consent").actual_on == NOVEMBER


def test_re_consent_is_needed_and_done(participant, coordinator, django_assert_num_queries) -> None:
    first, newer = form(participant.trial), form(participant.trial, "2.0", date(2026, 11, 10), again=True)
    assert list(without_consent(coordinator, TODAY)) == [participant]
    record_consent(participant=participant, form=first, signed_on=NOVEMBER, now=NOW, by=None)
    assert consent_standing(participant, TODAY).state is ConsentState.AGAIN
    assert [person.subject_code for person in asked_again(coordinator, TODAY)] == ["S01-001"]
    assert not asked_again(coordinator, date(2026, 11, 9)).exists(), "not yet in use"
    record_consent(participant=participant, form=newer, signed_on=TODAY, now=NOW, by=None)
    standing = consent_standing(participant, TODAY)
    assert standing.form is not None
    assert (standing.state, standing.form.version, standing.signed_on) == (ConsentState.GIVEN, "2.0", TODAY)
    assert not asked_again(coordinator, TODAY).exists()
    assert not without_consent(coordinator, TODAY).exists()


def test_the_list_takes_as_many_queries_for_many(participant, coordinator, version, site) -> None:
    first = form(participant.trial)
    form(participant.trial, "2.0", date(2026, 11, 10), again=True)

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            list(asked_again(coordinator, TODAY))
        return len(queries)

    few = count()
    Consent.objects.create(participant=participant, form=first, signed_on=NOVEMBER)
    assert [person.asked_version for person in asked_again(coordinator, TODAY)] == ["2.0"]
    assert count() == few


def test_a_withdrawn_consent_stands_no_more(participant, coordinator) -> None:
    first = form(participant.trial)
    form(participant.trial, "2.0", date(2026, 11, 10), again=True)
    record_consent(participant=participant, form=first, signed_on=NOVEMBER, now=NOW, by=None)
    asked = {"participant": participant, "today": TODAY, "by": coordinator}
    with pytest.raises(ConsentRefused, match="kept in the audit trail"):
        withdraw_consent(withdrawn_on=TODAY, reason=" ", **asked)
    with pytest.raises(ConsentRefused, match="before the consent"):
        withdraw_consent(withdrawn_on=date(2026, 11, 1), reason="letter", **asked)
    assert withdraw_consent(withdrawn_on=TODAY, reason="letter", **asked) == 1
    standing = consent_standing(participant, TODAY)
    assert (standing.state, standing.withdrawn_on) == (ConsentState.WITHDRAWN, TODAY)
    assert not asked_again(coordinator, TODAY).exists(), "nobody asks them again"
    with pytest.raises(ConsentRefused, match="There is no consent"):
        withdraw_consent(withdrawn_on=TODAY, reason="letter", **asked)


@pytest.mark.parametrize(
    ("day", "field", "words"),
    [
        (date(2026, 11, 22), "signed_on", "in the future"),
        (date(2026, 1, 4), "signed_on", "is used from Monday 2026-01-05"),
    ],
)
def test_a_consent_that_cannot_be_is_refused_and_nothing_written(participant, day, field, words) -> None:
    with pytest.raises(ConsentRefused, match=words) as refused:
        record_consent(participant=participant, form=form(participant.trial), signed_on=day, now=NOW, by=None)
    assert set(refused.value.fields) == {field}
    assert not Consent.objects.exists()
    assert not Anchor.objects.filter(participant=participant, code="consent").exists()


def test_another_trials_form_and_a_second_consent_to_one_are_refused(participant) -> None:
    other = form(a_version("NCT07274059").trial)
    with pytest.raises(ConsentRefused, match="another trial"):
        record_consent(participant=participant, form=other, signed_on=NOVEMBER, now=NOW, by=None)
    ours = form(participant.trial)
    record_consent(participant=participant, form=ours, signed_on=NOVEMBER, now=NOW, by=None)
    with pytest.raises(ConsentRefused, match="is on record for Monday 2026-11-02"):
        record_consent(participant=participant, form=ours, signed_on=NOVEMBER, now=NOW, by=None)


def test_an_edition_is_recorded_once(participant) -> None:
    form(participant.trial)
    with pytest.raises(ConsentFormRefused, match="give another version"):
        form(participant.trial)
    with pytest.raises(ConsentFormRefused, match="as it is printed"):
        form(participant.trial, " ")


def test_no_infusion_before_consent(version, site) -> None:
    from schedules.domain.plan.values import AnchorDay, AnchorKind

    anchors = {
        "screening": AnchorDay(date(2026, 10, 30), AnchorKind.ACTUAL),
        "lymphodepletion-start": AnchorDay(date(2026, 11, 16), AnchorKind.ACTUAL),
        "infusion": AnchorDay(TODAY),
    }
    person = enrol(enrolment=an_enrolment(version, site=site, anchors=anchors), by=None)
    infusion = Visit.objects.get(participant=person, code="d0")
    with pytest.raises(VisitRefused, match="No infusion before consent"):
        complete_visit(
            visit=infusion,
            version=infusion.version,
            completion=Completion(TODAY),
            by=None,
            reason="",
            now=NOW,
        )


OCTOBER = date(2026, 10, 26)


def right(consent: Consent, **changes: object) -> dict[str, object]:
    """A consent corrected with a reason, at the time of the tests."""
    stands = {"version": consent.version, "form": consent.form, "signed_on": consent.signed_on}
    correction = Correction(**{**stands, **changes})  # type: ignore[arg-type]
    return {"consent": consent, "correction": correction, "now": NOW, "by": None, "reason": "typed wrongly"}


def test_a_corrected_day_of_consent_moves_what_counts_from_it_and_the_trail_keeps_the_old_one() -> None:
    version = a_version("NCT07339332")
    person = enrol(enrolment=an_enrolment(version, subject_code="S01-007"), by=None)
    given = record_consent(participant=person, form=form(person.trial), signed_on=NOVEMBER, now=NOW, by=None)
    washout = ProtocolWindow.objects.get(participant=person, code="malignancy-washout")
    assert (washout.starts_on, washout.ends_on) == (date(2024, 11, 2), NOVEMBER)
    by, record = an_investigator(), signable_schedule(person)
    proof = Proof(by.pk, How.PASSWORD, NOW)
    sign(record=record, meaning=Meaning.REVIEWED, shown=record.digest, by=by, proof=proof, now=NOW)

    correct_consent(**right(given, signed_on=OCTOBER))
    assert Anchor.objects.get(participant=person, code="consent").actual_on == OCTOBER
    washout.refresh_from_db()
    assert (washout.starts_on, washout.ends_on) == (date(2024, 10, 26), OCTOBER)
    entry = AuditEntry.objects.filter(model="participants.consent", action="change").get()
    assert "2026-11-02" in entry.old
    assert ("2026-10-26" in entry.new, entry.reason) == (True, "typed wrongly")
    moved = AuditEntry.objects.filter(model="participants.anchor", act=entry.act).get()
    assert ("2026-11-02" in moved.old, moved.reason) == (True, "typed wrongly"), "one act, one reason"
    now_there = signable_schedule(person)
    (signature,) = signatures_of(now_there)
    assert signature.void
    assert next(change.path for change in signature.changes) == "anchors[consent].actual_on"


def test_a_wrong_form_is_corrected_and_the_calendar_stays(participant) -> None:
    first, second = form(participant.trial), form(participant.trial, "1.1", date(2026, 6, 1))
    given = record_consent(participant=participant, form=first, signed_on=NOVEMBER, now=NOW, by=None)
    before = Participant.objects.get(pk=participant.pk).version
    correct_consent(**right(given, form=second))
    standing = consent_standing(participant, TODAY)
    assert standing.form is not None
    assert (standing.form.version, standing.signed_on) == ("1.1", NOVEMBER)
    assert Participant.objects.get(pk=participant.pk).version == before, "nothing was planned anew"


def test_a_withdrawal_recorded_by_mistake_is_taken_back_with_a_reason(participant, coordinator) -> None:
    given = record_consent(
        participant=participant, form=form(participant.trial), signed_on=NOVEMBER, now=NOW, by=None
    )
    withdraw_consent(
        participant=participant, withdrawn_on=TODAY, today=TODAY, by=coordinator, reason="by letter"
    )
    given.refresh_from_db()
    correct_consent(**right(given, withdrawn_on=None))
    assert consent_standing(participant, TODAY).state is ConsentState.GIVEN


@pytest.mark.parametrize(
    ("changes", "reason", "words"),
    [
        ({"signed_on": OCTOBER}, " ", "Enter why you correct it"),
        ({}, "nothing", "This is what is on record"),
        ({"signed_on": date(2026, 11, 22)}, "typed wrongly", "in the future"),
        ({"signed_on": date(2026, 1, 4)}, "typed wrongly", "is used from Monday 2026-01-05"),
    ],
)
def test_a_correction_that_cannot_be_is_refused_and_nothing_written(
    participant, changes, reason, words
) -> None:
    given = record_consent(
        participant=participant, form=form(participant.trial), signed_on=NOVEMBER, now=NOW, by=None
    )
    with pytest.raises(ConsentRefused, match=words):
        correct_consent(**right(given, **changes) | {"reason": reason})
    assert Consent.objects.values_list("signed_on", "version").get() == (NOVEMBER, 1)


def test_of_two_corrections_the_slower_is_told(participant) -> None:
    given = record_consent(
        participant=participant, form=form(participant.trial), signed_on=NOVEMBER, now=NOW, by=None
    )
    shown = right(given, signed_on=date(2026, 11, 3))
    correct_consent(**right(given, signed_on=OCTOBER))
    with pytest.raises(Stale):
        correct_consent(**shown)


def test_no_correction_puts_consent_after_the_infusion(version, site) -> None:
    person = infused(version, site, consent=NOVEMBER)
    given = record_consent(participant=person, form=form(person.trial), signed_on=NOVEMBER, now=NOW, by=None)
    with pytest.raises(ConsentRefused, match="No infusion before consent: Friday 2026-11-20 is before"):
        correct_consent(**right(given, signed_on=TODAY))
    assert Anchor.objects.get(participant=person, code="consent").actual_on == NOVEMBER


def infused(version, site, consent: date | None) -> Participant:
    """Somebody infused yesterday, whatever was known of their consent."""
    from schedules.domain.plan.values import AnchorDay, AnchorKind

    days = {
        "consent": consent,
        "screening": date(2026, 11, 2),
        "lymphodepletion-start": date(2026, 11, 15),
        "infusion": date(2026, 11, 20),
    }
    anchors = {code: AnchorDay(day, AnchorKind.ACTUAL) for code, day in days.items() if day}
    return enrol(enrolment=an_enrolment(version, site=site, anchors=anchors), by=None)


@pytest.mark.parametrize(
    ("consented", "withdrawn", "words"),
    [
        (None, None, "put the day of consent on record first"),
        (NOVEMBER, date(2026, 11, 10), "Consent was withdrawn on Tuesday 2026-11-10"),
    ],
    ids=["no consent", "withdrawn"],
)
def test_no_infusion_before_consent_by_way_of_the_anchors(
    version, site, coordinator, consented, withdrawn, words
) -> None:
    """The page that sets anchors is no way past what the page of the visit refuses."""
    from schedules.domain.plan.values import AnchorDay, AnchorKind

    anchors = {
        "lymphodepletion-start": AnchorDay(date(2026, 11, 16), AnchorKind.ACTUAL),
        "infusion": AnchorDay(TODAY),
    }
    person = enrol(enrolment=an_enrolment(version, site=site, anchors=anchors), by=None)
    if consented:
        record_consent(participant=person, form=form(person.trial), signed_on=consented, now=NOW, by=None)
        withdraw_consent(
            participant=person, withdrawn_on=withdrawn, today=TODAY, by=coordinator, reason="by letter"
        )
    done = RecordedAnchor("infusion", TODAY, actual_on=TODAY)
    proposal = Proposal(anchors={"infusion": done})
    digest = preview_replanning(participant=person, proposal=proposal, now=NOW).digest
    with pytest.raises(ReplanningRefused, match=words):
        commit_replanning(
            participant=person, proposal=proposal, digest=digest, now=NOW, by=None, reason="given today"
        )
    with pytest.raises(ReplanningRefused, match=words):
        record_anchor(participant=person, anchor=done, now=NOW, by=None, reason="given today")
    assert Anchor.objects.get(participant=person, code="infusion").actual_on is None


def test_no_infusion_between_a_withdrawal_and_a_consent_given_since(version, site, coordinator) -> None:
    from schedules.domain.plan.values import AnchorDay, AnchorKind

    anchors = {
        "lymphodepletion-start": AnchorDay(date(2026, 11, 8), AnchorKind.ACTUAL),
        "infusion": AnchorDay(date(2026, 11, 13)),
    }
    person = enrol(enrolment=an_enrolment(version, site=site, anchors=anchors), by=None)
    record_consent(participant=person, form=form(person.trial), signed_on=NOVEMBER, now=NOW, by=None)
    withdraw_consent(
        participant=person, withdrawn_on=date(2026, 11, 10), today=TODAY, by=coordinator, reason="by letter"
    )
    newer = form(person.trial, "2.0", date(2026, 11, 10))
    record_consent(participant=person, form=newer, signed_on=date(2026, 11, 18), now=NOW, by=None)
    between = RecordedAnchor("infusion", actual_on=date(2026, 11, 13))
    with pytest.raises(ReplanningRefused, match="Consent was withdrawn on Tuesday 2026-11-10"):
        record_anchor(participant=person, anchor=between, now=NOW, by=None, reason="as it was")
    since = RecordedAnchor("infusion", actual_on=date(2026, 11, 18))
    record_anchor(participant=person, anchor=since, now=NOW, by=None, reason="as it was")


def test_the_day_of_consent_is_moved_by_correcting_the_consent_alone(participant) -> None:
    record_consent(
        participant=participant, form=form(participant.trial), signed_on=NOVEMBER, now=NOW, by=None
    )
    moved = RecordedAnchor("consent", actual_on=OCTOBER)
    with pytest.raises(ReplanningRefused, match="correct the consent, and the calendar follows"):
        record_anchor(participant=participant, anchor=moved, now=NOW, by=None)


@pytest.mark.parametrize(
    ("consents", "words"),
    [
        (["1.0"], "Form 2.0 asks for consent again"),
        ([], "Form 2.0 asks for consent again"),
        (["1.0", "2.0"], ""),
    ],
    ids=["to the old form", "none", "to the new form"],
)
def test_another_version_holds_for_nobody_who_must_consent_again(version, site, consents, words) -> None:
    newer = a_version(text=document().replace('version: "1"', 'version: "2"'))
    person = enrol(enrolment=an_enrolment(version, site=site), by=None)
    an_approval(site, newer)
    editions = {
        "1.0": form(person.trial),
        "2.0": form(person.trial, "2.0", date(2026, 11, 10), again=True),
    }
    for day, name in zip((NOVEMBER, TODAY), consents, strict=False):
        record_consent(participant=person, form=editions[name], signed_on=day, now=NOW, by=None)
    proposal = Proposal(version=newer)
    asked = {"participant": person, "proposal": proposal, "now": NOW}
    digest = preview_replanning(**asked).digest
    if words:
        with pytest.raises(ReplanningRefused, match=words):
            commit_replanning(**asked, digest=digest, by=None, reason="amended")
    else:
        commit_replanning(**asked, digest=digest, by=None, reason="amended")
        assert Participant.objects.get(pk=person.pk).protocol_version == newer
