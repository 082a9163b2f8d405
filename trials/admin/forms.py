"""Forms of the admin whose saving is a service."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextareaWidget

from trials.domain.errors import DomainError, ProtocolInvalid
from trials.models import ProtocolVersion, Trial, User, WorkingDayTable
from trials.services.protocols import import_protocol
from trials.services.sites import Corrections, record_working_days


class ServiceForm(forms.ModelForm):
    """A form whose checking is the service itself: what it made is what the form saves."""

    by: User | None = None
    recorded: Any = None

    def save(self, commit: bool = True) -> Any:
        """What the service made."""
        return self.recorded

    def save_m2m(self) -> None:
        """The admin asks for it; there is nothing of the kind."""


class ProtocolDocumentForm(ServiceForm):
    """A protocol document, taken in as the draft of a version."""

    may_design: Callable[[Trial], bool]

    document = forms.CharField(
        label=gettext_lazy("document"),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 30, "spellcheck": "false"}),
        help_text=gettext_lazy(
            "A whole protocol document in YAML, format 1. It names its trial and its version."
        ),
    )

    class Meta:
        model = ProtocolVersion
        fields = ("document",)

    def clean_document(self) -> str:
        """Take the document in, or say everything that is wrong with it."""
        text: str = self.cleaned_data["document"]
        try:
            self.recorded = self._take_in(text)
        except ProtocolInvalid as error:
            raise ValidationError([str(problem) for problem in error.problems]) from error
        except DomainError as error:
            raise ValidationError(str(error)) from error
        return text

    def _take_in(self, text: str) -> ProtocolVersion:
        """The draft, unless its trial is not one that the person designs: then nothing is kept of it."""
        with transaction.atomic():
            version = import_protocol(text=text, by=self.by)
            if not self.may_design(version.trial):
                words = _("Your role does not allow designing %(trial)s.") % {"trial": version.trial.code}
                raise ValidationError(words)
        return version


class WorkingDaysForm(ServiceForm):
    """The years of a table, and a site's own word on single days."""

    first_year = forms.IntegerField(
        label=gettext_lazy("first year"),
        min_value=2000,
        max_value=2099,
        widget=UnfoldAdminIntegerFieldWidget(),
    )
    last_year = forms.IntegerField(
        label=gettext_lazy("last year"),
        min_value=2000,
        max_value=2099,
        widget=UnfoldAdminIntegerFieldWidget(),
    )
    closures = forms.CharField(
        required=False,
        label=gettext_lazy("closed on"),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text=gettext_lazy("One day on a line, with its reason: 2027-03-12 Stocktaking"),
    )
    openings = forms.CharField(
        required=False,
        label=gettext_lazy("open on"),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text=gettext_lazy("Days worked although they are a weekend or a holiday, in the same way."),
    )

    class Meta:
        model = WorkingDayTable
        fields = ("site", "note")

    def clean_closures(self) -> dict[date, str]:
        """The days on which the site is closed."""
        return read_days(self.cleaned_data["closures"])

    def clean_openings(self) -> dict[date, str]:
        """The days on which the site is open."""
        return read_days(self.cleaned_data["openings"])

    def clean(self) -> dict[str, Any]:
        """Record the table, or say why it cannot be."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return data
        try:
            self.recorded = record_working_days(
                site=data["site"],
                by=self.by,
                first_year=data["first_year"],
                last_year=data["last_year"],
                corrections=Corrections(data["closures"], data["openings"]),
                note=data["note"],
            )
        except DomainError as error:
            raise ValidationError(str(error)) from error
        return data


def read_days(text: str) -> dict[date, str]:
    """Days with their reasons, one on a line; raises ValidationError naming the line that is none."""
    days = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        day, _blank, reason = line.partition(" ")
        try:
            days[date.fromisoformat(day)] = reason.strip()
        except ValueError as error:
            message = _("“%(line)s” is no day with its reason, such as 2027-03-12 Stocktaking.")
            raise ValidationError(message % {"line": line}) from error
    return days
