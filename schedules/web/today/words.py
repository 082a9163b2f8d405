"""What the Today page says: its parts, the gates of the road, its buttons."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from participants.domain.fact_kinds import FactKind
from schedules.domain.readiness.road import Stop, StopState
from schedules.selectors.today.attention import MissingFact
from schedules.selectors.today.parts import Closing
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.wording import day_words, near_day_words
from schedules.web.windows.fact_wording import KINDS, code_words
from trials.spoken import bracketed

STOPS: Mapping[Stop, Promise] = {
    Stop.SCREENING: gettext_lazy("Screening"),
    Stop.ELIGIBLE: pgettext_lazy("gate before infusion", "Eligible"),
    Stop.PRODUCT: pgettext_lazy("gate before infusion", "Product"),
    Stop.GATE: pgettext_lazy("gate before infusion", "Gate"),
    Stop.CHEMOTHERAPY: gettext_lazy("Chemotherapy"),
    Stop.HOLD: pgettext_lazy("gate before infusion", "Hold"),
    Stop.DAY_ZERO: gettext_lazy("Day 0"),
}

STATES: Mapping[StopState, Promise] = {
    StopState.PASSED: pgettext_lazy("state of a gate", "passed"),
    StopState.HERE: pgettext_lazy("state of a gate", "now"),
    StopState.BLOCKED: pgettext_lazy("state of a gate", "blocked"),
    StopState.TO_COME: pgettext_lazy("state of a gate", "to come"),
    StopState.NOT_APPLICABLE: pgettext_lazy("state of a gate", "does not apply"),
}

CLOSING: Mapping[Closing, Promise] = {
    Closing.TOMORROW: gettext_lazy("Closes today or tomorrow"),
    Closing.THIS_WEEK: gettext_lazy("Closes this week"),
    Closing.NEXT_WEEK: gettext_lazy("Closes next week"),
    Closing.LATER: gettext_lazy("Closes later"),
}


SHORT_BUTTONS: Mapping[FactKind, Promise] = {
    FactKind.CONFIRMATION: gettext_lazy("Confirm"),
    FactKind.TEST: gettext_lazy("Enter the result"),
}
"""What a button says where the fact is named above it."""


def fact_button(missing: MissingFact) -> str:
    """What a button says that leads to the form of a missing fact."""
    of = code_words(missing.of) if missing.of else ""
    if missing.kind is FactKind.CONFIRMATION:
        return _("Confirm: %(fact)s") % {"fact": of} if of else _("Confirm")
    if missing.kind is FactKind.TEST:
        return _("Enter the result: %(fact)s") % {"fact": of}
    kind = str(KINDS[missing.kind])
    return _("Enter: %(fact)s") % {"fact": bracketed(str(kind), str(of)) if of else kind}


def near_here(day: date) -> str:
    """A day as one says it, from today."""
    return near_day_words(day, server_day(now()))


def lately(at: datetime) -> str:
    """An hour of today by the clocks of a site; with its day where that is another one."""
    today = now().astimezone(at.tzinfo).date()
    return f"{at:%H:%M}" if at.date() == today else f"{day_words(at.date())} {at:%H:%M}"
