"""Roles are given and taken by those who administer there, for a reason; who had which when is known."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from schedules.services.enrolment.enrolling import enrol
from schedules.services.feeds.subscriptions import open_feed
from tests.cast import NOW, TODAY, a_site, an_enrolment, show_who_one_is
from trials.domain.accounts.access import Right
from trials.models import AuditEntry, Membership, User
from trials.selectors.records import may, roles_of
from trials.services.accounts.memberships import (
    MembershipEnded,
    MembershipRefused,
    end_membership,
    grant_membership,
    withdraw_membership,
)

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
WHY = "new at the site"


@pytest.fixture(autouse=True)
def morning() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def chief() -> User:
    return somebody("chief", "administrator")


@pytest.fixture
def local() -> User:
    return somebody("local", "administrator", site=a_site("WH"))


@pytest.fixture
def person() -> User:
    return User.objects.create_user("person", first_name="Li Wei")


def somebody(name: str, role: str, **where: Any) -> User:
    user = User.objects.create_user(name, password="a long enough secret")
    grant_membership(user=user, role=role, starts_on=TODAY, by=None, **where)
    return user


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    show_who_one_is(client)
    return client


class TestGiven:
    def test_a_role_says_who_gave_it_and_why_and_the_trail_says_it_too(
        self, chief: User, person: User
    ) -> None:
        data = {"user": person.pk, "role": "monitor", "starts_on": TODAY, "reason": WHY}
        answer = signed_in(chief).post(reverse("grant"), data)
        assert answer.status_code == 302, answer.content.decode()
        held = Membership.objects.get(user=person)
        assert (held.granted_by, held.reason) == (chief, WHY)
        assert held.granted_at, "by the database's own clock"
        entry = AuditEntry.objects.filter(model="trials.membership").latest("id")
        assert (entry.actor, entry.roles, entry.reason, entry.cause) == (
            "chief",
            "administrator",
            WHY,
            "POST grant",
        )

    REFUSED = [
        ({"reason": " "}, "reason", "This field is required", "nobody gives a role without a word"),
        ({"starts_on": TODAY - DAY}, "starts_on", "is over: give 2026-11-21", "nobody had it yesterday"),
        ({"ends_on": TODAY - DAY}, "ends_on", "lies before the first", "it ends after it begins"),
        ({"user": "own"}, "user", "Select a valid choice", "nobody gives a role to themselves"),
        ({"user": "closed"}, "user", "Select a valid choice", "nor to a deactivated account"),
        ({"user": "987654321"}, "user", "Select a valid choice", "nor to nobody"),
        ({"role": "cook"}, "role", "Select a valid choice", "there is no such role"),
    ]

    @pytest.mark.parametrize(("given", "field", "words", "why"), REFUSED)
    def test_what_does_not_fit_comes_back_in_words_with_what_was_typed(
        self, chief: User, person: User, given: dict[str, Any], field: str, words: str, why: str
    ) -> None:
        closed = User.objects.create_user("closed", is_active=False)
        named = {"own": chief.pk, "closed": closed.pk}
        data = {"user": person.pk, "role": "monitor", "starts_on": TODAY, "reason": WHY} | given
        data["user"] = named.get(data["user"], data["user"])
        browser, before = signed_in(chief), AuditEntry.objects.count()
        answer = browser.post(reverse("grant"), data)
        assert answer.status_code == 422
        assert words in str(answer.context["form"].errors[field]), why
        assert answer.context["form"].data["reason"] == data["reason"]
        assert AuditEntry.objects.count() == before

    def test_a_role_held_there_already_is_not_given_twice(self, chief: User, person: User) -> None:
        grant_membership(user=person, role="monitor", starts_on=TODAY, by=chief, reason=WHY)
        with pytest.raises(MembershipRefused, match="there already, from Saturday 2026-11-21"):
            grant_membership(user=person, role="monitor", starts_on=TODAY + DAY, by=chief, reason=WHY)
        grant_membership(user=person, role="monitor", starts_on=TODAY, by=chief, reason=WHY, site=a_site())
        assert person.memberships.count() == 2

    def test_a_role_for_days_before_and_after_another_can_be_given(self, chief: User, person: User) -> None:
        week = TODAY + 7 * DAY
        grant_membership(user=person, role="monitor", starts_on=week, by=chief, reason=WHY)
        grant_membership(
            user=person, role="monitor", starts_on=TODAY, ends_on=week - DAY, by=chief, reason=WHY
        )
        assert person.memberships.count() == 2

    @pytest.mark.parametrize(
        ("site", "status", "why"),
        [("WH", 302, "their own site"), ("CD", 422, "another site is not offered"), ("", 403, "all sites")],
    )
    def test_nobody_gives_more_than_they_administer(
        self, local: User, person: User, site: str, status: int, why: str
    ) -> None:
        data = {"user": person.pk, "role": "monitor", "starts_on": TODAY, "reason": WHY}
        data["site"] = a_site(site).pk if site else ""
        assert signed_in(local).post(reverse("grant"), data).status_code == status, why
        assert person.memberships.exists() is (status == 302)


class TestTaken:
    def test_a_withdrawn_role_ends_in_that_moment(self, chief: User, person: User) -> None:
        held = grant_membership(user=person, role="coordinator", starts_on=TODAY, by=None)
        assert may(person, Right.VIEW, None, None, TODAY)
        answer = signed_in(chief).post(reverse("withdraw", args=[held.pk]), {"reason": "left"})
        assert answer.status_code == 302
        assert roles_of(person, TODAY).grants == frozenset()
        held.refresh_from_db()
        assert (held.withdrawn_at, held.withdrawn_by, held.withdrawn_reason) == (NOW, chief, "left")

    def test_a_lost_role_closes_calendars_at_once(self, chief: User, person: User) -> None:
        participant = enrol(enrolment=an_enrolment(), by=None)
        held = grant_membership(user=person, role="coordinator", starts_on=TODAY, by=None)
        _feed, token = open_feed(owner=person, participant=participant, now=NOW)
        address = reverse("feed", kwargs={"token": token})
        assert Client().get(address).content.count(b"BEGIN:VEVENT") > 10
        withdraw_membership(membership=held, now=NOW, by=chief, reason="left")
        ended = Client().get(address).content
        assert ended.count(b"BEGIN:VEVENT") == 1, "the word that it has ended"
        assert b"D28" not in ended

    def test_a_role_may_end_after_a_last_day(self, chief: User, person: User) -> None:
        held = grant_membership(user=person, role="monitor", starts_on=TODAY, by=None)
        last = TODAY + 7 * DAY
        signed_in(chief).post(reverse("withdraw", args=[held.pk]), {"reason": "moves", "ends_on": last})
        assert roles_of(person, last).roles == {"monitor"}
        assert roles_of(person, last + DAY).roles == frozenset()

    def test_a_stale_form_is_told_who_was_quicker_and_why(self, chief: User, person: User) -> None:
        """A replayed form, or two people at once: 409, nothing written, what was typed still there."""
        held = grant_membership(user=person, role="monitor", starts_on=TODAY, by=None)
        other = somebody("other", "administrator")
        withdraw_membership(membership=held, now=NOW, by=other, reason="left the project")
        before = AuditEntry.objects.count()
        answer = signed_in(chief).post(reverse("withdraw", args=[held.pk]), {"reason": "mine"})
        text = answer.content.decode()
        assert answer.status_code == 409
        assert "other withdrew this role on Sat 21 Nov" in text
        assert "left the project" in text
        assert 'value="mine"' in text
        assert AuditEntry.objects.count() == before

    def test_nobody_takes_their_own(self, chief: User) -> None:
        own = chief.memberships.get()
        assert signed_in(chief).post(reverse("withdraw", args=[own.pk]), {"reason": "x"}).status_code == 403
        with pytest.raises(MembershipRefused, match="your own"):
            withdraw_membership(membership=own, now=NOW, by=chief, reason="x")

    def test_a_role_is_taken_for_a_reason_and_once(self, chief: User, person: User) -> None:
        held = grant_membership(user=person, role="monitor", starts_on=TODAY, by=None)
        with pytest.raises(MembershipRefused, match="Enter "):
            withdraw_membership(membership=held, now=NOW, by=chief, reason=" ")
        withdraw_membership(membership=held, now=NOW, by=chief, reason="left")
        with pytest.raises(MembershipEnded):
            end_membership(membership=held, ends_on=TODAY, by=chief, reason="late")

    def test_a_site_administrator_sees_roles_for_all_sites_and_cannot_take_them(
        self, local: User, person: User
    ) -> None:
        everywhere = grant_membership(user=person, role="monitor", starts_on=TODAY, by=None)
        elsewhere = grant_membership(user=person, role="monitor", starts_on=TODAY, by=None, site=a_site("CD"))
        browser = signed_in(local)
        assert browser.get(reverse("withdraw", args=[everywhere.pk])).status_code == 403
        assert browser.get(reverse("withdraw", args=[elsewhere.pk])).status_code == 404


def test_a_page_reads_roles_once_and_the_next_page_reads_them_anew(chief: User) -> None:
    browser = Client()
    browser.force_login(chief)
    address = reverse("memberships")
    with CaptureQueriesContext(connection) as asked:
        assert browser.get(address).status_code == 200
    of_roles = [query for query in asked if "FROM trials_membership m" in query["sql"]]
    assert len(of_roles) == 1
    Membership.objects.filter(user=chief).update(withdrawn_at=NOW)
    assert browser.get(address).status_code == 404


def test_the_admin_only_shows_roles_and_leads_to_where_they_are_given(chief: User, person: User) -> None:
    """Given and taken there without showing again who one is: nothing of the kind is possible."""
    held = grant_membership(user=person, role="monitor", starts_on=TODAY, by=chief, reason=WHY)
    browser = signed_in(chief)
    of_one = [reverse(f"admin:trials_membership_{what}", args=[held.pk]) for what in ("change", "delete")]
    for address in (*of_one, reverse("admin:trials_membership_add")):
        assert browser.post(address, {"role": "administrator", "post": "yes"}).status_code == 403
    listed = reverse("admin:trials_membership_changelist")
    assert f'href="{reverse("memberships")}"' in browser.get(listed).content.decode()
    chosen = {"action": "delete_selected", "_selected_action": held.pk, "post": "yes"}
    browser.post(listed, chosen)
    held.refresh_from_db()
    assert (held.role, held.withdrawn_at, held.ends_on) == ("monitor", None, None)


class TestWhoHadAccessWhen:
    @pytest.fixture
    def history(self, chief: User, person: User) -> None:
        left = grant_membership(user=person, role="monitor", starts_on=TODAY - 9 * DAY, by=None)
        withdraw_membership(membership=left, now=NOW - 5 * DAY, by=chief, reason="on leave")
        grant_membership(
            user=person, role="coordinator", starts_on=TODAY, by=chief, reason="back", site=a_site()
        )

    @pytest.mark.parametrize(
        ("on", "expected", "why"),
        [
            (TODAY - 10 * DAY, [], "before anybody"),
            (TODAY - 9 * DAY, ["monitor"], "the first day"),
            (TODAY - 5 * DAY, ["monitor"], "the day of the withdrawal"),
            (TODAY - 4 * DAY, [], "the morrow"),
            (TODAY, ["coordinator"], "the new role"),
        ],
    )
    @pytest.mark.usefixtures("history")
    def test_on_a_day(self, chief: User, on: Any, expected: list[str], why: str) -> None:
        page = signed_in(chief).get(reverse("memberships"), {"on": on, "name": "person"})
        assert [held.role for held, _ in page.context["rows"]] == expected, why

    @pytest.mark.usefixtures("history")
    def test_the_export_says_who_gave_and_took_each_role_and_by_whom_it_was_made(self, chief: User) -> None:
        User.objects.create_superuser("root")
        answer = signed_in(chief).get(reverse("memberships-export"), {"name": "o"})
        lines = list(csv.reader(io.StringIO(b"".join(answer).decode("utf-8-sig"))))
        head = {line[0]: line[1] for line in lines[:5]}
        assert head["Software"].startswith("Dayzero 0.")
        assert head["Made by"] == "chief ()"
        assert head["Filters"] == "name=o"
        rows = [dict(zip(lines[6], line, strict=True)) for line in lines[7:]]
        monitor = next(row for row in rows if row["Role"] == "monitor")
        assert (monitor["First day"], monitor["Withdrawn by"], monitor["Reason of withdrawal"]) == (
            "2026-11-12",
            "chief",
            "on leave",
        )
        assert monitor["Withdrawn at"].startswith("2026-11-16T09:00:00.000000+08:00")
        assert [row["User name"] for row in rows if row["Role"] == "superuser"] == ["root"]

    @pytest.mark.usefixtures("history")
    def test_the_export_is_in_one_language_whoever_takes_it(self, chief: User) -> None:
        """Its roles were in the language of the reader, below heads in English."""
        browser = signed_in(chief)
        english = b"".join(browser.get(reverse("memberships-export"))).decode().splitlines()[6:]
        browser.cookies["django_language"] = "zh-hans"
        assert b"".join(browser.get(reverse("memberships-export"))).decode().splitlines()[6:] == english

    @pytest.mark.usefixtures("history")
    def test_it_takes_as_many_queries_for_one_role_as_for_many(
        self, chief: User, django_assert_max_num_queries: Any
    ) -> None:
        site = a_site()
        for number in range(10):
            somebody(f"p{number}", "monitor", site=site)
        browser = signed_in(chief)
        with django_assert_max_num_queries(14):
            browser.get(reverse("memberships"))

    def test_whoever_administers_nothing_finds_no_such_page(self, person: User) -> None:
        grant_membership(user=person, role="coordinator", starts_on=TODAY, by=None)
        browser = signed_in(person)
        for name in ("memberships", "memberships-export", "grant"):
            assert browser.get(reverse(name)).status_code == 404
