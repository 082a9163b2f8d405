"""What of claimed messages is said at this moment, and to whom; writes nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, Subquery

from schedules.domain.reminders import Notice
from schedules.domain.reminders.grouping import MOST_LINES, Message, one_for_each_thing
from schedules.domain.reminders.hours import Hours
from schedules.domain.reminders.people import Capacity
from schedules.domain.reminders.rules import BY_KIND, Manner, urgency_of
from schedules.models import Reminder, ReminderDelivery, ReminderRecipient
from schedules.selectors.reminders.claims import Thing, hearer, thing_heard
from schedules.selectors.reminders.notices import (
    languages_of,
    leaves_at,
    notices_about,
    reminders_by_id,
    still_true,
    thing_named,
)
from schedules.selectors.reminders.recipients import (
    People,
    answered_at,
    context_of_reminders,
    hours_of,
    people_of,
    persons_of,
)
from schedules.selectors.reminders.ways import EMAIL, ways_of_groups
from trials.domain.channels.failures import UNWRITTEN
from trials.models import AuditEntry
from trials.selectors.channels import receivers_of

Rows = Sequence[ReminderDelivery]

_LATELY = timedelta(hours=26)
"""What was said on the day that it is now was said in these hours, also on a day of 25."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What the rows of a message say at this moment: the message, and the rows that it says.

    `covered` are rows of whose thing the person heard something today that is as urgent; `waits` those that
    are more urgent than that, with the next morning, and those behind something more urgent that is tried
    again today, with its time; `quiet` those for which it has become night meanwhile, with its end; `over`
    those that do not concern the person any more; `untrue` those whose reminder is no longer true.
    """

    message: Message | None
    said: Rows
    covered: Rows = ()
    waits: Sequence[tuple[ReminderDelivery, datetime]] = ()
    quiet: Sequence[tuple[ReminderDelivery, datetime]] = ()
    over: Rows = ()
    untrue: Rows = ()


def judge_messages(messages: Sequence[Rows], now: datetime, at: datetime, language: str = "") -> list[Judged]:
    """Judge what the rows of each message say, and to whom; as many queries, however many messages.

    Nobody hears of one thing twice on one day: what is no more urgent than what was said counts as said
    with it, what is more urgent waits until the next morning, and only what leaves at once does so. Of what
    is due together the most urgent leaves first (`claim_messages`); where that is tried again later today,
    what is less urgent waits for it. What was due by day and is tried again by night waits for its end. Who
    is told because nobody acknowledged is not told once somebody has. A group hears of what somebody at its
    place is told. `language` is the channel's, else the recipient's counts. No two of the messages are of
    one receiver and thing (`claim_messages`).
    """
    found = _Found.of(messages, now, at, language)
    return [found.judged(rows, at, language) for rows in messages]


def held_of(rows: Rows, at: datetime) -> tuple[set[int], int]:
    """Which of these rows are still held by who claimed them at this instant, and the trail's newest entry.

    Somebody may have acknowledged one, given it up, or taken it as a claim that has grown old. One query.
    """
    newest = Subquery(AuditEntry.objects.order_by("-pk").values("pk")[:1])
    held = ReminderDelivery.objects.filter(
        pk__in=[row.pk for row in rows], claimed_at=at, sent_at=None, refused_at=None, lapsed_at=None
    )
    found = list(held.order_by().annotate(newest=newest).values_list("pk", "newest"))
    return {pk for pk, _newest in found}, max((newest or 0 for _pk, newest in found), default=0)


@dataclass(frozen=True, slots=True)
class _Found:
    """What messages are judged by, read for all of them together."""

    true: Mapping[int, Reminder]
    people: People
    hours: Mapping[int, Hours]
    notices: Mapping[int, Notice]
    capacities: Mapping[tuple[int, int], str]
    answered: Collection[int]
    receivers: Mapping[str, str]
    groups: Mapping[int, Collection[str]]
    told: Mapping[Thing, Sequence[ReminderDelivery]]
    to_leave: Mapping[Thing, Sequence[ReminderDelivery]]
    languages: Mapping[int, str]

    @classmethod
    def of(cls, messages: Sequence[Rows], now: datetime, at: datetime, language: str) -> _Found:
        reminders = reminders_by_id({row.reminder_id for rows in messages for row in rows})
        context = context_of_reminders(reminders)
        true = still_true(reminders, now, context)
        whom = {rows[0].recipient_id for rows in messages}
        named = {person for person in whom if person is not None}
        capacities, answered = _told_as(true, named, at)
        channels = {rows[0].channel for rows in messages}
        receivers = receivers_of(channels)
        told, to_leave = _told_lately(named, channels, receivers, true, at)
        return cls(
            true={one.pk: one for one in true},
            people=people_of(true, now, context),
            hours=hours_of(true, context),
            notices=notices_about(true, now),
            capacities=capacities,
            answered=answered,
            receivers=receivers,
            groups=_groups_of(true) if None in whom else {},
            told=told,
            to_leave=to_leave,
            languages={} if language else languages_of(named),
        )

    def judged(self, rows: Rows, at: datetime, language: str) -> Judged:
        head = rows[0]
        concerned = {row.reminder_id for row in rows if self._concerns(row.reminder_id, head)}
        nights = self._nights(concerned, at)
        mornings = self._mornings(head, concerned - nights.keys(), at)
        mornings |= self._behind_others(rows, concerned - nights.keys() - mornings.keys(), at)
        said = [row for row in rows if row.reminder_id in concerned - nights.keys() - mornings.keys()]
        here = self.true.keys() & {row.reminder_id for row in rows}
        return Judged(
            message=self._message(head, said, language) if said else None,
            said=said,
            covered=[row for row in rows if mornings.get(row.reminder_id, at) is None],
            waits=[(row, morning) for row in rows if (morning := mornings.get(row.reminder_id)) is not None],
            quiet=[(row, nights[row.reminder_id]) for row in rows if row.reminder_id in nights],
            over=[row for row in rows if row.reminder_id in here - concerned],
            untrue=[row for row in rows if row.reminder_id not in here],
        )

    def _concerns(self, reminder: int, head: ReminderDelivery) -> bool:
        if reminder not in self.true:
            return False
        whom = head.recipient_id
        if whom is None:  # the group of the place where the participant is now
            return bool(self.people.told.get(reminder)) and head.channel in self.groups.get(reminder, ())
        capacity = self.capacities.get((reminder, whom), "")
        if capacity == Capacity.ESCALATION and reminder in self.answered:
            return False
        return self.people.still_concerns(reminder, whom, capacity)

    def _nights(self, reminders: Collection[int], at: datetime) -> dict[int, datetime]:
        """Those reminders for which this instant lies in the quiet hours, with the end of these."""
        ends = {pk: here.soonest(at, any_day=True) for pk in reminders if (here := self.hours.get(pk))}
        return {pk: end for pk, end in ends.items() if end > at}

    def _notice(self, head: ReminderDelivery, reminder: int) -> Notice:
        return replace(self.notices[reminder], recipient=head.recipient_id or 0, address=head.address)

    def _message(self, head: ReminderDelivery, said: Rows, language: str) -> Message:
        whom = head.recipient_id or 0
        notices = one_for_each_thing([self._notice(head, row.reminder_id) for row in said])
        return Message(
            key=head.message,
            recipient=whom,
            channel=head.channel,
            address=head.address,
            notices=tuple(notices[:MOST_LINES]),
            language=language or self.languages.get(whom, ""),
            more=max(0, len(notices) - MOST_LINES),
            bell=f"{settings.PUBLIC_ADDRESS}/reminders/" if settings.PUBLIC_ADDRESS else "",
        )

    def _mornings(
        self, head: ReminderDelivery, reminders: Collection[int], at: datetime
    ) -> dict[int, datetime | None]:
        """Those reminders of whose thing this person heard today already.

        With the next morning where it has become graver since, None where what was said was as urgent. What
        its receiver heard by another channel is not said again, on whatever day.
        """
        found: dict[int, datetime | None] = {}
        for reminder in (self.true[pk] for pk in sorted(reminders)):
            told = self.told.get((hearer(head, self.receivers), thing_named(reminder)), ())
            elsewhere = any(sent.reminder_id == reminder.pk and sent.channel != head.channel for sent in told)
            today = self._told_today(told, reminder, head, at)
            urgency = urgency_of(reminder.kind)
            if elsewhere or any(urgency_of(sent.reminder.kind) >= urgency for sent in today):
                found[reminder.pk] = None
            elif today and reminder.manner != Manner.AT_ONCE:
                found[reminder.pk] = self.hours[reminder.pk].next_morning(at, any_day=True)
        return found

    def _behind_others(
        self, rows: Rows, reminders: Collection[int], at: datetime
    ) -> dict[int, datetime | None]:
        """Those reminders of whose thing something more urgent leaves later today, with the time of that.

        By then it has left, and these count as said with it; or it has not, and they are looked at again.
        What cannot be written holds up nothing.
        """
        waiting = (self.true[pk] for pk in sorted(reminders))
        later = {one.pk: self._more_urgent_leave(rows, one, at) for one in waiting}
        return {pk: min(leaves) for pk, leaves in later.items() if leaves}

    def _more_urgent_leave(self, rows: Rows, reminder: Reminder, at: datetime) -> list[datetime]:
        """When what says more than a reminder leaves later today, in other messages by the same channel."""
        head, mine = rows[0], {row.pk for row in rows}
        others = self.to_leave.get((hearer(head, self.receivers), thing_named(reminder)), ())
        here = [one for one in others if one.pk not in mine and one.channel == head.channel]
        urgent = [one for one in here if urgency_of(one.reminder.kind) > urgency_of(reminder.kind)]
        leaves = [leaves_at(one, at) for one in urgent if one.reason != UNWRITTEN]
        return [one for one in leaves if one > at and self._is_today(reminder, one, at)]

    def _is_today(self, reminder: Reminder, moment: datetime, at: datetime) -> bool:
        """Whether a moment falls on the day that it is now at the site of a reminder of our rules."""
        here = self.hours.get(reminder.pk)
        if here is None or reminder.kind not in BY_KIND:
            return False
        return moment.astimezone(here.zone).date() == at.astimezone(here.zone).date()

    def _told_today(
        self, told: Sequence[ReminderDelivery], reminder: Reminder, head: ReminderDelivery, at: datetime
    ) -> list[ReminderDelivery]:
        """What was told of its thing today, by the day of its site, in other messages than this one."""
        return [
            sent
            for sent in told
            if sent.message != head.message and sent.sent_at and self._is_today(reminder, sent.sent_at, at)
        ]


def _told_as(
    reminders: Sequence[Reminder], people: Collection[int], at: datetime
) -> tuple[dict[tuple[int, int], str], set[int]]:
    """As what these people were told of each reminder, and which reminders somebody answered; one query."""
    asked = ReminderRecipient.objects.filter(reminder__in=reminders, person__in=people).annotate(
        answered=Exists(answered_at(at).filter(reminder=OuterRef("reminder")))
    )
    rows = list(asked.values_list("reminder_id", "person_id", "capacity", "answered"))
    capacities = {(reminder, person): capacity for reminder, person, capacity, _answered in rows}
    return capacities, {reminder for reminder, _person, _capacity, answered in rows if answered}


def _groups_of(reminders: Sequence[Reminder]) -> dict[int, set[str]]:
    """The channels of the groups at the place where each participant is now, by reminder; one query."""
    places = {pk: (one.trial_id, one.site_id) for pk, one in persons_of(reminders).items()}
    ways = ways_of_groups(set(places.values()))
    return {pk: {way.channel for way in ways.get(place, ())} for pk, place in places.items()}


def _told_lately(
    people: Collection[int],
    channels: Collection[str],
    receivers: Mapping[str, str],
    about: Sequence[Reminder],
    at: datetime,
) -> tuple[dict[Thing, list[ReminderDelivery]], dict[Thing, list[ReminderDelivery]]]:
    """What these people, or the receivers of these channels, heard lately of the things of these reminders.

    And what is still to leave to them of these. One query. By a channel it does not matter to whom it was
    said: its receiver heard it.

    Of a visit by its row. What is of no visit, a window or a flag, has a name in the key alone: all that
    was said of the same participant is read.
    """
    theirs = Q(channel__in={*receivers, *channels} - {EMAIL})
    if EMAIL in channels:
        theirs |= Q(channel=EMAIL, recipient__in=people)
    things = Q(reminder__visit__in={one.visit_id for one in about if one.visit_id})
    if persons := {one.participant_id for one in about if not one.visit_id}:
        things |= Q(reminder__visit=None, reminder__participant__in=persons)
    if alone := [one.pk for one in about if not one.visit_id and not one.participant_id]:
        things |= Q(reminder__in=alone)
    open_ = Q(sent_at=None, refused_at=None, lapsed_at=None, reminder__lapsed_at=None)
    rows = ReminderDelivery.objects.filter(things, theirs, Q(sent_at__gt=at - _LATELY) | open_)
    told: dict[Thing, list[ReminderDelivery]] = {}
    to_leave: dict[Thing, list[ReminderDelivery]] = {}
    for one in rows.select_related("reminder"):
        (told if one.sent_at else to_leave).setdefault(thing_heard(one, receivers), []).append(one)
    return told, to_leave
