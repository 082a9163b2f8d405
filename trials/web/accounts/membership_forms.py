"""What is asked of those who give roles and take them."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.forms.boundfield import BoundField
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from trials.domain.accounts.access import day_there
from trials.models import Role, Site, Trial, User
from trials.selectors.accounts.memberships import WantedAccess
from trials.web.shared.day_input import DayInput
from trials.zones import zone_of


class ByCode(forms.ModelChoiceField):
    """A site or a trial, by its code."""

    def label_from_instance(self, obj: Any) -> str:
        """The code, and the name where there is one beside it."""
        return f"{obj.code} · {obj}" if isinstance(obj, Site) else str(obj.code)


class AccessForm(forms.Form):
    """Which roles are to be shown."""

    name = forms.CharField(label=gettext_lazy("User name"), required=False, max_length=150)
    role = forms.ChoiceField(
        label=gettext_lazy("Role"), required=False, choices=[("", gettext_lazy("All roles")), *Role.choices]
    )
    site = ByCode(None, label=gettext_lazy("Site"), required=False, empty_label=gettext_lazy("All sites"))
    trial = ByCode(None, label=gettext_lazy("Trial"), required=False, empty_label=gettext_lazy("All trials"))
    on = forms.DateField(
        label=gettext_lazy("Held on the day"),
        required=False,
        widget=DayInput(),
    )

    def __init__(self, data: Any, *, sites: QuerySet[Site], trials: QuerySet[Trial]) -> None:
        super().__init__(data)
        choose(self, sites=sites, trials=trials)

    @property
    def wanted(self) -> WantedAccess:
        """What was asked for; a field that cannot be read is left out."""
        return WantedAccess(**getattr(self, "cleaned_data", {}))


class GrantForm(forms.Form):
    """A role for somebody."""

    user: Any = forms.ModelChoiceField(
        None, label=gettext_lazy("Account"), empty_label=gettext_lazy("Choose …")
    )
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=Role.choices)
    site = ByCode(None, label=gettext_lazy("Site"), required=False, empty_label=gettext_lazy("All sites"))
    trial = ByCode(None, label=gettext_lazy("Trial"), required=False, empty_label=gettext_lazy("All trials"))
    starts_on = forms.DateField(label=gettext_lazy("First day"), widget=DayInput())
    ends_on = forms.DateField(
        label=gettext_lazy("Last day"),
        required=False,
        widget=DayInput(),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=300,
        help_text=gettext_lazy("It is kept in the audit trail."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    sure = forms.BooleanField(label=gettext_lazy("Yes, this day is right"), required=False)

    def asked(self) -> list[BoundField]:
        """Give the fields to show; the tick that an unlikely day is meant, only once that was asked."""
        question = bool(self.errors.get("sure") or self.data.get("sure"))
        return [field for field in self.visible_fields() if question or field.name != "sure"]

    def __init__(
        self,
        data: Any,
        *,
        today: date,
        users: QuerySet[User],
        proposed: dict[str, str] | None = None,
        **places: QuerySet[Any],
    ) -> None:
        super().__init__(data, initial={"starts_on": today, **(proposed or {})})
        self.today = today
        self.fields["user"].queryset = users  # type: ignore[attr-defined]
        choose(self, **places)

    def clean(self) -> dict[str, Any]:
        """Access is never given for days that are over at the site; from today is from the site's today."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        starts, site = data.get("starts_on"), data.get("site")
        here = day_there(self.today, zone_of(site)) if site else self.today
        if starts == self.today and here < starts:
            data["starts_on"] = here
        elif starts:
            try:
                not_before(starts, here)
            except forms.ValidationError as error:
                self.add_error("starts_on", error)
        return data


class WithdrawalForm(forms.Form):
    """A role to be taken, now or after a last day."""

    ends_on = forms.DateField(
        label=gettext_lazy("Last day"),
        required=False,
        help_text=gettext_lazy("Left empty, the role ends at once."),
        widget=DayInput(),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=300,
        help_text=gettext_lazy("It is kept in the audit trail."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, data: Any, *, today: date) -> None:
        super().__init__(data)
        self.today = today

    def clean_ends_on(self) -> date | None:
        """A day that is over cannot be the last one: the role was held after it."""
        day: date | None = self.cleaned_data["ends_on"]
        return not_before(day, self.today) if day else None


def choose(form: forms.Form, *, sites: QuerySet[Site], trials: QuerySet[Trial]) -> None:
    """Offer these places and no others."""
    form.fields["site"].queryset = sites  # type: ignore[attr-defined]
    form.fields["trial"].queryset = trials  # type: ignore[attr-defined]


def not_before(day: date, today: date) -> date:
    """The day, unless it is over; raises ValidationError that names today."""
    if day < today:
        words = _("%(day)s is over: give %(today)s or a later day.")
        raise forms.ValidationError(words % {"day": day, "today": today})
    return day
