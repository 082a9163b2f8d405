"""Visits, protocol windows, reminders and calendar feeds as they are stored."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from participants.models import Participant
from trials.models import Site, User


def new_uid() -> str:
    """An opaque, permanent identifier for calendars, with nothing of the participant in it."""
    return str(uuid.uuid4())


class VisitPlace(models.TextChoices):
    """Where a visit happens."""

    WARD = "ward", _("ward")
    CLINIC = "clinic", _("clinic")
    PHONE = "phone", _("phone")
    HOME = "home", _("home")


class VisitTiming(models.TextChoices):
    """The four ways in which a visit is timed."""

    OFFSET = "offset", _("at an offset")
    WITHIN = "within", _("once within a range")
    EACH = "each", _("on every day of a range")
    OVER = "over", _("over a whole range")


class Basis(models.TextChoices):
    """Whether a record states a thing or somebody assumed it."""

    STATED = "stated", _("stated")
    ASSUMED = "assumed", _("assumed")


class Visit(models.Model):
    """One participant's own visit: what was planned, booked and done; its status is derived, never stored."""

    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="visits")
    code = models.CharField(_("visit"), max_length=64)
    rule_code = models.CharField(max_length=60)
    occurrence = models.PositiveSmallIntegerField(default=1)
    label = models.CharField(_("label"), max_length=120)
    epoch = models.CharField(_("epoch"), max_length=60)
    timing = models.CharField(_("timing"), max_length=8, choices=VisitTiming.choices)
    place = models.CharField(_("place"), max_length=8, choices=VisitPlace.choices)
    anchor_code = models.CharField(_("counted from"), max_length=60)
    anchor_on = models.DateField()
    anchor_at = models.DateTimeField(null=True, blank=True)
    anchor_kind = models.CharField(max_length=8)
    offset = models.CharField(max_length=16)
    opens = models.DateField(_("opens"))
    target = models.DateField(_("target"))
    closes = models.DateField(_("closes"))
    target_at = models.DateTimeField(null=True, blank=True)
    suggested = models.DateField(_("suggested"), null=True, blank=True)
    why_shifted = models.CharField(max_length=120, blank=True)
    timing_basis = models.CharField(max_length=8, choices=Basis.choices)
    tolerance_basis = models.CharField(max_length=8, choices=Basis.choices, blank=True)
    booked_start = models.DateTimeField(_("booked from"), null=True, blank=True)
    booked_end = models.DateTimeField(_("booked to"), null=True, blank=True)
    performed_on = models.DateField(_("performed on"), null=True, blank=True)
    performed_at = models.DateTimeField(_("performed at"), null=True, blank=True)
    missed_on = models.DateField(_("recorded as missed on"), null=True, blank=True)
    missed_reason = models.CharField(max_length=500, blank=True)
    cancelled_on = models.DateField(_("cancelled on"), null=True, blank=True)
    cancelled_reason = models.CharField(max_length=500, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    uid = models.CharField(max_length=36, unique=True, default=new_uid, editable=False)
    sequence = models.PositiveIntegerField(default=0, editable=False)
    changed_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("visit")
        verbose_name_plural = _("visits")
        ordering = ("target", "id")
        constraints = [
            models.UniqueConstraint(
                fields=["participant", "rule_code", "occurrence"], name="visit_once_per_participant"
            ),
            models.CheckConstraint(
                condition=Q(opens__lte=F("target")) & Q(target__lte=F("closes")), name="visit_window_in_order"
            ),
            models.CheckConstraint(
                condition=Q(booked_end__isnull=True) | Q(booked_start__lte=F("booked_end")),
                name="visit_booking_in_order",
            ),
            models.CheckConstraint(
                condition=Q(performed_at__isnull=True) | Q(performed_on__isnull=False),
                name="visit_performed_has_day",
            ),
            models.CheckConstraint(
                condition=Q(performed_on__isnull=True)
                | (Q(missed_on__isnull=True) & Q(cancelled_on__isnull=True)),
                name="visit_has_one_end",
            ),
        ]
        indexes = [
            models.Index(fields=["target", "id"], name="visit_by_target"),
            models.Index(
                fields=["closes", "opens"],
                condition=Q(performed_on__isnull=True, missed_on__isnull=True, cancelled_on__isnull=True),
                name="visit_live_by_closes",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.target}"


class WindowKind(models.TextChoices):
    """What a protocol window asks for."""

    PRESENCE = "presence", _("be near the site")
    STAY = "stay", _("be in hospital")
    OBSERVATION = "observation", _("be observed")
    FRESHNESS = "freshness", _("a test no older than")
    WASHOUT = "washout", _("not since")
    CONDUCT = "conduct", _("behave until")
    EVENT_AFTER = "event-after", _("an event at or after")


class ProtocolWindow(models.Model):
    """An interval of one participant in which something must hold; an end not known yet is empty."""

    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="protocol_windows")
    code = models.CharField(_("window"), max_length=60)
    label = models.CharField(_("label"), max_length=200)
    kind = models.CharField(_("kind"), max_length=16, choices=WindowKind.choices)
    starts_on = models.DateField(_("starts on"), null=True, blank=True)
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_on = models.DateField(_("ends on"), null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    basis = models.CharField(max_length=8, choices=Basis.choices)
    because = models.TextField(blank=True)

    class Meta:
        verbose_name = _("protocol window")
        verbose_name_plural = _("protocol windows")
        ordering = ("participant", "id")
        constraints = [
            models.UniqueConstraint(fields=["participant", "code"], name="window_once_per_participant"),
            models.CheckConstraint(
                condition=Q(starts_on__isnull=True)
                | Q(ends_on__isnull=True)
                | Q(starts_on__lte=F("ends_on")),
                name="window_in_order",
            ),
        ]

    def __str__(self) -> str:
        return self.code


class Reminder(models.Model):
    """A thing that must be said once: one row for it, claimed and then sent."""

    audited = False

    key = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=20)
    visit = models.ForeignKey(Visit, on_delete=models.PROTECT, related_name="reminders")
    due_on = models.DateField(_("due on"))
    created_at = models.DateTimeField(db_default=Now())
    claimed_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)

    class Meta:
        verbose_name = _("reminder")
        verbose_name_plural = _("reminders")
        ordering = ("-due_on", "id")
        constraints = [
            models.CheckConstraint(
                condition=Q(sent_at__isnull=True) | Q(claimed_at__isnull=False),
                name="reminder_claimed_before_sent",
            )
        ]

    def __str__(self) -> str:
        return self.key


