"""What an enrolment form offers: where, under which versions, and the days that mend a contradiction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from participants.domain.anchors import RecordedAnchor
from participants.models import Participant
from schedules.domain.plan.contradictions import Contradiction, find_contradictions
from schedules.domain.plan.projection import project
from schedules.domain.plan.recorded_anchors import anchor_days
from trials.domain.accounts.access import Right
from trials.domain.errors import DomainError
from trials.domain.protocols.protocol import Protocol
from trials.models import Cohort, ConsentForm, ProtocolVersion, Site, Trial, User
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


def consent_forms_of(trial: Trial) -> QuerySet[ConsentForm]:
    """The editions of a trial's consent form, the oldest first."""
    return ConsentForm.objects.filter(trial=trial).order_by("effective_on", "pk")


@dataclass(frozen=True, slots=True)
class LastPlace:
    """Where somebody enrolled last, under which version: their ids."""

    version: int
    site: int


def last_place(user: User, today: date) -> LastPlace | None:
    """Where a user enrolled last, if they still may, or the only place there is; else None. Four queries."""
    versions, sites = versions_to_enrol_under(user, today), sites_to_enrol_at(user, today)
    last = Participant.objects.filter(created_by=user).order_by("-pk").first()
    if last:
        places = (versions.filter(pk=last.protocol_version_id), sites.filter(pk=last.site_id))
        if all(place.exists() for place in places):
            return LastPlace(last.protocol_version_id, last.site_id)
    found = list(versions.filter(published_at__isnull=False)[:2]), list(sites[:2])
    if all(len(each) == 1 for each in found):
        (version,), (site,) = found
        return LastPlace(version.pk, site.pk)
    return None


def last_code_at(trial: Trial, site: int) -> str:
    """The subject code that was given last in a trial at a site; empty where there is none."""
    people = Participant.objects.filter(trial=trial, site=site).order_by("-pk")
    return people.values_list("subject_code", flat=True).first() or ""


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
