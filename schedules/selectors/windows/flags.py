"""The flags that somebody has to look at, the most severe first, within what they may see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db.models import Q, QuerySet

from participants.models import Participant
from participants.selectors.participants import of_few_or_visible_to, participants_visible_to
from schedules.domain.plan.contradictions import find_contradictions
from schedules.domain.readiness.start_flags import START_FLAG
from schedules.domain.replanning.hold_clock import waiting_of
from schedules.domain.replanning.hold_wording import words_of_hold
from schedules.domain.replanning.protocol_departures import (
    REPLAN_FLAG,
    departure_sentence,
    standing_to_plan_anew,
)
from schedules.domain.replanning.protocol_departures import Case as Contradicted
from schedules.models import Flag, Severity
from schedules.models.follow_up import MOST_SEVERE_FIRST, flag_rank
from schedules.selectors.store.records import records_read
from schedules.selectors.windows.evaluation import ParticipantWindows, dockets_read
from schedules.selectors.windows.verdicts import VerdictRow, verdict_of
from trials.domain.accounts.access import Scope
from trials.domain.stored_sentences import facts_text
from trials.domain.words import Say, day_text, plain
from trials.domain.words import mark as _
from trials.models import Membership, User
from trials.selectors.among import AmongIds
from trials.selectors.records import holds_at, roles_of, within

PAGE = 50
MANY = 100
"""A count that nobody reads to the last digit stops here."""

LISTED = 10_000
"""How many flags a list leads to; a reader with more narrows it by severity or site."""


@dataclass(frozen=True, slots=True)
class WantedFlags:
    """Which flags are asked for: of a severity, of a site, one's own; awake ones unless `asleep`."""

    severity: Severity | None = None
    site: int | None = None
    mine: bool = False
    asleep: bool = False
    page: int = 1


@dataclass(frozen=True, slots=True)
class FlagRow:
    """A flag, and the verdict that it stands for as it is now, or what else it says, in words."""

    flag: Flag
    verdict: VerdictRow | None
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FlagList:
    """A page of flags, how many there are, and how many of each severity are awake."""

    rows: Sequence[FlagRow] = field(default=())
    counts: Mapping[str, int] = field(default_factory=dict)
    page: int = 1
    pages: int = 1


