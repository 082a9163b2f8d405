"""What is asked of those who set up webhooks."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy

from schedules.services.exchange.webhooks import LONGEST_OVERLAP
from schedules.web.shared.anchor_fields import DayInput


class AddressForm(forms.Form):
    """Where a program wants to be told."""

    url = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=2000,
        help_text=gettext_lazy(
            "It begins with https:// and leads to the program; redirects are not followed."
        ),
        widget=forms.URLInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class OverlapForm(forms.Form):
    """For how long both secrets sign."""

    overlap_days = forms.IntegerField(
        label=gettext_lazy("Days for which the present secret signs as well"),
        min_value=0,
        max_value=LONGEST_OVERLAP,
        initial=7,
        help_text=gettext_lazy("0 ends it at once, for a secret that others have seen."),
    )


class ReplayForm(forms.Form):
    """From which day on messages are sent again."""

    since = forms.DateField(label=gettext_lazy("Changes since"), widget=DayInput())
