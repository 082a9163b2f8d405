"""Why nobody can be seen on a day: kept in English, said in the language of whoever reads it."""

from __future__ import annotations

import re

from trials.domain.words import WEEKDAYS, Value, Words
from trials.domain.words import mark as _

PARTICIPANT_AWAY = _("the participant is away")
STAFF_AWAY = _("somebody the site cannot do without is away")

CLOSED = _("closed")
CLOSED_FOR = _("closed (%(reason)s)")
HOLIDAY = _("public holiday (%(name)s)")
WORKED_AS = _("%(weekday)s, worked as %(other)s, not a clinic day")
UNSETTLED = _("%(weekday)s, make-up day: the site has not said which weekday it follows")
NO_CLINIC_DAY = _("%(weekday)s, not a clinic day")

_AWAY = (PARTICIPANT_AWAY, STAFF_AWAY)
_OURS = (*_AWAY, CLOSED, *WEEKDAYS)
_TEMPLATES = (HOLIDAY, CLOSED_FOR, WORKED_AS, UNSETTLED, NO_CLINIC_DAY)
_PLACE = re.compile(r"%\\\((\w+)\\\)s")


def _pattern(template: str) -> re.Pattern[str]:
    """What finds the values of a template in a text; a text that was cut short has lost its last bracket."""
    text = _PLACE.sub(r"(?P<\1>.+?)", re.escape(template))
    return re.compile(re.sub(r"\\\)$", r"\\)?", text))


_PATTERNS = tuple((template, _pattern(template)) for template in _TEMPLATES)


def closed_words(text: str) -> Words:
    """Give the words of a reason as it was kept; what a person wrote stays as they wrote it.

    What is kept is what `WorkingDays.why_not` says, and that somebody is away.
    """
    if text in _OURS:
        return Words.of(text)
    for template, pattern in _PATTERNS:
        if found := pattern.fullmatch(text):
            if found.groupdict().get("reason") in _AWAY:  # the clinic is open: somebody is not there
                return Words.of(found["reason"])
            return Words.of(
                template, {name: _value(template, value) for name, value in found.groupdict().items()}
            )
    return Words.of("%(reason)s", {"reason": text})


def _value(template: str, value: str) -> Value:
    """A weekday, a holiday and who is away have a name in every language; another reason is a person's."""
    if value in _OURS:
        return Words.of(value)
    return Words.of(value) if template is HOLIDAY and "%" not in value else value
