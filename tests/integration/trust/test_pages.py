"""The pages of signing, of approvals and closing, and of consents."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.translation import override

from participants.models import Consent, Participant
from schedules.models import Visit
from schedules.selectors.trust.pages import shown_content
from schedules.selectors.trust.signing import signable_schedule
from schedules.services.enrolment.enrolling import enrol
from tests.cast import NOW, TODAY, a_site, a_version, an_enrolment
from tests.integration.trust.conftest import PASSWORD, somebody
from trials.models import Role, Signature, SiteApproval, Trial, TrialSite, User
from trials.services.protocols.closure import freeze_trial
from trials.services.protocols.consent_forms import Edition, record_consent_form

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def morning() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


def browser(user: User) -> Client:
    """The browser of somebody who has signed in with name and password."""
    client = Client()
    answer = client.post("/accounts/login/", {"login": user.username, "password": PASSWORD})
    assert answer.status_code == 302
    return client


def signed_with(client: Client, participant: Any, **changes: str) -> Any:
    shown = signable_schedule(participant).digest
    given = {"meaning": "reviewed", "user_name": "investigator", "password": PASSWORD, "digest": shown}
    return client.post(f"/sign/schedule/{participant.pk}/", given | changes)


def test_an_investigator_signs_a_schedule_and_the_page_shows_it_and_later_that_it_is_void(
    participant, investigator
) -> None:
    client = browser(investigator)
    page = client.get(f"/sign/schedule/{participant.pk}/").content.decode()
    assert "What is signed" in page
    assert signable_schedule(participant).digest in page
    assert signed_with(client, participant).status_code == 302
    text = client.get(f"/participants/{participant.pk}/").content.decode()
    for words in ("Dr. Li Na", "I have reviewed this", "2026-11-21 09:00:00", "Asia/Shanghai"):
        assert words in text, words
    assert "Changed since it was signed" not in text
    Visit.objects.filter(participant=participant, code="d28").update(booked_on=TODAY)
    text = client.get(f"/participants/{participant.pk}/").content.decode()
    assert "Void" in text
    assert "Day 28, Booked on" in text


def test_a_wrong_password_signs_nothing_and_keeps_what_was_chosen(participant, investigator) -> None:
    client = browser(investigator)
    answer = signed_with(client, participant, password="a guess")
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "Nothing was signed, and the attempt is on record" in text
    assert 'value="reviewed"' in text
    assert "checked" in text
    assert "a guess" not in text
    assert not Signature.objects.filter(user=investigator).exists()


def test_failures_at_signing_lock_the_account_as_those_of_signing_in(participant, investigator) -> None:
    client = browser(investigator)
    statuses = [signed_with(client, participant, password="a guess").status_code for _ in range(6)]
    assert statuses[-1] == 429
    assert signed_with(client, participant).status_code == 429, "the right one is not looked at while locked"
    assert not Signature.objects.filter(user=investigator).exists()


def test_what_changed_while_it_was_read_is_shown_anew_and_not_signed(participant, investigator) -> None:
    client, shown = browser(investigator), signable_schedule(participant).digest
    Visit.objects.filter(participant=participant, code="d28").update(booked_on=TODAY)
    answer = signed_with(client, participant, digest=shown)
    assert answer.status_code == 409
    assert "changed after it had been shown to you" in answer.content.decode()
    assert signable_schedule(participant).digest in answer.content.decode()
    assert not Signature.objects.filter(user=investigator).exists()


def test_a_passkey_that_was_just_shown_signs_once(participant, investigator) -> None:
    client = browser(investigator)
    session = client.session
    record = {"method": "mfa", "type": "webauthn", "at": NOW.timestamp(), "reauthenticated": True}
    session["account_authentication_methods"] = [*session["account_authentication_methods"], record]
    session.save()
    assert signed_with(client, participant, user_name="", password="").status_code == 302
    assert signed_with(client, participant, user_name="", password="").status_code == 422
    assert Signature.objects.filter(user=investigator).count() == 1


def test_who_may_not_look_finds_nothing_and_who_may_not_sign_is_told_why(participant, coordinator) -> None:
    far = browser(somebody("far", Role.INVESTIGATOR, a_site("FAR")))
    approval = SiteApproval.objects.get()
    addresses = (
        f"/sign/schedule/{participant.pk}/",
        f"/sign/approval/{approval.pk}/",
        f"/participants/{participant.pk}/consent/",
        f"/approvals/{approval.pk}/",
        f"/trials/{participant.trial_id}/",
        "/sign/nonsense/1/",
        "/sign/deviation/1/",
    )
    assert [far.get(address).status_code for address in addresses] == [404] * len(addresses)
    answer = signed_with(browser(coordinator), participant)
    assert answer.status_code == 403
    assert "Only an investigator" in answer.content.decode()


def test_an_approval_is_recorded_signed_corrected_and_signed_again(site, coordinator, investigator) -> None:
    version = a_version("NCT07274059")
    TrialSite.objects.create(trial=version.trial, site=site)
    desk, doctor = browser(coordinator), browser(investigator)
    trial = f"/trials/{version.trial_id}/"
    assert "Not recorded" in desk.get(trial).content.decode()
    new = reverse("approval-new", args=[version.trial_id, version.pk, site.pk])
    said = {"approved_on": "2026-03-02", "reference": "EC 17", "usable_from": "2026-03-01"}
    refused = desk.post(new, said)
    assert refused.status_code == 422
    assert "EC 17" in refused.content.decode(), "nothing typed is lost"
    assert desk.post(new, said | {"usable_from": "2026-03-09"}).status_code == 302
    approval = SiteApproval.objects.get()
    assert "To be signed" in desk.get(trial).content.decode()
    sign_approval(doctor, approval)
    assert "In use" in desk.get(trial).content.decode()
    correction = {**said, "usable_from": "2026-03-10", "version": 1}
    assert desk.post(f"/approvals/{approval.pk}/", correction).status_code == 422, "a reason is asked for"
    assert desk.post(f"/approvals/{approval.pk}/", correction | {"reason": "misread"}).status_code == 302
    assert "Signature void" in desk.get(trial).content.decode()
    stale = desk.post(f"/approvals/{approval.pk}/", correction | {"reference": "EC 18", "reason": "mine"})
    assert stale.status_code == 409, "somebody else corrected it since it was shown"
    for words in ("<del>Mon 9 Mar 2026</del> → Tue 10 Mar 2026", 'value="EC 18"'):
        assert words in stale.content.decode()
    sign_approval(doctor, approval)
    assert "In use" in desk.get(trial).content.decode()


def sign_approval(client: Client, approval: SiteApproval) -> None:
    page = client.get(f"/sign/approval/{approval.pk}/")
    given = {"meaning": "approved", "user_name": "investigator", "password": PASSWORD}
    given["digest"] = page.context["record"].digest
    assert client.post(f"/sign/approval/{approval.pk}/", given).status_code == 302


def test_a_consent_is_recorded_on_its_page_and_who_must_consent_again_is_listed(
    participant, coordinator
) -> None:
    form = record_consent_form(
        trial=participant.trial, edition=Edition("1.0", date(2026, 1, 5)), by=coordinator
    )
    desk = browser(coordinator)
    assert "No consent to an edition" in desk.get(f"/participants/{participant.pk}/").content.decode()
    new = f"/participants/{participant.pk}/consent/new/"
    refused = desk.post(new, {"form": form.pk, "signed_on": "2027-01-01"})
    assert refused.status_code == 422
    assert "is in the future" in refused.content.decode()
    assert desk.post(new, {"form": form.pk, "signed_on": "2026-11-02"}).status_code == 302
    record_consent_form(
        trial=participant.trial,
        edition=Edition("2.0", date(2026, 11, 10), consent_again=True),
        by=coordinator,
    )
    assert (
        "asks to consent again since" in desk.get(f"/participants/{participant.pk}/consent/").content.decode()
    )
    assert "S01-001" in desk.get("/consents/").content.decode()
    away = f"/participants/{participant.pk}/consent/withdrawal/"
    assert desk.post(away, {"withdrawn_on": "2026-11-20", "reason": "by letter"}).status_code == 302
    assert Consent.objects.get().withdrawn_on == date(2026, 11, 20)
    assert "S01-001" not in desk.get("/consents/").content.decode()


def test_a_wrongly_typed_consent_is_corrected_on_its_page_with_a_reason(participant, coordinator) -> None:
    form = record_consent_form(trial=participant.trial, edition=Edition("1.0", date(2026, 1, 5)), by=None)
    desk = browser(coordinator)
    base = f"/participants/{participant.pk}/consent/"
    desk.post(f"{base}new/", {"form": form.pk, "signed_on": "2026-11-02"})
    consent = Consent.objects.get()
    correct = f"{base}{consent.pk}/"
    assert correct in desk.get(base).content.decode()
    given = {"form": form.pk, "signed_on": "2026-10-26", "version": 1}
    refused = desk.post(correct, given)
    assert refused.status_code == 422, "a reason is asked for"
    assert "2026-10-26" in refused.content.decode(), "nothing typed is lost"
    assert desk.post(correct, given | {"reason": "read from the form"}).status_code == 302
    page = desk.get(base).content.decode()
    for words in ("<del>2026-11-02</del>", "read from the form", "coordinator"):
        assert words in page
    overtaken = desk.post(correct, given | {"signed_on": "2026-10-27", "reason": "mine"})
    assert overtaken.status_code == 409
    for words in ("Somebody else was quicker", "<del>Mon 2 Nov</del> → Mon 26 Oct", 'value="2026-10-27"'):
        assert words in overtaken.content.decode()
    assert desk.get(f"/participants/{participant.pk}/consent/{consent.pk + 1}/").status_code == 404


def test_the_form_of_another_version_says_that_consent_comes_first(participant, coordinator) -> None:
    asks = Edition("2.0", date(2026, 11, 10), consent_again=True)
    form = record_consent_form(trial=participant.trial, edition=asks, by=None)
    page = browser(coordinator).get(f"/participants/{participant.pk}/replan/version/").content.decode()
    assert "Form 2.0 asks to consent again since" in page
    assert f'href="/participants/{participant.pk}/consent/new/?form={form.pk}"' in page


def test_a_data_manager_of_the_whole_trial_freezes_archives_and_exports_it(participant, site) -> None:
    manager, local = somebody("manager", Role.DATA_MANAGER), somebody("local", Role.DATA_MANAGER, site)
    trial = f"/trials/{participant.trial_id}/"
    for deed in ("freeze/", "export/"):
        assert browser(local).get(trial + deed).status_code == 403
    client = browser(manager)
    reauthenticated(client)
    assert client.post(trial + "freeze/", {"reason": " "}).status_code == 422
    assert client.post(trial + "freeze/", {"reason": "last visit done"}).status_code == 302
    assert "frozen since" in client.get(trial).content.decode()
    assert client.post(trial + "open/", {"reason": "a query"}).status_code == 302
    assert client.post(trial + "freeze/", {"reason": "answered"}).status_code == 302
    assert client.post(trial + "archive/", {"reason": "close-out"}).status_code == 302
    assert client.post(trial + "open/", {"reason": "please"}).status_code == 422
    answer = client.get(trial + "export/")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="CART-SLE-2026-11-21.zip"'
    assert "manifest.json" in zipfile.ZipFile(io.BytesIO(b"".join(answer))).namelist()
    assert client.get(trial + "burn/").status_code == 404


def reauthenticated(client: Client) -> None:
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})


def test_whoever_freezes_shows_again_who_they_are(participant) -> None:
    client = browser(somebody("manager", Role.DATA_MANAGER))
    answer = client.post(f"/trials/{participant.trial_id}/freeze/", {"reason": "last visit done"})
    assert answer.status_code == 302
    assert "/accounts/reauthenticate/" in answer["Location"]
    assert Trial.objects.get(pk=participant.trial_id).frozen_on is None


def test_a_form_of_a_frozen_trial_is_refused_in_words(participant, coordinator) -> None:
    form = record_consent_form(trial=participant.trial, edition=Edition("1.0", date(2026, 1, 5)), by=None)
    freeze_trial(trial=participant.trial, today=TODAY, by=coordinator, reason="over")
    desk = browser(coordinator)
    given = {"form": form.pk, "signed_on": "2026-11-02"}
    answer = desk.post(f"/participants/{participant.pk}/consent/new/", given)
    assert answer.status_code == 422
    assert "The trial is frozen" in answer.content.decode()


def test_queries_do_not_grow_with_signatures_sites_or_people(participant, investigator) -> None:
    client = browser(investigator)
    signed_with(client, participant)

    def count(address: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address).status_code == 200
        return len(queries)

    addresses = [f"/trials/{participant.trial_id}/", f"/sign/schedule/{participant.pk}/", "/consents/"]
    before = [count(address) for address in addresses]
    signed_with(client, participant, meaning="approved")
    version = participant.protocol_version
    for code in ("S2", "S3"):
        enrol(enrolment=an_enrolment(version, site=participant.site, subject_code=code), by=None)
    assert [count(address) for address in addresses] == before


def test_what_is_signed_is_read_in_words(participant: Participant) -> None:
    """An investigator signed “True”, “assumed”, lymphodepletion-start and instants of another zone."""
    content = shown_content(signable_schedule(participant))
    cells = [str(cell) for table in content.tables for row in table.rows for _head, cell in row]
    cells += [str(value) for _label, value in content.facts if not str(value).startswith("sha256:")]
    assert {"Infusion", "Chemotherapy 2", "yes", "assumed"} <= set(cells)
    machine = re.compile(r"True|False|None|.*\+00:00|[a-z]+[-_][a-z]+[-_a-z]*")
    assert not [cell for cell in cells if machine.fullmatch(cell)]
    with override("zh-hans"):
        chinese = shown_content(signable_schedule(participant))
    said = {str(cell) for table in chinese.tables for row in table.rows for _head, cell in row}
    assert {"回输", "清淋化疗 2", "是", "系统默认"} <= said
