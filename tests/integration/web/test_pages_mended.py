"""What the pages proposed, said or hid wrongly."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from participants.models import Fact, Participant
from schedules.models import CalendarFeed, Deviation, Flag, Visit
from schedules.services.feeds.subscriptions import open_feed
from tests.integration.web.conftest import MORNING, TODAY, Enrol, with_role
from trials.models import Role, Site, User

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
SATURDAY = TODAY + 5 * DAY


def deed(page: Client, visit: Visit, which: str, **said: Any) -> Any:
    visit.refresh_from_db()
    address = reverse("visit-deed", kwargs={"pk": visit.pk, "deed": which})
    return page.post(address, {"version": visit.version, **said})


@pytest.fixture
def overdue(enrolled: Enrol) -> Visit:
    """D28 of somebody, five days past its target and still in its window."""
    person = enrolled(infusion=TODAY - 30 * DAY, given=True)
    return Visit.objects.get(participant=person, code="d28")


def test_the_booking_form_proposes_no_day_that_is_over(page: Client, overdue: Visit) -> None:
    assert overdue.target < TODAY
    form = page.get(reverse("visit-deed", kwargs={"pk": overdue.pk, "deed": "book"})).context["form"]
    assert form["on"].value() == TODAY + DAY, "a telephone call today does not bring somebody in today"
    on = form["on"].value()
    said = {"on": on.isoformat(), "reason": "the first day that is left"}
    assert deed(page, overdue, "book", **said).status_code == 302


def test_the_acts_of_a_visit_say_what_they_do(page: Client, overdue: Visit) -> None:
    """Book stood above a booking, and Cancel beside Cancel the booking."""

    def acts() -> list[str]:
        return [str(label) for _, label in page.get(f"/visits/{overdue.pk}/").context["links"]]

    assert acts() == ["Book", "Record the arrival", "Record as done", "Record as missed", "Cancel the visit"]
    deed(page, overdue, "book", on=(TODAY + DAY).isoformat(), reason="the first day that is left")
    assert acts()[:2] == ["Rebook", "Cancel the booking"]


def test_a_day_without_a_clinic_is_named_before_it_is_booked(page: Client, overdue: Visit) -> None:
    said = {"on": SATURDAY.isoformat(), "reason": "no other day"}
    shown = deed(page, overdue, "book", **said)
    assert shown.status_code == 422
    text = shown.content.decode()
    assert "is no clinic day" in text
    assert 'name="anyway"' in text
    overdue.refresh_from_db()
    assert overdue.booked_on is None
    assert deed(page, overdue, "book", **said, anyway="on").status_code == 302
    overdue.refresh_from_db()
    assert overdue.booked_on == SATURDAY


def test_a_visit_that_is_added_on_a_closed_day_is_asked_about_too(page: Client, overdue: Visit) -> None:
    address = reverse("unscheduled", kwargs={"pk": overdue.participant_id})
    said = {"on": SATURDAY.isoformat(), "reason": "a cough", "kind": "clinic"}
    shown = page.post(address, said)
    assert shown.status_code == 422
    assert "is no clinic day" in shown.content.decode()
    assert page.post(address, {**said, "kind": "ward"}).status_code == 302
    assert page.post(address, {**said, "anyway": "on"}).status_code == 302


def test_after_an_act_the_view_and_the_focus_are_where_it_happened(page: Client, overdue: Visit) -> None:
    answer = deed(page, overdue, "book", on=TODAY.isoformat(), reason="today")
    assert answer["Location"].endswith("#visit-d28")
    text = page.get(answer["Location"]).content.decode()
    assert re.search(r'<tr id="visit-d28" tabindex="-1"', text), "a row that has the focus"
    assert re.search(r'<div class="notes" role="status" tabindex="-1" autofocus>', text)


def test_a_night_far_away_says_the_flag_and_the_deviation(page: Client, enrolled: Enrol) -> None:
    """A night 180 minutes off answered "Recorded" and nothing more."""
    person = enrolled(infusion=TODAY - 10 * DAY, given=True)
    address = reverse("fact-new", kwargs={"pk": person.pk, "kind": "night-away"})
    form = page.get(address)
    assert form.status_code == 200
    said = {"starts": (TODAY - DAY).isoformat(), "minutes": "180"}
    names = [field.html_name for field in form.context["form"]]
    said = _filled(names, said)
    answer = page.post(address, said, follow=True)
    assert Fact.objects.filter(participant=person).exists(), answer.content.decode()[:3000]
    assert Flag.objects.filter(participant=person, severity="critical", cleared_at=None).exists()
    assert Deviation.objects.filter(participant=person).exists()
    text = answer.content.decode()
    assert "This raised a flag (critical)" in text
    assert "This drafted a deviation" in text


def _filled(names: list[str], said: dict[str, str]) -> dict[str, str]:
    found = {}
    for name in names:
        if "minutes" in name:
            found[name] = said["minutes"]
        elif name in {"night", "day", "on", "starts_on", "first", "at_on"}:
            found[name] = said["starts"]
    return found


# --- one's own calendar addresses ------------------------------------------------------------------
@pytest.fixture
def feed(coordinator: User, enrolled: Enrol) -> CalendarFeed:
    person = enrolled(infusion=TODAY, given=True)
    return open_feed(owner=coordinator, participant=person, now=MORNING)[0]


def test_an_address_is_seen_replaced_and_ended_by_the_one_who_made_it(
    page: Client, feed: CalendarFeed
) -> None:
    assert feed.participant is not None
    text = page.get(f"/participants/{feed.participant.pk}/").content.decode()
    assert "You have 1 address of this calendar." in text
    assert feed.participant.subject_code in page.get(reverse("own-calendars")).content.decode()
    shown = page.post(reverse("own-calendar-replace", args=[feed.pk]))
    assert "This address is secret" in shown.content.decode()
    feed.refresh_from_db()
    assert feed.revoked_at == MORNING
    other = CalendarFeed.objects.get(revoked_at=None)
    assert other.token_digest != feed.token_digest
    page.post(reverse("own-calendar-end", args=[other.pk]))
    assert not CalendarFeed.objects.filter(revoked_at=None).exists()
    assert "You have no calendar address." in page.get(reverse("own-calendars")).content.decode()


def test_nobody_sees_or_ends_the_address_of_somebody_else(
    page: Client, feed: CalendarFeed, site: Site
) -> None:
    other = Client()
    other.force_login(with_role("colleague", Role.COORDINATOR, site))
    assert "You have no calendar address." in other.get(reverse("own-calendars")).content.decode()
    for name in ("own-calendar-end", "own-calendar-replace"):
        assert other.post(reverse(name, args=[feed.pk])).status_code == 404
        assert other.get(reverse(name, args=[feed.pk])).status_code == 405
    feed.refresh_from_db()
    assert feed.revoked_at is None


# --- words -----------------------------------------------------------------------------------------
def test_the_hint_about_subject_codes_says_what_is_taken(page: Client, enrolled: Enrol, version: Any) -> None:
    assert Participant.objects.get(pk=enrolled("01001").pk).subject_code == "01001"
    form = page.get("/participants/enrol/", {"version": version.pk}).content.decode()
    assert "at least one digit" in form
    assert "01001" in form


@pytest.mark.parametrize("address", ["/sites/", "/participants/", "/flags/", "/calendars/"])
def test_no_table_has_an_empty_header(page: Client, feed: CalendarFeed, address: str) -> None:
    text = page.get(address).content.decode()
    assert not re.search(r"<th[^>]*>\s*</th>", text)
