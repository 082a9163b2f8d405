"""Bringing participants to another protocol version: shown first, then done in the background.

A run is rows: one step for each participant of its sites, worked on in a transaction of its own
that holds the step. A crash leaves the step waiting and nothing half done; two workers pass each
other by; a lost bell is rung again by the clock. Nobody is left out without a word.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from schedules.domain.errors import AmendmentRefused, ReplanningRefused
from schedules.domain.replanning.amendments import HELD_BACK, Outcome
from schedules.domain.replanning.visit_effects import Effect
from schedules.models import AmendmentRun, AmendmentStep
from schedules.selectors.store.calendars import today_at
from schedules.selectors.store.records import record_of
from schedules.services.replanning.amendment_previews import (
    Amendment,
    AmendmentStale,
    Judging,
    Prospect,
    preview_amendment,
)
from schedules.services.replanning.moves import Proposal, replan_many
from trials.audit.acts import recorded
from trials.bounded import HasTime, always
from trials.domain.errors import TrialFrozen
from trials.domain.stored_sentences import told
from trials.domain.words import Value, Words
from trials.models import Site, Trial, User
from trials.spoken import require_reason

logger = logging.getLogger(__name__)

BATCH = 50
"""How many participants a worker migrates before it looks up again."""

# As long as its column: PostgreSQL refuses a longer text.
_REASON = 300
_FAILED = gettext_noop("Something went wrong; the log says what.")


@recorded
def start_amendment(
    *, amendment: Amendment, digest: str, by: User | None, reason: str, now: datetime
) -> AmendmentRun:
    """Begin to migrate participants; `digest` is that of the dry run that was shown.

    Writes the run with a step for everybody at its sites; workers do the rest. Raises
    AmendmentRefused without a reason, where nobody is ready, or while another run at one of the
    sites has not finished; AmendmentStale, which carries the dry run as it is now.
    """
    require_reason(reason, AmendmentRefused)
    # Of two who start one at the same moment each would find no other; the run has no row to lock yet.
    trial = Trial.objects.select_for_update(no_key=True).get(pk=amendment.to_version.trial_id)
    _refuse_second_run(trial, amendment.sites)
    dry = preview_amendment(amendment=amendment, now=now)
    if dry.digest != digest:
        raise AmendmentStale(dry)
    if not dry.of(Outcome.READY):
        raise AmendmentRefused({"": [_("Nobody at these sites can be migrated now.")]})
    run = AmendmentRun.objects.create(
        from_version=amendment.from_version,
        to_version=amendment.to_version,
        reason=reason.strip()[:_REASON],
        started_at=now,
        started_by=by,
    )
    run.sites.set(amendment.sites)
    AmendmentStep.objects.bulk_create(
        AmendmentStep(run=run, participant=one.participant, outcome=Outcome.WAITING) for one in dry.prospects
    )
    return run


@recorded
def retry_amendment(*, run: AmendmentRun, by: User | None, reason: str) -> int:
    """Put those whom a run held back on the list again, such as after they consented; gives how many.

    Raises AmendmentRefused without a reason, where nobody was held back, and while another run at one
    of the sites has not finished.
    """
    require_reason(reason, AmendmentRefused)
    trial = Trial.objects.select_for_update(no_key=True).get(pk=run.to_version.trial_id)
    held = AmendmentRun.objects.select_for_update(no_key=True).get(pk=run.pk)
    _refuse_second_run(trial, list(held.sites.all()), besides=held.pk)
    steps = AmendmentStep.objects.filter(run=held, outcome__in=HELD_BACK)
    count = steps.update(outcome=Outcome.WAITING, message="", done_at=None, done_on=None)
    if not count:
        raise AmendmentRefused({"": [_("Nobody of this run was held back.")]})
    held.finished_at = None
    held.save(update_fields=["finished_at"])
    return count


@recorded
def cancel_amendment(*, run: AmendmentRun, by: User | None, reason: str, now: datetime) -> int:
    """Stop a run: who waits is not migrated, who was migrated stays so; gives how many waited.

    They can be put on the list again (`retry_amendment`). Raises AmendmentRefused without a reason, and
    where nobody waits.
    """
    require_reason(reason, AmendmentRefused)
    held = AmendmentRun.objects.select_for_update(no_key=True).get(pk=run.pk)
    waiting = AmendmentStep.objects.filter(run=held, outcome=Outcome.WAITING)
    # who is being migrated at this moment keeps their lock, and is waited for
    ids = [step.pk for step in waiting.select_for_update(of=("self",), no_key=True).order_by("pk")]
    still = AmendmentStep.objects.filter(pk__in=ids, outcome=Outcome.WAITING)
    count = still.update(outcome=Outcome.CANCELLED, done_at=now)
    if not count:
        raise AmendmentRefused({"": [_("Nobody of this run waits any more.")]})
    held.finished_at = now
    held.save(update_fields=["finished_at"])
    return count


def advance_amendments(*, now: datetime, most: int = BATCH, has_time: HasTime = always) -> int:
    """Work on up to `most` waiting participants of any run, each in a transaction; gives how many.

    0 says that nothing waits, or that other workers hold what does. Participants of frozen trials
    wait.
    """
    # One that another worker holds, or whose trial is frozen just now, would else be the first again.
    seen: set[int] = set()
    worked = 0
    while worked < most and has_time():
        waiting = AmendmentStep.objects.filter(
            outcome=Outcome.WAITING, run__to_version__trial__frozen_on=None
        )
        step = waiting.exclude(pk__in=seen).select_related("run__started_by").order_by("pk").first()
        if step is None:
            break
        seen.add(step.pk)
        run = step.run
        with suppress(TrialFrozen):  # just now: they wait like the others
            worked += _bring_over(step=step.pk, by=run.started_by, reason=run.reason, now=now)
    _finish_runs(now=now)
    return worked


@recorded
def _bring_over(*, step: int, by: User | None, reason: str, now: datetime) -> bool:
    """One participant, in one transaction that holds their step; false where another worker has it."""
    waiting = AmendmentStep.objects.filter(pk=step, outcome=Outcome.WAITING)
    # One that another worker holds is passed over: to wait for it would hold up all who come after.
    held = waiting.select_for_update(of=("self",), skip_locked=True, no_key=True)
    versions = held.select_related("run__from_version", "run__to_version__trial")
    mine = versions.defer("run__from_version__document", "run__to_version__document").first()
    if mine is None:
        return False
    try:
        with transaction.atomic():
            outcome, message = _brought(mine, by=by, now=now)
    except ReplanningRefused as refused:
        outcome, message = Outcome.REFUSED, told(refused.words) if refused.words else str(refused)
    except TrialFrozen:
        raise
    except Exception:  # whatever it is, it must not hold up the others
        logger.exception("step %s of an amendment failed", mine.pk)
        outcome, message = Outcome.FAILED, told(Words.of(_FAILED))
    mine.outcome, mine.message, mine.done_at = outcome, message, now
    mine.done_on = today_at(Site.objects.get(participants=mine.participant_id), now)
    mine.save(update_fields=["outcome", "message", "done_at", "done_on"])
    return True


def _brought(step: AmendmentStep, *, by: User | None, now: datetime) -> tuple[Outcome, str]:
    """Bring one participant over if nothing stands in the way; what came of it, and why."""
    run = step.run
    record = record_of(step.participant_id, lock=True)
    prospect = Judging.of(run.from_version, run.to_version, [record], now).prospect(record)
    if prospect.outcome is not Outcome.READY:
        return prospect.outcome, told(prospect.why) if prospect.why else ""
    proposal = Proposal(version=run.to_version)
    pk = step.participant_id
    replan_many(ids=[pk], proposals={pk: proposal}, now=now, by=by, reason=run.reason)
    return Outcome.DONE, _counted(prospect)


def _counted(prospect: Prospect) -> str:
    words: dict[str, Value] = {
        "added": prospect.count(Effect.ADDED),
        "moved": prospect.count(Effect.MOVED),
        "cancelled": prospect.count(Effect.CANCELLED),
        "done": len(prospect.done),
    }
    counted = gettext_noop(
        "%(added)d added, %(moved)d moved, %(cancelled)d cancelled; %(done)d stay as they were done."
    )
    return told(Words.of(counted, words))


@recorded
def _finish_runs(*, now: datetime, by: User | None = None) -> None:
    """Runs in which nobody waits any more are finished."""
    open_runs = AmendmentRun.objects.filter(finished_at=None, to_version__trial__frozen_on=None)
    over = open_runs.exclude(pk__in=AmendmentStep.objects.filter(outcome=Outcome.WAITING).values("run"))
    if over.exists():
        over.update(finished_at=now)


def _refuse_second_run(trial: Trial, sites: Sequence[Site], besides: int = 0) -> None:
    running = AmendmentRun.objects.filter(to_version__trial=trial, finished_at=None, sites__in=sites)
    if running.exclude(pk=besides).exists():
        raise AmendmentRefused({"": [_("Another amendment at one of these sites has not finished yet.")]})
