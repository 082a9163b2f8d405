"""A site's working days change: shown for everybody first, committed as shown, nothing booked moves."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from participants.models import Absence, Participant
from participants.services.absences import Away
from schedules.domain.errors import BookingsOrphaned, ReplanningRefused, ReplanningStale
from schedules.domain.plan.values import AnchorDay
from schedules.domain.replanning.visit_effects import Effect
from schedules.domain.replanning.wording import change_sentence
from schedules.domain.visits.values import Booking
from schedules.models import Visit
from schedules.selectors.store import calendars
from schedules.services.availability.site_days import SitePreview, SiteProposal, commit_site, preview_site
from schedules.services.enrolment.enrolling import enrol
from schedules.services.visits.appointments import cancel_visit
from schedules.services.visits.unscheduled import Unscheduled, add_unscheduled
from tests.cast import INFUSION, NOW, a_site, a_version, an_enrolment
from trials.domain.sites.working_days import WorkingDays
from trials.models import Site, User, WorkingDayTable
from trials.selectors.records import working_days_of
from trials.services.protocols.closure import freeze_trial
from trials.services.sites import working_days
from trials.services.sites.working_days import record_working_days

pytestmark = pytest.mark.django_db
SHANGHAI = ZoneInfo("Asia/Shanghai")
D28 = date(2027, 1, 4)  # a Monday; its window is open from Friday the 1st to Thursday the 7th
CLOSED = SiteProposal(closures={D28: "stocktaking"})


@pytest.fixture
def site() -> Site:
    site = a_site()
    record_working_days(site=site, by=None, first_year=2026, last_year=2028)
    return site


@pytest.fixture
def participant(site: Site) -> Participant:
    return enrol(enrolment=an_enrolment(site=site), by=None)


def committed(site: Site, proposal: SiteProposal, now: datetime = NOW) -> SitePreview:
    preview = preview_site(site=site, proposal=proposal, now=now)
    return commit_site(
        site=site, proposal=proposal, digest=preview.digest, now=now, by=None, reason="stocktaking"
    )


def test_a_closed_day_is_shown_for_everybody_it_touches_and_then_suggested_around(
    site: Site, participant: Participant
) -> None:
    preview = preview_site(site=site, proposal=CLOSED, now=NOW)
    (one,) = preview.affected
    (d28,) = one.changed
    assert (d28.code, d28.effects) == ("d28", (Effect.SUGGESTED,))
    assert change_sentence(d28) == "Suggested is Tuesday 2027-01-05 instead of Monday 2027-01-04."
    assert Visit.objects.get(code="d28").suggested == D28, "a preview writes nothing"
    committed(site, CLOSED)
    stored = Visit.objects.get(code="d28")
    assert (stored.suggested, stored.why_shifted) == (date(2027, 1, 5), "closed (stocktaking)")
    assert WorkingDayTable.objects.order_by("-version").first().note == "stocktaking"
    assert [preview.changed for preview in preview_site(site=site, proposal=CLOSED, now=NOW).previews] == [()]


def test_a_booking_on_a_day_that_closes_is_asked_about_and_stays(
    site: Site, participant: Participant
) -> None:
    Visit.objects.filter(code="d28").update(booked_on=D28)
    with pytest.raises(BookingsOrphaned, match=r"S01-001 Day 28 \(2027-01-04\)"):
        committed(site, CLOSED)
    preview = committed(site, SiteProposal(closures=CLOSED.closures, accept_unbookable=True))
    (d28,) = preview.affected[0].changed
    assert d28.effects == (Effect.BOOKING_CLOSED, Effect.SUGGESTED)
    assert Visit.objects.get(code="d28").booked_on == D28


def test_a_booking_that_nobody_planned_is_asked_about_too(site: Site, participant: Participant) -> None:
    """On Sunday the 3rd the site opens for a check; then it does not, and no other window meets that day."""
    sunday = date(2027, 5, 2)
    opened = preview_site(site=site, proposal=SiteProposal(openings={sunday: "check"}), now=NOW)
    commit_site(
        site=site, proposal=SiteProposal(openings={sunday: "check"}), digest=opened.digest, now=NOW, by=None,
        reason="check",
    )  # fmt: skip
    asked = Unscheduled(Booking(sunday))
    add_unscheduled(participant=participant, asked=asked, by=None, reason="a cough", now=NOW)
    with pytest.raises(BookingsOrphaned, match=r"S01-001 .* \(2027-05-02\)"):
        committed(site, SiteProposal(closures={sunday: "no check"}))


def test_a_booking_that_came_to_nothing_asks_nobody(site: Site, participant: Participant) -> None:
    """D28 was cancelled, with its booking on the record; month 2 may still fall on that week."""
    d28 = Visit.objects.get(participant=participant, code="d28")
    Visit.objects.filter(pk=d28.pk).update(booked_on=D28, version=2)
    cancel_visit(visit=d28, version=2, by=None, reason="moved away", now=NOW)
    asked = Unscheduled(Booking(D28 + timedelta(days=1)))
    add_unscheduled(participant=participant, asked=asked, by=None, reason="a cough", now=NOW)
    closed = SiteProposal(closures={D28: "stocktaking", D28 + timedelta(days=1): "stocktaking"})
    assert preview_site(site=site, proposal=closed, now=NOW).orphans == [
        "S01-001 Unscheduled 14.1 (2027-01-05)"
    ]


# --- make-up days, and an official calendar that comes out ----------------------------------------
SUNDAY = date(2026, 9, 20)  # a make-up day of the autumn holidays
TUESDAY = date(2026, 9, 22)


@pytest.fixture
def clinic() -> Site:
    """A clinic of Tuesdays and Thursdays; D28 of an infusion on 23 August is the make-up Sunday."""
    site = a_site("TT")
    site.clinic_days = "24"
    site.save()
    record_working_days(site=site, by=None, first_year=2026, last_year=2028)
    return site


def d28_at(site: Site, infusion: date) -> Visit:
    anchors = {"infusion": AnchorDay(infusion)}
    person = enrol(enrolment=an_enrolment(site=site, anchors=anchors), by=None)
    return Visit.objects.get(participant=person, code="d28")


def test_a_clinic_of_tuesdays_and_thursdays_is_sent_to_no_make_up_sunday(clinic: Site) -> None:
    """The window is Thursday the 17th to Wednesday the 23rd; Tuesday is nearer than Thursday."""
    d28 = d28_at(clinic, date(2026, 8, 23))
    assert (d28.target, d28.suggested) == (SUNDAY, TUESDAY)
    assert d28.why_shifted == "Sunday, make-up day: the site has not said which weekday it follows"


@pytest.mark.parametrize(
    ("said", "suggested", "reason"),
    [
        (SiteProposal(follows={SUNDAY: 4}), SUNDAY, "it follows Thursday, a clinic day"),
        (SiteProposal(follows={SUNDAY: 1}), TUESDAY, "it follows Monday, which is none"),
        (SiteProposal(openings={SUNDAY: "catching up"}), SUNDAY, "it is open"),
    ],
)
def test_the_site_says_how_it_works_on_a_make_up_day(
    clinic: Site, said: SiteProposal, suggested: date, reason: str
) -> None:
    d28 = d28_at(clinic, date(2026, 8, 23))
    preview = preview_site(site=clinic, proposal=said, now=datetime(2026, 8, 1, 9, tzinfo=SHANGHAI))
    moved = [change.suggested for one in preview.affected for change in one.changed]
    assert moved == ([(TUESDAY, SUNDAY)] if suggested == SUNDAY else []), reason
    committed(clinic, said, now=datetime(2026, 8, 1, 9, tzinfo=SHANGHAI))
    d28.refresh_from_db()
    assert d28.suggested == suggested, reason
    assert WorkingDayTable.objects.filter(site=clinic).latest("version").version == 2


@pytest.fixture
def announced(monkeypatch: pytest.MonkeyPatch) -> None:
    """The official calendar of 2027 comes out: 4 January off, Saturday 9 January worked for it."""
    load = working_days.load_calendar

    def later(name: str, first_year: int, last_year: int) -> WorkingDays:
        known = load(name, first_year, last_year)
        return replace(
            known,
            holidays={**known.holidays, D28: "New Year"},
            make_up_days=known.make_up_days | {date(2027, 1, 9)},
            official_years=known.official_years | {2027},
        )

    monkeypatch.setattr(working_days, "load_calendar", later)
    monkeypatch.setattr(calendars, "load_calendar", later)


def test_an_official_calendar_that_comes_out_is_shown_first(
    request: pytest.FixtureRequest, site: Site, participant: Participant
) -> None:
    """Which suggestions move and which bookings fall on a closed day; nothing before it is committed."""
    record_working_days(site=site, by=None, first_year=2026, last_year=2031)
    with pytest.raises(ReplanningRefused, match="Nothing has changed"):
        committed(site, SiteProposal(renewed=True))
    Visit.objects.filter(code="d28").update(booked_on=D28)
    request.getfixturevalue("announced")
    assert calendars.years_come_out(site, working_days_of(site), NOW.date()) == [2027]
    renewed = SiteProposal(renewed=True)
    preview = preview_site(site=site, proposal=renewed, now=NOW)
    (d28,) = [change for one in preview.affected for change in one.changed if change.code == "d28"]
    assert d28.suggested == (D28, date(2027, 1, 5))
    assert Effect.BOOKING_CLOSED in d28.effects
    assert preview.orphans == ["S01-001 Day 28 (2027-01-04)"]
    with pytest.raises(BookingsOrphaned):
        committed(site, renewed)
    committed(site, SiteProposal(renewed=True, accept_unbookable=True))
    stored = Visit.objects.get(code="d28")
    assert (stored.booked_on, stored.suggested) == (D28, date(2027, 1, 5)), (
        "a booking is never moved silently"
    )
    assert calendars.years_come_out(site, working_days_of(site), NOW.date()) == []


def test_a_renewed_calendar_keeps_the_sites_own_word(site: Site, announced: None) -> None:
    committed(site, CLOSED)
    committed(site, SiteProposal(follows={date(2027, 1, 9): 1}))
    committed(site, SiteProposal(renewed=True))
    days = working_days_of(site)
    assert days is not None
    assert (days.closures, days.follows) == ({D28: "stocktaking"}, {date(2027, 1, 9): 1})
    assert not days.is_provisional(2027)


def test_an_absence_is_shown_before_it_is_recorded(site: Site, participant: Participant) -> None:
    proposal = SiteProposal(absence=Away(D28, D28 + timedelta(days=1), site=site))
    preview = committed(site, proposal)
    assert [change.suggested for change in preview.affected[0].changed] == [(D28, date(2027, 1, 6))]
    assert Visit.objects.get(code="d28").suggested == date(2027, 1, 6)
    assert Absence.objects.count() == 1
    assert WorkingDayTable.objects.count() == 1, "the site's own table stays"


def test_an_absence_needs_no_reason_and_a_closed_day_does(site: Site, participant: Participant) -> None:
    def commit(proposal: SiteProposal) -> SitePreview:
        digest = preview_site(site=site, proposal=proposal, now=NOW).digest
        return commit_site(site=site, proposal=proposal, digest=digest, now=NOW, by=None, reason=" ")

    with pytest.raises(ReplanningRefused, match="reason"):
        commit(CLOSED)
    commit(SiteProposal(absence=Away(D28, D28, site=site)))
    assert Absence.objects.count() == 1


def test_what_changed_meanwhile_is_shown_again(site: Site, participant: Participant) -> None:
    digest = preview_site(site=site, proposal=CLOSED, now=NOW).digest
    Visit.objects.filter(code="d28").update(booked_on=D28, version=2)
    with pytest.raises(ReplanningStale) as refused:
        commit_site(site=site, proposal=CLOSED, digest=digest, now=NOW, by=None, reason="x")
    assert isinstance(refused.value.preview, SitePreview)


REFUSED = [
    ("no day at all", SiteProposal(), "at least one day"),
    ("a day closed and opened", SiteProposal(closures={D28: "x"}, openings={D28: "y"}), "at once"),
]


@pytest.mark.parametrize(("why", "proposal", "says"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_cannot_be_is_refused(site: Site, why: str, proposal: SiteProposal, says: str) -> None:
    with pytest.raises(ReplanningRefused, match=says):
        preview_site(site=site, proposal=proposal, now=NOW)


def test_many_participants_take_no_more_queries_than_one(site: Site) -> None:
    version = a_version()
    counts = []
    for number in range(4):
        day = AnchorDay(INFUSION + timedelta(days=60 * number))
        one = an_enrolment(version, site=site, subject_code=f"S02-{number}", anchors={"infusion": day})
        enrol(enrolment=one, by=None)
        closed = SiteProposal(closures={INFUSION + timedelta(days=90): "x"})
        with CaptureQueriesContext(connection) as captured:
            preview_site(site=site, proposal=closed, now=NOW)
        counts.append(len(captured))
    assert len(set(counts)) == 1, counts


@pytest.mark.parametrize("what", ["closed", "away"])
def test_a_frozen_trial_stays_as_it_is_and_stops_nobody_else(
    site: Site, participant: Participant, what
) -> None:
    """The site's days go on after one of its trials has ended, with visits that were never recorded."""
    by = User.objects.create_user("manager")
    freeze_trial(trial=participant.trial, today=NOW.date(), by=by, reason="stopped early")
    before = list(Visit.objects.filter(participant=participant).order_by("pk").values())
    away = SiteProposal(absence=Away(D28, D28 + timedelta(days=1), site=site))
    committed(site, CLOSED if what == "closed" else away)
    assert list(Visit.objects.filter(participant=participant).order_by("pk").values()) == before
