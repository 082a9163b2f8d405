"""Bad input in a browser: a stale form, a lost connection, a double click, on every act of a coordinator.

Ticks, the page of a participant and enrolment stand for the rest in the lane that is run all the time.
"""

from __future__ import annotations

from datetime import date

import pytest
from django.db.models import F
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from participants.domain.anchors import RecordedAnchor
from participants.models import Absence, Anchor, Fact, Participant
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.domain.visits.values import Booking
from schedules.models import Flag, Visit, VisitActivity, VisitPreparation
from schedules.services.enrolment.enrolling import enrol
from schedules.services.today.preparations import prepare_visit
from schedules.services.visits.appointments import book_visit
from schedules.services.windows.evaluation import sweep_windows
from schedules.services.windows.flags import clear_flag, snooze_flag
from tests.browser.test_keys import on_today
from tests.browser.test_pages import DAY, press, sign_in, today
from tests.browser.test_visits import infused
from tests.cast import an_enrolment
from trials.models import AuditEntry, User

__all__ = ["infused", "today"]

LOST = "Not saved: no connection. Nothing was changed; try again."
BETWEEN_CLICKS = 60
"""Milliseconds between the two clicks of a hand."""
SLOW_CLICKS = (150, 250, 350)
"""Milliseconds between clicks when the first has been answered."""


def opened(live_server: LiveServer, page: Page, address: str = "/") -> None:
    """Open a page whose scripts are there."""
    page.goto(f"{live_server.url}{address}")
    page.wait_for_function("document.readyState === 'complete'")


def twice(page: Page, button: Locator, between: int = BETWEEN_CLICKS) -> None:
    """Click twice as a hand does: again while the first is on its way, or when it has been answered."""
    button.scroll_into_view_if_needed()
    box = button.bounding_box()
    assert box, "a button that is shown"
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    for count in (1, 2):
        page.mouse.down(click_count=count)
        page.mouse.up(click_count=count)
        page.wait_for_timeout(between)


class Acts:
    """The acts on record since a moment."""

    def __init__(self) -> None:
        self.last = AuditEntry.objects.order_by("-pk").values_list("pk", flat=True)[0]

    def count(self, model: str) -> int:
        """In how many acts rows of a table were written."""
        entries = AuditEntry.objects.filter(pk__gt=self.last, model=model)
        return len(set(entries.values_list("act", flat=True)))


def test_ticks_bear_bad_input(live_server: LiveServer, page: Page, infused: int, today: date) -> None:
    visit = on_today(live_server, page, today)
    Visit.objects.filter(pk=visit.pk).update(booked_on=today + DAY)
    opened(live_server, page)
    row = page.locator(f"#coming li#v-{visit.pk}")
    doctor, orders = row.locator("input[name=ready-doctor]"), row.locator("input[name=ready-orders]")

    def ticked() -> set[str]:
        return set(VisitPreparation.objects.filter(visit=visit).values_list("kind", flat=True))

    page.route("**/today/visits/**", lambda route: route.abort())
    doctor.click()
    expect(row).to_contain_text(LOST)
    expect(doctor).not_to_be_checked()
    assert ticked() == set()
    page.unroute("**/today/visits/**")

    by = User.objects.create_user("colleague")
    prepare_visit(visit=visit, kind="orders", done=True, by=by, now=timezone.now())
    doctor.click()
    expect(row).to_contain_text("is prepared")
    expect(orders).to_be_checked()
    expect(doctor).to_be_checked()

    opened(live_server, page)
    VisitPreparation.objects.all().delete()
    opened(live_server, page)
    acts = Acts()
    twice(page, doctor)
    expect(row).to_contain_text("Still to do")
    expect(doctor).to_be_checked()
    assert acts.count("schedules.visitpreparation") == 1
    assert ticked() == {"doctor"}

    VisitPreparation.objects.all().delete()
    opened(live_server, page)
    doctor.click()
    orders.click()
    expect(row).to_contain_text("is prepared")
    assert ticked() == {"doctor", "orders"}


