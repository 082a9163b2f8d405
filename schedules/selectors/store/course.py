"""What the rules of a visit's and of a participant's life look at, read from the record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Count, Max, Min, Q, QuerySet

from participants.domain.lifecycle import (
    CANNOT_BE_AFTER,
    STEP_LABELS,
    Course,
    Extent,
    Phase,
    Step,
    StepTaken,
    first_end,
    phase_of,
)
from participants.models import Anchor, Consent, CourseStep, Participant
from participants.selectors.participants import participants_visible_to
from schedules.domain.plan.values import AnchorKind
from schedules.domain.visits.order import anchors_dated_by
from schedules.domain.visits.values import Clock, End, History
from schedules.domain.visits.visit import VisitState
from schedules.models import Visit
from schedules.selectors.store.first_days import STEPS, first_approvals
from schedules.selectors.store.stored_visits import record_of
from trials.domain.protocols.protocol import Protocol, Role
from trials.domain.sites.plausible_days import FIRST_DAY, Frame
from trials.models import Site, User
from trials.selectors.records import protocol_of
from trials.zones import zone_of

OWN_DAY = "P0D"
"""The offset of the visit that an anchor is itself."""


def clock_at(site: Site, now: datetime) -> Clock:
    """The day and the instant at a site."""
    local = now.astimezone(zone_of(site))
    return Clock(local.date(), local)


def visit_in_sight(user: User, today: date, pk: int) -> Visit | None:
    """A visit of a participant whom the user may look at, with the participant and all that is theirs."""
    seen = Visit.objects.filter(participant__in=participants_visible_to(user, today))
    person = ("participant__trial", "participant__site", "participant__protocol_version")
    related = seen.select_related(*person, "cancelled_by", "done_under").defer("done_under__document")
    return related.filter(pk=pk).first()


def person_in_sight(user: User, today: date, pk: int) -> Participant | None:
    """A participant whom the user may look at, with site, trial and protocol version."""
    related = participants_visible_to(user, today).select_related("trial", "site", "protocol_version")
    return related.filter(pk=pk).first()


def people_by_code(user: User, today: date, code: str) -> list[Participant]:
    """The participants in sight with a subject code, in any trial; few."""
    related = participants_visible_to(user, today).select_related("trial", "site", "protocol_version")
    return list(related.filter(subject_code__iexact=code)[:20])


def visits_of(participant: Participant) -> QuerySet[Visit]:
    """All visits of a participant, in the order of their days."""
    return Visit.objects.of(participant).order_by("target", "opens", "pk")


def steps_of(participant: Participant) -> list[CourseStep]:
    """The steps of a participant's course that nobody has undone, the first one first."""
    return list(participant.steps.filter(undone=False, step__in=STEPS).order_by("id"))


def attempt_of(steps: Iterable[CourseStep]) -> int:
    """The latest attempt at screening among the steps; 1 for the first, and without steps."""
    return max((step.attempt for step in steps), default=1)


@dataclass(frozen=True, slots=True)
class CourseState:
    """A participant with the steps that stand, the anchors' actual days, and the protocol."""

    participant: Participant
    protocol: Protocol
    steps: Sequence[CourseStep]
    actual: Mapping[str, date]

    @property
    def attempt(self) -> int:
        """Which attempt at screening this is."""
        return attempt_of(self.steps)


def standing_of(participant: Participant) -> CourseState:
    """Where a participant stands; two queries."""
    actual = Anchor.objects.filter(participant=participant, actual_on__isnull=False)
    return CourseState(
        participant,
        protocol_of(participant.protocol_version),
        steps_of(participant),
        {code: day for code, day in actual.values_list("code", "actual_on") if day},
    )


def course_of(standing: CourseState) -> Course:
    """The course of a participant; one query more, for the last visit and chemotherapy that is repeated."""
    no_return = _no_return(standing)
    earlier = Q(attempt__lt=standing.attempt, anchor_code__in=no_return, offset=OWN_DAY)
    done = Visit.objects.filter(participant=standing.participant).aggregate(
        last=Max("performed_on", filter=Q(attempt=standing.attempt)),
        given=Min("performed_on", filter=earlier),
    )
    return _course(standing, done["last"], done["given"])


