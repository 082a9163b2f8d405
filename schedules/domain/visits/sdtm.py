"""Visits in the shape of CDISC's SDTM: SV, one record for each visit of a participant, and TV, the plan.

By SDTMIG 3.4. A visit that the protocol asks for is pre-specified (SVPRESP Y) and occurred or did not
(SVOCCUR, SVREASOC); one that was added at the site is neither, and is described (SVUPDES). Study days are
counted without a day 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from schedules.domain.visits.schedule_of_activities import ScheduledVisit, resolved_schedule
from schedules.domain.visits.visit import VisitState
from trials.domain.protocols.protocol import Place, Protocol, study_day
from trials.domain.words import Say, plain

SV_VARIABLES: Mapping[str, str] = {
    "STUDYID": "Study Identifier",
    "DOMAIN": "Domain Abbreviation",
    "USUBJID": "Unique Subject Identifier",
    "VISITNUM": "Visit Number",
    "VISIT": "Visit Name",
    "SVPRESP": "Pre-specified",
    "SVOCCUR": "Occurrence",
    "SVREASOC": "Reason for Occur Value",
    "SVCNTMOD": "Contact Mode",
    "VISITDY": "Planned Study Day of Visit",
    "SVSTDTC": "Start Date/Time of Observation",
    "SVENDTC": "End Date/Time of Observation",
    "SVSTDY": "Study Day of Start of Observation",
    "SVENDY": "Study Day of End of Observation",
    "SVUPDES": "Description of Unplanned Visit",
}
"""The variables of SV in their order, with their labels."""

TV_VARIABLES: Mapping[str, str] = {
    "STUDYID": "Study Identifier",
    "DOMAIN": "Domain Abbreviation",
    "VISITNUM": "Visit Number",
    "VISIT": "Visit Name",
    "VISITDY": "Planned Study Day of Visit",
    "ARMCD": "Planned Arm Code",
    "ARM": "Description of Planned Arm",
    "TVSTRL": "Visit Start Rule",
    "TVENRL": "Visit End Rule",
}
"""The variables of TV in their order, with their labels."""

IN_PERSON, BY_PHONE = "IN PERSON", "TELEPHONE CALL"
UNPLANNED_STEP = 1000
"""Of the unscheduled visits after a planned one, the n-th has its number and n thousandths."""

Value = str | int | float | None
Record = dict[str, Value]


@dataclass(frozen=True, slots=True)
class Tabulation:
    """What SV says of a visit beside its state: whose it is, its number, and from which day it is counted.

    `number` is None for a visit that no published version numbers; `reference` None while the day that
    study days count from has not come; `done` the instant or the day at the site, None where it was not done.
    """

    study: str
    subject: str
    number: float | None
    name: str
    done: date | datetime | None
    reason: str = ""
    reference: date | None = None


def sv_record(state: VisitState, visit: Tabulation) -> Record:
    """Give the record of SV for a visit that was done, or that will not be."""
    written, day = _moment(visit.done)
    counted = None if day is None else _counted(day, visit.reference)
    planned = not state.unscheduled
    contact = BY_PHONE if state.place == Place.PHONE else IN_PERSON
    return {
        "STUDYID": visit.study,
        "DOMAIN": "SV",
        "USUBJID": f"{visit.study}-{visit.subject}",
        "VISITNUM": _plain_number(visit.number),
        "VISIT": visit.name,
        "SVPRESP": "Y" if planned else None,
        "SVOCCUR": ("Y" if day else "N") if planned else None,
        "SVREASOC": visit.reason or None,
        "SVCNTMOD": contact if day else None,
        "VISITDY": _counted(state.target, visit.reference) if planned else None,
        "SVSTDTC": written,
        "SVENDTC": written,
        "SVSTDY": counted,
        "SVENDY": counted,
        "SVUPDES": None if planned else visit.name,
    }


def _moment(done: date | datetime | None) -> tuple[str | None, date | None]:
    """When a visit was done as ISO 8601 has it, to the minute where the hour is known, and its day."""
    if isinstance(done, datetime):
        return done.isoformat(timespec="minutes"), done.date()
    return (done.isoformat() if done else None), done


def tv_records(
    study: str, protocol: Protocol, numbers: Mapping[str, float], say: Say = plain
) -> list[Record]:
    """Give the records of TV for a protocol version; study days are those of its own day zero."""
    return [
        {
            "STUDYID": study,
            "DOMAIN": "TV",
            "VISITNUM": _plain_number(numbers.get(visit.slot.code)),
            "VISIT": say(visit.label),
            "VISITDY": visit.study_day,
            "ARMCD": None,
            "ARM": None,
            "TVSTRL": _rule(visit, visit.days and visit.days[0]),
            "TVENRL": _rule(visit, visit.days and visit.days[2]),
        }
        for visit in resolved_schedule(protocol)
    ]


def visit_numbers(protocols: Iterable[Protocol]) -> dict[str, float]:
    """Number the visits of a trial by the order of its schedule: `protocols` are its versions, oldest first.

    A number once given stays: a visit that a later version adds stands between those around it, with a
    fraction. Codes are those of visits, such as `ld-2`.
    """
    numbers: dict[str, float] = {}
    for protocol in protocols:
        codes = [visit.slot.code for visit in resolved_schedule(protocol)]
        if not numbers:
            numbers = {code: float(place) for place, code in enumerate(codes, start=1)}
            continue
        _insert(numbers, codes)
    return numbers


def _insert(numbers: dict[str, float], codes: Sequence[str]) -> None:
    """Number the new codes of a list, each run of them between its neighbours."""
    before = 0.0
    run: list[str] = []
    for code in codes:
        if code not in numbers:
            run.append(code)
            continue
        _between(numbers, run, before, numbers[code])
        before, run = numbers[code], []
    _between(numbers, run, max(numbers.values(), default=0.0), None)


def _between(numbers: dict[str, float], run: Sequence[str], before: float, after: float | None) -> None:
    taken = set(numbers.values())
    for place, code in enumerate(run, start=1):
        if after is None:
            number = float(int(before) + place)
        else:
            number = round(before + (after - before) * place / (len(run) + 1), 3)
        while number in taken:
            number = round(number + 0.001, 3)
        numbers[code] = number
        taken.add(number)


def _counted(day: date, reference: date | None) -> int | None:
    return None if reference is None else study_day(day, reference)


def _plain_number(number: float | None) -> float | int | None:
    return int(number) if number is not None and number == int(number) else number


def _rule(visit: ScheduledVisit, days: int | None) -> str:
    """A rule of TV in words: the offset from its anchor, and the end of the window in days from day zero."""
    said = f"{visit.slot.offset.iso} from {visit.slot.rule.counts_from.code}"
    return said if days is None else f"{said}; {days} days from day zero"
