"""Sessions end by themselves, and lack nothing that a role asks for."""

from __future__ import annotations

import base64
import re
from datetime import timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from axes.models import AccessFailureLog
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse

from tests.cast import NOW, TODAY
from tests.integration.accounts.conftest import PASSWORD, signed_in
from trials.models import AuditEntry, User
from trials.services.accounts.accounts import remove_second_factors
from trials.services.accounts.memberships import grant_membership

pytestmark = pytest.mark.django_db
SECRET = base64.b32encode(b"twenty bytes long!!!").decode()


def code() -> str:
    return format_hotp_value(hotp_value(SECRET, next(iter(yield_hotp_counters_from_time()))))


@pytest.fixture
def guarded(person: User) -> User:
    """Somebody with an authenticator app."""
    with_request = RequestFactory().get("/")
    from allauth.core import context

    with context.request_context(with_request):
        TOTP.activate(person, SECRET)
    return person


class TestIdleSessionsEnd:
    """Idle sessions end."""

    @pytest.mark.parametrize(
        ("minutes", "status", "why"),
        [
            ([30], 200, "half an hour is not too long"),
            ([31], 302, "more than that is"),
            ([20, 20, 20], 200, "whoever works stays"),
            ([20, 31], 302, "and is counted anew from the last use"),
        ],
    )
    def test_after_half_an_hour(self, person: User, minutes: list[int], status: int, why: str) -> None:
        with time_machine.travel(NOW, tick=False) as clock:
            client = signed_in(person)
            for stretch in minutes:
                clock.shift(timedelta(minutes=stretch))
                answer = client.get("/")
            assert answer.status_code == status, why

    def test_it_is_said_and_one_comes_back_to_where_one_was(self, person: User) -> None:
        with time_machine.travel(NOW, tick=False) as clock:
            client = signed_in(person)
            clock.shift(timedelta(hours=1))
            page = client.get("/participants/", follow=True)
        assert page.redirect_chain == [("/accounts/login/?next=/participants/", 302)]
        assert "signed out after 30 minutes without use" in page.content.decode()

    def test_the_server_ends_it_whatever_the_browser_keeps(self, person: User) -> None:
        with time_machine.travel(NOW, tick=False) as clock:
            client = signed_in(person)
            stolen = client.cookies["sessionid"].value
            clock.shift(timedelta(hours=1))
            client.get("/")
            clock.move_to(NOW)
            again = Client()
            again.cookies["sessionid"] = stolen
            assert again.get("/").status_code == 302

    def test_the_length_is_a_setting(self, person: User, settings) -> None:
        settings.SESSION_IDLE_MINUTES = 5
        with time_machine.travel(NOW, tick=False) as clock:
            client = signed_in(person)
            clock.shift(timedelta(minutes=6))
            assert client.get("/").status_code == 302


class TestWhatWasTypedIsKept:
    """A form that arrives after its session ended waits for its sender."""

    TYPED = {"subject_code": "S01-009", "traits": ["minor", "lymphodepletion"], "password": "never kept"}

    def ended(self, user: User) -> Client:
        with time_machine.travel(NOW, tick=False) as clock:
            client = signed_in(user)
            clock.shift(timedelta(hours=1))
            answer = client.post("/participants/enrol/?version=3", self.TYPED)
        assert answer.headers["Location"] == "/accounts/login/?next=/accounts/kept/"
        return client

    def back(self, client: Client, name: str) -> str:
        form = {"login": name, "password": PASSWORD, "next": "/accounts/kept/"}
        with time_machine.travel(NOW + timedelta(hours=2), tick=False):
            return str(client.post(reverse("login"), form, follow=True).content.decode())

    def test_and_offered_again_to_whoever_typed_it(self, person: User) -> None:
        client = self.ended(person)
        text = self.back(client, "coordinator")
        assert 'action="/participants/enrol/?version=3"' in text
        for field in ("S01-009", "minor", "lymphodepletion"):
            assert f'value="{field}"' in text
        assert "never kept" not in text
        assert client.get("/accounts/kept/").status_code == 302, "once"

    def test_but_no_secret_that_is_stored_encrypted(self, person: User) -> None:
        robot = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=its-key"
        with time_machine.travel(NOW, tick=False) as clock:
            client = signed_in(person)
            clock.shift(timedelta(hours=1))
            client.post("/channels/add/", {"name": "Ward", "address": robot, "secret": "SEC1"})
        held = str(dict(client.session))
        assert "its-key" not in held
        assert "SEC1" not in held
        text = self.back(client, "coordinator")
        assert 'value="Ward"' in text
        assert "its-key" not in text

    def test_but_to_nobody_else_at_the_same_keyboard(self, person: User, chief: User) -> None:
        assert "S01-009" not in self.back(self.ended(person), "chief")


