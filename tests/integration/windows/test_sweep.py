"""The sweep: what may have changed is found by one indexed look, and judged once with what follows."""

from __future__ import annotations

import threading
from datetime import date, datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from participants.domain.fact_kinds import Admission, Lodging, NightAway
from participants.domain.lifecycle import Step
from participants.models import Anchor, Participant
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.models import Deviation, Flag, ProtocolWindow
from schedules.models.visits import NEVER_JUDGED
from schedules.services.course.status_changes import StepRequest, take_step
from schedules.services.enrolment.bulk import bulk_enrol
from schedules.services.enrolment.enrolling import enrol
from schedules.services.store.evaluation_marks import mark_for_evaluation
from schedules.services.windows.evaluation import sweep_windows
from schedules.services.windows.facts import record_fact, withdraw_fact
from tests.cast import a_version, an_enrolment
from tests.integration.windows.conftest import INFUSION, noon
from trials.domain.stored_sentences import facts_text
from trials.models import AuditEntry

pytestmark = pytest.mark.django_db


def flags(participant: Participant) -> dict[str, tuple[str, str]]:
    """The open flags of a participant: window, what it came to and how grave."""
    found = Flag.objects.filter(participant=participant, cleared_at=None).select_related("window")
    return {flag.window.code: (flag.kind.removeprefix("window-"), flag.severity) for flag in found}


def record(participant: Participant, fact: object, now: datetime) -> object:
    return record_fact(participant=participant, fact=fact, by=None, now=now)


def test_a_new_window_is_due_whatever_the_clock_shows(participant):
    assert set(ProtocolWindow.objects.values_list("judge_at", flat=True)) == {NEVER_JUDGED}
    assert sweep_windows(now=noon(11, 21)) == 3
    assert sweep_windows(now=noon(11, 21)) == 0, "nothing has changed since"


@pytest.mark.parametrize(
    ("day", "lodging", "admission", "why"),
    [
        (noon(12, 1), None, None, "Tuesday: four clinic days are left"),
        (noon(12, 2), ("not-yet", "notice"), None, "Wednesday: three clinic days before Monday's infusion"),
        (noon(12, 6), ("not-yet", "notice"), None, "an admission is on record once it has happened"),
        (noon(12, 7), ("cannot-judge", "warning"), ("cannot-judge", "warning"), "today both are needed"),
    ],
)
def test_what_a_window_needs_is_asked_for_three_clinic_days_before_it_opens(
    participant, day, lodging, admission, why
):
    sweep_windows(now=noon(11, 21))
    sweep_windows(now=day)
    wanted = {"hospital-stay": admission, "stay-near-site": lodging}
    assert flags(participant) == {code: flag for code, flag in wanted.items() if flag}, why


def test_the_lead_is_a_setting(participant, settings):
    settings.FLAG_LEAD_DAYS = 1
    sweep_windows(now=noon(12, 3))
    assert flags(participant) == {}, "Thursday"
    sweep_windows(now=noon(12, 4))
    assert set(flags(participant)) == {"stay-near-site"}, "Friday, the last clinic day before Monday"


def test_the_next_look_is_at_the_moment_when_something_changes(participant):
    sweep_windows(now=noon(11, 21))
    looks = dict(ProtocolWindow.objects.values_list("code", "judge_at"))
    eve = datetime(2026, 12, 1, 16, 0, tzinfo=noon(12, 6).tzinfo)  # midnight of Wednesday 2 December
    assert looks["stay-near-site"] == eve
    assert sweep_windows(now=eve - timedelta(seconds=1)) == 0
    assert sweep_windows(now=eve) == 2


def test_facts_clear_flags_by_themselves_and_raise_them_again(participant):
    sweep_windows(now=noon(12, 6))
    record(participant, Lodging(date(2026, 12, 7), None, 60), noon(12, 6))
    assert "stay-near-site" not in flags(participant)
    record(participant, NightAway(date(2026, 12, 20), 200), noon(12, 20))
    assert flags(participant)["stay-near-site"] == ("at-risk", "critical")
    cleared = Flag.objects.get(window__code="stay-near-site")
    assert cleared.raised_at == noon(12, 20), "raised anew"


def test_a_violation_is_flagged_and_drafted_as_a_deviation_once(infused):
    record(infused, Lodging(date(2026, 12, 7), None, 60), noon(12, 8))
    away = record(infused, NightAway(date(2026, 12, 20), 200), noon(12, 22))
    sweep_windows(now=noon(12, 23))
    sweep_windows(now=noon(12, 24))
    draft = Deviation.objects.get()
    assert draft.key.startswith(f"window:{draft.window_id}:")
    assert (draft.occurred_on, draft.found_on) == (date(2026, 12, 20), date(2026, 12, 22))
    assert "200 minutes away (limit 120)" in facts_text(draft.facts)
    assert flags(infused)["stay-near-site"] == ("violated", "critical")
    withdraw_fact(stored=away.stored, by=None, now=noon(12, 24), reason="another participant's")
    assert "stay-near-site" not in flags(infused)
    assert Deviation.objects.count() == 1, "a person decides what becomes of the draft"


