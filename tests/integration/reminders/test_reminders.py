"""Reminders: written once, told once, and never lost."""

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from itertools import count

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from participants.models import Participant
from schedules import tasks
from schedules.domain.reminders import STALE_AFTER, closing_key
from schedules.domain.reminders.grouping import Message
from schedules.domain.reminders.states import State
from schedules.models import Reminder, ReminderDelivery, ReminderRecipient, ReminderSetting, Visit
from schedules.selectors.reminders.candidates import COLUMNS, due, parameters, places_now, statement
from schedules.services.reminders import addressing, ledger, sweeping
from tests.plans import plan_of, steps_of
from trials.models import Membership, ProtocolVersion, Role, Site, Trial, User, WorkingDayTable

TODAY = date(2026, 11, 21)
NOON = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)  # noon in Shanghai, five in the morning in Berlin
numbers = count(1)

pytestmark = pytest.mark.django_db


def a_site(zone: str = "Asia/Shanghai") -> Site:
    return Site.objects.create(code=f"SITE-{next(numbers)}", name="A hospital", zone=zone)


def at_any_hour(trial: Trial) -> None:
    """Let all reminders of a trial leave at once, at any hour of any day: for tests of telling itself."""
    ReminderSetting.objects.get_or_create(
        trial=trial,
        site=None,
        kind="",
        defaults={
            "manner": "at-once",
            "earliest": time(0),
            "latest": time(0),
            "working_days": False,
            "escalate_after": 0,
        },
    )


def a_visit(site: Site, closes: date, **given: object) -> Visit:
    """A visit of a new participant, its window three days long; written past all services."""
    trial, _ = Trial.objects.get_or_create(code="NCT00000000", defaults={"title": "Made up"})
    at_any_hour(trial)
    version, _ = ProtocolVersion.objects.get_or_create(trial=trial, label="1", document="{}", digest="d")
    code = f"S01-{next(numbers):03}"
    participant = Participant.objects.create(
        trial=trial, site=site, protocol_version=version, subject_code=code
    )
    fields: dict[str, object] = {
        "code": "d14",
        "rule_code": "d14",
        "label": "Day 14",
        "epoch": "treatment",
        "timing": "offset",
        "place": "clinic",
        "anchor_code": "infusion",
        "anchor_on": closes - timedelta(days=15),
        "anchor_kind": "actual",
        "offset": "P14D",
        "opens": closes - timedelta(days=2),
        "target": closes - timedelta(days=1),
        "closes": closes,
        "timing_basis": "stated",
    }
    return Visit.objects.create(participant=participant, **(fields | given))


def a_coordinator(name: str, **given: object) -> User:
    user = User.objects.create_user(name, email=f"{name}@example.org")
    Membership.objects.create(
        user=user, **({"role": Role.COORDINATOR, "starts_on": date(2026, 1, 1)} | given)
    )
    return user


@pytest.mark.parametrize(
    ("closes", "given", "written", "why"),
    [
        (date(2026, 11, 20), {}, 0, "closed yesterday: missed, no longer closing"),
        (date(2026, 11, 21), {}, 1, "closes today"),
        (date(2026, 11, 24), {}, 1, "closes in three days"),
        (date(2026, 11, 25), {}, 0, "closes in four days"),
        (
            date(2026, 11, 24),
            {"opens": date(2026, 11, 24), "target": date(2026, 11, 24)},
            1,
            "±0, not open yet",
        ),
        (date(2026, 11, 22), {"performed_on": date(2026, 11, 21)}, 0, "done"),
        (date(2026, 11, 22), {"missed_on": date(2026, 11, 21)}, 0, "recorded as missed"),
        (date(2026, 11, 22), {"cancelled_on": date(2026, 11, 21)}, 0, "cancelled"),
    ],
)
def test_what_closes_soon_is_written(closes: date, given: dict[str, object], written: int, why: str) -> None:
    visit = a_visit(a_site(), closes, **given)
    assert sweeping.sweep_closing(now=NOON) == written, why
    assert [r.key for r in Reminder.objects.all()] == [closing_key(visit.uid, closes)] * written


