"""The life of a visit: booked, done, missed, cancelled, undone; each seen by feeds, readers and the trail."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from participants.domain.anchors import RecordedAnchor
from participants.models import Anchor, Participant
from schedules.domain.errors import VisitRefused
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.domain.visits.values import Answer, Booking, Completion
from schedules.models import CalendarState, ChangeEvent, ProtocolWindow, Visit, VisitActivity
from schedules.services.enrolment.enrolling import enrol
from schedules.services.replanning.moves import record_anchor
from schedules.services.visits.appointments import (
    book_visit,
    cancel_visit,
    complete_visit,
    miss_visit,
    record_arrival,
    unbook_visit,
    undo_visit,
    withdraw_arrival,
)
from tests.cast import a_version, an_enrolment
from trials.domain.errors import Stale
from trials.models import AuditEntry, User

pytestmark = pytest.mark.django_db

# Monday 7 December 2026 is day zero: chemotherapy on 2, 3 and 4 December, D28 on Monday 4 January 2027
# (1 to 7 January), screening from 9 November to 1 December.
INFUSION = date(2026, 12, 7)
CONSENT = date(2026, 11, 3)


def at(month: int, day: int, hour: int = 10, year: int = 2026) -> datetime:
    """Ten in the morning in Shanghai, unless told otherwise."""
    return datetime(year, month, day, hour - 8, 0, tzinfo=UTC)


@pytest.fixture
def participant() -> Participant:
    anchors = {"infusion": AnchorDay(INFUSION), "consent": AnchorDay(CONSENT, AnchorKind.ACTUAL)}
    return enrol(enrolment=an_enrolment(anchors=anchors), by=None)


def visit(participant: Participant, code: str) -> Visit:
    return Visit.objects.get(participant=participant, code=code, cancelled_by=None)


def done(visit: Visit, on: date, now: datetime, **values: Any) -> Visit:
    """Complete a visit with every activity done."""
    completion = Completion(on, **{"activities": None, **values})
    return complete_visit(visit=visit, version=visit.version, completion=completion, by=None, now=now)


def conditioned(participant: Participant) -> None:
    """Screened on 16 November, chemotherapy on the three days."""
    done(visit(participant, "screening"), date(2026, 11, 16), at(11, 16))
    for number in (1, 2, 3):
        done(visit(participant, f"ld-{number}"), date(2026, 12, 1 + number), at(12, 1 + number))


def infused(participant: Participant) -> None:
    conditioned(participant)
    done(visit(participant, "rest"), date(2026, 12, 6), at(12, 6))
    done(visit(participant, "d0"), INFUSION, at(12, 7, 14))


def refusal(act: Any) -> dict[str, tuple[str, ...]]:
    with pytest.raises(VisitRefused) as refused:
        act()
    return refused.value.fields


# --- every write is seen -------------------------------------------------------------------------
def test_a_booking_is_seen_by_everybody(participant: Participant) -> None:
    user = User.objects.create_user("coordinator")
    shown = visit(participant, "d28")
    revision = CalendarState.objects.get().revision
    hours = Booking(date(2027, 1, 5), at(1, 5, 9, 2027), at(1, 5, 11, 2027), "Room 4")
    book_visit(visit=shown, version=shown.version, booking=hours, by=user, now=at(11, 21))
    stored = visit(participant, "d28")
    assert (stored.booked_on, stored.booked_start, stored.booked_place) == (hours.on, hours.start, "Room 4")
    assert (stored.version, stored.sequence) == (shown.version + 1, shown.sequence + 1)
    assert stored.changed_at == at(11, 21)
    assert CalendarState.objects.get().revision == revision + 1
    told = ChangeEvent.objects.filter(record="").values_list("kind", "visit")
    assert list(told) == [("booked", stored.pk)]
    entry = AuditEntry.objects.filter(model="schedules.visit", action="change").latest("id")
    assert (entry.actor, json.loads(entry.new)["booked_on"]) == ("coordinator", "2027-01-05")


def test_a_booking_moves_and_is_given_up_with_a_reason(participant: Participant) -> None:
    shown = visit(participant, "d28")

    def book(day: date, reason: str = "") -> Visit:
        stored = visit(participant, "d28")
        return book_visit(
            visit=stored, version=stored.version, booking=Booking(day), by=None, reason=reason, now=at(11, 21)
        )

    book(date(2027, 1, 5))
    assert "reason" in refusal(lambda: book(date(2027, 1, 6)))
    moved = book(date(2027, 1, 6), "the lift is out of order")
    assert moved.booked_on == date(2027, 1, 6)
    assert "reason" in refusal(
        lambda: unbook_visit(visit=moved, version=moved.version, by=None, reason=" ", now=at(11, 21))
    )
    free = unbook_visit(visit=moved, version=moved.version, by=None, reason="travels", now=at(11, 21))
    assert (free.booked_on, free.version) == (None, shown.version + 3)


def test_the_second_of_two_is_refused_and_loses_nothing(participant: Participant) -> None:
    shown = visit(participant, "d28")
    book_visit(visit=shown, version=shown.version, booking=Booking(date(2027, 1, 5)), by=None, now=at(11, 21))
    with pytest.raises(Stale) as stale:
        cancel_visit(visit=shown, version=shown.version, by=None, reason="moved away", now=at(11, 21))
    assert (stale.value.shown, stale.value.version) == (shown.version, shown.version + 1)
    assert visit(participant, "d28").cancelled_on is None


# --- done ----------------------------------------------------------------------------------------
def test_chemotherapy_and_infusion_set_their_anchors(participant: Participant) -> None:
    conditioned(participant)
    anchors = {a.code: a for a in Anchor.objects.filter(participant=participant)}
    assert anchors["lymphodepletion-start"].actual_on == date(2026, 12, 2)
    assert anchors["infusion"].actual_on is None
    done(visit(participant, "d0"), INFUSION, at(12, 7, 14), at=at(12, 7, 11))
    infusion = Anchor.objects.get(participant=participant, code="infusion")
    assert (infusion.actual_on, infusion.actual_at, infusion.planned_on) == (
        INFUSION,
        at(12, 7, 11),
        INFUSION,
    )
    assert visit(participant, "d28").anchor_kind == "actual"


def test_a_late_infusion_moves_what_counts_from_it(participant: Participant) -> None:
    """Fever: the infusion comes two days later than planned, on Wednesday 9 December."""
    conditioned(participant)
    held = visit(participant, "d0")
    done(held, date(2026, 12, 9), at(12, 9), outside_reason="fever on D-2")
    after = visit(participant, "d28")
    assert (after.opens, after.target, after.closes) == (
        date(2027, 1, 3), date(2027, 1, 6), date(2027, 1, 9),
    )  # fmt: skip
    given = visit(participant, "d0")
    assert (given.target, given.performed_on, given.outside_reason) == (
        date(2026, 12, 9), date(2026, 12, 9), "fever on D-2",
    )  # fmt: skip


def test_a_visit_that_moves_nothing_is_saved_without_a_preview(participant: Participant) -> None:
    conditioned(participant)
    assert done(visit(participant, "d0"), INFUSION, at(12, 7, 14), seen="").performed_on == INFUSION


def test_activities_are_done_or_have_a_reason() -> None:
    participant = enrol(enrolment=an_enrolment(a_version("NCT07193667")), by=None)
    shown = visit(participant, "screening")
    asked = ["eligibility", "blood-count"]  # and a pregnancy test where one is possible

    def complete(answers: dict[str, Answer]) -> Visit:
        return done(shown, date(2026, 11, 16), at(11, 16), activities=answers)

    assert f"activity-{asked[0]}" in refusal(lambda: complete({}))
    assert f"activity-{asked[0]}" in refusal(lambda: complete(dict.fromkeys(asked, Answer(done=False))))
    complete(dict.fromkeys(asked, Answer(done=False, reason="the laboratory is closed")))
    rows = VisitActivity.objects.filter(visit=shown)
    assert {(row.code, row.done, row.reason) for row in rows} == {
        (code, False, "the laboratory is closed") for code in asked
    }


def test_undoing_an_infusion_gives_the_anchor_its_planned_day_back(participant: Participant) -> None:
    infused(participant)
    given = visit(participant, "d0")
    assert "reason" in refusal(
        lambda: undo_visit(visit=given, version=given.version, by=None, reason="", now=at(12, 8))
    )
    undo_visit(visit=given, version=given.version, by=None, reason="of another participant", now=at(12, 8))
    infusion = Anchor.objects.get(participant=participant, code="infusion")
    assert (infusion.planned_on, infusion.actual_on) == (INFUSION, None)
    assert visit(participant, "d0").performed_on is None
    assert visit(participant, "d28").anchor_kind == "planned"
    assert AuditEntry.objects.filter(reason="of another participant", model="schedules.visit").exists()


def test_undoing_a_late_infusion_plans_it_for_the_day_before_it_was_late(participant: Participant) -> None:
    conditioned(participant)
    late = done(visit(participant, "d0"), date(2026, 12, 9), at(12, 9), outside_reason="fever on D-2")
    undo_visit(visit=late, version=late.version, by=None, reason="of another participant", now=at(12, 10))
    infusion = Anchor.objects.get(participant=participant, code="infusion")
    assert (infusion.planned_on, infusion.actual_on) == (INFUSION, None)


def test_undoing_a_day_that_nobody_had_planned_leaves_it_planned_for_that_day(
    participant: Participant,
) -> None:
    infused(participant)
    Anchor.objects.filter(participant=participant, code="infusion").update(planned_on=None, planned_at=None)
    given = visit(participant, "d0")
    undo_visit(visit=given, version=given.version, by=None, reason="of another participant", now=at(12, 8))
    infusion = Anchor.objects.get(participant=participant, code="infusion")
    assert (infusion.planned_on, infusion.actual_on) == (INFUSION, None)


def test_undoing_the_first_chemotherapy_lets_its_anchor_follow_again(participant: Participant) -> None:
    done(visit(participant, "screening"), date(2026, 11, 16), at(11, 16))
    first = done(visit(participant, "ld-1"), date(2026, 12, 2), at(12, 2))
    undo_visit(visit=first, version=first.version, by=None, reason="wrong chart", now=at(12, 3))
    assert not Anchor.objects.filter(participant=participant, code="lymphodepletion-start").exists()
    assert visit(participant, "ld-1").anchor_kind == "derived"


def test_what_hangs_on_a_visit_is_undone_first(participant: Participant) -> None:
    infused(participant)
    done(visit(participant, "d14"), date(2026, 12, 21), at(12, 21))
    given = visit(participant, "d0")
    fields = refusal(
        lambda: undo_visit(visit=given, version=given.version, by=None, reason="x", now=at(12, 22))
    )
    assert "Day 14 was done on Monday 2026-12-21" in fields[""][0]


# --- arrived ---------------------------------------------------------------------------------------
def test_an_arrival_is_recorded_once_and_undone_with_a_reason(participant: Participant) -> None:
    shown = record_arrival(visit=visit(participant, "d14"), version=1, by=None, now=at(12, 21))
    assert (shown.arrived_on, shown.arrived_at) == (date(2026, 12, 21), at(12, 21))
    again = {"visit": shown, "by": None, "now": at(12, 21)}
    assert "recorded already" in refusal(lambda: record_arrival(version=shown.version, **again))[""][0]
    with pytest.raises(Stale):
        record_arrival(version=1, **again)
    assert "reason" in refusal(lambda: withdraw_arrival(version=shown.version, reason=" ", **again))
    gone = withdraw_arrival(version=shown.version, reason="of another participant", **again)
    assert (gone.arrived_on, gone.arrived_at) == (None, None)
    assert AuditEntry.objects.filter(reason="of another participant", model="schedules.visit").exists()
    refused = refusal(lambda: withdraw_arrival(version=gone.version, reason="x", **again))
    assert "No arrival is recorded" in refused[""][0]


def test_who_arrived_is_done_with_the_arrival_kept(participant: Participant) -> None:
    infused(participant)
    shown = visit(participant, "d14")
    shown = record_arrival(visit=shown, version=shown.version, by=None, now=at(12, 21))
    seen = done(shown, date(2026, 12, 21), at(12, 21))
    assert (seen.arrived_on, seen.performed_on) == (date(2026, 12, 21),) * 2
    with pytest.raises(VisitRefused):
        record_arrival(visit=seen, version=seen.version, by=None, now=at(12, 22))


# --- missed and cancelled ------------------------------------------------------------------------
@pytest.mark.parametrize(("service", "field"), [(miss_visit, "missed_on"), (cancel_visit, "cancelled_on")])
def test_an_ended_visit_can_be_taken_up_again(participant: Participant, service: Any, field: str) -> None:
    shown = visit(participant, "d14")
    now = at(12, 21)
    assert "reason" in refusal(
        lambda: service(visit=shown, version=shown.version, by=None, reason=" ", now=now)
    )
    ended = service(visit=shown, version=shown.version, by=None, reason="in another hospital", now=now)
    assert getattr(ended, field) == date(2026, 12, 21)
    fields = refusal(
        lambda: book_visit(
            visit=ended, version=ended.version, booking=Booking(date(2026, 12, 22)), by=None, now=now
        )
    )
    assert "undo that first" in fields[""][0]
    back = undo_visit(visit=ended, version=ended.version, by=None, reason="came after all", now=now)
    assert getattr(back, field) is None


def book_outside(shown: Visit) -> Visit:
    """Book day 14 on 28 December, four days after its window has closed."""
    booking = Booking(date(2026, 12, 28))
    said = {"by": None, "reason": "travels at Christmas", "now": at(12, 21)}
    return book_visit(visit=shown, version=shown.version, booking=booking, **said)


def undone(ended: Visit, now: datetime) -> Visit:
    return undo_visit(visit=ended, version=ended.version, by=None, reason="came after all", now=now)


@pytest.mark.parametrize("service", [miss_visit, cancel_visit])
def test_a_visit_taken_up_again_is_booked_outside_its_window_as_before(
    participant: Participant, service: Any
) -> None:
    shown = book_outside(visit(participant, "d14"))
    ended = service(visit=shown, version=shown.version, by=None, reason="fell ill", now=at(12, 21))
    assert undone(ended, at(12, 21)).outside_reason == "travels at Christmas"


@pytest.mark.parametrize(
    ("on", "reason"), [(date(2026, 12, 28), "travelled"), (date(2026, 12, 21), ""), (date(2026, 12, 28), "")]
)
def test_a_visit_that_was_not_done_is_booked_outside_its_window_as_before(
    participant: Participant, on: date, reason: str
) -> None:
    infused(participant)
    shown, reason = book_outside(visit(participant, "d14")), reason or "travels at Christmas"
    seen = done(shown, on, at(12, 28), outside_reason=reason)
    back = undone(seen, at(12, 29))
    assert (back.booked_on, back.outside_reason) == (date(2026, 12, 28), "travels at Christmas")
    again = done(back, on, at(12, 29), outside_reason=reason)
    assert undone(again, at(12, 29)).outside_reason == "travels at Christmas", "and a second time"


def test_a_booking_is_asked_about_again_where_its_window_moved_while_the_visit_was_done(
    participant: Participant,
) -> None:
    infused(participant)
    seen = done(book_outside(visit(participant, "d14")), date(2026, 12, 28), at(12, 28), outside_reason="x")
    corrected = RecordedAnchor("infusion", actual_on=date(2026, 12, 8))
    said = {"by": None, "reason": "wrong chart", "now": at(12, 29)}
    record_anchor(participant=participant, anchor=corrected, **said)
    seen.refresh_from_db()
    assert undone(seen, at(12, 29)).outside_reason == ""


def test_nothing_is_missed_before_its_window_opens(participant: Participant) -> None:
    shown = visit(participant, "d28")
    fields = refusal(
        lambda: miss_visit(visit=shown, version=shown.version, by=None, reason="travels", now=at(12, 21))
    )
    assert "opens on Friday 2027-01-01" in fields[""][0]


# --- what cannot have been, in a participant whose chemotherapy was given -------------------------
@pytest.mark.parametrize(
    ("code", "on", "now", "message", "why"),
    [
        ("d0", (2026, 12, 8), at(12, 7), "is in the future", "the eve of the day itself"),
        ("d0", (2026, 12, 3), at(12, 7), "too early", "the infusion before the last chemotherapy"),
        ("d14", (2026, 12, 8), at(12, 8, 9), "Enter a reason", "two weeks early: possible, with a reason"),
    ],
)
def test_refused_days(participant, code, on, now, message, why) -> None:
    conditioned(participant)
    shown = visit(participant, code)
    words = " ".join(m for ms in refusal(lambda: done(shown, date(*on), now)).values() for m in ms)
    assert message in words, why


def test_the_site_s_day_decides(participant: Participant) -> None:
    """At 01:00 of 2 December in Shanghai it is still 1 December in UTC."""
    done(visit(participant, "screening"), date(2026, 11, 16), at(11, 16))
    now = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
    assert done(visit(participant, "ld-1"), date(2026, 12, 2), now).performed_on == date(2026, 12, 2)


def test_no_infusion_before_consent(participant: Participant) -> None:
    conditioned(participant)
    Anchor.objects.filter(participant=participant, code="consent").delete()
    fields = refusal(lambda: done(visit(participant, "d0"), INFUSION, at(12, 7)))
    assert "No infusion before consent" in fields["on"][0]


def test_a_block_is_not_taken_apart_by_a_booking(participant: Participant) -> None:
    shown = visit(participant, "d0")
    fields = refusal(
        lambda: book_visit(
            visit=shown,
            version=shown.version,
            booking=Booking(INFUSION + timedelta(days=1)),
            by=None,
            reason="the theatre is busy",
            now=at(11, 21),
        )
    )
    assert "block that never moves by itself" in fields["on"][0]


def test_an_infusion_on_record_for_another_day_is_corrected_first(participant: Participant) -> None:
    conditioned(participant)
    from schedules.services.replanning.moves import record_anchor

    record_anchor(
        participant=participant,
        anchor=RecordedAnchor("infusion", actual_on=INFUSION),
        now=at(12, 8),
        by=None,
        reason="",
    )
    shown = visit(participant, "d0")
    fields = refusal(lambda: done(shown, date(2026, 12, 8), at(12, 8), outside_reason="x"))
    assert "on record for Monday 2026-12-07" in fields["on"][0]


def test_a_window_counts_from_the_day_of_an_activity() -> None:
    """No colony-stimulating factor for two weeks before the blood count of 16 November."""
    participant = enrol(enrolment=an_enrolment(a_version("NCT07193667")), by=None)
    answers = dict.fromkeys(["eligibility", "blood-count"], Answer(done=True))
    done(visit(participant, "screening"), date(2026, 11, 16), at(11, 16), activities=answers)
    washout = ProtocolWindow.objects.get(participant=participant, code="csf-washout")
    assert (washout.starts_on, washout.ends_on) == (date(2026, 11, 2), date(2026, 11, 16))
    seen = visit(participant, "screening")
    undo_visit(visit=seen, version=seen.version, by=None, reason="wrong chart", now=at(11, 17))
    washout.refresh_from_db()
    assert washout.ends_on is None
