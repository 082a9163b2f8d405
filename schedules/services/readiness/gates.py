"""Gates at the point of no return, and the safety reviews that open them. Software never decides a dose.

A gate is asked where a first chemotherapy (the infusion, where there is none) is planned or put on
record. What was done before it came here, such as an import of history, is taken as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.translation import gettext as _

from participants.models import SafetyReview
from schedules.domain.plan.values import AnchorKind, Plan
from schedules.domain.readiness.gate_wording import MEETS, words_of_gate, words_of_opening
from schedules.domain.readiness.gates import Cohorts, Course, GateVerdict, course_of, gate_ahead
from schedules.domain.readiness.start_context import start_codes
from schedules.selectors.readiness.board import TrialCourses, courses_of, is_gated, names_of
from trials.audit.acts import recorded
from trials.domain.errors import Refused
from trials.domain.refusals import REASON_MISSING
from trials.domain.words import Code, Value, Words, day_text, run_on
from trials.models import Cohort, Site, Trial, User
from trials.services.sites.plausible_days import (
    ask_once,
    frame_in_trial,
    impossible_days,
    questions_of,
)
from trials.spoken import say, sentence
from trials.zones import zone_of

# As long as its column: PostgreSQL refuses a longer text.
_REFERENCE = 200


@dataclass(frozen=True, slots=True)
class Candidate:
    """Who is to start where, at which dose level; and `now`, where it is asked for as of now."""

    subject: str
    trial: int
    site: Site
    level: str | None
    now: datetime | None


def refusal_of_start(plan: Plan, candidate: Candidate) -> str | None:
    """Why the start that a plan has meets a closed gate, and the day it opens; None where it does not.

    A start that has its actual day already is history, and passes. The trial is locked until the
    transaction ends, so that two starts planned at once do not both pass.
    """
    if not is_gated(plan.protocol) or is_begun(plan):
        return None
    refusal = _refusal(plan, candidate)
    return in_sentences(refusal) if refusal else None


def refusal_of_move(plan: Plan, candidate: Candidate, *, recording: bool) -> tuple[Words, ...] | None:
    """The same as data for a start that is planned on another day; with `recording` put on record, corrected.

    A planned start that stays on its day is not asked about; one that took place waits for nobody who was
    to begin on the same day and has not.
    """
    if not is_gated(plan.protocol):
        return None
    return _refusal(plan, candidate, moving=not recording, recording=recording)


def is_begun(plan: Plan) -> bool:
    """Whether the point of no return has its actual day, or the infusion that comes after it."""
    codes = {*start_codes(plan), plan.protocol.day_zero} & set(plan.anchors)
    return any(plan.anchors[code].kind is AnchorKind.ACTUAL for code in codes)


@dataclass(frozen=True, slots=True)
class ReviewRecord:
    """When a review was held, whether it lets the next participant start, and where that is documented."""

    held_on: date
    opens_next: bool
    reference: str

    @classmethod
    def of(cls, review: SafetyReview) -> ReviewRecord:
        """What stands on record of a review."""
        return cls(review.held_on, review.opens_next, review.reference)

    @property
    def mark(self) -> str:
        """By which a form knows again what it was shown with."""
        return f"{self.held_on} {self.opens_next} {self.reference}"


@recorded
def record_safety_review(
    *,
    of: Trial | Cohort,
    review: ReviewRecord,
    by: User | None,
    today: date,
    reason: str = "",
    sure: bool = False,
) -> SafetyReview:
    """A review of safety on record, of a dose level or of a whole trial, such as one without levels.

    Raises Refused for the future, without a reference, and for a day before the trial began or long after
    its end that nobody has said is meant (`sure`), or that is meant and has no reason.
    """
    trial = of if isinstance(of, Trial) else of.trial
    if fields := _refusals_of_review(review, trial, today):
        raise Refused(fields)
    unlikely = list(questions_of(frame_in_trial(trial, today), [review.held_on]))
    ask_once(unlikely, Refused, sure=sure, reason=reason)
    return SafetyReview.objects.create(
        trial=trial,
        cohort=None if isinstance(of, Trial) else of,
        held_on=review.held_on,
        opens_next=review.opens_next,
        reference=review.reference.strip()[:_REFERENCE],
        recorded_by=by,
    )


@recorded
def correct_safety_review(
    *,
    review: SafetyReview,
    shown: str,
    to: ReviewRecord,
    by: User | None,
    today: date,
    reason: str,
    sure: bool = False,
) -> SafetyReview:
    """A review that was recorded wrongly, as it should have been; what stood there stays in the trail.

    `shown` is the mark of what anyone who corrects has seen. Raises Refused for the future, without a
    reference or a reason, where somebody else corrected it meanwhile, and for an unlikely day as
    `record_safety_review`.
    """
    review = SafetyReview.objects.select_for_update(no_key=True).get(pk=review.pk)
    fields = _refusals_of_review(to, review.trial, today)
    if not reason.strip():
        fields["reason"] = [_(REASON_MISSING)]
    if ReviewRecord.of(review).mark != shown:
        words = {"day": review.held_on, "reference": review.reference}
        message = _(
            "Somebody corrected it meanwhile, to %(day)s, %(reference)s. Save again if yours is right."
        )
        fields[""] = [sentence(message, words)]
    if fields:
        raise Refused(fields)
    if to.held_on != review.held_on:
        ask_once(list(questions_of(frame_in_trial(review.trial, today), [to.held_on])), Refused, sure=sure)
    review.held_on, review.opens_next = to.held_on, to.opens_next
    review.reference = to.reference.strip()[:_REFERENCE]
    review.save(update_fields=["held_on", "opens_next", "reference"])
    return review


def _refusals_of_review(review: ReviewRecord, trial: Trial, today: date) -> dict[str, list[str]]:
    fields = impossible_days({"held_on": review.held_on}, trial.planned_end or today)
    if review.held_on > today:
        words = {"day": review.held_on, "today": today}
        fields["held_on"] = [sentence(_("%(day)s is in the future: today is %(today)s."), words)]
    if not review.reference.strip():
        fields["reference"] = [_("Name the minutes or the letter in which the review is documented.")]
    return fields


def in_sentences(words: Iterable[Words]) -> str:
    """Why a gate is closed, in the reader's language."""
    # `say`, not gettext: labels and places have both languages in them
    return run_on((one.text(say, day_text) for one in words), _)


