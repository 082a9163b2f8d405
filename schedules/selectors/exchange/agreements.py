"""What an EDC and Dayzero have agreed on: maps of names, and the days on which they do not agree."""

from __future__ import annotations

from datetime import date

from django.db.models import QuerySet

from participants.models import Anchor, Participant
from participants.selectors.participants import participants_visible_to
from schedules.models import EdcMap, ValueDifference
from trials.models import Trial, User


def edc_map(trial: Trial, edc: str, environment: str) -> EdcMap | None:
    """The map of a trial for an EDC in an environment; None where there is none."""
    found = EdcMap.objects.select_related("trial")
    return found.filter(trial=trial, edc=edc, environment=environment).first()


def differences_visible_to(user: User, today: date) -> QuerySet[ValueDifference]:
    """The differences of the participants whom a user may look at."""
    people = participants_visible_to(user, today)
    related = ("participant__trial", "participant__site", "visit")
    return ValueDifference.objects.filter(participant__in=people).select_related(*related)


def anchor_on_record(participant: Participant, code: str) -> Anchor | None:
    """An anchor of a participant as it is on record; None where it is not."""
    return Anchor.objects.filter(participant=participant, code=code).first()
