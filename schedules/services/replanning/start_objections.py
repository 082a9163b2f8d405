"""What speaks against a start that is put on record: a closed gate, the list of readiness."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from schedules.domain.readiness.start_context import Answer, Item, start_codes
from schedules.domain.readiness.start_flags import words_of_lines
from schedules.domain.replanning.protocol_departures import Departure, DepartureKind, departure_sentence
from schedules.selectors.readiness.start_lines import drafted_lines
from schedules.services.readiness.gates import Candidate, refusal_of_move
from schedules.services.readiness.starts import readiness_at, start_put_on_record
from schedules.services.replanning.previews import Preview
from schedules.services.replanning.refusals import DepartureNeedsReason, StartNeedsReason
from schedules.services.replanning.side_effects import with_side_effects
from trials.domain.words import Words, run_on
from trials.spoken import say

OF_THE_SITE = frozenset({Item.BED, Item.SLOT, Item.HOLIDAYS})
"""Lines that are the site's own business: a start against them is no departure from the protocol."""


def with_start(preview: Preview, now: datetime) -> Preview:
    """The preview with what speaks against the start that it puts on record; no query where it puts none."""
    found = start_departures(preview, now) if recorded_start(preview) else ()
    return replace(preview, around=replace(preview.around, start=found)) if found else preview


def recorded_start(preview: Preview) -> tuple[str, date] | None:
    """The start that a preview puts on record, or corrects to another day.

    That is the point of no return, or day zero while no such point is on record.
    """
    before, after = preview.record.anchors, preview.proposal.anchors
    zero = preview.plan.protocol.day_zero
    day = after[zero].actual_on if zero in after else None
    stood = before[zero].actual_on if zero in before else None
    begun = any(before[code].actual_on for code in start_codes(preview.plan) if code in before)
    start = start_put_on_record(preview.plan, before, after)
    return start or ((zero, day) if day and day != stood and not begun else None)


@transaction.atomic
def start_departures(preview: Preview, now: datetime) -> tuple[Departure, ...]:
    """A closed gate and the lines of the list that say no."""
    start = recorded_start(preview)
    assert start is not None, "asked of starts alone"
    anchor, day = start
    found = []
    if gate := gate_against(preview):
        found.append(Departure(DepartureKind.GATE, anchor, day, why=gate))
    readiness = readiness_at(preview.record.participant, preview.plan, start, now)
    against = [line for line in readiness.answering(Answer.NO) if line.item is not Item.GATE or not gate]
    if against:
        own = drafted_lines(preview.record.participant.pk)
        drafts = any(line.item not in OF_THE_SITE and (line.item, line.of) not in own for line in against)
        found.append(
            Departure(DepartureKind.START, anchor, day, why=tuple(words_of_lines(against)), drafts=drafts)
        )
    return tuple(found)


def gate_against(preview: Preview) -> tuple[Words, ...] | None:
    """Why the start that is moved, put on record or corrected meets a closed gate; None where it does not."""
    person, anchors = preview.record.participant, preview.record.anchors
    recording = recorded_start(preview) is not None
    behind = {*start_codes(preview.plan), preview.plan.protocol.day_zero} & anchors.keys()
    if not recording and any(anchors[code].actual_on for code in behind):
        return None
    level = person.cohort.code if person.cohort else None
    candidate = Candidate(person.subject_code, person.trial_id, person.site, level, preview.now)
    return refusal_of_move(preview.plan, candidate, recording=recording)


def require_departure_reason(preview: Preview, reason: str, now: datetime) -> None:
    """Raise DepartureNeedsReason, with the preview, where something departs and nobody says why."""
    if reason.strip() or not preview.departures:
        return
    protocol = preview.plan.protocol
    said = run_on((departure_sentence(one, protocol, say, ahead=True) for one in preview.departures), say)
    message = _("%(departures)s Enter why it happened. The reason is kept in the audit trail.")
    error = StartNeedsReason if preview.around.start else DepartureNeedsReason
    raise error(message % {"departures": said}, with_side_effects(preview, now))
