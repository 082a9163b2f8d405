"""Small made-up protocols and a clinic, in as few words as a table of dates needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from schedules.domain.plan.projection import project
from schedules.domain.plan.values import (
    AnchorDay,
    AnchorKind,
    Known,
    Plan,
    PlannedVisit,
    PlannedWindow,
)
from trials.domain.protocols.offsets import Offset
from trials.domain.protocols.protocol import (
    ASSUMED,
    AnchorRule,
    AtOffset,
    Basis,
    BasisKind,
    Block,
    Bound,
    Conduct,
    Derivation,
    Each,
    Epoch,
    HalfLives,
    Moment,
    Over,
    Pick,
    Place,
    Protocol,
    ProtocolWindow,
    Reference,
    ReferenceKind,
    Repeat,
    Source,
    Terms,
    Timing,
    Tolerance,
    Trait,
    VisitRule,
    Within,
)
from trials.domain.sites.working_days import WorkingDays

SHANGHAI = ZoneInfo("Asia/Shanghai")
STATED = Basis(BasisKind.STATED, "record", "Section 4")
CHEMOTHERAPY = "lymphodepletion-start"


def on(text: str) -> date:
    """`Mon 2026-12-07` as a day; the weekday must be the calendar's."""
    weekday, iso = text.split()
    day = date.fromisoformat(iso)
    assert f"{day:%a}" == weekday, f"{iso} is a {day:%a}"
    return day


def said(day: date | datetime | None) -> str | None:
    """The day as `on` reads it, an instant as ISO 8601 with its offset from UTC."""
    if isinstance(day, datetime):
        return day.isoformat(timespec="minutes")
    return day and f"{day:%a} {day}"


def offset(text: str) -> Offset:
    return Offset.parse(text)


def reference(text: str) -> Reference:
    """`infusion`, or `visit:d14`, or `activity:count`."""
    kind, _, code = text.rpartition(":")
    return Reference(ReferenceKind(kind or "anchor"), code)


def at(days: str, before: str = "P0D", after: str | None = None, basis: Basis = ASSUMED) -> AtOffset:
    """At an offset, the tolerance the same on both sides unless `after` is given."""
    return AtOffset(offset(days), Tolerance(offset(before), offset(after or before), basis))


def repeated(first: AtOffset, every: str, until: str) -> AtOffset:
    return replace(first, repeat=Repeat(offset(every), offset(until)))


def within(first: str, last: str, target: str | None = None) -> Within:
    return Within(offset(first), offset(last), offset(target) if target else None)


def each(first: str, last: str) -> Each:
    return Each(offset(first), offset(last))


def over(first: str, last: str) -> Over:
    return Over(offset(first), offset(last))


def visit(code: str, timing: Timing, counts_from: str = "infusion", **more: object) -> VisitRule:
    """A clinic visit; `place`, `block`, `basis` and `applies_to` as keywords."""
    rule = VisitRule(code, code.capitalize(), "treatment", reference(counts_from), timing, ASSUMED)
    return replace(rule, **more)  # type: ignore[arg-type]


def anchor(code: str, base: str | None = None, days: str = "P0D", **more: object) -> AnchorRule:
    """An anchor, derived from `base` if one is given; `visit` names the visit whose day comes first."""
    by_visit, basis = more.pop("visit", None), more.pop("basis", ASSUMED)
    derived = Derivation(base, offset(days), basis, by_visit) if base else None  # type: ignore[arg-type]
    return replace(AnchorRule(code, code.replace("-", " ").capitalize(), derived), **more)  # type: ignore[arg-type]


def bound(*moments: str, pick: Pick = Pick.EARLIEST, basis: Basis = ASSUMED) -> Bound:
    """`infusion P28D`, `visit:d14 P0D`, `enrolment -5 of mtx` (half-lives)."""
    return Bound(tuple(_moment(text) for text in moments), basis, pick)


def _moment(text: str) -> Moment:
    what, length, *drug = text.split()
    far = HalfLives(int(length), drug[1]) if drug else offset(length)
    return Moment(reference(what), far)


def window(
    starts: Bound | str | None,
    ends: Bound | str | None,
    terms: Terms | None = None,
    **more: object,
) -> ProtocolWindow:
    """A window of conduct unless `terms` say otherwise; an end in words is one moment."""
    first, last = (bound(end) if isinstance(end, str) else end for end in (starts, ends))
    rule = ProtocolWindow("window", "Window", terms or Conduct("care"), first, last, ASSUMED)
    return replace(rule, **more)  # type: ignore[arg-type]


