"""The fields of a protocol's anchors: each with its day and its hour, planned and actual."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django import forms
from django.forms.boundfield import BoundField
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from participants.domain.anchors import RecordedAnchor
from schedules.selectors.pages.enrolment import Contradicting
from schedules.web.shared.hours import HourField, HourInput, HoursMixin
from schedules.web.shared.wording import day_words
from trials.domain.protocols.protocol import AnchorRule, Protocol
from trials.web.shared.day_input import DayInput as DayInput  # noqa: PLC0414 - forms take it from here

PLANNED, ACTUAL = "planned", "actual"
KINDS = (PLANNED, ACTUAL)


@dataclass(frozen=True, slots=True)
class Mend:
    """A day that would mend a contradiction: as the form sends it, and in words."""

    value: str
    words: str


@dataclass(frozen=True, slots=True)
class MomentFields:
    """The day and the hour of an anchor, planned or actual; `day` is what was given, once it can be read."""

    on: BoundField
    at: BoundField
    day: date | None

    @property
    def wrong(self) -> list[BoundField]:
        """Those of them that are wrong."""
        return [field for field in (self.on, self.at) if field.errors]


@dataclass(frozen=True, slots=True)
class AnchorFields:
    """The fields of one anchor; `only_for` names the traits that it is meant for."""

    rule: AnchorRule
    only_for: str
    planned: MomentFields
    actual: MomentFields
    contradicted: bool

    @property
    def wrong(self) -> list[BoundField]:
        """Those of them that are wrong."""
        return [*self.planned.wrong, *self.actual.wrong]


if TYPE_CHECKING:
    _Form = forms.Form
else:
    _Form = object


class AnchorFieldsMixin(HoursMixin, _Form):
    """A form with the fields of every anchor of `protocol`, and what is wrong with them together."""

    protocol: Protocol
    contradictions: tuple[Contradicting, ...] = ()
    anchor_refusals: list[str]

    def add_anchors(self) -> None:
        """Add the fields; once, when the form is made."""
        self.anchor_refusals = []
        for rule in self.protocol.anchors:
            self._add_anchor(rule)

    def _add_anchor(self, rule: AnchorRule) -> None:
        words = {
            PLANNED: (_("%(anchor)s, planned day"), _("%(anchor)s, planned hour")),
            ACTUAL: (_("%(anchor)s, actual day"), _("%(anchor)s, actual hour")),
        }
        for kind in KINDS:
            day, hour = (text % {"anchor": rule.label} for text in words[kind])
            self.fields[_name(rule.code, kind, "on")] = forms.DateField(
                required=False, label=day, widget=DayInput(day)
            )
            self.fields[_name(rule.code, kind, "at")] = HourField(
                _name(rule.code, kind, "on"), required=False, label=hour, widget=HourInput(hour)
            )

    def refuse_years(self) -> None:
        """The service says which years an anchor can have: it knows the end of the trial."""

    def anchors(self) -> list[AnchorFields]:
        """The anchors of the protocol in its order, each with its fields."""
        labels = {trait.code: trait.label for trait in self.protocol.traits}
        always = {trait.code for trait in self.protocol.traits if trait.always}
        contradicted = {
            code for pair in self.contradictions for code in (pair.found.anchor, pair.found.other)
        }
        found = []
        for rule in self.protocol.anchors:
            only = [labels.get(code, code) for code in rule.applies_to if not always & set(rule.applies_to)]
            planned, actual = (self._moment(rule.code, kind) for kind in KINDS)
            traits = pgettext("list", ", ").join(only)
            fields = AnchorFields(rule, traits, planned, actual, rule.code in contradicted)
            found.append(fields)
        return found

    def _moment(self, anchor: str, kind: str) -> MomentFields:
        on, at = (_name(anchor, kind, part) for part in ("on", "at"))
        return MomentFields(self[on], self[at], getattr(self, "cleaned_data", {}).get(on))

    @property
    def day_zero(self) -> AnchorRule:
        """The anchor that the protocol's day numbers count from."""
        return self.protocol.anchor_by_code[self.protocol.day_zero]

    @property
    def mends(self) -> list[Mend]:
        """The days that would mend the contradictions, each once."""
        days = dict.fromkeys(mend for pair in self.contradictions for mend in pair.found.mends)
        label = {rule.code: rule.label for rule in self.protocol.anchors}
        words = _("Set %(anchor)s to %(day)s")
        return [
            Mend(f"{code}={day}", words % {"anchor": label[code], "day": day_words(day)})
            for code, day in days
        ]

    def clean(self) -> dict[str, Any]:
        """An hour without its day is no hour."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for rule in self.protocol.anchors:
            for kind in KINDS:
                on, at = _name(rule.code, kind, "on"), _name(rule.code, kind, "at")
                if cleaned.get(at) and not cleaned.get(on) and on not in self.errors:
                    self.add_error(on, _("Give the day of this hour too."))
        return cleaned

    def contradicted_by(self, pairs: Iterable[Contradicting]) -> None:
        """Say which anchors contradict each other, in words, with the days that would mend it."""
        self.contradictions = tuple(pairs)
        if self.contradictions:
            self.anchor_refusals = [self._in_words(pair) for pair in self.contradictions]

    def _in_words(self, pair: Contradicting) -> str:
        """A contradiction by the labels and weekdays of the reader's language."""
        label = {rule.code: rule.label for rule in self.protocol.anchors}
        mends = [
            _("%(anchor)s on %(day)s") % {"anchor": label[code], "day": day_words(day)}
            for code, day in pair.found.mends
        ]
        return _(
            "%(anchor)s on %(day)s and %(other)s on %(other_day)s contradict each other. "
            "It would be mended by %(mends)s."
        ) % {
            "anchor": label[pair.found.anchor],
            "day": day_words(pair.day),
            "other": label[pair.found.other],
            "other_day": day_words(pair.other_day),
            "mends": _(" or by ").join(mends),
        }


def recorded_anchors(
    protocol: Protocol, data: Mapping[str, Any], instants: Mapping[str, datetime]
) -> dict[str, RecordedAnchor]:
    """The anchors that have a day in a form's cleaned data, with the instants of its hours."""
    found = {}
    for rule in protocol.anchors:
        days = {kind: data.get(_name(rule.code, kind, "on")) for kind in KINDS}
        hours = {kind: instants.get(_name(rule.code, kind, "at")) for kind in KINDS}
        if any(days.values()):
            found[rule.code] = RecordedAnchor(
                rule.code,
                planned_on=days[PLANNED],
                planned_at=hours[PLANNED],
                actual_on=days[ACTUAL],
                actual_at=hours[ACTUAL],
            )
    return found


def mended(data: Any, mend: str) -> Any:
    """The form as it was, with one anchor moved to the day that was offered (`infusion=2026-12-08`)."""
    code, _sign, day = mend.partition("=")
    copy = data.copy()
    actual, planned = _name(code, ACTUAL, "on"), _name(code, PLANNED, "on")
    copy[actual if copy.get(actual) else planned] = day
    return copy


def _name(anchor: str, kind: str, part: str) -> str:
    return f"anchor-{anchor}-{kind}-{part}"
