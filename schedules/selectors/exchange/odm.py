"""The visits of a trial as an EDC names them: events with repeat keys and days, by its map."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet
from django.utils.translation import gettext

from participants.selectors.participants import participants_visible_to
from schedules.domain.errors import FilterRefused
from schedules.formats.odm import DateItem, EventDay, SubjectDays
from schedules.models import ChangeEvent, EdcMap, EdcSubject, Visit
from schedules.selectors.exchange.map_check import mapped_rules
from trials.models import User
from trials.selectors.records import trials_visible_to
from trials.zones import roles_day

AT_ONCE = 500
"""How many subjects are read at once."""


@dataclass(frozen=True, slots=True)
class EventMap:
    """A map made quick to look things up in, both ways."""

    edc_map: EdcMap
    codes: Mapping[str, str] = field(default_factory=dict)
    """The subject code by the EDC's name."""

    @classmethod
    def of(cls, edc_map: EdcMap) -> EventMap:
        """Read the names of the subjects; one query."""
        named = EdcSubject.objects.filter(map=edc_map).values_list("external_id", "participant__subject_code")
        return cls(edc_map, dict(named))

    @property
    def items(self) -> dict[str, DateItem]:
        """Where the day stands, by event OID; an event without a date item is left out."""
        dated = (event for event in self.edc_map.events if event.get("date_item_oid"))
        return {event["event_oid"]: _item(event) for event in dated}

    @property
    def incomplete(self) -> list[str]:
        """The event OIDs whose date item has no form or no item group, which ODM asks for."""
        return [oid for oid, item in self.items.items() if not (item.form_oid and item.item_group_oid)]

    def rule_of(self, event_oid: str, repeat_key: str) -> tuple[str, int] | None:
        """The visit rule and the occurrence that an event of the EDC is; None where the map does not say."""
        named = [event for event in self.edc_map.events if event["event_oid"] == event_oid]
        exact = next((event for event in named if event.get("repeat_key", "") == repeat_key), None)
        if exact:
            return exact["visit"], exact.get("occurrence") or 1
        whole = next(filter(_is_for_all, named), None)
        if whole is None or (repeat_key and not _is_number(repeat_key)):
            return None
        return whole["visit"], max(int(repeat_key or 1), 1)

    def named(self, rule: str, occurrence: int, *, repeats: bool) -> tuple[Mapping[str, Any], str] | None:
        """The entry of the map and the repeat key for a visit; None where the map does not name it.

        `repeats`: the rule makes several visits, which an entry for all of them numbers.
        """
        named = [event for event in self.edc_map.events if event["visit"] == rule]
        exact = next((event for event in named if event.get("occurrence") == occurrence), None)
        entry = exact or next((event for event in named if not event.get("occurrence")), None)
        if entry is None:
            return None
        key = entry.get("repeat_key", "")
        if not exact and repeats and not key:
            key = str(occurrence)
        return entry, key

    def visits_named(self, events: Collection[str], repeat_keys: Collection[str]) -> Q:
        """The condition on visits that these events of the EDC are; without `repeat_keys` with any."""
        wanted = [one for one in self.edc_map.events if not events or one["event_oid"] in events]
        found = reduce(or_, (self._visits_of(one, repeat_keys) for one in wanted), Q(pk__in=[]))
        return found & Q(participant__trial=self.edc_map.trial_id)

    def _visits_of(self, event: Mapping[str, Any], repeat_keys: Collection[str]) -> Q:
        """The condition on the visits of one entry, which means one occurrence or all without their own."""
        rule, one, key = event["visit"], event.get("occurrence"), event.get("repeat_key", "")
        visits = Q(rule_code=rule) & (
            Q(occurrence=one) if one else ~Q(occurrence__in=self._named_alone(rule))
        )
        if not repeat_keys:
            return visits
        if not one and not key:  # the EDC numbers them
            return visits & Q(occurrence__in=[int(number) for number in repeat_keys if _is_number(number)])
        return visits if key in repeat_keys else Q(pk__in=[])

    def _named_alone(self, rule: str) -> list[int]:
        """The occurrences of a rule that have an entry of their own."""
        named = (one.get("occurrence") for one in self.edc_map.events if one["visit"] == rule)
        return [occurrence for occurrence in named if occurrence]

    def event_of(self, visit: DoneVisit, *, repeats: bool) -> EventDay | None:
        """A visit as the EDC's event with its day; None where the map does not name it."""
        found = self.named(visit.rule, visit.occurrence, repeats=repeats)
        if found is None:
            return None
        entry, key = found
        return EventDay(
            event_oid=entry["event_oid"],
            repeat_key=key,
            day=visit.done_on.isoformat() if visit.done_on else None,
            item=_item(entry) if entry.get("date_item_oid") else None,
            removed=visit.done_on is None,
        )


