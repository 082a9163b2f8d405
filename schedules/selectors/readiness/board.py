"""Who went through treatment when, in a whole trial: what gates are judged by, and the cohort board."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Exists, Min, OuterRef, QuerySet

from participants.models import Anchor, CourseStep, Participant, SafetyReview
from participants.selectors.participants import participants_visible_to
from schedules.domain.plan.labels import in_language
from schedules.domain.readiness.cohort_board import LevelBoard, Nearest, board, in_order, nearest
from schedules.domain.readiness.gate_wording import is_assumed, words_of_gate
from schedules.domain.readiness.gates import (
    Cohorts,
    Course,
    GateVerdict,
    Review,
    earliest_start,
    gate_ahead,
    gate_status,
    is_late,
    waiting_of,
)
from schedules.models import ProtocolWindow, Visit
from schedules.selectors.store.calendars import DayOfSites, site_days, today_at
from schedules.selectors.store.first_days import STEPS
from schedules.selectors.windows.evaluation import ended_on
from trials.domain.protocols.protocol import Protocol
from trials.domain.protocols.terms import WindowKind
from trials.domain.words import Say, Value, Words, day_text, plain
from trials.domain.words import mark as _
from trials.models import Cohort, ProtocolVersion, Site, Trial, User
from trials.selectors.among import AmongIds, AmongMany
from trials.selectors.records import protocol_of, published_versions, published_versions_of, trials_visible_to
from trials.selectors.together import read_together
from trials.spoken import place_text
from trials.zones import roles_day


class Peer(NamedTuple):
    """Of a participant of the trial what gates look at: a model takes longer to make than to judge."""

    pk: int
    subject_code: str
    level: str | None
    site_id: int
    site: Site


@dataclass(frozen=True, slots=True)
class Slot:
    """A participant on the board: their course, whether it has begun, and the gate before a start to come.

    `shown` is false of somebody whom the reader may not look at: then `name` says only where they are.
    """

    participant: Peer
    name: str
    shown: bool
    course: Course
    begun: bool
    gate: GateVerdict | None
    reasons: tuple[str, ...]
    observed_until: date | None


@dataclass(frozen=True, slots=True)
class LevelRow:
    """A dose level (None: the whole trial), its slots, its reviews and the earliest next start.

    Slots that are not shown are counted: those that began before, and those that are to begin after.
    """

    cohort: Cohort | None
    level: LevelBoard
    slots: tuple[Slot, ...]
    watched: tuple[tuple[str, date], ...]
    reviews: tuple[SafetyReview, ...]
    next_start: date | None
    next_reasons: tuple[str, ...]
    begun_before: int = 0
    planned_after: int = 0


@dataclass(frozen=True, slots=True)
class TrialBoard:
    """The cohort board of a trial on a day: where its sites have several, on the first of them.

    Each participant is judged by the day of their own site.
    """

    trial: Trial
    protocol: Protocol
    today: date
    levels: tuple[LevelRow, ...]
    days: Sequence[DayOfSites] = ()

    @property
    def latest(self) -> date:
        """The last of the days that it is at the sites: what was held on it may be on record."""
        return max((one.day for one in self.days), default=self.today)


@dataclass(frozen=True, slots=True)
class TrialCourses:
    """The courses of a trial's participants with the rows they were read from."""

    people: Mapping[str, Peer]
    courses: tuple[Course, ...]
    begun: frozenset[str]
    reviews: tuple[Review, ...] = ()


def is_gated(protocol: Protocol) -> bool:
    """Whether anything of a protocol asks for gates at all."""
    return bool(protocol.gates or protocol.dose_levels)


