"""Every page of ours as a browser shows it: on a desk and on a phone, light and dark, in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from schedules.domain.plan.values import AnchorDay
from schedules.services.enrolment.enrolling import enrol
from tests.cast import a_site, a_version, an_enrolment
from tests.pages.axe import LIMIT, first_load, violations
from trials.models import Role, User
from trials.services.accounts.memberships import grant_membership
from trials.services.sites.working_days import record_working_days

PASSWORD = "a long and made-up one"
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
DAY = timedelta(days=1)

HERE = Path(__file__).parent
BASICS = (HERE / "basics.js").read_text(encoding="utf-8")
FAINT = (HERE / "faint.js").read_text(encoding="utf-8")


def test_the_checks_find_what_is_wrong(page: Page) -> None:
    page.set_content(
        "<html><body><h1>One</h1><h3>Three</h3><input id=a><input id=a><svg></svg>"
        "<p style='color: #999; background: #fff'>hardly to be read</p></body></html>"
    )
    found = page.evaluate(BASICS)
    for wrong in (
        "one main landmark",
        "a language",
        "headings skip to h3",
        "id twice: a",
        "svg without words",
    ):
        assert wrong in found
    assert any(wrong.startswith("no name") for wrong in found)
    assert [text.rpartition(" ")[0] for text in page.evaluate(FAINT)] == ["hardly to be read"]


@pytest.fixture
def today() -> date:
    return timezone.now().astimezone(ZoneInfo("Asia/Shanghai")).date()


@pytest.fixture
def participant(transactional_db: None, today: date) -> int:
    """Somebody whose day 28 is today, at the site of a coordinator."""
    site = a_site("YANCHENG-3")
    record_working_days(site=site, by=None, first_year=today.year - 1, last_year=today.year + 3)
    user = User.objects.create_user("coordinator", password=PASSWORD)
    grant_membership(user=user, role=Role.COORDINATOR, site=site, starts_on=today, by=None)
    asked = an_enrolment(
        a_version("NCT07274059"),
        site=site,
        anchors={"infusion": AnchorDay(today - 28 * DAY)},
        traits=["lymphodepletion", "childbearing_potential"],
    )
    return enrol(enrolment=asked, by=user).pk


def sign_in(page: Page, live_server: LiveServer, language: str = "en") -> None:
    page.context.add_cookies([{"name": "django_language", "value": language, "url": live_server.url}])
    page.goto(f"{live_server.url}/accounts/login/")
    page.locator("main input[autocomplete=username], main input[name=login]").first.fill("coordinator")
    page.locator("main input[type=password]").fill(PASSWORD)
    page.locator("main input[type=password]").press("Enter")
    expect(page).to_have_title(re.compile("^(Today|今日) · Dayzero$"))
    expect(page.locator("nav.places")).to_be_visible()


def press(page: Page, button: str) -> None:
    """Press a button that leads to another page, and wait for it."""
    with page.expect_navigation():
        page.locator(button).first.click()


def pages(page: Page, live_server: LiveServer, participant: int) -> Iterator[str]:
    """Goes to one page after the other, those with a form in it filled among them."""
    for address in ("/", "/participants/", f"/participants/{participant}/", "/nowhere/"):
        page.goto(f"{live_server.url}{address}")
        yield address
    page.goto(f"{live_server.url}/participants/{participant}/")
    for summary in page.locator("details summary").all()[:3]:
        summary.click()
    yield "reasons unfolded"
    page.goto(f"{live_server.url}/calendars/new/?participant={participant}")
    yield "new calendar subscription"
    press(page, "main form.subscription button.primary")
    yield "calendar address"
    page.goto(f"{live_server.url}/calendars/")
    yield "calendar subscriptions"
    page.goto(f"{live_server.url}/calendars/week/")
    yield "a week as a file"
    page.goto(f"{live_server.url}/participants/enrol/")
    yield "enrol"
    page.locator("#id_version").select_option(index=1)
    page.locator("#id_site").select_option(index=1)
    press(page, "button[value=choose]")
    yield "enrol, whole"
    page.locator("#id_subject_code").fill("S01-002")
    page.locator("[name=no_consent_reason]").fill("kept on paper until now")
    page.locator("[name=traits][value=lymphodepletion]").check()
    page.locator("[name=anchor-lymphodepletion-start-planned-on]").fill("2027-01-02")
    page.locator("[name=anchor-infusion-planned-on]").fill("2027-01-06")
    press(page, ".acts button[value=preview]")
    yield "enrol, refused"
    press(page, "button[name=mend]")
    yield "enrol, with its plan"


@pytest.mark.parametrize(
    "reader",
    [(DESK, "light", "en"), (DESK, "dark", "zh-hans"), (PHONE, "dark", "en"), (PHONE, "light", "zh-hans")],
)
def test_every_page_can_be_read_and_used(
    live_server: LiveServer, page: Page, participant: int, complaints: list[str], reader: Any
) -> None:
    size, light, language = reader
    page.set_viewport_size(size)
    page.emulate_media(color_scheme=light)
    sign_in(page, live_server, language)
    for name in pages(page, live_server, participant):
        assert page.evaluate(BASICS) == [], name
        assert page.evaluate(FAINT) == [], name
        if language == "zh-hans":  # half of the readers: `make axe` looks with all eight
            assert violations(page) == [], name
        across = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert across <= 0, f"{name} scrolls sideways by {across}"
    assert [heard for heard in complaints if "404" not in heard] == []


def test_the_first_stop_of_the_keyboard_skips_to_the_content(
    live_server: LiveServer, page: Page, participant: int
) -> None:
    sign_in(page, live_server)
    page.goto(live_server.url)
    page.keyboard.press("Tab")
    skip = page.locator(".skip")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_everything_in_the_shell_is_reached_by_the_keyboard(
    live_server: LiveServer, page: Page, participant: int, size: Any
) -> None:
    page.set_viewport_size(size)
    sign_in(page, live_server)
    for link in page.locator("nav.places a").all():
        expect(link).to_be_in_viewport()
        link.focus()
        expect(link).to_be_focused()
    page.locator(".account").focus()
    page.keyboard.press("Enter")
    dark = page.locator("button[name=theme][value=dark]")
    expect(dark).to_be_visible()
    dark.focus()
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.locator(".account").focus()
    page.keyboard.press("Enter")
    page.locator("button[name=language][value=zh-hans]").press("Enter")
    expect(page.locator("html")).to_have_attribute("lang", "zh-hans")
    page.locator(".account").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.locator("#account")).to_be_hidden()


def test_the_light_that_was_chosen_beats_the_systems(
    live_server: LiveServer, page: Page, participant: int
) -> None:
    page.emulate_media(color_scheme="dark")
    sign_in(page, live_server)
    shade = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(shade)
    page.locator(".account").click()
    page.locator("button[name=theme][value=light]").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    assert page.evaluate(shade) != dark


@pytest.mark.parametrize(("size", "shown", "other"), [(DESK, "wide", "narrow"), (PHONE, "narrow", "wide")])
def test_the_timeline_fits_the_screen(
    live_server: LiveServer, page: Page, participant: int, size: Any, shown: str, other: str
) -> None:
    page.set_viewport_size(size)
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/participants/{participant}/")
    for panel in ("near", "whole"):
        drawing = page.locator(f"figure.{panel} svg.{shown}")
        expect(drawing).to_be_visible()
        expect(page.locator(f"figure.{panel} svg.{other}")).to_be_hidden()
        smallest = drawing.evaluate(
            "e => Math.min(...[...e.querySelectorAll('text')].map(t => t.getBoundingClientRect().height))"
        )
        assert smallest >= 9, "letters that can be read"
        assert drawing.locator(".bar").count() > 0
    assert page.locator(f"figure.near svg.{shown} .today").count() == 1


def test_why_a_date_is_what_it_is_unfolds_in_its_row(
    live_server: LiveServer, page: Page, participant: int, today: date
) -> None:
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/participants/{participant}/")
    row = page.locator("#visit-d28")
    expect(row.locator("details p")).to_be_hidden()
    row.locator("summary").press("Enter")
    expect(row.locator("details p")).to_be_visible()
    expect(row.locator("details p")).to_contain_text(
        re.compile(rf"{today:%a} {today.day} {today:%b} is 28 days after Infusion")
    )


def test_the_address_of_a_calendar_is_shown_in_both_forms(
    live_server: LiveServer, page: Page, participant: int
) -> None:
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/participants/{participant}/")
    page.goto(f"{live_server.url}/calendars/new/?participant={participant}")
    page.locator("form.subscription button.primary").click()
    address = page.locator("#https").input_value()
    assert address.startswith(f"{live_server.url}/calendar/")
    assert page.locator("#webcal").input_value() == address.replace("http://", "webcal://")


def test_a_first_load_weighs_little(live_server: LiveServer, page: Page, participant: int) -> None:
    sign_in(page, live_server)
    for address in ("/", f"/participants/{participant}/", "/planner/"):
        weight = first_load(page, f"{live_server.url}{address}")
        assert 5_000 < weight <= LIMIT, f"{address}: {weight} bytes"


def test_the_weekday_stands_beside_a_day_while_it_is_typed(
    live_server: LiveServer, page: Page, participant: int
) -> None:
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/participants/{participant}/facts/new/night-away/")
    field = page.locator("main input[type=date]").first
    field.fill("2026-12-07")
    beside = field.locator("xpath=following-sibling::small[1]")
    expect(beside).to_have_text("Monday")
    field.fill("")
    expect(beside).to_have_text("")


def test_assumed_is_no_stop_of_the_keyboard(live_server: LiveServer, page: Page, participant: int) -> None:
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/participants/{participant}/")
    assert page.locator(".assumed").count() > 0
    assert page.locator(".assumed[tabindex]").count() == 0


def test_countries_are_named_in_the_language_of_the_page(
    live_server: LiveServer, page: Page, participant: int
) -> None:
    """They were class names of a library: UnitedArabEmirates, in Chinese too."""
    User.objects.filter(username="coordinator").update(is_superuser=True)
    sign_in(page, live_server)
    page.goto(f"{live_server.url}/sites/new/")
    names = page.locator("select[name=holiday_calendar] option")
    assert {"CN · China", "AE · United Arab Emirates"} <= set(names.all_inner_texts())
    page.context.add_cookies([{"name": "django_language", "value": "zh-hans", "url": live_server.url}])
    page.reload()
    assert names.first.inner_text() == "CN · 中国"
    assert "AE · 阿拉伯联合酋长国" in names.all_inner_texts()
    assert page.locator("select[name=holiday_calendar]").input_value() == "CN"
    group = page.locator("fieldset:has(input[name=clinic_days])")
    above, boxes = group.locator("legend").bounding_box(), group.locator("input").first.bounding_box()
    assert above, "the group has a name"
    assert boxes
    assert above["y"] + above["height"] <= boxes["y"] + 1, "which stood beside the fourth of its boxes"