class DoneVisit(NamedTuple):
    """Of whom a visit is, which of which rule it is, and the day on which it was done."""

    participant: int
    rule: str
    occurrence: int
    done_on: date | None


def subjects_done(
    user: User, edc_map: EdcMap, now: datetime, since: tuple[int, int] | None = None
) -> Iterator[SubjectDays]:
    """The days on which mapped visits were done, by subject, a few hundred subjects at a time.

    With `since`, the numbers of a first and a last change, those visits alone that changed in between, and
    the ones that are no longer done. Participants whom the map does not name are left out.
    """
    events = EventMap(edc_map)
    # by the protocol, and not by whom it asked more than once so far: a key stays what it was
    repeating = {rule.code for rule in mapped_rules(edc_map.trial) if rule.several}
    people = participants_visible_to(user, roles_day(now)).filter(trial=edc_map.trial_id)
    named = EdcSubject.objects.filter(map=edc_map, participant__in=people)
    visits = Visit.objects.filter(performed_on__isnull=False)
    if since is not None:
        first, last = since
        changed = ChangeEvent.objects.filter(number__gt=first, number__lte=last, visit__isnull=False)
        named = named.filter(participant__in=changed.values("participant"))
        visits = Visit.objects.filter(pk__in=changed.values("visit"))
    for subjects in _subjects(named):
        rows = visits.filter(participant__in=list(subjects)).order_by("target", "pk")
        columns = rows.values_list("participant_id", "rule_code", "occurrence", "performed_on")
        done: dict[int, list[EventDay]] = {}
        for visit in map(DoneVisit._make, columns):
            event = events.event_of(visit, repeats=visit.rule in repeating)
            if event:
                done.setdefault(visit.participant, []).append(event)
        for pk, (name, site) in subjects.items():
            if pk in done:
                latest = {(one.event_oid, one.repeat_key): one for one in done[pk]}  # of several attempts
                yield SubjectDays(name, edc_map.sites.get(site, ""), list(latest.values()))


def _subjects(named: QuerySet[EdcSubject]) -> Iterator[dict[int, tuple[str, str]]]:
    """The names of participants and the codes of their sites by id, in the order of their subject codes."""
    rows = named.order_by("participant__subject_code").values_list(
        "participant_id", "external_id", "participant__site__code", "participant__subject_code"
    )
    after = ""
    while page := list(rows.filter(participant__subject_code__gt=after)[:AT_ONCE]):
        yield {pk: (name, site) for pk, name, site, _code in page}
        after = page[-1][-1]