ANCHORS = (
    anchor("consent", not_after=("screening", "enrolment", CHEMOTHERAPY, "infusion")),
    anchor("screening", "infusion", "-P28D", visit="screening"),
    anchor("enrolment", "infusion", "-P6D", not_after=(CHEMOTHERAPY, "infusion")),
    anchor(CHEMOTHERAPY, "infusion", "-P5D", basis=STATED, not_after=("infusion",), point_of_no_return=True),
    anchor("infusion"),
)
CONDITIONING = (
    visit("ld", each("P0D", "P2D"), CHEMOTHERAPY, place=Place.WARD, block="conditioning"),
    visit("rest", over("-P2D", "-P1D"), place=Place.WARD, block="conditioning"),
    visit("d0", at("P0D"), place=Place.WARD, block="conditioning"),
)


def protocol(*visits: VisitRule, **more: object) -> Protocol:
    """A protocol in Shanghai with these visits; anything else as keywords."""
    made = Protocol(
        trial="SMALL",
        version="2",
        title="A small trial",
        zone="Asia/Shanghai",
        day_zero="infusion",
        sources=(Source("record", "Registry record", date(2026, 1, 12)),),
        epochs=(Epoch("treatment", "Treatment"),),
        anchors=ANCHORS,
        visits=visits,
        traits=(
            Trait("minor", "Minor"),
            Trait("fertile", "Fertile"),
            Trait("treated", "Treated", always=True),
        ),
        blocks=(Block("conditioning", "Conditioning"),),
    )
    return replace(made, **more)  # type: ignore[arg-type]


def days(**given: str) -> dict[str, AnchorDay]:
    """Anchors by their codes, `_` for `-`: `Mon 2026-12-07` planned, with ` actual` behind it actual.

    `ld` is short for lymphodepletion-start.
    """
    full = {"ld": CHEMOTHERAPY}
    return {full.get(code, code.replace("_", "-")): day_of(text) for code, text in given.items()}


def day_of(text: str) -> AnchorDay:
    kind = AnchorKind.ACTUAL if text.endswith(" actual") else AnchorKind.PLANNED
    return AnchorDay(on(text.removesuffix(" actual")), kind)


def instant(text: str, zone: str = "Asia/Shanghai", kind: AnchorKind = AnchorKind.PLANNED) -> AnchorDay:
    """An anchor whose hour is known: `2026-12-02T09:00` on the clocks of the zone."""
    return AnchorDay.at_instant(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)), kind)


def plan_of(*visits: VisitRule, infusion: str = "Mon 2026-12-07", **more: object) -> Plan:
    """The plan of a small protocol for an infusion on that day."""
    return project(protocol(*visits, **more), days(infusion=infusion))


def by_code(plan: Plan) -> dict[str, PlannedVisit]:
    return {planned.code: planned for planned in plan.visits}


def dated(planned: PlannedVisit) -> tuple[str | None, ...]:
    """Opens, target and closes, as `on` reads them."""
    return tuple(said(day) for day in planned.window)


def placed(
    rule: ProtocolWindow,
    given: Mapping[str, AnchorDay],
    *visits: VisitRule,
    known: Known | None = None,
    **more: object,
) -> PlannedWindow:
    """The one window of a small protocol with these visits; anything else is the protocol's."""
    small = protocol(*visits, windows=(rule,), **more)
    return project(small, given, known=known).windows[0]


def warned(plan: Plan) -> list[str]:
    return [warning.code for warning in plan.warnings]


def message(plan: Plan, code: str) -> str:
    """The message of the one warning with this code."""
    (found,) = (warning.message for warning in plan.warnings if warning.code == code)
    return found


CLINIC = WorkingDays(
    name="Clinic",
    source="made up",
    holidays={
        on(text): "Spring Festival"
        for text in (
            "Mon 2026-02-16",
            "Tue 2026-02-17",
            "Wed 2026-02-18",
            "Thu 2026-02-19",
            "Fri 2026-02-20",
            "Sat 2026-02-21",
            "Sun 2026-02-22",
            "Mon 2026-02-23",
        )
    },
    make_up_days=frozenset({on("Sat 2026-02-14"), on("Sat 2026-02-28")}),
    official_years=frozenset({2025, 2026}),
)
