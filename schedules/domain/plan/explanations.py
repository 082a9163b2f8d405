"""Why a date is what it is: the one place that makes the sentence for screens, API and feeds.

Every function takes `say`, which translates a message; edges pass gettext, the core passes
nothing and gets English.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from schedules.domain.plan.slots import Same
from schedules.domain.plan.values import AnchorDay, AnchorKind, PlannedVisit, PlannedWindow
from schedules.domain.plan.visit_windows import VisitWindow
from trials.domain.language import Text
from trials.domain.protocols.occurrences import label_at, label_of_rule, occurrence_offsets
from trials.domain.protocols.offsets import Offset, Unit, day_not_there, shift_beside, shift_day
from trials.domain.protocols.protocol import (
    AtOffset,
    Basis,
    Bound,
    Each,
    Freshness,
    HalfLives,
    Moment,
    Over,
    Pick,
    Protocol,
    Reference,
    ReferenceKind,
    Tolerance,
    Within,
)
from trials.domain.sites.closed_days import closed_words
from trials.domain.words import Say, Words, day_text, plain, run_on
from trials.domain.words import mark as _

_UNITS = {
    Unit.HOURS: (_("%(n)d hour"), _("%(n)d hours")),
    Unit.DAYS: (_("%(n)d day"), _("%(n)d days")),
    Unit.WEEKS: (_("%(n)d week"), _("%(n)d weeks")),
    Unit.MONTHS: (_("%(n)d month"), _("%(n)d months")),
    Unit.YEARS: (_("%(n)d year"), _("%(n)d years")),
}
_HOLDS_FOR_EACH = _("While %(hour)s is not known, the window is what holds for every hour of that day.")
_AT_ITS_LONGEST = _("While %(hour)s is not known, the window is taken at its longest.")
NotThere = tuple[int, int] | None
_SHORT_MONTHS = {
    (2, 29): _("February has no 29th: its last day counts."),
    (2, 30): _("February has no 30th: its last day counts."),
    (2, 31): _("February has no 31st: its last day counts."),
    (4, 31): _("April has no 31st: its last day counts."),
    (6, 31): _("June has no 31st: its last day counts."),
    (9, 31): _("September has no 31st: its last day counts."),
    (11, 31): _("November has no 31st: its last day counts."),
}
_KINDS = {
    AnchorKind.PLANNED: _("planned"),
    AnchorKind.ACTUAL: _("actual"),
    AnchorKind.DERIVED: _("derived"),
}


def because_visit(protocol: Protocol, visit: PlannedVisit, say: Say = plain) -> str:
    """The anchor, offset, tolerance, basis, protocol version and working-day shift of a visit."""
    parts = [_counted(protocol, visit, say), *_tolerance(protocol, visit, say)]
    parts.extend(_wider(protocol, visit, say))
    parts.extend(_short_months(_days_from_base(protocol, visit), say))
    if visit.lengthened:
        parts.append(say(_("Longer than the protocol's: day zero waits.")))
    parts.append(basis_text(protocol, visit.rule.basis, say))
    parts.append(say(_("Protocol version %(version)s.")) % {"version": protocol.version})
    if visit.suggested and visit.suggested != visit.window.target:
        parts.append(
            say(_("Suggested %(day)s, because %(target)s: %(why)s."))
            % {
                "day": day_text(visit.suggested, say),
                "target": day_text(visit.window.target, say),
                "why": closed_words(visit.why_shifted).text(say),
            }
        )
    return run_on(parts, say)


def because_window(protocol: Protocol, window: PlannedWindow, say: Say = plain) -> str:
    """Both ends of a protocol window, what they count from, what is missing, basis and protocol version."""
    rule = window.rule
    parts = [
        *_bound(protocol, (_("From %(moments)s."), _("Start")), rule.starts, window, say),
        *_bound(protocol, (_("Until %(moments)s."), _("End")), rule.ends, window, say),
    ]
    parts.extend(_short_months(_bounds_from_bases(protocol, window), say))
    if window.missing:
        parts.append(
            say(_("Not known yet: %(missing)s."))
            % {"missing": say(_(", ")).join(one.text(say) for one in window.missing)}
        )
    if window.other:
        template = _HOLDS_FOR_EACH if isinstance(rule.terms, Freshness) else _AT_ITS_LONGEST
        parts.append(say(template) % {"hour": window.other.hour.text(say)})
    parts.append(basis_text(protocol, rule.basis, say, _("Window")))
    parts.append(say(_("Protocol version %(version)s.")) % {"version": protocol.version})
    return run_on(parts, say)


def basis_text(protocol: Protocol, basis: Basis, say: Say = plain, what: str = _("Timing")) -> str:
    """Where `what` comes from: a section of a dated source, or an assumption with its note."""
    return say(_("%(what)s %(origin)s.")) % {"what": say(what), "origin": _origin(protocol, basis, say)}


def _origin(protocol: Protocol, basis: Basis, say: Say) -> str:
    words = {"note": say(basis.note) if basis.note else ""}
    if basis.assumed:
        return say(_("assumed (%(note)s)") if basis.note else _("assumed")) % words
    source = protocol.source_by_code.get(basis.source or "")
    document = (source.document, str(source.dated)) if source else (basis.source or "",)
    words["where"] = document[0]
    for part in (*document[1:], basis.section):
        if part:
            words["where"] = say(_("%(where)s, %(part)s")) % {"where": words["where"], "part": part}
    return say(_("stated in %(where)s (%(note)s)") if basis.note else _("stated in %(where)s")) % words


def offset_text(offset: Offset, say: Say = plain) -> str:
    """The size of an offset in words, without its sign: `5 days`."""
    size = abs(offset.amount)
    return say(_UNITS[offset.unit][size != 1]) % {"n": size}


def offset_words(offset: Offset) -> Words:
    """The same as data, to be said where it is shown."""
    size = abs(offset.amount)
    return Words.of(_UNITS[offset.unit][size != 1], {"n": size})


def from_anchor(offset: Offset, anchor: str, say: Say = plain) -> str:
    """An offset and what it counts from, in words: `5 days before Infusion`, `the day of Infusion`."""
    if offset.amount == 0 and offset.unit is Unit.HOURS:
        return say(_("the hour of %(anchor)s")) % {"anchor": anchor}
    if offset.amount == 0:
        return say(_("the day of %(anchor)s")) % {"anchor": anchor}
    words = {"offset": offset_text(offset, say), "anchor": anchor}
    if offset.amount < 0:
        return say(_("%(offset)s before %(anchor)s")) % words
    return say(_("%(offset)s after %(anchor)s")) % words


def label_of(protocol: Protocol, reference: Reference) -> str:
    """The label of an anchor, visit or activity; a code that is none of them stands for itself."""
    found = _labels(Same(protocol)).get(reference.code)
    return found or _label_of_occurrence(protocol, reference.code) or reference.code


def _spoken_label(protocol: Protocol, reference: Reference, say: Say) -> str:
    """The label in the reader's language where the document gives it in two."""
    label = label_of(protocol, reference)
    return say(label) if isinstance(label, Text) else label


