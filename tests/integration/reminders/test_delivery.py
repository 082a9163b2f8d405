"""What is told of reminders: judged when it is sent, once to each, whatever receivers and clocks do."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from smtplib import SMTPDataError, SMTPRecipientsRefused, SMTPSenderRefused, SMTPServerDisconnected
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from participants.models import Participant
from schedules.domain.readiness.start_flags import START_FLAG, StartFlag
from schedules.domain.reminders import WAITS, closing_key
from schedules.domain.reminders.grouping import Message
from schedules.domain.windows.flags import FlagSeverity
from schedules.models import Flag, ProtocolWindow, Reminder, ReminderDelivery, ReminderSetting, Visit
from schedules.notifications import sending_by_email
from schedules.services.reminders import addressing, bell, decisions, ledger, sweeping
from tests.cast import a_site
from tests.clocks import database_clock_at
from tests.integration.reminders.test_reminders import NOON, TODAY, a_coordinator, a_visit
from trials.models import Membership, Role, Trial, User

pytestmark = pytest.mark.django_db
CLOSES = date(2026, 11, 24)
SECOND, MINUTE, HOUR, DAY = (
    timedelta(seconds=1),
    timedelta(minutes=1),
    timedelta(hours=1),
    timedelta(days=1),
)
REFUSED = {"no@example.org": (550, b"5.1.1 <no@example.org>: no such user")}


def swept(**given: object) -> Visit:
    visit = a_visit(a_site(), CLOSES, **given)
    sweeping.sweep_closing(now=NOON)
    return visit


def rung(now: datetime, **given: Any) -> int:
    return ledger.ring_reminders(now=lambda: now, at=lambda: now, **given)


class Post:
    """A mail server: what it took, and what it does with certain addresses."""

    def __init__(self, **refusals: Exception) -> None:
        self.refusals = {f"{name}@example.org": error for name, error in refusals.items()}
        self.took: list[tuple[str, str]] = []
        self.tried: Counter[str] = Counter()

    def __call__(self, message: Message) -> None:
        self.tried[message.address] += 1
        if message.address in self.refusals:
            raise self.refusals[message.address]
        self.took.extend((message.address, notice.key) for notice in message.notices)

    def rings(self, start: datetime, minutes: int) -> None:
        for minute in range(minutes):
            while ledger.deliver_reminders(now=start + minute * MINUTE, send=self):
                pass


# what is worth saying


def test_nothing_is_said_of_what_is_on_hold_and_the_new_window_gets_its_own() -> None:
    a_coordinator("here")
    visit = swept(held_on=TODAY)
    assert not Reminder.objects.exists()
    Visit.objects.filter(pk=visit.pk).update(held_on=None)
    sweeping.sweep_closing(now=NOON)
    Visit.objects.filter(pk=visit.pk).update(held_on=TODAY)
    ledger.deliver_reminders(now=NOON)
    assert not mail.outbox, "on hold since it was written"
    later = CLOSES + 14 * DAY
    Visit.objects.filter(pk=visit.pk).update(held_on=None, opens=later, target=later, closes=later)
    then = NOON + 14 * DAY
    sweeping.lapse_reminders(now=then)
    assert sweeping.sweep_closing(now=then) == 1
    ledger.deliver_reminders(now=then)
    here = User.objects.get(username="here").pk
    assert [message.extra_headers["X-Dayzero-Key"] for message in mail.outbox] == [
        f"{closing_key(visit.uid, later)}:{here}"
    ]
    standing = Reminder.objects.filter(lapsed_at=None)
    assert [one.key for one in standing] == [closing_key(visit.uid, later)], "the old one lapsed"


BOOKED = {"booked_on": date(2026, 11, 23)}


@pytest.mark.parametrize(
    ("given", "said", "why"),
    [
        (BOOKED, False, "the day is agreed"),
        ({"booked_on": date(2026, 11, 20)}, True, "booked for a day that is over: nothing is on record"),
        ({"booked_on": date(2026, 12, 20)}, True, "the booking no longer fits"),
        ({"booked_on": date(2026, 11, 26), "outside_reason": "travels"}, False, "outside on purpose"),
        ({"applies": False, "cancelled_on": TODAY}, False, "never applied"),
    ],
)
def test_an_appointment_that_fits_needs_no_reminder(given: dict[str, object], said: bool, why: str) -> None:
    a_coordinator("here")
    swept(**given)
    assert Reminder.objects.exists() is said, why
    ledger.deliver_reminders(now=NOON)
    assert bool(mail.outbox) is said, why


def _book(visit: Visit) -> None:
    Visit.objects.filter(pk=visit.pk).update(**BOOKED)


def _freeze(visit: Visit) -> None:
    Trial.objects.filter(pk=visit.participant.trial_id).update(frozen_on=TODAY)


def _withdraw(visit: Visit) -> None:
    Membership.objects.update(withdrawn_at=NOON)


def _end(visit: Visit) -> None:
    Membership.objects.update(ends_on=TODAY - DAY)


def _deactivate(visit: Visit) -> None:
    User.objects.update(is_active=False)


@pytest.mark.parametrize("change", [_book, _freeze, _withdraw, _end, _deactivate])
def test_what_is_sent_is_judged_at_that_moment(change: object) -> None:
    a_coordinator("here")
    visit = swept()
    change(visit)  # type: ignore[operator]
    ledger.deliver_reminders(now=NOON)
    assert not mail.outbox


def test_nor_is_it_sent_if_it_changes_while_others_are_sent() -> None:
    site = a_site()
    visits = [a_visit(site, CLOSES) for _ in range(3)]
    a_coordinator("here")
    sweeping.sweep_closing(now=NOON)
    told: list[str] = []

    def send(message: Message) -> None:
        told.append(message.notices[0].key)
        Visit.objects.filter(pk=visits[1].pk).update(performed_on=TODAY)

    ledger.deliver_reminders(now=NOON, send=send)
    assert told == [closing_key(visit.uid, CLOSES) for visit in (visits[0], visits[2])]
    assert Reminder.objects.get(visit=visits[1]).lapsed_at == NOON, "and does not wait to be sent"


@pytest.mark.parametrize("meanwhile", ["acknowledged", "given up", "taken by another worker"])
def test_nor_is_what_somebody_acknowledges_gives_up_or_takes_over_meanwhile(meanwhile: str) -> None:
    site = a_site()
    visits = [a_visit(site, CLOSES) for _ in range(3)]
    here = a_coordinator("here")
    sweeping.sweep_closing(now=NOON)
    told: list[str] = []

    def send(message: Message) -> None:
        told.append(message.notices[0].key)
        row = ReminderDelivery.objects.get(reminder__visit=visits[1])
        if meanwhile == "acknowledged":
            bell.acknowledge_reminder(recipient=row.reminder.recipients.get(), now=NOON)
        elif meanwhile == "given up" and row.refused_at is None:
            decisions.give_up_delivery(delivery=row, by=here, now=NOON, reason="she was told by phone")
        else:
            ReminderDelivery.objects.filter(pk=row.pk).update(claimed_at=NOON + MINUTE)

    ledger.deliver_reminders(now=NOON, send=send)
    assert told == [closing_key(visit.uid, CLOSES) for visit in (visits[0], visits[2])]


def test_of_two_messages_about_one_thing_that_are_due_together_the_second_is_not_said() -> None:
    a_coordinator("here")
    visit = a_visit(a_site(), CLOSES)
    sweeping.sweep_closing(now=NOON)
    less = Reminder.objects.get()
    less.pk, less.key, less.kind = None, f"half:{visit.uid}:{CLOSES.isoformat()}", "half"
    less.save()
    Visit.objects.filter(pk=visit.pk).update(opens=TODAY - 4 * DAY)
    told: list[str] = []
    for _ in range(2):
        ledger.deliver_reminders(now=NOON, send=lambda one: told.extend(of.kind for of in one.notices))
    assert told == ["closing"]
    assert not ReminderDelivery.objects.filter(sent_at=None, lapsed_at=None).exists()


def a_test_of_one_day(day: date) -> ProtocolWindow:
    """A test that counts on one day alone: on the day before two rules speak of it."""
    participant = a_visit(a_site(), TODAY + 90 * DAY).participant
    return ProtocolWindow.objects.create(
        participant=participant,
        code="hcg",
        label="hCG",
        kind="freshness",
        starts_on=day,
        ends_on=day,
        basis="stated",
    )


def test_nor_is_the_second_about_one_window() -> None:
    a_coordinator("here")
    a_test_of_one_day(TODAY + DAY)
    assert sweeping.sweep_rules(now=NOON) == 2
    told: list[str] = []
    for _ in range(2):
        ledger.deliver_reminders(now=NOON, send=lambda one: told.extend(of.kind for of in one.notices))
    assert told == ["test-closes"], "the graver of the two"
    assert not ReminderDelivery.objects.filter(sent_at=None, lapsed_at=None).exists()


def test_what_becomes_due_of_a_window_after_a_graver_word_of_the_day_counts_as_said() -> None:
    a_coordinator("here")
    a_test_of_one_day(TODAY + DAY)
    post = Post()
    sweeping.sweep_rules(now=NOON, kinds=("test-closes",))
    rung(NOON, send=post)
    sweeping.sweep_rules(now=NOON + HOUR)
    rung(NOON + HOUR, send=post)
    assert [key.split(":")[0] for _address, key in post.took] == ["test-closes"]
    assert not ReminderDelivery.objects.filter(sent_at=None, lapsed_at=None).exists()


def test_two_windows_of_one_person_are_two_things() -> None:
    a_coordinator("here")
    window = a_test_of_one_day(TODAY + DAY)
    window.pk, window.code = None, "hcg-2"
    window.save()
    post = Post()
    sweeping.sweep_rules(now=NOON)
    rung(NOON, send=post)
    assert [key.split(":")[0] for _address, key in post.took] == ["test-closes"] * 2


def test_what_cannot_be_judged_stands_in_its_row_and_the_others_leave(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    a_coordinator("here")
    site = a_site()
    visits = [a_visit(site, CLOSES) for _ in range(3)]
    sweeping.sweep_closing(now=NOON)
    judge, told = ledger.judge_messages, []

    def judge_but_one(messages: Any, *given: Any) -> Any:
        if any(row.reminder.visit_id == visits[1].pk for rows in messages for row in rows):
            raise KeyError("zone")
        return judge(messages, *given)

    monkeypatch.setattr(ledger, "judge_messages", judge_but_one)
    ledger.deliver_reminders(now=NOON, send=lambda message: told.append(message.notices[0].key))
    assert told == [closing_key(visit.uid, CLOSES) for visit in (visits[0], visits[2])]
    (left,) = ReminderDelivery.objects.filter(sent_at=None)
    assert (left.reminder.visit, left.attempts, left.claimed_at) == (visits[1], 1, None)


# one outcome for each person


def test_one_refused_address_is_tried_once_and_holds_up_nobody() -> None:
    for name in ("first", "no", "zoe"):
        a_coordinator(name)
    swept()
    post = Post(no=SMTPRecipientsRefused(REFUSED))
    post.rings(NOON, 60)
    assert dict(post.tried) == {f"{name}@example.org": 1 for name in ("first", "no", "zoe")}
    refused = ReminderDelivery.objects.get(recipient__username="no")
    assert (refused.refused_at, refused.reason) == (NOON, "550 5.1.1 <…>: no such user")
    assert Reminder.objects.get().sent_at == NOON, "said to all who can be told"


def test_a_refusal_is_shown_on_the_page_of_the_visit_and_in_records() -> None:
    keeper = User.objects.create_superuser("keeper")
    a_coordinator("no")
    visit = swept()
    Post(no=SMTPRecipientsRefused(REFUSED)).rings(NOON, 1)
    client = Client()
    client.force_login(keeper)
    from tests.cast import a_version

    Participant.objects.update(protocol_version=a_version(), trial=a_version().trial)
    page = client.get(f"/visits/{visit.pk}/").content.decode()
    assert "could not be delivered" in page
    assert "550 5.1.1" in page
    records = client.get("/admin/schedules/reminderdelivery/").content.decode()
    assert "550 5.1.1" in records


def test_an_address_that_was_corrected_is_tried_again() -> None:
    user = a_coordinator("no")
    swept()
    post = Post(no=SMTPRecipientsRefused(REFUSED))
    post.rings(NOON, 20)
    User.objects.filter(pk=user.pk).update(email="yes@example.org")
    post.rings(NOON + 20 * MINUTE, 20)
    assert [address for address, _key in post.took] == ["yes@example.org"]
    assert Reminder.objects.get().sent_at is not None


@pytest.mark.parametrize(
    ("error", "again", "why"),
    [
        (SMTPRecipientsRefused(REFUSED), False, "no such user"),
        (SMTPDataError(554, b"rejected"), False, "the message is refused"),
        (SMTPRecipientsRefused({"no@example.org": (450, b"greylisted")}), True, "come back later"),
        (SMTPDataError(452, b"full"), True, "out of space"),
        (SMTPSenderRefused(550, b"relay denied", "dayzero"), True, "our own fault, which can be mended"),
        (SMTPServerDisconnected("gone"), True, "a broken line"),
        (TimeoutError(), True, "it hangs"),
        (KeyError("template"), True, "a fault of ours"),
    ],
)
def test_what_is_refused_for_good_ends_and_the_rest_waits(error: Exception, again: bool, why: str) -> None:
    a_coordinator("no")
    swept()
    post = Post(no=error)
    post.rings(NOON, 3)
    assert post.tried.total() == (2 if again else 1), why


def test_an_address_that_is_none_ends_at_once() -> None:
    user = a_coordinator("odd")
    User.objects.filter(pk=user.pk).update(email="<>")
    a_coordinator("here")
    swept()
    ledger.deliver_reminders(now=NOON)
    assert [message.to for message in mail.outbox] == [["here@example.org"]]
    assert ReminderDelivery.objects.get(recipient=user).refused_at == NOON


def test_what_fails_for_now_waits_longer_each_time_until_it_is_moot() -> None:
    a_coordinator("no")
    swept()
    tries: list[datetime] = []

    def send(_message: Message) -> None:
        tries.append(now)
        raise TimeoutError

    now = NOON
    while now < NOON + 5 * 24 * 60 * MINUTE:
        ledger.deliver_reminders(now=now, send=send)
        due = tries[-1] + WAITS[min(len(tries), len(WAITS)) - 1]
        early = due - MINUTE
        now = early if now < early else due if now < due else now + 60 * MINUTE
    waits = [later - earlier for earlier, later in pairwise(tries)]
    assert waits[:5] == list(WAITS)
    assert set(waits[5:]) == {WAITS[-1]}
    assert tries[-1] < datetime(2026, 11, 24, 16, tzinfo=UTC), "until the window closes in Shanghai"


def test_after_a_lost_answer_the_same_message_leaves_under_the_same_id_and_not_at_once() -> None:
    """The server took it and its answer never came: who has that id already drops the second."""
    a_coordinator("here")
    swept()
    took: list[tuple[datetime, str, str]] = []

    def send(message: Message) -> None:
        with sending_by_email() as really:
            really(message)
        (left,) = mail.outbox
        mail.outbox.clear()
        took.append((now, left.extra_headers["Message-ID"], left.extra_headers["X-Dayzero-Key"]))
        if len(took) == 1:
            raise SMTPServerDisconnected("Connection unexpectedly closed")

    for seconds in range(0, 180, 15):
        now = NOON + seconds * SECOND
        ledger.deliver_reminders(now=now, send=send)
    (first, *name), (second, *again) = took
    assert name == again
    assert second - first >= MINUTE


def test_a_message_that_cannot_be_written_leaves_what_was_judged_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    a_coordinator("here")
    site = a_site()
    for _ in range(2):
        a_visit(site, CLOSES)
    sweeping.sweep_closing(now=NOON)
    addressing.address_reminders(now=NOON)
    leaves, over = [row for rows in ledger.claim_messages(at=NOON) for row in rows]
    (alone,) = ledger.judge_messages([[leaves]], NOON, NOON)
    judged = ledger.Judged(alone.message, said=[leaves], over=[over])
    monkeypatch.setattr(ledger, "judge_messages", lambda *_: [judged])
    monkeypatch.setattr(ledger, "_faults", lambda _message: {})

    def written_out(_message: Message) -> None:
        raise KeyError("template")

    monkeypatch.setattr(ledger, "written_out", written_out)
    (prepared,) = ledger.prepare_messages([[leaves, over]], NOON, NOON)
    assert prepared.message is None
    for row in (leaves, over):
        row.refresh_from_db()
    assert (leaves.attempts, leaves.lapsed_at, leaves.tried_at) == (1, None, NOON)
    assert (over.attempts, over.lapsed_at, over.reason) == (0, NOON, "")


# one ring is bounded


class Seconds:
    """A clock that stands until somebody waits."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.mark.parametrize(
    ("seconds", "sent"),
    [(10, 1), pytest.param(4, 3, marks=pytest.mark.long), pytest.param(0.01, 50, marks=pytest.mark.long)],
)
def test_a_mail_server_that_hangs_holds_a_ring_for_twenty_seconds_at_most(
    settings: Settings, seconds: float, sent: int
) -> None:
    a_coordinator("here")
    site, clock = a_site(), Seconds()
    for _ in range(50):
        a_visit(site, CLOSES)
    sweeping.sweep_closing(now=NOON)
    told: list[str] = []

    def send(message: Message) -> None:
        clock.at += seconds
        told.append(message.key)

    rung(NOON, send=send, clock=clock)
    assert clock.at <= ledger.RING_SECONDS
    assert len(told) == (2 if seconds == 10 else sent)
    for minute in range(1, 60):
        clock.at = 60.0 * minute
        rung(NOON + minute * MINUTE, send=send, clock=clock)
    assert len(told) == len(set(told)) == 50, "what a ring had no time for is free at once"


