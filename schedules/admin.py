"""Visits, windows, reminders and feeds in the admin, to be read: whatever changes them is a service."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy

from participants.models import Participant
from participants.selectors import participants_visible_to
from schedules.models import CalendarFeed, ProtocolWindow, Reminder, Visit
from schedules.services.feeds import revoke_feed
from trials.admin.records import ReadOnly, user_may
from trials.domain.access import Right
from trials.models import User


def in_sight(request: HttpRequest) -> QuerySet[Participant]:
    """The participants whom the reader may see."""
    assert isinstance(request.user, User)
    return participants_visible_to(request.user, timezone.localdate())


class OfParticipants(ReadOnly):
    """Records of participants: of those in sight alone; `owner` is the path to the participant."""

    owner = "participant"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Those of the participants in sight."""
        records: QuerySet[Model] = super().get_queryset(request)
        return records.filter(**{f"{self.owner}__in": in_sight(request)})


@admin.register(Visit)
class VisitRecords(OfParticipants):
    """Planned, booked and done visits."""

    list_display = ("participant", "code", "label", "opens", "target", "closes", "performed_on", "missed_on")
    list_filter = ("participant__trial", "participant__site")
    list_select_related = ("participant",)
    search_fields = ("participant__subject_code", "code")
    date_hierarchy = "target"


@admin.register(ProtocolWindow)
class ProtocolWindowRecords(OfParticipants):
    """What must hold or must not happen."""

    list_display = ("participant", "label", "kind", "starts_on", "ends_on", "basis")
    list_filter = ("kind", "participant__trial")
    list_select_related = ("participant",)
    search_fields = ("participant__subject_code", "label")


@admin.register(Reminder)
class ReminderRecords(OfParticipants):
    """What was said, once."""

    owner = "visit__participant"
    list_display = ("visit", "kind", "due_on", "created_at", "sent_at")
    list_filter = ("kind",)
    list_select_related = ("visit",)


@admin.register(CalendarFeed)
class CalendarFeedRecords(ReadOnly):
    """Secret addresses of calendars; only their hashes are kept."""

    list_display = ("pk", "owner", "participant", "site", "created_at", "last_fetched_at", "revoked_at")
    list_select_related = ("owner", "participant", "site")
    actions = ("revoke",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[CalendarFeed]:
        """Those of participants in sight, and of sites for those who administer."""
        feeds: QuerySet[CalendarFeed] = super().get_queryset(request)
        seen = feeds.filter(participant__in=in_sight(request))
        return feeds if user_may(request, Right.ADMINISTER) else seen

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Those who administer revoke any address."""
        return user_may(request, Right.ADMINISTER)

    @admin.action(description=gettext_lazy("Revoke"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, feeds: QuerySet[CalendarFeed]) -> None:
        """Show nothing more behind these addresses."""
        for feed in feeds:
            revoke_feed(feed=feed, now=timezone.now())
