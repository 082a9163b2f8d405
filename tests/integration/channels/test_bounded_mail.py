"""E-mail ends in time, whatever the mail server does."""

from __future__ import annotations

import socketserver
import time
from typing import Any

import pytest
from django.core.mail import EmailMessage, get_connection
from pytest_django import Settings

from schedules.notifications import is_unreachable
from tests.receivers import serving, smtp_server


def mail_by(port: int) -> None:
    backend = get_connection("trials.bounded_mail.EmailBackend", host="127.0.0.1", port=port)
    backend.send_messages([EmailMessage("x", "y", "a@example.org", ["b@example.org"])])


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