def test_nothing_goes_to_an_address_that_was_taken_away_before_it_left() -> None:
    person = a_coordinator("here")
    swept()
    addressing.address_reminders(now=NOON)
    User.objects.filter(pk=person.pk).update(email="")
    post = Post()
    post.rings(NOON + HOUR, 3)
    assert not post.tried
    assert Reminder.objects.get().recipients.count() == 1, "the bell has it"
    User.objects.filter(pk=person.pk).update(email="new@example.org")
    later = swept()
    post.rings(NOON + 2 * HOUR, 3)
    assert (("new@example.org", closing_key(later.uid, CLOSES))) in post.took


@pytest.mark.parametrize("manner", ["at-once", "digest"])
def test_what_failed_before_the_evening_is_tried_again_in_the_morning_under_its_key(manner: str) -> None:
    a_coordinator("here")
    site, keys = a_site(), []
    for _ in range(2):
        a_visit(site, CLOSES)
    ReminderSetting.objects.update(manner=manner, earliest=time(8), latest=time(20))
    evening = datetime(2026, 11, 21, 11, 59, 30, tzinfo=UTC)  # half a minute before eight in Shanghai
    sweeping.sweep_closing(now=evening - 12 * HOUR)

    def fails(message: Message) -> None:
        keys.append(message.key)
        raise SMTPServerDisconnected

    rung(evening, send=fails)
    tried = set(keys)
    assert tried
    for minutes in range(1, 12 * 60, 7):
        rung(evening + minutes * MINUTE, send=fails)
    assert sorted(keys) == sorted(tried), "nothing at night"
    came: list[str] = []
    for minutes in range(12 * 60, 13 * 60, 7):
        rung(evening + minutes * MINUTE, send=lambda message: came.append(message.key))
    assert sorted(came) == sorted(tried)


