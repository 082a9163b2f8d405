"""Who is near the site and who is infused next: of many people read in pieces, they are those of few."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from participants.domain.lifecycle import Step
from participants.models import Anchor, CourseStep, Participant
from participants.selectors import participants
from schedules.models import ProtocolWindow
from schedules.selectors.store.calendars import SiteCalendars, site_calendars
from schedules.selectors.today import infusions, near_site
from schedules.selectors.today.worklist import Wanted
from schedules.services.enrolment.enrolling import enrol
from tests.cast import NOW, TODAY, an_enrolment
from trials.domain.protocols.terms import WindowKind
from trials.models import Site, User

pytestmark = pytest.mark.django_db
STAYS = [("stay", 3), ("presence", 2), ("presence", 2), ("stay", 1), ("presence", 9), ("stay", 0)]
"""What each person is in, and for how many more days."""


@pytest.fixture
def user() -> User:
    return User.objects.create_superuser("all")


@pytest.fixture
def places() -> SiteCalendars:
    """Six people of one site, the first of whom stays near it besides; the second has withdrawn."""
    first = enrol(enrolment=an_enrolment(), by=None)
    ProtocolWindow.objects.all().delete()
    Anchor.objects.all().delete()
    for number, (kind, days) in enumerate(STAYS):
        person = Participant.objects.get(pk=first.pk)
        if number:
            person.pk, person.subject_code = None, f"S01-{number + 1:03}"
            person.save()
        a_window(person, kind, days)
        Anchor.objects.create(participant=person, code="infusion", planned_on=TODAY + timedelta(days=number))
        if number == 0:
            a_window(person, "presence", 5)
        if number == 1:
            CourseStep.objects.create(participant=person, step=Step.WITHDRAWAL, happened_on=TODAY)
    return site_calendars(Site.objects.all())


def a_window(person: Participant, kind: str, days: int) -> None:
    ProtocolWindow.objects.create(
        participant=person,
        code=kind,
        label=kind,
        kind=kind,
        basis="stated",
        starts_on=TODAY - timedelta(days=1),
        ends_on=TODAY + timedelta(days=days),
    )


@pytest.mark.parametrize("shown", [1, 40])
def test_who_is_near_is_the_same_of_many(
    user: User, places: SiteCalendars, shown: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each kind of window is then asked for alone, so that it is walked along its own part of an index."""
    monkeypatch.setattr(near_site, "STAYS", shown)
    few = near_site.stays(user, NOW, Wanted(), places)
    assert few
    monkeypatch.setattr(participants, "MOST_BY_PERSON", 0)
    with CaptureQueriesContext(connection) as captured:
        many = near_site.stays(user, NOW, Wanted(), places)
    assert many == few
    windows = [
        one["sql"]
        for one in captured.captured_queries
        if one["sql"].startswith(f'SELECT "{ProtocolWindow._meta.db_table}"')
    ]
    for kind, one in zip((WindowKind.PRESENCE, WindowKind.STAY), windows, strict=True):
        assert f"""IN ('{kind.value}')""" in one
        assert f"LIMIT {3 * shown}" in one
        assert Site._meta.db_table not in one


@pytest.mark.parametrize("looked_at", [(0, 6), (0, 1, 6), (0, 3, 6)])
def test_who_is_next_is_the_same_in_one_go_and_in_two(
    user: User, places: SiteCalendars, looked_at: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody whose course has ended is no one's next: those after them are looked at for that."""
    monkeypatch.setattr(infusions, "PEOPLE", 2)
    monkeypatch.setattr(infusions, "LOOKED_AT", looked_at)
    found = infusions.road_to_infusion(user, NOW, Wanted(), places)
    assert [row.participant.subject_code for row in found.rows] == ["S01-001", "S01-003"]
    assert {row.participant.site for row in found.rows} == set(places.sites)
