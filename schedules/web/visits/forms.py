"""The forms by which people say what became of a visit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.forms.boundfield import BoundField
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from schedules.domain.visits.clashes import Clash
from schedules.domain.visits.values import Answer, Booking, Completion, Sampled
from schedules.domain.windows.asked_at_visit import Asked, ResultAsked
from schedules.models import VisitPlace
from schedules.selectors.visits.companions import Companion
from schedules.web.shared.anchor_fields import DayInput
from schedules.web.shared.forms import (
    NO_NAMES,
    SAY_WHY,
    ReasonForm,
    SureField,
    VersionedForm,
    without_question,
)
from schedules.web.shared.hours import HourField, MinutesField
from schedules.web.shared.wording import say, short_day_words
from trials.domain.protocols.protocol import Activity
from trials.domain.sites.resources import DEFAULT_MINUTES, ResourceKind
from trials.keyset import row_id
from trials.models import Resource

DONE, LEFT = "done", "left"
KEPT, BROKEN = "kept", "broken"
AS_ASKED, OTHER = "as-asked", "other"


class MissForm(ReasonForm):
    """Why nobody came; whether that is meant is asked where the booking is still to come."""

    sure = SureField(gettext_lazy("Yes, it was missed"))


class BookingForm(VersionedForm):
    """A day, its hours where they are fixed, and a place."""

    on = forms.DateField(label=gettext_lazy("Day"), widget=DayInput())
    start = HourField("on", label=pgettext_lazy("hour", "From"), required=False)
    end = HourField("on", label=pgettext_lazy("hour", "To"), required=False)
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
    together = forms.BooleanField(required=False)

    clashes: Sequence[Clash] = ()
    """What clashes with the booking that the form suggests; one that was sent is refused at `anyway`."""

    def __init__(
        self,
        resources: Sequence[Resource],
        *args: Any,
        companion: Companion | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._offer_together(companion)
        for name in ("resource", "staff"):
            mine = [one for one in resources if (one.kind == ResourceKind.STAFF) == (name == "staff")]
            field = self.fields[name]
            assert isinstance(field, forms.TypedChoiceField), "a resource is chosen from a list"
            field.choices = [("", _("none")), *((one.pk, one.name) for one in mine)]
            if not mine:
                del self.fields[name]

    def _offer_together(self, companion: Companion | None) -> None:
        """Ask whether the other visit that could be on the same day is booked with this one."""
        if companion is None:
            del self.fields["together"]
            return
        words = {
            "visit": companion.mark,
            "opens": short_day_words(companion.window.opens),
            "closes": short_day_words(companion.window.closes),
        }
        label = _("Book %(visit)s for the same day and hour, too (window %(opens)s to %(closes)s)") % words
        self.fields["together"].label = label
        self.fields["with"] = forms.CharField(required=False, widget=forms.HiddenInput, initial=companion.key)
        self.order_fields(["version", "on", "start", "minutes", "together"])

    def other(self) -> tuple[int, int] | None:
        """The visit that is booked with this one, by id, and its version; None for this one alone."""
        if not self.cleaned_data.get("together"):
            return None
        pk, _colon, version = str(self.cleaned_data.get("with", "")).partition(":")
        return (row_id(pk), row_id(version)) if row_id(pk) and row_id(version) else None

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

    def __init__(self, asked: Sequence[Activity], wanted: Asked, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.asked, self.wanted = asked, wanted
        self._add_questions()
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

    def _add_questions(self) -> None:
        """Add what the windows need to hear at the visit: what was kept, what came of tests, what is due."""
        for question in self.wanted.questions:
            kept = ((KEPT, _("confirmed")), (BROKEN, _("not kept")))
            self.fields[f"window-{question.window}"] = forms.ChoiceField(
                label=question.label,
                choices=kept if question.conduct else kept[:1],
                widget=forms.RadioSelect,
                required=False,
            )
        for result in self.wanted.results:
            self._add_result(result)
        for event in self.wanted.events:
            self.fields[f"event-{event.event}"] = forms.ChoiceField(
                label=event.label,
                choices=(("", _("not at this visit")), (DONE, _("done at this visit"))),
                widget=forms.RadioSelect,
                required=False,
            )

    def _add_result(self, result: ResultAsked) -> None:
        """A result as the protocol asks for it, or another one in words; empty while it is awaited."""
        words = {"test": result.name}
        if result.result:
            self.fields[f"result-{result.test}"] = forms.ChoiceField(
                label=_("Result: %(test)s") % words,
                choices=(
                    ("", pgettext("result", "awaited")),
                    (AS_ASKED, say(result.result)),
                    (OTHER, _("another result")),
                ),
                widget=forms.RadioSelect,
                required=False,
            )
        self.fields[f"words-{result.test}"] = forms.CharField(
            label=_("Another result: %(test)s") % words if result.result else _("Result: %(test)s") % words,
            required=False,
            max_length=120,
        )
        if result.by_hour:
            self.fields[f"taken-{result.test}"] = HourField(
                "on", label=_("Hour of the sample: %(test)s") % words, required=False
            )

    def refuse(self, fields: Mapping[str, Sequence[str]]) -> None:
        """Put what was refused next to its field, and next to the reason where that is what is missing."""
        super().refuse({self._place(name): messages for name, messages in fields.items()})

    def _place(self, name: str) -> str:
        why = name.replace("activity-", "why-", 1)
        return why if self.cleaned_data.get(name) == LEFT and why in self.fields else name

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
        """Of each window that is asked about at this visit, whether it was kept; and what is due once."""
        windows = [self[f"window-{each.window}"] for each in self.wanted.questions]
        return [*windows, *(self[f"event-{each.event}"] for each in self.wanted.events)]

    def results(self) -> list[tuple[ResultAsked, BoundField | None, list[BoundField]]]:
        """Of each test: whether its result is the one asked for, and the fields below: words and hour."""
        found = []
        for each in self.wanted.results:
            below = [f"words-{each.test}", f"taken-{each.test}"]
            chosen = self[f"result-{each.test}"] if each.result else None
            found.append((each, chosen, [self[name] for name in below if name in self.fields]))
        return found

    def clean(self) -> dict[str, Any]:
        """Another result is given in words."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for each in self.wanted.results:
            chosen, words = cleaned.get(f"result-{each.test}"), cleaned.get(f"words-{each.test}")
            if chosen == OTHER and not words:
                self.add_error(f"words-{each.test}", _("Enter the result."))
            if chosen == AS_ASKED and words:
                self.add_error(f"words-{each.test}", _("Choose “another result” above, or leave this empty."))
        return cleaned

    def _sampled(self, zone: ZoneInfo) -> dict[str, Sampled]:
        found = {}
        for each in self.wanted.results:
            chosen = self.cleaned_data.get(f"result-{each.test}")
            text = str(self.cleaned_data.get(f"words-{each.test}") or "").strip()
            result = each.result if chosen == AS_ASKED else text
            if result:
                at = self.instant(f"taken-{each.test}", zone) if each.by_hour else None
                found[each.test] = Sampled(self._in_protocol_words(each, result), at)
        return found

    @staticmethod
    def _in_protocol_words(each: ResultAsked, result: str) -> str:
        """A result that the protocol asks for, typed in the reader's language, in the protocol's words."""
        asked = each.result
        return asked if asked and result.casefold() == say(asked).casefold() else result

    def completion(self, zone: ZoneInfo) -> Completion:
        """What was said; hours are those of the site."""
        data = self.cleaned_data
        answers = {
            activity.code: Answer(data[f"activity-{activity.code}"] == DONE, data[f"why-{activity.code}"])
            for activity in self.asked
            if data[f"activity-{activity.code}"]
        }
        said = {each.window: data[f"window-{each.window}"] for each in self.wanted.questions}
        return Completion(
            on=data["on"],
            at=self.instant("at", zone),
            activities=answers,
            outside_reason=data["outside_reason"],
            accept_unbookable=data["accept"],
            seen=data["seen"],
            confirmed={window: answer == KEPT for window, answer in said.items() if answer},
            sure=data["sure"],
            results=self._sampled(zone),
            events=frozenset(one.event for one in self.wanted.events if data[f"event-{one.event}"]),
        )
