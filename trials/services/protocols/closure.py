"""The end of a trial: frozen, archived, exported, kept for as long as the setting asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from typing import IO, Any

from dateutil.relativedelta import relativedelta
from django.conf import settings
from django.utils.translation import gettext as _

from trials.audit.acts import recorded
from trials.audit.frozen import wait_for_writers
from trials.domain.errors import Refused
from trials.domain.release import RELEASE
from trials.formats.exports.archive import Archive, Made
from trials.models import Trial, User
from trials.selectors.protocols.closure import accounts_of, tables_of, trail_columns, trail_count, trail_of
from trials.services.store.exports import record_export
from trials.spoken import require_reason, sentence


class ClosureRefused(Refused):
    """A trial cannot be frozen, opened or archived so; `fields` says what would be right."""


@recorded
def freeze_trial(*, trial: Trial, today: date, by: User, reason: str) -> Trial:
    """From now on the database refuses every change to the trial's records; kept until a day from here on.

    Raises ClosureRefused without a reason, and for a trial that is frozen already.
    """
    wait_for_writers()  # before the lock: those who write now may still need the trial's row to finish
    found = _locked(trial, reason)
    if found.frozen_on:
        message = _("%(trial)s is frozen since %(day)s.")
        raise ClosureRefused({"": [sentence(message, {"trial": found.code, "day": found.frozen_on})]})
    found.frozen_on = today
    found.retain_until = max(filter(None, (found.retain_until, retained_until(today))))
    found.save(update_fields=["frozen_on", "retain_until"])
    return found


@recorded
def open_trial(*, trial: Trial, by: User, reason: str) -> Trial:
    """Let a frozen trial be written again, for a reason; raises ClosureRefused once it is archived."""
    found = _locked(trial, reason)
    if found.archived_on:
        message = _("%(trial)s is archived since %(day)s: it is read and exported, and never opened again.")
        raise ClosureRefused({"": [sentence(message, {"trial": found.code, "day": found.archived_on})]})
    found.frozen_on = None
    found.save(update_fields=["frozen_on"])
    return found


@recorded
def archive_trial(*, trial: Trial, today: date, by: User, reason: str) -> Trial:
    """Close a frozen trial for good: it is read and exported from now on.

    Raises ClosureRefused without a reason, and for a trial that is not frozen or archived already.
    """
    found = _locked(trial, reason)
    if not found.frozen_on or found.archived_on:
        message = _("%(trial)s is archived once, after it was frozen.")
        raise ClosureRefused({"": [message % {"trial": found.code}]})
    found.archived_on = today
    found.retain_until = max(filter(None, (found.retain_until, retained_until(today))))
    found.save(update_fields=["archived_on", "retain_until"])
    return found


def retained_until(closed_on: date) -> date:
    """Until when the records of a trial that is closed on a day are kept (settings.RETENTION_YEARS)."""
    return closed_on + relativedelta(years=settings.RETENTION_YEARS)


def _locked(trial: Trial, reason: str) -> Trial:
    require_reason(reason, ClosureRefused)
    return Trial.objects.select_for_update(no_key=True).get(pk=trial.pk)


def count_rows(trial: Trial) -> int:
    """Count the rows that the archive of a trial holds, to say how far it has come."""
    tables = list(tables_of(trial))
    return sum(table.found.count() for table in tables) + trail_count(trial, tables)


def export_trial(
    *, trial: Trial, by: User, now: datetime, to: IO[bytes], each: Callable[[], None] | None = None
) -> None:
    """Write a trial's records, their metadata and their trail together to a file, as one zip.

    That it left stands in the trail, with how many rows; the archive itself ends before that. `each` is
    called for each row; what it raises ends the export before anything is said to have left.
    """
    trial = Trial.objects.get(pk=trial.pk)
    tables = list(tables_of(trial))
    of = {
        name: getattr(trial, name) for name in ("code", "title", "frozen_on", "archived_on", "retain_until")
    }
    who = f"{by.get_username()} ({by.get_full_name()})" if by.get_full_name() else by.get_username()
    rows = 0

    def counted(found: Iterable[Any]) -> Iterator[Any]:
        nonlocal rows
        for row in found:
            rows += 1
            if each:
                each()
            yield row

    with Archive(to, Made("Dayzero", RELEASE, who, now, of)) as archive:
        for table in tables:
            archive.table(f"records/{table.label}", table.columns, counted(table.rows()))
        archive.table("trail/audit", trail_columns(), counted(trail_of(trial, tables)))
        archive.document("metadata", {table.label: table.metadata() for table in tables})
        archive.document("accounts", accounts_of(trial, tables))
    record_export(by=by, what=f"trial {trial.code}", form="zip", rows=rows, now=now, trial=trial)
