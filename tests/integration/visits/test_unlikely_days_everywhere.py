"""A day before the consent, or long after the last window, is asked about wherever a day is entered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from participants.domain.fact_kinds import (
    Admission,
    CompanionConfirmed,
    Confirmation,
    Dose,
    Event,
    Fact,
    Illness,
    Lodging,
    NightAway,
)
from participants.domain.fact_kinds import TestResult as Sample
from participants.domain.product import Milestone
from participants.models import Absence, Participant, ProductStep, SafetyReview
from participants.services.absences import Away
from participants.services.consent import write_consent
from participants.services.product import MilestoneRecord
from schedules.domain.errors import UnlikelyDay
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.domain.readiness.start_flags import START_FLAG
from schedules.models import Flag
from schedules.services.availability.absence_previews import commit_absence, preview_absence
from schedules.services.availability.site_days import SiteProposal, preview_site
from schedules.services.enrolment.enrolling import enrol
from schedules.services.readiness.gates import ReviewRecord, correct_safety_review, record_safety_review
from schedules.services.readiness.product import put_milestone
from schedules.services.trust.consents import record_withdrawal
from schedules.services.windows.facts import correct_fact, record_fact, record_facts
from schedules.services.windows.flags import snooze_flag
from tests.cast import a_version, an_enrolment, show_who_one_is
from tests.integration.visits.test_visits import CONSENT, INFUSION, at
from trials.domain.errors import DomainError, Refused
from trials.domain.sites.resources import ResourceKind
from trials.models import AuditEntry, ConsentForm, Membership, ResourceClosure, Role, User
from trials.services.accounts.memberships import grant_membership
from trials.services.protocols.consent_forms import Edition, record_consent_form
from trials.services.sites.resources import ResourceSaid, add_resource, close_resource

pytestmark = pytest.mark.django_db
EARLY, FAR, TODAY = date(2025, 11, 20), date(2036, 3, 3), date(2026, 12, 8)
NOW = at(12, 8)


@pytest.fixture
def participant() -> Participant:
    anchors = {"infusion": AnchorDay(INFUSION), "consent": AnchorDay(CONSENT, AnchorKind.ACTUAL)}
    return enrol(enrolment=an_enrolment(a_version("NCT07274059"), anchors=anchors), by=None)


@pytest.fixture
def chief(client: Client) -> Client:
    user = User.objects.create_superuser("chief", password="a long enough secret")
    for role in (Role.COORDINATOR, Role.ADMINISTRATOR):
        Membership.objects.create(user=user, role=role, starts_on=date(2020, 1, 1))
    client.force_login(user)
    show_who_one_is(client)
    return client


def is_asked_once(act: Callable[..., Any]) -> None:
    """Asked about, then why, then done; nothing half-written stays of the first two."""
    with pytest.raises(Refused) as refused:
        act()
    assert set(refused.value.fields) == {"sure"}, refused.value.fields
    with pytest.raises(Refused) as refused:
        act(sure=True)
    assert set(refused.value.fields) == {"reason"}, refused.value.fields
    assert act(sure=True, reason="copied from paper")


def test_a_milestone_of_the_product(participant: Participant) -> None:
    for milestone, on, expecting in (
        (Milestone.COLLECTION, EARLY, False),
        (Milestone.RELEASED, FAR, True),
    ):
        record = MilestoneRecord(milestone, on)
        put = partial(
            put_milestone, participant=participant, record=record, expecting=expecting, by=None, now=NOW
        )
        is_asked_once(put)
    assert ProductStep.objects.filter(participant=participant).count() == 2
    assert AuditEntry.objects.filter(model="participants.productstep", reason="copied from paper").exists()
    likely = MilestoneRecord(Milestone.SHIPPED, date(2026, 11, 20))
    put_milestone(participant=participant, record=likely, expecting=False, by=None, now=NOW)


def test_an_absence_of_a_participant(participant: Participant) -> None:
    for first in (EARLY, FAR):
        away = Away(first, first + timedelta(days=2), participant=participant, note="travels")
        with pytest.raises(Refused) as refused:
            preview_absence(away=away, now=NOW)
        assert set(refused.value.fields) == {"sure"}
        digest = preview_absence(away=away, now=NOW, sure=True).digest
        said = {"away": away, "digest": digest, "accept_unbookable": False, "by": None, "now": NOW}
        is_asked_once(partial(commit_absence, **said))
    assert Absence.objects.count() == 2


def test_a_safety_review_and_its_correction(participant: Participant) -> None:
    trial = participant.trial
    review = ReviewRecord(date(2019, 12, 1), opens_next=True, reference="minutes 1")
    record = partial(record_safety_review, of=trial, review=review, by=None, today=TODAY)
    is_asked_once(record)
    stored = SafetyReview.objects.get()
    likely = ReviewRecord(date(2026, 12, 1), opens_next=True, reference="minutes 1")
    said = {"by": None, "today": TODAY, "reason": "misread"}
    correct_safety_review(review=stored, shown=review.mark, to=likely, **said)
    stored.refresh_from_db()
    with pytest.raises(Refused) as refused:
        correct_safety_review(review=stored, shown=likely.mark, to=review, **said)
    assert set(refused.value.fields) == {"sure"}


@pytest.mark.parametrize(
    "fact",
    [
        Lodging(EARLY, None, 30),
        Lodging(FAR, None, 30),
        NightAway(EARLY, 200),
        CompanionConfirmed(EARLY, None),
        Admission(datetime(2025, 11, 20, 8, tzinfo=UTC), None),
        Admission(datetime(2026, 12, 7, 8, tzinfo=UTC), None, FAR),
        Sample("hcg", EARLY, None, "negative"),
        Confirmation("contraception", EARLY, None, holds=True),
        Event("fever", datetime(2025, 11, 20, 8, tzinfo=UTC)),
    ],
    ids=str,
)
def test_a_fact_that_belongs_to_the_trial(participant: Participant, fact: Fact) -> None:
    is_asked_once(partial(record_fact, participant=participant, fact=fact, by=None, now=NOW))


@pytest.mark.parametrize(
    "fact",
    [Illness("malignancy", date(2015, 3, 1), date(2016, 3, 1)), Dose("biologic", EARLY), Event("sle", EARLY)],
    ids=str,
)
def test_what_windows_look_back_at_may_be_long_before(participant: Participant, fact: Fact) -> None:
    record_fact(participant=participant, fact=fact, by=None, now=NOW)


def test_a_test_within_its_window_is_not_asked_about_though_before_the_consent() -> None:
    anchors = {"infusion": AnchorDay(INFUSION), "consent": AnchorDay(CONSENT, AnchorKind.ACTUAL)}
    person = enrol(enrolment=an_enrolment(a_version("NCT07339332"), anchors=anchors), by=None)
    first = date(2026, 9, 14)  # of the eight weeks before screening
    for day, asked in ((date(2026, 10, 1), False), (first, False), (first - timedelta(days=1), True)):
        said = {"participant": person, "fact": Sample("echocardiography", day, None, "55%"), "by": None}
        if not asked:
            record_fact(**said, now=NOW)
            continue
        with pytest.raises(Refused) as refused:
            record_fact(**said, now=NOW)
    assert set(refused.value.fields) == {"sure"}


def test_several_facts_are_asked_about_together_and_a_correction_too(participant: Participant) -> None:
    facts = [Sample("hcg", EARLY, None, "negative"), NightAway(EARLY, 10)]
    is_asked_once(partial(record_facts, participant=participant, facts=facts, by=None, now=NOW))
    fact = NightAway(date(2026, 12, 7), 10)
    stored = record_fact(participant=participant, fact=fact, by=None, now=NOW).stored
    said = {"stored": stored, "fact": NightAway(date(2025, 12, 7), 10), "by": None, "now": NOW, "reason": "x"}
    with pytest.raises(Refused) as refused:
        correct_fact(**said)
    assert set(refused.value.fields) == {"sure"}
    stored.refresh_from_db()
    assert stored.withdrawn_at is None
    correct_fact(sure=True, **said)


def test_a_withdrawal_of_consent(participant: Participant) -> None:
    form = ConsentForm.objects.create(trial=participant.trial, version="9.0", effective_on=date(2026, 1, 1))
    write_consent(participant=participant, form=form, signed_on=CONSENT, today=TODAY, by=None)
    late = datetime(2036, 3, 4, 8, tzinfo=UTC)
    said = {"participant": participant, "withdrawn_on": FAR, "now": late, "by": None, "reason": "by letter"}
    with pytest.raises(Refused) as refused:
        record_withdrawal(**said)
    assert set(refused.value.fields) == {"sure"}
    assert record_withdrawal(sure=True, **said) == 1


def test_days_of_a_site(participant: Participant) -> None:
    """Closed days, absences of its staff, and a resource that cannot be used."""
    site = participant.site
    for day in (date(2015, 12, 23), date(2030, 12, 23)):
        for proposal in (
            {"closures": {day: "stocktaking"}},
            {"absence": Away(day, day, site=site)},
            {"openings": {day: ""}},
        ):
            with pytest.raises(UnlikelyDay):
                preview_site(site=site, proposal=SiteProposal(**proposal), now=NOW)
        room = add_resource(site=site, said=ResourceSaid(ResourceKind.ROOM, f"Room {day}"), by=None)
        close = partial(close_resource, resource=room, first=day, last=day, note="", today=TODAY, by=None)
        is_asked_once(close)
    assert ResourceClosure.objects.count() == 2
    far = SiteProposal(absence=Away(FAR, FAR, site=site), sure=True)
    assert preview_site(site=site, proposal=far, now=NOW)
    with pytest.raises(DomainError, match="cannot be right"):
        preview_site(site=site, proposal=SiteProposal({date(206, 1, 1): ""}, sure=True), now=NOW)


def test_a_role_that_begins_in_years(participant: Participant) -> None:
    one, other = User.objects.create_user("one"), User.objects.create_user("other")
    said = {"user": one, "role": Role.MONITOR, "starts_on": FAR, "by": other, "reason": "joins"}
    with pytest.raises(Refused) as refused:
        grant_membership(**said)
    assert set(refused.value.fields) == {"sure"}
    grant_membership(sure=True, **said)


@pytest.mark.parametrize("day", [date(206, 1, 1), date(2126, 1, 1), date(9999, 12, 31)])
def test_years_that_cannot_be_of_a_consent_form_a_birthday_and_a_flag(
    participant: Participant, day: date
) -> None:
    with pytest.raises(Refused, match="cannot be right") as refused:
        record_consent_form(trial=participant.trial, edition=Edition("9.1", day), by=None)
    assert set(refused.value.fields) == {"effective_on"}
    minor = an_enrolment(participant.protocol_version, subject_code="S01-009", comes_of_age_on=day)
    with pytest.raises(Refused, match=r"cannot be right|outside the calendar"):
        enrol(enrolment=minor, by=None)
    flag = Flag.objects.create(
        participant=participant, kind=START_FLAG, key="x", message="x", severity="warning", raised_at=NOW
    )
    user = User.objects.create_user("anna")
    with pytest.raises(Refused, match=r"not ahead|within a year") as refused:
        snooze_flag(flag=flag, until=day, by=user, now=NOW)
    assert set(refused.value.fields) == {"until"}
    snooze_flag(flag=flag, until=date(2027, 12, 8), by=user, now=NOW)


def test_the_pages_ask_and_keep_what_was_typed(participant: Participant, chief: Client) -> None:
    """Each form shows the question and the field of the reason only once the day is asked about."""
    pk, trial = participant.pk, participant.trial.code
    room = add_resource(site=participant.site, said=ResourceSaid(ResourceKind.ROOM, "Room 1"), by=None)
    early, old, site = str(EARLY), "2015-01-05", participant.site_id
    forms: list[tuple[str, dict[str, str]]] = [
        (reverse("milestone-new", args=[pk]), {"milestone": "collection", "on": early, "note": "kept"}),
        (reverse("participant-absences", args=[pk]), {"first": early, "last": early, "note": "kept"}),
        (
            reverse("site-absences", args=[site]),
            {"first": old, "last": old, "note": "kept"},
        ),
        (reverse("trial-safety-review", args=[trial]), {"held_on": "2019-12-01", "reference": "kept"}),
        (reverse("fact-new", args=[pk, "night-away"]), {"day": early, "minutes": "12"}),
        (reverse("facts-of-day", args=[pk]), {"on": early, "away": "12"}),
        (
            f"{reverse('resources', args=[site])}?close={room.pk}",
            {"first": old, "last": old, "note": "kept", "act": "save"},
        ),
        (
            reverse("working-days", args=[site]),
            {"what": "closed", "first": old, "note": "kept", "action": "preview"},
        ),
    ]
    for address, typed in forms:
        assert 'name="sure"' not in chief.get(address).content.decode(), address
        answer = chief.post(address, typed)
        page = answer.content.decode()
        assert answer.status_code == 422, (address, page[:3000])
        assert 'name="sure"' in page, address
        assert 'name="reason"' in page or "working" in address, address
        assert "kept" in page or "12" in page, address
        answer = chief.post(address, {**typed, "sure": "on", "reason": "copied from paper"})
        assert answer.status_code in (200, 302) or b"sure" in answer.content, address
