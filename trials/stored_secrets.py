"""Secrets that must be used again are stored encrypted, with a key of their own that can be renewed.

`settings.STORED_SECRET_KEYS` holds Fernet keys, the newest first: it encrypts, all of them decrypt.
`manage.py renew_secrets` encrypts what is stored with the newest, after which the older ones can go.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.apps import apps
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from trials.domain.channels.failures import NO_SUCH_KEY, OTHER_KEY, WITHOUT_KEY
from trials.domain.errors import DomainError

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet


COLUMNS = [
    ("trials", "channel", "secret"),
    ("schedules", "webhook", "secret"),
    ("schedules", "webhook", "previous_secret"),
]
"""Where secrets are stored: app, model and column. `renew_secrets` goes through all of them."""


class SecretsUnreadable(DomainError):
    """Secrets cannot be stored or read: no key is set, or none of those set fits.

    `kept` is why as it stands on record (`failure_text`); the message is in the reader's language.
    """

    def __init__(self, kept: str) -> None:
        self.kept = kept
        super().__init__(_(kept))

    @classmethod
    def without_key(cls) -> SecretsUnreadable:
        """Make the error of an installation that has no key."""
        return cls(WITHOUT_KEY)


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
        raise SecretsUnreadable(OTHER_KEY) from error


def recognised_by(text: str) -> str:
    """Give by which sign a text is known again, where it may not be read from it."""
    return salted_hmac("trials.stored_secrets", text, algorithm="sha256").hexdigest()[:30]


def encrypted_again(stored: str) -> str:
    """Give a stored secret encrypted with the newest key. Raises SecretsUnreadable as `decrypted`."""
    return encrypted(decrypted(stored))


def renew_stored_secrets(tell: Callable[[str], None]) -> int:
    """Encrypt every stored secret with the newest key; give how many.

    One that none of the keys opens, or whose record may not be written (a frozen trial), is told and left
    as it is. The columns are hidden from the trail, so nothing is written there.
    """
    count = 0
    for app, name, column in COLUMNS:
        model = apps.get_model(app, name)
        for pk, stored in model._base_manager.exclude(**{column: ""}).values_list("pk", column):  # noqa: SLF001
            try:
                with transaction.atomic():
                    again = {column: encrypted_again(stored)}
                    count += model._base_manager.filter(pk=pk, **{column: stored}).update(**again)  # noqa: SLF001
            except (SecretsUnreadable, IntegrityError) as error:
                tell(f"{name} {pk}: {error}")
    return count


def _box() -> MultiFernet:
    from cryptography.fernet import Fernet, MultiFernet  # noqa: PLC0415

    if not settings.STORED_SECRET_KEYS:
        raise SecretsUnreadable.without_key()
    try:
        return MultiFernet([Fernet(key.strip()) for key in settings.STORED_SECRET_KEYS])
    except ValueError as error:
        raise SecretsUnreadable(NO_SUCH_KEY) from error
