"""Machines that sign in by OAuth 2 client credentials: who they are, their secrets, their access tokens."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from trials.models.access import LANGUAGES, read_only
from trials.models.enumerated import only
from trials.models.places import Site
from trials.models.studies import Trial
from trials.models.users import User

MOST_REQUESTS = 6000


class ApiClient(models.Model):
    """A program of somebody else, with an account of its own: what it may do where, and until when.

    The audit trail names the account, so its user name is the client's name. Nobody signs in to it.
    """

    audit_hidden = ("last_used_on",)

    client_id = models.CharField(_("client id"), max_length=40, unique=True, editable=False)
    user = models.OneToOneField(User, on_delete=models.PROTECT, related_name="api_client")
    trial = models.ForeignKey(Trial, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    site = models.ForeignKey(Site, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    acts = models.JSONField(_("may"), default=read_only)
    language = models.CharField(_("language of its messages"), max_length=10, choices=LANGUAGES, default="en")
    requests_per_minute = models.PositiveIntegerField(
        _("requests a minute"),
        default=1200,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_REQUESTS)],
    )
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    last_used_on = models.DateField(_("last used"), null=True, blank=True, editable=False)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("API client")
        verbose_name_plural = _("API clients")
        ordering = ("id",)
        constraints = [
            only("language", [code for code, _name in LANGUAGES], name="client_language"),
            models.CheckConstraint(
                condition=Q(requests_per_minute__range=(1, MOST_REQUESTS)), name="client_requests_in_bounds"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """By which name people know it: that of its account."""
        return self.user.get_username()


class ClientSecret(models.Model):
    """A secret of a client, shown once and kept as its SHA-256; two are in use while one is rotated."""

    audit_hidden = ("digest", "last_used_on")

    client = models.ForeignKey(ApiClient, on_delete=models.PROTECT, related_name="secrets")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    last_used_on = models.DateField(_("last used"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("secret of an API client")
        verbose_name_plural = _("secrets of API clients")
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.client_id} {self.created_at}"


class AccessToken(models.Model):
    """What a client got for its secret, for an hour: kept as its SHA-256, gone with the secret."""

    audited = False

    secret = models.ForeignKey(ClientSecret, on_delete=models.PROTECT, related_name="tokens")
    digest = models.CharField(max_length=64, unique=True)
    acts = models.JSONField(default=list)
    trial = models.ForeignKey(Trial, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    site = models.ForeignKey(Site, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.secret_id} {self.expires_at}"

    @property
    def client(self) -> ApiClient:
        """Whose it is."""
        return self.secret.client

    @property
    def name(self) -> str:
        """The client's name."""
        return self.client.name

    @property
    def scope(self) -> Sequence[str]:
        """What it is good for, in the words of OAuth."""
        return [
            *self.acts,
            *([f"trial:{self.trial.code}"] if self.trial else []),
            *([f"site:{self.site.code}"] if self.site else []),
        ]
