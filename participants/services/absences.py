"""Days on which a participant, or somebody the site cannot do without, is not there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from participants.domain.errors import AbsenceRefused
from participants.models import Absence, Participant
from trials.audit.acts import recorded
from trials.models import Site, User
from trials.services.sites.plausible_days import impossible_days
from trials.spoken import require_reason, sentence

LONGEST_DAYS = 366


@dataclass(frozen=True, slots=True)
class Away:
    """Who is away and when, both days included: a participant, or a site's (with the person, if one).

    `deputy` is told meanwhile what the person would be told.
    """

    first: date
    last: date
    participant: Participant | None = None
    site: Site | None = None
    user: User | None = None
    note: str = ""
    deputy: User | None = None


@recorded
def record_absence(*, away: Away, by: User | None, reason: str = "") -> Absence:
    """An absence on record; raises AbsenceRefused for days out of order, or longer than a year."""
    if fields := refusals_of_absence(away):
        raise AbsenceRefused(fields)
    return Absence.objects.create(
        participant=away.participant,
        site=away.site,
        user=away.user,
        first=away.first,
        last=away.last,
        note=away.note.strip(),
        deputy=away.deputy,
    )


def refusals_of_absence(away: Away) -> dict[str, list[str]]:
    """What forbids an absence, by field: days out of order, longer than a year."""
    end = away.participant.trial.planned_end if away.participant else None
    if impossible := impossible_days({"first": away.first, "last": away.last}, end):
        return impossible
    if away.last < away.first:
        message = _("It ends on %(last)s, before it begins on %(first)s: give %(first)s or a later day.")
        return {"last": [sentence(message, {"first": away.first, "last": away.last})]}
    if away.deputy is not None and (away.user is None or away.deputy == away.user):
        return {"deputy": [_("Say first who is away; the deputy is somebody else.")]}
    if (away.last - away.first).days >= LONGEST_DAYS:
        return {"last": [_("That is longer than a year: give the days one by one.")]}
    return {}


@recorded
def end_absence(*, absence: Absence, by: User | None, reason: str) -> Absence:
    """An absence that counts no more, with a reason: they are back, or it was a mistake; the row stays.

    Raises AbsenceRefused without a reason, and for one that is ended already.
    """
    require_reason(reason, AbsenceRefused)
    standing = Absence.objects.select_for_update(no_key=True).get(pk=absence.pk)
    if standing.ended:
        raise AbsenceRefused({"": [_("This absence is ended already.")]})
    standing.ended = True
    standing.save(update_fields=["ended"])
    return standing
