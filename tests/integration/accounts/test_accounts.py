"""Accounts stay, under names that nobody else ever has; they are opened and closed for a reason."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.core import mail
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from schedules.services.enrolment.enrolling import enrol
from schedules.services.feeds.subscriptions import open_feed
from tests.cast import NOW, TODAY, a_site, a_version, an_enrolment
from tests.integration.accounts.conftest import PASSWORD, signed_in
from trials.domain.accounts.accounts import AccountKept, NameNotFit, NameTaken, OwnAccount, ReasonMissing
from trials.models import AuditEntry, User
from trials.selectors.accounts.accounts import may_change_account
from trials.selectors.records import api_token_in_use
from trials.services.accounts import accounts
from trials.services.accounts.clients import ClientTerms, open_client
from trials.services.accounts.memberships import grant_membership
from trials.services.accounts.tokens import issue_api_token

pytestmark = pytest.mark.django_db
WHY = "new at the site"


def opened(name: str = "new", **more: Any) -> User:
    return accounts.open_account(user_name=name, name="Li Wei", email="", by=None, reason=WHY, **more)


class TestDeactivatedRatherThanDeleted:
    """Accounts are deactivated rather than deleted."""

    DELETIONS = [
        ("the model", lambda user: user.delete(), AccountKept),
        ("a queryset", lambda user: User.objects.filter(pk=user.pk).delete(), IntegrityError),
        (
            "SQL by hand",
            lambda user: connection.cursor().execute("DELETE FROM trials_user WHERE id = %s", [user.pk]),
            IntegrityError,
        ),
    ]

    @pytest.mark.parametrize(("way", "delete", "error"), DELETIONS, ids=[way for way, *_ in DELETIONS])
    def test_no_way_of_deleting_works(self, person: User, way: str, delete: Any, error: type) -> None:
        with pytest.raises(error), transaction.atomic():
            delete(person)
        assert User.objects.filter(pk=person.pk).exists()

    def test_the_admin_only_reads_accounts(self, person: User) -> None:
        client = signed_in(User.objects.create_superuser("root"))
        address = reverse("admin:trials_user_change", args=[person.pk])
        assert client.post(address, {"username": "other", "is_active": ""}).status_code == 403
        assert (
            client.post(reverse("admin:trials_user_delete", args=[person.pk]), {"post": "yes"}).status_code
            == 403
        )
        assert client.get(address).status_code == 200

    def test_deactivation_ends_sessions_and_tokens_at_once(self, person: User, chief: User) -> None:
        browser = signed_in(person)
        token = issue_api_token(user=person, name="EDC")[1]
        assert browser.get("/").status_code == 200
        accounts.deactivate_account(user=person, by=chief, reason="left the site")
        assert browser.get("/").status_code == 302
        assert api_token_in_use(token, NOW) is None
        page = Client().post(reverse("login"), {"login": "coordinator", "password": PASSWORD}, follow=True)
        assert "deactivated" in page.content.decode()
        assert "_auth_user_id" not in page.wsgi_request.session

    def test_deactivation_ends_calendars_at_once(self, chief: User) -> None:
        """As FEEDS.md has it: a phone that is refused keeps what it has, so it is told by a last event."""
        enrolled = enrol(enrolment=an_enrolment(), by=None)
        owner = User.objects.create_user("owner")
        grant_membership(
            user=owner, role="coordinator", starts_on=TODAY - timedelta(days=1), by=None, site=enrolled.site
        )
        _feed, token = open_feed(owner=owner, participant=enrolled, now=NOW)
        address = reverse("feed", kwargs={"token": token})
        assert enrolled.subject_code in Client().get(address).content.decode()
        accounts.deactivate_account(user=owner, by=chief, reason="left the site")
        ended = Client().get(address).content.decode()
        assert ended.count("BEGIN:VEVENT") == 1
        assert "has ended" in ended
        with time_machine.travel(timezone.now() + timedelta(days=31), tick=False):
            assert Client().get(address).status_code == 404

    def test_who_deactivated_whom_and_why_is_recorded(self, person: User, chief: User) -> None:
        accounts.deactivate_account(user=person, by=chief, reason="left the site")
        entry = AuditEntry.objects.filter(model="trials.user", action="change").latest("id")
        assert (entry.actor, entry.object_id, entry.reason) == ("chief", str(person.pk), "left the site")
        assert json.loads(entry.new) == {"is_active": False}

    def test_an_account_opens_again_for_a_reason(self, person: User, chief: User) -> None:
        accounts.deactivate_account(user=person, by=chief, reason="left")
        assert accounts.reactivate_account(user=person, by=chief, reason="came back").is_active

    def test_nobody_closes_the_door_behind_themselves(self, chief: User) -> None:
        with pytest.raises(OwnAccount):
            accounts.deactivate_account(user=chief, by=chief, reason="a slip")


class TestAccountsNeverShared:
    """Accounts are never shared, as far as software can see to it."""

    @pytest.mark.parametrize("name", ["new", "NEW", " New "])
    def test_a_name_is_given_once_and_for_good(self, name: str) -> None:
        accounts.deactivate_account(user=opened(), by=None, reason="left")
        with pytest.raises(NameTaken):
            opened(name)

    def test_the_database_holds_it_too(self, person: User) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            User.objects.create(username="COORDINATOR")

    def test_a_name_never_changes(self, person: User) -> None:
        with pytest.raises(IntegrityError, match="cannot be changed"), transaction.atomic():
            User.objects.filter(pk=person.pk).update(username="other")

    @pytest.mark.parametrize("name", ["", "Wéi", "x" * 151])
    def test_names_are_told_apart_by_everybody(self, name: str) -> None:
        with pytest.raises(NameNotFit):
            opened(name)

    def test_nobody_but_the_owner_ever_knows_the_password(self) -> None:
        assert not opened().has_usable_password()

    def test_somebody_without_a_reason_is_refused(self) -> None:
        with pytest.raises(ReasonMissing):
            accounts.open_account(user_name="new", name="Li Wei", email="", by=None, reason="  ")

    def test_a_name_taken_meanwhile_is_refused_alike(self, person: User, monkeypatch) -> None:
        monkeypatch.setattr("django.db.models.QuerySet.exists", lambda *_: False)
        with pytest.raises(NameTaken):
            opened("coordinator")


def test_an_account_is_opened_and_its_owner_sets_the_password(chief: User, settings) -> None:
    settings.REMINDERS_LEAVE = False
    form = {"user_name": "new", "name": "Li Wei", "email": "", "reason": WHY}
    page = signed_in(chief).post(reverse("open-account"), form)
    link = re.search(r'value="(http[^"]+)"', page.content.decode())
    assert link
    assert page.headers["Cache-Control"].count("no-store") == 1
    owner = Client()
    form_page = owner.get(link[1], follow=True)
    address = form_page.redirect_chain[-1][0]
    weak = owner.post(address, {"password1": "short", "password2": "short"})
    assert "at least 12 characters" in weak.content.decode()
    done = owner.post(address, {"password1": PASSWORD, "password2": PASSWORD}, follow=True).content.decode()
    sign_in = f'href="{reverse("login")}"'
    assert sign_in in done, "and the page says what to do with it"
    used = Client().get(link[1], follow=True).content.decode()
    assert "Ask an administrator for a new one" in used
    assert sign_in in used
    assert owner.post(reverse("login"), {"login": "new", "password": PASSWORD}).status_code == 302
    entry = AuditEntry.objects.filter(model="trials.user", actor="new").latest("id")
    assert list(json.loads(entry.new)) == ["password_set_at"]
    assert "set-password" not in Client().get(link[1], follow=True).request["PATH_INFO"], "it opens once"


def test_the_link_goes_to_the_owner_where_e_mail_leaves(chief: User) -> None:
    form = {"user_name": "new", "name": "Li Wei", "email": "li@hospital.example", "reason": WHY}
    page = signed_in(chief).post(reverse("open-account"), form, follow=True)
    assert "/accounts/password/link/" in mail.outbox[0].body
    assert "/accounts/password/link/" not in page.content.decode()
    assert (mail.outbox[0].to, "new" in mail.outbox[0].subject) == (["li@hospital.example"], False)


def test_a_refused_account_comes_back_filled_and_in_words(chief: User, person: User) -> None:
    form = {"user_name": "Coordinator", "name": "Li Wei", "email": "", "reason": WHY}
    page = signed_in(chief).post(reverse("open-account"), form)
    assert page.status_code == 422
    for words in ("is or was somebody", 'value="Coordinator"', 'value="Li Wei"', f'value="{WHY}"'):
        assert words in page.content.decode().replace("&#x27;", "'")


@pytest.fixture
def asked_again(chief: User) -> Callable[[str], Any]:
    """The answer to an empty form that is sent by somebody who must confirm first who they are."""
    client = signed_in(chief, freshly=False)

    def send(address: str) -> Any:
        asked = client.post(address, {"name": "typed before"})
        question = asked.headers["Location"]
        assert question.startswith(reverse("account_reauthenticate"))
        back = parse_qs(urlsplit(question).query)["next"][0]
        return client.post(question, {"password": PASSWORD, "next": back})

    return send


def _of_account(account: User) -> list[int]:
    return [account.pk]


def _of_role(account: User) -> list[int]:
    role = {"role": "coordinator", "site": a_site("FAR"), "starts_on": TODAY}
    return [grant_membership(user=account, by=None, **role).pk]


def _of_client(_account: User) -> list[int]:
    made, _secret = open_client(name="edc", terms=ClientTerms(), today=TODAY, now=NOW, by=None, reason=WHY)
    return [made.pk]


def _of_trial(_account: User) -> list[Any]:
    chief = User.objects.get(username="chief")
    grant_membership(user=chief, role="data_manager", starts_on=TODAY, by=None)
    return [a_version().trial_id, "freeze"]


GUARDED = [
    ("open-account", lambda _account: []),
    ("person", _of_account),
    ("correct-account", _of_account),
    ("grant", lambda _account: []),
    ("withdraw", _of_role),
    ("api-client-new", lambda _account: []),
    ("api-client-rotate", _of_client),
    ("api-client-end", _of_client),
    ("webhook-new", _of_client),
    ("trial-closing", _of_trial),
]


@pytest.mark.parametrize("query", ["", "?user=1"])
@pytest.mark.parametrize(("name", "arguments"), GUARDED)
def test_what_is_refused_after_the_question_can_be_sent_again(
    asked_again: Callable[[str], Any], person: User, name: str, arguments: Any, query: str
) -> None:
    """The answer stands at the address of the question: its form leads back to where it belongs."""
    address = reverse(name, args=arguments(person)) + query
    page = asked_again(address)
    assert page.status_code == 422, "what was sent is judged, not thrown away"
    assert f'<form method="post" action="{address}"' in page.content.decode()


def test_the_form_of_a_token_that_is_refused_after_the_question_names_its_own_address(
    asked_again: Callable[[str], Any],
) -> None:
    """In Records a script gives the form the address of the window: the page names its own to it."""
    address = reverse("admin:trials_apitoken_add") + "?user=1"
    page = asked_again(address).content.decode()
    assert 'value="typed before"' in page
    assert f'action="{address}"' in page
    assert f'<meta name="own-address" content="{address}">' in page


def test_a_change_asks_again_who_one_is_and_then_does_it(chief: User, person: User) -> None:
    client = signed_in(chief, freshly=False)
    address = reverse("person", args=[person.pk])
    asked = client.post(address, {"action": "deactivate", "reason": "left"})
    assert asked.headers["Location"].startswith(reverse("account_reauthenticate"))
    assert User.objects.get(pk=person.pk).is_active
    wrong = client.post(asked.headers["Location"], {"password": "wrong", "next": address})
    assert "not your password" in wrong.content.decode()
    client.post(asked.headers["Location"], {"password": PASSWORD, "next": address})
    assert not User.objects.get(pk=person.pk).is_active
    entry = AuditEntry.objects.filter(model="trials.user", object_id=person.pk).latest("id")
    assert (entry.actor, entry.roles, entry.reason) == ("chief", "administrator", "left")


ACTS = [
    ("link", {"link_issued_at"}),
    ("deactivate", {"is_active"}),
]


@pytest.mark.parametrize(("action", "changed"), ACTS)
def test_every_act_is_recorded_with_its_reason(chief: User, person: User, action: str, changed: set) -> None:
    signed_in(chief).post(reverse("person", args=[person.pk]), {"action": action, "reason": WHY})
    entry = AuditEntry.objects.filter(model="trials.user", object_id=person.pk).latest("id")
    assert (entry.actor, entry.reason, entry.cause) == ("chief", WHY, "POST person")
    assert set(json.loads(entry.new)) == changed


def test_a_printed_name_is_corrected_for_a_reason(chief: User, person: User) -> None:
    address = reverse("correct-account", args=[person.pk])
    client = signed_in(chief)
    assert client.post(address, {"name": "Li Wei", "email": "", "reason": ""}).status_code == 422
    assert client.post(address, {"name": "Li Wei", "email": "", "reason": WHY}).status_code == 302
    assert User.objects.get(pk=person.pk).get_full_name() == "Li Wei"


class TestWhoAdministersWhom:
    """One administers where one has that role, and nobody else."""

    CASES = [
        ("nobody with a role yet", {}, 200, True),
        ("somebody of the same site", {"site": "WH"}, 200, True),
        ("somebody of that site and another", {"site": "WH", "also": "BJ"}, 200, False),
        ("somebody of another site", {"site": "BJ"}, 404, False),
    ]

    @pytest.mark.parametrize(("who", "roles", "status", "may"), CASES, ids=[case[0] for case in CASES])
    def test_a_sites_administrator(
        self, local: User, person: User, who: str, roles: dict[str, str], status: int, may: bool
    ) -> None:
        for code in roles.values():
            grant_membership(user=person, role="monitor", site=a_site(code), starts_on=TODAY, by=None)
        client, address = signed_in(local), reverse("person", args=[person.pk])
        assert client.get(address).status_code == status, who
        assert may_change_account(local, person, TODAY) is may
        answer = client.post(address, {"action": "deactivate", "reason": "left"})
        assert answer.status_code == (302 if may else 404 if status == 404 else 403)
        assert User.objects.get(pk=person.pk).is_active is not may

    def test_a_superuser_is_out_of_an_administrators_sight(self, chief: User) -> None:
        root = User.objects.create_superuser("root")
        client = signed_in(chief)
        assert client.get(reverse("person", args=[root.pk])).status_code == 404
        assert "root" not in client.get(reverse("people")).content.decode()

    @pytest.mark.parametrize("name", ["people", "open-account", "failed-sign-ins"])
    def test_for_others_there_are_no_such_pages(self, person: User, name: str) -> None:
        assert signed_in(person).get(reverse(name)).status_code == 404
        assert Client().get(reverse(name)).status_code == 302
