"""Lymphodepletion that is repeated: a new block before a new infusion, and that withdrawn again.

What was given stays on record with the earlier attempt, and everything else goes over to the next one.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from participants.domain.anchors import RecordedAnchor
from participants.domain.errors import CourseRefused
from participants.domain.lifecycle import Step
from participants.models import Anchor, CourseStep, Participant
from participants.services.course import mark_undone
from schedules.domain.deviations.drafts import DeviationKind
from schedules.domain.errors import ReplanningRefused
from schedules.domain.replanning.hold_clock import Waiting
from schedules.domain.visits.order import anchors_of_rule
from schedules.models import Deviation, Visit
from schedules.selectors.store.course import CourseState, clock_at, first_consent, standing_of
from schedules.selectors.store.records import Record, record_of
from schedules.services.course.holds import waiting_now
from schedules.services.course.rescreening_and_transfer import FRESH, plan_once_more
from schedules.services.course.status_changes import (
    StepRequest,
    is_repetition,
    locked,
    raise_version,
    take_step,
)
from schedules.services.replanning.hold_rows import draft_broken_off, follow_person
from schedules.services.replanning.moves import Preview, Proposal, replan_many
from schedules.services.store.unlikely_days import questions_about
from schedules.services.store.visit_writing import (
    NO_BOOKING,
    Value,
    forget_preparations,
    keep_held,
    write_visits,
)
from trials.audit.acts import recorded
from trials.domain.protocols.protocol import AnchorRule, Protocol
from trials.domain.protocols.treatment_names import capital
from trials.models import User
from trials.selectors.records import protocol_of
from trials.services.sites.plausible_days import ask_once, impossible_days
from trials.spoken import require_reason, say, sentence

REPETITION_WITHDRAWN = 0
"""The attempt of visits that were planned in a repetition which was withdrawn: before the first one.

