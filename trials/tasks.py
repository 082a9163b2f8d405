"""What beat rings for: the audit trail is sealed, heads leave the machine, long jobs are done."""

from celery import shared_task
from django.utils import timezone

from trials.audit.acts import caused_by
from trials.database_time import database_now
from trials.ringing import ring
from trials.selectors.jobs import jobs_left
from trials.services.accounts.account_changes import tell_owners
from trials.services.audit.sealing import seal_and_hand_out
from trials.services.jobs.jobs import STALE_AFTER, claim_job, forget_files
from trials.services.jobs.jobs import run_job as do_job


@shared_task
def seal() -> None:
    """Seal what the trail has gained, and hand out what has not left yet."""
    seal_and_hand_out(now=timezone.now())


@shared_task
def tell_owners_of_accounts() -> None:
    """Tell those whose e-mail about their account did not leave."""
    with caused_by("tell owners"):
        tell_owners(now=timezone.now())


@shared_task
def ring_jobs() -> None:
    """Ring for the long jobs that nobody does, and drop files that were made long ago."""
    now = database_now()
    for number in jobs_left(now, STALE_AFTER):
        ring("trials.tasks.run_job", number)
    forget_files(now=now)


@shared_task
def run_job(number: int) -> None:
    """Do one long job, if nobody else does it."""
    job = claim_job(now=database_now(), pk=number)
    if job is not None:
        do_job(job)
