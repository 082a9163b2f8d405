"""Protocols of any length, made from the shipped template; plain Python, no database."""

from __future__ import annotations

from dataclasses import replace

from trials.domain.protocols.offsets import Offset, Unit
from trials.domain.protocols.protocol import AtOffset, Protocol, VisitRule
from trials.formats.protocols import library, yaml

TEMPLATE = "CART-SLE"
DAYS_PER_MONTH = 30


def long_protocol(visits: int, trial: str = "") -> Protocol:
    """The template, lengthened (or cut) to so many visits: what is added is weekly, from day 35 on."""
    template = library.load(TEMPLATE)
    rules = list(template.visits)
    weekly = next(rule for rule in rules if rule.code == "d28")
    more = visits - _count(rules)
    rules += [_after(weekly, 28 + 7 * week) for week in range(1, more + 1)]
    while _count(rules) > visits:
        rules.pop()
    return replace(template, trial=trial or f"LONG-{visits}", visits=tuple(rules))


def days_only(visits: int) -> Protocol:
    """The same without a month: 30 days each instead."""
    protocol = long_protocol(visits)
    return replace(protocol, visits=tuple(map(_in_days, protocol.visits)))


def document_of(protocol: Protocol) -> str:
    """The protocol's document."""
    return yaml.dump(protocol)


def _count(rules: list[VisitRule]) -> int:
    return len(rules) + sum(2 for rule in rules if rule.code == "ld")


def _after(rule: VisitRule, days: int) -> VisitRule:
    assert isinstance(rule.timing, AtOffset)
    timing = replace(rule.timing, offset=Offset(days, Unit.DAYS))
    return replace(rule, code=f"d{days}", label=f"Day {days}", timing=timing)


def _in_days(rule: VisitRule) -> VisitRule:
    timing = rule.timing
    if not isinstance(timing, AtOffset) or timing.offset.unit is not Unit.MONTHS:
        return rule
    return replace(
        rule, timing=replace(timing, offset=Offset(timing.offset.amount * DAYS_PER_MONTH, Unit.DAYS))
    )
