"""The form by which a person says what a deviation is."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.forms.boundfield import BoundField
from django.utils.translation import gettext_lazy

from schedules.domain.deviations.drafts import Assessment
from schedules.models import Deviation, DeviationClass, Visit
from schedules.services.deviations.by_hand import Entered
from schedules.web.shared.anchor_fields import DayInput
from schedules.web.shared.forms import NO_NAMES, SureField, VersionedForm
from schedules.web.shared.wording import say
from trials.spoken import bracketed
from trials.web.shared.typed_codes import CodeField

YES, NO = "yes", "no"
ANSWERS = ((YES, gettext_lazy("yes")), (NO, gettext_lazy("no")))


def _text(label: Any, help_text: Any = "") -> forms.CharField:
    area = forms.Textarea(attrs={"rows": 3})
    return forms.CharField(label=label, help_text=help_text, required=False, max_length=4000, widget=area)


def _answer(label: Any) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(
        label=label,
        choices=ANSWERS,
        coerce=lambda text: text == YES,
        empty_value=None,
        required=False,
        widget=forms.RadioSelect,
    )


class VisitField(forms.ModelChoiceField):
    """One of a participant's visits, by its label and its day."""

    def label_from_instance(self, obj: Visit) -> str:
        """The label in the reader's language, and when it was done or is to be."""
        return bracketed(say(obj.label), obj.performed_on or obj.target)


class EnteringForm(VersionedForm):
    """A deviation that no record shows: whose, where that is still to be said, when, what, at which visit."""

    token = forms.UUIDField(widget=forms.HiddenInput)
    subject = CodeField(label=gettext_lazy("Participant"), max_length=40, strip=True)
    occurred_on = forms.DateField(label=gettext_lazy("Occurred on"), widget=DayInput())
    visit = VisitField(
        queryset=None,
        label=gettext_lazy("At which visit"),
        required=False,
        empty_label=gettext_lazy("at none of them"),
    )
    description = forms.CharField(
        label=gettext_lazy("What happened"),
        max_length=4000,
        help_text=NO_NAMES,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    sure = SureField()

    def __init__(self, visits: QuerySet[Visit] | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        visit = self.fields["visit"]
        assert isinstance(visit, forms.ModelChoiceField)
        if visits is None:
            del self.fields["visit"]
        else:
            del self.fields["subject"]
            visit.queryset = visits

    def entered(self) -> Entered:
        """What was entered."""
        data = self.cleaned_data
        what = (data["occurred_on"], data["description"], data["token"], data.get("visit"))
        return Entered(*what, sure=data["sure"])


class AssessmentForm(VersionedForm):
    """Description, class with its three answers, cause, action and reports."""

    description = _text(gettext_lazy("Description"), NO_NAMES)
    classification = forms.ChoiceField(
        label=gettext_lazy("Classification"),
        choices=(("", gettext_lazy("not yet")), *DeviationClass.choices),
        required=False,
        widget=forms.RadioSelect,
        help_text=gettext_lazy("Important is what may significantly affect safety, rights or data."),
    )
    affects_safety = _answer(gettext_lazy("Affects safety"))
    affects_rights = _answer(gettext_lazy("Affects rights"))
    affects_data = _answer(gettext_lazy("Affects data"))
    cause = _text(gettext_lazy("Cause"), NO_NAMES)
    action = _text(
        gettext_lazy("Action"), gettext_lazy("What was done about it, and so that it does not recur.")
    )
    reported_to_sponsor_on = forms.DateField(
        label=gettext_lazy("Reported to the sponsor on"), required=False, widget=DayInput()
    )
    reported_to_ethics_on = forms.DateField(
        label=gettext_lazy("Reported to the ethics committee on"), required=False, widget=DayInput()
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason for the change"), required=False, max_length=500, help_text=NO_NAMES
    )

    def __init__(self, deviation: Deviation, data: Any = None) -> None:
        super().__init__(data, initial=_initial(deviation))
        if not deviation.classification:
            del self.fields["reason"]

    def choices(self) -> list[BoundField]:
        """The three answers."""
        return [self[name] for name in ("affects_safety", "affects_rights", "affects_data")]

    def reports(self) -> list[BoundField]:
        """The two reports."""
        return [self["reported_to_sponsor_on"], self["reported_to_ethics_on"]]

    def assessment(self) -> Assessment:
        """What was said."""
        return Assessment(**{each.name: self.cleaned_data[each.name] for each in fields(Assessment)})


def _initial(deviation: Deviation) -> dict[str, Any]:
    said = {each.name: getattr(deviation, each.name) for each in fields(Assessment)}
    spoken = {
        name: (YES if value else NO) if isinstance(value, bool) else value for name, value in said.items()
    }
    return {**spoken, "version": deviation.version}
