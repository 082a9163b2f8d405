"""Consents on record: given to an edition of the form, and withdrawn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from participants.domain.consents import (
    GivenConsent,
    refusals_of_consent,
    refusals_of_correction,
    refusals_of_withdrawal,
)
from participants.domain.errors import ConsentRefused
from participants.models import Anchor, Consent, Participant
from participants.selectors.consents import edition, given_consents
from trials.audit.acts import recorded
from trials.domain.errors import Stale
from trials.domain.protocols.protocol import Role
from trials.domain.protocols.treatment_names import day_zero_name
from trials.models import ConsentForm, User
from trials.selectors.records import protocol_of
from trials.services.sites.plausible_days import impossible_days
from trials.spoken import refuse, say


@dataclass(frozen=True, slots=True)
class Correction:
    """What a consent on record should have said; `version` is the one that was shown."""

    version: int
    form: ConsentForm
    signed_on: date
    withdrawn_on: date | None = None


@recorded
def write_consent(
    *, participant: Participant, form: ConsentForm, signed_on: date, today: date, by: User | None
) -> Consent:
    """A consent on record; the anchor is for the caller to set. Raises ConsentRefused."""
    person = Participant.objects.select_for_update(no_key=True).get(pk=participant.pk)
    if form.trial_id != person.trial_id:
        raise ConsentRefused({"form": [_("This form is of another trial.")]})
    if impossible := impossible_days({"signed_on": signed_on}, person.trial.planned_end or today):
        raise ConsentRefused(impossible)
    consent = protocol_of(person.protocol_version).code_of(Role.CONSENT)
    anchor = Anchor.objects.filter(participant=person, code=consent, actual_on__isnull=False).first()
    day = anchor.actual_on if anchor else None
    refuse(refusals_of_consent(edition(form), signed_on, given_consents(person), day, today), ConsentRefused)
    try:
        with transaction.atomic():
            return Consent.objects.create(participant=person, form=form, signed_on=signed_on)
    except IntegrityError as error:
        if not Consent.objects.filter(participant=person, form=form).exists():
            raise
        raise ConsentRefused({"form": [_("Consent to this form is on record already.")]}) from error


@recorded
def rewrite_consent(
    *,
    consent: Consent,
    correction: Correction,
    infused_on: date | None,
    today: date,
    by: User | None,
    reason: str,
) -> Consent:
    """A wrongly recorded consent as it should have been; the trail keeps what stood there, and why.

    `infused_on` is the day of the infusion, if there was one; what the calendar counts from is for the
    caller to move. Raises ConsentRefused, and Stale where the consent changed since it was shown.
    """
    Participant.objects.select_for_update(no_key=True).get(pk=consent.participant_id)
    stands = (
        Consent.objects.select_for_update(of=("self",), no_key=True)
        .select_related("participant")
        .get(pk=consent.pk)
    )
    if stands.version != correction.version:
        raise Stale("participants.consent", stands.pk, correction.version, stands.version)
    form, right = correction.form, (correction.form.pk, correction.signed_on, correction.withdrawn_on)
    if form.trial_id != stands.participant.trial_id:
        raise ConsentRefused({"form": [_("This form is of another trial.")]})
    if right == (stands.form_id, stands.signed_on, stands.withdrawn_on):
        raise ConsentRefused(
            {"": [_("This is what is on record: give the form or the day as it should be.")]}
        )
    if not reason.strip():
        raise ConsentRefused(
            {"reason": [_("Enter why you correct it. The reason is kept in the audit trail.")]}
        )
    asked = {"signed_on": correction.signed_on, "withdrawn_on": correction.withdrawn_on}
    if impossible := impossible_days(asked, stands.participant.trial.planned_end or today):
        raise ConsentRefused(impossible)
    others = given_consents(stands.participant, without=stands.pk)
    zero = say(day_zero_name(protocol_of(stands.participant.protocol_version)))
    found = refusals_of_correction(edition(form), GivenConsent(*right), others, infused_on, today, zero)
    refuse(found, ConsentRefused)
    stands.form, stands.signed_on, stands.withdrawn_on = form, correction.signed_on, correction.withdrawn_on
    stands.version += 1
    stands.save(update_fields=["form", "signed_on", "withdrawn_on", "version"])
    return stands


@recorded
def withdraw_consent(
    *, participant: Participant, withdrawn_on: date, today: date, by: User | None, reason: str
) -> int:
    """Every consent that stands withdrawn from a day on; gives how many. Raises ConsentRefused.

    What follows for the course and the visits is a step of its own, which the participant decides.
    """
    person = Participant.objects.select_for_update(no_key=True).get(pk=participant.pk)
    if not reason.strip():
        raise ConsentRefused({"reason": [_("Enter how it was withdrawn. It is kept in the audit trail.")]})
    if impossible := impossible_days({"withdrawn_on": withdrawn_on}, person.trial.planned_end or today):
        raise ConsentRefused(impossible)
    refuse(refusals_of_withdrawal(given_consents(person), withdrawn_on, today), ConsentRefused)
    standing = Consent.objects.filter(participant=person, withdrawn_on=None)
    return standing.update(withdrawn_on=withdrawn_on, version=F("version") + 1)
