"""Sign what is posted as Standard Webhooks do (https://www.standardwebhooks.com)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from datetime import UTC, datetime

_PREFIX = "whsec_"
_LEAST, _MOST = 24, 64  # bytes, as the specification asks


def new_signing_secret() -> str:
    """Make a secret for the receiver to check signatures with; it is shown once."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode("ascii")


def is_signing_secret(text: str) -> bool:
    """Say whether a text is such a secret: `whsec_` and 24 to 64 bytes in base64."""
    try:
        key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return False
    return text.startswith(_PREFIX) and _LEAST <= len(key) <= _MOST


def feishu_signature(secret: str, at: datetime) -> dict[str, str]:
    """Give what a Feishu robot asks for in a message: the second, and a signature good for an hour.

    HMAC-SHA256 of nothing, with the second, a line feed and the secret as its key
    (https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot).
    """
    second = str(int(at.timestamp()))
    digest = hmac.new(f"{second}\n{secret}".encode(), b"", hashlib.sha256).digest()
    return {"timestamp": second, "sign": base64.b64encode(digest).decode("ascii")}


def signed_headers(secret: str, key: str, at: datetime, body: bytes) -> dict[str, str]:
    """Give the headers that carry a message's key, its instant and the signature of both and the body.

    `key` is the same each time that the message is sent, so that a receiver can drop a repeat.
    """
    from standardwebhooks.webhooks import Webhook  # noqa: PLC0415

    instant = at.astimezone(UTC)
    signature = Webhook(secret).sign(key, instant, body.decode("utf-8"))
    return {
        "Content-Type": "application/json; charset=utf-8",
        "webhook-id": key,
        "webhook-timestamp": str(int(instant.timestamp())),
        "webhook-signature": signature,
    }
