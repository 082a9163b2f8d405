"""Visits, windows, reminders and feeds in the admin, to be read: whatever changes them is a service."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from participants.models import Participant
from participants.selectors.participants import participants_visible_to
from schedules.models import CalendarFeed, ProtocolWindow, Reminder, ReminderDelivery, Visit
from schedules.selectors.feeds.subscriptions import feeds_administered, feeds_visible_to, with_sight
from schedules.services.availability.site_days import people_moved_by
from schedules.services.feeds.subscriptions import revoke_feed
from trials import request_clock
from trials.admin.forms import watchers
from trials.admin.records import InSight, ReadOnly, by, scope_of, today
from trials.domain.accounts.access import Right

watchers.append(lambda site, days: people_moved_by(site=site, days=days, now=request_clock.now()))


def in_sight(request: HttpRequest) -> QuerySet[Participant]:
    """The participants whom the reader may see."""
    return participants_visible_to(by(request), today())


class OfParticipants(ReadOnly):
    """Records of participants: of those in sight alone; `owner` is the path to the participant."""

    views = (Right.VIEW,)
    owner = "participant"

    def rows_in_sight(self, request: HttpRequest) -> QuerySet[Any]:
        """Those of the participants in sight."""
        records: QuerySet[Any] = self.model._default_manager.all()  # noqa: SLF001 (public by custom)
        return records.filter(**{f"{self.owner}__in": in_sight(request)})


@admin.register(Visit)
class VisitRecords(OfParticipants):
    """Planned, booked and done visits."""

    list_display = ("participant", "code", "label", "opens", "target", "closes", "performed_on", "missed_on")
    list_filter = (("participant__trial", InSight), ("participant__site", InSight))
    list_select_related = ("participant",)
    search_fields = ("participant__subject_code", "code")
    date_hierarchy = "target"


@admin.register(ProtocolWindow)
class ProtocolWindowRecords(OfParticipants):
    """What must hold or must not happen."""

    list_display = ("participant", "label", "kind", "starts_on", "ends_on", "basis")
    list_filter = ("kind", ("participant__trial", InSight))
    list_select_related = ("participant",)
    search_fields = ("participant__subject_code", "label")


@admin.register(Reminder)
class ReminderRecords(OfParticipants):
    """What was said, once."""

    list_display = ("participant", "visit", "kind", "day", "due_on", "created_at", "sent_at")
    list_filter = ("kind",)
    list_select_related = ("participant", "visit")


@admin.register(ReminderDelivery)
class ReminderDeliveryRecords(OfParticipants):
    """What was said to whom, and what could not be."""

    owner = "reminder__participant"
    list_display = ("reminder", "recipient", "attempts", "tried_at", "sent_at", "refused_at", "reason")
    list_filter = (("refused_at", admin.EmptyFieldListFilter), ("sent_at", admin.EmptyFieldListFilter))
    list_select_related = ("reminder", "recipient")


@admin.register(CalendarFeed)
class CalendarFeedRecords(ReadOnly):
    """Secret addresses of calendars; only their hashes are kept."""

    views = (Right.VIEW, Right.ADMINISTER)
    list_display = ("pk", "owner", "whose", "site", "created_at", "last_fetched_at", "revoked_at")
    fields = ("owner", "whose", "site", "created_at", "last_fetched_at", "revoked_at")
    list_select_related = ("owner", "participant", "site")
    actions = ("revoke",)

    def rows_in_sight(self, request: HttpRequest) -> QuerySet[CalendarFeed]:
        """Those of participants in sight, and those of sites that the reader administers."""
        return feeds_visible_to(by(request), today())

    def get_queryset(self, request: HttpRequest) -> QuerySet[CalendarFeed]:
        """With whether the participant is in sight: who administers looks into no participant."""
        return with_sight(super().get_queryset(request), by(request), today())

    @admin.display(description=gettext_lazy("participant"))
    def whose(self, feed: CalendarFeed) -> str:
        """The participant's subject code, for anyone who may know it."""
        return str(feed.participant) if feed.participant and getattr(feed, "in_sight", False) else "–"

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Those who administer revoke addresses."""
        return scope_of(request).allows(Right.ADMINISTER)

    @admin.action(description=gettext_lazy("Revoke"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, feeds: QuerySet[CalendarFeed]) -> None:
        """Show nothing more behind these addresses, where one administers."""
        for feed in feeds_administered(feeds, by(request), today()):
            revoke_feed(feed=feed, now=request_clock.now())
