"""A history against the protocol, of somebody who is enrolled: asked about, drafted as deviations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from django.utils import timezone
from django.utils.translation import gettext as _

from participants.models import Participant
from schedules.domain.plan.contradictions import find_contradictions
from schedules.domain.plan.values import AnchorKind, Plan
from schedules.domain.replanning.protocol_departures import (
    Case,
    Departure,
    Ruling,
    departure_sentence,
    draft_of,
    rule_on,
)
from schedules.services.enrolment.values import Enrolment
from schedules.services.store.deviation_drafts import Wanted, draft_at_enrolment
from trials.spoken import say


def ruling_on(enrolment: Enrolment, plan: Plan) -> Ruling:
    """Which contradictions of a plan are refused, and which have happened both and go on record."""
    traits = plan.protocol.effective_traits(frozenset(enrolment.traits))
    found = find_contradictions(plan.protocol, plan.anchors, traits)
    return rule_on(found, Case(plan.protocol, {}, plan.anchors)) if found else Ruling()


def asked_of(departures: Iterable[Departure], plan: Plan) -> Iterator[str]:
    """What is asked of anyone who enrols somebody so: each departure, and to say why."""
    for one in departures:
        yield departure_sentence(one, plan.protocol, say, ahead=True)
    yield _("Enter why it happened. The reason is kept in the audit trail.")


def draft_histories(enrolled: Iterable[tuple[int, Enrolment, Plan]]) -> None:
    """Draft what the histories of these participants depart in; nothing where nobody's does.

    Participants by id, just put on record; the caller holds the transaction.
    """
    wanted = [one for pk, enrolment, plan in enrolled for one in _wanted(pk, enrolment, plan)]
    if wanted:
        draft_at_enrolment(wanted)


def await_histories(enrolled: Iterable[tuple[int, Enrolment]]) -> date | None:
    """Let the sweeps wait for those whose history is still to come; gives the day of the last one."""
    since: date | None = None
    ids: dict[date, list[int]] = {}
    for pk, enrolment in enrolled:
        if enrolment.history:
            since = enrolment.today or timezone.localdate()
            ids.setdefault(since, []).append(pk)
    for day, pks in ids.items():
        Participant.objects.filter(pk__in=pks).update(history_since=day)
    return since


def _wanted(pk: int, enrolment: Enrolment, plan: Plan) -> Iterator[Wanted]:
    behind = [day.day for day in plan.anchors.values() if day.kind is AnchorKind.ACTUAL]
    if not behind[1:]:  # the usual enrolment, in which nothing can contradict
        return
    today = enrolment.today or max(behind)
    for one in ruling_on(enrolment, plan).departures:
        draft = draft_of(one, plan.protocol, pk, enrolment.reason)
        yield Wanted(draft, pk, enrolment.version.pk, today)