@pytest.mark.long
def test_flags_bear_bad_input(live_server: LiveServer, page: Page, infused: int, today: date) -> None:
    sweep_windows(now=timezone.now())
    by = User.objects.create_user("colleague")
    on_today(live_server, page, today)
    card = page.locator(f"#attention li:has(.pt[href='/participants/{infused}/'])").first
    number = (card.get_attribute("id") or "").removeprefix("f-")
    flag = Flag.objects.get(pk=int(number))
    card = page.locator(f"#f-{flag.pk}")
    snooze = card.locator("form[action$='/snooze/'] button")
    clear, reason = card.locator("form[action$='/clear/'] button"), card.locator("[name=reason]")

    def again() -> None:
        Flag.objects.filter(pk=flag.pk).update(
            snoozed_until=None, cleared_at=None, cleared_by=None, cleared_reason=""
        )
        opened(live_server, page)

    def write(words: str) -> None:
        card.locator("summary.more").click()
        reason.fill(words)

    page.route("**/today/flags/**", lambda route: route.abort())
    snooze.click()
    expect(card).to_contain_text(LOST)
    write("settled on the ward")
    clear.click()
    expect(card).to_contain_text(LOST)
    expect(reason).to_have_value("settled on the ward")
    flag.refresh_from_db()
    assert (flag.snoozed_until, flag.cleared_at) == (None, None)
    page.unroute("**/today/flags/**")

    snooze_flag(flag=flag, until=today + 3 * DAY, by=by, now=timezone.now())
    clear.click()
    expect(card).to_contain_text("Not saved:")
    expect(card).to_contain_text("snoozed it until")
    expect(reason).to_have_value("settled on the ward")
    expect(reason).to_be_visible()
    clear.click()  # what became of it has been seen
    expect(card.locator("button.undo")).to_be_visible()
    page.route("**/today/flags/**", lambda route: route.abort())
    card.locator("button.undo").click()
    expect(card).to_contain_text(LOST)
    flag.refresh_from_db()
    assert flag.cleared_reason == "settled on the ward"
    page.unroute("**/today/flags/**")
    acts = Acts()
    twice(page, card.locator("button.undo"))
    expect(snooze).to_be_visible()
    expect(card).not_to_contain_text("Not saved")
    assert acts.count("schedules.flag") == 1

    for slow in SLOW_CLICKS:  # the second meets the row that came back, whose link stands where undo stood
        again()
        snooze.click()
        expect(card.locator("button.undo")).to_be_visible()
        twice(page, card.locator("button.undo"), between=slow)
        expect(snooze).to_be_visible()
        assert page.url == f"{live_server.url}/"

    again()
    clear_flag(flag=flag, by=by, reason="dose on record", now=timezone.now())
    write("settled on the ward")
    clear.click()
    expect(card).to_contain_text("Not saved: colleague cleared it at")
    expect(card).to_contain_text("dose on record")
    flag.refresh_from_db()
    assert flag.cleared_reason == "dose on record"

    for act in (snooze, clear):
        again()
        if act is clear:
            write("settled on the ward")
        acts = Acts()
        twice(page, act)
        expect(card.locator("button.undo")).to_be_visible()
        expect(card).not_to_contain_text("Not saved")
        assert acts.count("schedules.flag") == 1


