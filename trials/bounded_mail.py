"""E-mail by SMTP that ends in time, though the server hangs or says one byte a second."""

from __future__ import annotations

import smtplib
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

from django.conf import settings
from django.core.mail.backends.smtp import EmailBackend as SmtpBackend
from django.core.mail.message import EmailMessage

from trials.outbound.watch import Watch, watched

_FINE, _NO_MORE = 250, 421  # RFC 5321: the command was carried out; the server closes the connection

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

    _kept = False

    @property
    def connection_class(self) -> Any:
        """The class of the connection, whose socket is watched."""
        return _SmtpSsl if self.use_ssl else _Smtp

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """Send what is sent in this block through one connection, made for the first message.

        One on which anything went wrong, or that the server has closed meanwhile, is replaced for the next.
        """
        self._kept = True
        try:
            yield
        finally:
            self._kept = False
            self._leave()

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Send; raises SMTPServerDisconnected or OSError where the time is over."""
        with watched(settings.EMAIL_TIMEOUT) as watch:
            token = _watch.set(watch)
            try:
                return self._all_sent(email_messages, is_used=self._kept and self._is_ready(watch))
            except BaseException:
                self._leave()
                raise
            finally:
                _watch.reset(token)

    def _all_sent(self, email_messages: Sequence[EmailMessage], *, is_used: bool) -> int:
        """Send; a server that wants no more messages of a connection gets the same one through the next."""
        try:
            return int(super().send_messages(email_messages) or 0)
        except smtplib.SMTPSenderRefused as refused:
            if not is_used or refused.smtp_code != _NO_MORE:
                raise
        self._leave()
        self.open()
        return int(super().send_messages(email_messages) or 0)

    def _is_ready(self, watch: Watch) -> bool:
        """Have a connection that answers, and say whether it has been used.

        One that was kept is asked first, so that nothing is sent twice.
        """
        held = self.connection
        if held is not None and held.sock is not None:
            watch.keep(held.sock)
            with suppress(smtplib.SMTPException, OSError):
                if held.noop()[0] == _FINE:
                    return True
        self._leave()
        self.open()
        return False

    def _leave(self) -> None:
        """End the connection, if there is one, without waiting for an answer."""
        held, self.connection = self.connection, None
        if held is not None:
            with suppress(smtplib.SMTPException, OSError):
                held.putcmd("quit")
            held.close()
