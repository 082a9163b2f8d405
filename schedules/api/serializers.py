"""Visits as the API shows them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from schedules.api.fields import SiteInstant
from schedules.domain.visits.status import Appointment, WindowPosition
from schedules.models import Basis, VisitPlace, VisitTiming

WINDOWS = [position.value for position in WindowPosition]
APPOINTMENTS = [appointment.value for appointment in Appointment]


class VisitBasisSerializer(serializers.Serializer):
    """Whether the protocol states a thing or somebody assumed it; a range has no tolerance."""

    timing = serializers.ChoiceField(Basis.values, source="timing_basis")
    tolerance = serializers.SerializerMethodField()

    @extend_schema(responses=serializers.ChoiceField(Basis.values, allow_null=True))
    def get_tolerance(self, visit: Any) -> str | None:
        return visit.tolerance_basis or None


class VisitAnchorSerializer(serializers.Serializer):
    """What a visit counts from, and how that day is known."""

    code = serializers.CharField(source="visit.anchor_code")
    date = serializers.DateField(source="visit.anchor_on")
    kind = serializers.ChoiceField(["planned", "actual", "derived"], source="visit.anchor_kind")
    assumed = serializers.BooleanField(
        source="anchor_assumed",
        help_text="Whether it follows from other days by a rule that no record states.",
    )


class VisitSerializer(serializers.Serializer):
    """One visit of one participant. Days are whole days in the site's zone, both ends of a window inside."""

    id = serializers.IntegerField(source="visit.pk")
    trial = serializers.CharField(source="visit.participant.trial.code")
    site = serializers.CharField(source="visit.participant.site.code")
    participant = serializers.IntegerField(source="visit.participant_id")
    subject_code = serializers.CharField(source="visit.participant.subject_code")
    protocol_version = serializers.CharField()
    code = serializers.CharField(source="visit.code")
    label = serializers.CharField(source="visit.label")  # type: ignore[assignment]
    epoch = serializers.CharField(source="visit.epoch")
    timing = serializers.ChoiceField(VisitTiming.values, source="visit.timing")
    place = serializers.ChoiceField(VisitPlace.values, source="visit.place")
    anchor = VisitAnchorSerializer(source="*")
    offset = serializers.CharField(source="visit.offset", help_text="ISO 8601, signed.")
    opens = serializers.DateField(source="visit.opens")
    target = serializers.DateField(source="visit.target")
    closes = serializers.DateField(source="visit.closes")
    target_at = SiteInstant(source="visit.target_at")
    suggested = serializers.DateField(source="visit.suggested", allow_null=True)
    basis = VisitBasisSerializer(source="visit")
    window = serializers.ChoiceField(
        WINDOWS,
        source="standing.window",
        help_text="Where the site's present day lies in it; `last-days`: three clinic days or fewer.",
    )
    appointment = serializers.ChoiceField(
        APPOINTMENTS,
        source="standing.appointment",
        help_text="What people did; `to-record`: its day or its window is over, nothing is entered.",
    )
    days_outside = serializers.IntegerField(
        source="standing.days_outside",
        help_text="Days by which it was done before its window (negative) or after it; 0 for any other.",
    )
    booked_on = serializers.DateField(source="visit.booked_on", allow_null=True)
    booking_fits = serializers.BooleanField(
        allow_null=True,
        help_text="False once the window has left the booked day: no appointment. Null without a booking.",
    )
    booked_start = SiteInstant(source="visit.booked_start")
    booked_end = SiteInstant(source="visit.booked_end")
    arrived_on = serializers.DateField(source="visit.arrived_on", allow_null=True)
    arrived_at = SiteInstant(source="visit.arrived_at")
    performed_on = serializers.DateField(source="visit.performed_on", allow_null=True)
    performed_at = SiteInstant(source="visit.performed_at", recorded="visit.performed_zone")
    missed_on = serializers.DateField(
        source="visit.missed_on", allow_null=True, help_text="The day on which it was recorded as missed."
    )
    cancelled_on = serializers.DateField(source="visit.cancelled_on", allow_null=True)
    held_on = serializers.DateField(
        source="visit.held_on", allow_null=True, help_text="Since when its calendar waits."
    )
    unscheduled = serializers.BooleanField(source="visit.unscheduled")
    version = serializers.IntegerField(source="visit.version")
    because = serializers.CharField(help_text="Why the date is what it is, in words.")
