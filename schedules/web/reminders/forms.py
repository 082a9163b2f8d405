"""The forms of rules and pauses."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from schedules.domain.reminders.people import CAPACITY_LABELS
from schedules.domain.reminders.rules import MANNER_LABELS, Direction, Manner, Rule
from schedules.domain.reminders.settings import (
    RECIPIENTS,
    Setting,
    UnreadableDays,
    Wanted,
    read_days,
    written_days,
)
from schedules.web.shared.anchor_fields import DayInput
from schedules.web.shared.forms import NO_NAMES, VersionedForm
from trials.models import User
from trials.spoken import say

YES_NO = (("yes", gettext_lazy("Yes")), ("no", gettext_lazy("No")))
_FAULTS = {
    "number": gettext_lazy("“%(part)s” is no number of days: give whole numbers, such as 7, 3, 1."),
    "range": gettext_lazy("%(part)s days is too long: give 0 to 365."),
    "many": gettext_lazy("“%(part)s” is too many: give up to five numbers before a day, and one after it."),
}


class RuleForm(VersionedForm):
    """One rule at a place."""

    active = forms.ChoiceField(label=gettext_lazy("Switched on"), choices=YES_NO, widget=forms.RadioSelect)
    days = forms.CharField(label=gettext_lazy("Days"), max_length=40)
    recipients = forms.MultipleChoiceField(
        label=gettext_lazy("Who is told"), widget=forms.CheckboxSelectMultiple
    )
    manner = forms.ChoiceField(label=gettext_lazy("How"), widget=forms.RadioSelect)
    escalates = forms.IntegerField(
        label=gettext_lazy("Days without an acknowledgement until an investigator is told"),
        min_value=0,
        max_value=60,
        help_text=gettext_lazy("0: never."),
    )

    def __init__(self, rule: Rule, holds: Wanted, version: int, data: Any = None) -> None:
        initial = {
            "active": "yes" if holds.active else "no",
            "days": written_days(holds.days),
            "recipients": [one.value for one in holds.recipients],
            "manner": holds.manner.value,
            "escalates": holds.escalates,
            "version": version,
        }
        super().__init__(data, initial=initial)
        self.rule = rule
        if not rule.days:
            del self.fields["days"]
        else:
            before = rule.direction is Direction.BEFORE
            self.fields["days"].help_text = (
                _("How many days before, such as 7, 3, 1.") if before else _("How many days after.")
            )
        self._choices("recipients", {one.value: CAPACITY_LABELS[one] for one in RECIPIENTS})
        self._choices("manner", {one.value: MANNER_LABELS[one] for one in Manner})

    def _choices(self, name: str, labels: dict[str, str]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(value, say(label)) for value, label in labels.items()]

    def clean_days(self) -> tuple[int, ...]:
        """The days, longest first."""
        try:
            return read_days(self.cleaned_data["days"], self.rule)
        except UnreadableDays as fault:
            raise forms.ValidationError(str(_FAULTS[fault.fault]) % {"part": fault.part}) from fault

    def setting(self) -> Setting:
        """What was asked for."""
        data = self.cleaned_data
        named = data["recipients"]
        return Setting(
            active=data["active"] == "yes",
            days=data.get("days"),
            recipients=tuple(one for one in RECIPIENTS if one.value in named),
            manner=Manner(data["manner"]),
            escalates=data["escalates"],
        )


class HoursForm(VersionedForm):
    """When messages of a place may leave, whatever the rule."""

    earliest = forms.TimeField(
        label=gettext_lazy("Not before"),
        widget=forms.TimeInput({"type": "time"}, format="%H:%M"),
        help_text=gettext_lazy("By the site's clock; the messages of the morning leave then."),
    )
    latest = forms.TimeField(
        label=gettext_lazy("Not after"),
        widget=forms.TimeInput({"type": "time"}, format="%H:%M"),
        help_text=gettext_lazy("The same as above: at any hour."),
    )
    working_days = forms.ChoiceField(
        label=gettext_lazy("On the site's working days only"),
        choices=YES_NO,
        widget=forms.RadioSelect,
        help_text=gettext_lazy("Reminders due on days off are then sent on the last working day before."),
    )

    def __init__(self, holds: Wanted, version: int, data: Any = None) -> None:
        initial = {
            "earliest": holds.earliest,
            "latest": holds.latest,
            "working_days": "yes" if holds.working_days else "no",
            "version": version,
        }
        super().__init__(data, initial=initial)

    def setting(self, holds: Wanted) -> Setting:
        """What was asked for and differs from what holds above."""
        data = self.cleaned_data
        working = data["working_days"] == "yes"
        return Setting(
            earliest=data["earliest"] if data["earliest"] != holds.earliest else None,
            latest=data["latest"] if data["latest"] != holds.latest else None,
            working_days=working if working != holds.working_days else None,
        )


class PauseForm(VersionedForm):
    """From when to when nothing is said, and why."""

    first = forms.DateField(label=gettext_lazy("First day"), widget=DayInput())
    last = forms.DateField(label=gettext_lazy("Last day"), widget=DayInput())
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=300, help_text=NO_NAMES)

    def __init__(self, today: date, data: Any = None) -> None:
        super().__init__(data, initial={"first": today})


class CoordinatorForm(VersionedForm):
    """Who looks after a participant."""

    user: forms.ModelChoiceField[User] = forms.ModelChoiceField(
        queryset=None,
        label=gettext_lazy("Study coordinator"),
        required=False,
        empty_label=gettext_lazy("All study coordinators of the site"),
        help_text=gettext_lazy("Told first of what concerns this participant; a deputy while they are away."),
    )

    def __init__(self, people: Any, present: int | None, data: Any = None) -> None:
        super().__init__(data, initial={"user": present})
        user = self.fields["user"]
        assert isinstance(user, forms.ModelChoiceField)
        user.queryset = people
