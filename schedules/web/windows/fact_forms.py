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

from participants.domain.fact_rows import FactKind
from participants.domain.facts import (
    Admission,
    CompanionConfirmed,
    Confirmation,
    Dose,
    Event,
    Fact,
    Illness,
    Infection,
    Lodging,
    NightAway,
    Procedure,
    TestResult,
    Vaccination,
)
from participants.domain.moments import Point, ZoneOfRecord
from schedules.domain.windows.fact_sources import Feed
from schedules.web.shared.anchor_fields import DayInput
from schedules.web.shared.forms import NO_NAMES, SureField, VersionedForm, WhyField
from schedules.web.shared.hours import HourField
from schedules.web.shared.wording import day_words, say
from schedules.web.windows.fact_wording import code_words
from trials.domain.protocols.protocol import Freshness

_HOURS = {"hours": timedelta(hours=1), "days": timedelta(days=1)}
_WASHED = (FactKind.DOSE, FactKind.VACCINATION, FactKind.ILLNESS, FactKind.INFECTION, FactKind.PROCEDURE)
FIELD_NAMES = dict.fromkeys(("drug", "test", "vaccine", "code", "topic"), "of")
"""Where the field of a fact stands in the form, where it has another name there."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What a form can offer: what its windows name, and the visits that took place."""

    feeds: Mapping[FactKind, Sequence[Feed]]
    performed: Sequence[tuple[str, date]]

    def of(self, kind: FactKind) -> list[tuple[str, Any]]:
        """The things that a fact of this kind can be of, each with the windows that it feeds."""
        mine = _named(self.feeds.get(kind, ()))
        if kind not in _WASHED:
            return mine
        known = {code for code, _label in mine}
        others = [pair for other in _WASHED for pair in _named(self.feeds.get(other, ()))]
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
        self.fields.update(_FIELDS[kind](choices))
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
        return _READERS[self.kind](Typed(self.cleaned_data, found))

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
    if isinstance(fact, TestResult) and fact.result:
        found["result"] = say(fact.result)
    if isinstance(fact, Dose) and fact.half_life is not None:
        found["half_life"] = fact.half_life / _HOURS["hours"]
    if isinstance(fact, Confirmation):
        found["holds"] = "yes" if fact.holds else "no"
    return found


def _named(feeds: Sequence[Feed]) -> list[tuple[str, str]]:
    windows: dict[str, list[str]] = {}
    for feed in feeds:
        windows.setdefault(feed.of, []).append(feed.window.label)
    return [(code, f"{code_words(code)} → {_('; ').join(labels)}") for code, labels in windows.items()]


def _day(label: Any, *, required: bool = True, help_text: Any = "") -> forms.Field:
    return forms.DateField(label=label, required=required, widget=DayInput(), help_text=help_text)


def _hour(day: str, label: Any, *, required: bool = False) -> forms.Field:
    help_text = "" if required else gettext_lazy("Where hours count, such as a test within 48 hours.")
    return HourField(day, label=label, required=required, help_text=help_text)


def _of(kind: FactKind, choices: Choices, label: Any) -> forms.Field:
    return forms.ChoiceField(label=label, choices=choices.of(kind))


def _minutes(*, required: bool) -> forms.Field:
    help_text = gettext_lazy("Minutes of travel to the site; never an address.")
    return forms.IntegerField(label=gettext_lazy("Minutes"), required=required, help_text=help_text)


def _when(name: str, *, hour_required: bool = False, day: Any = "") -> dict[str, forms.Field]:
    return {
        f"{name}_on": _day(day or gettext_lazy("Day")),
        f"{name}_at": _hour(f"{name}_on", gettext_lazy("Hour"), required=hour_required),
    }


def _range() -> dict[str, forms.Field]:
    lasting = gettext_lazy("Leave empty while it lasts.")
    return {
        "from_day": _day(gettext_lazy("First day")),
        "to_day": _day(gettext_lazy("Last day"), required=False, help_text=lasting),
    }


def _admission(choices: Choices) -> dict[str, forms.Field]:
    ahead = gettext_lazy("The day that the ward has in mind.")
    return {
        **_when("admitted_at", hour_required=True, day=gettext_lazy("Admitted on")),
        "discharged_at_on": _day(gettext_lazy("Discharged on"), required=False),
        "discharged_at_at": _hour("discharged_at_on", gettext_lazy("Hour of discharge")),
        "planned_discharge": _day(gettext_lazy("Discharge planned for"), required=False, help_text=ahead),
    }


def _result_help(asked: Sequence[str]) -> str:
    if not asked:
        return _("Empty while it is awaited.")
    words = {"results": _("; ").join(map(say, asked))}
    return _("The protocol asks for: %(results)s. Empty while it is awaited.") % words


def _test(choices: Choices) -> dict[str, forms.Field]:
    return {
        "of": _of(FactKind.TEST, choices, gettext_lazy("Test")),
        **_when("taken_at", day=gettext_lazy("Sample taken on")),
        "resulted_at_on": _day(gettext_lazy("Result of"), required=False),
        "resulted_at_at": _hour("resulted_at_on", gettext_lazy("Hour of the result")),
        "result": forms.CharField(
            label=gettext_lazy("Result"),
            required=False,
            max_length=120,
            help_text=_result_help(choices.results()),
        ),
    }