@pytest.mark.parametrize(("days", "written"), [(0, 1), (1, 2), (3, 3), (30, 4)])
def test_how_soon_is_a_setting(settings: Settings, days: int, written: int) -> None:
    for ahead in (0, 1, 3, 30):
        a_visit(a_site(), TODAY + timedelta(days=ahead))
    settings.REMINDER_DAYS = days
    assert sweeping.sweep_closing(now=NOON) == written


@pytest.mark.parametrize(
    ("hour", "zone", "due_on", "why"),
    [
        (15, "Asia/Shanghai", [date(2026, 11, 21)], "23:00 there: three days are left"),
        (16, "Asia/Shanghai", [date(2026, 11, 22)], "midnight there: two days are left"),
        (4, "Pacific/Midway", [], "17:00 of the day before there: four days are left"),
        (11, "Pacific/Midway", [date(2026, 11, 21)], "midnight there"),
        (4, "", [], "a site without a zone has no today"),
    ],
)
def test_today_is_the_site_s_own(hour: int, zone: str, due_on: list[date], why: str) -> None:
    a_visit(a_site(zone), date(2026, 11, 24))
    sweeping.sweep_closing(now=datetime(2026, 11, 21, hour, tzinfo=UTC))
    assert list(Reminder.objects.values_list("due_on", flat=True)) == due_on, why


def test_a_second_sweep_writes_nothing_and_a_moved_window_is_written_anew() -> None:
    visit = a_visit(a_site(), date(2026, 11, 22))
    assert [sweeping.sweep_closing(now=NOON) for _ in range(3)] == [1, 0, 0]
    assert sweeping.sweep_closing(now=NOON + timedelta(days=1)) == 0
    Visit.objects.filter(pk=visit.pk).update(closes=date(2026, 11, 23))
    assert sweeping.sweep_closing(now=NOON) == 1


def test_the_number_of_statements_does_not_grow_with_visits() -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            sweeping.sweep_closing(now=NOON)
        return len([query for query in queries if "SAVEPOINT" not in query["sql"]])

    sites = [a_site(), a_site("Europe/Berlin")]
    for site in sites:
        a_visit(site, date(2026, 11, 22))
    before = statements()
    for site in sites * 5:
        a_visit(site, date(2026, 11, 22))
    assert statements() == before == 6  # starts, pauses, places, settings, calendars, and one that writes
    assert Reminder.objects.count() == 12


def test_the_sweep_reads_the_index_of_live_visits_between_two_bounds() -> None:
    site = a_site()
    for day in range(60):
        a_visit(site, date(2026, 11, 22) + timedelta(days=10 * day))
    places = places_now(NOON, ("closing",))
    explain = "EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN "
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE schedules_visit")
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(explain + statement(("closing",)), parameters(places, ("closing",)))
        plan = "\n".join(str(row) for row in cursor.fetchall())
    assert "visit_live_by_closes" in plan
    assert "closes>? AND closes<?" in plan or ("closes >=" in plan and "closes <=" in plan)


def test_a_worker_finds_what_is_unsent_without_reading_the_whole_ledger() -> None:
    visit = a_visit(a_site(), date(2026, 11, 22))
    said = {"kind": "closing", "visit": visit, "due_on": TODAY, "claimed_at": NOON, "sent_at": NOON}
    Reminder.objects.bulk_create(Reminder(key=f"closing:x:{number}", **said) for number in range(2000))
    sweeping.sweep_closing(now=NOON)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("ANALYZE schedules_reminder")
    with CaptureQueriesContext(connection) as captured:
        addressing.address_reminders(now=NOON)
    asked = next(query["sql"] for query in captured if "sent_at" in query["sql"])
    explain = "EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN "
    with connection.cursor() as cursor:
        cursor.execute(explain + asked)
        plan = "\n".join(str(row) for row in cursor.fetchall())
    assert "reminder_unsent" in plan, plan


