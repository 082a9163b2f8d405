"""Check the audit trail against its chain, its seals and the heads that left the machine."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from trials.services.audit.heads import parse_heads
from trials.services.audit.sealing import verify_audit


class Command(BaseCommand):
    """`manage.py verify_audit [--heads FILE]`: exit 0 where the trail is whole, 1 with the first fault."""

    help = "Name the first entry of the audit trail that was altered, removed, inserted or cut off."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """FILE holds what seal_audit wrote; without it a cut that also took the seals cannot be seen."""
        parser.add_argument("--heads", type=Path, default=settings.AUDIT_HEADS_FILE or None, metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        """Verify and say what was found."""
        source: Path | None = options["heads"]
        if source is not None and not source.is_file():
            raise CommandError(f"{source} is not a file: name what seal_audit --to wrote", returncode=2)
        heads, unreadable = parse_heads(source) if source else ([], [])
        found = verify_audit(heads=heads)
        self.stdout.write(f"{found.sealed} entries sealed, {found.unsealed} not yet sealed.")
        if source is None:
            self.stdout.write("No file of heads given: a cut at the end that took its seals goes unseen.")
        if unreadable:
            said = ", ".join(map(str, unreadable))
            self.stdout.write(f"Lines of {source} that cannot be read, and were passed over: {said}")
        for epoch in found.epochs:
            when = epoch.opened_at.isoformat(timespec="seconds")
            what = "Strays admitted after" if epoch.admitted else "Restored at"
            said = f"{what} link {epoch.after} on {when} (epoch {epoch.number}): {epoch.reason}"
            self.stdout.write(said)
        if found.superseded:
            self.stdout.write(f"{found.superseded} heads that left before belong to what was lost then.")
        if found.fault:
            raise CommandError(f"{found.fault.kind}: {found.fault.message}")
        self.stdout.write("The trail is whole.")
