"""Log lines that carry ids and never what a person entered.

Addresses may hold a calendar's secret, and the words of an exception may hold values of a row
("Key (subject_code)=(...) already exists"), so neither is written.
"""

import logging
import traceback
from types import TracebackType
from typing import Any

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class RouteInsteadOfPath(logging.Filter):
    """Replace a request's address in Django's own messages by the name of its route."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, the addresses of its request taken out."""
        request: Any = getattr(record, "request", None)
        if hasattr(request, "method"):
            match = getattr(request, "resolver_match", None)
            route = match.view_name if match else "unknown route"
            record.msg = "%s %s answered %s"
            record.args = (request.method, route, getattr(record, "status_code", "-"))
        return True


class IdsOnlyFormatter(logging.Formatter):
    """Write where an exception came from and of what type it was, without its words."""

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802 (logging's name)
        """Give the frames and the types of the whole chain of exceptions."""
        error, lines = ei[1], []
        while error is not None:
            lines += [f"{type(error).__module__}.{type(error).__qualname__}"]
            lines += [
                f"  {frame.filename}:{frame.lineno} in {frame.name}"
                for frame in traceback.extract_tb(error.__traceback__)
            ]
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        return "\n".join(lines)
