"""Two versions of a protocol compared, in words; what was done stays under its version."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date

import pytest

from schedules.domain.plan.projection import project
from schedules.domain.replanning.amendments import (
    Difference,
    Fate,
    Part,
    differences,
    keep_codes,
    keep_done,
)
from schedules.domain.visits.visit import VisitState
from tests.unit.plan.small import (
    ANCHORS,
    CONDITIONING,
    STATED,
    anchor,
    at,
    bound,
    by_code,
    dated,
    days,
    offset,
    protocol,
    repeated,
    visit,
    window,
    within,
)
from trials.domain.protocols.protocol import (
    ASSUMED,
    Activity,
    Conduct,
    Freshness,
    Gate,
    GateBefore,
    Pick,
    Place,
    Presence,
    Protocol,
    VisitRule,
)
from trials.formats.protocols import library

D14 = visit("d14", at("P14D", "P2D"))
STAY = window("infusion P0D", "infusion P28D", Presence(120), code="stay", label="Stay near")
BLOOD = Activity("blood", "Blood count", ("d14",), ASSUMED)


def asked(*visits: VisitRule, **more: object) -> Protocol:
    given: dict[str, object] = {"windows": (STAY,), "activities": (BLOOD,)}
    return protocol(*(visits or (D14,)), **(given | more))


def told(new: Protocol, old: Protocol | None = None) -> list[Difference]:
    return list(differences(old or asked(), new))


def lines(new: Protocol) -> dict[str, tuple[str, str]]:
    """The one difference, its lines before and after."""
    (found,) = told(new)
    return {name: (before, after) for name, before, after in found.lines}


def test_the_same_protocol_under_another_name_of_its_version_does_not_differ() -> None:
    assert not told(asked(version="3"))


@pytest.mark.parametrize(
    ("rule", "changed", "before", "after"),
    [
        (
            visit("d14", at("P15D", "P2D")),
            "When",
            "14 days after Infusion",
            "15 days after Infusion",
        ),
        (
            visit("d14", at("P14D", "P2D", "P4D")),
            "Tolerance",
            "2 days before, 2 days after",
            "2 days before, 4 days after",
        ),
        (visit("d14", at("P14D", "P2D"), place=Place.PHONE), "Where", "clinic", "phone"),
        (visit("d14", at("P14D", "P2D"), applies_to=("minor",)), "For", "everybody", "Minor"),
        (visit("d14", at("P14D", "P2D"), basis=STATED), "Basis", "assumed", "stated: record, Section 4"),
        (
            visit("d14", at("P14D", "P2D", basis=STATED)),
            "Basis of the tolerance",
            "assumed",
            "stated: record, Section 4",
        ),
        (visit("d14", at("P14D", "P2D"), block="conditioning"), "Block", "–", "Conditioning"),
        (
            visit("d14", repeated(at("P14D", "P2D"), "P1M", "P3M")),
            "When",
            "14 days after Infusion",
            "14 days after Infusion, then every 1 month until 3 months after Infusion",
        ),
    ],
)
def test_a_visit_that_changes_says_each_property_before_and_after(
    rule: VisitRule, changed: str, before: str, after: str
) -> None:
    assert lines(asked(rule)) == {changed: (before, after)}


def test_a_visit_counted_in_another_way_says_so() -> None:
    assert lines(asked(visit("d14", within("P12D", "P16D", "P14D"))))["When"] == (
        "14 days after Infusion",
        "once, from 12 days after Infusion to 16 days after Infusion, best 14 days after Infusion",
    )


def test_what_comes_and_goes_is_named_in_the_order_of_the_documents() -> None:
    old = asked(D14, visit("d21", at("P21D")))
    new = asked(visit("d7", at("P7D")), D14)
    found = [(one.part, one.fate, one.code) for one in differences(old, new)]
    assert found == [(Part.VISIT, Fate.REMOVED, "d21"), (Part.VISIT, Fate.ADDED, "d7")]


@pytest.mark.parametrize(
    ("rule", "changed", "before", "after"),
    [
        (
            replace(STAY, terms=Presence(90)),
            "Asks for",
            "presence: within_minutes 120, companion False",
            "presence: within_minutes 90, companion False",
        ),
        (
            replace(STAY, terms=Conduct("care")),
            "Asks for",
            "presence: within_minutes 120, companion False",
            "conduct: of care, confirmed_at –",
        ),
        (
            replace(STAY, ends=bound("infusion P42D")),
            "Until",
            "28 days after Infusion (assumed)",
            "42 days after Infusion (assumed)",
        ),
        (
            replace(STAY, ends=bound("infusion P28D", "visit:d14 P1W", pick=Pick.LATEST)),
            "Until",
            "28 days after Infusion (assumed)",
            "the latest of: 28 days after Infusion; 1 week after D14 (assumed)",
        ),
        (
            replace(STAY, starts=bound("infusion -5 of mtx")),
            "From",
            "the day of Infusion (assumed)",
            "5 × the half-life of mtx before Infusion (assumed)",
        ),
        (replace(STAY, starts=None), "From", "the day of Infusion (assumed)", "–"),
        (replace(STAY, waivable=True), "May be waived", "no", "yes"),
    ],
)
def test_a_window_that_changes(rule: object, changed: str, before: str, after: str) -> None:
    assert lines(asked(windows=(rule,))) == {changed: (before, after)}


def test_an_activity_at_one_of_several_visits_names_it_by_its_label() -> None:
    several = visit("d14", repeated(at("P14D", "P2D"), "P14D", "P28D"))
    new = asked(several, activities=(replace(BLOOD, visits=("d14-2",)),))
    found = next(one for one in told(new) if one.part is Part.ACTIVITY)
    assert found.lines == (("At", "D14", "D14 2"),)


def test_an_activity_that_moves_to_another_visit() -> None:
    d21 = visit("d21", at("P21D"))
    old = asked(D14, d21)
    new = asked(D14, d21, activities=(replace(BLOOD, visits=("d14", "d21")),))
    (found,) = differences(old, new)
    assert (found.part, found.lines) == (Part.ACTIVITY, (("At", "D14", "D14, D21"),))


def test_an_anchor_that_follows_at_another_distance() -> None:
    moved = [
        anchor(one.code, "infusion", "-P7D", basis=STATED, not_after=one.not_after, point_of_no_return=True)
        if one.point_of_no_return
        else one
        for one in ANCHORS
    ]
    (found,) = told(asked(anchors=tuple(moved)))
    assert (found.part, found.code) == (Part.ANCHOR, "lymphodepletion-start")
    assert found.lines[0][1:] == (
        "5 days before Infusion (stated: record, Section 4)",
        "7 days before Infusion (stated: record, Section 4)",
    )


def test_what_no_rule_tells_is_named_too_so_that_nothing_changes_unseen() -> None:
    gate = Gate("next", "Next", GateBefore.PARTICIPANT, ASSUMED, interval=offset("P14D"))
    found = told(asked(gates=(gate,), planned_end=date(2030, 1, 1)))
    assert [(one.part, one.label) for one in found] == [(Part.REST, "Gates"), (Part.REST, "Planned end")]


def test_every_change_of_a_shipped_protocol_is_seen() -> None:
    """Whatever is taken out or written over in any rule, the difference names that rule."""
    shipped = library.load("NCT07193667")
    for name, part in (("visits", Part.VISIT), ("windows", Part.WINDOW), ("activities", Part.ACTIVITY)):
        rules = getattr(shipped, name)
        for place, rule in enumerate(rules):
            before, after = rules[:place], rules[place + 1 :]
            other = replace(rule, label=rule.label + "!")
            for fate, now in ((Fate.REMOVED, (*before, *after)), (Fate.CHANGED, (*before, other, *after))):
                found = differences(shipped, replace(shipped, **{name: now}))
                assert (part, fate, rule.code) in {(one.part, one.fate, one.code) for one in found}


def test_each_field_of_a_rule_makes_a_difference() -> None:
    """A rule that differs in anything at all is named, even where no line tells the difference."""
    conduct = window("infusion P0D", "infusion P28D", Conduct("care"), code="stay", label="Stay near")
    tested = window("infusion P0D", "infusion P28D", Freshness("hcg"), code="stay", label="Stay near")
    assert {d.code for d in differences(asked(windows=(conduct,)), asked(windows=(tested,)))} == {"stay"}
    for field in fields(VisitRule):
        if field.name != "code":
            other = replace(D14, **{field.name: getattr(CONDITIONING[0], field.name)})
            if other != D14:
                assert told(asked(other)), field.name


def test_what_was_done_stays_as_the_older_version_plans_it() -> None:
    """D14 was done under ±2 days; the new version allows ±5 days, and moves D28 to D30."""
    old = asked(D14, visit("d28", at("P28D", "P2D")))
    new = asked(visit("d14", at("P14D", "P5D")), visit("d28", at("P30D", "P2D")))
    anchors = days(infusion="Mon 2026-12-07 actual")
    plan = keep_done(project(new, anchors), project(old, anchors), ["d14"])
    assert dated(by_code(plan)["d14"]) == ("Sat 2026-12-19", "Mon 2026-12-21", "Wed 2026-12-23")
    assert dated(by_code(plan)["d28"]) == ("Mon 2027-01-04", "Wed 2027-01-06", "Fri 2027-01-08")


@pytest.mark.parametrize(
    ("facts", "codes", "why"),
    [
        ({}, ["d14", "d14-2"], "the first of several is the one that there was"),
        ({"unscheduled": True}, ["d14-1", "d14-2"], "a visit that was added is none of the plan's"),
        ({"code": "d14-1"}, ["d14-1", "d14-2"], "it is stored under that code already"),
    ],
)
def test_a_visit_keeps_the_code_under_which_it_is_stored(facts: dict, codes: list[str], why: str) -> None:
    anchors = days(infusion="Mon 2026-12-07")
    standing = VisitState.of_plan(project(asked(), anchors).visits[0])._replace(**facts)
    several = project(asked(visit("d14", repeated(at("P14D", "P2D"), "P14D", "P28D"))), anchors)
    assert [one.code for one in keep_codes(several, [standing]).visits] == codes, why
