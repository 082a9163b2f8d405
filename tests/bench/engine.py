"""The engine against the same arithmetic on plain integers and tuples: no database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import partial

from schedules.domain.plan.projection import project
from schedules.domain.plan.slots import Slot, slots_of
from schedules.domain.plan.values import AnchorDay
from schedules.domain.plan.visit_windows import VisitWindow
from tests.bench.measuring import Comparison, duration, medians
from tests.protocols import days_only, long_protocol
from trials.domain.protocols.protocol import Protocol
from trials.formats.sites.holiday_calendars import load_calendar

VISITS = 30
INFUSION = date(2026, 12, 7)
EXPANSION = 2.0
CHECK = 1.5

Days = tuple[int, int, int]
Plain = list[tuple[Slot, Days]]


def comparisons() -> Iterator[Comparison]:
    """Expansion by days and by months, the whole plan, and a window check."""
    days, months = days_only(VISITS), long_protocol(VISITS)
    in_days = _expansion(f"expand {VISITS} visits counted in days", days, at_most=EXPANSION)
    yield in_days
    yield _with_months(months, in_days)
    yield _whole_plan(f"the whole plan of {VISITS} visits, with suggestions", months)
    yield _window_check()


def _expansion(what: str, protocol: Protocol, at_most: float | None = None) -> Comparison:
    slots = slots_of(protocol, frozenset())
    plain = _plain(slots)
    assert len(slots) == VISITS
    assert _expand_plainly(plain, INFUSION.toordinal()) == [
        (slot, tuple(day.toordinal() for day in days)) for slot, days in _expand(slots, INFUSION)
    ]
    ways = {
        "ours": partial(_expand, slots, INFUSION),
        "bare": partial(_expand_plainly, plain, INFUSION.toordinal()),
    }
    return Comparison(what, **medians(ways), at_most=at_most)


def _with_months(protocol: Protocol, in_days: Comparison) -> Comparison:
    """Months against integers that were looked up on a calendar before; says what one month costs."""
    slots = slots_of(protocol, frozenset())
    count = sum(slot.steps is None for slot in slots)
    found = _expansion(f"expand {VISITS} visits, {count} of them counted in months", protocol)
    of_days = in_days.ours / VISITS
    of_months = (found.ours - of_days * (VISITS - count)) / count
    remark = f"a visit in months costs {duration(of_months)}, one in days {duration(of_days)}"
    return Comparison(found.what, found.ours, found.bare, remark=remark)


def _whole_plan(what: str, protocol: Protocol) -> Comparison:
    anchors = {protocol.day_zero: AnchorDay(INFUSION)}
    calendar = load_calendar("CN", INFUSION.year, INFUSION.year + 3)
    plain = _plain(slots_of(protocol, frozenset()))
    ways = {
        "ours": partial(project, protocol, anchors, calendar=calendar),
        "bare": partial(_expand_plainly, plain, INFUSION.toordinal()),
    }
    remark = "against bare expansion: anchors, suggestions, protocol windows and warnings are on top"
    return Comparison(what, **medians(ways), remark=remark)


def _window_check() -> Comparison:
    """All days from before a window to after it, judged by the window and by three integers."""
    window = VisitWindow(date(2026, 12, 28), date(2027, 1, 4), date(2027, 1, 11))
    plain = tuple(day.toordinal() for day in window)
    ordinals = list(range(plain[0] - 7, plain[2] + 8))
    days = [date.fromordinal(ordinal) for ordinal in ordinals]
    assert [window.holds(day) for day in days] == [_holds_plainly(plain, day) for day in ordinals]
    ways = {
        "ours": lambda: [window.holds(day) for day in days],
        "bare": lambda: [_holds_plainly(plain, day) for day in ordinals],
    }
    return Comparison(f"check {len(days)} days against a window", **medians(ways), at_most=CHECK)


def _plain(slots: tuple[Slot, ...]) -> Plain:
    """Days from the anchor as integers; a month's are those of this one anchor day."""
    return [
        (slot, tuple((day - INFUSION).days for day in slot.days(INFUSION)))  # type: ignore[misc]
        for slot in slots
    ]


def _expand(slots: tuple[Slot, ...], anchor: date) -> list[tuple[Slot, tuple[date, date, date]]]:
    return [(slot, slot.days(anchor)) for slot in slots]


def _expand_plainly(slots: Plain, anchor: int) -> Plain:
    return [
        (slot, (anchor + opens, anchor + target, anchor + closes)) for slot, (opens, target, closes) in slots
    ]


def _holds_plainly(window: tuple[int, ...], day: int) -> bool:
    return window[0] <= day <= window[2]
