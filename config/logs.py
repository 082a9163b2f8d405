"""Log lines that carry ids and never what a person entered: as text, or as one JSON object a line.

Addresses may hold a calendar's secret, and the words of an exception may hold values of a row
("Key (subject_code)=(...) already exists"), so neither is written.
"""

from __future__ import annotations

import json
import logging
import re
import time
import traceback
import uuid
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from django.core.signals import request_finished
from django.dispatch import receiver
from django.http import HttpRequest
from django.http.response import HttpResponseBase

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]

CONTEXT: ContextVar[dict[str, Any]] = ContextVar("dayzero_log_context", default={})  # noqa: B039  never changed in place
"""What every line says of the request or the task in which it is written."""

FIELDS = ("method", "route", "status", "milliseconds", "user")
"""What a line may carry beside its message."""

_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
_QUIET = frozenset({"health", "live", "ready", "metrics"})
_FAILED = 500

requests = logging.getLogger("dayzero.requests")


class RouteInsteadOfPath(logging.Filter):
    """Replace a request's address in Django's own messages by the name of its route."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, the addresses of its request taken out."""
        request: Any = getattr(record, "request", None)
        if hasattr(request, "method"):
            record.msg = "%s %s answered %s"
            record.args = (request.method, route_of(request), getattr(record, "status_code", "-"))
        return True


class IdsOnlyFormatter(logging.Formatter):
    """Write where an exception came from and of what type it was, without its words."""

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802 (logging's name)
        """Give the frames and the types of the whole chain of exceptions."""
        lines = []
        for error in _chain(ei[1]):
            lines += [_type(error)]
            lines += [f"  {frame}" for frame in _frames(error)]
        return "\n".join(lines)


class JsonFormatter(logging.Formatter):
    """Write one JSON object a line, for programs that collect logs; as little as IdsOnlyFormatter."""

    def __init__(self, *_args: Any, **_named: Any) -> None:
        """Take what a format would need, and use none of it."""
        super().__init__()

    def format(self, record: logging.LogRecord) -> str:
        """Give the line."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **CONTEXT.get(),
        }
        line |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if record.exc_info and record.exc_info[1]:
            line["errors"] = [
                {"type": _type(error), "frames": _frames(error)} for error in _chain(record.exc_info[1])
            ]
        return json.dumps(line, ensure_ascii=False, default=str)


class RequestLogMiddleware:
    """Give every request a number that all its lines carry, and write one line when it is answered.

    A proxy may give the number (X-Request-ID). The line has the route's name, never the address.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, and say how long it took."""
        given = request.headers.get("X-Request-ID", "")
        # forgotten only when the request is over: Django says what it answered after all middleware
        CONTEXT.set({"request": given if _ID.fullmatch(given) else uuid.uuid4().hex})
        begun = time.perf_counter()
        answer = self.get_response(request)
        _say(request, answer.status_code, time.perf_counter() - begun)
        return answer


@receiver(request_finished)
def _forget(**_: Any) -> None:
    CONTEXT.set({})


def _say(request: HttpRequest, status: int, seconds: float) -> None:
    route, milliseconds = route_of(request), round(seconds * 1000, 1)
    if route in _QUIET and status < _FAILED:
        return
    user = getattr(getattr(request, "_cached_user", None), "pk", None)  # never asked for here: it is a query
    known = {"method": request.method, "route": route, "status": status, "milliseconds": milliseconds}
    requests.info(
        "%s %s answered %s in %s ms", *known.values(), extra=known | ({"user": user} if user else {})
    )


def route_of(request: HttpRequest) -> str:
    """Give the name of a request's route; the address itself may hold a secret."""
    match = getattr(request, "resolver_match", None)
    return str(match.view_name) if match else "unknown route"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _type(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}"


def _frames(error: BaseException) -> list[str]:
    return [
        f"{frame.filename}:{frame.lineno} in {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
