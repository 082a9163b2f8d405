"""VISITNUM stays once it is given, and study days have no day 0."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from schedules.domain.plan.projection import project
from schedules.domain.plan.values import AnchorDay
from schedules.domain.visits.schedule_of_activities import resolved_schedule
from schedules.domain.visits.sdtm import SV_VARIABLES, Tabulation, sv_record, tv_records, visit_numbers
from schedules.domain.visits.visit import VisitState
from trials.formats.protocols.library import load_named

PROTOCOL = load_named("CART-SLE").protocol


def test_a_visit_that_a_later_version_adds_renumbers_none() -> None:
    first = visit_numbers([PROTOCOL])
    assert sorted(first.values()) == list(range(1, len(first) + 1))
    rule = PROTOCOL.visit_by_code["d28"]
    at = list(PROTOCOL.visits).index(rule)
    added = (
        replace(rule, code="d28x", sets=None, role=None),
        replace(rule, code="d28y", sets=None, role=None),
    )
    later = replace(PROTOCOL, visits=(*PROTOCOL.visits[: at + 1], *added, *PROTOCOL.visits[at + 1 :]))
    both = visit_numbers([PROTOCOL, later])
    assert {code: both[code] for code in first} == first
    assert first["d28"] < both["d28x"] < both["d28y"] < first["d28"] + 1
    assert len(set(both.values())) == len(both)
    gone = replace(PROTOCOL, visits=tuple(one for one in PROTOCOL.visits if one.code != "d28"))
    assert visit_numbers([PROTOCOL, gone]) == first


def test_the_order_is_that_of_targets() -> None:
    targets = [visit.window.target for visit in resolved_schedule(PROTOCOL) if visit.window]
    assert targets == sorted(targets)


def test_a_record_has_every_variable_and_counts_without_a_day_0() -> None:
    facts = Tabulation(
        study="T",
        subject="S01-001",
        number=3.0,
        name="Day 0",
        done=datetime(2026, 12, 7, 9, 30, tzinfo=UTC),
        reference=date(2026, 12, 7),
    )
    day = date(2026, 12, 6)
    visit = VisitState.of_plan(project(PROTOCOL, {"infusion": AnchorDay(day)}).visits[0])
    visit = visit._replace(place="phone", target=day)
    record = sv_record(visit, facts)
    assert list(record) == list(SV_VARIABLES)
    assert (record["VISITNUM"], record["SVSTDY"], record["VISITDY"]) == (3, 1, -1)
    assert [str(sv_record(visit, replace(facts, number=one))["VISITNUM"]) for one in (3.0, 3.5, None)] == [
        "3",
        "3.5",
        "None",
    ]
    assert (record["SVSTDTC"], record["SVCNTMOD"]) == ("2026-12-07T09:30+00:00", "TELEPHONE CALL")
    assert sv_record(visit, replace(facts, reference=None))["SVSTDY"] is None


def test_the_rules_of_a_planned_visit_say_its_offset_and_the_ends_of_its_window() -> None:
    first, *others = tv_records("T", PROTOCOL, visit_numbers([PROTOCOL]))
    assert (first["VISIT"], first["VISITNUM"], first["VISITDY"]) == ("Screening", 1, -28)
    assert first["TVSTRL"] == "-P28D from infusion; -28 days from day zero"
    assert first["TVENRL"] == "-P28D from infusion; -6 days from day zero"
    uncounted = [one for one in others if one["VISITDY"] is None]
    assert all(" days from day zero" not in one["TVSTRL"] for one in uncounted)
