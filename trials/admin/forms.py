"""Forms of the admin whose saving is a service."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from trials.domain.errors import DomainError, ProtocolInvalid, Refused
from trials.domain.sites.working_days import WorkingDays, WorkingDaysError
from trials.models import ProtocolVersion, Site, Trial, User, WorkingDayTable
from trials.services.protocols.trials import take_in
from trials.services.sites.working_days import Corrections, record_working_days, working_days_from

Watcher = Callable[[Site, WorkingDays], int]
watchers: list[Watcher] = []
"""Say for how many participants other working days would change anything; the app that plans adds its own."""


def refuse_unseen(site: Site, days: WorkingDays) -> None:
    """Raise WorkingDaysError where calendars would change unseen: the page of the site's days shows them."""
    moved = sum(watcher(site, days) for watcher in watchers)
    if moved:
        message = ngettext(
            "%(site)s: the calendar of %(n)d participant would change. Look at it first, under Sites, "
            "Working days.",
            "%(site)s: the calendars of %(n)d participants would change. Look at them first, under Sites, "
            "Working days.",
            moved,
        )
        raise WorkingDaysError(message % {"site": site.code, "n": moved})


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
    field_order = ("outside_name", "document")  # the name is read before the document is taken in

    document = forms.CharField(
        label=gettext_lazy("document"),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 30, "spellcheck": "false"}),
        help_text=gettext_lazy(
            "A whole protocol document in YAML, format 1. It names its trial and its version."
        ),
    )

    outside_name = forms.CharField(
        label=gettext_lazy("name outside"),
        max_length=40,
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text=gettext_lazy(
            "What calendars, cards, e-mails and messages call the trial, where its code names a disease. "
            "Empty: the code without the words for its disease."
        ),
    )

    class Meta:
        model = ProtocolVersion
        fields = ("document",)

    def clean_document(self) -> str:
        """Take the document in, or say everything that is wrong with it."""
        text: str = self.cleaned_data["document"]
        try:
            self.recorded = take_in(
                text=text,
                outside_name=self.cleaned_data.get("outside_name", ""),
                may_design=self.may_design,
                by=self.by,
            )
        except ProtocolInvalid as error:
            raise ValidationError([str(problem) for problem in error.problems]) from error
        except Refused as error:
            for name, words in error.fields.items():
                self.add_error(name, list(words))
        except DomainError as error:
            raise ValidationError(str(error)) from error
        return text


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

    follows = forms.CharField(
        required=False,
        label=gettext_lazy("worked as a weekday"),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text=gettext_lazy(
            "Make-up days of a clinic with days of its own, each with the weekday that it follows, 1 for "
            "Monday to 7 for Sunday: 2027-02-20 3"
        ),
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

    def clean_follows(self) -> dict[date, int]:
        """The days that are worked as a weekday."""
        days = read_days(self.cleaned_data["follows"])
        for day, weekday in days.items():
            if weekday not in {"1", "2", "3", "4", "5", "6", "7"}:
                message = _("Give %(day)s a weekday from 1 for Monday to 7 for Sunday, such as %(day)s 3.")
                raise ValidationError(message % {"day": day})
        return {day: int(weekday) for day, weekday in days.items()}

    def clean(self) -> dict[str, Any]:
        """Record the table, or say why it cannot be."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return data
        site, first, last = data["site"], data["first_year"], data["last_year"]
        own = Corrections(data["closures"], data["openings"], data["follows"])
        try:
            refuse_unseen(site, working_days_from(site, first, last, own))
            self.recorded = record_working_days(
                site=site, by=self.by, first_year=first, last_year=last, corrections=own, note=data["note"]
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
