"""From an empty database to the first participant: each page says what comes next, and leads there."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from participants.models import Participant
from tests.cast import show_who_one_is
from tests.integration.web.conftest import TODAY
from trials.models import ProtocolVersion, Site, Trial, TrialSite, User, WorkingDayTable

EMPTY_PAGES = (
    *("/", "/participants/", "/planner/", "/flags/", "/trials/", "/sites/", "/worklist/"),
    *("/participants/enrol/", "/deviations/", "/consents/", "/forecast/"),
)
NEXT = re.compile(r'aria-current="step".*?<h2>\s*(.*?) <span.*?<p>(.*?)</p>(.*?)</li>', re.DOTALL)
PASSWORD = "a long and made-up one"


@pytest.fixture
def chief(db: None, monkeypatch: pytest.MonkeyPatch) -> Client:
    """The browser of the superuser that `createsuperuser` makes, on a database that is otherwise empty."""
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", username="chief", email="chief@dayzero.example", interactive=False)
    return browser("chief")


def browser(name: str) -> Client:
    client = Client()
    client.force_login(User.objects.get(username=name))
    show_who_one_is(client)
    return client


def coming(client: Client, query: str = "") -> tuple[str, str]:
    """The step that the page of steps calls the next one, and where its button leads."""
    page = client.get(f"/setup/{query}").content.decode()
    found = NEXT.search(page)
    assert found, "a step is next"
    link = re.search(r'class="button primary" href="([^"]+)"', found[3])
    return found[1].strip(), link[1].replace("&amp;", "&") if link else ""


def send(client: Client, address: str, **said: Any) -> Any:
    answer = client.post(address, said, follow=True)
    assert answer.status_code == 200, address
    shown = answer.context and answer.context.get("form")
    assert not (shown is not None and shown.is_bound and shown.errors), (address, shown.errors)
    return answer


def account(chief: Client, name: str, role: str, site: Site) -> str:
    """Open an account as the pages lead, and give it a role; the link to its password."""
    _title, link = coming(chief)
    shown = send(chief, link, user_name=name, name=name, email="", reason="starts today").content.decode()
    password = re.search(r'class="secret" readonly value="([^"]+)"', shown)
    grant = re.search(r'href="(/memberships/grant/\?user=\d+)"', shown)
    assert password
    assert grant
    form = chief.get(grant[1]).context["form"]
    assert str(form.initial["user"]) == str(User.objects.get(username=name).pk), (
        "the account is chosen already"
    )
    send(
        chief,
        "/memberships/grant/",
        user=form.initial["user"],
        role=role,
        site=site.pk,
        starts_on=form.initial["starts_on"],
        reason="starts today",
    )
    return password[1]


def test_an_empty_database_leads_to_the_first_participant(chief: Client) -> None:
    for address in EMPTY_PAGES:
        page = chief.get(address).content.decode()
        assert "Nobody takes part yet." in page, address
        assert 'href="/sites/new/"' in page, address

    title, link = coming(chief)
    assert (title, link) == ("Site", "/sites/new/")
    days = {"clinic_days": list("12345"), "time_zone": "Asia/Shanghai", "holiday_calendar": "CN"}
    send(
        chief, link, code="WUHAN-UNION", name="Union Hospital", name_zh="协和医院", short_name="Wuhan", **days
    )
    site = Site.objects.get()
    assert WorkingDayTable.objects.filter(site=site).count() == 1, "the calendar comes with the site"

    title, link = coming(chief)
    assert (title, link) == ("Trial", "/trials/new/")
    send(chief, link, shipped="NCT07274059")
    version, trial = ProtocolVersion.objects.get(), Trial.objects.get()

    title, link = coming(chief)
    assert (title, link) == ("Protocol version", f"/trials/versions/{version.pk}/")
    assert "±" in chief.get(link).content.decode(), "the schedule is read before it is published"
    send(chief, link)

    title, link = coming(chief)
    assert (title, link) == ("Site of the trial", f"/trials/{trial.pk}/sites/")
    send(chief, link, site=site.pk)
    assert TrialSite.objects.filter(trial=trial, site=site).exists()

    title, link = coming(chief)
    assert (title, link) == ("People", "/people/open/")
    account(chief, "coordinator", "coordinator", site)
    assert 'href="/setup/"' in chief.get("/memberships/").content.decode(), "and on from the roles"
    password = account(chief, "investigator", "investigator", site)

    coordinator = browser("coordinator")
    today = TODAY
    title, link = coming(coordinator)
    assert title == "Approval"
    signs_next = send(coordinator, link, approved_on=today, reference="EC 2026-01", usable_from=today)
    assert 'href="/setup/">All steps' in signs_next.content.decode(), "who may not sign goes on from here"

    assert coming(coordinator) == ("Signature", ""), "a coordinator is told who signs"
    assert "An investigator of the site does this" in coordinator.get("/setup/").content.decode()
    assert coming(chief)[1] == "", "and so is a superuser, who signs nothing"

    owner = Client()
    form = owner.get(password, follow=True)
    owner.post(form.redirect_chain[-1][0], {"password1": PASSWORD, "password2": PASSWORD})
    investigator = browser("investigator")
    title, link = coming(investigator)
    assert title == "Signature"
    shown = investigator.get(link).context["record"].digest
    said = {"digest": shown, "meaning": "approved", "user_name": "investigator", "password": PASSWORD}
    send(investigator, link, **said)

    title, link = coming(chief)
    assert (title, link) == ("Consent form", f"/trials/{trial.pk}/consent-forms/new/")
    send(chief, link, version="1.0", effective_on=today)

    title, link = coming(coordinator)
    assert (title, link) == ("First participant", "/participants/enrol/")
    day = today + timedelta(days=14)
    asked = {
        "version": version.pk,
        "site": site.pk,
        "subject_code": "S01-001",
        "consent_form": trial.consent_forms.get().pk,
        "signed_on": today,
        "anchor-infusion-planned-on": day,
    }
    plan = coordinator.post(link, {**asked, "action": "preview"})
    seal = plan.context["preview"].seal
    coordinator.post(link, {**asked, "action": "enrol", "seal": seal})
    assert Participant.objects.get().subject_code == "S01-001"
    assert "Nobody takes part yet." not in coordinator.get("/").content.decode()
    assert coordinator.get("/setup/").context["done"] == 10


NEW_SITE = {
    "code": "WH",
    "name": "Union Hospital",
    "time_zone": "Asia/Shanghai",
    "clinic_days": list("12345"),
    "holiday_calendar": "CN",
}


@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        ({"code": "W H"}, "code", "letters, digits"),
        ({"code": "CD"}, "code", "CD is the code of another site"),
        ({"time_zone": "Asia/Wuhan"}, "time_zone", "Asia/Wuhan"),
        ({"clinic_days": []}, "clinic_days", "required"),
        ({"night_phone": "call me"}, "night_phone", "Enter a telephone number"),
        ({"holiday_calendar": "XX"}, "holiday_calendar", "XX"),
    ],
)
def test_a_site_that_cannot_be_is_refused_at_its_field(
    chief: Client, other_site: Site, changed: dict[str, Any], field: str, words: str
) -> None:
    answer = chief.post("/sites/new/", {**NEW_SITE, **changed})
    assert answer.status_code == 422
    assert words in " ".join(answer.context["form"].errors[field])
    assert Site.objects.count() == 1, "nothing is kept of it"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({}, "Choose a protocol"),
        ({"shipped": "CART-SLE", "document": "trial: X"}, "Give one of them only"),
        ({"document": "trial: X\nversion: ["}, "document"),
        ({"shipped": "NCT00000000"}, "not one of the available choices"),
    ],
)
def test_a_document_that_cannot_be_taken_in_says_why_and_keeps_what_was_typed(
    chief: Client, said: dict[str, str], words: str
) -> None:
    answer = chief.post("/trials/new/", said)
    assert answer.status_code == 422
    assert words in str(answer.context["form"].errors)
    assert (answer.context["form"]["document"].value() or "") == said.get("document", "")
    assert not Trial.objects.exists()


def test_names_that_somebody_else_changed_meanwhile_are_not_overwritten(chief: Client) -> None:
    chief.post("/sites/new/", NEW_SITE)
    site = Site.objects.get()
    address = f"/sites/{site.pk}/names/"
    shown = chief.get(address).context["form"].initial["version"]
    chief.post(address, {"name": "Union", "short_name": "Wuhan", "version": shown})
    late = chief.post(address, {"name": "Another", "version": shown})
    assert late.status_code == 409
    site.refresh_from_db()
    assert (site.name, site.short_name) == ("Union", "Wuhan")
    assert late.context["form"]["name"].value() == "Another", "what was typed is kept"


def test_a_chinese_name_stands_on_chinese_pages_and_the_short_one_beside_the_code(
    page: Client, site: Site, enrolled: Any
) -> None:
    Site.objects.filter(pk=site.pk).update(name_zh="武汉协和医院", short_name="Wuhan", short_name_zh="武汉")
    trial = enrolled("S01-007").trial
    Trial.objects.filter(pk=trial.pk).update(short_name="CD19 trial", short_name_zh="CD19试验")
    person = Participant.objects.get()
    for address in ("/", "/participants/", f"/participants/{person.pk}/", "/planner/", "/trials/"):
        english = page.get(address, HTTP_ACCEPT_LANGUAGE="en").content.decode()
        chinese = page.get(address, HTTP_ACCEPT_LANGUAGE="zh-hans").content.decode()
        assert "武汉" not in english, address
        assert "CD19 trial" in english, address
        assert "CD19试验" in chinese, address
        if address != "/trials/":
            assert "武汉协和医院" in chinese, address
            assert "Hospital WH" not in chinese, address
    assert "S01-007 武汉" in page.get("/participants/", HTTP_ACCEPT_LANGUAGE="zh-hans").content.decode()


def test_the_language_that_was_chosen_is_kept(page: Client) -> None:
    answer = page.post("/i18n/setlang/", {"language": "zh-hans", "next": "/"})
    cookie = answer.cookies["django_language"]
    assert int(cookie["max-age"]) > 300 * 24 * 60 * 60
