"""What is on record of participants besides visits, as machines read it: page by page, within sight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from zoneinfo import ZoneInfo

from django.db.models import Model, QuerySet

from participants.domain.lifecycle import Phase, phase_of
from participants.models import Anchor, CourseStep, Fact, Participant
from schedules.domain.windows.verdicts import Verdict
from schedules.models import ProtocolWindow, VisitActivity
from schedules.selectors.exchange.people import WantedPeople, page_of_people, people_wanted
from schedules.selectors.store.course import course_of, standing_of
from schedules.selectors.store.records import records_of
from schedules.selectors.windows.evaluation import dockets_read
from trials.domain.words import Say, plain
from trials.keyset import Page
from trials.models import ProtocolVersion, Site, User
from trials.selectors.records import protocol_of
from trials.zones import zone_of

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Placed(Generic[Row]):
    """A row of a participant, what it is called, and the zone that its hours are told in."""

    row: Row
    label: str
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Judged:
    """A protocol window and what it comes to; None where the protocol no longer asks for it."""

    row: ProtocolWindow
    label: str
    zone: ZoneInfo
    verdict: Verdict | None
    waivable: bool = False


@dataclass(frozen=True, slots=True)
class PersonCourse:
    """Where a participant stands in the trial, and the steps that led there, those undone too."""

    participant: Participant
    phase: Phase
    steps: Sequence[CourseStep]


def listed_anchors(
    user: User, wanted: WantedPeople, page: tuple[int | None, int], now: datetime, say: Say = plain
) -> Page[Any]:
    """Read a page of anchors by id: rows, labels and zones. Raises FilterRefused."""
    found = _page(Anchor.objects.all(), user, wanted, page, now)
    protocols = _protocols(row.participant.protocol_version_id for row in found.rows)
    return Page(
        [
            Placed(row, _anchor_label(row, protocols[row.participant.protocol_version_id], say), _zone(row))
            for row in found.rows
        ],
        found.after,
    )


def listed_facts(
    user: User, wanted: WantedPeople, page: tuple[int | None, int], now: datetime, say: Say = plain
) -> Page[Any]:
    """Read a page of facts by id, withdrawn ones too: rows, what each is of, zones. Raises FilterRefused."""
    found = _page(Fact.objects.all(), user, wanted, page, now)
    protocols = _protocols(row.participant.protocol_version_id for row in found.rows)
    return Page(
        [
            Placed(row, say(protocols[row.participant.protocol_version_id].named(row.of)), _zone(row))
            for row in found.rows
        ],
        found.after,
    )


def listed_steps(
    user: User, wanted: WantedPeople, page: tuple[int | None, int], now: datetime
) -> Page[CourseStep]:
    """Read a page of the steps of courses by id, those undone too. Raises FilterRefused."""
    return _page(CourseStep.objects.all(), user, wanted, page, now)


def listed_activities(
    user: User, wanted: WantedPeople, page: tuple[int | None, int], now: datetime
) -> Page[VisitActivity]:
    """Read a page of what was done or left at visits, by id. Raises FilterRefused."""
    return _page(VisitActivity.objects.select_related("visit"), user, wanted, page, now)


def listed_windows(
    user: User, wanted: WantedPeople, page: tuple[int | None, int], now: datetime, say: Say = plain
) -> Page[Any]:
    """Read a page of protocol windows by id, each with its verdict at an instant. Raises FilterRefused.

    The number of queries does not depend on how many windows or participants the page has.
    """
    found = _page(ProtocolWindow.objects.filter(cancelled_on=None), user, wanted, page, now)
    people = sorted({row.participant_id for row in found.rows})
    chosen = {row.pk for row in found.rows}
    judged = {
        one.stored.pk: one
        for participant_windows in (dockets_read(records_of(people), say) if people else [])
        for one in participant_windows.judged(now, chosen)
    }
    return Page([_judged(row, judged.get(row.pk), say) for row in found.rows], found.after)


def person_course(participant: Participant) -> PersonCourse:
    """Where a participant stands and the steps that led there."""
    phase = phase_of(course_of(standing_of(participant)))
    return PersonCourse(participant, phase, list(participant.steps.order_by("pk")))


def _page(
    rows: QuerySet[Row], user: User, wanted: WantedPeople, page: tuple[int | None, int], now: datetime
) -> Page[Row]:
    return page_of_people(rows, people_wanted(user, wanted, now), *page)


def _protocols(ids: Any) -> Mapping[int, Any]:
    versions = ProtocolVersion.objects.defer("document").in_bulk(set(ids))
    return {pk: protocol_of(version) for pk, version in versions.items()}


def _anchor_label(row: Anchor, protocol: Any, say: Say) -> str:
    rule = protocol.anchor_by_code.get(row.code)
    return say(rule.label) if rule else row.code


def _judged(row: ProtocolWindow, judged: Any, say: Say) -> Judged:
    verdict = judged.verdict if judged else None
    return Judged(row, say(row.label), _zone(row), verdict, bool(judged and judged.planned.rule.waivable))


def _zone(row: Any) -> ZoneInfo:
    site: Site = row.participant.site
    return zone_of(site)
