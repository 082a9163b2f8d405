"""Somebody who is to start: chemotherapy on Wed 2026-12-02, infusion on Mon 2026-12-07, in Shanghai."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from participants.domain.consents import ConsentStanding, ConsentState, FormEdition
from participants.domain.facts import Facts
from participants.domain.lifecycle import Phase
from participants.domain.product import Milestone, MilestoneDay, Product
from schedules.domain.plan.values import AnchorDay, AnchorKind, Known
from schedules.domain.readiness.beds import Beds, Occupied
from schedules.domain.readiness.checklist import Readiness, readiness_on
from schedules.domain.readiness.gates import Cohorts
from schedules.domain.readiness.start_context import Answer, Item, Line, Person, Start
from tests.unit.plan.small import (
    CONDITIONING,
    SHANGHAI,
    at,
    days,
    protocol,
    visit,
    window,
    within,
)
from trials.domain.protocols.protocol import ASSUMED, Activity, Freshness, Protocol, Stay
from trials.domain.sites.working_days import WorkingDays

TODAY = date(2026, 11, 23)
BEGINS = date(2026, 12, 2)
ZERO = date(2026, 12, 7)
SCREENING = visit("screening", within("-P28D", "-P6D"))
STAY = window("infusion P0D", "infusion P7D", Stay(leave_on_last_day=True), code="stay", label="Stay")
HCG = window("infusion -P7D", "infusion -P5D", Freshness("hcg", "negative"), code="hcg", label="hCG")
CALENDAR = WorkingDays("Clinic", "made up", official_years=frozenset({2025, 2026, 2027}))
FORM = FormEdition(1, "1", date(2026, 1, 1))
READY = Product(
    (
        MilestoneDay(Milestone.RECEIVED, done_on=date(2026, 11, 20)),
        MilestoneDay(Milestone.RELEASED, done_on=date(2026, 11, 21)),
    )
)
D14 = visit("d14", at("P14D", "P2D"))
BLOOD = Activity("blood", "Blood count", ("screening",), ASSUMED, repeat_when_expired=True)


def asked(**more: object) -> Protocol:
    """A protocol with screening, chemotherapy, infusion, a visit after it, a stay and a test."""
    given: dict[str, object] = {"windows": (STAY, HCG), "activities": (BLOOD,)}
    return protocol(SCREENING, *CONDITIONING, D14, **(given | more))


def a_person(**changes: object) -> Person:
    """In screening, consented, with a product that is ready, and nothing known of tests."""
    consent = ConsentStanding(ConsentState.GIVEN, FORM, date(2026, 11, 2))
    person = Person("S01-001", None, consent, Phase.SCREENING, READY, Facts())
    return replace(person, **changes)  # type: ignore[arg-type]


def performed(**codes: date) -> Known:
    return Known({code: AnchorDay(day, AnchorKind.ACTUAL) for code, day in codes.items()})


def a_start(**changes: object) -> Start:
    """All of it; anything else as keywords, `person` among them."""
    start = Start(
        protocol=asked(),
        anchors=days(infusion="Mon 2026-12-07"),
        traits=frozenset(),
        calendar=CALENDAR,
        zone=SHANGHAI,
        today=TODAY,
        cohorts=Cohorts((), ()),
        beds=Beds(ward_beds=2),
        known=performed(screening=date(2026, 11, 16)),
        person=a_person(),
    )
    return replace(start, **changes)  # type: ignore[arg-type]


def beds(*spans: tuple[date, date], ward_beds: int | None = 1, slots: int | None = None) -> Beds:
    """A site's beds, each span taken by another participant."""
    return Beds.of(ward_beds, slots, [Occupied((span,), span[0]) for span in spans])


def asked_on(day: date = BEGINS, **changes: object) -> Readiness:
    return readiness_on(a_start(**changes), day)


def lines(readiness: Readiness) -> Mapping[Item, Line]:
    """The list by items, the last of each."""
    return {line.item: line for line in readiness.lines}


def told(item: Item, day: date = BEGINS, **changes: object) -> tuple[Answer, str]:
    """What the list says to one item."""
    line = lines(asked_on(day, **changes))[item]
    return line.answer, line.text()