def test_a_sweep_before_any_statistics_joins_neither_the_ledger_nor_the_people_of_a_trial() -> None:
    """After a restore PostgreSQL takes every table for one row: each reminder then had all that is due
    found anew (100 s at 5,500 reminders), each visit all people of its trial.
    """
    site = a_site()
    for day in range(5):
        a_visit(site, date(2026, 11, 22) + timedelta(days=day))
    sweeping.sweep_closing(now=NOON)
    places = places_now(NOON, ("closing",))
    over = sweeping._OVER.format(due=due(("closing",)), kinds="'closing'", more="")
    explain = "EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN "
    with connection.cursor() as cursor:
        cursor.execute(explain + over, parameters(places, ("closing",)))
        plan = [str(row[-1]) for row in cursor.fetchall()]
    read_by = [line for line in plan if " person" in line and "Filter:" not in line]
    assert "trial_id" not in "\n".join(read_by), plan
    if connection.vendor == "postgresql":
        assert "Aggregate" in plan[0], plan


def test_a_sweep_looks_up_each_key_where_the_ledger_is_taken_for_empty(lane: str) -> None:
    """Statistics of a ledger whose rows were all deleted: each key was joined with all of it."""
    if lane != "postgres":
        pytest.skip("SQLite plans by the statement alone")
    site = a_site()
    for day in range(5):
        a_visit(site, date(2026, 11, 22) + timedelta(days=day))
    kinds = ("closing",)
    sweeping.sweep_closing(now=NOON)
    Reminder.objects.all().delete()
    places = places_now(NOON, kinds)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE schedules_reminder")
        sweeping.sweep_closing(now=NOON)
        cursor.execute("SET LOCAL enable_seqscan = off")  # five rows stand on one page
        write = sweeping._WRITE.format(
            columns=", ".join(COLUMNS), found=statement(kinds), unless=sweeping._UNLESS_THERE
        )
        plan = plan_of(write, parameters(places, kinds))
    (lookup,) = (one for one in steps_of(plan) if one.get("Alias") == "reminder")
    assert "key" in lookup.get("Index Cond", ""), plan


def test_coordinators_are_told_once_by_e_mail_without_a_name_in_its_subject() -> None:
    site = a_site()
    visit = a_visit(site, date(2026, 11, 24))
    a_coordinator("here", site=site)
    sweeping.sweep_closing(now=NOON)
    assert ledger.deliver_reminders(now=NOON) == 2, "addressed, and sent"
    assert ledger.deliver_reminders(now=NOON + 2 * STALE_AFTER) == 0
    (message,) = mail.outbox
    assert message.to == ["here@example.org"]
    assert message.subject == "Dayzero: a visit's window closes on Tue 24 Nov 2026"
    assert visit.participant.subject_code in message.body
    assert "Sun 22 Nov 2026" in message.body
    here = User.objects.get(username="here").pk
    assert message.extra_headers["X-Dayzero-Key"] == f"{closing_key(visit.uid, visit.closes)}:{here}"
    row = Reminder.objects.get()
    assert (row.claimed_at, row.sent_at) == (NOON, NOON)


@pytest.mark.parametrize(
    ("given", "told", "why"),
    [
        ({}, True, "everywhere, in all trials"),
        ({"starts_on": date(2026, 11, 21)}, True, "from today"),
        ({"starts_on": date(2026, 11, 22)}, False, "from tomorrow"),
        ({"ends_on": date(2026, 11, 21)}, True, "today is the last day"),
        ({"ends_on": date(2026, 11, 20)}, False, "until yesterday"),
        ({"role": Role.MONITOR}, False, "no coordinator"),
    ],
)
def test_who_coordinates_is_told(given: dict[str, object], told: bool, why: str) -> None:
    a_visit(a_site(), date(2026, 11, 24))
    a_coordinator("somebody", **given)
    sweeping.sweep_closing(now=NOON)
    ledger.deliver_reminders(now=NOON)
    assert bool(mail.outbox) is told, why


def test_who_coordinates_elsewhere_or_another_trial_or_left_is_not_told() -> None:
    a_visit(a_site(), date(2026, 11, 24))
    a_coordinator("elsewhere", site=a_site())
    a_coordinator("another", trial=Trial.objects.create(code="NCT00000001", title="Another"))
    User.objects.filter(pk=a_coordinator("left").pk).update(is_active=False)
    sweeping.sweep_closing(now=NOON)
    ledger.deliver_reminders(now=NOON)
    assert not mail.outbox
    row = Reminder.objects.get(kind="closing")
    assert (row.sent_at, row.state) == (None, State.NOBODY)


