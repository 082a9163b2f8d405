"""Days that are possible and not likely: asked about once, and taken with a reason."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date

from django.utils.translation import gettext as _

from participants.domain.anchors import RecordedAnchor
from participants.models import Participant
from schedules.domain.errors import UnlikelyDay
from schedules.selectors.store.course import frame_around, frame_of
from schedules.selectors.store.records import Record
from trials.domain.protocols.protocol import Role
from trials.domain.refusals import REASON_MISSING
from trials.domain.sites.plausible_days import LAST_DAY, Frame
from trials.domain.words import run_on
from trials.selectors.records import protocol_of
from trials.services.sites.plausible_days import questions_of


def questions_about(
    participant: Participant, days: Iterable[date | None], *, consented: date | None = None
) -> list[str]:
    """Return what is asked about days of a participant, in words; at most two queries, none without a day.

    `consented` is the first consent, which no day is likely to come before; without one the days are
    held against the trial's start at the site.
    """
    given = [day for day in days if day]
    return list(questions_of(frame_of(participant, consented), given)) if given else []


def unlikely_in_record(record: Record, days: Sequence[date], *, started: bool = True) -> list[str]:
    """Return what is asked about days of a participant whose record was read, in words.

    `started` says whether a day before the first consent is unlikely. One query where neither a consent nor
    an approval is on record.
    """
    last = max((visit.closes for visit in record.visits if not visit.unscheduled), default=None)
    stands = record.anchors.get(protocol_of(record.participant.protocol_version).code_of(Role.CONSENT))
    likely_from = stands.actual_on if stands else None
    frame = Frame(LAST_DAY, likely_from if started else None, last, by_consent=True)
    if started and likely_from is None and days:
        frame = frame_around(record.participant, record.signed_on, last, began=record.began_on)
    return list(questions_of(frame, days))


def refuse_unlikely(
    record: Record, after: Mapping[str, RecordedAnchor], *, sure: bool, reason: str | None = None
) -> None:
    """Raise UnlikelyDay for anchors on a day that nobody has said is meant, and then for want of a reason.

    `after` are the anchors that change; `reason` is None where it is asked for later. A consent is held
    against the trial's start at the site, every other day against the first consent.
    """
    person = record.participant
    consent = protocol_of(person.protocol_version).code_of(Role.CONSENT)
    own, others = _changed(record, after, {consent}), _changed(record, after, after.keys() - {consent})
    last = max((visit.closes for visit in record.visits if not visit.unscheduled), default=None)
    began = record.began_on
    found = list(questions_of(frame_around(person, None, last, began=began), own)) if own else []
    if others:
        consented = _consented(record, after.get(consent))
        found += questions_of(frame_around(person, consented, last, began=began), others)
    if found and not sure:
        raise UnlikelyDay(run_on(found, _))
    if found and reason is not None and not reason.strip():
        raise UnlikelyDay(_(REASON_MISSING), field="reason")


def _consented(record: Record, proposed: RecordedAnchor | None) -> date | None:
    """The first consent: as it is proposed, or the earliest on record."""
    if proposed and proposed.actual_on:
        return proposed.actual_on
    stands = record.anchors.get(protocol_of(record.participant.protocol_version).code_of(Role.CONSENT))
    days = (stands and stands.actual_on, record.signed_on)
    return min((day for day in days if day), default=None)


def _changed(record: Record, after: Mapping[str, RecordedAnchor], codes: Collection[str]) -> list[date]:
    """The planned and actual days of these anchors that are others than on record, in their order."""
    found = []
    for code in (code for code in after if code in codes):
        stood, now = record.anchors.get(code, RecordedAnchor(code)), after[code]
        for was, day in ((stood.planned_on, now.planned_on), (stood.actual_on, now.actual_on)):
            if day and day != was:
                found.append(day)
    return found
