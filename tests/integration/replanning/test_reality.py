"""What happened goes on record with a reason and becomes a deviation; planning the same is refused.

Of CART-SLE: chemotherapy on Wednesday 2 to Friday 4 December 2026, infusion planned for Monday the 7th;
the first chemotherapy is five days before the infusion.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from participants.domain.anchors import RecordedAnchor
from participants.domain.errors import ConsentRefused
from participants.domain.lifecycle import Step
from participants.models import Anchor, Consent, Participant
from schedules.domain.errors import ReplanningRefused, VisitRefused
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.domain.replanning.protocol_departures import DepartureKind, departure_sentence
from schedules.domain.replanning.visit_effects import Effect
from schedules.models import Deviation, Flag, ReadinessCheck, Visit
from schedules.selectors.windows.flags import flag_row
from schedules.services.course.status_changes import StepRequest, take_step
from schedules.services.enrolment.enrolling import enrol
from schedules.services.replanning.moves import (
    Preview,
    Proposal,
    commit_replanning,
    preview_replanning,
    record_anchor,
    replan_many,
)
from schedules.services.replanning.refusals import DepartureNeedsReason
from schedules.services.trust.consents import record_consent
from schedules.services.visits.appointments import undo_visit
from schedules.web.shared.record_words import flag_heading
from tests.cast import a_version, an_enrolment
from tests.integration.visits.test_visits import (
    CONSENT,
    INFUSION,
    at,
    conditioned,
    done,
    infused,
    visit,
)
from trials.domain.errors import DomainError
from trials.domain.stored_sentences import facts_text
from trials.formats.protocols import library
from trials.models import ConsentForm

pytestmark = pytest.mark.django_db
CHEMOTHERAPY = "lymphodepletion-start"
BECAUSE = "it could not wait"
LATER = at(12, 20)


def dec(day: int) -> date:
    return date(2026, 12, day)


@pytest.fixture
def participant() -> Participant:
    anchors = {"infusion": AnchorDay(INFUSION), "consent": AnchorDay(CONSENT, AnchorKind.ACTUAL)}
    return enrol(enrolment=an_enrolment(anchors=anchors), by=None)


@pytest.fixture
def unconsented() -> Participant:
    return enrol(enrolment=an_enrolment(subject_code="S01-002"), by=None)


def recorded(person: Participant, code: str, on: date, reason: str = "", now: datetime = LATER) -> None:
    anchor = RecordedAnchor(code, actual_on=on)
    record_anchor(participant=person, anchor=anchor, now=now, by=None, reason=reason)


def completed(person: Participant, code: str, on: date, reason: str = "", now: datetime = LATER) -> None:
    done(visit(person, code), on, now, outside_reason=reason)


def begun(person: Participant) -> None:
    """Screened on 16 November; the first chemotherapy on its day."""
    completed(person, "screening", date(2026, 11, 16), now=at(11, 16))
    completed(person, "ld-1", dec(2), now=at(12, 2))


def screened(person: Participant) -> None:
    completed(person, "screening", date(2026, 11, 16), now=at(11, 16))


def nothing(person: Participant) -> None:
    return None


def drafted(person: Participant) -> dict[str, tuple[date, int | None]]:
    """The deviations of no single visit, with their day and the days off."""
    found = Deviation.objects.filter(participant=person, visit=None, window=None, lapsed_on=None)
    return {one.kind: (one.occurred_on, one.days) for one in found}


def flagged(person: Participant) -> str:
    found = Flag.objects.filter(participant=person, kind="replan", cleared_at=None).first()
    return found.message if found else ""


@dataclass(frozen=True)
class Happened:
    """Something that happened: after what, who records it how, what is asked, what is drafted and flagged."""

    why: str
    before: Callable[[Participant], None]
    act: Callable[..., None]
    what: tuple[str, date]
    asks: str
    drafts: dict[str, tuple[date, int | None]]
    flags: str = ""


HAPPENED = [
    Happened(
        "the rest was cut short: the infusion a day before the block allows",
        conditioned, completed, ("d0", dec(6)),
        "This breaks the block: Infusion on Sunday 2026-12-06 is 1 day earlier",
        {"block-broken": (dec(6), -1)},
    ),
    Happened(
        "the same by its anchor, without the visit",
        begun, recorded, ("infusion", dec(4)),
        "is 3 days earlier than the protocol puts it",
        {"block-broken": (dec(4), -3)},
    ),
    Happened(
        "the infusion on the very day of the first chemotherapy: grave, not impossible",
        begun, recorded, ("infusion", dec(2)),
        "is 5 days earlier",
        {"block-broken": (dec(2), -5)},
    ),
    Happened(
        "chemotherapy a day late: the planned infusion is too near now, and is planned anew by a person",
        screened, completed, ("ld-1", dec(3)),
        "Infusion on Monday 2026-12-07 no longer fits Start of lymphodepletion on Thursday 2026-12-03",
        {}, "Tuesday 2026-12-08 would fit",
    ),
    Happened(
        "the infusion was given while chemotherapy stands planned for later: nobody gave it, or nobody said",
        lambda person: moved_chemotherapy_and_infusion_on(person, dec(14)), recorded, ("infusion", dec(8)),
        "no longer fits Infusion on Tuesday 2026-12-08",
        {}, "no longer fits Infusion on Tuesday 2026-12-08",
    ),
    Happened(
        "screening after the first chemotherapy: grave, and it is what happened",
        lambda person: recorded(person, CHEMOTHERAPY, dec(2), BECAUSE), completed, ("screening", dec(3)),
        "This turns the order round: Screening on Thursday 2026-12-03 is after",
        {"order": (dec(3), None)},
    ),
]  # fmt: skip


def moved_chemotherapy_and_infusion_on(person: Participant, day: date) -> None:
    """Infusion planned for a day, chemotherapy set by hand to its place five days before."""
    for code, on in (("infusion", day), (CHEMOTHERAPY, day - timedelta(days=5))):
        record_anchor(participant=person, anchor=RecordedAnchor(code, on), now=at(11, 21), by=None)


@pytest.mark.parametrize("case", HAPPENED, ids=[case.why for case in HAPPENED])
def test_what_happened_is_asked_about_recorded_and_becomes_a_deviation(
    participant: Participant, case: Happened
) -> None:
    case.before(participant)
    stood = drafted(participant)
    with pytest.raises((VisitRefused, DepartureNeedsReason)) as asked, transaction.atomic():
        case.act(participant, *case.what)
    assert case.asks in str(asked.value), case.why
    assert "Enter why it happened" in str(asked.value)
    preview = asked.value.preview
    assert isinstance(preview, Preview), "what would follow is shown before it is so"
    assert drafted(participant) == stood, "asking writes nothing"
    case.act(participant, *case.what, reason=BECAUSE)
    assert drafted(participant) == stood | case.drafts, case.why
    assert case.flags in flagged(participant)
    assert bool(case.flags) is bool(flagged(participant))
    for kind in case.drafts:
        facts = Deviation.objects.get(participant=participant, kind=kind, visit=None).facts
        assert facts_text(facts).endswith(f"Reason given: {BECAUSE}")


REFUSED = [
    ("tomorrow", conditioned, completed, ("d0", dec(21)), "is in the future: today is Sunday 2026-12-20"),
    ("an anchor of tomorrow", conditioned, recorded, ("infusion", dec(21)),
     "Infusion on Monday 2026-12-21 is in the future"),
    ("before the consent", nothing, recorded, ("infusion", CONSENT - timedelta(days=1)),
     "No infusion before consent"),
    ("before the first chemotherapy", begun, recorded, ("infusion", dec(1)), "does not fit"),
    ("before the last chemotherapy", conditioned, completed, ("d0", dec(3)), "is too early"),
    ("chemotherapy after the infusion that was given", infused, recorded, (CHEMOTHERAPY, dec(8)),
     "does not fit"),
    ("screening after the infusion that was given",
     lambda person: recorded(person, "infusion", dec(7), BECAUSE), completed, ("screening", dec(8)),
     "which follows it"),
]  # fmt: skip


@pytest.mark.parametrize(("why", "before", "act", "what", "says"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_cannot_have_been_is_refused_whatever_the_reason(
    participant: Participant, why: str, before: Any, act: Any, what: tuple[str, date], says: str
) -> None:
    before(participant)
    with pytest.raises(DomainError, match=says):
        act(participant, *what, reason=BECAUSE)


PLANNED = [
    ("an infusion too near to the chemotherapy that was given", begun, "infusion", dec(6)),
    ("chemotherapy that begins too late for the planned infusion", screened, CHEMOTHERAPY, dec(3)),
]


@pytest.mark.parametrize(("why", "before", "code", "on"), PLANNED, ids=[row[0] for row in PLANNED])
def test_planning_the_same_is_refused(
    participant: Participant, why: str, before: Any, code: str, on: date
) -> None:
    before(participant)
    proposal = Proposal(anchors={code: RecordedAnchor(code, planned_on=on)})
    with pytest.raises(ReplanningRefused, match="does not fit"):
        committed(participant, proposal)


def committed(person: Participant, proposal: Proposal, now: datetime = LATER) -> Preview:
    shown = preview_replanning(participant=person, proposal=proposal, now=now)
    return commit_replanning(
        participant=person, proposal=proposal, digest=shown.digest, now=now, by=None, reason=BECAUSE
    )


def test_the_preview_says_it_first_and_the_gravest_first(participant: Participant) -> None:
    conditioned(participant)
    proposal = Proposal(anchors={"infusion": RecordedAnchor("infusion", INFUSION, None, dec(6), None)})
    preview = committed(participant, proposal)
    (departure,) = preview.departures
    assert (departure.kind, departure.days) == (DepartureKind.BLOCK, -1)
    said = departure_sentence(departure, preview.plan.protocol, ahead=True)
    assert said.endswith("A deviation will be drafted.")
    assert preview.visits[0].gravest is Effect.BLOCK_BROKEN
    assert drafted(participant) == {"block-broken": (dec(6), -1)}
    assert Anchor.objects.get(participant=participant, code="infusion").actual_on == dec(6)


def test_what_is_taken_back_no_longer_stands(participant: Participant) -> None:
    conditioned(participant)
    completed(participant, "d0", dec(6), BECAUSE, now=at(12, 6))
    given = visit(participant, "d0")
    undo_visit(visit=given, version=given.version, by=None, reason="wrong chart", now=at(12, 7))
    one = Deviation.objects.get(participant=participant, kind="block-broken", visit=None)
    assert (one.lapsed_on, one.lapsed_because) == (dec(7), "taken-back")
    completed(participant, "d0", dec(6), BECAUSE, now=at(12, 8))
    assert drafted(participant) == {"block-broken": (dec(6), -1)}, "one row, brought back"


def test_a_day_that_is_corrected_keeps_the_block_after_all(participant: Participant) -> None:
    conditioned(participant)
    recorded(participant, "infusion", dec(6), BECAUSE)
    recorded(participant, "infusion", dec(7), "the chart says so")
    one = Deviation.objects.get(participant=participant, kind="block-broken", visit=None)
    assert one.lapsed_because == "kept"


def test_what_no_longer_fits_holds_nothing_else_up_and_is_planned_anew(participant: Participant) -> None:
    """Chemotherapy on the 3rd leaves the infusion of the 7th: other changes pass, the 8th mends it."""
    screened(participant)
    completed(participant, "ld-1", dec(3), BECAUSE, now=at(12, 3))
    replan_many(ids=[participant.pk], proposals={}, now=at(12, 3), by=None, reason="holidays")
    row = flag_row(Flag.objects.get(participant=participant, kind="replan"), at(12, 3))
    assert flag_heading(row.flag) == "A planned day no longer fits"
    (said,) = row.words
    assert said.endswith("plan it again. Tuesday 2026-12-08 would fit.")
    with pytest.raises(ReplanningRefused, match="does not fit"):
        committed(participant, Proposal(anchors={"infusion": RecordedAnchor("infusion", dec(6))}), at(12, 3))
    committed(participant, Proposal(anchors={"infusion": RecordedAnchor("infusion", dec(8))}), at(12, 3))
    assert flagged(participant) == ""
    assert visit(participant, "d0").target == dec(8)
    assert drafted(participant) == {}


def test_taking_the_late_chemotherapy_back_clears_the_flag(participant: Participant) -> None:
    screened(participant)
    completed(participant, "ld-1", dec(3), BECAUSE, now=at(12, 3))
    first = visit(participant, "ld-1")
    undo_visit(visit=first, version=first.version, by=None, reason="wrong chart", now=at(12, 3))
    assert flagged(participant) == ""


def test_an_infusion_without_any_consent_is_refused(unconsented: Participant) -> None:
    with pytest.raises(ReplanningRefused, match="No infusion before consent"):
        recorded(unconsented, "infusion", dec(7), BECAUSE)


def test_a_consent_after_the_screening_is_a_deviation(unconsented: Participant) -> None:
    """Screened on 16 November, consent signed on the 20th: GCP's gravest disorder, and it happens."""
    screened(unconsented)
    with pytest.raises(DepartureNeedsReason, match="order round: Consent on Friday 2026-11-20"):
        recorded(unconsented, "consent", date(2026, 11, 20))
    recorded(unconsented, "consent", date(2026, 11, 20), "the form was found afterwards")
    assert drafted(unconsented) == {"order": (date(2026, 11, 20), None)}


