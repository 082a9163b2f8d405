"""Presence: within so many minutes of travel of the site, every night of the window.

The night of a day begins on it. The window's last day has its night too, so leaving on the
morrow keeps it. A night in hospital is a night at the site,
unless it is on record as a night away.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from participants.domain.fact_kinds import Admission, Fact, FactKind
from participants.domain.moments import DAY, day_of, first_instant
from schedules.domain.windows.judges.case import (
    NO_GAP,
    Case,
    Feeds,
    WindowJudge,
    at_risk,
    by_time,
    cannot_judge,
    gap,
    proof,
    violated,
)
from schedules.domain.windows.verdicts import Evidence, Verdict
from trials.domain.protocols.protocol import Presence, ProtocolWindow
from trials.domain.words import Words
from trials.domain.words import mark as _

_LODGED = _("Lodging %(minutes)d minutes from the site from %(day)s (limit %(limit)d).")
_AWAY = _("The night of %(day)s was spent away.")
_AWAY_MINUTES = _("The night of %(day)s was spent %(minutes)d minutes away (limit %(limit)d).")
_ADMITTED = _("In hospital from %(day)s.")
_STAYED = _("In hospital from %(day)s to %(until)s.")
_COMPANION = _("A companion is confirmed from %(day)s.")


@dataclass(frozen=True, slots=True)
class _Night:
    """Whether the participant was near for a night: yes, too far (False) or not known (None); by what."""

    day: date
    near: bool | None
    evidence: tuple[Evidence, ...] = ()
    missing: tuple[Words, ...] = ()


def judge_presence(case: Case, terms: Presence) -> Verdict:
    """Violated by the first night that was too far; not to be judged from the first unknown night on.

    A night is a violation once it is over: until then lodging can still be changed, so a night to
    come that is too far is told before one behind that is not known.
    """
    nights = [_night(case, terms, day) for day in case.days()]
    far, unknown = (_first(nights, near) for near in (False, None))
    if far and far.day < case.today:
        return _too_far(case, far)
    missing = gap(first_instant(unknown.day, case.zone), *unknown.missing) if unknown else NO_GAP
    if far:
        risk = at_risk(case, far.day, first_instant(far.day + DAY, case.zone), *far.evidence)
        return replace(risk, missing=missing.words, needed_by=missing.needed_by)
    if unknown and case.opened and unknown.day <= case.today:
        return cannot_judge(unknown.day, missing)
    return by_time(case, _proofs(nights), missing)


def _proofs(nights: Iterable[_Night]) -> tuple[Evidence, ...]:
    """What shows of these nights where they were spent, each once."""
    return tuple(dict.fromkeys(proof for night in nights for proof in night.evidence))


def _too_far(case: Case, far: _Night) -> Verdict:
    """A night behind that was too far: a violation, unless only the longer reading of the hours has it."""
    if case.other and case.window.other and far.day not in set(case.other.days()):
        return cannot_judge(far.day, gap(case.over_at, case.window.other.hour), *far.evidence)
    return violated(case, far.day, *far.evidence)


def _first(nights: Sequence[_Night], near: bool | None) -> _Night | None:
    return next((night for night in nights if night.near is near), None)


def _night(case: Case, terms: Presence, day: date) -> _Night:
    away = any(night.day == day for night in case.facts.nights_away)
    admission = next((one for one in case.facts.admissions if _admitted(case, one, day)), None)
    if admission and not away:
        return _Night(day, near=True, evidence=(_stay(case, admission),))
    travels = list(_travels(case, terms, day))
    if not travels:
        return _Night(day, None, missing=(Words.of(_("lodging for the night of %(day)s"), {"day": day}),))
    # False comes before True: of several places on record for one night one that is too far decides.
    near, evidence = min(travels, key=lambda travel: travel[0])
    if near and terms.companion:
        return _accompanied(case, day, evidence)
    return _Night(day, near, (evidence,))


def _stay(case: Case, admission: Admission) -> Evidence:
    """The words of a stay in hospital: until when, once somebody has been discharged."""
    into, out = day_of(admission.admitted_at, case.zone), admission.discharged_at
    if out is None:
        return proof(_ADMITTED, admission, day=into)
    return proof(_STAYED, admission, day=into, until=day_of(out, case.zone))


def _travels(case: Case, terms: Presence, day: date) -> Iterator[tuple[bool, Evidence]]:
    """Whether the night was near, and by which fact; a night away comes before lodging."""
    limit = terms.within_minutes
    away = [night for night in case.facts.nights_away if night.day == day]
    for night in away:
        if night.minutes is None:
            yield False, proof(_AWAY, night, day=day)
        else:
            words = proof(_AWAY_MINUTES, night, day=day, minutes=night.minutes, limit=limit)
            yield night.minutes <= limit, words
    for lodging in case.facts.lodgings if not away else ():
        if lodging.holds(day):
            yield (
                lodging.minutes <= limit,
                proof(_LODGED, lodging, minutes=lodging.minutes, day=lodging.from_day, limit=limit),
            )


def _accompanied(case: Case, day: date, lodged: Evidence) -> _Night:
    companion = next((one for one in case.facts.companions if one.holds(day)), None)
    if companion is None:
        return _Night(day, None, missing=(Words.of(_("a companion confirmed for %(day)s"), {"day": day}),))
    return _Night(day, near=True, evidence=(lodged, _by(companion, companion.from_day)))


def _by(fact: Fact, day: date) -> Evidence:
    return proof(_COMPANION, fact, day=day)


def _admitted(case: Case, admission: Admission, night: date) -> bool:
    """Whether the night is spent in hospital: admitted that day or before, not discharged that day.

    A discharge that the ward plans counts until its day has passed without one.
    """
    if day_of(admission.admitted_at, case.zone) > night:
        return False
    if admission.discharged_at is not None:
        return day_of(admission.discharged_at, case.zone) > night
    planned = admission.planned_discharge
    return planned is None or planned < case.today or planned > night


def _feeds(_window: ProtocolWindow, terms: Presence) -> Feeds:
    yield from ((kind, "") for kind in (FactKind.LODGING, FactKind.NIGHT_AWAY, FactKind.ADMISSION))
    if terms.companion:
        yield FactKind.COMPANION, ""


JUDGE = WindowJudge(Presence, judge_presence, _feeds)
