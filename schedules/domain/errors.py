"""The errors of the schedules app."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self

from trials.domain.errors import DomainError, Refused
from trials.domain.words import Say, Words


class EnrolmentRefused(Refused):
    """Somebody cannot be enrolled so; `fields` says for each field of the enrolment what would mend it."""


class EnrolmentsRefused(DomainError):
    """Nobody of many is enrolled; `refused` says why for each who cannot be, by their place among them."""

    def __init__(self, refused: Mapping[int, EnrolmentRefused]) -> None:
        self.refused = dict(refused)
        super().__init__(" ".join(f"{place}: {why}" for place, why in self.refused.items()))


class FeedRefused(DomainError):
    """A calendar cannot be subscribed to; the message says why."""


class FilterRefused(Refused):
    """Something was asked of a list that cannot be; `fields` says for each parameter what would be right."""


class ReplanningRefused(DomainError):
    """A calendar cannot be moved so; the message says why and what would mend it.

    `words` are the same for another reader, where the refusal may be put on record.
    """

    words: Words | None = None

    @classmethod
    def because(cls, words: Words, say: Say) -> Self:
        """Make the refusal of words that `say` says to the person who acts."""
        refused = cls(words.text(say))
        refused.words = words
        return refused


class UnlikelyDay(ReplanningRefused):
    """A day is possible and not likely, and nobody has said that it is meant; `field` is the one to mend."""

    def __init__(self, message: str, field: str = "sure") -> None:
        self.field = field
        super().__init__(message)


class BookingsOrphaned(ReplanningRefused):
    """A re-planning would leave bookings behind, and nobody said that this is meant."""


class ReplanningStale(DomainError):
    """What was shown is no longer so; what the same would do now is held by the errors of the services."""

    def __init__(self) -> None:
        super().__init__("the calendar changed since this was shown: look at it again")


class VisitRefused(Refused):
    """Something cannot be done with a visit; `fields` says for each field what would be right."""

    def said_as(self, fields: Mapping[str, Sequence[str]]) -> VisitRefused:
        """Give the same refusal with other words at its fields."""
        return VisitRefused(fields)


class AmendmentRefused(Refused):
    """An amendment cannot be started or tried again so."""
