"""How the rules of validation say what they find."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache

from trials.domain.errors import Problem, Severity
from trials.domain.protocols.protocol import Protocol

Findings = Iterator[Problem]

# What a message suggests stays readable, and a hostile document of long codes is not compared for minutes.
_MOST_NAMED = 12
_MOST_COMPARED = 250
_LONGEST_WORD = 100
_SECTIONS = {
    "source": "sources",
    "epoch": "epochs",
    "trait": "traits",
    "anchor": "anchors",
    "block": "blocks",
    "visit": "visits",
    "activity": "activities",
    "window": "windows",
    "fact": "facts",
    "dose level": "dose_levels",
    "gate": "gates",
}
KINDS = tuple(_SECTIONS)


def fault(code: str, path: str, message: str, remedy: str) -> Problem:
    """A problem that keeps the protocol from being used."""
    return Problem(code, path, message, remedy)


def warning(code: str, path: str, message: str, remedy: str) -> Problem:
    """A problem that a person should look at."""
    return Problem(code, path, message, remedy, Severity.WARNING)


def section(kind: str) -> str:
    """The name of the section that declares things of this kind: `dose_levels` for a dose level."""
    return _SECTIONS[kind]


def codes(protocol: Protocol, kind: str) -> tuple[str, ...]:
    """The codes of this kind that the protocol declares, in order."""
    return tuple(item.code for item in getattr(protocol, _SECTIONS[kind]))


def choice(given: str, possible: Sequence[str], kind: str) -> str:
    """What may have been meant by an unknown code, and what is possible."""
    if not possible:
        return f"no {kind} is declared: add it to {_SECTIONS[kind]}"
    near = nearest(given, possible[:_MOST_COMPARED])
    meant = f"did you mean {near!r}? " if near else ""
    return f"{meant}possible are {listed(possible)}"


@lru_cache(maxsize=1024)
def nearest(given: str, possible: Sequence[str]) -> str | None:
    """The word that may have been meant; not looked for where the given one is no word of a person."""
    if len(given) > _LONGEST_WORD:
        return None
    return next(iter(difflib.get_close_matches(given, possible, n=1)), None)


def listed(words: Collection[str]) -> str:
    """The words with commas; of many, the first."""
    shown = list(words)[:_MOST_NAMED]
    more = f", … ({len(words)} in all)" if len(words) > _MOST_NAMED else ""
    return ", ".join(shown) + more


def days_in_words(days: float) -> str:
    """A number of days, in words: `1 day`, `12 days`, `2.5 days`."""
    return f"{days:g} day" if days == 1 else f"{days:g} days"
