"""A participant's timeline, with its words, ready to be drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from schedules.domain.timeline.drawing import near_panel, whole_panel
from schedules.domain.timeline.shapes import EpochFact, Panel, TimelineFacts, VisitFact, WindowFact
from schedules.domain.visits.status import Appointment
from schedules.domain.windows.verdicts import VerdictStatus
from schedules.selectors.store.plan_rows import Reading, VisitRow, WindowRow
from schedules.selectors.windows.verdicts import URGENCY
from schedules.web.shared.wording import day_words, standing_words
from schedules.web.windows.fact_wording import VERDICTS
from trials.domain.protocols.protocol import Protocol

WIDE, NARROW = 960.0, 366.0
SIGNS = {
    VerdictStatus.VIOLATED: "✕",
    VerdictStatus.AT_RISK: "!",
    VerdictStatus.CANNOT_JUDGE: "?",
    VerdictStatus.OPEN_AND_KEPT: "✓",
    VerdictStatus.NOT_YET: "○",
    VerdictStatus.WAIVED: "–",
    VerdictStatus.KEPT: "✓",
}
"""The sign of a verdict on a lane, beside its word."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One panel in the two widths that screens have; the stylesheet shows one of them."""

    key: str
    title: str
    description: str
    wide: Panel
    narrow: Panel

    @property
    def sizes(self) -> Sequence[tuple[str, Panel]]:
        """The names of the widths with their drawings."""
        return (("wide", self.wide), ("narrow", self.narrow))


def draw_timeline(
    reading: Reading,
    visits: Sequence[VisitRow],
    windows: Sequence[WindowRow],
    verdicts: Mapping[str, VerdictStatus] | None = None,
) -> list[Drawn]:
    """The panels that there are: the weeks around day zero, and the whole follow-up.

    `verdicts` are those of the windows, by code; a lane says its own behind its name, and the most severe
    lanes come first.
    """
    facts = _facts(reading, visits, windows, verdicts or {})
    found = (
        ("near", _("The weeks around day zero"), near_panel(facts, WIDE), near_panel(facts, NARROW)),
        ("whole", _("The whole follow-up"), whole_panel(facts, WIDE), whole_panel(facts, NARROW)),
    )
    return [
        Drawn(key, title, _description(facts, wide), wide, narrow)
        for key, title, wide, narrow in found
        if wide and narrow
    ]


def epochs_of(protocol: Protocol) -> list[tuple[int, str]]:
    """The epochs of a protocol for the legend: their places, which give the colours, and their labels."""
    return [(place, epoch.label) for place, epoch in enumerate(protocol.epochs)]


def _facts(
    reading: Reading,
    visits: Sequence[VisitRow],
    windows: Sequence[WindowRow],
    verdicts: Mapping[str, VerdictStatus],
) -> TimelineFacts:
    calendar = reading.calendar
    lanes = [_window_fact(row, verdicts.get(row.code)) for row in windows]
    if verdicts:
        places = {status.value: place for place, status in enumerate(URGENCY)}
        lanes.sort(key=lambda lane: places.get(lane.verdict, len(places)))
    return TimelineFacts(
        today=reading.today,
        zero=reading.zero,
        visits=tuple(_visit_fact(row) for row in visits if row.standing.said is not Appointment.CANCELLED),
        windows=tuple(lanes),
        epochs=tuple(_epochs(reading.protocol, visits)),
        closed=lambda day: calendar is not None and not calendar.is_working_day(day),
        day_label=reading.protocol.day_label,
    )


def _visit_fact(row: VisitRow) -> VisitFact:
    window = row.planned.window
    words = {
        "label": row.planned.label,
        "opens": day_words(window.opens),
        "target": day_words(window.target),
        "closes": day_words(window.closes),
        "status": standing_words(row.standing),
    }
    title = _("%(label)s: target %(target)s, window %(opens)s to %(closes)s. %(status)s.") % words
    return VisitFact(
        row.planned.code,
        row.mark,
        title,
        window,
        row.standing.said.value,
        row.assumed,
        row.performed_on,
        row.single,
        row.booked_on,
    )


def _window_fact(row: WindowRow, verdict: VerdictStatus | None) -> WindowFact:
    words = {
        "label": row.label,
        "from": day_words(row.starts_on) if row.starts_on else _("not known yet"),
        "to": day_words(row.ends_on) if row.ends_on else _("not known yet"),
    }
    title, label = _("%(label)s: from %(from)s to %(to)s") % words, row.label
    if verdict:
        said = {"label": row.label, "sign": SIGNS[verdict], "verdict": VERDICTS[verdict]}
        label = _("%(label)s · %(sign)s %(verdict)s") % said
        title = _("%(lane)s. %(verdict)s") % {"lane": title, "verdict": VERDICTS[verdict]}
    status = verdict.value if verdict else ""
    return WindowFact(row.code, label, title, row.starts_on, row.ends_on, row.assumed, status)


def _epochs(protocol: Protocol, visits: Sequence[VisitRow]) -> Iterable[EpochFact]:
    for place, epoch in enumerate(protocol.epochs):
        windows = [row.planned.window for row in visits if row.planned.rule.epoch == epoch.code]
        if windows:
            first, last = min(window.opens for window in windows), max(window.closes for window in windows)
            yield EpochFact(epoch.label, first, last, place)


def _description(facts: TimelineFacts, panel: Panel | None) -> str:
    """The drawing in words, for anyone who cannot see it; the tables below carry all of it."""
    visits = [shape.fact for shape in panel.visits] if panel else []
    listed = _("; ").join(f"{fact.mark} {day_words(fact.window.target)}" for fact in visits)
    words = {
        "visits": listed or _("none"),
        "windows": len(panel.lanes) if panel else 0,
        "today": day_words(facts.today),
    }
    return _("Visits by target: %(visits)s. Protocol windows: %(windows)d. Today is %(today)s.") % words
