"""A visit that keeps its first code through an amendment is found by the names that the new one gives it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from participants.domain.anchors import RecordedAnchor
from participants.domain.fact_kinds import Confirmation
from participants.models import Anchor, Participant
from schedules.domain.plan.values import AnchorDay
from schedules.domain.readiness.checklist import readiness_on
from schedules.domain.visits.values import Answer, Booking, Completion
from schedules.domain.windows.verdicts import Verdict, VerdictStatus
from schedules.models import ProtocolWindow, Visit
from schedules.selectors.pages.visit import visit_page
from schedules.selectors.readiness.start_context import start_of
from schedules.selectors.windows.evaluation import windows_of_participants
from schedules.services.enrolment.enrolling import enrol
from schedules.services.replanning.amendments import advance_amendments
from schedules.services.replanning.moves import record_anchor
from schedules.services.visits.appointments import book_visit, complete_visit
from schedules.services.windows.facts import record_fact
from tests.cast import a_version, an_approval, an_enrolment, document
from tests.integration.replanning.amendments.conftest import amendment, started
from trials.models import ProtocolVersion, Site

pytestmark = pytest.mark.django_db

SIGNED, INFUSION, DONE = date(2026, 11, 8), date(2026, 12, 7), date(2026, 12, 22)
LATE = datetime(2026, 12, 23, 1, 0, tzinfo=UTC)
_BASIS = 'basis: {assumed: "confirm against your protocol"}'
_SLIPS = f"tolerance: {{before: P1D, after: P1D, {_BASIS}}}"
_ANCHOR = f"""
  - code: first-look
    label: First look
    derived: {{visit: NAME, anchor: infusion, offset: P14D, {_BASIS}}}
"""
_VISITS = "".join(
    f"""
  - code: {code}
    label: {code}
    epoch: follow-up
    from: {counted}
    at: {at}
    {_SLIPS}
    {_BASIS}
"""
    for code, counted, at in (
        ("by-visit", "{visit: NAME}", "P30D"),
        ("by-anchor", "first-look", "P40D"),
        ("by-activity", "{activity: smear}", "P50D"),
    )
)
_ACTIVITIES = f"""
activities:
  - {{code: smear, label: Smear, visits: [NAME], {_BASIS}}}
  - {{code: weight, label: Weight, visits: [d14], {_BASIS}}}
"""
_WINDOWS = f"""
  - code: diet
    label: Diet
    conduct: {{of: diet, confirmed_at: [NAME]}}
    starts: {{from: infusion, offset: P0D, {_BASIS}}}
    ends: {{from: {{visit: NAME}}, offset: P1D, {_BASIS}}}
    {_BASIS}
  - code: salt
    label: Salt
    conduct: {{of: salt, confirmed_at: [d14]}}
    starts: {{from: infusion, offset: P0D, {_BASIS}}}
    ends: {{from: infusion, offset: P60D, {_BASIS}}}
    {_BASIS}
