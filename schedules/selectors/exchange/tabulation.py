"""A trial's visits as SDTM's SV, read page by page, and the plan as TV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from participants.domain.lifecycle import STEP_LABELS, Step
from participants.domain.moments import on_record
from participants.models import Anchor
from schedules.domain.visits.edc_words import EdcStatus
from schedules.domain.visits.sdtm import (
    UNPLANNED_STEP,
    Record,
    Tabulation,
    sv_record,
    tv_records,
    visit_numbers,
)
from schedules.models import Visit
from schedules.selectors.exchange.people import WantedPeople
from schedules.selectors.exchange.visit_rows import ListedVisit, WantedVisits, listed_visits
from trials.domain.audit.own_reasons import reason_text
from trials.domain.words import Say, plain
from trials.keyset import Place
from trials.models import ProtocolVersion, Trial, User
from trials.selectors.records import protocol_of, published_versions

ENDED = (EdcStatus.COMPLETED, EdcStatus.SKIPPED, EdcStatus.STOPPED)
"""What SV tells of: visits that took place and visits that will not."""


@dataclass(frozen=True, slots=True)
class Records:
    """A page of records, and the id that the next one starts after."""

    records: Sequence[Record]
    after: Place | None


@dataclass(frozen=True, slots=True)
class Tabulated:
    """What the records of a trial are made with: its numbers of visits, and the reference anchor."""

    trial: Trial
    numbers: Mapping[str, float]
    reference: str


def tabulated(trial: Trial, reference: str | None) -> Tabulated | None:
    """Read what a trial's records are made with; None where no version is published.

    `reference` is the anchor whose actual day is study day 1; without one the day zero of the newest version.
    Raises KeyError for an anchor that no published version has.
    """
    versions = [protocol_of(one) for one in published_versions(trial).defer("document")]
    if not versions:
        return None
    known = {anchor.code for protocol in versions for anchor in protocol.anchors}
    if reference is not None and reference not in known:
        raise KeyError(", ".join(sorted(known)))
    return Tabulated(trial, visit_numbers(reversed(versions)), reference or versions[0].day_zero)


def sv_page(
    user: User, of: Tabulated, page: tuple[int | None, int], now: datetime, say: Say = plain
) -> Records:
    """Read a page of the records of SV by the ids of visits; a constant number of queries.

    A page may hold fewer records than it looked at: what was never asked of a participant has none.
    """
    wanted = WantedVisits(people=WantedPeople(trials=[of.trial.code]), edc_status=ENDED)
    found = listed_visits(user, wanted, page, now)
    visits = [one for one in found.visits if one.state.applies and one.state.attempt]
    people = {one.state.participant_id for one in visits}
    days = _reference_days(people, of.reference)
    planned = _planned({one.state.participant_id for one in visits if one.state.unscheduled}, of.numbers)
    records = [sv_record(one.state, _facts(one, of, days, planned, say)) for one in visits]
    return Records(records, found.after)


def tv_of(of: Tabulated, version: ProtocolVersion, say: Say = plain) -> list[Record]:
    """The records of TV for one version of the trial."""
    return tv_records(of.trial.code, protocol_of(version), of.numbers, say)


def _facts(
    one: ListedVisit,
    of: Tabulated,
    days: Mapping[int, date],
    planned: Mapping[int, Sequence[tuple[date, float]]],
    say: Say,
) -> Tabulation:
    state, zone = one.state, one.at.zone
    number = of.numbers.get(state.code)
    if state.unscheduled:
        before = [at for day, at in planned.get(state.participant_id, ()) if day <= state.target]
        number = round(max(before, default=0.0) + state.occurrence / UNPLANNED_STEP, 3)
    done = on_record(state.performed_at, state.performed_zone, zone) or state.performed_on
    return Tabulation(
        study=of.trial.code,
        subject=one.beside.subject_code,
        number=number,
        name=say(state.label),
        done=done,
        reason=_reason(one, say),
        reference=days.get(state.participant_id),
    )


def _reason(one: ListedVisit, say: Say) -> str:
    """Why a visit did not take place, as entered; nothing for one that did."""
    state, beside = one.state, one.beside
    if state.performed_on is not None:
        return ""
    if state.cancelled_on is None:
        return beside.missed_reason
    step = say(STEP_LABELS[Step(beside.ended_by)]) if beside.ended_by else ""
    why = reason_text(beside.cancelled_reason, say)
    return "; ".join(dict.fromkeys(part for part in (step, why) if part))


def _reference_days(people: set[int], code: str) -> dict[int, date]:
    anchors = Anchor.objects.filter(participant__in=people, code=code, actual_on__isnull=False)
    return {pk: day for pk, day in anchors.values_list("participant_id", "actual_on") if day}


def _planned(people: set[int], numbers: Mapping[str, float]) -> dict[int, list[tuple[date, float]]]:
    """The targets and numbers of the planned visits of these participants."""
    found: dict[int, list[tuple[date, float]]] = {}
    rows = Visit.objects.filter(participant__in=people, unscheduled=False, applies=True)
    for pk, target, code in rows.values_list("participant_id", "target", "code"):
        if code in numbers:
            found.setdefault(pk, []).append((target, numbers[code]))
    return found
