"""Attention in a simulated year: who was told what, when, and whether it was in time.

The coordinator of `SiteYear` works as the pages ask; beat rings at 8:01 and at 16:00, and every
message is kept. The long lane prints the figures of a year.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from statistics import median

from schedules.domain.reminders.grouping import Message
from schedules.models import Visit
from schedules.services.reminders.addressing import escalate_reminders
from schedules.services.reminders.ledger import deliver_reminders
from schedules.services.reminders.sweeping import sweep_reminders
from tests.simulation.site_year import SHANGHAI, SiteYear
from trials.models import Role, User
from trials.services.accounts.memberships import grant_membership

IN_TIME = ("closing", "half", "book", "coming")
"""The kinds by which somebody is told that a window is about to close, or what is booked in it."""

RINGS = (time(8, 1), time(16))


@dataclass
class AttentionYear(SiteYear):
    """A year in which every message is kept: day, person, and what it said of which thing."""

    messages: list[tuple[date, Message]] = field(default_factory=list)
    told: set[tuple[int | None, str]] = field(default_factory=set)

    def _open(self) -> None:
        super()._open()
        with self.at(time(6)):
            User.objects.filter(pk=self.user.pk).update(email="coordinator@example.org")
            chief = User.objects.create_user("chief", email="chief@example.org")
            grant_membership(
                user=chief, role=Role.INVESTIGATOR, site=self.site, starts_on=self.today, by=None
            )

    def _sweep(self) -> None:
        super()._sweep()
        for hour in RINGS:
            now = datetime.combine(self.today, hour, SHANGHAI).astimezone(UTC)
            sweep_reminders(now=now)
            escalate_reminders(now=now)
            while deliver_reminders(now=now, send=self._keep):
                pass

    def _keep(self, message: Message) -> None:
        self.messages.append((self.today, message))

    def twice(self) -> list[str]:
        """What one person was told twice of one thing on one day."""
        said = Counter(
            (day, message.recipient, notice.thing)
            for day, message in self.messages
            for notice in message.notices
        )
        return [f"{day} {person} {thing}" for (day, person, thing), times in said.items() if times > 1]

    def closed_unsaid(self) -> list[str]:
        """The windows that closed with nothing booked or on record, and nobody was told of before."""
        told = {
            notice.key.split(":")[1]
            for day, message in self.messages
            for notice in message.notices
            if notice.kind in IN_TIME and day <= notice.closes
        }
        closed = Visit.objects.filter(
            closes__gt=self.start, closes__lt=self.today, performed_on=None, cancelled_on=None
        ).filter(applies=True, held_on=None, booked_on=None)
        return [f"{visit.code} {visit.closes}" for visit in closed if visit.uid not in told]

    def each_day(self) -> list[int]:
        """How many messages each person got on each working day of the year."""
        days = {day for day, _message in self.messages}
        people = {message.recipient for _day, message in self.messages}
        count = Counter((day, message.recipient) for day, message in self.messages)
        return sorted(count[day, person] for day in days for person in people)

    def figures(self) -> str:
        """The figures, in one line each."""
        each = self.each_day()
        lines = sum(len(message.notices) for _day, message in self.messages)
        return (
            f"{len(self.messages)} messages with {lines} lines in {self.days} days\n"
            f"messages a person and day: median {median(each) if each else 0}, most {max(each, default=0)}\n"
            f"said twice of one thing to one person on one day: {len(self.twice())}\n"
            f"windows that closed without a word before: {len(self.closed_unsaid())}"
        )
