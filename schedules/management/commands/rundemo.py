"""Everything at once, to try out: database, made-up participants, web and beat."""

from __future__ import annotations

import errno
import os
import socket
import sys
import time
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from schedules.management.processes import GLANCE, Stopped, first_ended, running, stoppable, wait_until
from schedules.services.course import holds
from schedules.services.demo.loading import (
    PASSWORD,
    DemoRefused,
    accounts_there,
    load_demo,
    newer_editions,
)
from schedules.services.exchange.demo import connect_demo_edc
from schedules.services.readiness import start_flags
from schedules.services.reminders import ledger, sweeping
from schedules.services.windows import evaluation
from trials.audit.acts import caused_by

LAST_PORT = 65535


class Command(BaseCommand):
    """`manage.py rundemo [--port N] [--host ADDRESS]`."""

    help = "Migrate, load the demo once, and run web and beat until Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", default=os.environ.get("PORT") or "8000", help="PORT, else 8000")
        parser.add_argument("--host", default="127.0.0.1", help="127.0.0.1: this machine alone")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO_ALLOWED:
            raise CommandError("The demo runs under the development settings alone, never in production.")
        host, port = options["host"], _port(options["port"])
        _refuse_taken(host, port)
        with stoppable():
            try:
                self._prepare()
                self._serve(host, port)
            except Stopped:
                self.stdout.write("Stopped.")

    def _prepare(self) -> None:
        call_command("migrate", verbosity=0)
        now = timezone.now()
        try:
            with caused_by("rundemo"):
                if load_demo(today=timezone.localdate(now), now=now):
                    connect_demo_edc(today=timezone.localdate(now), now=now, by=None)
            with caused_by("sweep"):
                evaluation.sweep_windows(now=now)
                start_flags.sweep_starts(now=now)
                holds.sweep_holds(now=now)
            sweeping.sweep_reminders(now=now)
            while ledger.deliver_reminders(now=now):
                pass
        except DemoRefused as error:
            raise CommandError(str(error)) from error

    def _serve(self, host: str, port: int) -> None:
        commands = {
            "web": [
                *(sys.executable, "-m", "gunicorn", "config.wsgi", "--bind", f"{host}:{port}"),
                *("--threads", "8", "--log-level", "warning"),
            ],
            "beat": [
                sys.executable,
                "-m",
                "celery",
                "--quiet",
                "--app",
                "config",
                "beat",
                "--loglevel",
                "WARNING",
            ],
        }
        os.environ.setdefault("DEBUG", "false")  # a wrong address is answered as users will see it
        with running(commands) as processes:
            ended = wait_until(lambda: _answers(host, port), processes)
            if ended is None:
                self._greet(host, port)
            while ended is None:
                time.sleep(GLANCE)
                ended = first_ended(processes)
        raise CommandError(f"{ended} ended by itself; its last words stand above.")

    def _greet(self, host: str, port: int) -> None:
        self.stdout.write(f"\nDayzero: http://{host}:{port}/\n")
        self.stdout.write(f"Sign in as {', '.join(accounts_there())}; the password of each is {PASSWORD}")
        self.stdout.write("Reminders that would go out by e-mail are written to outbox/.")
        for line in newer_words():
            self.stdout.write(line)
        self.stdout.write("Ctrl-C stops it; what you changed is there the next time.\n")
        self.stdout.flush()


def newer_words() -> list[str]:
    """Say that newer protocol documents are shipped than are on record, and what to do with them."""
    names = newer_editions()
    if not names:
        return []
    return [
        f"Newer protocol documents are shipped: {', '.join(names)}.",
        f"Take one in with `manage.py import_protocol {names[0]}`, publish it under Protocol versions in the",
        "admin, and bring the participants to it as an amendment; docs/trials.md says what changed.",
    ]


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= LAST_PORT:
        raise CommandError(f"PORT is {text!r}; it can be 1 to {LAST_PORT}.")
    return int(text)


def _refuse_taken(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            why = "is taken" if taken else f"cannot be used ({error.strerror})"
            raise CommandError(
                f"Port {port} {why}: stop what uses it, or choose another, such as PORT={port + 1} make run."
            ) from error


def _answers(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0
