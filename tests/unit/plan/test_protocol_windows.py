"""Windows between visits: whole days, hours across clock changes, and ends that hang on the unknown."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from schedules.domain.plan.projection import project
from schedules.domain.plan.values import AnchorKind, Known
from tests.unit.plan.small import (
    ANCHORS,
    CHEMOTHERAPY,
    STATED,
    at,
    bound,
    day_of,
    days,
    instant,
    placed,
    protocol,
    said,
    visit,
    window,
)
from trials.domain.protocols.offsets import MonthLength
from trials.domain.protocols.protocol import (
    Conduct,
    EventAfter,
    Freshness,
    Observation,
    Pick,
    Presence,
    Stay,
    Washout,
)

INFUSION = days(infusion="Mon 2026-12-07")
HCG = window(f"{CHEMOTHERAPY} -PT48H", f"{CHEMOTHERAPY} PT0H", Freshness("hcg", "negative"))
DRUG = Washout(("drug",))


def ends(found):
    return said(found.starts), said(found.ends)


def told(found):
    return tuple(map(str, found.missing))


@pytest.mark.parametrize(
    ("rule", "expected", "reason"),
    [
        (window("infusion P0D", "infusion P7D", Stay()), ("Mon 2026-12-07", "Mon 2026-12-14"), "D0 to D7"),
        (window("infusion P0D", "infusion P28D", Presence(120)), ("Mon 2026-12-07", "Mon 2027-01-04"),
         "to D28"),
        (window("infusion P0D", "infusion P3M", Observation("ae")), ("Mon 2026-12-07", "Sun 2027-03-07"),
         "months"),
        (window("enrolment -P7D", "enrolment P0D", Freshness("hcg")), ("Tue 2026-11-24", "Tue 2026-12-01"),
         "within 7 days before enrolment, which follows the infusion"),
        (window("enrolment -P5Y", "enrolment P0D", DRUG), ("Wed 2021-12-01", "Tue 2026-12-01"),
         "five years back"),
        (window(bound("lymphodepletion-start P0D", "infusion P0D"), "infusion P6M"),
         ("Wed 2026-12-02", "Mon 2027-06-07"), "from whichever is first"),
        (window(bound("lymphodepletion-start P0D", "infusion P0D", pick=Pick.LATEST), "infusion P6M"),
         ("Mon 2026-12-07", "Mon 2027-06-07"), "from whichever is last"),
        (window("infusion P0D", "visit:m12 P0D"), ("Mon 2026-12-07", "Tue 2027-12-07"), "until a visit"),
        (window(None, "infusion P7D"), (None, "Mon 2026-12-14"), "no start, and none is missing"),
        (window("infusion P0D", None), ("Mon 2026-12-07", None), "no end, and none is missing"),
    ],
)  # fmt: skip
def test_whole_days(rule, expected, reason):
    found = placed(rule, INFUSION, visit("m12", at("P12M", "P14D")))
    assert (ends(found), told(found)) == (expected, ()), reason


BEGUN = Known(begun={CHEMOTHERAPY: day_of("Fri 2026-11-13 actual")})


@pytest.mark.parametrize(
    ("rule", "expected", "reason"),
    [
        (window(f"{CHEMOTHERAPY} P0D", "infusion P6M"), ("Fri 2026-11-13", "Mon 2027-06-07"),
         "what holds from the first chemotherapy on holds since that of the block that was broken off"),
        (window(bound(f"{CHEMOTHERAPY} P0D", "infusion P0D"), "infusion P6M"),
         ("Fri 2026-11-13", "Mon 2027-06-07"), "from whichever is first"),
        (window(f"{CHEMOTHERAPY} P1D", "infusion P6M"), ("Sat 2026-11-14", "Mon 2027-06-07"),
         "the day after"),
        (window(f"{CHEMOTHERAPY} -P28D", "infusion P6M", Conduct("contraception")),
         ("Fri 2026-10-16", "Mon 2027-06-07"), "what a participant was to keep already"),
        (window(f"{CHEMOTHERAPY} -P7D", "infusion P0D", DRUG), ("Wed 2026-11-25", "Mon 2026-12-07"),
         "what comes before chemotherapy comes before the new one"),
        (window(f"{CHEMOTHERAPY} P0D", f"{CHEMOTHERAPY} P2D"), ("Wed 2026-12-02", "Fri 2026-12-04"),
         "what lies around chemotherapy lies around the new one"),
        (window(f"{CHEMOTHERAPY} P0D", "infusion P0D", Freshness("hcg")),
         ("Wed 2026-12-02", "Mon 2026-12-07"), "a test is asked for anew"),
        (window("infusion P0D", "infusion P7D", Stay()), ("Mon 2026-12-07", "Mon 2026-12-14"), "not from it"),
    ],
)  # fmt: skip
def test_chemotherapy_that_is_repeated_has_begun_before(rule, expected, reason):
    found = placed(rule, INFUSION, known=BEGUN)
    assert (ends(found), told(found)) == (expected, ()), reason


def test_months_are_those_of_the_protocol():
    found = placed(window("infusion P0D", "infusion P3M"), INFUSION, month=MonthLength.DAYS_28)
    assert ends(found) == ("Mon 2026-12-07", "Mon 2027-03-01")


@pytest.mark.parametrize(
    ("zone", "start", "expected", "reason"),
    [
        ("Asia/Shanghai", "2026-12-02T09:00", ("2026-11-30T09:00+08:00", "2026-12-02T09:00+08:00"),
         "48 hours"),
        ("Europe/Berlin", "2026-03-30T09:00", ("2026-03-28T08:00+01:00", "2026-03-30T09:00+02:00"),
         "an hour was left out: the window opens an hour earlier on the clock"),
        ("Europe/Berlin", "2026-10-26T09:00", ("2026-10-24T10:00+02:00", "2026-10-26T09:00+01:00"),
         "an hour came twice: it opens an hour later"),
        ("America/New_York", "2026-03-09T08:00", ("2026-03-07T07:00-05:00", "2026-03-09T08:00-04:00"),
         "forward"),
        ("America/New_York", "2026-11-02T08:00", ("2026-10-31T09:00-04:00", "2026-11-02T08:00-05:00"),
         "back"),
        ("Pacific/Apia", "2011-12-31T09:00", ("2011-12-28T09:00-10:00", "2011-12-31T09:00+14:00"),
         "30 December 2011 did not take place in Samoa"),
    ],
)  # fmt: skip
def test_hours_are_hours_where_the_hour_is_known(zone, start, expected, reason):
    found = placed(HCG, {CHEMOTHERAPY: instant(start, zone)}, zone=zone)
    assert (ends(found), told(found)) == (expected, ()), reason


@pytest.mark.parametrize(
    ("zone", "start", "expected", "reason"),
    [
        ("Asia/Shanghai", "Wed 2026-12-02", ("2026-12-01T00:00+08:00", "2026-12-02T00:00+08:00"),
         "valid for every hour of 2 December: not before 48 hours before its end, not after its beginning"),
        ("Europe/Berlin", "Sun 2026-03-29", ("2026-03-27T23:00+01:00", "2026-03-29T00:00+01:00"),
         "the day has 23 hours: 48 before its end is an hour before midnight"),
        ("Europe/Berlin", "Mon 2026-03-30", ("2026-03-28T23:00+01:00", "2026-03-30T00:00+02:00"),
         "48 hours before the end of the 30th, with 23 hours on the 29th"),
        ("Europe/Berlin", "Mon 2026-10-26", ("2026-10-25T01:00+02:00", "2026-10-26T00:00+01:00"),
         "48 hours before the end of the 26th, with 25 hours on the 25th"),
        ("America/New_York", "Sun 2026-11-01", ("2026-10-31T01:00-04:00", "2026-11-01T00:00-04:00"),
         "the day itself has 25 hours"),
        ("Pacific/Apia", "Sat 2011-12-31", ("2011-12-29T00:00-10:00", "2011-12-31T00:00+14:00"),
         "the day before the 31st was the 29th"),
    ],
)  # fmt: skip
def test_while_only_the_day_is_known_only_what_is_valid_for_each_of_its_hours_counts(
    zone, start, expected, reason
):
    found = placed(HCG, days(ld=start), zone=zone)
    assert (ends(found), told(found)) == (expected, ()), reason


def test_a_window_of_hours_shorter_than_a_day_waits_for_the_hour():
    short = window(f"{CHEMOTHERAPY} -PT12H", f"{CHEMOTHERAPY} PT0H", Freshness("hcg"))
    found = placed(short, days(ld="Wed 2026-12-02"))
    assert (ends(found), told(found)) == ((None, None), ("the hour of Lymphodepletion start",))
    found = placed(short, {CHEMOTHERAPY: instant("2026-12-02T09:00")})
    assert (ends(found), told(found)) == (("2026-12-01T21:00+08:00", "2026-12-02T09:00+08:00"), ())


@pytest.mark.parametrize(
    ("hours", "expected", "reason"),
    [
        ("-PT24H", ("2026-12-02T00:00+08:00", "2026-12-02T00:00+08:00"), "one instant is left of it"),
        ("-PT23H", (None, None), "nothing is"),
        ("-PT25H", ("2026-12-01T23:00+08:00", "2026-12-02T00:00+08:00"), "an hour is"),
    ],
)
def test_what_is_left_of_a_window_of_hours(hours, expected, reason):
    rule = window(f"{CHEMOTHERAPY} {hours}", f"{CHEMOTHERAPY} PT0H", Freshness("hcg"))
    assert ends(placed(rule, days(ld="Wed 2026-12-02"))) == expected, reason


def test_hours_against_a_whole_day_may_use_all_of_that_day():
    rule = window(f"{CHEMOTHERAPY} -PT12H", f"{CHEMOTHERAPY} P0D", Freshness("hcg"))
    found = placed(rule, days(ld="Wed 2026-12-02"))
    assert ends(found) == ("2026-12-02T12:00+08:00", "Wed 2026-12-02")


@pytest.mark.parametrize(
    ("terms", "expected", "reason"),
    [
        (DRUG, ("2026-11-30T00:00+08:00", "2026-12-03T00:00+08:00"), "what must not have been: at any hour"),
        (Presence(120), ("2026-11-30T00:00+08:00", "2026-12-03T00:00+08:00"), "where to be: at any hour"),
        (Freshness("hcg"), ("2026-12-01T00:00+08:00", "2026-12-02T00:00+08:00"), "a test: for every hour"),
    ],
)
def test_a_duty_holds_for_every_hour_the_day_may_mean(terms, expected, reason):
    rule = window(f"{CHEMOTHERAPY} -PT48H", f"{CHEMOTHERAPY} PT0H", terms)
    assert ends(placed(rule, days(ld="Wed 2026-12-02"))) == expected, reason


def test_hours_are_told_in_the_zone_of_the_site():
    given = {CHEMOTHERAPY: instant("2026-12-02T09:00", "Europe/Berlin")}
    small = protocol(windows=(HCG,))
    plan = project(small, given, zone=ZoneInfo("America/New_York"))
    assert ends(plan.windows[0]) == ("2026-11-30T03:00-05:00", "2026-12-02T03:00-05:00")
    assert ends(project(small, given).windows[0])[1] == "2026-12-02T16:00+08:00"


LIVES = window("enrolment -5 of mtx", "enrolment P0D", DRUG)


@pytest.mark.parametrize(
    ("rule", "half_life", "expected", "reason"),
    [
        (LIVES, timedelta(days=8), ("Thu 2026-10-22", "Tue 2026-12-01"), "5 × 8 days before 1 December"),
        (LIVES, timedelta(hours=10), ("Sat 2026-11-28", "Tue 2026-12-01"),
         "50 hours are begun days: 3 of them"),
        (LIVES, timedelta(hours=24), ("Thu 2026-11-26", "Tue 2026-12-01"), "5 days are 5 days"),
        (window("infusion P0D", "infusion 5 of mtx"), timedelta(hours=10), ("Mon 2026-12-07",
         "Thu 2026-12-10"),
         "a duty of 50 hours afterwards is kept to the third day"),
        (replace(LIVES, terms=Freshness("level")), timedelta(hours=10), ("Sun 2026-11-29", "Tue 2026-12-01"),
         "a test's window is never longer than 50 hours"),
    ],
)  # fmt: skip
def test_half_lives_of_a_drug(rule, half_life, expected, reason):
    found = placed(rule, INFUSION, known=Known(half_lives={"mtx": half_life}))
    assert (ends(found), told(found)) == (expected, ()), reason


FIRST = window(bound("enrolment -P3M", "enrolment -5 of mtx"), "enrolment P0D", DRUG)


@pytest.mark.parametrize(
    ("rule", "given", "known", "expected", "missing", "reason"),
    [
        (LIVES, INFUSION, Known(), (None, "Tue 2026-12-01"), ("the half-life of mtx",),
         "the other end is known"),
        (LIVES, INFUSION, Known(half_lives={"aza": timedelta(1)}), (None, "Tue 2026-12-01"),
         ("the half-life of mtx",), "another drug's does not help"),
        (LIVES, {}, Known(), (None, None), ("the day of Enrolment", "the half-life of mtx"),
         "both are missing"),
        (FIRST, INFUSION, Known(), (None, "Tue 2026-12-01"), ("the half-life of mtx",),
         "the earliest of two cannot be told while one is unknown"),
        (FIRST, INFUSION, Known(half_lives={"mtx": timedelta(30)}), ("Sat 2026-07-04", "Tue 2026-12-01"), (),
         "150 days are more than three months"),
        (window("consent -P2Y", "consent P0D"), INFUSION, Known(), (None, None), ("the day of Consent",),
         "said once"),
        (window("infusion P0D", "visit:m12 P0D"), INFUSION, Known(), ("Mon 2026-12-07", None),
         ("the day of m12",), "no such visit for this participant"),
        (window("activity:count -P2W", "activity:count P0D"), INFUSION, Known(), (None, None),
         ("the day of the activity count",), "a blood count to come"),
        (window("activity:count -P2W", "activity:count P0D"), INFUSION,
         Known(activities={"count": day_of("Mon 2026-11-23 actual")}), ("Mon 2026-11-09",
         "Mon 2026-11-23"), (),
         "and taken"),
    ],
)  # fmt: skip
def test_what_hangs_on_something_unknown_is_none_and_names_it(rule, given, known, expected, missing, reason):
    found = placed(rule, given, known=known)
    assert (ends(found), told(found)) == (expected, missing), reason


CONSENT_AGAIN = window(None, None, EventAfter("consent again", 18), code="comes-of-age")


@pytest.mark.parametrize(
    ("majority", "expected", "missing", "reason"),
    [
        (None, (None, None), ("the day the participant comes of age",), "the day is not on record"),
        (date(2027, 5, 4), ("Tue 2027-05-04", None), (), "from the day of majority on"),
    ],
)
def test_coming_of_age(majority, expected, missing, reason):
    found = placed(CONSENT_AGAIN, INFUSION, known=Known(comes_of_age=majority))
    assert (ends(found), told(found), found.bases) == (expected, missing, ()), reason


def test_an_event_with_a_start_of_its_own_is_dated_by_it():
    rule = window("infusion P28D", None, EventAfter("start of the next level"))
    assert ends(placed(rule, INFUSION)) == ("Mon 2027-01-04", None)


def test_a_moment_of_an_anchor_that_others_have_is_left_out():
    rules = (*ANCHORS[:3], replace(ANCHORS[3], applies_to=("fertile",)), ANCHORS[4])
    rule = window(bound("lymphodepletion-start P0D", "infusion P0D"), "lymphodepletion-start P6M")
    found = placed(rule, INFUSION, anchors=rules)
    assert (ends(found), told(found)) == (("Mon 2026-12-07", None), ())
    small = protocol(windows=(rule,), anchors=rules)
    assert ends(project(small, INFUSION, frozenset({"fertile"})).windows[0])[0] == "Wed 2026-12-02"


@pytest.mark.parametrize(
    ("pick", "given", "expected", "reason"),
    [
        (Pick.EARLIEST, "2026-12-02T09:00", "Tue 2026-12-01", "a day is earlier than an instant of the next"),
        (Pick.EARLIEST, "2026-12-01T09:00", "Tue 2026-12-01", "a day begins before any of its instants"),
        (Pick.LATEST, "2026-12-02T09:00", "2026-12-02T09:00+08:00", "the instant is later"),
    ],
)
def test_days_and_instants_are_compared_on_the_clocks_of_the_site(pick, given, expected, reason):
    rule = window(bound("enrolment P0D", "consent PT0H", pick=pick), None)
    found = placed(rule, days(infusion="Mon 2026-12-07") | {"consent": instant(given)})
    assert said(found.starts) == expected, reason


def test_only_windows_that_apply_are_there_in_the_order_of_the_document():
    windows = (
        window("infusion P0D", None, code="b", applies_to=("fertile",)),
        window("infusion P0D", None, code="c", applies_to=("minor",)),
        window("infusion P0D", None, code="a"),
    )
    plan = project(protocol(windows=windows), INFUSION, frozenset({"fertile"}))
    assert [found.rule.code for found in plan.windows] == ["b", "a"]


def test_what_a_window_counts_from_is_kept_with_its_day():
    rule = window(bound("lymphodepletion-start P0D", "infusion P0D"), "infusion P6M")
    found = placed(rule, INFUSION)
    assert [(code, said(day.day), day.kind) for code, day in found.bases] == [
        (CHEMOTHERAPY, "Wed 2026-12-02", AnchorKind.DERIVED),
        ("infusion", "Mon 2026-12-07", AnchorKind.PLANNED),
    ]


def test_a_window_is_assumed_where_it_or_either_end_is():
    stated = window(bound("infusion P0D", basis=STATED), bound("infusion P7D", basis=STATED), basis=STATED)
    assert not stated.assumed
    assert replace(stated, ends=bound("infusion P7D")).assumed
    assert replace(stated, starts=bound("infusion P7D")).assumed
    assert replace(stated, starts=None, ends=None, basis=STATED).assumed is False
    assert window(None, None).assumed
    actual = days(infusion="Mon 2026-12-07 actual")
    assert [placed(rule, actual).assumed for rule in (stated, window("infusion P0D", None))] == [False, True]
    follows = window(bound("enrolment P0D", basis=STATED), bound("infusion P0D", basis=STATED), basis=STATED)
    assert placed(follows, INFUSION).assumed, "enrolment lies at an assumed distance"


@pytest.mark.parametrize(
    ("days_and_hour", "offset", "expected", "day", "reason"),
    [
        ("2026-12-02T09:00", "PT36H", "2026-12-03T21:00+08:00", "Thu 2026-12-03", "the morrow's evening"),
        ("2026-12-02T13:00", "PT36H", "2026-12-04T01:00+08:00", "Fri 2026-12-04", "two days on"),
        ("2026-12-02T09:00", "-PT12H", "2026-12-01T21:00+08:00", "Tue 2026-12-01", "the eve"),
        (None, "PT36H", None, "Thu 2026-12-03", "the earliest day it can fall on"),
        (None, "-PT12H", None, "Tue 2026-12-01", "the earliest, though it may be the day itself"),
        (None, "PT12H", None, "Wed 2026-12-02", "the earliest"),
        (None, "-PT48H", None, "Mon 2026-11-30", "two days before"),
    ],
)  # fmt: skip
def test_visits_at_an_hour(days_and_hour, offset, expected, day, reason):
    given = {CHEMOTHERAPY: instant(days_and_hour)} if days_and_hour else days(ld="Wed 2026-12-02")
    plan = project(protocol(visit("v", at(offset, "P1D"), CHEMOTHERAPY)), given)
    (planned,) = plan.visits
    assert (said(planned.at), said(planned.window.target)) == (expected, day), reason
    assert planned.window.opens == planned.window.target - timedelta(1)
    told = [warning.message for warning in plan.warnings if warning.code == "hour-unknown"]
    assert told == ([] if expected else [
        (f"V is {offset.strip('-PTH')} hours {'before' if '-' in offset else 'after'} Lymphodepletion start, "
        f"whose hour is not known: {day[4:]} is the earliest day it can fall on")
    ])  # fmt: skip


def test_an_hour_is_handed_on_along_a_chain():
    chained = (visit("v", at("PT36H"), CHEMOTHERAPY), visit("w", at("PT12H"), "visit:v"))
    plan = project(protocol(*chained), {CHEMOTHERAPY: instant("2026-12-02T09:00")})
    assert said(plan.visits[1].at) == "2026-12-04T09:00+08:00"


def test_days_from_an_anchor_with_an_hour_have_no_hour():
    plan = project(protocol(visit("v", at("P1D"), CHEMOTHERAPY)), {CHEMOTHERAPY: instant("2026-12-02T09:00")})
    assert (plan.visits[0].at, said(plan.visits[0].window.target)) == (None, "Thu 2026-12-03")
