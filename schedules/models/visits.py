"""Visits and protocol windows as they are stored."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from participants.models import CourseStep, Participant
from schedules.domain.plan.values import AnchorKind
from trials.domain.protocols.terms import ALL_TERMS, WindowKind
from trials.models import ProtocolVersion, Resource
from trials.models.enumerated import choices_of, only
from trials.models.labels import LabelField


def new_uid() -> str:
    """An opaque, permanent identifier for calendars, with nothing of the participant in it."""
    return str(uuid.uuid4())


NEVER_JUDGED = datetime(1970, 1, 1, tzinfo=UTC)
"""Since when a new window is due to be judged: the next sweep takes it up, whatever its clock shows."""


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


ANCHOR_KINDS = {
    AnchorKind.PLANNED: _("planned"),
    AnchorKind.ACTUAL: _("actual"),
    AnchorKind.DERIVED: _("derived"),
}


class Basis(models.TextChoices):
    """Whether a record states a thing or somebody assumed it."""

    STATED = "stated", _("stated")
    ASSUMED = "assumed", _("assumed")


RUNNING: dict[str, object] = {
    "performed_on": None,
    "missed_on": None,
    "cancelled_on": None,
    "held_on": None,
    "applies": True,
}
"""The conditions on visits of which nothing is recorded, so that both their axes follow from the day."""

LOST_BOOKING = Q(booked_on__isnull=False, outside_reason="") & (
    Q(booked_on__lt=F("opens")) | Q(booked_on__gt=F("closes"))
)
"""The condition on visits whose window has moved away from their booking, in the words of its index."""
LIVE = Q(performed_on__isnull=True, missed_on__isnull=True, cancelled_on__isnull=True)
"""The condition on visits that nothing has ended, in the words of the indexes of live visits."""
OVER = Q(performed_on__isnull=False) | Q(missed_on__isnull=False) | Q(cancelled_on__isnull=False)
"""The contrary, in the words of its index."""
_OFF = Q(cancelled_on__isnull=False) | Q(applies=False)
CANCELLED = Q(performed_on__isnull=True) & _OFF
"""The condition on visits that a person or a step of the course has cancelled, in the words of its index."""
NOT_APPLICABLE = Q(performed_on__isnull=True, applies=False)
"""The condition on those of them that no longer apply, in the words of its index."""
STOPPED = CANCELLED & Q(cancelled_by__isnull=False)
"""The condition on those that a step of the course has cancelled, in the words of its index."""
SKIPPED = Q(performed_on__isnull=True, cancelled_by__isnull=True) & (_OFF | Q(missed_on__isnull=False))
"""The condition on visits that were missed, or cancelled by a person, in the words of its index."""
MISSED = Q(performed_on__isnull=True, missed_on__isnull=False, cancelled_on__isnull=True, applies=True)
"""The condition on visits that a person recorded as missed, in the words of its index."""
COUNTS_FROM_PLANNED = Q(anchor_kind=AnchorKind.PLANNED.value, unscheduled=False, target__gt=F("anchor_on"))
"""The condition on visits that wait once their planned day has passed, in the words of its index."""


class VisitQuerySet(models.QuerySet["Visit"]):
    """Visits by what is known of them; `VisitState` says the same of one that was read."""

    def of(self, participant: Participant | int) -> VisitQuerySet:
        """Keep those of one participant."""
        return self.filter(participant=participant)

    def live(self) -> VisitQuerySet:
        """Keep those that nothing has ended: not done, missed or cancelled."""
        return self.filter(performed_on=None, missed_on=None, cancelled_on=None)

    def running(self) -> VisitQuerySet:
        """Keep the live ones whose window runs: not on hold, and asked for by the plan."""
        return self.filter(**RUNNING)

    def done(self) -> VisitQuerySet:
        """Keep those that took place."""
        return self.filter(performed_on__isnull=False)

    def asked_for(self) -> VisitQuerySet:
        """Keep those that the protocol asks for, without what was added at the site."""
        return self.filter(unscheduled=False)

    def to_come_by(self, day: date) -> VisitQuerySet:
        """Keep those whose window has not closed before this day, or that are booked outside it for later."""
        return self.filter(Q(closes__gte=day) | (Q(booked_on__gte=day) & ~Q(outside_reason="")))

    def touching(self, first: date, last: date) -> VisitQuerySet:
        """Keep those whose window has a day in common with this range."""
        return self.filter(opens__lte=last, closes__gte=first)


class Visit(models.Model):
    """One participant's own visit: what was planned, booked and done; its status is derived, never stored."""

    audit_hidden = ("sequence", "changed_at")
    """What phones are told of an edit; the entry of the edit says when it was itself."""

    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="visits")
    code = models.CharField(_("visit"), max_length=64)
    rule_code = models.CharField(max_length=60)
    occurrence = models.PositiveSmallIntegerField(default=1)
    label = LabelField(_("label"), max_length=120)
    epoch = models.CharField(_("epoch"), max_length=60)
    timing = models.CharField(_("timing"), max_length=8, choices=VisitTiming.choices)
    place = models.CharField(_("place"), max_length=8, choices=VisitPlace.choices)
    anchor_code = models.CharField(_("counted from"), max_length=60)
    anchor_on = models.DateField()
    anchor_at = models.DateTimeField(null=True, blank=True)
    anchor_kind = models.CharField(max_length=8, choices=choices_of(ANCHOR_KINDS))
    offset = models.CharField(max_length=16)
    opens = models.DateField(_("opens"))
    target = models.DateField(_("target"))
    closes = models.DateField(_("closes"))
    target_at = models.DateTimeField(null=True, blank=True)
    suggested = models.DateField(_("suggested"), null=True, blank=True)
    why_shifted = models.CharField(max_length=120, blank=True)
    timing_basis = models.CharField(max_length=8, choices=Basis.choices)
    tolerance_basis = models.CharField(max_length=8, choices=Basis.choices, blank=True)
    unscheduled = models.BooleanField(default=False)
    attempt = models.PositiveSmallIntegerField(default=1)
    booked_on = models.DateField(_("booked on"), null=True, blank=True)
    booked_start = models.DateTimeField(_("booked from"), null=True, blank=True)
    booked_end = models.DateTimeField(_("booked to"), null=True, blank=True)
    booked_zone = models.CharField(
        _("zone of the booking"), max_length=64, blank=True, default="", db_default=""
    )
    booked_place = models.CharField(_("place"), max_length=120, blank=True)
    booked_resource = models.ForeignKey(
        Resource,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("room, bed or slot"),
        db_index=False,  # looked up by the day of the booking, and every index costs each re-planning
    )
    booked_staff = models.ForeignKey(
        Resource,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("seen by"),
        db_index=False,  # as above
    )
    arrived_on = models.DateField(_("arrived on"), null=True, blank=True)
    arrived_at = models.DateTimeField(_("arrived at"), null=True, blank=True)
    arrived_zone = models.CharField(
        _("zone of the arrival"), max_length=64, blank=True, default="", db_default=""
    )
    performed_on = models.DateField(_("performed on"), null=True, blank=True)
    performed_at = models.DateTimeField(_("performed at"), null=True, blank=True)
    performed_zone = models.CharField(
        _("zone of the record"), max_length=64, blank=True, default="", db_default=""
    )
    outside_reason = models.CharField(_("reason for a day outside the window"), max_length=500, blank=True)
    missed_on = models.DateField(_("recorded as missed on"), null=True, blank=True)
    missed_reason = models.CharField(max_length=500, blank=True)
    cancelled_on = models.DateField(_("cancelled on"), null=True, blank=True)
    cancelled_reason = models.CharField(max_length=500, blank=True)
    cancelled_by = models.ForeignKey(
        CourseStep,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="cancelled_visits",
        db_index=False,  # looked up within one participant, and every index costs each re-planning
    )
    applies = models.BooleanField(_("applies"), default=True)
    held_on = models.DateField(_("on hold since"), null=True, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    uid = models.CharField(max_length=36, unique=True, default=new_uid, editable=False)
    sequence = models.PositiveIntegerField(default=0, editable=False)
    done_under = models.ForeignKey(
        ProtocolVersion,
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,  # read with the participant's other visits
        help_text="The version under which it was done, where its participant has gone on to another one.",
    )
    changed_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = VisitQuerySet.as_manager()

    class Meta:
        verbose_name = _("visit")
        verbose_name_plural = _("visits")
        ordering = ("target", "id")
        constraints = [
            only("tolerance_basis", Basis.values, name="visit_tolerance_basis", blank=True),
            only("timing_basis", Basis.values, name="visit_timing_basis"),
            only("place", VisitPlace.values, name="visit_place"),
            only("timing", VisitTiming.values, name="visit_timing"),
            only("anchor_kind", AnchorKind, name="visit_anchor_kind"),
            models.UniqueConstraint(
                fields=["participant", "rule_code", "occurrence", "attempt"],
                name="visit_once_per_participant",
            ),
            models.CheckConstraint(
                condition=Q(opens__lte=F("target")) & Q(target__lte=F("closes")), name="visit_window_in_order"
            ),
            models.CheckConstraint(
                condition=Q(booked_start__isnull=True) | Q(booked_on__isnull=False),
                name="visit_booked_hour_has_day",
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
            models.CheckConstraint(
                condition=Q(cancelled_on__isnull=False) | Q(applies=True, cancelled_by__isnull=True),
                name="visit_cancelled_has_day",
            ),
        ]
        indexes = [
            models.Index(fields=["target", "id"], name="visit_by_target"),
            # both with the participant: of all who are booked on a day only a site's own are read
            models.Index(
                fields=["booked_on", "participant"],
                condition=Q(booked_on__isnull=False),
                name="visit_by_booking",
            ),
            models.Index(
                fields=["closes", "id", "opens"],  # by the id, as lists are read: thousands close on one day
                condition=Q(performed_on__isnull=True, missed_on__isnull=True, cancelled_on__isnull=True),
                name="visit_live_by_closes",
            ),
            models.Index(
                fields=["target", "id"],
                condition=Q(
                    performed_on__isnull=True,
                    missed_on__isnull=True,
                    cancelled_on__isnull=True,
                    applies=True,
                ),
                name="visit_live_by_target",
            ),
            models.Index(
                fields=["booked_on", "participant"],
                condition=Q(
                    booked_on__isnull=False,
                    performed_on__isnull=True,
                    missed_on__isnull=True,
                    cancelled_on__isnull=True,
                ),
                name="visit_live_by_booking",
            ),
            models.Index(
                fields=["opens", "closes"],  # both: the rule of half windows reads them for all that are open
                condition=Q(performed_on__isnull=True, missed_on__isnull=True, cancelled_on__isnull=True),
                name="visit_live_by_opening",
            ),
            models.Index(
                # a day on the ward comes without a booking: of all that are open few are such days
                fields=["opens", "closes", "id"],
                condition=LIVE & Q(place=VisitPlace.WARD.value, booked_on__isnull=True),
                name="visit_live_on_ward",
            ),
            # What Today counts of many people, each part to a bound: rows that are left out are not passed.
            models.Index(
                fields=["closes", "id", "opens"],
                condition=LIVE & Q(applies=True, held_on__isnull=True, booked_on__isnull=True),
                name="visit_running_unbooked",
            ),
            models.Index(
                fields=["booked_on", "booked_start", "id"],
                condition=LIVE & Q(booked_on__isnull=False),
                name="visit_live_by_hour",
            ),
            models.Index(
                fields=["booked_on", "id"], condition=LIVE & LOST_BOOKING, name="visit_lost_booking"
            ),
            models.Index(
                fields=["arrived_on", "id"],
                condition=LIVE & Q(arrived_on__isnull=False),
                name="visit_live_arrived",
            ),
            # Few visits wait, and few of those that nothing is awaited of close on a day to come: the filters
            # of windows find them without walking along everybody's.
            models.Index(fields=["held_on"], condition=Q(held_on__isnull=False), name="visit_held"),
            models.Index(fields=["anchor_on"], condition=COUNTS_FROM_PLANNED, name="visit_from_planned"),
            models.Index(fields=["closes", "id"], condition=OVER, name="visit_over_by_closes"),
            models.Index(fields=["id"], condition=Q(performed_on__isnull=False), name="visit_done"),
            # Each by the id, by which lists are read; with the participant no row of another site is read.
            # An index of all that ended would be walked to the end where few of them were, say, missed.
            *(
                models.Index(fields=["id", "participant"], condition=ended, name=name)
                for name, ended in (
                    ("visit_cancelled", CANCELLED),
                    ("visit_not_applicable", NOT_APPLICABLE),
                    ("visit_stopped", STOPPED),
                    ("visit_skipped", SKIPPED),
                    ("visit_missed", MISSED),
                )
            ),
            models.Index(
                fields=["performed_on"],
                condition=Q(
                    performed_on__isnull=False,
                    cancelled_on__isnull=True,
                    epoch="screening",
                    anchor_kind__in=["planned", "derived"],
                ),
                name="visit_screened",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.target}"


WINDOW_LABELS = {one.kind: _(one.label) for one in ALL_TERMS}
"""What a protocol window asks for, in a word or two."""


class ProtocolWindow(models.Model):
    """An interval of one participant in which something must hold; an end not known yet is empty.

    `judge_at` is when the sweep looks at it next; empty where time alone changes nothing any more.
    """

    audit_hidden = ("judge_at",)

    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="protocol_windows")
    code = models.CharField(_("window"), max_length=60)
    label = LabelField(_("label"), max_length=200)
    kind = models.CharField(_("kind"), max_length=16, choices=choices_of(WINDOW_LABELS))
    starts_on = models.DateField(_("starts on"), null=True, blank=True)
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_on = models.DateField(_("ends on"), null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    basis = models.CharField(max_length=8, choices=Basis.choices)
    because = models.TextField(blank=True)
    judge_at = models.DateTimeField(
        null=True, blank=True, default=NEVER_JUDGED, help_text="When the verdict may change by time alone."
    )
    cancelled_on = models.DateField(null=True, blank=True)

    class Meta:
        verbose_name = _("protocol window")
        verbose_name_plural = _("protocol windows")
        ordering = ("participant_id", "id")
        constraints = [
            only("basis", Basis.values, name="window_basis"),
            only("kind", WindowKind, name="window_kind"),
            models.UniqueConstraint(fields=["participant", "code"], name="window_once_per_participant"),
            models.CheckConstraint(
                condition=Q(starts_on__isnull=True)
                | Q(ends_on__isnull=True)
                | Q(starts_on__lte=F("ends_on")),
                name="window_in_order",
            ),
        ]
        indexes = [
            models.Index(fields=["judge_at"], condition=Q(judge_at__isnull=False), name="window_to_judge"),
            models.Index(
                fields=["kind", "starts_on"], condition=Q(cancelled_on__isnull=True), name="window_by_start"
            ),
            models.Index(
                # both days: of all that end later only those that have begun are read
                fields=["kind", "ends_on", "starts_on"],
                condition=Q(cancelled_on__isnull=True),
                name="window_by_end",
            ),
        ]

    def __str__(self) -> str:
        return self.code
