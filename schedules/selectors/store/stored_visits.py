"""Stored visits as the values that the domain speaks of."""

from __future__ import annotations

from datetime import date, datetime
from operator import attrgetter
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_noop

from participants.models import Participant
from participants.selectors.participants import anchor_days
from schedules.domain.plan.recorded_anchors import anchor_day
from schedules.domain.plan.values import AnchorDay, AnchorKind, PlannedVisit
from schedules.domain.plan.visit_windows import VisitWindow
from schedules.domain.visits.visit import COLUMNS, RANGES, UNSCHEDULED, VisitState
from schedules.models import Visit
from trials.domain.protocols.offsets import Offset, Unit, shift_day
from trials.domain.protocols.protocol import (
    AtOffset,
    Basis,
    BasisKind,
    Over,
    Place,
    Protocol,
    Reference,
    ReferenceKind,
    Timing,
    Tolerance,
    VisitRule,
    Within,
)
from trials.models import ProtocolVersion

_BESIDE = gettext_noop("not one of the protocol's visits: added at the site")

_columns = attrgetter(*COLUMNS)


def window_of(visit: Visit | VisitState) -> VisitWindow:
    """The days on which a stored visit counts as on time."""
    return VisitWindow(visit.opens, visit.target, visit.closes)


def record_of(visit: Visit) -> VisitState:
    """Read what is known of a stored visit."""
    return VisitState(*_columns(visit))


def lost_booking(visit: Visit) -> bool:
    """Say whether a stored visit is still to come and booked for a day that no longer fits."""
    return record_of(visit).booking_lost


def rule_of(visit: Visit | VisitState, protocol: Protocol) -> VisitRule:
    """The rule that a stored visit follows; of one that the protocol did not ask for, what it amounts to."""
    if not visit.unscheduled and visit.rule_code in protocol.visit_by_code:
        return protocol.visit_by_code[visit.rule_code]
    none, basis = Offset(0, Unit.DAYS), Basis(BasisKind.ASSUMED, note=_BESIDE)
    timing: Timing = AtOffset(Offset.parse(visit.offset), Tolerance(none, none, basis))
    if visit.timing in RANGES:
        first, last = ((day - visit.anchor_on).days for day in (visit.opens, visit.closes))
        timing = Within(Offset(first, Unit.DAYS), Offset(last, Unit.DAYS))
    return VisitRule(
        # Its label has its number already: Unscheduled 28.1.
        code=visit.code if visit.rule_code == UNSCHEDULED else visit.rule_code,
        label=visit.label,
        epoch=visit.epoch,
        counts_from=Reference(ReferenceKind.ANCHOR, visit.anchor_code),
        timing=timing,
        basis=basis,
        place=Place(visit.place),
    )


def version_of(visit: Visit, present: ProtocolVersion) -> ProtocolVersion:
    """The version by which a visit is read: the one under which it was done, else the `present` one."""
    return visit.done_under or present


def planned_visit(visit: Visit | VisitState, protocol: Protocol, zone: ZoneInfo) -> PlannedVisit:
    """The visit as it was planned, so that it can explain itself; hours in the site's zone."""
    rule = rule_of(visit, protocol)
    return PlannedVisit(
        rule=rule,
        occurrence=visit.occurrence,
        code=visit.code,
        offset=Offset.parse(visit.offset),
        base=_base(visit, protocol, zone),
        window=window_of(visit),
        at=_hour_on(visit.target, visit.target_at, zone),
        suggested=visit.suggested,
        why_shifted=visit.why_shifted,
        lengthened=_lengthened(visit, rule, protocol),
    )


def _lengthened(visit: Visit | VisitState, rule: VisitRule, protocol: Protocol) -> bool:
    """Whether a rest began before its rule puts it, because day zero came later after chemotherapy."""
    if rule.block is None or not isinstance(rule.timing, Over):
        return False
    return visit.opens < shift_day(visit.anchor_on, rule.timing.first, protocol.month)


def _base(visit: Visit | VisitState, protocol: Protocol, zone: ZoneInfo) -> AnchorDay:
    """The day that a stored visit counts from; one that follows from others by an assumption says so."""
    kind, rule = AnchorKind(visit.anchor_kind), protocol.anchor_by_code.get(visit.anchor_code)
    guessed = bool(rule and rule.derived and rule.derived.basis.assumed)
    at = _hour_on(visit.anchor_on, visit.anchor_at, zone)
    return AnchorDay(visit.anchor_on, kind, at, assumed=guessed and kind is AnchorKind.DERIVED)


def _hour_on(day: date, at: datetime | None, zone: ZoneInfo) -> datetime | None:
    """An instant by the clocks of the zone, where they show it on its own day.

    The day is as it was recorded, perhaps at a site in another zone, whose clocks a visit does not know.
    """
    local = at.astimezone(zone) if at else None
    return local if local and local.date() == day else None


def day_zero_of(participant: Participant, protocol: Protocol, zone: ZoneInfo) -> date | None:
    """The day that a participant's day numbers count from, from the anchors on record; None while unknown."""
    recorded = anchor_days(participant).get(protocol.day_zero)
    day = anchor_day(recorded, zone) if recorded else None
    return day.day if day else None
