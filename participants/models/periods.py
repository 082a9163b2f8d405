"""The sites that a participant has left: of their time there the site keeps reading its own record."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from participants.models.participant import Participant
from trials.models import Site


class SitePeriod(models.Model):
    """The days that a participant spent at a site before a transfer; both ends inside.

    `starts_on` is None at the site of enrolment. Written by the transfer and never changed.
    """

    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="site_periods")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    starts_on = models.DateField(_("from"), null=True, blank=True)
    ended_on = models.DateField(_("until"))
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("period at a former site")
        verbose_name_plural = _("periods at former sites")
        ordering = ("participant_id", "id")
        constraints = [
            models.CheckConstraint(
                condition=Q(starts_on__isnull=True) | Q(starts_on__lte=F("ended_on")),
                name="site_period_in_order",
            )
        ]

    def __str__(self) -> str:
        return f"{self.participant_id} {self.site_id} {self.ended_on}"
