"""The errors of the trials app: types that keep the offending values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from trials.domain.refusals import Refusal
from trials.domain.words import Say, plain


class DomainError(Exception):
    """A rule of the domain was broken; the message says what was given and what would be right."""


class Refused(DomainError):
    """Something cannot be done so; `fields` says for each field (empty: for all) what would be right.

    `refusals` are the rules' own, where they are what the error was made of.
    """

    refusals: tuple[Refusal, ...] = ()

    def __init__(self, fields: Mapping[str, Sequence[str]]) -> None:
        self.fields = {name: tuple(messages) for name, messages in fields.items()}
        super().__init__(" ".join(message for messages in self.fields.values() for message in messages))

    @classmethod
    def because(cls, refusals: Iterable[Refusal], say: Say = plain) -> Self:
        """Make the error of refusals, each said by `say` at its field."""
        found = tuple(refusals)
        fields: dict[str, list[str]] = {}
        for refusal in found:
            fields.setdefault(refusal.field, []).append(refusal.text(say))
        refused = cls(fields)
        refused.refusals = found
        return refused

    @property
    def kept(self) -> str:
        """What the rules say in English, to be put on record: no record holds its writer's language."""
        return " ".join(refusal.text() for refusal in self.refusals) or str(self)


class Stale(DomainError):
    """Somebody changed a record since it was shown: `record` (app.model, as the trail names it) and id.

    `shown` is the version that was presented, `version` the present one.
    """

    def __init__(self, record: str, pk: int, shown: int, version: int) -> None:
        self.record, self.pk, self.shown, self.version = record, pk, shown, version
        super().__init__(f"{record} {pk} was shown in version {shown} and is in version {version} now")


FROZEN = "the trial is frozen: its records are read, and no longer changed"
"""What the database says where a record of a frozen trial is written."""


class TrialFrozen(Refused):
    """A record of a frozen trial was to be written; the database refused it and nothing is changed."""

    def __init__(self, message: str = FROZEN) -> None:
        super().__init__({"": [message]})


class OffsetError(DomainError, ValueError):
    """An offset cannot be read, or leads outside the calendar."""


class Severity(StrEnum):
    """How much a problem in a protocol document matters."""

    FAULT = "fault"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a protocol document: where, what, and what would be right.

    The line is known where the document was read from text.
    """

    code: str
    path: str
    message: str
    remedy: str
    severity: Severity = Severity.FAULT
    line: int | None = None

    def __str__(self) -> str:
        return f"{self.path}: {self.message}; {self.remedy}"

    def located(self, name: str) -> str:
        """The problem in words, after the name of its document and the line if that is known."""
        return f"{name}: {self}" if self.line is None else f"{name}:{self.line}: {self}"


class ProtocolInvalid(DomainError):
    """A protocol document has faults; `problems` holds all of them, warnings included."""

    def __init__(self, name: str, problems: Sequence[Problem]) -> None:
        self.name = name
        self.problems = tuple(problems)
        super().__init__("\n".join(problem.located(name) for problem in self.problems))
