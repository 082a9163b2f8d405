"""The forms that every act shares: the version that was shown, a reason, a preview that was looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.utils.translation import gettext_lazy

from schedules.web.shared.hours import HoursMixin
from trials.domain.refusals import REASON_MISSING
from trials.web.shared.refusals import put_refusals

NO_NAMES = gettext_lazy("Never a name, a phone number or an address.")
SAY_WHY = gettext_lazy(REASON_MISSING)


class VersionedForm(HoursMixin, forms.Form):
    """A form that carries the version of the record it was shown with.

    `seen_values` names hidden fields with what the page showed: a page that says what was refused shows what
    is there now, and the form is for that from then on.
    """

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    seen_values: tuple[str, ...] = ()

    def refuse(self, fields: Mapping[str, Sequence[str]]) -> None:
        """Put what was refused next to the fields that it is about."""
        typed: Any = self.data.copy()  # type: ignore[attr-defined]
        typed.update({name: self.initial[name] for name in self.seen_values})
        self.data = typed
        put_refusals(self, fields)

    def plain_fields(self) -> list[BoundField]:
        """The fields that stand alone, one below the other; about an unlikely day only once it is asked."""
        return without_question(self, self.visible_fields())

    def shown(self) -> int:
        """The version that was shown; 0, which no record is in, where the form does not say."""
        return self.cleaned_data.get("version") or 0

    def stand_for(self, digest: str) -> None:
        """Stand for the preview that a refusal shows; a form that previews nothing has nothing to do."""

    def overtaken(self, version: int, message: str) -> None:
        """Keep what was typed for the version that is there now, and say that it was not saved."""
        typed: Any = self.data.copy()  # type: ignore[attr-defined]
        typed["version"] = str(version)
        self.data = typed
        self.add_error(None, message)

    def why(self) -> str:
        """The reason given, if any."""
        return str(self.cleaned_data.get("reason") or "")

    def is_sure(self) -> bool:
        """Whether an unlikely day was said to be right."""
        return bool(self.cleaned_data.get("sure"))


class ShownForm(VersionedForm):
    """A form of something that is shown before it is done: it stands for what was shown.

    `seen` is the last entry of the trail at that moment. About bookings it asks once some would lose
    their place.
    """

    accept = forms.BooleanField(
        required=False, label=gettext_lazy("I understand that these bookings must be rescheduled")
    )
    digest = forms.CharField(required=False, widget=forms.HiddenInput)
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)
    orphans = False

    def plain_fields(self) -> list[BoundField]:
        """All but the question about bookings, which is asked once there are any; it comes last."""
        fields = [field for field in super().plain_fields() if field.name != "accept"]
        return [*fields, self["accept"]] if self.orphans else fields

    def showing(self, digest: str, *, orphans: bool, seen: int = 0) -> None:
        """Let the form that is shown stand for a preview, and ask about bookings that must be rescheduled."""
        typed: Any = self.data.copy()  # type: ignore[attr-defined]
        typed["digest"], typed["seen"] = digest, str(seen)
        self.data, self.orphans = typed, orphans


class ReasonForm(VersionedForm):
    """Nothing but why."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=500, help_text=NO_NAMES, error_messages={"required": SAY_WHY}
    )


class ShownReasonForm(ShownForm, ReasonForm):
    """Why, once what it does is shown."""


class SureField(forms.BooleanField):
    """The answer to the question whether an unlikely day is right, or whatever else is asked once."""

    def __init__(self, label: Any = None) -> None:
        super().__init__(required=False, label=label or gettext_lazy("Yes, this day is right"))


class WhyField(forms.CharField):
    """Why an unlikely day is right, in a form that asks for no reason otherwise."""

    def __init__(self) -> None:
        super().__init__(label=gettext_lazy("Reason"), max_length=300, required=False, help_text=NO_NAMES)


class UnlikelyDayForm(VersionedForm):
    """A form with a day that may be unlikely: whether it is meant, and why, are asked only then."""

    reason = WhyField()
    sure = SureField()


def without_question(form: forms.Form, fields: Sequence[BoundField]) -> list[BoundField]:
    """Return the fields without what is only asked about an unlikely day, unless it was asked or answered."""
    asked = form.is_bound and bool(form.errors.get("sure") or form.data.get("sure"))
    return [field for field in fields if asked or not isinstance(field.field, SureField | WhyField)]
