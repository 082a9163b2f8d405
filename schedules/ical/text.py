"""Text that every client can read."""

from __future__ import annotations

import unicodedata

# The library escapes a backslash, but reads \N as a new line first; and it writes control
# characters as they are, for which strict clients drop the whole feed.
_SPACES = {"\t": " ", "\N{LINE SEPARATOR}": "\n", "\N{PARAGRAPH SEPARATOR}": "\n"}
_NEVER = {"Cc", "Cs"}


def clean(text: str) -> str:
    """The text with its line breaks as new lines, and without control characters or halves of characters."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\\N", "\\\N{ZERO WIDTH SPACE}N")
    return "".join(kept for character in lines if (kept := _kept(character)))


def clean_line(text: str) -> str:
    """The text on one line, as titles and names need it."""
    return " ".join(clean(text).split())


def _kept(character: str) -> str:
    if character == "\n":
        return character
    if character in _SPACES:
        return _SPACES[character]
    return "" if unicodedata.category(character) in _NEVER else character
