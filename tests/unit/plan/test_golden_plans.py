"""The five real trials for an infusion on Monday 7 December 2026: on a wall calendar, and in golden files."""

from __future__ import annotations

import json
from datetime import date

import pytest

from schedules.domain.plan.document import plan_document
from schedules.domain.plan.projection import project
from schedules.domain.plan.values import Known
from tests.golden.plans import EDITIONS, EVERY_TRAIT, PLAIN, TRIALS, path, protocol, text
from tests.unit.plan.small import (
    CHEMOTHERAPY,
    CLINIC,
    at,
    bound,
    days,
    each,
    instant,
    on,
    over,
    visit,
    window,
    within,
)
from tests.unit.plan.small import protocol as small_protocol
from trials.domain.protocols.protocol import DayCount, Place, Presence, Washout

FIRST = "Mon 2026-11-09 Mon 2026-11-09 Tue 2026-12-01"
CHEMO = ("Wed 2026-12-02", "Thu 2026-12-03", "Fri 2026-12-04")
WITH_CHEMO = {
    "screening": FIRST,
    "ld-1": CHEMO[0],
    "ld-2": CHEMO[1],
    "ld-3": CHEMO[2],
    "rest": "Sat 2026-12-05 Sat 2026-12-05 Sun 2026-12-06",
    "d0": "Mon 2026-12-07",
}
D14 = "Sat 2026-12-19 Mon 2026-12-21 Wed 2026-12-23"
D28 = "Fri 2027-01-01 Mon 2027-01-04 Thu 2027-01-07"
M3 = "Sun 2027-02-28 Sun 2027-03-07 Sun 2027-03-14"
M6 = "Mon 2027-05-24 Mon 2027-06-07 Mon 2027-06-21"
M9 = "Tue 2027-08-24 Tue 2027-09-07 Tue 2027-09-21"
M12 = "Tue 2027-11-23 Tue 2027-12-07 Tue 2027-12-21"
VISITS = {
    "NCT07193667": WITH_CHEMO
    | {
        "d4": "Thu 2026-12-10 Fri 2026-12-11 Sat 2026-12-12",
        "d7": "Sun 2026-12-13 Mon 2026-12-14 Tue 2026-12-15",
        "d10": "Wed 2026-12-16 Thu 2026-12-17 Fri 2026-12-18",
        "d14": D14,
        "d21": "Sat 2026-12-26 Mon 2026-12-28 Wed 2026-12-30",
        "d28": D28,
        "w8": "Mon 2027-01-25 Mon 2027-02-01 Mon 2027-02-08",
        "w12": "Mon 2027-02-22 Mon 2027-03-01 Mon 2027-03-08",
        "w24": "Mon 2027-05-10 Mon 2027-05-24 Mon 2027-06-07",
        "w36": "Mon 2027-08-02 Mon 2027-08-16 Mon 2027-08-30",
        "w52": "Mon 2027-11-22 Mon 2027-12-06 Mon 2027-12-20",
    },
    "NCT07274059": WITH_CHEMO
    | {
        "d14": D14,
        "d28": D28,
        "m3": M3,
        "m6": M6,
        "m9": M9,
        "m12": M12,
        "m18": "Wed 2028-05-24 Wed 2028-06-07 Wed 2028-06-21",
        "m24": "Thu 2028-11-23 Thu 2028-12-07 Thu 2028-12-21",
    },
    "NCT07339332": WITH_CHEMO | {"d14": D14, "d28": D28, "m3": M3, "m6": M6, "m9": M9, "m12": M12},
    "NCT07331467": {
        "screening": FIRST,
        "collection": "Mon 2026-12-07",
        "d0": "Mon 2026-12-07",
        "d28": D28,
        "d90": M3,
        "m3": M3,
        "m6": M6,
    },
    "NCT07233642": {
        "screening": FIRST, "d0": "Mon 2026-12-07", "d14": D14, "d28": D28, "m3": M3, "m6": M6, "m12": M12,
    },
}  # fmt: skip


@pytest.mark.parametrize("trial", [*TRIALS, *EDITIONS])
@pytest.mark.parametrize("kind", [PLAIN, EVERY_TRAIT])
def test_a_plan_is_as_the_golden_file_keeps_it(trial, kind):
    """Meant to change? `python -m tests.golden.plans`, and read the difference."""
    assert json.loads(text(trial, kind)) == json.loads(path(trial, kind).read_text(encoding="utf-8"))


