"""Day zero moves: shown first, committed as shown, nothing done or booked moved unseen."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from participants.domain.anchors import RecordedAnchor
from participants.models import Participant
from schedules.domain.errors import BookingsOrphaned, ReplanningRefused, ReplanningStale
from schedules.domain.plan.values import AnchorDay
from schedules.domain.reminders.rules import OF_VISITS
from schedules.domain.replanning.visit_effects import Effect
from schedules.domain.replanning.wording import change_sentence
from schedules.models import CalendarState, ChangeEvent, ProtocolWindow, Reminder, Visit
from schedules.services.enrolment.enrolling import enrol
from schedules.services.reminders.sweeping import sweep_rules
from schedules.services.replanning.moves import (
    Preview,
    Proposal,
    commit_replanning,
    preview_replanning,
    record_anchor,
    replan_many,
)
from tests.cast import INFUSION, a_version, an_enrolment
from trials.models import AuditEntry

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)


@pytest.fixture
def participant() -> Participant:
    """Of NCT07274059 with lymphodepletion, infusion planned for Monday 7 December 2026."""
    version = a_version("NCT07274059")
    return enrol(enrolment=an_enrolment(version, traits={"lymphodepletion"}), by=None)


def infusion_on(day: date) -> Proposal:
    return Proposal(anchors={"infusion": RecordedAnchor("infusion", planned_on=day)})


def shown(participant: Participant, proposal: Proposal, now: datetime = NOW) -> Preview:
    return preview_replanning(participant=participant, proposal=proposal, now=now)


def moved(participant: Participant, day: date, now: datetime = NOW, orphans: bool = False) -> Preview:
    proposal = replace(infusion_on(day), accept_unbookable=orphans)
    preview = shown(participant, proposal, now)
    return commit_replanning(
        participant=participant,
        proposal=proposal,
        digest=preview.digest,
        now=now,
        by=None,
        reason="fever",
    )


def day_of(participant: Participant, code: str) -> date:
    return Visit.objects.get(participant=participant, code=code).target


def effects(preview: Preview) -> dict[str, tuple[Effect, ...]]:
    return {change.code: change.effects for change in preview.visits}


def everything() -> list[object]:
    models = (Visit, ProtocolWindow, CalendarState, ChangeEvent, Participant, Reminder)
    return [list(model.objects.order_by("pk").values()) for model in models]


def test_a_preview_writes_nothing_and_says_what_moves(participant: Participant) -> None:
    before = everything()
    preview = shown(participant, infusion_on(date(2026, 12, 9)))
    assert everything() == before
    assert effects(preview)["d14"] == (Effect.MOVED,)
    d14 = next(change for change in preview.visits if change.code == "d14")
    assert change_sentence(d14) == ("Moves from Monday 2026-12-21 to Wednesday 2026-12-23 (+2 days).")
    stay = next(change for change in preview.windows if change.code == "stay-near-site")
    assert (stay.effect, stay.after and stay.after.ends) == (Effect.MOVED, "2027-01-06")


def test_what_is_committed_is_what_was_shown(participant: Participant) -> None:
    uids = dict(Visit.objects.values_list("code", "uid"))
    moved(participant, date(2026, 12, 9))
    assert (day_of(participant, "ld-1"), day_of(participant, "d0")) == (date(2026, 12, 4), date(2026, 12, 9))
    assert day_of(participant, "m24") == date(2028, 12, 9)
    assert dict(Visit.objects.values_list("code", "uid")) == uids, "phones must know them again"
    assert set(Visit.objects.values_list("sequence", flat=True)) == {1}
    assert CalendarState.objects.get().revision == 2
    assert ChangeEvent.objects.filter(kind="moved").count() == Visit.objects.count()
    window = ProtocolWindow.objects.get(code="stay-near-site")
    assert (window.starts_on, window.ends_on) == (date(2026, 12, 9), date(2027, 1, 6))
    entry = AuditEntry.objects.filter(model="participants.anchor", action="change").get()
    assert (entry.reason, "2026-12-09" in entry.new) == ("fever", True)


def test_a_change_in_between_refuses_the_commit_and_shows_it_again(participant: Participant) -> None:
    proposal = infusion_on(date(2026, 12, 9))
    preview = shown(participant, proposal)
    moved(participant, date(2026, 12, 10))
    with pytest.raises(ReplanningStale) as refused:
        commit_replanning(
            participant=participant,
            proposal=proposal,
            digest=preview.digest,
            now=NOW,
            by=None,
            reason="fever",
        )
    now_shown = refused.value.preview
    assert isinstance(now_shown, Preview)
    d14 = next(change for change in now_shown.visits if change.code == "d14")
    assert d14.before
    assert d14.before.target == date(2026, 12, 24)
    assert day_of(participant, "d0") == date(2026, 12, 10)


def test_a_reason_is_asked_for(participant: Participant) -> None:
    proposal = infusion_on(date(2026, 12, 9))
    digest = shown(participant, proposal).digest
    with pytest.raises(ReplanningRefused, match="Enter "):
        commit_replanning(
            participant=participant, proposal=proposal, digest=digest, now=NOW, by=None, reason=" "
        )


def test_a_booking_is_never_moved_and_named_where_the_window_left_it(participant: Participant) -> None:
    Visit.objects.filter(code="d14").update(booked_on=date(2026, 12, 21))
    with pytest.raises(BookingsOrphaned, match=r"Day 14 \(2026-12-21\)"):
        moved(participant, date(2026, 12, 14))
    assert day_of(participant, "d14") == date(2026, 12, 21)
    preview = moved(participant, date(2026, 12, 14), orphans=True)
    assert effects(preview)["d14"] == (Effect.BOOKING_OUTSIDE, Effect.MOVED)
    assert preview.visits[0].code == "d14", "the gravest comes first"
    assert Visit.objects.get(code="d14").booked_on == date(2026, 12, 21)


def test_a_screening_that_expires_names_what_must_be_repeated(participant: Participant) -> None:
    Visit.objects.filter(code="screening").update(performed_on=date(2026, 11, 10))
    preview = moved(participant, date(2026, 12, 10))
    screening = preview.visits[0]
    assert (screening.code, screening.gravest) == ("screening", Effect.EXPIRED)
    assert screening.repeat, "the activities to repeat"
    assert Visit.objects.get(code="screening").performed_on == date(2026, 11, 10)


def test_contradictory_anchors_are_refused_with_the_day_that_would_mend_it(
    participant: Participant,
) -> None:
    proposal = Proposal(
        anchors={"lymphodepletion-start": RecordedAnchor("lymphodepletion-start", date(2026, 12, 3))}
    )
    preview = shown(participant, proposal)
    assert preview.contradictions
    with pytest.raises(ReplanningRefused, match="set Start of lymphodepletion to 2026-12-02 or Infusion to"):
        commit_replanning(
            participant=participant,
            proposal=proposal,
            digest=preview.digest,
            now=NOW,
            by=None,
            reason="bed",
        )
    assert day_of(participant, "ld-1") == date(2026, 12, 2)


def test_without_the_trait_the_chemotherapy_is_cancelled_and_comes_back_with_it(
    participant: Participant,
) -> None:
    uid = Visit.objects.get(code="ld-1").uid
    for traits, effect in ((frozenset(), Effect.CANCELLED), (frozenset({"lymphodepletion"}), Effect.ADDED)):
        proposal = Proposal(traits=traits)
        preview = shown(participant, proposal)
        assert effects(preview)["ld-1"] == (effect,)
        commit_replanning(
            participant=participant,
            proposal=proposal,
            digest=preview.digest,
            now=NOW,
            by=None,
            reason="not needed",
        )
        given = Visit.objects.get(code="ld-1")
        assert (given.cancelled_on is not None, given.applies) == (not traits, bool(traits))
        assert Participant.objects.get().traits == sorted(traits)
    assert (given.uid, given.cancelled_reason) == (uid, ""), "phones must know it again"
    assert {change.effects for change in shown(participant, Proposal()).visits} == {(Effect.UNCHANGED,)}


def test_once_chemotherapy_has_begun_a_slip_is_a_hold(participant: Participant) -> None:
    """Fever on D-2: chemotherapy stays on 2 to 4 December, the rest lengthens, the infusion waits."""
    then = datetime(2026, 12, 5, 1, 0, tzinfo=UTC)
    record_anchor(
        participant=participant,
        anchor=RecordedAnchor("lymphodepletion-start", actual_on=date(2026, 12, 2)),
        now=then,
        by=None,
    )
    for number in (1, 2, 3):
        Visit.objects.filter(code=f"ld-{number}").update(performed_on=date(2026, 12, 1 + number))
    preview = moved(participant, date(2026, 12, 9), then)
    assert effects(preview)["ld-1"][0] is Effect.CHEMOTHERAPY_GIVEN
    assert [day_of(participant, f"ld-{n}") for n in (1, 2, 3)] == [date(2026, 12, n) for n in (2, 3, 4)]
    rest = Visit.objects.get(code="rest")
    assert (rest.opens, rest.closes) == (date(2026, 12, 5), date(2026, 12, 8))
    assert any(w.code == "hold" and "2 days later" in w.message for w in preview.warnings)


def test_a_day_in_the_future_cannot_have_happened(participant: Participant) -> None:
    with pytest.raises(ReplanningRefused, match="in the future: today is Saturday 2026-11-21"):
        record_anchor(
            participant=participant,
            anchor=RecordedAnchor("consent", actual_on=date(2026, 11, 22)),
            now=NOW,
            by=None,
        )


def test_reminders_of_what_moved_are_taken_back(participant: Participant) -> None:
    visit = Visit.objects.get(code="screening")
    said = {"kind": "closing", "visit": visit, "participant": participant, "due_on": date(2026, 11, 28)}
    Reminder.objects.create(key="closing:x", **said)
    moved(participant, date(2026, 12, 9))
    assert Reminder.objects.get(key="closing:x").lapsed_at == NOW


def test_what_a_new_day_makes_due_is_written_in_the_same_transaction(participant: Participant) -> None:
    Reminder.objects.all().delete()
    moved(participant, date(2026, 12, 9))
    written = set(Reminder.objects.values_list("key", flat=True))
    sweep_rules(now=NOW)
    assert set(Reminder.objects.filter(kind__in=OF_VISITS).values_list("key", flat=True)) == written


def test_queries_do_not_grow(participant: Participant) -> None:
    with CaptureQueriesContext(connection) as alone:
        shown(participant, infusion_on(date(2026, 12, 9)))
    assert len(alone) <= 18
    with CaptureQueriesContext(connection) as alone:
        moved(participant, date(2026, 12, 9))
    assert len(alone) <= 18 + 42, "shown and made true, the savepoint of the test included"
    days = {participant.pk: INFUSION}
    for number in (1, 2, 3):  # the gate wants sixty days between them
        day = INFUSION + timedelta(days=60 * number)
        anchors = {"infusion": AnchorDay(day)}
        one = an_enrolment(participant.protocol_version, subject_code=f"S02-{number}", anchors=anchors)
        days[enrol(enrolment=one, by=None).pk] = day
    counts = []
    for some in (list(days)[:1], list(days)):
        later = timedelta(days=len(some))
        proposals = {pk: infusion_on(days[pk] + later) for pk in some}
        with CaptureQueriesContext(connection) as captured:
            replan_many(ids=some, proposals=proposals, now=NOW, by=None, reason="ward closed")
        counts.append(len(captured))
    # three more where reminders of a moved visit lapse, however many they are
    assert counts[1] <= counts[0] + 1 + 3, counts
