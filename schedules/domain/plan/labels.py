"""A protocol, and a site's calendar, in the reader's language."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TypeVar

from trials.domain.protocols.protocol import (
    Activity,
    AnchorRule,
    Block,
    DoseLevel,
    Epoch,
    FactName,
    Gate,
    Protocol,
    ProtocolWindow,
    Trait,
    VisitRule,
)
from trials.domain.sites.closed_days import CLOSED, HOLIDAY, closed_words
from trials.domain.sites.working_days import WorkingDays
from trials.domain.words import WEEKDAYS, Say
from trials.domain.words import mark as _

_Labelled = TypeVar(
    "_Labelled",
    Activity,
    AnchorRule,
    Block,
    DoseLevel,
    Epoch,
    FactName,
    Gate,
    ProtocolWindow,
    Trait,
    VisitRule,
)


def in_language(protocol: Protocol, say: Say) -> Protocol:
    """The protocol with the labels that `say` knows translated; all others, and all notes, as they are."""
    return replace(
        protocol,
        epochs=_said(protocol.epochs, say),
        anchors=_said(protocol.anchors, say),
        visits=_said(protocol.visits, say),
        traits=_said(protocol.traits, say),
        activities=_said(protocol.activities, say),
        windows=_said(protocol.windows, say),
        gates=_said(protocol.gates, say),
        blocks=_said(protocol.blocks, say),
        dose_levels=_said(protocol.dose_levels, say),
        facts=_said(protocol.facts, say),
    )


def _said(rules: tuple[_Labelled, ...], say: Say) -> tuple[_Labelled, ...]:
    return tuple(replace(rule, label=say(rule.label)) if rule.label else rule for rule in rules)


def why_closed(calendar: WorkingDays | None, day: date, say: Say) -> str | None:
    """Why a site does not work on a day, in the reader's words; None where it works or nothing is known."""
    if calendar is None or calendar.is_working_day(day):
        return None
    if day in calendar.closures:
        return closed_words(calendar.why_not(day) or CLOSED).text(say)
    if (holiday := calendar.holiday_name(day)) is not None:
        return say(HOLIDAY) % {"name": say(holiday)}
    if day in calendar.follows:
        words = {"weekday": say(WEEKDAYS[calendar.follows[day] - 1])}
        return say(_("worked as a %(weekday)s, not a clinic day")) % words
    if calendar.is_unsettled(day):
        return say(_("make-up day: the site has not said which weekday it follows"))
    return say(WEEKDAYS[day.weekday()])
