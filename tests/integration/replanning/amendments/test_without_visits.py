"""What happened before an amendment goes by the version of its day, though no visit was recorded under it.

Chemotherapy from Wednesday 2 December 2026 for an infusion on Monday the 7th, both entered as days alone,
out of hospital on the 14th; none of the visits is recorded when the amendment comes. Version 1 asks for five
days between them, an hCG of 7 days and 7 days in hospital, version 2 for four days, 2 days and 14.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from participants.domain.anchors import RecordedAnchor
from participants.domain.fact_kinds import Admission
from participants.domain.fact_kinds import TestResult as Result
from participants.domain.moments import DAY
from participants.models import Participant
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.models import AmendmentStep, Deviation, Flag, ProtocolWindow, Visit
from schedules.selectors.store.records import record_of, records_of
from schedules.selectors.windows.evaluation import windows_of_participants
from schedules.services.course.holds import sweep_holds
from schedules.services.enrolment.enrolling import enrol
from schedules.services.replanning.amendment_previews import preview_amendment
from schedules.services.replanning.amendments import advance_amendments, start_amendment
from schedules.services.replanning.moves import record_anchor, replan_many
from schedules.services.replanning.previews import Proposal, preview_of
from schedules.services.windows.evaluation import sweep_windows
from schedules.services.windows.facts import record_fact
from tests.cast import an_approval, an_enrolment
from tests.integration.replanning.amendments.conftest import INFUSION, NOW, amendment
from tests.integration.replanning.amendments.test_given_before import edition as edition_of_days
from tests.integration.replanning.amendments.test_windows_over import edition as edition_of_windows
from trials.models import ProtocolVersion, Site

pytestmark = pytest.mark.django_db
SIGNED, BEGAN = date(2026, 11, 8), date(2026, 12, 2)


def treated(version: ProtocolVersion, site: Site) -> Participant:
    """Somebody whose chemotherapy and infusion are on record as days, and none of whose visits is."""
    anchors = {"consent": AnchorDay(SIGNED, AnchorKind.ACTUAL), "infusion": AnchorDay(INFUSION)}
    asked = an_enrolment(version, site=site, subject_code="S01-001", anchors=anchors)
    person = enrol(enrolment=asked, by=None)
    for code, day in (("lymphodepletion-start", BEGAN), ("infusion", INFUSION)):
        then = datetime(day.year, day.month, day.day, 8, tzinfo=UTC)
        recorded = RecordedAnchor(code, actual_on=day)
        record_anchor(participant=person, anchor=recorded, now=then, by=None, reason="as it was")
    Visit.objects.filter(participant=person).update(performed_on=None, performed_at=None)
    return person


def migrate(old: ProtocolVersion, new: ProtocolVersion, site: Site) -> None:
    an_approval(site, new)
    asked = amendment(old, new, site)
    dry = preview_amendment(amendment=asked, now=NOW)
    start_amendment(amendment=asked, digest=dry.digest, by=None, reason="2", now=NOW)
    advance_amendments(now=NOW)
    assert AmendmentStep.objects.filter(outcome="done").count() == 1, AmendmentStep.objects.get().message


def test_chemotherapy_that_no_visit_tells_of_makes_nobody_late(old: ProtocolVersion, site: Site) -> None:
    """It was on hold, or out of shape, from the moment of the amendment on."""
    person = treated(old, site)
    migrate(old, edition_of_days(4), site)
    sweep_holds(now=NOW + DAY)
    codes = {one.code for one in preview_of(record_of(person.pk), Proposal(), NOW + DAY).warnings}
    assert codes.isdisjoint({"hold", "contradictory-anchors"})
    assert not Deviation.objects.filter(kind__in=["hold", "block-broken"]).exists()


def test_a_window_that_was_over_is_judged_as_it_was_asked(site: Site) -> None:
    old, new = edition_of_windows(1, 7, 7, 7), edition_of_windows(2, 2, 14, 90)
    an_approval(site, old)
    person = treated(old, site)
    into, out = (datetime(2026, 12, day, 4, tzinfo=UTC) for day in (1, 14))
    for fact in (Result("hcg", BEGAN, BEGAN, "negative"), Admission(into, out)):
        record_fact(participant=person, fact=fact, by=None, reason="", now=NOW, sure=True)
    migrate(old, new, site)
    sweep_windows(now=NOW + DAY)
    replan_many(ids=[person.pk], proposals={}, now=NOW + DAY, by=None, reason="once more")
    sweep_windows(now=NOW + timedelta(days=2))
    (read,) = windows_of_participants([person.pk])
    found = {one.stored.code: one.verdict.status.value for one in read.judged(NOW + DAY)}
    assert (found["hcg"], found["hospital-stay"]) == ("kept", "kept")
    stored = ProtocolWindow.objects.get(participant=person, code="hospital-stay")
    assert stored.ends_on == date(2026, 12, 14)
    assert "Protocol version 1." in stored.because
    assert not Deviation.objects.filter(kind="window").exists()
    assert not Flag.objects.filter(window__code__in=["hcg", "hospital-stay"], cleared_at=None).exists()


def test_what_the_amendment_would_do_is_what_it_does(site: Site) -> None:
    old, new = edition_of_windows(1, 7, 7, 7), edition_of_windows(2, 2, 14, 90)
    an_approval(site, old)
    person = treated(old, site)
    shown = preview_of(record_of(person.pk), Proposal(version=new), NOW).plan
    migrate(old, new, site)
    person.refresh_from_db()
    (record,) = records_of([person.pk])
    stands = preview_of(record, Proposal(), NOW).plan
    assert [(one.rule.code, one.starts, one.ends) for one in shown.windows] == [
        (one.rule.code, one.starts, one.ends) for one in stands.windows
    ]
