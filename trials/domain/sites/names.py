"""What sites and trials are called where there is little room, and in Chinese."""

from __future__ import annotations

_ABBREVIATION = 3
"""Words of a site's code up to this length are abbreviations, and stay in capitals."""


def in_language(plain: str, chinese: str, language: str) -> str:
    """Return the Chinese name on a Chinese page where there is one, else the plain one."""
    return (chinese or plain) if language.startswith("zh") else plain


def place_name(code: str, short: str, short_zh: str, language: str) -> str:
    """Return the place that stands beside a subject code: the short name, else the code made readable.

    `WUHAN-UNION` without a short name is read as Wuhan Union, `WH` stays WH.
    """
    return in_language(short, short_zh, language) or readable_code(code)


def readable_code(code: str) -> str:
    """Return a site's code as words: those that are longer than an abbreviation with one capital."""
    words = code.replace("_", "-").split("-")
    return " ".join(
        word.capitalize() if word.isalpha() and len(word) > _ABBREVIATION else word for word in words
    )
