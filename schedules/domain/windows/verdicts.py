"""What a protocol window comes to at a moment: a verdict, its evidence and what is missing."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from participants.domain.fact_kinds import Fact
from trials.domain.words import Say, Value, Words, day_text, plain
from trials.domain.words import mark as _


class VerdictStatus(StrEnum):
    """The seven things that a verdict can say."""

    NOT_YET = "not-yet"
    OPEN_AND_KEPT = "open-and-kept"
    AT_RISK = "at-risk"
    KEPT = "kept"
    VIOLATED = "violated"
    CANNOT_JUDGE = "cannot-judge"
    WAIVED = "waived"


_FROM = _("%(what)s, of %(start)s or later")


@dataclass(frozen=True, slots=True)
class Evidence:
    """Words, and the fact that they rest on where there is one."""

    words: Words
    fact: Fact | None = None

    def text(self, say: Say = plain) -> str:
        """The evidence as a sentence."""
        return self.words.text(say, day_text)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A window judged at a moment.

    `since` is when it came to be so: a day, or an instant with its zone. `becomes_violation_at`
    is the instant (UTC) from which it is a violation unless something changes; a window that has
    not opened can have one already. `missing` names the facts without which it cannot be judged
    (now or later), `needed_by` the instant (UTC) by which they are needed, None where nothing
    waits for them yet; `answers_from` the instant (UTC) from which an answer holds, where one that is
    given sooner would be asked for again. `counts_from` is the day or instant from which what is missing
    counts, such as a sample that must not be older: said with what is missing, and no evidence.
    """

    status: VerdictStatus
    since: date | datetime | None = None
    becomes_violation_at: datetime | None = None
    evidence: tuple[Evidence, ...] = ()
    missing: tuple[Words, ...] = ()
    needed_by: datetime | None = None
    answers_from: datetime | None = None
    counts_from: date | datetime | None = None

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all that a person looks at: the same as long as the evidence is the same."""
        content = {
            "status": self.status.value,
            "since": _plain_value(self.since),
            "becomes": _plain_value(self.becomes_violation_at),
            "evidence": [[_plain_words(one.words), getattr(one.fact, "ref", "")] for one in self.evidence],
            "missing": [_plain_words(words) for words in self.missing],
        }
        canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    @property
    def words(self) -> tuple[Words, ...]:
        """The sentences of the evidence, each a template with its values."""
        return tuple(evidence.words for evidence in self.evidence)

    def missing_text(self, say: Say = plain) -> tuple[str, ...]:
        """What is missing, each as a phrase, and from when on it counts."""
        phrases = tuple(words.text(say, day_text) for words in self.missing)
        if self.counts_from is None:
            return phrases
        return tuple(
            Words.of(_FROM, {"what": phrase, "start": self.counts_from}).text(say, day_text)
            for phrase in phrases
        )

    def because(self, say: Say = plain) -> tuple[str, ...]:
        """The evidence, each as a sentence."""
        return tuple(evidence.text(say) for evidence in self.evidence)


def _plain_value(value: Value | None) -> str | None:
    return value.isoformat() if isinstance(value, date) else None if value is None else str(value)


def _plain_words(words: Words) -> list[object]:
    return [words.template, [[name, _plain_value(value)] for name, value in words.values]]
