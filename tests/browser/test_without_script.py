"""A browser whose scripts are switched off: a double click is done once, and what was typed stays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from participants.models import Fact
from schedules.models import Visit
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
    expect(notes).to_contain_text("Recorded.")
    assert Fact.objects.filter(kind="night-away").count() == 1
