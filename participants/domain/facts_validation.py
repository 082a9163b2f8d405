"""What a fact must keep to before it is recorded, and what a person should look at twice.

A fact that cannot be is refused with everything that is wrong in it; a fact that contradicts
a visit already performed is accepted with a warning, because the visit may be what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from participants.domain.facts import (
    Admission,
    CompanionConfirmed,
    Confirmation,
    Dose,
    Event,
    Fact,
    Facts,
    Illness,
    Infection,
    Lodging,
    NightAway,
    PerformedVisit,
    Point,
    Procedure,
    TestResult,
    Vaccination,
    Waiver,
)
from participants.domain.moments import day_of, first_instant
from trials.domain.errors import Refused
from trials.domain.protocols.protocol import Place
from trials.domain.refusals import Refusal
from trials.domain.sites.plausible_days import FIRST_DAY, LAST_DAY
from trials.domain.sites.wall_clock import refusal_of
from trials.domain.words import Code, Say, Value, Words, iso_point, plain
from trials.domain.words import mark as _


@dataclass(frozen=True, slots=True)
class FactWarning:
    """A contradiction that a person should look at: a stable code and words."""

    code: str
    words: Words

    def text(self, say: Say = plain) -> str:
        """What contradicts what."""
        return self.words.text(say, iso_point)


class FactRefused(Refused, ValueError):
    """A fact cannot be; `refusals` holds everything that is wrong with it.

    `place` is which one it is of several that were given together.
    """

    place: int = 0


def accept(
    fact: Fact, others: Facts, now: datetime, zone: ZoneInfo, say: Say = plain
) -> tuple[FactWarning, ...]:
    """The warnings that come with a fact about to be recorded beside the others.

    `now` is an instant with its zone, `zone` the site's. Leave a fact that is being corrected
    out of `others`. Raises FactRefused for a fact that cannot be.
    """
    problems = problems_of(fact, others, now, zone)
    if problems:
        raise FactRefused.because(problems, say)
    return warnings_of(fact, others, zone)


def problems_of(fact: Fact, others: Facts, now: datetime, zone: ZoneInfo) -> tuple[Refusal, ...]:
    """Everything that is wrong with a fact, beside the others; empty for one that can be recorded."""
    unreadable = (*_zoneless(fact), *_never(fact), *_far(fact))
    if unreadable:
        return unreadable
    return (*_future(fact, now, zone), *_own(fact, zone), *_overlaps(fact, others))


def warnings_of(fact: Fact, others: Facts, zone: ZoneInfo) -> tuple[FactWarning, ...]:
    """What a fact contradicts among the visits already performed."""
    if isinstance(fact, Confirmation):
        return tuple(_confirmation_warnings(fact, others.performed, zone))
    if isinstance(fact, Admission):
        return tuple(_admission_warnings(fact, others.performed, zone))
    if isinstance(fact, NightAway):
        return tuple(_night_warnings(fact, others, zone))
    return ()


def _problem(code: str, field: str, template: str, /, **values: Value) -> Refusal:
    return Refusal(field, template, values, code)


FIRST_YEAR, LAST_YEAR = FIRST_DAY.year, LAST_DAY.year
"""The years in which something can be recorded: beyond them somebody mistyped."""
FIRST_YEAR_BEFORE = 1900
"""The first year of what may have been long before a trial, such as an illness."""
_BEFORE = Illness | Infection | Dose | Vaccination | Procedure
FEVER = "fever"
"""The event that a hold looks at: of the trial itself, whatever its windows look back at."""
LONGEST_HALF_LIFE = timedelta(days=36_500)
"""No drug's is longer, and windows of so many half-lives can still be counted."""

# What has happened, by fact: lodging, a companion and a planned discharge may lie ahead.
_HAPPENED = (
    "day", "admitted_at", "discharged_at", "taken_at", "resulted_at", "given_at", "at",
)  # fmt: skip


def _points(fact: Fact) -> Iterator[tuple[str, Point]]:
    """The days and instants of a fact that must have come."""
    names: tuple[str, ...] = ("from_day", "to_day") if isinstance(fact, Illness | Infection) else _HAPPENED
    for name in names:
        point = getattr(fact, name, None)
        if point is not None:
            yield name, point


