"""Which day the site would choose for a visit, and what its calendar warns of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from schedules.domain.plan.explanations import label_of
from schedules.domain.plan.values import AnchorKind, PlannedVisit, PlanWarning
from trials.domain.protocols.protocol import AtOffset, Over, Place, Protocol, Within
from trials.domain.sites.closed_days import closed_words
from trials.domain.sites.working_days import WorkingDays
from trials.domain.words import Code, Value, Words
from trials.domain.words import mark as _

_DAY = timedelta(days=1)
SEARCH_DAYS = 60
"""How far a whole block is moved to find days that keep it. The longest closure of a clinic, the Spring
Festival with leave around it, is a small part of that."""


def suggest(visit: PlannedVisit, calendar: WorkingDays) -> PlannedVisit:
    """The visit with the nearest working day inside its window, the earlier on a tie.

    Ward days, days of a range that must all be kept, and a tolerance of zero never move; where
    the window has no working day the target stands.
    """
    window = visit.window
    if calendar.is_working_day(window.target) or not moves(visit):
        return _suggested(visit, window.target)
    day = calendar.nearest_working_day(*window)
    if day is None:
        return _suggested(visit, window.target)
    return _suggested(visit, day, calendar.why_not(window.target) or "")


def _suggested(visit: PlannedVisit, day: date, why: str = "") -> PlannedVisit:
    """The visit with this suggestion; written out, for `_replace` takes three times as long."""
    return PlannedVisit(
        visit.rule, visit.occurrence, visit.code, visit.offset, visit.base, visit.window, visit.at, day, why,
        visit.lengthened,
    )  # fmt: skip


def moves(visit: PlannedVisit) -> bool:
    """Whether a suggestion may differ from the target."""
    free = isinstance(visit.rule.timing, AtOffset | Within) and not visit.rule.block
    return free and visit.rule.place is not Place.WARD and visit.window.opens < visit.window.closes


def calendar_warnings(
    protocol: Protocol, visits: Sequence[PlannedVisit], calendar: WorkingDays
) -> Iterator[PlanWarning]:
    """Windows without a working day, ward days and blocks on public holidays, provisional years."""
    for visit in visits:
        if visit.rule.place is Place.WARD:
            yield from _holidays_on_the_ward(visit, calendar)
        elif calendar.nearest_working_day(*visit.window) is None:
            values: dict[str, Value] = {
                "visit": Code(visit.label),
                "opens": visit.window.opens,
                "closes": visit.window.closes,
                "why": closed_words(calendar.why_not(visit.window.target) or ""),
                "target": visit.window.target,
            }
            template = _(
                "%(visit)s: no working day from %(opens)s to %(closes)s (%(why)s); "
                "the target %(target)s stands"
            )
            yield PlanWarning("no-working-day", Words.of(template, values))
    yield from _blocks_on_holidays(protocol, visits, calendar)
    yield from _provisional_years(visits, calendar)


def _holidays_on_the_ward(visit: PlannedVisit, calendar: WorkingDays) -> Iterator[PlanWarning]:
    for day in _days(visit):
        if calendar.is_public_holiday(day):
            name = calendar.holiday_name(day)
            values: dict[str, Value] = {"visit": Code(visit.label), "day": day, "name": Code(name or "")}
            template = _("%(visit)s: %(day)s is a public holiday (%(name)s) on the ward")
            yield PlanWarning("public-holiday", Words.of(template, values))


def _blocks_on_holidays(
    protocol: Protocol, visits: Sequence[PlannedVisit], calendar: WorkingDays
) -> Iterator[PlanWarning]:
    for block in protocol.blocks:
        members = [visit for visit in visits if visit.rule.block == block.code]
        if not members:
            continue
        left = [visit for visit in members if visit.base.kind is not AnchorKind.ACTUAL]
        begun = len(left) < len(members)
        if begun:  # a rest is as long as it takes from then on, whatever days it meets
            left = [visit for visit in left if not isinstance(visit.rule.timing, Over)]
        if _last(members) in left and not can_keep(left, 0, calendar):
            steps = (1,) if begun else (-1, 1)
            anchor = label_of(protocol, _last(left).rule.counts_from)
            words = _other_days((block.label, anchor), left, steps, calendar)
            yield PlanWarning("block-on-holiday", words)


def _other_days(
    names: tuple[str, str], members: Sequence[PlannedVisit], steps: Sequence[int], calendar: WorkingDays
) -> Words:
    """The days of the last visit's anchor that keep a block whole; `names` are the labels of both."""
    block, anchor = map(Code, names)
    last = _last(members)
    shifts = (nearest_shift(members, step, calendar) for step in steps)
    days = [(last.base.day + shift * _DAY, shift < 0) for shift in shifts if shift is not None]
    found = [
        Words.of(_("%(day)s before") if before else _("%(day)s after"), {"day": day}) for day, before in days
    ]
    values: dict[str, Value] = {
        "block": block,
        "met": _first_not_kept(members, calendar),
        "anchor": anchor,
    }
    if not found:
        values["n"] = SEARCH_DAYS
        none = _(
            "%(block)s: it meets a day that cannot be kept (%(met)s); "
            "it stays whole on no day within %(n)d days"
        )
        return Words.of(none, values)
    which: Words = found[0]
    if len(found) > 1:
        which = Words.of(_("%(one)s or %(other)s"), {"one": found[0], "other": found[1]})
    values["days"] = which
    template = _(
        "%(block)s: it meets a day that cannot be kept (%(met)s); it stays whole with %(anchor)s on %(days)s"
    )
    return Words.of(template, values)


