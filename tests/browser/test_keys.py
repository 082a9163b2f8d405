"""Keys instead of the mouse, and what may go wrong in the middle of an act: in a browser."""

from __future__ import annotations

import json
from datetime import date

import pytest
from django.db.models import F
from playwright.sync_api import Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from schedules.models import Visit
from tests.browser.test_pages import DAY, sign_in, today
from tests.browser.test_visits import infused
from trials.models import AuditEntry, Membership, User

__all__ = ["infused", "today"]


def on_today(live_server: LiveServer, page: Page, day: date) -> Visit:
    """Day 28 waits to be booked, and the page is there."""
    sign_in(page, live_server)
    Visit.objects.exclude(code="d28").filter(target__lt=day).update(performed_on=F("target"))
    page.goto(f"{live_server.url}/")
    page.wait_for_function("window.htmx !== undefined")
    return Visit.objects.get(code="d28")


def test_the_keys_find_go_and_act_on_a_row(
    live_server: LiveServer, page: Page, complaints: list[str], infused: int, today: date
) -> None:
    visit = on_today(live_server, page, today)
    row = page.locator(f"#v-{visit.pk}")
    for _ in range(20):  # down to the row of day 28
        page.keyboard.press("j")
        if row.evaluate("row => row.contains(document.activeElement)"):
            break
    page.keyboard.press("b")
    expect(row.locator("button.undo")).to_be_focused()
    visit.refresh_from_db()
    assert visit.booked_on
    page.keyboard.press("u")
    expect(row.locator("button[data-book]")).to_be_visible()
    row.locator("a.pt").focus()
    page.keyboard.press("o")
    expect(row.locator(".strip input:checked")).to_be_focused()
    page.keyboard.press("m")
    expect(row.locator("form[action$='/missed/'] input[name=reason]")).to_be_focused()
    page.keyboard.type("b?/")  # letters in a field are letters
    expect(row.locator("form[action$='/missed/'] input[name=reason]")).to_have_value("b?/")

    page.goto(f"{live_server.url}/")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()
    page.keyboard.press("/")
    expect(page.locator("[data-find]")).to_be_focused()
    page.keyboard.type("S01-001")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="S01-001")).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("c")
    expect(page).to_have_url(f"{live_server.url}/planner/")
    assert complaints == []

    User.objects.update(single_keys=False)
    page.goto(f"{live_server.url}/")
    page.keyboard.press("?")
    page.keyboard.press("/")
    expect(page.locator("[data-find]")).not_to_be_focused()
    assert page.locator("#keys").count() == 0


def test_a_connection_lost_in_the_middle_leaves_the_row_and_says_so(
    live_server: LiveServer, page: Page, infused: int, today: date
) -> None:
    visit = on_today(live_server, page, today)
    row = page.locator(f"#v-{visit.pk}")
    page.route("**/today/visits/**", lambda route: route.abort())
    row.locator("button[data-book]").click()
    expect(row).to_contain_text("Not saved: no connection. Nothing was changed; try again.")
    expect(page.locator("#said")).to_contain_text("no connection")
    expect(row.locator("button[data-book]")).to_be_enabled()
    visit.refresh_from_db()
    assert visit.booked_on is None
    page.unroute("**/today/visits/**")
    row.locator("button[data-book]").click()
    expect(row.locator("button.undo")).to_be_visible()
    visit.refresh_from_db()
    assert visit.booked_on


def test_what_the_server_does_not_accept_is_no_lost_connection(
    live_server: LiveServer, page: Page, infused: int, today: date
) -> None:
    """The role has ended since the page was opened, or one signed in again in another tab."""
    visit = on_today(live_server, page, today)
    row = page.locator(f"#v-{visit.pk}")
    page.context.clear_cookies(name="csrftoken")
    row.locator("button[data-book]").click()
    expect(page.get_by_role("heading", name="Not saved yet")).to_be_visible()
    page.get_by_role("button", name="Send it again").click()
    expect(page.locator(".just-done")).to_contain_text("is booked for")
    visit.refresh_from_db()
    assert visit.booked_on

    page.locator(".just-done button.undo").click()
    expect(page.locator("#said")).to_contain_text("undone")
    page.goto(f"{live_server.url}/")
    page.wait_for_function("window.htmx !== undefined")
    Membership.objects.all().delete()
    row.locator("button[data-book]").click()
    expect(row).to_contain_text(
        "Not saved: the server did not accept it. Nothing was changed; reload the page."
    )
    visit.refresh_from_db()
    assert visit.booked_on is None