def days_in_trial(fact: Fact, zone: ZoneInfo) -> list[tuple[date, bool]]:
    """Return the days of a fact that can be unlikely, each with whether it can come long before the trial.

    What windows look back at, such as an illness, a drug or an earlier diagnosis, can.
    """
    if isinstance(fact, Waiver):
        return []
    long_before = isinstance(fact, _BEFORE | Event) and getattr(fact, "code", "") != FEVER
    names = ("from_day", "to_day", *_HAPPENED, "planned_discharge")
    points = [point for name in names if (point := getattr(fact, name, None)) is not None]
    return [(day_of(point, zone), long_before) for point in points]


def _zoneless(fact: Fact) -> Iterator[Refusal]:
    for name, point in _points(fact):
        if isinstance(point, datetime) and point.tzinfo is None:
            yield _problem(
                "no-zone", name, _("%(at)s has no time zone: give the hour with the site's zone"), at=point
            )


def _never(fact: Fact) -> Iterator[Refusal]:
    """An hour over which the clocks are put forward."""
    for name, point in _points(fact):
        error = refusal_of(point) if isinstance(point, datetime) and point.tzinfo else None
        if error:
            yield _problem("no-hour", name, error.template, **error.values)


def _far(fact: Fact) -> Iterator[Refusal]:
    """A year mistyped, which no window could be counted from."""
    first = FIRST_YEAR_BEFORE if isinstance(fact, _BEFORE) else FIRST_YEAR
    for name in ("from_day", "to_day", *_HAPPENED, "planned_discharge", "since"):
        point = getattr(fact, name, None)
        if point is not None and not first <= point.year <= LAST_YEAR:
            yield _problem(
                "year",
                name,
                _("%(year)s is no year for this: give one from %(first)s to %(last)s"),
                year=str(point.year),
                first=str(first),
                last=str(LAST_YEAR),
            )


def _future(fact: Fact, now: datetime, zone: ZoneInfo) -> Iterator[Refusal]:
    today = day_of(now, zone)
    for name, point in _points(fact):
        ahead = first_instant(point, zone) > now if isinstance(point, datetime) else point > today
        if ahead:
            yield _problem(
                "future",
                name,
                _("%(point)s lies in the future: record it once it has happened (today is %(today)s)"),
                point=point,
                today=today,
            )


def _own(fact: Fact, zone: ZoneInfo) -> Iterator[Refusal]:
    """What contradicts itself inside one fact."""
    if isinstance(fact, Lodging | CompanionConfirmed | Illness | Infection):
        yield from _turned(fact.from_day, fact.to_day)
    if isinstance(fact, Lodging | NightAway):
        yield from _travel(fact.minutes)
    if isinstance(fact, Admission):
        yield from _admission(fact, zone)
    if isinstance(fact, TestResult):
        yield from _test(fact, zone)
    if isinstance(fact, Dose):
        yield from _dose(fact)
    yield from _unnamed(fact)


def _turned(from_day: date, to_day: date | None) -> Iterator[Refusal]:
    if to_day is not None and to_day < from_day:
        yield _problem(
            "turned",
            "to_day",
            _("the last day %(to)s is before the first day %(first)s"),
            to=to_day,
            first=from_day,
        )


def _travel(minutes: int | None) -> Iterator[Refusal]:
    if minutes is not None and minutes < 0:
        yield _problem(
            "minutes", "minutes", _("%(n)d minutes of travel: give zero or more whole minutes"), n=minutes
        )


def _admission(fact: Admission, zone: ZoneInfo) -> Iterator[Refusal]:
    if fact.discharged_at is not None and first_instant(fact.discharged_at, zone) < first_instant(
        fact.admitted_at, zone
    ):
        yield _problem(
            "discharge-before-admission",
            "discharged_at",
            _("the discharge at %(out)s is before the admission at %(into)s"),
            out=fact.discharged_at,
            into=fact.admitted_at,
        )
    if fact.planned_discharge is not None and fact.planned_discharge < day_of(fact.admitted_at, zone):
        yield _problem(
            "discharge-before-admission",
            "planned_discharge",
            _("the planned discharge on %(out)s is before the admission at %(into)s"),
            out=fact.planned_discharge,
            into=fact.admitted_at,
        )


def _test(fact: TestResult, zone: ZoneInfo) -> Iterator[Refusal]:
    if fact.resulted_at is None:
        return
    both = isinstance(fact.resulted_at, datetime) and isinstance(fact.taken_at, datetime)
    early = (
        first_instant(fact.resulted_at, zone) < first_instant(fact.taken_at, zone)
        if both
        else day_of(fact.resulted_at, zone) < day_of(fact.taken_at, zone)
    )
    if early:
        yield _problem(
            "result-before-sample",
            "resulted_at",
            _("the result of %(resulted)s is before its sample of %(taken)s"),
            resulted=fact.resulted_at,
            taken=fact.taken_at,
        )