Their rows stay, for calendars and the trail know them; a later repetition takes them up again.
"""


@recorded
def repeat_lymphodepletion(
    *,
    participant: Participant,
    version: int,
    day_zero: date,
    by: User | None,
    reason: str,
    now: datetime,
    sure: bool = False,
) -> CourseStep:
    """Plan chemotherapy again, as a new block before a new infusion; what was given stays on record.

    The block gets rows of its own, of the next attempt, and everything else goes over to that attempt;
    that the first block was broken off drafts itself as a deviation. Raises CourseRefused where the new
    chemotherapy would begin before today, where no visit says what was given, and for an unlikely day that
    nobody has said is meant (`sure`); and Stale.
    """
    waiting = waiting_now(participant, version)
    record = record_of(participant.pk)
    person, protocol = record.participant, protocol_of(record.participant.protocol_version)
    rules = protocol.visit_by_code
    given = [visit for visit in record.visits if visit.performed_on == waiting.began]
    if not any(waiting.anchor in anchors_of_rule(rules.get(v.rule_code), v.occurrence) for v in given):
        message = _("No visit says that %(given)s was given on %(day)s: record it as done first.")
        raise CourseRefused({"": [sentence(message, {"given": say(waiting.given), "day": waiting.began})]})
    _refuse_unlikely(person, day_zero, sure=sure)
    request = StepRequest(Step.RESUMPTION, clock_at(person.site, now).today, sure=True)
    if waiting.since is None:  # delayed without having been put on hold
        hold = StepRequest(Step.HOLD, request.on, sure=True)
        take_step(participant=person, version=version, request=hold, by=by, reason=reason, now=now)
        version = Participant.objects.values_list("version", flat=True).get(pk=person.pk)
    step = take_step(participant=person, version=version, request=request, by=by, reason=reason, now=now)
    block = _block_of(waiting.anchor, protocol)
    _next_attempt(person, step, block, now)
    Anchor.objects.filter(participant=person, code=waiting.anchor).delete()  # it follows the infusion again
    _plan_again(record, waiting, day_zero, by=by, reason=reason, now=now)
    done = [visit for visit in record.visits if visit.rule_code in block and visit.performed_on]
    draft_broken_off(record, waiting, done, now, reason)
    follow_person(person.pk, now)
    return step


@recorded
def withdraw_repetition(
    *,
    participant: Participant,
    version: int,
    day_zero: date,
    by: User | None,
    reason: str,
    now: datetime,
    sure: bool = False,
) -> CourseStep:
    """Take back a repetition that was a mistake: the hold goes on, with the infusion planned on `day_zero`.

    The first block counts again, and what was planned of the new one is cancelled. Raises CourseRefused
    without a reason, where the last step is none, once anything of the new block was done, and for a day
    that contradicts what was given or is unlikely and not confirmed (`sure`); and Stale.
    """
    person = locked(participant, version)
    standing = standing_of(person)
    require_reason(reason, CourseRefused)
    _refuse_unlikely(person, day_zero, sure=sure)
    if not is_repetition(standing.steps):
        raise CourseRefused({"": [_("The last step on record is no repeated treatment.")]})
    step, start = standing.steps[-1], _start_of(standing.protocol)
    _refuse_begun(standing, step, start)
    mark_undone(step=step, by=by, reason=reason)
    _first_attempt_again(person, step, now, reason)
    anchors = _as_before(standing, step, start, day_zero)
    _replan(person, Proposal(anchors=anchors), by=by, reason=reason, now=now)
    keep_held(person, now)
    follow_person(person.pk, now)
    person.refresh_from_db(fields=["version"])
    raise_version(person, now)
    return step


def _refuse_unlikely(person: Participant, day_zero: date, *, sure: bool) -> None:
    """Raise CourseRefused for a new day zero that is impossible, or unlikely and not confirmed."""
    if impossible := impossible_days({"day_zero": day_zero}, person.trial.planned_end):
        raise CourseRefused(impossible)
    unlikely = questions_about(person, [day_zero], consented=first_consent(person))
    ask_once(unlikely, CourseRefused, sure=sure)


def _next_attempt(person: Participant, step: CourseStep, block: Collection[str], now: datetime) -> None:
    """Give what was used up of the block rows of its own in the next attempt; take all else over to it."""
    attempt = step.attempt
    present = Visit.objects.filter(participant=person, attempt=attempt)
    ended = present.exclude(performed_on=None, missed_on=None, cancelled_on=None)
    used = list(ended.filter(rule_code__in=block, unscheduled=False, applies=True))
    over = present.exclude(pk__in=[visit.pk for visit in used])
    write_visits(person.pk, _ids(over), "moved", now, attempt=attempt + 1)
    known = {(v.rule_code, v.occurrence): v.pk for v in _withdrawn_visits(person)}
    again = [pk for visit in used if (pk := known.get((visit.rule_code, visit.occurrence)))]
    forget_preparations(again)
    write_visits(person.pk, again, "restored", now, attempt=attempt + 1, **FRESH, **NO_BOOKING)
    new = [visit for visit in used if (visit.rule_code, visit.occurrence) not in known]
    plan_once_more(new, attempt + 1, now)
    step.attempt = attempt + 1
    step.save(update_fields=["attempt"])


def _first_attempt_again(person: Participant, step: CourseStep, now: datetime, reason: str) -> None:
    """The reverse: what the new block had of its own is cancelled and set aside, all else comes back."""
    earlier = Visit.objects.of(person).asked_for().filter(attempt=step.attempt - 1)
    used = set(earlier.values_list("rule_code", "occurrence"))
    present = Visit.objects.filter(participant=person, attempt=step.attempt)
    own = [v.pk for v in present if not v.unscheduled and (v.rule_code, v.occurrence) in used]
    gone: dict[str, Value] = {
        "cancelled_on": clock_at(person.site, now).today,
        "cancelled_reason": reason,
        "applies": False,
        "held_on": None,
        "attempt": REPETITION_WITHDRAWN,
    }
    back = _ids(present.exclude(pk__in=own))
    write_visits(person.pk, own, "cancelled", now, **gone)
    write_visits(person.pk, back, "moved", now, attempt=step.attempt - 1)


def _withdrawn_visits(person: Participant) -> QuerySet[Visit]:
    return Visit.objects.filter(participant=person, attempt=REPETITION_WITHDRAWN)


def _ids(visits: QuerySet[Visit]) -> list[int]:
    return list(visits.values_list("pk", flat=True))


def _start_of(protocol: Protocol) -> AnchorRule:
    """The anchor of the first chemotherapy, which follows the infusion."""
    return next(rule for rule in protocol.anchors if rule.point_of_no_return and rule.derived)


def _block_of(anchor: str, protocol: Protocol) -> list[str]:
    """The visits of the block in which chemotherapy is given."""
    block = {rule.block for rule in protocol.visits if rule.block and rule.counts_from.code == anchor}
    return [rule.code for rule in protocol.visits if rule.block in block]


def _refuse_begun(standing: CourseState, step: CourseStep, start: AnchorRule) -> None:
    """Raise CourseRefused once chemotherapy was given again."""
    block = Visit.objects.filter(participant=standing.participant, attempt=step.attempt)
    done = block.done().filter(rule_code__in=_block_of(start.code, standing.protocol))
    first = done.order_by("performed_on").values_list("label", "performed_on").first()
    if start.code in standing.actual:
        first = first or (start.label, standing.actual[start.code])
    if first:
        message = _("%(visit)s was done on %(day)s. A repetition that has begun cannot be withdrawn.")
        raise CourseRefused({"": [sentence(message, {"visit": say(first[0]), "day": first[1]})]})


def _as_before(
    standing: CourseState, step: CourseStep, start: AnchorRule, day_zero: date
) -> dict[str, RecordedAnchor]:
    """The first chemotherapy on the day on which its visit was done, and the infusion planned."""
    assert start.derived is not None, "the first chemotherapy follows the infusion"
    rules, base = standing.protocol.visit_by_code, start.derived.anchor
    done = Visit.objects.filter(
        participant=standing.participant, attempt=step.attempt - 1, performed_on__isnull=False
    )
    begun = min(
        (v for v in done if start.code in anchors_of_rule(rules.get(v.rule_code), v.occurrence)),
        key=lambda visit: (visit.performed_on, visit.pk),
    )
    return {
        start.code: RecordedAnchor(
            start.code,
            actual_on=begun.performed_on,
            actual_at=begun.performed_at,
            actual_zone=begun.performed_zone,
        ),
        base: RecordedAnchor(base, planned_on=day_zero),
    }


def _plan_again(
    record: Record, waiting: Waiting, day_zero: date, *, by: User | None, reason: str, now: datetime
) -> None:
    """Plan around the new infusion; raises CourseRefused where chemotherapy would begin before today."""
    proposal = Proposal(anchors={waiting.base: RecordedAnchor(waiting.base, planned_on=day_zero)})
    preview = _replan(record.participant, proposal, by=by, reason=reason, now=now)
    begins = preview.plan.anchors[waiting.anchor].day
    if begins < preview.today:
        message = _("%(given)s would begin on %(begins)s, before today, %(today)s: give a later day.")
        words = {"given": say(capital(waiting.given)), "begins": begins, "today": preview.today}
        raise CourseRefused({"day_zero": [sentence(message, words)]})
    _keep_violations(record, preview.record.participant)


def _keep_violations(record: Record, person: Participant) -> None:
    """Let violated windows that have moved keep the deviations that they were found in.

    They lay around what was given: by the new days nothing is withdrawn that happened.
    """
    after = record_of(person.pk)
    stood, stands = record.spans(), after.spans()
    moved = [window.pk for window in record.windows if stood.get(window.code) != stands.get(window.code)]
    found = Deviation.objects.filter(window__in=moved, kind=DeviationKind.WINDOW)
    found.filter(lapsed_on=None, withdrawn_on=None).update(window=None)


def _replan(
    person: Participant, proposal: Proposal, *, by: User | None, reason: str, now: datetime
) -> Preview:
    try:
        (preview,) = replan_many(
            ids=[person.pk], proposals={person.pk: proposal}, now=now, by=by, reason=reason
        )
    except ReplanningRefused as refused:
        raise CourseRefused({"day_zero": [str(refused)]}) from refused
    return preview
