"""The admin: set-up through services, trial data to be read, nothing deleted."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.test import Client, RequestFactory

from participants.models import Participant
from schedules.models import CalendarFeed, ProtocolWindow, Reminder, Visit
from tests.cast import a_version, document, show_who_one_is
from tests.integration.web.conftest import TODAY, Enrol
from trials.models import ApiToken, Membership, ProtocolVersion, Role, Site, Trial, User, WorkingDayTable
from trials.services.accounts.tokens import issue_api_token
from trials.services.sites.working_days import Corrections, record_working_days

ADMIN = "/admin/"


@pytest.fixture
def keeper(db: None) -> User:
    return User.objects.create_superuser("keeper")


@pytest.fixture
def records(keeper: User) -> Client:
    client = Client()
    client.force_login(keeper)
    return client


@pytest.mark.parametrize(
    "model",
    [Participant, Visit, ProtocolWindow, Reminder, CalendarFeed, ProtocolVersion, WorkingDayTable, ApiToken],
)
def test_trial_data_and_what_was_recorded_is_only_read(model: Any, keeper: User, rf: RequestFactory) -> None:
    request = rf.get("/")
    request.user = keeper
    page = admin.site._registry[model]
    assert not page.has_change_permission(request)
    assert not page.has_delete_permission(request)
    assert page.has_view_permission(request)


def test_nothing_of_ours_can_be_deleted(keeper: User, rf: RequestFactory) -> None:
    request = rf.get("/")
    request.user = keeper
    for model, page in admin.site._registry.items():
        if model.__module__.split(".")[0] in {"trials", "participants", "schedules"}:
            assert not page.has_delete_permission(request), model


def test_visits_cannot_be_changed_by_a_forged_post(records: Client, enrolled: Enrol) -> None:
    enrolled()
    visit = Visit.objects.first()
    assert visit
    assert (
        records.post(f"{ADMIN}schedules/visit/{visit.pk}/change/", {"target": "2030-01-01"}).status_code
        == 403
    )
    assert records.post(f"{ADMIN}schedules/visit/add/", {}).status_code == 403
    visit.refresh_from_db()
    assert visit.target.year != 2030


def test_a_document_becomes_a_draft_and_is_published(records: Client, keeper: User) -> None:
    answer = records.post(f"{ADMIN}trials/protocolversion/add/", {"document": document()})
    version = ProtocolVersion.objects.get()
    assert answer.status_code == 302, answer.content.decode()
    assert version.published_at is None
    records.post(f"{ADMIN}trials/protocolversion/", {"action": "publish", "_selected_action": [version.pk]})
    version.refresh_from_db()
    assert version.published_by == keeper


def test_a_faulty_document_comes_back_with_all_that_is_wrong(records: Client) -> None:
    faulty = document().replace("day_zero: infusion", "day_zero: nowhere")
    text = records.post(f"{ADMIN}trials/protocolversion/add/", {"document": faulty}).content.decode()
    assert "nowhere" in text
    assert not ProtocolVersion.objects.exists()


def test_other_content_for_a_published_version_is_refused_in_words(records: Client) -> None:
    a_version()
    other = document().replace("title: ", "title: Another ", 1)
    text = records.post(f"{ADMIN}trials/protocolversion/add/", {"document": other}).content.decode()
    assert "give the document another version" in text


def test_a_table_of_working_days_takes_the_sites_own_word(records: Client, site: Site, keeper: User) -> None:
    data = {
        "site": site.pk,
        "first_year": 2026,
        "last_year": 2027,
        "closures": "2027-03-12 Stocktaking",
        "openings": "2026-10-03 Catching up",
        "note": "Own corrections",
    }
    answer = records.post(f"{ADMIN}trials/workingdaytable/add/", data)
    assert answer.status_code == 302, answer.content.decode()
    table = WorkingDayTable.objects.filter(site=site).latest("version")
    assert (table.version, table.created_by) == (2, keeper)
    assert table.document["closures"] == {"2027-03-12": "Stocktaking"}


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("closures", "someday", "is no day with its reason"),
        ("last_year", "2020", ""),
        ("openings", "2027-03-12 Both", "closed and opened"),
    ],
)
def test_days_that_cannot_be_are_refused(
    records: Client, site: Site, field: str, value: str, words: str
) -> None:
    data = {
        "site": site.pk,
        "first_year": 2026,
        "last_year": 2027,
        "closures": "2027-03-12 Why",
        "openings": "",
    }
    answer = records.post(f"{ADMIN}trials/workingdaytable/add/", {**data, field: value})
    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert WorkingDayTable.objects.filter(site=site).count() == 1


def test_renewing_working_days_keeps_the_sites_own_word(records: Client, site: Site) -> None:
    record_working_days(
        site=site, by=None, first_year=2026, last_year=2026, corrections=Corrections({TODAY: "Move"})
    )
    records.post(f"{ADMIN}trials/site/", {"action": "renew_working_days", "_selected_action": [site.pk]})
    table = WorkingDayTable.objects.filter(site=site).latest("version")
    assert table.version == 3
    assert table.document["closures"] == {TODAY.isoformat(): "Move"}


def test_working_days_are_not_renewed_over_calendars_that_nobody_looked_at(
    records: Client, site: Site, enrolled: Enrol
) -> None:
    """A closed day more moves a suggestion: what moves is shown on the page of the working days."""
    enrolled("S01-001", infusion=date(2026, 12, 14))
    site.clinic_days = "5"
    site.save()
    answer = records.post(
        f"{ADMIN}trials/site/", {"action": "renew_working_days", "_selected_action": [site.pk]}, follow=True
    )
    assert "Look at it first" in answer.content.decode()
    data = {
        "site": site.pk,
        "first_year": 2026,
        "last_year": 2028,
        "closures": "",
        "openings": "",
        "follows": "",
    }
    refused = records.post(f"{ADMIN}trials/workingdaytable/add/", data)
    assert "Look at it first" in refused.content.decode()
    assert WorkingDayTable.objects.filter(site=site).count() == 1


def test_a_weekday_that_is_none_is_refused(records: Client, site: Site) -> None:
    data = {"site": site.pk, "first_year": 2026, "last_year": 2027, "closures": "", "openings": ""}
    address = f"{ADMIN}trials/workingdaytable/add/"
    refused = records.post(address, {**data, "follows": "2026-09-20 8"})
    assert "a weekday from 1 for Monday to 7" in refused.content.decode()
    assert records.post(address, {**data, "follows": "2026-09-20 4"}).status_code == 302
    assert WorkingDayTable.objects.filter(site=site).latest("version").document["follows"] == {
        "2026-09-20": 4
    }


def test_roles_are_only_read_here(records: Client, site: Site) -> None:
    user = User.objects.create_user("somebody")
    data = {"user": user.pk, "role": Role.MONITOR, "site": site.pk, "trial": "", "starts_on": "2026-11-23"}
    assert records.post(f"{ADMIN}trials/membership/add/", data).status_code == 403
    assert not Membership.objects.exists()


def test_a_token_is_shown_once_and_revoked(records: Client, keeper: User) -> None:
    show_who_one_is(records)
    answer = records.post(f"{ADMIN}trials/apitoken/add/", {"user": keeper.pk, "name": "EDC"}, follow=True)
    token = ApiToken.objects.get()
    assert re.search(r"dz_[\w-]{40,}", answer.content.decode())
    assert "dz_" not in records.get(f"{ADMIN}trials/apitoken/").content.decode()
    records.post(f"{ADMIN}trials/apitoken/", {"action": "revoke", "_selected_action": [token.pk]})
    token.refresh_from_db()
    assert token.revoked_at


def test_every_list_and_form_of_ours_opens(records: Client, enrolled: Enrol, keeper: User) -> None:
    enrolled()
    issue_api_token(user=keeper, name="EDC")
    for model in (
        Site,
        Trial,
        ProtocolVersion,
        User,
        Membership,
        ApiToken,
        WorkingDayTable,
        Participant,
        Visit,
    ):
        base = f"{ADMIN}{model._meta.app_label}/{model._meta.model_name}/"
        assert records.get(base).status_code == 200, base
        first = model._default_manager.first()
        if first:
            assert records.get(f"{base}{first.pk}/change/").status_code == 200, base


def test_records_of_participants_are_those_in_sight(enrolled: Enrol, site: Site, other_site: Site) -> None:
    enrolled("HERE-1")
    enrolled("THERE-1", site=other_site)
    from django.contrib.auth.models import Permission

    reader = User.objects.create_user("reader", is_staff=True)
    reader.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    Membership.objects.create(user=reader, role=Role.MONITOR, site=site, starts_on=TODAY)
    client = Client()
    client.force_login(reader)
    for address in ("participants/participant/", "schedules/visit/"):
        text = client.get(f"{ADMIN}{address}").content.decode()
        assert "HERE-1" in text
        assert "THERE-1" not in text


def test_a_trial_whose_code_is_a_disease_is_asked_for_its_name_outside(records: Client) -> None:
    text = document().replace("trial: CART-SLE", "trial: SLE-2")
    address = f"{ADMIN}trials/protocolversion/add/"
    refused = records.post(address, {"document": text}).content.decode()
    assert "The code SLE-2 names a disease. Enter what the trial is called outside." in refused
    assert not Trial.objects.filter(code="SLE-2").exists(), "nothing half-written stays"
    worse = records.post(address, {"document": text, "outside_name": "Lupus 2"}).content.decode()
    assert "Lupus 2 names a disease." in worse
    assert records.post(address, {"document": text, "outside_name": "CART 2"}).status_code == 302
    assert Trial.objects.get(code="SLE-2").called == "CART 2"


def test_a_name_outside_that_names_the_disease_is_refused(records: Client) -> None:
    trial = a_version().trial
    assert trial.called == "CART", "of CART-SLE"
    trial.outside_name = "SLE study"
    with pytest.raises(ValidationError, match="such as study"):
        trial.full_clean()
