"""The errors of the participants app."""

from __future__ import annotations

from collections.abc import Sequence

from trials.domain.errors import DomainError, Refused


class SubjectCodeTaken(DomainError):
    """Subject codes are in use already in their trial."""

    def __init__(self, codes: Sequence[str]) -> None:
        self.codes = tuple(codes)
        super().__init__(f"{len(self.codes)} subject codes are taken in their trial")


class CourseRefused(Refused):
    """A step of a participant's course cannot be taken, or not withdrawn."""


class AbsenceRefused(Refused):
    """An absence cannot be recorded so."""


class ConsentRefused(Refused):
    """A consent cannot be recorded or withdrawn so."""


class ProductRefused(Refused):
    """A milestone of a product cannot be recorded so."""
