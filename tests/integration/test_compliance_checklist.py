"""The checklist of docs/compliance.md, sentence by sentence: read it from the names.

Each test is short and shows its sentence once; where more is shown, that page says where.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from axes.models import AccessFailureLog
from django.conf import settings as project
from django.core.cache import cache
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse

from participants.models import Participant
from schedules.domain.errors import EnrolmentRefused, VisitRefused
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.domain.visits.values import Booking, Completion
from schedules.models import Visit
from schedules.selectors.trust.signing import signable_schedule
from schedules.services.enrolment.enrolling import enrol
from schedules.services.feeds.subscriptions import open_feed
from schedules.services.visits.appointments import book_visit, complete_visit
from schedules.tasks import draft
from tests.cast import INFUSION, NOW, TODAY, a_site, a_version, an_approval, an_enrolment
from trials.audit.triggers import lay_triggers
from trials.domain.audit.signing import How, Proof
from trials.models import AuditEntry, Meaning, ProtocolVersion, Signature, TrialSite, User
from trials.selectors.protocols.approvals import signatures_of
from trials.selectors.records import api_token_in_use
from trials.services.accounts.accounts import deactivate_account, open_account
from trials.services.accounts.memberships import grant_membership, withdraw_membership
from trials.services.accounts.tokens import issue_api_token
from trials.services.audit.sealing import read_heads, seal_audit, verify_audit
from trials.services.audit.signatures import sign

pytestmark = pytest.mark.django_db
PASSWORD = "a long enough secret"
WHY = "the participant asked for another day"


@pytest.fixture(autouse=True)
def morning() -> Iterator[None]:
    cache.clear()
    with time_machine.travel(NOW, tick=False):
        yield
    cache.clear()


def somebody(name: str, role: str, **where: Any) -> User:
    user = User.objects.create_user(name, password=PASSWORD, first_name="Dr. Li Na")
    grant_membership(user=user, role=role, starts_on=TODAY, by=None, **where)
    return user


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def version() -> ProtocolVersion:
    return a_version()


@pytest.fixture
def participant(version: ProtocolVersion) -> Participant:
    return enrol(enrolment=an_enrolment(version), by=None)


def book(participant: Participant, by: User) -> Visit:
    visit = Visit.objects.get(participant=participant, code="d28")
    booking = Booking(INFUSION + timedelta(days=29))
    return book_visit(visit=visit, version=visit.version, booking=booking, by=by, reason=WHY, now=NOW)


class TestAnAuditTrailThatCanBeShownToAnInspector:
    """The section of that name."""

    def test_every_creation_change_and_deletion_says_user_with_role_server_time_with_zone_record_and_field_old_and_new_value_and_reason(  # noqa: E501
        self, participant: Participant
    ) -> None:
        book(participant, somebody("lin", "coordinator"))
        page = browser_of(somebody("mo", "monitor")).get(reverse("trail"), {"who": "lin"})
        (row,) = [row for row in page.context["rows"] if row.entry.model == "schedules.visit"]
        assert (row.entry.actor, row.record, row.name, row.action) == ("lin", "visit", "d28", "changed")
        assert row.entry.reason == WHY
        changed = {field.label: (field.old, field.new) for field in row.changes}
        assert changed["booked on"] == ("", "2027-01-05")
        assert " +0800</time>" in page.content.decode(), "the server's zone is named"

    def test_automatic_changes_are_recorded_as_the_systems_and_linked_to_the_act_that_caused_them(
        self, participant: Participant
    ) -> None:
        with time_machine.travel(NOW + timedelta(days=400), tick=False):
            draft()
        entry = AuditEntry.objects.filter(model="schedules.deviation").latest("id")
        assert (entry.actor, entry.actor_id, entry.cause) == ("", None, "sweep")
        assert entry.act, "the entries of one act share its number"

    @pytest.mark.parametrize(
        "what", ["UPDATE trials_auditentry SET actor = 'x'", "DELETE FROM trials_auditentry"]
    )
    def test_no_screen_api_admin_action_or_orm_call_changes_or_deletes_an_entry(self, what: str) -> None:
        a_site()
        for act in (
            lambda: connection.cursor().execute(what),
            lambda: AuditEntry.objects.all().delete(),
            lambda: AuditEntry.objects.update(actor="x"),
            lambda: AuditEntry.objects.latest("id").save(),
        ):
            with pytest.raises(DatabaseError), transaction.atomic():
                act()
        from django.contrib import admin

        assert AuditEntry not in admin.site._registry

    def test_no_setting_turns_it_off(self) -> None:
        sources = [
            Path(project.BASE_DIR, name)
            for name in ("trials/audit/triggers.py", "trials/audit/acts.py", "trials/audit/audit.sql")
        ]
        assert all("settings" not in source.read_text() for source in sources), "they know of none"
        names = [name for name in dir(project) if "AUDIT" in name]
        assert set(names) == {"AUDIT_HEADS_FILE", "AUDIT_HEADS_TO"}, "which say where heads go"

    def test_entries_are_chained_by_hash_and_sealed_and_the_head_of_each_seal_leaves_the_machine(
        self, tmp_path: Path
    ) -> None:
        a_site()
        call_command("seal_audit", to=tmp_path / "heads")
        (head,) = read_heads(tmp_path / "heads")
        found = verify_audit(heads=[head])
        assert (found.fault, found.sealed, found.unsealed) == (None, head.last, 0)

    def test_verify_audit_names_the_first_entry_that_was_altered_and_says_what_is_not_yet_sealed(
        self,
    ) -> None:
        """Removed, inserted, swapped and cut off as well: trials/test_audit_seals.py, 200 times."""
        from django.apps import apps

        a_site("A")
        a_site("B")
        seal = seal_audit(now=NOW)
        assert seal
        a_site("C")
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("ALTER TABLE trials_auditentry DISABLE TRIGGER USER")
            else:
                cursor.execute("DROP TRIGGER dayzero_append_only_trials_auditentry_update")
            first = AuditEntry.objects.earliest("id").pk
            cursor.execute("UPDATE trials_auditentry SET new = '{}' WHERE id = %s", [first])
            if connection.vendor == "postgresql":
                cursor.execute("ALTER TABLE trials_auditentry ENABLE TRIGGER USER")
        if connection.vendor == "sqlite":
            lay_triggers(apps.get_app_config("trials"), "default")
        found = verify_audit(heads=[])
        assert found.fault
        assert (found.fault.kind, found.fault.entry, found.unsealed) == ("altered", first, 1)

    def test_searchable_sortable_exported_with_its_data(self, participant: Participant) -> None:
        book(participant, somebody("lin", "coordinator"))
        browser = browser_of(somebody("mo", "monitor"))
        asked = {"text": "asked for another day", "order": "oldest"}
        rows = browser.get(reverse("trail"), asked).context["rows"]
        assert {row.entry.reason for row in rows} == {WHY}
        text = b"".join(browser.get(reverse("trail-export"), asked)).decode("utf-8-sig")
        (line,) = [
            line for line in csv.reader(io.StringIO(text)) if WHY in line and "schedules.visit" in line
        ]
        assert any('"2027-01-05"' in cell for cell in line)


class TestWhatIsExpectedOfSuchSystems:
    """21 CFR 11, ICH E6(R3), EMA 2023, as behaviour."""

    def test_accounts_never_shared(self) -> None:
        """As far as software can see to it: one name for one person for good, and a password of their own."""
        user = open_account(user_name="lin", name="Lin Qiu", email="", by=None, reason="new")
        assert not user.has_usable_password(), "its owner alone sets it, behind a link"
        for change in ({"username": "wang"},):
            with pytest.raises(DatabaseError), transaction.atomic():
                User.objects.filter(pk=user.pk).update(**change)

    def test_accounts_deactivated_rather_than_deleted(self) -> None:
        user, chief = somebody("lin", "coordinator"), somebody("chief", "administrator")
        browser, token = browser_of(user), issue_api_token(user=user, name="EDC")[1]
        deactivate_account(user=user, by=chief, reason="left the site")
        assert browser.get("/").status_code == 302
        assert api_token_in_use(token, NOW) is None
        with pytest.raises(DatabaseError), transaction.atomic():
            User.objects.filter(pk=user.pk).delete()

    def test_failed_logins_limited_and_recorded(self) -> None:
        somebody("lin", "coordinator")
        client, wrong = Client(), {"login": "lin", "password": "wrong"}
        statuses = [client.post(reverse("login"), wrong).status_code for _ in range(6)]
        assert statuses[-1] == 429
        assert AccessFailureLog.objects.filter(username="lin").count() >= 5

    def test_idle_sessions_end(self) -> None:
        browser = Client()
        user = somebody("lin", "coordinator")
        with time_machine.travel(NOW, tick=False) as clock:
            browser.force_login(user)
            assert browser.get("/").status_code == 200
            clock.shift(timedelta(minutes=31))
            assert browser.get("/").status_code == 302

    def test_every_view_api_and_feed_scoped_by_site_and_role(self, version: ProtocolVersion) -> None:
        """A glance; every address, role and method: access/test_matrix.py."""
        there = enrol(enrolment=an_enrolment(version, site=a_site("CD")), by=None)
        owner = somebody("lin", "coordinator", site=there.site)
        _feed, token = open_feed(owner=owner, participant=there, now=NOW)
        stranger = browser_of(somebody("mo", "coordinator", site=a_site("WH")))
        for name, kwargs in (("participant", {"pk": there.pk}), ("api-participant", {"id": there.pk})):
            assert stranger.get(reverse(name, kwargs=kwargs)).status_code == 404
        address = reverse("feed", kwargs={"token": token})
        assert Client().get(address).content.count(b"BEGIN:VEVENT") > 5
        owner.memberships.update(ends_on=TODAY, starts_on=TODAY - timedelta(days=1))
        with time_machine.travel(NOW + timedelta(days=1), tick=False):
            assert Client().get(address).content.count(b"BEGIN:VEVENT") <= 1

    def test_grants_and_withdrawals_of_access_recorded(self) -> None:
        chief, user = somebody("chief", "administrator"), User.objects.create_user("lin")
        held = grant_membership(user=user, role="monitor", starts_on=TODAY, by=chief, reason="new monitor")
        withdraw_membership(membership=held, now=NOW, by=chief, reason="left the sponsor")
        of = AuditEntry.objects.filter(model="trials.membership", object_id=str(held.pk)).order_by("id")
        assert [(entry.action, entry.actor, entry.reason) for entry in of] == [
            ("create", "chief", "new monitor"),
            ("change", "chief", "left the sponsor"),
        ]
        report = b"".join(browser_of(chief).get(reverse("memberships-export"))).decode()
        assert "new monitor" in report
        assert "left the sponsor" in report

    @pytest.fixture
    def signed(self, participant: Participant) -> Signature:
        user, record = somebody("li", "investigator"), signable_schedule(participant)
        proof = Proof(user.pk, How.PASSWORD, NOW)
        return sign(
            record=record, meaning=Meaning.REVIEWED, shown=record.digest, by=user, proof=proof, now=NOW
        )

    def test_a_signature_shows_printed_name_time_and_meaning(
        self, participant: Participant, signed: Signature
    ) -> None:
        record = signable_schedule(participant)
        (row,) = signatures_of(record)
        assert (row.printed_name, row.meaning) == ("Dr. Li Na", "I have reviewed this")
        assert row.signed_at.isoformat() == "2026-11-21T09:00:00+08:00"

    def test_a_signature_is_bound_to_the_contents_hash(
        self, participant: Participant, signed: Signature
    ) -> None:
        assert signed.digest == signable_schedule(participant).digest
        assert json.loads(signed.content)["participant"] == "S01-001"

    def test_a_signature_is_visibly_void_after_an_edit(
        self, participant: Participant, signed: Signature
    ) -> None:
        book(participant, somebody("lin", "coordinator"))
        page = browser_of(somebody("mo", "monitor")).get(reverse("sign", args=["schedule", participant.pk]))
        assert "void" in page.content.decode().lower()

    def test_protocol_versions_immutable_once_used(self, participant: Participant) -> None:
        for change in ({"document": "x"}, {"published_at": None}, {"digest": "x"}):
            with pytest.raises(DatabaseError), transaction.atomic():
                ProtocolVersion.objects.filter(pk=participant.protocol_version_id).update(**change)

    def test_a_protocol_version_is_usable_at_a_site_only_after_its_approval(
        self, version: ProtocolVersion
    ) -> None:
        enrolment = an_enrolment(version, site=a_site("CD"))
        site = a_site("WH")
        TrialSite.objects.create(trial=version.trial, site=site)
        from dataclasses import replace

        with pytest.raises(EnrolmentRefused, match="No approval of version"):
            enrol(enrolment=replace(enrolment, site=site), by=None)
        an_approval(site, version)
        assert enrol(enrolment=replace(enrolment, site=site), by=None)

    def test_no_infusion_before_consent(self, version: ProtocolVersion) -> None:
        anchors = {
            "screening": AnchorDay(date(2026, 10, 30), AnchorKind.ACTUAL),
            "lymphodepletion-start": AnchorDay(date(2026, 11, 16), AnchorKind.ACTUAL),
            "infusion": AnchorDay(TODAY),
        }
        person = enrol(enrolment=an_enrolment(version, anchors=anchors), by=None)
        visit = Visit.objects.get(participant=person, code="d0")
        done = {"visit": visit, "version": visit.version, "completion": Completion(TODAY), "by": None}
        with pytest.raises(VisitRefused, match="No infusion before consent"):
            complete_visit(**done, reason="", now=NOW)

    def test_export_of_record_metadata_and_trail_together(self, participant: Participant) -> None:
        """Of one participant as CSV; of a whole trial as one archive: trust/test_closure.py."""
        book(participant, somebody("lin", "coordinator"))
        browser = browser_of(somebody("mo", "monitor"))
        address = reverse("trail-record-export", args=["participants.participant", participant.pk])
        metadata, record, trail = b"".join(browser.get(address)).decode("utf-8-sig").split("\r\n\r\n")
        assert "Software,Dayzero 0." in metadata
        assert "Made by,mo " in metadata
        assert "booked on,2027-01-05" in record
        assert WHY in trail
