"""A preview as its page shows it: the most severe first, what stays folded, in the reader's language."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from participants.models import Participant
from schedules.domain.deviations.drafts import KIND_LABELS, DeviationKind
from schedules.domain.plan.values import PlanWarning
from schedules.domain.plan.visit_windows import VisitWindow
from schedules.domain.replanning.protocol_departures import departure_sentence
from schedules.domain.replanning.visit_effects import Effect, VisitChange
from schedules.domain.replanning.window_and_gate_changes import GateChange, WindowChange, WindowSpan
from schedules.domain.replanning.wording import change_sentences, effect_label, gate_sentence
from schedules.domain.visits.calendar_conflicts import HindranceKind, hindrances
from schedules.domain.windows.verdict_changes import VerdictChange, verdict_sentences
from schedules.domain.windows.verdicts import VerdictStatus
from schedules.services.replanning.moves import Preview
from schedules.services.replanning.previews import SideEffects, calendar_for
from schedules.web.shared.wording import day_words, say, warnings_in_words
from trials.domain.stored_sentences import facts_text
from trials.domain.words import Words, first_day_or_hour, last_day_or_hour

CONTRADICTION = "contradictory-anchors"
SHUT = frozenset({HindranceKind.NO_CLINIC_DAY, HindranceKind.NO_CLINIC_DAY_LEFT})
GRAVE = frozenset(
    {Effect.CHEMOTHERAPY_GIVEN, Effect.BLOCK_BROKEN, Effect.GATE_AFFECTED, Effect.EXPIRED, Effect.NOW_MISSED}
)
ENDING = frozenset({Effect.CANCELLED, Effect.CANCELLED_BY_COURSE, Effect.NOT_APPLICABLE})
SERIOUS = frozenset(
    {
        Effect.BOOKING_OUTSIDE,
        Effect.BOOKING_CLOSED,
        Effect.BOOKING_ALREADY_OUTSIDE,
        Effect.NOW_LATE,
        Effect.DONE_LATE,
        Effect.DONE_EARLY,
        Effect.CANCELLED,
        Effect.CANCELLED_BY_COURSE,
        Effect.NOT_APPLICABLE,
        Effect.UNBOOKED,
    }
)


@dataclass(frozen=True, slots=True)
class Span:
    """A target, and the days around it, in words; each empty where there is none."""

    target: str = ""
    first: str = ""
    last: str = ""


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One line of a preview: what it is of, what happens to it, before and after.

    Both are a day, and the window around it where there is one.
    """

    label: str
    severity: str
    effects: tuple[str, ...]
    before: Span
    after: Span
    sentences: tuple[str, ...]
    booked_on: date | None = None
    performed_on: date | None = None
    orphaned: bool = False


@dataclass(frozen=True, slots=True)
class PreviewRows:
    """Everything that a page of re-planning shows below its form."""

    visits: tuple[ChangeRow, ...]
    windows: tuple[ChangeRow, ...]
    gates: tuple[ChangeRow, ...]
    unchanged: tuple[str, ...]
    reminders: str
    lapses: Sequence[tuple[str, str]]
    notes: Sequence[tuple[str, str]]
    gains: Sequence[tuple[str, str]]
    departures: tuple[str, ...]
    moves: bool
    preview: Preview

    @property
    def warnings(self) -> list[tuple[str, str]]:
        """What lapses, what is to be looked at, and which deviations no longer apply."""
        return [*self.lapses, *self.notes, *self.gains]

    @property
    def orphan_words(self) -> list[str]:
        """The bookings that would be left behind."""
        words = _("%(visit)s, booked %(day)s")
        return [
            words % {"visit": row.label, "day": day_words(row.booked_on)}
            for row in self.visits
            if row.orphaned and row.booked_on
        ]

    @property
    def nothing(self) -> bool:
        """Whether nothing would move; verdicts may change all the same, and are shown with their windows."""
        return not (self.visits or self.moves or self.gates)


