"""The change feed as a user may read it: numbered changes after a cursor, with the rows as they are now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Max

from participants.models import Anchor, Participant
from participants.selectors.participants import participants_visible_to
from schedules.models import ChangeEvent, Deviation, ProtocolWindow
from schedules.models.follow_up import FED
from schedules.selectors.exchange.data_capture import AtSite
from schedules.selectors.exchange.visit_rows import ListedVisit, visits_by_id
from trials.domain.words import Say, plain
from trials.models import User
from trials.selectors.records import protocol_of
from trials.zones import roles_day, zone_of

Code = tuple[int, str]
"""The id of a participant, and the code of an anchor or a window of theirs."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The records that a page of changes names, as they are now; one that is gone is left out."""

    visits: Mapping[int, ListedVisit] = field(default_factory=dict)
    participants: Mapping[int, Participant] = field(default_factory=dict)
    anchors: Mapping[Code, AtSite[Anchor]] = field(default_factory=dict)
    windows: Mapping[Code, AtSite[ProtocolWindow]] = field(default_factory=dict)
    deviations: Mapping[str, Deviation] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes in the order of their numbers, the records that they name, and the last number read."""

    events: Sequence[ChangeEvent]
    rows: Rows
    last: int


def last_number() -> int:
    """The number of the newest change; 0 where there is none."""
    return int(ChangeEvent.objects.aggregate(last=Max("number"))["last"] or 0)


def changes_after(user: User, number: int, size: int, now: datetime, say: Say = plain) -> Changes:
    """Read up to `size` changes of what a user may see after a number; a constant number of queries."""
    head = last_number()
    found = (
        ChangeEvent.objects.filter(
            number__gt=number, number__lte=head, participant__in=participants_visible_to(user, roles_day(now))
        )
        .select_related(
            "participant__trial", "participant__site", "participant__cohort", "participant__protocol_version"
        )
        .defer("participant__protocol_version__document")
    )
    events = list(found.order_by("number")[:size])
    last = events[-1].number if len(events) == size else head
    return Changes(events, _rows(user, events, now, say), max(last or 0, number))


def _rows(user: User, events: Sequence[ChangeEvent], now: datetime, say: Say) -> Rows:
    """The records that changes name; at most one query, or the few of visits, for each kind of record."""
    people = {one.participant_id: one.participant for one in events}
    named: dict[str, set[Any]] = {
        record: {(one.participant_id, one.code) for one in events if one.about == record} for record in FED
    }
    anchors = _coded(Anchor, named["anchor"])
    windows = _coded(ProtocolWindow, named["window"])
    ids = [int(code) for _person, code in named["deviation"]]
    return Rows(
        visits=visits_by_id(user, {one.visit_id for one in events if one.visit_id}, now),
        participants=people,
        anchors={key: _anchor_at(people[key[0]], row, say) for key, row in anchors.items()},
        windows={
            key: AtSite(row, say(row.label), zone_of(people[key[0]].site)) for key, row in windows.items()
        },
        deviations={str(row.pk): row for row in _deviations(ids)},
    )


def _coded(model: type[Any], keys: set[Code]) -> dict[Code, Any]:
    if not keys:
        return {}
    rows = model.objects.filter(
        participant__in={person for person, _code in keys}, code__in={code for _person, code in keys}
    )
    return {(row.participant_id, row.code): row for row in rows if (row.participant_id, row.code) in keys}


def _deviations(ids: Sequence[int]) -> list[Deviation]:
    related = ("participant__trial", "participant__site", "protocol_version", "visit", "window")
    found = Deviation.objects.filter(pk__in=ids).select_related(*related)
    return list(found.defer("protocol_version__document")) if ids else []


def _anchor_at(person: Participant, row: Anchor, say: Say) -> AtSite[Anchor]:
    rules = protocol_of(person.protocol_version).anchor_by_code
    label = say(rules[row.code].label) if row.code in rules else row.code
    return AtSite(row, label, zone_of(person.site))