"""


def edition(number: int, name: str, *, repeated: bool) -> str:
    """A version in which several rules name a visit; Day 14 may be the first of three."""
    text = document().replace('version: "1"', f'version: "{number}"')
    if repeated:
        text = text.replace("    at: P14D\n", "    at: P14D\n    repeat: {every: P4D, until: P22D}\n")
    infusion = "  - {code: infusion, label: Infusion}"
    text = text.replace(f"{infusion}\n", f"{infusion}{_ANCHOR}")
    text = text.replace("\nwindows:\n", f"{_VISITS}{_ACTIVITIES}\nwindows:\n{_WINDOWS}")
    return text.replace("NAME", name)


@pytest.fixture
def plain(db: None) -> ProtocolVersion:
    return a_version(text=edition(1, "d14", repeated=False))


@pytest.fixture
def several(plain: ProtocolVersion) -> ProtocolVersion:
    return a_version(text=edition(2, "d14-1", repeated=True))


def somebody(version: ProtocolVersion, site: Site, code: str) -> Participant:
    anchors = {"consent": AnchorDay(SIGNED), "infusion": AnchorDay(INFUSION)}
    return enrol(enrolment=an_enrolment(version, site=site, subject_code=code, anchors=anchors), by=None)


def infuse(person: Participant) -> None:
    start = date(2026, 12, 2)
    for code, day in (("consent", SIGNED), ("lymphodepletion-start", start), ("infusion", INFUSION)):
        anchor = RecordedAnchor(code, actual_on=day)
        record_anchor(participant=person, anchor=anchor, now=LATE, by=None, reason="as it was")


def first(person: Participant) -> Visit:
    return Visit.objects.get(participant=person, rule_code="d14", occurrence=1)


def book(person: Participant) -> None:
    visit = first(person)
    book_visit(visit=visit, version=visit.version, booking=Booking(date(2026, 12, 23)), by=None, now=LATE)


def do(person: Participant) -> None:
    visit = first(person)
    asked = visit_page(visit, LATE).asked
    completion = Completion(DONE, activities={one.code: Answer(True) for one in asked})
    complete_visit(visit=visit, version=visit.version, completion=completion, by=None, now=LATE)


def confirm(person: Participant) -> None:
    for of in ("diet", "salt"):
        said = Confirmation(of, DONE, visit=first(person).code)
        record_fact(participant=person, fact=said, by=None, now=LATE)


def seen(person: Participant) -> dict[str, Any]:
    """All that follows from the record, by rules and their numbers."""
    person.refresh_from_db()
    rows = Visit.objects.live().filter(participant=person)
    (windows,) = windows_of_participants([person.pk])
    page, start = visit_page(first(person), LATE), start_of(person, LATE)
    stored = ProtocolWindow.objects.filter(participant=person, cancelled_on=None)
    return {
        "visits": sorted(rows.values_list("rule_code", "occurrence", "opens", "target", "closes", "label")),
        "windows": sorted(stored.values_list("code", "starts_on", "ends_on")),
        "verdicts": {one.planned.rule.code: told(one.verdict) for one in windows.judged(LATE)},
        "activities": [one.code for one in page.asked],
        "questions": [one.window for one in page.questions().questions],
        "days": {code: day.day for code, day in windows.plan.anchors.items()},
        "start": dict(start.known.performed),
        "checks": [(one.item, one.answer, one.text()) for one in readiness_on(start, INFUSION).lines],
    }


def told(verdict: Verdict) -> tuple[Any, ...]:
    """What a verdict says; a visit that is done keeps the label of the version under which it was."""
    evidence = [one.words.text().replace("Day 14 1", "Day 14") for one in verdict.evidence]
    missing = [one.text().replace("Day 14 1", "Day 14") for one in verdict.missing]
    return verdict.status, verdict.since, evidence, missing


@pytest.mark.parametrize("codes", [("d14", "d14-1"), ("d14-1", "d14")])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((), ()),
        ((infuse,), ()),
        ((infuse, book), ()),
        ((infuse,), (book,)),
        ((infuse, do), ()),
        ((infuse,), (do,)),
        ((infuse, do, confirm), ()),
        ((infuse, do), (confirm,)),
        ((infuse,), (do, confirm)),
    ],
)
def test_an_amended_record_says_what_one_enrolled_under_the_version_says(
    plain: ProtocolVersion,
    several: ProtocolVersion,
    site: Site,
    codes: tuple[str, str],
    before: tuple[Callable[[Participant], None], ...],
    after: tuple[Callable[[Participant], None], ...],
) -> None:
    old, new = (plain, several) if codes[1] == "d14-1" else (several, plain)
    for version in (old, new):
        an_approval(site, version)
    brought, native = somebody(old, site, "S01-001"), somebody(new, site, "S01-002")
    for person in (brought, native):
        for act in before:
            act(person)
    started(amendment(old, new, site))
    advance_amendments(now=LATE)
    brought.refresh_from_db()
    assert brought.protocol_version == new
    assert (first(brought).code, first(native).code) == codes
    for person in (brought, native):
        for act in after:
            act(person)
    assert seen(brought) == seen(native)


def test_what_counts_from_a_first_code_counts_from_its_day(
    plain: ProtocolVersion, several: ProtocolVersion, site: Site
) -> None:
    """Day 14 was done on 22 December: 30 days from it, 40 from its anchor, 50 from its activity."""
    an_approval(site, several)
    person = somebody(plain, site, "S01-001")
    infuse(person)
    started(amendment(plain, several, site))
    advance_amendments(now=LATE)
    do(person)
    rows = Visit.objects.filter(participant=person, code__startswith="by-").order_by("target")
    days = [date(2027, 1, 21), date(2027, 1, 31), date(2027, 2, 10)]
    assert list(rows.values_list("target", flat=True)) == days
    verdicts = seen(person)["verdicts"]
    assert {code: verdicts[code][0] for code in ("diet", "salt")} == {
        "diet": VerdictStatus.AT_RISK,
        "salt": VerdictStatus.AT_RISK,
    }, "nobody was asked at Day 14, which both name"


def test_a_visit_that_was_done_dates_the_anchor_that_the_new_version_says_it_sets(
    plain: ProtocolVersion, site: Site
) -> None:
    """Day 14 was done on 22 December, a day late; version 2 lets it set what 40 days count from."""
    text = edition(2, "d14", repeated=False).replace("derived: {visit: d14, ", "derived: {")
    new = a_version(text=text.replace("  - code: d14\n", "  - code: d14\n    sets: first-look\n"))
    an_approval(site, new)
    person = somebody(plain, site, "S01-001")
    infuse(person)
    do(person)
    started(amendment(plain, new, site))
    advance_amendments(now=LATE)
    assert Anchor.objects.get(participant=person, code="first-look").actual_on == DONE
    assert Visit.objects.get(participant=person, code="by-anchor").target == date(2027, 1, 31)
