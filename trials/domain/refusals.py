"""Why something cannot be done: one class for every rule, and the sentences that several rules share.

Rules yield refusals; `Refused.because` makes one error of them, in the reader's language.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from trials.domain.words import Say, Words, day_text, flat_brackets, plain
from trials.domain.words import mark as _

INVALID = "invalid"
"""The code of a refusal that machines need not tell from others."""

REASON_MISSING = _("Enter a reason. It is kept in the audit trail.")
IN_THE_FUTURE = _("%(day)s is in the future: today is %(today)s at the site.")
IMPOSSIBLE_DAY = _("%(day)s cannot be right: enter a day from %(first)s to %(latest)s.")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something cannot be done: the field it is about, a marked sentence, its values, and a code.

    The field is empty where it is about the whole; `code` is for machines and stays in every language.
    """

    field: str
    message: str
    values: Mapping[str, object] = dataclasses.field(default_factory=dict)
    code: str = INVALID

    @classmethod
    def said(cls, field: str, sentence: str) -> Refusal:
        """Make a refusal of a sentence that is in the reader's language already."""
        return cls(field, "%(sentence)s", {"sentence": sentence})

    def text(self, say: Say = plain) -> str:
        """Say what is wrong and what would be right, every day with its weekday."""
        return in_words(self.message, self.values, say)


def in_words(message: str, values: Mapping[str, object], say: Say = plain) -> str:
    """Say a marked message and its values, every day with its weekday."""
    return flat_brackets(say(message) % {name: _said(value, say) for name, value in values.items()})


def _said(value: object, say: Say) -> object:
    if isinstance(value, Words):
        return value.text(say, day_text)
    if isinstance(value, date):
        return day_text(value, say)
    return say(value) if isinstance(value, str) else value