@lru_cache(maxsize=16)
def _labels(same: Same) -> dict[str, str]:
    """The labels of a protocol by their codes; anchors before visits, visits before activities."""
    protocol = same.protocol
    visits = {rule.code: label_of_rule(rule) for rule in protocol.visits}
    activities, anchors = (
        {rule.code: rule.label for rule in group} for group in (protocol.activities, protocol.anchors)
    )
    return {**activities, **visits, **anchors}


def _label_of_occurrence(protocol: Protocol, code: str) -> str | None:
    """The label of one of several visits of a rule, by what a plan calls it."""
    for rule in protocol.visits:
        if code.startswith(f"{rule.code}-"):
            offsets = occurrence_offsets(rule)
            if code in offsets:
                return label_at(rule, list(offsets).index(code) + 1, offsets[code])
    return None


def _counted(protocol: Protocol, visit: PlannedVisit, say: Say) -> str:
    anchor = _spoken_label(protocol, visit.rule.counts_from, say)
    words = {
        "place": from_anchor(visit.offset, anchor, say),
        "anchor": anchor_text(visit.base, say),
        "target": day_text(visit.at or visit.window.target, say),
    }
    return say(_("%(target)s is %(place)s (%(anchor)s).")) % words


def anchor_text(day: AnchorDay, say: Say = plain) -> str:
    """How an anchor's day is known, and the day: `planned Monday 2026-12-07`."""
    kind = say(_("derived, assumed,")) if day.assumed else say(_KINDS[day.kind])
    return say(_("%(kind)s %(day)s")) % {"kind": kind, "day": day_text(day.at or day.day, say)}


def _tolerance(protocol: Protocol, visit: PlannedVisit, say: Say) -> list[str]:
    timing, window = visit.rule.timing, visit.window
    if isinstance(timing, AtOffset):
        return [_around(protocol, timing.tolerance, say)]
    if isinstance(timing, Each):
        return [say(_("One on each day of the range; it never moves by itself."))]
    words = {"opens": day_text(window.opens, say), "closes": day_text(window.closes, say)}
    if isinstance(timing, Within):
        return [say(_("Once, on any day from %(opens)s to %(closes)s.")) % words]
    return [say(_("Over the whole range from %(opens)s to %(closes)s.")) % words]


def _around(protocol: Protocol, tolerance: Tolerance, say: Say) -> str:
    origin = _origin(protocol, tolerance.basis, say)
    if tolerance.before.amount == 0 and tolerance.after.amount == 0:
        return say(_("No tolerance: it never moves by itself; %(origin)s.")) % {"origin": origin}
    return say(_("Tolerance %(before)s before, %(after)s after; %(origin)s.")) % {
        "before": offset_text(tolerance.before, say),
        "after": offset_text(tolerance.after, say),
        "origin": origin,
    }


