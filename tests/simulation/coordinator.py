"""A coordinator who looks at Today and does what it asks, in its order, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from participants.domain.fact_kinds import (
    Admission,
    CompanionConfirmed,
    Confirmation,
    Event,
    Fact,
    FactKind,
    Lodging,
    TestResult,
)
from participants.models import Participant
from schedules.domain.visits.allowed_actions import activities_of
from schedules.domain.visits.values import Answer, Booking, Completion, Sampled
from schedules.models import Visit, VisitPlace
from schedules.selectors.pages.visit import visit_page
from schedules.selectors.store.calendars import site_calendars
from schedules.selectors.today.attention import Card, MissingFact, attention
from schedules.selectors.today.board import Board, BoardRow, board
from schedules.selectors.today.parts import Section
from schedules.selectors.today.worklist import Wanted
from schedules.services.visits.appointments import book_visit, complete_visit, miss_visit, unbook_visit
from schedules.services.visits.together import book_together
from schedules.services.windows.facts import record_fact
from tests.simulation.world import DAY, World
from trials.domain.errors import Refused
from trials.domain.protocols.protocol import Freshness
from trials.selectors.records import protocol_of

NEGATIVE = "negative"
AFTERNOON = timedelta(hours=9)


@dataclass
class Coordinator:
    """Who works; `shown` says on which days a visit, and a window of a participant, stood on Today."""

    world: World
    shown: dict[int, list[date]] = field(default_factory=dict)
    flagged: dict[tuple[int, str], list[date]] = field(default_factory=dict)
    flagged_people: dict[int, list[date]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    answered: dict[tuple[Any, ...], date] = field(default_factory=dict)
    again: list[str] = field(default_factory=list)
    """The facts that Today asked for again on the day after they were recorded."""

    def work(self, day: date) -> None:
        """One day: in the morning what is to record, to book and missing; in the afternoon who came."""
        now = self.world.morning(day)
        today = self._board(now)
        for section in (Section.COMING, Section.BOOK, Section.RECORD, Section.PREPARE):
            for row in today.rows.get(section, ()):
                self.shown.setdefault(row.visit.pk, []).append(day)
                if row.companion_to_book:
                    self.shown.setdefault(row.companion_to_book.visit.pk, []).append(day)
        for row in today.rows.get(Section.RECORD, ()):
            self._record(row, day, now)
        for row in today.rows.get(Section.BOOK, ()):
            self._book(row, day, now)
        found = attention(self.world.coordinator, now, Wanted(), whole=True)
        for card in found.cards:
            self._attend(card, day, now)
        evening = now + AFTERNOON
        for row in self._board(evening).rows.get(Section.COMING, ()):
            self._see(row, day, evening)

    def _board(self, now: datetime) -> Board:
        places = site_calendars(self.world.sites)
        return board(self.world.coordinator, now, Wanted(), places, whole=tuple(Section))

    def _book(self, row: BoardRow, day: date, now: datetime) -> None:
        """The offered day, else another of the strip that is open and inside the window."""
        strip = [one.day for one in row.strip if one.inside and not one.shut]
        for on in dict.fromkeys([*([row.offered] if row.offered else []), *strip]):
            if not self.world.bookable(row.visit, on):
                continue
            if self._is_booked(row, on, now):
                return

    def _is_booked(self, row: BoardRow, on: date, now: datetime) -> bool:
        """Book a day, with the reason that the row asks for where there is a booking already."""
        for reason in ("", "its window moved"):
            try:
                self._book_on(row, on, now, reason)
            except Refused as refused:
                if reason or set(refused.fields) != {"reason"}:
                    self.refused.append(f"{now:%F} book {_called(row)} on {on}: {_why(refused)}")
                    return False
            else:
                return True
        return False

    def _book_on(self, row: BoardRow, on: date, now: datetime, reason: str) -> None:
        said: dict[str, Any] = {"by": self.world.coordinator, "reason": reason, "now": now}
        booking, visit = Booking(on, sure=True), row.visit
        if row.companion_to_book and row.companion_to_book.window.holds(on):
            pair = [(one, one.version) for one in (visit, row.companion_to_book.visit)]
            book_together(visits=pair, booking=booking, **said)
        else:
            book_visit(visit=visit, version=visit.version, booking=booking, **said)

    def _record(self, row: BoardRow, day: date, now: datetime) -> None:
        """What was booked and not recorded was done as booked; what nobody came to was missed."""
        on = row.recordable_on
        if on and on not in self.world.no_shows.get(row.visit.pk, ()):
            self._complete(row.visit, on, now)
        elif row.visit.closes < day:
            try:
                miss_visit(
                    visit=row.visit,
                    version=row.visit.version,
                    by=self.world.coordinator,
                    reason="did not come",
                    now=now,
                )
            except Refused as refused:
                self.refused.append(f"{day} miss {_called(row)}: {_why(refused)}")

    def _see(self, row: BoardRow, day: date, now: datetime) -> None:
        """Somebody comes, or does not and is booked again."""
        if self.world.comes(row.visit, day):
            self._complete(row.visit, day, now)
        elif row.visit.booked_on:
            fresh = _fresh(row.visit)
            unbook_visit(
                visit=fresh,
                version=fresh.version,
                by=self.world.coordinator,
                reason="did not come",
                now=now,
            )

    def _complete(self, visit: Visit, on: date, now: datetime) -> None:
        fresh = _fresh(visit)
        protocol, person = protocol_of(fresh.participant.protocol_version), fresh.participant
        asked = visit_page(fresh, now).questions()
        activities = activities_of(protocol, fresh.rule_code, fresh.occurrence, frozenset(person.traits))
        completion = Completion(
            on=on,
            activities={one.code: Answer(True) for one in activities},
            outside_reason="as it was",
            confirmed={one.window: True for one in asked.questions},
            results={one.test: Sampled(one.result or NEGATIVE) for one in asked.results},
            events=frozenset(one.event for one in asked.events),
            sure=True,
        )
        try:
            complete_visit(
                visit=fresh, version=fresh.version, completion=completion, by=self.world.coordinator, now=now
            )
        except Refused as refused:
            who = f"{person.trial.code} {person.subject_code} {fresh.code}"
            self.refused.append(f"{now:%F} done {who} on {on}: {_why(refused)}")

    def _attend(self, card: Card, day: date, now: datetime) -> None:
        """Enter the first missing fact that the card asks for; all flags of the card were seen."""
        for flag in (card.worst.flag, *card.others):
            self.flagged_people.setdefault(flag.participant_id, []).append(day)
            if flag.window:
                self.flagged.setdefault((flag.participant_id, flag.window.code), []).append(day)
        for missing in card.missing[:2]:
            for fact in self._facts(card.participant, missing, day, now):
                try:
                    record_fact(participant=card.participant, fact=fact, by=self.world.coordinator, now=now)
                except Refused as refused:
                    who = f"{card.participant.trial.code} {card.participant.subject_code}"
                    said = f"{day} fact {who} {missing.kind} {missing.of}: {_why(refused)}"
                    self.refused.append(said)
                    continue
                self._note(card, missing, day)
                return

    def _note(self, card: Card, missing: MissingFact, day: date) -> None:
        window = card.worst.flag.window
        asked = (card.participant.pk, window.code if window else "", missing)
        if self.answered.get(asked) == day - DAY:
            who = f"{card.participant.trial.code} {card.participant.subject_code}"
            self.again.append(f"{day} {who} {asked[1]}: {missing.kind} {missing.of}")
        self.answered[asked] = day

    def _facts(self, person: Participant, missing: MissingFact, day: date, now: datetime) -> Iterable[Fact]:
        match missing.kind:
            case FactKind.CONFIRMATION:
                yield Confirmation(missing.of, day)
            case FactKind.TEST:
                yield TestResult(missing.of, day, day, _result(person, missing.of))
            case FactKind.LODGING:
                yield Lodging(day, None, 30)
            case FactKind.COMPANION:
                yield CompanionConfirmed(day, None)
            case FactKind.EVENT:
                yield Event(missing.of, day)
            case FactKind.ADMISSION:
                ward = Visit.objects.filter(participant=person, place=VisitPlace.WARD, opens__lte=day)
                first = ward.order_by("opens").values_list("opens", flat=True).first()
                if first:
                    yield Admission(self.world.morning(first))


def _called(row: BoardRow) -> str:
    return f"{row.participant.trial.code} {row.participant.subject_code} {row.visit.code}"


def _why(refused: Refused) -> str:
    return " ".join(f"{field}: {' '.join(words)}" for field, words in refused.fields.items()) or str(refused)


def _fresh(visit: Visit) -> Visit:
    related = ("participant__site", "participant__trial", "participant__protocol_version")
    return Visit.objects.select_related(*related).get(pk=visit.pk)


def _result(person: Participant, test: str) -> str:
    """The result that a window asks for, which is the truth of this world."""
    for window in protocol_of(person.protocol_version).windows:
        if isinstance(window.terms, Freshness) and window.terms.test == test and window.terms.result:
            return window.terms.result
    return NEGATIVE


__all__ = ["DAY", "Coordinator"]