def course_by_visits(standing: CourseState, visits: Iterable[Visit]) -> Course:
    """The same of somebody whose visits were read already; no query."""
    done = [visit for visit in visits if visit.performed_on]
    no_return = _no_return(standing)
    last = [visit.performed_on for visit in done if visit.attempt == standing.attempt]
    given = [
        visit.performed_on
        for visit in done
        if visit.attempt < standing.attempt and visit.anchor_code in no_return and visit.offset == OWN_DAY
    ]
    return _course(standing, max(filter(None, last), default=None), min(filter(None, given), default=None))


def courses_by_person(standings: Iterable[CourseState]) -> dict[int, Course]:
    """The courses of several participants by their ids; one query."""
    known = {standing.participant.pk: standing for standing in standings}
    done: dict[int, list[Visit]] = {pk: [] for pk in known}
    for visit in Visit.objects.filter(participant__in=known, performed_on__isnull=False):
        done[visit.participant_id].append(visit)
    return {pk: course_by_visits(standing, done[pk]) for pk, standing in known.items()}


def _no_return(standing: CourseState) -> list[str]:
    return [rule.code for rule in standing.protocol.anchors if rule.point_of_no_return]


def _course(standing: CourseState, last: date | None, given: date | None) -> Course:
    no_return = _no_return(standing)
    began = [standing.actual[code] for code in no_return if code in standing.actual]
    return Course(
        steps=[step.taken for step in standing.steps],
        conditioned_on=min(began, default=given),
        repeating=not began and given is not None,
        infused_on=standing.actual.get(standing.protocol.day_zero),
        last_visit_on=last,
    )


def held_since(participant: Participant) -> date | None:
    """Since when a course is on hold between chemotherapy and infusion; None where it is not."""
    standing = standing_of(participant)
    pauses = [step for step in standing.steps if step.step in (Step.HOLD, Step.RESUMPTION)]
    if not pauses or pauses[-1].step != Step.HOLD:
        return None
    return pauses[-1].happened_on if phase_of(course_of(standing)) is Phase.ON_HOLD else None


def visit_under(visit: Visit, protocol: Protocol) -> VisitState:
    """A stored visit as the rules look at it, with the rule that it follows."""
    rule = None if visit.unscheduled else protocol.visit_by_code.get(visit.rule_code)
    return record_of(visit)._replace(rule=rule)


def history_of(visit: Visit, standing: CourseState) -> History:
    """What is on record of the visit's participant beside it; two queries."""
    participant, protocol = standing.participant, standing.protocol
    performed = Visit.objects.of(participant).done().filter(attempt=visit.attempt)
    done = [visit_under(other, protocol) for other in performed.exclude(pk=visit.pk)]
    anchors = _dated_by(done, protocol) | dict(standing.actual)
    signed, withdrawn = _consent(participant)
    consent = protocol.code_of(Role.CONSENT)
    days = [day for day in (signed, anchors.get(consent)) if day]
    return History(
        protocol=protocol,
        done=done,
        anchors=anchors | ({consent: min(days)} if days else {}),
        traits=frozenset(participant.traits),
        consented_on=min(days, default=None),
        consent_withdrawn_on=withdrawn,
        ended=_end_of([step.taken for step in standing.steps]),
        attempt=standing.attempt,
        frame=frame_of(participant, min(days, default=None)),
    )


def _end_of(steps: Sequence[StepTaken]) -> End | None:
    """How the protocol's visits ended, by the steps that stand; None while they go on."""
    first = first_end(steps)
    if first is None:
        return None
    died = next((step.on for step in steps if step.step in CANNOT_BE_AFTER), None)
    contact = any(step.ends_course and step.extent is Extent.CONTACT for step in steps)
    return End(first.on, STEP_LABELS[first.step], died_on=died, all_contact=contact)


