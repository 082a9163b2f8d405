"""What machines read: pages of visits, and one participant."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from operator import or_
from typing import Any, Generic, TypeVar
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet
from django.utils.translation import gettext

from participants.models import Anchor, Participant
from participants.selectors.participants import participants_visible_to
from schedules.domain.errors import FilterRefused
from schedules.domain.plan.explanations import because_visit
from schedules.domain.visits.status import Appointment, ClinicDays, Standing, WindowPosition, standing
from schedules.models import ProtocolWindow, Visit
from schedules.selectors.store.calendars import clinic_days_of, sites_by_day, working_days_by_site
from schedules.selectors.store.stored_visits import lost_booking, planned_visit, record_of
from schedules.selectors.visits.status_query import appointment_condition, window_condition
from trials.domain.words import Say, plain
from trials.keyset import Page, Place, page_by_day, page_by_id
from trials.models import ProtocolVersion, Site, User
from trials.selectors.records import protocol_of, sites_visible_to, trials_visible_to
from trials.zones import roles_day, zone_of

_ID_END = 2**63
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class WantedVisits:
    """Which visits are asked for: codes of trial and site, id of a participant, both axes, range of targets.

    Of `window` and `appointment` any number of values; none is all. `by_target` asks for a list in the
    order of targets, where a full read goes by id.
    """

    trial: str | None = None
    site: str | None = None
    participant: int | None = None
    window: Collection[WindowPosition] = ()
    appointment: Collection[Appointment] = ()
    target_from: date | None = None
    target_to: date | None = None
    by_target: bool = False


@dataclass(frozen=True, slots=True)
class ListedVisit:
    """A visit as machines get it: its row, where it stands today, and why its date is what it is."""

    visit: Visit
    zone: ZoneInfo
    standing: Standing
    because: str
    protocol_version: str
    anchor_assumed: bool
    booking_fits: bool | None = None


@dataclass(frozen=True, slots=True)
class ListedVisits:
    """A page of visits, and the key that the next one starts after."""

    visits: Sequence[ListedVisit]
    after: Place | None


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


def listed_visits(
    user: User, wanted: WantedVisits, page: tuple[Place | None, int], now: datetime, say: Say = plain
) -> ListedVisits:
    """Read a page of the visits in a user's sight; `page` is the place to start after and the size.

    By id, where nothing moves; by target only where that is wanted, since a target moves with each
    re-planning. Raises FilterRefused for a trial, site or participant that is not in sight. The number of
    queries does not depend on what is found.
    """
    found = _page(_wanted(user, wanted, now), wanted.by_target, *page)
    return ListedVisits(_all_listed(found.rows, now, say), found.after)


def listed_visit(user: User, pk: int, now: datetime, say: Say = plain) -> ListedVisit | None:
    """A visit in a user's sight as machines get it; None for any other id."""
    return next(iter(visits_by_id(user, [pk], now, say).values()), None)


def visits_by_id(user: User, pks: Collection[int], now: datetime, say: Say = plain) -> dict[int, ListedVisit]:
    """Those of the visits in a user's sight, by id; a constant number of queries."""
    people = participants_visible_to(user, _today(now))
    possible = [pk for pk in pks if 0 < pk < _ID_END]  # SQLite overflows on a larger one
    found = Visit.objects.filter(pk__in=possible, participant__in=people).select_related(
        "participant__trial", "participant__site"
    )
    return {listed.visit.pk: listed for listed in _all_listed(list(found), now, say)}


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


def ids_by_code(rows: QuerySet[Any], field: str, codes: Collection[str]) -> list[int]:
    """The ids of the rows with these codes; raises FilterRefused, which names the codes that are possible."""
    ids: dict[str, int] = dict(rows.values_list("code", "pk"))
    possible = ", ".join(sorted(ids)) or gettext("none")
    words = gettext("%(code)s is not visible to you. Possible: %(possible)s.")
    refused = [words % {"code": code, "possible": possible} for code in codes if code not in ids]
    if refused:
        raise FilterRefused({field: refused})
    return [ids[code] for code in codes]


def listed_participants(
    user: User, wanted: WantedVisits, subject_code: str | None, after: int | None, size: int, now: datetime
) -> Page[Participant]:
    """Read a page of the participants in a user's sight by id, of a trial, a site or with a subject code.

    Raises FilterRefused for a trial or site that is not in sight. A constant number of queries.
    """
    people = _people(user, wanted, _today(now)).select_related("trial", "site", "cohort", "protocol_version")
    if subject_code is not None:
        people = people.filter(subject_code=subject_code)
    return page_by_id(people.defer("protocol_version__document"), after, size)


