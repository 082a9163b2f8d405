"""Protocol versions are usable at a site only after its approval is recorded and signed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from django.db import DatabaseError, transaction

from schedules.domain.errors import EnrolmentRefused, ReplanningRefused
from schedules.services.enrolment.enrolling import enrol, preview_enrolment
from schedules.services.replanning.moves import Proposal, commit_replanning, preview_replanning
from tests.cast import NOW, TODAY, a_site, a_version, an_approval, an_enrolment, document
from trials.models import ProtocolVersion, SiteApproval, TrialSite
from trials.selectors.protocols.approvals import approval_states, in_use
from trials.services.protocols.approvals import Approval, ApprovalRefused, correct_approval, record_approval

pytestmark = pytest.mark.django_db

SAID = Approval(date(2026, 3, 2), "EC 2026-17", date(2026, 3, 9))


def second_version() -> ProtocolVersion:
    text = document().replace('version: "', 'version: "2-', 1)
    assert text != document()
    return a_version(text=text)


def test_a_version_is_usable_at_a_site_only_after_its_approval_is_recorded_and_signed(site, version) -> None:
    enrolment = an_enrolment(version, site=a_site("ELSEWHERE"))
    TrialSite.objects.create(trial=version.trial, site=site)
    here = replace(enrolment, site=site)
    with pytest.raises(EnrolmentRefused, match="No approval of version") as refused:
        preview_enrolment(here)
    assert set(refused.value.fields) == {"version"}
    an_approval(site, version, signed=False)
    with pytest.raises(EnrolmentRefused, match="is not signed: an investigator signs it"):
        enrol(enrolment=here, by=None)
    SiteApproval.objects.filter(site=site).delete()
    an_approval(site, version)
    assert enrol(enrolment=here, by=None).protocol_version == version


def test_an_approval_changed_after_it_was_signed_lets_nobody_enrol(site, version, investigator) -> None:
    enrolment = an_enrolment(version, site=site)
    approval = SiteApproval.objects.get(site=site)
    correct_approval(
        approval=approval, version=1, to=SAID, today=TODAY, by=investigator, reason="letter misread"
    )
    with pytest.raises(EnrolmentRefused, match="was changed after it was signed"):
        enrol(enrolment=enrolment, by=None)
    assert not in_use(site, version)


def test_replanning_to_a_version_that_is_not_in_use_is_refused(participant, site) -> None:
    proposal = Proposal(version=second_version())

    def commit() -> None:
        digest = preview_replanning(participant=participant, proposal=proposal, now=NOW).digest
        commit_replanning(
            participant=participant, proposal=proposal, digest=digest, now=NOW, by=None, reason="amendment"
        )

    with pytest.raises(ReplanningRefused, match="No approval of version"):
        commit()
    assert proposal.version is not None
    an_approval(site, proposal.version)
    commit()
    participant.refresh_from_db()
    assert participant.protocol_version == proposal.version


def test_protocol_versions_are_immutable_once_used(version) -> None:
    for change in (
        lambda: ProtocolVersion.objects.filter(pk=version.pk).update(document="other"),
        lambda: ProtocolVersion.objects.filter(pk=version.pk).delete(),
    ):
        with pytest.raises(DatabaseError, match="cannot be changed"), transaction.atomic():
            change()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"approved_on": TODAY + timedelta(days=1), "usable_from": TODAY + timedelta(days=2)}, "approved_on"),
        ({"usable_from": date(2026, 3, 1)}, "usable_from"),
        ({"reference": "  "}, "reference"),
    ],
)
def test_an_approval_that_cannot_be_is_refused_in_words(site, version, investigator, changes, field) -> None:
    TrialSite.objects.create(trial=version.trial, site=site)
    said = replace(SAID, **changes)
    with pytest.raises(ApprovalRefused) as refused:
        record_approval(site=site, version=version, approval=said, today=TODAY, by=investigator)
    assert set(refused.value.fields) == {field}


def test_an_approval_is_recorded_once_for_a_version_that_runs_here(site, version, investigator) -> None:
    given = {"site": site, "version": version, "approval": SAID, "today": TODAY, "by": investigator}
    with pytest.raises(ApprovalRefused, match="does not run at site WH"):
        record_approval(**given)
    TrialSite.objects.create(trial=version.trial, site=site)
    record_approval(**given)
    with pytest.raises(ApprovalRefused, match="correct that one"):
        record_approval(**given)


def test_states_are_asked_for_any_number_at_once(site, version, django_assert_num_queries) -> None:
    an_enrolment(version, site=site)
    with django_assert_num_queries(2):
        approval_states((site.pk, version.pk) for _ in range(50))
