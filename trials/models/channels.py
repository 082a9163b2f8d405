"""Channels by which messages leave beside bell and e-mail, and how each way has done lately."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from trials.domain.channels.kinds import KINDS, ChannelKind
from trials.models.enumerated import choices_of, only
from trials.models.places import Site
from trials.models.studies import Trial
from trials.models.users import User

CHANNEL_KINDS = {kind: _(known.label) for kind, known in KINDS.items()}
LANGUAGES = {"en": _("English"), "zh-hans": _("Simplified Chinese")}


class Channel(models.Model):
    """A way out to a group at a site or in a trial, or to one person; its secret is stored encrypted.

    The address is a part of the secret: anyone who knows a robot's address can write to the group. Channels
    with the same `receiver` reach the same robot, which then hears each thing once and takes as much as one;
    empty where the address could not be read.
    """

    audit_hidden = ("secret", "receiver")

    trial = models.ForeignKey(
        Trial,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="channels",
        verbose_name=_("trial"),
    )
    site = models.ForeignKey(
        Site, null=True, blank=True, on_delete=models.PROTECT, related_name="channels", verbose_name=_("site")
    )
    user = models.ForeignKey(
        User,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="channels",
        verbose_name=_("person"),
    )
    kind = models.CharField(_("kind"), max_length=12, choices=choices_of(CHANNEL_KINDS))
    name = models.CharField(_("name"), max_length=80)
    host = models.CharField(_("server"), max_length=255)
    language = models.CharField(_("language"), max_length=8, choices=choices_of(LANGUAGES))
    keyword = models.CharField(_("keyword"), max_length=40, blank=True)
    secret = models.TextField(editable=False)
    receiver = models.CharField(max_length=30, blank=True, default="", db_default="", editable=False)
    renewed_at = models.DateTimeField(_("address entered at"))
    off_at = models.DateTimeField(_("switched off at"), null=True, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        verbose_name = _("channel")
        verbose_name_plural = _("channels")
        ordering = ("name", "id")
        constraints = [
            only("kind", ChannelKind, name="channel_kind"),
            only("language", [code for code, _name in settings.LANGUAGES], name="channel_language"),
            models.CheckConstraint(
                condition=Q(user__isnull=False, site__isnull=True, trial__isnull=True)
                | Q(user__isnull=True, site__isnull=False)
                | Q(user__isnull=True, trial__isnull=False),
                name="channel_of_a_person_or_a_place",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def way(self) -> str:
        """The name by which its deliveries are kept."""
        return f"channel:{self.pk}"

    @property
    def receiver_way(self) -> str:
        """The name by which the health of its receiver is kept, and who claims what leaves to it."""
        return f"receiver:{self.receiver}" if self.receiver else self.way


class ChannelHealth(models.Model):
    """How a way out has done lately: whether it rests, and what it has taken lately; no trial data."""

    audited = False

    way = models.CharField(max_length=40, unique=True)
    failures = models.PositiveIntegerField(default=0)
    rests = models.PositiveIntegerField(default=0)
    rests_until = models.DateTimeField(_("rests until"), null=True, blank=True)
    minute = models.DateTimeField(null=True, blank=True)
    sent = models.PositiveIntegerField(default=0)
    answered_at = models.DateTimeField(_("last answered"), null=True, blank=True)
    failed_at = models.DateTimeField(_("last failed"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("health of a channel")
        verbose_name_plural = _("health of channels")
        ordering = ("way",)

    def __str__(self) -> str:
        return self.way
