"""The bell: what one was told, read, acknowledged and snoozed, and told to others where nobody did."""

import re
from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from participants.models import Absence, Participant
from schedules import tasks
from schedules.domain.reminders import Notice
from schedules.domain.reminders.grouping import Message
from schedules.domain.reminders.people import Capacity
from schedules.domain.reminders.rules import urgency_of
from schedules.domain.reminders.states import State
from schedules.models import Reminder, ReminderPreference, ReminderRecipient, ReminderSetting, Visit
from schedules.notifications import written_out
from schedules.selectors.reminders.bell import Shelf, bell_page, in_bell, unread_count
from schedules.selectors.reminders.notices import notices_about
from schedules.services.reminders import addressing, ledger, sweeping
from schedules.services.reminders.bell import acknowledge_reminder, snooze_reminder
from tests.cast import a_version
from tests.clocks import database_clock_at
from tests.integration.reminders.test_reminders import NOON, TODAY, a_coordinator, a_site, a_visit
from trials import request_clock
from trials.domain.accounts.access import Grant, Scope
from trials.domain.language import Text
from trials.domain.sites.working_days import WorkingDays
from trials.models import AuditEntry, Membership, Role, Site, Trial, TrialSite, User, WorkingDayTable
from trials.selectors.records import roles_of

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> User:
    monkeypatch.setattr(request_clock, "now", lambda: NOON)
    return a_coordinator("here")


def told(number: int = 1) -> list[Visit]:
    site = a_site()
    visits = [a_visit(site, TODAY + 2 * DAY) for _ in range(number)]
    sweeping.sweep_closing(now=NOON)
    addressing.address_reminders(now=NOON)
    Participant.objects.update(protocol_version=a_version(), trial=a_version().trial)
    return visits


def unread(user: User) -> int:
    return unread_count(user, roles_of(user, TODAY), NOON)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_what_comes_together_stands_by_its_urgency(here: User) -> None:
    """A morning's reminders stood the least urgent first, and the urgent ones on the second page."""
    for number in (2, 6, 12):
        a_visit(a_site(), TODAY + number * DAY)
    Participant.objects.update(protocol_version=a_version(), trial=a_version().trial)
    Visit.objects.update(opens=TODAY - 14 * DAY)
    sweeping.sweep_reminders(now=NOON)
    addressing.address_reminders(now=NOON)
    rows = bell_page(here, roles_of(here, TODAY), Shelf.OPEN, NOON, 1).rows
    urgencies = [urgency_of(row.reminder.kind) for row in rows]
    assert urgencies == sorted(urgencies, reverse=True)
    assert len(set(urgencies)) > 1


def test_the_header_counts_what_is_unread_and_the_list_says_it(here: User) -> None:
    (visit,) = told()
    page = signed_in(here).get("/reminders/").content.decode()
    assert '<b class="tally">1' in page
    assert visit.participant.subject_code in page
    assert "The window of Day 14 closes on Mon 23 Nov." in page


@pytest.mark.parametrize("scope", [Scope(everything=True), Scope(frozenset({Grant("coordinator")}))])
def test_who_sees_all_participants_reads_what_was_told_of_them(here: User, scope: Scope) -> None:
    """A condition that was empty, joined with that of places, left only what is of no participant."""
    told()
    assert in_bell(here, scope).count() == 1


def test_a_reminder_is_acknowledged_in_place_and_without_script(here: User) -> None:
    told(2)
    client = signed_in(here)
    first, second = ReminderRecipient.objects.order_by("pk")
    answer = client.post(f"/reminders/{first.pk}/acknowledge/", headers={"HX-Request": "true"})
    assert f'id="r-{first.pk}"' in answer.content.decode()
    assert 'hx-swap-oob="true"' in answer.content.decode()
    plain = client.post(f"/reminders/{second.pk}/acknowledge/", {"back": "/reminders/?shelf=done"})
    assert (plain.status_code, plain["Location"]) == (302, "/reminders/?shelf=done")
    assert unread(here) == 0
    client.post(f"/reminders/{first.pk}/undo/")
    first.refresh_from_db()
    assert first.acknowledged_at is None