def preview_rows(preview: Preview) -> PreviewRows:
    """The lines of one participant's preview."""
    stays = [change for change in preview.visits if change.effects == (Effect.UNCHANGED,)]
    judged = {change.code: change for change in preview.around.verdicts}
    kept = [w for w in preview.windows if w.effect is Effect.UNCHANGED and w.code not in judged]
    windows = [change for change in preview.windows if change not in kept]
    windows.sort(key=lambda change: _gravity(judged.get(change.code)))
    return PreviewRows(
        tuple(map(visit_row, preview.changed)),
        tuple(_window_row(change, preview.record.zone, judged.get(change.code)) for change in windows),
        tuple(map(_gate_row, preview.around.gates)),
        (*(say(change.label) for change in stays), *(say(change.label) for change in kept)),
        _reminders(preview.around),
        list(_verdicts(preview.around.verdicts)),
        [*warnings_in_words(_warnings(preview)), *_without_a_day(preview)],
        list(_lapsed(preview.around)),
        _departures(preview),
        any(change.effect is not Effect.UNCHANGED for change in windows),
        preview,
    )


@dataclass(frozen=True, slots=True)
class PersonRows:
    """What a change for many does to one of them: visits, verdicts for the worse, each verdict in words."""

    participant: Participant
    visits: tuple[ChangeRow, ...]
    notes: tuple[tuple[str, str], ...]
    verdicts: tuple[tuple[str, tuple[str, ...]], ...]


def person_rows(preview: Preview) -> PersonRows:
    """The lines of one participant in a preview for many."""
    return PersonRows(
        preview.record.participant,
        tuple(visit_row(change) for change in preview.changed),
        *verdict_lines(preview.around.verdicts),
    )


def verdict_lines(
    changes: Sequence[VerdictChange],
) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, tuple[str, ...]], ...]]:
    """Which verdicts change for the worse and which tests must be repeated; then each change, in words."""
    each = tuple((say(one.label), verdict_sentences(one, say)) for one in sorted(changes, key=_gravity))
    return tuple(_verdicts(changes)), each


def _departures(preview: Preview) -> tuple[str, ...]:
    """What happened against the protocol, and what follows from it; the deviations that are drafted."""
    protocol = preview.plan.protocol
    departures = (departure_sentence(one, protocol, say, ahead=True) for one in preview.departures)
    return (*departures, *(_drafted(kind, facts) for kind, facts in preview.around.drafted))


def _lapsed(around: SideEffects) -> Iterator[tuple[str, str]]:
    """The deviations that stood and are no longer one."""
    for kind, facts in around.lapsed:
        words = {"kind": say(KIND_LABELS[DeviationKind(kind)]), "facts": facts_text(facts, say)}
        yield _("A deviation no longer applies"), (_("%(kind)s. %(facts)s") % words).rstrip()


def _drafted(kind: str, facts: str) -> str:
    words = {"kind": say(KIND_LABELS[DeviationKind(kind)]), "facts": facts_text(facts, say)}
    return (_("A deviation is drafted: %(kind)s. %(facts)s") % words).rstrip()


def _warnings(preview: Preview) -> list[PlanWarning]:
    """All but the contradictions that have happened, or stood so before: those are told otherwise.

    None at all where no visit is left that they could be about.
    """
    if not _to_come(preview):
        return []
    refused = {found.message for found in preview.ruling.refused}
    return [one for one in preview.warnings if one.code != CONTRADICTION or one.message in refused]


def _without_a_day(preview: Preview) -> Iterator[tuple[str, str]]:
    """The visits to come that could be seen on no day of what is left of their window."""
    labels, calendar, today = _to_come(preview), calendar_for(preview.record, preview.proposal), preview.today
    for visit in preview.plan.visits:
        opens, _target, closes = visit.window
        found = {one.kind for one in hindrances(visit.window, visit.rule.place, calendar, today)}
        if visit.code in labels and found & SHUT:
            first, last = day_words(max(opens, today)), day_words(closes)
            words = {"visit": say(labels[visit.code]), "opens": first, "closes": last}
            yield _("A window has no clinic day"), _("%(visit)s: none from %(opens)s to %(closes)s.") % words


def _to_come(preview: Preview) -> dict[str, str]:
    """The visits that are still to come after this, by their codes, with their labels."""
    left = (one for one in preview.visits if one.performed_on is None and not ENDING & set(one.effects))
    return {change.code: change.label for change in left}


