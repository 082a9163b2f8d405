"""The engine against arithmetic that a child could do: the length of a month, and counting.

The oracle knows `calendar.monthrange` and whole numbers, nothing else. Few cases run with the
suite; `DAYZERO_LONG=1 pytest tests/unit/plan/test_properties.py` tries many more.
"""

from __future__ import annotations

import os
from calendar import monthrange
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from schedules.domain.plan.contradictions import find_contradictions
from schedules.domain.plan.document import plan_document
from schedules.domain.plan.projection import project
from schedules.domain.plan.suggestions import SEARCH_DAYS
from schedules.domain.plan.values import AnchorDay, AnchorKind
from tests.unit.plan.small import (
    CHEMOTHERAPY,
    CONDITIONING,
    anchor,
    at,
    by_code,
    each,
    over,
    placed,
    protocol,
    repeated,
    visit,
    window,
    within,
)
from trials.domain.protocols.offsets import MonthLength, Offset, Unit, shift_day, shift_instant
from trials.domain.protocols.protocol import DayCount, Freshness, study_day
from trials.domain.sites.working_days import WorkingDays

LONG = bool(os.environ.get("DAYZERO_LONG"))
few = settings(max_examples=3000 if LONG else 20, derandomize=not LONG, deadline=None, database=None)

Triple = tuple[int, int, int]

# --- the oracle


def tomorrow(day: Triple) -> Triple:
    year, month, number = day
    if number < monthrange(year, month)[1]:
        return year, month, number + 1
    return (year, month + 1, 1) if month < 12 else (year + 1, 1, 1)


def yesterday(day: Triple) -> Triple:
    year, month, number = day
    if number > 1:
        return year, month, number - 1
    year, month = (year, month - 1) if month > 1 else (year - 1, 12)
    return year, month, monthrange(year, month)[1]


def count(day: Triple, steps: int) -> Triple:
    """The day so many days on, one at a time."""
    step = tomorrow if steps > 0 else yesterday
    for _ in range(abs(steps)):
        day = step(day)
    return day


def count_months(day: Triple, months: int) -> Triple:
    """The same number so many months on, or the last day of a shorter month."""
    year, month, number = day
    for _ in range(abs(months)):
        month += 1 if months > 0 else -1
        if month in (0, 13):
            year, month = (year + 1, 1) if month else (year - 1, 12)
    return year, month, min(number, monthrange(year, month)[1])


def naive(day: Triple, text: str, month: MonthLength = MonthLength.CALENDAR) -> Triple:
    """The offset, read with nothing but slicing."""
    sign = -1 if text[0] == "-" else 1
    amount, unit = sign * int(text.strip("-P")[:-1]), text[-1]
    if unit == "M" and month is not MonthLength.CALENDAR:
        return count(day, amount * (28 if month is MonthLength.DAYS_28 else 30))
    if unit in "MY":
        return count_months(day, amount * (12 if unit == "Y" else 1))
    return count(day, amount * (7 if unit == "W" else 1))


def triple(day: date) -> Triple:
    return day.year, day.month, day.day


# --- what is tried: days around month ends and leap days more than others

edges = st.builds(
    lambda year, month, back: date(year, month, monthrange(year, month)[1]) - timedelta(back),
    st.integers(2023, 2032),
    st.integers(1, 12),
    st.integers(-2, 3),
)
some_day = st.one_of(edges, st.dates(date(2024, 1, 1), date(2032, 12, 31)))
lengths = st.one_of(
    st.builds("P{}D".format, st.integers(0, 400)),
    st.builds("P{}W".format, st.integers(0, 60)),
    st.builds("P{}M".format, st.integers(0, 30)),
    st.builds("P{}Y".format, st.integers(0, 5)),
)
offsets = st.one_of(lengths, lengths.map(lambda text: f"-{text}"))
small_lengths = st.one_of(
    st.builds("P{}D".format, st.integers(0, 20)), st.builds("P{}M".format, st.integers(0, 2))
)
months = st.sampled_from(MonthLength)
ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca")


@few
@given(day=some_day, text=offsets, month=months)
def test_a_moved_day_is_a_counted_day(day, text, month):
    assert triple(shift_day(day, Offset.parse(text), month)) == naive(triple(day), text, month)


@few
@given(day=some_day, amount=st.integers(-400, 400))
def test_days_and_weeks_go_there_and_back(day, amount):
    for unit in (Unit.DAYS, Unit.WEEKS):
        offset = Offset(amount, unit)
        assert shift_day(shift_day(day, offset), -offset) == day