def _dose(fact: Dose) -> Iterator[Refusal]:
    if fact.half_life is None:
        return
    if fact.half_life <= timedelta(0):
        yield _problem("half-life", "half_life", _("a half-life must be longer than zero"))
    if fact.half_life > LONGEST_HALF_LIFE:
        yield _problem(
            "half-life",
            "half_life",
            _("a half-life of more than %(n)d days: look at its unit"),
            n=LONGEST_HALF_LIFE.days,
        )
    if not fact.source.strip():
        yield _problem(
            "half-life-source", "source", _("name the source that the half-life of %(drug)s was read from"),
            drug=fact.name or Code(fact.drug),
        )  # fmt: skip


# What each fact must name: the field that must not be empty.
_NAMES = {
    Dose: ("drug",),
    TestResult: ("test",),
    Vaccination: ("vaccine",),
    Confirmation: ("topic",),
    Waiver: ("window", "by", "reason"),
}


def _unnamed(fact: Fact) -> Iterator[Refusal]:
    for name in _NAMES.get(type(fact), ("code",)):
        if not str(getattr(fact, name, "-")).strip():
            yield _problem("empty", name, _("%(field)s must not be empty"), field=name)


def _overlaps(fact: Fact, others: Facts) -> Iterator[Refusal]:
    if isinstance(fact, Admission):
        for admission in others.admissions:
            if _share_time(fact, admission):
                yield _problem(
                    "overlapping-admissions",
                    "admitted_at",
                    _("it overlaps the admission of %(into)s: correct or end that one first"),
                    into=admission.admitted_at,
                )
    if isinstance(fact, Lodging):
        for lodging in others.lodgings:
            if _share_nights(fact, lodging):
                yield _problem(
                    "overlapping-lodgings",
                    "from_day",
                    _("it overlaps the lodging from %(day)s: correct or end that one first"),
                    day=lodging.from_day,
                )


def _share_time(one: Admission, other: Admission) -> bool:
    """Whether two admissions share more than the instant at which one ends and the other begins."""
    first, second = sorted((one, other), key=lambda admission: admission.admitted_at.timestamp())
    if first.discharged_at is None:
        return True
    return second.admitted_at.timestamp() < first.discharged_at.timestamp()


def _share_nights(one: Lodging, other: Lodging) -> bool:
    first, second = sorted((one, other), key=lambda lodging: lodging.from_day)
    return first.holds(second.from_day)


def _confirmation_warnings(
    fact: Confirmation, performed: Iterable[PerformedVisit], zone: ZoneInfo
) -> Iterator[FactWarning]:
    if fact.visit is None:
        return
    days = {visit.code: day_of(visit.at, zone) for visit in performed}
    if fact.visit not in days:
        words = Words.of(_("%(visit)s has not been performed yet"), {"visit": Code(fact.visit)})
        yield FactWarning("visit-not-performed", words)
    elif days[fact.visit] != day_of(fact.at, zone):
        values: dict[str, Value] = {"visit": Code(fact.visit), "day": days[fact.visit], "at": fact.at}
        words = Words.of(_("%(visit)s was performed on %(day)s, not on %(at)s"), values)
        yield FactWarning("visit-on-another-day", words)


def _admission_warnings(
    fact: Admission, performed: Iterable[PerformedVisit], zone: ZoneInfo
) -> Iterator[FactWarning]:
    first = day_of(fact.admitted_at, zone)
    last = day_of(fact.discharged_at, zone) if fact.discharged_at else None
    for visit in performed:
        day = day_of(visit.at, zone)
        if visit.place is Place.HOME and first < day and (last is None or day < last):
            values: dict[str, Value] = {"visit": Code(visit.code), "day": day}
            words = Words.of(
                _("%(visit)s was performed at home on %(day)s, during this stay in hospital"), values
            )
            yield FactWarning("at-home-while-admitted", words)


def _night_warnings(fact: NightAway, others: Facts, zone: ZoneInfo) -> Iterator[FactWarning]:
    for visit in others.performed:
        if visit.place is Place.WARD and day_of(visit.at, zone) == fact.day:
            values: dict[str, Value] = {"visit": Code(visit.code), "day": fact.day}
            words = Words.of(
                _("%(visit)s was performed on the ward on %(day)s, the day of this night away"), values
            )
            yield FactWarning("away-on-ward-day", words)