def visit_row(change: VisitChange) -> ChangeRow:
    """One visit of a preview."""
    spoken = replace(change, repeat=tuple(say(activity) for activity in change.repeat))
    return ChangeRow(
        say(change.label),
        severity_of(change.effects),
        tuple(effect_label(effect, say) for effect in change.effects),
        _window(change.before),
        _window(change.after) if not ENDING & set(change.effects) else Span(),
        change_sentences(spoken, say),
        change.booked_on,
        change.performed_on,
        change.orphans_booking,
    )


def severity_of(effects: Iterable[Effect]) -> str:
    """How grave effects are together: critical, warning or notice."""
    found = set(effects)
    if found & GRAVE:
        return "critical"
    return "warning" if found & SERIOUS else "notice"


def _window(window: VisitWindow | None) -> Span:
    if window is None:
        return Span()
    if window.opens == window.closes:
        return Span(day_words(window.opens))
    return Span(day_words(window.target), day_words(window.opens), day_words(window.closes))


def _window_row(change: WindowChange, zone: ZoneInfo, verdict: VerdictChange | None) -> ChangeRow:
    severity = severity_of([change.effect])
    if verdict:
        severity = ("critical", "warning", severity)[_gravity(verdict)]
    return ChangeRow(
        say(change.label),
        severity,
        (effect_label(change.effect, say),),
        _span(change.before, zone),
        _span(change.after, zone),
        verdict_sentences(verdict, say) if verdict else (),
    )


def _gravity(verdict: VerdictChange | None) -> int:
    """How grave the change of a verdict is: 0 for a violation or a test again, 2 for nothing of it."""
    if verdict is None:
        return 2
    if verdict.is_grave:
        return 0
    return 1 if verdict.lapses or verdict.after is VerdictStatus.AT_RISK else 2


def _verdicts(changes: Sequence[VerdictChange]) -> Iterator[tuple[str, str]]:
    """How many verdicts change for the worse, and which tests must be repeated."""
    lapsing = [change for change in changes if change.lapses]
    if lapsing:
        message = ngettext(
            "%(count)d window can no longer be judged: %(windows)s.",
            "%(count)d windows can no longer be judged: %(windows)s.",
            len(lapsing),
        )
        windows = pgettext("list", ", ").join(say(change.label) for change in lapsing)
        yield _("Verdicts lapse"), message % {"count": len(lapsing), "windows": windows}
    violated = [say(change.label) for change in changes if change.is_violated and change.repeat is None]
    if violated:
        yield _("Violated then, by what is on record"), pgettext("list", ", ").join(violated)
    tests = [
        Words.of("%(test)s", {"test": one.repeat}).text(say) for one in changes if one.repeat is not None
    ]
    if tests:
        yield _("Tests to be repeated"), pgettext("list", ", ").join(dict.fromkeys(tests))


def _span(span: WindowSpan | None, zone: ZoneInfo) -> Span:
    if span is None:
        return Span()
    ends = _point(span.starts, zone, first_day_or_hour), _point(span.ends, zone, last_day_or_hour)
    return Span("", *ends)


def _point(text: str, zone: ZoneInfo, at_midnight: Callable[[date], date]) -> str:
    """An end of a window out of the text by which it compares; a midnight as `at_midnight` says it."""
    if not text:
        return "…"
    if "T" not in text:
        return day_words(date.fromisoformat(text))
    said = at_midnight(datetime.fromisoformat(text).astimezone(zone))
    return f"{day_words(said.date())} {said:%H:%M}" if isinstance(said, datetime) else day_words(said)


def _gate_row(change: GateChange) -> ChangeRow:
    who = change.subject or capfirst(_("a participant at %(site)s") % {"site": say(change.site)})
    effects = (effect_label(change.effect, say),)
    return ChangeRow(
        who, severity_of([change.effect]), effects, Span(), Span(), (gate_sentence(change, say),)
    )


def _reminders(around: SideEffects) -> str:
    parts = []
    if around.cancelled:
        message = ngettext(
            "%(count)d reminder is withdrawn", "%(count)d reminders are withdrawn", around.cancelled
        )
        parts.append(message % {"count": around.cancelled})
    if around.renewed:
        message = ngettext("%(count)d is due again", "%(count)d are due again", around.renewed)
        parts.append(message % {"count": around.renewed})
    return _("; ").join(parts)
