"""Years that nobody can have meant are refused, and days that are unlikely are asked about once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from participants.domain.anchors import RecordedAnchor
from participants.domain.errors import AbsenceRefused, ConsentRefused, CourseRefused
from participants.domain.lifecycle import Step
from participants.models import Anchor, Consent, Participant
from participants.services.absences import Away, record_absence
from participants.services.consent import Correction, rewrite_consent, withdraw_consent, write_consent
from schedules.domain.errors import EnrolmentRefused, ReplanningRefused, UnlikelyDay, VisitRefused
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.domain.visits.values import Booking, Completion
from schedules.models import Visit
from schedules.services.course.status_changes import StepRequest, take_step
from schedules.services.deviations.by_hand import Entered, enter_deviation
from schedules.services.enrolment.enrolling import enrol
from schedules.services.exchange.reports import Report, report_anchor
from schedules.services.readiness.gates import ReviewRecord, record_safety_review
from schedules.services.replanning.moves import Proposal, commit_replanning, preview_replanning
from schedules.services.trust.consents import correct_consent, record_consent
from schedules.services.visits.appointments import book_visit, complete_visit
from schedules.services.visits.unscheduled import Unscheduled, add_unscheduled
from tests.cast import a_version, an_enrolment, show_who_one_is
from tests.integration.visits.test_visits import CONSENT, INFUSION, at, visit
from trials.domain.errors import Refused
from trials.domain.sites.plausible_days import Frame, latest_day
from trials.models import AuditEntry, ConsentForm, Membership, Role, SiteApproval, User
from trials.services.accounts.memberships import MembershipRefused, end_membership, grant_membership
from trials.services.protocols.approvals import Approval, record_approval

pytestmark = pytest.mark.django_db
NEVER = [date(206, 12, 23), date(1, 1, 1), date(1989, 12, 31), date(2126, 1, 1), date(9999, 12, 31)]


@pytest.fixture
def participant() -> Participant:
    anchors = {"infusion": AnchorDay(INFUSION), "consent": AnchorDay(CONSENT, AnchorKind.ACTUAL)}
    return enrol(enrolment=an_enrolment(anchors=anchors), by=None)


def add(participant: Participant, on: date, *, sure: bool = False) -> Visit:
    asked = Unscheduled(Booking(on, sure=sure))
    return add_unscheduled(participant=participant, asked=asked, by=None, reason="rash", now=at(12, 8))


def test_a_year_mistyped_is_asked_about_once_and_the_reason_kept(participant: Participant) -> None:
    with pytest.raises(VisitRefused) as refused:
        add(participant, date(2020, 12, 23))
    (message,) = refused.value.fields["sure"]
    assert "2020-12-23 is before the consent on Tuesday 2026-11-03" in message
    assert not Visit.objects.filter(unscheduled=True).exists(), "nothing half-written stays"
    assert add(participant, date(2020, 12, 23), sure=True).target == date(2020, 12, 23)
    assert AuditEntry.objects.filter(model="schedules.visit", reason="rash").exists()


def test_a_day_long_after_the_last_window_is_asked_about(participant: Participant) -> None:
    last = Visit.objects.filter(participant=participant).latest("closes").closes
    assert add(participant, date.fromordinal(last.toordinal() + 90)), "ninety days are likely"
    with pytest.raises(VisitRefused) as refused:
        add(participant, date.fromordinal(last.toordinal() + 91))
    assert "91 days after" in refused.value.fields["sure"][0]


@pytest.mark.parametrize("day", NEVER)
def test_an_impossible_year_is_refused_whatever_is_said(participant: Participant, day: date) -> None:
    with pytest.raises(VisitRefused) as refused:
        add(participant, day, sure=True)
    assert "cannot be right" in refused.value.fields["on"][0]
    d28 = visit(participant, "d28")
    for act in (
        lambda: book_visit(
            visit=d28, version=d28.version, booking=Booking(day), by=None, reason="why", now=at(12, 8)
        ),
        lambda: complete_visit(
            visit=d28, version=d28.version, completion=Completion(day), by=None, now=at(12, 8)
        ),
    ):
        with pytest.raises(VisitRefused, match="cannot be right"):
            act()
    proposal = Proposal(anchors={"infusion": RecordedAnchor("infusion", planned_on=day)})
    with pytest.raises(ReplanningRefused, match="cannot be right"):
        preview_replanning(participant=participant, proposal=proposal, now=at(11, 21))
    participant.refresh_from_db()
    with pytest.raises(CourseRefused, match="cannot be right"):
        take_step(
            participant=participant, version=participant.version, by=None, reason="x", now=at(12, 8),
            request=StepRequest(Step.SCREEN_FAILURE, day),
        )  # fmt: skip


@pytest.mark.parametrize("day", NEVER)
def test_an_impossible_year_is_refused_when_enrolling(day: date) -> None:
    anchors = {"infusion": AnchorDay(day)}
    enrolment = an_enrolment(a_version(), anchors=anchors, today=date(2026, 11, 21))
    with pytest.raises(EnrolmentRefused, match=r"cannot be right|outside the calendar"):
        enrol(enrolment=enrolment, by=None)


@pytest.mark.parametrize("day", [date(206, 1, 1), date(9999, 12, 31), date(1, 1, 1)])
def test_absences_and_roles_have_years_too(participant: Participant, day: date) -> None:
    with pytest.raises(AbsenceRefused, match="cannot be right"):
        record_absence(away=Away(day, day, participant=participant), by=None)
    with pytest.raises(MembershipRefused, match="cannot be right"):
        grant_membership(user=User.objects.create_user("x"), role="monitor", starts_on=day, by=None)


def test_an_absence_lasts_a_year_at_most(participant: Participant) -> None:
    first = date(2026, 12, 9)
    with pytest.raises(AbsenceRefused, match="longer than a year"):
        record_absence(away=Away(first, date(2027, 12, 10), participant=participant), by=None)
    assert record_absence(away=Away(first, date(2027, 12, 9), participant=participant), by=None)


def test_the_deputy_of_somebody_who_is_away_is_somebody_else(participant: Participant) -> None:
    day, site = date(2026, 12, 9), participant.site
    one, other = User.objects.create_user("one"), User.objects.create_user("other")
    for away in (Away(day, day, site=site, deputy=other), Away(day, day, site=site, user=one, deputy=one)):
        with pytest.raises(AbsenceRefused, match="the deputy is somebody else"):
            record_absence(away=away, by=None)
    assert record_absence(away=Away(day, day, site=site, user=one, deputy=other), by=None).deputy == other


def test_every_service_that_knows_the_trial_knows_its_end(participant: Participant) -> None:
    """Consents, reviews, absences, roles and approvals took days up to 2199 for a trial that ends in 2028."""
    trial, today = participant.trial, date(2026, 11, 21)
    trial.planned_end = date(2028, 6, 1)
    trial.save(update_fields=["planned_end"])
    late, version, site = date(2060, 1, 1), participant.protocol_version, participant.site
    form = ConsentForm.objects.create(trial=trial, version="9.0", effective_on=date(2026, 1, 1))
    signed = write_consent(participant=participant, form=form, signed_on=CONSENT, today=today, by=None)
    other = ConsentForm.objects.create(trial=trial, version="9.1", effective_on=date(2026, 1, 1))
    user, approver = User.objects.create_user("x"), User.objects.create_user("y")
    wrong = Correction(version=signed.version, form=form, signed_on=late)
    SiteApproval.objects.filter(site=site).delete()
    approval = Approval(today, "EC 1", late)
    acts: dict[str, Callable[[], object]] = {
        "consent": lambda: write_consent(
            participant=participant, form=other, signed_on=late, today=today, by=None
        ),
        "its correction": lambda: rewrite_consent(
            consent=signed, correction=wrong, infused_on=None, today=today, by=None, reason="x"
        ),
        "its withdrawal": lambda: withdraw_consent(
            participant=participant, withdrawn_on=late, today=today, by=None, reason="x"
        ),
        "the year 206": lambda: withdraw_consent(
            participant=participant, withdrawn_on=date(206, 1, 1), today=today, by=None, reason="x"
        ),
        "review": lambda: record_safety_review(
            of=trial,
            review=ReviewRecord(date(206, 1, 1), opens_next=True, reference="x"),
            by=None,
            today=today,
        ),
        "absence": lambda: record_absence(away=Away(late, late, participant=participant), by=None),
        "role": lambda: grant_membership(user=user, role="monitor", starts_on=late, by=None, trial=trial),
        "approval": lambda: record_approval(
            site=site, version=version, approval=approval, today=today, by=approver
        ),
    }
    for what, act in acts.items():
        with pytest.raises(Refused) as refused:
            act()
        assert "cannot be right" in str(refused.value), what
    held = grant_membership(user=user, role="monitor", starts_on=today, by=None, trial=trial)
    with pytest.raises(MembershipRefused, match="from 1990-01-01 to 2048-06-01"):
        end_membership(membership=held, ends_on=late, by=None)


def test_the_frame_of_a_trial() -> None:
    frame = Frame(date(2028, 2, 29), date(2026, 1, 5), date(2027, 6, 1))
    assert frame.latest == date(2048, 2, 28)
    assert frame.refusal(date(1990, 1, 1)) is None
    assert frame.refusal(date(2048, 2, 29)) is not None
    assert frame.question(date(2026, 1, 5)) is None
    assert frame.question(date(2026, 1, 4)) is not None
    assert latest_day(date(9999, 1, 1)) < date.max


# --- pages -----------------------------------------------------------------------------------------
@pytest.fixture
def chief(client: Client) -> Client:
    user = User.objects.create_superuser("chief", password="a long enough secret")
    for role in (Role.COORDINATOR, Role.ADMINISTRATOR):
        Membership.objects.create(user=user, role=role, starts_on=date(2020, 1, 1))
    client.force_login(user)
    show_who_one_is(client)
    return client


def test_the_form_asks_and_keeps_what_was_typed(
    participant: Participant, chief: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("schedules.web.visits.views.now", lambda: at(12, 8))
    address = reverse("unscheduled", kwargs={"pk": participant.pk})
    typed = {"on": "2020-12-23", "kind": "clinic", "place": "Room 4", "reason": "rash"}
    assert 'name="sure"' not in chief.get(address).content.decode()
    answer = chief.post(address, typed)
    shown = answer.content.decode()
    assert answer.status_code == 422
    assert 'name="sure"' in shown
    assert "Room 4" in shown
    assert chief.post(address, {**typed, "sure": "on"}).status_code == 302
    answer = chief.post(address, {**typed, "on": "0206-12-23", "sure": "on"})
    assert "cannot be right" in answer.content.decode()


ENDS = ("9999-12-31", "0001-01-01")
QUERIES = [
    ("trail", ("first", "last")),
    ("memberships", ("on",)),
    ("memberships-export", ("on",)),
    ("deviations", ("from", "to")),
    ("screening-log", ("from", "to")),
    ("enrolment-log", ("from", "to")),
    ("forecast", ("days",)),
    ("api-visits", ("from", "to", "target_from", "target_to")),
]


@pytest.mark.parametrize("day", ENDS)
@pytest.mark.parametrize(("name", "params"), QUERIES)
def test_days_at_the_ends_of_the_calendar_are_no_error(
    participant: Participant, chief: Client, name: str, params: tuple[str, ...], day: str
) -> None:
    from django.urls import NoReverseMatch

    try:
        address = reverse(name)
    except NoReverseMatch:
        pytest.fail(f"no page is called {name}")
    for asked in ({one: day} for one in params):
        assert chief.get(address, asked).status_code < 500, (name, asked)


@pytest.mark.parametrize("day", ENDS)
def test_forms_with_days_at_the_ends_of_the_calendar(
    participant: Participant, chief: Client, day: str
) -> None:
    pk = participant.pk
    posts: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        (
            "participant-absences",
            {"pk": pk},
            {"first": day, "last": day, "reason": "x", "version": participant.version},
        ),
        ("site-absences", {"pk": participant.site_id}, {"first": day, "last": day, "reason": "x"}),
        ("grant", {}, {"user": 1, "role": "monitor", "starts_on": day, "ends_on": day, "reason": "x"}),
        ("unscheduled", {"pk": pk}, {"on": day, "start": "10:00", "kind": "clinic", "reason": "x"}),
        ("replan", {"pk": pk, "what": "anchors"}, {"anchor-infusion-planned-on": day}),
        ("working-days", {"pk": participant.site_id}, {"what": "closed", "first": day, "last": day}),
    ]
    for name, where, typed in posts:
        answer = chief.post(reverse(name, kwargs=where), typed)
        assert answer.status_code < 500, name
    for name in ("readiness", "day-zero", "eligibility"):
        address = reverse(name, kwargs={"pk": pk})
        for asked in ("day", "first", "last", "wished"):
            assert chief.get(address, {asked: day}).status_code < 500, (name, asked)


FAR = date(2036, 3, 3)
"""Within twenty years, and more than ninety days after the last window."""


def test_an_anchor_moved_to_an_unlikely_day_is_asked_about_once(participant: Participant) -> None:
    moved = Proposal(anchors={"infusion": RecordedAnchor("infusion", planned_on=FAR)})
    asked = {"participant": participant, "now": at(11, 21)}
    with pytest.raises(UnlikelyDay, match="days after") as refused:
        preview_replanning(proposal=moved, **asked)
    assert refused.value.field == "sure"
    meant = replace(moved, sure=True)
    digest = preview_replanning(proposal=meant, **asked).digest
    with pytest.raises(UnlikelyDay, match="days after"):
        commit_replanning(proposal=moved, digest=digest, by=None, reason="paused", **asked)
    commit_replanning(proposal=meant, digest=digest, by=None, reason="paused by the sponsor", **asked)
    assert Anchor.objects.get(participant=participant, code="infusion").planned_on == FAR
    assert AuditEntry.objects.filter(model="participants.anchor", reason="paused by the sponsor").exists()


def test_an_unlikely_day_on_record_wants_to_be_meant_and_explained(participant: Participant) -> None:
    """An anchor of an EDC, before the consent."""
    early = RecordedAnchor("screening", actual_on=date(2024, 11, 2))
    shared = {"participant": participant, "anchor": early, "by": None, "now": at(12, 8)}
    with pytest.raises(Refused) as refused:
        report_anchor(report=Report(""), **shared)
    assert set(refused.value.fields) == {"sure"}
    with pytest.raises(Refused, match="audit trail") as refused:
        report_anchor(report=Report("", sure=True), **shared)
    assert set(refused.value.fields) == {"reason"}
    report_anchor(report=Report("", reason="typed from paper", sure=True), **shared)
    assert Anchor.objects.get(participant=participant, code="screening").actual_on == date(2024, 11, 2)


def test_a_consent_before_the_trial_began_at_the_site_is_asked_about() -> None:
    participant = enrol(enrolment=an_enrolment(), by=None)
    used = date(2024, 1, 1)
    form = ConsentForm.objects.create(trial=participant.trial, version="9.0", effective_on=used)
    said = {"participant": participant, "form": form, "now": at(11, 21), "by": None}
    with pytest.raises(ConsentRefused) as refused:
        record_consent(signed_on=date(2025, 11, 3), **said)
    assert "when the trial began here" in refused.value.fields["sure"][0]
    assert not Consent.objects.exists(), "nothing half-written stays"
    with pytest.raises(ConsentRefused, match="audit trail"):
        record_consent(signed_on=date(2025, 11, 3), sure=True, **said)
    consent = record_consent(signed_on=date(2025, 11, 3), sure=True, reason="from the pilot", **said)
    right = Correction(consent.version, form, date(2024, 11, 3))
    with pytest.raises(ConsentRefused) as refused:
        correct_consent(consent=consent, correction=right, now=at(11, 21), by=None, reason="misread")
    assert set(refused.value.fields) == {"sure"}
    correct_consent(consent=consent, correction=right, now=at(11, 21), by=None, reason="misread", sure=True)


def test_an_unlikely_day_at_the_enrolment_is_asked_about_and_its_reason_kept() -> None:
    """Before the trial began at the site, before the consent, and long after the planned end."""
    asked = an_enrolment(today=date(2026, 11, 21))
    for anchors in (
        {"infusion": AnchorDay(date(2025, 12, 7), AnchorKind.ACTUAL)},
        {"infusion": AnchorDay(date(2028, 12, 7))},
        {"infusion": AnchorDay(INFUSION), "consent": AnchorDay(date(2025, 11, 3), AnchorKind.ACTUAL)},
    ):
        enrolment = replace(asked, anchors=anchors)
        with pytest.raises(EnrolmentRefused) as refused:
            enrol(enrolment=enrolment, by=None)
        assert set(refused.value.fields) == {"sure"}, anchors
        with pytest.raises(EnrolmentRefused) as refused:
            enrol(enrolment=replace(enrolment, sure=True), by=None)
        assert set(refused.value.fields) == {"reason"}, anchors
    enrol(enrolment=replace(enrolment, sure=True, reason="seen in the pilot"), by=None)
    assert AuditEntry.objects.filter(model="participants.participant", reason="seen in the pilot").exists()


def test_a_step_of_a_course_before_the_consent_is_asked_about(participant: Participant) -> None:
    participant.refresh_from_db()
    said = {"participant": participant, "version": participant.version, "by": None, "now": at(12, 1)}
    early = StepRequest(Step.SCREEN_FAILURE, date(2025, 11, 20))
    with pytest.raises(CourseRefused) as refused:
        take_step(request=early, reason="liver", **said)
    assert set(refused.value.fields) == {"sure"}
    take_step(request=replace(early, sure=True), reason="liver", **said)


def test_the_pages_ask_about_an_unlikely_day_of_an_anchor_and_keep_what_was_typed(
    participant: Participant, client: Client
) -> None:
    coordinator = User.objects.create_user("lin")
    Membership.objects.create(
        user=coordinator, site=participant.site, role=Role.COORDINATOR, starts_on=date(2020, 1, 1)
    )
    client.force_login(coordinator)
    address = reverse("replan", args=[participant.pk, "anchors"])
    typed = {
        "anchor-consent-actual-on": str(CONSENT),
        "anchor-infusion-planned-on": str(FAR),
        "action": "preview",
    }
    assert 'name="sure"' not in client.get(address).content.decode()
    asked = client.post(address, typed)
    page = asked.content.decode()
    assert asked.status_code == 422
    assert 'name="sure"' in page
    assert str(FAR) in page, "what was typed is kept"
    shown = client.post(address, {**typed, "sure": "on"})
    assert shown.status_code == 200
    assert "What would happen" in shown.content.decode()


def test_a_deviation_entered_on_an_unlikely_day_is_asked_about(participant: Participant) -> None:
    entered = Entered(date(2020, 12, 23), "a wrong form", uuid4())
    with pytest.raises(Refused) as refused:
        enter_deviation(participant=participant, entered=entered, by=None, now=at(12, 8))
    assert set(refused.value.fields) == {"sure"}
    enter_deviation(participant=participant, entered=replace(entered, sure=True), by=None, now=at(12, 8))
