"""What machines read of what needs somebody: deviations and flags, page by page, within sight."""

from __future__ import annotations

from datetime import datetime

from schedules.models import Deviation, Flag
from schedules.selectors.exchange.people import WantedPeople, page_of_people, people_wanted
from trials.keyset import Page
from trials.models import User


def listed_deviations(
    user: User, wanted: WantedPeople, after: int | None, size: int, now: datetime
) -> Page[Deviation]:
    """Read a page of the deviations in a user's sight by id, withdrawn and lapsed ones too.

    Raises FilterRefused for what is not in sight. A constant number of queries.
    """
    found = Deviation.objects.select_related("protocol_version", "visit", "window").defer(
        "protocol_version__document"
    )
    return page_of_people(found, people_wanted(user, wanted, now), after, size)


def listed_flags(user: User, wanted: WantedPeople, after: int | None, size: int, now: datetime) -> Page[Flag]:
    """Read a page of the flags in a user's sight by id, cleared ones too.

    Raises FilterRefused for what is not in sight. A constant number of queries.
    """
    found = Flag.objects.select_related("window", "visit", "owner", "cleared_by")
    return page_of_people(found, people_wanted(user, wanted, now), after, size)
