"""The commonest acts of a coordinator, from Today: how many clicks each takes, counted in a browser."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from participants.models import Fact, Participant
from schedules.models import Flag, Visit, VisitActivity
from schedules.services.windows.evaluation import sweep_windows
from tests.browser.test_pages import BASICS, DAY, DESK, FAINT, PHONE, sign_in, today
from tests.browser.test_visits import infused

__all__ = ["infused", "today"]

MOST = 3


class Hand:
    """Counts what a hand does: clicks, and keys that submit; typing a word is no click."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url, self.clicks = page, url, 0

    def from_today(self) -> None:
        """Begin again on Today."""
        self.page.goto(self.url)
        self.page.wait_for_function("window.htmx !== undefined")
        self.clicks = 0

    def click(self, selector: str) -> None:
        """Click something."""
        self.page.locator(selector).first.click()
        self.clicks += 1

    def type(self, selector: str, words: str) -> None:
        """Type words into a field."""
        self.page.locator(selector).first.fill(words)


def said(page: Page, words: str) -> None:
    """Wait until the page says what was done."""
    expect(page.locator("#said")).to_contain_text(words)


@pytest.mark.parametrize(("size", "language"), [(DESK, "en"), (PHONE, "zh-hans")])
def test_the_commonest_acts_take_three_clicks_at_most(
    live_server: LiveServer,
    page: Page,
    complaints: list[str],
    infused: int,
    today: date,
    size: Any,
    language: str,
) -> None:
    """Booking the suggested day and recording as booked take one; what is typed is typed all the same."""
    page.set_viewport_size(size)
    sign_in(page, live_server, language)
    Visit.objects.exclude(code="d28").filter(target__lt=today).update(performed_on=F("target"))
    hand, taken = Hand(page, f"{live_server.url}/"), {}
    visit = Visit.objects.get(code="d28")
    row, menu = f"#v-{visit.pk}", f"#v-{visit.pk} summary.more"

    hand.from_today()
    hand.click(f"{row} button[data-book]")
    expect(page.locator(f"{row} button.undo")).to_be_focused()
    taken["book the suggested day"] = hand.clicks
    hand.click(f"{row} button.undo")
    expect(page.locator(f"{row} button[data-book]")).to_be_visible()
    taken["undo"] = hand.clicks - 1

    hand.from_today()
    hand.click(f"{row} .strip label.in:not(.off):has(input:not(:checked))")
    hand.click(f"{row} button[data-book]")
    expect(page.locator(f"{row} button.undo")).to_be_visible()
    taken["book another day"] = hand.clicks

    def booked(day: date) -> None:
        VisitActivity.objects.filter(visit=visit).delete()
        Visit.objects.filter(pk=visit.pk).update(
            booked_on=day,
            performed_on=None,
            missed_on=None,
            missed_reason="",
            arrived_on=None,
            arrived_at=None,
        )
        hand.from_today()

    booked(today)
    hand.click(menu)
    hand.click(f"{row} form[action$='/arrived/'] button")
    expect(page.locator(f"{row} button.undo")).to_be_visible()
    taken["record an arrival"] = hand.clicks

    booked(today)  # what its windows need to hear is asked while the person is there
    hand.click(f"{row} .acts > form[action$='/done/'] button")
    page.wait_for_url("**/complete/**")
    hand.click("main form.record button.primary")
    expect(page.locator("main .notes .success").first).to_be_visible()
    taken["record today's visit as done, with what is asked at it"] = hand.clicks

    booked(today - DAY)
    hand.click(f"{row} form[action$='/done/'] button")
    expect(page.locator(f"{row} button.undo")).to_be_visible()
    taken["record one as booked"] = hand.clicks

    booked(today - DAY)
    hand.click("#as-booked button")
    expect(page.locator(f"{row} button.undo")).to_be_visible()
    taken["record all as booked"] = hand.clicks

    booked(today - DAY)
    hand.click(menu)
    hand.type(f"{row} form[action$='/missed/'] input[name=reason]", "did not come")
    hand.click(f"{row} form[action$='/missed/'] button")
    expect(page.locator(f"{row} button.undo")).to_be_visible()
    taken["record a miss"] = hand.clicks

    booked(today - DAY)
    hand.click(menu)
    hand.click(f"{row} .more-panel > a >> nth=0")
    taken["done with differences: the form"] = hand.clicks

    booked(today + DAY)
    hand.click("#coming .ticks input[type=checkbox]")
    expect(page.locator("#coming .prepare .outcome")).to_be_visible()
    taken["tick a preparation"] = hand.clicks

    visit.refresh_from_db()
    others = Visit.objects.filter(place="clinic", timing="offset", performed_on=None)
    other = others.exclude(rule_code=visit.rule_code).order_by("target").last()
    assert other, "another visit at the clinic"
    Visit.objects.filter(pk=visit.pk).update(booked_on=None, booked_start=None, booked_end=None)
    Visit.objects.filter(pk=other.pk).update(opens=visit.opens, target=visit.target, closes=visit.closes)
    hand.from_today()
    hand.click("#book button[data-both]")
    expect(page.locator("#book button.undo")).to_be_visible()
    taken["book two visits for the same day"] = hand.clicks
    both = Visit.objects.filter(pk__in=[visit.pk, other.pk]).values_list("booked_on", flat=True)
    assert None not in both
    assert len(set(both)) == 1

    hand.from_today()
    hand.click(f".pt[href='/participants/{infused}/']")
    expect(page.locator("#now")).to_be_visible()
    taken["open a participant"] = hand.clicks

    assert complaints == []
    assert max(taken.values()) <= MOST, taken
    assert (
        taken["book the suggested day"]
        == taken["record one as booked"]
        == taken["record all as booked"]
        == taken["book two visits for the same day"]
        == 1
    )