def courses_of(protocol: Protocol, trial: int, now: datetime | None) -> TrialCourses:
    """The courses, planned or past, of everybody in a trial whose day zero is known; with the reviews of it.

    Whose planned day is over and has not come is judged at `now` by the day of their own site; of a history
    that is imported, without `now`, nobody's. Four queries. Those without a day zero, who wait in screening
    or ended there, are not read at all.
    """
    people, rows, held = _rows_of(protocol, trial)
    days = _days_there(people, now) if now else {}
    found = [course for person in people if (course := rows.course(person, days.get(person.site_id)))]
    return TrialCourses(
        {one.subject_code: one for one in people},
        tuple(found),
        frozenset(course.subject for course in found if course.begun),
        tuple(Review(on, level, opens=opens) for on, level, opens in held),
    )


@dataclass(frozen=True, slots=True)
class _Rows:
    """What a trial has on record of courses, by participant, and which anchors say when one begins.

    Of each anchor its day, the actual one where it is known, and whether it is.
    """

    marked: Sequence[str]
    day_zero: str
    anchors: Mapping[int, Mapping[str, tuple[date, bool]]]
    derived: Mapping[int, date]
    observed: Mapping[int, Sequence[tuple[str, date]]]
    steps: Mapping[int, Sequence[CourseStep]]

    def _start(self, person: Peer) -> tuple[list[date], bool]:
        """The days on which a course begins by its anchors, and whether one of them has come."""
        anchors = self.anchors[person.pk]
        known = [anchors[code] for code in self.marked if code in anchors]
        if not known and person.pk in self.derived:
            return [self.derived[person.pk]], False
        return [day for day, _actual in known], any(actual for _day, actual in known)

    def course(self, person: Peer, today: date | None) -> Course | None:
        """One participant's course; None without a day zero, and for one that ended before it began."""
        anchors = self.anchors[person.pk]
        infusion, infused = anchors[self.day_zero]
        days, started = self._start(person)
        begun = infused or started
        over = ended_on(self.steps[person.pk], infused=infused) if person.pk in self.steps else None
        if over and not begun:
            return None
        begins = min([*days, infusion])
        return Course(
            person.subject_code,
            person.level,
            begins,
            infusion,
            tuple(self.observed.get(person.pk, ())),
            ended_on=over,
            replaced=bool(over and not infused),
            begun=begun,
            late=not over and is_late(begins, infusion, begun=begun, infused=infused, today=today),
        )


def _rows_of(protocol: Protocol, trial: int) -> tuple[list[Peer], _Rows, Sequence[Any]]:
    """Those whose day zero is known, what is on record of them, and the reviews; four queries.

    What there is of everybody is read by itself: of thousands of rows the making and taking apart of one
    value took three times as long as the reading.
    """
    marked = [rule.code for rule in protocol.anchors if rule.point_of_no_return]
    theirs = _of_trial(trial)
    people = list(
        Participant.objects.filter(trial=trial)
        .order_by("pk")
        .values_list("pk", "subject_code", "cohort__code", "site_id")
    )
    anchors = _anchor_days(theirs, [*marked, protocol.day_zero])
    derived, taken, held, sites = read_together(
        _derived([pk for pk, days in anchors.items() if days.keys().isdisjoint(marked)], marked),
        CourseStep.objects.filter(theirs, undone=False, step__in=STEPS).order_by("pk"),
        _reviews(trial),
        Site.objects.filter(pk__in={site for *_person, site in people}),
    )
    observed: dict[int, list[tuple[str, date]]] = defaultdict(list)
    for pk, code, day in _observed(trial):
        observed[pk].append((code, day))
    steps: dict[int, list[CourseStep]] = defaultdict(list)
    for step in taken:
        steps[step.participant_id].append(step)
    place = {site.pk: site for site in sites}
    rows = _Rows(marked, protocol.day_zero, anchors, dict(derived), observed, steps)
    found = [
        Peer(pk, code, level, site, place[site])
        for pk, code, level, site in people
        if protocol.day_zero in anchors.get(pk, ())
    ]
    return found, rows, held


def _days_there(people: Iterable[Peer], now: datetime) -> dict[int, date]:
    """The day that it is at the site of each of these people, by site."""
    return {pk: today_at(site, now) for pk, site in {one.site_id: one.site for one in people}.items()}


