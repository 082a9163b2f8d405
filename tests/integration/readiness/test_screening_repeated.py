"""A screening that has expired is repeated: what was done stays on record, with why it was not enough."""

from __future__ import annotations

from datetime import date

import pytest
from django.test import Client
from django.urls import reverse

from participants.domain.anchors import RecordedAnchor
from participants.domain.errors import CourseRefused
from participants.domain.lifecycle import Phase, Step, phase_of
from participants.models import Anchor, CourseStep, Participant
from schedules.domain.readiness.checklist import readiness_on
from schedules.domain.readiness.start_context import Answer, Item
from schedules.domain.readiness.start_flags import START_FLAG
from schedules.domain.visits.values import Completion
from schedules.models import Deviation, Flag, Visit
from schedules.selectors.deviations.trial_logs import WantedLog, screening_log
from schedules.selectors.readiness.start_context import start_of
from schedules.selectors.store.course import course_of, standing_of
from schedules.services.course.status_changes import StepRequest, take_step
from schedules.services.deviations.classification import sweep_unrecorded
from schedules.services.readiness.start_flags import sweep_starts
from schedules.services.replanning.moves import record_anchor
from schedules.services.visits.appointments import complete_visit
from schedules.services.windows.evaluation import sweep_windows
from tests.cast import a_version, show_who_one_is
from tests.integration.readiness.conftest import at, enrolled, visit_of
from tests.integration.readiness.test_start_flags import LATER, SCREENED, done, slipped
from trials.models import Site, User
from trials.services.accounts.tokens import TokenScope, issue_api_token

pytestmark = pytest.mark.django_db
AGAIN = date(2026, 11, 24)


@pytest.fixture
def expired(participant: Participant) -> Participant:
    """Screened on 10 November for the 7th of December; the infusion slips to the 14th."""
    consent = RecordedAnchor("consent", actual_on=date(2026, 11, 9))
    record_anchor(participant=participant, anchor=consent, now=at(SCREENED), by=None)
    done(participant, "screening", SCREENED)
    slipped(participant, LATER, date(2026, 11, 23))
    return participant


def repeat(person: Participant, zero: date = LATER, on: date = AGAIN, reason: str = "expired") -> CourseStep:
    person.refresh_from_db()
    request = StepRequest(Step.RESCREENING, on, day_zero=zero)
    return take_step(
        participant=person, version=person.version, request=request, by=None, reason=reason, now=at(on)
    )


def test_an_expired_screening_is_repeated(expired: Participant) -> None:
    uid = visit_of(expired, "d28").uid
    step = repeat(expired)
    assert (step.attempt, step.reason) == (2, "expired")
    first, second = Visit.objects.filter(participant=expired, code="screening").order_by("attempt")
    assert (first.attempt, first.performed_on, first.cancelled_on) == (1, SCREENED, None)
    assert (second.attempt, second.performed_on) == (2, None)
    assert (second.opens, second.closes) == (date(2026, 11, 16), date(2026, 12, 8))  # D-28 to D-6
    later = Visit.objects.get(participant=expired, code="d28")
    assert (later.uid, later.attempt) == (uid, 2), "all others go on in their rows"
    assert not Anchor.objects.filter(participant=expired, code="screening", actual_on__isnull=False).exists()
    assert Anchor.objects.get(participant=expired, code="consent").actual_on == date(2026, 11, 9)
    expired.refresh_from_db()
    assert phase_of(course_of(standing_of(expired))) is Phase.SCREENING


def test_it_answers_the_flag_and_nothing_false_is_drafted(expired: Participant) -> None:
    sweep_starts(now=at(date(2026, 11, 23)))
    assert Flag.objects.filter(kind=START_FLAG, cleared_at=None).exists()
    repeat(expired)
    again = Visit.objects.get(participant=expired, code="screening", attempt=2)
    done_again = date(2026, 11, 25)
    complete_visit(
        visit=again, version=again.version, completion=Completion(done_again), by=None, now=at(done_again)
    )
    now = at(date(2026, 11, 26))
    sweep_starts(now=now)
    lines = readiness_on(start_of(expired, now), date(2026, 12, 9)).lines
    assert Answer.NO not in [line.answer for line in lines if line.item is Item.VISIT]
    for number, day in enumerate((date(2026, 12, 9), date(2026, 12, 10), date(2026, 12, 11)), start=1):
        done(expired, f"ld-{number}", day, reason="agreed")
    done(expired, "d0", LATER)
    sweep_windows(now=at(LATER))
    sweep_unrecorded(now=at(LATER))
    kinds = Deviation.objects.filter(lapsed_on=None, visit__code="screening").values_list("kind", flat=True)
    assert list(kinds) == [], "the first was in time when it was done, and the second is"