def numbers(page: Page) -> dict[str, list[str]]:
    """Every number of Today that counts rows, wherever it stands: in the top line, a heading or a group."""
    found: dict[str, list[str]] = page.evaluate(
        """() => {
          const found = {};
          for (const one of document.querySelectorAll("[data-of], [data-number]")) {
            if (one.closest("li[hidden]")) continue;
            const name = one.dataset.of || one.dataset.number;
            (found[name] ||= []).push(one.textContent.trim());
          }
          const tallies = {flags: "#to-attention", tally: "#flags-tally", bell: "#bell", near: "#near",
            road_rows: "#road"};
          for (const [name, where] of Object.entries(tallies)) {
            found[name] = [document.querySelector(where).textContent.replace(/\\s+/g, " ").trim()];
          }
          return found;
        }"""
    )
    return found


def test_the_numbers_count_along_with_every_act(
    live_server: LiveServer, page: Page, complaints: list[str], infused: int, today: date
) -> None:
    """After each act and its undoing they are those of the page when it is read again; the focus stays."""
    sweep_windows(now=timezone.now())
    sign_in(page, live_server)
    Visit.objects.exclude(code="d28").filter(target__lt=today).update(performed_on=F("target"))
    visit = Visit.objects.get(code="d28")
    flag = Flag.objects.filter(cleared_at=None, window__isnull=False).order_by("pk").first()
    assert flag
    row, card = f"#v-{visit.pk}", page.locator(f"#attention li:has(.pt[href='/participants/{infused}/'])")

    def counted_again(selector: str) -> dict[str, list[str]]:
        with page.expect_response("**/today/counts/**"):
            page.locator(selector).first.click()
        other = page.context.new_page()
        other.goto(f"{live_server.url}/")
        fresh = numbers(other)
        other.close()
        found = numbers(page)
        assert found["near"] == fresh["near"]
        assert found["road_rows"] == fresh["road_rows"]
        assert {name: set(said) for name, said in found.items() if name in fresh} == {
            name: set(said) for name, said in fresh.items() if name in found
        }
        assert page.evaluate("document.activeElement !== document.body"), "the focus is where it was"
        return found

    page.goto(f"{live_server.url}/")
    page.wait_for_function("window.htmx !== undefined")
    before = numbers(page)
    assert before["book"] == ["1", "1"]
    booked = counted_again(f"{row} button[data-book]")
    assert booked["book"] == ["0", "0"]
    assert counted_again(f"{row} button.undo") == before

    selector = f"#{card.first.get_attribute('id')}"
    asleep = counted_again(f"{selector} form[action$='/snooze/'] button")
    assert asleep["flags"] != before["flags"]
    assert counted_again(f"{selector} button.undo") == before

    Visit.objects.filter(pk=visit.pk).update(booked_on=today - DAY)
    page.goto(f"{live_server.url}/")
    page.wait_for_function("window.htmx !== undefined")
    assert numbers(page)["record"] == ["1", "1"]
    assert counted_again("#as-booked button")["record"] == ["0", "0"]
    assert counted_again(f"{row} button.undo")["record"] == ["1", "1"]

    flags = Flag.objects.filter(pk=flag.pk)
    flags.update(snoozed_until=today + DAY)
    page.goto(f"{live_server.url}/")
    page.wait_for_function("window.htmx !== undefined")
    expect(page.locator(f"#f-{flag.pk}")).to_have_count(0)
    assert "30" not in page.locator("#near").inner_text()
    flags.update(snoozed_until=None)  # as an act raises one
    lodging = Fact(participant_id=infused, kind="lodging", starts_on=today - 40 * DAY, detail={"minutes": 30})
    lodging.save()
    counted_again(f"{row} form[action$='/done/'] button")
    expect(page.locator(f"#f-{flag.pk} form[action$='/snooze/'] button")).to_be_visible()
    counted_again(f"#f-{flag.pk} form[action$='/snooze/'] button")
    expect(page.locator(f"#f-{flag.pk} button.undo")).to_be_focused()
    counted_again(f"{row} button.undo")
    expect(page.locator(f"#f-{flag.pk} button.undo"), "a card that was acted on stays").to_have_count(1)

    assert complaints == []
    page.route("**/today/counts/**", lambda route: route.abort())
    page.locator(f"{row} form[action$='/done/'] button").first.click()
    expect(page.locator(f"{row} button.undo")).to_be_focused()
    assert page.locator(".failed").count() == 0, "it was saved, though nobody could count"


