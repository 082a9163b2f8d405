"""Every fault and warning of the domain: one thing changed in a sound document, and what is then said."""
# ruff: noqa: E501, ISC004 - a row of a table is one line, or two

from __future__ import annotations

import pytest

from tests.unit.protocols.documents import (
    DATA,
    GONE,
    bound,
    changed,
    problems_of,
    tolerance,
    visit,
    window,
)
from trials.domain.errors import Severity
from trials.domain.protocols.findings import KINDS, section


def test_the_small_document_is_sound():
    assert problems_of(DATA) == ()


FAULTS = [
    # what is named is declared
    ("day_zero", "infusoin", "unknown-anchor", "day_zero", "did you mean 'infusion'?", "near miss"),
    ("anchors[1].derived.anchor", "x", "unknown-anchor", "anchors[1].derived.anchor", "possible are consent", "a derivation"),
    ("anchors[1].derived.visit", "x", "unknown-visit", "anchors[1].derived.visit", "'x' is not declared", "the visit that sets an anchor"),
    ("anchors[0].not_after", ["x"], "unknown-anchor", "anchors[0].not_after[0]", "'x' is not declared", "an order of anchors"),
    ("visits[4].from", "x", "unknown-anchor", "visits[4].from", "the anchor 'x' is not declared", "a visit's anchor"),
    ("visits[6].from", {"visit": "d29"}, "unknown-visit", "visits[6].from.visit", "did you mean 'd28'?", "near miss"),
    ("visits[6].from", {"visit": "ld-4"}, "unknown-visit", "visits[6].from.visit", "'ld-4'", "three days only"),
    ("visits[6].from", {"activity": "x"}, "unknown-activity", "visits[6].from.activity", "blood-count", "an activity that a visit hangs on"),
    ("visits[4].epoch", "x", "unknown-epoch", "visits[4].epoch", "possible are before, after", "a visit's epoch"),
    ("visits[4].block", "x", "unknown-block", "visits[4].block", "possible are conditioning", "a visit's block"),
    ("visits[4].applies_to", ["minors"], "unknown-trait", "visits[4].applies_to[0]", "did you mean 'minor'?", "near miss"),
    ("visits[4].basis", {"stated": "x", "section": "y"}, "unknown-source", "visits[4].basis.stated", "record", "the source of a timing"),
    ("visits[4].tolerance.basis", {"stated": "x", "section": "y"}, "unknown-source",
     "visits[4].tolerance.basis.stated", "'x' is not declared", "a tolerance has a source too"),
    ("activities[0].visits", ["x"], "unknown-visit", "activities[0].visits[0]", "'x' is not declared", "an activity's visit"),
    ("windows[0].ends.from", "x", "unknown-anchor", "windows[0].ends.from", "'x' is not declared", "the end of a window"),
    ("windows[3].starts.moments[1].from", "x", "unknown-anchor", "windows[3].starts.moments[1].from", "'x'", "one moment of several"),
    ("windows[3].conduct.confirmed_at", ["x"], "unknown-visit", "windows[3].conduct.confirmed_at[0]", "'x'", "where a conduct is confirmed"),
    ("gates[0].observation", "x", "unknown-window", "gates[0].observation", "possible are near, watch", "what a gate waits for"),
    ("unscheduled_epochs", ["x"], "unknown-epoch", "unscheduled_epochs[0]", "'x' is not declared", "where visits may be added"),
    ("hold.basis", {"stated": "x", "section": "y"}, "unknown-source", "hold.basis.stated", "'x'", "the source of the hold"),
    # codes
    ("trial", "A trial", "bad-code", "trial", "'A trial' is not a trial's code", "it stands in addresses"),
    ("windows[0].code", "Near", "bad-code", "windows[0].code", "use small letters", "it stands in feeds"),
    ("windows[0].code", "", "bad-code", "windows[0].code", "'' is not a code", "empty"),
    ("visits[+]", visit("ld-2"), "occurrence-collision", "visits[7].code", "a visit of 'ld'", "a plan's ld-2"),
    ("visits[+]", visit("quarter-4"), "occurrence-collision", "visits[7].code", "a visit of 'quarter'", "month 12"),
    # texts, lists and numbers
    ("title", " ", "empty-text", "title", "the text is empty", "blanks only"),
    ("visits[4].basis", {"stated": "record", "section": ""}, "empty-text", "visits[4].basis.section", "empty", "a stated value says where"),
    ("notes[0]", "", "empty-text", "notes[0]", "the text is empty", "a note of nothing"),
    ("windows[1].observation.of", "", "empty-text", "windows[1].observation.of", "the text is empty", "watched for nothing"),
    ("windows[2].washout.of", [], "empty-list", "windows[2].washout.of", "name what must not", "of nothing"),
    ("windows[3].starts.moments", [], "empty-list", "windows[3].starts.moments", "at least one", "no moment"),
    ("planned_number", 0, "number-out-of-range", "planned_number", "0 is given; give a whole number from 1 to 100000", "nobody takes part"),
    ("windows[0].presence.within_minutes", -1, "number-out-of-range", "windows[0].presence.within_minutes", "-1", "time does not run back"),
    ("planned_number", 100_001, "number-out-of-range", "planned_number", "100001 is given", "a slip of the pen"),
    ("windows[2].starts.half_lives.count", -100_001, "number-out-of-range", "windows[2].starts.half_lives.count", "100001", "not signed"),
    ("zone", "Asia/Shanghia", "unknown-zone", "zone", "did you mean 'Asia/Shanghai'?", "near miss"),
    ("zone", "Asia", "unknown-zone", "zone", "the zone 'Asia' is not known", "a folder of the database"),
    ("zone", "../etc/passwd", "unknown-zone", "zone", "is not known", "no path leads out"),
    ("zone", "", "unknown-zone", "zone", "is not known", "empty"),
    # what hangs on what
    ("anchors[2].derived", {"anchor": "start", "offset": "P5D", "basis": "assumed"}, "circular",
     "anchors[1].derived", "the anchor 'start' counts from the anchor 'infusion', which counts from the anchor "
     "'start'; let one of them", "two anchors"),
    ("anchors[1].derived.anchor", "start", "circular", "anchors[1].derived", "counts from the anchor 'start'", "self"),
    ("visits[4].from", {"visit": "call"}, "circular", "visits[4].from", "the visit 'call', which counts", "visits"),
    ("visits[0].from", {"activity": "blood-count"}, "circular", "visits[0].from", "the activity 'blood-count'",
     "an activity at the visit that counts from it"),
    ("visits[6].from", {"visit": "ld"}, "many-visits", "visits[6].from.visit", "name one of ld-1, ld-2, ld-3", "three days have no one day to count from"),
    # timings
    ("visits[0].within", {"first": "-P6D", "last": "-P28D"}, "range-turned", "visits[0].within",
     "the range from -P6D to -P28D is turned round; give the earlier end as `first`", "turned"),
    ("visits[0].within", {"first": "-P1M", "last": "-P31D"}, "range-turned", "visits[0].within", "turned",
     "a short month"),
    ("visits[0].within.target", "-P5D", "target-outside", "visits[0].within.target", "-P28D to -P6D", "too late"),
    ("visits[0].within.target", "-P29D", "target-outside", "visits[0].within.target", "-P28D to -P6D", "too early"),
    ("visits[0].within.target", "-PT48H", "hours-in-days", "visits[0].within.target", "-PT48H counts hours", "a target is a day"),
    ("visits[2].over.first", "-PT48H", "hours-in-days", "visits[2].over.first", "-PT48H counts hours", "range"),
    ("visits[4].tolerance.after", "PT48H", "hours-in-days", "visits[4].tolerance.after", "counts hours", "on time by days"),
    ("visits[4].tolerance.before", "-P3D", "negative-tolerance", "visits[4].tolerance.before",
     "-P3D is negative; give it without a sign: P3D", "the window would open after it closes"),
    ("visits[4].at", "P200Y", "far-offset", "visits[4].at", "at most 150 years", "longer than a life"),
    ("windows[0].ends.offset", "P99999W", "far-offset", "windows[0].ends.offset", "at most 150 years", "typing"),
    # blocks
    ("visits[2].over.first", "-P1D", "block-hole", "visits[2]", "a hole of 1 day between 'ld' and 'rest'", "D-2 stays empty"),
    ("visits[2].over.first", "-P3D", "block-overlap", "visits[2]", "'ld' and 'rest' share 1 day", "the same day twice"),
    ("visits[1].each.last", "P1W", "block-overlap", "visits[2]", "'ld' and 'rest' share 5 days", "a week"),
    ("visits[2].applies_to", ["donor"], "block-hole", "visits[3]", "a hole of 2 days between 'ld' and 'd0'",
     "those who are no donors have no rest"),
    ("visits[3].tolerance.after", "P1D", "block-tolerance", "visits[3].tolerance", "may slip; give before: P0D", "a block holds its shape"),
    ("anchors[1].derived", GONE, "loose-block", "visits[2]", "hang on days that do not move together", "loose"),
    # windows and gates
    ("windows[0].ends.offset", "-P1D", "window-turned", "windows[0]", "it opens 1 day after it closes", "turned"),
    ("windows[3].ends.offset", "-P6D", "window-turned", "windows[3]", "it opens 1 day after", "by the derivation"),
    ("windows[5].ends.offset", "-PT340H", "window-turned", "windows[5]", "blood-count on", "hours and days"),
    ("windows[6].ends", bound("-P1D"), "window-turned", "windows[6]", "it opens 1 day after", "by way of a visit's day"),
    ("windows[1].starts.offset", "P30D", "window-turned", "windows[1]", "it opens 2 days after", "a February"),
    ("gates[0].observation", "near", "gate-not-observation", "gates[0].observation", "possible are watch", "being near is not being watched"),
    ("gates[0].observation", GONE, "empty-gate", "gates[0]", "the gate 'next' asks for nothing", "a gate that is always open"),
    ("gates[0].interval", "-P7D", "negative-interval", "gates[0].interval", "give it without a sign: P7D", "the next one comes later"),
    ("hold.longest", "-P7D", "negative-interval", "hold.longest", "-P7D is negative", "waiting takes time"),
    ("hold.escalate_after", "-P3D", "negative-interval", "hold.escalate_after", "-P3D is negative", "nobody is told before"),
    ("hold.afebrile", "P1M", "uneven-days", "hold.afebrile", "count hours, days or weeks", "a clock does not know February"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "code", "where", "words", "reason"), FAULTS)
