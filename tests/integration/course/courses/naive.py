"""What becomes of participants, worked out naively: it counts days and knows neither engine nor database.

Windows are days added to the infusion's; what ends a course, what a hold holds and which day a site would
choose are written out here a second time, as short as they can be said.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from participants.domain.lifecycle import Phase, Step

DAY = timedelta(days=1)
LAST_DAYS = 3
FREE, END = "free", "end"
FRIDAY = 5
ONE = """\
format: 1
trial: MACHINE
version: "1"
title: What the state machine plays with
zone: Asia/Shanghai
day_zero: infusion
epochs:
  - {code: all, label: All}
anchors:
  - {code: consent, label: Consent, not_after: [infusion]}
  - code: lymphodepletion-start
    label: Start of lymphodepletion
    derived: {anchor: infusion, offset: -P3D, basis: assumed}
    point_of_no_return: true
  - {code: infusion, label: Infusion}
blocks:
  - {code: conditioning, label: Conditioning}
visits:
  - {code: screening, label: Screening, epoch: all, from: infusion,
     within: {first: -P14D, last: -P5D}, basis: assumed}
  - {code: ld, label: Chemotherapy, epoch: all, from: lymphodepletion-start, each: {first: P0D, last: P1D},
     basis: assumed, place: ward, block: conditioning}
  - {code: rest, label: Rest, epoch: all, from: infusion, over: {first: -P1D, last: -P1D},
     basis: assumed, place: ward, block: conditioning}
  - {code: d0, label: Infusion, epoch: all, from: infusion, at: P0D,
     tolerance: {before: P0D, after: P0D, basis: assumed}, basis: assumed,
     place: ward, block: conditioning}
  - {code: d7, label: Day 7, epoch: all, from: infusion, at: P7D,
     tolerance: {before: P2D, after: P2D, basis: assumed}, basis: assumed}
  - {code: d14, label: Day 14, epoch: all, from: infusion, at: P14D,
     tolerance: {before: P3D, after: P3D, basis: assumed}, basis: assumed}
