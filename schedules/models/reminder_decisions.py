"""What administrators decided about deliveries of reminders that failed."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from participants.models import Participant
from schedules.models.reminders import ReminderDelivery
from trials.models import User
from trials.models.enumerated import choices_of, only

DECISIONS = {"retry": _("tried again"), "give_up": _("given up"), "mute": _("muted")}


class ReminderDecision(models.Model):
    """One decision about one delivery, with its reason. The ledger itself is no record; this is."""

    # without a check in the database, as the deliveries themselves
    delivery = models.ForeignKey(
        ReminderDelivery, on_delete=models.PROTECT, related_name="decisions", db_constraint=False
    )
    participant = models.ForeignKey(
        Participant, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    decision = models.CharField(_("decision"), max_length=8, choices=choices_of(DECISIONS))
    reason = models.CharField(_("reason"), max_length=300)
    decided_at = models.DateTimeField(_("decided at"))
    decided_by = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="+", verbose_name=_("decided by"), db_index=False
    )

    class Meta:
        verbose_name = _("decision about a reminder")
        verbose_name_plural = _("decisions about reminders")
        ordering = ("-id",)
        constraints = [only("decision", DECISIONS, name="reminder_decision_known")]

    def __str__(self) -> str:
        return f"{self.delivery_id} {self.decision}"
