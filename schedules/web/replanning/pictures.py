"""A preview as a picture, with its words: the weeks around day zero as they stand and as they would be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from schedules.domain.plan.values import PlannedVisit
from schedules.domain.plan.visit_windows import VisitWindow
from schedules.domain.replanning.visit_effects import Effect, VisitChange
from schedules.domain.replanning.window_and_gate_changes import WindowChange
from schedules.domain.timeline.before_after import MovedVisit, MoveFacts, MovePanel, move_panel
from schedules.domain.timeline.shapes import VisitFact, WindowFact, fitted
from schedules.domain.visits.short_names import visit_mark
from schedules.domain.windows.verdict_changes import VERDICT_LABELS, VerdictChange
from schedules.services.replanning.moves import Preview
from schedules.services.replanning.previews import calendar_for
from schedules.web.shared.preview_rows import ENDING, severity_of
from schedules.web.shared.wording import day_words, say

WIDE, NARROW = 960.0, 366.0
LABEL_WIDTH = 96.0


@dataclass(frozen=True, slots=True)
class MovePicture:
    """The drawing in the two widths that screens have, what day zero is called, and the drawing in words."""

    zero: str
    description: str
    more: str
    wide: MovePanel
    narrow: MovePanel

    @property
    def sizes(self) -> tuple[tuple[str, MovePanel], ...]:
        """The names of the widths with their drawings."""
        return (("wide", self.wide), ("narrow", self.narrow))


def picture_of(preview: Preview) -> MovePicture | None:
    """The picture of a preview; None where no visit around day zero stands otherwise."""
    facts = _facts(preview)
    wide, narrow = move_panel(facts, WIDE), move_panel(facts, NARROW)
    if wide is None or narrow is None:
        return None
    protocol = preview.plan.protocol
    more = ngettext(
        "%(count)d visit beyond these weeks changes too; it is in the list below.",
        "%(count)d visits beyond these weeks change too; they are in the list below.",
        wide.beyond,
    )
    return MovePicture(
        say(protocol.anchor_by_code[protocol.day_zero].label),
        _description(facts),
        more % {"count": wide.beyond} if wide.beyond else "",
        wide,
        narrow,
    )


def _facts(preview: Preview) -> MoveFacts:
    protocol, plan = preview.plan.protocol, preview.plan
    after = plan.anchors.get(protocol.day_zero)
    before = preview.record.anchor_days({}).get(protocol.day_zero)
    planned = {visit.code: visit for visit in plan.visits}
    zero = after.day if after else None
    calendar = calendar_for(preview.record, preview.proposal)
    return MoveFacts(
        today=preview.today,
        zeros=(before.day if before else None, zero),
        visits=[_moved(change, _mark(change, planned, preview, zero)) for change in preview.visits],
        windows=list(_windows(preview)),
        closed=lambda day: calendar is not None and not calendar.is_working_day(day),
    )


def _mark(
    change: VisitChange, planned: Mapping[str, PlannedVisit], preview: Preview, zero: date | None
) -> tuple[str, bool]:
    """The short name of a visit, and whether it has a single due day."""
    visit = planned.get(change.code)
    label = say(visit_mark(preview.plan.protocol, visit, zero) if visit else change.label)
    window = change.after or change.before
    ranged = visit is not None and not hasattr(visit.rule.timing, "offset")
    return fitted(label, LABEL_WIDTH), not (ranged and window is not None and window.opens != window.closes)


def _moved(change: VisitChange, named: tuple[str, bool]) -> MovedVisit:
    mark, pinned = named
    gone = bool(ENDING & set(change.effects))
    status = "done" if change.performed_on else "upcoming"

    def fact(window: VisitWindow | None) -> VisitFact | None:
        if window is None:
            return None
        words = {
            "visit": say(change.label),
            "opens": day_words(window.opens),
            "closes": day_words(window.closes),
        }
        one_day = window.opens == window.closes
        template = _("%(visit)s: %(opens)s") if one_day else _("%(visit)s: %(opens)s to %(closes)s")
        title = template % words
        return VisitFact(
            change.code, mark, title, window, status, performed_on=change.performed_on, pinned=pinned
        )

    return MovedVisit(
        fact(change.before),
        None if gone else fact(change.after),
        "" if change.effects == (Effect.UNCHANGED,) else severity_of(change.effects),
        change.booked_on if change.performed_on is None else None,
        change.orphans_booking,
    )


def _windows(preview: Preview) -> Iterator[WindowFact]:
    """The windows whose verdict changes for the worse, each with what it comes to."""
    spans = {change.code: change for change in preview.windows}
    worse = [one for one in preview.around.verdicts if one.is_grave or one.lapses]
    for one in sorted(worse, key=lambda one: not one.is_grave):
        change = spans.get(one.code)
        if change and change.after:
            yield _window(one, change, preview.record.zone)


def _window(verdict: VerdictChange, change: WindowChange, zone: ZoneInfo) -> WindowFact:
    span = change.after
    assert span is not None, "a window is drawn where it lies after"
    if verdict.repeat is not None:
        said = _("to be repeated")
    else:
        end = verdict.end_after if verdict.ends_otherwise else verdict.after
        said = say(VERDICT_LABELS[end])
    text = _("%(window)s: %(verdict)s") % {"window": say(change.label), "verdict": said}
    return WindowFact(
        verdict.code, text, text, _day(span.starts, zone), _day(span.ends, zone), not verdict.is_grave
    )


def _day(text: str, zone: ZoneInfo) -> date | None:
    """The day of an end of a window out of the text by which it compares."""
    if not text:
        return None
    if "T" not in text:
        return date.fromisoformat(text)
    return datetime.fromisoformat(text).astimezone(zone).date()


def _description(facts: MoveFacts) -> str:
    """The drawing in words, for anyone who cannot see it; the list below carries all of it."""
    text = _("%(visit)s from %(was)s to %(now)s")
    moved = [
        text
        % {
            "visit": one.after.mark,
            "was": day_words(one.before.window.target),
            "now": day_words(one.after.window.target),
        }
        for one in facts.visits
        if one.before and one.after and one.before.window.target != one.after.window.target
    ]
    return _("; ").join(moved) or _("No target moves.")
