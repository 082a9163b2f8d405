"""The forms by which facts are recorded: one for each kind, with the choices that the windows give."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from participants.domain.fact_kinds import (
    BY_KIND,
    DECLARATIONS,
    WASHED_OUT,
    Confirmation,
    Dose,
    Fact,
    FactDeclaration,
    FactKind,
    TestResult,
)
from participants.domain.fact_kinds.declaration import Input, InputKind
from participants.domain.moments import ZoneOfRecord
from schedules.domain.windows.fact_sources import Feed
from schedules.web.shared.anchor_fields import DayInput
from schedules.web.shared.forms import NO_NAMES, SureField, VersionedForm, WhyField
from schedules.web.shared.hours import HourField
from schedules.web.shared.wording import day_words, say
from schedules.web.windows.fact_wording import code_words
from trials.domain.protocols.protocol import Freshness

_HOURS = {"hours": timedelta(hours=1), "days": timedelta(days=1)}
FIELD_NAMES = {one.of: "of" for one in DECLARATIONS if one.of and one.inputs}
"""Where the field of a fact stands in the form, where it has another name there."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What a form can offer: what its windows name, and the visits that took place."""

    feeds: Mapping[FactKind, Sequence[Feed]]
    performed: Sequence[tuple[str, date]]

    def of(self, kind: FactKind) -> list[tuple[str, Any]]:
        """The things that a fact of this kind can be of, each with the windows that it feeds."""
        mine = _named(self.feeds.get(kind, ()))
        if kind not in WASHED_OUT:
            return mine
        known = {code for code, _label in mine}
        others = [pair for other in WASHED_OUT for pair in _named(self.feeds.get(other, ()))]
        rest = [pair for pair in dict(others).items() if pair[0] not in known]
        return [*mine, (_("Also watched by the protocol"), rest)] if rest else mine

    def visits(self) -> list[tuple[str, str]]:
        """The visits that took place, for a question that was asked at one of them."""
        days = [(code, f"{code_words(code)} · {day_words(day)}") for code, day in self.performed]
        return [("", "–"), *days]

    def results(self) -> list[str]:
        """The results that the protocol asks for, in its own words."""
        terms = (feed.window.terms for feed in self.feeds.get(FactKind.TEST, ()))
        asked = (one.result for one in terms if isinstance(one, Freshness) and one.result)
        return list(dict.fromkeys(asked))


