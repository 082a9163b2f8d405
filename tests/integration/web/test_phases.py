"""Where somebody stands comes first: on their page, in the list, and as a filter."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client

from participants.domain.lifecycle import ENDS, PHASE_LABELS, Extent, Phase, Step, phase_of
from participants.models import CourseStep, Participant
from schedules.models import CalendarFeed, Visit
from schedules.selectors.store.course import course_of, standing_of
from schedules.selectors.store.phases import with_phase
from schedules.services.course.status_changes import StepRequest, take_step
from tests.integration.web.conftest import MORNING, TODAY, Enrol
from tests.phones import filled_in

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
LONG_AGO = TODAY - 320 * DAY


def stepped(person: Participant, step: Step, ends: Extent | None = None, on: date = TODAY - DAY) -> None:
    person.refresh_from_db()
    take_step(
        participant=person,
        version=person.version,
        request=StepRequest(step, on, ends=ends),
        by=None,
        reason="as told",
        now=MORNING,
    )


ENDINGS: list[tuple[Step, Extent | None, Phase]] = [
    (Step.DEATH, None, Phase.DIED),
    (Step.WITHDRAWAL, None, Phase.WITHDRAWN),
    (Step.WITHDRAWAL, Extent.TREATMENT, Phase.OFF_TREATMENT),
    (Step.LOST, None, Phase.LOST),
    (Step.EARLY_TERMINATION, Extent.VISITS, Phase.TERMINATED),
    (Step.EARLY_TERMINATION, Extent.TREATMENT, Phase.OFF_TREATMENT),
]


@pytest.mark.parametrize(("step", "ends", "phase"), ENDINGS)
def test_the_page_and_the_list_say_the_phase_first(
    page: Client, enrolled: Enrol, step: Step, ends: Extent | None, phase: Phase
) -> None:
    """The page of somebody who had died said "D320 today" and offered a calendar address."""
    person = enrolled(infusion=LONG_AGO, given=True)
    stepped(person, step, ends)
    text = page.get(f"/participants/{person.pk}/").content.decode()
    heading = text[text.index("<h1>") : text.index('class="when"')]
    assert PHASE_LABELS[phase] in heading
    gone = phase in ENDS
    assert ("D320" in text) is not gone
    assert ("Create a calendar address" in text) is not gone
    (row,) = page.get("/participants/").context["rows"]
    assert row.phase == PHASE_LABELS[phase]
    assert (row.number is None) is gone
    address = f"/calendars/new/?participant={person.pk}"
    answer = page.post(address, filled_in(page.get(address)))
    assert answer.status_code == (422 if gone else 200)
    assert CalendarFeed.objects.exists() is not gone


def test_the_end_of_treatment_and_of_the_study_stand_with_their_days(page: Client, enrolled: Enrol) -> None:
    person = enrolled(infusion=LONG_AGO, given=True)
    stepped(person, Step.EARLY_TERMINATION, Extent.TREATMENT, TODAY - 30 * DAY)
    stepped(person, Step.WITHDRAWAL, Extent.CONTACT)
    text = page.get(f"/participants/{person.pk}/").content.decode()
    assert "Treatment ended on" in text
    assert "All contact ended on" in text


@pytest.fixture
def everybody(enrolled: Enrol) -> dict[Phase, Participant]:
    """Somebody in every phase that one step or treatment leads to."""
    soon, people = TODAY + 20 * DAY, {}
    people[Phase.SCREENING] = enrolled("SCR-1", soon)
    people[Phase.FOLLOW_UP] = enrolled("FUP-1", LONG_AGO, given=True)
    for number, (step, ends, phase) in enumerate(ENDINGS):
        people[phase] = enrolled(f"END-{number}", LONG_AGO, given=True)
        stepped(people[phase], step, ends)
    for code, step, phase in (
        ("SF-1", Step.SCREEN_FAILURE, Phase.SCREEN_FAILED),
        ("NI-1", Step.NEVER_INFUSED, Phase.NEVER_INFUSED),
    ):
        people[phase] = enrolled(code, soon)
        stepped(people[phase], step)
    people[Phase.COMPLETED] = enrolled("CMP-1", LONG_AGO, given=True)
    Visit.objects.filter(participant=people[Phase.COMPLETED]).update(cancelled_on=TODAY)
    stepped(people[Phase.COMPLETED], Step.COMPLETION)
    return people


def test_the_database_says_the_same_phase_as_the_record(everybody: dict[Phase, Participant]) -> None:
    found = with_phase(Participant.objects.all())
    said = {person.pk: getattr(person, "phase") for person in found}  # noqa: B009 - annotated
    known = {person.pk: phase_of(course_of(standing_of(person))) for person in found}
    assert said == known
    assert set(known.values()) == set(everybody)


def test_a_step_that_is_taken_back_or_screening_again_counts_no_more(everybody: dict[Phase, Any]) -> None:
    CourseStep.objects.filter(participant=everybody[Phase.DIED]).update(undone=True)
    failed = everybody[Phase.SCREEN_FAILED]
    CourseStep.objects.create(participant=failed, step=Step.RESCREENING, happened_on=TODAY, attempt=2)
    for person in with_phase(Participant.objects.all()):
        assert getattr(person, "phase") == phase_of(course_of(standing_of(person)))  # noqa: B009


def test_the_list_is_asked_for_a_phase(page: Client, everybody: dict[Phase, Participant]) -> None:
    def asked(phase: str) -> set[Phase]:
        rows = page.get("/participants/", {"phase": phase}).context["rows"]
        by_label = {label: phase for phase, label in PHASE_LABELS.items()}
        return {by_label[row.phase] for row in rows}

    for phase in Phase:
        assert asked(phase.value) == ({phase} & set(everybody))
    assert asked("in-trial") == {Phase.SCREENING, Phase.FOLLOW_UP, Phase.OFF_TREATMENT}
    assert asked("ended") == set(everybody) & ENDS
