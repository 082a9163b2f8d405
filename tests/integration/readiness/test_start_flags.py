"""A line of the list before the start that says no is a flag at once; one cause is drafted once."""

from __future__ import annotations

from datetime import date

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from participants.domain.anchors import RecordedAnchor
from participants.models import Participant
from schedules.domain.readiness.start_context import Start
from schedules.domain.readiness.start_flags import START_FLAG, StartFlag, start_flag
from schedules.domain.visits.values import Completion
from schedules.models import Deviation, Flag, Visit
from schedules.selectors.today.worklist import Wanted, starts_said_no
from schedules.selectors.windows.flags import WantedFlags, flags_listed
from schedules.services.deviations.classification import sweep_unrecorded
from schedules.services.readiness import start_flags
from schedules.services.readiness.start_flags import starts_ahead, sweep_starts
from schedules.services.reminders.ledger import deliver_reminders
from schedules.services.replanning.moves import Proposal, commit_replanning, preview_replanning, record_anchor
from schedules.services.visits.appointments import complete_visit
from schedules.services.windows.evaluation import sweep_windows
from schedules.services.windows.flags import clear_flag
from tests.cast import show_who_one_is
from tests.integration.readiness.conftest import ZERO, at, enrolled, visit_of
from trials.models import Membership, ProtocolVersion, Role, Trial, User

pytestmark = pytest.mark.django_db
SCREENED, LATER = date(2026, 11, 10), date(2026, 12, 14)


def done(person: Participant, code: str, on: date, reason: str = "") -> Visit:
    visit = visit_of(person, code)
    said = Completion(on, outside_reason=reason)
    return complete_visit(visit=visit, version=visit.version, completion=said, by=None, now=at(on))


def slipped(person: Participant, zero: date, on: date) -> None:
    proposal = Proposal(anchors={"infusion": RecordedAnchor("infusion", planned_on=zero)})
    preview = preview_replanning(participant=person, proposal=proposal, now=at(on))
    commit_replanning(
        participant=person,
        proposal=proposal,
        digest=preview.digest,
        now=at(on),
        by=None,
        reason="late",
    )


@pytest.fixture
def expired(participant: Participant) -> Participant:
    """Screened on 10 November for the 7th of December; snoozed to the 14th, so that screening expires."""
    consent = RecordedAnchor("consent", actual_on=date(2026, 11, 9))
    record_anchor(participant=participant, anchor=consent, now=at(SCREENED), by=None)
    done(participant, "screening", SCREENED)
    sweep_starts(now=at(date(2026, 11, 11)))
    assert not Flag.objects.filter(kind=START_FLAG).exists()
    slipped(participant, LATER, date(2026, 11, 23))
    return participant


def flag() -> Flag:
    return Flag.objects.get(kind=START_FLAG)


def test_a_sweep_by_hand_looks_at_starts_as_beat_does(expired: Participant) -> None:
    with time_machine.travel(at(date(2026, 11, 23)), tick=False):
        call_command("sweep")
    assert (flag().cleared_at, flag().severity) == (None, "warning")


def test_an_expired_screening_is_a_flag_on_the_same_day(expired: Participant, client: Client) -> None:
    """Weeks before the start, and on Today, on Flags and in the count."""
    sweep_starts(now=at(date(2026, 11, 23)))
    assert (flag().cleared_at, flag().severity) == (None, "warning")
    user = User.objects.create_superuser("anna")
    now = at(date(2026, 11, 23))
    (row,) = flags_listed(user, date(2026, 11, 23), now, WantedFlags()).rows
    assert "Screening on Tuesday 2026-11-10 has expired" in row.words[0]
    (start,) = starts_said_no(user, now, Wanted())
    assert start.participant == expired
    client.force_login(user)
    show_who_one_is(client)
    for address in ("/", "/flags/", f"/flags/{flag().pk}/"):
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert "The list before the start says no" in answer.content.decode(), address


def test_it_is_cleared_by_the_facts_and_grows_graver_near_the_start(expired: Participant) -> None:
    sweep_starts(now=at(date(2026, 11, 23)))
    sweep_starts(now=at(date(2026, 12, 7)))
    assert flag().severity == "critical", "two days before chemotherapy"
    slipped(expired, ZERO, date(2026, 11, 24))
    sweep_starts(now=at(date(2026, 11, 24)))
    assert flag().cleared_at is not None