def _first_not_kept(members: Sequence[PlannedVisit], calendar: WorkingDays) -> Words:
    """The first day of a block on which its place does not work, with the holiday where it is one."""
    places = [(day, visit.rule.place) for visit in members for day in _days(visit)]
    met = min(day for day, place in places if not _kept(place, day, calendar))
    if (name := calendar.holiday_name(met)) is None:
        return Words.of("%(day)s", {"day": met})
    return Words.of(_("%(day)s: %(name)s"), {"day": met, "name": Code(name)})


def _last(members: Sequence[PlannedVisit]) -> PlannedVisit:
    return max(members, key=lambda visit: visit.window.closes)


def nearest_shift(members: Sequence[PlannedVisit], step: int, calendar: WorkingDays) -> int | None:
    """Days by which the whole block must move, in the direction of `step`, for every day to be kept."""
    shifts = range(step, step * (SEARCH_DAYS + 1), step)
    return next((shift for shift in shifts if can_keep(members, shift, calendar)), None)


def can_keep(members: Sequence[PlannedVisit], shift: int, calendar: WorkingDays) -> bool:
    """Whether every day of the block, moved by so many days, is one the place works on."""
    return all(
        _kept(visit.rule.place, day + shift * _DAY, calendar) for visit in members for day in _days(visit)
    )


def _kept(place: Place, day: date, calendar: WorkingDays) -> bool:
    if place is Place.WARD:
        return not calendar.is_public_holiday(day)
    return calendar.is_working_day(day)


def _days(visit: PlannedVisit) -> Iterator[date]:
    """The days on which the visit takes place: its range, or its target."""
    if isinstance(visit.rule.timing, AtOffset | Within):
        yield visit.window.target
        return
    day = visit.window.opens
    while day <= visit.window.closes:
        yield day
        day += _DAY


def _provisional_years(visits: Sequence[PlannedVisit], calendar: WorkingDays) -> Iterator[PlanWarning]:
    days = {day for visit in visits for day in (visit.window.opens, visit.window.closes)}
    years = sorted({day.year for day in days if calendar.is_provisional(day)})
    if years:
        values: dict[str, Value] = {"calendar": calendar.name, "years": ", ".join(map(str, years))}
        template = _(
            "the official calendar %(calendar)s is not out for %(years)s: "
            "make-up working days and moved holidays are not known yet"
        )
        yield PlanWarning("provisional-calendar", Words.of(template, values))
