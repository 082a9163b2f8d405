"""Visit cards that were handed out."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from participants.models import Participant
from trials.models import User
from trials.models.access import LANGUAGES
from trials.models.enumerated import only


class VisitCardGiven(models.Model):
    """A card that a participant was given: its day at the site, and a digest of the days and hours on it."""

    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="visit_cards")
    given_on = models.DateField(_("handed out on"))
    language = models.CharField(_("language"), max_length=10, choices=LANGUAGES)
    digest = models.CharField(_("digest"), max_length=64)
    given_at = models.DateTimeField(_("recorded at"))
    given_by = models.ForeignKey(
        User, verbose_name=_("recorded by"), null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = _("visit card handed out")
        verbose_name_plural = _("visit cards handed out")
        ordering = ("-given_at", "-pk")
        constraints = [
            only("language", [code for code, _name in LANGUAGES], name="visit_card_language"),
        ]
        indexes = [models.Index(fields=["participant", "-given_at"], name="visit_cards_of_participant")]

    def __str__(self) -> str:
        return f"{self.participant_id} {self.given_on}"
