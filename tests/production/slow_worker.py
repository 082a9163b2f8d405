"""A worker that is slow between claiming a reminder and marking it sent, so that it can be killed there.

Its arguments are how many seconds each sending takes, and after how many a claim is old.
"""

import os
import sys
import time
from datetime import timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.development")
django.setup()

from django.utils import timezone  # noqa: E402

from schedules.domain.reminders.grouping import Message  # noqa: E402
from schedules.notifications import sending_by_email  # noqa: E402
from schedules.services.reminders.ledger import deliver_reminders  # noqa: E402

seconds, stale = map(float, sys.argv[1:])


def send_slowly(message: Message) -> None:
    print("claimed", flush=True)
    time.sleep(seconds)
    with sending_by_email() as send:
        send(message)


while deliver_reminders(now=timezone.now(), stale_after=timedelta(seconds=stale), send=send_slowly):
    pass