def test_the_screening_log_names_both_attempts_and_why(expired: Participant) -> None:
    repeat(expired)
    user = User.objects.create_superuser("anna")
    rows = [row.screened for row in screening_log(user, AGAIN, WantedLog()).rows]
    said = [(one.attempt, one.outcome, one.on, one.reason) for one in rows]
    assert sorted(said) == [(1, "Screening repeated", AGAIN, "expired"), (2, "In screening", None, "")]
    (only,) = screening_log(user, AGAIN, WantedLog(outcome="repeated")).rows
    assert only.screened.attempt == 1


def test_nothing_is_repeated_that_was_not_done(participant: Participant) -> None:
    with pytest.raises(CourseRefused, match="not possible"):
        repeat(participant)


def test_a_reason_and_a_day_zero_to_come_are_asked_for(expired: Participant) -> None:
    with pytest.raises(CourseRefused) as refused:
        repeat(expired, reason=" ")
    assert set(refused.value.fields) == {"reason"}
    with pytest.raises(CourseRefused) as refused:
        repeat(expired, zero=date(2026, 11, 20))
    assert set(refused.value.fields) == {"day_zero"}


def test_a_collection_that_took_place_stays(site: Site) -> None:
    """NCT07331467: cells are collected without chemotherapy, and screening alone is repeated."""
    person = enrolled(site, a_version("NCT07331467@2026-03-25.2"), "S05-001")
    consent = RecordedAnchor("consent", actual_on=date(2026, 11, 9))
    record_anchor(participant=person, anchor=consent, now=at(SCREENED), by=None)
    done(person, "screening", SCREENED)
    repeat(person, zero=date(2026, 12, 21))
    again = Visit.objects.get(participant=person, code="screening", attempt=2)
    assert (again.opens, again.performed_on) == (date(2026, 11, 23), None)
    assert Visit.objects.get(participant=person, code="collection").attempt == 2


def test_an_enrolment_on_record_is_not_deleted_in_silence(expired: Participant) -> None:
    """Where the protocol lets no screening come after it, which of the two days is wrong a person says."""
    enrolment = RecordedAnchor("enrolment", actual_on=date(2026, 11, 12))
    record_anchor(participant=expired, anchor=enrolment, now=at(date(2026, 11, 23)), by=None)
    repeat(expired)
    assert Anchor.objects.get(participant=expired, code="enrolment").actual_on == date(2026, 11, 12)


def test_a_screening_that_may_not_come_after_the_enrolment_is_refused(site: Site) -> None:
    person = enrolled(site, a_version("NCT07331467@2026-03-25.2"), "S05-001")
    done(person, "screening", SCREENED)
    enrolment = RecordedAnchor("enrolment", actual_on=date(2026, 11, 20))
    record_anchor(participant=person, anchor=enrolment, now=at(date(2026, 11, 20)), by=None)
    with pytest.raises(CourseRefused, match="Enrolment on 2026-11-20") as refused:
        repeat(person, zero=date(2026, 12, 21))
    assert set(refused.value.fields) == {"day_zero"}
    assert Visit.objects.filter(participant=person, code="screening").count() == 1, "nothing half-written"


def test_the_page_leads_there_and_the_api_does_the_same(expired: Participant, client: Client) -> None:
    user = User.objects.create_superuser("anna")
    client.force_login(user)
    show_who_one_is(client)
    address = reverse("course-step", args=[expired.pk, "rescreening"])
    page = client.get(reverse("readiness", args=[expired.pk]), {"day": "2026-12-09"}).content.decode()
    assert address in page
    form = client.get(address).content.decode()
    assert 'value="2026-12-14"' in form, "around the day zero that is planned"
    assert "assumed" in form
    secret = issue_api_token(user=user, name="edc", scope=TokenScope(acts=("read", "visits:write")))[1]
    asked = {"on": "2026-11-21", "day_zero": "2026-12-14", "reason": "expired"}
    answer = Client().post(
        reverse("api-rescreening", args=[expired.pk]),
        asked,
        content_type="application/json",
        headers={"authorization": f"Bearer {secret}", "idempotency-key": "again-1"},
    )
    assert (answer.status_code, answer.json()) == (201, {"attempt": 2}), answer.content
