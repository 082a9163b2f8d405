"""Visits and participants by an EDC's own ids, and those ids beside ours."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from participants.models import Participant
from schedules.domain.visits.values import Booking
from schedules.models import EdcMap, Visit
from schedules.services.exchange.maps import MapContent, MapKey, name_subjects, save_map
from schedules.services.visits.appointments import book_visit
from tests.cast import NOW
from tests.readers import Ask, all_pages, problem
from trials.domain.protocols.occurrences import is_many
from trials.models import ApiAct, User
from trials.selectors.records import protocol_of
from trials.services.accounts.tokens import TokenScope, issue_api_token

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen")]


@pytest.fixture
def several(participant: Participant) -> str:
    """The code of a rule that makes several visits."""
    return next(rule.code for rule in protocol_of(participant.protocol_version).visits if is_many(rule))


@pytest.fixture
def named(participant: Participant, several: str) -> EdcMap:
    events: list[dict[str, Any]] = [
        {"visit": "d28", "event_oid": "SE_D28", "form_oid": "SV", "item_group_oid": "SV",
         "date_item_oid": "VISDAT"},
        {"visit": several, "event_oid": "SE_LD"},
        {"visit": several, "occurrence": 2, "event_oid": "SE_SECOND", "repeat_key": "B"},
    ]  # fmt: skip
    key = MapKey(participant.trial, "rave", "live")
    found = save_map(key=key, version=None, content=MapContent("CART(PROD)", {"WH": "101"}, events), by=None)
    name_subjects(edc_map=found, names={participant.subject_code: "101-001"}, by=None)
    return found


def test_visits_are_found_by_the_names_of_the_edc_and_shown_with_them(
    ask: Ask, named: EdcMap, several: str, many: int
) -> None:
    asked = "/api/v1/visits?edc=rave&edc_subject=101-001&edc_site=101"
    (found,) = all_pages(ask, f"{asked}&edc_event=SE_D28")
    assert (found["code"], found["subject_code"]) == ("d28", "S01-001")
    assert found["edc"] == {
        "study_oid": "CART(PROD)", "site": "101", "subject": "101-001", "event_oid": "SE_D28",
        "repeat_key": None, "form_oid": "SV", "item_group_oid": "SV", "date_item_oid": "VISDAT",
    }  # fmt: skip
    rows = all_pages(ask, f"{asked}&edc_event=SE_LD&fields=rule,occurrence,edc")
    assert {one["rule"] for one in rows} == {several}
    assert {str(one["occurrence"]) for one in rows} == {one["edc"]["repeat_key"] for one in rows}
    assert 2 not in {one["occurrence"] for one in rows}, "it has an event of its own"
    (third,) = all_pages(ask, f"{asked}&edc_event=SE_LD&edc_repeat_key=3")
    assert (third["occurrence"], third["edc"]["repeat_key"]) == (3, "3")
    (second,) = all_pages(ask, f"{asked}&edc_repeat_key=B")
    assert (second["occurrence"], second["edc"]["event_oid"]) == (2, "SE_SECOND")
    assert all_pages(ask, f"{asked}&edc_event=SE_NOWHERE") == []
    assert "edc" not in ask("/api/v1/visits").json()["results"][0]


def test_participants_are_found_by_the_names_of_the_edc(ask: Ask, named: EdcMap, many: int) -> None:
    (found,) = all_pages(ask, "/api/v1/participants?edc=rave&edc_subject=101-001")
    assert found["edc"] == {"study_oid": "CART(PROD)", "site": "101", "subject": "101-001"}
    rest = all_pages(ask, "/api/v1/participants?edc=rave&edc_site=101")
    assert {one["edc"]["subject"] for one in rest} == {"101-001", None}
    assert all_pages(ask, "/api/v1/participants?edc=rave&edc_site=102") == []


@pytest.mark.parametrize(
    ("query", "attr"),
    [
        ("edc=castor", "edc"),
        ("edc=rave&edc_environment=training", "edc"),
        ("edc=rave&edc_environment=test", "edc_environment"),
        ("edc_subject=101-001", "edc_subject"),
        ("edc=rave&edc=rave", "edc"),
        ("edc=", "edc"),
    ],
)
def test_names_of_no_map_are_refused(ask: Ask, named: EdcMap, query: str, attr: str) -> None:
    for name in ("visits", "participants"):
        wrong = problem(ask(f"/api/v1/{name}?{query}"))
        assert (wrong["status"], wrong["attr"]) == (400, attr)


def test_a_map_of_a_trial_out_of_sight_is_not_read_by(ask: Ask, named: EdcMap, edc: User) -> None:
    edc.memberships.update(trial=None, site=named.trial.trial_sites.get().site)
    EdcMap.objects.update(edc="other")
    assert "other" in problem(ask("/api/v1/visits?edc=rave"))["detail"]


def test_queries_do_not_grow_with_what_is_named(ask: Ask, named: EdcMap, many: int) -> None:
    found = []
    for size in (2, 200):
        ask("/api/v1/visits?edc=rave")
        with CaptureQueriesContext(connection) as queries:
            ask(f"/api/v1/visits?edc=rave&page_size={size}&edc_site=101")
        found.append(len(queries))
    assert found[0] == found[1]


def test_a_map_is_tried_without_being_kept(named: EdcMap, edc: User) -> None:
    token = issue_api_token(user=edc, name="EDC", scope=TokenScope(acts=ApiAct.values))[1]
    edc.memberships.update(site=None)
    body = {"study_oid": "OTHER", "subjects": {"S01-001": "101-009"}}

    def put(query: str, tag: str) -> Any:
        return Client().put(
            f"/api/v1/edc-maps/CART-SLE/rave/live{query}",
            body,
            content_type="application/json",
            headers={"authorization": f"Bearer {token}", "if-match": tag},
        )

    tried = put("?dry_run=true", '"1"')
    assert (tried.status_code, tried.json()["study_oid"], tried.json()["version"]) == (200, "OTHER", 2)
    assert "d28" in tried.json()["check"]["visits"]
    named.refresh_from_db()
    assert (named.study_oid, named.version) == ("CART(PROD)", 1)
    assert named.subjects.get().external_id == "101-001"
    assert problem(put("?dry_run=perhaps", '"1"'))["attr"] == "dry_run"
    assert problem(put("?dry_run=true", '"7"'))["code"] == "stale"
    assert put("?dry_run=false", '"1"').json()["version"] == 2


def test_every_visit_of_the_map_comes_with_the_key_that_odm_gives_it(
    ask: Ask, named: EdcMap, participant: Participant
) -> None:
    Visit.objects.filter(participant=participant, rule_code="d28").update(performed_on="2026-11-20")
    (shown,) = all_pages(ask, "/api/v1/visits?edc=rave&edc_event=SE_D28")
    named.events = [one for one in named.events if one["visit"] == "d28"]
    named.save()
    written = ask("/api/v1/edc-maps/CART-SLE/rave/live/odm").getvalue().decode()
    assert f'StudyEventOID="{shown["edc"]["event_oid"]}"' in written
    assert "StudyEventRepeatKey" not in written


def test_one_visit_one_participant_and_what_changed_have_the_same_names_as_lists(
    ask: Ask, named: EdcMap, participant: Participant
) -> None:
    """What a list shows under `edc`, a record by itself and a row of the feed show, too."""
    (visit,) = all_pages(ask, "/api/v1/visits?edc=rave&edc_event=SE_D28")
    alone = ask(f"/api/v1/visits/{visit['id']}?edc=rave")
    assert (alone.json()["edc"], alone.json()["edc_status"]) == (visit["edc"], "not-scheduled")
    assert "edc" not in ask(f"/api/v1/visits/{visit['id']}").json()
    assert ask(f"/api/v1/visits/{visit['id']}?edc=rave&fields=edc").json() == {"edc": visit["edc"]}
    (person,) = all_pages(ask, "/api/v1/participants?edc=rave")
    assert ask(f"/api/v1/participants/{participant.pk}?edc=rave").json()["edc"] == person["edc"]
    assert "edc" not in ask(f"/api/v1/participants/{participant.pk}").json()
    begin = ask("/api/v1/changes").json()["cursor"].split("-")[0]
    rows = ask(f"/api/v1/changes?cursor={begin}-0&page_size=500&edc=rave").json()["results"]
    assert person["edc"] in [one["subject"]["edc"] for one in rows if one["subject"]]
    booked = Visit.objects.get(pk=visit["id"])
    book_visit(
        visit=booked,
        version=booked.version,
        booking=Booking(booked.target),
        by=None,
        reason="Called.",
        now=NOW,
    )
    last = ask(f"/api/v1/changes?cursor={begin}-0&page_size=500&edc=rave").json()["results"][-1]
    assert (last["visit"]["edc"], last["visit"]["edc_status"]) == (visit["edc"], "scheduled")
    assert "edc" not in ask(f"/api/v1/changes?cursor={begin}-0").json()["results"][-1]["visit"]
    for address in (f"visits/{visit['id']}", f"participants/{participant.pk}", "changes"):
        assert problem(ask(f"/api/v1/{address}?edc=castor"))["attr"] == "edc"
        assert problem(ask(f"/api/v1/{address}?edc_environment=live"))["attr"] == "edc_environment"


def test_trials_and_sites_come_with_the_names_of_the_edc(
    ask: Ask, named: EdcMap, participant: Participant
) -> None:
    study = {"study_oid": "CART(PROD)", "sites": {"WH": "101"}}
    assert [one["edc"] for one in all_pages(ask, "/api/v1/trials?edc=rave")] == [study]
    assert ask("/api/v1/trials/CART-SLE?edc=rave").json()["edc"] == study
    assert all_pages(ask, "/api/v1/sites?edc=rave&fields=code,edc") == [
        {"code": "WH", "edc": {"CART-SLE": "101"}}
    ]
    for address in ("trials", "sites"):
        assert "edc" not in all_pages(ask, f"/api/v1/{address}")[0]
        assert problem(ask(f"/api/v1/{address}?edc=castor"))["attr"] == "edc"
    assert "edc" not in ask("/api/v1/trials/CART-SLE").json()


@pytest.mark.parametrize("body", [b"", b"{}"])
def test_a_map_is_not_emptied_by_a_body_that_was_lost(edc: User, named: EdcMap, body: bytes) -> None:
    token = issue_api_token(user=edc, name="EDC", scope=TokenScope(acts=ApiAct.values))[1]
    edc.memberships.update(site=None)
    answer = Client().put(
        "/api/v1/edc-maps/CART-SLE/rave/live",
        body,
        content_type="application/json",
        headers={"authorization": f"Bearer {token}", "if-match": '"1"'},
    )
    assert problem(answer)["status"] == 400
    assert EdcMap.objects.get().events == named.events
