"""Where somebody's consent stands: given, to be given again, withdrawn, or not on record yet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from trials.domain.refusals import IN_THE_FUTURE, Refusal
from trials.domain.words import mark as _

_BEFORE = _("%(day)s is before the consent on %(on)s: give that day or a later one.")


class ConsentState(StrEnum):
    """Where a consent stands on a day."""

    MISSING = "missing"
    GIVEN = "given"
    AGAIN = "again"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class FormEdition:
    """An edition of the consent form: its version, from which day it is used, whether it asks again."""

    id: int
    version: str
    effective_on: date
    consent_again: bool = False


@dataclass(frozen=True, slots=True)
class GivenConsent:
    """A consent to an edition, on a day, and the day it was withdrawn if it was."""

    form: int
    signed_on: date
    withdrawn_on: date | None = None


@dataclass(frozen=True, slots=True)
class ConsentStanding:
    """Where a consent stands: to which edition, since when, and which one asks again."""

    state: ConsentState
    form: FormEdition | None = None
    signed_on: date | None = None
    asked_by: FormEdition | None = None
    withdrawn_on: date | None = None

    @property
    def given(self) -> bool:
        """Whether a consent stands, whether it is that a newer edition asks for another."""
        return self.state in {ConsentState.GIVEN, ConsentState.AGAIN}


def standing_of(
    given: Sequence[GivenConsent], editions: Sequence[FormEdition], today: date
) -> ConsentStanding:
    """Where somebody's consent stands on a day of their site.

    Asked again is anyone who consented to an edition older than one that is effective, asks for it, and
    to which or to a later one they have not consented. A consent of the future counts not yet.
    """
    known = {edition.id: edition for edition in editions}
    signed = [consent for consent in given if consent.signed_on <= today and consent.form in known]
    if not signed:
        return ConsentStanding(ConsentState.MISSING)
    standing = [one for one in signed if not (one.withdrawn_on and one.withdrawn_on <= today)]
    if not standing:
        withdrawn = max(one.withdrawn_on for one in signed if one.withdrawn_on)
        return ConsentStanding(ConsentState.WITHDRAWN, withdrawn_on=withdrawn)
    latest = max(standing, key=lambda one: _age(known[one.form]))
    form = known[latest.form]
    newer = _asking_after(form, editions, today)
    state = ConsentState.AGAIN if newer else ConsentState.GIVEN
    return ConsentStanding(state, form, latest.signed_on, newer)


def _asking_after(form: FormEdition, editions: Sequence[FormEdition], today: date) -> FormEdition | None:
    """The newest edition in use that asks those for consent again who consented to this one."""
    asking = [one for one in editions if one.consent_again and form_in_use(one, today)]
    return max((one for one in asking if _age(one) > _age(form)), key=_age, default=None)


def form_in_use(edition: FormEdition, today: date) -> bool:
    """Whether an edition is used on a day."""
    return edition.effective_on <= today


def asks_first(standing: ConsentStanding, editions: Sequence[FormEdition], today: date) -> FormEdition | None:
    """The edition that somebody must consent to before another protocol version holds for them.

    The newest one in use that asks for consent again, where they have not given it; also where no
    consent of theirs is on record at all. ICH E6(R3) 2.8.2: consent follows the information.
    """
    if standing.state is ConsentState.AGAIN:
        return standing.asked_by
    if standing.state is not ConsentState.MISSING:
        return None
    asking = [one for one in editions if one.consent_again and form_in_use(one, today)]
    return max(asking, key=_age, default=None)


def refusals_of_consent(
    edition: FormEdition, signed_on: date, given: Sequence[GivenConsent], anchor: date | None, today: date
) -> Iterator[Refusal]:
    """Everything that forbids a consent to have been given so.

    `anchor` is the actual day of consent that the plan counts from, if there is one: the first
    consent is of that day.
    """
    yield from _refusals_of_signing(edition, signed_on, given, today)
    if not given and anchor and anchor != signed_on:
        message = _("The day of consent is on record as %(on)s: give that day, or correct the anchor first.")
        yield Refusal("signed_on", message, {"on": anchor})


def refusals_of_correction(
    edition: FormEdition,
    right: GivenConsent,
    others: Sequence[GivenConsent],
    infused: date | None,
    today: date,
    zero: str = _("infusion"),
) -> Iterator[Refusal]:
    """Everything that forbids a consent on record to be corrected to `right`, of that edition.

    `others` are the participant's other consents; `infused` the day of day zero, which no first
    consent may follow; `zero` is what the trial calls it.
    """
    yield from _refusals_of_signing(edition, right.signed_on, others, today)
    withdrawn = right.withdrawn_on
    if withdrawn and withdrawn > today:
        yield Refusal("withdrawn_on", IN_THE_FUTURE, {"day": withdrawn, "today": today})
    if withdrawn and withdrawn < right.signed_on:
        yield Refusal("withdrawn_on", _BEFORE, {"day": withdrawn, "on": right.signed_on})
    first = min(one.signed_on for one in (right, *others))
    if infused and infused < first:
        message = _("No %(zero)s before consent: %(day)s is before the consent on %(consent)s.")
        yield Refusal("signed_on", message, {"zero": zero, "day": infused, "consent": first})


def refusals_of_withdrawal(given: Sequence[GivenConsent], on: date, today: date) -> Iterator[Refusal]:
    """Everything that forbids consent to have been withdrawn on that day."""
    standing = [one.signed_on for one in given if one.withdrawn_on is None]
    if not standing:
        yield Refusal("", _("There is no consent to withdraw."), {})
    if on > today:
        yield Refusal("withdrawn_on", IN_THE_FUTURE, {"day": on, "today": today})
    if standing and on < max(standing):
        yield Refusal("withdrawn_on", _BEFORE, {"day": on, "on": max(standing)})


def _refusals_of_signing(
    edition: FormEdition, signed_on: date, others: Sequence[GivenConsent], today: date
) -> Iterator[Refusal]:
    """Why an edition cannot have been signed on that day, beside other consents."""
    words = {"day": signed_on, "today": today, "version": edition.version}
    if signed_on > today:
        yield Refusal("signed_on", IN_THE_FUTURE, words)
    if signed_on < edition.effective_on:
        message = _(
            "Form %(version)s is used from %(start)s on, after %(day)s: choose the edition before it."
        )
        yield Refusal("signed_on", message, words | {"start": edition.effective_on})
    for other in others:
        if other.form == edition.id:
            message = _("Consent to form %(version)s is on record for %(on)s.")
            yield Refusal("form", message, words | {"on": other.signed_on})


def _age(edition: FormEdition) -> tuple[date, int]:
    """What orders editions: of two that are used from the same day, the one recorded later is newer."""
    return edition.effective_on, edition.id
