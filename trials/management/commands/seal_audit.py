"""Close the open stretch of the audit trail and hand its head to the outside."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from trials.domain.audit.chain import HeadsAtOdds
from trials.services.audit.sealing import seal_and_hand_out, strays


class Command(BaseCommand):
    """Seal what is new in the audit trail: `manage.py seal_audit [--to FILE]`."""

    help = "Chain and seal what the audit trail has gained, and append every head that a file lacks."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """FILE should live on another machine: a cut at the end cannot be seen without it."""
        parser.add_argument("--to", type=Path, default=settings.AUDIT_HEADS_FILE or None, metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        """Seal, hand out, and say what was done."""
        try:
            seal = seal_and_hand_out(now=timezone.now(), to=options["to"])
        except HeadsAtOdds as error:
            raise CommandError(str(error)) from error
        if seal is None:
            self.stdout.write("Nothing new to seal.")
        else:
            self.stdout.write(f"Sealed links {seal.first} to {seal.last}; head {seal.head}")
        if options["to"]:
            self.stdout.write(f"Every head stands in {options['to']}")
        else:
            self.stdout.write("Keep this head somewhere else: name a file with --to or AUDIT_HEADS_FILE.")
        refused = strays()
        if refused:
            said = "\n".join(f"  entry {stray.entry}: {stray.why}" for stray in refused[:20])
            raise CommandError(
                f"{len(refused)} entries do not continue the trail and were not sealed:\n{said}\n"
                "Find out who wrote them. If they are right (a clock was set back), admit them: "
                'manage.py open_audit_epoch --admit --reason "…"'
            )