def test_every_fault_of_the_domain_is_named_once(path, value, code, where, words, reason):
    faults = [found for found in problems_of(changed((path, value))) if found.severity is Severity.FAULT]
    assert [(problem.code, problem.path) for problem in faults] == [(code, where)], reason
    assert words in str(faults[0])


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "fact"])
def test_a_code_names_one_thing_of_its_kind(kind):
    """Of two with one code the second is at fault, in every section."""
    name = section(kind)
    twice = changed((f"{name}[+]", DATA[name][0]))
    found = [problem for problem in problems_of(twice) if problem.code == "duplicate-code"]
    assert [problem.path for problem in found] == [f"{name}[{len(DATA[name])}].code"]
    assert f"stands a second time (first at {name}[0])" in found[0].message


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("source", "fact")])
def test_a_label_says_something(kind):
    found = problems_of(changed((f"{section(kind)}[0].label", "")))
    assert [(problem.code, problem.path) for problem in found] == [
        ("empty-label", f"{section(kind)}[0].label")
    ]


FAULTS_IN_PAIRS = [
    ({"each": {"first": "P60D", "last": "P3M"}}, ["uneven-days"], "how many visits hangs on the months"),
    (
        {"within": {"first": "P60D", "last": "P61D"}, "block": "conditioning"},
        ["block-range"],
        "any of two days",
    ),
    ({"repeat": {"every": "-P3D", "until": "P70D"}}, ["repeat-not-forward"], "backwards"),
    ({"repeat": {"every": "P0D", "until": "P70D"}}, ["repeat-not-forward"], "for ever"),
    ({"repeat": {"every": "P1D", "until": "P59D"}}, ["repeat-ends-early"], "before it begins"),
    ({"repeat": {"every": "P1M", "until": "P3M"}}, ["repeat-unit", "repeat-unit"], "days repeated by months"),
    ({"repeat": {"every": "P1D", "until": "P61D"}, "block": "conditioning"}, ["block-repeat"], "use each"),
    ({"each": {"first": "P0D", "last": "P1500D"}}, ["too-many-occurrences"], "four years, day by day"),
    ({"at": "PT6H", "tolerance": tolerance("PT1H")}, ["hours-in-days"] * 2, "hours before and after"),
    ({"at": "PT6H"}, [], "hours to the target are fine"),
    ({"from": {"visit": "ld-3"}}, [], "an occurrence may be named as a plan calls it"),
    ({"from": {"visit": "quarter-4"}}, [], "a repeat too"),
]


