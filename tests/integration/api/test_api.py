"""Who may read the API, and in which words it refuses."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from participants.models import Participant
from schedules.services.enrolment.enrolling import enrol
from tests.cast import NOW, TODAY, a_site, a_version, an_enrolment
from tests.readers import Ask, all_pages, problem
from trials.keyset import read_cursor, write_cursor
from trials.models import ApiToken, Membership, User
from trials.services.accounts.tokens import revoke_api_token

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen")]
UNKNOWN = "This token is unknown or was revoked. Ask an administrator for one."


@pytest.mark.parametrize(
    ("header", "detail", "why"),
    [
        ("", "Authentication credentials were not provided.", "nobody"),
        ("Bearer", "Write “Authorization: Bearer”, a space, and one token.", "no token"),
        ("Bearer a b", "Write “Authorization: Bearer”, a space, and one token.", "two"),
        (
            "Bearer dz_unknown",
            "This token is unknown or was revoked. Ask an administrator for one.",
            "unknown",
        ),
        ("Bearer \u00e9", "This token is unknown or was revoked. Ask an administrator for one.", "not ASCII"),
        ("Basic YTpi", "Authentication credentials were not provided.", "another scheme"),
    ],
)
def test_401_says_what_would_be_right(participant: Participant, header: str, detail: str, why: str) -> None:
    answer = Client().get("/api/v1/visits", headers={"authorization": header} if header else {})
    assert problem(answer)["detail"] == detail, why
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Bearer realm="Dayzero"'


def test_a_revoked_token_is_unknown(ask: Ask) -> None:
    assert ask("/api/v1/visits").status_code == 200
    revoke_api_token(token=ApiToken.objects.get(), now=NOW)
    assert ask("/api/v1/visits").status_code == 401


def test_a_token_of_somebody_who_left_is_unknown(ask: Ask, edc: User) -> None:
    User.objects.filter(pk=edc.pk).update(is_active=False)
    assert ask("/api/v1/visits").status_code == 401


def test_the_day_of_use_is_kept_and_written_once_a_day(ask: Ask) -> None:
    for minutes in (0, 5, 10):
        with CaptureQueriesContext(connection) as queries:
            ask("/api/v1/visits", at=NOW + timedelta(minutes=minutes))
        writes = [query for query in queries if query["sql"].startswith("UPDATE")]
        assert len(writes) == (1 if minutes == 0 else 0)
    assert ApiToken.objects.get().last_used_on == TODAY
    ask("/api/v1/visits", at=NOW + timedelta(days=1))
    assert ApiToken.objects.get().last_used_on == TODAY + timedelta(days=1)


def test_what_is_out_of_sight_does_not_exist(ask: Ask, participant: Participant) -> None:
    there = enrol(
        enrolment=an_enrolment(participant.protocol_version, subject_code="S02-001", site=a_site("BJ")),
        by=None,
    )
    assert {visit["site"] for visit in all_pages(ask, "/api/v1/visits")} == {"WH"}
    for pk in (there.pk, 987654321, 2**63, 10**30):
        assert problem(ask(f"/api/v1/participants/{pk}"))["status"] == 404
    Membership.objects.update(ends_on=TODAY)
    tomorrow = NOW + timedelta(days=1)
    for address in ("visits", f"participants/{participant.pk}"):
        assert problem(ask(f"/api/v1/{address}", at=tomorrow))["status"] == 403


@pytest.mark.parametrize("address", ["", "visits/", "nonsense", "participants/S01-001", "participants/-1"])
def test_any_other_address_is_not_found_in_the_same_form(address: str) -> None:
    for method in ("get", "post", "delete"):
        wrong = problem(getattr(Client(), method)(f"/api/v1/{address}"))
        assert wrong["status"] == 404
        assert "/api/v1/docs/" in wrong["detail"]


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_reading_only(token: str, method: str) -> None:
    answer = getattr(Client(), method)("/api/v1/visits", headers={"authorization": f"Bearer {token}"})
    assert problem(answer)["status"] == 405


@pytest.mark.parametrize(
    ("query", "attr", "right"),
    [
        ("trial=NCT1", "trial", "Possible: CART-SLE"),
        ("site=XX", "site", "Possible: WH"),
        ("participant=99999", "participant", "not visible to you"),
        ("participant=S01-001", "participant", "integer"),
        ("participant=9999999999999999999999", "participant", "less than or equal"),
        ("window=late", "window", "not a valid choice"),
        ("appointment=overdue", "appointment", "not a valid choice"),
        ("status=due", "status", "possible are "),
        ("target_from=7.12.2026", "target_from", "YYYY-MM-DD"),
        ("target_from=2026-12-07&target_to=2026-12-06", "target_to", "2026-12-07 or a later day"),
        ("page_size=0", "page_size", "greater than or equal to 1"),
        ("page_size=201", "page_size", "less than or equal to 200"),
        ("cursor=abc", "cursor", "leave it out to start again"),
        ("cursor=%00", "cursor", "leave it out to start again"),
        ("colour=red", "colour", "possible are "),
        ("trial=%00", "trial", "Null characters"),
    ],
)
def test_400_says_what_would_be_right(ask: Ask, query: str, attr: str, right: str) -> None:
    wrong = problem(ask(f"/api/v1/visits?{query}"))
    assert wrong["status"] == 400
    assert wrong["attr"] == attr
    assert right in wrong["detail"]


def test_all_that_is_wrong_is_told_at_once(ask: Ask) -> None:
    body = ask("/api/v1/visits?window=late&page_size=0&target_to=never").json()
    assert {error["attr"] for error in body["errors"]} == {"window", "page_size", "target_to"}


def test_a_trial_out_of_sight_is_not_among_what_is_possible(ask: Ask, participant: Participant) -> None:
    a_version("NCT07274059")
    Membership.objects.update(trial=participant.trial)
    wrong = problem(ask("/api/v1/visits?trial=NCT07274059"))
    assert wrong["detail"].endswith("Possible: CART-SLE.")


def test_406_says_what_would_be_right(ask: Ask) -> None:
    wrong = problem(ask("/api/v1/visits", accept="application/xml"))
    assert wrong["status"] == 406
    assert "application/json" in wrong["detail"]


@pytest.mark.parametrize(
    "text",
    ["", "abc", "W10", "bnVsbA", "WyIyMDI2LTEyLTA3Il0", "WyIyMDI2LTEyLTA3IiwtMV0", "é", "W" * 9999,
     write_cursor((date(2026, 12, 7), 1)) + "=", "WyIyMDI2LTEyLTA3Iix0cnVlXQ"],
)  # fmt: skip
def test_no_cursor(text: str) -> None:
    with pytest.raises(ValueError):
        read_cursor(text)


def test_cursor_round_trip() -> None:
    for key in [(date(2026, 12, 7), 1), (date.max, 2**63 - 1), (date.min, 0)]:
        assert read_cursor(write_cursor(key)) == key
