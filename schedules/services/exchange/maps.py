"""The map between the names of a trial and those of an EDC: kept as a whole, in versions, and checked.

An event is one entry: `visit` (a visit rule's code), `occurrence` where only one of several is meant, and in
the EDC's words `event_oid`, `repeat_key`, and for the field that holds the day of the visit `form_oid`,
`item_group_oid` and `date_item_oid`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from participants.models import Participant
from schedules.models import EdcMap, EdcSubject
from trials.audit.acts import recorded
from trials.domain.errors import Refused, Stale
from trials.models import ProtocolVersion, Trial, TrialSite, User
from trials.selectors.records import protocol_of, published_versions


@dataclass(frozen=True, slots=True)
class MapContent:
    """What a map says: the study's OID, the EDC's id of each site by our code, its events."""

    study_oid: str
    sites: Mapping[str, str]
    events: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class MapKey:
    """Which map: of a trial, an EDC and an environment."""

    trial: Trial
    edc: str
    environment: str


@recorded
def save_map(*, key: MapKey, version: int | None, content: MapContent, by: User | None) -> EdcMap:
    """Save a map as a whole; `version` is the one that was read, None for a map that is new.

    Raises Stale, and Refused for names that are given twice or that the trial does not have.
    """
    found = (
        EdcMap.objects.select_for_update()
        .filter(trial=key.trial, edc=key.edc, environment=key.environment)
        .first()
    )
    if found is not None and found.version != version:
        raise Stale("schedules.edcmap", found.pk, version or 0, found.version)
    _refuse(key.trial, content)
    row = found or EdcMap(trial=key.trial, edc=key.edc, environment=key.environment, version=0)
    row.study_oid, row.sites = content.study_oid, dict(content.sites)
    row.events = [dict(event) for event in content.events]
    row.version += 1
    try:
        row.clean_fields(exclude={"sites", "events"})
    except ValidationError as error:
        raise Refused(error.message_dict) from error
    row.save()
    return row


@recorded
def name_subjects(*, edc_map: EdcMap, names: Mapping[str, str], by: User | None) -> int:
    """Keep the EDC's name of each participant, by subject code; gives how many changed.

    Raises Refused for a code that nobody in the trial has and for a name that two would have.
    """
    people = dict(
        Participant.objects.filter(trial=edc_map.trial_id, subject_code__in=names).values_list(
            "subject_code", "pk"
        )
    )
    if unknown := sorted(set(names) - set(people)):
        words = _("Nobody in this trial has the subject code %(codes)s.")
        raise Refused({"subjects": [words % {"codes": ", ".join(unknown)}]})
    stored = {row.participant_id: row for row in EdcSubject.objects.filter(map=edc_map)}
    after = {pk: row.external_id for pk, row in stored.items()}
    after |= {people[code]: name for code, name in names.items()}
    if twice := _twice(after.values()):
        raise Refused({"subjects": [_("Given to more than one participant: %(names)s.") % {"names": twice}]})
    changed = [pk for pk, name in after.items() if pk not in stored or stored[pk].external_id != name]
    EdcSubject.objects.filter(map=edc_map, participant__in=changed).delete()
    EdcSubject.objects.bulk_create(
        EdcSubject(map=edc_map, participant_id=pk, external_id=after[pk]) for pk in changed
    )
    return len(changed)


def check_map(edc_map: EdcMap) -> Iterator[str]:
    """Say in words what of the trial the map does not name yet."""
    version = published_versions(edc_map.trial).first()
    if version is not None:
        named = {event["visit"] for event in edc_map.events}
        missing = [rule.code for rule in protocol_of(version).visits if rule.code not in named]
        if missing:
            yield _("Visits without an event: %(codes)s.") % {"codes": ", ".join(missing)}
    sites = _sites(edc_map.trial) - set(edc_map.sites)
    if sites:
        yield _("Sites without a name in the EDC: %(codes)s.") % {"codes": ", ".join(sorted(sites))}
    people = Participant.objects.filter(trial=edc_map.trial_id).exclude(edc_subjects__map=edc_map).count()
    if people:
        yield _("Participants without a name in the EDC: %(count)d.") % {"count": people}


def _refuse(trial: Trial, content: MapContent) -> None:
    refused: dict[str, list[str]] = {}
    if unknown := sorted(set(content.sites) - _sites(trial)):
        words = _("The trial does not run at %(codes)s.") % {"codes": ", ".join(unknown)}
        refused["sites"] = [words]
    if twice := _twice(content.sites.values()):
        refused.setdefault("sites", []).append(
            _("Given to more than one site: %(names)s.") % {"names": twice}
        )
    codes = _visit_codes(trial)
    strange = sorted({event["visit"] for event in content.events} - codes)
    if strange:
        words = _("No published protocol of the trial has the visit %(codes)s.")
        refused["events"] = [words % {"codes": ", ".join(strange)}]
    ours = _twice(f"{event['visit']} {event.get('occurrence') or ''}".strip() for event in content.events)
    theirs = _twice(f"{event['event_oid']} {event.get('repeat_key', '')}".strip() for event in content.events)
    for names in (ours, theirs):
        if names:
            words = _("Given more than once: %(names)s.") % {"names": names}
            refused.setdefault("events", []).append(words)
    if refused:
        raise Refused(refused)


def _sites(trial: Trial) -> set[str]:
    return set(TrialSite.objects.filter(trial=trial).values_list("site__code", flat=True))


def _visit_codes(trial: Trial) -> set[str]:
    """The codes of all visit rules of the trial's published versions."""
    versions = ProtocolVersion.objects.filter(trial=trial, published_at__isnull=False)
    return {rule.code for version in versions for rule in protocol_of(version).visits}


def _twice(names: Any) -> str:
    return ", ".join(sorted(name for name, count in Counter(names).items() if count > 1))
