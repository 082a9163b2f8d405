"""Two people at once, the second in the very moment in which the first has read and not yet written.

Anyone who comes second waits, or is told; and afterwards every calendar is what a plan made again would be.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import transaction

from participants.domain.anchors import RecordedAnchor
from participants.domain.lifecycle import Step
from participants.models import Anchor, CourseStep, Participant
from participants.services.absences import Away
from schedules.domain.errors import VisitRefused
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.domain.visits.values import Booking, Completion
from schedules.models import CalendarState, ChangeEvent, Visit
from schedules.services.availability import absences, site_days
from schedules.services.availability.absences import add_absence
from schedules.services.availability.site_days import (
    SitePreviewStale,
    SiteProposal,
    commit_site,
    preview_site,
)
from schedules.services.course import status_changes
from schedules.services.course.status_changes import StepRequest, take_step, undo_last_step
from schedules.services.enrolment import enrolling
from schedules.services.enrolment.enrolling import enrol
from schedules.services.exchange import reports
from schedules.services.exchange.reports import Report, report_anchor, report_visit
from schedules.services.replanning import moves
from schedules.services.replanning.moves import Proposal, commit_replanning, preview_replanning
from schedules.services.replanning.refusals import PreviewStale
from schedules.services.visits import appointments, clashing
from schedules.services.visits.appointments import book_visit, complete_visit, undo_visit
from tests.cast import a_site, a_version, an_approval, an_enrolment
from tests.overtaken import Act, Outcome, Where, overtaken
from trials.domain.errors import Refused, Stale
from trials.models import Resource, Site, TrialSite
from trials.services.sites import resources
from trials.services.sites.working_days import record_working_days

pytestmark = pytest.mark.django_db(transaction=True)
INFUSION, D28 = date(2026, 12, 7), date(2027, 1, 4)
NOW = datetime(2026, 12, 22, 4, 0, tzinfo=UTC)
Race = tuple[str, Where, Callable[[Participant], Act], Callable[[Participant], Act], Outcome]


@pytest.fixture
def site() -> Site:
    site = a_site()
    record_working_days(site=site, by=None, first_year=2026, last_year=2028)
    return site


@pytest.fixture
def person(site: Site) -> Participant:
    return somebody(site, "S01-001")


def somebody(site: Site, code: str) -> Participant:
    """Infused on 7 December 2026; it is noon of the 22nd, a day after D14."""
    anchors = {"infusion": AnchorDay(INFUSION, AnchorKind.ACTUAL)}
    version = Participant.objects.first()
    published = version.protocol_version if version else a_version()
    return enrol(enrolment=an_enrolment(published, site=site, subject_code=code, anchors=anchors), by=None)


def closes(site: Site) -> Act:
    proposal = SiteProposal(closures={D28: "stocktaking"})
    digest = preview_site(site=site, proposal=proposal, now=NOW).digest
    return lambda: commit_site(
        site=site, proposal=proposal, digest=digest, now=NOW, by=None, reason="stocktaking"
    )


def is_away(person: Participant) -> Act:
    away = Away(D28, D28 + timedelta(days=1), participant=person)
    return lambda: add_absence(away=away, by=None, now=NOW)


def staff_is_away(person: Participant) -> Act:
    away = Away(D28, D28 + timedelta(days=1), site=person.site)
    return lambda: add_absence(away=away, by=None, now=NOW)


def corrected(person: Participant, days: int = 1) -> Act:
    """The infusion was on another day: everything after it moves."""
    right = RecordedAnchor("infusion", actual_on=INFUSION + timedelta(days=days))
    proposal = Proposal(anchors={"infusion": right})
    digest = preview_replanning(participant=person, proposal=proposal, now=NOW).digest
    return lambda: commit_replanning(
        participant=person, proposal=proposal, digest=digest, now=NOW, by=None, reason="wrong chart"
    )


def d14(person: Participant) -> Visit:
    return Visit.objects.get(participant=person, code="d14")


def completes(person: Participant) -> Act:
    visit = d14(person)
    asked = Completion(date(2026, 12, 22))
    return lambda: complete_visit(visit=visit, version=visit.version, completion=asked, by=None, now=NOW)


def books(person: Participant) -> Act:
    visit = Visit.objects.get(participant=person, code="d28")
    return lambda: book_visit(visit=visit, version=visit.version, booking=Booking(D28), by=None, now=NOW)


def books_in(person: Participant, room: Resource) -> Act:
    visit = Visit.objects.get(participant=person, code="d28")
    start = datetime(2027, 1, 4, 1, 0, tzinfo=UTC)  # nine o'clock at the site
    booking = Booking(D28, start, start + timedelta(hours=1), resource=room.pk)
    return lambda: book_visit(visit=visit, version=visit.version, booking=booking, by=None, now=NOW)


def takes_back(person: Participant) -> Act:
    visit = d14(person)
    return lambda: undo_visit(visit=visit, version=visit.version, by=None, reason="wrong chart", now=NOW)


def withdraws(person: Participant) -> Act:
    version = Participant.objects.get(pk=person.pk).version
    request = StepRequest(Step.WITHDRAWAL, date(2026, 12, 22))
    return lambda: take_step(
        participant=person, version=version, request=request, by=None, reason="moved away", now=NOW
    )


def transfers(person: Participant) -> Act:
    there = a_site("CD")
    TrialSite.objects.create(trial=person.trial, site=there)
    an_approval(there, person.protocol_version)
    version = Participant.objects.get(pk=person.pk).version
    request = StepRequest(Step.TRANSFER, date(2026, 12, 22), site=there)
    return lambda: take_step(
        participant=person, version=version, request=request, by=None, reason="moved", now=NOW
    )


def takes_step_back(person: Participant) -> Act:
    version = Participant.objects.get(pk=person.pk).version
    return lambda: undo_last_step(participant=person, version=version, by=None, reason="no", now=NOW)


PREVIEWED = (moves, "preview_of")
RACES: list[Race] = [
    ("the same move twice", PREVIEWED, corrected, corrected, PreviewStale),
    ("another move", PREVIEWED, corrected, lambda person: corrected(person, 2), PreviewStale),
    ("a move, and a visit is done", PREVIEWED, corrected, completes, Stale),
    ("a visit is done, and a move", (appointments, "lock_visit"), completes, corrected, PreviewStale),
    ("a move, and a visit is booked", PREVIEWED, corrected, books, Stale),
    ("a move, and somebody is away", PREVIEWED, corrected, is_away, None),
    ("somebody is away, and a move", (absences, "away_days"), is_away, corrected, PreviewStale),
    ("staff is away, and a move", (absences, "away_days"), staff_is_away, corrected, PreviewStale),
    ("a move, and staff is away", PREVIEWED, corrected, staff_is_away, None),
    ("a move, and the site closes", PREVIEWED, corrected, lambda p: closes(p.site), SitePreviewStale),
    ("the site closes, and a move", (site_days, "records_of"), lambda p: closes(p.site), corrected,
     PreviewStale),
    ("an end, and a visit is done", (status_changes, "lock_participant"), withdraws, completes, Stale),
    ("a visit is done, and an end", (appointments, "lock_visit"), completes, withdraws, None),
    ("another site, and a visit is done", (status_changes, "lock_participant"), transfers, completes, Stale),
    ("the end twice", (status_changes, "lock_participant"), withdraws, withdraws, Stale),
]  # fmt: skip


ALWAYS = {
    "the same move twice",
    "a visit is done, and a move",
    "staff is away, and a move",
    "a move, and the site closes",
    "an end, and a visit is done",
}


@pytest.mark.parametrize(
    "race",
    [pytest.param(race, id=race[0], marks=() if race[0] in ALWAYS else pytest.mark.long) for race in RACES],
)
def test_the_second_waits_or_is_told(
    monkeypatch: pytest.MonkeyPatch, person: Participant, race: Race
) -> None:
    why, where, first, second, told = race
    assert overtaken(monkeypatch, where, first(person), second(person)) == [None, told], why
    planned_anew(person)


def planned_anew(*people: Participant) -> None:
    for person in people:
        fresh = preview_replanning(participant=person, proposal=Proposal(), now=NOW)
        assert [change for change in fresh.changed if change.before != change.after] == []
        live = Visit.objects.filter(participant=person, performed_on=None, cancelled_on=None)
        assert [v.code for v in live if v.suggested and not v.opens <= v.suggested <= v.closes] == []
        days = dict(live.values_list("code", "suggested"))
        assert days == {c.code: c.suggested[1] for c in fresh.visits if c.code in days}


def test_of_two_people_who_book_one_room_for_different_participants_one_is_told(
    monkeypatch: pytest.MonkeyPatch, person: Participant
) -> None:
    room = Resource.objects.create(site=person.site, kind="room", name="Room 12")
    other = somebody(person.site, "S01-002")
    where = (clashing, "clashes_of_bookings")
    outcomes = overtaken(monkeypatch, where, books_in(person, room), books_in(other, room))
    assert outcomes == [None, VisitRefused]
    assert Visit.objects.get(booked_resource=room).participant == person


def test_of_two_people_who_add_a_room_of_one_name_one_is_told(
    monkeypatch: pytest.MonkeyPatch, site: Site
) -> None:
    def adds() -> Resource:
        return resources.add_resource(site=site, said=resources.ResourceSaid("room", "Room 12"), by=None)

    assert overtaken(monkeypatch, (resources, "_refuse"), adds, adds) == [None, Refused]
    assert Resource.objects.filter(name="Room 12").count() == 1


def test_of_two_people_who_take_the_same_visit_back_one_is_told(
    monkeypatch: pytest.MonkeyPatch, person: Participant
) -> None:
    completes(person)()
    outcomes = overtaken(monkeypatch, (appointments, "lock_visit"), takes_back(person), takes_back(person))
    assert outcomes == [None, Stale]
    assert ChangeEvent.objects.filter(visit=d14(person), kind="restored").count() == 1


def test_of_two_people_who_take_the_same_step_back_one_is_told(
    monkeypatch: pytest.MonkeyPatch, person: Participant
) -> None:
    withdraws(person)()
    where = (status_changes, "lock_participant")
    assert overtaken(monkeypatch, where, takes_step_back(person), takes_step_back(person)) == [None, Stale]
    assert CourseStep.objects.get().undone
    planned_anew(person)


@pytest.mark.parametrize("of", ["visit", "anchor"])
def test_what_an_edc_reports_is_held_against_what_stands_until_that_is_over(
    monkeypatch: pytest.MonkeyPatch, person: Participant, of: str
) -> None:
    """A visit taken back in that moment, an infusion corrected: the report agreed with what was on record."""
    completes(person)()
    visit, stood = d14(person), []

    def reports_visit() -> None:
        report = Report(Completion(date(2026, 12, 22)), client="rave-live")
        report_visit(visit=visit, version=visit.version, report=report, by=None, now=NOW)

    def reports_anchor() -> None:
        anchor, report = RecordedAnchor("infusion", actual_on=INFUSION), Report("", client="rave-live")
        report_anchor(participant=person, anchor=anchor, report=report, by=None, now=NOW)

    def reported() -> None:
        with transaction.atomic():
            (reports_visit if of == "visit" else reports_anchor)()
            stood.extend([d14(person).performed_on, Anchor.objects.get(code="infusion").actual_on])

    second = takes_back(person) if of == "visit" else corrected(person)
    assert overtaken(monkeypatch, (reports, "_same"), reported, second) == [None, None]
    assert stood == [date(2026, 12, 22), INFUSION]


def joins(person: Participant) -> Act:
    return lambda: somebody(person.site, "S01-002")


ENROLLING: list[Race] = [
    ("enrolled while the site closes", (enrolling, "plan_enrolment"), joins, lambda p: closes(p.site),
     SitePreviewStale),
    ("the site closes while somebody is enrolled", (site_days, "records_of"), lambda p: closes(p.site),
     joins, None),
    ("enrolled while staff goes away", (enrolling, "plan_enrolment"), joins, staff_is_away, None),
    ("staff goes away while somebody is enrolled", (absences, "away_days"), staff_is_away, joins, None),
]  # fmt: skip


@pytest.mark.parametrize("race", ENROLLING, ids=[race[0] for race in ENROLLING])
def test_whoever_is_enrolled_meanwhile_is_planned_by_the_days_that_hold_afterwards(
    monkeypatch: pytest.MonkeyPatch, person: Participant, race: Race
) -> None:
    why, where, first, second, told = race
    assert overtaken(monkeypatch, where, first(person), second(person)) == [None, told], why
    planned_anew(*Participant.objects.all())
    assert CalendarState.objects.count() == 2
