"""What is done on the page of today without leaving it: booked, recorded, missed, snoozed, and undone."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from participants.domain.fact_kinds import Confirmation
from schedules.models import Flag, LastLook, SavedView, Severity, Visit, VisitActivity, VisitPreparation
from schedules.services.windows.evaluation import sweep_windows
from schedules.services.windows.facts import record_fact
from tests.integration.web.conftest import TODAY, Enrol, with_role
from trials import request_clock
from trials.domain.audit.own_reasons import UNDONE
from trials.models import AuditEntry, Role, Site

DAY = timedelta(days=1)
IN_PLACE = {"HX-Request": "true"}


def act(page: Client, visit: Visit, act_name: str, /, *, script: bool = True, **said: Any) -> Any:
    """Do something with a visit as its row does."""
    sent = {"version": visit.version, "section": "book", "back": "/?trial=1", **said}
    headers = IN_PLACE if script else {}
    return page.post(f"/today/visits/{visit.pk}/{act_name}/", sent, headers=headers)


@pytest.fixture
def visit(enrolled: Enrol) -> Visit:
    """Day 28 of somebody who was infused 28 days ago: today, three days to either side."""
    enrolled(infusion=TODAY - 28 * DAY, given=True)
    return Visit.objects.get(code="d28")


def test_the_suggested_day_is_booked_in_place_and_undone(page: Client, visit: Visit) -> None:
    text = page.get("/").content.decode()
    assert f'id="v-{visit.pk}"' in text
    assert "Book Mon 23 Nov" in text
    answer = act(page, visit, "book", on=TODAY.isoformat())
    shown = answer.content.decode()
    assert answer.status_code == 200
    assert "D28 of S01-001 WH is booked for Mon 23 Nov, inside the window." in shown
    assert "autofocus" in shown, "the focus is on Undo"
    assert 'role="status"' in shown
    visit.refresh_from_db()
    assert visit.booked_on == TODAY
    undone = act(page, visit, "undo", what="book")
    visit.refresh_from_db()
    assert (visit.booked_on, undone.status_code) == (None, 200)
    assert AuditEntry.objects.filter(reason="Undone right after it was entered.").exists()


def test_what_a_move_took_the_booking_of_is_booked_again_by_one_click(page: Client, enrolled: Enrol) -> None:
    """The move said why; a booking that stands is not changed without a reason."""
    visit = Visit.objects.get(participant=enrolled(infusion=TODAY + 10 * DAY), code="d28")
    Visit.objects.filter(pk=visit.pk).update(booked_on=TODAY + DAY)
    again = act(page, visit, "book", on=visit.target.isoformat())
    assert again.status_code == 200
    visit.refresh_from_db()
    assert visit.booked_on == visit.target
    assert act(page, visit, "book", on=visit.opens.isoformat()).status_code == 422


def test_an_undo_in_chinese_is_kept_in_english_and_told_to_each_in_their_language(
    page: Client, visit: Visit
) -> None:
    """The trail held 登记后随即撤销。 for readers of English, where a Chinese coordinator had undone it."""
    act(page, visit, "book", on=TODAY.isoformat())
    visit.refresh_from_db()
    page.defaults["HTTP_ACCEPT_LANGUAGE"] = "zh-hans"
    act(page, visit, "undo", what="book")
    assert AuditEntry.objects.filter(reason=UNDONE).exists()
    address = f"/trail/schedules.visit/{visit.pk}/"
    shown = page.get(address).content.decode()
    assert "登记后随即撤销" in shown
    assert UNDONE not in shown
    page.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    assert UNDONE in page.get(address).content.decode()


def test_without_a_script_the_whole_form_begins_with_what_was_typed_and_chosen(
    page: Client, enrolled: Enrol
) -> None:
    """The form that asks for more was empty, and so was the row of a visit that somebody else had changed."""
    visit = Visit.objects.get(participant=enrolled(infusion=TODAY - 26 * DAY, given=True), code="d28")
    day = (visit.target + DAY).isoformat()
    Visit.objects.filter(pk=visit.pk).update(booked_on=visit.target)
    missed = act(page, visit, "missed", script=False, reason="did not come")
    assert missed.url.startswith(f"/visits/{visit.pk}/miss/")
    assert page.get(missed.url).context["form"]["reason"].value() == "did not come"
    assert page.get(missed.url).context["form"]["reason"].value() == "", "once"
    booked = act(page, visit, "book", script=False, on=day)
    assert booked.url.startswith(f"/visits/{visit.pk}/book/")
    assert str(page.get(booked.url).context["form"]["on"].value()) == day


def test_a_double_click_books_once(page: Client, visit: Visit) -> None:
    first, again = (act(page, visit, "book", on=TODAY.isoformat()) for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200)
    assert "Done already" in again.content.decode()
    assert Visit.objects.get(pk=visit.pk).version == visit.version + 1


def test_somebody_elses_booking_is_named_and_stays(page: Client, visit: Visit) -> None:
    act(page, visit, "book", on=TODAY.isoformat())
    answer = act(page, visit, "book", on=(TODAY + DAY).isoformat())
    assert answer.status_code == 409
    said = answer.content.decode()
    assert "somebody else was quicker" in said
    assert re.search(rf"coordinator, (\w+ \d+ \w+ (\d{{4}} )?)?\d\d:\d\d: booked on {TODAY}\.", said)
    assert Visit.objects.get(pk=visit.pk).booked_on == TODAY


@pytest.mark.parametrize(
    ("day", "asks", "more"),
    [
        (TODAY + 8 * DAY, "Enter a reason", {"reason": "on holiday"}),
        (TODAY - 2 * DAY, "Sat 21 Nov is over", {}),
        (TODAY - DAY, "Sun 22 Nov is over", {}),
    ],
)
def test_a_day_that_is_not_plain_is_asked_about_before_it_is_saved(
    page: Client, visit: Visit, day: Any, asks: str, more: dict[str, str]
) -> None:
    answer = act(page, visit, "book", on=day.isoformat())
    assert answer.status_code == 422
    assert asks in answer.content.decode()
    assert Visit.objects.get(pk=visit.pk).booked_on is None
    if more:
        assert act(page, visit, "book", on=day.isoformat(), **more).status_code == 200


def test_a_closed_day_warns_first(page: Client, enrolled: Enrol) -> None:
    enrolled(infusion=TODAY - 27 * DAY, given=True)
    visit = Visit.objects.get(code="d28")
    saturday = visit.target + (5 - visit.target.weekday()) * DAY
    visit.closes = saturday
    Visit.objects.filter(pk=visit.pk).update(closes=saturday)
    answer = act(page, visit, "book", on=saturday.isoformat())
    assert answer.status_code == 422
    assert "is no clinic day" in answer.content.decode()
    assert act(page, visit, "book", on=saturday.isoformat(), anyway="on").status_code == 422, "no reason"
    why = {"anyway": "on", "reason": "the doctor comes in"}
    assert act(page, visit, "book", on=saturday.isoformat(), **why).status_code == 200


@pytest.mark.parametrize("given", ["", "31 Nov", "2026-13-01"])
def test_nonsense_for_a_day_is_said_in_words(page: Client, visit: Visit, given: str) -> None:
    answer = act(page, visit, "book", on=given)
    assert answer.status_code == 422
    words = "is no day" if given else "Choose a day"
    assert words in answer.content.decode()


def test_done_as_booked_records_every_activity_and_says_what_it_changed(page: Client, visit: Visit) -> None:
    act(page, visit, "book", on=TODAY.isoformat())
    visit.refresh_from_db()
    asked = act(page, visit, "done", section="coming", on=TODAY.isoformat())
    assert asked["HX-Redirect"].startswith(f"/visits/{visit.pk}/complete/"), "its windows need an answer"
    said = Confirmation("contraception", TODAY)
    record_fact(participant=visit.participant, fact=said, by=None, now=request_clock.now())
    answer = act(page, visit, "done", section="coming", on=TODAY.isoformat())
    done = VisitActivity.objects.filter(visit=visit)
    assert done.count() > 1
    said = f"is recorded as done on Mon 23 Nov, with its {done.count()} activities."
    assert said in answer.content.decode()
    assert all(one.done for one in done)
    visit.refresh_from_db()
    act(page, visit, "undo", what="done", section="coming")
    visit.refresh_from_db()
    assert (visit.performed_on, visit.booked_on) == (None, TODAY)


def test_all_that_was_booked_is_recorded_at_once_and_one_refusal_stops_no_other(
    page: Client, enrolled: Enrol
) -> None:
    for number in (1, 2, 3):
        enrolled(f"S01-00{number}", TODAY - 28 * DAY, given=True)
    visits = list(Visit.objects.filter(code="d28").order_by("pk"))
    Visit.objects.filter(code="d28").update(booked_on=TODAY - DAY)
    sent = [f"{one.pk}:{one.version}" for one in visits[:2]] + [f"{visits[2].pk}:{visits[2].version + 5}"]
    answer = page.post("/today/record/", {"visit": sent}, headers=IN_PLACE)
    shown = answer.content.decode()
    assert shown.count("is recorded as done on Sun 22 Nov") >= 2
    assert "somebody else was quicker" in shown
    assert Visit.objects.filter(performed_on=TODAY - DAY).count() == 2
    again = page.post("/today/record/", {"visit": sent[:2]}, headers=IN_PLACE)
    assert again.content.decode().count("Done already") >= 2, "twice does it once"


def test_a_miss_needs_its_reason(page: Client, visit: Visit) -> None:
    assert act(page, visit, "missed", reason="").status_code == 422
    assert act(page, visit, "missed", reason="did not come").status_code == 200
    assert Visit.objects.get(pk=visit.pk).missed_reason == "did not come"


def test_a_miss_of_a_visit_that_is_booked_for_today_is_asked_about_first(page: Client, visit: Visit) -> None:
    act(page, visit, "book", on=TODAY.isoformat())
    visit.refresh_from_db()
    said = {"reason": "travels", "section": "coming"}
    asked = act(page, visit, "missed", **said).content.decode()
    assert "which is not over. Was it missed all the same?" in asked
    assert "Yes, it was missed" in asked
    assert f"/today/visits/{visit.pk}/missed/" in asked, "what is asked is the act that was refused"
    assert f'hx-post="/today/visits/{visit.pk}/done/"' not in asked
    form = page.post(f"/visits/{visit.pk}/miss/", {"version": visit.version, "reason": "travels"})
    assert form.status_code == 422
    assert "Yes, it was missed" in form.content.decode()
    visit.refresh_from_db()
    assert visit.missed_on is None
    act(page, visit, "missed", sure="on", **said)
    visit.refresh_from_db()
    assert visit.missed_on == TODAY


def test_without_a_script_one_lands_where_one_was_and_can_undo(page: Client, visit: Visit) -> None:
    answer = act(page, visit, "book", script=False, on=TODAY.isoformat())
    assert answer["Location"] == f"/?trial=1#v-{visit.pk}"
    shown = page.get("/").content.decode()
    assert "is booked for Mon 23 Nov" in shown
    assert f"/today/visits/{visit.pk}/undo/" in shown
    assert "is booked for Mon 23 Nov" not in page.get("/").content.decode(), "said once"
    asked = act(page, Visit.objects.get(pk=visit.pk), "missed", script=False, reason="")
    assert asked["Location"].startswith(f"/visits/{visit.pk}/miss/?back=")


def test_back_leads_to_our_own_pages_alone(page: Client, visit: Visit) -> None:
    answer = act(page, visit, "book", script=False, on=TODAY.isoformat(), back="https://elsewhere.example/")
    assert answer["Location"].startswith("/#")


def test_who_may_only_look_does_nothing(visit: Visit, site: Site) -> None:
    client = Client()
    client.force_login(with_role("monitor", Role.MONITOR, site))
    assert act(client, visit, "book", on=TODAY.isoformat()).status_code == 403
    assert "Book Mon 23 Nov" not in client.get("/").content.decode()


def test_a_visit_out_of_sight_is_none(page: Client, enrolled: Enrol, other_site: Site) -> None:
    enrolled("THERE-1", TODAY - 28 * DAY, site=other_site)
    visit = Visit.objects.get(code="d28")
    assert act(page, visit, "book", on=TODAY.isoformat()).status_code == 404


def test_preparations_of_tomorrow_are_shown_until_they_are_ticked(page: Client, visit: Visit) -> None:
    Visit.objects.filter(pk=visit.pk).update(booked_on=TODAY + DAY)
    text = page.get("/").content.decode()
    assert "Next clinic day, not prepared yet" in text
    ticked = {"ready-doctor": "on", "ready-orders": "on", "section": "prepare"}
    assert "is prepared" in act(page, visit, "prepare", **ticked).content.decode()
    assert act(page, visit, "prepare", **ticked).status_code == 200
    assert VisitPreparation.objects.count() == 2
    assert AuditEntry.objects.filter(model="schedules.visitpreparation").count() == 2
    assert "Next clinic day, not prepared yet" not in page.get("/").content.decode()
    opened = act(page, visit, "prepare", section="prepare", shown="doctor orders")
    assert "Still to do" in opened.content.decode()


def test_a_flag_is_snoozed_cleared_and_each_undone(page: Client, visit: Visit) -> None:
    flag = Flag.objects.create(
        participant=visit.participant,
        key="k",
        kind="hold",
        severity=Severity.WARNING,
        message="x",
        raised_at=visit.changed_at,
    )
    address = f"/today/flags/{flag.pk}"
    assert "Snooze a week" in page.get("/").content.decode()
    answer = page.post(f"{address}/snooze/", headers=IN_PLACE)
    assert "snoozed until Mon 30 Nov" in answer.content.decode()
    page.post(f"{address}/undo/", {"what": "snooze"}, headers=IN_PLACE)
    flag.refresh_from_db()
    assert flag.snoozed_until is None
    assert page.post(f"{address}/clear/", {"reason": " "}, headers=IN_PLACE).status_code == 422
    page.post(f"{address}/clear/", {"reason": "seen"}, headers=IN_PLACE)
    flag.refresh_from_db()
    assert flag.cleared_reason == "seen"
    page.post(f"{address}/undo/", headers=IN_PLACE)
    flag.refresh_from_db()
    assert flag.cleared_at is None


def test_a_view_is_saved_shown_and_deleted(page: Client, site: Site) -> None:
    page.post("/today/views/", {"name": "Here", "query": f"site={site.pk}&nonsense=1"})
    view = SavedView.objects.get()
    assert view.query == f"site={site.pk}"
    assert f'href="?site={site.pk}"' in page.get("/").content.decode()
    assert "Give the view a name" in page.post("/today/views/", {"name": ""}, follow=True).content.decode()
    page.post(f"/today/views/{view.pk}/delete/")
    assert not SavedView.objects.exists()


def test_what_others_changed_is_shown_until_it_is_read(page: Client, visit: Visit) -> None:
    other = with_role("other", Role.COORDINATOR, visit.participant.site)
    theirs = Client()
    theirs.force_login(other)
    act(theirs, visit, "book", on=TODAY.isoformat())
    found = page.get("/").context["changed"]
    assert [row.participant.subject_code for row in found.rows][:1] == ["S01-001"]
    page.post("/today/read/", {"entry": found.entry})
    assert page.get("/").context["changed"].count == 0
    page.post("/today/read/", {"entry": "3"})
    assert LastLook.objects.get().entry == found.entry, "never back"


def test_a_part_that_fails_does_not_take_the_page_with_it(
    page: Client, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_given: Any, **_more: Any) -> Any:
        raise RuntimeError("broken")

    parts = ("road_to_infusion", "attention", "stays", "changed_since")
    for part in parts:
        monkeypatch.setattr(f"schedules.web.today.views.{part}", broken)
    text = page.get("/").content.decode()
    assert text.count("This part could not be loaded.") == len(parts)
    assert f'id="v-{visit.pk}"' in text
    assert len(re.findall(r'<span class="n"[^>]*>\?\s*</span>', text)) == len(parts), (
        "no number is made up for a part"
    )
    assert not re.search("none in 14 days|not looked at yet|0 critical|No open flags", text)


def test_the_counters_are_asked_for_again_after_an_act_and_are_those_of_the_page(
    page: Client, visit: Visit, enrolled: Enrol
) -> None:
    """The answer to each act says that something was done; what comes then is what the page itself says."""
    enrolled("S01-002", TODAY - 28 * DAY, given=True)

    def numbers(address: str) -> dict[str, str]:
        text = page.get(address).content.decode()
        found = re.findall(r'data-of="([\w-]+)">([^<]*)<', text)
        return {name: number.strip() for name, number in found}

    assert page.get("/").content.decode().count('data-again="/today/counts/"') == 1
    before = numbers("/today/counts/")
    assert before == numbers("/")
    answer = act(page, visit, "book", on=(TODAY + DAY).isoformat())
    assert json.loads(answer.headers["HX-Trigger-After-Settle"]) == {"acted": {}}
    after = numbers("/today/counts/")
    assert int(after["book"]) == int(before["book"]) - 1
    assert int(after["prepare"]) == int(before["prepare"]) + 1
    assert after == numbers("/")
    other = numbers("/today/counts/?site=99999")
    assert {other[name] for name in ("coming", "book", "record")} == {"0"}


def test_what_leads_to_all_rows_says_how_many_there_are_after_an_act(
    page: Client, visit: Visit, enrolled: Enrol
) -> None:
    for number in range(2, 9):
        enrolled(f"S01-{number:03}", TODAY - 28 * DAY, given=True)
    text = page.get("/").content.decode()
    assert text.count('data-number="all-book">Show all 8') == 1
    act(page, visit, "book", on=(TODAY + DAY).isoformat())
    assert 'data-of="all-book">Show all 7' in page.get("/today/counts/").content.decode()


def test_what_comes_after_an_act_leads_back_to_the_page_as_it_was_shown(page: Client, visit: Visit) -> None:
    """The flags and who stays near the site come again: their forms and links name the page, not the part."""

    def part(name: str, text: str) -> str:
        (found,) = re.findall(rf'<section[^>]* id="{name}".*?</section>', text, re.DOTALL)
        return re.sub(r'name="csrfmiddlewaretoken" value="\w+"|\s+', " ", found)

    sweep_windows(now=timezone.now())
    shown = page.get(f"/?site={visit.participant.site_id}&all=attention").content.decode()
    (again,) = re.findall(r'data-again="([^"]*)"', shown)
    text = page.get(again.replace("&amp;", "&")).content.decode()
    assert f'data-again="{again}"' in text
    assert "Snooze a week" in part("attention", text)
    assert "lodging/?back=/%3Fsite%3D" in part("near", text)
    for name in ("attention", "near"):
        assert part(name, text) == part(name, shown)


def test_after_an_act_the_road_comes_along_as_the_page_shows_it(page: Client, enrolled: Enrol) -> None:
    enrolled(infusion=TODAY + 12 * DAY)

    def road(address: str) -> str:
        found = re.search(
            r'<section class="sheet" id="road".*?</section>', page.get(address).content.decode(), re.DOTALL
        )
        return " ".join(found[0].split()) if found else ""

    before = road("/")
    assert "S01-001" in before
    assert road("/today/counts/") == before
    screening = Visit.objects.get(rule_code="screening")
    Visit.objects.filter(pk=screening.pk).update(performed_on=TODAY)
    assert road("/today/counts/") == road("/") != before
