"""How often a visit rule happens, where each time lies, and what a plan calls it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from trials.domain.language import in_both
from trials.domain.protocols.offsets import Offset, Unit
from trials.domain.protocols.protocol import AtOffset, Each, VisitRule, Within

MOST_OCCURRENCES = 1000
PLACE = re.compile(r"\{([^{}]*)\}")
_PLACES = (
    ("hours", Unit.HOURS, None, 1),
    ("days", Unit.DAYS, Unit.HOURS, 24),
    ("weeks", Unit.WEEKS, Unit.DAYS, 7),
    ("months", Unit.MONTHS, None, 1),
    ("years", Unit.YEARS, Unit.MONTHS, 12),
)
_LARGER = {Unit.DAYS: Unit.WEEKS, Unit.MONTHS: Unit.YEARS}
_TIMES = {Unit.DAYS: 7, Unit.MONTHS: 12}
_AVERAGE_DAYS = {
    Unit.HOURS: 1 / 24,
    Unit.DAYS: 1.0,
    Unit.WEEKS: 7.0,
    Unit.MONTHS: 30.4375,
    Unit.YEARS: 365.25,
}


def is_many(visit: VisitRule) -> bool:
    """Whether a plan numbers the visits of this rule: each day of a range, or more than one repeat."""
    return isinstance(visit.timing, Each) or occurrences(visit) > 1


def occurrences(visit: VisitRule) -> int:
    """How often the rule happens; once where its range or its repeat makes no sense."""
    timing = visit.timing
    if isinstance(timing, Each):
        first, last = timing.first.days(), timing.last.days()
        return 1 if first is None or last is None else max(1, last - first + 1)
    if not isinstance(timing, AtOffset) or timing.repeat is None:
        return 1
    every, until = timing.repeat.every, timing.repeat.until
    if every.amount <= 0 or {every.unit, until.unit} != {timing.offset.unit}:
        return 1
    return max(1, (until.amount - timing.offset.amount) // every.amount + 1)


def occurrence_offsets(visit: VisitRule) -> dict[str, Offset]:
    """What a plan calls each visit of the rule (`ld-1`, `ld-2`, `ld-3`, or just its code) and its target."""
    first, step = _first_and_step(visit)
    if not is_many(visit):
        return {visit.code: first}
    return {
        code_of(visit, number + 1): Offset(first.amount + number * step, first.unit)
        for number in range(occurrences(visit))
    }


def code_of(visit: VisitRule, occurrence: int) -> str:
    """What a plan calls one visit of the rule, also one that the rule makes no longer."""
    alone = occurrence == 1 and not is_many(visit)
    return visit.code if alone else f"{visit.code}-{occurrence}"


def names_of(visit: VisitRule, occurrence: int) -> frozenset[str]:
    """Return the codes by which a document may name one visit of a rule; none of one that it makes no longer.

    A visit is stored under the code that it was enrolled with: an amendment may name it otherwise since.
    """
    if occurrence > occurrences(visit):
        return frozenset()
    return frozenset({visit.code, code_of(visit, occurrence)})


def occurrence_rules(visits: Iterable[VisitRule]) -> dict[str, VisitRule]:
    """The rule behind each code by which a document may name a visit: the rule's, or an occurrence's."""
    visits = tuple(visits)
    rules = {visit.code: visit for visit in visits}
    for visit in visits:
        for code in occurrence_offsets(visit):
            rules.setdefault(code, visit)
    return rules


def label_at(visit: VisitRule, occurrence: int, offset: Offset) -> str:
    """Return what people call one visit of a rule: `{n}`, `{months}` and the like filled in, else numbered.

    In both languages where the document gives the label in two.
    """
    label = visit.label
    if PLACE.search(f"{label}{getattr(label, 'zh', '')}"):
        return in_both(label, lambda text: _filled(text, {"n": occurrence, **_lengths(offset)}))
    return in_both(label, lambda text: f"{text} {occurrence}") if is_many(visit) else label


def label_of_one(visit: VisitRule, code: str, occurrence: int, offset: Offset) -> str:
    """Return the label of a visit by what a plan calls it: the rule's own where the rule makes but one."""
    if code == visit.code and "{" not in visit.label and not is_many(visit):
        return visit.label
    return label_at(visit, occurrence, offset)


def label_of_rule(visit: VisitRule) -> str:
    """Return what people call a rule as a whole: `Month 3–24` for `Month {months}`."""
    label, offsets = visit.label, list(occurrence_offsets(visit).values())
    if not PLACE.search(f"{label}{getattr(label, 'zh', '')}"):
        return label
    first, last = ({"n": number, **_lengths(offsets[number - 1])} for number in (1, len(offsets)))
    both = {name: first[name] if len(offsets) == 1 else f"{first[name]}–{last.get(name)}" for name in first}
    return in_both(label, lambda text: _filled(text, both))


def places_of(visit: VisitRule) -> frozenset[str]:
    """Return the names that this rule's label may hold in braces."""
    offsets = occurrence_offsets(visit).values()
    return frozenset({"n"}).union(frozenset.intersection(*(frozenset(_lengths(one)) for one in offsets)))


def _lengths(offset: Offset) -> dict[str, int]:
    """An offset in every unit in which it is a whole number, without its sign."""
    size, found = abs(offset.amount), {}
    for name, unit, parts, whole in _PLACES:
        if offset.unit is unit:
            found[name] = size
        elif offset.unit is parts and size % whole == 0:
            found[name] = size // whole
        elif offset.unit is _LARGER.get(unit):
            found[name] = size * _TIMES[unit]
    return found


def _filled(text: str, values: Mapping[str, int | str]) -> str:
    return PLACE.sub(lambda found: str(values.get(found[1], found[0])), text)


def average_days(offset: Offset) -> float:
    """The offset in days, with a month of 30.4375 days and a year of 365.25: for comparing only."""
    return offset.amount * _AVERAGE_DAYS[offset.unit]


def _first_and_step(visit: VisitRule) -> tuple[Offset, int]:
    """The target of the first visit of the rule, and how much is added for each further one."""
    timing = visit.timing
    if isinstance(timing, AtOffset):
        return timing.offset, timing.repeat.every.amount if timing.repeat else 0
    if isinstance(timing, Each):
        return Offset(timing.first.days() or 0, Unit.DAYS), 1
    if isinstance(timing, Within) and timing.target is not None:
        return timing.target, 0
    return timing.first, 0
