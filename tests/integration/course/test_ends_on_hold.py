"""A course that ends on hold: what waited for the infusion ends with it, whatever its old window says."""

from __future__ import annotations

from datetime import date

import pytest

from participants.domain.lifecycle import MOVES, Phase, Step
from participants.models import Participant
from schedules.domain.visits.status import Appointment, appointment
from schedules.models import CalendarState, Deviation, Flag, Visit
from schedules.selectors.store.stored_visits import record_of
from schedules.selectors.today.worklist import Wanted, worklist
from schedules.services.course.holds import hold_infusion, sweep_holds
from schedules.services.course.status_changes import StepRequest, take_step, undo_last_step
from schedules.services.deviations.classification import sweep_unrecorded
from tests.integration.course.test_holds import acted, participant  # noqa: F401
from tests.integration.visits.test_visits import at
from trials.models import User

pytestmark = pytest.mark.django_db
ENDS = sorted(
    step for step, move in MOVES.items() if Phase.ON_HOLD in move.after and step is not Step.RESUMPTION
)
"""Every end that can follow a hold."""


@pytest.mark.parametrize("step", ENDS)
def test_what_is_on_hold_ends_with_the_course(participant: Participant, step: Step) -> None:  # noqa: F811
    """Fever on 5 December, for an infusion on the 7th; on the 20th the course ends."""
    acted(hold_infusion, participant, on=date(2026, 12, 5), now=at(12, 5))
    later = at(12, 20)
    sweep_unrecorded(now=later)
    sweep_holds(now=later)
    assert Flag.objects.filter(kind="hold", cleared_at=None).exists()
    before = CalendarState.objects.get(participant=participant).revision
    participant.refresh_from_db()
    request = StepRequest(step, date(2026, 12, 20), seen_by=date(2027, 1, 10))
    take_step(
        participant=participant,
        version=participant.version,
        request=request,
        by=None,
        reason="fever",
        now=later,
    )
    for code in ("rest", "d0"):
        visit = Visit.objects.get(participant=participant, code=code)
        assert visit.cancelled_on == date(2026, 12, 20), code
        assert visit.held_on is None
        assert appointment(record_of(visit), date(2026, 12, 21)) is Appointment.CANCELLED
    assert not Flag.objects.filter(kind="hold", cleared_at=None).exists(), "nobody waits"
    sweep_unrecorded(now=at(12, 21))
    assert not Deviation.objects.filter(kind="unrecorded", withdrawn_on=None, lapsed_on=None).exists()
    assert CalendarState.objects.get(participant=participant).revision > before
    rows = worklist(User.objects.create_superuser("anna"), at(12, 21), Wanted()).rows
    assert not {row.line.pk for row in rows} & {
        visit.pk for visit in Visit.objects.filter(code__in=("rest", "d0"))
    }


def test_what_was_on_hold_is_on_hold_again_once_the_end_is_taken_back(participant: Participant) -> None:  # noqa: F811
    acted(hold_infusion, participant, on=date(2026, 12, 5), now=at(12, 5))
    sweep_holds(now=at(12, 20))
    request = StepRequest(Step.WITHDRAWAL, date(2026, 12, 20))
    participant.refresh_from_db()
    take_step(
        participant=participant,
        version=participant.version,
        request=request,
        by=None,
        reason="fever",
        now=at(12, 20),
    )
    acted(undo_last_step, participant, now=at(12, 20))
    assert Flag.objects.get(kind="hold").cleared_at is None, "it waits again"
    sweep_unrecorded(now=at(12, 21))
    assert Visit.objects.get(participant=participant, code="d0").held_on == date(2026, 12, 5)
    assert not Deviation.objects.filter(kind="unrecorded").exists()
