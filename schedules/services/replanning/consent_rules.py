"""What consent asks of a re-planning: no infusion before it, one day of consent, consent again first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.utils.translation import gettext as _

from participants.domain.consents import ConsentState, GivenConsent, asks_first, standing_of
from participants.selectors.consents import editions_of, given_consents
from schedules.domain.errors import ReplanningRefused
from schedules.domain.visits.order import before_consent
from schedules.services.replanning.previews import Preview
from trials.domain.protocols.protocol import Role
from trials.domain.protocols.treatment_names import day_zero_name
from trials.spoken import say, sentence


def refuse_by_consent(preview: Preview) -> None:
    """Raise ReplanningRefused for what the consents on record forbid.

    An infusion on record before the first consent, without one or after its withdrawal; a day of
    consent other than that of the first consent; another protocol version while a form asks for
    consent again (ICH E6(R3) 2.8). Asks the database only where the proposal touches any of it.
    """
    _refuse_version(preview)
    if _moves(preview, preview.plan.protocol.day_zero) or _moves(preview, _consent(preview)):
        given = given_consents(preview.record.participant)
        first = min((one.signed_on for one in given), default=None)
        _refuse_consent(preview, first)
        _refuse_infusion(preview, given, first)


def _consent(preview: Preview) -> str:
    """The anchor that is the consent."""
    return preview.plan.protocol.code_of(Role.CONSENT)


def _refuse_consent(preview: Preview, first: date | None) -> None:
    """The day of consent on the calendar is that of the first consent on record."""
    consented = _actual(preview, _consent(preview))
    if first and consented and consented != first and _moves(preview, _consent(preview)):
        message = _(
            "The first consent on record is of %(first)s, not of %(day)s: correct the consent, "
            "and the calendar follows."
        )
        raise ReplanningRefused(sentence(message, {"first": first, "day": consented}))


def _refuse_infusion(preview: Preview, given: Sequence[GivenConsent], first: date | None) -> None:
    """No infusion before the first consent, without one, or once none stands any more."""
    protocol = preview.plan.protocol
    zero = say(day_zero_name(protocol))
    infused, consented = (
        _actual(preview, protocol.day_zero),
        first or _actual(preview, _consent(preview)),
    )
    if infused is None or (consented is None and _stands(preview)):
        return
    if consented is None:
        message = _("No %(zero)s before consent: put the day of consent on record first.")
        raise ReplanningRefused(message % {"zero": zero})
    if infused < consented:
        refusal = before_consent(protocol, infused, consented)
        raise ReplanningRefused(refusal.text(say))
    if withdrawn := _withdrawn_by(given, infused):
        message = _("Consent was withdrawn on %(withdrawn)s: no %(zero)s on %(day)s.")
        raise ReplanningRefused(sentence(message, {"withdrawn": withdrawn, "zero": zero, "day": infused}))


def _withdrawn_by(given: Sequence[GivenConsent], on: date) -> date | None:
    """The last withdrawal by a day on which no consent stood, whatever was signed since; None otherwise."""
    withdrawn = [one.withdrawn_on for one in given if one.withdrawn_on and one.withdrawn_on <= on]
    signed = sum(one.signed_on <= on for one in given)
    return max(withdrawn, default=None) if len(withdrawn) == signed else None


def _refuse_version(preview: Preview) -> None:
    """Another version holds for anyone who consented to the form that came with it."""
    person, version = preview.record.participant, preview.proposal.version
    if version is None or version == person.protocol_version:
        return
    editions = editions_of(person)
    standing = standing_of(given_consents(person), editions, preview.today)
    if standing.state is ConsentState.WITHDRAWN:
        raise ReplanningRefused(_("Consent is withdrawn."))
    asking = asks_first(standing, editions, preview.today)
    if asking:
        message = _("Form %(form)s asks for consent again: record that consent before the version changes.")
        raise ReplanningRefused(message % {"form": asking.version})


def _stands(preview: Preview) -> bool:
    """Whether the infusion is on record already: its day may be corrected before consent was recorded."""
    anchor = preview.record.anchors.get(preview.plan.protocol.day_zero)
    return bool(anchor and anchor.actual_on)


def _actual(preview: Preview, code: str) -> date | None:
    anchor = preview.proposal.anchors.get(code) or preview.record.anchors.get(code)
    return anchor.actual_on if anchor else None


def _moves(preview: Preview, code: str) -> bool:
    """Whether the proposal gives an anchor another actual day than stands."""
    asked, stands = preview.proposal.anchors.get(code), preview.record.anchors.get(code)
    return bool(asked and asked.actual_on and asked.actual_on != (stands.actual_on if stands else None))
