"""Visits that stay where they are and ask for something else: other activities by an amendment or a trait."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db.models import F

from schedules.domain.visits.allowed_actions import activities_of
from schedules.domain.visits.visit import VisitState
from schedules.models import CalendarState, ChangeEvent, Visit
from schedules.services.replanning.previews import Preview
from trials.domain.protocols.protocol import Protocol
from trials.selectors.records import protocol_of
from trials.services.store.loading import load_rows


def reworded_visits(preview: Preview) -> list[int]:
    """Give the ids of the live visits that ask for other activities once a preview is committed.

    To be asked before the participant is changed. A visit that only names another protocol version
    keeps its row: anyone who records it meanwhile is not held up; its entry in calendars is stamped by
    what it shows.
    """
    person, proposal = preview.record.participant, preview.proposal
    if proposal.version is None and proposal.traits is None:
        return []
    before, after = protocol_of(person.protocol_version), preview.plan.protocol
    traits = frozenset(person.traits)
    new = traits if proposal.traits is None else frozenset(proposal.traits)
    return [
        visit.pk
        for visit in preview.record.visits
        if visit.live and _asked(before, visit, traits) != _asked(after, visit, new)
    ]


def raise_reworded(reworded: Mapping[int, Sequence[int]], now: datetime) -> None:
    """Raise the version and revision of these visits, by participant, and tell readers of changes.

    Those that moved in the same act are raised already. Three statements and one for the events.
    """
    pks = [pk for visits in reworded.values() for pk in visits]
    if not pks:
        return
    still = Visit.objects.filter(participant__in=[person for person in reworded if reworded[person]])
    stays = dict(still.exclude(changed_at=now).values_list("pk", "participant"))
    rows = [(pk, stays[pk]) for pk in pks if pk in stays]
    Visit.objects.filter(pk__in=[pk for pk, _person in rows]).update(
        version=F("version") + 1, sequence=F("sequence") + 1, changed_at=now
    )
    load_rows(
        ChangeEvent, ("kind", "participant_id", "visit_id"), [("reworded", person, pk) for pk, person in rows]
    )
    people = {person for _pk, person in rows}
    CalendarState.objects.filter(participant__in=people).update(revision=F("revision") + 1, changed_at=now)


def _asked(protocol: Protocol, visit: VisitState, traits: frozenset[str]) -> tuple[str, ...]:
    found = activities_of(protocol, visit.rule_code, visit.occurrence, traits)
    return tuple(activity.label for activity in found)
