"""The form that an enrolment is written into: its anchors and traits are those of the protocol version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.forms.boundfield import BoundField
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from participants.domain.anchors import RecordedAnchor
from schedules.domain.errors import EnrolmentRefused
from schedules.domain.labels import in_language
from schedules.selectors.enrolling import (
    Contradicting,
    cohorts_of,
    contradictions_of,
    sites_to_enrol_at,
    versions_to_enrol_under,
)
from schedules.services.planning import Enrolment
from schedules.web.words import day_words, say
from trials.domain.protocol import AnchorRule, EventAfter, Protocol
from trials.models import Cohort, ProtocolVersion, Site, User
from trials.selectors import protocol_of

PLANNED, ACTUAL = "planned", "actual"
KINDS = (PLANNED, ACTUAL)


class DayInput(forms.DateInput):
    """A day, picked or typed."""

    input_type = "date"

    def __init__(self, name: str | None = None) -> None:
        super().__init__({"aria-label": name} if name else None, format="%Y-%m-%d")


class HourInput(forms.TimeInput):
    """An hour and a minute."""

    input_type = "time"

    def __init__(self, name: str | None = None) -> None:
        super().__init__({"aria-label": name} if name else None, format="%H:%M")


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
    def errors(self) -> list[str]:
        """What is wrong with either."""
        return [str(error) for field in (self.on, self.at) for error in field.errors]


@dataclass(frozen=True, slots=True)
class AnchorFields:
    """The fields of one anchor; `only_for` names the traits that it is meant for."""

    rule: AnchorRule
    only_for: str
    planned: MomentFields
    actual: MomentFields
    contradicted: bool

    @property
    def errors(self) -> list[str]:
        """What is wrong with any of them."""
        return [*self.planned.errors, *self.actual.errors]


class VersionChoice(forms.ModelChoiceField):
    """Protocol versions by their trial's code, a draft named as one."""

    def label_from_instance(self, obj: ProtocolVersion) -> str:
        """A trial's code and the version's name, and that it is a draft where it is one."""
        words = {"trial": obj.trial.code, "version": obj.label}
        if obj.published_at:
            return f"{obj.trial.code} · {obj.label}"
        return _("%(trial)s · %(version)s (not published)") % words


