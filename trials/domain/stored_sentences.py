"""What the record says of a deviation or a flag: kept as templates and values, told in the reader's language.

A row holds it as text: JSON of the words, or, as in older rows and where a person gave the reason, the
sentence itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from trials.domain.language import Named, Text
from trials.domain.words import Code, Say, Value, Words, day_text, plain, run_on

_MARK = '{"told":'


def told(*words: Words) -> str:
    """These sentences as the text that is kept; `facts_text` reads it."""
    content = {"told": [_sentence(one) for one in words]}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def facts_text(kept: str, say: Say = plain) -> str:
    """What is kept, in the language of `say`; a text that is none of ours stands as it was entered."""
    if not kept.startswith(_MARK):
        return kept
    try:
        words = [_words(one) for one in json.loads(kept)["told"]]
        return run_on((one.text(say, day_text) for one in words), say)
    except (ValueError, TypeError, KeyError, AttributeError):  # typed by a person who began it so
        return kept


def joined(words: Iterable[Words]) -> Words:
    """Several sentences as one value."""
    values: dict[str, Value] = {f"s{place}": one for place, one in enumerate(words)}
    return Words.of(" ".join(f"%({name})s" for name in values), values)


def labelled(words: Words) -> Words:
    """Words whose texts are labels: they are said in the reader's language too."""
    return Words.of(
        words.template,
        {name: Code(value) if isinstance(value, str) else value for name, value in words.values},
    )


def _sentence(words: Words) -> list[Any]:
    return [words.template, {name: _kept(value) for name, value in words.values}]


def _kept(value: Value) -> Any:
    if isinstance(value, Words):
        return {"words": _sentence(value)}
    if isinstance(value, datetime):
        return {"at": value.isoformat()}
    if isinstance(value, date):
        return {"day": value.isoformat()}
    if isinstance(value, Text | Named):
        label = Code(value)
        return {"label": str(label), "zh": label.zh} if label.zh else {"label": str(label)}
    return value


def _words(sentence: list[Any]) -> Words:
    template, values = sentence
    return Words.of(template, {name: _value(value) for name, value in values.items()})


def _value(kept: Any) -> Value:
    match kept:
        case {"words": sentence}:
            return _words(sentence)
        case {"at": text}:
            return datetime.fromisoformat(text)
        case {"day": text}:
            return date.fromisoformat(text)
        case {"label": str(text), "zh": str(zh)}:
            return Code(text, zh)
        case {"label": str(text)}:
            return Code(text)
        case str() | int():
            return kept
    raise ValueError(f"no value of a sentence: {kept!r}")
