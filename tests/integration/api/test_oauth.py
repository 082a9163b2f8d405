"""OAuth 2 client credentials: access tokens for an hour, bounded by trial, site and act, and rotation."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from participants.models import Participant
from schedules.models import Visit
from schedules.services.enrolment.enrolling import enrol
from tests.cast import NOW, TODAY, a_site, an_enrolment, show_who_one_is
from tests.readers import all_pages, problem
from trials.domain.accounts.accounts import NameTaken
from trials.domain.errors import Refused
from trials.models import AccessToken, ApiAct, ApiClient, AuditEntry, ClientSecret, User
from trials.services.accounts.clients import ClientTerms, end_client, open_client, rotate_client_secret

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen")]
TOKEN = "/api/v1/oauth/token"
WHY: dict[str, Any] = {"today": TODAY, "now": NOW, "by": None, "reason": "The EDC of the trial."}
FORM = "application/x-www-form-urlencoded"
Open = Callable[..., tuple[ApiClient, str]]


def a_client(name: str = "rave-live", **terms: Any) -> tuple[ApiClient, str]:
    return open_client(name=name, terms=ClientTerms(**{"acts": ApiAct.values, **terms}), **WHY)


def asked(client: ApiClient, secret: str, scope: str = "", **body: str) -> Any:
    basic = base64.b64encode(f"{client.client_id}:{secret}".encode()).decode()
    data = {"grant_type": "client_credentials", **({"scope": scope} if scope else {}), **body}
    encoded = "&".join(f"{name}={value}" for name, value in data.items())
    return Client().post(TOKEN, encoded, content_type=FORM, headers={"authorization": f"Basic {basic}"})


def bearer(client: ApiClient, secret: str, scope: str = "") -> dict[str, str]:
    return {"authorization": f"Bearer {asked(client, secret, scope).json()['access_token']}"}


def test_a_client_gets_a_token_for_an_hour_which_is_kept_as_its_digest(
    participant: Participant, time_machine_later: Any
) -> None:
    client, secret = a_client()
    answer = asked(client, secret)
    given = answer.json()
    assert (answer.status_code, given["token_type"], given["expires_in"]) == (200, "Bearer", 3600)
    assert given["scope"].split() == ApiAct.values
    assert "no-store" in answer["Cache-Control"]
    kept = AccessToken.objects.get()
    assert given["access_token"] not in str(vars(kept))
    assert secret not in str(vars(ClientSecret.objects.get()))
    header = {"authorization": f"Bearer {given['access_token']}"}
    assert Client().get("/api/v1/visits", headers=header).status_code == 200
    client.refresh_from_db()
    assert client.last_used_on == TODAY
    with time_machine_later(timedelta(hours=1)):
        wrong = problem(Client().get("/api/v1/visits", headers=header))
        assert (wrong["status"], wrong["code"]) == (401, "authentication_failed")


def test_the_secret_may_stand_in_the_body_and_the_addresses_are_published() -> None:
    client, secret = a_client()
    where = Client().get("/.well-known/oauth-authorization-server").json()
    data = f"grant_type=client_credentials&client_id={client.client_id}&client_secret={secret}"
    answer = Client().post(where["token_endpoint"], data, content_type=FORM)
    assert answer.status_code == 200
    assert "client_secret_post" in where["token_endpoint_auth_methods_supported"]


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ("grant_type=password&username=a&password=b", 400, "unsupported_grant_type"),
        ("scope=read", 400, "invalid_request"),
        ("grant_type=client_credentials&scope=everything", 400, "invalid_scope"),
        ("grant_type=client_credentials&scope=facts:write", 400, "invalid_scope"),
        ("grant_type=client_credentials&scope=trial:NONE", 400, "invalid_scope"),
        ("grant_type=client_credentials&scope=site:BJ", 400, "invalid_scope"),
        ("grant_type=client_credentials&client_id=other", 401, "invalid_client"),
        ("grant_type=client_credentials&client_secret=wrong&client_id=", 200, ""),
        ("%ff%fe" * 3, 400, ""),
        ("a" * 9000, 400, "invalid_request"),
    ],
)
def test_what_cannot_be_granted_is_refused_in_the_words_of_oauth(
    participant: Participant, body: str, status: int, error: str
) -> None:
    a_site("BJ")
    client, secret = a_client(acts=["read", "visits:write"], site=participant.site)
    basic = base64.b64encode(f"{client.client_id}:{secret}".encode()).decode()
    answer = Client().post(TOKEN, body, content_type=FORM, headers={"authorization": f"Basic {basic}"})
    assert answer.status_code == status, answer.content
    if error:
        assert answer.json()["error"] == error
    assert AccessToken.objects.count() == (status == 200)


@pytest.mark.parametrize("header", ["Basic", "Basic !", "Basic bm9uZQ==", "Bearer x", ""])
def test_a_wrong_secret_is_refused_and_counted(header: str) -> None:
    body = "grant_type=client_credentials"
    headers = {"authorization": header}
    answer = Client().post(TOKEN, body, content_type=FORM, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer["WWW-Authenticate"].startswith("Basic")
    for _more in range(20):
        answer = Client().post(TOKEN, body, content_type=FORM, headers=headers)
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_another_method_or_media_type_is_refused(method: str) -> None:
    answer = getattr(Client(), method)(TOKEN)
    assert (answer.status_code, answer["Allow"], answer.json()["error"]) == (405, "POST", "invalid_request")
    assert Client().post(TOKEN, "{}", content_type="application/json").status_code == 400
    large = Client().post(TOKEN, b"a" * 3_000_000, content_type=FORM)
    assert (large.status_code, large.json()["error"]) == (400, "invalid_request")


def test_a_scope_narrows_what_the_client_may_do(participant: Participant) -> None:
    there = an_enrolment(participant.protocol_version, subject_code="S02-001", site=a_site("BJ"))
    enrol(enrolment=there, by=None)
    client, secret = a_client()
    narrow = bearer(client, secret, "read trial:CART-SLE site:BJ".replace(" ", "%20"))
    seen = all_pages(lambda at: Client().get(at, headers=narrow), "/api/v1/visits")
    assert {visit["site"] for visit in seen} == {"BJ"}
    visit = Visit.objects.first()
    assert visit is not None
    answer = Client().patch(
        f"/api/v1/visits/{visit.pk}",
        {"missed": True},
        content_type="application/json",
        headers={**narrow, "if-match": '"1"'},
    )
    assert problem(answer)["code"] == "act_not_allowed"


def test_what_a_client_does_stands_under_its_name(participant: Participant) -> None:
    client, secret = a_client(site=participant.site, trial=participant.trial, acts=["read", "visits:write"])
    visit = Visit.objects.filter(participant=participant, opens__lte=TODAY).order_by("target").first()
    assert visit is not None
    source = {"system": "Rave", "at": "2026-11-21T08:30:00+08:00", "record": "SE-17"}
    answer = Client().patch(
        f"/api/v1/visits/{visit.pk}",
        {"missed": True, "reason": "Did not come.", "source": source},
        content_type="application/json",
        headers={**bearer(client, secret), "if-match": f'"{visit.version}"'},
    )
    assert answer.status_code == 200, answer.content
    entry = AuditEntry.objects.filter(model="schedules.visit", object_id=str(visit.pk)).latest("id")
    assert (entry.actor, entry.roles, entry.reason) == ("rave-live", "data_manager", "Did not come.")
    assert entry.cause == "PATCH api-visit; client rave-live; source Rave 2026-11-21T08:30:00+08:00 SE-17"


def test_each_client_has_a_limit_of_its_own() -> None:
    slow, fast = a_client("slow", requests_per_minute=2), a_client("fast")
    headers = [bearer(*one) for one in (slow, fast)]
    codes = [[Client().get("/api/v1/trials", headers=one).status_code for _n in range(4)] for one in headers]
    assert codes == [[200, 200, 429, 429], [200] * 4]


def test_the_language_of_a_client_is_fixed(participant: Participant) -> None:
    header = bearer(*a_client(language="zh-hans"))
    answer = Client().get("/api/v1/visits?colour=red", headers={**header, "accept-language": "en"})
    assert "没有" in problem(answer)["detail"]


def test_rotation_lets_the_secret_before_go_on_for_the_overlap(time_machine_later: Any) -> None:
    client, first = a_client()
    second = rotate_client_secret(client=client, overlap_days=7, now=NOW, by=None, reason="Yearly.")
    assert asked(client, first).status_code == asked(client, second).status_code == 200
    third = rotate_client_secret(client=client, overlap_days=7, now=NOW, by=None, reason="Again.")
    assert [asked(client, one).status_code for one in (first, second, third)] == [401, 200, 200]
    old = bearer(client, second)
    with time_machine_later(timedelta(days=7)):
        cache.clear()
        assert [asked(client, one).status_code for one in (second, third)] == [401, 200]
    rotate_client_secret(client=client, overlap_days=0, now=NOW, by=None, reason="It leaked.")
    assert Client().get("/api/v1/trials", headers=old).status_code == 401, "its tokens end with it"
    with pytest.raises(Refused, match="0 to 30 days"):
        rotate_client_secret(client=client, overlap_days=31, now=NOW, by=None, reason="Long.")


def test_an_ended_client_opens_nothing_and_its_name_is_never_reused(time_machine_later: Any) -> None:
    client, secret = a_client()
    header = bearer(client, secret)
    end_client(client=client, now=NOW, by=None, reason="The trial is over.")
    assert Client().get("/api/v1/trials", headers=header).status_code == 401
    assert asked(client, secret).status_code == 401
    client.user.refresh_from_db()
    assert not client.user.is_active
    assert client.user.memberships.filter(withdrawn_at=None).count() == 0
    with pytest.raises(Refused, match="ended already"):
        end_client(client=client, now=NOW, by=None, reason="Again.")
    with pytest.raises(NameTaken):
        a_client()
    short, word = a_client("short", expires_at=NOW + timedelta(minutes=10))
    assert asked(short, word).json()["expires_in"] == 600
    with time_machine_later(timedelta(minutes=10)):
        assert asked(short, word).status_code == 401


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"acts": []}, "acts"),
        ({"acts": ["everything"]}, "acts"),
        ({"requests_per_minute": 0}, "requests_per_minute"),
        ({"expires_at": NOW}, "expires_on"),
    ],
)
def test_terms_that_cannot_hold_are_refused(terms: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as refused:
        a_client(**terms)
    assert set(refused.value.fields) == {field}
    assert not User.objects.filter(username="rave-live").exists()


def test_an_administrator_makes_rotates_and_ends_a_client_on_its_page(
    client: Client, participant: Participant
) -> None:
    client.force_login(User.objects.create_superuser("root"))
    show_who_one_is(client)
    data = {
        "name": "castor",
        "acts": ["read", "visits:write"],
        "language": "en",
        "reason": "For the EDC.",
        "requests_per_minute": "600",
        "trial": participant.trial_id,
        "site": participant.site_id,
    }
    page = client.post(reverse("api-client-new"), data)
    made = ApiClient.objects.get()
    assert "dzs_" in page.content.decode()
    assert page["Cache-Control"].count("no-store")
    assert (made.site, made.acts, made.requests_per_minute) == (
        participant.site, ["read", "visits:write"], 600,
    )  # fmt: skip
    assert "dzs_" not in client.get(reverse("api-client", args=[made.pk])).content.decode()
    again = client.post(reverse("api-client-new"), data)
    assert again.status_code == 422
    assert "castor" in again.content.decode()
    rotated = client.post(
        reverse("api-client-rotate", args=[made.pk]), {"overlap_days": "7", "reason": "Yearly."}
    )
    assert "dzs_" in rotated.content.decode()
    assert made.secrets.count() == 2
    assert client.post(reverse("api-client-end", args=[made.pk]), {"reason": ""}).status_code == 422
    client.post(reverse("api-client-end", args=[made.pk]), {"reason": "Over."})
    made.refresh_from_db()
    assert made.ended_at == NOW
    assert "castor" in client.get(reverse("api-clients")).content.decode()


def test_nobody_else_sees_clients(client: Client, edc: User) -> None:
    made, _secret = a_client()
    client.force_login(edc)
    show_who_one_is(client)
    for name in ("api-clients", "api-client-new"):
        assert client.get(reverse(name)).status_code in {403, 404}
    assert client.get(reverse("api-client", args=[made.pk])).status_code == 404