def _reviews(trial: int) -> QuerySet[Any, Any]:
    """The safety reviews of each level or of the whole trial, in the order in which they were held."""
    rows = SafetyReview.objects.filter(trial=trial).order_by("held_on", "pk")
    return rows.values_list("held_on", "cohort__code", "opens_next")


def safety_reviews_of(trial: Trial) -> QuerySet[SafetyReview]:
    """The safety reviews on record of a trial and of its levels."""
    return SafetyReview.objects.filter(trial=trial)


def trials_with_board(user: User, today: date) -> list[Trial]:
    """The trials in sight in which anything is gated or levelled, by their newest published versions.

    Two queries, however many trials there are; a protocol that nobody has read yet takes one more.
    """
    trials = list(trials_visible_to(user, today).order_by("code"))
    versions = published_versions_of(trials).defer("document")
    newest = {version.trial_id: version for version in reversed(versions)}
    return [one for one in trials if one.pk in newest and is_gated(protocol_of(newest[one.pk]))]


def trial_board(
    trial: Trial, user: User, now: datetime, say: Say = plain, *, whole: bool = False
) -> TrialBoard | None:
    """The cohort board of a trial by its newest published version, for a reader; None where it has none.

    Of a level with many slots those around today are shown, or with `whole` all. The number of queries does
    not depend on how many take part.
    """
    found = _protocol(trial)
    if found is None:
        return None
    protocol = in_language(found, say)
    here, days = roles_day(now), site_days(_sites_of(trial), now)
    today = days[0].day if days else here
    read = courses_of(protocol, trial.pk, now)
    there = _days_there(read.people.values(), now)
    seen = frozenset(participants_visible_to(user, here).filter(trial=trial).values_list("pk", flat=True))
    cohorts = Cohorts.of(protocol, read.courses, read.reviews)
    names = names_of(read, seen)
    reading = _BoardReading(protocol, cohorts, read, seen, names, today, say, waiting_of(cohorts), whole)
    rows = {cohort.code: cohort for cohort in Cohort.objects.filter(trial=trial).order_by("position")}
    reviews = list(SafetyReview.objects.filter(trial=trial).order_by("held_on", "pk"))
    by_subject = {code: there[person.site_id] for code, person in read.people.items()}
    found_levels = board(cohorts, today, by_subject)
    levels = [reading.level(level, rows.get(level.level or ""), reviews) for level in found_levels]
    return TrialBoard(trial, protocol, today, tuple(levels), days)


def _sites_of(trial: Trial) -> QuerySet[Site]:
    """The sites at which anybody takes part, whether or not their day zero is known."""
    taking_part = Participant.objects.filter(trial=trial, site=OuterRef("pk"))
    return Site.objects.filter(Exists(taking_part)).order_by("pk")


def _protocol(trial: Trial) -> Protocol | None:
    version: ProtocolVersion | None = published_versions(trial).defer("document").first()
    return protocol_of(version) if version else None


def names_of(read: TrialCourses, seen: frozenset[int]) -> dict[str, Value]:
    """How each participant of a trial may be named: those not in sight by their site alone."""
    return {
        code: code
        if person.pk in seen
        else Words.of(_("a participant at %(site)s"), {"site": place_text(person.site)})
        for code, person in read.people.items()
    }


def gate_words(
    verdict: GateVerdict, protocol: Protocol, names: Mapping[str, Value], say: Say = plain
) -> tuple[str, ...]:
    """Why a gate is closed, in sentences; an assumed gate says that it is."""
    found = [words.text(say, day_text) for words in words_of_gate(verdict, names)]
    if is_assumed(verdict, protocol.gates):
        found.append(say(_("(This gate is assumed, not stated by the protocol.)")))
    return tuple(found)


def _anchor_days(theirs: AmongIds, codes: Collection[str]) -> dict[int, dict[str, tuple[date, bool]]]:
    """The days of these anchors by participant and code, each with whether it has happened."""
    found: dict[int, dict[str, tuple[date, bool]]] = defaultdict(dict)
    set_ = Anchor.objects.filter(theirs, code__in=codes).order_by()
    for pk, code, planned, actual in set_.values_list("participant_id", "code", "planned_on", "actual_on"):
        if day := actual or planned:
            found[pk][code] = (day, actual is not None)
    return found