def test_each_line_says_the_hours_of_its_own_site(here: User) -> None:
    """A bell across sites said them all by the server's clock; NOON is noon in Shanghai."""
    visits = [a_visit(a_site(zone), TODAY + 2 * DAY) for zone in ("Asia/Shanghai", "America/New_York")]
    Participant.objects.update(protocol_version=a_version(), trial=a_version().trial)
    for visit in visits:
        person = visit.participant
        reminder = Reminder.objects.create(
            key=f"closing {visit.pk}", kind="closing", visit=visit, participant=person, due_on=TODAY
        )
        ReminderRecipient.objects.create(
            reminder=reminder, person=here, capacity=Capacity.COORDINATOR, placed_at=NOON
        )
    client = signed_in(here)

    def hours(shelf: str) -> set[str]:
        text = client.get(f"/reminders/?shelf={shelf}").content.decode()
        return set(re.findall(r"\d{4}-\d\d-\d\d \d\d:\d\d", text))

    there = NOON.astimezone(ZoneInfo("America/New_York"))
    assert hours("open") == {f"{TODAY} 12:00", f"{there:%Y-%m-%d %H:%M}"}
    for row in ReminderRecipient.objects.all():
        client.post(f"/reminders/{row.pk}/snooze/", {"for": "tomorrow"})
    assert hours("snoozed") >= {f"{TODAY + DAY} 08:00", f"{there.date() + DAY} 08:00"}
    ReminderRecipient.objects.update(snoozed_until=None, acknowledged_at=NOON)
    assert hours("done") == {f"{TODAY} 12:00", f"{there:%Y-%m-%d %H:%M}"}


def test_what_is_acknowledged_or_snoozed_is_not_sent(here: User) -> None:
    told(3)
    first, second, _third = ReminderRecipient.objects.order_by("pk")
    acknowledge_reminder(recipient=first, now=NOON)
    snooze_reminder(recipient=second, until=NOON + DAY, now=NOON)
    ledger.deliver_reminders(now=NOON)
    assert len(mail.outbox) == 1


def test_nor_is_it_once_it_is_looked_at_again(here: User) -> None:
    told(2)
    first, second = ReminderRecipient.objects.order_by("pk")
    acknowledge_reminder(recipient=first, now=NOON)
    snooze_reminder(recipient=second, until=NOON + DAY, now=NOON)
    for hours in range(1, 4):
        ledger.deliver_reminders(now=NOON + timedelta(hours=hours))
    assert not mail.outbox


def test_a_snoozed_reminder_is_unread_again_when_its_time_has_come(here: User) -> None:
    told()
    row = ReminderRecipient.objects.get()
    client = signed_in(here)
    client.post(f"/reminders/{row.pk}/snooze/", {"for": "three-days"})
    assert unread(here) == 0
    assert unread_count(here, roles_of(here, TODAY), NOON + 3 * DAY) == 1
    assert "until" in client.get("/reminders/?shelf=snoozed").content.decode()


def test_what_was_read_is_no_longer_counted_and_what_came_since_is(here: User) -> None:
    told(2)
    first, second = ReminderRecipient.objects.order_by("pk")
    signed_in(here).post("/reminders/read/", {"newest": first.pk})
    assert unread(here) == 1
    signed_in(here).post("/reminders/read/", {"newest": second.pk})
    assert unread(here) == 0
    signed_in(here).post("/reminders/read/", {"newest": "many"})


def test_the_bell_of_another_is_not_there(here: User) -> None:
    told()
    row = ReminderRecipient.objects.get()
    other = a_coordinator("other")
    assert signed_in(other).post(f"/reminders/{row.pk}/acknowledge/").status_code == 404
    assert signed_in(here).post(f"/reminders/{row.pk}/throw/").status_code == 404


