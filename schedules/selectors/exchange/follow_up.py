"""What machines read of what needs somebody: deviations and flags, page by page, within sight."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.utils.translation import gettext

from participants.models import Participant
from participants.selectors.participants import participants_visible_to
from schedules.domain.errors import FilterRefused
from schedules.models import Deviation, Flag
from schedules.selectors.exchange.data_capture import ids_by_code
from schedules.selectors.windows.flags import related_flags
from trials.keyset import Page, page_by_id
from trials.models import User
from trials.selectors.records import sites_visible_to, trials_visible_to
from trials.zones import roles_day


@dataclass(frozen=True, slots=True)
class WantedPeople:
    """Whose rows are asked for: codes of trials and sites, ids of participants; of each none means all."""

    trials: Collection[str] = ()
    sites: Collection[str] = ()
    participants: Collection[int] = ()


def listed_deviations(
    user: User, wanted: WantedPeople, after: int | None, size: int, now: datetime
) -> Page[Deviation]:
    """Read a page of the deviations in a user's sight by id, withdrawn and lapsed ones too.

    Raises FilterRefused for what is not in sight. A constant number of queries.
    """
    found = Deviation.objects.filter(participant__in=_people(user, wanted, now)).select_related(
        "participant__trial", "participant__site", "protocol_version", "visit", "window"
    )
    return page_by_id(found.defer("protocol_version__document"), after, size)


def listed_flags(user: User, wanted: WantedPeople, after: int | None, size: int, now: datetime) -> Page[Flag]:
    """Read a page of the flags in a user's sight by id, cleared ones too.

    Raises FilterRefused for what is not in sight. A constant number of queries.
    """
    found = Flag.objects.filter(participant__in=_people(user, wanted, now))
    return page_by_id(related_flags(found).defer("participant__protocol_version__document"), after, size)


def _people(user: User, wanted: WantedPeople, now: datetime) -> QuerySet[Participant]:
    today = roles_day(now)
    people = participants_visible_to(user, today)
    if wanted.participants:
        _require_in_sight(people, wanted.participants)
        people = people.filter(pk__in=set(wanted.participants))
    if wanted.trials:
        people = people.filter(trial__in=ids_by_code(trials_visible_to(user, today), "trial", wanted.trials))
    if wanted.sites:
        people = people.filter(site__in=ids_by_code(sites_visible_to(user, today), "site", wanted.sites))
    return people


def _require_in_sight(people: QuerySet[Participant], ids: Collection[int]) -> None:
    """Raise FilterRefused that names each of these participants who is not among those in sight."""
    seen = set(people.filter(pk__in=set(ids)).values_list("pk", flat=True))
    words = gettext("Participant %(id)s does not exist or is not visible to you.")
    refused = [words % {"id": one} for one in sorted(set(ids) - seen)]
    if refused:
        raise FilterRefused({"participant": refused})
