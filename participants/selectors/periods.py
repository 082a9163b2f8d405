"""Who was at a site before a transfer, within what the reader may see of that site."""

from __future__ import annotations

from datetime import date

from django.db.models import OuterRef, Q, QuerySet

from participants.models import Participant, SitePeriod
from participants.selectors.participants import participants_coded, participants_visible_to
from trials.domain.accounts.access import Right
from trials.models import User
from trials.selectors.records import roles_of, within


def periods_visible_to(user: User, today: date) -> QuerySet[SitePeriod]:
    """The periods at sites and in trials that a user may look into on this day, the latest first."""
    seen = within(roles_of(user, today), Right.VIEW, trial="participant__trial")
    related = SitePeriod.objects.filter(seen).select_related("site", "participant__trial")
    return related.order_by("-ended_on", "-pk")


def former_participants(
    user: User, today: date, code: str = "", *, site: str = "", trial: str = ""
) -> QuerySet[SitePeriod]:
    """The periods that a user may look into of participants whom they no longer see.

    By the participant's code, and by the codes of the site and the trial, where they are given.
    """
    gone = periods_visible_to(user, today).exclude(participant__in=participants_visible_to(user, today))
    chosen = {"site__code": site, "participant__trial__code": trial}
    gone = gone.filter(**{name: value for name, value in chosen.items() if value})
    if not code:
        return gone
    return gone.filter(participant__in=participants_coded(Participant.objects.all(), code).values("pk"))


def period_visible_to(
    user: User, today: date, participant: int, period: int | None = None
) -> SitePeriod | None:
    """A period of a participant (ids) at a site that the user may look into, the last unless one is named.

    None for one that they may not look into, and where there is none.
    """
    found = periods_visible_to(user, today).filter(participant=participant)
    return (found if period is None else found.filter(pk=period)).first()


def in_period(period: SitePeriod, column: str) -> Q:
    """The condition that a day lies in a period; the day of the transfer belongs to the site that is left."""
    inside = Q(**{f"{column}__lte": period.ended_on})
    return inside & Q(**{f"{column}__gte": period.starts_on}) if period.starts_on else inside


def done_in_period(column: str) -> QuerySet[SitePeriod]:
    """The periods in which a day of an outer query's row lies; its participant is that row's."""
    day = OuterRef(column)
    began = Q(starts_on=None) | Q(starts_on__lte=day)
    return SitePeriod.objects.filter(began, participant=OuterRef("participant"), ended_on__gte=day)
