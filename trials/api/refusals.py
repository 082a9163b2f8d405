"""What an address refuses besides bad values: a stale version, a missing key, a body that is too large."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from rest_framework.exceptions import APIException


class Overtaken(APIException):
    """Somebody changed a record since it was read; `current` is its state now, where it is known."""

    status_code = HTTPStatus.PRECONDITION_FAILED
    default_code = "stale"

    def __init__(self, detail: str, current: Any = None) -> None:
        self.current = current
        super().__init__(detail)


class VersionNotNamed(APIException):
    """A change of something that exists says of which version it was made."""

    status_code = HTTPStatus.PRECONDITION_REQUIRED
    default_code = "version_required"


class KeyNotNamed(APIException):
    """A POST says by which key its repetition is known."""

    status_code = HTTPStatus.PRECONDITION_REQUIRED
    default_code = "idempotency_key_required"


class KeyReused(APIException):
    """An idempotency key came with another request than before."""

    status_code = HTTPStatus.UNPROCESSABLE_ENTITY
    default_code = "idempotency_key_reused"


class BodyTooLarge(APIException):
    """A body is larger than is read."""

    status_code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    default_code = "body_too_large"


class CursorGone(APIException):
    """A place in the change feed lies before a restore: everything is to be read again."""

    status_code = HTTPStatus.GONE
    default_code = "cursor_gone"


class ValueDiffers(APIException):
    """What an EDC reports differs from what is on record; both are kept. `current` is the record."""

    status_code = HTTPStatus.CONFLICT
    default_code = "value_differs"

    def __init__(self, detail: str, current: Any = None) -> None:
        self.current = current
        super().__init__(detail)