@pytest.mark.long
def test_all_as_booked_and_its_undo_bear_bad_input(
    live_server: LiveServer, page: Page, infused: int, today: date
) -> None:
    visit = on_today(live_server, page, today)
    button, row = page.locator("#as-booked button"), page.locator(f"#v-{visit.pk}")

    def booked() -> None:
        Visit.objects.filter(pk=visit.pk).update(booked_on=today - DAY, booked_place="")
        opened(live_server, page)

    booked()
    page.route("**/today/record/", lambda route: route.abort())
    button.click()
    expect(page.locator("#as-booked")).to_contain_text(LOST)
    expect(page.locator("#said")).to_contain_text("no connection")
    expect(row.locator("input[name=visit]")).to_be_checked()
    expect(button).to_be_enabled()
    page.unroute("**/today/record/")

    Visit.objects.filter(pk=visit.pk).update(booked_place="Ward 7", version=F("version") + 1)
    button.click()
    expect(row).to_contain_text("Not saved: somebody else was quicker.")
    expect(row).to_contain_text("Ward 7")
    visit.refresh_from_db()
    assert visit.performed_on is None

    booked()
    acts = Acts()
    twice(page, button)
    expect(row.locator("button.undo")).to_be_visible()
    assert acts.count("schedules.visit") == 1
    expect(button, "nothing is left to be recorded").to_be_hidden()

    undo = row.locator("button.undo")
    page.route("**/today/visits/**", lambda route: route.abort())
    undo.click()
    expect(row).to_contain_text(LOST)
    page.unroute("**/today/visits/**")
    Visit.objects.filter(pk=visit.pk).update(booked_place="Ward 9", version=F("version") + 1)
    undo.click()
    expect(row).to_contain_text("Ward 9")
    visit.refresh_from_db()
    assert visit.performed_on == today - DAY

    VisitActivity.objects.filter(visit=visit).delete()
    Visit.objects.filter(pk=visit.pk).update(performed_on=None, version=F("version") + 1)
    booked()
    button.click()
    expect(undo).to_be_visible()
    acts = Acts()
    twice(page, undo)
    expect(row).to_contain_text("undone")
    visit.refresh_from_db()
    assert visit.performed_on is None
    assert acts.count("schedules.visit") == 1


@pytest.mark.long
def test_what_was_chosen_and_typed_stays_in_a_row_that_was_overtaken(
    live_server: LiveServer, page: Page, infused: int, today: date
) -> None:
    visit = on_today(live_server, page, today)
    row = page.locator(f"#v-{visit.pk}")
    other = row.locator(".strip label.in:not(.off):has(input:not(:checked)) input").first
    day = other.get_attribute("value")
    row.locator(".strip label.in:not(.off):has(input:not(:checked))").first.click()
    Visit.objects.filter(pk=visit.pk).update(booked_place="Ward 7", version=F("version") + 1)
    row.locator("button[data-book]").click()
    expect(row).to_contain_text("Ward 7")
    expect(row.locator(".strip input:checked")).to_have_value(day or "")
    row.locator("summary.more").click()
    row.locator("[name=reason]").fill("did not come")
    Visit.objects.filter(pk=visit.pk).update(booked_place="Ward 8", version=F("version") + 1)
    row.locator("form[action$='/missed/'] button").click()
    expect(row).to_contain_text("Ward 8")
    expect(row.locator("form[action$='/missed/'] [name=reason]")).to_have_value("did not come")
    expect(row.locator("form[action$='/missed/'] [name=reason]")).to_be_visible()


def lost(page: Page, button: Locator) -> None:
    """Press a button while there is no connection: the page stays and says so."""
    page.route("**/*", lambda route: route.abort())
    button.click()
    expect(page.locator(".unsent")).to_have_text(LOST)
    expect(page.locator(".unsent")).to_be_in_viewport()
    page.unroute("**/*")