def test_a_double_click_does_a_thing_once(
    live_server: LiveServer, page: Page, infused: int, today: date
) -> None:
    visit = on_today(live_server, page, today)
    row = page.locator(f"#v-{visit.pk}")
    row.locator("button[data-book]").dblclick()
    expect(row.locator("button.undo")).to_be_visible()
    visit.refresh_from_db()
    entries = AuditEntry.objects.filter(model="schedules.visit", object_id=str(visit.pk))
    booked = [one for one in entries if json.loads(one.new or "{}").get("booked_on") == str(visit.booked_on)]
    assert len({entry.act for entry in booked}) == 1


def test_a_row_that_somebody_else_changed_says_what_and_takes_nothing_over(
    live_server: LiveServer, page: Page, infused: int, today: date
) -> None:
    visit = on_today(live_server, page, today)
    Visit.objects.filter(pk=visit.pk).update(booked_place="Ward 7", version=F("version") + 1)
    row = page.locator(f"#v-{visit.pk}")
    row.locator("button[data-book]").click()
    expect(row).to_contain_text("Not saved: somebody else was quicker.")
    expect(row).to_contain_text("Ward 7")
    visit.refresh_from_db()
    assert visit.booked_on is None


ACTS = {
    "arrived": (0, "summary.more"),
    "done": (-1, ""),
    "missed": (-1, "summary.more"),
}
"""The acts on a visit that is booked: for which day from today on, and what is opened before."""


def prepared(live_server: LiveServer, page: Page, today: date, act: str) -> tuple[Visit, Locator, Locator]:
    """A booked visit with its row on Today, and the button of an act in it."""
    day, menu = ACTS[act]
    visit = Visit.objects.get(code="d28")
    Visit.objects.filter(pk=visit.pk).update(booked_on=today + day * DAY)
    page.goto(f"{live_server.url}/")
    page.wait_for_function("window.htmx !== undefined")
    row = page.locator(f"#v-{visit.pk}")
    if menu:
        row.locator(menu).click()
    form = row.locator(f"form[action$='/{act}/']").first
    if act == "missed":
        form.locator("[name=reason]").fill("did not come")
    return visit, row, form.locator("button").first


def recorded(visit: Visit) -> tuple[object, ...]:
    """What the acts write."""
    visit.refresh_from_db()
    return visit.performed_on, visit.missed_on, visit.arrived_on


@pytest.mark.parametrize("act", ACTS)
def test_each_act_on_a_booked_visit_bears_bad_input(
    live_server: LiveServer, page: Page, infused: int, today: date, act: str
) -> None:
    """A lost connection and a stale row change nothing and say so; a double click does a thing once."""
    on_today(live_server, page, today)
    visit, row, button = prepared(live_server, page, today, act)
    page.route("**/today/visits/**", lambda route: route.abort())
    button.click()
    expect(row).to_contain_text("Not saved: no connection. Nothing was changed; try again.")
    assert recorded(visit) == (None, None, None)
    page.unroute("**/today/visits/**")

    visit, row, button = prepared(live_server, page, today, act)
    Visit.objects.filter(pk=visit.pk).update(booked_place="Ward 7", version=F("version") + 1)
    button.click()
    expect(row).to_contain_text("Not saved: somebody else was quicker.")
    expect(row).to_contain_text("Ward 7")
    assert recorded(visit) == (None, None, None)

    visit, row, button = prepared(live_server, page, today, act)
    before = AuditEntry.objects.order_by("-pk").values_list("pk", flat=True)[0]
    button.dblclick()
    expect(row.locator("button.undo").first).to_be_visible()
    assert recorded(visit) != (None, None, None)
    entries = AuditEntry.objects.filter(pk__gt=before, model="schedules.visit", object_id=str(visit.pk))
    assert len(set(entries.values_list("act", flat=True))) == 1