@pytest.mark.parametrize(("more", "codes", "reason"), FAULTS_IN_PAIRS)
def test_what_one_more_visit_may_and_may_not_be(more, codes, reason):
    faults = [
        found for found in problems_of(changed(("visits[+]", visit(**more)))) if found.severity == "fault"
    ]
    assert [problem.code for problem in faults] == codes, reason


WARNINGS = [
    ("traits[+]", {"code": "x", "label": "X"}, "unused-trait", "traits[3]", "nothing uses it", "no rule asks for it"),
    ("traits[+]", {"code": "x", "label": "X", "always": True}, None, "", "", "everybody has it: a fact, not a rule"),
    ("blocks[+]", {"code": "x", "label": "X"}, "unused-block", "blocks[1]", "nothing uses it", "no visit is in it"),
    ("epochs[+]", {"code": "x", "label": "X"}, "unused-epoch", "epochs[2]", "nothing uses it", "no visit is in it"),
    ("anchors[+]", {"code": "x", "label": "X"}, "loose-anchor", "anchors[3]", "lies to 'infusion', day zero", "floating"),
    ("anchors[+]", {"code": "x", "label": "X", "not_after": ["consent"]}, None, "", "", "by way of consent"),
    ("planned_end", "2027-02-13", "follow-up-past-end", "planned_end",
     "with day zero on 2026-01-31 the visit 'quarter' may last until 2027-02-14, past 2027-02-13", "a day short"),
    ("planned_end", "2027-02-14", None, "", "", "31 January and twelve months and 14 days"),
    ("windows[4].event_after.age", GONE, "open-window", "windows[4]", "neither start nor end", "no age either"),
    ("visits[+]", visit(at="P33D", tolerance=tolerance("P2D")), "overlapping-windows", "visits[7]",
     "the windows of 'd28' and 'new' overlap by up to 1 day", "day 31 is in both"),
    ("visits[+]", visit(at="P34D", tolerance=tolerance("P2D")), None, "", "", "day 31 and day 32 only touch"),
    ("visits[+]", visit(at="P90D", tolerance=tolerance("P7D")), "overlapping-windows", "visits[7]",
     "'quarter-1' and 'new' overlap by up to 15 days", "three months are 89 to 92 days"),
    ("visits[+]", visit(at="P76D", tolerance=tolerance("P7D")), "overlapping-windows", "visits[7]",
     "overlap by up to 2 days", "only with three months of 89 days: 30 November to 28 February and the like"),
    ("visits[+]", visit(at="P74D", tolerance=tolerance("P7D")), None, "", "", "81 days are before 82"),
    ("visits[+]", visit(at="P28D", **{"from": "start"}), None, "", "", "another anchor"),
    ("visits[+]", visit(each={"first": "P0D", "last": "P40D"}), None, "", "", "a diary runs beside visits"),
    ("visits[5].tolerance", tolerance("P50D"), "overlapping-windows", "visits[5]",
     "'quarter-1' and 'quarter-2' overlap", "the repeats of one rule"),
    ("windows[+]", window(ends=bound("-P29D"), starts=bound("-P40D")), "unreachable-window", "windows[7].ends",
     "over before the first visit opens", "nobody stays before screening"),
    ("windows[+]", window(ends=bound("-P28D"), starts=bound("-P40D")), None, "", "", "the first day of screening"),
    ("windows[+]", window(ends=bound("-P29D"), starts=bound("-P40D"), washout={"of": ["x"]}), None, "", "",
     "a washout looks back"),
    ("visits[+]", visit(applies_to=["donor"], **{"from": {"visit": "call"}}), "unreachable-window",
     "visits[7].from.visit", "it is for donor, but the visit 'call' is for minor", "another group"),
    ("visits[+]", visit(applies_to=["everybody"], **{"from": {"visit": "call"}}), None, "", "",
     "everybody may be a minor"),
    ("windows[3].conduct.confirmed_at", ["call"], "unreachable-window", "windows[3].conduct.confirmed_at[0]",
     "it is for donor", "confirmed at a visit that donors do not have"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "code", "where", "words", "reason"), WARNINGS)
