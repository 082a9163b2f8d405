"""Make so many participants whose windows close soon, one coordinator and a signed POST for them.

A program of its own: `python -m tests.production.crowd 2000 http://127.0.0.1:9000/ok`. It prints nothing.
"""

from __future__ import annotations

import os
import sys
from datetime import time, timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.development")
django.setup()

from django.utils import timezone  # noqa: E402

from participants.models import Participant  # noqa: E402
from schedules.models import Reminder, ReminderDelivery, ReminderRecipient, ReminderSetting, Visit  # noqa: E402
from trials.audit.acts import caused_by  # noqa: E402
from trials.models import Membership, ProtocolVersion, Role, Site, Trial, User  # noqa: E402
from trials.services.channels.channels import ChannelSaid, add_channel  # noqa: E402

AT_ONCE = 1000


def make(number: int, url: str) -> None:
    """Write everything; of the demo nobody is reminded any more."""
    now = timezone.now()
    today = now.date()
    ReminderDelivery.objects.all().delete()
    ReminderRecipient.objects.all().delete()
    Reminder.objects.all().delete()
    Trial.objects.update(frozen_on=today, retain_until=today)
    User.objects.update(email="")
    trial = Trial.objects.create(code="NCT00000000", title="Made up")
    site = Site.objects.create(code="CROWD", name="A hospital", zone="Asia/Shanghai")
    version = ProtocolVersion.objects.create(trial=trial, label="1", document="{}", digest="d")
    ReminderSetting.objects.create(
        trial=trial, kind="", manner="at-once", earliest=time(0), latest=time(0), working_days=False,
        escalate_after=0,
    )  # fmt: skip
    person = User.objects.create_user("crowd", email="crowd@example.org")
    Membership.objects.create(user=person, role=Role.COORDINATOR, starts_on=today - timedelta(days=30))
    if url:
        add_channel(said=ChannelSaid("webhook", "Receiver", url), now=now, by=person)
    for first in range(0, number, AT_ONCE):
        people = Participant.objects.bulk_create(
            Participant(trial=trial, site=site, protocol_version=version, subject_code=f"C-{place:06}")
            for place in range(first, min(first + AT_ONCE, number))
        )
        Visit.objects.bulk_create(
            Visit(
                participant=one, code="d14", rule_code="d14", label="Day 14", epoch="treatment",
                timing="offset", place="clinic", anchor_code="infusion",
                anchor_on=today - timedelta(days=14), anchor_kind="actual", offset="P14D",
                opens=today - timedelta(days=2), target=today, closes=today + timedelta(days=1),
                timing_basis="stated",
            )
            for one in people
        )  # fmt: skip


if __name__ == "__main__":
    with caused_by("test"):
        make(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "")