def test_who_may_no_longer_look_sees_neither_count_nor_reminder(here: User) -> None:
    told()
    assert unread(here) == 1
    Membership.objects.update(ends_on=TODAY - DAY)
    assert unread(here) == 0


def test_what_is_done_leaves_the_bell_by_itself(here: User) -> None:
    (visit,) = told()
    Visit.objects.filter(pk=visit.pk).update(performed_on=TODAY)
    sweeping.lapse_reminders(now=NOON)
    assert unread(here) == 0
    assert ReminderRecipient.objects.get().over_at == NOON


def test_what_was_said_and_is_due_again_is_back_in_the_bell_and_not_sent_again(here: User) -> None:
    """A booking that fits is cancelled: the window closes as soon as it did, and nobody looked at it."""
    chief = a_coordinator("chief", role=Role.INVESTIGATOR)
    gone = a_coordinator("gone")
    visit = a_visit(a_site(), TODAY + 2 * DAY)
    times = [NOON + timedelta(minutes=n) for n in range(8)]
    sweeping.sweep_reminders(now=times[0])
    ledger.ring_reminders(now=lambda: times[0], at=lambda: times[0])
    said = Reminder.objects.get(kind="closing")
    assert said.sent_at is not None
    sent = len(mail.outbox)
    ReminderRecipient.objects.filter(person=gone).update(over_at=times[0])
    row_of_it = Visit.objects.filter(pk=visit.pk)
    row_of_it.update(booked_on=TODAY + DAY)
    sweeping.sweep_reminders(now=times[1])
    assert ReminderRecipient.objects.get(reminder=said, person=here).over_at == times[1]
    row_of_it.update(booked_on=None)
    sweeping.sweep_reminders(now=times[2])
    ledger.ring_reminders(now=lambda: times[2], at=lambda: times[2])
    back = ReminderRecipient.objects.get(reminder=said, person=here)
    assert (back.over_at, back.seen_at) == (None, None)
    assert ReminderRecipient.objects.get(reminder=said, person=gone).over_at == times[0]
    assert len(mail.outbox) == sent
    escalating()
    assert addressing.escalate_reminders(now=NOON + DAY + timedelta(hours=1)) == 1
    assert ReminderRecipient.objects.filter(reminder=said, person=chief).exists()


def test_the_count_is_one_query_however_many_there_are(here: User) -> None:
    def queries() -> int:
        scope = roles_of(here, TODAY)
        with CaptureQueriesContext(connection) as captured:
            unread_count(here, scope, NOON)
        return len(captured)

    told()
    before = queries()
    told(12)
    assert queries() == before == 1


def escalating(after: int = 1) -> None:
    Trial.objects.get_or_create(code="NCT00000000", defaults={"title": "Made up"})
    ReminderSetting.objects.update(escalate_after=after)


def test_what_nobody_acknowledged_is_told_to_an_investigator_once(here: User) -> None:
    chief = a_coordinator("chief", role=Role.INVESTIGATOR)
    a_visit(a_site(), TODAY + 3 * DAY)
    escalating()
    sweeping.sweep_closing(now=NOON)
    ledger.ring_reminders(now=lambda: NOON, at=lambda: NOON)
    assert [message.to for message in mail.outbox] == [["here@example.org"]]
    for hours in (1, 23):
        later = NOON + timedelta(hours=hours)
        assert addressing.escalate_reminders(now=later) == 0, "not in time yet"
    later = NOON + DAY
    assert [addressing.escalate_reminders(now=later) for _ in range(2)] == [1, 0]
    ledger.ring_reminders(now=lambda: later, at=lambda: later)
    assert [message.to for message in mail.outbox][1:] == [["chief@example.org"]]
    assert ReminderRecipient.objects.get(person=chief).capacity == Capacity.ESCALATION