class TestAFormOpenedBeforeSigningInAgain:
    """In another tab one signed in again: the tokens of this one's forms are those of before."""

    SENT = {"name": "all mine", "query": "mine=1", "csrfmiddlewaretoken": "x" * 64}

    def sent(self, user: User, origin: str, **headers: str) -> tuple[Client, HttpResponse]:
        client = Client(enforce_csrf_checks=True)
        client.force_login(user)
        client.get("/accounts/")
        headers |= {"Origin": origin} if origin else {}
        return client, client.post("/today/views/", self.SENT, headers=headers)

    def test_is_offered_again_and_can_be_sent(self, person: User) -> None:
        client, answer = self.sent(person, "http://testserver")
        assert answer.headers["Location"] == "/accounts/kept/"
        page = client.get("/accounts/kept/").content.decode()
        assert "You signed in again after this form was opened" in page
        assert 'action="/today/views/"' in page
        assert 'value="all mine"' in page

    def test_in_place_the_page_goes_where_it_is_offered(self, person: User) -> None:
        _client, answer = self.sent(person, "http://testserver", **{"HX-Request": "true"})
        assert (answer.status_code, answer.headers["HX-Redirect"]) == (200, "/accounts/kept/")

    @pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", ""])
    def test_what_comes_from_elsewhere_is_refused(self, person: User, origin: str) -> None:
        client, answer = self.sent(person, origin)
        assert answer.status_code == 403
        assert client.get("/accounts/kept/").status_code == 302, "nothing is kept of it"


class TestSecondFactor:
    def test_the_code_of_an_app_is_asked_for_and_opens(self, guarded: User, client: Client) -> None:
        asked = client.post(reverse("login"), {"login": "coordinator", "password": PASSWORD})
        assert asked.headers["Location"] == reverse("mfa_authenticate")
        assert client.get("/").status_code == 302, "a password alone opens nothing"
        assert client.post(reverse("mfa_authenticate"), {"code": code()}).headers["Location"] == "/"
        assert client.get("/").status_code == 200

    def test_wrong_codes_are_recorded_and_lock_the_account(self, guarded: User, client: Client) -> None:
        client.post(reverse("login"), {"login": "coordinator", "password": PASSWORD})
        statuses = [
            client.post(reverse("mfa_authenticate"), {"code": "000000"}).status_code for _ in range(5)
        ]
        assert statuses == [200] * 4 + [429]
        assert AccessFailureLog.objects.filter(username="coordinator").count() == 5
        cache.clear()
        assert client.post(reverse("mfa_authenticate"), {"code": code()}).status_code == 200
        assert client.get("/").status_code == 302, "not even the right code opens a locked account"

    def test_an_app_is_set_up_recovery_codes_come_with_it_and_open_once(self, person: User) -> None:
        client = signed_in(person)
        page = client.get(reverse("mfa_activate_totp")).content.decode()
        assert "style=" not in page
        secret = client.session["mfa.totp.secret"]
        counter = next(iter(yield_hotp_counters_from_time()))
        shown = client.post(
            reverse("mfa_activate_totp"),
            {"code": format_hotp_value(hotp_value(secret, counter))},
            follow=True,
        )
        codes = re.findall(r"\b\d{8}\b", shown.content.decode())
        assert len(codes) == 10
        for expected in (302, 200):
            browser = Client()
            browser.post(reverse("login"), {"login": "coordinator", "password": PASSWORD})
            assert browser.post(reverse("mfa_authenticate"), {"code": codes[0]}).status_code == expected

    def test_secrets_are_kept_encrypted_and_never_reach_the_trail(self, guarded: User) -> None:
        kept = Authenticator.objects.get(user=guarded)
        assert SECRET not in str(kept.data)
        entry = AuditEntry.objects.get(model="mfa.authenticator")
        assert (entry.action, "data" in entry.new, '"totp"' in entry.new) == ("create", False, True)

    def test_lost_ones_are_taken_away_for_a_reason_and_on_record(self, guarded: User, chief: User) -> None:
        assert remove_second_factors(user=guarded, by=chief, reason="phone lost") == 1
        entry = AuditEntry.objects.filter(model="mfa.authenticator").latest("id")
        assert (entry.action, entry.actor, entry.reason) == ("delete", "chief", "phone lost")

    @pytest.mark.parametrize(
        ("asked", "role", "sent_away", "why"),
        [
            ([], "coordinator", False, "nobody has to on a machine of one's own"),
            (["everybody"], None, True, "everybody is everybody"),
            (["coordinator"], "coordinator", True, "this role has to"),
            (["administrator"], "coordinator", False, "another role has to"),
        ],
    )
    def test_a_role_can_ask_for_one(self, person: User, settings, asked, role, sent_away, why) -> None:
        settings.SECOND_FACTOR_ROLES = asked
        if role:
            grant_membership(user=person, role=role, starts_on=TODAY, by=None)
        answer = signed_in(person).get("/participants/")
        assert (answer.status_code == 302) is sent_away, why
        assert not sent_away or answer.headers["Location"] == reverse("mfa_index")

    def test_whoever_has_one_goes_on_until_it_is_taken_away(self, guarded: User, settings) -> None:
        settings.SECOND_FACTOR_ROLES = ["everybody"]
        client = signed_in(guarded)
        assert client.get("/").status_code == 200
        client.post(reverse("mfa_deactivate_totp"))
        assert client.get("/").headers["Location"] == reverse("mfa_index")

    def test_the_pages_of_passkeys_run_scripts_of_ours_alone(self, person: User) -> None:
        text = signed_in(person).get(reverse("mfa_add_webauthn")).content.decode()
        assert "/static/mfa/js/webauthn.js" in text
        for part in text.split("<script")[1:]:
            assert " src=" in part.split(">")[0] or 'type="application/json"' in part.split(">")[0]


