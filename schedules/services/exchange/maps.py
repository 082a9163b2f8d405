"""The map between the names of a trial and those of an EDC: kept as a whole, in versions, and checked.

An event is one entry: `visit` (a visit rule's code), `occurrence` where only one of several is meant, and in
the EDC's words `event_oid`, `repeat_key`, and for the field that holds the day of the visit `form_oid`,
`item_group_oid` and `date_item_oid`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from participants.models import Participant
from schedules.formats.odm import fits_xml
from schedules.models import EdcMap, EdcSubject
from schedules.selectors.exchange.map_check import MapCheck, visit_codes
from trials.audit.acts import recorded
from trials.domain.errors import Refused, Stale
from trials.models import Trial, TrialSite, User

MOST_NAMED = 5
MOST_NAMES = 2000
"""So many names of a message are kept; one that has more names nothing that a page could show."""


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
    Trial.objects.select_for_update(no_key=True).get(pk=key.trial.pk)  # of two who make it, one is told
    # only behind that lock: there is no row yet that two who make it could both lock
    found = EdcMap.objects.filter(trial=key.trial, edc=key.edc, environment=key.environment).first()
    present = found.version if found else 0
    if present != (version or 0):
        raise Stale("schedules.edcmap", found.pk if found else 0, version or 0, present)
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
    EdcMap.objects.select_for_update(no_key=True).get(pk=edc_map.pk)
    people = dict(
        Participant.objects.filter(trial=edc_map.trial_id, subject_code__in=names).values_list(
            "subject_code", "pk"
        )
    )
    if unknown := sorted(set(names) - set(people)):
        words = _("Nobody in this trial has the subject code %(codes)s.")
        raise Refused({"subjects": [words % {"codes": _(", ").join(unknown)}]})
    stored = {row.participant_id: row for row in EdcSubject.objects.filter(map=edc_map)}
    after = {pk: row.external_id for pk, row in stored.items()}
    after |= {people[code]: name for code, name in names.items()}
    if odd := _unwritable(names.values()):
        raise Refused({"subjects": [odd]})
    if twice := _twice(after.values()):
        raise Refused({"subjects": [_("Given to more than one participant: %(names)s.") % {"names": twice}]})
    changed = [pk for pk, name in after.items() if pk not in stored or stored[pk].external_id != name]
    EdcSubject.objects.filter(map=edc_map, participant__in=changed).delete()
    EdcSubject.objects.bulk_create(
        EdcSubject(map=edc_map, participant_id=pk, external_id=after[pk]) for pk in changed
    )
    return len(changed)


@dataclass(frozen=True, slots=True)
class MessageNames:
    """The names that a message of an EDC uses: of sites, subjects, and events with their repeat keys."""

    sites: Iterable[str] = ()
    subjects: Iterable[str] = ()
    events: Iterable[tuple[str, str]] = ()


@recorded
def note_message(*, edc_map: EdcMap, names: MessageNames, now: datetime, by: User | None) -> None:
    """Keep what the EDC's last message named, for the page that shows what the map lacks."""
    edc_map.last_message = {
        "sites": sorted(set(names.sites))[:MOST_NAMES],
        "subjects": sorted(set(names.subjects))[:MOST_NAMES],
        "events": [list(pair) for pair in sorted(set(names.events))[:MOST_NAMES]],
    }
    edc_map.last_message_at = now
    edc_map.save(update_fields=["last_message", "last_message_at"])


def check_map(check: MapCheck) -> Iterator[str]:
    """Say in words what of the trial a map does not name yet, and what the EDC names beside it."""
    if check.visits:
        yield _("Visits without an event: %(codes)s.") % {"codes": _(", ").join(check.visits)}
    if check.sites:
        yield _("Sites without a name in the EDC: %(codes)s.") % {"codes": _(", ").join(check.sites)}
    if check.people:
        yield _("Participants without a name in the EDC: %(count)d.") % {"count": check.people}
    if check.used_twice:
        yield _("Given more than once: %(names)s.") % {"names": _(", ").join(check.used_twice)}
    if check.unknown:
        words = _("In the EDC's last message and not in the map: %(names)s.")
        yield words % {"names": _(", ").join(check.unknown)}


def _refuse(trial: Trial, content: MapContent) -> None:
    written = [text for event in content.events for text in event.values() if isinstance(text, str)]
    refusals = {
        "study_oid": [_unwritable([content.study_oid])],
        "sites": [*_refusals_of_sites(trial, content.sites), _unwritable(content.sites.values())],
        "events": [*_refusals_of_events(trial, content.events), _unwritable(written)],
    }
    said = {field: [words for words in found if words] for field, found in refusals.items()}
    if any(said.values()):
        raise Refused({field: words for field, words in said.items() if words})


def _refusals_of_sites(trial: Trial, sites: Mapping[str, str]) -> Iterator[str]:
    if unknown := sorted(set(sites) - _sites(trial)):
        yield _("The trial does not run at %(codes)s.") % {"codes": _(", ").join(unknown)}
    if twice := _twice(sites.values()):
        yield _("Given to more than one site: %(names)s.") % {"names": twice}


def _refusals_of_events(trial: Trial, events: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if strange := sorted({event["visit"] for event in events} - visit_codes(trial)):
        words = _("No published protocol of the trial has the visit %(codes)s.")
        yield words % {"codes": _(", ").join(strange)}
    ours = _twice(f"{event['visit']} {event.get('occurrence') or ''}".strip() for event in events)
    theirs = _twice(f"{event['event_oid']} {event.get('repeat_key', '')}".strip() for event in events)
    for names in filter(None, (ours, theirs)):
        yield _("Given more than once: %(names)s.") % {"names": names}


def _unwritable(names: Iterable[str]) -> str:
    """Say which names cannot stand in an ODM file, as many as are worth reading; empty for none."""
    odd = sorted({ascii(name) for name in names if not fits_xml(name)})[:MOST_NAMED]
    words = _("An ODM file cannot hold the control characters in %(names)s. Type the name again.")
    return words % {"names": _(", ").join(odd)} if odd else ""


def _sites(trial: Trial) -> set[str]:
    return set(TrialSite.objects.filter(trial=trial).values_list("site__code", flat=True))


def _twice(names: Any) -> str:
    return _(", ").join(sorted(name for name, count in Counter(names).items() if count > 1))
