"""What is asked of those who make, rotate and end API clients."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy

from trials.models import ApiAct, Site, Trial
from trials.models.access import LANGUAGES
from trials.models.clients import MOST_REQUESTS
from trials.services.accounts.clients import LONGEST_OVERLAP, ClientTerms
from trials.web.accounts.membership_forms import ByCode, choose
from trials.web.shared.day_input import DayInput

OVERLAP = 7


class ReasonedForm(forms.Form):
    """Something that is done for a reason."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=300,
        help_text=gettext_lazy("It is kept in the audit trail."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class ClientForm(ReasonedForm):
    """A new client: its name, where it works, what it may do."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=100,
        help_text=gettext_lazy(
            "The audit trail names what it does by this, for good: Latin letters, digits, dots and hyphens."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )
    trial = ByCode(None, label=gettext_lazy("Trial"), required=False, empty_label=gettext_lazy("All trials"))
    site = ByCode(None, label=gettext_lazy("Site"), required=False, empty_label=gettext_lazy("All sites"))
    acts = forms.MultipleChoiceField(
        label=gettext_lazy("May"),
        choices=ApiAct.choices,
        initial=[ApiAct.READ.value],
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Choose what it needs and no more."),
    )
    language = forms.ChoiceField(
        label=gettext_lazy("Language of its messages"),
        choices=LANGUAGES,
        help_text=gettext_lazy("It stays the same, whatever the program asks for."),
    )
    requests_per_minute = forms.IntegerField(
        label=gettext_lazy("Requests a minute"), min_value=1, max_value=MOST_REQUESTS, initial=1200
    )
    expires_on = forms.DateField(
        label=gettext_lazy("Last day"),
        required=False,
        help_text=gettext_lazy("Left empty, it goes on until you end it."),
        widget=DayInput(),
    )
    field_order = (
        *("name", "trial", "site", "acts", "language", "requests_per_minute", "expires_on", "reason"),
    )

    def __init__(self, data: Any, *, sites: QuerySet[Site], trials: QuerySet[Trial]) -> None:
        super().__init__(data)
        choose(self, sites=sites, trials=trials)

    def terms(self) -> ClientTerms:
        """What was chosen, as the service takes it."""
        given = self.cleaned_data
        return ClientTerms(
            given["trial"],
            given["site"],
            given["acts"],
            given["language"],
            given["requests_per_minute"],
            _end_of(given["expires_on"]),
        )


class RotationForm(ReasonedForm):
    """Another secret, and how long the one before goes on."""

    overlap_days = forms.IntegerField(
        label=gettext_lazy("Days for which the present secret still works"),
        min_value=0,
        max_value=LONGEST_OVERLAP,
        initial=OVERLAP,
        help_text=gettext_lazy("0 ends it at once, for a secret that others have seen."),
    )
    field_order = ("overlap_days", "reason")


def _end_of(day: date | None) -> datetime | None:
    """The instant at which a day is over, in the server's zone."""
    if day is None or day == date.max:
        return None
    return datetime.combine(day + timedelta(days=1), time(), timezone.get_default_timezone())