class PlaceForm(forms.Form):
    """Where somebody is enrolled and under which version: what the rest of the form hangs on."""

    version: forms.ModelChoiceField[ProtocolVersion] = VersionChoice(
        queryset=ProtocolVersion.objects.none(),
        label=gettext_lazy("Trial and protocol version"),
        empty_label=gettext_lazy("Choose …"),
    )
    site: forms.ModelChoiceField[Site] = forms.ModelChoiceField(
        queryset=Site.objects.none(), label=gettext_lazy("Site"), empty_label=gettext_lazy("Choose …")
    )

    def __init__(self, user: User, today: date, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        version, site = self.fields["version"], self.fields["site"]
        assert isinstance(version, forms.ModelChoiceField)
        assert isinstance(site, forms.ModelChoiceField)
        version.queryset = versions_to_enrol_under(user, today)
        site.queryset = sites_to_enrol_at(user, today)


class EnrolmentForm(PlaceForm):
    """The whole form, made for one protocol version."""

    subject_code = forms.CharField(
        label=gettext_lazy("Subject code"),
        max_length=32,
        help_text=gettext_lazy("Capital letters, digits and hyphens, such as S01-003; never a name."),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters"}
        ),
    )
    cohort: forms.ModelChoiceField[Cohort] = forms.ModelChoiceField(
        queryset=Cohort.objects.none(),
        required=False,
        label=gettext_lazy("Cohort"),
        empty_label=pgettext_lazy("cohort", "None"),
    )
    traits = forms.MultipleChoiceField(
        required=False, label=gettext_lazy("Traits"), widget=forms.CheckboxSelectMultiple
    )
    comes_of_age_on = forms.DateField(
        required=False,
        label=gettext_lazy("Comes of age on"),
        help_text=gettext_lazy("For a minor: the day of majority, never the day of birth."),
        widget=DayInput(),
    )

    def __init__(self, version: ProtocolVersion, user: User, today: date, data: Any = None) -> None:
        super().__init__(user, today, data)
        self.chosen = version
        self.protocol: Protocol = in_language(protocol_of(version), say)
        self.contradictions: tuple[Contradicting, ...] = ()
        self.anchor_refusals: list[str] = []
        cohort, traits = self.fields["cohort"], self.fields["traits"]
        assert isinstance(cohort, forms.ModelChoiceField)
        assert isinstance(traits, forms.MultipleChoiceField)
        cohort.queryset = cohorts_of(version.trial)
        traits.choices = [(trait.code, trait.label) for trait in self.protocol.traits if not trait.always]
        self._drop_what_the_protocol_has_not()
        for rule in self.protocol.anchors:
            self._add_anchor(rule)

    def _drop_what_the_protocol_has_not(self) -> None:
        terms = (window.terms for window in self.protocol.windows)
        if not any(isinstance(term, EventAfter) and term.age for term in terms):
            del self.fields["comes_of_age_on"]
        if not any(not trait.always for trait in self.protocol.traits):
            del self.fields["traits"]

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
            self.fields[_name(rule.code, kind, "at")] = forms.TimeField(
                required=False, label=hour, widget=HourInput(hour)
            )

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
            fields = AnchorFields(rule, ", ".join(only), planned, actual, rule.code in contradicted)
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

    def clean_subject_code(self) -> str:
        """The code as it is stored: capital letters without blanks around them."""
        return str(self.cleaned_data["subject_code"]).strip().upper()

    def enrolment(self) -> Enrolment:
        """What the form asks for; only of a form that is valid so far."""
        data = self.cleaned_data
        site: Site = data["site"]
        return Enrolment(
            trial=self.chosen.trial,
            site=site,
            version=self.chosen,
            subject_code=data["subject_code"],
            anchors=recorded_anchors(self.protocol, data, zone_of(site)),
            traits=frozenset(data.get("traits", ())),
            cohort=data.get("cohort"),
            comes_of_age_on=data.get("comes_of_age_on"),
        )

    def refuse(self, refused: EnrolmentRefused) -> None:
        """Put what was refused next to the fields that it is about, with the days that would mend it."""
        for name, messages in refused.fields.items():
            for message in messages:
                if name == "anchors":
                    self.anchor_refusals.append(message)
                else:
                    self.add_error(name if name in self.fields else None, message)
        site = self.cleaned_data.get("site")
        if site and "anchors" in refused.fields:
            zone = zone_of(site)
            anchors = recorded_anchors(self.protocol, self.cleaned_data, zone)
            traits = self.cleaned_data.get("traits", [])
            self.contradictions = contradictions_of(self.protocol, anchors, traits, zone)
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
    protocol: Protocol, data: Mapping[str, Any], zone: ZoneInfo
) -> dict[str, RecordedAnchor]:
    """The anchors that have a day in a form's cleaned data; hours are those of the site's zone."""
    found = {}
    for rule in protocol.anchors:
        days = {kind: data.get(_name(rule.code, kind, "on")) for kind in KINDS}
        hours = {kind: data.get(_name(rule.code, kind, "at")) for kind in KINDS}
        if any(days.values()):
            found[rule.code] = RecordedAnchor(
                rule.code,
                planned_on=days[PLANNED],
                planned_at=_instant(days[PLANNED], hours[PLANNED], zone),
                actual_on=days[ACTUAL],
                actual_at=_instant(days[ACTUAL], hours[ACTUAL], zone),
            )
    return found


def mended(data: Any, mend: str) -> Any:
    """The form as it was, with one anchor moved to the day that was offered (`infusion=2026-12-08`)."""
    code, _sign, day = mend.partition("=")
    copy = data.copy()
    actual, planned = _name(code, ACTUAL, "on"), _name(code, PLANNED, "on")
    copy[actual if copy.get(actual) else planned] = day
    return copy


def zone_of(site: Site) -> ZoneInfo:
    """The zone of a site; the server's where it has none, for a site whose enrolments are refused anyway."""
    try:
        return ZoneInfo(site.zone or settings.TIME_ZONE)
    except (KeyError, ValueError):
        return ZoneInfo(settings.TIME_ZONE)


def _instant(day: date | None, hour: time | None, zone: ZoneInfo) -> datetime | None:
    return datetime.combine(day, hour, zone) if day and hour else None


def _name(anchor: str, kind: str, part: str) -> str:
    return f"anchor-{anchor}-{kind}-{part}"
