"""The visits of a trial as an EDC names them: events with repeat keys and days, by its map."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from participants.selectors.participants import participants_visible_to
from schedules.formats.odm import DateItem, EventDay, SubjectDays
from schedules.models import ChangeEvent, EdcMap, EdcSubject, Visit
from trials.models import User
from trials.zones import roles_day


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
        whole = next((one for one in named if not one.get("repeat_key") and not one.get("occurrence")), None)
        if whole and not repeat_key:
            return whole["visit"], 1
        if whole and repeat_key.isascii() and repeat_key.isdigit() and len(repeat_key) < len("32767"):
            return whole["visit"], max(int(repeat_key), 1)
        return None

    def event_of(self, visit: Visit, *, repeats: bool) -> EventDay | None:
        """A visit as the EDC's event with its day; None where the map does not name it."""
        rule, occurrence = visit.rule_code, visit.occurrence
        named = [event for event in self.edc_map.events if event["visit"] == rule]
        exact = next((event for event in named if event.get("occurrence") == occurrence), None)
        entry = exact or next((event for event in named if not event.get("occurrence")), None)
        if entry is None:
            return None
        key = entry.get("repeat_key", "")
        if not exact and repeats and not key:
            key = str(occurrence)
        return EventDay(
            event_oid=entry["event_oid"],
            repeat_key=key,
            day=visit.performed_on.isoformat() if visit.performed_on else None,
            item=_item(entry) if entry.get("date_item_oid") else None,
            removed=visit.performed_on is None,
        )


def subjects_done(
    user: User, events: EventMap, now: datetime, since: tuple[int, int] | None = None
) -> Sequence[SubjectDays]:
    """The days on which mapped visits were done, by subject; two queries, and one statement for all days.

    With `since`, the numbers of a first and a last change, those visits alone that changed in between, and
    the ones that are no longer done. Participants whom the map does not name are left out.
    """
    edc_map = events.edc_map
    people = participants_visible_to(user, roles_day(now)).filter(trial=edc_map.trial_id)
    visits = Visit.objects.filter(participant__in=people, participant__edc_subjects__map=edc_map)
    if since is None:
        visits = visits.filter(performed_on__isnull=False)
    else:
        first, last = since
        changed = ChangeEvent.objects.filter(number__gt=first, number__lte=last, visit__isnull=False)
        visits = visits.filter(pk__in=changed.values("visit"))
    names = dict(EdcSubject.objects.filter(map=edc_map).values_list("participant", "external_id"))
    rows = list(
        visits.select_related("participant__site").order_by("participant__subject_code", "target", "pk")
    )
    return list(_by_subject(rows, names, events, _repeating(edc_map, rows)))


def _by_subject(
    rows: Iterable[Visit], names: Mapping[int, str], events: EventMap, repeating: Collection[str]
) -> Iterable[SubjectDays]:
    grouped: dict[int, list[EventDay]] = {}
    sites: dict[int, str] = {}
    for visit in rows:
        event = events.event_of(visit, repeats=visit.rule_code in repeating)
        if event and visit.participant_id in names:
            grouped.setdefault(visit.participant_id, []).append(event)
            sites[visit.participant_id] = events.edc_map.sites.get(visit.participant.site.code, "")
    for pk, found in grouped.items():
        latest = {(one.event_oid, one.repeat_key): one for one in found}  # of several attempts the last
        yield SubjectDays(names[pk], sites[pk], list(latest.values()))


def _repeating(edc_map: EdcMap, rows: Sequence[Visit]) -> set[str]:
    """The rules that ask for more than one visit of somebody in the trial."""
    rules = {visit.rule_code for visit in rows}
    several = Visit.objects.filter(participant__trial=edc_map.trial_id, rule_code__in=rules, occurrence__gt=1)
    return set(several.values_list("rule_code", flat=True).distinct())


def _item(event: Mapping[str, Any]) -> DateItem:
    return DateItem(event.get("form_oid", ""), event.get("item_group_oid", ""), event["date_item_oid"])