def test_an_investigator_who_is_away_is_told_once_they_are_back(here: User) -> None:
    """It counted as told to others when there was nobody to tell, and never was."""
    chief = a_coordinator("chief", role=Role.INVESTIGATOR)
    site = a_site()
    a_visit(site, TODAY + 3 * DAY)
    escalating()
    away = {"user": chief, "site": site, "first": TODAY, "last": TODAY + DAY}
    Absence.objects.create(**away)
    sweeping.sweep_closing(now=NOON)
    ledger.ring_reminders(now=lambda: NOON, at=lambda: NOON)
    assert addressing.escalate_reminders(now=NOON + DAY) == 0
    assert not Reminder.objects.exclude(escalated_at=None)
    assert [addressing.escalate_reminders(now=NOON + 2 * DAY) for _ in range(2)] == [1, 0]
    assert ReminderRecipient.objects.get(person=chief).capacity == Capacity.ESCALATION


def test_what_is_not_in_time_yet_does_not_stand_before_what_is(here: User) -> None:
    """Five hundred consents, told to others after seven days, held up all that is told after one."""
    a_coordinator("chief", role=Role.INVESTIGATOR)
    patient, urgent = a_site(), a_site()
    visits = [a_visit(site, TODAY + 3 * DAY) for site in (patient, patient, urgent)]
    escalating()
    ReminderSetting.objects.create(trial=visits[0].participant.trial, site=patient, escalate_after=2)
    sweeping.sweep_closing(now=NOON)
    ledger.ring_reminders(now=lambda: NOON, at=lambda: NOON)
    assert [addressing.escalate_reminders(now=NOON + DAY, most=2) for _ in range(3)] == [0, 1, 0]
    assert Reminder.objects.get(escalated_at__isnull=False).visit == visits[2]
    assert addressing.escalate_reminders(now=NOON + 2 * DAY, most=3) == 2, "the others when it is time"


