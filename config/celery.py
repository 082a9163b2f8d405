"""The Celery app and everything that happens by the clock.

Celery and Redis only ring the bell: what is due stands in the database, so a lost, doubled or
late message changes nothing (docs/architecture.md).
"""

from datetime import timedelta
from typing import Any

from celery import Celery, signals
from django.db import connections
from kombu.entity import Queue

from config import running  # noqa: F401  its signals register themselves

EVERY_MINUTE = timedelta(minutes=1)
EVERY_TEN_MINUTES = timedelta(minutes=10)

# No settings are named here: this module is loaded before config.wsgi names the production ones.
# A worker or beat started by hand needs DJANGO_SETTINGS_MODULE.
app = Celery("dayzero")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# Name -> task and how often. Tasks acknowledge early, carry ids only, and never an ETA.
BEAT: dict[str, dict[str, Any]] = {
    "write the reminders that are due": {"task": "schedules.tasks.sweep", "schedule": EVERY_MINUTE},
    "end the calendar addresses of ended roles": {
        "task": "schedules.tasks.end_feeds",
        "schedule": EVERY_MINUTE,
    },
    "number the changes of the feed": {"task": "schedules.tasks.number_changes", "schedule": EVERY_MINUTE},
    "tell programs of changes": {"task": "schedules.tasks.ring_webhooks", "schedule": EVERY_MINUTE},
    "judge the windows that are due": {"task": "schedules.tasks.judge", "schedule": EVERY_MINUTE},
    "draft what closed without a record": {"task": "schedules.tasks.draft", "schedule": EVERY_MINUTE},
    "count the days on hold": {"task": "schedules.tasks.hold", "schedule": EVERY_TEN_MINUTES},
    "look at the starts to come": {"task": "schedules.tasks.start", "schedule": EVERY_TEN_MINUTES},
    "bring participants to another version": {"task": "schedules.tasks.amend", "schedule": EVERY_MINUTE},
    "tell owners of accounts": {
        "task": "trials.tasks.tell_owners_of_accounts",
        "schedule": EVERY_TEN_MINUTES,
    },
    "do the long jobs": {"task": "trials.tasks.ring_jobs", "schedule": EVERY_MINUTE},
    "seal the audit trail": {"task": "trials.tasks.seal", "schedule": EVERY_TEN_MINUTES},
    "send what is written and not sent": {"task": "schedules.tasks.deliver", "schedule": EVERY_MINUTE},
}
# A message that waited until the next one came is dropped: a hanging worker is not rung at a hundred times.
for _entry in BEAT.values():
    _entry["options"] = {"expires": _entry["schedule"].total_seconds()}
app.conf.beat_schedule = BEAT  # set and not read here: to read it asks for the settings
# Each kind of work has a queue of its own, and docker-compose.yml a worker for each: what hangs in one (a
# mail server, a long amendment) holds up none of the others.
SWEEP, JUDGE, DELIVER, LONG = QUEUES = ("sweep", "judge", "deliver", "long")
app.conf.task_default_queue = SWEEP
app.conf.task_routes = {
    "schedules.tasks.judge": {"queue": JUDGE},
    "schedules.tasks.draft": {"queue": JUDGE},
    "schedules.tasks.hold": {"queue": JUDGE},
    "schedules.tasks.start": {"queue": JUDGE},
    "schedules.tasks.deliver": {"queue": DELIVER},
    "schedules.tasks.ring_webhooks": {"queue": DELIVER},
    "schedules.tasks.deliver_by": {"queue": DELIVER},
    "trials.tasks.tell_owners_of_accounts": {"queue": DELIVER},
    "schedules.tasks.amend": {"queue": LONG},
    "trials.tasks.run_job": {"queue": LONG},
}
# A worker that is told no queues takes from all of them.
app.conf.task_queues = [Queue(name) for name in QUEUES]
# What beat last did is of no interest: all of it may be done again at any time.
app.conf.beat_scheduler = "config.beat:SteadyScheduler"


@signals.task_prerun.connect
def leave_broken_connections(**_: Any) -> None:
    """Let a beat that runs its tasks itself outlive a restart of the database, as workers do."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()


@signals.worker_ready.connect
@signals.beat_init.connect
def warn_of_the_databases_role(**_: Any) -> None:
    """Say in the log where this process could switch the audit trail off."""
    from trials.audit.database_roles import warn_of_powers  # noqa: PLC0415  models are ready only now

    warn_of_powers()
