"""E-mail by SMTP that ends in time, though the server hangs or says one byte a second."""

from __future__ import annotations

import smtplib
import socket
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

from django.conf import settings
from django.core.mail.backends.smtp import EmailBackend as SmtpBackend
from django.core.mail.message import EmailMessage

from trials.outbound.watch import Watch, watched

_watch: ContextVar[Watch | None] = ContextVar("dayzero_mail_watch", default=None)


class _Watched:
    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        made: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]
        if (watch := _watch.get()) is not None:
            watch.keep(made)
        return made


class _Smtp(_Watched, smtplib.SMTP):
    pass


class _SmtpSsl(_Watched, smtplib.SMTP_SSL):
    pass


class EmailBackend(SmtpBackend):
    """Django's, with EMAIL_TIMEOUT seconds for all messages of a call together, connecting included."""

    @property
    def connection_class(self) -> Any:
        """The class of the connection, whose socket is watched."""
        return _SmtpSsl if self.use_ssl else _Smtp

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Send; raises SMTPServerDisconnected or OSError where the time is over."""
        with watched(settings.EMAIL_TIMEOUT) as watch:
            token = _watch.set(watch)
            try:
                return int(super().send_messages(email_messages) or 0)
            finally:
                _watch.reset(token)
