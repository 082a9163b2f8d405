"""What people do with flags: cleared with a reason, snoozed to a day, given to somebody."""

from __future__ import annotations

from datetime import date

import pytest

from participants.domain.fact_kinds import Confirmation, FactKind, Lodging, NightAway
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.models import Flag
from schedules.selectors.today.attention import card_of
from schedules.selectors.windows.flags import WantedFlags, flag_count, flags_listed, related_flags
from schedules.services.course.holds import hold_infusion, sweep_holds
from schedules.services.enrolment.enrolling import enrol
from schedules.services.windows.evaluation import sweep_windows
from schedules.services.windows.facts import record_fact
from schedules.services.windows.flags import assign_flag, clear_flag, snooze_flag, wake_flag
from tests.cast import a_version, an_enrolment
from tests.integration.windows.conftest import INFUSION, a_user, noon
from trials.domain.errors import Refused
from trials.models import AuditEntry, Role
from trials.selectors.records import roles_of

pytestmark = pytest.mark.django_db
TODAY = date(2026, 12, 10)
ACTUAL = AnchorKind.ACTUAL


@pytest.fixture
def flag(infused) -> Flag:
    """Near the site since 7 December, and nobody knows where the nights are spent."""
    sweep_windows(now=noon(12, 10))
    return Flag.objects.get(participant=infused, window__code="stay-near-site")


def test_a_person_clears_a_flag_with_a_reason_and_it_returns_only_with_new_evidence(
    infused, flag, coordinator
):
    clear_flag(flag=flag, by=coordinator, reason="asked by phone", now=noon(12, 10))
    sweep_windows(now=noon(12, 11))
    flag.refresh_from_db()
    assert (flag.cleared_by, flag.cleared_reason) == (coordinator, "asked by phone")
    record_fact(participant=infused, fact=NightAway(date(2026, 12, 8), 300), by=None, now=noon(12, 11))
    flag.refresh_from_db()
    assert (flag.cleared_at, flag.cleared_by, flag.kind) == (None, None, "window-violated")
    assert AuditEntry.objects.filter(model="schedules.flag", reason="asked by phone").exists()


def test_a_flag_put_off_sleeps_until_its_day(flag, coordinator):
    snooze_flag(flag=flag, until=date(2026, 12, 14), by=coordinator, now=noon(12, 10))
    sweep_windows(now=noon(12, 10))
    asleep = WantedFlags(asleep=True)

    def counts(day: int) -> tuple[int, int]:
        now = noon(12, day)
        awake = flag_count(roles_of(coordinator, now.date()), now.date())
        return awake, len(flags_listed(coordinator, now.date(), now, asleep).rows)

    assert counts(10) == (1, 1), "the stay in hospital is awake"
    assert counts(13) == (1, 1)
    sweep_windows(now=noon(12, 14))
    assert counts(14) == (2, 0)
    flag.refresh_from_db()
    assert flag.snoozed_until is None


def test_a_flag_is_woken_by_who_cleared_it_and_as_it_was_snoozed(flag, coordinator, investigator):
    clear_flag(flag=flag, by=coordinator, reason="asked by phone", now=noon(12, 10))
    with pytest.raises(Refused, match="dealt with this flag"):
        wake_flag(flag=flag, until=None, by=investigator, now=noon(12, 10))
    woken = wake_flag(flag=flag, until=None, by=coordinator, now=noon(12, 10))
    assert (woken.pk, woken.cleared_at, woken.cleared_by, woken.cleared_reason) == (flag.pk, None, None, "")
    assert wake_flag(flag=flag, until=None, by=coordinator, now=noon(12, 10)) == flag, "it is open already"
    snooze_flag(flag=flag, until=date(2026, 12, 14), by=coordinator, now=noon(12, 10))
    with pytest.raises(Refused, match="dealt with this flag"):
        wake_flag(flag=flag, until=date(2026, 12, 15), by=coordinator, now=noon(12, 10))
    woken = wake_flag(flag=flag, until=date(2026, 12, 14), by=coordinator, now=noon(12, 10))
    assert woken.snoozed_until is None


def test_a_flag_that_grows_graver_wakes(infused, flag, coordinator):
    snooze_flag(flag=flag, until=date(2026, 12, 20), by=coordinator, now=noon(12, 10))
    record_fact(participant=infused, fact=Lodging(date(2026, 12, 7), None, 300), by=None, now=noon(12, 11))
    flag.refresh_from_db()
    assert (flag.severity, flag.snoozed_until) == ("critical", None)


def test_facts_clear_a_flag_that_sleeps(infused, flag, coordinator):
    snooze_flag(flag=flag, until=date(2026, 12, 20), by=coordinator, now=noon(12, 10))
    record_fact(participant=infused, fact=Lodging(date(2026, 12, 7), None, 30), by=None, now=noon(12, 11))
    flag.refresh_from_db()
    assert flag.cleared_at == noon(12, 11)
    assert flag.cleared_by is None


