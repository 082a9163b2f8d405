"""A map held against its trial and against what the EDC said last: what it lacks, and what it has twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from participants.selectors.participants import participants_visible_to
from schedules.models import EdcMap, EdcSubject
from trials.domain.protocols.occurrences import is_many, label_of_rule
from trials.domain.protocols.protocol import VisitRule
from trials.domain.words import Say, plain
from trials.models import ProtocolVersion, Trial, TrialSite, User
from trials.selectors.records import protocol_of, published_versions, sites_visible_to

FEW = 50
"""So many participants without a name are listed."""


@dataclass(frozen=True, slots=True)
class MapCheck:
    """What a map lacks: visit rules of the newest version, sites, participants (how many, and the first).

    `gone` are codes that it names and that the newest version no longer has, `used_twice` events that stand
    for more than one visit, `unknown` names of the EDC's last message that the map does not have.
    """

    visits: Sequence[str] = ()
    sites: Sequence[str] = ()
    people: int = 0
    first_people: Sequence[str] = ()
    gone: Sequence[str] = ()
    used_twice: Sequence[str] = ()
    unknown: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class MappedRule:
    """A visit rule that a map may name, what people call it, and whether it makes several visits."""

    code: str
    label: str
    several: bool


def checked(edc_map: EdcMap, user: User, today: date) -> MapCheck:
    """Hold a map against its trial and its last message, as far as a user sees; a constant number of queries.

    Sites and participants are those in sight; what the EDC named of either is for readers of all sites.
    """
    seen = set(sites_visible_to(user, today).values_list("code", flat=True))
    named = {event["visit"] for event in edc_map.events}
    rules = [rule.code for rule in _newest(edc_map.trial)]
    in_sight = participants_visible_to(user, today).filter(trial=edc_map.trial_id)
    without = in_sight.exclude(edc_subjects__map=edc_map)
    people = list(without.order_by("subject_code").values_list("subject_code", flat=True))
    sites = set(TrialSite.objects.filter(trial=edc_map.trial_id).values_list("site__code", flat=True))
    events = Counter((event["event_oid"], event.get("repeat_key", "")) for event in edc_map.events)
    return MapCheck(
        visits=[code for code in rules if code not in named],
        sites=sorted((sites & seen) - set(edc_map.sites)),
        people=len(people),
        first_people=people[:FEW],
        gone=sorted(named - set(rules)),
        used_twice=[" ".join(event).strip() for event, count in sorted(events.items()) if count > 1],
        unknown=_unknown(edc_map, all_sites=sites <= seen),
    )


def mapped_rules(trial: Trial, say: Say = plain) -> list[MappedRule]:
    """The visit rules that a map of a trial may name: those of the newest version, then those gone since."""
    found: dict[str, VisitRule] = {}
    for version in published_versions(trial):
        for rule in protocol_of(version).visits:
            found.setdefault(rule.code, rule)
    return [MappedRule(code, say(label_of_rule(rule)), is_many(rule)) for code, rule in found.items()]


def visit_codes(trial: Trial) -> set[str]:
    """The codes of all visit rules of the trial's published versions."""
    versions = ProtocolVersion.objects.filter(trial=trial, published_at__isnull=False).defer("document")
    return {rule.code for version in versions for rule in protocol_of(version).visits}


def _newest(trial: Trial) -> Sequence[VisitRule]:
    version = published_versions(trial).defer("document").first()
    return protocol_of(version).visits if version else ()


def _unknown(edc_map: EdcMap, *, all_sites: bool) -> list[str]:
    """What the last message named and the map does not, each once; sites and subjects for whom sees all."""
    said = edc_map.last_message or {}
    sites = set(edc_map.sites.values())
    subjects = set(EdcSubject.objects.filter(map=edc_map).values_list("external_id", flat=True))
    found: list[str] = []
    if all_sites:
        found = [name for name in said.get("sites", ()) if name not in sites]
        found += [name for name in said.get("subjects", ()) if name not in subjects]
    found += _unknown_events(edc_map, said.get("events", ()))
    return list(dict.fromkeys(found))


def _unknown_events(edc_map: EdcMap, said: Iterable[tuple[str, str]]) -> Iterator[str]:
    """The events that the map does not name, and repeats of those of which it names others."""
    keyed = {(event["event_oid"], event.get("repeat_key", "")) for event in edc_map.events}
    events = {event for event, _key in keyed}
    # an event without a repeat key in the map stands for all of its repeats
    whole = {event for event, key in keyed if not key}
    for event, key in said:
        if event not in events:
            yield event
        elif (event, key) not in keyed and event not in whole:
            yield f"{event} {key}".strip()
