"""What a place wants of a rule: its own word, else the trial's, else what Dayzero assumes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time

from schedules.domain.reminders.people import Capacity
from schedules.domain.reminders.rules import EVENING, MORNING, Direction, Manner, Rule

RECIPIENTS = (
    Capacity.MINE,
    Capacity.OWNER,
    Capacity.COORDINATOR,
    Capacity.INVESTIGATOR,
    Capacity.DATA_MANAGER,
)
"""Whom a rule may name."""

MOST_DAYS, MOST_STEPS = 365, 5


@dataclass(frozen=True, slots=True)
class Setting:
    """What one place says of one rule, or of all of them; None leaves the word to the place above."""

    active: bool | None = None
    days: tuple[int, ...] | None = None
    recipients: tuple[Capacity, ...] | None = None
    manner: Manner | None = None
    earliest: time | None = None
    latest: time | None = None
    working_days: bool | None = None
    escalates: int | None = None

    @property
    def says_nothing(self) -> bool:
        """Whether it leaves everything to the place above."""
        return self == Setting()


@dataclass(frozen=True, slots=True)
class Wanted:
    """A rule as it holds at a place; `set_here` names what somebody set, all else is assumed."""

    rule: Rule
    active: bool = True
    days: tuple[int, ...] = ()
    recipients: tuple[Capacity, ...] = ()
    manner: Manner = Manner.DIGEST
    earliest: time = MORNING
    latest: time = EVENING
    working_days: bool = True
    escalates: int = 0
    set_here: frozenset[str] = field(default_factory=frozenset)


def assumed(rule: Rule) -> Wanted:
    """Give a rule as Dayzero assumes it."""
    return Wanted(rule, days=rule.days, recipients=rule.to, manner=rule.manner, escalates=rule.escalates)


def wanted(rule: Rule, layers: Sequence[Setting], base: Wanted | None = None) -> Wanted:
    """Give a rule as it holds where these settings do, the most general first, on top of `base`."""
    found = base or assumed(rule)
    said: dict[str, object] = {}
    for layer in layers:
        for name in Setting.__dataclass_fields__:
            value = getattr(layer, name)
            if value is not None:
                said[name] = value
    if not rule.days:
        said.pop("days", None)
    values: dict[str, object] = {name: getattr(found, name) for name in Setting.__dataclass_fields__}
    return Wanted(rule, **{**values, **said}, set_here=frozenset(said))  # type: ignore[arg-type]


class UnreadableDays(ValueError):
    """A text is no list of days; `fault` says which, `part` what was given."""

    def __init__(self, fault: str, part: str) -> None:
        self.fault, self.part = fault, part
        super().__init__(f"{fault}: {part}")


def read_days(text: str, rule: Rule) -> tuple[int, ...]:
    """Read "7, 3, 1" (also with Chinese commas), the longest first, each once.

    Raises UnreadableDays: `number` for what is none, `range` outside 0 to 365, `many` for more steps than
    a rule may have (five before its day, one after it).
    """
    parts = [part for part in re.split(r"[\s,;，、；]+", text.strip()) if part]
    for part in parts:
        if not re.fullmatch(r"[0-9]{1,6}", part):
            raise UnreadableDays("number", part)
        if int(part) > MOST_DAYS:
            raise UnreadableDays("range", part)
    days = tuple(sorted({int(part) for part in parts}, reverse=True))
    most = MOST_STEPS if rule.direction is Direction.BEFORE else 1
    if len(days) > most:
        raise UnreadableDays("many", text.strip())
    return days


def written_days(days: Sequence[int]) -> str:
    """Write days as `read_days` reads them."""
    return ", ".join(str(day) for day in days)


def layers_for(
    kind: str, trial: int, site: int | None, said: Mapping[tuple[int, int | None, str], Setting]
) -> list[Setting]:
    """Give the settings that hold for a kind at a site of a trial, the most general first."""
    places = [(trial, None, ""), (trial, site, ""), (trial, None, kind), (trial, site, kind)]
    return [said[place] for place in dict.fromkeys(places) if place in said]
