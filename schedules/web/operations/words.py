"""What the page of operations says: tasks by what they do, and what has to be mended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from trials.models import TaskRun

TASKS = {
    "schedules.tasks.sweep": gettext_lazy("Write the reminders that are due"),
    "schedules.tasks.end_feeds": gettext_lazy("End the calendar addresses of ended roles"),
    "schedules.tasks.number_changes": gettext_lazy("Number the changes of the feed"),
    "schedules.tasks.ring_webhooks": gettext_lazy("Tell programs of changes"),
    "schedules.tasks.judge": gettext_lazy("Judge protocol windows"),
    "schedules.tasks.draft": gettext_lazy("Draft deviations of what closed without a record"),
    "schedules.tasks.hold": gettext_lazy("Count the days on hold"),
    "schedules.tasks.start": gettext_lazy("Check the starts to come"),
    "schedules.tasks.amend": gettext_lazy("Migrate participants to an amendment"),
    "schedules.tasks.deliver": gettext_lazy("Send reminders"),
    "schedules.tasks.deliver_by": gettext_lazy("Send reminders by one channel"),
    "trials.tasks.ring_jobs": gettext_lazy("Start long jobs that wait"),
    "trials.tasks.run_job": gettext_lazy("Do a long job"),
    "trials.tasks.seal": gettext_lazy("Seal the audit trail"),
    "trials.tasks.tell_owners_of_accounts": gettext_lazy("Tell owners of accounts"),
}
TEN_MINUTES = {
    "schedules.tasks.hold",
    "schedules.tasks.start",
    "trials.tasks.seal",
    "trials.tasks.tell_owners_of_accounts",
}
BEATS_MISSED = 3
LATE = timedelta(minutes=15)
"""For how long a reminder may wait to be told before the page says so."""
FAR = timedelta(seconds=2)
"""By how much two clocks may differ."""


@dataclass(frozen=True, slots=True)
class TaskLine:
    """A task as the page shows it: what it does, its last run, and whether it is late."""

    name: str
    run: TaskRun
    is_late: bool


def task_lines(runs: list[TaskRun], now: datetime) -> list[TaskLine]:
    """Each task with whether it has missed several rings; those that are rung by hand are never late."""
    return [TaskLine(str(TASKS.get(run.task, run.task)), run, _is_late(run, now)) for run in runs]


def _is_late(run: TaskRun, now: datetime) -> bool:
    if run.task not in TASKS:
        return False
    beat = timedelta(minutes=10 if run.task in TEN_MINUTES else 1)
    return not -beat <= now - run.started_at <= beat * BEATS_MISSED  # ahead: a clock was put back since


def passed(seconds: float) -> str:
    """A stretch of time in its largest unit, whole; none where a clock was put back meanwhile."""
    seconds = max(0.0, seconds)
    for size, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            number = int(seconds // size)
            said = {
                "day": ngettext("%(number)d day", "%(number)d days", number),
                "hour": ngettext("%(n)d hour", "%(n)d hours", number),
                "minute": ngettext("%(n)d minute", "%(n)d minutes", number),
            }
            return said[name] % {"n": number, "number": number}
    number = round(seconds)
    return ngettext("%(n)d second", "%(n)d seconds", number) % {"n": number}


def clock_words(distance: timedelta) -> str:
    """How the server's clock stands to the database's."""
    seconds = distance.total_seconds()
    if abs(distance) < FAR:
        return _("The clocks of server and database agree within 2 seconds.")
    if seconds > 0:
        return _("The server's clock is %(time)s ahead of the database's.") % {"time": passed(seconds)}
    return _("The server's clock is %(time)s behind the database's.") % {"time": passed(-seconds)}


def problems(
    *,
    lines: list[TaskLine],
    oldest: datetime | None,
    distance: timedelta,
    missing: list[str],
    powers: list[str],
    backup: datetime | None,
    backup_hours: int,
    leaves: bool,
    now: datetime,
) -> Iterator[str]:
    """What somebody should mend, in sentences, the most severe first."""
    if missing:
        yield _("The database is of another release: run manage.py migrate.")
    if powers:
        yield _("The database role could switch the audit trail off: run manage.py separate_roles.")
    if not lines:
        yield _("No task has run yet: is the beat started?")
    late = [line.name for line in lines if line.is_late]
    if late:
        yield _("Late: %(tasks)s. Is the beat running, and a worker?") % {"tasks": _("; ").join(late)}
    if oldest and now - oldest > LATE:
        since = passed((now - oldest).total_seconds())
        yield _("A reminder has waited for %(time)s to be sent.") % {"time": since}
    if abs(distance) >= FAR:
        yield clock_words(distance)
    yield from _problems_of_backup(backup, timedelta(hours=backup_hours), now)
    if not leaves:
        yield _("E-mail does not leave: EMAIL_URL is not set. Reminders stand in the bell alone.")


def _problems_of_backup(backup: datetime | None, most: timedelta, now: datetime) -> Iterator[str]:
    """What is wrong with the newest backup, which may be this old at most."""
    if backup is None:
        yield _("There is no backup yet.")
    elif backup - now > FAR:
        ahead = passed((backup - now).total_seconds())
        yield _("The newest backup is dated %(time)s ahead: a clock was put back.") % {"time": ahead}
    elif now - backup > most:
        since = passed((now - backup).total_seconds())
        yield _("The newest backup is %(time)s old.") % {"time": since}
