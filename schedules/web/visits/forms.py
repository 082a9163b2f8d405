"""The forms by which people say what became of a visit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.forms.boundfield import BoundField
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from schedules.domain.visits.clashes import Clash
from schedules.domain.visits.values import Answer, Booking, Completion
from schedules.domain.windows.asked_at_visit import Question
from schedules.models import VisitPlace
from schedules.web.shared.anchor_fields import DayInput
from schedules.web.shared.forms import NO_NAMES, SAY_WHY, SureField, VersionedForm, without_question
from schedules.web.shared.hours import HourField, MinutesField
from trials.domain.protocols.protocol import Activity
from trials.domain.sites.resources import DEFAULT_MINUTES, ResourceKind
from trials.models import Resource

DONE, LEFT = "done", "left"
KEPT, BROKEN = "kept", "broken"


class BookingForm(VersionedForm):
    """A day, its hours where they are fixed, and a place."""

    on = forms.DateField(label=gettext_lazy("Day"), widget=DayInput())
    start = HourField("on", label=gettext_lazy("From"), required=False)
    end = HourField("on", label=gettext_lazy("To"), required=False)
    minutes = MinutesField(
        label=gettext_lazy("Length in minutes"),
        required=False,
        help_text=format_lazy(
            gettext_lazy("Empty: as long as is usual for the room, or {minutes} minutes without a room."),
            minutes=DEFAULT_MINUTES,
        ),
    )
    resource = forms.TypedChoiceField(
        coerce=int, empty_value=None, label=gettext_lazy("Room, bed or slot"), required=False
    )
    staff = forms.TypedChoiceField(
        coerce=int, empty_value=None, label=gettext_lazy("Seen by"), required=False
    )
    place = forms.CharField(
        label=gettext_lazy("Place"),
        required=False,
        max_length=120,
        help_text=gettext_lazy("A room or a ward; never a name."),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        required=False,
        max_length=500,
        help_text=gettext_lazy(
            "For a day outside the window, in place of another booking, "
            "or in spite of a conflict; never a name."
        ),
    )

    sure = SureField()
    anyway = forms.BooleanField(required=False, label=gettext_lazy("Book it all the same, with a reason"))

    clashes: Sequence[Clash] = ()
    """What clashes with the booking that the form suggests; one that was sent is refused at `anyway`."""

    def __init__(self, resources: Sequence[Resource], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("resource", "staff"):
            mine = [one for one in resources if (one.kind == ResourceKind.STAFF) == (name == "staff")]
            field = self.fields[name]
            assert isinstance(field, forms.TypedChoiceField), "a resource is chosen from a list"
            field.choices = [("", _("none")), *((one.pk, one.name) for one in mine)]
            if not mine:
                del self.fields[name]

    def plain_fields(self) -> list[BoundField]:
        """All fields; whether an unusual day or a clash is meant only once that is asked."""
        asked = self.is_bound and (self.errors.get("anyway") or self.data.get("anyway"))
        end = self.is_bound and bool(self.data.get("end") or self.errors.get("end"))
        left_out = {*(() if asked else ("anyway",)), *(() if end else ("end",))}
        fields = without_question(self, self.visible_fields())
        return [field for field in fields if field.name not in left_out]

    def booking(self, zone: ZoneInfo) -> Booking:
        """What was asked for; hours are those of the site, and a length in minutes gives the end."""
        data = self.cleaned_data
        day: date = data["on"]
        start, end = self.instant("start", zone), self.instant("end", zone)
        if start and end is None and data["minutes"]:
            end = (start.astimezone(UTC) + timedelta(minutes=data["minutes"])).astimezone(zone)
        taken = (data.get("resource"), data.get("staff"))
        return Booking(day, start, end, data["place"], data["sure"], *taken, data["anyway"])


class UnscheduledForm(BookingForm):
    """A visit in between: a booking, and at which kind of place."""

    kind = forms.ChoiceField(label=gettext_lazy("Where"), choices=VisitPlace.choices, initial="clinic")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"] = forms.CharField(
            label=gettext_lazy("Reason"),
            max_length=500,
            help_text=NO_NAMES,
            error_messages={"required": SAY_WHY},
        )
        hours = ("on", "start", "minutes", "end")
        self.order_fields([*hours, "kind", "resource", "staff", "place", "reason", "sure", "anyway"])


class CompletionForm(VersionedForm):
    """When a visit was done, and of each of its activities whether it was, or why not."""

    on = forms.DateField(label=gettext_lazy("Done on"), widget=DayInput())
    at = HourField(
        "on",
        label=gettext_lazy("At"),
        required=False,
        help_text=gettext_lazy("The hour, where hours count from it."),
    )
    outside_reason = forms.CharField(
        label=gettext_lazy("Reason"),
        required=False,
        max_length=500,
        help_text=gettext_lazy(
            "For a day outside the window, or what departs from the protocol; never a name."
        ),
    )

    accept = forms.BooleanField(
        required=False, label=gettext_lazy("I understand that these bookings must be rescheduled")
    )

    seen = forms.CharField(required=False, widget=forms.HiddenInput)
    sure = SureField()

    def __init__(
        self, asked: Sequence[Activity], questions: Sequence[Question], *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.asked, self.to_confirm = asked, questions
        for question in questions:
            kept = ((KEPT, _("confirmed")), (BROKEN, _("not kept")))
            self.fields[f"window-{question.window}"] = forms.ChoiceField(
                label=question.label,
                choices=kept if question.conduct else kept[:1],
                widget=forms.RadioSelect,
                required=False,
            )
        for activity in asked:
            self.fields[f"activity-{activity.code}"] = forms.ChoiceField(
                label=activity.label,
                choices=((DONE, _("done")), (LEFT, _("not done"))),
                widget=forms.RadioSelect,
                required=False,
            )
            self.fields[f"why-{activity.code}"] = forms.CharField(
                label=_("Why not: %(activity)s") % {"activity": activity.label},
                required=False,
                max_length=500,
            )

    def stand_for(self, digest: str) -> None:
        """Stand for the preview that the refusal shows."""
        typed: Any = self.data.copy()  # type: ignore[attr-defined]
        typed["seen"] = digest
        self.data = typed

    def plain_fields(self) -> list[BoundField]:
        """All but those of the activities; about bookings it is asked once some would be left behind."""
        accept = (
            ["accept"] if self.is_bound and (self.errors.get("accept") or self.data.get("accept")) else []
        )
        fields = [self[name] for name in ("on", "at", "outside_reason", *accept, "sure")]
        return without_question(self, fields)

    def activities(self) -> list[tuple[BoundField, BoundField]]:
        """Of each activity whether it was done, and why not."""
        return [(self[f"activity-{each.code}"], self[f"why-{each.code}"]) for each in self.asked]

    def confirmations(self) -> list[BoundField]:
        """Of each window that is asked about at this visit, whether it was kept."""
        return [self[f"window-{each.window}"] for each in self.to_confirm]

    def completion(self, zone: ZoneInfo) -> Completion:
        """What was said; hours are those of the site."""
        data = self.cleaned_data
        answers = {
            activity.code: Answer(data[f"activity-{activity.code}"] == DONE, data[f"why-{activity.code}"])
            for activity in self.asked
            if data[f"activity-{activity.code}"]
        }
        said = {each.window: data[f"window-{each.window}"] for each in self.to_confirm}
        return Completion(
            on=data["on"],
            at=self.instant("at", zone),
            activities=answers,
            outside_reason=data["outside_reason"],
            accept_orphans=data["accept"],
            seen=data["seen"],
            confirmed={window: answer == KEPT for window, answer in said.items() if answer},
            sure=data["sure"],
        )
