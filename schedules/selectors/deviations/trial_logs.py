"""The screening and the enrolment log, within what the reader may see: subject codes, never names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import DateField, Exists, F, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, TruncDate
from django.db.models.lookups import IsNull

from participants.domain.lifecycle import (
    ENDS,
    MOVES,
    PHASE_LABELS,
    TREATED,
    Course,
    Extent,
    Phase,
    Step,
    phase_of,
)
from participants.models import Anchor, Consent, CourseStep, Participant
from participants.selectors.participants import participants_visible_to
from schedules.domain.deviations.trial_logs import (
    OUTCOMES,
    Enrolled,
    Screened,
    StepOnRecord,
    attempts_of,
    end_of,
    enrolled_of,
    treatments,
)
from schedules.models import Visit
from schedules.selectors.store.course import OWN_DAY
from schedules.selectors.store.first_days import STEPS
from trials.domain.protocols.protocol import Protocol, Role
from trials.models import ProtocolVersion, User
from trials.selectors.records import protocol_of, trials_visible_to

PAGE = 50
LOOKED_AT = 500
"""How many participants are looked at, at most, to fill a page with those that a log asks for."""
_MANY = 500


@dataclass(frozen=True, slots=True)
class WantedLog:
    """Which part of a log is asked for; nothing means all. The days are those on which screening began.

    `outcome` is a word of OUTCOMES for the screening log, a phase for the enrolment log.
    """

    trial: int | None = None
    site: int | None = None
    search: str = ""
    first: date | None = None
    last: date | None = None
    after: int | None = None
    outcome: str = ""

    @property
    def filtered(self) -> bool:
        """Whether anything but all is asked for."""
        return any((self.trial, self.site, self.search, self.first, self.last, self.outcome))


@dataclass(frozen=True, slots=True)
class ScreeningRow:
    """One attempt at screening of one participant."""

    participant: Participant
    screened: Screened


@dataclass(frozen=True, slots=True)
class EnrolmentRow:
    """One enrolled participant: since when in the trial, what was given, where they stand now.

    `phase` is marked for translation.
    """

    participant: Participant
    consented_on: date | None
    enrolled: Enrolled
    conditioned_on: date | None
    infused_on: date | None
    phase: str
    end: StepOnRecord | None


@dataclass(frozen=True, slots=True)
class ScreeningLog:
    """A page of the screening log, and the id that the next one starts after."""

    rows: Sequence[ScreeningRow]
    after: int | None = None


@dataclass(frozen=True, slots=True)
class EnrolmentLog:
    """A page of the enrolment log, and the id that the next one starts after."""

    rows: Sequence[EnrolmentRow]
    after: int | None = None


def screening_log(user: User, today: date, wanted: WantedLog, size: int = PAGE) -> ScreeningLog:
    """Everybody who was screened, in the order of registration, with every attempt and its outcome.

    `size` participants at most; a constant number of queries.
    """
    found = _people(user, today, wanted)
    if wanted.outcome in OUTCOMES:
        found = _with_outcome(found, wanted.outcome, _reached(_codes(user, today)[0]))
    people, after = _page(found, wanted, size, _in_sight(user, today, wanted))
    records = _records(people)
    rows = [
        ScreeningRow(one, screened)
        for one in people
        for screened in attempts_of(records.steps[one.pk], _since(one), records.enrolled(one))
    ]
    asked = OUTCOMES.get(wanted.outcome)
    return ScreeningLog([row for row in rows if asked in (None, row.screened.outcome)], after)


def enrolment_log(user: User, today: date, wanted: WantedLog, size: int = PAGE) -> EnrolmentLog:
    """Everybody who was enrolled, in the order of registration; a constant number of queries."""
    codes, zeros = _codes(user, today)
    found = _people(user, today, wanted).filter(_reached(codes))
    phase = Phase(wanted.outcome) if wanted.outcome in set(Phase) else None
    if phase:
        found = _in_phase(found, phase, _on_record(zeros))
    people, after = _page(found, wanted, size, _in_sight(user, today, wanted))
    records = _records(people)
    rows = [_enrolment_row(one, enrolled, records) for one in people if (enrolled := records.enrolled(one))]
    asked = PHASE_LABELS[phase] if phase else None
    return EnrolmentLog([row for row in rows if asked in (None, row.phase)], after)


def _codes(user: User, today: date) -> tuple[set[str], set[str]]:
    """The anchors by which somebody is enrolled, and those that are day zero, in the trials in sight."""
    versions = ProtocolVersion.objects.filter(
        trial__in=trials_visible_to(user, today), published_at__isnull=False
    )
    protocols = [protocol_of(version) for version in versions.defer("document")]
    codes = {code for protocol in protocols for code in treatments(protocol)}
    codes |= {protocol.code_of(Role.ENROLMENT) for protocol in protocols}
    return codes, {protocol.day_zero for protocol in protocols}


def _consents(user: User, today: date) -> set[str]:
    """The anchors that are the consent, in the trials in sight."""
    versions = ProtocolVersion.objects.filter(trial__in=trials_visible_to(user, today))
    found = {
        protocol_of(one).code_of(Role.CONSENT)
        for one in versions.filter(published_at__isnull=False).defer("document")
    }
    return found | {Role.CONSENT.value}


def _on_record(codes: Collection[str]) -> Q:
    """Whether one of these anchors has its actual day.

    It is looked for from each participant: of an EXISTS, PostgreSQL may think that to read the anchors of
    everybody once is quicker.
    """
    actual = Anchor.objects.filter(participant=OuterRef("pk"), actual_on__isnull=False, code__in=codes)
    return Q(IsNull(Subquery(actual.order_by().values("pk")[:1]), False))


def _reached(codes: Collection[str]) -> Q:
    """Whether one of these anchors has its actual day, or a visit at it or after it was performed.

    Both are looked for from each participant.
    """
    given = Subquery(_given(codes).filter(participant=OuterRef("pk")).order_by().values("pk")[:1])
    return _on_record(codes) | Q(IsNull(given, False))


def _given(codes: Collection[str]) -> QuerySet[Visit]:
    """The performed visits that take place at one of these anchors or after it."""
    done = Visit.objects.done().asked_for().filter(anchor_code__in=codes)
    return done.exclude(offset__startswith="-")


def _latest_step() -> Subquery:
    """The latest step; an early end of treatment alone leaves the course going on, as it was."""
    steps = CourseStep.objects.filter(participant=OuterRef("pk"), undone=False, step__in=STEPS)
    steps = steps.exclude(ends=Extent.TREATMENT.value)
    return Subquery(steps.order_by("-id").values("step")[:1])


_ENDING = [step.value for step, move in MOVES.items() if move.to in ENDS]
_GOING_ON = Q(latest=None) | ~Q(latest__in=_ENDING)


def _with_outcome(found: QuerySet[Participant], outcome: str, enrolled: Q) -> QuerySet[Participant]:
    """Those with an attempt at screening that may have come to this; which one, the rows tell."""
    if outcome == "enrolled":
        return found.filter(enrolled)
    if outcome == "in-screening":
        return found.annotate(latest=_latest_step()).filter(_GOING_ON, ~enrolled)
    step = Step.RESCREENING.value if outcome == "repeated" else outcome
    taken = CourseStep.objects.filter(participant=OuterRef("pk"), undone=False, step=step)
    of_screening = step in (Step.SCREEN_FAILURE, Step.RESCREENING)
    return found.filter(Exists(taken)) if of_screening else found.filter(Exists(taken), ~enrolled)


def _in_phase(found: QuerySet[Participant], phase: Phase, infused: Q) -> QuerySet[Participant]:
    """Those who may stand in this phase; which one, the rows tell."""
    found = found.annotate(latest=_latest_step())
    if phase in ENDS:
        return found.filter(latest__in=[step.value for step, move in MOVES.items() if move.to is phase])
    return found.filter(_GOING_ON, infused if phase in TREATED else ~infused)


@dataclass(frozen=True, slots=True)
class _Records:
    """What is on record of several participants, by their ids."""

    steps: dict[int, list[StepOnRecord]]
    actual: dict[int, dict[str, date]]
    protocols: dict[int, Protocol]
    given: dict[int, dict[str, date]]
    earlier: dict[int, dict[str, date]]

    def enrolled(self, one: Participant) -> Enrolled | None:
        reached = self.given[one.pk] | self.actual[one.pk]
        return enrolled_of(self.protocols[one.protocol_version_id], reached)


def _in_sight(user: User, today: date, wanted: WantedLog) -> QuerySet[Participant]:
    """The participants in sight of the trial, the site and the code that are asked for."""
    asked = {"trial": wanted.trial, "site": wanted.site, "subject_code__icontains": wanted.search}
    return participants_visible_to(user, today).filter(
        **{name: value for name, value in asked.items() if value}
    )


def _people(user: User, today: date, wanted: WantedLog) -> QuerySet[Participant]:
    signed = Consent.objects.filter(participant=OuterRef("pk")).values("participant")
    consent = Anchor.objects.filter(participant=OuterRef("pk"), code__in=_consents(user, today))
    found = _in_sight(user, today, wanted).annotate(
        consented=Coalesce(
            Subquery(signed.annotate(first=Min("signed_on")).values("first"), output_field=DateField()),
            Subquery(
                consent.filter(actual_on__isnull=False).values("actual_on")[:1], output_field=DateField()
            ),
        ),
        since=Coalesce(F("consented"), TruncDate("created_at")),
    )
    days = {"since__gte": wanted.first, "since__lte": wanted.last}
    found = found.filter(**{name: day for name, day in days.items() if day})
    return found.select_related("trial", "site", "cohort", "protocol_version").defer(
        "protocol_version__document"
    )


def _page(
    found: QuerySet[Participant], wanted: WantedLog, size: int, seen: QuerySet[Participant]
) -> tuple[list[Participant], int | None]:
    """So many participants after an id, and the id that the next page starts after where there may be more.

    LOOKED_AT of all in sight are looked at, or `size` where that is more: where few of them are what is asked
    for, a page is shorter, and the next one goes on from there.
    """
    if wanted.after:
        found, seen = found.filter(pk__gt=wanted.after), seen.filter(pk__gt=wanted.after)
    most = max(LOOKED_AT, size)
    ids = list(seen.order_by("pk").values_list("pk", flat=True)[most - 1 : most + 1])
    last = ids[0] if len(ids) > 1 else None
    found = found.filter(pk__lte=last) if last else found
    some = list(found.order_by("pk")[: size + 1])
    return some[:size], some[size - 1].pk if len(some) > size else last


def _records(people: Sequence[Participant]) -> _Records:
    """Steps and actual days of these participants, chemotherapy that is repeated too; three queries."""
    these = _of(people)
    steps: dict[int, list[StepOnRecord]] = defaultdict(list)
    taken = CourseStep.objects.filter(these, undone=False, step__in=STEPS).order_by("id")
    for step in taken:
        steps[step.participant_id].append(
            StepOnRecord(Step(step.step), step.happened_on, step.attempt, step.reason, step.taken.ends)
        )
    actual: dict[int, dict[str, date]] = defaultdict(dict)
    reached = Anchor.objects.filter(these, actual_on__isnull=False)
    for pk, code, day in reached.values_list("participant_id", "code", "actual_on"):
        actual[pk] |= {code: day} if day else {}
    protocols = {one.protocol_version_id: protocol_of(one.protocol_version) for one in people}
    records = _Records(steps, actual, protocols, defaultdict(dict), defaultdict(dict))
    _add_given(records, these)
    return records


def _add_given(records: _Records, these: Q) -> None:
    """Treatment of which only visits tell, as its anchor is not on record or no more; one query."""
    codes = {code for protocol in records.protocols.values() for code in treatments(protocol)}
    keys = ("participant_id", "anchor_code", "attempt", "offset")
    # grouped, and without the anchors, which are known: each of thousands of visits would look for its own
    done = _given(codes).filter(these).order_by().values_list(*keys).annotate(first=Min("performed_on"))
    for pk, code, attempt, offset, day in done.order_by("first"):
        if code in records.actual.get(pk, ()):
            continue
        records.given[pk].setdefault(code, day)
        if offset == OWN_DAY and attempt < max((step.attempt for step in records.steps[pk]), default=1):
            records.earlier[pk].setdefault(code, day)


def _of(people: Sequence[Participant]) -> Q:
    """Rows of these participants, sorted by id; of very many, of everybody between the first and the last."""
    if len(people) > _MANY:  # more than a statement should name; a foreign key has no `range`
        return Q(participant__gte=people[0].pk, participant__lte=people[-1].pk)
    return Q(participant__in=people)


def _since(one: Participant) -> date | None:
    since: date | datetime | None = getattr(one, "since", None)
    return since


def _enrolment_row(one: Participant, enrolled: Enrolled, records: _Records) -> EnrolmentRow:
    protocol = records.protocols[one.protocol_version_id]
    steps, actual = records.steps[one.pk], records.actual[one.pk]
    no_return = [rule.code for rule in protocol.anchors if rule.point_of_no_return]
    marked = [actual[code] for code in no_return if code in actual]
    earlier = [day for code, day in records.earlier[one.pk].items() if code in no_return]
    course = Course(
        steps=[step.taken for step in steps],
        conditioned_on=min(marked, default=min(earlier, default=None)),
        repeating=bool(earlier and not marked),
        infused_on=actual.get(protocol.day_zero),
    )
    return EnrolmentRow(
        participant=one,
        consented_on=getattr(one, "consented", None),
        enrolled=enrolled,
        conditioned_on=course.conditioned_on,
        infused_on=course.infused_on,
        phase=PHASE_LABELS[phase_of(course)],
        end=end_of(steps),
    )
