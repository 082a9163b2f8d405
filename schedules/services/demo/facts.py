"""Made-up facts for the made-up participants: most windows are kept, a few are news."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from participants.domain.fact_kinds import (
    Admission,
    Confirmation,
    Dose,
    Event,
    Fact,
    Lodging,
    NightAway,
    TestResult,
)
from participants.domain.fact_rows import row_of
from participants.domain.moments import DAY, day_of
from participants.models import Fact as StoredFact
from participants.services.facts import unsaved_fact
from schedules.domain.plan.values import PlannedWindow
from schedules.domain.windows.fact_sources import places
from schedules.domain.windows.judges.washed_out import drugs_of
from schedules.selectors.windows.evaluation import ParticipantWindows, windows_of_participants
from schedules.services.replanning.moves import replan_many
from trials.domain.protocols.protocol import (
    Conduct,
    EventAfter,
    Freshness,
    Presence,
    ReferenceKind,
    Stay,
    Terms,
    Washout,
)
from trials.models import User
from trials.selectors.records import protocol_of

NO_LODGING, FAR, AWAY = 11, 13, 7
"""Of so many participants one has no lodging on record, one lodges too far, one spent a night away."""

FORGOTTEN = 17
"""Of so many windows of other kinds one has nothing on record."""

MINUTES, TOO_FAR = 45, 150
LONG_BEFORE = timedelta(days=400)
HALF_LIFE, SOURCE = timedelta(days=20), "made up for the demo"
MORNING = time(9)


@dataclass(frozen=True, slots=True)
class _Scene:
    """One window of one participant on a day: nothing lies in the future."""

    participant_windows: ParticipantWindows
    window: PlannedWindow
    today: date
    number: int

    @property
    def zone(self) -> ZoneInfo:
        """The site's zone."""
        return self.participant_windows.zone

    @property
    def starts(self) -> date:
        """The window's first day; today for one that has none."""
        return self.today if self.window.starts is None else day_of(self.window.starts, self.zone)

    @property
    def ends(self) -> date:
        """The window's last day; today for one that has none."""
        return self.today if self.window.ends is None else day_of(self.window.ends, self.zone)

    @property
    def asked(self) -> date:
        """The day on which somebody would have asked: the last one, if that has come."""
        return min(self.ends, self.today - DAY)

    @property
    def opened(self) -> bool:
        """Whether the window had begun yesterday."""
        return self.starts < self.today

    def at(self, day: date) -> datetime:
        """The morning of a day."""
        return datetime.combine(day, MORNING, self.zone)


def record_demo_facts(*, ids: Sequence[int], today: date, now: datetime, by: User | None) -> int:
    """Facts for the windows of these participants, as an import would bring them; gives how many."""
    rows: list[StoredFact] = []
    for number, participant_windows in enumerate(windows_of_participants(ids)):
        facts = dict.fromkeys(fact for fact in _facts(participant_windows, today, number))
        person, zone = participant_windows.record.participant, participant_windows.zone
        rows.extend(unsaved_fact(person, row_of(fact, zone), now, by) for fact in facts)
    StoredFact.objects.bulk_create(rows)
    _place_anew(rows, now, by)
    return len(rows)


def _place_anew(rows: Sequence[StoredFact], now: datetime, by: User | None) -> None:
    """Plan again what counts from a fact, such as a half-life, as recording it by hand would."""
    people = {row.participant_id: row.participant for row in rows}
    protocols = {pk: protocol_of(person.protocol_version) for pk, person in people.items()}
    ids = sorted({row.participant_id for row in rows if places(row.of, protocols[row.participant_id])})
    replan_many(ids=ids, proposals={}, now=now, by=by, reason="")


def _facts(participant_windows: ParticipantWindows, today: date, number: int) -> Iterator[Fact]:
    for place, (_stored_window, planned) in enumerate(participant_windows.placed()):
        scene = _Scene(participant_windows, planned, today, number)
        terms = planned.rule.terms
        if isinstance(terms, Presence) or (number + place) % FORGOTTEN:
            yield from _counted_from(scene)
            yield from _KINDS.get(type(terms), _nothing)(scene, terms)


def _presence(scene: _Scene, _terms: Presence) -> Iterator[Fact]:
    if not scene.opened or scene.number % NO_LODGING == NO_LODGING - 1:
        return
    minutes = TOO_FAR if scene.number % FAR == FAR - 1 else MINUTES
    yield Lodging(scene.starts, scene.ends, minutes)
    if scene.number % AWAY == AWAY - 1:
        yield NightAway(min(scene.starts + 3 * DAY, scene.asked), TOO_FAR)


def _stay(scene: _Scene, _terms: Stay) -> Iterator[Fact]:
    if not scene.opened:
        return
    out = scene.at(scene.ends) if scene.ends < scene.today else None
    yield Admission(scene.at(scene.starts), out, scene.ends + DAY if out is None else None)


def _freshness(scene: _Scene, terms: Freshness) -> Iterator[Fact]:
    if scene.opened:
        taken = scene.at(scene.asked)
        yield TestResult(terms.test, taken, taken + timedelta(hours=2), terms.result or "done")


def _washout(scene: _Scene, terms: Washout) -> Iterator[Fact]:
    drugs = drugs_of(scene.window.rule.starts)
    for drug in sorted(drugs):
        yield Dose(drug, scene.today - LONG_BEFORE, HALF_LIFE, SOURCE)
    if scene.window.ends is not None and (drugs or scene.opened):
        yield from (Confirmation(code, scene.asked) for code in terms.of if code not in drugs)


def _conduct(scene: _Scene, terms: Conduct) -> Iterator[Fact]:
    performed = {
        visit.code: day_of(visit.at, scene.zone) for visit in scene.participant_windows.facts.performed
    }
    named = [(code, performed[code]) for code in terms.confirmed_at if code in performed]
    yield from (Confirmation(terms.of, day, code) for code, day in named)
    if not terms.confirmed_at and scene.opened:
        inside = [day for day in performed.values() if scene.starts <= day <= scene.ends]
        yield Confirmation(terms.of, max(inside, default=scene.asked))


def _event_after(scene: _Scene, terms: EventAfter) -> Iterator[Fact]:
    if scene.window.starts is not None and scene.opened:
        yield Event(terms.event, scene.starts)


def _counted_from(scene: _Scene) -> Iterator[Fact]:
    """What a window counts from, such as a blood count: done when screening was."""
    screened = scene.participant_windows.plan.anchors.get("screening")
    for bound in (scene.window.rule.starts, scene.window.rule.ends):
        for moment in bound.moments if bound else ():
            activity = moment.counts_from.kind is ReferenceKind.ACTIVITY
            if activity and screened and screened.day < scene.today:
                yield TestResult(moment.counts_from.code, screened.day, None, "done")
                yield from _confirmed(scene, screened.day)


def _confirmed(scene: _Scene, day: date) -> Iterator[Fact]:
    terms = scene.window.rule.terms
    if isinstance(terms, Washout):
        yield from (Confirmation(code, day) for code in terms.of)


def _nothing(_scene: _Scene, _terms: Terms) -> Iterator[Fact]:
    return iter(())


_KINDS: Mapping[type, Callable[[_Scene, Any], Iterator[Fact]]] = {
    Presence: _presence,
    Stay: _stay,
    Freshness: _freshness,
    Washout: _washout,
    Conduct: _conduct,
    EventAfter: _event_after,
}
