"""Participants in the admin, to be read: whatever changes them is a service."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from participants.models import Anchor, Participant
from participants.selectors import participants_visible_to
from trials.admin.records import ReadOnly, ReadOnlyInline
from trials.models import User


class AnchorInline(ReadOnlyInline):
    """The days that a participant's visits count from."""

    model = Anchor
    fields = ("code", "planned_on", "planned_at", "actual_on", "actual_at")


@admin.register(Participant)
class ParticipantRecords(ReadOnly):
    """Participants in sight."""

    list_display = ("subject_code", "trial", "site", "cohort", "protocol_version")
    list_filter = ("trial", "site")
    list_select_related = ("trial", "site", "cohort", "protocol_version__trial")
    search_fields = ("subject_code",)
    inlines = (AnchorInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Participant]:
        """Those at the sites and in the trials where the reader has a role."""
        assert isinstance(request.user, User)
        return participants_visible_to(request.user, timezone.localdate())
