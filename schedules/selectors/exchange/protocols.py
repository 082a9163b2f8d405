"""The published protocol versions that a user may look into, as machines read them."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import QuerySet

from schedules.selectors.exchange.people import ids_by_code
from trials.domain.accounts.access import RolesDay
from trials.keyset import ID_END, Page, page_by_id
from trials.models import Cohort, ProtocolVersion, User
from trials.selectors.records import trials_visible_to


def listed_versions(
    user: User, today: RolesDay, trials: Collection[str], page: tuple[int | None, int]
) -> Page[ProtocolVersion]:
    """Read a page of the published versions of trials in a user's sight, by id; no document is read.

    Raises FilterRefused for a trial that is not in sight.
    """
    found = _versions(user, today)
    if trials:
        found = found.filter(trial__in=ids_by_code(trials_visible_to(user, today), "trial", trials))
    return page_by_id(found, *page)


def version_in_sight(user: User, today: RolesDay, pk: int) -> ProtocolVersion | None:
    """A published version of a trial in a user's sight; None for any other id."""
    return _versions(user, today).filter(pk=pk).first() if pk < ID_END else None


def listed_cohorts(
    user: User, today: RolesDay, trials: Collection[str], page: tuple[int | None, int]
) -> Page[Cohort]:
    """Read a page of the cohorts of trials in a user's sight, by id. Raises FilterRefused."""
    seen = trials_visible_to(user, today)
    found = Cohort.objects.filter(trial__in=seen.order_by().values("pk")).select_related("trial")
    if trials:
        found = found.filter(trial__in=ids_by_code(seen, "trial", trials))
    return page_by_id(found, *page)


def _versions(user: User, today: RolesDay) -> QuerySet[ProtocolVersion]:
    seen = trials_visible_to(user, today).order_by().values("pk")
    published = ProtocolVersion.objects.filter(trial__in=seen, published_at__isnull=False)
    return published.select_related("trial").defer("document")
