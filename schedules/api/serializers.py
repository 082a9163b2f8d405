"""Visits as the API shows them: what the schema says of one, and the document that is sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from rest_framework import serializers

from participants.domain.lifecycle import STEP_LABELS, Step
from participants.domain.moments import on_record
from schedules.domain.visits.edc_words import EdcStatus, edc_status
from schedules.domain.visits.status import Appointment, WindowPosition
from schedules.models import Basis, VisitPlace, VisitTiming
from schedules.selectors.exchange.odm import ExternalNames
from schedules.selectors.exchange.visit_rows import ListedVisit
from trials.domain.audit.own_reasons import reason_text
from trials.domain.protocols.occurrences import is_many
from trials.domain.words import Say
from trials.spoken import say as say_now

WINDOWS = [position.value for position in WindowPosition]
APPOINTMENTS = [appointment.value for appointment in Appointment]
EDC_STATUSES = [status.value for status in EdcStatus]


class VisitBasisSerializer(serializers.Serializer):
    """Whether the protocol states a thing or somebody assumed it; a range has no tolerance."""

    timing = serializers.ChoiceField(Basis.values, help_text="Of when the visit is, by the protocol version.")
    tolerance = serializers.ChoiceField(
        Basis.values,
        allow_null=True,
        help_text="Of the days around its target, by the protocol version; null for a range.",
    )


class VisitAnchorSerializer(serializers.Serializer):
    """What a visit counts from, and how that day is known."""

    code = serializers.CharField(help_text="The anchor's code in the protocol version.")
    date = serializers.DateField(help_text="Its day at the site, from the participant's anchors.")
    kind = serializers.ChoiceField(
        ["planned", "actual", "derived"],
        help_text="Whether a person planned the day, it has come, or it follows from another.",
    )
    assumed = serializers.BooleanField(
        help_text="Whether it follows from other days by a rule that no record states.",
    )


class EdcPersonSerializer(serializers.Serializer):
    """What an EDC calls a participant and where; null for what its map does not name."""

    study_oid = serializers.CharField(allow_null=True, help_text="The EDC's OID of the study.")
    site = serializers.CharField(allow_null=True, help_text="The EDC's id of the site.")
    subject = serializers.CharField(allow_null=True, help_text="The EDC's name of the participant.")


class EdcVisitSerializer(EdcPersonSerializer):
    """What an EDC calls a visit, whose and where; null for what its map does not name."""

    event_oid = serializers.CharField(allow_null=True, help_text="StudyEventOID.")
    repeat_key = serializers.CharField(allow_null=True, help_text="StudyEventRepeatKey; null without one.")
    form_oid = serializers.CharField(allow_null=True, help_text="The form on which the day of the visit is.")
    item_group_oid = serializers.CharField(allow_null=True, help_text="The item group of that field.")
    date_item_oid = serializers.CharField(allow_null=True, help_text="The field that holds the day.")


class VisitSerializer(serializers.Serializer):
    """One visit of one participant. Days are whole days in the site's zone, both ends of a window inside."""

    id = serializers.IntegerField(help_text="Ours; it never changes and is never given again.")
    trial = serializers.CharField(help_text="The trial's code.")
    site = serializers.CharField(help_text="The code of the participant's present site.")
    participant = serializers.IntegerField(help_text="The participant's id.")
    subject_code = serializers.CharField(help_text="The participant's pseudonym, once in a trial.")
    protocol_version = serializers.CharField(
        help_text="The version by which it is read: the one under which it was done, else the present one."
    )
    code = serializers.CharField(help_text="Of this visit, from the protocol: `d28`, or `ld-2` of several.")
    rule = serializers.CharField(help_text="The code of the visit rule; with `occurrence` the natural key.")
    occurrence = serializers.IntegerField(help_text="Which of the rule's visits, from 1.")
    attempt = serializers.IntegerField(
        help_text="Which attempt at screening or lymphodepletion it belongs to, from 1; 0 was withdrawn."
    )
    label = serializers.CharField(  # type: ignore[assignment]
        help_text="What people call it, from the protocol, in the client's language."
    )
    epoch = serializers.CharField(help_text="The code of the period of the trial, from the protocol.")
    timing = serializers.ChoiceField(
        VisitTiming.values,
        help_text="At an offset, once within a range, on each day of one, or over one; from the protocol.",
    )
    place = serializers.ChoiceField(VisitPlace.values, help_text="Where it happens, from the protocol.")
    anchor = VisitAnchorSerializer(help_text="What it counts from.")
    offset = serializers.CharField(help_text="From the anchor, by the protocol: a signed ISO 8601 duration.")
    opens = serializers.DateField(help_text="The first day of the window, from anchor and protocol.")
    target = serializers.DateField(help_text="The day that the protocol aims at; of a range its first.")
    closes = serializers.DateField(help_text="The last day of the window.")
    target_at = serializers.DateTimeField(
        allow_null=True, help_text="The instant, for a visit that is timed in hours; in the site's zone."
    )
    suggested = serializers.DateField(
        allow_null=True, help_text="The clinic day in the window nearest to the target; null on the ward."
    )
    basis = VisitBasisSerializer(help_text="Whether its timing is stated or assumed.")
    as_of = serializers.DateField(
        help_text="The day at the site on which `window` and `appointment` are taken: today, or `as_of`."
    )
    window = serializers.ChoiceField(
        WINDOWS,
        help_text="Where that day lies in the window; `last-days`: three clinic days or fewer; `waiting`: on "
        "hold, or the window is reached and the planned day it counts from is not recorded as happened.",
    )
    appointment = serializers.ChoiceField(
        APPOINTMENTS,
        help_text="What people did; `to-record`: its day or its window is over, nothing is entered.",
    )
    edc_status = serializers.ChoiceField(
        EDC_STATUSES,
        help_text="The same in an EDC's words, from the record alone: completed; skipped (missed, cancelled "
        "by itself, or not asked of this participant); stopped (by the end of the course); scheduled.",
    )
    reason = serializers.CharField(
        allow_null=True,
        help_text="Why it was missed, cancelled, or done outside its window, as entered; of one that was "
        "stopped the step of the course as well. Null where nobody gave one.",
    )
    days_outside = serializers.IntegerField(
        help_text="Days by which it was done before its window (negative) or after it; 0 for any other.",
    )
    booked_on = serializers.DateField(allow_null=True, help_text="The day of the booking, at the site.")
    booking_fits = serializers.BooleanField(
        allow_null=True,
        help_text="False once the window has left the booked day: no appointment. Null without a booking.",
    )
    booked_start = serializers.DateTimeField(
        allow_null=True, help_text="From when it is booked, with the site's offset; null for a whole day."
    )
    booked_end = serializers.DateTimeField(allow_null=True, help_text="Until when, with the site's offset.")
    booked_place = serializers.CharField(help_text="Where it is booked, as entered; empty where nobody said.")
    arrived_on = serializers.DateField(allow_null=True, help_text="The day on which the participant came.")
    arrived_at = serializers.DateTimeField(allow_null=True, help_text="When, with the site's offset.")
    performed_on = serializers.DateField(
        allow_null=True, help_text="The day on which it was done, at the site, as recorded."
    )
    performed_at = serializers.DateTimeField(
        allow_null=True, help_text="When it was done, with the offset of the place where it was recorded."
    )
    missed_on = serializers.DateField(
        allow_null=True, help_text="The day on which it was recorded as missed."
    )
    cancelled_on = serializers.DateField(allow_null=True, help_text="The day on which it was cancelled.")
    held_on = serializers.DateField(allow_null=True, help_text="Since when its calendar waits.")
    unscheduled = serializers.BooleanField(help_text="Whether it was added at the site: no rule asks for it.")
    version = serializers.IntegerField(
        help_text="Counts the changes of the record; the number at the head of its ETag."
    )
    because = serializers.CharField(
        required=False,
        help_text="Why the date is what it is, in words: anchor, offset, tolerance, basis, version. Only "
        "where `include=because` asks for it.",
    )
    edc = EdcVisitSerializer(
        required=False,
        allow_null=True,
        help_text="What the EDC of the parameter `edc` calls it; null without a map of the trial, and only "
        "where `edc` asks for it.",
    )