NIGHT = datetime(2026, 11, 20, 16, 1, tzinfo=UTC)  # a minute past midnight in Shanghai


def test_a_start_that_becomes_wrong_at_night_is_said_in_the_morning() -> None:
    a_coordinator("here")
    visit = a_visit(a_site(), CLOSES)
    ReminderSetting.objects.update(earliest=time(8), latest=time(20))
    person, start = visit.participant, StartFlag(TODAY + DAY, FlagSeverity.LOW, "{}", "{}", "lines")
    Flag.objects.create(
        participant=person, kind=START_FLAG, severity="warning", key="s", message="{}", raised_at=NIGHT
    )
    ledger.write_start_reminder(participant=person.pk, start=start, today=TODAY)
    post = Post()
    post.rings(NIGHT, 3)
    assert not post.tried
    post.rings(NIGHT + 8 * HOUR, 1)
    assert len(post.took) == 1


def test_that_there_is_nobody_to_tell_is_said_in_the_morning_too() -> None:
    a_coordinator("keeper", role=Role.ADMINISTRATOR)
    a_visit(a_site(), CLOSES)
    ReminderSetting.objects.update(earliest=time(8), latest=time(20))
    sweeping.sweep_closing(now=NIGHT + DAY)
    post = Post()
    post.rings(NIGHT + DAY, 3)
    assert not post.tried
    post.rings(NIGHT + DAY + 8 * HOUR, 1)
    assert [address for address, _key in post.took] == ["keeper@example.org"]