def _wider(protocol: Protocol, visit: PlannedVisit, say: Say) -> Iterator[str]:
    """Why a window has more days than its rule gives it: what it counts from is not settled."""
    own = _own_window(protocol, visit)
    if visit.lengthened or (own.opens <= visit.window.opens and visit.window.closes <= own.closes):
        return
    reference = visit.rule.counts_from
    words = {
        "base": _spoken_label(protocol, reference, say),
        "opens": day_text(visit.window.opens, say),
        "closes": day_text(visit.window.closes, say),
    }
    if visit.base.kind is AnchorKind.ACTUAL and visit.offset.unit is Unit.HOURS:
        yield say(_("The hour of %(base)s is not on record: a day more counts, until %(closes)s.")) % words
    elif reference.kind is ReferenceKind.VISIT:
        template = _(
            "%(base)s is still to come: all days that follow from its window count, %(opens)s to %(closes)s."
        )
        yield say(template) % words


def _own_window(protocol: Protocol, visit: PlannedVisit) -> VisitWindow:
    """The window that a visit has from the day it counts from alone."""
    timing, target, month = visit.rule.timing, visit.window.target, protocol.month
    if isinstance(timing, Within | Over):
        first, last = (shift_day(visit.base.day, bound, month) for bound in (timing.first, timing.last))
        return VisitWindow(first, target, last)
    if isinstance(timing, Each):
        return VisitWindow(target, target, target)
    before, after = -timing.tolerance.before, timing.tolerance.after
    if visit.offset.unit is Unit.HOURS:
        return VisitWindow(shift_day(target, before, month), target, shift_day(target, after, month))
    opens, closes = (shift_beside(visit.base.day, visit.offset, reach, month) for reach in (before, after))
    return VisitWindow(opens, target, closes)


def _days_from_base(protocol: Protocol, visit: PlannedVisit) -> Iterator[NotThere]:
    """The days of a visit's window that its months do not have."""
    timing, base, target = visit.rule.timing, visit.base.day, visit.offset
    yield day_not_there(base, target, protocol.month)
    if isinstance(timing, Within | Over):
        yield day_not_there(base, timing.first, protocol.month)
        yield day_not_there(base, timing.last, protocol.month)
    if isinstance(timing, AtOffset):
        for reach in (-timing.tolerance.before, timing.tolerance.after):
            if both := target.plus(reach, protocol.month):
                yield day_not_there(base, both)
            else:
                yield day_not_there(visit.window.target, reach, protocol.month)


def _bounds_from_bases(protocol: Protocol, window: PlannedWindow) -> Iterator[NotThere]:
    """The ends of a protocol window that their months do not have."""
    days = dict(window.bases)
    bounds = [bound for bound in (window.rule.starts, window.rule.ends) if bound]
    for moment in (moment for bound in bounds for moment in bound.moments):
        base = days.get(moment.counts_from.code)
        if base and isinstance(moment.offset, Offset):
            yield day_not_there(base.day, moment.offset, protocol.month)


def _short_months(days: Iterator[NotThere], say: Say) -> list[str]:
    """That a month's last day stands for one that the month does not have, once for each such month."""
    return [say(_SHORT_MONTHS[day]) for day in dict.fromkeys(days) if day]


def _bound(
    protocol: Protocol, words: tuple[str, str], bound: Bound | None, window: PlannedWindow, say: Say
) -> list[str]:
    """One end of a window, and where it comes from if that is not where the window comes from."""
    if bound is None:
        return []
    days = dict(window.bases)
    texts = [_moment(protocol, moment, days.get(moment.counts_from.code), say) for moment in bound.moments]
    moments = texts[0] if len(texts) == 1 else _choice(bound, texts, say)
    frame, what = words
    origin = [] if bound.basis == window.rule.basis else [basis_text(protocol, bound.basis, say, what)]
    return [say(frame) % {"moments": moments}, *origin]


def _choice(bound: Bound, texts: list[str], say: Say) -> str:
    joined = say(_("; ")).join(texts)
    if bound.pick is Pick.EARLIEST:
        return say(_("the earliest of: %(moments)s")) % {"moments": joined}
    return say(_("the latest of: %(moments)s")) % {"moments": joined}


def _moment(protocol: Protocol, moment: Moment, base: AnchorDay | None, say: Say) -> str:
    anchor = _spoken_label(protocol, moment.counts_from, say)
    if base:
        anchor = say(_("%(anchor)s (%(day)s)")) % {"anchor": anchor, "day": anchor_text(base, say)}
    if isinstance(moment.offset, HalfLives):
        return _half_lives(moment.offset, anchor, say)
    return from_anchor(moment.offset, anchor, say)


def _half_lives(offset: HalfLives, anchor: str, say: Say) -> str:
    words = {"n": abs(offset.count), "drug": say(offset.drug), "anchor": anchor}
    if offset.count < 0:
        return say(_("%(n)d × the half-life of %(drug)s before %(anchor)s")) % words
    return say(_("%(n)d × the half-life of %(drug)s after %(anchor)s")) % words