class TestShowingAgainWhoOneIs:
    @pytest.mark.parametrize(
        ("minutes", "asked", "why"),
        [(4, False, "it holds for five minutes"), (6, True, "and no longer")],
    )
    def test_it_holds_for_a_while(self, chief: User, minutes: int, asked: bool, why: str) -> None:
        with time_machine.travel(NOW, tick=False) as clock:
            client = signed_in(chief)
            clock.shift(timedelta(minutes=minutes))
            answer = client.post(reverse("open-account"), {})
        assert (answer.status_code == 302) is asked, why

    def test_signing_in_is_not_enough(self, chief: User, client: Client) -> None:
        client.post(reverse("login"), {"login": "chief", "password": PASSWORD})
        assert client.post(reverse("open-account"), {}).status_code == 302

    def test_somebody_who_can_show_nothing_is_told_what_to_do(self, chief: User, client: Client) -> None:
        chief.set_unusable_password()
        chief.save()
        client.force_login(chief)
        answer = client.post(reverse("open-account"), {})
        assert answer.status_code == 403
        assert "Add a passkey" in answer.content.decode()


def test_changing_the_password_keeps_this_session_and_ends_the_others(person: User) -> None:
    here, there = signed_in(person), signed_in(person)
    new = {"oldpassword": PASSWORD, "password1": "quite another secret", "password2": "quite another secret"}
    assert here.post(reverse("account_change_password"), new).status_code == 302
    assert (here.get("/").status_code, there.get("/").status_code) == (200, 302)
    assert User.objects.get(pk=person.pk).password_set_at


WEAK = [
    ("coordinator12", "too similar"),
    ("12345678901234", "entirely numeric"),
    ("qwerty123456", "too common"),
    ("eleven-char", "at least 12"),
]


@pytest.mark.parametrize(("password", "why"), WEAK)
def test_weak_passwords_are_refused_in_words(person: User, password: str, why: str) -> None:
    form = {"oldpassword": PASSWORD, "password1": password, "password2": password}
    page: HttpResponse = signed_in(person).post(reverse("account_change_password"), form)
    assert why in page.content.decode()
