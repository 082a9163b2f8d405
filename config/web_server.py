"""How gunicorn serves Dayzero: `gunicorn config.wsgi --config python:config.web_server`.

Its names in small letters are gunicorn's settings. The access log stays off: addresses hold secrets
(of calendars, of links that set a password). For the same reason the error log says what went wrong
without the address at which it did.
"""

import logging
import os
import re
import socket
import struct
from typing import Any

from gunicorn.glogging import Logger
from gunicorn.workers.gthread import TConn, ThreadWorker

from config.logs import IdsOnlyFormatter, JsonFormatter

READ_SECONDS = 20
"""For how long a client may say nothing in the middle of what it sends."""
HARMLESS = re.compile(r"[\w.+-]*|https?://[^/?#]*(,https?://[^/?#]*)*")
"""What may stand in a line: a name, a number, the address listened on; never a path."""


class WithoutAddresses(logging.Filter):
    """Let no line of gunicorn's hold the address of a request, or words that may quote it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let a record pass without what may hold an address; a client that fell silent is no error."""
        if record.exc_info and isinstance(record.exc_info[1], BlockingIOError):
            return False
        text, args = record.msg, record.args
        if not isinstance(text, str):  # an exception, handed over as the message
            text, args = type(text).__name__, ()
        if text.startswith("Error handling request"):
            text, args = "Error handling request", ()
        if not args and text.startswith("Invalid request"):
            text = text.partition(": ")[0]  # what follows quotes the request
        record.msg = text
        record.args = {} if isinstance(args, dict) else tuple(_harmless(value) for value in args or ())
        return True


class ErrorLog(Logger):
    """Gunicorn's log: no address, and exceptions without their words."""

    def setup(self, cfg: Any) -> None:
        """Take up the settings, and write what they say without addresses."""
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.addFilter(WithoutAddresses())
            written = JsonFormatter if os.environ.get("LOG_FORMAT") == "json" else IdsOnlyFormatter
            handler.setFormatter(written(self.error_fmt, self.datefmt))


class PatientWorker(ThreadWorker):
    """A worker whose threads wait for slow clients, and for none of them without end."""

    def handle(self, conn: TConn) -> Any:
        """Answer a connection's next request; a client that falls silent in it is left after a while.

        The limit is the kernel's: gunicorn sets the socket to wait without one.
        """
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", READ_SECONDS, 0))
        return super().handle(conn)


def _harmless(value: object) -> object:
    if isinstance(value, int) or (isinstance(value, str) and HARMLESS.fullmatch(value)):
        return value
    return type(value).__name__ if isinstance(value, BaseException) else "-"


bind = f"0.0.0.0:{os.environ.get('PORT', '8000')}"
# Their number comes from WEB_CONCURRENCY, which gunicorn reads itself.
worker_class = PatientWorker
# Many, since each slow or half-open connection holds one: fifty of them, all in one process, block no page.
threads = int(os.environ.get("WEB_THREADS") or 64)
max_requests = 5000
max_requests_jitter = 500
accesslog = None
control_socket_disable = True  # nobody steers it from outside
logger_class = ErrorLog


def post_worker_init(worker: ThreadWorker) -> None:
    """Say in the log where this process could switch the audit trail off."""
    from trials.audit.database_roles import warn_of_powers  # noqa: PLC0415  Django is set up only now

    warn_of_powers()