def test_every_warning_is_given_when_it_should_be(path, value, code, where, words, reason):
    problems = problems_of(changed((path, value)))
    assert all(problem.severity is Severity.WARNING for problem in problems), reason
    expected = [(code, where)] if code else []
    assert [(problem.code, problem.path) for problem in problems] == expected, reason
    assert words in "".join(map(str, problems))


def test_visits_for_different_participants_may_be_on_the_same_day():
    """Disjoint traits are taken for alternatives, unless everybody has one of them."""
    minor, donor = (visit(trait, at="P28D", applies_to=[trait]) for trait in ("minor", "donor"))
    everybody = visit("all", at="P28D", applies_to=["everybody"])
    base = [*DATA["visits"][:4], *DATA["visits"][5:6]]
    for pair, codes in (((minor, donor), []), ((minor, everybody), ["overlapping-windows"])):
        data = changed(("visits", [*base, *pair]), ("windows[3].conduct", {"of": "contraception"}))
        assert [problem.code for problem in problems_of(data)] == codes


def test_a_crowded_section_is_said_and_not_judged():
    crowd = [visit(f"v{number}", at=f"P{number}D") for number in range(251)]
    found = problems_of(changed(("visits", crowd)))
    assert [(problem.code, problem.path) for problem in found] == [("too-many-items", "visits")]