def test_a_flag_is_given_to_somebody(flag, coordinator):
    assign_flag(flag=flag, owner=coordinator, by=coordinator, now=noon(12, 10))
    mine = flags_listed(coordinator, TODAY, noon(12, 10), WantedFlags(mine=True))
    assert [row.flag.pk for row in mine.rows] == [flag.pk]
    sweep_windows(now=noon(12, 11))
    flag.refresh_from_db()
    assert flag.owner == coordinator, "a sweep leaves it with its owner"


@pytest.mark.parametrize(
    ("act", "field", "why"),
    [
        (lambda flag, by: clear_flag(flag=flag, by=by, reason=" ", now=noon(12, 10)), "reason", "no reason"),
        (
            lambda flag, by: snooze_flag(flag=flag, until=TODAY, by=by, now=noon(12, 10)),
            "until",
            "today is not ahead",
        ),
    ],
)
def test_what_is_refused(flag, coordinator, act, field, why):
    with pytest.raises(Refused) as refused:
        act(flag, coordinator)
    assert set(refused.value.fields) == {field}, why


def test_the_slower_of_two_is_refused(flag, coordinator):
    clear_flag(flag=flag, by=coordinator, reason="asked", now=noon(12, 10))
    for act in (
        lambda: clear_flag(flag=flag, by=coordinator, reason="asked", now=noon(12, 10)),
        lambda: snooze_flag(flag=flag, until=date(2026, 12, 20), by=coordinator, now=noon(12, 10)),
        lambda: assign_flag(flag=flag, owner=None, by=coordinator, now=noon(12, 10)),
    ):
        with pytest.raises(Refused, match="cleared meanwhile"):
            act()


def test_a_flag_of_a_hold_is_told_in_the_reader_s_language(coordinator):
    """Kept as data: the days are counted when it is read, not when it was raised."""
    anchors = {"infusion": AnchorDay(date(2026, 12, 7)), "consent": AnchorDay(date(2026, 11, 2), ACTUAL)}
    begun = {"lymphodepletion-start": AnchorDay(date(2026, 12, 2), ACTUAL)}
    person = enrol(enrolment=an_enrolment(anchors=anchors | begun), by=None)
    hold = {"on": date(2026, 12, 5), "reason": "fever", "now": noon(12, 5), "by": None}
    hold_infusion(participant=person, version=person.version, **hold)
    sweep_holds(now=noon(12, 10))
    chinese = {
        "%(given)s began on %(began)s for the %(awaited)s on %(expected)s, which waits for %(days)s.": (
            "%(began)s 开始化疗，拟于 %(expected)s 回输，已等待 %(days)s。"
        ),
        "%(n)d days": "%(n)d 天",
        "Wednesday": "星期三",
        "Monday": "星期一",
    }
    here = date(2026, 12, 11)
    listed = flags_listed(
        coordinator, here, noon(12, 11), WantedFlags(), lambda text: chinese.get(text, text)
    )
    words = [row.words for row in listed.rows if row.flag.kind == "hold"]
    assert words == [("星期三 2026-12-02 开始化疗，拟于 星期一 2026-12-07 回输，已等待 4 天。",)]


def test_flags_out_of_sight_do_not_exist(flag):
    elsewhere = a_user(Role.COORDINATOR, "elsewhere", site=_another_site())
    now = noon(12, 10)
    assert flag_count(roles_of(elsewhere, TODAY), TODAY) == 0
    assert not flags_listed(elsewhere, TODAY, now, WantedFlags()).rows


def _another_site():
    from tests.cast import a_site

    return a_site("BJ")


def test_a_window_of_two_substances_asks_for_the_one_that_is_not_confirmed_yet(coordinator):
    """Its card and the list of flags asked for the first again, day after day, and never for the second."""
    version = a_version("NCT07331467")
    anchors = {"infusion": AnchorDay(INFUSION)}
    person = enrol(enrolment=an_enrolment(version, anchors=anchors, traits=frozenset()), by=None)
    asked = []
    for day in (7, 8, 9):
        now = noon(12, day)
        sweep_windows(now=now)
        flag = Flag.objects.filter(window__code="malignancy-washout", cleared_at=None).first()
        if flag is None:
            break
        (missing, *_others) = card_of(related_flags(Flag.objects.filter(pk=flag.pk))[0], now).missing
        asked.append((missing.kind, missing.of))
        record_fact(participant=person, fact=Confirmation(missing.of, now.date()), by=None, now=now)
    assert asked == [
        (FactKind.CONFIRMATION, "malignancy"),
        (FactKind.CONFIRMATION, "malignancy-treatment"),
    ]
