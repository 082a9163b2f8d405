"""What machines read of visits and participants, page by page."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from participants.models import Participant
from schedules.domain.plan.values import AnchorKind
from schedules.models import Visit
from schedules.services.enrolment.bulk import bulk_enrol
from schedules.services.enrolment.enrolling import enrol
from tests.cast import INFUSION, a_site, a_version, an_enrolment
from tests.readers import Ask, all_pages
from trials.keyset import RowAfter
from trials.models import Membership, TrialSite

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen")]


def test_a_visit(ask: Ask, participant: Participant) -> None:
    stored = Visit.objects.get(participant=participant, code="d28")
    (visit,) = all_pages(ask, "/api/v1/visits?include=because&code=d28")
    assert "28 days after" in visit.pop("because")
    assert visit == {
        "id": stored.pk,
        "trial": participant.trial.code,
        "site": "WH",
        "participant": participant.pk,
        "subject_code": "S01-001",
        "protocol_version": participant.protocol_version.label,
        "code": "d28",
        "rule": "d28",
        "occurrence": 1,
        "attempt": 1,
        "label": "Day 28",
        "epoch": "follow-up",
        "timing": "offset",
        "place": "clinic",
        "anchor": {"code": "infusion", "date": "2026-12-07", "kind": "planned", "assumed": False},
        "offset": "P28D",
        "opens": "2027-01-01",
        "target": "2027-01-04",
        "closes": "2027-01-07",
        "target_at": None,
        "suggested": stored.suggested and stored.suggested.isoformat(),
        "basis": {"timing": stored.timing_basis, "tolerance": stored.tolerance_basis},
        "as_of": "2026-11-21",
        "window": "upcoming",
        "appointment": "to-book",
        "edc_status": "not-scheduled",
        "reason": None,
        "days_outside": 0,
        "booked_on": None,
        "booking_fits": None,
        "booked_start": None,
        "booked_end": None,
        "booked_place": "",
        "arrived_on": None,
        "arrived_at": None,
        "performed_on": None,
        "performed_at": None,
        "missed_on": None,
        "cancelled_on": None,
        "held_on": None,
        "unscheduled": False,
        "version": 1,
    }


def test_what_is_assumed_is_never_shown_as_stated(ask: Ask) -> None:
    stored = {visit.pk: visit for visit in Visit.objects.all()}
    for visit in all_pages(ask, "/api/v1/visits?include=because"):
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


def test_the_window_is_that_of_the_sites_present_day(ask: Ask, participant: Participant) -> None:
    """At 16:30 in UTC on the eve it is the first day of D28 in Shanghai, and not yet in Berlin."""
    late = datetime(2026, 12, 31, 16, 30, tzinfo=UTC)
    Membership.objects.update(site=None)
    there = a_site("BER", zone="Europe/Berlin")
    enrol(enrolment=an_enrolment(participant.protocol_version, subject_code="S02-001", site=there), by=None)
    Visit.objects.update(anchor_kind=AnchorKind.ACTUAL)  # day zero has happened
    page = ask("/api/v1/visits?target_from=2027-01-04&target_to=2027-01-04", at=late).json()
    windows = {visit["site"]: visit["window"] for visit in page["results"]}
    assert windows == {"WH": "open", "BER": "upcoming"}
    asked = "/api/v1/visits?target_from=2027-01-04&target_to=2027-01-04&window=open"
    assert [visit["site"] for visit in ask(asked, at=late).json()["results"]] == ["WH"]
    several = ask(f"{asked}&window=upcoming&appointment=to-book&appointment=booked", at=late).json()
    assert {visit["site"] for visit in several["results"]} == {"WH", "BER"}
    assert ask(f"{asked}&appointment=done", at=late).json()["results"] == []


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
        "phase": "screening",
        "history_since": None,
        "protocol_version": {
            "id": participant.protocol_version_id,
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


@pytest.mark.parametrize("size", [1, 7, 100, 200])
def test_pages_hold_every_visit_once_and_in_order(ask: Ask, many: int, size: int) -> None:
    if size == 1:
        Visit.objects.filter(participant__subject_code__gt="S01-001")._raw_delete("default")
    found = all_pages(ask, f"/api/v1/visits?page_size={size}")
    assert len(found) == Visit.objects.count()
    keys = [visit["id"] for visit in found]
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
    TrialSite.objects.create(trial=a_version("NCT07274059").trial, site=participant.site)
    Membership.objects.update(trial=None)
    page = ask("/api/v1/visits?trial=NCT07274059").json()
    assert (page["next"], page["next_cursor"], page["results"]) == (None, None, [])


def test_queries_do_not_grow(ask: Ask, participant: Participant) -> None:
    address = "/api/v1/visits?page_size=200&window=upcoming&trial=CART-SLE&site=WH"
    assert ask(address).status_code == 200
    with CaptureQueriesContext(connection) as few:
        ask(address)
    version = participant.protocol_version
    bulk_enrol(enrolments=[an_enrolment(version, subject_code=f"S01-{n:03}") for n in range(2, 22)], by=None)
    ask(address)  # the changes of the enrolment get their numbers
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


def test_a_participant_is_found_by_the_subject_code(ask: Ask, participant: Participant, many: int) -> None:
    found = ask("/api/v1/participants?trial=CART-SLE&subject_code=S01-001").json()
    assert [(one["id"], one["subject_code"]) for one in found["results"]] == [(participant.pk, "S01-001")]
    assert found["changes_cursor"]
    assert ask("/api/v1/participants?subject_code=S99-001").json()["results"] == []
    assert ask("/api/v1/participants?trial=none").status_code == 400
    assert ask("/api/v1/participants?cursor=WyIyMDI2LTEyLTA3IiwxXQ").status_code == 400


def test_a_full_read_of_participants_holds_each_once(ask: Ask, participant: Participant, many: int) -> None:
    codes = [one["subject_code"] for one in all_pages(ask, "/api/v1/participants?page_size=3")]
    assert codes == sorted(set(codes))
    assert len(codes) == Participant.objects.count()
    with CaptureQueriesContext(connection) as one:
        ask("/api/v1/participants?page_size=1")
    with CaptureQueriesContext(connection) as all_:
        ask("/api/v1/participants?page_size=100")
    assert len(all_) <= len(one) + 1