def test_one_that_a_person_cleared_comes_back_only_for_another_line(expired: Participant) -> None:
    sweep_starts(now=at(date(2026, 11, 23)))
    user = User.objects.create_superuser("anna")
    clear_flag(flag=flag(), by=user, reason="screened again on Friday", now=at(date(2026, 11, 23)))
    sweep_starts(now=at(date(2026, 11, 24)))
    assert flag().cleared_by == user
    slipped(expired, date(2026, 12, 21), date(2026, 11, 25))
    sweep_starts(now=at(date(2026, 11, 25)))
    assert flag().cleared_at is None


def test_a_start_against_an_expired_screening_is_drafted_once(expired: Participant) -> None:
    """Not a second time as a screening outside its window, once the infusion took place."""
    begins = date(2026, 12, 9)
    for number, day in enumerate((begins, date(2026, 12, 10), date(2026, 12, 11)), start=1):
        done(expired, f"ld-{number}", day, reason="agreed with the sponsor")
    sweep_starts(now=at(begins))
    assert not Flag.objects.filter(kind=START_FLAG, cleared_at=None).exists(), "it has begun"
    done(expired, "d0", LATER)
    sweep_windows(now=at(LATER))
    sweep_unrecorded(now=at(LATER))
    drafted = Deviation.objects.filter(lapsed_on=None, withdrawn_on=None).values_list("kind", "visit__code")
    assert [one for one in drafted if one[0] in ("start", "outside-window")] == [("start", None)]


def test_without_a_draft_of_the_start_the_screening_has_its_own(expired: Participant) -> None:
    begins = date(2026, 12, 9)
    for number, day in enumerate((begins, date(2026, 12, 10), date(2026, 12, 11)), start=1):
        done(expired, f"ld-{number}", day, reason="agreed with the sponsor")
    Deviation.objects.filter(kind="start").update(withdrawn_on=begins, withdrawn_reason="not a deviation")
    done(expired, "d0", LATER)
    assert Deviation.objects.filter(kind="outside-window", visit__code="screening").exists()


def test_whoever_coordinates_is_told_by_mail_once(expired: Participant, settings, mailoutbox) -> None:
    """Once for the same lines; not once it was snoozed or cleared."""
    settings.REMINDERS_LEAVE = True
    user = User.objects.create_user("berta", email="berta@example.org")
    Membership.objects.create(user=user, role=Role.COORDINATOR, starts_on=date(2026, 1, 1))
    now = at(date(2026, 11, 23))
    for _sweep in range(2):
        sweep_starts(now=now)
        deliver_reminders(now=now)
    (mail,) = [one for one in mailoutbox if "list before a start" in one.subject]
    assert "the list before the start on Wed 9 Dec 2026 says no" in mail.body
    assert "expired" not in mail.body, "what the list says stands on the page alone"
    assert "S01" not in mail.subject
    sweep_starts(now=at(date(2026, 11, 30)))
    deliver_reminders(now=at(date(2026, 11, 30)))
    assert len([one for one in mailoutbox if "list before a start" in one.subject]) == 1


def test_a_sweep_that_changes_nothing_sends_as_many_statements_for_three_as_for_one(
    expired: Participant,
) -> None:
    now = at(date(2026, 11, 23))
    sweep_starts(now=now)
    counts = []
    for code in ("S01-002", "S01-003"):
        with CaptureQueriesContext(connection) as captured:
            sweep_starts(now=now)
        counts.append(len(captured))
        enrolled(expired.site, expired.protocol_version, code)
        sweep_starts(now=now)
    assert counts[0] == counts[1], counts


def test_a_start_that_cannot_be_judged_holds_up_no_other(
    expired: Participant, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken = enrolled(expired.site, expired.protocol_version, "S01-000")

    def judged(start: Start) -> StartFlag | None:
        if start.person and start.person.subject == "S01-000":
            raise ValueError("broken")
        return start_flag(start)

    monkeypatch.setattr(start_flags, "start_flag", judged)
    sweep_starts(now=at(date(2026, 11, 23)))
    assert flag().participant == expired
    assert f"participant {broken.pk} cannot be judged" in caplog.text


def test_a_version_whose_document_cannot_be_read_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    trial = Trial.objects.create(code="NCT99999999", title="Broken")
    ProtocolVersion.objects.create(trial=trial, label="1", document="{}", digest="no such digest")
    starts_ahead()
    assert "cannot be read" in caplog.text
