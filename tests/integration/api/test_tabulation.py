"""Visits in the shape of SDTM, and a whole trial as lines of one moment."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from threading import Thread
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from participants.models import Anchor, Participant
from schedules.models import Visit
from schedules.services.enrolment.enrolling import enrol
from tests.cast import TODAY, a_site, an_enrolment
from tests.readers import Ask, all_pages, problem

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen")]
SV = "/api/v1/trials/CART-SLE/sdtm/sv"


def _ended(participant: Participant) -> None:
    """One visit of each end, the infusion on 7 December."""
    step = participant.steps.create(step="withdrawal", happened_on=TODAY, reason="Moved away.")
    Anchor.objects.filter(participant=participant, code="infusion").update(actual_on=date(2026, 12, 7))
    visits = Visit.objects.filter(participant=participant)
    visits.filter(code="d28").update(performed_on=date(2027, 1, 4))
    visits.filter(code="d14").update(missed_on=date(2026, 12, 30), missed_reason="=Ill")
    visits.filter(code="screening").update(performed_on=date(2026, 11, 20))
    last = visits.order_by("-target").first()
    assert last
    visits.filter(pk=last.pk).update(cancelled_on=TODAY, cancelled_by=step)


def _text(answer: Any) -> str:
    return b"".join(answer.streaming_content).decode()


def test_what_came_of_each_visit_is_told_as_sv(ask: Ask, participant: Participant) -> None:
    _ended(participant)
    found = {one["VISIT"]: one for one in all_pages(ask, f"{SV}?page_size=2")}
    d28, d14 = found["Day 28"], found["Day 14"]
    assert (d28["USUBJID"], d28["SVPRESP"], d28["SVOCCUR"]) == ("CART-SLE-S01-001", "Y", "Y")
    assert (d28["SVSTDTC"], d28["SVSTDY"], d28["VISITDY"]) == ("2027-01-04", 29, 29)
    assert (d28["SVCNTMOD"], d28["SVREASOC"], d28["SVUPDES"]) == ("IN PERSON", None, None)
    assert (d14["SVOCCUR"], d14["SVREASOC"], d14["SVSTDTC"], d14["SVCNTMOD"]) == ("N", "=Ill", None, None)
    assert d14["VISITNUM"] < d28["VISITNUM"]
    before = [one for one in found.values() if one["SVSTDTC"] == "2026-11-20"]
    assert [one["SVSTDY"] for one in before] == [-17], "the day before day 1 is day -1"
    assert [one["SVREASOC"] for one in found.values()].count("Withdrawal") == 1
    assert len(found) == 3 + len(before)
    consent = {one["VISIT"]: one for one in all_pages(ask, f"{SV}?reference=enrolment")}
    assert consent["Day 28"]["SVSTDY"] is None, "that day is not on record"
    assert problem(ask(f"{SV}?reference=moonrise"))["attr"] == "reference"


def test_sv_and_tv_come_as_csv_too(ask: Ask, participant: Participant) -> None:
    _ended(participant)
    answer = ask(f"{SV}?format=csv")
    assert answer["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(_text(answer))))
    listed = all_pages(ask, SV)
    assert [row["VISIT"] for row in rows] == [one["VISIT"] for one in listed]
    assert {row["SVSTDY"] for row in rows} >= {"29", "-17"}
    assert {row["SVREASOC"] for row in rows} >= {"'=Ill", "Withdrawal"}
    plan = ask("/api/v1/trials/CART-SLE/sdtm/tv").json()
    lines = list(csv.DictReader(io.StringIO(_text(ask("/api/v1/trials/CART-SLE/sdtm/tv?format=csv")))))
    assert [line["VISITNUM"] for line in lines] == [str(one["VISITNUM"]) for one in plan["results"]]
    assert [one["VISITNUM"] for one in plan["results"]] == list(range(1, len(plan["results"]) + 1))
    by_name = {one["VISIT"]: one for one in plan["results"]}
    assert by_name["Day 28"]["VISITDY"] == 29
    numbers = {one["VISIT"]: one["VISITNUM"] for one in listed}
    assert all(by_name[name]["VISITNUM"] == number for name, number in numbers.items() if name in by_name)


def test_an_unscheduled_visit_is_described_and_numbered_after_the_planned_one(
    ask: Ask, participant: Participant
) -> None:
    _ended(participant)
    like = Visit.objects.get(participant=participant, code="d28")
    like.pk, like.code, like.rule_code, like.uid = None, "unscheduled-1", "unscheduled", "u-1"
    like.label, like.unscheduled, like.occurrence = "Unscheduled 28.1", True, 1
    like.opens = like.target = like.closes = like.performed_on = date(2027, 1, 6)
    like.save()
    found = {one["VISIT"]: one for one in all_pages(ask, SV)}
    one = found["Unscheduled 28.1"]
    assert (one["SVPRESP"], one["SVOCCUR"], one["SVUPDES"]) == (None, None, "Unscheduled 28.1")
    assert one["VISITNUM"] == found["Day 28"]["VISITNUM"] + 0.001
    assert (one["SVSTDY"], one["VISITDY"]) == (31, None)


def test_a_whole_trial_comes_as_lines_with_an_end(ask: Ask, participant: Participant, many: int) -> None:
    _ended(participant)
    enrol(
        enrolment=an_enrolment(participant.protocol_version, subject_code="S02-001", site=a_site("BJ")),
        by=None,
    )
    answer = ask("/api/v1/trials/CART-SLE/export")
    assert answer["Content-Type"] == "application/x-ndjson"
    text = _text(answer)
    lines = [json.loads(line) for line in text.splitlines()]
    kinds = [line["type"] for line in lines]
    assert (kinds[0], kinds[1], kinds[-1]) == ("export", "trial", "end")
    assert lines[-1]["record"]["lines"] == len(lines) - 1
    assert "S02-001" not in text, "out of sight"
    of = {kind: [line["record"] for line in lines if line["type"] == kind] for kind in set(kinds)}
    assert [one["id"] for one in of["visit"]] == [one["id"] for one in all_pages(ask, "/api/v1/visits")]
    for kind, name in (
        ("participant", "participants"),
        ("anchor", "anchors"),
        ("protocol-window", "protocol-windows"),
        ("course-step", "course-steps"),
    ):
        assert of[kind] == json.loads(json.dumps(all_pages(ask, f"/api/v1/{name}"))), kind
    assert ask(f"/api/v1/changes?cursor={lines[0]['record']['changes_cursor']}").status_code == 200
    assert problem(ask("/api/v1/trials/NONE/export"))["status"] == 404


def test_queries_of_sv_do_not_grow(ask: Ask, participant: Participant, many: int) -> None:
    _ended(participant)
    ask(SV)
    with CaptureQueriesContext(connection) as few:
        ask(f"{SV}?page_size=2")
    for person in Participant.objects.exclude(pk=participant.pk):
        _ended(person)
    with CaptureQueriesContext(connection) as more:
        assert len(ask(f"{SV}?page_size=200").json()["results"]) > 20
    assert len(more) <= len(few)


@pytest.mark.django_db(transaction=True)
def test_an_export_shows_one_moment_while_others_write(ask: Ask, participant: Participant, lane: str) -> None:
    """A visit that is moved after the first line is told as it was; on SQLite the writer would wait."""
    if lane != "postgres":
        pytest.skip("the database of this lane is one connection in memory")
    answer = ask("/api/v1/trials/CART-SLE/export")
    lines = iter(answer.streaming_content)
    before = [next(lines)]

    def write() -> None:
        Visit.objects.filter(code="d28").update(booked_place="moved meanwhile")
        connection.close()

    other = Thread(target=write)
    other.start()
    other.join(timeout=20)
    assert not other.is_alive()
    text = b"".join([*before, *lines]).decode()
    assert '"end"' in text
    assert "moved meanwhile" not in text
    assert Visit.objects.get(code="d28").booked_place == "moved meanwhile"
