"""What an investigator signs of a participant: the schedule as it stands, a deviation's classification."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db.models import F, Value
from django.db.models.functions import Concat
from django.utils.translation import gettext as _

from participants.models import Anchor, Participant
from schedules.models import Deviation, ProtocolWindow, Visit, VisitActivity
from trials.domain.audit.signing import Content
from trials.selectors.protocols.approvals import Signable

SCHEDULE = "participants.participant"
DEVIATION = "schedules.deviation"

_ANCHOR = ("code", "planned_on", "planned_at", "actual_on", "actual_at")
_VISIT = (
    "code", "attempt", "opens", "target", "closes", "timing_basis", "tolerance_basis",
    "booked_on", "booked_start", "booked_end", "booked_place",
    "performed_on", "performed_at", "outside_reason", "missed_on", "missed_reason",
    "cancelled_on", "cancelled_reason", "applies", "held_on",
)  # fmt: skip
_ACTIVITY = ("attempt", "done", "done_at", "reason")
_WINDOW = ("code", "starts_on", "starts_at", "ends_on", "ends_at", "basis", "cancelled_on")
_DEVIATION = (
    "key", "kind", "found_on", "occurred_on", "planned_on", "opens", "closes", "actual_on", "days", "facts",
    "description", "classification", "affects_safety", "affects_rights", "affects_data", "cause", "action",
    "reported_to_sponsor_on", "reported_to_ethics_on", "withdrawn_on", "withdrawn_reason",
)  # fmt: skip


def signable_schedule(participant: Participant) -> Signable:
    """A participant's schedule: version, traits, anchors, windows, and every visit with what became of it.

    Whatever of these changes voids a signature; suggestions and labels are none of them. Four
    queries, besides what the participant was read with.
    """
    content = _schedule(participant)
    rows = (
        Participant.objects.filter(pk=participant.pk),
        *(model.objects.filter(participant=participant) for model in (Anchor, Visit, VisitActivity)),
        ProtocolWindow.objects.filter(participant=participant),
    )
    related = ("trial", "site", "protocol_version")
    return Signable(
        SCHEDULE,
        participant.pk,
        content,
        participant.site,
        participant.trial,
        rows=rows,
        read_again=lambda: _schedule(Participant.objects.select_related(*related).get(pk=participant.pk)),
    )


def _schedule(participant: Participant) -> Content:
    version = participant.protocol_version
    return {
        "record": SCHEDULE,
        "id": participant.pk,
        "participant": participant.subject_code,
        "trial": participant.trial.code,
        "site": participant.site.code,
        "protocol_version": version.label,
        "protocol_digest": version.digest,
        "traits": sorted(participant.traits),
        "anchors": _rows(Anchor.objects.filter(participant=participant).order_by("code"), _ANCHOR),
        "visits": _rows(
            Visit.objects.filter(participant=participant).order_by("attempt", "target", "code"), _VISIT
        ),
        "activities": _activities(participant),
        "windows": _rows(ProtocolWindow.objects.filter(participant=participant).order_by("code"), _WINDOW),
    }


def signable_deviation(deviation: Deviation) -> Signable:
    """A deviation with its classification, which is what the signature stands for."""
    person = deviation.participant
    refusal = "" if deviation.classification else _("It is not classified yet: classify it before you sign.")
    if deviation.withdrawn_on:
        refusal = _("It was withdrawn: there is no classification to sign.")
    related = ("participant__site", "participant__trial", "protocol_version")
    return Signable(
        DEVIATION,
        deviation.pk,
        _deviation(deviation),
        person.site,
        person.trial,
        refusal,
        rows=(Deviation.objects.filter(pk=deviation.pk),),
        read_again=lambda: _deviation(Deviation.objects.select_related(*related).get(pk=deviation.pk)),
    )


def _deviation(deviation: Deviation) -> Content:
    person = deviation.participant
    return {
        "record": DEVIATION,
        "id": deviation.pk,
        "participant": person.subject_code,
        "trial": person.trial.code,
        "site": person.site.code,
        "protocol_version": deviation.protocol_version.label,
        **{name: _plain(getattr(deviation, name)) for name in _DEVIATION},
    }


def _activities(participant: Participant) -> list[dict[str, Any]]:
    """What was done at which visit and what was left, named by both."""
    rows = VisitActivity.objects.filter(participant=participant).annotate(attempt=F("visit__attempt"))
    named = rows.annotate(name=Concat("visit__code", Value("/"), "code")).order_by("attempt", "name")
    return [{"code": row.pop("name"), **row} for row in _rows(named, ("name", *_ACTIVITY))]


def _rows(found: Any, names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Rows as plain data, without what is empty."""
    return [
        {name: _plain(value) for name, value in row.items() if value not in {None, ""}}
        for row in found.values(*names)
    ]


def _plain(value: Any) -> Any:
    """A day or an instant as text; instants in UTC, so that a zone's rules change nothing."""
    return value.isoformat() if isinstance(value, date | datetime) else value
