"""Who signs in."""

from __future__ import annotations

from typing import NoReturn

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from trials.domain.accounts.accounts import AccountKept, ChangeKind, Resolution


class User(AbstractUser):
    """Someone who signs in: deactivated and never deleted, under a name that nobody else ever has.

    The database refuses a deletion, another name for an account and a name that differs from
    another one by capitals alone.
    """

    audit_hidden = ("password", "last_login")

    narrowed_to: tuple[int | None, int | None] = (None, None)
    """The site and the trial (ids) of the token by which a machine signed in; never stored."""

    password_set_at = models.DateTimeField(_("password set at"), null=True, blank=True, editable=False)
    link_issued_at = models.DateTimeField(_("link to a password issued at"), null=True, editable=False)

    single_keys = models.BooleanField(_("single keys"), default=True, db_default=True, editable=False)

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        constraints = [models.UniqueConstraint(Lower("username"), name="user_name_never_reused")]

    def delete(self, *args: object, **kwargs: object) -> NoReturn:
        """Refused: what somebody did stays theirs."""
        raise AccountKept(self.username)


class AccountChange(models.Model):
    """What somebody else did to an account by which they, or a third person, could sign in its owner's name.

    Until it is resolved the account signs nothing (`trials.services.accounts.account_changes`).
    """

    audit_hidden = ("address", "previous_password")

    KINDS = {
        ChangeKind.EMAIL: _("e-mail address changed"),
        ChangeKind.FACTORS: _("second factors removed"),
        ChangeKind.LINK: _("link to a password given out"),
        ChangeKind.PASSWORD: _("password set behind a link"),
    }
    RESOLUTIONS = {
        Resolution.OWNER: _("proved by the owner"),
        Resolution.SECOND: _("confirmed by a second administrator"),
        Resolution.WAITED: _("not stopped by the owner within 72 hours"),
    }

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="account_changes")
    kind = models.CharField(
        _("what was changed"), max_length=10, choices=[(kind.value, words) for kind, words in KINDS.items()]
    )
    by = models.ForeignKey(
        User, null=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("changed by")
    )
    at = models.DateTimeField(_("changed at"))
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    address = models.EmailField(max_length=254, blank=True)
    previous_password = models.CharField(max_length=128, blank=True)
    told_at = models.DateTimeField(_("owner told at"), null=True)
    stopped_at = models.DateTimeField(_("stopped by the owner at"), null=True)
    resolved_at = models.DateTimeField(_("resolved at"), null=True)
    resolution = models.CharField(
        _("resolution"),
        max_length=10,
        choices=[(way.value, words) for way, words in RESOLUTIONS.items()],
        blank=True,
    )
    resolved_by = models.ForeignKey(
        User, null=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("resolved by")
    )

    class Meta:
        verbose_name = _("change of an account by others")
        verbose_name_plural = _("changes of accounts by others")
        ordering = ("-at", "-id")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=[kind.value for kind in ChangeKind]), name="account_change_kind"
            ),
            models.CheckConstraint(
                condition=models.Q(resolved_at__isnull=True, resolution="")
                | models.Q(resolved_at__isnull=False, resolution__in=[way.value for way in Resolution]),
                name="account_change_resolved_one_way",
            ),
        ]
        indexes = [models.Index(fields=["user", "-at"], name="account_changes_of_user")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.kind} {self.at}"