@pytest.mark.parametrize(("size", "light", "language"), [(DESK, "light", "zh-hans"), (PHONE, "dark", "en")])
def test_today_can_be_read_and_used(
    live_server: LiveServer, page: Page, infused: int, size: Any, light: Any, language: str
) -> None:
    page.set_viewport_size(size)
    page.emulate_media(color_scheme=light)
    sign_in(page, live_server, language)
    for address in ("/", f"/participants/{infused}/", "/worklist/"):
        page.goto(f"{live_server.url}{address}")
        assert page.evaluate(BASICS) == [], address
        assert page.evaluate(FAINT) == [], address
        across = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert across <= 0, f"{address} scrolls sideways by {across}"


@pytest.mark.parametrize(("size", "language"), [(DESK, "en"), (PHONE, "zh-hans")])
def test_flags_facts_a_search_and_an_enrolment_take_three_clicks_at_most(
    live_server: LiveServer,
    page: Page,
    complaints: list[str],
    infused: int,
    today: date,
    size: Any,
    language: str,
) -> None:
    page.set_viewport_size(size)
    person = Participant.objects.select_related("site", "trial").get(pk=infused)
    sweep_windows(now=timezone.now())
    flag = Flag.objects.filter(participant=person, cleared_at=None).order_by("pk").first()
    assert flag, "somebody whose stay nobody recorded has a flag"
    sign_in(page, live_server, language)
    hand, taken = Hand(page, f"{live_server.url}/"), {}
    card = f"#attention li:has(.pt[href='/participants/{infused}/'])"

    hand.from_today()
    hand.click(f"{card} form[action$='/snooze/'] button")
    expect(page.locator(f"{card} button.undo").first).to_be_visible()
    taken["snooze a flag"] = hand.clicks
    hand.click(f"{card} button.undo")
    expect(page.locator(f"{card} form[action$='/snooze/']").first).to_be_visible()

    hand.from_today()
    hand.click(f"{card} summary.more")
    hand.type(f"{card} form[action$='/clear/'] input[name=reason]", "settled on the ward")
    hand.click(f"{card} form[action$='/clear/'] button")
    expect(page.locator(f"{card} button.undo").first).to_be_visible()
    taken["clear a flag"] = hand.clicks
    hand.click(f"{card} button.undo")
    expect(page.locator(f"{card} form[action$='/snooze/']").first).to_be_visible()

    hand.from_today()
    hand.click(f"{card} a[href*='/facts/new/']")
    taken["enter the missing fact: the form"] = hand.clicks
    hand.from_today()
    hand.click(f"{card} summary.more")
    hand.click(f"{card} .more-panel a[href*='/facts/day/']")
    taken["several facts of one day: the form"] = hand.clicks

    hand.from_today()
    if size == DESK:
        page.keyboard.press("/")
        page.keyboard.type(person.subject_code)
        page.keyboard.press("Enter")
        hand.clicks += 2
    else:
        hand.click("[data-find-page]")
        hand.type("main input[name=q]", person.subject_code)
        hand.click("main form[role=search] button")
    expect(page.locator("#now").first).to_be_visible()
    taken["find a participant"] = hand.clicks

    hand.from_today()
    hand.click("a[href='/participants/enrol/']")
    hand.type("[name=subject_code]", "S09-001")
    hand.type("[name=no_consent_reason]", "signed on paper, entered tomorrow")
    hand.click("button[name=take]")
    expect(page.locator("#preview")).to_be_visible()
    hand.click("button[value=enrol]")
    expect(page.locator(".heading.person")).to_be_visible()
    taken["enrol somebody"] = hand.clicks

    assert complaints == []
    assert max(taken.values()) <= MOST, taken
