"""Consents given and corrected: on record, and the day that the calendar counts from with them."""

from __future__ import annotations

from datetime import date, datetime

from participants.domain.anchors import RecordedAnchor
from participants.domain.errors import ConsentRefused
from participants.models import Anchor, Consent, Participant
from participants.selectors.consents import given_consents
from participants.services.consent import Correction, rewrite_consent, withdraw_consent, write_consent
from schedules.domain.errors import ReplanningRefused
from schedules.models import Visit
from schedules.selectors.store.course import clock_at
from schedules.services.replanning.moves import record_anchor
from schedules.services.replanning.refusals import DepartureNeedsReason
from schedules.services.store.deviation_drafts import draft_of_visits
from schedules.services.store.unlikely_days import questions_about
from trials.audit.acts import recorded
from trials.domain.protocols.protocol import Role
from trials.models import ConsentForm, User
from trials.selectors.records import protocol_of
from trials.services.sites.plausible_days import ask_once


@recorded
def record_consent(
    *,
    participant: Participant,
    form: ConsentForm,
    signed_on: date,
    now: datetime,
    by: User | None,
    reason: str = "",
    sure: bool = False,
) -> Consent:
    """A consent on record; the first one gives its day to the anchor `consent`, and the plan follows.

    Raises ConsentRefused for a day in the future or before the form was used, a form that was
    consented to, a first consent of another day than the anchor on record, for one that came
    after what it comes before, such as the screening, while nobody says why, and for an unlikely day
    that nobody has said is meant (`sure`), or that is meant and has no reason.
    """
    today = clock_at(participant.site, now).today
    consent = write_consent(participant=participant, form=form, signed_on=signed_on, today=today, by=by)
    _refuse_unlikely(participant, signed_on, sure=sure, reason=reason)
    if _actual_day(participant, _consent(participant)) is None:
        _follow(participant, signed_on, now=now, by=by, reason=reason)
    _judge_visits(participant, now)
    return consent


@recorded
def correct_consent(
    *,
    consent: Consent,
    correction: Correction,
    now: datetime,
    by: User | None,
    reason: str,
    sure: bool = False,
) -> Consent:
    """A wrongly recorded consent as it should have been; where the first one's day changes, the plan follows.

    The anchor `consent` takes the day of the first consent, what counts from it is planned and judged
    again, and a signed schedule that holds the day is void by that. Raises ConsentRefused for what no
    consent can be, for an infusion that would come before it, for anchors that would contradict it and for
    an unlikely day as `record_consent`; Stale where the consent changed since it was shown.
    """
    person = consent.participant
    moves, before = correction.signed_on != consent.signed_on, _first(person)
    corrected = rewrite_consent(
        consent=consent,
        correction=correction,
        infused_on=_actual_day(person, protocol_of(person.protocol_version).day_zero),
        today=clock_at(person.site, now).today,
        by=by,
        reason=reason,
    )
    if moves:
        _refuse_unlikely(person, correction.signed_on, sure=sure, reason=reason)
    first = _first(person)
    if first and first != before and first != _actual_day(person, _consent(person)):
        _follow(person, first, now=now, by=by, reason=reason)
    _judge_visits(person, now)
    return corrected


@recorded
def record_withdrawal(
    *,
    participant: Participant,
    withdrawn_on: date,
    now: datetime,
    by: User | None,
    reason: str,
    sure: bool = False,
) -> int:
    """Put on record that consent was withdrawn; gives how many consents that were. Raises ConsentRefused.

    What follows for the course is a step of it. An unlikely day is asked about as `record_consent` does.
    """
    today = clock_at(participant.site, now).today
    count = withdraw_consent(
        participant=participant, withdrawn_on=withdrawn_on, today=today, by=by, reason=reason
    )
    ask_once(questions_about(participant, [withdrawn_on]), ConsentRefused, sure=sure)
    return count


def _judge_visits(person: Participant, now: datetime) -> None:
    """Draft what was done before the first consent, or let it lapse, now that its day is another one."""
    done = Visit.objects.of(person).done()
    draft_of_visits(list(done.values_list("pk", flat=True)), now)


def _consent(person: Participant) -> str:
    """The anchor that is the consent."""
    return protocol_of(person.protocol_version).code_of(Role.CONSENT)


def _follow(person: Participant, day: date, *, now: datetime, by: User | None, reason: str) -> None:
    """Let the calendar count from this day of consent, if the protocol knows such an anchor."""
    code = _consent(person)
    if code not in protocol_of(person.protocol_version).anchor_by_code:
        return
    try:
        anchor = RecordedAnchor(code, actual_on=day)
        record_anchor(participant=person, anchor=anchor, now=now, by=by, reason=reason, sure=True)
    except DepartureNeedsReason as refused:
        raise ConsentRefused({"reason": [str(refused)]}) from refused
    except ReplanningRefused as refused:
        raise ConsentRefused({"signed_on": [str(refused)]}) from refused


def _refuse_unlikely(person: Participant, day: date, *, sure: bool, reason: str) -> None:
    """Ask about the day of a consent before the trial began at the site, or long after the last window."""
    ask_once(questions_about(person, [day]), ConsentRefused, sure=sure, reason=reason)


def _first(person: Participant) -> date | None:
    return min((one.signed_on for one in given_consents(person)), default=None)


def _actual_day(person: Participant, code: str) -> date | None:
    return Anchor.objects.filter(participant=person, code=code).values_list("actual_on", flat=True).first()
