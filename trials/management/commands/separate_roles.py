"""Turn an installation on PostgreSQL into two roles: one that migrates and one that runs."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from trials.audit.database_roles import CannotSeparate, separate_roles


class Command(BaseCommand):
    """`manage.py separate_roles [ROLE]`, as the role that owns the tables; may be run again at any time."""

    help = (
        "Make a role of the database that runs Dayzero and owns nothing, so that it cannot switch the audit "
        "trail off. Run it as the owner, after each migration. Its password comes from "
        "POSTGRES_APP_PASSWORD in the environment; without one an existing role keeps its own."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """ROLE is the one that web, worker and beat sign in with."""
        parser.add_argument("role", nargs="?", default="dayzero_app", metavar="ROLE")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the role, grant what it needs, and say what comes next."""
        role = options["role"]
        try:
            separate_roles(role, os.environ.get("POSTGRES_APP_PASSWORD", ""))
        except CannotSeparate as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{role} may read and write records, and owns nothing. Let web, worker and beat sign in as "
            f"{role} (DATABASE_URL), and `migrate` as before."
        )
