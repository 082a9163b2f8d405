"""The errors of the participants app."""

from __future__ import annotations

from collections.abc import Sequence

from trials.domain.errors import DomainError


class SubjectCodeTaken(DomainError):
    """Subject codes are in use already in their trial."""

    def __init__(self, codes: Sequence[str]) -> None:
        self.codes = tuple(codes)
        super().__init__(f"{len(self.codes)} subject codes are taken in their trial")