@pytest.mark.parametrize("trial", TRIALS)
def test_visits_of_the_real_trials_on_the_wall_calendar(trial):
    document = json.loads(path(trial, EVERY_TRAIT).read_text(encoding="utf-8"))
    found = {
        planned["code"]: [on_wall(planned[key]) for key in ("opens", "target", "closes")]
        for planned in document["visits"]
    }
    expected = {code: spread(dates) for code, dates in VISITS[trial].items()}
    assert list(found.items()) == list(expected.items())


def on_wall(iso):
    return f"{date.fromisoformat(iso):%a} {iso}"


def spread(dates):
    words = dates.split()
    pairs = [f"{day} {iso}" for day, iso in zip(words[::2], words[1::2], strict=True)]
    assert all(on(pair) for pair in pairs)
    return pairs if len(pairs) == 3 else pairs * 3


def test_only_one_of_them_leaves_chemotherapy_to_the_participant():
    without = {trial: json.loads(path(trial, PLAIN).read_text(encoding="utf-8")) for trial in TRIALS}
    assert {trial for trial, plan in without.items() if any(v["code"] == "ld-1" for v in plan["visits"])} == {
        "NCT07193667",
        "NCT07339332",
    }
    assert CHEMOTHERAPY not in without["NCT07274059"]["anchors"]


@pytest.mark.parametrize("trial", [*TRIALS, *EDITIONS])
def test_nothing_of_a_real_trial_is_lost_or_unexplained(trial):
    document = json.loads(path(trial, EVERY_TRAIT).read_text(encoding="utf-8"))
    rules = protocol(trial)
    assert [found["code"] for found in document["windows"]] == [rule.code for rule in rules.windows]
    for found in document["windows"]:
        unknown = found["starts"] is None or found["ends"] is None
        assert ("Not known yet: " in found["because"]) is unknown, found["code"]
    for found in (*document["visits"], *document["windows"]):
        assert found["because"].endswith(f"Protocol version {rules.version}.")


VISIT_KEYS = {
    "code", "label", "epoch", "timing", "offset", "day", "anchor", "place", "opens", "target", "closes",
    "suggested", "basis", "block", "because",
}  # fmt: skip
WINDOW_KEYS = {"code", "label", "kind", "starts", "ends", "basis", "because"}
ADDED = {"zone", "calendar"}, {"at", "day_label", "study_day"}, {"terms", "waivable", "days_assumed"}


@pytest.mark.parametrize("trial", [*TRIALS, *EDITIONS])
def test_the_document_has_the_keys_that_were_promised_and_those_added_since(trial):
    document = json.loads(path(trial, EVERY_TRAIT).read_text(encoding="utf-8"))
    promised = {"trial", "version", "digest", "anchors", "visits", "windows", "warnings"}
    assert set(document) == promised | ADDED[0]
    assert {frozenset(found) for found in document["visits"]} == {frozenset(VISIT_KEYS | ADDED[1])}
    assert {frozenset(found) for found in document["windows"]} == {frozenset(WINDOW_KEYS | ADDED[2])}
    assert {frozenset(found) for found in document["anchors"].values()} == {
        frozenset({"date", "kind", "at", "assumed"})
    }
    assert all(set(found) == {"code", "message"} for found in document["warnings"])
    assert all(set(found["basis"]) == {"timing", "tolerance"} for found in document["visits"])


def _document(*visits, given=None, calendar=None, known=None, windows=(), **more):
    small = small_protocol(*visits, windows=windows, **more)
    plan = project(small, given or days(infusion="Mon 2026-12-07"), calendar=calendar, known=known)
    return plan_document(plan, "sha256:0")


