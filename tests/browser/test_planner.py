"""The calendar of a site in a browser: a visit is placed by click, by drag and by keyboard alone."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from schedules.models import Visit
from schedules.selectors.store.calendars import working_days_by_site
from tests.browser.test_pages import BASICS, DAY, DESK, FAINT, PHONE, press, sign_in, today
from tests.browser.test_visits import infused
from trials.models import Resource

__all__ = ["infused", "today"]


@pytest.fixture
def clinic_day(infused: int, today: date) -> date:
    """A clinic day to come with another on the next; the window of day 28 is as wide as that needs."""
    visit = Visit.objects.select_related("participant").get(code="d28")
    calendar = working_days_by_site([visit.participant.site_id])[visit.participant.site_id]
    days = (today + DAY * n for n in range(1, 30))
    found = next(
        day
        for day in days
        if day.weekday() < 4 and calendar.is_working_day(day) and calendar.is_working_day(day + DAY)
    )
    Visit.objects.filter(pk=visit.pk).update(closes=found + 6 * DAY)
    return found


def booked() -> tuple[date | None, time | None]:
    """The day and hour at the site for which day 28 is booked."""
    visit = Visit.objects.get(code="d28")
    start = visit.booked_start
    return visit.booked_on, start.astimezone(ZoneInfo("Asia/Shanghai")).time() if start else None


def confirmed(page: Page) -> None:
    """Press Enter in the form, and wait for the calendar."""
    expect(page.locator("[name=on]")).to_be_visible()
    with page.expect_navigation(url=re.compile("/planner/")):
        page.keyboard.press("Enter")


def test_a_visit_is_placed_by_click_by_drag_and_by_keyboard(
    live_server: LiveServer, page: Page, complaints: list[str], clinic_day: date
) -> None:
    page.set_viewport_size(DESK)
    sign_in(page, live_server)
    week = f"{live_server.url}/planner/?view=week&day={clinic_day}"
    card = f"#card-{Visit.objects.get(code='d28').pk}"
    column = f".col[data-day='{clinic_day}']"
    page.goto(week)
    press(page, card)
    press(page, f"{column} [data-slot]:has-text('10:00')")
    confirmed(page)
    assert booked() == (clinic_day, time(10))

    entry = page.locator(f"{column} .ev", has_text="10:00")
    expect(entry).to_be_visible()
    grid = page.locator(f".col[data-day='{clinic_day + DAY}'] [data-grid]")
    box = grid.bounding_box()
    assert box, "the hours of the next day are shown"
    with page.expect_navigation(url=re.compile("/book/")):
        entry.drag_to(grid, target_position={"x": box["width"] / 2, "y": box["height"] * 12.5 / 20})
    expect(page.locator("[name=on]")).to_have_value((clinic_day + DAY).isoformat())
    page.locator("[name=reason]").fill("asked for the afternoon")
    press(page, "main button.primary")
    assert booked() == (clinic_day + DAY, time(14))

    Visit.objects.filter(code="d28").update(booked_on=None, booked_start=None, booked_end=None)
    page.goto(week)
    page.locator(card).focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-slot]:focus")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(card)).to_be_focused()
    expect(page.locator("[data-slot]")).to_have_count(0)
    page.keyboard.press("Enter")
    first = page.locator("[data-slot]:focus")
    expect(first).to_contain_text("08:00")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-slot]:focus")).to_contain_text("09:00")
    page.keyboard.press("ArrowLeft")
    chosen = page.locator(".col:has([data-slot]:focus)").get_attribute("data-day")
    with page.expect_navigation(url=re.compile("/book/")):
        page.keyboard.press("Enter")
    confirmed(page)
    assert booked() == (date.fromisoformat(chosen or ""), time(9))
    assert complaints == []


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_two_bookings_of_one_half_hour_cut_no_line(
    live_server: LiveServer, page: Page, clinic_day: date, language: str
) -> None:
    """Side by side each has room for a code and a visit; a line without room is not shown at all."""
    start = datetime.combine(clinic_day, time(10), ZoneInfo("Asia/Shanghai"))
    site = Visit.objects.select_related("participant").get(code="d28").participant.site
    room = Resource.objects.create(site=site, kind="room", name="Room 12")
    at = {"booked_on": clinic_day, "booked_start": start, "booked_resource": room}
    codes = ["d28", Visit.objects.filter(place="clinic", performed_on=None).exclude(code="d28")[0].code]
    Visit.objects.filter(code__in=codes).update(booked_end=start + timedelta(minutes=30), **at)
    page.set_viewport_size(DESK)
    sign_in(page, live_server, language)
    page.goto(f"{live_server.url}/planner/?view=week&day={clinic_day}")
    entries = page.locator(".week .time .ev.of2.l2")
    expect(entries).to_have_count(2)
    assert page.evaluate(CUT) == []
    for entry in entries.all():
        expect(entry).to_contain_text("S01-001")
    third = Visit.objects.filter(place="clinic", performed_on=None).exclude(code__in=codes)[0]
    week = {"opens": clinic_day, "target": clinic_day, "closes": clinic_day + timedelta(days=7)}
    Visit.objects.filter(pk=third.pk).update(suggested=clinic_day, **week)
    page.goto(f"{live_server.url}/planner/?view=week&day={clinic_day}&visit={third.pk}")
    expect(page.locator(".week .time:has(.of2) .slot").first).to_be_visible()
    assert page.evaluate(CUT) == []
    assert page.evaluate(CODES_CUT) == [], "beside the hours one may book a code stands in two lines"


CODES_CUT = """() => [...document.querySelectorAll(".week .time .ev")].filter((entry) => {
  const code = entry.querySelector("b").getBoundingClientRect(), around = entry.getBoundingClientRect();
  return code.right > around.right || code.bottom > around.bottom;
}).map((entry) => entry.textContent)"""
"""The entries of a week that show their subject code in part."""
CUT = """() => [...document.querySelectorAll(".week .time .ev")].flatMap((entry) => {
  const around = entry.getBoundingClientRect();
  return [...entry.children].filter((line) => {
    const box = line.getBoundingClientRect();
    return !line.matches(".hidden") && box.left < around.right && box.bottom > around.bottom;
  }).map((line) => line.textContent);
})"""
"""The lines of entries of a week that are shown in part."""


def test_placing_goes_on_beyond_the_week_that_is_shown(
    live_server: LiveServer, page: Page, complaints: list[str], clinic_day: date
) -> None:
    """Arrows turn the calendar at the last free hour and back at the first; so does a card dropped on ›."""
    Visit.objects.filter(code="d28").update(closes=clinic_day + 13 * DAY)
    sunday = clinic_day + (6 - clinic_day.weekday()) * DAY
    page.set_viewport_size(DESK)
    sign_in(page, live_server)
    week = f"{live_server.url}/planner/?view=week&day={clinic_day}"
    card = f"#card-{Visit.objects.get(code='d28').pk}"
    focused = page.locator(".col:has([data-slot]:focus)")

    def day_of_focus() -> date:
        expect(focused).to_be_visible()
        return date.fromisoformat(focused.get_attribute("data-day") or "")

    page.goto(week)
    page.locator(card).focus()
    page.keyboard.press("Enter")
    assert day_of_focus() <= sunday
    last = page.locator(".col:has([data-slot])").last
    left = date.fromisoformat(last.get_attribute("data-day") or "")
    last.locator("[data-slot]").first.focus()
    with page.expect_navigation(url=re.compile("/planner/")):
        page.keyboard.press("ArrowRight")
    turned_to = day_of_focus()
    assert turned_to > sunday
    with page.expect_navigation(url=re.compile("/planner/")):
        page.keyboard.press("ArrowLeft")
    assert day_of_focus() == left
    with page.expect_navigation(url=re.compile("/planner/")):
        page.keyboard.press("ArrowRight")
    with page.expect_navigation(url=re.compile("/book/")):
        page.keyboard.press("Enter")
    confirmed(page)
    assert booked() == (turned_to, time(8))

    Visit.objects.filter(code="d28").update(booked_on=None, booked_start=None, booked_end=None)
    page.goto(week)
    with page.expect_navigation(url=re.compile("/planner/.*visit=")):
        page.locator(card).drag_to(page.locator(".steps-of-time a").last)
    assert day_of_focus() == turned_to
    assert complaints == []


def test_a_visit_is_placed_on_a_phone_in_chinese(
    live_server: LiveServer, page: Page, complaints: list[str], clinic_day: date
) -> None:
    page.set_viewport_size(PHONE)
    sign_in(page, live_server, "zh-hans")
    page.goto(f"{live_server.url}/planner/?view=agenda&day={clinic_day}")
    press(page, f"#card-{Visit.objects.get(code='d28').pk}")
    expect(page.locator(f".col[data-day='{clinic_day}'] [data-slot]")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator(f".col[data-day='{clinic_day + DAY}'] [data-slot]")).to_be_focused()
    assert page.evaluate(BASICS) == []
    assert page.evaluate(FAINT) == []
    across = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert across <= 0, f"scrolls sideways by {across}"
    press(page, f".col[data-day='{clinic_day + DAY}'] [data-slot]")
    confirmed(page)
    assert booked() == (clinic_day + DAY, None)
    assert complaints == []
