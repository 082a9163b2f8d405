"""The rules of reminders: one statement writes what is due, and its condition judges it again."""

from datetime import date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext

from schedules.domain.reminders.rules import SWEPT, key_of
from schedules.models import (
    Flag,
    Reminder,
    ReminderPause,
    ReminderSetting,
    ReminderStart,
    ReminderSweep,
    Visit,
)
from schedules.services.reminders import ledger, sweeping
from tests.integration.reminders.test_reminders import NOON, TODAY, a_coordinator, a_site, a_visit
from trials.models import Site, User

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("closes", "given", "kinds"),
    [
        (TODAY + 9 * DAY, {}, {"book"}),
        (TODAY + 10 * DAY, {}, set()),
        (TODAY + 20 * DAY, {"booked_on": TODAY + 7 * DAY, "outside_reason": "travels"}, {"coming"}),
        (TODAY + 3 * DAY, {"opens": TODAY - 5 * DAY}, {"half", "closing"}),
        (TODAY + 4 * DAY, {"opens": TODAY - 5 * DAY}, {"half"}),
        (TODAY + 3 * DAY, {"opens": TODAY - 5 * DAY, "held_on": TODAY}, set()),
        (
            TODAY + 3 * DAY,
            {"opens": TODAY - 5 * DAY, "booked_on": TODAY - DAY},
            {"half", "unrecorded", "closing"},
        ),
        (TODAY - DAY, {}, {"closed"}),
        (TODAY - DAY, {"performed_on": TODAY - DAY}, set()),
        (TODAY + 9 * DAY, {"anchor_on": TODAY - 340 * DAY}, {"book", "contact"}),
    ],
)
def test_a_rule_speaks_when_its_day_has_come(closes: date, given: dict[str, object], kinds: set[str]) -> None:
    a_visit(a_site(), closes, **given)
    assert sweeping.sweep_rules(now=NOON) == len(kinds)
    assert set(Reminder.objects.values_list("kind", flat=True)) == kinds
    assert sweeping.sweep_rules(now=NOON) == 0, "each once"


def test_the_key_is_spelled_alike_in_python_and_sql() -> None:
    visit = a_visit(a_site(), TODAY + 20 * DAY, booked_on=TODAY + 3 * DAY, outside_reason="travels")
    sweeping.sweep_rules(now=NOON)
    assert Reminder.objects.get().key == key_of("coming", visit.uid, TODAY + 3 * DAY, 3)


def test_all_rules_are_written_by_one_statement_however_many_visits_there_are() -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            sweeping.sweep_rules(now=NOON)
        return len([query for query in queries if "SAVEPOINT" not in query["sql"]])

    site = a_site()
    a_visit(site, TODAY + 9 * DAY)
    before = statements()
    for _ in range(5):
        a_visit(site, TODAY + 9 * DAY)
    assert statements() == before == 6
    assert len(SWEPT) == 24


def test_what_a_rule_says_is_sent_once_and_not_once_it_is_mended() -> None:
    site = a_site()
    a_coordinator("here")
    kept, mended = (a_visit(site, TODAY + 9 * DAY) for _ in range(2))
    sweeping.sweep_rules(now=NOON)
    Visit.objects.filter(pk=mended.pk).update(booked_on=TODAY + 8 * DAY)
    ledger.ring_reminders(now=lambda: NOON, at=lambda: NOON)
    ledger.ring_reminders(now=lambda: NOON + DAY, at=lambda: NOON + DAY)
    (message,) = mail.outbox
    assert kept.participant.subject_code in message.body
    (here,) = User.objects.filter(username="here")
    assert message.extra_headers["X-Dayzero-Key"] == f"{key_of('book', kept.uid, kept.opens)}:{here.pk}"


def test_nothing_leaves_in_the_quiet_hours_of_the_site() -> None:
    a_coordinator("here")
    a_visit(a_site("Europe/Berlin"), TODAY + 9 * DAY)
    ReminderSetting.objects.all().delete()
    monday = NOON + 2 * DAY  # five in the morning there
    sweeping.sweep_rules(now=monday)
    ledger.ring_reminders(now=lambda: monday, at=lambda: monday)
    assert not mail.outbox
    eight = monday + timedelta(hours=3)
    ledger.ring_reminders(now=lambda: eight, at=lambda: eight)
    assert len(mail.outbox) == 1


