"""What a site reads of a participant after a transfer: what is on record of its own period, and no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.db.models import Q

from participants.domain.fact_kinds import Fact
from participants.domain.fact_rows import fact_of
from participants.models import Consent, Participant, SitePeriod
from participants.models import Fact as StoredFact
from participants.selectors.participants import fact_row
from participants.selectors.periods import in_period
from schedules.domain.visits.short_names import visit_mark
from schedules.models import Deviation, Visit
from schedules.selectors.store.stored_visits import day_zero_of, planned_visit
from trials.domain.words import Say, plain
from trials.selectors.records import protocol_of
from trials.zones import zone_of


@dataclass(frozen=True, slots=True)
class PeriodVisit:
    """A visit that was done or missed in the period, with its short name and the activities left out."""

    visit: Visit
    mark: str
    left_out: Sequence[str]


@dataclass(frozen=True, slots=True)
class PeriodPage:
    """The record of one period: visits, facts, consents and deviations on its days, all read only."""

    participant: Participant
    period: SitePeriod
    visits: Sequence[PeriodVisit]
    facts: Sequence[Fact]
    consents: Sequence[Consent]
    deviations: Sequence[Deviation]


def period_page(period: SitePeriod, say: Say = plain) -> PeriodPage:
    """Return what a site may read of its period, in the language of `say`; eight queries.

    The participant carries the site of the period: its zone and its place, not those of the new site.
    """
    related = Participant.objects.select_related("trial", "protocol_version").prefetch_related("anchors")
    person = related.get(pk=period.participant_id)
    person.site = period.site
    recorded = in_period(period, "performed_on") | in_period(period, "missed_on")
    visits = Visit.objects.filter(recorded, participant=person).prefetch_related("activities")
    by_day = in_period(period, "starts_on")
    by_hour = _hours(period) & Q(starts_on=None)
    facts = StoredFact.objects.filter(by_day | by_hour, participant=person, withdrawn_at=None)
    consents = Consent.objects.filter(in_period(period, "signed_on"), participant=person)
    deviations = Deviation.objects.filter(
        in_period(period, "occurred_on"),
        Q(lapsed_on=None) | Q(lapsed_on__gt=period.ended_on),
        participant=person,
        withdrawn_on=None,
    )
    zone = zone_of(period.site)
    return PeriodPage(
        person,
        period,
        [_visit(visit, person, say) for visit in visits.order_by("performed_on", "missed_on", "pk")],
        [fact_of(fact_row(one), zone) for one in facts.order_by("starts_on", "pk")],
        list(consents.select_related("form").order_by("signed_on", "pk")),
        list(deviations.select_related("visit").order_by("occurred_on", "pk")),
    )


def _hours(period: SitePeriod) -> Q:
    """The condition on facts that have an hour and no day, by the clocks of the site that was left."""
    zone = zone_of(period.site)
    ended = datetime.combine(period.ended_on + timedelta(days=1), time(), zone)
    inside = Q(starts_at__lt=ended)
    if period.starts_on:
        inside &= Q(starts_at__gte=datetime.combine(period.starts_on, time(), zone))
    return inside


def _visit(visit: Visit, person: Participant, say: Say) -> PeriodVisit:
    protocol, zone = protocol_of(person.protocol_version), zone_of(person.site)
    mark = visit_mark(protocol, planned_visit(visit, protocol, zone), day_zero_of(person, protocol, zone))
    left = [one.label for one in visit.activities.all() if not one.done]
    return PeriodVisit(visit, say(mark), [say(label) for label in left])
