"""What the calendars of both sites show of somebody who went from the one to the other (docs/feeds.md)."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from participants.domain.lifecycle import Step
from participants.models import Participant
from schedules.models import CalendarFeed, Visit
from schedules.services.course.status_changes import StepRequest, take_step
from schedules.services.enrolment.enrolling import enrol
from schedules.services.feeds.fetching import fetch_feed, render_feed
from schedules.services.feeds.subscriptions import open_feed
from tests.cast import NOW, TODAY, a_site, a_version, an_approval, an_enrolment
from trials.models import Role, Site, User
from trials.services.accounts.memberships import grant_membership

DAY = timedelta(days=1)


def events(feed: CalendarFeed) -> list[str]:
    """The entries of a calendar as a phone is given them."""
    feed.refresh_from_db()
    fetch = fetch_feed(feed=feed, now=NOW, links="http://testserver/participants/{}/")
    assert fetch
    return render_feed(fetch=fetch).decode().split("BEGIN:VEVENT")[1:]


@pytest.fixture
def feeds(db: None) -> dict[str, list[CalendarFeed]]:
    """Two calendars at WH and two at CD, of the site and of one person who went from WH to CD today."""
    with time_machine.travel(NOW, tick=False):
        old, new, version = a_site("WH"), a_site("CD"), a_version()
        person = enrol(enrolment=an_enrolment(version, site=old), by=None)
        an_approval(new, version)
        first = Visit.objects.filter(participant=person).order_by("target")[:1].get()
        Visit.objects.filter(pk=first.pk).update(performed_on=TODAY - DAY)
        owners = {site: User.objects.create_user(site.code) for site in (old, new)}
        for site, owner in owners.items():
            grant_membership(user=owner, role=Role.COORDINATOR, site=site, starts_on=TODAY, by=None)

        def opened(site: Site) -> list[CalendarFeed]:
            of_person = open_feed(owner=owners[site], now=NOW, participant=Participant.objects.get())[0]
            return [open_feed(owner=owners[site], now=NOW, site=site)[0], of_person]

        before = opened(old)
        assert all("Done: CART S01-001" in "".join(events(feed)) for feed in before)
        request = StepRequest(Step.TRANSFER, TODAY, site=new, release=True, sure=True)
        take_step(
            participant=person,
            version=person.version,
            request=request,
            by=None,
            reason="moved house",
            now=NOW,
        )
        return {"WH": before, "CD": opened(new)}


def test_after_a_transfer_the_calendar_of_the_old_site_shows_nothing_of_that_person(
    feeds: dict[str, list[CalendarFeed]],
) -> None:
    """A phone says where somebody is expected; the record of the old site's period is read in Dayzero."""
    with time_machine.travel(NOW, tick=False):
        of_site, _of_person = feeds["WH"]
        assert "S01-001" not in "".join(events(of_site))
        assert all("Done: CART S01-001" in "".join(events(feed)) for feed in feeds["CD"])


def test_a_calendar_of_one_person_ends_for_the_site_that_they_left(
    feeds: dict[str, list[CalendarFeed]],
) -> None:
    """It is emptied by the one entry that says so: an error would make a phone keep what it has."""
    with time_machine.travel(NOW, tick=False):
        (ended,) = events(feeds["WH"][1])
    assert "S01-001" not in ended
    assert "SUMMARY:This calendar subscription has ended" in ended
