"""Participants put on record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date

from django.db import IntegrityError

from participants.domain.anchors import RecordedAnchor
from participants.domain.errors import SubjectCodeTaken
from participants.models import Anchor, Consent, Participant
from participants.selectors.participants import subject_codes_in_use
from trials.audit.acts import recorded
from trials.models import Cohort, ConsentForm, ProtocolVersion, Site, Trial, User
from trials.services.store.loading import as_json, load_rows, reserve_ids

_PARTICIPANT = (
    "id", "trial_id", "site_id", "cohort_id", "protocol_version_id", "subject_code", "traits",
    "comes_of_age_on", "no_consent_reason", "created_by_id",
)  # fmt: skip
_CONSENT = ("participant_id", "form_id", "signed_on")
_ANCHOR = ("participant_id", "code", "planned_on", "planned_at", "actual_on", "actual_at", "actual_zone")


@dataclass(frozen=True, slots=True)
class ConsentGiven:
    """An edition of the consent form, and the day on which the participant (or a guardian) signed it."""

    form: ConsentForm
    signed_on: date


@dataclass(frozen=True, slots=True)
class Registration:
    """What is put on record of somebody who takes part: a subject code, never a name."""

    trial: Trial
    site: Site
    version: ProtocolVersion
    subject_code: str
    anchors: Sequence[RecordedAnchor]
    traits: Sequence[str] = field(default=())
    cohort: Cohort | None = None
    comes_of_age_on: date | None = None
    consent: ConsentGiven | None = None
    no_consent_reason: str = ""


def register(*, registration: Registration, by: User | None) -> Participant:
    """One participant with their anchors; raises SubjectCodeTaken, also where another was quicker."""
    (pk,) = register_many(registrations=[registration], by=by)
    return Participant(
        pk=pk,
        trial=registration.trial,
        site=registration.site,
        cohort=registration.cohort,
        protocol_version=registration.version,
        subject_code=registration.subject_code,
        traits=sorted(registration.traits),
        comes_of_age_on=registration.comes_of_age_on,
        no_consent_reason=registration.no_consent_reason,
        created_by=by,
    )


def register_many(*, registrations: Sequence[Registration], by: User | None) -> list[int]:
    """The ids of many participants put on record with their anchors, in the order given.

    All or nothing: raises SubjectCodeTaken, naming every code in use or given twice. The
    database is the judge of that, so that it makes no difference who was quicker.
    """
    _refuse(_given_twice(registrations))
    try:
        return _register_many(registrations=registrations, by=by)
    except IntegrityError:
        _refuse(_in_use(registrations))
        raise


@recorded
def _register_many(*, registrations: Sequence[Registration], by: User | None) -> list[int]:
    """Write them; the act is the only savepoint, which is gone when the codes in use are looked up."""
    ids = list(reserve_ids(Participant, len(registrations)))
    people = list(zip(ids, registrations, strict=True))
    load_rows(Participant, _PARTICIPANT, (_participant_row(pk, who, by) for pk, who in people))
    load_rows(Anchor, _ANCHOR, (row for pk, who in people for row in _anchor_rows(pk, who)))
    signed = [(pk, who.consent.form.pk, who.consent.signed_on) for pk, who in people if who.consent]
    if signed:
        load_rows(Consent, _CONSENT, signed)
    return ids


def _refuse(taken: Collection[str]) -> None:
    if taken:
        raise SubjectCodeTaken(sorted(taken))


def _given_twice(registrations: Sequence[Registration]) -> set[str]:
    times = Counter((one.trial.pk, one.subject_code) for one in registrations)
    return {code for (_trial, code), count in times.items() if count > 1}


def _in_use(registrations: Sequence[Registration]) -> set[str]:
    codes: dict[Trial, list[str]] = {}
    for one in registrations:
        codes.setdefault(one.trial, []).append(one.subject_code)
    return {code for trial, asked in codes.items() for code in subject_codes_in_use(trial, asked)}


def _participant_row(pk: int, who: Registration, by: User | None) -> tuple[object, ...]:
    return (
        pk, who.trial.pk, who.site.pk, who.cohort and who.cohort.pk, who.version.pk, who.subject_code,
        as_json(sorted(who.traits)), who.comes_of_age_on, who.no_consent_reason, by and by.pk,
    )  # fmt: skip


def _anchor_rows(pk: int, who: Registration) -> list[tuple[object, ...]]:
    return [
        (
            pk,
            anchor.code,
            anchor.planned_on,
            anchor.planned_at,
            anchor.actual_on,
            anchor.actual_at,
            anchor.actual_zone,
        )
        for anchor in who.anchors
    ]
