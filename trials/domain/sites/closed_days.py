"""Why nobody can be seen on a day: kept in English, said in the reader's language."""

from __future__ import annotations

from trials.domain.kept_sentences import AFTER, taken_apart
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


def closed_words(text: str) -> Words:
    """Give the words of a reason as it was kept; what a person wrote stays as they wrote it.

    What is kept is what `WorkingDays.why_not` says, and that somebody is away.
    """
    if text in _OURS:
        return Words.of(text)
    # one that was cut short has lost its last bracket
    found = taken_apart(text, _TEMPLATES) or taken_apart(f"{text})", _TEMPLATES)
    if found is None or AFTER in found[1]:
        return Words.of("%(reason)s", {"reason": text})
    template, values = found
    if values.get("reason") in _AWAY:  # the clinic is open: somebody is not there
        return Words.of(values["reason"])
    return Words.of(template, {name: _value(template, value) for name, value in values.items()})


def _value(template: str, value: str) -> Value:
    """A weekday, a holiday and who is away have a name in every language; another reason is a person's."""
    if value in _OURS:
        return Words.of(value)
    return Words.of(value) if template is HOLIDAY and "%" not in value else value