def _refusal(
    plan: Plan, candidate: Candidate, *, moving: bool = False, recording: bool = False
) -> tuple[Words, ...] | None:
    """The refusal of a plan's start; `moving` lets one be about which nothing moves."""
    course = course_of(plan, candidate.subject, candidate.level, zone_of(candidate.site))
    if course is None:
        return None
    Trial.objects.select_for_update(no_key=True).get(pk=candidate.trial)
    read = courses_of(plan.protocol, candidate.trial, candidate.now)
    if moving and _stands(read, course):
        return None
    cohorts = Cohorts.of(plan.protocol, read.courses, read.reviews)
    verdict = gate_ahead(cohorts.at_start(course.begins, read.begun) if recording else cohorts, course)
    here = frozenset(person.pk for person in read.people.values() if person.site_id == candidate.site.pk)
    return None if verdict.open else _words(verdict, course, plan, names_of(read, here))


def _stands(read: TrialCourses, course: Course) -> bool:
    return any(
        (one.subject, one.begins, one.infusion) == (course.subject, course.begins, course.infusion)
        for one in read.courses
    )


def _words(verdict: GateVerdict, course: Course, plan: Plan, names: Mapping[str, Value]) -> tuple[Words, ...]:
    label = plan.protocol.anchor_by_code[start_codes(plan)[0]].label
    meets = Words.of(MEETS, {"start": Code(label), "day": course.begins})
    return meets, words_of_opening(verdict, plan.protocol.gates), *words_of_gate(verdict, names)
