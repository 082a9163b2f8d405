"""The forms of a participant's course, and of absences."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from participants.domain.lifecycle import EXTENTS, WITHOUT_REASON, Extent, Step
from participants.models import EndsChoice
from participants.services.absences import Away
from schedules.services.course.status_changes import StepRequest
from schedules.web.shared.anchor_fields import DayInput
from schedules.web.shared.forms import NO_NAMES, SAY_WHY, ShownForm, ShownReasonForm, SureField, WhyField
from trials.models import Site, User


class StepForm(ShownForm):
    """When a step was taken, why, and what this step asks besides."""

    on = forms.DateField(label=gettext_lazy("On"), widget=DayInput())
    ends = forms.ChoiceField(
        label=gettext_lazy("What ends"),
        required=False,
        widget=forms.RadioSelect,
        help_text=gettext_lazy(
            "The end of treatment and the end of the study may be two days: record each on its own day."
        ),
    )
    seen_by = forms.DateField(
        label=gettext_lazy("To be seen a last time by"),
        required=False,
        widget=DayInput(),
        help_text=gettext_lazy("The visit of the early termination; none without a day."),
    )
    day_zero = forms.DateField(
        label=gettext_lazy("New planned day zero"),
        widget=DayInput(),
        help_text=gettext_lazy(
            "All screening visits are planned again: "
            "the protocol does not say which results may be kept (assumed)."
        ),
    )
    site: forms.ModelChoiceField[Site] = forms.ModelChoiceField(
        queryset=None,
        label=gettext_lazy("To which site"),
        empty_label=gettext_lazy("Choose …"),
    )
    release = forms.BooleanField(
        label=gettext_lazy("Cancel the bookings at the present site"), required=False
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=500, help_text=NO_NAMES, error_messages={"required": SAY_WHY}
    )
    sure = SureField()
    only = {
        "seen_by": Step.EARLY_TERMINATION,
        "day_zero": Step.RESCREENING,
        "site": Step.TRANSFER,
        "release": Step.TRANSFER,
    }

    def __init__(self, step: Step, sites: QuerySet[Site], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.step = step
        for name, owner in self.only.items():
            if step is not owner:
                del self.fields[name]
        if site := self.fields.get("site"):
            assert isinstance(site, forms.ModelChoiceField)
            site.queryset = sites
        self._offer_extents(step)
        if step in WITHOUT_REASON:
            self.fields["reason"].label = gettext_lazy("Note")
            self.fields["reason"].required = False

    def request(self) -> StepRequest:
        """What was asked for."""
        data = self.cleaned_data
        asked = {name: data[name] for name in self.only if name in data}
        ends = Extent(data["ends"]) if data.get("ends") else None
        return StepRequest(self.step, data["on"], ends=ends, sure=data["sure"], **asked)

    def _offer_extents(self, step: Step) -> None:
        """Ask what ends, where a step may end more than one thing; the usual one is chosen."""
        possible = EXTENTS.get(step, ())
        if len(possible) < 2:  # noqa: PLR2004
            del self.fields["ends"]
            return
        field = self.fields["ends"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(one.value, EndsChoice(one.value).label) for one in Extent if one in possible]
        field.initial = possible[0].value


class TakeBackForm(ShownReasonForm):
    """Why a repeated lymphodepletion is withdrawn, and when the infusion is planned then."""

    day_zero = forms.DateField(
        label=gettext_lazy("Planned day of %(awaited)s after %(given)s"), widget=DayInput()
    )
    sure = SureField()
    field_order = ("day_zero", "reason", "sure")


class AbsenceForm(ShownForm):
    """From when to when somebody is away; at a site, who."""

    first = forms.DateField(label=gettext_lazy("First day away"), widget=DayInput())
    last = forms.DateField(label=gettext_lazy("Last day away"), widget=DayInput())
    user: forms.ModelChoiceField[User] = forms.ModelChoiceField(
        queryset=None,
        label=gettext_lazy("Who"),
        required=False,
        empty_label=gettext_lazy("Everybody the site needs"),
    )
    deputy: forms.ModelChoiceField[User] = forms.ModelChoiceField(
        queryset=None,
        label=gettext_lazy("Deputy"),
        required=False,
        empty_label=pgettext_lazy("deputy", "Nobody"),
        help_text=gettext_lazy("Receives this person's reminders during the absence."),
    )
    note = forms.CharField(label=gettext_lazy("Note"), required=False, max_length=200, help_text=NO_NAMES)
    reason = WhyField()
    sure = SureField()

    def __init__(self, people: QuerySet[User] | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        user = self.fields["user"]
        assert isinstance(user, forms.ModelChoiceField)
        if people is None:
            del self.fields["user"], self.fields["deputy"]
        else:
            user.queryset = people
            deputy = self.fields["deputy"]
            assert isinstance(deputy, forms.ModelChoiceField)
            deputy.queryset = people

    def clean(self) -> dict[str, Any]:
        """A deputy is somebody else, and of somebody."""
        data = super().clean() or {}
        deputy, user = data.get("deputy"), data.get("user")
        if deputy is not None and (user is None or deputy == user):
            self.add_error("deputy", _("Say first who is away; the deputy is somebody else."))
        return data

    def away(self, **whose: Any) -> Away:
        """The absence that was asked for."""
        data = self.cleaned_data
        first: date = data["first"]
        asked = {"user": data.get("user"), "deputy": data.get("deputy"), "note": data["note"]}
        return Away(first, data["last"], **asked, **whose)
