"""What machines read of participants: a page of them, one of them, and a visit by its natural key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

from participants.domain.lifecycle import Phase, phase_of
from participants.models import Anchor, Participant
from participants.selectors.participants import participants_visible_to
from schedules.models import ProtocolWindow, Visit
from schedules.selectors.exchange.people import Since, WantedPeople, changed_people, people_wanted
from schedules.selectors.store.course import course_of, standing_of
from trials.domain.words import Say, plain
from trials.keyset import Page, page_by_id
from trials.models import User
from trials.selectors.records import protocol_of
from trials.zones import roles_day, zone_of

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class VisitKey:
    """The natural key of a visit: codes of trial, participant and visit, and which of several it is."""

    trial: str
    subject_code: str
    code: str
    occurrence: int | None = None


@dataclass(frozen=True, slots=True)
class AtSite(Generic[Row]):
    """A row of a participant with its protocol's label and the zone that its hours are told in."""

    row: Row
    label: str
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class ParticipantRecord:
    """A participant with what people set (anchors) and what the protocol asks between visits (windows)."""

    participant: Participant
    zone: ZoneInfo
    anchors: Sequence[AtSite[Anchor]]
    windows: Sequence[AtSite[ProtocolWindow]]
    phase: Phase


def visit_by_key(user: User, key: VisitKey, now: datetime) -> Visit | None:
    """The visit in a user's sight with this natural key, of the latest attempt; None for none.

    `code` is the visit's own, or with an occurrence that of its rule.
    """
    people = participants_visible_to(user, _today(now)).filter(
        trial__code=key.trial, subject_code=key.subject_code
    )
    visits = Visit.objects.filter(participant__in=people)
    if key.occurrence is None:
        visits = visits.filter(code=key.code)
    else:
        visits = visits.filter(rule_code=key.code, occurrence=key.occurrence)
    person = ("participant__trial", "participant__site", "participant__protocol_version")
    return visits.select_related(*person, "cancelled_by").order_by("-attempt").first()


def listed_participants(
    user: User, wanted: WantedPeople, since: Since | None, page: tuple[int | None, int], now: datetime
) -> Page[Participant]:
    """Read a page of the participants in a user's sight by id; `page` is what to start after and the size.

    Raises FilterRefused for what is not in sight. A constant number of queries.
    """
    after, size = page
    people = people_wanted(user, wanted, now).select_related("trial", "site", "cohort", "protocol_version")
    if since is not None:
        people = people.filter(changed_people(since))
    return page_by_id(people.defer("protocol_version__document"), after, size)


def participant_record(
    user: User, participant: int, now: datetime, say: Say = plain
) -> ParticipantRecord | None:
    """A participant in a user's sight, labels in the language of `say`; None for any other id."""
    people = participants_visible_to(user, _today(now)).select_related(
        "trial", "site", "cohort", "protocol_version"
    )
    person = people.prefetch_related("anchors", "protocol_windows").filter(pk=participant).first()
    if person is None:
        return None
    zone = zone_of(person.site)
    rules = protocol_of(person.protocol_version).anchor_by_code
    anchors = [
        AtSite(anchor, say(rules[anchor.code].label) if anchor.code in rules else anchor.code, zone)
        for anchor in person.anchors.all()
    ]
    windows = [
        AtSite(window, say(window.label), zone)
        for window in person.protocol_windows.all()
        if not window.cancelled_on
    ]
    phase = phase_of(course_of(standing_of(person)))
    return ParticipantRecord(person, zone, anchors, windows, phase)


def _today(now: datetime) -> date:
    """The server's day, on which roles are held."""
    return roles_day(now)
