"""Chemotherapy was given by the version of its day: an amendment of the days in between makes nobody late.

Chemotherapy from Wednesday 2 December 2026 for an infusion on Monday the 7th, five days later, as version 1
asks. Version 2 asks for four, or for six.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from participants.domain.anchors import RecordedAnchor
from participants.models import Participant
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.domain.replanning.amendments import Outcome
from schedules.models import AmendmentStep, Deviation, Flag, Visit
from schedules.selectors.readiness.holds import waiting_of_participant
from schedules.selectors.store.records import record_of
from schedules.services.course.holds import sweep_holds
from schedules.services.enrolment.enrolling import enrol
from schedules.services.replanning.amendment_previews import preview_amendment
from schedules.services.replanning.amendments import advance_amendments, start_amendment
from schedules.services.replanning.moves import record_anchor
from schedules.services.replanning.previews import Proposal, preview_of
from tests.cast import a_version, an_approval, an_enrolment, document
from tests.integration.replanning.amendments.conftest import INFUSION, amendment
from trials.models import ProtocolVersion, Site

pytestmark = pytest.mark.django_db
SIGNED, BEGAN = date(2026, 11, 8), date(2026, 12, 2)
BETWEEN, AFTER = datetime(2026, 12, 4, 1, tzinfo=UTC), datetime(2026, 12, 23, 1, tzinfo=UTC)


def edition(days: int) -> ProtocolVersion:
    text = (
        document().replace('version: "1"', 'version: "2"').replace("offset: -P5D\n", f"offset: -P{days}D\n")
    )
    return a_version(text=text.replace("{first: -P2D, last: -P1D}", f"{{first: -P{days - 3}D, last: -P1D}}"))


def treated(version: ProtocolVersion, site: Site, *, infused: bool) -> Participant:
    anchors = {"consent": AnchorDay(SIGNED, AnchorKind.ACTUAL), "infusion": AnchorDay(INFUSION)}
    asked = an_enrolment(version, site=site, subject_code="S01-001", anchors=anchors)
    person = enrol(enrolment=asked, by=None)
    given = [("lymphodepletion-start", "ld-1", BEGAN), *([("infusion", "d0", INFUSION)] if infused else [])]
    for anchor, code, day in given:
        recorded = RecordedAnchor(anchor, actual_on=day)
        then = datetime(day.year, day.month, day.day, 8, tzinfo=UTC)
        record_anchor(participant=person, anchor=recorded, now=then, by=None, reason="as it was")
        Visit.objects.filter(participant=person, code=code).update(performed_on=day)
    return person


@pytest.mark.parametrize("days", [4, 6])
@pytest.mark.parametrize("infused", [True, False])
def test_nobody_is_on_hold_or_out_of_shape_by_another_number_of_days(
    old: ProtocolVersion, site: Site, days: int, infused: bool
) -> None:
    new, now = edition(days), AFTER if infused else BETWEEN
    an_approval(site, new)
    person = treated(old, site, infused=infused)
    dry = preview_amendment(amendment=amendment(old, new, site), now=now)
    start_amendment(amendment=amendment(old, new, site), digest=dry.digest, by=None, reason="2", now=now)
    advance_amendments(now=now)
    assert AmendmentStep.objects.get().outcome == Outcome.DONE
    sweep_holds(now=now + timedelta(days=1))
    again = RecordedAnchor("consent", actual_on=SIGNED - timedelta(days=1))
    record_anchor(participant=person, anchor=again, now=now, by=None, reason="a slip of the pen")
    assert not Deviation.objects.filter(kind__in=["hold", "block-broken"]).exists()
    assert not Flag.objects.exists()
    codes = {one.code for one in preview_of(record_of(person.pk), Proposal(), now).warnings}
    assert codes.isdisjoint({"hold", "contradictory-anchors"})
    waiting = waiting_of_participant(person)
    assert (waiting is None) == infused
    assert waiting is None or (waiting.expected, waiting.late) == (INFUSION, 0)
