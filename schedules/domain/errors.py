"""The errors of the schedules app."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from trials.domain.errors import DomainError


class EnrolmentRefused(DomainError):
    """Somebody cannot be enrolled so; `fields` says for each field of the enrolment what would mend it."""

    def __init__(self, fields: Mapping[str, Sequence[str]]) -> None:
        self.fields = {name: tuple(messages) for name, messages in fields.items()}
        super().__init__(" ".join(message for messages in self.fields.values() for message in messages))
