"""Everything in the code that begins at a size, tried at that size: pages, chunks, batches, long lists.

The exports of the screening and the enrolment log answered 500 beyond 500 people: a branch that no
test had reached.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import transaction
from django.test import Client
from django.urls import reverse

from participants.models import Participant
from schedules.domain.errors import EnrolmentsRefused
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.models import Deviation, Flag, ProtocolWindow, Visit
from schedules.selectors.deviations import trial_logs
from schedules.selectors.pages.replanning import acts_since
from schedules.services.deviations.classification import sweep_unrecorded
from schedules.services.enrolment.bulk import bulk_enrol
from schedules.services.windows.evaluation import sweep_windows
from tests.cast import (
    NOW,
    TODAY,
    a_site,
    a_version,
    an_approval,
    an_enrolment,
    document,
    show_who_one_is,
)
from tests.integration.replanning.amendments.conftest import second
from tests.readers import all_pages
from trials.models import AuditEntry, Membership, ProtocolVersion, User
from trials.services.accounts.tokens import issue_api_token
from trials.services.audit.sealing import seal_audit, verify_audit
from trials.services.sites.working_days import record_working_days

pytestmark = [pytest.mark.django_db, pytest.mark.long]
MANY = trial_logs._MANY + 1
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def crowd(django_db_setup: None, django_db_blocker: Any) -> Iterator[ProtocolVersion]:
    """One trial with more people than any list, chunk or batch holds; built once and rolled back."""
    with time_machine.travel(NOW, tick=True), django_db_blocker.unblock(), transaction.atomic():
        site = a_site()
        record_working_days(site=site, by=None, first_year=2025, last_year=2028)
        version = a_version()
        days = {
            "consent": AnchorDay(TODAY - 30 * DAY, AnchorKind.ACTUAL),
            "infusion": AnchorDay(TODAY - 7 * DAY, AnchorKind.ACTUAL),
        }
        asked = [an_enrolment(version, subject_code=f"S01-{n:04}", anchors=days) for n in range(1, MANY + 1)]
        bulk_enrol(enrolments=asked, by=None)
        _follow_up(version)
        yield version
        transaction.set_rollback(True)


def _follow_up(version: ProtocolVersion) -> None:
    """A flag, a deviation, a signature of everybody, every window open, and very many accounts."""
    people = list(Participant.objects.order_by("pk"))
    Flag.objects.bulk_create(
        Flag(
            participant=one,
            key=f"flag-{one.pk}",
            message="{}",
            raised_at=NOW,
            severity="warning",
            kind="hold",
        )
        for one in people
    )
    Deviation.objects.bulk_create(
        Deviation(
            participant=one,
            key=f"deviation-{one.pk}",
            kind="manual",
            occurred_on=TODAY,
            found_on=TODAY,
            protocol_version=version,
        )
        for one in people
    )
    users = User.objects.bulk_create(User(username=f"person-{n:04}") for n in range(1001))
    Membership.objects.bulk_create(Membership(user=one, role="monitor", starts_on=TODAY) for one in users)
    Visit.objects.filter(performed_on=None).update(opens=TODAY, target=TODAY, closes=TODAY)


@pytest.fixture
def chief(crowd: ProtocolVersion) -> User:
    """Somebody who may open every page."""
    user = User.objects.create_user("chief", password="a long and made-up one")
    for role in ("administrator", "data_manager", "investigator", "coordinator"):
        Membership.objects.create(user=user, role=role, starts_on=TODAY)
    return user


@pytest.fixture
def browser(chief: User) -> Iterator[Client]:
    with time_machine.travel(NOW, tick=True):
        client = Client()
        client.force_login(chief)
        show_who_one_is(client)
        yield client


def text(answer: Any) -> str:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return str(content.decode("utf-8", "replace"))


def test_the_crowd_is_larger_than_every_size(crowd: ProtocolVersion) -> None:
    assert Participant.objects.count() == MANY
    assert Visit.objects.count() > 2001
    assert AuditEntry.objects.count() > 5001


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize(
    ("log", "asked"),
    [
        ("screening-log", ""),
        ("screening-log", "?outcome=enrolled"),
        ("screening-log", "?q=s01"),
        ("enrolment-log", ""),
        ("enrolment-log", "?outcome=follow-up"),
    ],
)
def test_the_logs_are_exported_beyond_five_hundred_people(
    browser: Client, log: str, form: str, asked: str
) -> None:
    answer = browser.get(reverse(f"{log}-export", kwargs={"form": form}) + asked)
    assert answer.status_code == 200
    content = text(answer)
    if form == "csv":
        assert sum("S01-" in line for line in content.splitlines()) == MANY


LISTS = ["worklist", "participants", "flags", "deviations", "forecast", "consents", "screening-log"]
LISTS += ["enrolment-log", "trail", "memberships", "people", "failed-sign-ins"]
FURTHER = 4


@pytest.mark.parametrize(("name", "asked"), [*((name, "") for name in LISTS), ("forecast", "help=1")])
def test_every_list_is_read_beyond_its_first_page(browser: Client, name: str, asked: str) -> None:
    address = reverse(name)
    here, pages = f"{address}?{asked}", 0
    while here and pages < FURTHER:
        answer = browser.get(here)
        assert answer.status_code == 200, here
        pages += 1
        following = answer.context.get("next") or answer.context.get("following") or _page_after(answer)
        here = f"{address}{following}" if following else ""
    assert pages == FURTHER or name in {"consents", "failed-sign-ins"}


def _page_after(answer: Any) -> str:
    page = answer.context.get("page")
    return f"?page={page.next_page_number()}" if hasattr(page, "has_next") and page.has_next() else ""


@pytest.mark.parametrize(
    ("name", "kwargs", "least"),
    [
        ("deviations-export", {"form": "csv"}, MANY),
        ("deviations-export", {"form": "xlsx"}, 1),
        ("memberships-export", {}, 1001),
        ("trail-export", {}, 5001),
    ],
)
def test_every_export_is_whole(browser: Client, name: str, kwargs: dict[str, str], least: int) -> None:
    answer = browser.get(reverse(name, kwargs=kwargs))
    assert answer.status_code == 200
    assert text(answer).count("\n") >= least


def test_the_export_of_a_trial_is_whole(browser: Client, crowd: ProtocolVersion) -> None:
    answer = browser.get(reverse("trial-export", kwargs={"pk": crowd.trial_id}))
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as kept:
        visits = next(name for name in kept.namelist() if name.endswith("schedules.visit.csv"))
        assert kept.read(visits).count(b"\n") >= Visit.objects.count()


def test_the_api_is_read_in_full_in_its_largest_pages(chief: User) -> None:
    _token, key = issue_api_token(user=chief, name="EDC")

    def ask(address: str) -> Any:
        return Client().get(address, headers={"authorization": f"Bearer {key}"})

    few = Participant.objects.order_by("pk")[:20]
    Visit.objects.exclude(participant__in=list(few)).delete()
    with time_machine.travel(NOW, tick=True):
        assert len(all_pages(ask, "/api/v1/visits?page_size=200")) == Visit.objects.count() > 200


def test_the_trail_is_sealed_and_checked_beyond_one_batch(crowd: ProtocolVersion) -> None:
    seal_audit(now=NOW)
    found = verify_audit(heads=[])
    assert found.fault is None
    assert found.sealed == AuditEntry.objects.count() > 5000


def test_the_sweeps_go_on_after_their_first_batch(crowd: ProtocolVersion) -> None:
    later = NOW + 2 * DAY
    ProtocolWindow.objects.update(judge_at=NOW)
    due = ProtocolWindow.objects.filter(judge_at__lte=later).count()
    assert due > 500
    assert sweep_windows(now=later) >= due
    assert not ProtocolWindow.objects.filter(judge_at__lte=later).exists()
    few = list(Participant.objects.order_by("pk").values_list("pk", flat=True)[:50])
    Visit.objects.exclude(participant__in=few).update(performed_on=TODAY)
    Visit.objects.filter(participant__in=few).update(anchor_kind="actual")  # else they wait for the infusion
    closed = Visit.objects.filter(performed_on=None).count()
    assert closed > 500
    later += 5 * DAY  # ward days of a weekend are drafted once the next clinic day is over
    assert sweep_unrecorded(now=later) == closed


def test_subject_codes_beyond_a_statement_are_refused_by_name(crowd: ProtocolVersion) -> None:
    asked = [an_enrolment(crowd, subject_code=f"S01-{n:04}") for n in range(MANY, 2 * MANY)]
    with pytest.raises(EnrolmentsRefused) as refused:
        bulk_enrol(enrolments=asked, by=None)
    assert set(refused.value.refused) == {0}


def test_what_others_did_is_told_beyond_five_hundred_entries(crowd: ProtocolVersion) -> None:
    person = Participant.objects.earliest("pk")
    for n in range(40):
        Visit.objects.filter(participant=person, performed_on=None).update(booked_on=TODAY + n * DAY)
    assert AuditEntry.objects.filter(participant_id=person.pk, model="schedules.visit").count() > 500
    assert acts_since(person.pk, 0, ZoneInfo("Asia/Shanghai"))


def test_an_amendment_is_shown_and_worked_on_beyond_one_page_and_batch(
    browser: Client, crowd: ProtocolVersion
) -> None:
    new = a_version(text=second(document()))
    site = Participant.objects.earliest("pk").site
    an_approval(site, new)
    asked = {"from_version": crowd.pk, "to_version": new.pk, "sites": [site.pk]}
    address = reverse("amendment-new", kwargs={"pk": crowd.trial_id})
    shown = browser.get(address, {**asked, "page": 2})
    assert shown.status_code == 200
    assert shown.context["page"].paginator.count == MANY
    assert shown.context["page"].number == 2
