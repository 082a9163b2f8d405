"""What a site has to see people with: rooms, beds, staff and slots, with their hours and closed days."""

from __future__ import annotations

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from trials.domain.sites.resources import DEFAULT_MINUTES, ResourceKind
from trials.models.enumerated import choices_of, only
from trials.models.places import WEEKDAY_NUMBERS, Site

KIND_NAMES = {
    ResourceKind.ROOM: pgettext_lazy("kind of resource", "Room"),
    ResourceKind.BED: pgettext_lazy("kind of resource", "Bed"),
    ResourceKind.STAFF: pgettext_lazy("kind of resource", "Staff"),
    ResourceKind.SLOT: pgettext_lazy("kind of resource", "Slot"),
}


class Resource(models.Model):
    """A room, a bed, somebody of the staff or a slot, of which a booking may name one."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="resources")
    kind = models.CharField(_("kind"), max_length=8, choices=choices_of(KIND_NAMES))
    name = models.CharField(_("name"), max_length=120)
    capacity = models.PositiveSmallIntegerField(
        _("how many at once"), default=1, validators=[MinValueValidator(1)]
    )
    opens_at = models.TimeField(_("from the hour"), null=True, blank=True)
    closes_at = models.TimeField(_("to the hour"), null=True, blank=True)
    weekdays = models.CharField(
        _("weekdays"),
        max_length=7,
        blank=True,
        validators=[WEEKDAY_NUMBERS],
        help_text=_("1 for Monday to 7 for Sunday; empty: every day on which the site works."),
    )
    minutes = models.PositiveSmallIntegerField(_("usual length in minutes"), default=DEFAULT_MINUTES)
    retired_on = models.DateField(_("not used since"), null=True, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        verbose_name = _("resource")
        verbose_name_plural = _("resources")
        ordering = ("site_id", "kind", "name", "id")
        constraints = [
            only("kind", ResourceKind, name="resource_kind"),
            models.UniqueConstraint(
                fields=["site", "kind", "name"],
                condition=Q(retired_on__isnull=True),
                name="resource_once_at_site",
            ),
            models.CheckConstraint(condition=Q(capacity__gte=1), name="resource_capacity"),
            models.CheckConstraint(
                condition=Q(opens_at__isnull=True)
                | Q(closes_at__isnull=True)
                | Q(opens_at__lt=F("closes_at")),
                name="resource_hours_in_order",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ResourceClosure(models.Model):
    """Days on which a resource cannot be used: a room under repair, somebody on leave."""

    resource = models.ForeignKey(Resource, on_delete=models.PROTECT, related_name="closures")
    first = models.DateField(_("first day"))
    last = models.DateField(_("last day"))
    note = models.CharField(_("note"), max_length=200, blank=True)
    ended = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("closed days of a resource")
        verbose_name_plural = _("closed days of resources")
        ordering = ("first", "id")
        constraints = [models.CheckConstraint(condition=Q(first__lte=F("last")), name="closure_in_order")]

    def __str__(self) -> str:
        return f"{self.first} {self.last}"
