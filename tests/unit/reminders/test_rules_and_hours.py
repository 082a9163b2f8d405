"""When a rule speaks, when its message may leave, to whom it goes, and what a place wants otherwise."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from schedules.domain.reminders import CLOSING, Notice
from schedules.domain.reminders.grouping import (
    is_waiting,
    message_key,
    one_for_each_thing,
    together,
)
from schedules.domain.reminders.hours import Hours
from schedules.domain.reminders.people import Capacity, Staff, Told, people_to_escalate_to, people_to_tell
from schedules.domain.reminders.rules import (
    BY_KIND,
    RULES,
    Manner,
    Span,
    key_of,
    newly_due,
    spans,
    thing_of,
)
from schedules.domain.reminders.settings import (
    Setting,
    UnreadableDays,
    layers_for,
    read_days,
    wanted,
    written_days,
)
from schedules.domain.reminders.states import State, state_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
FRIDAY = date(2026, 11, 20)
DAY = timedelta(days=1)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=SHANGHAI)


def hours(**given: object) -> Hours:
    values: dict[str, object] = {
        "zone": SHANGHAI,
        "earliest": time(8),
        "latest": time(20),
        "is_working": lambda day: day.isoweekday() <= 5,
    }
    return Hours(**(values | given))  # type: ignore[arg-type]


# rules


def test_every_rule_has_a_word_for_its_thing_and_day_and_keys_of_its_own() -> None:
    assert len(BY_KIND) == len(RULES) == 24
    assert BY_KIND[CLOSING].days == (2,)
    assert BY_KIND["coming"].days == (7, 3, 1)
    for rule in RULES:
        assert "%(day)s" in rule.says
        assert rule.to


@pytest.mark.parametrize(
    ("kind", "idle", "expected"),
    [
        (CLOSING, 0, [Span(FRIDAY, FRIDAY + 2 * DAY)]),
        (CLOSING, 2, [Span(FRIDAY, FRIDAY + 4 * DAY)]),
        (
            "coming",
            0,
            [
                Span(FRIDAY + 4 * DAY, FRIDAY + 7 * DAY, 7),
                Span(FRIDAY + 2 * DAY, FRIDAY + 3 * DAY, 3),
                Span(FRIDAY, FRIDAY + DAY, 1),
            ],
        ),
        (
            "coming",
            2,
            [
                Span(FRIDAY + 6 * DAY, FRIDAY + 9 * DAY, 7),
                Span(FRIDAY + 4 * DAY, FRIDAY + 5 * DAY, 3),
                Span(FRIDAY, FRIDAY + 3 * DAY, 1),
            ],
        ),
        ("closed", 2, [Span(FRIDAY - 31 * DAY, FRIDAY - DAY)]),
        ("missed", 2, [Span(FRIDAY - 14 * DAY, FRIDAY)]),
    ],
)
def test_the_days_that_a_rule_speaks_of(kind: str, idle: int, expected: list[Span]) -> None:
    assert spans(BY_KIND[kind], FRIDAY, idle=idle) == expected


def test_no_day_is_in_two_steps_of_a_rule_and_none_between_them() -> None:
    for idle in (0, 2, 8):
        days = [
            span.first + n * DAY
            for span in spans(BY_KIND["coming"], FRIDAY, idle=idle)
            for n in range((span.last - span.first).days + 1)
        ]
        assert sorted(days) == [FRIDAY + n * DAY for n in range(8 + idle)]


def test_what_was_due_before_a_rule_came_counts_as_said() -> None:
    assert spans(BY_KIND[CLOSING], FRIDAY, FRIDAY) == []
    assert spans(BY_KIND[CLOSING], FRIDAY + DAY, FRIDAY) == [Span(FRIDAY + 3 * DAY, FRIDAY + 3 * DAY)]
    assert spans(BY_KIND["closed"], FRIDAY + DAY, FRIDAY) == [Span(FRIDAY, FRIDAY)]


def test_days_that_a_place_wants_stand_for_the_rule_s() -> None:
    assert spans(BY_KIND[CLOSING], FRIDAY, days=(5,)) == [Span(FRIDAY, FRIDAY + 5 * DAY)]
    steps = spans(BY_KIND[CLOSING], FRIDAY, days=(3, 0), idle=2)
    assert steps == [Span(FRIDAY + 3 * DAY, FRIDAY + 5 * DAY, 3), Span(FRIDAY, FRIDAY + 2 * DAY, 0)]


@pytest.mark.parametrize(
    ("then", "now", "first", "why"),
    [
        ([], Span(FRIDAY, FRIDAY), 0, "it spoke of nothing"),
        ([Span(FRIDAY, FRIDAY)], Span(FRIDAY, FRIDAY), None, "of the same day"),
        ([Span(FRIDAY, FRIDAY)], Span(FRIDAY, FRIDAY + DAY), 1, "one more day"),
        ([Span(FRIDAY, FRIDAY)], Span(FRIDAY + 3 * DAY, FRIDAY + 4 * DAY), 3, "later days"),
        ([Span(FRIDAY, FRIDAY, 7)], Span(FRIDAY, FRIDAY, 3), 0, "in another step"),
    ],
)
def test_what_a_rule_speaks_of_since(then: list[Span], now: Span, first: int | None, why: str) -> None:
    expected = [] if first is None else [replace(now, first=FRIDAY + first * DAY)]
    assert newly_due([now], then) == expected, why


def test_a_key_names_its_thing() -> None:
    assert key_of("coming", "uid", FRIDAY, 3) == "coming:uid:2026-11-20:3"
    assert thing_of("coming:uid:2026-11-20:3") == "uid"


# hours


@pytest.mark.parametrize(
    ("now", "morning", "soonest", "why"),
    [
        (at(20, 7, 59), at(20, 8), at(20, 8), "before eight on a Friday"),
        (at(20, 8), at(20, 8), at(20, 8), "at eight"),
        (at(20, 8, 1), at(23, 8), at(20, 8, 1), "after eight: the next working morning, or now"),
        (at(20, 20), at(23, 8), at(23, 8), "quiet, and Saturday comes"),
        (at(21, 12), at(23, 8), at(23, 8), "on a Saturday"),
        (at(22, 23), at(23, 8), at(23, 8), "on Sunday night"),
    ],
)
def test_messages_leave_in_the_hours_and_on_the_working_days(
    now: datetime, morning: datetime, soonest: datetime, why: str
) -> None:
    assert hours().leaves(now, Manner.DIGEST) == morning, why
    assert hours().leaves(now, Manner.AT_ONCE) == soonest, why


def test_on_any_day_only_the_quiet_hours_hold() -> None:
    assert hours().soonest(at(21, 12), any_day=True) == at(21, 12)
    assert hours().soonest(at(21, 21), any_day=True) == at(22, 8)
    assert hours(working_days=False).next_morning(at(20, 9)) == at(21, 8)


def test_hours_may_run_over_midnight_and_equal_ones_leave_none_quiet() -> None:
    night = hours(earliest=time(20), latest=time(6), working_days=False)
    assert night.soonest(at(20, 23)) == at(20, 23)
    assert night.soonest(at(20, 12)) == at(20, 20)
    assert hours(earliest=time(0), latest=time(0), working_days=False).soonest(at(21, 3)) == at(21, 3)


def test_days_off_that_follow_a_day_are_counted_and_a_site_that_never_works_is_not_waited_for() -> None:
    assert [hours().idle_after(FRIDAY + n * DAY) for n in range(4)] == [2, 1, 0, 0]
    assert hours(working_days=False).idle_after(FRIDAY) == 0
    closed = hours(is_working=lambda _day: False)
    assert closed.idle_after(FRIDAY) == 0
    assert closed.next_morning(at(20, 9)) == at(21, 8)


def test_a_morning_is_eight_by_the_clock_on_the_day_clocks_change() -> None:
    berlin = hours(zone=ZoneInfo("Europe/Berlin"), working_days=False)
    for day in (date(2026, 3, 29), date(2026, 10, 25)):
        morning = berlin.next_morning(
            datetime(day.year, day.month, day.day, tzinfo=ZoneInfo("Europe/Berlin"))
        )
        assert (morning.date(), morning.hour) == (day, 8)


# people

TEAM = Staff(by_role={"coordinator": [1, 2], "investigator": [7]}, may_record={1, 2, 3, 7})


def with_(**given: object) -> Staff:
    values = {name: getattr(TEAM, name) for name in Staff.__dataclass_fields__}
    return Staff(**(values | given))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("to", "staff", "told", "why"),
    [
        ([Capacity.MINE], TEAM, [(1, "mine"), (2, "mine")], "nobody is named: all coordinators"),
        ([Capacity.MINE], with_(mine=2), [(2, "mine")], "the participant's own"),
        ([Capacity.MINE], with_(mine=9), [(1, "mine"), (2, "mine")], "who has left is not theirs any more"),
        ([Capacity.OWNER], with_(mine=2, owner=1), [(1, "owner")], "who has the flag"),
        ([Capacity.OWNER], with_(mine=2), [(2, "owner")], "nobody has it: the participant's own"),
        ([Capacity.MINE, Capacity.INVESTIGATOR], with_(mine=7), [(7, "mine")], "each once"),
        ([Capacity.MINE], with_(mine=1, away={1: 3}), [(3, "deputy")], "the deputy while they are away"),
        ([Capacity.MINE], with_(mine=1, away={1: None}), [(2, "coordinator")], "no deputy: the others"),
        ([Capacity.MINE], with_(mine=1, away={1: 9}), [(2, "coordinator")], "a deputy who has no role here"),
        ([Capacity.MINE], with_(mine=1, away={1: 2, 2: None}), [(7, "investigator")], "all away"),
        ([Capacity.COORDINATOR], with_(by_role={"investigator": [7]}), [(7, "investigator")], "none is left"),
        (
            [Capacity.COORDINATOR],
            with_(by_role={"investigator": [7]}, away={7: 3}),
            [(3, "deputy")],
            "none is left, and who would be told has a deputy",
        ),
        ([Capacity.COORDINATOR], with_(by_role={}), [], "nobody at all"),
    ],
)
def test_who_is_told(to: list[Capacity], staff: Staff, told: list[tuple[int, str]], why: str) -> None:
    found = people_to_tell(to, staff)
    assert [(one.person, one.capacity.value) for one in found] == told, why


def test_a_deputy_says_for_whom() -> None:
    (one,) = people_to_tell([Capacity.MINE], with_(mine=1, away={1: 3}))
    assert one == Told(3, Capacity.DEPUTY, instead_of=1)


def test_who_was_told_already_is_not_told_again_instead() -> None:
    assert [one.person for one in people_to_escalate_to(TEAM, {1})] == [7]
    assert [one.person for one in people_to_escalate_to(TEAM, {1, 7})] == [2]
    assert people_to_escalate_to(TEAM, {1, 2, 7}) == []


# settings


def test_a_site_overrides_its_trial_and_a_rule_overrides_all_of_them() -> None:
    said = {
        (1, None, ""): Setting(working_days=False, escalates=9),
        (1, 5, ""): Setting(earliest=time(9), escalates=7),
        (1, None, CLOSING): Setting(days=(4,), escalates=3),
        (1, 5, CLOSING): Setting(days=(6, 1)),
        (2, None, CLOSING): Setting(active=False),
    }
    found = wanted(BY_KIND[CLOSING], layers_for(CLOSING, 1, 5, said))
    assert (found.days, found.escalates, found.earliest, found.working_days) == ((6, 1), 3, time(9), False)
    assert found.active
    assert found.set_here == {"days", "escalates", "earliest", "working_days"}
    assert wanted(BY_KIND["half"], [Setting(days=(4,))]).days == (), "a rule without days has none"
    assert Setting().says_nothing
    assert not Setting(active=False).says_nothing


@pytest.mark.parametrize(
    ("text", "days"), [("7, 3, 1", (7, 3, 1)), ("1，3、7", (7, 3, 1)), ("2 2", (2,)), ("0", (0,)), ("", ())]
)
def test_days_are_read_as_people_write_them(text: str, days: tuple[int, ...]) -> None:
    assert read_days(text, BY_KIND[CLOSING]) == days
    assert read_days(written_days(days), BY_KIND[CLOSING]) == days


@pytest.mark.parametrize(
    ("kind", "text", "fault"),
    [
        (CLOSING, "soon", "number"),
        (CLOSING, "-1", "number"),
        (CLOSING, "2.5", "number"),
        (CLOSING, "366", "range"),
        (CLOSING, "1 2 3 4 5 6", "many"),
        ("closed", "1 2", "many"),
    ],
)
def test_what_is_no_list_of_days_is_refused(kind: str, text: str, fault: str) -> None:
    with pytest.raises(UnreadableDays) as refused:
        read_days(text, BY_KIND[kind])
    assert refused.value.fault == fault


# messages


def notice(key: str, kind: str = CLOSING, thing: str = "v1", day: date = FRIDAY) -> Notice:
    return Notice(
        reminder=1,
        key=key,
        trial="T",
        subject_code="S01-001",
        label="Day 14",
        opens=day,
        closes=day,
        recipient=4,
        address="a@example.org",
        kind=kind,
        day=day,
        thing=thing,
    )


def test_a_message_of_one_reminder_has_its_key_and_of_several_one_that_does_not_depend_on_their_order() -> (
    None
):
    assert message_key(["closing:u:2026-11-20"], 4) == "closing:u:2026-11-20:4"
    assert message_key(["a", "b"], 4) == message_key(["b", "a"], 4) != message_key(["a", "b"], 5)


def test_one_thing_is_said_once_the_most_urgent_first() -> None:
    half, closes = notice("half", "half"), notice("closing", CLOSING)
    violated = notice("violated", "violated", "f3")
    assert one_for_each_thing([half, violated, closes]) == [violated, closes]


def test_what_waits_for_a_morning_leaves_together_and_what_comes_late_by_itself() -> None:
    now, morning = at(20, 7).astimezone(UTC), at(20, 8).astimezone(UTC)
    name = together(4, "email", "digest", morning, now)
    assert is_waiting(name)
    assert name == together(4, "email", "digest", morning, now + timedelta(minutes=30))
    assert name != together(4, "email", "digest", morning, morning + timedelta(minutes=1)), "it has left"
    assert name != together(5, "email", "digest", morning, now)
    assert together(4, "email", "at-once", morning, now) == ""
    assert not is_waiting("digest:0123")


# states


def test_a_state_is_read_from_what_is_on_record() -> None:
    moment = at(20, 8)
    assert state_of(claimed_at=None, sent_at=None) is State.WRITTEN
    assert state_of(claimed_at=moment, sent_at=None) is State.CLAIMED
    assert state_of(claimed_at=moment, sent_at=None, nobody_at=moment) is State.NOBODY
    assert state_of(claimed_at=moment, sent_at=None, failed_at=moment) is State.FAILED
    assert state_of(claimed_at=moment, sent_at=None, lapsed_at=moment) is State.LAPSED
    assert state_of(claimed_at=moment, sent_at=moment, lapsed_at=moment) is State.SENT