class CalendarState(models.Model):
    """The revision of what a participant's calendar shows; it rises with every change that feeds render."""

    audited = False

    participant = models.OneToOneField(
        Participant, on_delete=models.PROTECT, primary_key=True, related_name="calendar_state"
    )
    revision = models.PositiveIntegerField(default=1)
    changed_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.participant_id} r{self.revision}"


class CalendarFeed(models.Model):
    """A secret address of a participant's or a site's calendar, kept as the SHA-256 of its token."""

    audit_hidden = ("token_digest", "last_fetched_at")

    token_digest = models.CharField(max_length=64, unique=True, editable=False)
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="calendar_feeds")
    participant = models.ForeignKey(
        Participant, null=True, blank=True, on_delete=models.PROTECT, related_name="feeds"
    )
    site = models.ForeignKey(Site, null=True, blank=True, on_delete=models.PROTECT, related_name="feeds")
    created_at = models.DateTimeField(db_default=Now())
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    last_fetched_at = models.DateTimeField(_("last fetched"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("calendar feed")
        verbose_name_plural = _("calendar feeds")
        constraints = [
            models.CheckConstraint(
                condition=Q(participant__isnull=True, site__isnull=False)
                | Q(participant__isnull=False, site__isnull=True),
                name="feed_of_one_thing",
            )
        ]

    def __str__(self) -> str:
        return f"feed {self.pk}"
