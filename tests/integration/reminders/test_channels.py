"""Reminders by channels: each way its own row and outcome, within what receivers take, holding up nobody."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone
from pytest_django import Settings

from participants.models import Participant
from schedules import notifications, tasks
from schedules.domain.reminders import Notice
from schedules.models import Reminder, ReminderDelivery, Visit
from schedules.services.reminders import addressing, by_channel, ledger, sweeping
from tests.cast import a_site
from tests.clocks import database_clock_at
from tests.integration.reminders.test_reminders import NOON, TODAY, a_coordinator, a_visit, numbers
from trials.domain.channels.kinds import KINDS, ChannelKind, Way
from trials.domain.channels.texts import Packet
from trials.models import Channel, ChannelHealth, Site, User
from trials.outbound.answers import Sent, Verdict
from trials.services.channels.channels import ChannelSaid, add_channel, renew_channel, switch_channel

pytestmark = pytest.mark.django_db
CLOSES = date(2026, 11, 24)
MINUTE = timedelta(minutes=1)
AT = NOON.replace(minute=7)
TAKEN = Sent(Verdict.TAKEN)


class Robot:
    """A receiver: what it was sent, and what it says to it."""

    def __init__(self, *answers: Sent) -> None:
        self.answers = list(answers)
        self.took: list[Packet] = []

    def __call__(self, _way: Way, packet: Packet, _secret: str, _at: datetime) -> Sent:
        self.took.append(packet)
        return self.answers.pop(0) if self.answers else TAKEN


def a_channel(by: User, site: Site | None = None, kind: str = "wecom", **given: str) -> Channel:
    """A channel to a robot of its own, or to the one of `key`."""
    key = given.get("key", f"key{next(numbers)}")
    address = {
        "wecom": f"wecombot://{key}",
        "feishu": f"feishu://{key}",
        "webhook": f"https://1.1.1.1/{key}",
    }[kind]
    said = ChannelSaid(
        kind, given.get("name", kind), address, keyword=given.get("keyword", ""), language="en"
    )
    return add_channel(said=said, now=AT, by=by, site=site).channel


def visits(count: int) -> list[Visit]:
    site = a_site()
    return [a_visit(site, CLOSES) for _ in range(count)]


def addressed(at: datetime = AT) -> None:
    sweeping.sweep_closing(now=at)
    while addressing.address_reminders(now=at, at=at):
        pass


def rung(
    channel: Channel,
    at: datetime,
    send: by_channel.SendPacket,
    clock: Callable[[], float] = lambda: 0.0,
    wait: Callable[[float], None] = lambda _: None,
) -> int:
    return by_channel.ring_channel(channel, now=lambda: at, at=lambda: at, send=send, clock=clock, wait=wait)


def by_way() -> dict[str, tuple[int | None, bool, bool]]:
    """Of each delivery: whom it is to, whether it has left, whether it was refused."""
    rows = ReminderDelivery.objects.order_by("pk")
    return {
        one.channel: (one.recipient_id, one.sent_at is not None, one.refused_at is not None) for one in rows
    }


def test_each_way_has_a_row_and_an_outcome_of_its_own() -> None:
    person = a_coordinator("here")
    (visit,) = visits(1)
    mine, group = a_channel(person), a_channel(person, visit.participant.site, name="ward")
    addressed()
    assert set(by_way()) == {"email", mine.way, group.way}
    ledger.ring_reminders(now=lambda: AT, at=lambda: AT)
    refused = Robot(Sent(Verdict.NEVER, "93000 invalid webhook url"))
    rung(mine, AT, refused)
    taken = Robot()
    rung(group, AT, taken)
    assert by_way() == {
        "email": (person.pk, True, False),
        mine.way: (person.pk, False, True),
        group.way: (None, True, False),
    }
    assert len(mail.outbox) == 1
    assert Reminder.objects.get().sent_at == AT
    (packet,) = taken.took
    assert visit.participant.subject_code in packet.text
    for later in (AT + MINUTE, AT + timedelta(hours=5)):
        assert rung(mine, later, refused) == rung(group, later, taken) == 0, "said once, and given up once"


def test_a_group_is_told_once_however_many_are_told() -> None:
    people = [a_coordinator(name) for name in ("first", "second", "third")]
    (visit,) = visits(1)
    group = a_channel(people[0], visit.participant.site)
    addressed()
    addressing.address_reminders(now=AT, at=AT)
    robot = Robot()
    assert rung(group, AT, robot) == 1
    assert ReminderDelivery.objects.filter(channel=group.way).count() == 1 == len(robot.took)


def test_a_group_elsewhere_hears_nothing() -> None:
    person = a_coordinator("here")
    visits(1)
    elsewhere = a_channel(person, Site.objects.create(code="XX", name="Elsewhere", zone="Asia/Shanghai"))
    addressed()
    assert elsewhere.way not in by_way()


def test_what_fails_for_now_waits_longer_each_time_and_what_is_refused_does_not() -> None:
    person = a_coordinator("here")
    visits(1)
    mine = a_channel(person)
    addressed()
    robot = Robot(*[Sent(Verdict.LATER, "45009 too many")] * 9)
    tried, now = [], AT
    for minute in range(12 * 60):
        now = AT + minute * MINUTE
        before = len(robot.took)
        rung(mine, now, robot)
        tried += [minute] * (len(robot.took) - before)
    assert tried[:6] == [0, 1, 6, 21, 81, 321]
    assert ReminderDelivery.objects.get(channel=mine.way).reason == "45009 too many"


@pytest.mark.parametrize("kind", ["wecom", "feishu", "webhook"])
def test_after_a_lost_answer_the_same_text_leaves_under_the_same_key_and_not_at_once(kind: str) -> None:
    person = a_coordinator("here")
    visits(1)
    mine = a_channel(person, kind=kind)
    addressed()
    robot = Robot(Sent(Verdict.LATER, "too slow", answered=False))
    for seconds in range(0, 180, 15):
        rung(mine, AT + timedelta(seconds=seconds), robot)
    first, second = robot.took
    assert first == second
    rows = ReminderDelivery.objects.filter(channel=mine.way)
    assert [one.sent_at for one in rows] == [AT + MINUTE]


def test_beyond_the_minute_s_number_the_rest_leaves_as_one_digest() -> None:
    person = a_coordinator("here")
    found = visits(30)
    group = a_channel(person, found[0].participant.site)
    addressed()
    robot = Robot()
    assert rung(group, AT, robot) == 30
    assert len(robot.took) == 20
    assert len(robot.took[-1].keys) == 11
    assert all(len(packet.text.encode()) <= 2048 for packet in robot.took)
    assert not ReminderDelivery.objects.filter(channel=group.way, sent_at=None).exists()
    more = a_visit(found[0].participant.site, CLOSES)
    addressed()
    assert rung(group, AT + timedelta(seconds=30), robot) == 0, "this minute is full"
    assert rung(group, AT + MINUTE, robot) == 1
    assert more.participant.subject_code in robot.took[-1].text


def test_a_receiver_that_goes_by_keys_is_sent_no_digest_not_even_as_a_probe() -> None:
    """The digest was tried after a rest, taken without an answer, and all of it sent again singly."""
    person = a_coordinator("here")
    found = visits(6)
    group = a_channel(person, found[0].participant.site, "webhook")
    addressed()
    for _ in range(3):
        rung(group, AT, Robot(Sent(Verdict.LATER, "no answer", answered=False)))
    probe = Robot(Sent(Verdict.LATER, "no answer", answered=False))
    rung(group, AT + 2 * MINUTE, probe)
    assert [len(packet.keys) for packet in probe.took] == [1]
    robot = Robot()
    for minutes in range(5, 90, 5):
        rung(group, AT + minutes * MINUTE, robot)
    assert sorted(key for packet in robot.took for key in packet.keys) == sorted(
        ReminderDelivery.objects.filter(channel=group.way).values_list("message", flat=True)
    )
    assert all(len(packet.keys) == 1 for packet in robot.took)


def test_two_workers_that_ring_for_one_channel_keep_to_its_minute_together() -> None:
    person = a_coordinator("here")
    visits(30)
    channel, robot = a_channel(person, name="group"), Robot()
    addressed()

    def send(*given: Any) -> Sent:
        if not robot.took:  # meanwhile another worker
            visits(5)
            addressed()
            rung(channel, AT + timedelta(seconds=1), robot)
        return robot(*given)

    rung(channel, AT, send)
    assert len(robot.took) <= KINDS[ChannelKind(channel.kind)].per_minute


def test_feishu_is_spared_at_the_full_hour() -> None:
    person = a_coordinator("here")
    visits(1)
    mine = a_channel(person, kind="feishu")
    addressed()
    robot = Robot()
    full = AT.replace(hour=AT.hour + 1, minute=0)
    assert rung(mine, full - timedelta(seconds=10), robot) == 0, "a ring lasts for twenty seconds"
    assert rung(mine, full, robot) == 0
    assert rung(mine, full + MINUTE, robot) == 1


def test_a_channel_that_does_not_answer_rests_and_is_tried_with_one_message() -> None:
    person = a_coordinator("here")
    found = visits(6)
    group = a_channel(person, found[0].participant.site)
    addressed()
    silent = Robot(*[Sent(Verdict.LATER, "no answer", answered=False)] * 50)
    for _ in range(6):
        rung(group, AT, silent)
    assert len(silent.took) == 3, "then it rests"
    assert ChannelHealth.objects.get(way=group.receiver_way).rests_until == AT + MINUTE
    rung(group, AT + MINUTE, silent)
    assert len(silent.took) == 4, "one probe"
    rung(group, AT + 2 * MINUTE, silent)
    assert len(silent.took) == 4
    robot, now = Robot(), AT + 3 * MINUTE
    for minute in range(30):
        rung(group, now + minute * MINUTE, robot)
    assert not ReminderDelivery.objects.filter(channel=group.way, sent_at=None).exists()


def test_one_that_hangs_holds_a_ring_for_twenty_seconds_at_most_and_no_other_channel() -> None:
    person = a_coordinator("here")
    found = visits(10)
    hanging = a_channel(person, found[0].participant.site, name="hangs")
    fine = a_channel(person, found[0].participant.site, name="fine")
    addressed()
    seconds = [0.0]

    class Slow(Robot):
        def __call__(self, way: Way, packet: Packet, secret: str, at: datetime) -> Sent:
            seconds[0] += 10
            return super().__call__(way, packet, secret, at)

    slow = Slow(*[Sent(Verdict.LATER, "no answer", answered=False)] * 9)
    rung(hanging, AT, slow, clock=lambda: seconds[0])
    assert seconds[0] <= ledger.RING_SECONDS
    robot = Robot()
    assert rung(fine, AT, robot) == 10


def test_a_claim_of_a_worker_that_died_is_taken_up_under_the_same_key(settings: Settings) -> None:
    settings.REMINDER_CLAIM_SECONDS = 5
    person = a_coordinator("here")
    visits(1)
    mine = a_channel(person, kind="webhook")
    addressed()

    class Dies(Robot):
        def __call__(self, way: Way, packet: Packet, secret: str, at: datetime) -> Sent:
            super().__call__(way, packet, secret, at)
            raise KeyboardInterrupt

    dies, robot = Dies(), Robot()
    with pytest.raises(KeyboardInterrupt):
        rung(mine, AT, dies)
    assert rung(mine, AT + timedelta(seconds=4), robot) == 0
    assert rung(mine, AT + timedelta(seconds=6), robot) == 1
    assert robot.took[0].key == dies.took[0].key


def test_what_is_sent_is_judged_at_that_moment() -> None:
    person = a_coordinator("here")
    (visit,) = visits(1)
    mine, group = a_channel(person), a_channel(person, visit.participant.site, name="ward")
    addressed()
    Visit.objects.filter(pk=visit.pk).update(performed_on=TODAY)
    robot = Robot()
    rung(mine, AT, robot)
    rung(group, AT, robot)
    assert not robot.took


def test_a_group_hears_nothing_of_who_has_gone_to_another_site_meanwhile() -> None:
    """Whoever is told at the new site counted for the group of the old one."""
    person = a_coordinator("here")
    (visit,) = visits(1)
    old = a_channel(person, visit.participant.site, name="ward")
    elsewhere = Site.objects.create(code="XX", name="Elsewhere", zone="Asia/Shanghai")
    addressed()
    Participant.objects.filter(pk=visit.participant_id).update(site=elsewhere)
    new = a_channel(person, elsewhere, name="ward there")
    robot, there = Robot(), Robot()
    rung(old, AT, robot)
    assert not robot.took
    assert ReminderDelivery.objects.get(channel=old.way).lapsed_at
    later = AT + timedelta(hours=1)
    addressing.address_reminders(now=later, at=later)
    rung(new, later, there)
    rung(old, later, robot)
    assert (len(there.took), len(robot.took)) == (1, 0)


def test_by_a_channel_that_is_switched_off_nothing_leaves_and_nothing_waits_for_it() -> None:
    person = a_coordinator("here")
    visits(1)
    mine = a_channel(person)
    addressed()
    ledger.ring_reminders(now=lambda: AT, at=lambda: AT)
    switch_channel(channel=mine, version=1, on=False, now=AT, by=person)
    assert addressing.lapse_left_behind(at=AT) == 1
    assert Reminder.objects.get().sent_at == AT


@pytest.mark.parametrize("act", ["off", "renewed"])
def test_a_ring_ends_where_its_channel_is_switched_off_or_renewed_meanwhile(act: str) -> None:
    """The rest of the ring went on to the old address, for twenty seconds: perhaps of another group."""
    person = a_coordinator("here")
    visits(4)
    mine = a_channel(person)
    addressed()
    robot, new = Robot(), Robot()

    def send(*given: Any) -> Sent:
        if robot.took:
            return robot(*given)
        if act == "off":
            switch_channel(channel=mine, version=1, on=False, now=AT, by=person)
        else:
            said = ChannelSaid("wecom", mine.name, "wecombot://another", language="en")
            renew_channel(channel=mine, version=1, said=said, now=AT, by=person)
        return robot(*given)

    rung(mine, AT, send)
    assert len(robot.took) == 1, "the one that was just leaving"
    assert not ReminderDelivery.objects.filter(channel=mine.way, sent_at=None, claimed_at__isnull=False)
    channel = Channel.objects.get(pk=mine.pk)
    rung(channel, AT + MINUTE, new)
    assert len(new.took) == (0 if act == "off" else 3)


def test_what_was_refused_by_a_wrong_address_leaves_once_the_channel_has_another() -> None:
    person = a_coordinator("here")
    visits(1)
    mine = a_channel(person)
    addressed()
    rung(mine, AT, Robot(Sent(Verdict.NEVER, "93000 invalid webhook url")))
    assert ReminderDelivery.objects.get(channel=mine.way).refused_at
    robot, said = Robot(), ChannelSaid("wecom", mine.name, "wecombot://another", language="en")
    mine = renew_channel(channel=mine, version=1, said=said, now=AT + MINUTE, by=person).channel
    later = AT + timedelta(hours=1)
    addressing.address_reminders(now=later, at=later)
    assert rung(mine, later, robot) == 1
    assert len(robot.took) == 1


def test_without_a_way_out_bell_and_e_mail_remain(settings: Settings) -> None:
    person = a_coordinator("here")
    visits(1)
    mine = a_channel(person)
    settings.OUTBOUND = False
    addressed()
    assert set(by_way()) == {"email"}
    ledger.ring_reminders(now=lambda: AT, at=lambda: AT)
    assert len(mail.outbox) == 1
    assert rung(mine, AT, Robot()) == 0
    assert Reminder.objects.get().recipients.count() == 1


def test_by_channel_alone_where_e_mail_does_not_leave(settings: Settings) -> None:
    settings.REMINDERS_LEAVE = False
    person = a_coordinator("here")
    visits(1)
    mine = a_channel(person)
    addressed()
    assert set(by_way()) == {mine.way}
    assert rung(mine, AT, Robot()) == 1
    assert Reminder.objects.get().sent_at == AT


def test_a_mail_server_that_does_not_answer_rests_for_all_workers() -> None:
    a_coordinator("here")
    visits(9)
    addressed()
    tried: list[str] = []

    def silent(message: object) -> None:
        tried.append("x")
        raise TimeoutError

    for _ in range(5):
        ledger.ring_reminders(now=lambda: AT, at=lambda: AT, send=silent)
    assert len(tried) == 3
    ledger.ring_reminders(now=lambda: AT + MINUTE, at=lambda: AT + MINUTE, send=silent)
    assert len(tried) == 4
    later = AT + 4 * MINUTE
    ledger.ring_reminders(now=lambda: later, at=lambda: later, send=lambda _m: tried.append("taken"))
    assert tried.count("taken") >= 5


def test_the_ring_of_beat_goes_through_all_channels_where_there_is_no_broker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    person = a_coordinator("here")
    found = visits(1)
    a_channel(person)
    a_channel(person, found[0].participant.site, name="ward")
    robot = Robot()
    monkeypatch.setattr(by_channel, "_send", robot)
    sweeping.sweep_closing(now=NOON)
    monkeypatch.setattr(timezone, "now", lambda: AT)
    with database_clock_at(AT):
        tasks.deliver()
    assert len(robot.took) == 2


def broken_for(subject_code: str) -> Callable[..., object]:
    """The words of a reminder, with a fault in those of one participant."""
    whole = notifications.written_day.__globals__["_of_window"]

    def words(notice: Notice) -> object:
        if notice.subject_code == subject_code:
            raise KeyError("visit")
        return whole(notice)

    return words


@pytest.mark.parametrize("way", ["email", "wecom"])
def test_a_fault_in_a_template_stands_in_its_row_and_the_others_leave(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = a_coordinator("here")
    first, *others = visits(3)
    channel = a_channel(person) if way == "wecom" else None
    addressed()
    monkeypatch.setattr("schedules.notifications._of_window", broken_for(first.participant.subject_code))
    robot = Robot()
    if channel:
        rung(channel, AT, robot)
        said = " ".join(packet.text for packet in robot.took)
    else:
        ledger.ring_reminders(now=lambda: AT, at=lambda: AT)
        said = " ".join(message.body for message in mail.outbox)
    assert first.participant.subject_code not in said
    assert all(visit.participant.subject_code in said for visit in others)
    rows = ReminderDelivery.objects.filter(channel=channel.way if channel else "email")
    (broken,) = rows.filter(sent_at=None)
    assert (broken.reminder.visit, broken.claimed_at, broken.attempts) == (first, None, 1)
    assert broken.reason == "The message could not be written. The server's log says why."
    monkeypatch.undo()  # mended: it leaves by itself, under a key that nobody has seen
    later = AT + timedelta(minutes=1)
    if channel:
        rung(channel, later, robot)
    else:
        ledger.ring_reminders(now=lambda: later, at=lambda: later)
    assert not rows.filter(sent_at=None)
    broken.refresh_from_db()
    assert rows.filter(message=broken.message).count() == 1


def test_a_ring_takes_no_more_than_its_number_in_several_claims(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    person = a_coordinator("here")
    visits(9)
    channel, robot = a_channel(person), Robot()
    addressed()
    monkeypatch.setattr(by_channel, "BATCH", 1)
    monkeypatch.setattr(by_channel, "RING_NUMBER", 7)
    assert rung(channel, AT, robot) == 7
    rows = ReminderDelivery.objects.filter(channel=channel.way)
    assert rows.filter(sent_at=None, claimed_at=None).count() == 2, "the next ring takes them up"


def test_a_slow_database_leaves_time_to_send_what_was_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judging a whole batch took the ring's time, and nothing ever left."""
    person = a_coordinator("here")
    visits(6)
    channel, robot, shown = a_channel(person), Robot(), [0.0]
    addressed()
    judge = ledger.judge_messages

    def judge_slowly(messages: Any, *given: Any) -> Any:
        shown[0] += 4 * len(messages)
        return judge(messages, *given)

    monkeypatch.setattr(ledger, "judge_messages", judge_slowly)
    monkeypatch.setattr(by_channel, "BATCH", 1)
    rung(channel, AT, robot, clock=lambda: shown[0])
    assert len(robot.took) == 2
    rows = ReminderDelivery.objects.filter(channel=channel.way)
    assert rows.filter(sent_at=None, claimed_at=None).count() == 4, "the next ring takes them up"
