"""The trials that a user may look into, with where they run and what they are run by."""

from __future__ import annotations

from django.db.models import Prefetch

from trials.domain.accounts.access import RolesDay
from trials.keyset import Page, page_by_id
from trials.models import ProtocolVersion, Site, Trial, User
from trials.selectors.records import sites_visible_to, trials_visible_to


def listed_trials(user: User, today: RolesDay, after: int | None, size: int) -> Page[Trial]:
    """Read a page of the trials in a user's sight by id, with sites in sight, cohorts, published versions.

    Four queries, however many there are; no protocol document is read.
    """
    sites = Site.objects.filter(pk__in=sites_visible_to(user, today).order_by().values("pk"))
    published = ProtocolVersion.objects.filter(published_at__isnull=False)
    trials = trials_visible_to(user, today).prefetch_related(
        Prefetch("sites", sites.order_by("code"), to_attr="sites_shown"),
        "cohorts",
        Prefetch(
            "protocol_versions",
            published.defer("document").order_by("published_at", "pk"),
            to_attr="versions_published",
        ),
    )
    return page_by_id(trials, after, size)