def test_acts_on_the_page_of_a_participant_bear_bad_input(
    live_server: LiveServer, page: Page, infused: int, today: date
) -> None:
    visit = on_today(live_server, page, today)
    person, button = f"/participants/{infused}/", page.locator("main form.record button.primary")

    opened(live_server, page, person)
    step = page.locator("#now form button")
    lost(page, step)
    Visit.objects.filter(pk=visit.pk).update(booked_place="Ward 7", version=F("version") + 1)
    step.click()
    expect(page.locator("main .notes")).to_contain_text("Ward 7")
    visit.refresh_from_db()
    assert visit.booked_on is None
    acts = Acts()
    twice(page, step)
    expect(page.locator(".just-done button.undo")).to_be_visible()
    assert acts.count("schedules.visit") == 1

    opened(live_server, page, f"{person}unscheduled/")
    page.locator("[name=on]").fill(today.isoformat())
    page.locator("[name=reason]").fill("fever")
    lost(page, button)
    expect(page.locator("[name=reason]")).to_have_value("fever")
    twice(page, button)
    expect(page.locator("main .notes")).to_contain_text("is added")
    assert Visit.objects.filter(code__startswith="unscheduled").count() == 1

    opened(live_server, page, f"{person}facts/new/night-away/")
    page.locator("[name=day]").fill((today - DAY).isoformat())
    lost(page, button)
    expect(page.locator("[name=day]")).to_have_value((today - DAY).isoformat())
    twice(page, button)
    expect(page.locator("main .notes")).to_contain_text("Recorded: ")
    assert Fact.objects.filter(kind="night-away").count() == 1

    opened(live_server, page, f"{person}absences/")
    for name in ("first", "last"):
        page.locator(f"[name={name}]").fill((today + 3 * DAY).isoformat())
    press(page, "main form.record button.primary")
    commit = page.locator("main form.record button[value=commit]")
    lost(page, commit)
    expect(page.locator("[name=last]")).to_have_value((today + 3 * DAY).isoformat())
    twice(page, commit)
    expect(page.locator("main .notes")).to_be_visible()
    assert Absence.objects.count() == 1


@pytest.mark.long
def test_a_connection_lost_while_a_form_is_on_its_way_keeps_what_was_typed(
    live_server: LiveServer, page: Page, infused: int, today: date
) -> None:
    """The browser says so on a page of its own, whose reload sends again what was typed."""
    sign_in(page, live_server)
    opened(live_server, page, f"/participants/{infused}/unscheduled/")
    page.locator("[name=on]").fill(today.isoformat())
    page.locator("[name=reason]").fill("fever")
    page.route("**/unscheduled/", lambda route: route.abort())
    with page.expect_event("requestfailed"):
        page.locator("main form.record button.primary").click()
    page.wait_for_function("location.protocol === 'chrome-error:'")
    page.unroute("**/unscheduled/")
    assert not Visit.objects.filter(code__startswith="unscheduled").exists()
    page.reload()
    expect(page.locator("main .notes")).to_contain_text("is added")
    assert Visit.objects.filter(code__startswith="unscheduled").count() == 1


@pytest.mark.long
def test_moving_day_zero_bears_bad_input(
    live_server: LiveServer, page: Page, infused: int, today: date
) -> None:
    sign_in(page, live_server)
    planned: dict[str, RecordedAnchor | AnchorDay] = {
        "consent": AnchorDay(today - 10 * DAY, AnchorKind.ACTUAL),
        "infusion": AnchorDay(today + 40 * DAY),
    }
    first = Participant.objects.get(pk=infused)
    asked = an_enrolment(first.protocol_version, site=first.site, subject_code="S01-002", anchors=planned)
    person = enrol(enrolment=asked, by=None)
    day = page.locator("[name=anchor-infusion-planned-on]")
    show, commit = page.locator("button.primary[value=preview]"), page.locator("button[value=commit]")

    def on_record() -> date | None:
        return Anchor.objects.get(participant=person, code="infusion").planned_on

    opened(live_server, page, f"/participants/{person.pk}/replan/anchors/")
    day.fill((today + 47 * DAY).isoformat())
    lost(page, show)
    expect(day).to_have_value((today + 47 * DAY).isoformat())
    press(page, "button.primary[value=preview]")
    page.locator("[name=reason]").last.fill("asked for another week")
    lost(page, commit)
    expect(page.locator("[name=reason]").last).to_have_value("asked for another week")
    assert on_record() == today + 40 * DAY

    visit = Visit.objects.filter(participant=person, place="clinic", timing="offset").latest("target")
    book_visit(
        visit=visit,
        version=visit.version,
        booking=Booking(visit.target, sure=True, anyway=True),
        by=None,
        now=timezone.now(),
        reason="by telephone",
    )
    press(page, "button[value=commit]")
    expect(page.get_by_role("heading", name="The calendar changed since it was shown")).to_be_visible()
    expect(page.locator("#overtaken").locator("..")).to_contain_text("by telephone")
    expect(day).to_have_value((today + 47 * DAY).isoformat())
    expect(page.locator("[name=reason]").last).to_have_value("asked for another week")
    assert on_record() == today + 40 * DAY
    for box in page.locator("main [name=accept]").all():
        box.check()
    acts = Acts()
    twice(page, commit)
    expect(page.locator("main .notes").first).to_be_visible()
    assert on_record() == today + 47 * DAY
    assert acts.count("participants.anchor") == 1