@few
@given(
    infusion=some_day,
    rules=st.lists(st.tuples(offsets, small_lengths, small_lengths), min_size=1, max_size=4),
    month=months,
)
def test_a_plan_of_visits_at_offsets_is_what_counting_gives(infusion, rules, month):
    visits = [visit(f"v{n}", at(*texts)) for n, texts in enumerate(rules)]
    plan = project(protocol(*visits, month=month), {"infusion": AnchorDay(infusion)})
    found = by_code(plan)
    for number, (text, before, after) in enumerate(rules):
        target = naive(triple(infusion), text, month)
        window = tuple(triple(day) for day in found[f"v{number}"].window)
        assert window == (naive(target, f"-{before}", month), target, naive(target, after, month))
    keys = [(planned.window.target, planned.window.opens) for planned in plan.visits]
    assert keys == sorted(keys)
    for first, second in pairwise(plan.visits):
        if (first.window.target, first.window.opens) == (second.window.target, second.window.opens):
            assert first.code < second.code


@few
@given(infusion=some_day, first=st.integers(-40, 40), length=st.integers(0, 6))
def test_ranges_are_their_days(infusion, first, length):
    ends = f"P{first}D".replace("P-", "-P"), f"P{first + length}D".replace("P-", "-P")
    plan = project(
        protocol(visit("each", each(*ends)), visit("over", over(*ends)), visit("within", within(*ends))),
        {"infusion": AnchorDay(infusion)},
    )
    days = [count(triple(infusion), first + step) for step in range(length + 1)]
    found = by_code(plan)
    assert [triple(found[f"each-{n + 1}"].window.target) for n in range(length + 1)] == days
    for code in ("over", "within"):
        assert [triple(day) for day in found[code].window] == [days[0], days[0], days[-1]]


@few
@given(infusion=some_day, first=st.integers(0, 6), every=st.integers(1, 6), until=st.integers(6, 24))
def test_each_repeat_counts_from_the_anchor(infusion, first, every, until):
    rule = repeated(at(f"P{first}M"), f"P{every}M", f"P{until}M")
    plan = project(protocol(visit("v", rule)), {"infusion": AnchorDay(infusion)})
    wanted = [amount for amount in range(until + 1) if amount >= first and (amount - first) % every == 0]
    assert [triple(planned.window.target) for planned in plan.visits] == [
        count_months(triple(infusion), amount) for amount in wanted
    ]


@few
@given(day=some_day, steps=st.integers(-60, 60))
def test_labels_and_study_days_count_alike(day, steps):
    other = date(*count(triple(day), steps))
    assert study_day(other, day) == (steps + 1 if steps >= 0 else steps) != 0
    assert protocol().day_label(steps) == f"D{steps}"
    assert protocol(day_count=DayCount.DAY_1).day_label(steps) == f"D{study_day(other, day)}"


@few
@given(
    infusion=st.dates(date(2026, 1, 1), date(2026, 12, 31)),
    before=st.integers(0, 12),
    after=st.integers(0, 12),
    shut=st.sets(st.integers(0, 40)),
    worked=st.sets(st.integers(0, 40)),
)
def test_a_suggestion_is_the_nearest_working_day_found_by_looking_at_all(
    infusion, before, after, shut, worked
):
    calendar = WorkingDays(
        "Any",
        holidays={infusion + timedelta(step): "shut" for step in shut},
        make_up_days=frozenset(infusion + timedelta(step) for step in worked),
    )
    rule = visit("v", at("P20D", f"P{before}D", f"P{after}D"))
    (planned,) = project(protocol(rule), {"infusion": AnchorDay(infusion)}, calendar=calendar).visits
    open_days = [
        step
        for step in range(20 - before, 20 + after + 1)
        if step in worked or (step not in shut and (infusion.weekday() + step) % 7 < 5)
    ]
    best = min(open_days, key=lambda step: (abs(step - 20), step), default=20)
    if before == after == 0:
        best = 20
    assert (planned.suggested - infusion).days == best
    assert bool(planned.why_shifted) is (best != 20)


@few
@given(
    start=st.integers(1_700_000_000, 1_900_000_000),
    zone=st.sampled_from(ZONES),
    hours=st.integers(-2000, 2000),
)
def test_hours_are_elapsed_hours_on_any_clock(start, zone, hours):
    instant = datetime.fromtimestamp(start, ZoneInfo(zone))
    moved = shift_instant(instant, Offset(hours, Unit.HOURS))
    assert moved.timestamp() - instant.timestamp() == hours * 3600
    assert moved.tzinfo is instant.tzinfo


CHANGES = (
    date(2026, 3, 8), date(2026, 3, 29), date(2026, 4, 5), date(2026, 10, 4), date(2026, 10, 25),
    date(2026, 11, 1), date(2026, 2, 15), date(2026, 3, 22),
)  # fmt: skip


