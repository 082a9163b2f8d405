"""Content lines as RFC 5545 wants them: what the icalendar library writes, in a fifth of the time.

`tests/unit/feeds/test_lines.py` compares the two byte for byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

_LONGEST = 74
"""Octets on a line before it goes on in the next one: one less than is allowed, as the library has it."""
_ESCAPES = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"})
_BEGIN_ESCAPES = b"\\^"
# A byte 10xxxxxx goes on with a character (RFC 3629, 3): no line is cut before it (RFC 5545, 3.1).
_CONTINUES, _CONTINUATION = 0xC0, 0x80
_UNITS = ((3600, "H"), (60, "M"), (1, "S"))


def text(value: str) -> str:
    """Give a text as the value of a property; one that `clean` of schedules/ical/clean_text.py gave."""
    return value.translate(_ESCAPES)


def texts(values: Sequence[str]) -> str:
    """Give several texts as the value of one property."""
    return ",".join(map(text, values))


def day(value: date) -> str:
    """Give a day as a value of the type DATE."""
    return f"{value.year:04}{value.month:02}{value.day:02}"


def duration(value: timedelta) -> str:
    """Give a span of time as a value of the type DURATION."""
    sign, span = ("-", -value) if value < timedelta() else ("", value)
    clock, rest = "", span.seconds
    for size, unit in _UNITS:
        count, rest = divmod(rest, size)
        clock += f"{count}{unit}" if count else ""
    days = f"{span.days}D" if span.days else ""
    return f"{sign}P{days}{'T' if clock or not days else ''}{clock or ('' if days else '0S')}"


def folded(line: str) -> bytes:
    """Give a line in pieces that every client reads: cut between characters, and never behind a backslash."""
    whole = line.encode()
    if len(whole) <= _LONGEST:
        return whole
    pieces, start = [], 0
    while len(whole) - start > _LONGEST:
        end = start + _LONGEST
        while whole[end] & _CONTINUES == _CONTINUATION:
            end -= 1
        if whole[end - 1] in _BEGIN_ESCAPES and end - start > 1:
            end -= 1
        pieces.append(whole[start:end])
        start = end
    pieces.append(whole[start:])
    return b"\r\n ".join(pieces)


def joined(lines: Sequence[str]) -> bytes:
    """Give lines as bytes, each folded and ended."""
    return b"\r\n".join([*map(folded, lines), b""])
