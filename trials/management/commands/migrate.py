"""Django's `migrate`, for a database whose triggers record every write."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import migrate

from trials.audit.migrating import laid_whatever_happens
from trials.services.operations.statistics import gather_missing_statistics


class Command(migrate.Command):
    """`manage.py migrate`: signals lift the triggers and lay them again, also where a migration fails.

    It comes after each restore as well, and so gathers what a dump does not hold.
    """

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate."""
        with laid_whatever_happens(options["database"]):
            super().handle(*args, **options)
        if not (options["plan"] or options["check_unapplied"]):
            gather_missing_statistics(options["database"])
