"""Windows and facts in as few words as a table of dates needs. Day zero is Monday 2026-03-02 in Shanghai."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from participants.domain.facts import Facts
from participants.domain.moments import Point
from participants.domain.performed import PerformedVisit
from schedules.domain.plan.values import AnchorDay, AnchorKind, PlannedWindow
from schedules.domain.windows.judges import judge
from schedules.domain.windows.verdicts import Verdict
from trials.domain.protocols.offsets import Offset
from trials.domain.protocols.protocol import (
    ASSUMED,
    Bound,
    HalfLives,
    Moment,
    Pick,
    ProtocolWindow,
    Reference,
    ReferenceKind,
    Terms,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
ZERO = date(2026, 3, 2)
INFUSION = Reference(ReferenceKind.ANCHOR, "infusion")


def d(number: int) -> date:
    """The day so many days from day zero, so that 7 is Monday 9 March 2026."""
    return ZERO + timedelta(days=number)


def at(number: int, hour: str = "12:00", zone: ZoneInfo = SHANGHAI) -> datetime:
    """An hour of that day on the site's clocks."""
    return datetime.combine(d(number), time.fromisoformat(hour), zone)


def bound(*offsets: Offset | HalfLives, pick: Pick = Pick.EARLIEST) -> Bound:
    return Bound(tuple(Moment(INFUSION, offset) for offset in offsets), ASSUMED, pick)


def window(
    terms: Terms,
    starts: Point | None,
    ends: Point | None,
    anchor: AnchorDay | None = None,
    waivable: bool = False,
    start_bound: Bound | None = None,
) -> PlannedWindow:
    """A window as the engine places it, counted from an infusion that took place unless another is given."""
    days = Offset.parse("P0D")
    rule = ProtocolWindow(
        "window", "Window", terms, start_bound or bound(days), bound(days), ASSUMED, waivable=waivable
    )
    base = anchor or AnchorDay(ZERO, AnchorKind.ACTUAL)
    return PlannedWindow(rule, starts, ends, (), (("infusion", base),))


def planned(day: date) -> AnchorDay:
    return AnchorDay(day, AnchorKind.PLANNED)


def seen(code: str, number: int) -> PerformedVisit:
    return PerformedVisit(code, at(number))


def told(window_: PlannedWindow, facts: Facts, now: datetime) -> Verdict:
    return judge(window_, facts, now, SHANGHAI)
