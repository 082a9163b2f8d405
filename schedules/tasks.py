"""What beat rings for: each task is one call, carries nothing, and may be lost or doubled."""

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from schedules.selectors.reminders.ways import channels_due
from schedules.services.course import holds
from schedules.services.deviations import classification
from schedules.services.exchange import change_feed, webhook_messages
from schedules.services.feeds import access
from schedules.services.readiness import start_flags
from schedules.services.reminders import addressing, by_channel, ledger, sweeping
from schedules.services.replanning import amendments
from schedules.services.windows import evaluation
from trials.audit.acts import caused_by
from trials.bounded import task_time
from trials.database_time import database_now
from trials.ringing import ring
from trials.selectors.channels import channel_in_use


@shared_task
def sweep() -> None:
    """Write reminders that have become due, let lapse what no longer holds, pass on what nobody saw."""
    now = timezone.now()
    sweeping.sweep_reminders(now=now)
    # both by the database's clock: a machine that ran a day ahead told investigators a day early
    addressing.escalate_reminders(now=now, at=database_now())


@shared_task
def number_changes() -> None:
    """Number the changes that readers of the change feed follow."""
    change_feed.number_all_changes(task_time())


@shared_task
def ring_webhooks() -> None:
    """Tell programs of changes, and forget what they took long ago."""
    webhook_messages.ring_webhooks()
    webhook_messages.forget_messages(now=timezone.now())


@shared_task
def end_feeds() -> None:
    """Revoke the calendar addresses behind which a role has ended by its date."""
    access.sweep_feeds(now=timezone.now())


@shared_task
def judge() -> None:
    """Judge the protocol windows whose moment has come, by time or by facts."""
    with caused_by("sweep"):
        evaluation.sweep_windows(now=timezone.now(), has_time=task_time())


@shared_task
def draft() -> None:
    """Draft deviations for visits whose window closed without a record."""
    with caused_by("sweep"):
        classification.sweep_unrecorded(now=timezone.now(), has_time=task_time())


@shared_task
def hold(after: int = 0) -> None:
    """Count the days on hold after chemotherapy, and flag what escalates; behind a participant."""
    with caused_by("sweep"):
        rest = holds.sweep_holds(now=timezone.now(), after=after, has_time=task_time())
    if rest:
        ring("schedules.tasks.hold", rest)


@shared_task
def start(after: int = 0) -> None:
    """Look at the list before every start to come, and flag what says no; behind a participant."""
    with caused_by("sweep"):
        rest = start_flags.sweep_starts(now=timezone.now(), after=after, has_time=task_time())
    if rest:
        ring("schedules.tasks.start", rest)


@shared_task
def amend(number: int = 0) -> None:
    """Bring participants who wait to the other protocol version, as many as there is time for.

    It rings for itself while some are left; where beat does the work itself, the others come in between.
    """
    has_time = task_time()
    with caused_by("amendment"):
        while has_time() and amendments.advance_amendments(now=timezone.now(), has_time=has_time):
            pass
    if not has_time() and not settings.CELERY_TASK_ALWAYS_EAGER:
        ring("schedules.tasks.amend", number)


@shared_task
def deliver() -> None:
    """Say who is told, send e-mail for a bounded time, ring for each channel by which something is due."""
    at = database_now()
    addressing.lapse_left_behind(at=at)
    ledger.ring_reminders()
    if settings.CELERY_TASK_ALWAYS_EAGER:
        by_channel.ring_due_channels()
        return
    for channel in channels_due(at):
        ring("schedules.tasks.deliver_by", channel.pk)


@shared_task
def deliver_by(number: int) -> None:
    """Send what is due by one channel, for a bounded time: one that hangs holds up no other."""
    channel = channel_in_use(number)
    if channel is not None:
        by_channel.ring_channel(channel)