def flags_listed(user: User, today: date, now: datetime, wanted: WantedFlags, say: Say = plain) -> FlagList:
    """A page of the flags in a user's sight; the number of queries does not depend on how many there are."""
    scope = roles_of(user, today)
    seen = _open(of_few_or_visible_to(user, today, wanted.site), _sleep(today, asleep=wanted.asleep))
    everywhere = scope.everything or any(grant.site is None for grant in scope.grants)
    by_rank = everywhere and not wanted.site
    if wanted.mine:
        seen = seen.filter(owner=user)
    unordered = seen.order_by()
    counts = _counts(unordered, by_rank=by_rank)
    if wanted.severity:
        seen = _of_severity(seen, wanted.severity, by_rank=by_rank)
    total = seen.order_by()[:LISTED].count()
    pages = max(1, -(-total // PAGE))
    page = min(max(1, wanted.page), pages)
    ordered = seen.order_by(flag_rank(), "raised_at", "pk")
    chosen = list(related_flags(ordered)[(page - 1) * PAGE : page * PAGE])
    return FlagList(flag_rows(chosen, now, say), counts, page, pages)


def flag_in_sight(user: User, today: date, pk: int) -> Flag | None:
    """A flag of a participant whom the user may look at."""
    seen = Flag.objects.filter(participant__in=participants_visible_to(user, today))
    return related_flags(seen).filter(pk=pk).first()


def flag_row(flag: Flag, now: datetime, say: Say = plain) -> FlagRow:
    """One flag with its present verdict."""
    (row,) = flag_rows([flag], now, say)
    return row


def flag_count(scope: Scope, today: date) -> int:
    """How many flags in sight are awake; MANY stands for that many or more. One query, or none."""
    if scope.everything or any(grant.site is None for grant in scope.grants):
        return awake_flags(_in_sight(scope), today).order_by()[:MANY].count()
    # every page of a site asks: joined, each of its people is looked up from the root of an index
    theirs = AmongIds("participant_id", Participant.objects.filter(within(scope)).order_by().values("pk"))
    return awake_flags(theirs, today).order_by()[:MANY].count()


def owners_possible(participant: Participant, today: date) -> QuerySet[User]:
    """Who holds a role at a participant's site in the trial, and could look after a flag."""
    there = Q(trial=None) | Q(trial=participant.trial_id)
    members = Membership.objects.filter(there, holds_at(participant.site, today), user__is_active=True)
    return User.objects.filter(pk__in=members.values("user")).order_by("username")


def awake_flags(theirs: Q | AmongIds, today: date) -> QuerySet[Flag]:
    """The open flags of some participants (a condition on flags) that nobody has snoozed."""
    return _open(theirs, _sleep(today, asleep=False))


def _in_sight(scope: Scope) -> Q:
    return within(scope, site="participant__site", trial="participant__trial")


def _open(theirs: Q | AmongIds, sleep: Q) -> QuerySet[Flag]:
    """The open flags of these that are awake, or those snoozed: the sweep wakes them on their day."""
    return Flag.objects.filter(theirs, sleep, cleared_at=None)


def _sleep(today: date, *, asleep: bool) -> Q:
    sleeping = Q(snoozed_until__gt=today)
    return sleeping if asleep else ~sleeping


def _counts(flags: QuerySet[Flag], *, by_rank: bool) -> dict[str, int]:
    """How many there are of each severity, up to MANY; those of one site are read once for all three."""
    if not by_rank:
        found = Counter(flags.values_list("severity", flat=True)[: LISTED + 1])
        if found.total() <= LISTED:
            return {one.value: min(found[one.value], MANY) for one in MOST_SEVERE_FIRST}
    return {one.value: _of_severity(flags, one, by_rank=by_rank)[:MANY].count() for one in MOST_SEVERE_FIRST}


def _of_severity(flags: QuerySet[Flag], severity: Severity, *, by_rank: bool) -> QuerySet[Flag]:
    """Those of a severity.

    The index of open flags has them together by rank, however many others there are; the flags of one
    site are found by its people.
    """
    if not by_rank:
        return flags.filter(severity=severity)
    return flags.alias(rank=flag_rank()).filter(rank=MOST_SEVERE_FIRST.index(severity))


def related_flags(flags: QuerySet[Flag]) -> QuerySet[Flag]:
    """Flags with all that their lines are made of."""
    return flags.select_related(
        "participant__trial",
        "participant__site",
        "participant__protocol_version",
        "window",
        "visit",
        "owner",
        "cleared_by",
    )


def flag_rows(flags: Sequence[Flag], now: datetime, say: Say = plain) -> list[FlagRow]:
    """The lines of flags, each with its present verdict; a constant number of queries."""
    people = {flag.participant_id: flag.participant for flag in flags}
    all_windows = {
        participant_windows.record.participant.pk: participant_windows
        for participant_windows in _dockets(list(people.values()), say)
    }
    return [_flag_row(flag, all_windows[flag.participant_id], now, say) for flag in flags]


def _dockets(people: Sequence[Participant], say: Say) -> list[ParticipantWindows]:
    return dockets_read(records_read(people), say) if people else []


def _flag_row(flag: Flag, participant_windows: ParticipantWindows, now: datetime, say: Say) -> FlagRow:
    if flag.kind == REPLAN_FLAG:
        return FlagRow(flag, None, _of_planned_days(participant_windows, say))
    if flag.kind == START_FLAG:
        return FlagRow(flag, None, (facts_text(flag.message, say),))
    if flag.window_id is None:
        return FlagRow(flag, None, _of_hold(flag, participant_windows, now, say))
    verdict = verdict_of(participant_windows, flag.window_id, now, say)
    gone = () if verdict else (say(_("The protocol asks for this window no more.")),)
    return FlagRow(flag, verdict, gone)


def _of_planned_days(participant_windows: ParticipantWindows, say: Say) -> tuple[str, ...]:
    """The planned days that no longer fit one on record, each with a day that would."""
    protocol, anchors = participant_windows.plan.protocol, participant_windows.plan.anchors
    traits = protocol.effective_traits(frozenset(participant_windows.record.participant.traits))
    found = find_contradictions(protocol, anchors, traits)
    departures = standing_to_plan_anew(found, Contradicted(protocol, {}, anchors))
    said = dict.fromkeys(departure_sentence(one, protocol, say) for one in departures)
    return tuple(said) or (say(_("What is planned fits again.")),)


def _of_hold(flag: Flag, participant_windows: ParticipantWindows, now: datetime, say: Say) -> tuple[str, ...]:
    """What the flag of a hold says today; as long as it stands, the course is on hold."""
    since = flag.raised_at.astimezone(participant_windows.zone).date()
    waiting = waiting_of(participant_windows.plan.protocol, participant_windows.plan.anchors, since)
    if waiting is None or flag.cleared_at:
        return (say(_("The hold is over.")),)
    today = now.astimezone(participant_windows.zone).date()
    return tuple(words.text(say, day_text) for words in words_of_hold(waiting, today))
