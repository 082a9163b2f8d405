"""Begin a new epoch of the audit trail: after a backup was restored, or to admit what sealing refuses."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from trials.audit.acts import caused_by
from trials.domain.audit.chain import EpochImpossible
from trials.services.audit.sealing import open_epoch


class Command(BaseCommand):
    """`manage.py open_audit_epoch --reason TEXT [--after LINK] [--admit] [--heads FILE]`."""

    help = "Say that a backup was restored, and why, so that the trail goes on from there and is checked."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Without LINK the epoch begins after the last link that the database holds."""
        parser.add_argument("--reason", required=True)
        parser.add_argument("--after", type=int, metavar="LINK", help="the last link that the backup held")
        parser.add_argument("--admit", action="store_true", help="seal the entries that sealing refuses, too")
        parser.add_argument("--heads", type=Path, default=settings.AUDIT_HEADS_FILE or None, metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        """Open it, and say where the chain goes on."""
        with caused_by(f"open_audit_epoch ({getpass.getuser()})"):
            try:
                epoch = open_epoch(
                    by=None,
                    reason=options["reason"],
                    now=timezone.now(),
                    after=options["after"],
                    admit=options["admit"],
                    file=options["heads"],
                )
            except EpochImpossible as error:
                raise CommandError(str(error)) from error
        self.stdout.write(f"Epoch {epoch.number} begins after link {epoch.after}.")
