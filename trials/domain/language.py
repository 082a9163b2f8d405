"""Texts that a protocol document gives in two languages, and codes that carry their label."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Self

_CODE = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)+")
_CAPITALS = (
    "AE ALT ANC AST BNP CAR CBC CMV CNS CRP CRS CT DLCO DNA EBV ECG EDSS FEV1 GVHD HBV HCV HIV HLA ICANS IgG "
    "IgM INR IV IVIG JAK LVEF MMF MMT MRI NSCLC PBMC PCR PET SAE SLE SLEDAI TB TNF VSV"
)
_AS_WRITTEN = {word.lower(): word for word in _CAPITALS.split()} | {"hcg": "hCG"}
BETWEEN = " ‖ "
"""What stands between the two languages where a text is kept in one column; no text may hold it."""


class Text(str):
    """An English text with its Chinese; equal only to a text that says the same in both."""

    __slots__ = ("zh",)
    zh: str

    def __new__(cls, en: str, zh: str = "") -> Self:
        """Make a text of both languages; without `zh` it is read in every language as it stands."""
        made = super().__new__(cls, en)
        made.zh = zh or getattr(en, "zh", "")
        return made

    def __eq__(self, other: object) -> bool:
        return str.__eq__(self, other) is True and self.zh == getattr(other, "zh", "")

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = str.__hash__

    def __getnewargs__(self) -> Any:
        return str(self), self.zh

    def in_language(self, language: str) -> str:
        """The text for readers of a language, by its code (`zh-hans`, `en`)."""
        return self.zh if self.zh and language.lower().startswith("zh") else str(self)


class Named(str):
    """A code with the label that people read; equal to the code alone."""

    __slots__ = ("label",)
    label: str

    def __new__(cls, code: str, label: str) -> Self:
        """Make a code that is shown by its label."""
        made = super().__new__(cls, code)
        made.label = label
        return made

    def __getnewargs__(self) -> Any:
        return str(self), self.label


class Code(Text):
    """A name that a protocol gives to something: its label, or a code that is said in the reader's language.

    A code that carries its label (`Named`) becomes that label: people never read the code itself.
    """

    __slots__ = ()

    def __new__(cls, name: str, zh: str = "") -> Self:
        """Make the name of a code's label, or of the text itself."""
        return super().__new__(cls, label_of(name), zh)


def label_of(code: str) -> str:
    """Return what people read for a code: its label, or the code itself where it carries none."""
    return code.label if isinstance(code, Named) else code


def readable(code: str) -> str:
    """Return a code without its hyphens, as people read one that has no label; other texts as they are.

    What medicine writes in capitals is written so: cns-lupus is CNS lupus.
    """
    if not _CODE.fullmatch(code):
        return code
    words = code.replace("-", " ").replace("_", " ").split(" ")
    return " ".join(_AS_WRITTEN.get(word, word) for word in words)


def in_english(message: str) -> str:
    """Return a message as a reader of English sees it: a code by its label, or as it reads."""
    return readable(message) if isinstance(message, Code) else str(label_of(message))


def in_both(text: str, make: Callable[[str], str]) -> str:
    """Apply `make` to a text in each of its languages, such as adding a number."""
    if isinstance(text, Text) and text.zh:
        return Text(make(str(text)), make(text.zh))
    return make(str(text))


def joined(texts: Iterable[str]) -> str:
    """Return texts as one, each language with its own semicolons, where any of them is in both."""
    texts = tuple(texts)
    english = "; ".join(map(str, texts))
    if not any(getattr(text, "zh", "") for text in texts):
        return english
    return Text(english, "；".join(getattr(text, "zh", "") or str(text) for text in texts))


def kept(text: str) -> str:
    """Return a text as one column keeps it: both languages, with a sign between them."""
    zh = getattr(text, "zh", "")
    return f"{text!s}{BETWEEN}{zh}" if zh else str(text)


def from_kept(stored: str) -> str:
    """Return the text that `kept` made a column of; any other stands as it is."""
    en, between, zh = stored.partition(BETWEEN)
    return Text(en, zh) if between and zh else stored
