"""Sentences that Dayzero keeps in English and says again in the reader's language.

A column that holds what a server answered, a person wrote or Dayzero says can hold no code alone: the kept
English is the code. Sentences with places are found again by the words around what stands in them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import lru_cache

from trials.domain.refusals import in_words
from trials.domain.words import Say, plain

_PLACE = re.compile(r"%\((\w+)\)[sd]")
AFTER = "after"


def said_again(kept: str, sentences: Collection[str], say: Say = plain) -> str:
    """Say a kept sentence in the reader's language where it is one of these; any other text stands.

    What follows a sentence with places, such as the words of a server, stands as it was said.
    """
    if kept in sentences:
        return say(kept)
    found = taken_apart(kept, sentences)
    if found is None:
        return kept
    sentence, values = found
    after = values.pop(AFTER, None)
    said = in_words(sentence, values, say)
    return f"{said} {after}" if after else said


def taken_apart(kept: str, sentences: Iterable[str]) -> tuple[str, dict[str, str]] | None:
    """Give the first of these sentences with places that a kept text fills, and what stands in them.

    Under AFTER stands what follows it. None where it is none of them.
    """
    for sentence in sentences:
        pattern = _pattern(sentence)
        if pattern and (found := pattern.fullmatch(kept)):
            return sentence, {name: value for name, value in found.groupdict().items() if value is not None}
    return None


@lru_cache
def _pattern(sentence: str) -> re.Pattern[str] | None:
    """What a sentence looks like once its places are filled in, and what may follow it.

    None where it has no places: what somebody wrote may begin with the very word that we say alone.
    """
    if not _PLACE.search(sentence):
        return None
    seen: set[str] = set()
    written = ""
    for place, part in enumerate(_PLACE.split(sentence)):
        if place % 2 == 0:
            written += re.escape(part.replace("%%", "%"))
        else:
            written += f"(?P={part})" if part in seen else f"(?P<{part}>.+?)"
            seen.add(part)
    return re.compile(rf"{written}(?: (?P<{AFTER}>.+))?", re.DOTALL)
