"""Who is on the road to infusion within the next two weeks, how far they are, and what blocks them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from django.db.models import QuerySet

from participants.domain.lifecycle import Step
from participants.domain.product import Milestone, Product
from participants.models import Anchor, CourseStep, Participant
from participants.selectors.products import products_of
from schedules.domain.readiness.road import Stop, StopState, Traveller, road
from schedules.domain.readiness.start_flags import START_FLAG
from schedules.domain.visits.status import ClinicDays, Standing, standing
from schedules.models import Flag, Visit
from schedules.models.follow_up import flag_rank
from schedules.selectors.readiness.board import is_gated
from schedules.selectors.store.calendars import SiteCalendars
from schedules.selectors.store.first_days import STEPS
from schedules.selectors.store.stored_visits import record_of
from schedules.selectors.today.worklist import Wanted, of_wanted
from trials.domain.protocols.protocol import Protocol
from trials.domain.protocols.terms import WindowKind
from trials.domain.stored_sentences import facts_text
from trials.domain.words import Say, plain
from trials.models import ProtocolVersion, User
from trials.selectors.records import protocol_of
from trials.zones import roles_day

HORIZON = timedelta(days=14)
BACK = timedelta(days=7)
PEOPLE = 60
LOOKED_AT = (0, 3 * PEOPLE // 2, 4 * PEOPLE)
"""So many planned days are looked at for them, in two goes: each brings the rows of its participant."""
LATER = 100
"""So many planned infusions after the two weeks are counted; a larger number is said to be one."""
Ended = dict[int, tuple[bool, bool]]
"""By participant whether the course is on hold, and whether it has ended."""
_CRITERIA = (WindowKind.FRESHNESS, WindowKind.WASHOUT, WindowKind.CONDUCT)


@dataclass(frozen=True, slots=True)
class RoadRow:
    """A participant on the road: the stops in their order, the days to go, the first thing that blocks."""

    participant: Participant
    day_zero: date
    today: date
    stops: Mapping[Stop, StopState]
    blocks: str
    flags: int
    screening_by: date | None = None

    @property
    def days_to_go(self) -> int:
        """Days until day zero; negative where it is over and nothing is recorded."""
        return (self.day_zero - self.today).days

    @property
    def blocked(self) -> bool:
        """Whether anything stands against it."""
        return bool(self.flags) or StopState.BLOCKED in self.stops.values()

    @property
    def first_block(self) -> Stop | None:
        """The first gate that is blocked."""
        return next((stop for stop, state in self.stops.items() if state is StopState.BLOCKED), None)


@dataclass(frozen=True, slots=True)
class Road:
    """The rows of the next two weeks, the soonest first, and how many infusions are planned later.

    The count stops at LATER; `more` says that there are more than were counted.
    """

    rows: Sequence[RoadRow] = ()
    later: int = 0
    more: bool = False


def road_to_infusion(
    user: User, now: datetime, wanted: Wanted, places: SiteCalendars, say: Say = plain
) -> Road:
    """Everybody at `places` whose day zero is planned and not on record; a constant number of queries."""
    today: date = roles_day(now)
    protocols = {
        version.pk: protocol_of(version)
        for version in ProtocolVersion.objects.filter(published_at__isnull=False).defer("document")
    }
    planned = Anchor.objects.filter(
        of_wanted(user, now, wanted),
        code__in={protocol.day_zero for protocol in protocols.values()},
        participant__trial__frozen_on=None,
        participant__history_since=None,
        actual_on=None,
        planned_on__gte=today - BACK,
    ).order_by("planned_on", "pk")
    soon = planned.filter(planned_on__lte=today + HORIZON)
    columns = ("participant_id", "code", "participant__protocol_version_id")
    ahead = list(planned.filter(planned_on__gt=today + HORIZON).values_list(*columns)[: LATER + 1])
    later = {pk for pk, code, version in ahead if code == protocols[version].day_zero}
    near, ended = _nearest(soon, protocols, later)
    places.put_to(one.participant for one in near)
    count, more = sum(not _is_over(ended, pk) for pk in later), len(ahead) > LATER
    if not near:
        return Road((), count, more)
    held = {pk: held for pk, (held, _over) in ended.items()}
    return Road(_rows(near, protocols, held, places.clinic_days(now), say), count, more)


def _nearest(
    soon: QuerySet[Anchor], protocols: Mapping[int, Protocol], later: Collection[int]
) -> tuple[list[Anchor], Ended]:
    """The first PEOPLE of these days zero of courses that go on; how theirs and those of `later` stand.

    Two queries: hardly any of those who are next has ended. Where many have, two more.
    """
    near: list[Anchor] = []
    ended: Ended = {}
    ids = set(later)
    for start, stop in pairwise(LOOKED_AT):
        found = list(soon.select_related("participant__trial")[start:stop])
        zeros = [one for one in found if one.code == protocols[one.participant.protocol_version_id].day_zero]
        ended |= _steps(ids.union(one.participant_id for one in zeros))
        near += [one for one in zeros if not _is_over(ended, one.participant_id)]
        ids = set()
        if len(near) >= PEOPLE or len(found) < stop - start:
            break
    return near[:PEOPLE], ended


def _is_over(ended: Ended, person: int) -> bool:
    """Whether the course of somebody has ended, by what `_steps` found."""
    _held, over = ended.get(person, (False, False))
    return over


def _rows(
    zeros: Sequence[Anchor],
    protocols: Mapping[int, Protocol],
    held: Mapping[int, bool],
    days: Mapping[int, ClinicDays],
    say: Say,
) -> list[RoadRow]:
    ids = [one.participant_id for one in zeros]
    flags, products = _flags(ids), products_of(ids)
    begun = _begun(zeros, protocols)
    screenings = _screenings(zeros, protocols, days)
    rows = []
    for one in zeros:
        person, protocol = one.participant, protocols[one.participant.protocol_version_id]
        mine, visits = flags.get(person.pk, []), screenings.get(person.pk, ())
        ready, broken = _product_state(products.get(person.pk), protocol)
        assert one.planned_on is not None
        traveller = Traveller(
            today=days[person.site_id].today,
            day_zero=one.planned_on,
            screening=[said for said, _closes in visits],
            criteria_open=any(flag.window and flag.window.kind in _CRITERIA for flag in mine),
            product_ready=ready,
            product_broken=broken,
            gated=is_gated(protocol),
            start_refused=any(flag.kind == START_FLAG for flag in mine),
            has_chemotherapy=any(rule.point_of_no_return for rule in protocol.anchors),
            began=begun.get(person.pk),
            on_hold=held.get(person.pk, False),
        )
        by = None if traveller.began else _first_to_close(visits)
        stops, today = road(traveller), traveller.today
        rows.append(RoadRow(person, traveller.day_zero, today, stops, _blocks(mine, say), len(mine), by))
    return rows


def _first_to_close(visits: Iterable[tuple[Standing, date]]) -> date | None:
    """The first day on which the window of a visit closes that nothing has ended."""
    return min((closes for said, closes in visits if said.live), default=None)


def _blocks(flags: Iterable[Flag], say: Say) -> str:
    """What bars the start, in a few words: the refused start itself before any other flag."""
    flag = min(flags, key=lambda one: one.kind != START_FLAG, default=None)
    if flag is None:
        return ""
    if flag.window is not None:
        return say(flag.window.label)
    return facts_text(flag.message, say)


def _product_state(product: Product | None, protocol: Protocol) -> tuple[bool | None, bool]:
    """Return whether the product is released (None where the protocol has none), and whether it failed."""
    if product is None and not protocol.product:
        return None, False
    product = product or Product()
    return _released(product), _broken(product)


def _released(product: Product) -> bool:
    return any(day.milestone is Milestone.RELEASED and day.done_on for day in product.days)


def _broken(product: Product) -> bool:
    broken = (Milestone.FAILED, Milestone.OUT_OF_SPECIFICATION)
    return any(day.milestone in broken and day.done_on for day in product.days)


def _flags(ids: Collection[int]) -> dict[int, list[Flag]]:
    """The open flags of these participants, the most severe first; one query."""
    found: dict[int, list[Flag]] = {}
    flags = Flag.objects.filter(participant__in=ids, cleared_at=None).select_related("window")
    for flag in flags.order_by(flag_rank(), "raised_at", "pk"):
        found.setdefault(flag.participant_id, []).append(flag)
    return found


def _steps(ids: Collection[int]) -> Ended:
    """Whether the course of each of these people is on hold, and whether it has ended; one query."""
    found: Ended = {}
    steps = CourseStep.objects.filter(participant__in=ids, undone=False, step__in=STEPS).order_by("pk")
    for step in steps:
        found[step.participant_id] = (step.step == Step.HOLD, step.taken.ends_course)
    return found


def _begun(zeros: Sequence[Anchor], protocols: Mapping[int, Protocol]) -> dict[int, date]:
    """The day on which the point of no return was passed, where it was; one query."""
    people = {one.participant_id: one.participant for one in zeros}
    codes = {
        pk: {rule.code for rule in protocol.anchors if rule.point_of_no_return}
        for pk, protocol in protocols.items()
    }
    actual = Anchor.objects.filter(participant__in=people, actual_on__isnull=False)
    return {
        one.participant_id: one.actual_on
        for one in actual
        if one.actual_on and one.code in codes[people[one.participant_id].protocol_version_id]
    }


def _screenings(
    zeros: Sequence[Anchor], protocols: Mapping[int, Protocol], days: Mapping[int, ClinicDays]
) -> dict[int, list[tuple[Standing, date]]]:
    """The standing of the visits of the first epoch, and when their windows close; one query."""
    people = {one.participant_id: one.participant for one in zeros}
    first = {pk: protocol.epochs[0].code for pk, protocol in protocols.items() if protocol.epochs}
    found: dict[int, list[tuple[Standing, date]]] = {}
    visits = Visit.objects.filter(participant__in=people, epoch__in=set(first.values()), unscheduled=False)
    for visit in visits:
        person = people[visit.participant_id]
        if visit.epoch == first.get(person.protocol_version_id):
            said = standing(record_of(visit), days[person.site_id])
            found.setdefault(person.pk, []).append((said, visit.closes))
    return found