"""
D7, D14 = "  - {code: d7,", "  - {code: d14,"
WIDE = ONE.replace("P3D, after: P3D", "P5D, after: P5D") + (
    "  - {code: d28, label: Day 28, epoch: all, from: infusion, at: P28D,\n"
    "     tolerance: {before: P7D, after: P7D, basis: assumed}, basis: assumed}\n"
)
TWO = WIDE.replace('version: "1"', 'version: "2"').replace(
    "at: P14D,", "at: P14D, repeat: {every: P14D, until: P28D},"
)
THREE = (WIDE[: WIDE.index(D7)] + WIDE[WIDE.index(D14) :]).replace('version: "1"', 'version: "3"')
"""The protocol, and its two amendments: day 14 becomes the first of two visits; day 7 is dropped."""
BLOCK = ("ld-1", "ld-2", "rest", "d0")
RANGES = ("screening", "rest")
AFTER = ("d7", "d14", "d14-2", "d28")
CLINIC = ("screening", *AFTER)
GOING_ON = {Phase.SCREENING, Phase.CONDITIONING, Phase.ON_HOLD, Phase.REPEATING, Phase.FOLLOW_UP}
BETWEEN = {Phase.CONDITIONING, Phase.ON_HOLD, Phase.REPEATING}
ENDS: dict[Step, tuple[Phase, set[Phase]]] = {
    Step.SCREEN_FAILURE: (Phase.SCREEN_FAILED, {Phase.SCREENING}),
    Step.NEVER_INFUSED: (Phase.NEVER_INFUSED, {Phase.SCREENING, *BETWEEN}),
    Step.EARLY_TERMINATION: (Phase.TERMINATED, {Phase.FOLLOW_UP, *BETWEEN}),
    Step.WITHDRAWAL: (Phase.WITHDRAWN, {*GOING_ON, Phase.TERMINATED}),
    Step.LOST: (Phase.LOST, {Phase.ON_HOLD, Phase.REPEATING, Phase.FOLLOW_UP, Phase.TERMINATED}),
    Step.DEATH: (Phase.DIED, set(Phase) - {Phase.DIED, Phase.COMPLETED}),
    Step.COMPLETION: (Phase.COMPLETED, {Phase.FOLLOW_UP, Phase.TERMINATED}),
}
"""The steps that end a course: to which phase, and after which."""

Span = tuple[date, date, date]


def windows(infusion: date, chemotherapy: date | None, version: int) -> dict[str, Span]:
    """Every window, by counting days: chemotherapy stays where it was given, the rest fills the gap."""
    begins = chemotherapy or infusion - 3 * DAY
    spans = {
        "screening": (infusion - 14 * DAY, infusion - 14 * DAY, infusion - 5 * DAY),
        "ld-1": (begins, begins, begins),
        "ld-2": (begins + DAY, begins + DAY, begins + DAY),
        "rest": (min(begins + 2 * DAY, infusion - DAY),) * 2 + (infusion - DAY,),
        "d0": (infusion, infusion, infusion),
        "d7": around(infusion + 7 * DAY, 2),
        "d14": around(infusion + 14 * DAY, 3 if version == 1 else 5),
        "d14-2": around(infusion + 28 * DAY, 5),
        "d28": around(infusion + 28 * DAY, 7),
    }
    without = {1: {"d14-2", "d28"}, 2: set[str](), 3: {"d7", "d14-2"}}[version]
    return {code: span for code, span in spans.items() if code not in without}


def around(target: date, days: int) -> Span:
    return target - days * DAY, target, target + days * DAY


@dataclass
class Seen:
    """A visit as the model has it.

    `ended` is what ended it: missed, cancelled, course (by a step that `voids` it or not), or gone,
    where no plan asks for it now. `under` is the version it was done under, where another one holds
    since; `outside` that it was outside its window then. `beside` of a visit that no protocol planned:
    FREE, whose window is where it takes place, or END; counted from an infusion `given` by then.
    `agreed`: it was booked outside its window. `left`: it was to come after the course had ended, until what
    ended it; `was_over`: the course had ended it, and it took place all the same.
    """

    span: Span
    booked: date | None = None
    performed: date | None = None
    ended: str = ""
    voids: bool = False
    under: int | None = None
    outside: bool = False
    beside: str = ""
    given: bool = False
    agreed: bool = False
    left: bool = False
    was_over: bool = False

    @property
    def live(self) -> bool:
        return not (self.performed or self.ended)


@dataclass
class Taken:
    """A step of a course: which visits it cancelled, whether a new attempt began with it, and its day."""

    step: Step
    codes: tuple[str, ...] = ()
    begins: bool = False
    on: date = date.max


@dataclass
class Model:
    """One participant, naively. `past` are the rows of earlier attempts, which nothing touches any more."""

    pk: int
    planned: date
    place: int = 0
    version: int = 1
    infused: date | None = None
    chemotherapy: date | None = None
    attempt: int = 1
    repeated: bool = False
    steps: list[Taken] = field(default_factory=list)
    visits: dict[str, Seen] = field(default_factory=dict)
    past: dict[tuple[int, str], tuple[Any, ...]] = field(default_factory=dict)
    away: list[tuple[date, date]] = field(default_factory=list)

    @property
    def infusion(self) -> date:
        return self.infused or self.planned

    @property
    def over(self) -> Phase | None:
        """The phase in which the course has ended, if it has."""
        found = None
        for taken in self.steps:
            if taken.step in ENDS:
                found = ENDS[taken.step][0]
            elif taken.step is Step.RESCREENING:
                found = None
        return found

    @property
    def end(self) -> Taken | None:
        """The step by which the course ended first, if it has."""
        found = None
        for taken in self.steps:
            if taken.step in ENDS:
                found = found or taken
            elif taken.step is Step.RESCREENING:
                found = None
        return found

    @property
    def phase(self) -> Phase:
        if self.over or self.infused:
            return self.over or Phase.FOLLOW_UP
        if not self.chemotherapy:
            return Phase.REPEATING if self.repeated else Phase.SCREENING
        pauses = [taken.step for taken in self.steps if taken.step in {Step.HOLD, Step.RESUMPTION}]
        return Phase.ON_HOLD if pauses and pauses[-1] is Step.HOLD else Phase.CONDITIONING

    @property
    def undoable(self) -> bool:
        last = self.steps[-1] if self.steps else None
        return last is not None and not last.begins and last.step is not Step.TRANSFER

    def held(self, code: str) -> bool:
        """Whether a visit waits: it is planned to come, and counts from an infusion that is on hold."""
        seen = self.visits[code]
        return self.phase is Phase.ON_HOLD and seen.live and not seen.beside and not code.startswith("ld")

    def unrecorded(self, code: str, today: date) -> bool:
        """Whether it counts from an infusion whose planned day is over, and which nobody has recorded."""
        return code in AFTER and not self.infused and self.planned < today

    def copy(self, **changes: Any) -> Model:
        visits = {code: replace(seen) for code, seen in self.visits.items()}
        return replace(self, visits=visits, **changes)

    def plan(self) -> None:
        """Windows follow the infusion, of visits to come and of those done; the others stay as they ended."""
        spans = windows(self.infusion, self.chemotherapy, self.version)
        for code, span in spans.items():
            if self.bars(span) and (code not in self.visits or self.visits[code].ended == "gone"):
                continue
            seen = self.visits.setdefault(code, Seen(span))
            if seen.ended == "gone":
                seen.ended = ""
            if seen.live or seen.performed:
                older = windows(self.infusion, self.chemotherapy, seen.under or self.version)
                moved = older.get(code, span)
                seen.agreed = seen.agreed and seen.span == moved  # agreed for the window that it had
                seen.span = moved
        for code, seen in self.visits.items():
            if code not in spans and seen.live and not seen.beside:
                seen.ended = "gone"

    def bars(self, span: Span) -> bool:
        """Whether the course has ended, so that nothing new comes in these days."""
        ends: list[Taken] = []
        for taken in self.steps:
            ends = [] if taken.step is Step.RESCREENING else [*ends, taken]
        return any(taken.step in ENDS and span[2] >= taken.on for taken in ends)

    def amend(self, version: int) -> None:
        """What was done stays under the version that it was done under."""
        for seen in self.visits.values():
            if seen.performed and version != self.version:
                seen.under = seen.under or self.version
        self.version = version

    def put_behind(self, codes: Collection[str]) -> None:
        """Leave these visits to the attempt that is over; the plan asks for them again."""
        for code in codes:
            self.past[self.attempt, code] = self.row(code)
            del self.visits[code]

    def row(self, code: str) -> tuple[Any, ...]:
        """A visit as its row should say it."""
        seen = self.visits[code]
        return (*seen.span, seen.booked, seen.performed, bool(seen.ended), self.held(code))

    @property
    def fits(self) -> bool:
        """Whether the infusion is not nearer to chemotherapy than the protocol puts it."""
        return self.chemotherapy is None or self.infusion >= self.chemotherapy + 3 * DAY

    def follows(self, wanted: Model) -> bool:
        """Whether a plan may become that one: nothing is planned that contradicts the chemotherapy given.

        What has happened, and what stood there before, is nobody's to refuse.
        """
        return wanted.fits or bool(self.infused) or wanted.infusion == self.infusion

    def could_be(self, day: date) -> bool:
        """Whether the infusion can have been given on a day: after all of the block that was done."""
        block = [self.visits[code] for code in BLOCK[:3] if code in self.visits]
        given = [seen for seen in block if seen.performed]
        return all(seen.performed <= day and seen.span[1] < self.infusion for seen in given)  # type: ignore[operator]

    def bookings_to_come(self, today: date) -> list[str]:
        """What is booked from a day on."""
        return [
            code for code, seen in self.visits.items() if seen.live and seen.booked and seen.booked >= today
        ]

    def comes(self, code: str, on: date) -> bool:
        """Whether a visit was to come on a day: in its window, or as it was agreed outside it."""
        seen = self.visits[code]
        return seen.span[2] >= on or bool(seen.agreed and seen.booked and seen.booked >= on)

    def is_away(self, day: date) -> bool:
        return any(first <= day <= last for first, last in self.away)

    def suggested(self, code: str, closed: Collection[date]) -> date:
        """The working day nearest to the target in the window, the earlier of two; else the target."""
        opens, target, closes = self.visits[code].span
        if code not in CLINIC:
            return target
        days = [opens + n * DAY for n in range((closes - opens).days + 1)]
        open_days = [d for d in days if d.isoweekday() <= FRIDAY and d not in closed and not self.is_away(d)]
        return min(open_days, key=lambda d: (abs((d - target).days), d), default=target)

    def days_off(self, code: str) -> int:
        """Days outside its window; of a visit that was inside once, only once its day zero has come."""
        seen = self.visits[code]
        came = seen.given if seen.beside else self.chemotherapy if code.startswith("ld") else self.infused
        if not seen.performed or seen.beside == FREE or not (seen.outside or came):
            return 0
        opens, _target, closes = seen.span
        return min(0, (seen.performed - opens).days) or max(0, (seen.performed - closes).days)

    def stands(self, code: str, today: date, closed: Collection[date]) -> tuple[str, str]:
        """Where a visit stands on a day, on both axes, as the issue says it."""
        return self.position(code, today, closed), self.appointment(code, today)

    def position(self, code: str, today: date, closed: Collection[date]) -> str:
        seen = self.visits[code]
        opens, _target, closes = seen.span
        if seen.ended == "gone" or (seen.ended == "course" and seen.voids):
            return "not-applicable"
        if self.held(code):
            return "waiting"
        if today < opens:
            return "upcoming"
        if self.unrecorded(code, today):
            return "waiting"
        if today > closes:
            return "closed"
        ward = code not in CLINIC and not seen.beside
        left = [today + n * DAY for n in range((closes - today).days + 1)]
        days = [day for day in left if ward or (day.isoweekday() <= FRIDAY and day not in closed)]
        return "no-clinic-day-left" if not days else "last-days" if len(days) <= LAST_DAYS else "open"

    def appointment(self, code: str, today: date) -> str:
        seen = self.visits[code]
        if seen.performed:
            return "done"
        if seen.ended:
            return "missed" if seen.ended == "missed" else "cancelled"
        opens, _target, closes = seen.span
        ahead = seen.booked is not None and seen.booked >= today
        if ahead and (seen.agreed or opens <= seen.booked <= closes):
            return "booked"
        over = closes < today and not self.unrecorded(code, today)
        over = over or (seen.booked is not None and seen.booked < today)
        return "to-record" if over and not self.held(code) else "to-book"


def orphans(before: Model, after: Model) -> Iterator[str]:
    """The bookings inside their windows that lie outside the new ones, or whose visits go or come back."""
    for code, seen in before.visits.items():
        if not seen.booked or seen.beside:
            continue
        then = after.visits[code]
        if seen.ended == "gone" and then.live and not then.span[0] <= seen.booked <= then.span[2]:
            yield code
        if not seen.live:
            continue
        inside = seen.span[0] <= seen.booked <= seen.span[2]
        if then.ended == "gone" or (inside and not then.span[0] <= seen.booked <= then.span[2]):
            yield code


def order(model: Model) -> list[str]:
    return sorted(model.visits, key=lambda code: model.visits[code].span)
