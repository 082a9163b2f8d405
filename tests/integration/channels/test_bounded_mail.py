"""E-mail ends in time, whatever the mail server does."""

from __future__ import annotations

import socketserver
import time
from typing import Any, ClassVar

import pytest
from django.core.mail import EmailMessage, get_connection
from pytest_django import Settings

from schedules.notifications import is_unreachable
from tests.receivers import serving, smtp_server
from trials.bounded_mail import EmailBackend


def mail_by(port: int) -> None:
    backend = get_connection("trials.bounded_mail.EmailBackend", host="127.0.0.1", port=port)
    backend.send_messages([EmailMessage("x", "y", "a@example.org", ["b@example.org"])])


def in_one_block(port: int) -> None:
    backend = EmailBackend(host="127.0.0.1", port=port)
    with backend.keeping():
        for _ in range(3):
            backend.send_messages([EmailMessage("x", "y", "a@example.org", ["b@example.org"])])


def test_messages_of_one_block_leave_through_one_connection() -> None:
    took: list[dict[str, Any]] = []
    server = smtp_server(0, took.append)
    greeted, greet = [], server.get_request

    def count() -> Any:
        greeted.append(1)
        return greet()

    server.get_request = count  # type: ignore[method-assign]
    with serving(server) as port:
        in_one_block(port)
    assert (len(took), len(greeted)) == (3, 1)


class Hasty(socketserver.StreamRequestHandler):
    """A mail server that takes one message of a connection and leaves."""

    took: ClassVar[list[bytes]] = []

    def handle(self) -> None:
        self.wfile.write(b"220 hasty\r\n")
        while line := self.rfile.readline():
            word = line[:4].upper()
            self.wfile.write(b"354 go on\r\n" if word == b"DATA" else b"250 ok\r\n")
            if word == b"DATA":
                while self.rfile.readline() != b".\r\n":
                    pass
                self.took.append(word)
                self.wfile.write(b"250 ok\r\n")
                return


def test_a_connection_that_the_server_has_closed_is_made_anew() -> None:
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Hasty)
    server.daemon_threads = True
    with serving(server) as port:
        in_one_block(port)
    assert len(Hasty.took) == 3


class Strict(socketserver.StreamRequestHandler):
    """A mail server that takes one message of a connection and says so at the next."""

    took: ClassVar[list[bytes]] = []

    def handle(self) -> None:
        self.wfile.write(b"220 strict\r\n")
        taken = 0
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"MAIL" and taken:
                self.wfile.write(b"421 4.7.0 too many messages in this connection\r\n")
                return
            self.wfile.write(b"354 go on\r\n" if word == b"DATA" else b"250 ok\r\n")
            if word == b"DATA":
                while self.rfile.readline() != b".\r\n":
                    pass
                taken += 1
                self.took.append(word)
                self.wfile.write(b"250 ok\r\n")


def test_a_server_that_wants_no_more_of_a_connection_gets_the_message_through_the_next() -> None:
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Strict)
    server.daemon_threads = True
    with serving(server) as port:
        in_one_block(port)
    assert len(Strict.took) == 3


class Drip(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        try:
            for _ in range(100):
                self.request.sendall(b"2")
                time.sleep(0.1)
        except OSError:
            return


def test_mail_leaves(settings: Settings) -> None:
    took: list[dict[str, Any]] = []
    with serving(smtp_server(0, took.append)) as port:
        mail_by(port)
    assert took[0]["to"] == ["b@example.org"]


def test_a_server_that_says_one_byte_at_a_time_is_left(settings: Settings) -> None:
    settings.EMAIL_TIMEOUT = 1
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Drip)
    server.daemon_threads = True
    began = time.monotonic()
    with serving(server) as port, pytest.raises(Exception) as failed:
        mail_by(port)
    assert is_unreachable(failed.value)
    assert time.monotonic() - began < 4
