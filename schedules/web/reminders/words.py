"""What a reminder says on a page, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from schedules.domain.reminders import START
from schedules.domain.reminders.ledger import ClinicDaysLeft
from schedules.domain.reminders.people import CAPACITY_LABELS, Capacity
from schedules.domain.reminders.rules import BY_KIND, KIND_LABELS, UNTOLD
from schedules.domain.reminders.states import STATE_LABELS
from schedules.models import Reminder, ReminderDelivery, ReminderRecipient
from schedules.notifications import sentence, with_clinic_days, written_day
from schedules.selectors.reminders.bell import Telling, tellings_of, untold_of
from schedules.selectors.reminders.notices import clinic_days_ahead, path_of, places_of, zone_of_reminder
from schedules.selectors.reminders.recipients import person_of
from trials.domain.channels.failures import failure_text
from trials.domain.language import Text
from trials.models import Site
from trials.spoken import say


@dataclass(frozen=True, slots=True)
class BellRow:
    """One row of a bell: what it says, of whom, where something can be done, and its state.

    Its hours are those of the site that it is about.
    """

    recipient: ReminderRecipient
    kind: str
    text: str
    who: str
    place: str
    path: str
    capacity: str
    state: str
    placed_at: datetime
    snoozed_until: datetime | None
    acknowledged_at: datetime | None


def bell_rows(recipients: Sequence[ReminderRecipient], now: datetime) -> list[BellRow]:
    """The words of the rows of somebody's bell; one query where a window closes soon, one for places."""
    live = [one.reminder for one in recipients if one.over_at is None]
    left = clinic_days_ahead(live, now)
    places = places_of([one.reminder for one in recipients])
    return [_bell_row(one, now, left.get(one.reminder_id), places) for one in recipients]


def _bell_row(
    recipient: ReminderRecipient, now: datetime, left: ClinicDaysLeft | None, places: Mapping[int, Site]
) -> BellRow:
    reminder = recipient.reminder
    person, place = person_of(reminder), places.get(reminder.pk)
    zone = zone_of_reminder(reminder, places)
    site = Text(place.name, place.name_zh) if place else reminder.thing
    return BellRow(
        recipient=recipient,
        kind=say(KIND_LABELS[reminder.kind]),
        text=with_clinic_days(reminder_text(reminder), left),
        who=person.subject_code if person else say(site),
        place=f"{person.trial.called} · {person.site}" if person else "",
        path=path_of(reminder),
        capacity=capacity_words(recipient),
        state=bell_state(recipient, now),
        placed_at=recipient.placed_at.astimezone(zone),
        snoozed_until=_at(recipient.snoozed_until, zone),
        acknowledged_at=_at(recipient.acknowledged_at, zone),
    )


def _at(instant: datetime | None, zone: ZoneInfo) -> datetime | None:
    return instant.astimezone(zone) if instant else None


def bell_state(recipient: ReminderRecipient, now: datetime) -> str:
    """Where a row stands: unread, read, snoozed, acknowledged or over."""
    if recipient.acknowledged_at is not None:
        return "acknowledged"
    if recipient.over_at is not None:
        return "over"
    if recipient.snoozed_until is not None and recipient.snoozed_until > now:
        return "snoozed"
    return "unread" if recipient.seen_at is None else "read"


def reminder_text(reminder: Reminder) -> str:
    """What a reminder says, without whom it is about."""
    day = reminder.day or (reminder.visit.closes if reminder.visit else reminder.due_on)
    if reminder.kind == START:
        return _("The list before the start on %(day)s says no.") % {"day": written_day(day)}
    if reminder.kind == UNTOLD:
        return _("Nobody can be reminded there. Give somebody the role of a coordinator.")
    assert reminder.kind in BY_KIND, reminder.kind
    label = reminder.thing or (reminder.visit.label if reminder.visit else "")
    return sentence(reminder.kind, label, day)


def capacity_words(recipient: ReminderRecipient) -> str:
    """As what somebody was told; of a deputy, for whom."""
    if recipient.capacity == Capacity.DEPUTY and recipient.instead_of is not None:
        return _("as deputy of %(person)s") % {"person": recipient.instead_of.get_username()}
    return say(CAPACITY_LABELS[Capacity(recipient.capacity)])


def delivery_words(delivery: ReminderDelivery) -> str:
    """What came of one delivery, with the receiver's words where it failed."""
    state = say(STATE_LABELS[delivery.state])
    reason = failure_text(delivery.reason, say)
    return state + pgettext("after a name", ": ") + reason if reason else state


@dataclass(frozen=True, slots=True)
class ToldRow:
    """One line of what was said to whom."""

    reminder: Reminder
    text: str
    kind: str
    person: str
    capacity: str
    at: datetime
    bell: str
    ways: tuple[tuple[str, str, str], ...]


def channel_word(delivery: ReminderDelivery) -> str:
    """Say by which way: e-mail, or the server of a channel, with the group where it reaches one."""
    if delivery.channel == "email":
        return _("E-mail")
    words = _("group at %(server)s") if delivery.recipient_id is None else "%(server)s"
    return words % {"server": delivery.address}


def told_context(
    told: QuerySet[ReminderRecipient], now: datetime, most: int, zone: ZoneInfo, **of: object
) -> dict[str, object]:
    """What `reminders/told.html` shows: what was said to whom, at an hour of `zone`, and what to nobody."""
    nobody = [bare for one in untold_of(**of) if (bare := reminder_text(one))] if of else []
    return {"told": told_rows(tellings_of(told, most), now, zone), "nobody": nobody}


def told_rows(tellings: list[Telling], now: datetime, zone: ZoneInfo) -> list[ToldRow]:
    """The lines of a page on what was said to whom."""
    return [
        ToldRow(
            reminder=one.recipient.reminder,
            text=reminder_text(one.recipient.reminder),
            kind=say(KIND_LABELS[one.recipient.reminder.kind]),
            person=one.recipient.person.get_username(),
            capacity=capacity_words(one.recipient),
            at=one.recipient.placed_at.astimezone(zone),
            bell=bell_state(one.recipient, now),
            ways=tuple((channel_word(way), way.state.value, delivery_words(way)) for way in one.deliveries),
        )
        for one in tellings
    ]
