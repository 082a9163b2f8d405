"""What somebody who reads the audit trail asks for, and says of it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from participants.selectors.participants import participants_called
from schedules.web.shared.clock import now, server_day
from trials.audit.trail_terms import kind_name
from trials.domain.audit.trail import Order
from trials.selectors.audit.trail import WantedEntries, recorded_models
from trials.web.shared.day_input import DayInput
from trials.web.shared.typed_codes import CodeField

LATELY = timedelta(days=30)
"""How far back a text is looked for at first: every entry of that time is read."""
ORDERS = [
    (Order.NEWEST, gettext_lazy("newest first")),
    (Order.OLDEST, gettext_lazy("oldest first")),
    (Order.RECORD, gettext_lazy("by record")),
    (Order.WHO, gettext_lazy("by who did it")),
]
ACTIONS = [
    ("", gettext_lazy("All actions")),
    ("create", gettext_lazy("created")),
    ("change", gettext_lazy("changed")),
    ("delete", gettext_lazy("deleted")),
]


class TrailForm(forms.Form):
    """Which entries of the trail, in which order."""

    record = forms.ChoiceField(label=pgettext_lazy("audit trail", "Record"), required=False)
    number = forms.CharField(label=gettext_lazy("Number"), required=False, max_length=40)
    participant = CodeField(label=gettext_lazy("Subject code"), required=False, max_length=40)
    who = forms.CharField(label=gettext_lazy("Done by"), required=False, max_length=150)
    action = forms.ChoiceField(label=pgettext_lazy("audit trail", "Action"), required=False, choices=ACTIONS)
    text = forms.CharField(
        label=gettext_lazy("Text"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("In reasons, causes and values."),
    )
    first = forms.DateField(label=gettext_lazy("From"), required=False, widget=DayInput())
    last = forms.DateField(label=gettext_lazy("To"), required=False, widget=DayInput())
    order = forms.ChoiceField(label=gettext_lazy("Order"), required=False, choices=ORDERS)

    further = forms.BooleanField(widget=forms.HiddenInput, required=False)

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        kinds = sorted((capfirst(kind_name(model)), label) for label, model in recorded_models().items())
        field: Any = self.fields["record"]
        field.choices = [("", _("All records")), *((label, name) for name, label in kinds)]

    def clean_text(self) -> str:
        """The text, without what no database can look for."""
        return str(self.cleaned_data["text"]).replace("\0", "")

    def clean(self) -> dict[str, Any]:
        """A range ends after it begins."""
        given = self.cleaned_data
        first, last = given.get("first"), given.get("last")
        if first and last and last < first:
            words = _("%(last)s lies before %(first)s: give a later day.")
            self.add_error("last", words % {"first": first, "last": last})
        far = given.get("text") and (given.get("further") or _long_ago(first))
        if far and given.get("order") not in ("", Order.NEWEST):
            words = _("Beyond the last 30 days a text is looked for newest first. Choose that order.")
            self.add_error("order", words)
        return given

    def wanted(self, participants: QuerySet[Any]) -> WantedEntries:
        """What was asked for, of these participants."""
        given = self.cleaned_data
        code = given["participant"]
        return WantedEntries(
            model=given["record"],
            object_id=given["number"],
            participants=participants_called(participants, code) if code else None,
            who=given["who"],
            action=given["action"],
            first=given["first"],
            last=given["last"],
            text=given["text"],
        )

    @property
    def in_pieces(self) -> bool:
        """Whether entries are read backwards piece by piece: for a text beyond the last thirty days."""
        given = self.cleaned_data
        return bool(given["text"]) and (given["further"] or _long_ago(given["first"]))

    @property
    def walks_back(self) -> bool:
        """Whether a text is looked for newest first: then the pieces end with the first day."""
        return bool(self.cleaned_data["text"]) and self.sorting is Order.NEWEST

    @property
    def sorting(self) -> Order:
        """How the entries are sorted."""
        return Order(self.cleaned_data["order"] or Order.NEWEST)


def lately(asked: QueryDict) -> QueryDict:
    """What was asked for; a text without a first day, and without the whole trail, gets one of its own.

    The day stands in the address and the form from then on, so that the page, the export and a review that
    is recorded name the same entries.
    """
    if not asked.get("text") or asked.get("first") or asked.get("further"):
        return asked
    kept = asked.copy()
    kept["first"] = str(server_day(now()) - LATELY)
    return kept


def _long_ago(first: date | None) -> bool:
    return first is not None and first < server_day(now()) - LATELY


class ReviewForm(forms.Form):
    """What was found in what was looked at, up to the newest entry that was shown."""

    last_shown = forms.IntegerField(min_value=0, max_value=2**63 - 1, widget=forms.HiddenInput)
    finding = forms.CharField(
        label=gettext_lazy("Finding"),
        max_length=2000,
        help_text=gettext_lazy("What you looked for and what you found, even if it is nothing. No names."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
