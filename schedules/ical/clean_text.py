"""Text that every client can read."""

from __future__ import annotations

import unicodedata

# Readers, the library among them, take \N for a new line before they look for a backslash that is escaped;
# and strict ones drop the whole feed for a control character.
_SPACES = {"\t": " ", "\N{LINE SEPARATOR}": "\n", "\N{PARAGRAPH SEPARATOR}": "\n"}
_NEVER = {"Cc", "Cs"}


def clean(text: str) -> str:
    """The text with its line breaks as new lines, and without control characters or halves of characters."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    if not lines.isprintable():
        lines = "".join(map(_kept, lines))
    # after it, since a control character may have stood between the two
    return lines.replace("\\N", "\\\N{ZERO WIDTH SPACE}N")


def clean_line(text: str) -> str:
    """The text on one line, as titles and names need it."""
    return " ".join(clean(text).split())


def _kept(character: str) -> str:
    if character == "\n":
        return character
    if character in _SPACES:
        return _SPACES[character]
    return "" if unicodedata.category(character) in _NEVER else character
