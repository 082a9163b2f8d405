"""Signatures, as 21 CFR 11 expects them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import RequestFactory

from participants.models import Participant
from schedules.models import Visit, VisitActivity
from schedules.selectors.trust.signing import signable_schedule
from tests.cast import NOW, TODAY, an_approval, an_enrolment
from tests.integration.trust.conftest import PASSWORD, somebody
from trials.domain.audit.signing import Change, How, Proof
from trials.domain.errors import Stale
from trials.models import AuditEntry, Meaning, Role, Signature, Site, User
from trials.selectors.protocols.approvals import Signable, signable_approval, signatures_of
from trials.services.accounts.proofs import NotProven, prove_by_password
from trials.services.audit.signatures import SigningRefused, sign

pytestmark = pytest.mark.django_db


def sign_schedule(participant: Participant, by: User, **changes: object) -> Signature:
    record = signable_schedule(participant)
    proof = Proof(by.pk, How.PASSWORD, NOW)
    asked = {
        "record": record,
        "meaning": Meaning.REVIEWED,
        "shown": record.digest,
        "proof": proof,
        "now": NOW,
    }
    return sign(by=by, **{**asked, **changes})  # type: ignore[arg-type]


def test_a_signature_shows_printed_name_time_and_meaning(participant, investigator) -> None:
    sign_schedule(participant, investigator)
    record = signable_schedule(participant)
    (row,) = signatures_of(record)
    assert (row.printed_name, row.roles) == ("Dr. Li Na", "investigator")
    assert row.meaning == "I have reviewed this"
    assert (row.signed_at.isoformat(), row.zone) == ("2026-11-21T09:00:00+08:00", "Asia/Shanghai")
    assert not row.void


def test_a_signature_is_bound_to_the_contents_hash(participant, investigator) -> None:
    signature = sign_schedule(participant, investigator)
    record = signable_schedule(participant)
    assert json.loads(signature.content) == record.content
    assert signature.digest == record.digest
    assert record.content["participant"] == "S01-001"
    assert {visit["code"] for visit in record.content["visits"]} >= {"screening", "d0", "d28"}


def test_a_signature_is_visibly_void_after_an_edit(participant, investigator) -> None:
    sign_schedule(participant, investigator)
    Visit.objects.filter(participant=participant, code="d28").update(booked_on=TODAY)
    record = signable_schedule(participant)
    (row,) = signatures_of(record)
    assert row.void
    assert row.changes == (Change("visits[d28].booked_on", "–", "2026-11-21"),)
    sign_schedule(participant, investigator)
    again = signatures_of(record)
    assert [one.void for one in again] == [False, True], "the old one stays, and stays void"


def test_a_booking_in_another_place_or_for_longer_voids_it_too(participant, investigator) -> None:
    sign_schedule(participant, investigator)
    until = datetime(2026, 11, 21, 4, tzinfo=UTC)
    d28 = Visit.objects.filter(participant=participant, code="d28")
    d28.update(booked_on=TODAY, booked_start=until - timedelta(hours=1), booked_end=until, booked_place="B 2")
    sign_schedule(participant, investigator)
    d28.update(booked_end=until + timedelta(hours=1), booked_place="C 3")
    record = signable_schedule(participant)
    row = signatures_of(record)[0]
    assert [change.path for change in row.changes] == ["visits[d28].booked_end", "visits[d28].booked_place"]


def test_an_activity_left_out_after_all_voids_it_too(participant, investigator) -> None:
    d28 = Visit.objects.get(participant=participant, code="d28")
    done = VisitActivity.objects.create(
        visit=d28, participant=participant, code="ecg", label="ECG", done=True
    )
    sign_schedule(participant, investigator)
    VisitActivity.objects.filter(pk=done.pk).update(done=False, reason="no paper")
    record = signable_schedule(participant)
    (row,) = signatures_of(record)
    paths = [change.path for change in row.changes]
    assert paths == ["activities[d28/ecg].done", "activities[d28/ecg].reason"]


WAYS = {
    "queryset.update": lambda: Signature.objects.update(printed_name="Dr. Mo"),
    "queryset.delete": lambda: Signature.objects.all().delete(),
    "SQL update": lambda: connection.cursor().execute("UPDATE trials_signature SET digest = ''"),
    "SQL delete": lambda: connection.cursor().execute("DELETE FROM trials_signature"),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_signature_is_never_changed_or_deleted(participant, investigator, way) -> None:
    sign_schedule(participant, investigator)
    with pytest.raises(DatabaseError, match="cannot be changed or deleted"), transaction.atomic():
        way()
    assert Signature.objects.filter(user=investigator, printed_name="Dr. Li Na").exists()


def test_a_signature_and_how_it_was_proved_stand_in_the_trail(participant, investigator) -> None:
    signature = sign_schedule(participant, investigator)
    entry = AuditEntry.objects.get(model="trials.signature", object_id=str(signature.pk))
    assert (entry.action, entry.actor, entry.reason) == ("create", "investigator", "signed with a password")


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"meaning": "nodded"}, "meaning", "Say what your signature means"),
        ({"proof": Proof(0, How.PASSWORD, NOW)}, "password", "Prove again who you are"),
        ({"now": NOW + timedelta(minutes=6)}, "password", "Prove again who you are"),
    ],
    ids=["no meaning", "somebody else's proof", "proved too long ago"],
)
def test_what_is_not_a_signature_is_refused(participant, investigator, changes, field, words) -> None:
    with pytest.raises(SigningRefused, match=words) as refused:
        sign_schedule(participant, investigator, **changes)
    assert set(refused.value.fields) == {field}
    assert not Signature.objects.filter(user=investigator).exists()


@pytest.mark.parametrize(
    ("role", "here", "printed", "words"),
    [
        (Role.COORDINATOR, True, "Zhao Min", "Only an investigator"),
        (Role.INVESTIGATOR, False, "Dr. Far", "Only an investigator"),
        (Role.INVESTIGATOR, True, "", "no name to print"),
    ],
    ids=["a coordinator", "an investigator of another site", "an account without a name"],
)
def test_only_an_investigator_there_signs(participant, site, role, here, printed, words) -> None:
    where = site if here else Site.objects.create(code="FAR", name="Far", zone="Asia/Shanghai")
    with pytest.raises(SigningRefused, match=words):
        sign_schedule(participant, somebody("other", role, where, printed))


def test_a_superuser_who_is_no_investigator_does_not_sign(participant) -> None:
    chief = User.objects.create_superuser("chief", password=PASSWORD, first_name="Chief")
    with pytest.raises(SigningRefused, match="Only an investigator"):
        sign_schedule(participant, chief)


def test_what_changed_since_it_was_shown_is_not_signed(participant, investigator) -> None:
    shown = signable_schedule(participant).digest
    Visit.objects.filter(participant=participant, code="d28").update(booked_on=TODAY)
    with pytest.raises(Stale):
        sign_schedule(participant, investigator, shown=shown)


def test_a_replayed_signature_is_refused_while_the_first_one_stands(participant, investigator) -> None:
    """A form sent twice, by a double click or out of a browser's history."""
    sign_schedule(participant, investigator)
    with pytest.raises(SigningRefused, match="already signed exactly this"):
        sign_schedule(participant, investigator)
    assert sign_schedule(participant, investigator, meaning=Meaning.RESPONSIBLE), "another meaning is another"
    assert Signature.objects.filter(user=investigator).count() == 2