def test_what_is_true_again_leaves_under_a_key_that_no_receiver_has_seen() -> None:
    """One of two leaves a digest that failed, the other leaves under its key, and the first comes back."""
    a_coordinator("here")
    site = a_site()
    visits = [a_visit(site, CLOSES) for _ in range(2)]
    ReminderSetting.objects.update(manner="digest", earliest=time(8), latest=time(20))
    night, eight = NOON - 11 * HOUR, NOON - 4 * HOUR
    sweeping.sweep_closing(now=night)
    addressing.address_reminders(now=night)

    def fails(_message: Message) -> None:
        raise SMTPServerDisconnected

    rung(eight, send=fails)
    Visit.objects.filter(pk=visits[0].pk).update(booked_on=CLOSES)
    sweeping.lapse_reminders(now=eight)
    sent: list[Message] = []
    rung(eight + HOUR, send=sent.append)
    Visit.objects.filter(pk=visits[0].pk).update(booked_on=None)
    sweeping.sweep_closing(now=eight + HOUR)
    for hours in (2, 24):
        rung(eight + hours * HOUR, send=sent.append)
    assert [len(message.notices) for message in sent] == [1, 1]
    assert len({message.key for message in sent}) == 2


@pytest.mark.parametrize("most", [5, pytest.param(200, marks=pytest.mark.long)])
def test_a_ring_takes_up_so_many_at_most(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    assert ledger.RING_NUMBER == 200
    monkeypatch.setattr(ledger, "RING_NUMBER", most)
    monkeypatch.setattr(ledger, "BATCH", min(most // 2, ledger.BATCH))  # several batches
    a_coordinator("here")
    site = a_site()
    for _ in range(most + 3):
        a_visit(site, CLOSES)
    sweeping.sweep_closing(now=NOON)
    post, clock = Post(), Seconds()
    assert rung(NOON, send=post, clock=clock) == most == len(post.took)
    assert rung(NOON, send=post, clock=clock) == 3


def test_a_ring_stops_where_nobody_answers() -> None:
    a_coordinator("here")
    site = a_site()
    for _ in range(10):
        a_visit(site, CLOSES)
    sweeping.sweep_closing(now=NOON)
    post = Post(here=TimeoutError())
    rung(NOON, send=post)
    assert post.tried.total() == ledger.UNREACHABLE
    post.refusals.clear()
    rung(NOON + MINUTE, send=post)
    assert len(post.took) == 10


# clocks


@pytest.mark.parametrize(
    "jump", [pytest.param(jump, marks=pytest.mark.long) for jump in (HOUR, DAY, 30 * DAY)]
)
def test_a_clock_put_forward_while_mail_fails_and_back_loses_and_doubles_nothing(jump: timedelta) -> None:
    a_coordinator("here")
    site = a_site()
    visits = [a_visit(site, CLOSES + number * DAY) for number in range(4)]
    sweeping.sweep_closing(now=NOON)
    down = Post(here=TimeoutError())
    ahead = NOON + jump
    sweeping.lapse_reminders(now=ahead)
    sweeping.sweep_closing(now=ahead)
    down.rings(ahead, 20)
    up = Post()
    for hour in range(24 * 8):
        now = NOON + hour * HOUR
        sweeping.lapse_reminders(now=now)
        sweeping.sweep_closing(now=now)
        ledger.deliver_reminders(now=now, send=up)
        if hour == 0:
            assert len(up.took) == 1, "at once, and none that the clock wrote too early"
    told = Counter(key for _address, key in up.took)
    assert told == Counter(closing_key(visit.uid, visit.closes) for visit in visits)


CHANGES = [
    ("Europe/Berlin", date(2026, 3, 29)),
    ("America/New_York", date(2026, 11, 1)),
    *(
        pytest.param(zone, day, marks=pytest.mark.long)
        for zone, day in [
            ("Europe/Berlin", date(2026, 10, 25)),
            ("America/New_York", date(2026, 3, 8)),
            ("Australia/Lord_Howe", date(2026, 10, 4)),
            ("Australia/Lord_Howe", date(2026, 4, 5)),
            ("America/Santiago", date(2026, 9, 6)),
            ("America/Santiago", date(2026, 4, 5)),
        ]
    ),
]


@pytest.mark.parametrize(("zone", "day"), CHANGES)
def test_the_reminder_of_the_morning_leaves_once_at_eight_on_a_day_clocks_change(
    zone: str, day: date
) -> None:
    here = ZoneInfo(zone)
    a_coordinator("here")
    visit = a_visit(a_site(zone=zone), day + 2 * DAY)
    hours = {"manner": "digest", "earliest": time(8), "latest": time(20)}
    ReminderSetting.objects.filter(trial=visit.participant.trial).update(**hours)
    left: list[tuple[datetime, str]] = []
    noon = datetime.combine(day - DAY, time(12), here).astimezone(UTC)
    for now in (noon + number * 30 * MINUTE for number in range(72)):
        if not time(6, 30) <= now.astimezone(here).time() <= time(9):
            continue

        def send(message: Message, now: datetime = now) -> None:
            left.extend((now.astimezone(here), notice.key) for notice in message.notices)

        sweeping.sweep_reminders(now=now)
        ledger.deliver_reminders(now=now, send=send)
    assert left == [(datetime.combine(day, time(8), here), closing_key(visit.uid, day + 2 * DAY))]


def test_a_claim_in_the_future_is_free() -> None:
    a_coordinator("here")
    swept()
    Reminder.objects.update(claimed_at=NOON + HOUR)
    post = Post()
    ledger.deliver_reminders(now=NOON, send=post)
    assert len(post.took) == 1


def test_a_claim_of_just_now_by_a_quicker_clock_is_not() -> None:
    a_coordinator("here")
    swept()
    Reminder.objects.update(claimed_at=NOON + 2 * SECOND)
    post = Post()
    ledger.deliver_reminders(now=NOON, send=post)
    assert not post.took


def test_claims_go_by_the_database_s_clock() -> None:
    a_coordinator("here")
    swept()
    behind = NOON - HOUR
    with database_clock_at(behind):
        ledger.ring_reminders(now=lambda: NOON, send=Post())
    assert Reminder.objects.get().claimed_at == behind
    assert ReminderDelivery.objects.get().claimed_at == behind


def test_what_a_worker_sent_before_it_died_counts_as_said() -> None:
    a_coordinator("here")
    swept()
    rung(NOON, send=Post())
    Reminder.objects.update(sent_at=None)  # killed between the two
    post = Post()
    later = NOON + HOUR
    rung(later, send=post)
    assert not post.took
    assert Reminder.objects.get().sent_at == later


# upgrades


def test_what_was_sent_under_the_old_key_counts_as_said() -> None:
    a_coordinator("here")
    visit = a_visit(a_site(), CLOSES)
    Reminder.objects.create(
        key=closing_key(visit.uid, CLOSES),
        kind="closing",
        visit=visit,
        due_on=TODAY,
        claimed_at=NOON - HOUR,
        sent_at=NOON - HOUR,
    )
    sweeping.lapse_reminders(now=NOON)
    assert sweeping.sweep_closing(now=NOON) == 0
    assert rung(NOON) == 0
    assert not mail.outbox
    assert not ReminderDelivery.objects.exists()


def test_messages_name_the_trial_by_its_name_outside() -> None:
    a_coordinator("here")
    visit = swept()
    Trial.objects.filter(pk=visit.participant.trial_id).update(code="LUPUS-CART-9")
    ledger.deliver_reminders(now=NOON)
    assert mail.outbox[0].body.startswith("CART-9, participant ")


@pytest.mark.skipif(connection.vendor != "postgresql", reason="the plan of PostgreSQL")
def test_a_claim_reads_what_it_takes_and_neither_all_that_waits_nor_all_that_was_sent() -> None:
    """With 100,000 waiting, each claim of twenty sorted them, or walked along all that had left before."""
    person = a_coordinator("here")
    visit = a_visit(a_site(), CLOSES)
    of = {"kind": "closing", "participant": visit.participant, "due_on": TODAY}
    before = [NOON - DAY, None]
    rows = Reminder.objects.bulk_create(
        Reminder(
            key=f"closing:many{number}:{CLOSES}",
            claimed_at=NOON - DAY if number < 4000 else before[number % 2],
            sent_at=NOON - DAY if number < 4000 else None,
            **of,
        )
        for number in range(8000)
    )
    ReminderDelivery.objects.bulk_create(
        ReminderDelivery(
            reminder=row,
            recipient=person,
            address="x",
            channel=channel,
            tried_at=row.claimed_at,
            sent_at=row.sent_at,
        )
        for row in rows
        for channel in ("channel:1", "email")
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE schedules_reminder, schedules_reminderdelivery")
        for index, claim in (
            ("delivery_open", lambda: ledger.claim_messages(at=NOON, most=2020)),
            ("reminder_unsent", lambda: addressing._claim(NOON, NOON, MINUTE, 2020, True)),
        ):
            with CaptureQueriesContext(connection) as asked:
                claim()
            locking = [one["sql"] for one in asked if "FOR NO KEY UPDATE" in one["sql"]]
            locking = [sql for sql in locking if "trials_channelhealth" not in sql]
            assert len(locking) == 2, "what is fresh, and what was tried before"
            for sql in locking:
                cursor.execute(f"EXPLAIN {re.sub('LIMIT [0-9]+', 'LIMIT 20', sql)}")
                plan = "\n".join(row[0] for row in cursor.fetchall())
                assert "Sort" not in plan, plan
                assert f"using {index}" in plan, plan
