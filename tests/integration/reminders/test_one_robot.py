"""Channels that reach one robot: it hears each thing once, and takes in a minute or second what one takes."""

from __future__ import annotations

from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from pytest_django import Settings

from schedules.models import ReminderDelivery
from schedules.services.reminders import addressing, sweeping
from tests.cast import a_site
from tests.integration.reminders.test_channels import AT, MINUTE, Robot, a_channel, addressed, rung, visits
from tests.integration.reminders.test_delivery import a_test_of_one_day
from tests.integration.reminders.test_reminders import NOON, TODAY, a_coordinator
from trials.domain.channels.kinds import KINDS, ChannelKind, Way
from trials.domain.channels.texts import Packet
from trials.models import AuditEntry, Channel, User
from trials.outbound.answers import Sent, Verdict
from trials.services.channels.channels import ChannelSaid, renew_channel

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


def twins(person: User, kind: str = "wecom") -> list[Channel]:
    """A robot that a site and a person entered, with a visit of which both are to tell."""
    site = visits(1)[0].participant.site
    return [
        a_channel(person, place, kind, name=name, key="one") for place, name in ((site, "ward"), (None, "me"))
    ]


def things(robot: Robot) -> list[str]:
    return [key for packet in robot.took for key in packet.keys]


def test_a_robot_that_two_entered_hears_a_thing_once() -> None:
    """A site and a person, or a site and a trial, gave the same address: each of them told it."""
    ward, mine = twins(a_coordinator("here"))
    addressed()
    robot = Robot()
    rung(ward, AT, robot)
    rung(mine, AT + MINUTE, robot)
    assert len(things(robot)) == 1
    rows = ReminderDelivery.objects.filter(channel__in=[ward.way, mine.way])
    assert rows.count() == 2 == rows.exclude(sent_at=None).count(), "the other counts as said with it"


def test_nor_does_it_where_the_other_is_just_being_sent() -> None:
    ward, mine = twins(a_coordinator("here"))
    addressed()
    robot = Robot()

    def send(*given: Any) -> Sent:
        rung(mine, AT + SECOND, robot)
        return robot(*given)

    rung(ward, AT, send)
    rung(mine, AT + MINUTE, robot)
    assert len(things(robot)) == 1
    assert not ReminderDelivery.objects.filter(channel__in=[ward.way, mine.way], sent_at=None).exists()


def test_what_one_cannot_say_the_other_does() -> None:
    ward, mine = twins(a_coordinator("here"))
    addressed()
    rung(ward, AT, Robot(Sent(Verdict.NEVER, "310000 sign not match")))
    robot = Robot()
    rung(mine, AT + MINUTE, robot)
    assert len(things(robot)) == 1


def test_of_a_window_too_and_on_the_days_after() -> None:
    person = a_coordinator("here")
    window = a_test_of_one_day(TODAY + timedelta(days=1))
    ward, mine = (
        a_channel(person, place, name=name, key="one")
        for place, name in ((window.participant.site, "ward"), (None, "me"))
    )
    sweeping.sweep_rules(now=NOON, kinds=("test-closes",))
    while addressing.address_reminders(now=AT, at=AT):
        pass
    robot = Robot()
    rung(ward, AT, robot)
    ReminderDelivery.objects.filter(channel=ward.way).update(sent_at=AT - timedelta(hours=20))
    rung(mine, AT, robot)
    assert len(things(robot)) == 1, "yesterday is long enough ago for another word, not for the same"


def test_both_keep_to_its_minute_together() -> None:
    person = a_coordinator("here")
    found = visits(30)
    ward = a_channel(person, found[0].participant.site, name="ward", key="one")
    addressed()
    robot = Robot()
    rung(ward, AT, robot)
    mine = a_channel(person, name="me", key="one")
    visits(5)
    addressed()
    rung(mine, AT + 30 * SECOND, robot)
    assert len(robot.took) == KINDS[ChannelKind.WECOM].per_minute
    rung(mine, AT + 2 * MINUTE, robot)
    assert len(set(things(robot))) == len(things(robot)) == 35


