"""The audit trail is searched, filtered, sorted, exported and reviewed; what is out of sight is not there."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any, ClassVar

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise

from participants.models import Participant
from schedules.domain.visits.values import Booking
from schedules.models import Flag, Visit
from schedules.services.enrolment.enrolling import enrol
from schedules.services.visits.appointments import book_visit
from tests.cast import INFUSION, NOW, TODAY, a_site, a_version, an_enrolment
from trials.audit.trail_terms import FIELDS, MODELS
from trials.domain.stored_sentences import told
from trials.domain.words import Words
from trials.models import AuditEntry, AuditReview, ProtocolVersion, User
from trials.selectors.audit.trail import recorded_models
from trials.services.accounts.memberships import grant_membership
from trials.services.audit.sealing import seal_audit

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
WHY = "the participant asked for another day"


@pytest.fixture(autouse=True)
def morning() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def somebody(name: str, role: str = "", **where: Any) -> Client:
    user = User.objects.create_user(name)
    if role:
        grant_membership(user=user, role=role, starts_on=TODAY, by=None, **where)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def version() -> ProtocolVersion:
    return a_version()


@pytest.fixture
def ours(version: ProtocolVersion) -> Participant:
    return enrol(enrolment=an_enrolment(version, site=a_site("WH"), subject_code="OURS-1"), by=None)


@pytest.fixture
def theirs(version: ProtocolVersion) -> Participant:
    return enrol(enrolment=an_enrolment(version, site=a_site("CD"), subject_code="THEIRS-1"), by=None)


@pytest.fixture
def booked(ours: Participant) -> Visit:
    """A visit booked by a coordinator, for a reason."""
    user = User.objects.create_user("lin")
    visit = Visit.objects.get(participant=ours, code="d28")
    day = INFUSION + timedelta(days=29)
    return book_visit(visit=visit, version=visit.version, booking=Booking(day), by=user, reason=WHY, now=NOW)


def entries(page: Any) -> list[AuditEntry]:
    return [row.entry for row in page.context["rows"]]


def table(answer: Any) -> tuple[dict[str, str], list[dict[str, str]]]:
    """What stands above an export, and its rows."""
    lines = list(csv.reader(io.StringIO(b"".join(answer).decode("utf-8-sig"))))
    blank = lines.index([])
    heads = lines[blank + 1]
    return dict(lines[:blank]), [dict(zip(heads, line, strict=True)) for line in lines[blank + 2 :]]


class TestWhoReadsWhat:
    """Every view scoped by site and role."""

    @pytest.mark.parametrize(
        ("role", "seen", "why"),
        [
            ("coordinator", {"participants.participant", "schedules.visit", "trials.site"}, "looks in"),
            ("monitor", {"participants.participant", "schedules.visit", "trials.site"}, "reads"),
            ("designer", {"trials.site", "trials.protocolversion"}, "the set-up alone"),
            ("administrator", {"trials.site", "trials.membership", "trials.user"}, "and who may do what"),
            ("", set(), "nothing without a role"),
        ],
    )
    def test_a_role_reads_its_part_of_the_trail_at_its_site(
        self, ours: Participant, theirs: Participant, role: str, seen: set[str], why: str
    ) -> None:
        browser = somebody("reader", role, **({"site": ours.site} if role else {}))
        answer = browser.get(reverse("trail-export"))
        _head, rows = table(answer)
        kinds = {row["Record"] for row in rows}
        assert seen <= kinds, why
        assert kinds.isdisjoint({"participants.participant"} - seen)
        text = json.dumps(rows)
        assert "THEIRS-1" not in text
        assert "Hospital CD" not in text

    def test_a_record_out_of_sight_does_not_exist(self, ours: Participant, theirs: Participant) -> None:
        browser = somebody("reader", "monitor", site=ours.site)
        for name in ("trail-record", "trail-record-export"):
            here = reverse(name, args=["participants.participant", ours.pk])
            there = reverse(name, args=["participants.participant", theirs.pk])
            assert (browser.get(here).status_code, browser.get(there).status_code) == (200, 404)

    def test_what_is_no_record_of_ours_is_not_found(self) -> None:
        browser = somebody("reader", "monitor")
        for kind in ("nothing.atall", "trials.auditentry", "auth.permission"):
            assert browser.get(reverse("trail-record", args=[kind, "1"])).status_code == 404


class TestSearched:
    FILTERS: ClassVar = [
        ({"who": "lin"}, True, "who did it"),
        ({"who": "wang"}, False, "somebody else"),
        ({"participant": "ours"}, True, "a subject code, in any case"),
        ({"participant": "THEIRS"}, False, "another one's"),
        ({"record": "schedules.visit"}, True, "the kind of record"),
        ({"record": "trials.site"}, False, "another kind"),
        ({"action": "change"}, True, "what was done"),
        ({"action": "delete"}, False, "nothing was deleted"),
        ({"text": "asked for another"}, True, "the reason"),
        ({"text": "2027-01-05"}, True, "a value"),
        ({"text": "no such words"}, False, "nobody said that"),
        ({"first": "2026-11-21", "last": "2026-11-21"}, True, "the day"),
        ({"last": "2026-11-20"}, False, "the eve"),
        ({"first": "2026-11-22"}, False, "the morrow"),
    ]

    def test_by_each_filter(self, booked: Visit, theirs: Participant) -> None:
        browser = somebody("reader", "monitor")
        real = AuditEntry.objects.get(action="change", model="schedules.visit", reason=WHY)
        shift = timezone.localdate(real.at) - TODAY  # the database's clock is not the tests'
        for asked, found, why in self.FILTERS:
            days = {
                name: str(date.fromisoformat(asked[name]) + shift) for name in {"first", "last"} & set(asked)
            }
            page = browser.get(reverse("trail"), asked | days)
            assert (real.pk in [entry.pk for entry in entries(page)]) is found, why

    def test_bad_input_is_named_and_what_was_typed_stays(self) -> None:
        asked = {"first": "2026-11-21", "last": "2026-11-20", "who": "lin"}
        page = somebody("reader", "monitor").get(reverse("trail"), asked)
        assert page.status_code == 422
        text = page.content.decode()
        assert "2026-11-20 lies before 2026-11-21: give a later day." in text
        assert 'value="lin"' in text

    ORDERS: ClassVar = {
        "newest": ["-id"],
        "oldest": ["id"],
        "record": ["model", "object_id", "id"],
        "who": ["actor", "id"],
    }

    def test_sorted_and_paged_by_key_without_losing_or_doubling_any(
        self, booked: Visit, theirs: Participant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("schedules.web.trust.trail.PER_PAGE", 12)
        browser = somebody("reader", "monitor")
        for order, columns in self.ORDERS.items():
            address, seen = f"{reverse('trail')}?order={order}", []
            while address:
                page = browser.get(address)
                seen += [entry.pk for entry in entries(page)]
                address = page.context["following"] and reverse("trail") + page.context["following"]
            assert len(seen) == len(set(seen)) > 40
            in_sight = AuditEntry.objects.filter(pk__in=seen)
            assert seen == list(in_sight.order_by(*columns).values_list("pk", flat=True)), order

    FORGED: ClassVar = ["x", "[]", '["a"]', "[1, 2]", "{}", "[99999999999999999999999]", "[true]"]

    def test_a_forged_place_in_the_list_is_refused_and_not_passed_over(self, booked: Visit) -> None:
        """It showed the first page, as if that were the place that was asked for."""
        browser = somebody("reader", "monitor")
        for after in self.FORGED:
            answer = browser.get(reverse("trail"), {"after": after})
            assert answer.status_code == 400, after
            assert "no place in the list" in answer.content.decode()
        assert entries(browser.get(reverse("trail"), {"after": ""}))

    def test_as_many_queries_for_few_entries_as_for_many(
        self, booked: Visit, django_assert_max_num_queries: Any
    ) -> None:
        browser = somebody("reader", "monitor")
        with django_assert_max_num_queries(28):
            browser.get(reverse("trail"))


def test_values_are_shown_from_old_to_new_in_the_models_words(booked: Visit) -> None:
    page = somebody("reader", "monitor").get(reverse("trail"), {"who": "lin"})
    row = next(row for row in page.context["rows"] if row.entry.model == "schedules.visit")
    changes = {change.label: (change.old, change.new) for change in row.changes}
    assert changes["booked on"] == ("", "2027-01-05")
    assert (row.record, row.name, row.participant, row.action) == ("visit", "d28", "OURS-1", "changed")
    text = page.content.decode()
    assert "<del>empty</del>" in text
    assert "<ins>2027-01-05</ins>" in text
    assert WHY in text


def test_sentences_that_are_kept_as_data_are_said_in_the_reader_s_language(ours: Participant) -> None:
    kept = told(
        Words.of("%(day)s is over: today is %(today)s at the site.", {"day": INFUSION, "today": TODAY})
    )
    Flag.objects.create(
        participant=ours, kind="start", severity="notice", key="k", raised_at=NOW, message=kept
    )
    browser = somebody("reader", "monitor")
    for language, said in (("en", "Mon 7 Dec is over"), ("zh-hans", "12月7日（周一）已过")):
        browser.cookies["django_language"] = language
        page = browser.get(reverse("trail"))
        row = next(row for row in page.context["rows"] if row.entry.model == "schedules.flag")
        (message,) = (change.new for change in row.changes if said in change.new)
        assert "told" not in message


def test_everything_recorded_has_a_name_that_can_be_translated() -> None:
    """Django makes names from the code's own where a model gives none; those are nobody's words."""
    nameless = {
        f"{label}: {field.verbose_name}"
        for label, model in recorded_models().items()
        for field in model._meta.concrete_fields
        if field.name not in getattr(model, "audit_hidden", ())
        and not isinstance(field.verbose_name, Promise)
        and field.verbose_name not in FIELDS
    }
    kinds = recorded_models().items()
    nameless |= {
        label for label, kind in kinds if not isinstance(MODELS.get(label, kind._meta.verbose_name), Promise)
    }
    assert not nameless, "name them in their models or in trials/audit/trail_terms.py"


class TestExported:
    """Export of record, metadata and trail together."""

    def test_every_export_carries_the_software_its_version_and_who_made_it(self, booked: Visit) -> None:
        head, rows = table(somebody("reader", "monitor").get(reverse("trail-export"), {"who": "lin"}))
        assert head["Software"] == "Dayzero 0.1.0"
        assert head["Made by"].startswith("reader")
        assert head["Made at"] == "2026-11-21T09:00:00+08:00"
        assert head["Filters"] == "who=lin"
        assert {row["Who"] for row in rows} == {"lin"}
        assert rows[0]["Reason"] == WHY
        assert rows[0]["Subject code"] == "OURS-1"

    def test_an_export_holds_what_another_program_needs_to_check_the_chain(self, booked: Visit) -> None:
        """Nothing but the table, and the recipe of docs/audit.md."""
        seal = seal_audit(now=NOW)
        assert seal
        client = Client()
        client.force_login(User.objects.create_superuser("root"))
        _head, rows = table(client.get(reverse("trail-export")))
        columns = (
            *("Entry", "At", "Act", "Account number", "Who", "In which roles", "Cause", "Reason", "Action"),
            *("Record", "Number", "Trial number", "Site number", "Participant number", "Old values"),
            "New values",
        )
        digits = 26 if connection.vendor == "postgresql" else 23
        previous = "0" * 64
        for row in rows:
            at = datetime.fromisoformat(row["At"]).astimezone(UTC).isoformat(timespec="microseconds")
            text = "\x1f".join([at[:digits] if name == "At" else row[name] for name in columns])
            previous = sha256((previous + text).encode()).hexdigest()
            assert row["Hash"] == previous, row
            if row["Link"] == str(seal.last):
                break
        assert previous == seal.head

    def test_a_record_leaves_together_with_its_trail(self, booked: Visit) -> None:
        address = reverse("trail-record-export", args=["participants.participant", booked.participant_id])
        text = b"".join(somebody("reader", "monitor").get(address)).decode("utf-8-sig")
        _head, record, trail = text.split("\r\n\r\n")
        assert f"participant,{booked.participant_id},subject code,OURS-1" in record
        assert f"visit,{booked.pk},booked on,2027-01-05" in record
        assert WHY in trail
        assert trail.startswith("Entry,At,Who,In which roles,")

    def test_no_cell_runs_as_a_formula_in_a_spreadsheet(self, ours: Participant) -> None:
        user = User.objects.create_user("lin")
        visit = Visit.objects.get(participant=ours, code="d28")
        booking = Booking(INFUSION + timedelta(days=29))
        book_visit(visit=visit, version=visit.version, booking=booking, by=user, reason="=1+1", now=NOW)
        _head, rows = table(somebody("reader", "monitor").get(reverse("trail-export"), {"who": "lin"}))
        assert rows[0]["Reason"] == "'=1+1"


class TestReviewed:
    """EMA, computerised systems: the trail is reviewed periodically, and that is recorded."""

    def test_a_review_says_what_was_looked_at_and_what_was_found(self, booked: Visit) -> None:
        browser = somebody("mo", "monitor")
        page = browser.get(reverse("trail"), {"who": "lin"})
        last = page.context["review"].initial["last_shown"]
        answer = browser.post(
            reverse("trail-review") + "?who=lin", {"last_shown": last, "finding": "One booking, explained."}
        )
        assert answer.status_code == 302
        found = AuditReview.objects.get()
        assert (found.by.username, found.filters, found.last_entry) == ("mo", "who=lin", last)
        entry = AuditEntry.objects.get(model="trials.auditreview")
        assert (entry.action, entry.actor) == ("create", "mo"), "the review is on record itself"

    def test_a_monitors_comment_on_a_record_is_read_by_whoever_reads_the_record(self, booked: Visit) -> None:
        monitor = somebody("mo", "monitor")
        page = monitor.get(reverse("trail-record", args=["schedules.visit", booked.pk]))
        said = {"last_shown": page.context["review"].initial["last_shown"], "finding": "Why so late?"}
        address = reverse("trail-remark", args=["schedules.visit", booked.pk])
        assert monitor.post(address, {**said, "finding": ""}).status_code == 422
        assert monitor.post(address, said).status_code == 302
        coordinator = somebody("co", "coordinator", site=booked.participant.site)
        seen = coordinator.get(reverse("trail-record", args=["schedules.visit", booked.pk])).content.decode()
        assert "Why so late?" in seen
        assert coordinator.post(address, said).status_code == 403

    def test_a_replayed_review_is_recorded_once(self, booked: Visit) -> None:
        browser = somebody("mo", "monitor")
        for _ in range(2):
            data = {"last_shown": AuditEntry.objects.filter(reason=WHY).latest("id").pk, "finding": "None."}
            assert browser.post(reverse("trail-review"), data).status_code == 302
        assert AuditReview.objects.count() == 1

    def test_a_review_without_a_finding_comes_back(self, booked: Visit) -> None:
        answer = somebody("mo", "monitor").post(reverse("trail-review"), {"last_shown": 9, "finding": " "})
        assert answer.status_code == 422
        assert not AuditReview.objects.exists()

    def test_a_coordinator_reads_the_trail_and_does_not_review_it(self, booked: Visit) -> None:
        browser = somebody("co", "coordinator")
        answer = browser.post(reverse("trail-review"), {"last_shown": 9, "finding": "fine"})
        assert answer.status_code == 403
        assert "does not record reviews" in answer.content.decode()
        assert not AuditReview.objects.exists()

    def test_others_reviews_are_seen_by_whoever_sees_everything(self, booked: Visit) -> None:
        said = {"last_shown": AuditEntry.objects.latest("id").pk, "finding": "Nothing odd."}
        somebody("mo", "monitor", site=booked.participant.site).post(reverse("trail-review"), said)
        elsewhere = somebody("other", "monitor", site=a_site("CD")).get(reverse("trail"))
        everywhere = somebody("all", "data_manager").get(reverse("trail"))
        assert "Nothing odd." not in elsewhere.content.decode()
        assert "Nothing odd." in everywhere.content.decode()


def test_the_page_says_until_where_the_trail_is_sealed(booked: Visit) -> None:
    browser = somebody("reader", "monitor")
    unsealed = browser.get(reverse("trail")).content.decode()
    assert "entries not yet sealed" in unsealed
    assert "Not sealed yet" not in unsealed, "said once"
    seal = seal_audit(now=NOW)
    assert seal
    a_site("NEW")
    text = browser.get(reverse("trail")).content.decode()
    assert f"Sealed up to link {seal.last} on 2026-11-21 09:00:00 +0800" in text
    assert "1 entry not yet sealed" in text


def test_rows_that_lead_to_a_trial_by_another_record_carry_it_in_the_trail(ours: Participant) -> None:
    """Approvals name a protocol version, safety reviews a cohort: their entries name the trial too."""
    entry = AuditEntry.objects.filter(model="trials.siteapproval", action="create").latest("id")
    assert (entry.trial_id, entry.site_id) == (ours.trial_id, ours.site_id)


def test_the_tables_between_two_records_are_in_the_trail_too(version: ProtocolVersion) -> None:
    from django.contrib.auth.models import Permission

    user = User.objects.create_user("keeper")
    user.user_permissions.set(Permission.objects.filter(codename="view_site"))
    entry = AuditEntry.objects.get(model="trials.user_user_permissions")
    assert json.loads(entry.new)["user_id"] == user.pk
