"""The form of several facts of one day: what was tested, asked and happened, and where somebody lodges."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, cast
from zoneinfo import ZoneInfo

from django import forms
from django.forms.boundfield import BoundField
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from participants.domain.fact_kinds import (
    BY_KIND,
    OCCURRENCES,
    Confirmation,
    Dose,
    Fact,
    FactKind,
    Lodging,
    NightAway,
    TestResult,
)
from participants.domain.facts import Facts
from participants.domain.moments import Point
from schedules.domain.windows.fact_sources import Feed
from schedules.web.shared.anchor_fields import DayInput
from schedules.web.shared.forms import SureField, VersionedForm, WhyField, without_question
from schedules.web.shared.hours import HourField
from schedules.web.shared.wording import say
from schedules.web.windows.fact_forms import Choices
from schedules.web.windows.fact_wording import KINDS, code_words, moment_words
from trials.domain.protocols.protocol import Freshness, Protocol

AWAITED, OTHER = "awaited", "other"


@dataclass(frozen=True, slots=True)
class Asked:
    """A line of the form: what it is of, its field, and the field beside it, if there is one."""

    label: str
    field: BoundField
    beside: BoundField | None = None
    last: str = ""


class DayFactsForm(VersionedForm):
    """One day, and everything that can be recorded of it for the windows of one participant."""

    on = forms.DateField(label=gettext_lazy("Day"), widget=DayInput())
    at = HourField(
        "on",
        label=gettext_lazy("Hour"),
        required=False,
        help_text=gettext_lazy("Of the samples, where hours count."),
    )
    reason = WhyField()
    sure = SureField()

    def __init__(
        self, choices: Choices, protocol: Protocol, data: Any = None, *, initial: Any = None
    ) -> None:
        super().__init__(data, initial=initial)
        self.protocol, self.feeds = protocol, choices.feeds
        self.performed = {day: code for code, day in reversed(choices.performed)}
        self.tests = self._codes(FactKind.TEST)
        self.asked = self._codes(FactKind.CONFIRMATION)
        self.happened = [(kind, code) for kind in OCCURRENCES for code in self._codes(kind)]
        self.fields.update(self._fields())
        self.placed: list[str] = []
        self.last: Mapping[str, TestResult] = {}

    def show_last(self, results: Mapping[str, TestResult]) -> None:
        """Show beside each test its last result; `results` has them by the test's code."""
        self.last = results

    def repeat(self, results: Sequence[TestResult]) -> None:
        """Begin with the results of these tests as they were last, and with these tests first."""
        again = [one.test for one in results if one.test in self.tests]
        self.tests = [*again, *(code for code in self.tests if code not in again)]
        for one in results:
            known = one.result in _results(self.feeds.get(FactKind.TEST, ()), one.test)
            self.initial[f"test-{one.test}"] = one.result if known else OTHER
            self.initial[f"result-{one.test}"] = "" if known else one.result

    def _last_words(self, code: str) -> str:
        one = self.last.get(code)
        if one is None:
            return ""
        words = {"result": say(one.result or ""), "taken": moment_words(one.taken_at)}
        return _("last: %(result)s, %(taken)s") % words

    def refuse_years(self) -> None:
        """The facts themselves say which years they can have."""

    def _codes(self, kind: FactKind) -> list[str]:
        return list(dict.fromkeys(feed.of for feed in self.feeds.get(kind, ()) if feed.of))

    def named(self, code: str) -> str:
        """What the protocol calls something, in the reader's language."""
        said = say(self.protocol.named(code))
        return code_words(code) if said == code else said

    def _fields(self) -> Iterator[tuple[str, forms.Field]]:
        yield from self._test_fields()
        yield from self._answer_fields()
        if self.happened:
            yield "happened", self._happened_field()
        if self.feeds.get(FactKind.LODGING):
            yield "lodging", _minutes(_("Lodging from this day on, minutes of travel to the site"))
        if self.feeds.get(FactKind.NIGHT_AWAY):
            yield "away", _minutes(_("This night was spent elsewhere, minutes of travel to the site"))

    def _test_fields(self) -> Iterator[tuple[str, forms.Field]]:
        for code in self.tests:
            name = self.named(code)
            known = [(result, say(result)) for result in _results(self.feeds[FactKind.TEST], code)]
            awaited = [(AWAITED, _("taken, result awaited")), (OTHER, _("other:"))]
            choices = [("", _("not taken")), *known, *awaited]
            yield f"test-{code}", forms.ChoiceField(label=name, choices=choices, required=False)
            other = forms.CharField(
                label=_("Result: %(test)s") % {"test": name}, required=False, max_length=120
            )
            yield f"result-{code}", other

    def _answer_fields(self) -> Iterator[tuple[str, forms.Field]]:
        answers = (("yes", _("kept, or none taken")), ("no", _("not kept")))
        for code in self.asked:
            kept = forms.ChoiceField(
                label=self.named(code), choices=answers, widget=forms.RadioSelect, required=False
            )
            yield f"kept-{code}", kept
        if len(self.asked) > 1:
            label = _("All others were asked about too: kept, or none taken")
            yield "all_kept", forms.BooleanField(label=label, required=False)

    def _happened_field(self) -> forms.Field:
        options = [
            (f"{kind.value}:{code}", _("%(of)s: %(name)s") % {"of": KINDS[kind], "name": self.named(code)})
            for kind, code in self.happened
        ]
        return forms.MultipleChoiceField(
            label=_("On this day"), choices=options, widget=forms.CheckboxSelectMultiple, required=False
        )

    def test_lines(self) -> list[Asked]:
        """The tests, each with its result."""
        return [
            Asked(self.named(code), self[f"test-{code}"], self[f"result-{code}"], self._last_words(code))
            for code in self.tests
        ]

    def asked_lines(self) -> list[Asked]:
        """What is asked for, each with its answer."""
        return [Asked(self.named(code), self[f"kept-{code}"]) for code in self.asked]

    def plain_fields(self) -> list[BoundField]:
        """The day and its hour; about an unlikely day, whether it is meant and why."""
        return without_question(self, [self["on"], self["at"], self["reason"], self["sure"]])

    def other_fields(self) -> list[BoundField]:
        """Where somebody lodges, or was for the night."""
        return [self[name] for name in ("lodging", "away") if name in self.fields]

    def clean(self) -> dict[str, Any]:
        """Something is given, and a result that is another one is said."""
        data = super().clean() or self.cleaned_data
        for code in self.tests:
            if data.get(f"test-{code}") == OTHER and not data.get(f"result-{code}"):
                self.add_error(f"result-{code}", _("Enter the result."))
        if not self.errors and not any(
            data.get(name) for name in self.fields if name not in ("on", "at", "version", "reason", "sure")
        ):
            self.add_error(None, _("Nothing is given yet: enter a result, an answer or what happened."))
        return data

    def facts(self, zone: ZoneInfo, known: Facts) -> list[Fact]:
        """The facts that were given; `placed` says of each in which field. Hours are those of the site.

        A drug that was given again keeps product and half-life of the last dose on record.
        """
        found = list(self._given(zone, known))
        self.placed = [name for name, _fact in found]
        return [fact for _name, fact in found]

    def _given(self, zone: ZoneInfo, known: Facts) -> Iterator[tuple[str, Fact]]:
        data, day = self.cleaned_data, self.cleaned_data["on"]
        yield from self._results_given(self.instant("at", zone) or day)
        yield from self._answers_given(day)
        for one in data.get("happened", ()):
            kind, _colon, code = one.partition(":")
            yield "happened", _occurrence(FactKind(kind), code, day, known)
        if data.get("lodging") is not None:
            yield "lodging", Lodging(day, None, data["lodging"])
        if data.get("away") is not None:
            yield "away", NightAway(day, data["away"])

    def _results_given(self, taken: Point) -> Iterator[tuple[str, Fact]]:
        data = self.cleaned_data
        for code in self.tests:
            said, typed = data[f"test-{code}"], str(data[f"result-{code}"]).strip()
            if said or typed:
                chosen = None if said in ("", AWAITED, OTHER) else said
                yield f"test-{code}", TestResult(code, taken, None, typed or chosen)

    def _answers_given(self, day: date) -> Iterator[tuple[str, Fact]]:
        data, visit = self.cleaned_data, self.performed.get(day, "")
        for code in self.asked:
            answer = data[f"kept-{code}"] or ("yes" if data.get("all_kept") else "")
            if answer:
                yield f"kept-{code}", Confirmation(code, day, visit, holds=answer == "yes")

    def refuse_fact(self, place: int, fields: Mapping[str, Sequence[str]]) -> None:
        """Put what is wrong with one of the facts beside the field that it was given in."""
        if asked := {field: said for field, said in fields.items() if field in ("sure", "reason")}:
            self.refuse(asked)
            return
        name = self.placed[place] if place < len(self.placed) else None
        self.add_error(name, [words for said in fields.values() for words in said])


def _minutes(label: str) -> forms.Field:
    return forms.IntegerField(label=label, required=False, min_value=0)


def _results(feeds: Iterable[Feed], code: str) -> list[str]:
    terms = (feed.window.terms for feed in feeds if feed.of == code)
    return list(dict.fromkeys(one.result for one in terms if isinstance(one, Freshness) and one.result))


def _occurrence(kind: FactKind, code: str, day: date, known: Facts) -> Fact:
    if kind is FactKind.DOSE:
        before = [one for one in known.occurrences if isinstance(one, Dose) and one.drug == code]
        if before:
            return replace(before[-1], taken_at=day, ref="")
    declared = BY_KIND[kind]
    return cast("Fact", declared.value(**{declared.of: code, declared.span.first: day}))
