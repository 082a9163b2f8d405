"""What can be read of consents: where one stands, and who must consent again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import date

from django.db.models import Exists, Max, OuterRef, Q, QuerySet, Subquery

from participants.domain.consents import ConsentStanding, FormEdition, GivenConsent, standing_of
from participants.models import Consent, CourseStep, Participant
from participants.selectors.participants import course_ended, participants_visible_to
from trials.models import ConsentForm, User


def consent_standing(participant: Participant, today: date) -> ConsentStanding:
    """Where a participant's consent stands on a day of their site; two queries."""
    return consent_standings([participant], {participant.pk: today})[participant.pk]


def consent_standings(
    participants: Collection[Participant], todays: Mapping[int, date]
) -> dict[int, ConsentStanding]:
    """Where the consents of several participants stand on the days of their sites, by id; two queries."""
    given: dict[int, list[GivenConsent]] = defaultdict(list)
    rows = Consent.objects.filter(participant__in=participants).order_by("signed_on", "pk")
    for pk, form_id, signed, withdrawn in rows.values_list(
        "participant_id", "form_id", "signed_on", "withdrawn_on"
    ):
        given[pk].append(GivenConsent(form_id, signed, withdrawn))
    editions: dict[int, list[FormEdition]] = defaultdict(list)
    trials = {one.trial_id for one in participants}
    for form in ConsentForm.objects.filter(trial__in=trials).order_by("effective_on", "pk"):
        editions[form.trial_id].append(edition(form))
    return {
        one.pk: standing_of(given[one.pk], editions[one.trial_id], todays[one.pk]) for one in participants
    }


def given_consents(participant: Participant, *, without: int = 0) -> list[GivenConsent]:
    """The consents on record of a participant, in the order of their days; but not the one of that id."""
    rows = Consent.objects.filter(participant=participant).exclude(pk=without).order_by("signed_on", "pk")
    return [GivenConsent(*row) for row in rows.values_list("form_id", "signed_on", "withdrawn_on")]


def editions_of(participant: Participant) -> list[FormEdition]:
    """The editions of the consent form of a participant's trial, the oldest first."""
    return [edition(form) for form in forms_of(participant)]


def forms_of(participant: Participant) -> QuerySet[ConsentForm]:
    """The rows of the editions of the consent form of a participant's trial, the oldest first."""
    return ConsentForm.objects.filter(trial=participant.trial_id).order_by("effective_on", "pk")


def edition(form: ConsentForm) -> FormEdition:
    """A stored consent form as a value."""
    return FormEdition(form.pk, form.version, form.effective_on, form.consent_again)


def asked_again(user: User, today: date) -> QuerySet[Participant]:
    """The participants in sight whose consent stands, and whom a newer edition asks for another.

    `asked_since` is the day from which the newest such edition is used. Left out is whose course
    has ended. One query, whatever their number.
    """
    asking = ConsentForm.objects.filter(
        trial=OuterRef("trial"), consent_again=True, effective_on__lte=today
    ).order_by("-effective_on", "-pk")
    standing = Consent.objects.filter(Q(withdrawn_on=None) | Q(withdrawn_on__gt=today), signed_on__lte=today)
    mine = standing.filter(participant=OuterRef("pk"))
    newer = Q(form__effective_on__gt=OuterRef("asked_since")) | Q(
        form__effective_on=OuterRef("asked_since"), form__gte=OuterRef("asked_by")
    )
    ended = CourseStep.objects.filter(course_ended(), participant=OuterRef("pk"), undone=False)
    return (
        participants_visible_to(user, today)
        .annotate(
            asked_by=Subquery(asking.values("pk")[:1]),
            asked_version=Subquery(asking.values("version")[:1]),
            asked_since=Subquery(asking.values("effective_on")[:1]),
            last_consent=Max("consents__signed_on", filter=Q(consents__withdrawn_on=None)),
        )
        .filter(Exists(mine), ~Exists(mine.filter(newer)), ~Exists(ended), asked_by__isnull=False)
        .select_related("trial", "site")
        .order_by("asked_since", "trial__code", "subject_code")
    )


def without_consent(user: User, today: date) -> QuerySet[Participant]:
    """The participants in sight of whom no consent to any edition is on record; their courses go on."""
    ended = CourseStep.objects.filter(course_ended(), participant=OuterRef("pk"), undone=False)
    none = ~Exists(Consent.objects.filter(participant=OuterRef("pk")))
    found: QuerySet[Participant] = participants_visible_to(user, today).filter(none, ~Exists(ended))
    return found.select_related("trial", "site").order_by("trial__code", "subject_code")


def consents_of(participant: Participant) -> QuerySet[Consent]:
    """The consents on record of a participant with their forms, the newest first."""
    return (
        Consent.objects.filter(participant=participant).select_related("form").order_by("-signed_on", "-pk")
    )