def edc_named(
    documents: Iterable[dict[str, Any]], visits: Sequence[ListedVisit], names: ExternalNames | None
) -> list[dict[str, Any]]:
    """The documents of visits, each with what an EDC calls it where one is named; one query."""
    if names is None:
        return list(documents)
    subjects = names.subjects([one.state.participant_id for one in visits])
    theirs = (_edc_names(one, names, subjects) for one in visits)
    return [{**one, "edc": edc} for one, edc in zip(documents, theirs, strict=True)]


def _edc_names(visit: ListedVisit, names: ExternalNames, subjects: Mapping[int, str]) -> Any:
    """What an EDC calls a visit; None where it has no map of the trial."""
    state, trial = visit.state, visit.edition.trial
    person = names.person(trial, visit.at.code, subjects.get(state.participant_id))
    if person is None:
        return None
    rule = visit.protocol.visit_by_code.get(state.rule_code)
    repeats = rule is not None and is_many(rule)
    return {**person, **names.visit(trial, state.rule_code, state.occurrence, repeats=repeats)}


def visit_document(visit: ListedVisit, say: Say, *, because: bool = False) -> dict[str, Any]:
    """A visit as it is sent; `because` adds the explanation.

    One table in the order of the schema: made of four, a page of a hundred took a thirtieth longer.
    """
    state, beside, at, edition = visit
    zone, standing = at.zone, visit.standing
    document = {
        "id": state.pk,
        "trial": edition.trial,
        "site": at.code,
        "participant": state.participant_id,
        "subject_code": beside.subject_code,
        "protocol_version": edition.label,
        "code": state.code,
        "rule": state.rule_code,
        "occurrence": state.occurrence,
        "attempt": state.attempt,
        "label": say(state.label),
        "epoch": state.epoch,
        "timing": state.timing,
        "place": state.place,
        "anchor": {
            "code": state.anchor_code,
            "date": state.anchor_on,
            "kind": state.anchor_kind,
            "assumed": visit.anchor_assumed,
        },
        "offset": state.offset,
        "opens": state.opens,
        "target": state.target,
        "closes": state.closes,
        "target_at": _local(state.target_at, zone),
        "suggested": state.suggested,
        "basis": {"timing": state.timing_basis, "tolerance": state.tolerance_basis or None},
        "as_of": at.days.today,
        "window": standing.window,
        "appointment": standing.appointment,
        "edc_status": edc_status(state),
        "reason": _reason(visit, say),
        "days_outside": standing.days_outside,
        "booked_on": state.booked_on,
        "booking_fits": visit.booking_fits,
        "booked_start": on_record(beside.booked_start, beside.booked_zone, zone),
        "booked_end": on_record(beside.booked_end, beside.booked_zone, zone),
        "booked_place": beside.booked_place,
        "arrived_on": state.arrived_on,
        "arrived_at": on_record(beside.arrived_at, beside.arrived_zone, zone),
        "performed_on": state.performed_on,
        "performed_at": on_record(state.performed_at, state.performed_zone, zone),
        "missed_on": state.missed_on,
        "cancelled_on": state.cancelled_on,
        "held_on": state.held_on,
        "unscheduled": state.unscheduled,
        "version": state.version,
    }
    if because:
        document["because"] = visit.because(say)
    return document


@lru_cache(maxsize=4096)
def said_once(_language: str, message: str) -> str:
    """Return a message in the language of the thread; the labels of all pages are few."""
    return say_now(message)


def _local(at: datetime | None, zone: ZoneInfo) -> datetime | None:
    return None if at is None else at.astimezone(zone)


def _reason(visit: ListedVisit, say: Say) -> str | None:
    """Why a visit ended as it did, as a person entered it."""
    state, beside = visit.state, visit.beside
    if state.performed_on is not None:
        return state.outside_reason or None
    if state.cancelled_on is not None:
        step = say(STEP_LABELS[Step(beside.ended_by)]) if beside.ended_by else ""
        said = dict.fromkeys((step, beside.ended_because or "", reason_text(beside.cancelled_reason, say)))
        return "; ".join(part for part in said if part) or None
    return (beside.missed_reason or None) if state.missed_on is not None else None
