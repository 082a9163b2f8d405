"""Participants in the admin, to be read: whatever changes them is a service."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from participants.models import Anchor, Participant
from participants.selectors.participants import participants_visible_to
from trials.admin.records import InSight, ReadOnly, ReadOnlyInline, by, today
from trials.domain.accounts.access import Right


class AnchorInline(ReadOnlyInline):
    """The days that a participant's visits count from."""

    model = Anchor
    fields = ("code", "planned_on", "planned_at", "actual_on", "actual_at")


@admin.register(Participant)
class ParticipantRecords(ReadOnly):
    """Participants in sight."""

    views = (Right.VIEW,)
    list_display = ("subject_code", "trial", "site", "cohort", "protocol_version")
    list_filter = (("trial", InSight), ("site", InSight))
    list_select_related = ("trial", "site", "cohort", "protocol_version__trial")
    search_fields = ("subject_code",)
    inlines = (AnchorInline,)

    def rows_in_sight(self, request: HttpRequest) -> QuerySet[Participant]:
        """Those at the sites and in the trials that the reader may look into."""
        return participants_visible_to(by(request), today())