def test_the_consent_itself_is_recorded_with_a_reason(unconsented: Participant) -> None:
    screened(unconsented)
    version, day = unconsented.protocol_version, date(2026, 11, 20)
    edition = ConsentForm.objects.create(trial=version.trial, version="1", effective_on=date(2026, 1, 1))

    def consented(reason: str = "") -> Consent:
        return record_consent(
            participant=unconsented, form=edition, signed_on=day, now=LATER, by=None, reason=reason
        )

    with pytest.raises(ConsentRefused, match="This turns the order round") as asked, transaction.atomic():
        consented()
    assert set(asked.value.fields) == {"reason"}
    assert not Consent.objects.exists()
    consented("the form was found afterwards")
    assert drafted(unconsented) == {"order": (day, None)}


# --- gates ---------------------------------------------------------------------------------------
def gated(day: date, number: int) -> Participant:
    """Of the template as it ships; the infusion of the first is observed to Monday 4 January 2027."""
    version = a_version(text=library.path("CART-SLE").read_text(encoding="utf-8"))
    anchors = {"infusion": AnchorDay(day), "consent": AnchorDay(CONSENT, AnchorKind.ACTUAL)}
    asked = an_enrolment(version, anchors=anchors, subject_code=f"S01-{number:03}")
    return enrol(enrolment=replace(asked), by=None)


