"""After a transfer the old site reads its own period, and nothing of what comes after."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from participants.domain.lifecycle import Step
from participants.models import Participant, SitePeriod
from schedules.models import Visit
from schedules.services.course.status_changes import StepRequest, take_step
from schedules.services.enrolment.enrolling import enrol
from tests.cast import NOW, TODAY, a_site, a_version, an_approval, an_enrolment
from trials.models import Role, Site, User
from trials.services.accounts.memberships import grant_membership
from trials.services.accounts.tokens import issue_api_token

DAY = timedelta(days=1)


@pytest.fixture
def person(db: None) -> Any:
    """Somebody who went from WH to CD today, with one visit done before and one after."""
    with time_machine.travel(NOW, tick=False):
        old, new, version = a_site("WH"), a_site("CD"), a_version()
        found = enrol(enrolment=an_enrolment(version, site=old), by=None)
        an_approval(new, version)
        before, after = Visit.objects.filter(participant=found).order_by("target")[:2]
        Visit.objects.filter(pk=before.pk).update(performed_on=TODAY - DAY)
        request = StepRequest(Step.TRANSFER, TODAY, site=new, release=True, sure=True)
        take_step(
            participant=found, version=found.version, request=request, by=None, reason="moved house", now=NOW
        )
        Visit.objects.filter(pk=after.pk).update(performed_on=TODAY + DAY, outside_reason="Words of CD")
        yield Participant.objects.get(pk=found.pk)


def coordinator_at(code: str) -> Client:
    """Somebody who coordinates one site, signed in."""
    user = User.objects.create_user(f"coordinator-{code}")
    site = a_site("XX") if code == "XX" else Participant.objects.get().site
    if code == "WH":
        site = SitePeriod.objects.latest("pk").site
    grant_membership(user=user, role=Role.COORDINATOR, site=site, starts_on=TODAY, by=None)
    client = Client()
    client.force_login(user)
    return client


def test_the_old_site_reads_its_own_period_and_no_more(person: Participant) -> None:
    page = coordinator_at("WH")
    address = reverse("participant-period", args=[person.pk])
    assert page.get(reverse("participant", args=[person.pk])).headers["Location"] == address
    shown = page.get(address)
    text = shown.content.decode()
    assert shown.status_code == 200
    assert [one.visit.performed_on for one in shown.context["page"].visits] == [TODAY - DAY]
    assert "Words of CD" not in text
    assert "CD" not in shown.context["page"].participant.site.code
    assert page.post(address).status_code == 405, "nothing is changed there"
    listed = page.get(reverse("participants"), {"phase": "moved"}).content.decode()
    assert address in listed
    assert address in page.get(reverse("find"), {"q": person.subject_code}).content.decode()


def test_each_of_two_periods_is_read(person: Participant) -> None:
    """They came back and went again: the list leads to each of them."""
    last = SitePeriod.objects.get()
    first = SitePeriod.objects.create(
        participant=person, site=last.site, starts_on=None, ended_on=TODAY - 30 * DAY
    )
    page, address = coordinator_at("WH"), reverse("participant-period", args=[person.pk])
    listed = page.get(reverse("participants"), {"phase": "moved"}).content.decode()
    assert f"{address}?period={first.pk}" in listed
    assert page.get(address).context["page"].period == last
    assert page.get(address, {"period": first.pk}).context["page"].period == first
    assert page.get(address, {"period": 10**6}).status_code == 404


def test_the_new_site_reads_everything_and_a_third_one_nothing(person: Participant) -> None:
    page = coordinator_at("CD")
    assert page.get(reverse("participant", args=[person.pk])).status_code == 200
    assert page.get(reverse("participant-period", args=[person.pk])).status_code == 404
    page = coordinator_at("XX")
    for name in ("participant", "participant-period"):
        assert page.get(reverse(name, args=[person.pk])).status_code == 404


def test_a_program_of_the_old_site_reads_the_same_and_no_more(person: Participant) -> None:
    """Through the API, up to the day of the transfer; the record itself is gone from its sight."""
    period = SitePeriod.objects.get()
    asked: dict[str, dict[str, Any]] = {}
    for code in ("WH", "CD", "XX"):
        coordinator_at(code)
        text = issue_api_token(user=User.objects.get(username=f"coordinator-{code}"), name="EDC")[1]
        headers = {"authorization": f"Bearer {text}"}
        addresses = ("site-periods", f"site-periods/{period.pk}", f"participants/{person.pk}", "visits")
        asked[code] = {one: Client().get(f"/api/v1/{one}", headers=headers) for one in addresses}
    old = asked["WH"]
    (row,) = old["site-periods"].json()["results"]
    assert (row["site"], row["subject_code"], row["ended_on"]) == ("WH", person.subject_code, str(TODAY))
    shown = old[f"site-periods/{period.pk}"].json()
    assert [one["performed_on"] for one in shown["visits"]] == [str(TODAY - DAY)]
    assert "Words of CD" not in str(shown)
    assert old[f"participants/{person.pk}"].status_code == 404
    assert old["visits"].json()["results"] == []
    assert asked["CD"][f"participants/{person.pk}"].status_code == 200
    for code in ("CD", "XX"):
        assert asked[code]["site-periods"].json()["results"] == []
        assert asked[code][f"site-periods/{period.pk}"].status_code == 404


def test_a_missed_visit_is_read_with_why_it_was_missed_and_not_why_it_was_booked(person: Participant) -> None:
    """One that was booked outside its window has both reasons."""
    reasons = {"outside_reason": "travels", "missed_reason": "fell ill"}
    there = Visit.objects.filter(performed_on=TODAY - DAY)
    there.update(performed_on=None, missed_on=TODAY - DAY, booked_on=TODAY - DAY, **reasons)
    page, period = coordinator_at("WH"), SitePeriod.objects.get()
    shown = page.get(reverse("participant-period", args=[person.pk])).content.decode()
    assert ("fell ill" in shown, "travels" in shown) == (True, False)
    (visit,) = page.get(f"/api/v1/site-periods/{period.pk}").json()["visits"]
    assert visit["reason"] == "fell ill"


@pytest.mark.parametrize("what", ["calendar", "week on paper", "day on paper"])
def test_what_was_done_stands_in_the_calendar_of_the_site_where_it_was_done(
    person: Participant, what: str
) -> None:
    """On the screen and on paper: at the old site before the transfer, at the new one after it."""
    before, after = Visit.objects.filter(participant=person, performed_on__isnull=False).order_by("target")
    for visit in (before, after):
        Visit.objects.filter(pk=visit.pk).update(booked_on=visit.performed_on)
    period = SitePeriod.objects.get()
    sites = {"WH": period.site, "CD": person.site, "XX": None}

    def shown(code: str, visit: Visit) -> bool:
        day = Visit.objects.get(pk=visit.pk).booked_on
        page = pages[code]
        site = sites[code] or Site.objects.get(code="XX")
        if what == "calendar":
            answer = page.get(reverse("calendar"), {"site": site.pk, "day": day, "view": "week"})
        else:
            kind = what.partition(" ")[0]
            answer = page.get(reverse("paper", args=[site.pk, kind]), {"day": day})
        assert answer.status_code == 200
        days = [
            one for one in answer.context["list" if what != "calendar" else "found"].days if one.day == day
        ]
        return any(entry.visit.pk == visit.pk for one in days for entry in one.entries)

    pages = {code: coordinator_at(code) for code in sites}
    assert {code: shown(code, before) for code in sites} == {"WH": True, "CD": False, "XX": False}
    assert {code: shown(code, after) for code in sites} == {"WH": False, "CD": True, "XX": False}
    if what == "calendar":
        week = pages["WH"].get(
            reverse("calendar"), {"site": period.site_id, "day": TODAY - DAY, "view": "week"}
        )
        address = f"{reverse('participant-period', args=[person.pk])}?period={period.pk}"
        assert address in week.content.decode(), "the visit's own page is not theirs any more"


def test_the_old_site_hands_out_no_card(person: Participant) -> None:
    pages = {code: coordinator_at(code) for code in ("WH", "CD")}
    asked = {code: page.get(reverse("visit-card", args=[person.pk])) for code, page in pages.items()}
    assert {code: answer.status_code for code, answer in asked.items()} == {"WH": 404, "CD": 200}