@dataclass(frozen=True, slots=True)
class ExternalNames:
    """The maps of one EDC in one environment, by the trial's code: what reads by its ids and shows them."""

    maps: Mapping[str, EventMap] = field(default_factory=dict)

    def people(self, subjects: Collection[str], sites: Collection[str]) -> Q:
        """The condition on participants whom the EDC knows by these names, at sites that it names so."""
        maps = [one.edc_map for one in self.maps.values()]
        found = Q(trial__in=[one.trial_id for one in maps])
        if subjects:
            named = EdcSubject.objects.filter(map__in=[one.pk for one in maps], external_id__in=set(subjects))
            found &= Q(pk__in=named.values("participant"))
        if sites:
            at = Q(pk__in=[])
            for one in maps:
                codes = [code for code, name in one.sites.items() if name in sites]
                at |= Q(trial=one.trial_id, site__code__in=codes)
            found &= at
        return found

    def visits(self, events: Collection[str], repeat_keys: Collection[str]) -> Q:
        """The condition on visits that these events are, with these repeat keys; of none all."""
        if not events and not repeat_keys:
            return Q()
        return reduce(or_, (one.visits_named(events, repeat_keys) for one in self.maps.values()))

    def subjects(self, people: Collection[int]) -> dict[int, str]:
        """The EDC's name of each of these participants who has one; one query."""
        maps = [one.edc_map.pk for one in self.maps.values()]
        rows = EdcSubject.objects.filter(map__in=maps, participant__in=set(people))
        return dict(rows.values_list("participant", "external_id"))

    def study(self, trial: str, sites: Collection[str]) -> dict[str, Any] | None:
        """What the EDC calls a trial and these of its sites; None without a map."""
        if trial not in self.maps:
            return None
        found = self.maps[trial].edc_map
        named = {code: found.sites[code] for code in sites if found.sites.get(code)}
        return {"study_oid": found.study_oid or None, "sites": named}

    def site(self, site: str, trials: Collection[str]) -> dict[str, str]:
        """What the EDC calls a site in each of these trials whose map names it."""
        named = {code: self.maps[code].edc_map.sites.get(site) for code in trials if code in self.maps}
        return {code: name for code, name in named.items() if name}

    def person(self, trial: str, site: str, subject: str | None) -> dict[str, str | None] | None:
        """What the EDC calls a participant's study, site and the participant; None without a map."""
        found = self.maps.get(trial)
        if found is None:
            return None
        edc_map = found.edc_map
        return {
            "study_oid": edc_map.study_oid or None,
            "site": edc_map.sites.get(site),
            "subject": subject,
        }

    def visit(self, trial: str, rule: str, occurrence: int, *, repeats: bool) -> dict[str, str | None]:
        """What the EDC calls a visit: its event with the repeat key, and the field that holds the day."""
        found = self.maps[trial].named(rule, occurrence, repeats=repeats) if trial in self.maps else None
        entry, key = found or ({}, "")
        names = ("event_oid", "form_oid", "item_group_oid", "date_item_oid")
        return {"repeat_key": key or None, **{name: entry.get(name) or None for name in names}}


def external_names(user: User, edc: str, environment: str, now: datetime) -> ExternalNames:
    """Read the maps of an EDC for the trials in a user's sight; one query, and one to refuse.

    Raises FilterRefused, which names the EDCs that there are, where there is no such map.
    """
    seen = EdcMap.objects.filter(
        environment=environment,
        trial__in=trials_visible_to(user, roles_day(now)).order_by().values("pk"),
    )
    maps = list(seen.filter(edc=edc).select_related("trial"))
    if not maps:
        possible = gettext(", ").join(sorted(set(seen.values_list("edc", flat=True)))) or gettext("none")
        words = gettext("No map of “%(edc)s” is visible to you. Possible: %(possible)s.")
        raise FilterRefused({"edc": [words % {"edc": edc, "possible": possible}]})
    return ExternalNames({one.trial.code: EventMap(one) for one in maps})


def _is_for_all(event: Mapping[str, Any]) -> bool:
    """Whether an entry stands for every visit of its rule, which the EDC numbers."""
    return not event.get("repeat_key") and not event.get("occurrence")


def _is_number(repeat_key: str) -> bool:
    return repeat_key.isascii() and repeat_key.isdigit() and len(repeat_key) < len("32767")


def _item(event: Mapping[str, Any]) -> DateItem:
    return DateItem(event.get("form_oid", ""), event.get("item_group_oid", ""), event["date_item_oid"])