@pytest.mark.parametrize("act", [recorded, completed], ids=["the anchor", "the visit"])
def test_a_first_chemotherapy_against_a_closed_gate_happened_and_becomes_a_deviation(act: Any) -> None:
    """The gate opens on 5 January 2027; chemotherapy for somebody planned then was given on 4 January."""
    gated(INFUSION, 1)
    later = gated(date(2027, 1, 10), 2)
    code, given = CHEMOTHERAPY if act is recorded else "ld-1", date(2027, 1, 4)
    now = at(1, 4, 10, 2027)
    with pytest.raises((VisitRefused, DepartureNeedsReason)) as asked, transaction.atomic():
        act(later, code, given, now=now)
    assert "against a closed gate" in str(asked.value)
    assert "observed until Monday 2027-01-04: S01-001" in str(asked.value)
    assert not ReadinessCheck.objects.exists()
    act(later, code, given, BECAUSE, now=now)
    gate = Deviation.objects.get(participant=later, kind="gate")
    assert (gate.occurred_on, gate.actual_on) == (given, given)
    assert "observed until Monday 2027-01-04: S01-001" in facts_text(gate.facts)
    assert ReadinessCheck.objects.get(participant=later).verdicts["reason"] == BECAUSE
    first = Visit.objects.get(participant=later, code="ld-1")
    if act is completed:
        undo_visit(visit=first, version=first.version, by=None, reason="wrong chart", now=now)
        gate.refresh_from_db()
        assert gate.lapsed_because == "taken-back"