@pytest.mark.parametrize(
    ("rule", "expected", "reason"),
    [
        (visit("v", at("P28D", "P3D"), place=Place.PHONE),
         {"timing": "offset", "offset": "P28D", "day": 28, "anchor": "infusion", "place": "phone",
         "block": None,
          "opens": "2027-01-01", "target": "2027-01-04", "closes": "2027-01-07", "suggested": None,
          "at": None,
          "basis": {"timing": "assumed", "tolerance": "assumed"}, "day_label": "D28", "study_day": 29},
          "an offset"),
        (visit("v", within("-P28D", "-P6D")),
         {"timing": "within", "offset": "-P28D", "day": -28, "day_label": "D-28", "study_day": -28,
          "basis": {"timing": "assumed", "tolerance": None}}, "a range has no tolerance"),
        (visit("v", within("-P28D", "-P6D", "-P14D")), {"offset": "-P14D", "day": -14},
         "the target's offset"),
        (visit("v", each("P1D", "P1D"), CHEMOTHERAPY, block="b"),
         {"code": "v-1", "label": "V 1", "timing": "each", "offset": "P1D", "day": 1, "block": "b",
          "anchor": CHEMOTHERAPY, "day_label": "D-4", "study_day": -4}, "labels count from day zero"),
        (visit("v", over("-P2D", "-P1D")), {"timing": "over", "offset": "-P2D", "closes": "2026-12-06"},
         "over"),
        (visit("v", at("P1M")), {"offset": "P1M", "day": 31, "day_label": "D31"},
         "months have days once dated"),
        (visit("v", at("P0D")), {"day": 0, "day_label": "D0", "study_day": 1}, "day zero itself"),
    ],
)  # fmt: skip
def test_a_visit_as_plain_data(rule, expected, reason):
    (found,) = _document(rule)["visits"]
    assert {key: found[key] for key in expected} == expected, reason


def test_a_protocol_may_call_its_anchor_day_one():
    (found,) = _document(visit("v", at("P28D")), day_count=DayCount.DAY_1)["visits"]
    assert (found["day"], found["day_label"], found["target"]) == (28, "D29", "2027-01-04")


def test_without_day_zero_there_are_no_day_numbers():
    (found,) = _document(visit("v", at("P0D"), CHEMOTHERAPY), given=days(ld="Wed 2026-12-02"))["visits"]
    assert (found["day_label"], found["study_day"]) == (None, None)


def test_instants_carry_their_zone():
    given = {CHEMOTHERAPY: instant("2026-12-02T09:00")}
    rule = window(f"{CHEMOTHERAPY} -PT48H", f"{CHEMOTHERAPY} PT0H", Presence(120))
    document = _document(visit("v", at("PT1H"), CHEMOTHERAPY), given=given, windows=(rule,))
    assert document["anchors"][CHEMOTHERAPY] == {
        "date": "2026-12-02", "kind": "planned", "at": "2026-12-02T09:00+08:00", "assumed": False,
    }  # fmt: skip
    assert document["visits"][0]["at"] == "2026-12-02T10:00+08:00"
    assert document["windows"][0] | {"because": ""} == {
        "code": "window", "label": "Window", "kind": "presence", "starts": "2026-11-30T09:00+08:00",
        "ends": "2026-12-02T09:00+08:00", "basis": "assumed", "because": "", "waivable": False,
        "days_assumed": False,
        "terms": {"within_minutes": 120, "companion": False},
    }  # fmt: skip


def test_a_calendar_and_its_suggestions_as_plain_data():
    document = _document(visit("v", at("P7D", "P1D")), given=days(infusion="Sat 2026-01-31"), calendar=CLINIC)
    assert (document["calendar"], document["zone"]) == (CLINIC.version, "Asia/Shanghai")
    assert document["visits"][0]["suggested"] == "2026-02-06"


def test_terms_and_warnings_as_plain_data():
    rule = window(bound("enrolment -5 of mtx"), "consent P0D", Washout(("mtx", "aza")), waivable=True)
    document = _document(visit("v", at("P1D"), "discharge"), windows=(rule,), known=Known())
    assert document["windows"][0]["terms"] == {"of": ["mtx", "aza"]}
    assert document["windows"][0]["waivable"] is True
    assert (document["windows"][0]["starts"], document["windows"][0]["ends"]) == (None, None)
    assert document["warnings"] == [
        {"code": "anchor-missing", "message": "discharge is not known: no date yet for V; set discharge"}
    ]
    assert (document["trial"], document["version"], document["digest"]) == ("SMALL", "2", "sha256:0")
    assert json.loads(json.dumps(document)) == document
