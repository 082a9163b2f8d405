"""The pages on which people set up calendars: made once, seen, changed, paused, replaced, ended."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from participants.models import Participant
from schedules.models import CalendarFeed, Visit
from schedules.services.feeds.subscriptions import change_content, open_feed, revoke_feed
from tests.integration.web.conftest import MORNING, TODAY, Enrol, count_queries, with_role
from tests.phones import events, filled_in, titles
from trials.models import Cohort, Role, Site, User

pytestmark = pytest.mark.django_db
NEW = "/calendars/new/"
ADDRESS = re.compile(r"http://testserver(/calendar/([A-Za-z0-9_-]{43})\.ics)")


def made(page: Client, address: str = NEW, **changes: Any) -> Any:
    return page.post(address, filled_in(page.get(address), **changes))


def secret_in(answer: Any) -> tuple[str, str]:
    """The path and the token that an answer shows; it shows one alone."""
    found = set(ADDRESS.findall(answer.content.decode()))
    assert len(found) == 1
    return found.pop()


@pytest.fixture
def participant(enrolled: Enrol) -> Participant:
    return enrolled()


@pytest.mark.parametrize("what", ["mine", "site", "trial", "cohort", "participant"])
def test_a_calendar_is_made_of_anything_that_one_may_follow(
    page: Client, participant: Participant, coordinator: User, what: str
) -> None:
    cohort = Cohort.objects.create(trial=participant.trial, code="dl1", label="Dose level 1", position=9)
    Participant.objects.filter(pk=participant.pk).update(cohort=cohort)
    of = {
        "mine": ("mine", None),
        "site": (f"site-{participant.site_id}", participant.site),
        "trial": (f"trial-{participant.trial_id}", participant.trial),
        "cohort": (f"cohort-{cohort.pk}", cohort),
        "participant": (f"participant-{participant.pk}", participant),
    }[what]
    address = f"{NEW}?participant={participant.pk}" if what == "participant" else NEW
    answer = made(page, address, of=of[0])
    assert answer.status_code == 200
    path, _token = secret_in(answer)
    feed = CalendarFeed.objects.get()
    assert feed.owner == coordinator
    assert {name: getattr(feed, name) for name in ("participant", "site", "trial", "cohort")} == {
        "participant": None, "site": None, "trial": None, "cohort": None,
        **({} if what == "mine" else {what: of[1]}),
    }  # fmt: skip
    fetched = Client().get(path)
    assert len(titles(fetched)) == Visit.objects.filter(participant=participant).count()


def test_the_address_is_shown_once_with_a_picture_and_is_kept_nowhere(
    page: Client, participant: Participant, caplog: pytest.LogCaptureFixture
) -> None:
    cache.clear()
    with caplog.at_level(logging.DEBUG):
        answer = made(page, of="mine")
        _path, token = secret_in(answer)
        text = answer.content.decode()
        assert "no-store" in answer["Cache-Control"]
        assert 'class="qr"' in text
        assert text.count("webcal://testserver/calendar/") == 2, "to open, and to copy"
        assert text.count('value="http://testserver/calendar/') == 1, "for the others"
        assert all(f"<dt>{one}" in text for one in ("iOS", "Google Calendar", "Outlook", "Android")), "help"
        assert text.count("Microsoft's cloud keeps a copy") == 1, "one sentence on where it is kept"
        pages = [page.get(address).content.decode() for address in ("/calendars/", "/", NEW)]
    assert not any(token in one for one in pages)
    assert token not in str([(row.session_data, row.get_decoded()) for row in Session.objects.all()])
    assert token not in str(vars(CalendarFeed.objects.get()))
    assert token not in caplog.text
    assert token not in str(getattr(cache, "_cache", {}))
    assert not list(answer.wsgi_request._messages)


def test_a_form_makes_one_address_however_often_it_is_sent(page: Client, participant: Participant) -> None:
    data = filled_in(page.get(NEW), of="mine")
    secret_in(page.post(NEW, data))
    again = page.post(NEW, data)
    assert again.status_code == 409
    assert not ADDRESS.search(again.content.decode())
    assert "shown that one time" in again.content.decode()
    assert CalendarFeed.objects.count() == 1


def test_nor_does_a_replacement_that_is_sent_twice(page: Client, participant: Participant) -> None:
    made(page, of="mine")
    feed = CalendarFeed.objects.get()
    replace = reverse("own-calendar-replace", args=[feed.pk])
    secret_in(page.post(replace))
    assert page.post(replace).status_code == 302
    assert CalendarFeed.objects.count() == 2
    assert CalendarFeed.objects.filter(revoked_at=None).count() == 1


def test_what_was_chosen_is_kept_and_can_be_changed(page: Client, participant: Participant) -> None:
    answer = made(
        page, of="mine", visits="booked", window_bars="on", alarm="day", days_back="28", language="zh-hans"
    )
    path, _token = secret_in(answer)
    feed = CalendarFeed.objects.get()
    assert (feed.only_booked, feed.window_bars, feed.alarm, feed.days_back) == (True, True, "day", 28)
    assert feed.language == "zh-hans"
    assert "booked visits only" in page.get("/calendars/").content.decode()
    before = Client().get(path)
    change = reverse("own-calendar-change", args=[feed.pk])
    assert made(page, change, visits="all", window_bars=False, days_back="all").status_code == 302
    feed.refresh_from_db()
    assert (feed.only_booked, feed.window_bars, feed.alarm, feed.days_back) == (False, False, "day", None)
    after = Client().get(path, headers={"if-none-match": before["ETag"]})
    assert after.status_code == 200


def test_one_that_ended_while_its_form_was_open_is_not_changed(
    page: Client, participant: Participant, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(page, of="mine")
    feed = CalendarFeed.objects.get()

    def ended(**values: Any) -> None:
        revoke_feed(feed=feed, now=MORNING)
        change_content(**values)

    monkeypatch.setattr("schedules.web.feeds.subscriptions.change_content", ended)
    address = reverse("own-calendar-change", args=[feed.pk])
    answer = page.post(address, filled_in(page.get(address), visits="booked"), follow=True)
    assert "This address has ended already. Nothing was changed." in answer.content.decode()
    assert not CalendarFeed.objects.get().only_booked


def test_a_paused_calendar_says_so_and_comes_back(page: Client, participant: Participant) -> None:
    path, _token = secret_in(made(page, of="mine"))
    whole = titles(Client().get(path))
    pause = reverse("own-calendar-pause", args=[CalendarFeed.objects.get().pk])
    page.post(pause)
    assert titles(Client().get(path)) == ["This calendar subscription is paused"]
    assert "Resume" in page.get("/calendars/").content.decode()
    page.post(pause, {"resume": "1"})
    assert titles(Client().get(path)) == whole


def test_the_list_names_the_program_that_fetched_last(page: Client, participant: Participant) -> None:
    path, _token = secret_in(made(page, of="mine"))
    Client().get(path, headers={"user-agent": "Google-Calendar-Importer (+http://google)"})
    assert "Google Calendar" in page.get("/calendars/").content.decode()
    CalendarFeed.objects.update(last_fetched_at=None)
    Client().get(path, headers={"user-agent": "<script>alert(1)</script>\r\nx"})
    assert CalendarFeed.objects.get().last_client == ""


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"of": "site-999999"}, 422),
        ({"of": "nothing"}, 422),
        ({"alarm": "never"}, 422),
        ({"language": "xx"}, 422),
        ({"days_back": "-3"}, 422),
        ({"days_ahead": "99999999999999999999"}, 422),
        ({"form_key": ""}, 422),
        ({"form_key": "x" * 65}, 422),
    ],
)
def test_what_cannot_be_chosen_is_said_at_the_field(
    page: Client, participant: Participant, changes: dict[str, str], status: int
) -> None:
    answer = made(page, **{"of": "mine", **changes})
    assert answer.status_code == status
    assert answer.context["form"].errors
    assert not CalendarFeed.objects.exists()


@pytest.mark.parametrize("asked", ["0", "x", "-1", "9" * 40, "１"])
def test_a_participant_who_is_not_there_is_not_found(
    page: Client, participant: Participant, asked: str
) -> None:
    assert page.get(NEW, {"participant": asked}).status_code == 404


def test_an_administrator_sees_and_ends_all_of_a_site(
    page: Client, participant: Participant, coordinator: User, site: Site, other_site: Site
) -> None:
    chief = Client()
    chief.force_login(with_role("chief", Role.ADMINISTRATOR, site))
    for of in ({"participant": participant}, {"site": site}, {"trial": participant.trial}, {}):
        open_feed(owner=coordinator, now=MORNING, **of)
    elsewhere = with_role("elsewhere", Role.COORDINATOR, other_site)
    open_feed(owner=elsewhere, site=other_site, now=MORNING)
    theirs = CalendarFeed.objects.get(site=other_site)
    end = reverse("site-calendar-end", args=[site.pk])
    text = chief.get(reverse("site-calendars", args=[site.pk])).content.decode()
    assert text.count("coordinator") >= 4
    assert "elsewhere" not in text
    assert participant.subject_code not in text, "who administers looks into no participant"
    assert chief.get(reverse("site-calendars", args=[other_site.pk])).status_code == 404
    assert chief.post(end, {"feed": theirs.pk}).status_code == 302
    for feed in CalendarFeed.objects.filter(owner=coordinator):
        assert chief.post(end, {"feed": feed.pk}).status_code == 302
    assert list(CalendarFeed.objects.filter(revoked_at=None)) == [theirs]
    assert page.get(reverse("site-calendars", args=[site.pk])).status_code == 404


def test_what_a_superuser_follows_is_seen_at_each_site_too(participant: Participant, site: Site) -> None:
    chief = Client()
    chief.force_login(with_role("chief", Role.ADMINISTRATOR, site))
    feed, _token = open_feed(owner=User.objects.create_superuser("root"), now=MORNING)
    assert "root" in chief.get(reverse("site-calendars", args=[site.pk])).content.decode()
    chief.post(reverse("site-calendar-end", args=[site.pk]), {"feed": feed.pk})
    feed.refresh_from_db()
    assert feed.revoked_at


def test_calendars_are_switched_off_for_a_site_or_a_trial(
    page: Client, participant: Participant, coordinator: User, site: Site
) -> None:
    chief, local = Client(), Client()
    chief.force_login(with_role("chief", Role.ADMINISTRATOR))
    local.force_login(with_role("local", Role.ADMINISTRATOR, site))
    paths = {
        name: f"/calendar/{open_feed(owner=coordinator, now=MORNING, **of)[1]}.ics"
        for name, of in {"mine": {}, "site": {"site": site}, "trial": {"trial": participant.trial}}.items()
    }

    def shown() -> dict[str, int]:
        return {name: len(events(Client().get(path))) for name, path in paths.items()}

    whole = shown()
    assert set(whole.values()) == {Visit.objects.count()}
    switch = reverse("site-calendar-switch", args=[site.pk])
    trial = {"trial": str(participant.trial_id)}
    assert local.post(switch, {"enabled": "0", **trial}).status_code == 403
    chief.post(switch, {"enabled": "0", **trial})
    assert shown() == {"mine": 0, "site": 0, "trial": 1}, "one that says so"
    assert titles(Client().get(paths["trial"])) == ["Calendar subscriptions are switched off in this trial"]
    chief.post(switch, {"enabled": "1", **trial})
    assert shown() == whole
    local.post(switch, {"enabled": "0"})
    assert shown() == {"mine": 0, "site": 1, "trial": 0}
    assert made(page, of=f"site-{site.pk}").status_code == 422
    local.post(switch, {"enabled": "1"})
    assert shown() == whole


def test_one_visit_and_one_week_as_files(page: Client, participant: Participant) -> None:
    visit = Visit.objects.filter(participant=participant).order_by("target")[2]
    answer = page.get(reverse("visit-file", args=[visit.pk]))
    (event,) = events(answer)
    assert event["UID"] == visit.uid
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    week = reverse("week-file")
    assert page.get(week).status_code == 200
    asked = {"site": participant.site_id, "day": visit.target.isoformat()}
    assert visit.uid in {event["UID"] for event in events(page.get(week, asked))}
    assert events(page.get(week, {**asked, "booked": "on"})) == []
    Visit.objects.filter(pk=visit.pk).update(booked_on=visit.target)
    assert [event["UID"] for event in events(page.get(week, {**asked, "booked": "on"}))] == [visit.uid]
    Visit.objects.filter(pk=visit.pk).update(cancelled_on=TODAY - timedelta(days=400))
    (cancelled,) = events(page.get(reverse("visit-file", args=[visit.pk])))
    assert cancelled["STATUS"] == "CANCELLED", "however long ago: it was asked for"


def test_files_of_what_is_out_of_sight_are_not_there(page: Client, enrolled: Enrol, other_site: Site) -> None:
    theirs = enrolled(site=other_site)
    visit = Visit.objects.filter(participant=theirs).first()
    assert visit
    assert page.get(reverse("visit-file", args=[visit.pk])).status_code == 404
    assert page.get(reverse("visit-file", args=[2**62])).status_code == 404
    asked = {"site": other_site.pk, "day": visit.target.isoformat()}
    assert page.get(reverse("week-file"), asked).status_code == 422
    for day in ("0001-01-01", "9999-12-31", "yesterday", ""):
        assert page.get(reverse("week-file"), {"site": theirs.site_id, "day": day}).status_code == 422


def test_queries_of_the_lists_do_not_grow(
    page: Client, participant: Participant, coordinator: User, site: Site
) -> None:
    chief = Client()
    chief.force_login(with_role("chief", Role.ADMINISTRATOR, site))
    counts = set()
    for _ in range(2):
        for _n in range(4):
            open_feed(owner=coordinator, participant=participant, now=MORNING)
            open_feed(owner=coordinator, now=MORNING)
        counts.add(
            (
                count_queries(lambda: page.get("/calendars/")),
                count_queries(lambda: chief.get(reverse("site-calendars", args=[site.pk]))),
            )
        )
    assert len(counts) == 1