@few
@given(
    day=st.builds(lambda day, step: day + timedelta(step), st.sampled_from(CHANGES), st.integers(-2, 3)),
    zone=st.sampled_from(ZONES),
    hours=st.integers(20, 72),
)
def test_a_test_taken_in_the_window_is_fresh_whatever_the_hour_turns_out_to_be(day, zone, hours):
    rule = window(f"{CHEMOTHERAPY} -PT{hours}H", f"{CHEMOTHERAPY} PT0H", Freshness("hcg"))
    found = placed(rule, {CHEMOTHERAPY: AnchorDay(day)}, zone=zone)
    first = datetime(*triple(day), tzinfo=ZoneInfo(zone)).timestamp()
    last = datetime(*tomorrow(triple(day)), tzinfo=ZoneInfo(zone)).timestamp()
    if last - hours * 3600 > first:
        assert (found.starts, found.ends, tuple(map(str, found.missing))) == (
            None,
            None,
            ("the hour of Lymphodepletion start",),
        )
        return
    assert (found.starts.timestamp(), found.ends.timestamp()) == (last - hours * 3600, first)
    for start in range(int(first), int(last), 1800):
        assert start - hours * 3600 <= found.starts.timestamp() <= found.ends.timestamp() <= start


near = st.dates(date(2026, 11, 25), date(2026, 12, 15))
kinds = st.sampled_from([AnchorKind.PLANNED, AnchorKind.ACTUAL])
set_days = st.builds(AnchorDay, near, kinds)
TRIAL = protocol(visit("screening", within("-P28D", "-P6D")), *CONDITIONING)


@few
@given(
    anchors=st.fixed_dictionaries(
        {"infusion": set_days},
        optional={CHEMOTHERAPY: set_days, "consent": set_days, "enrolment": set_days, "screening": set_days},
    )
)
def test_following_a_mend_mends(anchors):
    def contradictions(given_days):
        return find_contradictions(TRIAL, project(TRIAL, given_days).anchors, frozenset())

    for found in contradictions(anchors):
        for code, day in found.mends:
            kind = anchors[code].kind if code in anchors else AnchorKind.PLANNED
            left = contradictions(anchors | {code: AnchorDay(day, kind)})
            assert (found.anchor, found.other) not in {(one.anchor, one.other) for one in left}


@few
@given(began=near, slip=st.integers(-3, 60))
def test_on_hold_chemotherapy_rest_and_infusion_leave_no_day_out(began, slip):
    infusion = date(*count(triple(began), 5 + slip))
    anchors = {CHEMOTHERAPY: AnchorDay(began, AnchorKind.ACTUAL), "infusion": AnchorDay(infusion)}
    plan = project(protocol(*CONDITIONING), anchors)
    held = [warning.message for warning in plan.warnings if warning.code == "hold"]
    assert bool(held) is (slip > 0)
    if slip <= 0:
        return
    assert f" is {slip} day{'s' * (slip > 1)} later than " in held[0]
    shape = [triple(day) for planned in plan.visits for day in (planned.window.opens, planned.window.closes)]
    assert shape[::2] == [count(triple(began), step) for step in (0, 1, 2, 3, 5 + slip)]
    assert shape[1::2] == [count(triple(began), step) for step in (0, 1, 2, 4 + slip, 5 + slip)]


@few
@given(infusion=near, shut=st.sets(st.integers(-40, 40), max_size=30))
def test_a_block_names_the_nearest_day_found_by_trying_all(infusion, shut):
    calendar = WorkingDays("Any", holidays={infusion + timedelta(step): "shut" for step in shut})
    plan = project(protocol(*CONDITIONING), {"infusion": AnchorDay(infusion)}, calendar=calendar)
    told = [warning.message for warning in plan.warnings if warning.code == "block-on-holiday"]
    whole = [
        shift for shift in range(-SEARCH_DAYS, SEARCH_DAYS + 1) if not shut & set(range(shift - 5, shift + 1))
    ]
    assert bool(told) is (0 not in whole)
    if not told:
        return
    before = [f"{date(*count(triple(infusion), shift))} before" for shift in whole if shift < 0][-1:]
    after = [f"{date(*count(triple(infusion), shift))} after" for shift in whole if shift > 0][:1]
    assert told[0].endswith(f"with Infusion on {' or '.join(before + after)}")


@few
@given(day=some_day, chain=st.lists(offsets, min_size=1, max_size=4))
def test_a_chain_of_derived_anchors_is_counted_link_by_link(day, chain):
    rules = [anchor("infusion")]
    rules += [anchor(f"a{n}", f"a{n - 1}" if n else "infusion", text) for n, text in enumerate(chain)]
    plan = project(protocol(anchors=tuple(reversed(rules))), {"infusion": AnchorDay(day)})
    expected = triple(day)
    for number, text in enumerate(chain):
        expected = naive(expected, text)
        assert triple(plan.anchors[f"a{number}"].day) == expected


@few
@given(infusion=some_day, text=offsets)
def test_the_same_inputs_give_the_same_document(infusion, text):
    small = protocol(
        *CONDITIONING, visit("v", at(text, "P1D")), windows=(window("infusion P0D", f"infusion {text}"),)
    )
    first, second = (project(small, {"infusion": AnchorDay(infusion)}) for _ in range(2))
    assert first == second
    assert plan_document(first, "d") == plan_document(second, "d")
