"""Made-up participants and accounts, for trying out."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from schedules.services.demo.loading import PASSWORD, DemoRefused, accounts_there, load_demo
from schedules.services.exchange.demo import connect_demo_edc
from trials.audit.acts import caused_by


class Command(BaseCommand):
    """`manage.py load_demo [--today DATE]`."""

    help = "Load the shipped protocols and about forty made-up participants around a day; once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--today", type=date.fromisoformat, help="the day around which they are; today")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with caused_by("load_demo"):
                today, now = options["today"] or timezone.localdate(), timezone.now()
                loaded = load_demo(today=today, now=now)
                if loaded:
                    connect_demo_edc(today=today, now=now, by=None)
        except DemoRefused as error:
            raise CommandError(str(error)) from error
        self.stdout.write("Loaded." if loaded else "The demo stands already; nothing was changed.")
        self.stdout.write(f"Accounts: {', '.join(accounts_there())}; password of each: {PASSWORD}")