def test_another_address_is_another_robot() -> None:
    person = a_coordinator("here")
    ward, mine = twins(person)
    said = ChannelSaid("wecom", "me", "wecombot://other", language="en")
    mine = renew_channel(channel=mine, version=1, said=said, now=AT, by=person).channel
    addressed()
    robot = Robot()
    rung(ward, AT, robot)
    rung(mine, AT, robot)
    assert len(things(robot)) == 2


class Clock:
    """Seconds that pass while something is sent and while somebody waits, and when each text was sent."""

    def __init__(self, each: float) -> None:
        self.each, self.shown = each, 0.0
        self.begun: list[float] = []

    def __call__(self) -> float:
        return self.shown

    def wait(self, seconds: float) -> None:
        self.shown += seconds

    def send(self, _way: Way, _packet: Packet, _secret: str, _at: datetime) -> Sent:
        self.begun.append(self.shown)
        self.shown += self.each
        return Sent(Verdict.TAKEN)


@pytest.mark.parametrize("each", [0.0, 0.1, 0.7])
def test_feishu_takes_five_in_any_second(each: float) -> None:
    person = a_coordinator("here")
    found = visits(23)
    ward = a_channel(person, found[0].participant.site, "feishu")
    addressed()
    clock = Clock(each)
    rung(ward, AT, clock.send, clock, clock.wait)
    assert len(clock.begun) > 10
    ended = [begun + each for begun in clock.begun]
    assert all(later - first >= 1 for first, later in zip(ended, clock.begun[5:], strict=False))


def test_of_two_that_ring_for_feishu_one_sends_and_the_other_a_second_after() -> None:
    person = a_coordinator("here")
    ward, mine = twins(person, "feishu")
    addressed()
    robot, meanwhile = Robot(), Robot()

    def send(*given: Any) -> Sent:
        visits(3)
        addressed()
        rung(mine, AT + SECOND, meanwhile)
        return robot(*given)

    rung(ward, AT, send)
    assert (len(robot.took), len(meanwhile.took)) == (1, 0)
    rung(mine, AT + SECOND / 2, meanwhile)
    assert not meanwhile.took, "the last one left just now"
    rung(mine, AT + 2 * SECOND, meanwhile)
    assert len(meanwhile.took) == 3


def test_the_robots_of_an_earlier_release_are_known_by_their_addresses(settings: Settings) -> None:
    person = a_coordinator("here")
    site = a_site()
    for place, name in ((site, "w"), (None, "m")):
        a_channel(person, place, name=name, key="one")
    sealed = a_channel(person, name="sealed", key="one")
    Channel.objects.update(receiver="")
    Channel.objects.filter(pk=sealed.pk).update(secret="gAAAA-of-another-key")
    before = AuditEntry.objects.count()
    import_module("trials.migrations.0023_receivers_of_channels").recognise(apps, None)
    known = dict(Channel.objects.values_list("name", "receiver"))
    assert known["w"] == known["m"] != ""
    assert known["sealed"] == ""
    assert AuditEntry.objects.count() == before
    assert sealed.__class__.objects.get(pk=sealed.pk).receiver_way == sealed.way


@pytest.mark.parametrize(
    ("kind", "address", "known_as"),
    [
        ("wecom", "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k-1", "wecom:k-1"),
        ("dingtalk", "dingtalk://SEC12345678@ab1", "dingtalk:ab1"),
        ("feishu", "https://open.feishu.cn/open-apis/bot/v2/hook/a-b/", "feishu:a-b"),
        ("ntfy", "ntfys://tk_12345678@Ntfy.example.org:8443/ward/", "ntfy:ntfy.example.org:8443/ward/"),
        ("webhook", "https://Gateway.example.org/x?a=1", "webhook:gateway.example.org/x?a=1"),
        ("twilio", "twilio://ACab12:tok1@+15550001111/+15550002222/", "twilio:+15550001111/+15550002222"),
        ("smseagle", "smseagle://tok_1@[::1]:80/15550002222", "smseagle:[::1]:80/15550002222"),
        ("wecom", "https://qyapi.weixin.qq.com/?key=k-1", None),
    ],
)
def test_the_migration_names_receivers_as_it_did_whatever_becomes_of_the_code(
    kind: str, address: str, known_as: str | None
) -> None:
    assert (
        import_module("trials.migrations.0023_receivers_of_channels").receiver_of(kind, address) == known_as
    )