def _dose(choices: Choices) -> dict[str, forms.Field]:
    units = [("hours", gettext_lazy("hours")), ("days", gettext_lazy("days"))]
    return {
        "of": _of(FactKind.DOSE, choices, gettext_lazy("Kind of drug")),
        "name": forms.CharField(label=gettext_lazy("Product"), required=False, max_length=80),
        **_when("taken_at", day=gettext_lazy("Last taken on")),
        "half_life": forms.FloatField(
            label=gettext_lazy("Half-life"),
            required=False,
            max_value=1_000_000,
            help_text=gettext_lazy("Where the protocol counts in half-lives."),
        ),
        "half_life_unit": forms.ChoiceField(
            label=gettext_lazy("Half-life in"), choices=units, required=False
        ),
        "source": forms.CharField(
            label=gettext_lazy("Source of the half-life"),
            required=False,
            max_length=200,
            help_text=gettext_lazy("Such as the product's label, with its year."),
        ),
    }


def _confirmation(choices: Choices) -> dict[str, forms.Field]:
    answers = [("yes", gettext_lazy("kept, or none taken")), ("no", gettext_lazy("not kept"))]
    return {
        "of": _of(FactKind.CONFIRMATION, choices, gettext_lazy("Of what")),
        "holds": forms.ChoiceField(
            label=gettext_lazy("Answer"), choices=answers, initial="yes", widget=forms.RadioSelect
        ),
        **_when("at", day=gettext_lazy("Asked on")),
        "visit": forms.ChoiceField(
            label=gettext_lazy("At the visit"), choices=choices.visits(), required=False
        ),
        "since": _day(
            gettext_lazy("Since"),
            required=False,
            help_text=gettext_lazy("Empty: for as long as the window asks."),
        ),
    }


def _simple(kind: FactKind, name: str, label: Any) -> Callable[[Choices], dict[str, forms.Field]]:
    return lambda choices: {"of": _of(kind, choices, label), **_when(name)}


_FIELDS: Mapping[FactKind, Callable[[Choices], dict[str, forms.Field]]] = {
    FactKind.LODGING: lambda _: {**_range(), "minutes": _minutes(required=True)},
    FactKind.NIGHT_AWAY: lambda _: {
        "day": _day(gettext_lazy("The night that began on")),
        "minutes": _minutes(required=False),
    },
    FactKind.COMPANION: lambda _: _range(),
    FactKind.ADMISSION: _admission,
    FactKind.TEST: _test,
    FactKind.DOSE: _dose,
    FactKind.VACCINATION: _simple(FactKind.VACCINATION, "given_at", gettext_lazy("Vaccine")),
    FactKind.ILLNESS: lambda choices: {
        "of": _of(FactKind.ILLNESS, choices, gettext_lazy("Condition")),
        **_range(),
    },
    FactKind.INFECTION: lambda choices: {
        "of": _of(FactKind.INFECTION, choices, gettext_lazy("Infection")),
        **_range(),
    },
    FactKind.PROCEDURE: _simple(FactKind.PROCEDURE, "at", gettext_lazy("Procedure")),
    FactKind.EVENT: _simple(FactKind.EVENT, "at", gettext_lazy("Event")),
    FactKind.CONFIRMATION: _confirmation,
}
RECORDABLE = tuple(_FIELDS)
"""The kinds that have a form of their own; a waiver is asked for beside its window."""


def _when_of(typed: Typed, name: str) -> Point:
    point: Point = typed.point(name)
    return point


_READERS: Mapping[FactKind, Callable[[Typed], Fact]] = {
    FactKind.LODGING: lambda t: Lodging(t["from_day"], t["to_day"], t["minutes"]),
    FactKind.NIGHT_AWAY: lambda t: NightAway(t["day"], t["minutes"]),
    FactKind.COMPANION: lambda t: CompanionConfirmed(t["from_day"], t["to_day"]),
    FactKind.ADMISSION: lambda t: Admission(
        t.point("admitted_at"), t.point("discharged_at"), t["planned_discharge"]
    ),
    FactKind.TEST: lambda t: TestResult(
        t["of"], _when_of(t, "taken_at"), t.point("resulted_at"), t.text("result") or None
    ),
    FactKind.DOSE: lambda t: Dose(
        t["of"], _when_of(t, "taken_at"), t.half_life(), t.text("source"), t.text("name")
    ),
    FactKind.VACCINATION: lambda t: Vaccination(t["of"], _when_of(t, "given_at")),
    FactKind.ILLNESS: lambda t: Illness(t["of"], t["from_day"], t["to_day"]),
    FactKind.INFECTION: lambda t: Infection(t["from_day"], t["to_day"], t["of"]),
    FactKind.PROCEDURE: lambda t: Procedure(t["of"], _when_of(t, "at")),
    FactKind.EVENT: lambda t: Event(t["of"], _when_of(t, "at")),
    FactKind.CONFIRMATION: lambda t: Confirmation(
        t["of"], _when_of(t, "at"), t["visit"] or None, t["since"], t["holds"] == "yes"
    ),
}
