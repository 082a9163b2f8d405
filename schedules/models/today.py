"""What belongs to the Today page: preparations of a visit, saved views, the last look."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from schedules.models.visits import Visit
from trials.models import User
from trials.models.enumerated import choices_of, only

PREPARATIONS = {
    "doctor": _("slot with the doctor booked"),
    "orders": _("orders placed"),
    "bed": _("bed requested"),
}
"""What a hospital needs before a visit; a bed only for one on the ward."""


class VisitPreparation(models.Model):
    """One thing that is prepared for a visit; unticked, the row goes and the trail keeps it."""

    visit = models.ForeignKey(Visit, on_delete=models.PROTECT, related_name="preparations")
    kind = models.CharField(_("preparation"), max_length=8, choices=choices_of(PREPARATIONS))
    done_at = models.DateTimeField(_("done at"))
    done_by = models.ForeignKey(
        User, verbose_name=_("recorded by"), null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = _("preparation of a visit")
        verbose_name_plural = _("preparations of visits")
        constraints = [
            only("kind", PREPARATIONS, name="preparation_kind"),
            models.UniqueConstraint(fields=["visit", "kind"], name="preparation_once_per_visit"),
        ]

    def __str__(self) -> str:
        return f"{self.visit_id} {self.kind}"


class SavedView(models.Model):
    """A name for a choice of filters of one's own Today page."""

    audited = False

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="saved_views")
    name = models.CharField(_("name"), max_length=40)
    query = models.CharField(_("filters"), max_length=300, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        ordering = ("name",)
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="view_once_per_user")]

    def __str__(self) -> str:
        return self.name


class LastLook(models.Model):
    """Up to which entry of the trail somebody has read what others changed."""

    audited = False

    user = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True, related_name="last_look")
    entry = models.BigIntegerField(_("entry"), default=0)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("last look")
        verbose_name_plural = _("last looks")

    def __str__(self) -> str:
        return f"{self.user_id} {self.entry}"
