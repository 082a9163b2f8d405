"""The forms of a re-planning: what is to change, and at last why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.db.models import QuerySet
from django.forms.boundfield import BoundField
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from participants.domain.anchors import RecordedAnchor
from participants.domain.moments import ZoneOfRecord, on_record
from participants.models import Participant
from participants.services.absences import Away
from schedules.domain.plan.labels import in_language
from schedules.domain.plan.recorded_anchors import put_on_record
from schedules.selectors.store.absences import days_between
from schedules.services.availability.site_days import SiteProposal
from schedules.services.replanning.moves import Proposal
from schedules.web.shared.anchor_fields import (
    ACTUAL,
    KINDS,
    PLANNED,
    AnchorFieldsMixin,
    DayInput,
    recorded_anchors,
)
from schedules.web.shared.forms import NO_NAMES, SureField, without_question
from schedules.web.shared.wording import say
from trials.domain.words import WEEKDAYS
from trials.models import ProtocolVersion, Site
from trials.selectors.records import protocol_of

LONGEST_DAYS = 366


class PreviewForm(forms.Form):
    """What every re-planning asks in the end: why, and whether bookings may be left behind.

    `digest` stands for what was shown; `seen` for the last entry of the trail at that moment.
    """

    digest = forms.CharField(required=False, widget=forms.HiddenInput)
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)
    accept = forms.BooleanField(
        required=False, label=gettext_lazy("I understand that these bookings must be rescheduled")
    )
    rebook = forms.BooleanField(required=False, label=gettext_lazy("Book them again in the same step"))
    reason = forms.CharField(
        required=False, max_length=300, label=gettext_lazy("Reason"), help_text=NO_NAMES, strip=True
    )
    LAST = ("digest", "seen", "accept", "rebook", "reason")

    def clean(self) -> dict[str, Any]:
        """Anyone who has the bookings made again knows that they lose their day."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("rebook"):
            cleaned["accept"] = True
        return cleaned

    def asked(self) -> list[Any]:
        """The fields of what is to change."""
        fields = [field for field in self.visible_fields() if field.name not in self.LAST]
        return without_question(self, fields)

    def showing(self, digest: str, seen: int) -> None:
        """Let the form that is shown stand for this preview."""
        typed: Any = self.data.copy()  # type: ignore[attr-defined]
        typed["digest"], typed["seen"] = digest, str(seen)
        self.data = typed


class AnchorsForm(AnchorFieldsMixin, PreviewForm):
    """The anchors of a participant, planned and actual, as they stand and as they are to be."""

    def __init__(
        self,
        participant: Participant,
        recorded: Mapping[str, RecordedAnchor],
        zone: ZoneInfo,
        data: Any = None,
    ) -> None:
        self.recorded, self.zone, self.site_zone = recorded, zone, zone
        self.zones = _zones(recorded, zone)
        super().__init__(data, initial=_as_fields(recorded, zone))
        self.protocol = in_language(protocol_of(participant.protocol_version), say)
        self.add_anchors()
        self.fields["sure"] = SureField()
        for name, there in self.zones.items():
            self.fields[name].help_text = _("By the clocks of %(zone)s, where it was recorded.") % {
                "zone": there.key
            }

    def hour_zone(self, name: str) -> ZoneInfo | None:
        """The zone of the record for an hour that is on it, else the site's."""
        return self.zones.get(name, self.zone)

    def question(self) -> list[BoundField]:
        """The field of an unlikely day, once it is asked."""
        return without_question(self, [self["sure"]])

    def clean(self) -> dict[str, Any]:
        """What stands may be moved, and not be left out."""
        cleaned = super().clean()
        given = recorded_anchors(self.protocol, cleaned, {})
        for code, stands in self.recorded.items():
            new = given.get(code, RecordedAnchor(code))
            for kind, was, now in (
                (PLANNED, stands.planned_on, new.planned_on),
                (ACTUAL, stands.actual_on, new.actual_on),
            ):
                name = f"anchor-{code}-{kind}-on"
                if was and not now and name in self.fields and name not in self.errors:
                    message = _("%(day)s is recorded here. Enter another day; the field cannot be empty.")
                    self.add_error(name, message % {"day": was})
        return cleaned

    def proposal(self) -> Proposal:
        """The anchors that are to change."""
        given = recorded_anchors(self.protocol, self.cleaned_data, self.instants)
        as_recorded = {
            code: put_on_record(anchor, self.recorded.get(code), self.site_zone)
            for code, anchor in given.items()
        }
        changed = {code: anchor for code, anchor in as_recorded.items() if anchor != self.recorded.get(code)}
        data = self.cleaned_data
        return Proposal(anchors=changed, accept_unbookable=data["accept"], sure=data["sure"])


class TraitsForm(PreviewForm):
    """The traits of a participant."""

    traits = forms.MultipleChoiceField(
        required=False, label=gettext_lazy("Traits"), widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, participant: Participant, data: Any = None) -> None:
        self.standing = frozenset(participant.traits)
        super().__init__(data, initial={"traits": sorted(self.standing)})
        protocol = in_language(protocol_of(participant.protocol_version), say)
        field = self.fields["traits"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(trait.code, trait.label) for trait in protocol.traits if not trait.always]

    def proposal(self) -> Proposal:
        """The traits, where they are others than those that stand."""
        traits = frozenset(self.cleaned_data["traits"])
        return Proposal(
            traits=None if traits == self.standing else traits, accept_unbookable=self.cleaned_data["accept"]
        )


