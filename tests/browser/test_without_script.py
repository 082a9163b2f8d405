"""A browser whose scripts are switched off: a double click is done once, and what was typed stays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from django.db.models import F
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from participants.models import Fact
from schedules.models import Flag, Visit
from schedules.services.windows.evaluation import sweep_windows
from tests.browser.test_bad_input import twice
from tests.browser.test_pages import DAY, sign_in, today
from tests.browser.test_visits import infused

__all__ = ["infused", "today"]


@pytest.fixture
def plain(browser: Browser) -> Iterator[Page]:
    """A page of a browser without scripts."""
    context = browser.new_context(java_script_enabled=False, viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


def test_a_double_click_records_a_thing_once(
    live_server: LiveServer, plain: Page, infused: int, today: date
) -> None:
    sign_in(plain, live_server)
    button, notes = plain.locator("main form.record button.primary"), plain.locator("main .notes")

    plain.goto(f"{live_server.url}/participants/{infused}/unscheduled/")
    plain.locator("[name=on]").fill(today.isoformat())
    plain.locator("[name=reason]").fill("fever")
    twice(plain, button)
    expect(notes).to_contain_text("is added")
    assert Visit.objects.filter(code__startswith="unscheduled").count() == 1

    plain.goto(f"{live_server.url}/participants/{infused}/facts/new/night-away/")
    plain.locator("[name=day]").fill((today - DAY).isoformat())
    twice(plain, button)
    expect(notes).to_contain_text("Recorded: ")
    assert Fact.objects.filter(kind="night-away").count() == 1


def on_today(live_server: LiveServer, page: Page, day: date) -> Visit:
    """Day 28 waits to be booked, and the page is there."""
    sign_in(page, live_server)
    Visit.objects.exclude(code="d28").filter(target__lt=day).update(performed_on=F("target"))
    page.goto(f"{live_server.url}/")
    return Visit.objects.get(code="d28")


def test_what_was_typed_and_chosen_stays_in_a_row_that_was_overtaken(
    live_server: LiveServer, plain: Page, infused: int, today: date
) -> None:
    visit = on_today(live_server, plain, today)
    row = plain.locator(f"#v-{visit.pk}")
    reason = row.locator("form[action$='/missed/'] [name=reason]")

    chosen = row.locator(".strip label.in:not(.off):has(input:not(:checked)) input").first
    day = chosen.get_attribute("value") or ""
    chosen.check(force=True)
    Visit.objects.filter(pk=visit.pk).update(booked_place="Ward 7", version=F("version") + 1)
    row.locator("form[action$='/book/'] button:visible").first.click()
    expect(plain.locator("main .notes")).to_contain_text("Ward 7")
    expect(row.locator(".strip input:checked")).to_have_value(day)

    row.locator("summary.more").click()
    reason.fill("did not come")
    Visit.objects.filter(pk=visit.pk).update(booked_place="Ward 8", version=F("version") + 1)
    row.locator("form[action$='/missed/'] button").click()
    expect(plain.locator("main .notes")).to_contain_text("Ward 8")
    expect(reason).to_have_value("did not come")
    expect(reason).to_be_visible()
    plain.reload()
    expect(reason).to_have_value("")


def test_the_reason_of_a_flag_stays_where_a_colleague_was_quicker(
    live_server: LiveServer, plain: Page, infused: int, today: date
) -> None:
    sweep_windows(now=timezone.now())
    on_today(live_server, plain, today)
    card = plain.locator("#attention li:has(form[action$='/clear/'])").first
    flag = Flag.objects.get(pk=int((card.get_attribute("id") or "").removeprefix("f-")))
    reason = plain.locator(f"#f-{flag.pk} [name=reason]")
    card.locator("summary.more").click()
    reason.fill("settled on the ward")
    Flag.objects.filter(pk=flag.pk).update(evidence=f"{flag.evidence}x")
    card.locator("form[action$='/clear/'] button").click()
    expect(reason).to_have_value("settled on the ward")
    expect(reason).to_be_visible()
