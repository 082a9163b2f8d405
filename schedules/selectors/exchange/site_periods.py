"""The periods that participants spent at a site before a transfer, as machines read them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from django.db.models import QuerySet

from participants.models import SitePeriod
from participants.selectors.periods import periods_visible_to
from schedules.selectors.exchange.people import ids_by_code
from trials.keyset import ID_END, Page, page_by_id
from trials.models import User
from trials.selectors.records import sites_visible_to, trials_visible_to


@dataclass(frozen=True, slots=True)
class WantedPeriods:
    """Whose periods are asked for: codes of trials and sites, ids, subject codes; of each none means all."""

    trials: Collection[str] = ()
    sites: Collection[str] = ()
    participants: Collection[int] = ()
    subject_codes: Collection[str] = ()


def listed_periods(
    user: User, today: date, wanted: WantedPeriods, page: tuple[int | None, int]
) -> Page[SitePeriod]:
    """Read a page of the periods at sites in a user's sight, by id. Raises FilterRefused.

    A participant who went to a site that the user may not see has one here, and stands in no other list.
    """
    found = _periods(user, today)
    if wanted.trials:
        trials = ids_by_code(trials_visible_to(user, today), "trial", wanted.trials)
        found = found.filter(participant__trial__in=trials)
    if wanted.sites:
        found = found.filter(site__in=ids_by_code(sites_visible_to(user, today), "site", wanted.sites))
    if wanted.participants:
        found = found.filter(participant__in=set(wanted.participants))
    if wanted.subject_codes:
        found = found.filter(participant__subject_code__in=set(wanted.subject_codes))
    return page_by_id(found, *page)


def period_in_sight(user: User, today: date, pk: int) -> SitePeriod | None:
    """A period at a site that a user may look into; None for any other id."""
    return _periods(user, today).filter(pk=pk).first() if pk < ID_END else None


def _periods(user: User, today: date) -> QuerySet[SitePeriod]:
    return periods_visible_to(user, today).order_by()
