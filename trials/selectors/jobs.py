"""Jobs that somebody asked for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from trials.models import Job, JobPart, User


def jobs_of(user: User) -> QuerySet[Job]:
    """The jobs that somebody asked for, the newest first."""
    return Job.objects.filter(asked_by=user).order_by("-pk")


def parts_of(job: Job) -> Iterator[bytes]:
    """The pieces of a job's file in their order, read one after the other."""
    numbers = JobPart.objects.filter(job=job).order_by("number")
    for number in list(numbers.values_list("number", flat=True)):
        yield bytes(JobPart.objects.values_list("content", flat=True).get(job=job, number=number))


def has_file(job: Job) -> bool:
    """Whether the file of a job is still there."""
    return JobPart.objects.filter(job=job).exists()


def jobs_left(now: datetime, stale_after: timedelta) -> list[int]:
    """The open jobs that nobody does: not begun, or without a sign of life for so long; by number."""
    found = Job.objects.filter(is_left(now, stale_after), finished_at=None)
    return list(found.order_by("pk").values_list("pk", flat=True)[:20])


def is_left(now: datetime, stale_after: timedelta) -> Q:
    """The condition on jobs that nobody does; a sign of life in the future was given by a wrong clock."""
    return Q(alive_at=None) | Q(alive_at__lt=now - stale_after) | Q(alive_at__gt=now + stale_after)
