"""Anchors planned, actual and derived, what hangs on visits, and anchors that contradict each other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from schedules.domain.plan.anchors import applicable_anchors, follow
from schedules.domain.plan.contradictions import find_contradictions
from schedules.domain.plan.projection import project
from schedules.domain.plan.values import AnchorDay, AnchorKind, Known
from tests.unit.plan.small import (
    ANCHORS,
    CHEMOTHERAPY,
    CONDITIONING,
    STATED,
    anchor,
    at,
    by_code,
    dated,
    day_of,
    days,
    instant,
    message,
    offset,
    on,
    protocol,
    said,
    visit,
    warned,
    within,
)
from trials.domain.protocols.offsets import MonthLength
from trials.domain.protocols.protocol import Activity, Role
from trials.formats.protocols import library

SCREENING = visit("screening", within("-P28D", "-P6D"))
TRIAL = protocol(SCREENING, *CONDITIONING, visit("d14", at("P14D", "P2D")))


@pytest.mark.parametrize(
    ("given", "expected", "reason"),
    [
        (days(infusion="Mon 2026-12-07"),
         {"screening": "derived Mon 2026-11-09", "enrolment": "derived Tue 2026-12-01",
          CHEMOTHERAPY: "derived Wed 2026-12-02", "infusion": "planned Mon 2026-12-07"},
         "all that is derived follows the infusion, in the document's order; consent has no day"),
        (days(infusion="Mon 2026-12-07 actual"),
         {"screening": "derived Mon 2026-11-09", "enrolment": "derived Tue 2026-12-01",
          CHEMOTHERAPY: "derived Wed 2026-12-02", "infusion": "actual Mon 2026-12-07"},
         "what follows an actual day is still derived"),
        (days(infusion="Mon 2026-12-07", enrolment="Thu 2026-11-26 actual"),
         {"screening": "derived Mon 2026-11-09", "enrolment": "actual Thu 2026-11-26",
          CHEMOTHERAPY: "derived Wed 2026-12-02", "infusion": "planned Mon 2026-12-07"},
         "a day that was set no longer follows"),
        (days(ld="Wed 2026-12-02"), {CHEMOTHERAPY: "planned Wed 2026-12-02"}, "nothing is derived backwards"),
        ({}, {}, "nothing follows from nothing"),
    ],
)  # fmt: skip
def test_all_anchors_from_those_that_were_set(given, expected, reason):
    plan = project(TRIAL, given)
    found = {code: f"{day.kind} {said(day.day)}" for code, day in plan.anchors.items()}
    assert list(found.items()) == list(expected.items()), reason


def test_a_derived_anchor_is_assumed_where_its_rule_or_its_base_is():
    chain = (
        anchor("infusion"),
        anchor("stated", "infusion", "P1D", basis=STATED),
        anchor("assumed", "stated", "P1D"),
        anchor("after", "assumed", "P1D", basis=STATED),
    )
    plan = project(protocol(anchors=chain), days(infusion="Mon 2026-12-07"))
    assert {code: day.assumed for code, day in plan.anchors.items()} == {
        "infusion": False, "stated": False, "assumed": True, "after": True,
    }  # fmt: skip
    assert said(plan.anchors["after"].day) == "Thu 2026-12-10"


@pytest.mark.parametrize(
    ("performed", "expected", "reason"),
    [
        ({}, "derived Mon 2026-11-09", "until screening is performed it follows the infusion"),
        ({"screening": day_of("Thu 2026-11-19 actual")}, "actual Thu 2026-11-19", "then its day is that day"),
        ({"d14": day_of("Thu 2026-11-19 actual")}, "derived Mon 2026-11-09", "another visit's day is not"),
    ],
)
def test_an_anchor_takes_the_day_on_which_its_visit_was_performed(performed, expected, reason):
    plan = project(TRIAL, days(infusion="Mon 2026-12-07"), known=Known(performed=performed))
    screening = plan.anchors["screening"]
    assert f"{screening.kind} {said(screening.day)}" == expected, reason


def test_an_anchor_that_was_set_beats_the_visit():
    known = Known(performed={"screening": day_of("Thu 2026-11-19 actual")})
    plan = project(TRIAL, days(infusion="Mon 2026-12-07", screening="Wed 2026-11-18"), known=known)
    assert said(plan.anchors["screening"].day) == "Wed 2026-11-18"


def test_anchors_of_other_participants_are_not_there_and_the_plan_says_so():
    rules = (*ANCHORS[:3], replace(ANCHORS[3], applies_to=("fertile",)), ANCHORS[4])
    small = protocol(*CONDITIONING, anchors=rules)
    assert [rule.code for rule in applicable_anchors(small, frozenset())][-2:] == ["enrolment", "infusion"]
    plan = project(small, days(infusion="Mon 2026-12-07", ld="Thu 2026-12-03"))
    assert CHEMOTHERAPY not in plan.anchors
    assert message(plan, "anchor-not-applicable") == (
        "Lymphodepletion start on 2026-12-03 is not used: the protocol has no such anchor for these traits"
    )
    assert CHEMOTHERAPY in project(small, days(infusion="Mon 2026-12-07"), frozenset({"fertile"})).anchors


def test_anchors_in_a_circle_have_no_day_and_do_not_hang():
    rules = (anchor("infusion"), anchor("a", "b", "P1D"), anchor("b", "a", "P1D"), anchor("c", "c"))
    plan = project(protocol(anchors=rules), days(infusion="Mon 2026-12-07"))
    assert list(plan.anchors) == ["infusion"]


@pytest.mark.parametrize(
    ("base", "by", "day", "at", "reason"),
    [
        (day_of("Mon 2026-12-07"), "-P5D", "Wed 2026-12-02", None, "days need no hour"),
        (instant("2026-12-07T14:00"), "-P5D", "Wed 2026-12-02", None, "days lose the hour"),
        (instant("2026-12-07T14:00"), "-PT15H", "Sun 2026-12-06", "2026-12-06T23:00+08:00", "hours keep it"),
        (day_of("Mon 2026-12-07"), "-PT15H", "Sun 2026-12-06", None, "from the day's first hour"),
        (day_of("Mon 2026-12-07"), "PT15H", "Mon 2026-12-07", None, "and no hour is made up"),
        (day_of("Mon 2026-08-31"), "P6M", "Sun 2027-02-28", None, "months by the calendar"),
    ],
)
def test_a_derived_anchor_follows_its_base(base, by, day, at, reason):
    found = follow(base, offset(by), protocol())
    assert (said(found.day), said(found.at), found.kind) == (day, at, AnchorKind.DERIVED), reason


def test_a_derived_anchor_counts_months_as_the_protocol_does():
    found = follow(day_of("Mon 2026-12-07"), offset("P1M"), protocol(month=MonthLength.DAYS_28))
    assert said(found.day) == "Mon 2027-01-04"


CHAINED = (
    visit("d14", at("P14D", "P2D")),
    visit("after", at("P7D"), "visit:d14"),
    visit("later", at("P7D"), "visit:after"),
)


@pytest.mark.parametrize(
    ("performed", "after", "later", "reason"),
    [
        ({}, "Mon 2026-12-28", "Mon 2027-01-04", "a visit to come lends its expected date, along the chain"),
        ({"d14": day_of("Wed 2026-12-23 actual")}, "Wed 2026-12-30", "Wed 2027-01-06", "performed: its own"),
        ({"d14": day_of("Mon 2027-02-01 actual")}, "Mon 2027-02-08", "Mon 2027-02-15", "far too late: still"),
        ({"after": day_of("Tue 2026-12-29 actual")}, "Mon 2026-12-28", "Tue 2027-01-05",
         "d14 was skipped: what hangs on it keeps the expected date, what hangs on the next its own"),
    ],
)  # fmt: skip
def test_visits_chained_to_visits(performed, after, later, reason):
    plan = project(protocol(*CHAINED), days(infusion="Mon 2026-12-07"), known=Known(performed=performed))
    found = by_code(plan)
    assert (dated(found["after"])[1], dated(found["later"])[1]) == (after, later), reason


def test_chains_may_be_written_in_any_order_and_count_from_one_of_many():
    plan = project(
        protocol(visit("after", at("P7D"), "visit:ld-3"), *CONDITIONING), days(infusion="Mon 2026-12-07")
    )
    assert dated(by_code(plan)["after"])[1] == "Fri 2026-12-11"
    assert by_code(plan)["after"].base == AnchorDay(on("Fri 2026-12-04"), AnchorKind.DERIVED, assumed=True)


def test_a_chain_without_a_beginning_waits():
    loop = (
        visit("a", at("P1D"), "visit:b"),
        visit("b", at("P1D"), "visit:a"),
        visit("c", at("P1D"), "visit:x"),
    )
    plan = project(protocol(*loop), days(infusion="Mon 2026-12-07"))
    assert plan.visits == ()
    assert warned(plan) == ["anchor-missing"] * 3


def test_a_visit_counts_from_the_time_of_an_activity():
    small = protocol(visit("recheck", at("P2D"), "activity:count"), activities=(_activity("count"),))
    known = Known(activities={"count": day_of("Thu 2026-12-03 actual")})
    plan = project(small, days(infusion="Mon 2026-12-07"), known=known)
    assert dated(by_code(plan)["recheck"])[1] == "Sat 2026-12-05"
    assert message(project(small, {}), "anchor-missing") == (
        "Count is not known: no date yet for Recheck; set Count"
    )


def _activity(code: str, *visits: str, **more: object) -> Activity:
    return replace(Activity(code, code.capitalize(), visits, STATED), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "messages", "reason"),
    [
        (days(infusion="Mon 2026-12-07", ld="Wed 2026-12-02"), [], "five days apart, as the protocol has it"),
        (days(infusion="Mon 2026-12-07", ld="Thu 2026-12-03"),
         [("Lymphodepletion start on 2026-12-03 does not fit Infusion on 2026-12-07: the protocol puts it "
          "5 days before; set Lymphodepletion start to 2026-12-02 or Infusion to 2026-12-08")],
         "four days apart"),
        (days(infusion="Mon 2026-12-07", ld="Tue 2026-12-01"),
         [("Lymphodepletion start on 2026-12-01 does not fit Infusion on 2026-12-07: the protocol puts it "
          "5 days before; set Lymphodepletion start to 2026-12-02 or Infusion to 2026-12-06")],
         "six days apart, and chemotherapy only planned: no hold yet"),
        (days(infusion="Mon 2026-12-07", ld="Tue 2026-12-01 actual"), [],
         "six days apart after chemotherapy began is a hold, not a contradiction"),
        (days(infusion="Mon 2026-12-07", ld="Thu 2026-12-03 actual"),
         [("Lymphodepletion start on 2026-12-03 does not fit Infusion on 2026-12-07: the protocol puts it "
          "5 days before; set Lymphodepletion start to 2026-12-02 or Infusion to 2026-12-08")],
         "too short a rest is a contradiction also after it began"),
        (days(infusion="Mon 2026-12-07", ld="Tue 2026-12-08"),
         [("Lymphodepletion start on 2026-12-08 does not fit Infusion on 2026-12-07: the protocol puts it "
          "5 days before; set Lymphodepletion start to 2026-12-02 or Infusion to 2026-12-13")],
         "said once, although it also stands after what it may not follow"),
        (days(infusion="Mon 2026-12-07", consent="Tue 2026-12-08"),
         [f"Consent on 2026-12-08 is after {what}, which it may not follow; "
          "set Consent to 2026-12-01 or earlier, or Infusion to 2026-12-14 or later"
          for what in (
              "Screening on 2026-12-01", "Lymphodepletion start on 2026-12-02", "Infusion on 2026-12-07"
          )],
         "consent after all three: every day offered mends them all"),
        (days(infusion="Mon 2026-12-07", consent="Wed 2026-12-02"),
         [("Consent on 2026-12-02 is after Screening on 2026-12-01, which it may not follow; "
          "set Consent to 2026-12-01 or earlier, or Infusion to 2026-12-08 or later")],
         "the last day on which screening can be is the last for consent"),
        (days(infusion="Mon 2026-12-07", consent="Tue 2026-12-01"), [], "on the same day is not after"),
        (days(infusion="Mon 2026-12-07", consent="Thu 2026-11-26"), [],
         "after the day expected for screening: an expected day binds nobody"),
        (days(infusion="Mon 2026-12-07", consent="Thu 2026-11-26", screening="Wed 2026-11-25"),
         [("Consent on 2026-11-26 is after Screening on 2026-11-25, which it may not follow; "
          "set Consent to 2026-11-25 or earlier, or Screening to 2026-11-26 or later")],
         "once screening has its own day, it does"),
        (days(infusion="Mon 2026-12-07", enrolment="Thu 2026-12-03"),
         [("Enrolment on 2026-12-03 is after Lymphodepletion start on 2026-12-02, which it may not follow; "
          "set Enrolment to 2026-12-02 or earlier, or Infusion to 2026-12-08 or later")],
         "enrolled after chemotherapy begins"),
    ],
)  # fmt: skip
def test_anchors_that_contradict_each_other_are_told_with_the_day_that_mends_it(given, messages, reason):
    plan = project(TRIAL, given)
    found = [warning.message for warning in plan.warnings if warning.code == "contradictory-anchors"]
    assert found == messages, reason


@pytest.mark.parametrize(
    "given",
    [
        days(infusion="Mon 2026-12-07", ld="Thu 2026-12-03"),
        days(infusion="Mon 2026-12-07", ld="Tue 2026-12-01"),
        days(infusion="Mon 2026-12-07", ld="Tue 2026-12-08 actual"),
        days(infusion="Mon 2026-12-07", consent="Tue 2026-12-08"),
        days(infusion="Mon 2026-12-07", enrolment="Thu 2026-12-03", consent="Fri 2026-11-27"),
        days(infusion="Sat 2028-03-04", consent="Wed 2028-03-01"),
        days(infusion="Mon 2026-12-07", consent="Thu 2026-11-26", screening="Wed 2026-11-25"),
    ],
)
def test_each_mend_does_mend(given):
    contradictions = _contradictions(given)
    assert contradictions
    for found in contradictions:
        for code, day in found.mends:
            kind = given[code].kind if code in given else AnchorKind.PLANNED
            mended = _contradictions(given | {code: AnchorDay(day, kind)})
            assert (found.anchor, found.other) not in {(left.anchor, left.other) for left in mended}


def _contradictions(given):
    return find_contradictions(TRIAL, project(TRIAL, given).anchors, frozenset())


@pytest.mark.parametrize(
    ("infusion", "expected", "reason"),
    [
        ("Mon 2026-12-07", None, "28 days after screening: the last day on which the screening holds"),
        ("Tue 2026-12-08", "1 day early for its window 2026-11-10 to 2026-12-02", "29 days after it"),
        ("Thu 2026-12-10", "3 days early for its window 2026-11-12 to 2026-12-04", "31 days after it"),
        ("Sat 2026-11-14", "1 day late for its window 2026-10-17 to 2026-11-08", "five days after it"),
    ],
)
def test_when_day_zero_slips_a_screening_expires_and_names_what_to_repeat(infusion, expected, reason):
    activities = (
        _activity("bloods", "screening", repeat_when_expired=True),
        _activity("hcg", "screening", repeat_when_expired=True, applies_to=("fertile",)),
        _activity("history", "screening"),
        _activity("weight", "d14", repeat_when_expired=True),
    )
    known = Known(performed={"screening": day_of("Mon 2026-11-09 actual")})
    small = replace(TRIAL, activities=activities)
    plan = project(small, days(infusion=infusion), known=known)
    if expected is None:
        assert "outside-window" not in warned(plan), reason
        return
    assert message(plan, "outside-window") == (
        f"Screening on 2026-11-09 is {expected}; to be repeated: Bloods"
    ), reason
    woman = project(small, days(infusion=infusion), frozenset({"fertile"}), known=known)
    assert message(woman, "outside-window").endswith("to be repeated: Bloods, Hcg")
    bare = project(TRIAL, days(infusion=infusion), known=known)
    assert message(bare, "outside-window") == f"Screening on 2026-11-09 is {expected}"


def test_nobody_is_enrolled_before_the_first_day_of_screening():
    protocol = library.load("NCT07193667")
    anchors = days(infusion="Mon 2026-12-07", enrolment="Thu 2026-10-01")
    (found,) = [w.message for w in project(protocol, anchors).warnings if w.code == "contradictory-anchors"]
    assert found.endswith("set Infusion to 2026-10-29 or earlier, or Enrolment to 2026-11-09 or later")
    mended = days(infusion="Mon 2026-12-07", enrolment="Mon 2026-11-09")
    assert "contradictory-anchors" not in {w.code for w in project(protocol, mended).warnings}


def test_a_role_has_the_anchor_that_says_so_else_the_one_of_its_name():
    named = protocol(anchors=(anchor("icf", role=Role.CONSENT), anchor("consent"), anchor("infusion")))
    found = {role: (named.anchor_of(role), named.code_of(role)) for role in (Role.CONSENT, Role.ENROLMENT)}
    assert found == {Role.CONSENT: ("icf", "icf"), Role.ENROLMENT: (None, "enrolment")}
    assert protocol().code_of(Role.CONSENT) == "consent"
