"""Stay: admitted throughout.

Admitted at any hour of the first day, or before. Where the protocol lets a participant leave
on the last day, a discharge at any hour of it keeps the stay; any hour before violates it. A stay
counted in hours is kept by a discharge at its very end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from participants.domain.fact_kinds import Admission, FactKind
from participants.domain.moments import day_of, first_after, first_instant
from schedules.domain.windows.judges.case import (
    NO_GAP,
    Case,
    Feeds,
    Gap,
    WindowJudge,
    at_risk,
    awaited,
    by_time,
    gap,
    proof,
    violated,
)
from schedules.domain.windows.verdicts import Evidence, Verdict, VerdictStatus
from trials.domain.protocols.protocol import ProtocolWindow, Stay
from trials.domain.words import Words
from trials.domain.words import mark as _

_ADMITTED = _("Admitted %(into)s.")
_LATE = _("Admitted only %(into)s.")
_DISCHARGED = _("Discharged %(out)s.")
_EARLY = _("Discharged %(out)s, before the stay was over.")
_PLANNED = _("The ward plans the discharge for %(day)s, before the stay is over.")


@dataclass(frozen=True, slots=True)
class _Asked:
    """The instants (UTC) between which somebody must be admitted: by the one, until the other."""

    from_: datetime
    by: datetime
    until: datetime | None


def judge_stay(case: Case, terms: Stay) -> Verdict:
    """Violated by a discharge too early or an admission too late; not to be judged without an admission."""
    asked = _asked(case, terms)
    sure = _asked(case.other, terms) if case.other else asked
    runs = _joined(case.facts.admissions)
    run = next((one for one in reversed(runs) if _begins(one, asked)), None)
    if run:
        return _judge_run(case, asked, run, sure)
    late = next((one for one in runs if one.admitted_at >= asked.by), None)
    if late and asked.by <= case.now:
        if late.admitted_at < sure.by:
            return _judge_in_time(case, late, sure)
        return violated(
            case, case.starts or late.admitted_at, proof(_LATE, late, into=case.local(late.admitted_at))
        )
    missing = Words.of(_("an admission on or before %(day)s"), {"day": case.local(case.starts or case.today)})
    return awaited(case, Gap((missing,), asked.from_, answers_from=asked.from_))


def _judge_in_time(case: Case, run: Admission, sure: _Asked) -> Verdict:
    """Somebody who was admitted in time, or too late, by an hour that is not known."""
    into, out = proof(_ADMITTED, run, into=case.local(run.admitted_at)), run.discharged_at
    if out is not None and out <= case.now and sure.until is not None and out < sure.until:
        return violated(case, out, into, proof(_EARLY, run, out=case.local(out)))
    return _without_hour(case, into)


def _without_hour(case: Case, *evidence: Evidence) -> Verdict:
    """What an hour that is not known would tell."""
    hour = (case.window.other.hour,) if case.window.other else ()
    return awaited(case, gap(case.over_at, *hour), *evidence)


def _judge_run(case: Case, asked: _Asked, run: Admission, sure: _Asked) -> Verdict:
    into = proof(_ADMITTED, run, into=case.local(run.admitted_at))
    out = run.discharged_at
    if out is None:
        return _inside(case, asked, run)
    if asked.until is not None and out < asked.until:
        early = proof(_EARLY, run, out=case.local(out))
        if out > case.now:
            return at_risk(case, out, out, into, early)
        if sure.until is None or out >= sure.until:
            return _without_hour(case, into, proof(_DISCHARGED, run, out=case.local(out)))
        return violated(case, out, into, early)
    left = (into, proof(_DISCHARGED, run, out=case.local(out)))
    if case.opened and out <= case.now:
        return Verdict(VerdictStatus.KEPT, case.local(out), evidence=left)
    return by_time(case, left)


def _inside(case: Case, asked: _Asked, run: Admission) -> Verdict:
    """Somebody who is admitted still; at risk where the ward plans a discharge before the end."""
    into = proof(_ADMITTED, run, into=case.local(run.admitted_at))
    planned = run.planned_discharge
    if planned and planned >= case.today and not case.over and _too_early(case, asked, run):
        return at_risk(
            case,
            case.starts,
            first_instant(planned, case.zone),
            into,
            proof(_PLANNED, run, day=planned),
        )
    return by_time(case, (into,), NO_GAP)


def _too_early(case: Case, asked: _Asked, run: Admission) -> bool:
    planned = run.planned_discharge
    return bool(planned and asked.until and first_after(planned, case.zone) <= asked.until)


def _asked(case: Case, terms: Stay) -> _Asked:
    starts = case.starts if case.starts is not None else case.today
    by = starts if isinstance(starts, datetime) else first_after(starts, case.zone)
    until = case.over_at
    if case.ends is not None and terms.leave_on_last_day:
        until = first_instant(day_of(case.ends, case.zone), case.zone)
    elif until is not None and isinstance(case.ends, datetime):
        until = first_instant(case.ends, case.zone)  # 48 hours are over at their last instant
    return _Asked(first_instant(starts, case.zone), by, until)


def _begins(run: Admission, asked: _Asked) -> bool:
    """Whether somebody was in hospital at some instant of the first day (or at the first instant)."""
    # Of a stay in hours the two are one instant, and who is admitted at it is in time.
    in_time = run.admitted_at < asked.by or run.admitted_at == asked.from_
    return in_time and (run.discharged_at is None or run.discharged_at >= asked.from_)


def _joined(admissions: tuple[Admission, ...]) -> list[Admission]:
    """Admissions in order, in UTC; one that begins at the instant where another ends goes on with it."""
    runs: list[Admission] = []
    for admission in sorted((_in_utc(one) for one in admissions), key=lambda one: one.admitted_at):
        if runs and runs[-1].discharged_at == admission.admitted_at:
            runs[-1] = replace(admission, admitted_at=runs[-1].admitted_at)
        else:
            runs.append(admission)
    return runs


def _in_utc(admission: Admission) -> Admission:
    out = admission.discharged_at
    return replace(
        admission,
        admitted_at=admission.admitted_at.astimezone(UTC),
        discharged_at=out.astimezone(UTC) if out else None,
    )


def _feeds(_window: ProtocolWindow, _terms: Stay) -> Feeds:
    yield FactKind.ADMISSION, ""


JUDGE = WindowJudge(Stay, judge_stay, _feeds)