def test_who_has_no_address_is_told_in_the_bell_alone() -> None:
    a_visit(a_site(), date(2026, 11, 24))
    User.objects.filter(pk=a_coordinator("silent").pk).update(email="")
    sweeping.sweep_closing(now=NOON)
    ledger.deliver_reminders(now=NOON)
    assert not mail.outbox
    assert Reminder.objects.get().state is State.SENT
    assert ReminderRecipient.objects.get().person.username == "silent"


def test_what_nobody_could_be_told_is_told_when_somebody_comes() -> None:
    a_visit(a_site(), date(2026, 11, 24))
    sweeping.sweep_closing(now=NOON)
    ledger.deliver_reminders(now=NOON)
    a_coordinator("new")
    ledger.deliver_reminders(now=NOON + STALE_AFTER)
    assert not mail.outbox, "the claim is not old enough"
    ledger.deliver_reminders(now=NOON + STALE_AFTER + timedelta(seconds=1))
    assert len(mail.outbox) == 1
    assert Reminder.objects.get(kind="closing").state is State.SENT


def test_a_failing_mail_server_holds_up_only_what_it_refused() -> None:
    site = a_site()
    visits = [a_visit(site, date(2026, 11, 24)) for _ in range(3)]
    a_coordinator("here")
    told: list[str] = []

    def refuse_the_first(message: Message) -> None:
        if message.notices[0].key == closing_key(visits[0].uid, visits[0].closes):
            raise ConnectionRefusedError
        told.append(message.notices[0].key)

    sweeping.sweep_closing(now=NOON)
    ledger.deliver_reminders(now=NOON, send=refuse_the_first)
    assert set(told) == {closing_key(visit.uid, visit.closes) for visit in visits[1:]}, "in any order"
    assert Reminder.objects.filter(sent_at=None).get().visit == visits[0]
    ledger.deliver_reminders(
        now=NOON + 2 * STALE_AFTER, send=lambda message: told.append(message.notices[0].key)
    )
    assert len(told) == len(set(told)) == 3


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"performed_on": TODAY}, "done since"),
        ({"cancelled_on": TODAY}, "cancelled since"),
        ({"closes": date(2026, 11, 30)}, "moved since"),
    ],
)
def test_what_is_no_longer_true_is_not_told(change: dict[str, date], why: str) -> None:
    visit = a_visit(a_site(), date(2026, 11, 24))
    a_coordinator("here")
    sweeping.sweep_closing(now=NOON)
    Visit.objects.filter(pk=visit.pk).update(**change)
    ledger.deliver_reminders(now=NOON)
    assert not mail.outbox, why
    assert Reminder.objects.get().state is State.LAPSED
    Visit.objects.filter(pk=visit.pk).update(performed_on=None, cancelled_on=None, closes=date(2026, 11, 24))
    sweeping.sweep_closing(now=NOON)
    ledger.deliver_reminders(now=NOON)
    assert len(mail.outbox) == 1, "taken back, and so it is told after all"


def test_nobody_is_told_of_a_frozen_trial() -> None:
    visit = a_visit(a_site(), date(2026, 11, 24))
    a_coordinator("here")
    sweeping.sweep_closing(now=NOON)
    Trial.objects.filter(pk=visit.participant.trial_id).update(frozen_on=TODAY)
    ledger.deliver_reminders(now=NOON)
    assert not mail.outbox


def test_a_reminder_that_was_held_up_is_not_sent_once_its_window_has_closed() -> None:
    a_visit(a_site(), date(2026, 11, 24))
    a_coordinator("here")
    sweeping.sweep_closing(now=NOON)
    midnight = datetime(2026, 11, 24, 16, tzinfo=UTC)  # the 25th in Shanghai
    ledger.deliver_reminders(now=midnight)
    assert not mail.outbox, "“can still be done” is no longer true"
    sweeping.sweep_closing(now=midnight - timedelta(hours=1))
    ledger.deliver_reminders(now=midnight - timedelta(hours=1))
    assert len(mail.outbox) == 1, "the clock had run ahead"


