"""Who signs in."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """Someone who signs in; stands in the first migration, so that it can grow later."""

    audit_hidden = ("password", "last_login")
