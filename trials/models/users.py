"""Who signs in."""

from __future__ import annotations

from typing import NoReturn

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from trials.domain.accounts import AccountKept


class User(AbstractUser):
    """Someone who signs in: deactivated and never deleted, under a name that nobody else ever has.

    The database refuses a deletion, another name for an account and a name that differs from
    another one by capitals alone.
    """

    audit_hidden = ("password", "last_login")

    password_set_at = models.DateTimeField(_("password set at"), null=True, blank=True, editable=False)
    link_issued_at = models.DateTimeField(_("link to a password issued at"), null=True, editable=False)

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        constraints = [models.UniqueConstraint(Lower("username"), name="user_name_never_reused")]

    def delete(self, *args: object, **kwargs: object) -> NoReturn:
        """Refused: what somebody did stays theirs."""
        raise AccountKept(self.username)
