"""Deviations that no record shows and a person enters: a wrong form, a sample taken twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.utils.translation import gettext as _

from participants.models import Participant
from schedules.domain.deviations.drafts import DeviationKind, refusals_of_entering
from schedules.models import Deviation, Visit
from schedules.selectors.deviations.record_facts import versions_then
from schedules.selectors.store.calendars import today_at
from schedules.selectors.store.course import first_consent
from schedules.services.store.unlikely_days import questions_about
from schedules.services.store.visit_writing import lock_participant
from trials.audit.acts import recorded
from trials.domain.errors import Refused
from trials.models import User
from trials.services.sites.plausible_days import impossible_days
from trials.spoken import say


@dataclass(frozen=True, slots=True)
class Entered:
    """What somebody enters: the day, what happened, at which visit where it was one.

    `token` stands for the form that was sent: sent twice, it is entered once. `sure`: an unlikely day was
    confirmed; the description says what it was.
    """

    occurred_on: date
    description: str
    token: UUID
    visit: Visit | None = None
    sure: bool = False


@recorded
def enter_deviation(
    *, participant: Participant, entered: Entered, by: User | None, now: datetime
) -> Deviation:
    """Enter a deviation by hand, as a draft that is then described, classified and withdrawn like any other.

    In force is the protocol version under which the visit was done, or which the participant was under
    on that day. Raises Refused, by field, for the future, an empty description, another's visit and an
    unlikely day that nobody has said is meant.
    """
    person = lock_participant(participant.pk)
    today = today_at(person.site, now)
    _refuse(person, entered, today)
    visit, then = entered.visit, (person.pk, entered.occurred_on)
    version = (visit and visit.done_under_id) or versions_then([then]).get(then, person.protocol_version_id)
    one, _made = Deviation.objects.get_or_create(
        key=f"{DeviationKind.MANUAL}:{person.pk}:{entered.token}",
        defaults={
            "participant": person,
            "visit": visit,
            "protocol_version_id": version,
            "kind": DeviationKind.MANUAL,
            "found_on": today,
            "occurred_on": entered.occurred_on,
            "actual_on": entered.occurred_on,
            "description": entered.description.strip(),
        },
    )
    return one


def _refuse(person: Participant, entered: Entered, today: date) -> None:
    """Raise Refused with all that is wrong; about an unlikely day it is asked once nothing else is."""
    fields = impossible_days({"occurred_on": entered.occurred_on}, person.trial.planned_end or today)
    for refusal in refusals_of_entering(entered.description, entered.occurred_on, today):
        fields.setdefault(refusal.field, []).append(refusal.text(say))
    if entered.visit is not None and entered.visit.participant_id != person.pk:
        fields["visit"] = [_("That visit is of another participant.")]
    if not fields and not entered.sure:
        asked = questions_about(person, [entered.occurred_on], consented=first_consent(person))
        fields |= {"sure": asked} if asked else {}
    if fields:
        raise Refused(fields)
