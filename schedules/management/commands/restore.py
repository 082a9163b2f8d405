"""Put a backup in the place of the database, and set right what the time since it would make wrong."""

from __future__ import annotations

import getpass
import os
from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from schedules.services.feeds.restoring import end_all_feeds, set_feeds_ahead
from trials.audit.acts import caused_by
from trials.audit.database_roles import CannotSeparate, separate_roles
from trials.services.audit.sealing import open_epoch
from trials.services.operations.archives import HEADS, BackupFailed, Manifest, take_out
from trials.services.operations.replacing import check_fits, end_sessions, has_records, replace_database


class Command(BaseCommand):
    """`manage.py restore FILE --reason TEXT [--replace] [--end-calendars]`, as the owner of the tables."""

    help = (
        "Restore a backup. Stop web, worker and beat first. A new epoch of the trail and of the change feed "
        "begins, calendars are set ahead of what phones have seen, and everybody signs in again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """FILE is what `manage.py backup` wrote."""
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--reason", required=True, help="kept in the audit trail")
        parser.add_argument("--replace", action="store_true", help="although the database holds records")
        parser.add_argument("--role", default="dayzero_app", help="the role that runs Dayzero (PostgreSQL)")
        parser.add_argument(
            "--end-calendars",
            action="store_true",
            help="end every calendar address, since those ended after the backup work again",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Restore, and say what a person has to look at."""
        if not options["reason"].strip():
            raise CommandError("Give a reason with --reason: it is kept in the audit trail.")
        file, now = options["file"], timezone.now()
        try:
            manifest = check_fits(file)
            if has_records() and not options["replace"]:
                raise BackupFailed("The database holds records: --replace puts the backup in their place.")
            kept = replace_database(source=file, now=now)
        except (BackupFailed, OSError) as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            said = "Are all other processes stopped, and is this the role that owns the tables?"
            raise CommandError(f"The database refused: {type(error).__name__}. {said}") from error
        call_command("migrate", verbosity=0, interactive=False)
        self._set_right(file, manifest, options, now)
        self._grant(options["role"])
        self.stdout.write(f"Restored: the records as they were at {manifest.taken_at}.")
        if kept:
            self.stdout.write(
                f"What was there before is kept in {kept}; remove it when you no longer need it."
            )
        self.stdout.write(
            "Look at: roles, accounts, tokens and calendar addresses that ended after that time hold again; "
            "what was recorded after it is entered again. Then start web, worker and beat."
        )

    def _set_right(self, file: Path, manifest: Manifest, options: dict[str, Any], now: datetime) -> None:
        heads = Path(settings.AUDIT_HEADS_FILE) if settings.AUDIT_HEADS_FILE else None
        if heads and not heads.exists() and take_out(file, HEADS, heads):
            self.stdout.write(f"The heads of the trail were lost, too: {heads} is as the backup has it.")
        with transaction.atomic(), caused_by(f"restore ({getpass.getuser()})"):
            feeds = set_feeds_ahead(now=now)
            if options["end_calendars"]:
                end_all_feeds(now=now)
            end_sessions()
            epoch = open_epoch(by=None, reason=options["reason"], now=now, file=heads)
        ended = "ended" if options["end_calendars"] else "set ahead of what phones have seen"
        self.stdout.write(f"Epoch {epoch.number} of the trail begins after link {epoch.after}.")
        self.stdout.write(f"{feeds} calendar subscriptions were {ended}; everybody signs in again.")

    def _grant(self, role: str) -> None:
        """Give the running role its rights on the new tables, where there is one."""
        if connection.vendor != "postgresql":
            return
        try:
            separate_roles(role, os.environ.get("POSTGRES_APP_PASSWORD", ""))
        except CannotSeparate as error:
            self.stdout.write(f"The running role has no rights on these tables yet: {error}")