def test_where_no_e_mail_can_leave_the_bell_alone_tells(settings: Settings) -> None:
    settings.REMINDERS_LEAVE = False
    a_coordinator("here")
    a_visit(a_site(), date(2026, 11, 24))
    sweeping.sweep_closing(now=NOON)
    assert ledger.deliver_reminders(now=NOON) == 1, "a ring goes on while something was placed"
    assert not ReminderDelivery.objects.exists()
    assert ReminderRecipient.objects.count() == 1


def test_a_worker_judges_a_batch_at_once_and_asks_and_keeps_with_one_statement_for_each_message() -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            ledger.deliver_reminders(now=NOON, send=lambda _: None)
        return sum(query["sql"].startswith(("SELECT", "UPDATE")) for query in captured)

    a_coordinator("here")
    site = a_site()
    counts = []
    for visits in (1, 1, 9):  # what is made for the first message that ever leaves is not counted
        for _ in range(visits):
            a_visit(site, date(2026, 11, 24))
        sweeping.sweep_closing(now=NOON)
        counts.append(statements())
    assert counts[2] - counts[1] == 2 * 8, "what of it still holds, and that it has left"


@pytest.mark.parametrize("run", [tasks.sweep.delay, tasks.sweep])
def test_the_tasks_run_at_once_where_there_is_no_broker(run: Callable[[], object]) -> None:
    today = datetime.now(UTC).astimezone().date()
    a_visit(a_site(), today + timedelta(days=2))
    a_coordinator("here", starts_on=date(2000, 1, 1))
    run()
    tasks.deliver.delay()
    assert len(mail.outbox) == 1


def test_by_hand(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    a_coordinator("here", starts_on=date(2000, 1, 1))
    closes = datetime.now(UTC).astimezone().date() + timedelta(days=9)
    a_visit(a_site(), closes, place="ward")  # a ward day is not booked, so that nothing else is due
    call_command("sweep")
    settings.REMINDER_DAYS = 10
    call_command("sweep")
    call_command("sweep")
    assert [line for line in capsys.readouterr().out.splitlines() if "reminders" in line] == [
        "0 reminders written, 0 taken up for delivery",
        "1 reminders written, 2 taken up for delivery",
        "0 reminders written, 0 taken up for delivery",
    ]


def at_once(workers: int, act: Callable[[], None]) -> None:
    """Run the same thing in several threads, each with a connection of its own, started together."""
    gate = threading.Barrier(workers)
    errors: list[BaseException] = []

    def run() -> None:
        try:
            gate.wait()
            act()
        except BaseException as error:  # noqa: BLE001 - told below, in the test's own thread
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors, errors


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_write_one_row_for_each() -> None:
    site = a_site()
    with transaction.atomic():
        for _ in range(60):
            a_visit(site, date(2026, 11, 23))
    written: list[int] = []
    at_once(4, lambda: written.append(sweeping.sweep_closing(now=NOON)))
    assert sum(written) == Reminder.objects.count() == 60


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_tell_each_reminder_once() -> None:
    site = a_site()
    with transaction.atomic():
        a_coordinator("here")
        for _ in range(60):
            a_visit(site, date(2026, 11, 23))
    sweeping.sweep_closing(now=NOON)
    told: list[str] = []

    def work() -> None:
        while ledger.deliver_reminders(now=NOON, send=lambda message: told.append(message.notices[0].key)):
            pass

    at_once(4, work)
    assert len(told) == len(set(told)) == 60
    assert not Reminder.objects.filter(sent_at=None).exists()


def test_a_site_whose_working_days_cannot_be_read_stops_no_other() -> None:
    broken, fine = a_site(), a_site()
    for site in (broken, fine):
        a_visit(site, TODAY + timedelta(days=2))
    WorkingDayTable.objects.create(site=broken, version=1, document={"weekdays": "no"})
    a_coordinator("here")
    assert sweeping.sweep_rules(now=NOON, kinds=("closing",)) == 2
    ledger.ring_reminders(now=lambda: NOON, at=lambda: NOON)
    assert not ReminderDelivery.objects.filter(sent_at=None)
