"""Gates before the point of no return: refused with the day they open; what was done is history."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils.translation import override

from participants.domain.anchors import RecordedAnchor
from participants.domain.lifecycle import Step
from participants.models import Participant, SafetyReview
from schedules.domain.errors import EnrolmentRefused, ReplanningRefused
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.domain.readiness import cohort_board
from schedules.selectors.readiness.board import trial_board
from schedules.services.course.status_changes import StepRequest, take_step
from schedules.services.enrolment.bulk import bulk_enrol
from schedules.services.enrolment.enrolling import Enrolment, enrol, preview_enrolment
from schedules.services.readiness.gates import ReviewRecord, correct_safety_review, record_safety_review
from schedules.services.replanning.moves import Proposal, commit_replanning, preview_replanning, record_anchor
from tests.cast import TODAY, a_site, a_version, an_enrolment
from tests.integration.windows.conftest import INFUSION, noon
from trials.domain.errors import Refused
from trials.formats.protocols import library
from trials.models import AuditEntry, Cohort, Trial, User

pytestmark = pytest.mark.django_db
# Day zero of the first is Monday 7 December 2026, chemotherapy from 2 December, observed to 4 January 2027.
OBSERVED_TO = date(2027, 1, 4)


@pytest.fixture
def enrolment() -> Enrolment:
    """The template as it ships: nobody begins before the observation of anyone who went before has ended."""
    text = library.path("CART-SLE").read_text(encoding="utf-8")
    consent = AnchorDay(date(2026, 11, 2), AnchorKind.ACTUAL)
    return an_enrolment(a_version(text=text), anchors={"infusion": AnchorDay(INFUSION), "consent": consent})


def starting(enrolment: Enrolment, day: date, number: int = 2) -> Enrolment:
    """Another one of the same trial whose chemotherapy would begin on this day."""
    infusion = AnchorDay(day + timedelta(days=5))
    return replace(enrolment, subject_code=f"S01-{number:03}", anchors={"infusion": infusion})


@pytest.mark.parametrize(
    ("day", "passes", "why"),
    [
        (date(2026, 11, 24), True, "begins before the other one does"),
        (date(2026, 12, 2), False, "on the same day"),
        (date(2027, 1, 4), False, "on the last day of the observation"),
        (date(2027, 1, 5), True, "on the day after it"),
    ],
)
def test_a_start_against_a_closed_gate_is_refused_with_the_day_it_opens(enrolment, day, passes, why):
    enrol(enrolment=enrolment, by=None)
    other = starting(enrolment, day)
    for act in (preview_enrolment, lambda asked: enrol(enrolment=asked, by=None)):
        if passes:
            assert act(other), why
            continue
        with pytest.raises(EnrolmentRefused) as refused:
            act(other)
        (message,) = refused.value.fields["anchors"]
        assert "Planned to begin on Wednesday 2026-12-02" in message
        assert "observed until Monday 2027-01-04: S01-001" in message
        assert "opens on Tuesday 2027-01-05" in message
        assert "The gate (assumed) opens" in message


def test_codes_of_another_site_are_not_named(enrolment):
    enrol(enrolment=enrolment, by=None)
    there = replace(starting(enrolment, INFUSION), site=a_site("BJ"))
    an_enrolment(enrolment.version, site=there.site)  # the trial runs there, too
    with pytest.raises(EnrolmentRefused, match=": a participant at WH"):
        enrol(enrolment=there, by=None)
    names = {"short_name": "Wuhan", "short_name_zh": "武汉"}
    type(enrolment.site).objects.filter(pk=enrolment.site.pk).update(**names)
    with pytest.raises(EnrolmentRefused, match=": a participant at Wuhan"):
        enrol(enrolment=there, by=None)
    with override("zh-hans"), pytest.raises(EnrolmentRefused, match="武汉的一名受试者"):
        enrol(enrolment=there, by=None)


def test_a_start_that_is_history_is_taken_as_it_was(enrolment):
    enrol(enrolment=enrolment, by=None)
    past = {"infusion": AnchorDay(date(2026, 10, 1), AnchorKind.ACTUAL)}
    assert enrol(enrolment=replace(enrolment, subject_code="S01-002", anchors=past), by=None)
    assert enrol(enrolment=replace(enrolment, subject_code="S01-003", anchors=past), by=None)
    assert bulk_enrol(enrolments=[starting(enrolment, INFUSION, 9)], by=None), "an import asks no gate"


def moved(participant: Participant, day: date, now: datetime) -> None:
    proposal = Proposal(anchors={"infusion": RecordedAnchor("infusion", planned_on=day)})
    shown = preview_replanning(participant=participant, proposal=proposal, now=now)
    commit_replanning(
        participant=participant, proposal=proposal, digest=shown.digest, now=now, by=None, reason="earlier"
    )


def test_moving_a_start_meets_the_gate_too(enrolment):
    enrol(enrolment=enrolment, by=None)
    later = enrol(enrolment=starting(enrolment, date(2027, 1, 5)), by=None)
    with pytest.raises(ReplanningRefused, match="opens on Tuesday 2027-01-05"):
        moved(later, date(2027, 1, 9), noon(11, 21))
    moved(later, date(2027, 1, 11), noon(11, 21))


def test_a_first_chemotherapy_that_meets_a_closed_gate_is_put_on_record_only_with_a_reason(enrolment):
    """The day was free when it was planned; then the other one slipped into it."""
    first = enrol(enrolment=enrolment, by=None)
    later = enrol(enrolment=starting(enrolment, date(2027, 1, 5)), by=None)
    record = {"now": noon(1, 8), "by": None}
    slipped = RecordedAnchor("infusion", actual_on=date(2026, 12, 17))
    record_anchor(participant=first, anchor=slipped, **record)
    begun = RecordedAnchor("lymphodepletion-start", actual_on=date(2027, 1, 5))
    with pytest.raises(ReplanningRefused, match="Under observation until Thursday 2027-01-14: S01-001"):
        record_anchor(participant=later, anchor=begun, **record)
    assert record_anchor(participant=later, anchor=begun, **record, reason="the sponsor agreed by telephone")


def test_what_is_behind_the_point_of_no_return_is_asked_no_more(enrolment):
    first = enrol(enrolment=enrolment, by=None)
    begun = RecordedAnchor("lymphodepletion-start", actual_on=date(2026, 12, 2))
    record_anchor(participant=first, anchor=begun, now=noon(12, 2), by=None)
    infused = RecordedAnchor("infusion", actual_on=date(2026, 12, 9))
    assert record_anchor(participant=first, anchor=infused, now=noon(12, 9), by=None)


@pytest.mark.parametrize(
    "step", [Step.NEVER_INFUSED, Step.WITHDRAWAL, Step.DEATH, Step.EARLY_TERMINATION], ids=str
)
@pytest.mark.parametrize("asked", ["observation: dlt-observation", "interval: P28D"])
def test_nobody_waits_for_an_infusion_that_will_not_take_place(coordinator, asked, step):
    """Chemotherapy on 2 December, and an end on the 4th: the observation is over, and no interval begins."""
    text = library.path("CART-SLE").read_text(encoding="utf-8")
    gate = "    observation: dlt-observation\n    basis: {assumed"
    version = a_version(text=text.replace(gate, f"    {asked}\n    basis: {{assumed"))
    begun = {"lymphodepletion-start": AnchorDay(date(2026, 12, 2), AnchorKind.ACTUAL)}
    consent = {"consent": AnchorDay(date(2026, 11, 2), AnchorKind.ACTUAL)}
    anchors = {"infusion": AnchorDay(INFUSION)} | begun | consent
    person = enrol(enrolment=an_enrolment(version, anchors=anchors), by=None)
    request = StepRequest(step, date(2026, 12, 4), seen_by=date(2026, 12, 10))
    take = {"request": request, "by": None, "reason": "fever", "now": noon(12, 4)}
    take_step(participant=person, version=person.version, **take)
    (row,) = trial_board(version.trial, coordinator, noon(12, 5)).levels
    assert (row.next_start, row.level.replaced, row.watched) == (date(2026, 12, 5), 1, ())


def test_levels_are_opened_in_order_and_not_overfilled():
    version = a_version("NCT07331467")
    levels = list(Cohort.objects.filter(trial=version.trial).order_by("position"))
    one = an_enrolment(version, cohort=levels[1])
    with pytest.raises(EnrolmentRefused, match="Nobody has begun at"):
        enrol(enrolment=one, by=None)
    enrol(enrolment=replace(one, cohort=levels[0]), by=None)
    assert enrol(enrolment=replace(one, subject_code="S01-002"), by=None)


def test_the_board_says_who_is_observed_until_when_and_when_the_next_may_start(enrolment, coordinator):
    first = enrol(enrolment=enrolment, by=None)
    begun = RecordedAnchor("lymphodepletion-start", actual_on=date(2026, 12, 2))
    record_anchor(participant=first, anchor=begun, now=noon(12, 2), by=None)
    board = trial_board(enrolment.trial, coordinator, noon(12, 6))
    assert board is not None
    (level,) = board.levels
    assert [(slot.participant.subject_code, slot.observed_until) for slot in level.slots] == [
        ("S01-001", OBSERVED_TO)
    ]
    assert level.next_start == date(2027, 1, 5)
    assert level.next_reasons[0] == "Under observation until Monday 2027-01-04: S01-001."
    assert level.watched == (("S01-001", OBSERVED_TO),)
    late = trial_board(enrolment.trial, coordinator, noon(12, 10))
    assert late is not None
    assert (late.levels[0].next_start, late.levels[0].watched) == (None, ()), "nobody knows of the infusion"
    assert late.levels[0].next_reasons[0] == "When the observation of S01-001 ends is not known."


def test_each_row_of_the_board_goes_by_the_day_of_its_own_site(enrolment, coordinator, client):
    """On the 2nd at 20:00 in Berlin it is the 3rd in Wuhan: the start of that day is late in Wuhan alone."""
    berlin = a_site("BE", zone="Europe/Berlin")
    an_enrolment(enrolment.version, site=berlin)  # the trial runs there, too
    there = replace(enrolment, subject_code="B01-001", site=berlin)
    bulk_enrol(enrolments=[enrolment, there], by=None)
    now = datetime(2026, 12, 2, 19, tzinfo=UTC)
    board = trial_board(enrolment.trial, coordinator, now)
    assert board
    (level,) = board.levels
    assert {slot.participant.subject_code: slot.course.late for slot in level.slots} == {
        "S01-001": True,
        "B01-001": False,
    }
    assert (board.today, board.latest) == (date(2026, 12, 2), date(2026, 12, 3))

    begun = RecordedAnchor("lymphodepletion-start", actual_on=date(2026, 12, 2))
    for person in Participant.objects.all():
        record_anchor(participant=person, anchor=begun, now=now, by=None, reason="as agreed")
    last = datetime(2027, 1, 4, 19, tzinfo=UTC)  # the last day of both observations in Berlin, over in Wuhan
    infused = RecordedAnchor("infusion", actual_on=INFUSION)
    for person in Participant.objects.all():
        record_anchor(participant=person, anchor=infused, now=last, by=None, reason="entered late")
    board = trial_board(enrolment.trial, coordinator, last)
    assert board
    assert board.levels[0].watched == (("B01-001", OBSERVED_TO),)

    with time_machine.travel(last, tick=False):
        client.force_login(User.objects.create_superuser("manager"))
        said = {"held_on": "2027-01-05", "reference": "Minutes 7", "opens_next": "on"}
        answer = client.post(f"/board/{enrolment.trial.code}/review/", said)
    assert answer.status_code == 302, "held this morning in Wuhan"


def test_whoever_is_planned_is_planned_on_the_board(enrolment, coordinator, client):
    """S01-001 was to begin on 2 December and has not; S01-002 waits for it, and it waits for nobody."""
    bulk_enrol(enrolments=[enrolment, starting(enrolment, date(2026, 12, 4))], by=None)
    board = trial_board(enrolment.trial, coordinator, noon(12, 10))
    assert board
    (level,) = board.levels
    assert level.watched == ()
    first, second = level.slots
    assert (first.begun, first.reasons) == (False, ())
    assert second.reasons[0] == (
        "Planned to begin on Wednesday 2026-12-02, then observed until Monday 2027-01-04: S01-001."
    )
    with time_machine.travel(noon(12, 10), tick=False):
        client.force_login(User.objects.create_superuser("manager"))
        page = client.get(f"/board/{enrolment.trial.code}/").content.decode()
    assert "Under observation until" not in page
    assert "nobody today" in page


def test_the_board_asks_as_much_of_many_as_of_few(enrolment, coordinator):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert trial_board(Trial.objects.get(), coordinator, noon(12, 10))
        return len(captured)

    bulk_enrol(enrolments=[starting(enrolment, INFUSION, number) for number in range(10, 12)], by=None)
    few = queries()
    bulk_enrol(enrolments=[starting(enrolment, INFUSION, number) for number in range(12, 30)], by=None)
    assert queries() == few


def test_the_board_of_many_shows_those_around_today_and_all_when_asked(enrolment, client, monkeypatch):
    """Three are to begin: what is not shown is counted, and the next start knows of all."""
    monkeypatch.setattr(cohort_board, "SHOWN", 1)
    days = [date(2026, 12, 14), date(2027, 3, 1), date(2027, 6, 1)]
    some = [starting(enrolment, day, number) for number, day in enumerate(days, 1)]
    bulk_enrol(enrolments=some, by=None)
    with time_machine.travel(noon(12, 10), tick=False):
        client.force_login(User.objects.create_superuser("manager"))
        few = client.get(f"/board/{enrolment.trial.code}/")
        every = client.get(f"/board/{enrolment.trial.code}/?all=1")
    assert (codes_on(few), codes_on(every)) == (["S01-001"], ["S01-001", "S01-002", "S01-003"])
    assert "2 who are to begin later are not shown." in few.content.decode()
    assert "not shown" not in every.content.decode()
    (less,), (whole,) = few.context["board"].levels, every.context["board"].levels
    assert (less.next_start, less.level) == (whole.next_start, whole.level)


def codes_on(page) -> list[str]:
    """Whom the board names in its rows."""
    return [slot.participant.subject_code for row in page.context["board"].levels for slot in row.slots]


@pytest.mark.parametrize(
    ("review", "field", "why"),
    [
        (ReviewRecord(TODAY + timedelta(days=1), True, "DMC 3"), "held_on", "in the future"),
        (ReviewRecord(TODAY, True, " "), "reference", "documented nowhere"),
    ],
)
def test_a_review_that_cannot_be_is_refused(review, field, why):
    cohort = Cohort.objects.filter(trial=a_version("NCT07331467").trial).first()
    with pytest.raises(Refused) as refused:
        record_safety_review(of=cohort, review=review, by=None, today=TODAY)
    assert set(refused.value.fields) == {field}, why
    assert not SafetyReview.objects.exists()


@pytest.fixture
def reviewed() -> Enrolment:
    """The template without dose levels, whose gate asks for a safety review as well."""
    text = library.path("CART-SLE").read_text(encoding="utf-8")
    gate = "    observation: dlt-observation\n"
    return an_enrolment(a_version(text=text.replace(gate, f"{gate}    review: true\n")))


@pytest.mark.parametrize(
    ("held_on", "opens_next", "passes", "why"),
    [
        (None, True, False, "no review is on record"),
        (OBSERVED_TO - timedelta(days=1), True, False, "reviewed before the observation had ended"),
        (OBSERVED_TO, False, False, "reviewed, and the way is not opened"),
        (OBSERVED_TO, True, True, "reviewed after the observation"),
    ],
)
def test_a_trial_without_dose_levels_is_reviewed_as_a_whole(
    reviewed, coordinator, held_on, opens_next, passes, why
):
    enrol(enrolment=reviewed, by=None)
    if held_on:
        record = ReviewRecord(held_on, opens_next, "DMC 1")
        stored = record_safety_review(of=reviewed.trial, review=record, by=coordinator, today=held_on)
        assert (stored.trial, stored.cohort) == (reviewed.trial, None)
        board = trial_board(reviewed.trial, coordinator, noon(1, 5))
        assert board
        assert board.levels[0].reviews == (stored,)
    other = starting(reviewed, date(2027, 1, 6))
    if passes:
        assert enrol(enrolment=other, by=None), why
        return
    words = "No safety review of S01-001 is on record" if opens_next else "does not let the next one begin"
    with pytest.raises(EnrolmentRefused, match=words):
        enrol(enrolment=other, by=None)


def test_a_review_of_a_level_belongs_to_its_trial_and_stands_at_that_level_alone(coordinator):
    version = a_version("NCT07331467")
    low, *_others = Cohort.objects.filter(trial=version.trial).order_by("position")
    stored = record_safety_review(
        of=low, review=ReviewRecord(TODAY, True, "DMC 1"), by=coordinator, today=TODAY
    )
    assert (stored.trial, stored.cohort) == (version.trial, low)
    board = trial_board(version.trial, coordinator, noon(12, 10))
    assert board
    assert [level.reviews for level in board.levels] == [(stored,), (), ()]


@pytest.mark.django_db(transaction=True)
def test_of_two_starts_planned_at_once_one_passes():
    """Each would pass alone: anyone who comes second meets the observation of the first."""
    text = library.path("CART-SLE").read_text(encoding="utf-8")
    one = an_enrolment(a_version(text=text))
    start, outcomes, same_day = threading.Barrier(2), [], date(2026, 12, 2)

    def plan(asked: Enrolment) -> None:
        try:
            start.wait(timeout=10)
            enrol(enrolment=asked, by=None)
            outcomes.append("enrolled")
        except EnrolmentRefused:
            outcomes.append("refused")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=plan, args=(asked,)) for asked in (one, starting(one, same_day))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(outcomes) == ["enrolled", "refused"]


def test_of_two_planned_for_one_day_the_one_who_begins_departs_from_nothing(enrolment):
    """Two planned at once, as by an import: who goes first is not said to have passed a closed gate."""
    bulk_enrol(enrolments=[starting(enrolment, date(2026, 12, 2), number) for number in (10, 11)], by=None)
    first, second = Participant.objects.order_by("pk")
    begun = RecordedAnchor("lymphodepletion-start", actual_on=date(2026, 12, 2))
    with pytest.raises(ReplanningRefused, match="meets a closed gate"):
        moved(first, INFUSION + timedelta(days=1), noon(12, 1))
    assert record_anchor(participant=first, anchor=begun, now=noon(12, 2), by=None).departures == ()
    with pytest.raises(ReplanningRefused, match="against a closed gate"):
        record_anchor(participant=second, anchor=begun, now=noon(12, 2), by=None)


@pytest.fixture
def mistaken(reviewed, coordinator) -> SafetyReview:
    """Put on record as opening the way; the minutes say that it does not."""
    enrol(enrolment=reviewed, by=None)
    record = ReviewRecord(OBSERVED_TO, True, "DMC 1")
    return record_safety_review(of=reviewed.trial, review=record, by=coordinator, today=OBSERVED_TO)


def test_a_review_that_was_recorded_wrongly_is_corrected_with_a_reason(reviewed, mistaken, coordinator):
    right = ReviewRecord(OBSERVED_TO, False, "DMC 1a")
    values = {"review": mistaken, "shown": ReviewRecord.of(mistaken).mark, "to": right, "by": coordinator}
    correct_safety_review(**values, today=OBSERVED_TO, reason="misread")
    entry = AuditEntry.objects.get(model="participants.safetyreview", action="change")
    assert (entry.actor, entry.reason) == (coordinator.username, "misread")
    with pytest.raises(EnrolmentRefused, match="does not let the next one begin"):
        enrol(enrolment=starting(reviewed, date(2027, 1, 6)), by=None)
    with pytest.raises(Refused, match="Somebody corrected it meanwhile"):
        correct_safety_review(**values, today=OBSERVED_TO, reason="misread")


@pytest.mark.parametrize(
    ("to", "reason", "field"),
    [
        (ReviewRecord(OBSERVED_TO + timedelta(days=1), True, "DMC 1"), "misread", "held_on"),
        (ReviewRecord(OBSERVED_TO, True, " "), "misread", "reference"),
        (ReviewRecord(OBSERVED_TO, False, "DMC 1"), " ", "reason"),
    ],
    ids=["in the future", "documented nowhere", "without a reason"],
)
def test_a_correction_that_cannot_be_is_refused(mistaken, to, reason, field):
    shown = ReviewRecord.of(mistaken).mark
    with pytest.raises(Refused) as refused:
        correct_safety_review(review=mistaken, shown=shown, to=to, by=None, today=OBSERVED_TO, reason=reason)
    assert set(refused.value.fields) == {field}


def test_the_second_of_two_who_correct_is_told_and_goes_on(mistaken, client):
    address = f"/board/{mistaken.trial.code}/reviews/{mistaken.pk}/"
    with time_machine.travel(noon(1, 6), tick=False):
        client.force_login(User.objects.create_superuser("manager"))
        assert address in client.get(f"/board/{mistaken.trial.code}/").content.decode()
        shown = client.get(address).context["form"]["shown_as"].value()
        typed = {"held_on": "2027-01-05", "reference": "DMC 2", "reason": "mine", "shown_as": shown}
        SafetyReview.objects.filter(pk=mistaken.pk).update(reference="DMC 1b")
        answer = client.post(address, typed)
        assert answer.status_code == 422
        assert "DMC 1b" in answer.content.decode()
        assert 'value="DMC 2"' in answer.content.decode(), "what was typed is there still"
        again = {**typed, "shown_as": answer.context["form"]["shown_as"].value()}
        assert client.post(address, again).status_code == 302
    mistaken.refresh_from_db()
    assert (mistaken.held_on, mistaken.opens_next, mistaken.reference) == (date(2027, 1, 5), False, "DMC 2")
