"""What machines read: who may, which pages, which words for what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from participants.models import Participant
from schedules.domain.status import VisitStatus, visit_status
from schedules.models import Visit
from schedules.selectors.api import status_condition
from schedules.selectors.stored_visits import facts_of
from schedules.services.bulk import bulk_enrol
from schedules.services.planning import enrol
from tests.cast import INFUSION, NOW, TODAY, a_site, a_version, an_enrolment
from trials.keyset import RowAfter, read_cursor, write_cursor
from trials.models import ApiToken, Membership, User
from trials.services.memberships import grant_membership
from trials.services.tokens import issue_api_token, revoke_api_token

pytestmark = pytest.mark.django_db
Ask = Callable[..., Any]
UNKNOWN = "This token is unknown or was revoked. Ask an administrator for one."


@pytest.fixture(autouse=True)
def _fresh() -> Any:
    cache.clear()
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def participant() -> Participant:
    return enrol(enrolment=an_enrolment(), by=None)


@pytest.fixture
def edc(participant: Participant) -> User:
    user = User.objects.create_user("edc")
    grant_membership(user=user, role="data_manager", site=participant.site, starts_on=TODAY, by=None)
    return user


@pytest.fixture
def token(edc: User) -> str:
    return issue_api_token(user=edc, name="EDC")[1]


@pytest.fixture
def ask(token: str) -> Ask:
    def ask(address: str, at: datetime = NOW, **headers: str) -> Any:
        with time_machine.travel(at, tick=False):
            return Client().get(address, headers={"authorization": f"Bearer {token}", **headers})

    return ask


def problem(response: Any) -> dict[str, Any]:
    """The first thing that is wrong, by the one format."""
    body = response.json()
    assert set(body) == {"type", "errors"}
    assert set(body["errors"][0]) == {"code", "detail", "attr"}
    return {"status": response.status_code, **body["errors"][0]}


def all_pages(ask: Ask, address: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while address:
        page = ask(address).json()
        assert set(page) == {"next", "results"}, "nothing is counted"
        found += page["results"]
        address = page["next"]
    return found


# --- who may ------------------------------------------------------------------------------------
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
    assert ask("/api/v1/visits", at=tomorrow).json()["results"] == []
    assert ask(f"/api/v1/participants/{participant.pk}", at=tomorrow).status_code == 404


@pytest.mark.parametrize(
    "address", ["", "visits/", "nonsense", "participants/S01-001", "participants/-1", "participants"]
)
def test_any_other_address_is_not_found_in_the_same_form(address: str) -> None:
    for method in ("get", "post", "delete"):
        wrong = problem(getattr(Client(), method)(f"/api/v1/{address}"))
        assert wrong["status"] == 404
        assert "/api/v1/docs/" in wrong["detail"]


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_reading_only(token: str, method: str) -> None:
    answer = getattr(Client(), method)("/api/v1/visits", headers={"authorization": f"Bearer {token}"})
    assert problem(answer)["status"] == 405


# --- what is read -------------------------------------------------------------------------------
def test_a_visit(ask: Ask, participant: Participant) -> None:
    stored = Visit.objects.get(participant=participant, code="d28")
    (visit,) = [visit for visit in all_pages(ask, "/api/v1/visits") if visit["code"] == "d28"]
    assert "28 days after" in visit.pop("because")
    assert visit == {
        "id": stored.pk,
        "trial": participant.trial.code,
        "site": "WH",
        "participant": participant.pk,
        "subject_code": "S01-001",
        "protocol_version": participant.protocol_version.label,
        "code": "d28",
        "label": "Day 28",
        "epoch": "follow-up",
        "timing": "offset",
        "place": "clinic",
        "anchor": {"code": "infusion", "date": "2026-12-07", "kind": "planned"},
        "offset": "P28D",
        "opens": "2027-01-01",
        "target": "2027-01-04",
        "closes": "2027-01-07",
        "target_at": None,
        "suggested": stored.suggested and stored.suggested.isoformat(),
        "basis": {"timing": stored.timing_basis, "tolerance": stored.tolerance_basis},
        "status": "upcoming",
        "booked_on": None,
        "booked_start": None,
        "booked_end": None,
        "performed_on": None,
        "performed_at": None,
        "missed_on": None,
        "cancelled_on": None,
        "unscheduled": False,
        "version": 1,
    }


def test_what_is_assumed_is_never_shown_as_stated(ask: Ask) -> None:
    stored = {visit.pk: visit for visit in Visit.objects.all()}
    for visit in all_pages(ask, "/api/v1/visits"):
        row = stored[visit["id"]]
        assert visit["basis"] == {"timing": row.timing_basis, "tolerance": row.tolerance_basis or None}
        if "assumed" in visit["basis"].values():
            assert "assumed" in visit["because"]


def test_instants_are_told_in_the_sites_zone(ask: Ask, participant: Participant) -> None:
    site = participant.site
    type(site).objects.filter(pk=site.pk).update(zone="Europe/Berlin")
    nine = datetime(2027, 1, 4, 8, 0, tzinfo=UTC)
    Visit.objects.filter(code="d28").update(booked_on=date(2027, 1, 4), booked_start=nine)
    (visit,) = [visit for visit in all_pages(ask, "/api/v1/visits") if visit["code"] == "d28"]
    assert visit["booked_start"] == "2027-01-04T09:00:00+01:00"


def test_status_is_that_of_the_sites_present_day(ask: Ask, participant: Participant) -> None:
    """At 16:30 in UTC on the eve it is D28 in Shanghai already, and not yet in Berlin."""
    late = datetime(2027, 1, 3, 16, 30, tzinfo=UTC)
    Membership.objects.update(site=None)
    there = a_site("BER", zone="Europe/Berlin")
    enrol(enrolment=an_enrolment(participant.protocol_version, subject_code="S02-001", site=there), by=None)
    page = ask("/api/v1/visits?target_from=2027-01-04&target_to=2027-01-04", at=late).json()
    statuses = {visit["site"]: visit["status"] for visit in page["results"]}
    assert statuses == {"WH": "due", "BER": "open"}
    due = ask("/api/v1/visits?status=due", at=late).json()["results"]
    assert [visit["site"] for visit in due] == ["WH"]


def test_a_participant(ask: Ask, participant: Participant) -> None:
    body = ask(f"/api/v1/participants/{participant.pk}").json()
    windows = body.pop("windows")
    assert body == {
        "id": participant.pk,
        "trial": participant.trial.code,
        "site": "WH",
        "zone": "Asia/Shanghai",
        "subject_code": "S01-001",
        "cohort": None,
        "traits": participant.traits,
        "protocol_version": {
            "label": participant.protocol_version.label,
            "digest": participant.protocol_version.digest,
        },
        "anchors": [
            {
                "code": "infusion",
                "label": "Infusion",
                "planned_on": INFUSION.isoformat(),
                "planned_at": None,
                "actual_on": None,
                "actual_at": None,
            }
        ],
        "visits": f"http://testserver/api/v1/visits?participant={participant.pk}",
        "version": 1,
    }
    stored = participant.protocol_windows.order_by("pk")
    assert [window["code"] for window in windows] == [window.code for window in stored]
    assert {window["basis"] for window in windows} <= {"stated", "assumed"}
    assert all(window["because"] for window in windows)
    assert len(all_pages(ask, body["visits"])) == participant.visits.count()


# --- which pages --------------------------------------------------------------------------------
@pytest.fixture
def many(participant: Participant) -> int:
    version = participant.protocol_version
    bulk_enrol(enrolments=[an_enrolment(version, subject_code=f"S01-{n:03}") for n in range(2, 9)], by=None)
    return Visit.objects.count()


@pytest.mark.parametrize("size", [1, 7, 100, 200])
def test_pages_hold_every_visit_once_and_in_order(ask: Ask, many: int, size: int) -> None:
    if size == 1:
        Visit.objects.filter(participant__subject_code__gt="S01-001")._raw_delete("default")
    found = all_pages(ask, f"/api/v1/visits?page_size={size}")
    assert len(found) == Visit.objects.count()
    keys = [(visit["target"], visit["id"]) for visit in found]
    assert keys == sorted(set(keys))


def test_a_visit_added_behind_the_cursor_does_not_shift_the_pages(ask: Ask, many: int) -> None:
    first = ask("/api/v1/visits?page_size=10").json()
    version = Visit.objects.first().participant.protocol_version
    enrol(enrolment=an_enrolment(version, subject_code="S01-099"), by=None)
    second = ask(first["next"]).json()
    seen = {visit["id"] for visit in first["results"]}
    assert not seen & {visit["id"] for visit in second["results"]}


def test_filters_stay_with_the_next_page(ask: Ask, many: int) -> None:
    found = all_pages(ask, "/api/v1/visits?page_size=3&target_from=2027-01-04&target_to=2027-03-31")
    assert found
    assert all("2027-01-04" <= visit["target"] <= "2027-03-31" for visit in found)


def test_filters(ask: Ask, participant: Participant, many: int) -> None:
    mine = all_pages(ask, f"/api/v1/visits?participant={participant.pk}")
    assert {visit["subject_code"] for visit in mine} == {"S01-001"}
    assert all_pages(ask, f"/api/v1/visits?trial={participant.trial.code}&site=WH&page_size=200")
    a_version("NCT07274059")
    Membership.objects.update(trial=None)
    assert ask("/api/v1/visits?trial=NCT07274059").json() == {"next": None, "results": []}


@pytest.mark.parametrize("today", [INFUSION + timedelta(days=days) for days in (-30, -5, 0, 27, 29, 400)])
def test_each_status_selects_what_it_says(participant: Participant, today: date) -> None:
    marks: dict[str, dict[str, Any]] = {
        "d28": {"performed_on": date(2027, 1, 4)},
        "screening": {"performed_on": date(2026, 10, 1)},
        "rest": {"performed_on": date(2027, 10, 1)},
        "ld-1": {"missed_on": TODAY},
        "ld-2": {"cancelled_on": TODAY},
        "ld-3": {"cancelled_on": TODAY, "missed_on": TODAY},
    }
    for code, values in marks.items():
        assert Visit.objects.filter(code=code).update(**values) == 1
    statuses = {visit.pk: visit_status(facts_of(visit), today) for visit in Visit.objects.all()}
    for status in VisitStatus:
        found = set(Visit.objects.filter(status_condition(status, today)).values_list("pk", flat=True))
        assert found == {pk for pk, real in statuses.items() if real is status}, status


# --- what is wrong ------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("query", "attr", "right"),
    [
        ("trial=NCT1", "trial", "possible are: CART-SLE"),
        ("site=XX", "site", "possible are: WH"),
        ("participant=99999", "participant", "in sight"),
        ("participant=S01-001", "participant", "integer"),
        ("participant=9999999999999999999999", "participant", "less than or equal"),
        ("status=late", "status", "not a valid choice"),
        ("target_from=7.12.2026", "target_from", "YYYY-MM-DD"),
        ("target_from=2026-12-07&target_to=2026-12-06", "target_to", "2026-12-07 or a later day"),
        ("page_size=0", "page_size", "greater than or equal to 1"),
        ("page_size=201", "page_size", "less than or equal to 200"),
        ("cursor=abc", "cursor", "leave it out to start again"),
        ("cursor=%00", "cursor", "leave it out to start again"),
        ("colour=red", "colour", "possible are cursor, page_size, trial"),
        ("trial=%00", "trial", "Null characters"),
    ],
)
def test_400_says_what_would_be_right(ask: Ask, query: str, attr: str, right: str) -> None:
    wrong = problem(ask(f"/api/v1/visits?{query}"))
    assert wrong["status"] == 400
    assert wrong["attr"] == attr
    assert right in wrong["detail"]


def test_all_that_is_wrong_is_told_at_once(ask: Ask) -> None:
    body = ask("/api/v1/visits?status=late&page_size=0&target_to=never").json()
    assert {error["attr"] for error in body["errors"]} == {"status", "page_size", "target_to"}


def test_a_trial_out_of_sight_is_not_among_what_is_possible(ask: Ask, participant: Participant) -> None:
    a_version("NCT07274059")
    Membership.objects.update(trial=participant.trial)
    wrong = problem(ask("/api/v1/visits?trial=NCT07274059"))
    assert wrong["detail"].endswith("possible are: CART-SLE.")


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


# --- how many queries, and how they are answered ------------------------------------------------
def test_queries_do_not_grow(ask: Ask, participant: Participant) -> None:
    address = "/api/v1/visits?page_size=200&status=upcoming&trial=CART-SLE&site=WH"
    ask(address)
    with CaptureQueriesContext(connection) as few:
        ask(address)
    version = participant.protocol_version
    bulk_enrol(enrolments=[an_enrolment(version, subject_code=f"S01-{n:03}") for n in range(2, 22)], by=None)
    with CaptureQueriesContext(connection) as many:
        ask(address)
    assert len(many) == len(few)
    assert not [query["sql"] for query in many if "COUNT(" in query["sql"] or "OFFSET" in query["sql"]]


def test_the_row_after_is_found_by_the_index(many: int, lane: str) -> None:
    after = Visit.objects.filter(RowAfter({"target": INFUSION, "id": 5})).order_by("target", "id")
    with connection.cursor() as cursor:
        if lane == "postgres":
            cursor.execute("SET LOCAL enable_seqscan = off")
    plan = after[:100].explain()
    assert "visit_by_target" in plan
    if lane == "postgres":
        assert "Index Cond: (ROW(target, id) > ROW(" in plan
    else:  # SQLite goes to the day by the index and passes over that day's rows
        assert "SEARCH schedules_visit USING INDEX visit_by_target (target>?)" in plan
    rows = [(visit.target, visit.pk) for visit in after]
    everything = Visit.objects.values_list("target", "pk")
    assert rows == sorted(key for key in everything if key > (INFUSION, 5))
