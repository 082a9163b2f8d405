"""JSON as the API writes it: by orjson, which is ten times the speed of Python's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from django.utils.functional import Promise
from rest_framework.renderers import BaseRenderer

JSON = "application/json"
_HOW = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


def to_json(data: Any) -> bytes:
    """Write plain data as JSON; days and instants by ISO 8601, an instant with the offset that it has."""
    return orjson.dumps(data, default=_plain, option=_HOW)


def _plain(value: Any) -> Any:
    """What orjson does not know: sentences that wait for their language, and what behaves as a container."""
    if isinstance(value, Promise):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(type(value).__name__)


class OrjsonRenderer(BaseRenderer):
    """Renders every answer of the API."""

    media_type = JSON
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        """The bytes of an answer; none for an answer without a body."""
        return b"" if data is None else to_json(data)
