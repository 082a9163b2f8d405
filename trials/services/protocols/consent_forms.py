"""Editions of a trial's informed consent form."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from trials.audit.acts import recorded
from trials.domain.errors import Refused
from trials.models import ConsentForm, Trial, User
from trials.services.sites.plausible_days import impossible_days


class ConsentFormRefused(Refused):
    """An edition of a consent form cannot be recorded so; `fields` says what would be right."""


@dataclass(frozen=True, slots=True)
class Edition:
    """An edition: its version, the day from which it is used, whether it asks to consent again."""

    version: str
    effective_on: date
    consent_again: bool = False


@recorded
def record_consent_form(*, trial: Trial, edition: Edition, by: User | None, reason: str = "") -> ConsentForm:
    """An edition on record.

    Raises ConsentFormRefused where its version is there already, or empty, and for a day that cannot be.
    """
    version = edition.version.strip()
    if not version:
        raise ConsentFormRefused({"version": [_("Name the version, as it is printed on the form.")]})
    if impossible := impossible_days({"effective_on": edition.effective_on}, trial.planned_end):
        raise ConsentFormRefused(impossible)
    try:
        with transaction.atomic():
            return ConsentForm.objects.create(
                trial=trial,
                version=version,
                effective_on=edition.effective_on,
                consent_again=edition.consent_again,
            )
    except IntegrityError as error:
        if not ConsentForm.objects.filter(trial=trial, version=version).exists():
            raise
        message = _("%(trial)s has a consent form %(version)s on record: give another version.")
        words = {"trial": trial.code, "version": version}
        raise ConsentFormRefused({"version": [message % words]}) from error