def test_what_was_due_before_an_upgrade_counts_as_said() -> None:
    ReminderStart.objects.bulk_create(ReminderStart(kind=kind, since=TODAY) for kind in SWEPT)
    site = a_site()
    a_visit(site, TODAY + 9 * DAY)
    a_visit(site, TODAY - DAY)
    a_visit(site, TODAY + 3 * DAY, opens=TODAY - 5 * DAY)
    assert sweeping.sweep_rules(now=NOON) == 0
    a_visit(site, TODAY + 10 * DAY)
    assert sweeping.sweep_rules(now=NOON + DAY) == 1


def _a_crowd(site: Site, chance: Random) -> None:
    """Visits whose windows, bookings and pauses lie around the days to come."""
    for number in range(24):
        closes = TODAY + chance.randrange(-3, 24) * DAY
        opens = closes - chance.choice((0, 3, 7, 12)) * DAY
        booked = chance.choice((None, opens, closes, opens - 2 * DAY))
        visit = a_visit(site, closes, opens=opens, target=opens, booked_on=booked)
        if booked is not None and not opens <= booked <= closes:
            Visit.objects.filter(pk=visit.pk).update(outside_reason="travels")
        if number % 4 == 0:
            last = TODAY + chance.randrange(0, 9) * DAY
            ReminderPause.objects.create(
                participant=visit.participant, first=TODAY - DAY, last=last, reason="travels"
            )
        if number % 3 == 0:
            Flag.objects.create(
                participant=visit.participant,
                kind="window-at-risk",
                severity="warning",
                key=f"risk-{number}",
                message="{}",
                raised_at=NOON,
                snoozed_until=TODAY + chance.randrange(1, 9) * DAY,
            )


def test_a_sweep_of_what_has_changed_leaves_nothing_for_a_whole_one() -> None:
    chance = Random(17)
    site = a_site()
    _a_crowd(site, chance)
    midnight = NOON.replace(hour=16)  # in Shanghai
    alone = 0
    for day in range(12):
        before = midnight + day * DAY - timedelta(minutes=5)
        sweeping.sweep_reminders(now=before)
        whole = ReminderSweep.objects.get().whole_at
        for visit in chance.sample(list(Visit.objects.filter(performed_on=None)), 2):
            Visit.objects.filter(pk=visit.pk).update(
                booked_on=chance.choice((None, visit.opens, visit.closes)), outside_reason=""
            )
        now = before + timedelta(minutes=6)
        alone += sweeping.sweep_reminders(now=now)
        assert ReminderSweep.objects.get().whole_at == whole == before, "only what had changed was looked at"
        assert sweeping.sweep_rules(now=now) == 0, now
    assert alone > 20, "each day brings some"


def test_a_change_that_concerns_everybody_wakes_a_whole_sweep() -> None:
    visit = a_visit(a_site(), TODAY + 20 * DAY, opens=TODAY + 12 * DAY)
    sweeping.sweep_reminders(now=NOON)
    assert not Reminder.objects.exists()
    ReminderSetting.objects.create(trial=visit.participant.trial, kind="book", days="14")
    later = NOON + timedelta(minutes=1)
    assert sweeping.sweep_reminders(now=later) == 1
    assert ReminderSweep.objects.get().whole_at == later


def test_a_sweep_of_what_has_changed_where_no_trial_runs_writes_nothing() -> None:
    a_site()
    before = NOON.replace(hour=15, minute=55)  # five minutes before midnight in Shanghai
    assert sweeping.sweep_reminders(now=before) == 0
    assert sweeping.sweep_reminders(now=before + timedelta(minutes=6)) == 0
    assert ReminderSweep.objects.get().whole_at == before, "it was none of everybody"


SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("zones", "before", "after", "days"),
    [
        ((SHANGHAI,), NOON.replace(hour=15), NOON.replace(hour=16), (TODAY, TODAY)),
        ((SHANGHAI,), NOON, NOON + 3 * DAY, (TODAY, TODAY + 2 * DAY)),
        ((SHANGHAI, BERLIN), NOON.replace(hour=15), NOON.replace(hour=16), (TODAY, TODAY)),
        ((BERLIN, SHANGHAI), NOON.replace(hour=15), NOON.replace(hour=15) + DAY, (TODAY, TODAY)),
        ((BERLIN, SHANGHAI), NOON.replace(hour=22), NOON.replace(hour=16) + DAY, (TODAY, TODAY + DAY)),
        ((SHANGHAI, BERLIN), NOON, NOON.replace(hour=15), None),
        ((), NOON, NOON + DAY, None),
    ],
)
def test_which_days_have_ended_at_any_site(
    zones: tuple[ZoneInfo, ...], before: datetime, after: datetime, days: tuple[date, date] | None
) -> None:
    earliest, latest = sweeping._days_passed(zones, before, after)
    assert (earliest, latest) == days if days else earliest > latest
