"""What the pages of re-planning ask besides the preview: what others did meanwhile, versions, sites."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from zoneinfo import ZoneInfo

from django.db.models import Max, QuerySet
from django.utils.translation import gettext as _

from participants.domain.lifecycle import STEP_LABELS, Step
from participants.models import Anchor, CourseStep, Participant
from schedules.models import Visit
from schedules.selectors.store.changes import Change, FieldChange, said_of
from trials.audit.outside_names import record_name
from trials.models import AuditEntry, ProtocolVersion, Site
from trials.selectors.audit.trail_wording import fields_outside
from trials.selectors.protocols.approvals import ApprovalState, approval_states
from trials.selectors.records import published_versions

_MANY = 500
_Names = Mapping[str, Mapping[str, str]]
ANCHOR = "participants.anchor"
TOLD = {
    "participants.anchor": ("planned_on", "planned_at", "actual_on", "actual_at"),
    "participants.absence": ("first", "last", "ended"),
    "participants.coursestep": ("happened_on", "undone"),
    "participants.participant": ("traits", "protocol_version_id", "site_id"),
    "schedules.visit": ("booked_on", "performed_on", "missed_on", "cancelled_on"),
}
"""What is told of each record; that a re-planning moves every visit goes without saying."""


def last_entry(participant: int) -> int:
    """The latest entry of the trail about a participant; 0 where there is none."""
    entries = AuditEntry.objects.filter(participant_id=participant)
    return entries.aggregate(last=Max("id"))["last"] or 0


def acts_since(participant: int, entry: int, zone: ZoneInfo) -> list[Change]:
    """What others did about a participant after this entry of the trail: one for each act; four queries."""
    entries = AuditEntry.objects.filter(participant_id=participant, id__gt=entry).order_by("id")
    shown = list(entries.filter(model__in=TOLD)[:_MANY])
    return [change for _participant, change in acts_of(shown, {participant: zone})]


def acts_of(
    entries: Sequence[AuditEntry],
    zones: Mapping[int, ZoneInfo],
    known: Mapping[str, Mapping[str, str]] | None = None,
) -> list[tuple[int, Change]]:
    """What was done by these entries, about whom, one for each act and participant; three queries.

    `zones` are those of the participants' sites; `known` what visits and anchors are called, by record
    and id, where the caller has read them already: then at most one query is made, for steps.
    """
    names = {
        **(known or _known(entries)),
        "participants.coursestep": _steps(entries),
    }
    acts: dict[tuple[int, str], list[AuditEntry]] = {}
    for one in entries:
        if one.participant_id is not None:
            acts.setdefault((one.participant_id, one.act or str(one.pk)), []).append(one)
    return [(person, _change(found, names, zones[person])) for (person, _act), found in acts.items()]


def _known(entries: Sequence[AuditEntry]) -> dict[str, dict[str, str]]:
    """What the visits and anchors are called that entries are about, by record and id."""
    return {"schedules.visit": _names(Visit, "label", entries), ANCHOR: _names(Anchor, "code", entries)}


def _steps(entries: Iterable[AuditEntry]) -> dict[str, str]:
    """What the steps that entries are about are called, by id."""
    return {pk: STEP_LABELS[Step(step)] for pk, step in _names(CourseStep, "step", entries).items()}


def _names(
    model: type[Visit | Anchor | CourseStep], field: str, entries: Iterable[AuditEntry]
) -> dict[str, str]:
    """A field of the visits, anchors or steps that entries are about, by id."""
    label = record_name(model)
    ids = {entry.object_id for entry in entries if entry.model == label}
    return {str(pk): name for pk, name in model.objects.filter(pk__in=ids).values_list("pk", field)}


def _change(entries: list[AuditEntry], names: _Names, zone: ZoneInfo) -> Change:
    first = entries[0]
    reason = next((one.reason for one in entries if one.reason), "")
    return Change(first.actor, first.at.astimezone(zone), reason, tuple(_fields(entries, names, zone)))


def _fields(entries: Iterable[AuditEntry], names: _Names, zone: ZoneInfo) -> Iterator[FieldChange]:
    """The fields that are told, named after what they belong to."""
    for entry in entries:
        old, new = (json.loads(text) if text else {} for text in (entry.old, entry.new))
        changed = {name: new.get(name) for name in TOLD[entry.model] if new.get(name) or old.get(name)}
        if not changed:
            continue
        fields = fields_outside(entry.model)
        of = names.get(entry.model, {}).get(entry.object_id, "")
        for one in said_of(fields, old, changed, zone):
            name = _("%(of)s: %(name)s") % {"of": _(of), "name": one.name} if of else one.name
            yield FieldChange(name, one.old, one.new)


def other_versions(participant: Participant) -> QuerySet[ProtocolVersion]:
    """The protocol versions that a participant could be brought to: approved at the site and in use."""
    versions = list(published_versions(participant.trial))
    states = approval_states((participant.site_id, version.pk) for version in versions)
    usable = [pk for (_site, pk), state in states.items() if state is ApprovalState.IN_USE]
    return ProtocolVersion.objects.filter(pk__in=usable).exclude(pk=participant.protocol_version_id)


def sites_by_name(sites: QuerySet[Site]) -> QuerySet[Site]:
    """Sites in the order of a list."""
    return sites.order_by("code")