def test_enrolling_bears_bad_input(live_server: LiveServer, page: Page, infused: int, today: date) -> None:
    sign_in(page, live_server)
    save, people = page.locator("button[value=enrol]"), Participant.objects.filter(subject_code="S09-001")
    opened(live_server, page, "/participants/enrol/")
    page.locator("[name=subject_code]").fill("S09-001")
    page.locator("[name=no_consent_reason]").fill("entered tomorrow")
    press(page, "button[name=take]")
    lost(page, save)
    expect(page.locator("[name=subject_code]")).to_have_value("S09-001")
    assert not people.exists()

    first = Participant.objects.get(pk=infused)
    version = first.protocol_version
    enrol(enrolment=an_enrolment(version, site=first.site, subject_code="S09-001"), by=None)
    press(page, "button[value=enrol]")
    expect(page.locator("main")).to_contain_text("nothing you typed is lost")
    expect(page.locator("[name=no_consent_reason]")).to_have_value("entered tomorrow")
    assert people.count() == 1
    page.locator("[name=subject_code]").fill("S09-002")
    press(page, ".acts button[value=preview]")
    twice(page, save)
    expect(page.locator(".heading.person")).to_contain_text("S09-002")
    expect(page.locator("main .notes")).to_contain_text("is enrolled")
    assert Participant.objects.filter(subject_code="S09-002").count() == 1


NO_DAY = "What you pasted is no day. Write it as 2026-12-07 or 2026年12月7日."
NO_HOUR = "What you pasted is no hour. Write it as 09:30."
PASTED = (
    ("on", "2026年12月7日", "2026-12-07"),
    ("on", "２０２６年１２月７日（周一）", "2026-12-07"),
    ("on", "2026/12/7 Mon", "2026-12-07"),
    ("on", "2026-12-07", "2026-12-07"),
    ("on", "20261207", "2026-12-07"),
    ("on", "2026年2月30日", ""),
    ("on", "next week", ""),
    ("start", "９：３０", "09:30"),
    ("start", "下午2点半", "14:30"),
    ("start", "9点", "09:00"),
    ("start", "2:15 pm", "14:15"),
    ("start", "2026.12.07 14:30", "14:30"),
    ("start", "14.12.2026 9点5分", "09:05"),
    ("start", "14.30", "14:30"),
    ("start", "中午1点", "13:00"),
    ("start", "9点一刻", ""),
    ("start", "12:00 am", ""),
    ("start", "晚上12点", ""),
    ("start", "14.12.2026", ""),
    ("start", "noon", ""),
    ("start", "25:00", ""),
)


def test_days_and_hours_are_pasted_as_people_write_them(
    live_server: LiveServer, page: Page, infused: int
) -> None:
    """The browser's own fields drop what they cannot read without a word."""
    sign_in(page, live_server)
    visit = Visit.objects.get(code="d28")
    opened(live_server, page, f"/visits/{visit.pk}/book/")
    for name, text, read in PASTED:
        field = page.locator(f"main input[name={name}]")
        field.fill("")
        field.evaluate(
            """(field, text) => {
                const data = new DataTransfer();
                data.setData("text", text);
                field.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true}));
            }""",
            text,
        )
        expect(field, text).to_have_value(read)
        said = page.locator(".no-moment")
        if read:
            expect(said, text).to_have_count(0)
        else:
            expect(said, text).to_have_text(NO_DAY if name == "on" else NO_HOUR)
    page.locator("main input[name=on]").fill("2026-12-07")
    expect(page.locator("main input[name=on] + .weekday")).to_have_text("Monday")
