"""Close the open stretch of the audit trail and hand its head to the outside."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from trials.services.audit import hand_out, seal_audit


class Command(BaseCommand):
    """`manage.py seal_audit [--to FILE]`."""

    help = "Chain and seal what the audit trail has gained, and append the new head to a file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """FILE should live on another machine: a cut at the end cannot be seen without it."""
        parser.add_argument("--to", type=Path, default=settings.AUDIT_HEADS_FILE or None, metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        """Seal, hand out, and say what was done."""
        seal = seal_audit(now=timezone.now())
        if seal is None:
            self.stdout.write("Nothing new to seal.")
            return
        self.stdout.write(f"Sealed links {seal.first} to {seal.last}; head {seal.head}")
        if options["to"]:
            hand_out(seal=seal, to=options["to"])
            self.stdout.write(f"Head written to {options['to']}")
        else:
            self.stdout.write("Keep this head somewhere else: name a file with --to or AUDIT_HEADS_FILE.")