def test_an_activation_is_signed_from_its_first_day_on(site, version, investigator) -> None:
    an_enrolment(version, site=site)
    approval = an_approval(site, version)
    early = signable_approval(approval, approval.usable_from - timedelta(days=1))
    with pytest.raises(SigningRefused, match="Usable from 2026-01-05"):
        sign_record(early, investigator)
    sign_record(replace(early, refusal=""), investigator)


def sign_record(record: Signable, by: User) -> Signature:
    proof = Proof(by.pk, How.PASSWORD, NOW)
    return sign(record=record, meaning=Meaning.APPROVED, shown=record.digest, by=by, proof=proof, now=NOW)


@pytest.mark.parametrize(
    ("name", "password", "proven"),
    [
        ("investigator", PASSWORD, True),
        (" Investigator ", PASSWORD, True),
        ("investigator", "a guess", False),
        ("coordinator", PASSWORD, False),
        ("", "", False),
    ],
)
def test_user_name_and_password_are_asked_again_and_failures_are_recorded(
    investigator, coordinator, name, password, proven
) -> None:
    from axes.models import AccessFailureLog

    request = RequestFactory().post("/sign/")
    request.user = investigator
    asked = {"user_name": name, "password": password, "now": NOW, "request": request}
    if proven:
        proof = prove_by_password(user=investigator, **asked)
        assert proof == Proof(investigator.pk, How.PASSWORD, NOW)
    else:
        with pytest.raises(NotProven, match="on record"):
            prove_by_password(user=investigator, **asked)
    failures = AccessFailureLog.objects.filter(username="investigator").count()
    assert failures == (0 if proven else 1)
