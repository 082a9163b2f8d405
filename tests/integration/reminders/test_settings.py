"""What a trial or a site sets of its reminders, who is told, and what is paused."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core import mail
from django.test import Client

from participants.models import Absence, Participant, ParticipantCoordinator
from schedules.models import Reminder, ReminderPause, ReminderRecipient, ReminderSetting, Visit
from schedules.selectors.reminders.previews import coming_reminders
from schedules.services.reminders import addressing, ledger, sweeping
from tests.cast import a_version
from tests.integration.reminders.test_reminders import NOON, TODAY, a_coordinator, a_site, a_visit
from trials import request_clock
from trials.models import AuditEntry, Site, Trial, TrialSite, User

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def keeper(monkeypatch: pytest.MonkeyPatch) -> User:
    monkeypatch.setattr(request_clock, "now", lambda: NOON)
    return a_coordinator("keeper")


def place() -> tuple[Trial, Site, Visit]:
    site = a_site()
    visit = a_visit(site, TODAY + 2 * DAY)
    ReminderSetting.objects.all().delete()
    version = a_version()
    Participant.objects.update(protocol_version=version, trial=version.trial)
    TrialSite.objects.get_or_create(trial=version.trial, site=site)
    visit.refresh_from_db()
    return version.trial, site, visit


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


FORM = {
    "active": "yes",
    "days": "5",
    "recipients": ["mine"],
    "manner": "digest",
    "escalates": "1",
    "version": "0",
}


def test_the_page_says_what_is_assumed_and_what_it_would_say(keeper: User) -> None:
    trial, site, visit = place()
    page = signed_in(keeper).get(f"/trials/{trial.pk}/reminders/?site={site.pk}").content.decode()
    assert page.count("assumed") >= 24
    assert "2 days before" in page or "3 days before" in page
    assert visit.participant.subject_code in page
    assert "The window of Day 14 closes on Mon 23 Nov." in page
    assert 'href="/trials/' in signed_in(keeper).get(f"/trials/{trial.pk}/").content.decode()


def test_a_reminder_would_leave_on_the_day_of_its_own_site_whichever_comes_first() -> None:
    trial, site, _visit = place()
    away = a_site("America/New_York")
    people = Participant.objects.all()
    alone = coming_reminders(trial, [site], people, NOON)
    assert alone
    assert coming_reminders(trial, [away, site], people, NOON) == alone


def test_a_rule_is_changed_for_a_site_and_only_what_differs_is_kept(keeper: User) -> None:
    trial, site, _visit = place()
    client = signed_in(keeper)
    address = f"/trials/{trial.pk}/reminders/closing/?site={site.pk}"
    assert client.post(address, FORM).status_code == 302
    row = ReminderSetting.objects.get()
    assert (row.site, row.kind, row.days, row.manner, row.recipients) == (site, "closing", "5", "", "")
    assert AuditEntry.objects.filter(model="schedules.remindersetting", object_id=str(row.pk)).count() == 1
    page = client.get(f"/trials/{trial.pk}/reminders/?site={site.pk}").content.decode()
    assert "5 days before" in page
    assert "set for this site" in page
    assert client.post(address, FORM).status_code == 409, "somebody changed it since"
    assert client.post(address, FORM | {"version": "1", "days": "3"}).status_code == 302
    assert not ReminderSetting.objects.exists(), "as assumed again"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"days": "soon"}, "“soon” is no number of days"),
        ({"days": "9999"}, "9999 days is too long"),
        ({"days": "9,8,7,6,5,4"}, "is too many"),
        ({"days": ""}, "This field is required"),
        ({"recipients": ["everybody"]}, "everybody"),
        ({"escalates": "-1"}, "greater than or equal to 0"),
    ],
)
def test_bad_input_is_named_at_its_field_and_kept(keeper: User, given: dict[str, object], words: str) -> None:
    trial, _site, _visit = place()
    answer = signed_in(keeper).post(f"/trials/{trial.pk}/reminders/closing/", FORM | given)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not ReminderSetting.objects.exists()


def test_a_site_says_something_else_than_its_trial() -> None:
    trial, site, _visit = place()
    ReminderSetting.objects.create(trial=trial, kind="closing", active=False)
    assert sweeping.sweep_rules(now=NOON, kinds=("closing",)) == 0
    ReminderSetting.objects.create(trial=trial, site=site, kind="closing", active=True)
    assert sweeping.sweep_rules(now=NOON, kinds=("closing",)) == 1


@pytest.mark.parametrize(
    ("now", "leaves", "why"),
    [
        (datetime(2026, 11, 19, 16, 30, tzinfo=UTC), datetime(2026, 11, 20, 0, tzinfo=UTC), "Friday morning"),
        (
            datetime(2026, 11, 20, 2, tzinfo=UTC),
            datetime(2026, 11, 23, 0, tzinfo=UTC),
            "on Monday",
        ),
    ],
)
def test_messages_of_the_morning_leave_at_eight_on_a_working_day(
    now: datetime, leaves: datetime, why: str
) -> None:
    _trial, _site, visit = place()
    Visit.objects.filter(pk=visit.pk).update(opens=date(2026, 11, 20), closes=date(2026, 11, 24))
    sweeping.sweep_rules(now=now, kinds=("closing",))
    assert Reminder.objects.get().not_before == leaves, why


def test_what_closes_over_the_weekend_is_said_on_the_friday_before() -> None:
    _trial, _site, visit = place()
    sunday = date(2026, 11, 22)
    Visit.objects.filter(pk=visit.pk).update(opens=date(2026, 11, 18), target=sunday, closes=sunday)
    night_of_friday = datetime(2026, 11, 19, 16, 30, tzinfo=UTC)
    ReminderSetting.objects.create(trial=visit.participant.trial, kind="closing", days="0")
    assert sweeping.sweep_rules(now=night_of_friday, kinds=("closing",)) == 1
    assert Reminder.objects.get().not_before == datetime(2026, 11, 20, tzinfo=UTC)


def test_what_would_leave_too_late_leaves_as_soon_as_it_is_day() -> None:
    _trial, _site, visit = place()
    saturday = datetime(2026, 11, 21, 13, tzinfo=UTC)  # nine in the evening, moved to close on Sunday
    Visit.objects.filter(pk=visit.pk).update(closes=date(2026, 11, 22))
    sweeping.sweep_rules(now=saturday, kinds=("closing",))
    assert Reminder.objects.get().not_before == datetime(2026, 11, 22, tzinfo=UTC), "Sunday at eight"


def test_one_message_a_person_in_the_morning_and_one_line_a_thing() -> None:
    _trial, site, visit = place()
    a_coordinator("here")
    Visit.objects.filter(pk=visit.pk).update(opens=date(2026, 11, 16), closes=date(2026, 11, 25))
    later = a_visit(site, date(2026, 11, 25))
    ReminderSetting.objects.all().delete()
    night = datetime(2026, 11, 22, 16, 30, tzinfo=UTC)
    sweeping.sweep_rules(now=night)
    assert Reminder.objects.filter(visit=visit).count() == 2, "half of it gone, and it closes"
    ledger.ring_reminders(now=lambda: night, at=lambda: night)
    assert not mail.outbox
    eight = datetime(2026, 11, 23, 0, tzinfo=UTC)
    ledger.ring_reminders(now=lambda: eight, at=lambda: eight)
    (message,) = mail.outbox
    assert message.subject == "Dayzero: 2 reminders"
    for person in (visit.participant, later.participant):
        assert message.body.count(person.subject_code) == 1
    assert not Reminder.objects.filter(sent_at=None).exists()


def test_the_participant_s_coordinator_is_told_and_a_deputy_while_they_are_away(keeper: User) -> None:
    _trial, site, visit = place()
    mine, deputy = a_coordinator("mine"), a_coordinator("deputy")
    client = signed_in(keeper)
    answer = client.post(f"/participants/{visit.participant_id}/coordinator/", {"user": mine.pk})
    assert answer.status_code == 302
    assert ParticipantCoordinator.objects.get().user == mine
    sweeping.sweep_rules(now=NOON, kinds=("closing",))
    addressing.address_reminders(now=NOON)
    assert ReminderRecipient.objects.get().person == mine
    Absence.objects.create(site=site, user=mine, first=TODAY, last=TODAY, deputy=deputy)
    Reminder.objects.update(claimed_at=None)
    addressing.address_reminders(now=NOON)
    row = ReminderRecipient.objects.get(over_at=None)
    assert (row.person, row.instead_of, row.capacity) == (deputy, mine, "deputy")


def test_a_deputy_is_entered_with_the_absence(keeper: User) -> None:
    _trial, site, _visit = place()
    deputy = a_coordinator("deputy")
    client = signed_in(keeper)
    form = {"first": "2026-12-01", "last": "2026-12-02", "user": keeper.pk, "deputy": keeper.pk, "note": ""}
    wrong = client.post(f"/sites/{site.pk}/absences/", form)
    assert "the deputy is somebody else" in wrong.content.decode()
    shown = client.post(f"/sites/{site.pk}/absences/", form | {"deputy": deputy.pk})
    assert shown.status_code == 200
    digest = shown.content.decode().split('name="digest" value="')[1].split('"')[0]
    done = client.post(
        f"/sites/{site.pk}/absences/", form | {"deputy": deputy.pk, "digest": digest, "action": "commit"}
    )
    assert done.status_code == 302, done.content.decode()[:2000]
    assert Absence.objects.get().deputy == deputy


def test_a_paused_participant_and_trial_are_not_spoken_of_and_are_afterwards(keeper: User) -> None:
    trial, _site, visit = place()
    client = signed_in(keeper)
    form = {"first": "2026-11-21", "last": "2026-11-21", "reason": "travels"}
    assert client.post(f"/participants/{visit.participant_id}/reminders/pause/", form).status_code == 302
    assert sweeping.sweep_rules(now=NOON, kinds=("closing",)) == 0
    assert "Reminders are paused" in client.get(f"/participants/{visit.participant_id}/").content.decode()
    assert sweeping.sweep_rules(now=NOON + DAY, kinds=("closing",)) == 1
    assert (
        client.post(f"/trials/{trial.pk}/reminders/pause/", form | {"last": "2026-11-30"}).status_code == 302
    )
    sweeping.lapse_reminders(now=NOON + DAY)
    assert Reminder.objects.get().lapsed_at is not None
    pause = ReminderPause.objects.get(trial=trial)
    assert client.post(f"/reminders/pauses/{pause.pk}/end/").status_code == 302
    assert sweeping.sweep_rules(now=NOON + DAY, kinds=("closing",)) == 1, "taken up again"


def test_a_paused_person_is_not_told_but_the_others_are(keeper: User) -> None:
    place()
    other = a_coordinator("other")
    form = {"first": "2026-11-21", "last": "2026-12-01", "reason": "leave"}
    assert signed_in(keeper).post("/reminders/pause/", form).status_code == 302
    sweeping.sweep_rules(now=NOON, kinds=("closing",))
    addressing.address_reminders(now=NOON)
    assert [row.person for row in ReminderRecipient.objects.all()] == [other]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"last": "2026-11-20"}, "before it begins"),
        ({"first": "2026-11-01", "last": "2026-11-20"}, "is over"),
        ({"last": "2030-01-01"}, "longer than a year"),
        ({"reason": " "}, "Reason"),
    ],
)
def test_a_pause_has_an_end_and_a_reason(keeper: User, given: dict[str, str], words: str) -> None:
    form = {"first": "2026-11-21", "last": "2026-11-25", "reason": "leave"} | given
    answer = signed_in(keeper).post("/reminders/pause/", form)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not ReminderPause.objects.exists()


def test_an_idle_sweep_asks_one_statement_and_a_change_wakes_it(
    django_assert_num_queries: object,
) -> None:
    _trial, _site, visit = place()
    assert sweeping.sweep_reminders(now=NOON) > 0
    with django_assert_num_queries(1):  # type: ignore[operator]
        assert sweeping.sweep_reminders(now=NOON + timedelta(minutes=1)) == 0
    Reminder.objects.all().delete()
    assert sweeping.sweep_reminders(now=NOON + timedelta(minutes=2)) == 0, "reminders are no record"
    Visit.objects.filter(pk=visit.pk).update(closes=TODAY + DAY)
    assert sweeping.sweep_reminders(now=NOON + timedelta(minutes=3)) > 0
    Reminder.objects.all().delete()
    assert sweeping.sweep_reminders(now=NOON + timedelta(minutes=14)) > 0, "healed"


def test_a_day_that_begins_at_a_site_wakes_the_sweep() -> None:
    _trial, _site, visit = place()
    Visit.objects.filter(pk=visit.pk).update(
        closes=date(2026, 11, 27), target=date(2026, 11, 27), opens=date(2026, 11, 27)
    )
    before = datetime(2026, 11, 23, 15, 58, tzinfo=UTC)  # a Monday
    sweeping.sweep_reminders(now=before)
    assert not Reminder.objects.filter(kind="closing").exists()
    assert sweeping.sweep_reminders(now=before + timedelta(minutes=3)) > 0, (
        "three days are left from midnight"
    )