class FactForm(VersionedForm):
    """A form for one kind of fact; with a reason where it corrects another one."""

    def __init__(
        self,
        kind: FactKind,
        choices: Choices,
        data: Any = None,
        *,
        initial: Any = None,
        correcting: bool = False,
    ) -> None:
        super().__init__(data, initial=initial)
        self.kind = kind
        self.zones = {
            name: at.tzinfo
            for name, at in (initial or {}).items()
            if isinstance(at, time) and isinstance(at.tzinfo, ZoneOfRecord)
        }
        self._results = {say(result).casefold(): result for result in choices.results()}
        self.fields.update(_fields(BY_KIND[kind], choices))
        self._keep_choice(initial)
        for name, there in self.zones.items():
            self.fields[name].help_text = _("By the clocks of %(zone)s, where it was recorded.") % {
                "zone": there.key
            }
        self.fields["reason"] = WhyField()
        if correcting:
            self.fields["reason"] = forms.CharField(
                label=_("Why it is corrected"), max_length=300, help_text=NO_NAMES
            )
        self.fields["sure"] = SureField()

    def refuse_years(self) -> None:
        """The facts themselves say which years they can have: an illness may be older than any trial."""

    def hour_zone(self, name: str) -> ZoneInfo | None:
        """The zone of the record for an hour that is on it, else the site's."""
        return self.zones.get(name, self.zone)

    def _keep_choice(self, initial: Any) -> None:
        """What a fact on record is of can be chosen, whatever the windows name now."""
        of, code = self.fields.get("of"), (initial or {}).get("of")
        if isinstance(of, forms.ChoiceField) and code and not of.valid_value(code):
            of.choices = [*cast("list[tuple[str, Any]]", of.choices), (code, code_words(code))]

    def clean_result(self) -> str:
        """A result that the protocol asks for, typed in the reader's language, in the protocol's words."""
        typed = str(self.cleaned_data["result"] or "").strip()
        return self._results.get(typed.casefold(), typed)

    def clean(self) -> dict[str, Any]:
        """An hour needs its day, and a stay in hospital is told by the hour."""
        data = super().clean() or {}
        for name in [name.removesuffix("_at") for name in self.fields if name.endswith("_at")]:
            day, hour = data.get(f"{name}_on"), data.get(f"{name}_at")
            if hour and not day and f"{name}_on" not in self.errors:
                self.add_error(f"{name}_on", _("Give the day that this hour belongs to."))
            if name == "discharged_at" and day and not hour and f"{name}_at" not in self.errors:
                self.add_error(f"{name}_at", _("Give the hour of the discharge."))
        return data

    def fact(self, zone: ZoneInfo) -> Fact:
        """The fact that was typed; hours are those of the site."""
        hours = [name for name, field in self.fields.items() if isinstance(field, HourField)]
        found = {name: at for name in hours if (at := self.instant(name, self.zones.get(name, zone)))}
        typed, declared = Typed(self.cleaned_data, found), BY_KIND[self.kind]
        return cast("Fact", declared.value(**{one.field: _given(one, typed) for one in declared.inputs}))

    def refuse(self, fields: Mapping[str, Sequence[str]]) -> None:
        """Put what is wrong with a fact next to the field that it stands in."""
        for field, messages in fields.items():
            name = FIELD_NAMES.get(field, field)
            place = next((one for one in (name, f"{name}_on") if one in self.fields), None)
            self.add_error(place, list(messages))


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed, and the instants of its hours."""

    data: Mapping[str, Any]
    instants: Mapping[str, datetime]

    def __getitem__(self, name: str) -> Any:
        return self.data.get(name)

    def text(self, name: str) -> str:
        """A text without its margins."""
        return str(self.data.get(name) or "").strip()

    def point(self, name: str) -> Any:
        """A day, or the instant where the hour was given; None where neither was."""
        return self.instants.get(f"{name}_at") or self.data.get(f"{name}_on")

    def half_life(self) -> timedelta | None:
        """A half-life in the unit that was chosen."""
        amount = self.data.get("half_life")
        return None if amount is None else float(amount) * _HOURS[self.data.get("half_life_unit") or "hours"]


def initial_of(fact: Fact) -> dict[str, Any]:
    """A fact as its form shows it."""
    found: dict[str, Any] = {}
    for name in fact.__dataclass_fields__:
        value = getattr(fact, name)
        found[FIELD_NAMES.get(name, name)] = value
        if isinstance(value, date):
            found[f"{name}_on"] = value.date() if isinstance(value, datetime) else value
            found[f"{name}_at"] = value.timetz() if isinstance(value, datetime) else None
    return found | _as_chosen(fact)


def _as_chosen(fact: Fact) -> dict[str, Any]:
    """What a form shows otherwise than it is kept: words, hours, an answer."""
    if isinstance(fact, TestResult) and fact.result:
        return {"result": say(fact.result)}
    if isinstance(fact, Dose) and fact.half_life is not None:
        return {"half_life": fact.half_life / _HOURS["hours"]}
    if isinstance(fact, Confirmation):
        return {"holds": "yes" if fact.holds else "no"}
    return {}


def _named(feeds: Sequence[Feed]) -> list[tuple[str, str]]:
    windows: dict[str, list[str]] = {}
    for feed in feeds:
        windows.setdefault(feed.of, []).append(feed.window.label)
    return [(code, f"{code_words(code)} → {_('; ').join(labels)}") for code, labels in windows.items()]


def _help(one: Input) -> Any:
    return gettext_lazy(one.help) if one.help else ""


def _day(one: Input) -> forms.Field:
    return forms.DateField(
        label=gettext_lazy(one.label), required=one.required, widget=DayInput(), help_text=_help(one)
    )


def _point(one: Input) -> dict[str, forms.Field]:
    where_hours_count = gettext_lazy("Where hours count, such as a test within 48 hours.")
    hour = HourField(
        f"{one.field}_on",
        label=gettext_lazy(one.hour_label),
        required=one.hour_required,
        help_text="" if one.hour_required else where_hours_count,
    )
    return {f"{one.field}_on": _day(one), f"{one.field}_at": hour}


def _text(one: Input, help_text: Any = "") -> forms.Field:
    return forms.CharField(
        label=gettext_lazy(one.label),
        required=one.required,
        max_length=one.longest,
        help_text=help_text or _help(one),
    )


def _result_help(asked: Sequence[str]) -> str:
    if not asked:
        return _("Empty while it is awaited.")
    words = {"results": _("; ").join(map(say, asked))}
    return _("The protocol asks for: %(results)s. Empty while it is awaited.") % words


def _half_life(one: Input) -> dict[str, forms.Field]:
    units = [("hours", gettext_lazy("hours")), ("days", gettext_lazy("days"))]
    amount = forms.FloatField(
        label=gettext_lazy(one.label), required=one.required, max_value=1_000_000, help_text=_help(one)
    )
    unit = forms.ChoiceField(label=gettext_lazy("Half-life in"), choices=units, required=False)
    return {one.field: amount, f"{one.field}_unit": unit}


def _kept(one: Input) -> forms.Field:
    answers = [("yes", gettext_lazy("kept, or none taken")), ("no", gettext_lazy("not kept"))]
    return forms.ChoiceField(
        label=gettext_lazy(one.label), choices=answers, initial="yes", widget=forms.RadioSelect
    )


def _fields(declared: FactDeclaration, choices: Choices) -> dict[str, forms.Field]:
    """The fields that ask for what a kind of fact declares."""
    found: dict[str, forms.Field] = {}
    for one in declared.inputs:
        match one.kind:
            case InputKind.OF:
                label = gettext_lazy(one.label)
                found["of"] = forms.ChoiceField(label=label, choices=choices.of(declared.kind))
            case InputKind.POINT:
                found |= _point(one)
            case InputKind.HALF_LIFE:
                found |= _half_life(one)
            case _:
                found[one.field] = _field(one, choices)
    return found


def _field(one: Input, choices: Choices) -> forms.Field:
    """The field of what is asked for by one alone."""
    label = gettext_lazy(one.label)
    match one.kind:
        case InputKind.DAY:
            return _day(one)
        case InputKind.MINUTES:
            return forms.IntegerField(label=label, required=one.required, help_text=_help(one))
        case InputKind.RESULT:
            return _text(one, _result_help(choices.results()))
        case InputKind.KEPT:
            return _kept(one)
        case InputKind.VISIT:
            return forms.ChoiceField(label=label, choices=choices.visits(), required=one.required)
        case _:
            return _text(one)


RECORDABLE = tuple(one.kind for one in DECLARATIONS if one.inputs)
"""The kinds that have a form of their own; a waiver is asked for beside its window."""


_AS_VALUE: Mapping[InputKind, Callable[[Typed, str], Any]] = {
    InputKind.OF: lambda typed, _field: typed["of"],
    InputKind.POINT: Typed.point,
    InputKind.TEXT: Typed.text,
    InputKind.RESULT: lambda typed, field: typed.text(field) or None,
    InputKind.HALF_LIFE: lambda typed, _field: typed.half_life(),
    InputKind.KEPT: lambda typed, field: typed[field] == "yes",
    InputKind.VISIT: lambda typed, field: typed[field] or None,
}
"""How what was typed becomes a value; where nothing stands here, the form's field has made it."""


def _given(one: Input, typed: Typed) -> Any:
    """The value of a field of a fact as it was typed."""
    return _AS_VALUE.get(one.kind, Typed.__getitem__)(typed, one.field)
