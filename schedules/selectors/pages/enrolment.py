"""What an enrolment form offers: where, under which versions, and the days that mend a contradiction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from participants.domain.anchors import RecordedAnchor
from schedules.domain.plan.contradictions import Contradiction, find_contradictions
from schedules.domain.plan.projection import project
from schedules.domain.plan.recorded_anchors import anchor_days
from trials.domain.accounts.access import Right
from trials.domain.errors import DomainError
from trials.domain.protocols.protocol import Protocol
from trials.models import Cohort, ProtocolVersion, Site, Trial, User
from trials.selectors.records import roles_of, sites_visible_to, trials_visible_to


def sites_to_enrol_at(user: User, today: date) -> QuerySet[Site]:
    """The sites at which a user may enrol, in some trial."""
    scope = roles_of(user, today)
    sites = [grant.site for grant in scope.granting(Right.ENROL)]
    seen = sites_visible_to(user, today)
    return seen if scope.everything or None in sites else seen.filter(pk__in=filter(None, sites))


def versions_to_enrol_under(user: User, today: date) -> QuerySet[ProtocolVersion]:
    """The protocol versions of the trials in which a user may enrol, drafts among them, by trial."""
    scope = roles_of(user, today)
    trials = [grant.trial for grant in scope.granting(Right.ENROL)]
    seen = trials_visible_to(user, today)
    allowed = seen if scope.everything or None in trials else seen.filter(pk__in=filter(None, trials))
    versions = ProtocolVersion.objects.filter(trial__in=allowed).select_related("trial")
    return versions.order_by("trial__code", "-published_at", "-pk")


def cohorts_of(trial: Trial) -> QuerySet[Cohort]:
    """The cohorts of a trial in the order of escalation."""
    return Cohort.objects.filter(trial=trial).order_by("position")


@dataclass(frozen=True, slots=True)
class Contradicting:
    """Two anchors that contradict each other, with the days on which they stand."""

    found: Contradiction
    day: date
    other_day: date


def contradictions_of(
    protocol: Protocol, anchors: Mapping[str, RecordedAnchor], traits: Sequence[str], zone: ZoneInfo
) -> tuple[Contradicting, ...]:
    """Which of these anchors contradict each other, with the days that would mend it."""
    given = frozenset(traits)
    try:
        days = project(protocol, anchor_days(anchors, zone), given, zone=zone).anchors
    except (DomainError, OverflowError, ValueError):
        return ()
    pairs = find_contradictions(protocol, days, protocol.effective_traits(given))
    return tuple(Contradicting(pair, days[pair.anchor].day, days[pair.other].day) for pair in pairs)