def test_a_machine_s_clock_that_runs_a_day_ahead_tells_nobody_else(
    here: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_coordinator("chief", role=Role.INVESTIGATOR)
    a_visit(a_site(), TODAY + 3 * DAY)
    escalating()
    sweeping.sweep_closing(now=NOON)
    ledger.ring_reminders(now=lambda: NOON, at=lambda: NOON)
    monkeypatch.setattr(timezone, "now", lambda: NOON + DAY)
    with database_clock_at(NOON + timedelta(hours=1)):
        tasks.sweep()
        assert not Reminder.objects.exclude(escalated_at=None)
    with database_clock_at(NOON + DAY):
        tasks.sweep()
        assert Reminder.objects.exclude(escalated_at=None)


@pytest.mark.parametrize("act", ["acknowledge", "snooze"])
def test_an_acknowledgement_stops_escalation(here: User, act: str) -> None:
    a_coordinator("chief", role=Role.INVESTIGATOR)
    a_visit(a_site(), TODAY + 3 * DAY)
    escalating()
    sweeping.sweep_closing(now=NOON)
    ledger.ring_reminders(now=lambda: NOON, at=lambda: NOON)
    row = ReminderRecipient.objects.get()
    if act == "acknowledge":
        acknowledge_reminder(recipient=row, now=NOON)
    else:
        snooze_reminder(recipient=row, until=NOON + 2 * DAY, now=NOON)
    assert addressing.escalate_reminders(now=NOON + DAY) == 0


@pytest.mark.parametrize("act", ["acknowledge", "snooze"])
def test_an_acknowledgement_stops_an_escalation_that_has_not_left(here: User, act: str) -> None:
    chief = a_coordinator("chief", role=Role.INVESTIGATOR)
    a_visit(a_site(), TODAY + 3 * DAY)
    escalating()
    sweeping.sweep_closing(now=NOON)
    ledger.ring_reminders(now=lambda: NOON, at=lambda: NOON)
    later = NOON + DAY
    assert addressing.escalate_reminders(now=later) == 1
    row = ReminderRecipient.objects.get(person=here)
    if act == "acknowledge":
        acknowledge_reminder(recipient=row, now=later)
    else:
        snooze_reminder(recipient=row, until=later + DAY, now=later)
    ledger.ring_reminders(now=lambda: later, at=lambda: later)
    assert [message.to for message in mail.outbox] == [["here@example.org"]]
    assert ReminderRecipient.objects.get(person=chief).over_at == later


def test_where_there_is_no_coordinator_an_investigator_is_told_and_then_an_administrator() -> None:
    a_visit(a_site(), TODAY + 2 * DAY)
    sweeping.sweep_closing(now=NOON)
    addressing.address_reminders(now=NOON)
    assert Reminder.objects.get(kind="closing").state is State.NOBODY
    keeper = a_coordinator("keeper", role=Role.ADMINISTRATOR)
    ledger.ring_reminders(now=lambda: NOON, at=lambda: NOON)
    (message,) = mail.outbox
    assert message.to == ["keeper@example.org"]
    assert "A hospital: nobody can be reminded there" in message.body
    assert not any(
        code in message.body for code in Participant.objects.values_list("subject_code", flat=True)
    )
    assert ReminderRecipient.objects.get().person == keeper
    chief = a_coordinator("chief", role=Role.INVESTIGATOR)
    later = NOON + timedelta(hours=1)
    ledger.ring_reminders(now=lambda: later, at=lambda: later)
    assert Reminder.objects.get(kind="closing").state is State.SENT
    told = ReminderRecipient.objects.get(person=chief)
    assert told.capacity == Capacity.INVESTIGATOR, "nobody was asked before who could have acknowledged"


def test_where_nobody_administers_the_first_account_of_an_installation_is_told() -> None:
    chief = User.objects.create_superuser("chief", "chief@example.org")
    User.objects.create_superuser("gone", "gone@example.org", is_active=False)
    a_visit(a_site(), TODAY + 2 * DAY)
    sweeping.sweep_closing(now=NOON)
    addressing.address_reminders(now=NOON)
    ledger.ring_reminders(now=lambda: NOON, at=lambda: NOON)
    assert [message.to for message in mail.outbox] == [["chief@example.org"]]
    assert ReminderRecipient.objects.get().person == chief


def test_a_reader_of_chinese_is_told_by_the_chinese_name_where_nobody_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(request_clock, "now", lambda: NOON)
    site = a_site()
    a_visit(site, TODAY + 2 * DAY)
    Site.objects.filter(pk=site.pk).update(name_zh="一家医院")
    sweeping.sweep_closing(now=NOON)
    addressing.address_reminders(now=NOON)
    client = signed_in(a_coordinator("keeper", role=Role.ADMINISTRATOR))
    client.post("/i18n/setlang/", {"language": "zh-hans", "next": "/"})
    ledger.ring_reminders(now=lambda: NOON, at=lambda: NOON)
    (message,) = mail.outbox
    assert "一家医院" in message.body
    assert "A hospital" not in message.body
    assert "一家医院" in client.get("/reminders/").content.decode()
    client.post("/i18n/setlang/", {"language": "en", "next": "/"})
    assert "A hospital" in client.get("/reminders/").content.decode()


@pytest.mark.parametrize(
    ("language", "said"), [("en", "Restriction begins, "), ("zh-hans", "限制期即将开始，")]
)
def test_no_message_names_a_disease(language: str, said: str) -> None:
    label = Text("No lupus crisis for 30 days", "30天内无狼疮危象")
    notice = Notice(1, "washout:w1", "T", "S01-001", label, TODAY, TODAY, 4, "a@example.org", kind="washout")
    body = written_out(Message("k", 4, "email", "a@example.org", (notice,), language)).body
    assert said in body
    assert not any(word in body for word in ("lupus", "狼疮", "危象"))


def test_who_chose_chinese_is_told_in_chinese(here: User) -> None:
    client = signed_in(here)
    client.post("/i18n/setlang/", {"language": "zh-hans", "next": "/"})
    assert ReminderPreference.objects.get().language == "zh-hans"
    (entry,) = AuditEntry.objects.filter(model="schedules.reminderpreference")
    assert entry.actor_id == ReminderPreference.objects.get().user_id, "PostgreSQL named its own user"
    a_visit(a_site(), TODAY + 2 * DAY)
    sweeping.sweep_closing(now=NOON)
    ledger.deliver_reminders(now=NOON)
    assert "受试者" in mail.outbox[0].body


def test_a_message_names_the_trial_outside_in_its_readers_language(here: User) -> None:
    told()
    Trial.objects.update(outside_name="CART", outside_name_zh="细胞一号")
    (notice,) = notices_about([Reminder.objects.get()], NOON).values()
    message = Message("k", here.pk, "email", "x@example.org", (notice,))
    assert "CART, participant" in written_out(message).body
    assert "细胞一号" in written_out(replace(message, language="zh-hans")).body


def test_the_pages_of_participant_and_visit_say_what_was_told_to_whom(here: User) -> None:
    (visit,) = told()
    ledger.ring_reminders(now=lambda: NOON, at=lambda: NOON)
    for address in (f"/participants/{visit.participant_id}/", f"/visits/{visit.pk}/"):
        page = signed_in(here).get(address).content.decode()
        assert "E-mail: sent" in page, address
        assert "not read in Dayzero yet" in page


@pytest.mark.parametrize(
    ("closed", "said", "written"),
    [
        ({"2026-11-23"}, "The last clinic day is", "the last clinic day of its window"),
        (
            {"2026-11-21", "2026-11-22", "2026-11-23"},
            "No clinic day is left until then.",
            "no clinic day left",
        ),
        (set(), "", "can still be done until Mon 23 Nov 2026."),
    ],
)
def test_what_is_said_of_a_window_names_its_last_clinic_day(
    here: User, closed: set[str], said: str, written: str
) -> None:
    """Mail named the last day of a window on which the clinic is closed."""
    (visit,) = told()
    days = {date.fromisoformat(day): "" for day in closed}
    calendar = WorkingDays("every day", weekdays=frozenset(range(1, 8)), closures=days)
    WorkingDayTable.objects.create(site=visit.participant.site, version=1, document=calendar.as_document())
    page = signed_in(here).get("/reminders/").content.decode()
    assert "The window of Day 14 closes on Mon 23 Nov." in page
    assert ("clinic day" in page) is bool(said)
    assert said in page
    reminder = Reminder.objects.get()
    (notice,) = notices_about([reminder], NOON).values()
    message = Message("k", here.pk, "email", "x@example.org", (notice,))
    assert written in written_out(message).body
    assert "出诊日" in written_out(replace(message, language="zh-hans")).body or not said


def test_the_sites_lead_to_the_rules_of_reminders_there(here: User) -> None:
    (visit,) = told()
    site, trial = visit.participant.site, Participant.objects.get().trial
    client = signed_in(here)
    assert f'href="/sites/{site.pk}/reminders/"' in client.get("/sites/").content.decode()
    assert "No trial has begun" in client.get(f"/sites/{site.pk}/reminders/").content.decode()
    TrialSite.objects.create(trial=trial, site=site)
    assert client.get(f"/sites/{site.pk}/reminders/").headers["Location"] == (
        f"/trials/{trial.pk}/reminders/?site={site.pk}"
    )
    other = Trial.objects.create(code="NCT00000099", title="Another")
    TrialSite.objects.create(trial=other, site=site)
    page = client.get(f"/sites/{site.pk}/reminders/").content.decode()
    assert "NCT00000099" in page
    assert f"/trials/{trial.pk}/reminders/?site={site.pk}" in page