def participant_record(user: User, participant: int, now: datetime) -> ParticipantRecord | None:
    """A participant in a user's sight; None for any other id."""
    people = participants_visible_to(user, _today(now)).select_related(
        "trial", "site", "cohort", "protocol_version"
    )
    person = people.prefetch_related("anchors", "protocol_windows").filter(pk=participant).first()
    if person is None:
        return None
    zone = zone_of(person.site)
    rules = protocol_of(person.protocol_version).anchor_by_code
    anchors = [
        AtSite(anchor, rules[anchor.code].label if anchor.code in rules else anchor.code, zone)
        for anchor in person.anchors.all()
    ]
    windows = [
        AtSite(window, window.label, zone)
        for window in person.protocol_windows.all()
        if not window.cancelled_on
    ]
    return ParticipantRecord(person, zone, anchors, windows)


def _page(visits: QuerySet[Visit], by_target: bool, after: Place | None, size: int) -> Page[Visit]:
    """A page after a place of the same order; raises FilterRefused for a place in the other one."""
    if by_target and not isinstance(after, int):
        return page_by_day(visits, "target", after, size)
    if not by_target and not isinstance(after, tuple):
        return page_by_id(visits, after, size)
    raise FilterRefused(
        {"cursor": [gettext("This cursor is of another order. Leave it out to start again.")]}
    )


def _wanted(user: User, wanted: WantedVisits, now: datetime) -> QuerySet[Visit]:
    people = _people(user, wanted, _today(now))
    visits: QuerySet[Visit] = Visit.objects.filter(participant__in=people).select_related(
        "participant__trial", "participant__site"
    )
    if wanted.target_from:
        visits = visits.filter(target__gte=wanted.target_from)
    if wanted.target_to:
        visits = visits.filter(target__lte=wanted.target_to)
    if wanted.window or wanted.appointment:
        days = sites_by_day(sites_visible_to(user, _today(now)), now)
        visits = _any(visits, [window_condition(one, days) for one in wanted.window])
        visits = _any(visits, [appointment_condition(one, days) for one in wanted.appointment])
    return visits


def _any(visits: QuerySet[Visit], conditions: Sequence[Q]) -> QuerySet[Visit]:
    """Those of which one of the conditions holds; all where there is none."""
    return visits.filter(reduce(or_, conditions)) if conditions else visits


def _people(user: User, wanted: WantedVisits, today: date) -> QuerySet[Participant]:
    people = participants_visible_to(user, today)
    if wanted.trial is not None:
        people = people.filter(trial=_by_code(trials_visible_to(user, today), "trial", wanted.trial))
    if wanted.site is not None:
        people = people.filter(site=_by_code(sites_visible_to(user, today), "site", wanted.site))
    if wanted.participant is not None:
        people = people.filter(pk=wanted.participant)
        if not people.exists():
            words = gettext("Participant %(id)s does not exist or is not visible to you.") % {
                "id": wanted.participant
            }
            raise FilterRefused({"participant": [words]})
    return people


def _by_code(rows: QuerySet[Any], field: str, code: str) -> int:
    """The id of the row with this code; raises FilterRefused, which names the codes that are possible."""
    return ids_by_code(rows, field, [code])[0]


def _version(visit: Visit) -> int:
    """The version by which a visit is read: the one under which it was done, else the present one."""
    return visit.done_under_id or visit.participant.protocol_version_id


def _all_listed(visits: Sequence[Visit], now: datetime, say: Say) -> list[ListedVisit]:
    """The same visits as machines get them; two queries."""
    versions = ProtocolVersion.objects.in_bulk({_version(visit) for visit in visits})
    sites = {visit.participant.site_id: visit.participant.site for visit in visits}
    days = clinic_days_of(sites.values(), working_days_by_site(sites), now)
    return [_listed(one, versions[_version(one)], days[one.participant.site_id], say) for one in visits]


def _listed(visit: Visit, version: ProtocolVersion, days: ClinicDays, say: Say) -> ListedVisit:
    site: Site = visit.participant.site
    zone = zone_of(site)
    protocol = protocol_of(version)
    planned = planned_visit(visit, protocol, zone)
    return ListedVisit(
        visit=visit,
        zone=zone,
        standing=standing(record_of(visit), days),
        because=because_visit(protocol, planned, say),
        protocol_version=version.label,
        anchor_assumed=planned.base.assumed,
        booking_fits=None if visit.booked_on is None else not lost_booking(visit),
    )


def _today(now: datetime) -> date:
    """The server's day, on which roles are held."""
    return roles_day(now)