def _derived(people: Collection[int], marked: Collection[str]) -> QuerySet[Any, Any]:
    """The first day that the visits at the point of no return count from; of people without its anchor."""
    # what was begun before it was repeated is over, and nothing of it is live
    visits = Visit.objects.live().filter(AmongMany("participant_id", people), anchor_code__in=marked)
    return visits.order_by("participant_id").values_list("participant_id").annotate(Min("anchor_on"))


def _of_trial(trial: int) -> AmongIds:
    """The condition on rows of the people of a trial."""
    return AmongIds("participant_id", Participant.objects.filter(trial=trial).order_by().values("pk"))


def _observed(trial: int) -> QuerySet[Any, Any]:
    """Until when each participant is observed, by participant and code of the window."""
    windows = ProtocolWindow.objects.filter(
        _of_trial(trial), kind=WindowKind.OBSERVATION, ends_on__isnull=False, cancelled_on=None
    )
    return windows.order_by().values_list("participant_id", "code", "ends_on")


@dataclass(frozen=True, slots=True)
class _BoardReading:
    """By what a board is read: who is seen, how everybody is named, today, and the reader's language.

    `whole` says that every slot is shown.
    """

    protocol: Protocol
    cohorts: Cohorts
    read: TrialCourses
    seen: frozenset[int]
    names: Mapping[str, Value]
    today: date
    say: Say
    waiting: frozenset[str]
    whole: bool = False

    def level(self, level: LevelBoard, cohort: Cohort | None, reviews: Iterable[SafetyReview]) -> LevelRow:
        """One level, with the reviews of it and of the whole trial."""
        shown = nearest(level.courses, self.read.begun)
        if self.whole:
            shown = Nearest(sorted(level.courses, key=in_order))
        newcomer = Course("", level.level, self.today, self.today + _usual_lead(level.courses))
        earliest = earliest_start(self.cohorts, newcomer)
        return LevelRow(
            cohort,
            level,
            tuple(map(self._slot, shown.courses)),
            tuple((self._name(subject), until) for subject, until in level.observed_until),
            tuple(one for one in reviews if one.cohort_id in {None, cohort.pk if cohort else None}),
            earliest,
            self._words(gate_status(self.cohorts, self._eve(newcomer, earliest))),
            shown.begun_before,
            shown.planned_after,
        )

    def _eve(self, newcomer: Course, earliest: date | None) -> Course:
        """The start a day before the earliest one: what stands in its way is what sets that day."""
        if earliest is None or earliest <= newcomer.begins:
            return newcomer
        shift = earliest - timedelta(days=1) - newcomer.begins
        return replace(newcomer, begins=newcomer.begins + shift, infusion=newcomer.infusion + shift)

    def _slot(self, course: Course) -> Slot:
        person, begun = self.read.people[course.subject], course.subject in self.read.begun
        gate = None if begun else gate_ahead(self.cohorts, course, self.waiting)
        codes = {one.observation for one in self.cohorts.gates if one.observation}
        days = [day for code in codes if (day := course.observed_until(code))]
        return Slot(
            participant=person,
            name=self._name(course.subject),
            shown=person.pk in self.seen,
            course=course,
            begun=begun,
            gate=gate,
            reasons=self._words(gate) if gate else (),
            observed_until=max(days, default=None),
        )

    def _name(self, subject: str) -> str:
        name = self.names[subject]
        return name.text(self.say) if isinstance(name, Words) else str(name)

    def _words(self, gate: GateVerdict) -> tuple[str, ...]:
        return gate_words(gate, self.protocol, self.names, self.say)


def _usual_lead(courses: Iterable[Course]) -> timedelta:
    """The days from the point of no return to the infusion, as they are planned here."""
    return max((course.infusion - course.begins for course in courses), default=timedelta(0))
