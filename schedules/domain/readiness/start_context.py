"""What is known when chemotherapy (or, where there is none, the infusion) is to start.

All that the question needs is read once into a `Start`; any number of days can then be asked of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from participants.domain.consents import ConsentStanding
from participants.domain.facts import Facts
from participants.domain.lifecycle import Phase
from participants.domain.product import Product
from schedules.domain.plan.projection import lay_out
from schedules.domain.plan.values import AnchorDay, AnchorKind, Known, Plan
from schedules.domain.readiness.beds import Beds
from schedules.domain.readiness.gates import Cohorts
from trials.domain.protocols.protocol import Protocol, applies
from trials.domain.sites.working_days import WorkingDays
from trials.domain.words import Say, Value, Words, day_text, plain, run_on
from trials.domain.words import mark as _


class Answer(StrEnum):
    """What a line of the list says."""

    YES = "yes"
    NO = "no"
    NOT_KNOWN = "not-known"


class Item(StrEnum):
    """What is asked before the point of no return, in the order in which the list is read."""

    COURSE = "course"
    CONSENT = "consent"
    VISIT = "visit"
    TEST = "test"
    PRODUCT = "product"
    GATE = "gate"
    BED = "bed"
    SLOT = "slot"
    HOLIDAYS = "holidays"


ITEM_LABELS: Mapping[Item, str] = {
    Item.COURSE: _("Course"),
    Item.CONSENT: _("Consent"),
    Item.VISIT: _("Done before the start"),
    Item.TEST: _("Test within its window"),
    Item.PRODUCT: _("Product at the site and released"),
    Item.GATE: _("Gate"),
    Item.BED: _("Ward bed"),
    Item.SLOT: _("Slots for day zero at the site"),
    Item.HOLIDAYS: _("No public holiday"),
}

ANSWER_LABELS: Mapping[Answer, str] = {
    Answer.YES: _("yes"),
    Answer.NO: _("no"),
    Answer.NOT_KNOWN: _("not known"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the list: what is asked, of what, the answer, and why in words."""

    item: Item
    answer: Answer
    why: tuple[Words, ...]
    of: str = ""

    def text(self, say: Say = plain) -> str:
        """Why, as sentences."""
        return sentences(self.why, say)


def line(item: Item, answer: Answer, template: str, values: Mapping[str, Value], of: str = "") -> Line:
    """A line whose reason is one sentence."""
    return Line(item, answer, (Words.of(template, values),), of)


def sentences(why: Iterable[Words], say: Say = plain) -> str:
    """Words in the reader's language, the labels among their values as well."""
    return run_on((_spoken(words, say).text(say, day_text) for words in why), say)


def _spoken(words: Words, say: Say) -> Words:
    """Words whose values are labels, in the reader's language."""
    return Words(
        words.template,
        tuple(
            (name, say(value) if isinstance(value, str) and value else value) for name, value in words.values
        ),
    )


@dataclass(frozen=True, slots=True)
class Person:
    """What is on record of the participant who is to start; `ended` are visits missed or cancelled."""

    subject: str
    level: str | None
    consent: ConsentStanding
    phase: Phase
    product: Product
    facts: Facts
    ended: AbstractSet[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Start:
    """All that the question is answered by, on `today` of the site; without a person, what the site tells.

    `away` says on which days somebody who is needed is not there, and who; `names` how other
    participants may be named, `others_begun` whose treatment has begun.
    """

    protocol: Protocol
    anchors: Mapping[str, AnchorDay]
    traits: AbstractSet[str]
    calendar: WorkingDays | None
    zone: ZoneInfo
    today: date
    cohorts: Cohorts
    beds: Beds
    known: Known = field(default_factory=Known)
    person: Person | None = None
    level: str | None = None
    away: Mapping[date, str] = field(default_factory=dict)
    names: Mapping[str, Value] = field(default_factory=dict)
    others_begun: AbstractSet[str] = frozenset()

    def plan_with(self, day_zero: date, at: AnchorDay | None = None) -> Plan:
        """The plan with another day zero; `at` is the start itself where it has come."""
        zero = {self.protocol.day_zero: AnchorDay(day_zero)}
        marked = {rule.code for rule in self.protocol.anchors if rule.point_of_no_return}
        # A start that is merely planned goes along with day zero, also where somebody gave its day.
        kept = {
            code: day
            for code, day in self.anchors.items()
            if code not in marked or day.kind is AnchorKind.ACTUAL
        }
        anchors = {**kept, **zero}
        if at:
            anchors[self.anchor] = at
        return lay_out(self.protocol, anchors, self.traits, self.calendar, self.known, self.zone)

    @property
    def infused(self) -> date | None:
        """The day on which day zero took place; None while it is to come."""
        zero = self.anchors.get(self.protocol.day_zero)
        return zero.day if zero and zero.kind is AnchorKind.ACTUAL else None

    @property
    def anchor(self) -> str:
        """The anchor at which there is no return for somebody with these traits."""
        traits = self.protocol.effective_traits(self.traits)
        rules = (rule for rule in self.protocol.anchors if applies(rule.applies_to, traits))
        return next((rule.code for rule in rules if rule.point_of_no_return), self.protocol.day_zero)

    @property
    def begun(self) -> bool:
        """Whether the point of no return is behind."""
        day = self.anchors.get(self.anchor)
        return day is not None and day.kind is AnchorKind.ACTUAL

    def day_zero_for(self, start: date) -> date:
        """The day zero that belongs to a start on a day; the present one once the start is behind."""
        anchor = self.anchors.get(self.protocol.day_zero)
        if anchor and (self.begun or anchor.kind is AnchorKind.ACTUAL):
            return anchor.day
        zero = start
        for _round in range(3):  # months before day zero are not all of one length
            off = (start - start_day(self.plan_with(zero), zero)).days
            if not off:
                break
            zero += timedelta(days=off)
        return zero


def start_codes(plan: Plan) -> tuple[str, ...]:
    """The anchors at which there is no return, as far as this plan has them; else day zero."""
    marked = tuple(
        rule.code for rule in plan.protocol.anchors if rule.point_of_no_return and rule.code in plan.anchors
    )
    return marked or tuple(code for code in (plan.protocol.day_zero,) if code in plan.anchors)


def start_day(plan: Plan, otherwise: date) -> date:
    """The day of the point of no return in a plan."""
    return min((plan.anchors[code].day for code in start_codes(plan)), default=otherwise)
