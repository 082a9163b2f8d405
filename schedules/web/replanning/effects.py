"""What a preview changes, in words, the most severe first: what breaks, lapses, is booked, gains, moves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from participants.models import Participant
from schedules.domain.plan.visit_windows import VisitWindow
from schedules.domain.readiness.day_zero_search import Objection, Reason
from schedules.domain.readiness.start_context import Start
from schedules.domain.replanning.visit_effects import Effect
from schedules.selectors.readiness.day_zero_search import RangeRefused, ranked_days
from schedules.selectors.readiness.start_context import start_of
from schedules.services.replanning.moves import Preview
from schedules.services.replanning.previews import calendar_for
from schedules.web.shared.preview_rows import PreviewRows
from schedules.web.shared.wording import day_words, near_day_words, say
from trials.domain.words import run_on

FIRST = 3
"""So many moves are told in the line that counts them; the list below has all."""
KINDS: dict[str, Promise] = {
    "breaks": gettext_lazy("Breaks"),
    "lapses": gettext_lazy("Lapses"),
    "bookings": gettext_lazy("Bookings"),
    "look": gettext_lazy("To look at"),
    "gains": gettext_lazy("Gains"),
    "moves": gettext_lazy("Moves"),
}
"""The kinds of effects, the most severe first."""


@dataclass(frozen=True, slots=True)
class EffectLine:
    """One effect: its kind, what it is in a few words, and the sentences to it."""

    kind: str
    head: str
    text: str = ""

    @property
    def label(self) -> str:
        """The kind in a word."""
        return str(KINDS[self.kind])


LAPSING = frozenset({Objection.EXPIRED, Objection.TEST, Objection.CONSENT})
MILD = frozenset(
    {
        Objection.SHIFTED,
        Objection.PROVISIONAL,
        Objection.LATER_PROVISIONAL,
        Objection.STAY_ON_HOLIDAY,
        Objection.HOLD,
        Objection.NOT_KNOWN,
    }
)
"""What speaks against a day and breaks nothing."""


@dataclass(frozen=True, slots=True)
class DayZeroReasons:
    """What speaks against the new day zero and not against the present one, and the other way round.

    Each with the kind of line that it is told in.
    """

    new: Sequence[tuple[str, str]] = ()
    gone: Sequence[str] = ()


def day_zero_reasons(participant: Participant, preview: Preview, now: datetime) -> DayZeroReasons:
    """What the search for a day zero says of the day before and of the day after: beds, absences, gates.

    Empty where no planned day zero moves. The number of queries is constant.
    """
    zero = preview.plan.protocol.day_zero
    given = preview.proposal.anchors.get(zero)
    stands = preview.record.anchor_days({}).get(zero)
    if given is None or given.actual_on or given.planned_on is None or stands is None:
        return DayZeroReasons()
    if given.planned_on == stands.day:
        return DayZeroReasons()
    start = start_of(participant, now, say)
    try:
        before, after = (_reasons(start, day) for day in (stands.day, given.planned_on))
    except RangeRefused:
        return DayZeroReasons()
    new = [(_kind(reason), text) for text, reason in after.items() if text not in before]
    gone = [text for text, reason in before.items() if text not in after and reason.against not in MILD]
    return DayZeroReasons(new, gone)


def _reasons(start: Start, day: date) -> dict[str, Reason]:
    """What speaks against one day, by its words."""
    ranking = ranked_days(start, day, day)
    reasons = [*ranking.common, *(reason for one in ranking.days for reason in one.reasons)]
    return {reason.text(say): reason for reason in reasons}


def _kind(reason: Reason) -> str:
    if reason.against in MILD:
        return "look"
    return "lapses" if reason.against in LAPSING else "breaks"


def effect_lines(
    preview: Preview, rows: PreviewRows, reasons: DayZeroReasons | None = None
) -> list[EffectLine]:
    """Every effect of a preview as a line, the most severe kind first."""
    reasons = reasons or DayZeroReasons()
    lines = [
        *(EffectLine("breaks", sentence) for sentence in rows.departures),
        *(EffectLine(kind, sentence) for kind, sentence in reasons.new),
        *(EffectLine("breaks", row.label, row.sentences[0]) for row in rows.gates),
        *_critical(rows),
        *(EffectLine("lapses", head, text) for head, text in rows.lapses),
        *_bookings(preview, rows),
        *(EffectLine("look", head, text) for head, text in rows.notes),
        *(EffectLine("gains", head, text) for head, text in rows.gains),
        *(EffectLine("gains", _("No longer speaks against it"), sentence) for sentence in reasons.gone),
        *_more_days(preview),
        *_moves(preview, rows),
    ]
    order = list(KINDS)
    return sorted(lines, key=lambda line: order.index(line.kind))


def _critical(rows: PreviewRows) -> Iterator[EffectLine]:
    for row in rows.visits:
        if row.severity == "critical":
            effects = pgettext("list", ", ").join(row.effects)
            yield EffectLine(
                "breaks", _("%(of)s: %(name)s") % {"of": row.label, "name": effects}, run_on(row.sentences, _)
            )


def _bookings(preview: Preview, rows: PreviewRows) -> Iterator[EffectLine]:
    """The bookings that lose their window, and those that stay inside it although it moves."""
    if rows.orphan_words:
        count = len(rows.orphan_words)
        head = ngettext(
            "%(count)d booking must be made again", "%(count)d bookings must be made again", count
        )
        yield EffectLine("bookings", head % {"count": count}, pgettext("list", ", ").join(rows.orphan_words))
    kept = [
        _("%(visit)s, booked %(day)s") % {"visit": say(one.label), "day": day_words(one.booked_on)}
        for one in preview.visits
        if one.booked_on
        and one.performed_on is None
        and not one.orphans_booking
        and Effect.MOVED in one.effects
        and Effect.BOOKING_ALREADY_OUTSIDE not in one.effects
    ]
    if kept:
        head = ngettext(
            "%(count)d booking stays inside its window",
            "%(count)d bookings stay inside their windows",
            len(kept),
        )
        yield EffectLine("bookings", head % {"count": len(kept)}, pgettext("list", ", ").join(kept))


def _more_days(preview: Preview) -> Iterator[EffectLine]:
    """The visits that are open now and to be booked, and gain clinic days."""
    today = preview.today
    for one in preview.visits:
        if one.before is None or one.after is None or one.performed_on or one.booked_on:
            continue
        if Effect.MOVED not in one.effects or not one.before.opens <= today <= one.before.closes:
            continue
        more = _clinic_days(one.after, preview) - _clinic_days(one.before, preview)
        if more > 0:
            head = ngettext(
                "%(visit)s gains %(days)d clinic day", "%(visit)s gains %(days)d clinic days", more
            )
            until = _("Until %(day)s.") % {"day": near_day_words(one.after.closes, today)}
            yield EffectLine("gains", head % {"visit": say(one.label), "days": more}, until)


def _clinic_days(window: VisitWindow, preview: Preview) -> int:
    """The clinic days that are left of a window, by the calendar that is planned by."""
    calendar = calendar_for(preview.record, preview.proposal)
    first = max(window.opens, preview.today)
    days = (first + timedelta(days=number) for number in range((window.closes - first).days + 1))
    return sum(calendar is None or calendar.is_working_day(day) for day in days)


def _moves(preview: Preview, rows: PreviewRows) -> Iterator[EffectLine]:
    moved = [one for one in preview.visits if one.before and one.after and one.days]
    windows = [one for one in preview.windows if one.effect is Effect.MOVED]
    parts = []
    if moved:
        text = ngettext("%(count)d visit moves", "%(count)d visits move", len(moved))
        parts.append(text % {"count": len(moved)})
    if windows:
        text = ngettext("%(count)d protocol window moves", "%(count)d protocol windows move", len(windows))
        parts.append(text % {"count": len(windows)})
    if not parts:
        return
    one_by_one = sorted(moved, key=lambda one: one.after.target if one.after else preview.today)
    told = [
        _("%(visit)s %(was)s → %(now)s")
        % {
            "visit": say(one.label),
            "was": near_day_words(one.before.target, preview.today),
            "now": near_day_words(one.after.target, preview.today),
        }
        for one in one_by_one[:FIRST]
        if one.before and one.after
    ]
    yield EffectLine("moves", pgettext("list", ", ").join(parts), pgettext("list", ", ").join(told))
