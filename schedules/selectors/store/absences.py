"""Who is away when, as closures of the calendar that days are suggested by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Q, QuerySet

from participants.models import Absence, Participant
from trials.domain.sites.closed_days import PARTICIPANT_AWAY, STAFF_AWAY
from trials.domain.sites.working_days import WorkingDays
from trials.models import Site


@dataclass(frozen=True, slots=True)
class AwayDays:
    """The days away of participants and of sites, by their ids."""

    participants: Mapping[int, Mapping[date, str]]
    sites: Mapping[int, Mapping[date, str]]

    def closures(self, participant: int | None, site: int) -> dict[date, str]:
        """The days on which this participant cannot be seen at this site."""
        own = self.participants.get(participant, {}) if participant else {}
        return {**self.sites.get(site, {}), **own}

    def applied(self, calendar: WorkingDays | None, participant: int | None, site: int) -> WorkingDays | None:
        """The site's working days without those on which somebody is away."""
        closed = self.closures(participant, site)
        return calendar.with_corrections(closures=closed) if calendar and closed else calendar


def away_days(
    *, participants: Collection[int], sites: Collection[int], but: Absence | None = None
) -> AwayDays:
    """The absences that count, `but` one; one query."""
    standing = absences_counted(participants=participants, sites=sites)
    return away_days_of(standing.exclude(pk=but.pk) if but else standing)


def absences_counted(*, participants: Collection[int], sites: Collection[int]) -> QuerySet[Absence]:
    """The absences of these participants and sites that nobody has ended."""
    concerned = Q(participant__in=participants) | Q(site__in=sites)
    return Absence.objects.filter(concerned, ended=False).order_by("first", "pk")


def away_days_of(absences: Iterable[Absence]) -> AwayDays:
    """The days of absences that were read already."""
    of_people: dict[int, dict[date, str]] = defaultdict(dict)
    of_sites: dict[int, dict[date, str]] = defaultdict(dict)
    for absence in absences:
        for day in days_between(absence.first, absence.last):
            if absence.participant_id:
                of_people[absence.participant_id][day] = PARTICIPANT_AWAY
            elif absence.site_id:
                of_sites[absence.site_id][day] = STAFF_AWAY
    return AwayDays(of_people, of_sites)


def absences_of(*, participant: Participant | None = None, site: Site | None = None) -> QuerySet[Absence]:
    """The absences of a participant or of a site, the latest first."""
    found = Absence.objects.select_related("user", "deputy")
    found = found.filter(participant=participant) if participant else found.filter(site=site)
    return found.order_by("ended", "-first", "-pk")


def days_between(first: date, last: date) -> Iterator[date]:
    """The days of an absence, both ends among them."""
    return (first + timedelta(days=n) for n in range((last - first).days + 1))
