"""What services refuse: each says at which field and what would be right, and leaves no trace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from participants.domain.lifecycle import Step
from participants.domain.product import Milestone
from participants.models import Consent, Participant, ProductStep
from participants.services.consent import Correction
from participants.services.product import MilestoneRecord, record_milestone, withdraw_milestone
from schedules.services.course.status_changes import StepRequest, take_step, undo_last_step
from schedules.services.enrolment.enrolling import enrol
from schedules.services.trust.consents import correct_consent, record_consent
from tests.cast import NOW, TODAY, a_site, a_version, an_approval, an_enrolment, an_investigator, document
from trials.domain.errors import DomainError
from trials.models import (
    AuditEntry,
    ConsentForm,
    ProtocolVersion,
    Role,
    Site,
    SiteApproval,
    Trial,
    TrialSite,
    User,
)
from trials.services.accounts.memberships import grant_membership
from trials.services.audit.reviews import Stretch, record_review
from trials.services.protocols.approvals import Approval, correct_approval, record_approval
from trials.services.protocols.closure import archive_trial, freeze_trial
from trials.services.protocols.consent_forms import Edition, record_consent_form
from trials.services.protocols.publishing import import_protocol

pytestmark = pytest.mark.django_db

APPROVED = Approval(date(2026, 1, 5), "EC 2026-01", date(2026, 1, 5))
NOVEMBER = date(2026, 11, 2)


@dataclass
class World:
    """Somebody enrolled at one site, a second site that the trial knows nothing of, and who acts."""

    site: Site
    elsewhere: Site
    version: ProtocolVersion
    person: Participant
    by: User

    @property
    def trial(self) -> Trial:
        return self.version.trial

    def form(self, version: str = "1.0", trial: Trial | None = None) -> ConsentForm:
        edition = Edition(version, date(2026, 1, 5))
        found = ConsentForm.objects.filter(trial=trial or self.trial, version=version).first()
        return found or record_consent_form(trial=trial or self.trial, edition=edition, by=None)

    def draft(self) -> ProtocolVersion:
        """A version of another trial that nobody has published."""
        found = ProtocolVersion.objects.filter(published_at=None).first()
        return found or import_protocol(text=document("NCT07274059"), by=None)

    def foreign_form(self) -> ConsentForm:
        return self.form(trial=self.draft().trial)

    def user(self, name: str, **values: Any) -> User:
        return User.objects.get_or_create(username=name, defaults=values)[0]

    def consent(self, form: ConsentForm) -> Consent:
        return record_consent(participant=self.person, form=form, signed_on=NOVEMBER, now=NOW, by=self.by)

    def correct(self, **to: Any) -> Consent:
        given = Consent.objects.get()
        right = {"version": given.version, "form": given.form, "signed_on": given.signed_on, **to}
        return correct_consent(
            consent=given, correction=Correction(**right), now=NOW, by=self.by, reason="typed wrongly"
        )

    def approve(self, **other: Any) -> SiteApproval:
        said = {"site": self.elsewhere, "version": self.version, "approval": APPROVED, **other}
        return record_approval(today=TODAY, by=self.by, **said)

    def correct_approval(self, reason: str) -> SiteApproval:
        approval = SiteApproval.objects.get(site=self.site)
        return correct_approval(
            approval=approval, version=approval.version, to=APPROVED, today=TODAY, by=self.by, reason=reason
        )

    def grant(self, user: User | None = None, reason: str = "joined the ward", **more: Any) -> object:
        asked = {"user": user or self.user("new"), "reason": reason, "by": self.by, **more}
        return grant_membership(role=Role.COORDINATOR, site=self.site, starts_on=TODAY, **asked)

    def milestone(self, what: Milestone, on: date = TODAY) -> ProductStep:
        record = MilestoneRecord(what, on, "no growth" if what is Milestone.FAILED else "")
        return record_milestone(participant=self.person, record=record, by=self.by, today=TODAY)

    def take_back(self, what: Milestone, reason: str = "typed wrongly", attempt: int = 1) -> None:
        step = ProductStep.objects.get(step=what, attempt=attempt)
        withdraw_milestone(step=step, by=self.by, reason=reason)

    def step(self, step: Step, **more: Any) -> object:
        person = Participant.objects.get(pk=self.person.pk)
        request = StepRequest(step, TODAY, **more)
        return take_step(
            participant=person, version=person.version, request=request, by=self.by, reason="moved", now=NOW
        )

    def undo(self, reason: str) -> object:
        person = Participant.objects.get(pk=self.person.pk)
        return undo_last_step(participant=person, version=person.version, by=self.by, reason=reason, now=NOW)

    def freeze(self, reason: str = "the last patient was seen") -> Trial:
        return freeze_trial(trial=self.trial, today=TODAY, by=self.by, reason=reason)


@pytest.fixture
def world(db: None) -> World:
    site, version = a_site(), a_version()
    person = enrol(enrolment=an_enrolment(version, site=site), by=None)
    return World(site, a_site("BJ"), version, person, an_investigator())


Act = Callable[[World], object]


def _started_remake(world: World) -> None:
    for what in (Milestone.COLLECTION, Milestone.FAILED, Milestone.REMADE):
        world.milestone(what)


def _run_at_elsewhere(world: World) -> None:
    TrialSite.objects.create(trial=world.trial, site=world.elsewhere)


CASES: list[tuple[str, Act | None, Act, str, str]] = [
    (
        "an approval of a draft lets nobody enrol",
        lambda w: w.draft(),
        lambda w: w.approve(version=w.draft()),
        "version",
        "is a draft: publish it first.",
    ),
    (
        "a trial that does not run there",
        None,
        lambda w: w.approve(),
        "site",
        "Trial CART-SLE does not run at site BJ.",
    ),
    (
        "one approval of a version at a site",
        None,
        lambda w: w.approve(site=w.site),
        "version",
        "correct that one",
    ),
    ("a correction says why", None, lambda w: w.correct_approval(" "), "reason", "Enter a reason"),
    (
        "a role that ends before it begins",
        lambda w: w.user("new"),
        lambda w: w.grant(ends_on=date(2026, 11, 20)),
        "ends_on",
        "The last day, 2026-11-20, lies before the first, 2026-11-21: give a later one.",
    ),
    (
        "nobody gives a role without a reason",
        lambda w: w.user("new"),
        lambda w: w.grant(reason=""),
        "reason",
        "Enter a reason",
    ),
    (
        "nobody gives a role to themselves",
        lambda w: w.user("new"),
        lambda w: w.grant(user=w.by),
        "user",
        "Ask another",
    ),
    (
        "no role for an account that is closed",
        lambda w: w.user("gone", is_active=False),
        lambda w: w.grant(user=w.user("gone")),
        "user",
        "The account gone is deactivated: open it again first.",
    ),
    (
        "a milestone is taken back for a reason",
        lambda w: w.milestone(Milestone.COLLECTION),
        lambda w: w.take_back(Milestone.COLLECTION, ""),
        "reason",
        "Enter a reason",
    ),
    (
        "what another attempt was made after stands",
        _started_remake,
        lambda w: w.take_back(Milestone.COLLECTION),
        "",
        "made again since",
    ),
    (
        "a remake of which something is on record",
        lambda w: (_started_remake(w), w.milestone(Milestone.SHIPPED)),
        lambda w: w.take_back(Milestone.REMADE, attempt=2),
        "",
        "Withdraw what is recorded of this attempt first.",
    ),
    (
        "a form of another trial",
        lambda w: w.foreign_form(),
        lambda w: w.consent(w.foreign_form()),
        "form",
        "This form is of another trial.",
    ),
    (
        "one consent to a form",
        lambda w: w.consent(w.form()),
        lambda w: w.consent(w.form()),
        "form",
        "Consent to form 1.0 is on record for Monday 2026-11-02.",
    ),
    (
        "a correction to another trial's form",
        lambda w: (w.consent(w.form()), w.foreign_form()),
        lambda w: w.correct(form=w.foreign_form()),
        "form",
        "This form is of another trial.",
    ),
    (
        "a correction that corrects nothing",
        lambda w: w.consent(w.form()),
        lambda w: w.correct(),
        "",
        "This is what is on record",
    ),
    (
        "one edition of a form for each version",
        lambda w: w.form("2.0"),
        lambda w: record_consent_form(trial=w.trial, edition=Edition("2.0 ", TODAY), by=w.by),
        "version",
        "CART-SLE has a consent form 2.0 on record: give another version.",
    ),
    (
        "a transfer to where somebody is",
        None,
        lambda w: w.step(Step.TRANSFER, site=w.site),
        "site",
        "Give a site other than the present one.",
    ),
    (
        "a transfer to a site whose days nobody can tell",
        lambda _: a_site("NOWHERE", zone=""),
        lambda w: w.step(Step.TRANSFER, site=a_site("NOWHERE", zone="")),
        "site",
        "has no time zone yet",
    ),
    (
        "a transfer to where the trial does not run",
        None,
        lambda w: w.step(Step.TRANSFER, site=w.elsewhere),
        "site",
        "Trial CART-SLE does not run at Hospital BJ.",
    ),
    (
        "a transfer to where nobody approved the version",
        _run_at_elsewhere,
        lambda w: w.step(Step.TRANSFER, site=w.elsewhere),
        "site",
        "has no approval in use",
    ),
    (
        "an approval that is not signed yet is not in use",
        lambda w: an_approval(w.elsewhere, w.version, signed=False),
        lambda w: w.step(Step.TRANSFER, site=w.elsewhere),
        "site",
        "has no approval in use",
    ),
    ("a step is undone for a reason", None, lambda w: w.undo(""), "reason", "Enter a reason"),
    ("nothing was stepped", None, lambda w: w.undo("a mistake"), "", "No step is on record"),
    ("a review says what was found", None, lambda w: _review(w, " "), "finding", "also where it is nothing"),
    ("a trial is frozen for a reason", None, lambda w: w.freeze(""), "reason", "Enter a reason"),
    (
        "a trial is frozen once",
        lambda w: w.freeze(),
        lambda w: w.freeze(),
        "",
        "CART-SLE is frozen since Saturday 2026-11-21.",
    ),
    (
        "a trial that is not frozen is not archived",
        None,
        lambda w: archive_trial(trial=w.trial, today=TODAY, by=w.by, reason="done"),
        "",
        "after it was frozen",
    ),
]


def _review(world: World, finding: str) -> object:
    return record_review(stretch=Stretch(1, 2), finding=finding, by=world.by, now=NOW)


@pytest.mark.parametrize(("why", "before", "act", "field", "said"), CASES, ids=[case[0] for case in CASES])
def test_a_service_refuses_by_field_and_writes_nothing(world, why, before, act, field, said):
    if before:
        before(world)
    entries = AuditEntry.objects.count()
    with pytest.raises(DomainError) as refused:
        act(world)
    messages = getattr(refused.value, "fields", {})[field]
    assert any(said in message for message in messages), f"{why}: {messages}"
    assert AuditEntry.objects.count() == entries, f"{why}: something was written"
