"""Write a backup, once or at an interval."""

from __future__ import annotations

import os
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connections
from django.utils import timezone

from trials.services.operations.archives import BackupFailed, check_archive
from trials.services.operations.backups import drop_old, make_backup

AFTER_A_FAILURE = 600
"""Seconds after which a backup that failed is tried again."""


class Command(BaseCommand):
    """`manage.py backup [--to FOLDER] [--keep N] [--every SECONDS]`, `manage.py backup --check FILE`."""

    help = "Write the database and the heads of its trail into one file, and check that file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """FOLDER is the setting BACKUP_FOLDER where not given."""
        parser.add_argument("--to", type=Path, default=settings.BACKUP_FOLDER or None, metavar="FOLDER")
        parser.add_argument("--keep", type=int, metavar="N", help="how many backups stay; without it all")
        parser.add_argument("--every", type=int, metavar="SECONDS", help="go on, with so long between two")
        parser.add_argument("--check", type=Path, metavar="FILE", help="only read a backup to its end")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make or check, and say what came of it."""
        if options["check"]:
            self._check(options["check"])
            return
        if options["to"] is None:
            raise CommandError("Name the folder with --to or BACKUP_FOLDER.")
        every = options["every"]
        while True:
            failed = self._make(options["to"], options["keep"], final=not every)
            if not every:
                return
            self._wait(min(every, AFTER_A_FAILURE) if failed else every)

    def _check(self, file: Path) -> None:
        try:
            manifest = check_archive(file)
        except BackupFailed as error:
            raise CommandError(str(error)) from error
        rows = ", ".join(f"{number} in {table}" for table, number in manifest.rows.items())
        self.stdout.write(
            f"{file} is whole: {manifest.database}, release {manifest.release}, {manifest.taken_at}.\n"
            f"Rows: {rows}. The sealed trail ends with link {manifest.last_link}."
        )

    def _make(self, folder: Path, keep: int | None, *, final: bool) -> bool:
        """Make one; whether it failed. What fails ends a single backup with an error."""
        try:
            run = make_backup(folder=folder, now=timezone.now())
            check_archive(folder / run.name)
            if keep is not None:  # the one before goes only once this one has been read to its end
                drop_old(folder, keep, run.name)
        except (BackupFailed, DatabaseError) as error:
            said = str(error) if isinstance(error, BackupFailed) else "The database does not answer."
            if final:
                raise CommandError(said) from error
            self.stderr.write(f"No backup was made: {said}")
            return True
        self.stdout.write(f"{folder / run.name}: {run.size} bytes, whole, link {run.last_link}, {run.digest}")
        self.stdout.flush()
        return False

    def _wait(self, seconds: int) -> None:
        """Wait without a connection, and show life to whatever looks."""
        connections.close_all()
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            if file := os.environ.get("HEARTBEAT_FILE"):
                Path(file).touch()
            time.sleep(min(left, 30))
