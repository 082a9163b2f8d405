"""Encrypt the stored secrets of channels and webhooks with the newest key."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from trials.services.channels.channels import recognise_channels
from trials.stored_secrets import SecretsUnreadable, can_store_secrets, renew_stored_secrets


class Command(BaseCommand):
    """`manage.py renew_secrets`."""

    help = "Encrypt stored secrets with the first of STORED_SECRET_KEYS, and sign channels with SECRET_KEY."

    def handle(self, *args: Any, **options: Any) -> None:
        """Renew, say how many, and end with an error where one could not be."""
        if not can_store_secrets():
            raise CommandError(str(SecretsUnreadable.without_key()))
        left: list[str] = []
        count = renew_stored_secrets(left.append)
        recognise_channels()
        self.stdout.write(f"{count} secrets are encrypted with the newest key.")
        if left:
            raise CommandError("Keep the older keys. Not renewed:\n" + "\n".join(left))
