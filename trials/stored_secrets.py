"""Secrets that must be used again are stored encrypted, with a key of their own that can be renewed.

`settings.STORED_SECRET_KEYS` holds Fernet keys, the newest first: it encrypts, all of them decrypt.
`manage.py renew_secrets` encrypts what is stored with the newest, after which the older ones can go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import gettext as _

from trials.domain.errors import DomainError

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet


class SecretsUnreadable(DomainError):
    """Secrets cannot be stored or read: no key is set, or none of those set fits."""


def can_store_secrets() -> bool:
    """Say whether there is a key to store secrets with."""
    return bool(settings.STORED_SECRET_KEYS)


def encrypted(secret: str) -> str:
    """Give a secret as it is stored. Raises SecretsUnreadable without a key."""
    return _box().encrypt(secret.encode()).decode("ascii")


def decrypted(stored: str) -> str:
    """Give a stored secret as it was. Raises SecretsUnreadable without the key that it was stored with."""
    from cryptography.fernet import InvalidToken  # noqa: PLC0415

    try:
        return _box().decrypt(stored.encode()).decode()
    except InvalidToken as error:
        raise SecretsUnreadable(
            _("A stored secret cannot be read: the key that it was stored with is not in STORED_SECRET_KEYS.")
        ) from error


def encrypted_again(stored: str) -> str:
    """Give a stored secret encrypted with the newest key. Raises SecretsUnreadable as `decrypted`."""
    return encrypted(decrypted(stored))


def _box() -> MultiFernet:
    from cryptography.fernet import Fernet, MultiFernet  # noqa: PLC0415

    if not settings.STORED_SECRET_KEYS:
        raise SecretsUnreadable(
            _("Secrets cannot be stored here: set STORED_SECRET_KEYS in the environment of the server.")
        )
    try:
        return MultiFernet([Fernet(key.strip()) for key in settings.STORED_SECRET_KEYS])
    except ValueError as error:
        raise SecretsUnreadable(
            _("STORED_SECRET_KEYS holds something that is no key: each is 32 bytes in URL-safe base64.")
        ) from error
