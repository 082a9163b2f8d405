"""Whose records machines ask for: by codes and ids, always within what the reader may see."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db import connection
from django.db.models import F, Model, Q, QuerySet
from django.utils.translation import gettext

from participants.models import Participant
from participants.selectors.participants import ids_of_few, participants_visible_to
from schedules.domain.errors import FilterRefused
from schedules.models import ChangeEvent, Visit
from trials.keyset import Page
from trials.models import User
from trials.selectors.records import sites_visible_to, trials_visible_to
from trials.zones import roles_day

Row = TypeVar("Row", bound=Model)
Since = int | datetime
"""Since when something changed: the number of a change in the feed, or an instant."""


@dataclass(frozen=True, slots=True)
class WantedPeople:
    """Whose rows are asked for: codes of trials, sites and subjects, ids; of each none means all.

    `further` is a condition on participants, of an EDC's names.
    """

    trials: Collection[str] = ()
    sites: Collection[str] = ()
    participants: Collection[int] = ()
    subject_codes: Collection[str] = ()
    further: Q | None = None


def people_wanted(user: User, wanted: WantedPeople, now: datetime) -> QuerySet[Participant]:
    """The participants in a user's sight that are asked for.

    Raises FilterRefused, which names each trial, site and id that is not in sight. A subject code that
    nobody has finds nobody.
    """
    today = roles_day(now)
    people = participants_visible_to(user, today)
    if wanted.participants:
        _require_in_sight(people, wanted.participants)
        people = people.filter(pk__in=set(wanted.participants))
    if wanted.trials:
        people = people.filter(trial__in=ids_by_code(trials_visible_to(user, today), "trial", wanted.trials))
    if wanted.sites:
        people = people.filter(site__in=ids_by_code(sites_visible_to(user, today), "site", wanted.sites))
    if wanted.subject_codes:
        people = people.filter(subject_code__in=set(wanted.subject_codes))
    return people if wanted.further is None else people.filter(wanted.further)


def of_people(people: QuerySet[Participant], few: Collection[int] | None = None) -> Q:
    """The condition on rows of these people; none where they are all that there are: each row is of one.

    `few` are their ids, where they are few enough to be named.
    """
    if few is not None:
        return Q(participant__in=few)
    try:
        people.query.get_compiler(connection=connection).compile(people.query.where)
    # who sees everybody has a condition that is always true: as a list of ids it
    # had each visit looked up among all participants
    except FullResultSet:
        return Q()
    except EmptyResultSet:
        pass
    return Q(participant__in=people.values("pk"))


def page_of_people(
    rows: QuerySet[Row], people: QuerySet[Participant], after: int | None, size: int
) -> Page[Row]:
    """Read the first `size` rows of these people after an id, by id; four queries.

    Which rows they are is asked before anything is joined to them. Of few people, the order by a sum keeps
    both databases from walking along the ids. Whose they are is read once for each participant, with trial
    and site: joined, they are looked up for each row.
    """
    few = ids_of_few(people)
    found = rows.filter(of_people(people, few))
    if after is not None:
        found = found.filter(pk__gt=after)
    found = found.order_by(F("pk") + 0 if few is not None else "pk")
    ids = list(found.values_list("pk", flat=True)[: size + 1])
    kept: list[Any] = list(rows.filter(pk__in=ids[:size]).order_by("pk")) if ids else []
    owners = Participant.objects.select_related("trial", "site").in_bulk({row.participant_id for row in kept})
    for row in kept:
        row.participant = owners[row.participant_id]
    return Page(kept, ids[size - 1] if len(ids) > size else None)


def ids_by_code(rows: QuerySet[Any], field: str, codes: Collection[str]) -> list[int]:
    """The ids of the rows with these codes; raises FilterRefused, which names the codes that are possible."""
    ids: dict[str, int] = dict(rows.values_list("code", "pk"))
    possible = gettext(", ").join(sorted(ids)) or gettext("none")
    words = gettext("%(code)s is not visible to you. Possible: %(possible)s.")
    refused = [words % {"code": code, "possible": possible} for code in codes if code not in ids]
    if refused:
        raise FilterRefused({field: refused})
    return [ids[code] for code in codes]


def changed_people(since: Since) -> Q:
    """The condition on participants of whom anything changed since then."""
    return Q(pk__in=_events(since).values("participant_id"))


def changed_visits(since: Since) -> Q:
    """The condition on visits that changed since then, or whose participant did as a whole."""
    events = _events(since)
    whole = Visit.objects.filter(participant__in=events.filter(visit__isnull=True).values("participant_id"))
    named = events.filter(visit__isnull=False).values("visit_id")
    # one list of ids: of two conditions joined by OR, PostgreSQL tries both on every visit that there is
    return Q(pk__in=named.order_by().union(whole.order_by().values("pk")))


def _events(since: Since) -> QuerySet[ChangeEvent]:
    if isinstance(since, int):
        return ChangeEvent.objects.filter(number__gt=since)
    return ChangeEvent.objects.filter(at__gte=since)


def _require_in_sight(people: QuerySet[Participant], ids: Collection[int]) -> None:
    """Raise FilterRefused that names each of these participants who is not among those in sight."""
    seen = set(people.filter(pk__in=set(ids)).values_list("pk", flat=True))
    words = gettext("Participant %(id)s does not exist or is not visible to you.")
    refused = [words % {"id": one} for one in sorted(set(ids) - seen)]
    if refused:
        raise FilterRefused({"participant": refused})
