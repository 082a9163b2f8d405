"""Ask for long work, do it in the background with its progress on record, and cancel it.

A job is a row: a worker claims it, says again and again that it is alive, and keeps the file in pieces. A
worker that dies leaves a job that is not alive, which another one begins again; a lost bell is rung again
by beat.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic
from typing import IO

from django.db import connection, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from trials.audit.acts import caused_by
from trials.database_time import database_now
from trials.domain.errors import Refused
from trials.models import Job, JobPart, Trial, User
from trials.ringing import ring
from trials.selectors.jobs import is_left
from trials.services.protocols.closure import count_rows, export_trial

logger = logging.getLogger(__name__)

STALE_AFTER = timedelta(minutes=2)
"""After so long without a sign of life a job was left by its worker."""

ATTEMPTS = 3
"""How often a job is begun before it is given up: what kills its worker each time must not go on for ever."""

KEPT = timedelta(days=1)
"""For how long the file of a job is kept."""

PART = 1024 * 1024
_SIGN_SECONDS = 1.0
_AT_ONCE = 2  # the message of ask_for_export says the number: one person must not hold every long worker


class JobCancelled(Exception):
    """Somebody cancelled the job that is going on."""


@transaction.atomic
def ask_for_export(*, trial: Trial, by: User, now: datetime) -> Job:
    """Ask for the archive of a trial in the background. Raises Refused where too many go on for `by`."""
    User.objects.select_for_update(no_key=True).only("pk").get(pk=by.pk)  # two at once would not be counted
    going_on = Job.objects.filter(asked_by=by, finished_at=None)
    same = going_on.filter(kind="trial-export", about=trial.pk).first()
    if same:
        return same
    if going_on.count() >= _AT_ONCE:
        raise Refused({"": [_("Two of your exports go on already: wait for one, or cancel it.")]})
    job = Job.objects.create(kind="trial-export", about=trial.pk, label=trial.code, asked_by=by, asked_at=now)
    ring("trials.tasks.run_job", job.pk)
    return job


def cancel_job(*, job: Job, now: datetime) -> None:
    """Cancel a job: one that waits ends at once, one that goes on within seconds."""
    Job.objects.filter(pk=job.pk, finished_at=None, begun_at=None).update(cancel_at=now, finished_at=now)
    Job.objects.filter(pk=job.pk, finished_at=None, cancel_at=None).update(cancel_at=now)


@transaction.atomic
def claim_job(*, now: datetime, pk: int | None = None) -> Job | None:
    """Take up one job that nobody does, that of the number where one is given; None where there is none."""
    found = Job.objects.filter(is_left(now, STALE_AFTER), finished_at=None)
    found = found.filter(pk=pk) if pk else found
    job = found.order_by("pk").select_for_update(of=("self",), skip_locked=True, no_key=True).first()
    if job is None:
        return None
    job.alive_at, job.attempts = now, job.attempts + 1
    job.begun_at = job.begun_at or now
    job.done = 0
    if job.attempts > ATTEMPTS:
        job.finished_at, job.failure = now, "given up"
    job.save()
    return job


def run_job(job: Job, *, now: Callable[[], datetime] = database_now) -> None:
    """Do one job that was claimed: the file is kept, or why there is none."""
    if job.finished_at is not None:
        return
    progress = Progress(job, now)
    try:
        with tempfile.TemporaryFile() as to, caused_by("job", by=job.asked_by):
            name = _make(job, to, progress)
            progress.look()
            _keep(job, to, name, now())
    except JobCancelled:
        JobPart.objects.filter(job=job).delete()
        Job.objects.filter(pk=job.pk, finished_at=None).update(finished_at=now())
    except Exception as error:  # whatever it is, it must not hold up the others
        logger.exception("job %s failed", job.pk)
        JobPart.objects.filter(job=job).delete()
        kind = type(error).__name__
        Job.objects.filter(pk=job.pk, finished_at=None).update(finished_at=now(), failure=kind)


def forget_files(*, now: datetime) -> int:
    """Drop files that were made long ago; give how many pieces."""
    old = JobPart.objects.filter(job__finished_at__lt=now - KEPT)
    ids = list(old.values_list("pk", flat=True)[:500])
    count, _models = JobPart.objects.filter(pk__in=ids).delete()
    return count


class Progress:
    """Counts what a job has done; every second it says that it is alive, and asks whether it is cancelled."""

    def __init__(self, job: Job, now: Callable[[], datetime]) -> None:
        self.job, self.now = job, now
        self.done = 0
        self.said = monotonic()

    def __call__(self) -> None:
        """Count one more row. Raises JobCancelled."""
        self.done += 1
        if self.done % 100 == 0 and monotonic() - self.said >= _SIGN_SECONDS:
            self.look()

    def look(self) -> None:
        """Keep how far it has come. Raises JobCancelled."""
        assert not connection.in_atomic_block, "progress is seen by others only outside of a transaction"
        self.said = monotonic()
        # By its attempt: a worker that was taken for dead may still be at work beside the next one.
        mine = Job.objects.filter(pk=self.job.pk, attempts=self.job.attempts, finished_at=None)
        if not mine.filter(cancel_at=None).update(done=self.done, alive_at=self.now()):
            raise JobCancelled


def _make(job: Job, to: IO[bytes], progress: Progress) -> str:
    trial = Trial.objects.get(pk=job.about)
    Job.objects.filter(pk=job.pk).update(total=count_rows(trial))
    now = progress.now()
    export_trial(trial=trial, by=job.asked_by, now=now, to=to, each=progress)
    return f"{trial.code}-{now.date()}.zip"


def _keep(job: Job, to: IO[bytes], name: str, now: datetime) -> None:
    to.seek(0)
    with transaction.atomic():
        # Of an attempt whose worker died in here pieces are left.
        JobPart.objects.filter(job=job).delete()
        number = 0
        while content := to.read(PART):
            JobPart.objects.create(job=job, number=number, content=content)
            number += 1
        mine = Job.objects.filter(pk=job.pk, attempts=job.attempts, finished_at=None)
        if not mine.update(finished_at=now, file_name=name, alive_at=now, done=F("total")):
            raise JobCancelled
