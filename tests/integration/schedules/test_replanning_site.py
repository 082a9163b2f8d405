"""A site's working days change: shown for everybody first, committed as shown, nothing booked moves."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from participants.models import Absence, Participant
from participants.services.absences import Away
from schedules.domain.errors import BookingsOrphaned, ReplanningRefused, ReplanningStale
from schedules.domain.plan import AnchorDay
from schedules.domain.replanning import Effect
from schedules.domain.replanning_words import change_sentence
from schedules.domain.visit_values import Booking
from schedules.models import Visit
from schedules.services.planning import enrol
from schedules.services.replanning_site import SitePreview, SiteProposal, commit_site, preview_site
from schedules.services.unscheduled import Unscheduled, add_unscheduled
from schedules.services.visits import cancel_visit
from tests.cast import INFUSION, NOW, a_site, a_version, an_enrolment
from trials.models import Site, User, WorkingDayTable
from trials.services.closure import freeze_trial
from trials.services.sites import record_working_days

pytestmark = pytest.mark.django_db
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


def committed(site: Site, proposal: SiteProposal) -> SitePreview:
    preview = preview_site(site=site, proposal=proposal, now=NOW)
    return commit_site(
        site=site, proposal=proposal, digest=preview.digest, now=NOW, by=None, reason="stocktaking"
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
    preview = committed(site, SiteProposal(closures=CLOSED.closures, accept_orphans=True))
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


def test_an_absence_is_shown_before_it_is_recorded(site: Site, participant: Participant) -> None:
    proposal = SiteProposal(absence=Away(D28, D28 + timedelta(days=1), site=site))
    preview = committed(site, proposal)
    assert [change.suggested for change in preview.affected[0].changed] == [(D28, date(2027, 1, 6))]
    assert Visit.objects.get(code="d28").suggested == date(2027, 1, 6)
    assert Absence.objects.count() == 1
    assert WorkingDayTable.objects.count() == 1, "the site's own table stays"


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
