"""What the rules of a visit's life look at, and what they answer with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from schedules.domain.visits.visit import VisitState
from trials.domain.protocols.protocol import Protocol
from trials.domain.sites.plausible_days import Frame


class VisitAction(StrEnum):
    """Something that people do with a visit.

    Why is free text, without codes: `missed_reason` and its like in `schedules/models/visits.py`.
    """

    BOOK = "book"
    UNBOOK = "unbook"
    ARRIVE = "arrive"
    UNDO_ARRIVAL = "undo-arrival"
    COMPLETE = "complete"
    MISS = "miss"
    CANCEL = "cancel"
    UNDO = "undo"


@dataclass(frozen=True, slots=True)
class Booking:
    """A day, the hours of it where they are fixed, and a place; `sure`: an unlikely day was confirmed.

    `resource` and `staff` are the ids of what it takes at the site; `anyway` books in spite of clashes
    (schedules/domain/visits/clashes.py), which asks for a reason where they are more than hints.
    """

    on: date
    start: datetime | None = None
    end: datetime | None = None
    place: str = ""
    sure: bool = False
    resource: int | None = None
    staff: int | None = None
    anyway: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether an activity was done, and if not, why."""

    done: bool
    reason: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sampled:
    """The result of a sample taken at a visit, and the hour at which it was taken where that is known."""

    result: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """That a visit was done: its day, the instant where known, and what was done at it.

    `activities` by code; None where nobody asked (an import): then nothing is said of them.
    `accept_unbookable` says that bookings which lose their window by it may do so; `seen` is the digest
    of the preview that was shown, empty for none; `confirmed` says of protocol windows, by code, whether
    they were kept, as the person was asked; `results` are those of tests taken at it, `events` what was
    done at it that is due once, by their codes. `sure`: an unlikely day was confirmed. Anyone who can ask a
    person asks and shows first.
    """

    on: date
    at: datetime | None = None
    activities: Mapping[str, Answer] | None = None
    outside_reason: str = ""
    accept_unbookable: bool = True
    seen: str | None = None
    confirmed: Mapping[str, bool] = field(default_factory=dict)
    sure: bool = False
    results: Mapping[str, Sampled] = field(default_factory=dict)
    events: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class End:
    """How the protocol's visits ended: the day and the marked word of the step, and what it left.

    `all_contact` where nothing is to come any more; `died_on` where nothing can have taken place since.
    """

    on: date
    step: str
    died_on: date | None = None
    all_contact: bool = False


@dataclass(frozen=True, slots=True)
class History:
    """What is on record of the participant beside the visit itself, in the present attempt.

    `done` are the other performed visits; `anchors` the actual days; `consent` the day of the
    first consent and of its withdrawal; `ended` how the course ended; `attempt` the present attempt at
    screening; `frame` the days that can be meant.
    """

    protocol: Protocol
    done: Sequence[VisitState] = ()
    anchors: Mapping[str, date] = field(default_factory=dict)
    traits: frozenset[str] = frozenset()
    consented_on: date | None = None
    consent_withdrawn_on: date | None = None
    ended: End | None = None
    attempt: int = 1
    frame: Frame | None = None


@dataclass(frozen=True, slots=True)
class Clock:
    """The day and the instant at the site."""

    today: date
    now: datetime