class VersionForm(PreviewForm):
    """Another protocol version, of those that the site may use."""

    version: forms.ModelChoiceField[ProtocolVersion] = forms.ModelChoiceField(
        queryset=None,
        label=gettext_lazy("Protocol version"),
        empty_label=gettext_lazy("Choose …"),
    )

    def __init__(self, versions: QuerySet[ProtocolVersion], data: Any = None) -> None:
        super().__init__(data)
        field = self.fields["version"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = versions

    def proposal(self) -> Proposal:
        """The version that was chosen."""
        data = self.cleaned_data
        return Proposal(version=data["version"], accept_unbookable=data["accept"])


CLOSED, OPEN, FOLLOWS, AWAY, RENEWED = "closed", "open", "follows", "away", "renewed"
ANNOUNCED = "announced"


class WorkingDaysForm(PreviewForm):
    """Days on which a site is closed, or open all the same, or worked as a weekday, or somebody is away.

    Or its holiday calendar is read again, which needs no day.
    """

    what = forms.ChoiceField(
        label=gettext_lazy("What changes"),
        widget=forms.RadioSelect,
        choices=(
            (CLOSED, gettext_lazy("the site is closed")),
            (OPEN, gettext_lazy("the site is open")),
            (FOLLOWS, gettext_lazy("the site works as on another weekday")),
            (AWAY, gettext_lazy("somebody the site cannot do without is away")),
            (ANNOUNCED, gettext_lazy("all announced days of the first day's year are entered")),
            (RENEWED, gettext_lazy("the holiday calendar and the clinic days are read again")),
        ),
    )
    first = forms.DateField(
        label=gettext_lazy("First day"),
        widget=DayInput(),
        required=False,
        help_text=gettext_lazy("Leave it empty to read the holiday calendar again."),
    )
    last = forms.DateField(label=gettext_lazy("Last day"), widget=DayInput(), required=False)
    weekday = forms.TypedChoiceField(
        required=False,
        coerce=int,
        empty_value=None,
        label=gettext_lazy("Works as on a"),
        help_text=gettext_lazy("For a make-up day: the weekday whose clinic takes place."),
        choices=(("", "–"), *((n, gettext_lazy(name)) for n, name in enumerate(WEEKDAYS, start=1))),
    )
    note = forms.CharField(
        required=False,
        max_length=60,
        label=gettext_lazy("Shown beside the day"),
        help_text=gettext_lazy("Such as: stocktaking; never a name."),
    )
    sure = SureField()

    def clean(self) -> dict[str, Any]:
        """One day where no last one is given; in order, and no longer than a year."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("what") == RENEWED:
            return cleaned
        if "first" in cleaned and not cleaned["first"]:
            self.add_error("first", self.fields["first"].error_messages["required"])
        if cleaned.get("what") == FOLLOWS and "weekday" in cleaned and not cleaned["weekday"]:
            self.add_error("weekday", _("Give the weekday that the site works as."))
        cleaned["last"] = cleaned.get("last") or cleaned.get("first")
        self._check_stretch(cleaned.get("first"), cleaned["last"])
        return cleaned

    def _check_stretch(self, first: date | None, last: date | None) -> None:
        if first is None or last is None:
            return
        if last < first:
            self.add_error("last", _("It lies before the first day, %(first)s.") % {"first": first})
        elif (last - first).days >= LONGEST_DAYS:
            self.add_error("last", _("That is longer than a year: give the days one by one."))

    def proposal(self, site: Site) -> SiteProposal:
        """What is to change."""
        data, what = self.cleaned_data, self.cleaned_data["what"]
        said: dict[str, Any] = {"accept_unbookable": data["accept"], "sure": data["sure"]}
        if what == RENEWED:
            return SiteProposal(renewed=True, **said)
        if what == ANNOUNCED:
            return SiteProposal(announced=frozenset({data["first"].year}), **said)
        if what == AWAY:
            away = Away(data["first"], data["last"], site=site, note=data["note"])
            return SiteProposal(absence=away, **said)
        span = days_between(data["first"], data["last"])
        if what == FOLLOWS:
            return SiteProposal(follows=dict.fromkeys(span, data["weekday"]), **said)
        days = dict.fromkeys(span, data["note"])
        closed = what == CLOSED
        return SiteProposal(days if closed else {}, {} if closed else days, **said)


def _zones(recorded: Mapping[str, RecordedAnchor], zone: ZoneInfo) -> dict[str, ZoneInfo]:
    """The zones of the hours on record that are not the site's, by the fields that they stand in."""
    return {
        f"anchor-{code}-{ACTUAL}-at": ZoneOfRecord(anchor.actual_zone)
        for code, anchor in recorded.items()
        if anchor.actual_at and anchor.actual_zone not in ("", zone.key)
    }


def _as_fields(recorded: Mapping[str, RecordedAnchor], zone: ZoneInfo) -> dict[str, Any]:
    """The anchors on record as the form shows them, hours in the zone of the record or of the site."""
    initial: dict[str, Any] = {}
    for code, anchor in recorded.items():
        planned = anchor.planned_at and anchor.planned_at.astimezone(zone)
        actual = on_record(anchor.actual_at, anchor.actual_zone, zone)
        days: dict[str, tuple[date | None, datetime | None]] = {
            PLANNED: (planned.date() if planned else anchor.planned_on, planned),
            ACTUAL: (anchor.actual_on, actual),
        }
        for kind in KINDS:
            on, at = days[kind]
            initial[f"anchor-{code}-{kind}-on"] = on
            initial[f"anchor-{code}-{kind}-at"] = at.time() if at else None
    return initial
