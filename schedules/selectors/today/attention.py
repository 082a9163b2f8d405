"""The flags that are awake, one card a participant: the worst in words, with the fact that is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from participants.domain.fact_kinds import FactKind
from participants.models import Participant
from schedules.domain.windows.fact_sources import feeds_of
from schedules.domain.windows.verdicts import Verdict, VerdictStatus
from schedules.models import Flag
from schedules.models.follow_up import MOST_SEVERE_FIRST, flag_rank
from schedules.selectors.today.worklist import Wanted, of_wanted
from schedules.selectors.windows.flags import (
    FlagRow,
    awake_flags,
    flag_rows,
    related_flags,
)
from trials.domain.protocols.protocol import Protocol
from trials.domain.protocols.terms import WindowKind
from trials.domain.words import Code, Say, plain
from trials.models import User
from trials.selectors.records import protocol_of
from trials.zones import roles_day

CARDS = 8
"""So many participants are shown before "Show all"."""

ALL = 60
_READ = 400


@dataclass(frozen=True, slots=True)
class MissingFact:
    """A fact that would settle a flag: its kind, what it is of (empty: nothing to name)."""

    kind: FactKind
    of: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """The awake flags of one participant, the worst first; the worst is said in words."""

    participant: Participant
    worst: FlagRow
    others: tuple[Flag, ...] = ()
    missing: tuple[MissingFact, ...] = ()

    @property
    def because(self) -> tuple[str, ...]:
        """What the worst flag says, as it stands now."""
        verdict = self.worst.verdict
        if verdict is None or not (verdict.because or verdict.missing):
            return self.worst.words
        return tuple(verdict.because)

    @property
    def lacking(self) -> tuple[str, ...]:
        """What is missing for the worst flag to be judged, in words."""
        verdict = self.worst.verdict
        return tuple(verdict.missing) if verdict else ()


@dataclass(frozen=True, slots=True)
class Attention:
    """Who needs attention: the cards that are shown, of how many people, and how many flags they have.

    The counts stop at `_READ` flags; `more` says that there are more than were read.
    """

    cards: Sequence[Card] = field(default=())
    people: int = 0
    flags: int = 0
    critical: int = 0
    more: bool = False

    @property
    def hidden(self) -> int:
        """How many participants are not shown."""
        return self.people - len(self.cards)


def attention(
    user: User, now: datetime, wanted: Wanted, say: Say = plain, *, whole: bool = False, mine: bool = False
) -> Attention:
    """The participants with awake flags, the most severe first; the number of queries is constant."""
    keys = _awake(user, now, wanted, mine=mine)
    people = list(dict.fromkeys(person for _pk, person, _severity in keys))
    shown = people[: ALL if whole else CARDS]
    chosen = related_flags(Flag.objects.filter(pk__in=[pk for pk, person, _s in keys if person in shown]))
    by_pk = {flag.pk: flag for flag in chosen}
    cards = _cards([by_pk[pk] for pk, _person, _severity in keys if pk in by_pk], now, say)
    return replace(_tallied(keys), cards=cards)


def _awake(user: User, now: datetime, wanted: Wanted, *, mine: bool) -> list[Any]:
    """The awake flags, _READ at most, the most severe first: id, participant and severity of each."""
    flags = awake_flags(of_wanted(user, now, wanted), roles_day(now))
    flags = flags.filter(owner=user) if mine else flags
    ordered = flags.order_by(flag_rank(), "raised_at", "pk")
    return list(ordered.values_list("pk", "participant_id", "severity")[:_READ])


def _tallied(keys: Sequence[Any]) -> Attention:
    people = {person for _pk, person, _severity in keys}
    grave = sum(severity == MOST_SEVERE_FIRST[0] for _pk, _person, severity in keys)
    return Attention((), len(people), len(keys), grave, len(keys) == _READ)


def card_of(flag: Flag, now: datetime, say: Say = plain) -> Card:
    """The card of one flag alone."""
    (row,) = flag_rows([flag], now, say)
    return Card(row.flag.participant, row, (), missing_of(row))


def _cards(flags: Sequence[Flag], now: datetime, say: Say) -> list[Card]:
    """A card for each person whose flags these are, in their order: the first is shown, the rest named."""
    of_person: dict[int, list[Flag]] = {}
    for flag in flags:
        of_person.setdefault(flag.participant_id, []).append(flag)
    first = flag_rows([flags_of[0] for flags_of in of_person.values()], now, say)
    return [
        Card(row.flag.participant, row, tuple(of_person[row.flag.participant_id][1:]), missing_of(row))
        for row in first
    ]


def missing_of(row: FlagRow) -> tuple[MissingFact, ...]:
    """The facts that would settle a flag, the likeliest first; none where no fact can."""
    flag, verdict = row.flag, row.verdict
    if flag.window is None or verdict is None:
        return ()
    if verdict.verdict.status is VerdictStatus.VIOLATED and flag.window.kind != WindowKind.PRESENCE:
        return ()  # what happened is recorded; no further fact undoes it
    protocol: Protocol = protocol_of(flag.participant.protocol_version)
    windows = [rule for rule in protocol.windows if rule.code == flag.window.code]
    found = _still_lacking([MissingFact(feed.kind, feed.of) for feed in feeds_of(windows)], verdict.verdict)
    if verdict.verdict.status is VerdictStatus.CANNOT_JUDGE:  # a confirmation settles what nobody recorded
        found.sort(key=lambda one: one.kind is not FactKind.CONFIRMATION)
    return tuple(dict.fromkeys(found))


def _still_lacking(found: list[MissingFact], verdict: Verdict) -> list[MissingFact]:
    """Of several facts that a window asks about only what it still lacks; all where it names none."""
    named = {value for words in verdict.missing for _name, value in words.values}
    return [one for one in found if one.of and Code(one.of) in named] or found
