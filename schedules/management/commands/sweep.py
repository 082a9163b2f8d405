"""Sweep and deliver by hand, where beat does not run or nobody wants to wait for it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from schedules.services.course import holds
from schedules.services.deviations import classification
from schedules.services.feeds import access
from schedules.services.readiness import start_flags
from schedules.services.reminders import addressing, ledger, sweeping
from schedules.services.windows import evaluation
from trials.audit.acts import caused_by
from trials.database_time import database_now


class Command(BaseCommand):
    """`manage.py sweep`."""

    help = (
        "Judge the protocol windows whose moment has come; count the days on hold; flag what speaks against "
        "a start to come; draft deviations of visits whose window closed without a record; write the "
        "reminders that are due by the rules, each once, and send what is not sent."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        with caused_by("sweep"):
            judged = evaluation.sweep_windows(now=timezone.now())
            waiting = holds.sweep_holds(now=timezone.now())
            start_flags.sweep_starts(now=timezone.now())
            access.sweep_feeds(now=timezone.now())
            drafted = classification.sweep_unrecorded(now=timezone.now())
        self.stdout.write(f"{judged} windows judged, {waiting} holds counted, {drafted} deviations drafted")
        sweeping.lapse_reminders(now=timezone.now())
        written = sweeping.sweep_rules(now=timezone.now())
        addressing.escalate_reminders(now=timezone.now())
        taken = 0
        while claimed := ledger.deliver_reminders(now=timezone.now(), at=database_now()):
            taken += claimed
        self.stdout.write(f"{written} reminders written, {taken} taken up for delivery")