def test_a_draft_that_nobody_touched_follows_the_evidence(infused):
    record(infused, Lodging(date(2026, 12, 7), None, 60), noon(12, 8))
    record(infused, NightAway(date(2026, 12, 20), 200), noon(12, 22))
    record(infused, NightAway(date(2026, 12, 18), 150), noon(12, 22))
    assert Deviation.objects.get().occurred_on == date(2026, 12, 18)
    Deviation.objects.update(description="The participant's mother was ill.")
    record(infused, NightAway(date(2026, 12, 16), 150), noon(12, 22))
    assert Deviation.objects.count() == 2, "what a person has described stays"


def test_a_kept_window_is_never_looked_at_again(infused):
    record(infused, Admission(noon(12, 7), noon(12, 14)), noon(12, 15))
    assert ProtocolWindow.objects.get(code="hospital-stay").judge_at is None


def test_judging_writes_no_history_but_its_flags_do(participant):
    before = AuditEntry.objects.count()
    sweep_windows(now=noon(11, 21))
    assert AuditEntry.objects.count() == before, "when to look again is no trial data"
    sweep_windows(now=noon(12, 6))
    entry = AuditEntry.objects.filter(model="schedules.flag").first()
    assert entry is not None
    assert (entry.action, entry.actor) == ("create", "")


def test_the_number_of_queries_does_not_grow_with_participants():
    version = a_version()
    few, many = _swept(version, range(2)), _swept(version, range(2, 22))
    assert few == many


def _swept(version: object, numbers: range) -> int:
    people = [an_enrolment(version, subject_code=f"S01-{number:03}") for number in numbers]
    bulk_enrol(enrolments=people, by=None)
    with CaptureQueriesContext(connection) as captured:
        assert sweep_windows(now=noon(12, 7)) == 3 * len(numbers)
    return len(captured)


def test_batches_leave_nothing_behind():
    people = [an_enrolment(a_version(), subject_code=f"S01-{number:03}") for number in range(4)]
    bulk_enrol(enrolments=people, by=None)
    assert sweep_windows(now=noon(12, 7), batch=5) == 12
    assert Flag.objects.filter(cleared_at=None).count() == 8


def test_what_cannot_be_judged_is_tried_again_and_holds_nobody_up(participant, infused, monkeypatch, caplog):
    from schedules.selectors.windows.evaluation import ParticipantWindows

    judged = ParticipantWindows.judged

    def failing(self, now, only=None):
        if self.record.participant.pk == participant.pk:
            raise ValueError("planted")
        return judged(self, now, only)

    monkeypatch.setattr(ParticipantWindows, "judged", failing)
    assert sweep_windows(now=noon(12, 7)) == 6
    again = set(ProtocolWindow.objects.filter(participant=participant).values_list("judge_at", flat=True))
    assert again == {noon(12, 7, 13)}
    assert set(flags(infused)) == {"hospital-stay", "stay-near-site"}
    assert f"participant {participant.pk} cannot be judged" in caplog.text


def test_who_cannot_even_be_planned_is_tried_again_and_keeps_the_flags(participant, infused, caplog):
    sweep_windows(now=noon(12, 7))
    Anchor.objects.filter(participant=participant).update(planned_on=date(9999, 12, 30))
    mark_for_evaluation([participant.pk, infused.pk], noon(12, 8))
    assert sweep_windows(now=noon(12, 8)) == 6
    again = set(ProtocolWindow.objects.filter(participant=participant).values_list("judge_at", flat=True))
    assert again == {noon(12, 8, 13)}
    assert set(flags(participant)) == set(flags(infused)) == {"hospital-stay", "stay-near-site"}
    assert f"participant {participant.pk} cannot be planned" in caplog.text


@pytest.mark.parametrize("step", [Step.NEVER_INFUSED, Step.EARLY_TERMINATION], ids=str)
def test_nothing_is_asked_after_an_infusion_that_will_not_take_place(step):
    """Chemotherapy on 2 December, and an end on the 4th: nobody is awaited in hospital on the 7th."""
    actual = {"lymphodepletion-start": date(2026, 12, 2), "consent": date(2026, 11, 2)}
    anchors = {code: AnchorDay(day, AnchorKind.ACTUAL) for code, day in actual.items()}
    person = enrol(enrolment=an_enrolment(anchors={"infusion": AnchorDay(INFUSION)} | anchors), by=None)
    request = StepRequest(step, date(2026, 12, 4), seen_by=date(2026, 12, 10))
    take = {"request": request, "by": None, "reason": "fever", "now": noon(12, 4)}
    take_step(participant=person, version=person.version, **take)
    for day in (4, 6, 8, 20):
        sweep_windows(now=noon(12, day))
        assert not Flag.objects.filter(participant=person, window__isnull=False, cleared_at=None), day


def test_by_hand(participant, capsys):
    call_command("sweep")
    assert "3 windows judged" in capsys.readouterr().out


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_write_nothing_twice():
    people = [an_enrolment(a_version(), subject_code=f"S01-{number:03}") for number in range(10)]
    bulk_enrol(enrolments=people, by=None)
    start, found = threading.Barrier(2), []

    def run() -> None:
        try:
            start.wait(timeout=10)
            found.append(sweep_windows(now=noon(12, 7), batch=4))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sum(found) + sweep_windows(now=noon(12, 7)) == 30
    assert Flag.objects.count() == Flag.objects.values("window").distinct().count() == 20
