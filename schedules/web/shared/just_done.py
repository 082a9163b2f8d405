"""What was just done without a script: kept in the session until the next page says it, with its Undo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.http import HttpRequest

JUST = "just_done"
_KEPT = 8


@dataclass(frozen=True, slots=True)
class JustDone:
    """An act that was done without a script: what the next page says of it, and how it is undone."""

    text: str
    address: str
    undo: str
    version: int = 0
    section: str = ""
    also: str = ""


def keep_just_done(request: HttpRequest, done: Sequence[JustDone]) -> None:
    """Keep what was done until it is shown."""
    if done:
        kept = [*request.session.get(JUST, []), *map(asdict, done)]
        request.session[JUST] = kept[-_KEPT:]


def taken_from_session(request: HttpRequest) -> list[dict[str, Any]]:
    """Return what was just done, once."""
    return list(request.session.pop(JUST, [])) if JUST in request.session else []
