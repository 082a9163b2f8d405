"""The consent that an enrolment rests on: a form on record, or the reason why there is none yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from django.utils.translation import gettext as _

from participants.domain.anchors import RecordedAnchor
from participants.domain.consents import refusals_of_consent
from participants.models import Participant
from participants.selectors.consents import edition
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.services.enrolment.values import Enrolment
from trials.domain.protocols.protocol import Role
from trials.domain.refusals import Refusal
from trials.selectors.records import protocol_of

LONGEST = Participant._meta.get_field("no_consent_reason").max_length or 0  # noqa: SLF001 - documented
_FIELDS = {"form": "consent_form"}


def dated_by_consent(enrolment: Enrolment) -> Enrolment:
    """The enrolment with the day of its consent form as the actual day of the anchor that is the consent.

    As it came where it brings no form, where the protocol knows no such anchor, and where that has an
    actual day already: `refusals_without_consent` says whether the two agree.
    """
    given = enrolment.consent
    code = _anchor(enrolment) if given else ""
    if given is None or not code:
        return enrolment
    stands = enrolment.anchors.get(code)
    if _actual_day(stands):
        return enrolment
    dated = RecordedAnchor(code, actual_on=given.signed_on)
    if isinstance(stands, RecordedAnchor):
        dated = replace(stands, actual_on=given.signed_on)
    elif stands is not None:
        dated = replace(dated, planned_on=stands.day)
    return replace(enrolment, anchors={**enrolment.anchors, code: dated})


def refusals_without_consent(enrolment: Enrolment) -> Iterator[Refusal]:
    """Why somebody is not enrolled with this consent: none and no reason, or one that cannot have been.

    ICH E6(R3) 2.8: consent comes before anything of the trial is done with a participant.
    """
    given = enrolment.consent
    if given is None:
        yield from _refusals_of_reason(enrolment.no_consent_reason.strip())
        return
    if given.form.trial_id != enrolment.trial.pk:
        yield Refusal.said("consent_form", _("This form is of another trial."))
        return
    code = _anchor(enrolment)
    day = _actual_day(enrolment.anchors.get(code)) if code else None
    today = enrolment.today or date.max
    for refusal in refusals_of_consent(edition(given.form), given.signed_on, (), day, today):
        yield replace(refusal, field=_FIELDS.get(refusal.field, refusal.field))


def _refusals_of_reason(reason: str) -> Iterator[Refusal]:
    if not reason:
        words = _("No consent form is on record: give the form and the day it was signed, or say why not.")
        yield Refusal.said("no_consent_reason", words)
    elif len(reason) > LONGEST:
        words = _("The reason has %(count)d characters; at most %(limit)d are kept.")
        yield Refusal.said("no_consent_reason", words % {"count": len(reason), "limit": LONGEST})


def _anchor(enrolment: Enrolment) -> str:
    """The code of the anchor that is the consent; empty where the protocol has none."""
    protocol = protocol_of(enrolment.version)
    code = protocol.code_of(Role.CONSENT)
    return code if code in protocol.anchor_by_code else ""


def _actual_day(anchor: RecordedAnchor | AnchorDay | None) -> date | None:
    if isinstance(anchor, AnchorDay):
        return anchor.day if anchor.kind is AnchorKind.ACTUAL else None
    return anchor.actual_on if anchor else None
