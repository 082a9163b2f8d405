"""What somebody who sets up one place can do under *Records* (the admin): there, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from schedules.models import CalendarFeed
from schedules.services.enrolment.enrolling import enrol
from schedules.services.feeds.subscriptions import open_feed
from tests.cast import NOW, TODAY, a_site, a_version, an_enrolment, document
from trials.models import ApiToken, ProtocolVersion, Role, Site, User, WorkingDayTable
from trials.selectors.accounts.accounts import tokens_administered_by
from trials.selectors.records import sites_administered_by, versions_visible_to, working_days_visible_to
from trials.services.accounts.memberships import grant_membership
from trials.services.accounts.tokens import issue_api_token
from trials.services.protocols.publishing import import_protocol
from trials.services.sites.working_days import record_working_days

pytestmark = pytest.mark.django_db
YEARS = {"first_year": 2026, "last_year": 2027}


@pytest.fixture(autouse=True)
def morning() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def sites() -> dict[str, Site]:
    found = {code: a_site(code) for code in ("WH", "BJ")}
    for site in found.values():
        record_working_days(site=site, by=None, **YEARS)
    return found


def holder(role: Role, name: str = "holder", **where: Any) -> User:
    user = User.objects.create_user(name)
    grant_membership(user=user, role=role, starts_on=date(2026, 4, 1), by=None, **where)
    return user


def does(user: User, model: str, action: str, *chosen: Any) -> str:
    """The page after an action on rows of a list, as text."""
    client = Client()
    client.force_login(user)
    data = {"action": action, "_selected_action": [one.pk for one in chosen]}
    page = client.post(reverse(f"admin:{model}_changelist"), data, follow=True)
    return page.content.decode().replace("&#x27;", "'")


@pytest.mark.parametrize(
    ("role", "where", "sites_of", "reason"),
    [
        (Role.ADMINISTRATOR, {}, "BJ WH", "of everything"),
        (Role.ADMINISTRATOR, {"site": "WH"}, "WH", "of one site"),
        (Role.ADMINISTRATOR, {"trial": True}, "", "of one trial: its sites belong to others too"),
        (Role.ADMINISTRATOR, {"site": "WH", "trial": True}, "", "of one trial at one site"),
        (Role.COORDINATOR, {"site": "WH"}, "", "a role that administers nothing"),
    ],
)
def test_the_sites_that_somebody_administers_throughout(sites, role, where, sites_of, reason):
    here = {"site": sites[where["site"]]} if "site" in where else {}
    here |= {"trial": a_version().trial} if "trial" in where else {}
    found = sites_administered_by(holder(role, **here), TODAY)
    assert sorted(site.code for site in found) == sites_of.split(), reason


def test_what_an_administrator_of_one_site_has_before_them(sites):
    keeper = holder(Role.ADMINISTRATOR, site=sites["WH"])
    own, other = (
        holder(Role.COORDINATOR, "own", site=sites["WH"]),
        holder(Role.COORDINATOR, "far", site=sites["BJ"]),
    )
    for user in (own, other):
        issue_api_token(user=user, name="EDC")
    assert {table.site.code for table in working_days_visible_to(keeper, TODAY)} == {"WH"}
    assert [token.user.username for token in tokens_administered_by(keeper, TODAY)] == ["own"]
    assert not versions_visible_to(keeper, TODAY).exists(), "no trial runs there"
    an_enrolment(a_version(), site=sites["WH"])
    assert versions_visible_to(keeper, TODAY).count() == 1, "now one does"


def test_working_days_are_renewed_at_the_own_site_alone(sites):
    monitor_there = holder(Role.ADMINISTRATOR, site=sites["WH"])
    grant_membership(user=monitor_there, role=Role.MONITOR, site=sites["BJ"], starts_on=TODAY, by=None)
    page = does(monitor_there, "trials_site", "renew_working_days", *sites.values())
    assert "You do not administer BJ." in page
    versions = {code: WorkingDayTable.objects.filter(site=site).count() for code, site in sites.items()}
    assert versions == {"WH": 2, "BJ": 1}


def test_a_site_whose_calendar_cannot_be_read_says_so_and_holds_up_no_other(sites):
    Site.objects.filter(code="BJ").update(holiday_calendar="XX")
    page = does(User.objects.create_superuser("root"), "trials_site", "renew_working_days", *sites.values())
    assert "WH has working days, version 2." in page
    assert WorkingDayTable.objects.filter(site=sites["BJ"]).count() == 1


def test_a_designer_publishes_in_the_own_trial_alone(sites):
    own = import_protocol(text=document(), by=None)
    other = import_protocol(text=document("NCT07274059"), by=None)
    designer = holder(Role.DESIGNER, trial=own.trial)
    grant_membership(user=designer, role=Role.MONITOR, trial=other.trial, starts_on=TODAY, by=None)
    page = does(designer, "trials_protocolversion", "publish", own, other)
    assert "Your role does not allow publishing in NCT07274059." in page
    published = ProtocolVersion.objects.filter(published_at__isnull=False)
    assert [version.published_by for version in published] == [designer]
    first = published.get()
    does(User.objects.create_superuser("root"), "trials_protocolversion", "publish", own)
    assert published.get().published_at == first.published_at
    assert published.get().published_by == designer, "what is published stands"


def test_calendars_are_revoked_at_the_own_site_and_name_nobody(sites):
    version = a_version()
    people = [
        enrol(enrolment=an_enrolment(version, site=site, subject_code=f"{code}-001"), by=None)
        for code, site in sites.items()
    ]
    owner = holder(Role.COORDINATOR, "owner")
    feeds = [open_feed(owner=owner, participant=person, now=NOW)[0] for person in people]
    keeper = holder(Role.ADMINISTRATOR, site=sites["WH"])
    grant_membership(user=keeper, role=Role.MONITOR, site=sites["BJ"], starts_on=TODAY, by=None)
    page = does(keeper, "schedules_calendarfeed", "revoke", *feeds)
    assert [feed.revoked_at is not None for feed in CalendarFeed.objects.order_by("pk")] == [True, False]
    assert "WH-001" not in page, "who administers a site looks into nobody there"
    assert "BJ-001" in page, "who monitors one does"


def test_tokens_are_revoked_where_all_that_their_account_may_do_is_administered(sites):
    keeper = holder(Role.ADMINISTRATOR, site=sites["WH"])
    both = holder(Role.COORDINATOR, "both", site=sites["WH"])
    grant_membership(user=both, role=Role.COORDINATOR, site=sites["BJ"], starts_on=TODAY, by=None)
    own = holder(Role.COORDINATOR, "own", site=sites["WH"])
    tokens = [issue_api_token(user=user, name="EDC")[0] for user in (own, both)]
    does(keeper, "trials_apitoken", "revoke", *tokens)
    assert [token.revoked_at is not None for token in ApiToken.objects.order_by("pk")] == [True, False]


def test_who_keeps_records_goes_on_from_the_door_of_the_records(client: Client) -> None:
    """A bookmark of /admin/login/ said to an administrator who had signed in that nobody may enter."""
    client.force_login(holder(Role.ADMINISTRATOR))
    answers = {
        "/admin/login/": "/admin/",
        "/admin/login/?next=/admin/trials/site/": "/admin/trials/site/",
        "/admin/login/?next=https://example.com/": "/admin/",
    }
    for address, target in answers.items():
        assert client.get(address)["Location"] == target
    client.force_login(holder(Role.MONITOR, "reader"))
    assert client.get("/admin/login/").status_code == 403
