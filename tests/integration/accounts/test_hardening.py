"""What browsers are told, what may be sent, how often one may ask, and who is named for what is written."""

from __future__ import annotations

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.cast import TODAY, a_site
from tests.integration.accounts.conftest import signed_in
from trials.addresses import client_address
from trials.audit.acts import caused_by, recorded
from trials.models import AuditEntry, Site, User
from trials.services.accounts.memberships import grant_membership
from trials.services.accounts.tokens import issue_api_token
from trials.web.shared.acting import ActMiddleware

VISITS = "/api/v1/visits"
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Referrer-Policy", "same-origin"),
        ("X-Frame-Options", "DENY"),
        ("X-Content-Type-Options", "nosniff"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Permissions-Policy", "camera=()"),
        ("Permissions-Policy", "publickey-credentials-get=(self)"),
        ("Content-Security-Policy", "frame-ancestors 'none'"),
        ("Content-Security-Policy", "form-action 'self'"),
    ],
)
def test_browsers_are_told(client: Client, header: str, value: str) -> None:
    assert value in client.get(reverse("login")).headers[header]


@pytest.mark.parametrize(
    ("proxies", "forwarded", "remote", "address", "why"),
    [
        (0, "", "10.0.0.7", "10.0.0.7", "asked directly"),
        (0, "1.2.3.4", "10.0.0.7", "10.0.0.7", "a header that anybody may write counts for nothing"),
        (1, "6.6.6.6, 1.2.3.4", "10.0.0.1", "1.2.3.4", "our proxy adds the last one"),
        (1, "", "10.0.0.1", "10.0.0.1", "the proxy itself, looking after us"),
        (1, "not an address", "10.0.0.1", None, "nothing that could be kept"),
    ],
)
def test_where_a_request_comes_from(settings, proxies, forwarded, remote, address, why) -> None:
    settings.PROXY_COUNT = proxies
    more = {"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {}
    assert client_address(RequestFactory().get("/", REMOTE_ADDR=remote, **more)) == address, why


@pytest.mark.parametrize(
    ("content", "status", "why"),
    [(b"x" * 900, 302, "as much as is allowed"), (b"x" * 1100, 400, "more than that")],
)
def test_files_are_bounded(settings, content: bytes, status: int, why: str) -> None:
    settings.UPLOAD_MAX_BYTES = 1000
    upload = SimpleUploadedFile("protocol.yaml", content)
    assert Client().post(reverse("theme"), {"file": upload, "theme": "dark"}).status_code == status, why


def test_what_was_refused_is_said_on_a_page_of_ours(settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    page = Client().post(reverse("theme"), {"theme": "x" * 1100}).content.decode()
    assert "Nothing was saved" in page


def test_a_replayed_or_forged_form_is_refused_on_a_page_of_ours(person: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(person)
    page = client.post(reverse("account_change_password"), {"oldpassword": "x"})
    assert page.status_code == 403
    assert "it was not saved" in page.content.decode()
    assert "style" not in page.content.decode().replace("stylesheet", "")


def test_fields_are_bounded(settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    assert Client().post(reverse("theme"), {"theme": "x" * 1100}).status_code == 400


@pytest.mark.parametrize(
    ("asked", "status", "why"),
    [
        ("trials/user/?is_active__exact=1", 200, "the list offers it"),
        ("trials/user/?password__startswith=pbkdf2", 400, "a hash would be guessed letter by letter"),
        ("trials/apitoken/?digest__startswith=0", 400, "so would a token's"),
        ("trials/apitoken/?user__password__startswith=p", 400, "nor by way of another record"),
        ("trials/membership/?site__id__exact=1", 200, "the list offers it"),
        ("schedules/visit/?participant__trial__id__exact=1", 200, "so does that of visits"),
        ("schedules/protocolwindow/?participant__trial__id__exact=1", 200, "and that of windows"),
        ("schedules/visit/?target__year=2026", 200, "and the years above it"),
        ("schedules/visit/?participant__subject_code__startswith=S", 400, "nothing else of a participant"),
        ("schedules/visit/?participant__trial__code__startswith=N", 400, "nor of what it offers"),
    ],
)
def test_the_admin_filters_by_what_it_offers_alone(asked: str, status: int, why: str) -> None:
    client = signed_in(User.objects.create_superuser("root"))
    assert client.get(f"/admin/{asked}").status_code == status, why


class TestTokens:
    def test_wrong_ones_are_limited_by_where_they_come_from(self) -> None:
        client = Client(headers={"authorization": "Bearer dz_wrong"})
        statuses = [client.get(VISITS).status_code for _ in range(21)]
        assert statuses == [401] * 20 + [429]
        last = client.get(VISITS)
        assert int(last.headers["Retry-After"]) > 0
        assert (
            Client(REMOTE_ADDR="10.1.1.1")
            .get(VISITS, headers={"authorization": "Bearer dz_other"})
            .status_code
            == 401
        )

    def test_a_good_one_works_beside_them_within_its_own_limit(self, person: User, monkeypatch) -> None:
        monkeypatch.setattr("trials.api.authentication.ASKED", 2)
        grant_membership(user=person, role="coordinator", starts_on=TODAY, by=None)
        token = issue_api_token(user=person, name="EDC")[1]
        client = Client(headers={"authorization": f"Bearer {token}"})
        assert [client.get(VISITS).status_code for _ in range(3)] == [200, 200, 429]


@recorded
def rename(*, site: Site, by: User | None) -> None:
    site.name = "New"
    site.save(update_fields=["name"])


class TestEveryActSaysWhatCausedIt:
    """The audit trail keeps the request and the roles of the day; only what writes asks for them."""

    def answered(self, user: User, method: str = "POST") -> AuditEntry:
        site = a_site()
        request = getattr(RequestFactory(), method.lower())("/participants/enrol/")
        request.user = user
        ActMiddleware(lambda _request: rename(site=site, by=user))(request)  # type: ignore[arg-type,return-value]
        return AuditEntry.objects.filter(model="trials.site").latest("id")

    def test_a_request_and_the_roles_of_the_day(self, person: User) -> None:
        for role in ("monitor", "coordinator"):
            grant_membership(user=person, role=role, starts_on=TODAY, by=None)
        grant_membership(user=person, role="designer", starts_on=TODAY.replace(year=2030), by=None)
        entry = self.answered(person)
        assert (entry.actor, entry.roles, entry.cause) == (
            "coordinator",
            "coordinator, monitor",
            "POST enrol",
        )

    def test_a_superuser_is_named_one(self) -> None:
        assert self.answered(User.objects.create_superuser("root")).roles == "superuser"

    def test_roles_are_asked_for_once_and_only_by_what_writes(self) -> None:
        asked: list[int] = []
        site = a_site()
        with caused_by("GET today", roles=lambda: asked.append(1) or "monitor"):
            assert not asked
            rename(site=site, by=None)
        assert asked == [1]

    def test_looking_costs_no_query_more(self, person: User) -> None:
        client = signed_in(person)
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse("account_change_password"))
        asked = (re.search(r"\bFROM\s+\"?(\w+)", query["sql"]) for query in queries)
        tables = [found[1] for found in asked if found]
        shell = ["trials_membership", "schedules_reminderrecipient"]  # whether it shows Enrol; the bell
        assert tables == ["django_session", "trials_user", *shell]

    def test_what_a_package_writes_is_its_users_act(self, person: User) -> None:
        client = signed_in(person)
        client.get(reverse("mfa_activate_totp"))
        from allauth.mfa.totp.internal.auth import (
            format_hotp_value,
            hotp_value,
            yield_hotp_counters_from_time,
        )

        secret = client.session["mfa.totp.secret"]
        code = format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))
        client.post(reverse("mfa_activate_totp"), {"code": code})
        entries = AuditEntry.objects.filter(model="mfa.authenticator")
        assert {(entry.actor, entry.cause) for entry in entries} == {
            ("coordinator", "POST mfa_activate_totp")
        }
        assert entries.count() == 2