def corrected(person: Participant, on: date | None, hour: datetime | None = None) -> None:
    proposal = Proposal(anchors={"infusion": RecordedAnchor("infusion", INFUSION, None, on, hour)})
    shown = preview_replanning(participant=person, proposal=proposal, now=LATER)
    values = {"participant": person, "proposal": proposal, "digest": shown.digest, "now": LATER}
    commit_replanning(**values, by=None, reason="wrong chart")


def test_a_corrected_anchor_corrects_the_visit_that_put_it_on_record(participant: Participant) -> None:
    """The infusion was on the 8th, found when D14 was done: neither is withdrawn, nothing contradicts."""
    begun(participant)
    completed(participant, "d0", dec(7), now=at(12, 7))
    completed(participant, "d14", dec(21), now=at(12, 21))
    corrected(participant, dec(8))
    assert Anchor.objects.get(participant=participant, code="infusion").actual_on == dec(8)
    assert visit(participant, "d0").performed_on == dec(8)
    d14 = visit(participant, "d14")
    assert (d14.target, d14.performed_on) == (dec(22), dec(21)), "judged by the day that is right"
    assert not Deviation.objects.filter(visit__code="d0", lapsed_on=None).exists()


def test_a_corrected_hour_is_the_visit_s_too(participant: Participant) -> None:
    begun(participant)
    completed(participant, "d0", dec(7), now=at(12, 7))
    corrected(participant, dec(7), at(12, 7))
    assert visit(participant, "d0").performed_at == at(12, 7)


def test_a_day_that_a_visit_stands_for_is_not_taken_away_among_the_anchors(participant: Participant) -> None:
    begun(participant)
    completed(participant, "d0", dec(7), now=at(12, 7))
    with pytest.raises(ReplanningRefused, match="take the visit back instead"):
        corrected(participant, None)
    assert visit(participant, "d0").performed_on == dec(7)


def test_nothing_is_planned_again_of_a_course_that_is_over(participant: Participant) -> None:
    """The end cleared the flag, and the next plan of the site raised it again."""
    screened(participant)
    completed(participant, "ld-1", dec(3), BECAUSE, now=at(12, 3))
    assert flagged(participant)
    participant.refresh_from_db()
    request = StepRequest(Step.NEVER_INFUSED, dec(4))
    take_step(
        participant=participant,
        version=participant.version,
        request=request,
        by=None,
        reason="fever",
        now=at(12, 4),
    )
    assert flagged(participant) == ""
    replan_many(ids=[participant.pk], proposals={}, now=at(12, 4), by=None, reason="holidays")
    assert flagged(participant) == ""
