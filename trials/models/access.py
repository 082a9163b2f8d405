"""Who signs in, in which role, and the keys of machines."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from trials.models.enumerated import only
from trials.models.places import Site
from trials.models.studies import Trial
from trials.models.users import User


class Role(models.TextChoices):
    """What somebody may do at a site or in a trial."""

    COORDINATOR = "coordinator", _("coordinator")
    INVESTIGATOR = "investigator", _("investigator")
    MONITOR = "monitor", _("monitor")
    DATA_MANAGER = "data_manager", _("data manager")
    DESIGNER = "designer", _("designer")
    ADMINISTRATOR = "administrator", _("administrator")


LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]


class Membership(models.Model):
    """A role that a user holds for some days; without a site or a trial it holds for all of them.

    Once withdrawn it holds no more, whatever its last day is.
    """

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(_("role"), max_length=20, choices=Role.choices)
    site = models.ForeignKey(
        Site, null=True, blank=True, on_delete=models.PROTECT, related_name="memberships"
    )
    trial = models.ForeignKey(
        Trial, null=True, blank=True, on_delete=models.PROTECT, related_name="memberships"
    )
    starts_on = models.DateField(_("starts on"))
    ends_on = models.DateField(_("ends on"), null=True, blank=True, help_text=_("The last day."))
    granted_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("granted by")
    )
    granted_at = models.DateTimeField(_("granted at"), db_default=Now(), editable=False)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True, blank=True, editable=False)
    withdrawn_by = models.ForeignKey(
        User,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("withdrawn by"),
    )
    withdrawn_reason = models.CharField(
        pgettext_lazy("role", "reason of withdrawal"), max_length=300, blank=True
    )

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        ordering = ("user_id", "starts_on")
        constraints = [
            only("role", Role.values, name="membership_role"),
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gte=F("starts_on")),
                name="membership_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role}"


class ApiAct(models.TextChoices):
    """What a machine may do through the API, each given by itself."""

    READ = "read", _("read")
    VISITS = "visits:write", _("record visits")
    ANCHORS = "anchors:write", _("record anchors")
    FACTS = "facts:write", _("record facts")
    PLAN = "plan:write", _("re-plan: move planned days, change traits or the version")
    MAP = "map:write", _("change the map of its EDC")
    WEBHOOKS = "webhooks:write", _("manage its webhooks")


def read_only() -> list[str]:
    """What a token may do where nobody says more."""
    return [ApiAct.READ.value]


class ApiToken(models.Model):
    """A machine's key to the API, shown once and kept as its SHA-256.

    It may do what its user may, at the site and in the trial named (none: all of the user's), and of that
    the acts given. `replaces` is the token that it was rotated from, which goes on for an overlap.
    """

    audit_hidden = ("digest", "last_used_on")

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="api_tokens")
    name = models.CharField(_("name"), max_length=100)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(db_default=Now())
    last_used_on = models.DateField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)
    trial = models.ForeignKey(Trial, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    site = models.ForeignKey(Site, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    acts = models.JSONField(_("may"), default=read_only)
    language = models.CharField(
        _("language of its messages"),
        max_length=10,
        blank=True,
        choices=LANGUAGES,
        default="",
    )
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    replaces = models.ForeignKey(
        "self", null=True, blank=True, editable=False, on_delete=models.PROTECT, related_name="replaced_by"
    )

    class Meta:
        constraints = [
            only("language", [code for code, _name in LANGUAGES], name="token_language", blank=True)
        ]
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")

    def __str__(self) -> str:
        return self.name
