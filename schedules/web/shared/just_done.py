"""What was just done, or typed and not saved, without a script: kept in the session for the next page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.http import HttpRequest

JUST, TYPED = "just_done", "just_typed"
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


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed and chosen for a visit or a flag, and not saved."""

    visit: int = 0
    flag: int = 0
    reason: str = ""
    on: str = ""


def keep_typed(request: HttpRequest, typed: Typed) -> None:
    """Keep what was typed until the page that asked for it, or the whole form, is shown again."""
    request.session[TYPED] = asdict(typed)


def typed_before(request: HttpRequest, visit: int | None = None) -> Typed:
    """Return what was typed, once; of a visit only what was typed for that one."""
    typed = Typed(**request.session.get(TYPED, {}))
    if visit not in (None, typed.visit):
        return Typed()
    request.session.pop(TYPED, None)
    return typed
