"""The trials and sites that a user may look into, with where they run and what they are run by."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Prefetch, QuerySet

from schedules.selectors.exchange.people import ids_by_code
from trials.domain.accounts.access import RolesDay
from trials.keyset import Page, page_by_id
from trials.models import ProtocolVersion, Site, Trial, User
from trials.selectors.records import sites_visible_to, trials_visible_to


def listed_trials(
    user: User, today: RolesDay, codes: Collection[str], page: tuple[int | None, int]
) -> Page[Trial]:
    """Read a page of the trials in a user's sight by id, with sites in sight, cohorts, published versions.

    `page` is the id to start after and the size. Four queries, however many there are, and one more for
    `codes`; no protocol document is read. Raises FilterRefused for a code that is not in sight.
    """
    trials = trials_visible_to(user, today)
    if codes:
        trials = trials.filter(pk__in=ids_by_code(trials, "trial", codes))
    return page_by_id(_related(user, today, trials), *page)


def trial_listed(user: User, today: RolesDay, code: str) -> Trial | None:
    """A trial in a user's sight by its code, with the same; None for any other code."""
    return _related(user, today, trials_visible_to(user, today).filter(code=code)).first()


def listed_sites(
    user: User, today: RolesDay, codes: Collection[str], page: tuple[int | None, int]
) -> Page[Site]:
    """Read a page of the sites in a user's sight by id, with the trials in sight that run there.

    Raises FilterRefused for a code that is not in sight. A constant number of queries.
    """
    sites = sites_visible_to(user, today)
    if codes:
        sites = sites.filter(pk__in=ids_by_code(sites, "site", codes))
    seen = Trial.objects.filter(pk__in=trials_visible_to(user, today).order_by().values("pk"))
    return page_by_id(
        sites.prefetch_related(Prefetch("trials", seen.order_by("code"), to_attr="trials_shown")), *page
    )


def _related(user: User, today: RolesDay, trials: QuerySet[Trial]) -> QuerySet[Trial]:
    sites = Site.objects.filter(pk__in=sites_visible_to(user, today).order_by().values("pk"))
    published = ProtocolVersion.objects.filter(published_at__isnull=False)
    return trials.prefetch_related(
        Prefetch("sites", sites.order_by("code"), to_attr="sites_shown"),
        "cohorts",
        Prefetch(
            "protocol_versions",
            published.defer("document").order_by("published_at", "pk"),
            to_attr="versions_published",
        ),
    )