def ending_step(steps: Sequence[CourseStep]) -> CourseStep | None:
    """The step on record by which the protocol's visits ended first; None while they go on."""
    first = first_end([step.taken for step in steps])
    return next((step for step in steps if step.taken == first), None)


def staying_visits(protocol: Protocol) -> Q:
    """The condition on visits that stay after an early end: so marked, and not counted from a day to come."""
    codes = [rule.code for rule in protocol.visits if rule.stays_after_early_end]
    return Q(rule_code__in=codes, unscheduled=False) & ~Q(anchor_kind=AnchorKind.PLANNED.value)


def frame_of(participant: Participant, consented: date | None) -> Frame:
    """The days that can be meant for a participant; one query, and one where no consent is known."""
    planned = Visit.objects.of(participant).asked_for()
    return frame_around(participant, consented, planned.aggregate(last=Max("closes"))["last"])


def frame_around(
    participant: Participant, consented: date | None, last: date | None, *, began: date | None = None
) -> Frame:
    """The same where the last window is known: no query, and one where neither consent nor approval is."""
    start = consented or began
    if start is None:
        place = (participant.site_id, participant.trial_id)
        start = trials_began([place]).get(place)
    known = [day for day in (participant.trial.planned_end, last) if day]
    return Frame(max(known, default=FIRST_DAY), start, last, by_consent=consented is not None)


def trials_began(places: Iterable[tuple[int, int]]) -> dict[tuple[int, int], date]:
    """The day of the first approval of each trial at a site, by the ids of site and trial; one query."""
    asked = set(places)
    began = first_approvals({site for site, _trial in asked}, {trial for _site, trial in asked})
    return {(site, trial): first for site, trial, first in began if (site, trial) in asked}


def first_consent(participant: Participant) -> date | None:
    """The day of the first consent on record, of the forms and of the anchor; None where there is none."""
    code = protocol_of(participant.protocol_version).code_of(Role.CONSENT)
    anchor = Anchor.objects.filter(participant=participant, code=code).values_list("actual_on", flat=True)
    days = (first_signature(participant), anchor.first())
    return min((day for day in days if day), default=None)


def first_signature(participant: Participant) -> date | None:
    """The day on which the participant first signed a consent form; None where no form is on record."""
    return Consent.objects.filter(participant=participant).aggregate(first=Min("signed_on"))["first"]


def visits_to_come(participant: Participant, on: date) -> QuerySet[Visit]:
    """The visits that nothing has ended and that are to come on a day: in their window, or booked outside it.

    What is on hold is to come whatever its old window says: it waits for another one.
    """
    live = Visit.objects.of(participant).live()
    return live.to_come_by(on) | live.filter(held_on__isnull=False)


def waiting_visits(visits: QuerySet[Visit]) -> QuerySet[Visit]:
    """Those that wait for the infusion while a course is on hold: nobody's own, and of no day on record."""
    return visits.filter(unscheduled=False).exclude(anchor_kind=AnchorKind.ACTUAL)


def live_visits(participant: Participant) -> QuerySet[Visit]:
    """The visits that nothing has ended."""
    return Visit.objects.of(participant).live()


def _dated_by(done: Iterable[VisitState], protocol: Protocol) -> dict[str, date]:
    """The anchors that follow the day of a visit which was done."""
    return {
        anchor: visit.performed_on
        for visit in done
        for anchor in anchors_dated_by(protocol, visit)
        if visit.performed_on
    }


def _consent(participant: Participant) -> tuple[date | None, date | None]:
    """The first day of a consent, and the day since which none stands."""
    found = Consent.objects.filter(participant=participant).aggregate(
        signed=Min("signed_on"),
        withdrawn=Max("withdrawn_on"),
        standing=Count("pk", filter=Q(withdrawn_on=None)),
    )
    return found["signed"], None if found["standing"] else found["withdrawn"]
