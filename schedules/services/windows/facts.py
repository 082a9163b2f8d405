"""What people record that protocol windows are judged by: facts, corrections, waivers.

Each service locks the participant, writes the fact, plans again what hangs on it and judges the
participant's windows, all in one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _

from participants.domain.fact_kinds import Fact, FactKind, TestResult, Waiver
from participants.domain.facts import Facts
from participants.domain.facts_validation import FactRefused, FactWarning, days_in_trial, problems_of
from participants.domain.moments import day_of
from participants.models import Fact as StoredFact
from participants.models import Participant
from participants.services.facts import Beside, insert_correction, insert_fact, mark_withdrawn
from schedules.domain.errors import ReplanningRefused
from schedules.domain.windows.fact_sources import fed_by, places
from schedules.selectors.windows.evaluation import ParticipantWindows, windows_of_participants
from schedules.services.replanning.moves import replan_many
from schedules.services.store.unlikely_days import unlikely_in_record
from schedules.services.windows.evaluation import judge_participants
from trials.audit.acts import recorded
from trials.domain.accounts.access import WAIVING_ROLE
from trials.domain.errors import Refused
from trials.models import User
from trials.services.sites.plausible_days import ask_once
from trials.spoken import require_reason


@dataclass(frozen=True, slots=True)
class Recorded:
    """A fact on record, and what a person should look at."""

    stored: StoredFact
    warnings: tuple[FactWarning, ...]


@recorded
def record_fact(
    *,
    participant: Participant,
    fact: Fact,
    by: User | None,
    now: datetime,
    reason: str = "",
    sure: bool = False,
) -> Recorded:
    """Put a fact on record and judge the participant's windows by it.

    Raises FactRefused, which holds everything that is wrong with it, also for an unlikely day that nobody
    has said is meant (`sure`), or that is meant and has no reason. A fact that contradicts a
    performed visit is recorded with a warning. A waiver goes through `waive_window`.
    """
    participant_windows = _locked(participant)
    _ask_about(participant_windows, [fact], now, sure=sure, reason=reason)
    beside = _beside(participant_windows, now)
    added = insert_fact(participant=participant, fact=fact, beside=beside, by=by, reason=reason)
    _follow(participant_windows, [added.stored.of], by=by, now=now)
    return Recorded(added.stored, added.warnings)


@recorded
def record_facts(
    *,
    participant: Participant,
    facts: Sequence[Fact],
    by: User | None,
    now: datetime,
    reason: str = "",
    sure: bool = False,
    asked: bool = False,
) -> tuple[Recorded, ...]:
    """Put several facts on record, all or none, and judge the participant's windows once.

    Raises as `record_fact`; the error's `place` says which of them it is. `asked`: their day was asked about
    already, with the visit at which they were said.
    """
    participant_windows = _locked(participant)
    if not asked:
        _ask_about(participant_windows, facts, now, sure=sure, reason=reason)
    added = []
    for place, fact in enumerate(facts):
        try:
            one = insert_fact(
                participant=participant,
                fact=fact,
                beside=_beside(participant_windows, now),
                by=by,
                reason=reason,
            )
        except FactRefused as refused:
            refused.place = place
            raise
        added.append(Recorded(one.stored, one.warnings))
    _follow(participant_windows, [one.stored.of for one in added], by=by, now=now)
    return tuple(added)


@recorded
def correct_fact(
    *, stored: StoredFact, fact: Fact, by: User | None, now: datetime, reason: str, sure: bool = False
) -> Recorded:
    """Put another fact in the place of one that was wrong, with a reason, and judge again.

    Raises FactRefused as `record_fact`; Refused without a reason, or where somebody was quicker.
    """
    participant_windows = _locked(stored.participant)
    _ask_about(participant_windows, [fact], now, sure=sure, reason=None)
    # Read again under the lock: somebody may have corrected or withdrawn it since it was shown.
    stored = StoredFact.objects.select_related("participant").get(pk=stored.pk)
    beside = _beside(participant_windows, now, but=str(stored.pk))
    added = insert_correction(stored=stored, fact=fact, beside=beside, by=by, reason=reason)
    _follow(participant_windows, [stored.of, added.stored.of], by=by, now=now)
    return Recorded(added.stored, added.warnings)


@recorded
def withdraw_fact(*, stored: StoredFact, by: User | None, now: datetime, reason: str) -> StoredFact:
    """Take a fact off the record, with a reason, and judge again; the row stays. Raises Refused."""
    participant_windows = _locked(stored.participant)
    stored = StoredFact.objects.select_related("participant").get(pk=stored.pk)
    mark_withdrawn(stored=stored, now=now, by=by, reason=reason)
    _follow(participant_windows, [stored.of], by=by, now=now)
    return stored


@recorded
def waive_window(
    *, participant: Participant, window: str, by: User, roles: Sequence[str], now: datetime, reason: str
) -> Recorded:
    """Set a window aside, where the protocol allows it, by somebody who is an investigator there.

    `roles` are those of `by` at the participant's site in the trial. Raises Refused.
    """
    participant_windows = _locked(participant)
    rule = next((rule for rule in participant_windows.protocol.windows if rule.code == window), None)
    if rule is None or not rule.waivable:
        raise Refused({"": [_("The protocol does not let this window be waived.")]})
    if WAIVING_ROLE not in roles:
        raise Refused({"": [_("Only an investigator of this site may waive a window.")]})
    if any(waiver.window == window for waiver in participant_windows.facts.waivers):
        raise Refused({"": [_("This window is already waived.")]})
    require_reason(reason)
    waiver = Waiver(window, by.get_username(), WAIVING_ROLE, reason.strip(), now)
    added = insert_fact(
        participant=participant, fact=waiver, beside=_beside(participant_windows, now), by=by, reason=reason
    )
    judge_participants([participant.pk], now)
    return Recorded(added.stored, added.warnings)


def _locked(participant: Participant) -> ParticipantWindows:
    (participant_windows,) = windows_of_participants([participant.pk], lock=True)
    return participant_windows


def _ask_about(
    participant_windows: ParticipantWindows,
    facts: Sequence[Fact],
    now: datetime,
    *,
    sure: bool,
    reason: str | None,
) -> None:
    """Ask about days before the consent, or before the windows that a test feeds, and long after the last.

    What cannot be is said first, and of one fact at a time. At most two queries, and none for a likely day.
    """
    zone, record = participant_windows.zone, participant_windows.record
    found: list[str] = []
    for fact in facts:
        if problems_of(fact, Facts(), now, zone):
            return
        days = days_in_trial(fact, zone)
        since = _looked_back_to(participant_windows, fact)
        earlier = [day for day, long_before in days if long_before or not _before(since, day)]
        found += unlikely_in_record(record, earlier, started=False)
        found += unlikely_in_record(record, [day for day, _long_before in days if day not in earlier])
    ask_once(list(dict.fromkeys(found)), FactRefused, sure=sure, reason=reason)


def _before(since: date | None, day: date) -> bool:
    return since is None or day < since


def _looked_back_to(participant_windows: ParticipantWindows, fact: Fact) -> date | None:
    """The first day of the windows that a test feeds, which may lie before the consent."""
    if not isinstance(fact, TestResult):
        return None
    fed = {one.code for one in fed_by(FactKind.TEST, fact.test, participant_windows.protocol.windows)}
    starts = [one.starts for one in participant_windows.plan.windows if one.rule.code in fed and one.starts]
    return min((day_of(point, participant_windows.zone) for point in starts), default=None)


def _beside(participant_windows: ParticipantWindows, now: datetime, but: str = "") -> Beside:
    """Everything else on record: without the fact that is being corrected."""
    return Beside(
        _without(participant_windows.facts, but) if but else participant_windows.facts,
        now,
        participant_windows.zone,
    )


def _without(facts: Facts, ref: str) -> Facts:
    kinds = ("lodgings", "nights_away", "companions", "admissions", "tests", "occurrences", "confirmations")
    kept: dict[str, Any] = {
        kind: tuple(fact for fact in getattr(facts, kind) if fact.ref != ref) for kind in kinds
    }
    return replace(facts, **kept)


def _follow(
    participant_windows: ParticipantWindows, codes: Sequence[str], *, by: User | None, now: datetime
) -> None:
    """What follows from facts of these codes: what counts from them planned again, all windows judged."""
    pk = participant_windows.record.participant.pk
    if any(places(code, participant_windows.protocol) for code in codes):
        with suppress(ReplanningRefused):  # anchors that contradict each other are not the fact's fault
            replan_many(ids=[pk], proposals={}, now=now, by=by, reason="")
    judge_participants([pk], now)
