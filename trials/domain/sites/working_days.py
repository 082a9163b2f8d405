"""The days on which a site works: a versioned table that a plan names and never outgrows.

A table is a value. It holds the weekly clinic days, the public holidays, the make-up days
(in China a Saturday or Sunday can be worked in exchange for a holiday), and the site's own
word on single days: closed, open, or worked as another weekday. Where they disagree, the
site's own word comes first, then the make-up day, then the holiday, then the weekday.

No official notice says which weekday a make-up day follows: every hospital decides. So it is
worked by itself only where the clinic is on every day from Monday to Friday, and closed for
a clinic of Tuesdays and Thursdays until the site says more.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from types import MappingProxyType
from typing import Any, TypeVar

from trials.domain.errors import DomainError
from trials.domain.sites.closed_days import (
    CLOSED,
    CLOSED_FOR,
    HOLIDAY,
    NO_CLINIC_DAY,
    UNSETTLED,
    WORKED_AS,
)
from trials.domain.words import WEEKDAYS

MONDAY_TO_FRIDAY = frozenset({1, 2, 3, 4, 5})
FORMAT = 1
YEARS_AHEAD = 5
"""How many years after the present one a new table covers: visits are planned that far."""
_Said = TypeVar("_Said", str, int)
_DAYS_PER_WEEK = 7
_SATURDAY = 6
_WEEK = frozenset(range(1, _DAYS_PER_WEEK + 1))


class WorkingDaysError(DomainError, ValueError):
    """A table of working days contradicts itself, or a document does not hold one."""


@dataclass(frozen=True)
class WorkingDays:
    """A site's working days, closed under its own questions; equal tables give equal answers.

    `weekdays` are ISO numbers (Monday 1 to Sunday 7). `source` names what the days were read
    from. `official_years` are the years whose official calendar is out; all others, the years
    without any data among them, are provisional, but for `announced` ones, of which the site has
    entered the announced days itself. `follows` names the weekday that the site works as on a
    day. Raises WorkingDaysError for a week without a clinic day, a weekday outside 1 to 7, and a
    day of which the site says two things.
    """

    name: str
    source: str = ""
    weekdays: frozenset[int] = MONDAY_TO_FRIDAY
    holidays: Mapping[date, str] = field(default_factory=dict)
    make_up_days: frozenset[date] = frozenset()
    closures: Mapping[date, str] = field(default_factory=dict)
    openings: Mapping[date, str] = field(default_factory=dict)
    official_years: frozenset[int] = frozenset()
    follows: Mapping[date, int] = field(default_factory=dict)
    announced: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        for attribute in ("holidays", "closures", "openings", "follows"):
            copy = MappingProxyType(dict(sorted(getattr(self, attribute).items())))
            object.__setattr__(self, attribute, copy)
        if not self.weekdays or not self.weekdays <= _WEEK:
            given = sorted(self.weekdays)
            raise WorkingDaysError(f"weekdays {given}: give at least one of 1 (Monday) to 7 (Sunday)")
        if wrong := sorted(set(self.follows.values()) - _WEEK):
            raise WorkingDaysError(f"weekdays {wrong}: a day follows one of 1 (Monday) to 7 (Sunday)")
        _refuse_both(self.closures, self.openings, self.follows)

    def __hash__(self) -> int:
        return hash(self.digest)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle by way of the document: read-only mappings know neither."""
        return (WorkingDays.from_document, (self.as_document(),))

    @property
    def version(self) -> str:
        """The text by which a plan names this table: name, source and the digest's beginning."""
        return " ".join(part for part in (self.name, self.source, self.digest[:12]) if part)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical document without its source: equal days, equal digest."""
        content = {key: value for key, value in self.as_document().items() if key != "source"}
        canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    def is_public_holiday(self, day: date) -> bool:
        """Whether the day is a public holiday, even one on which the site opens."""
        return self.holiday_name(day) is not None

    def holiday_name(self, day: date) -> str | None:
        """The name of the public holiday on that day; None for all others and make-up days."""
        return None if day in self.make_up_days else self.holidays.get(day)

    def is_working_day(self, day: date) -> bool:
        """Whether the site works on that day."""
        if day in self._shut:
            return False
        return day in self._open or day.isoweekday() in self.weekdays

    def why_not(self, day: date) -> str | None:
        """Why the site does not work that day, in English (`closed_words` says it); None where it works."""
        if self.is_working_day(day):
            return None
        if day in self.closures:
            reason = self.closures[day]
            return CLOSED_FOR % {"reason": reason} if reason else CLOSED
        if (holiday := self.holiday_name(day)) is not None:
            return HOLIDAY % {"name": holiday}
        weekday = day.isoweekday()
        name = WEEKDAYS[weekday - 1]
        if day in self.follows:
            return WORKED_AS % {"weekday": name, "other": WEEKDAYS[self.follows[day] - 1]}
        if self.is_unsettled(day):
            return UNSETTLED % {"weekday": name}
        return name if weekday >= _SATURDAY else NO_CLINIC_DAY % {"weekday": name}

    def is_unsettled(self, day: date) -> bool:
        """Whether a make-up day is closed only because the site has not said how it works on it."""
        return day in self._unsettled

    def unsettled_from(self, day: date) -> list[date]:
        """The make-up days from a day on of which the site has still to say how it works on them."""
        return sorted(one for one in self._unsettled if one >= day)

    def is_provisional(self, when: date | int) -> bool:
        """Whether the official calendar of that day's (or that) year is not out, nor entered by the site."""
        year = when.year if isinstance(when, date) else when
        return year not in self.official_years and year not in self.announced

    def nearest_working_day(self, opens: date, target: date, closes: date) -> date | None:
        """The working day of the window nearest to the target, the earlier one on a tie.

        Both ends belong to the window. A target outside it counts from the nearer end. None
        where the window holds no working day.
        """
        return next(filter(self.is_working_day, _outwards(opens, target, closes)), None)

    def working_days_between(self, first: date, last: date) -> int:
        """How many working days lie from the first to the last day, both counted.

        Takes as long for decades as for a week. None lie in a range turned round.
        """
        if last < first:
            return 0
        weeks, rest = divmod((last - first).days + 1, _DAYS_PER_WEEK)
        days_left = {(first.weekday() + step) % _DAYS_PER_WEEK + 1 for step in range(rest)}
        regular = weeks * len(self.weekdays) + len(self.weekdays & days_left)
        return regular + _within(self._extra, first, last) - _within(self._lost, first, last)

    def with_corrections(
        self,
        *,
        closures: Mapping[date, str] | None = None,
        openings: Mapping[date, str] | None = None,
        follows: Mapping[date, int] | None = None,
        announced: Collection[int] = (),
    ) -> WorkingDays:
        """This table with the site's own word: days closed or open, with reasons, or worked as a weekday.

        A later correction takes the place of an earlier one for the same day. Raises
        WorkingDaysError for a day of which two things are said.
        """
        closed, opened, as_weekday = dict(closures or {}), dict(openings or {}), dict(follows or {})
        _refuse_both(closed, opened, as_weekday)
        said = closed.keys() | opened.keys() | as_weekday.keys()
        return replace(
            self,
            closures=_without(self.closures, said) | closed,
            openings=_without(self.openings, said) | opened,
            follows=_without(self.follows, said) | as_weekday,
            announced=self.announced | frozenset(announced),
        )

    def as_document(self) -> dict[str, Any]:
        """The table as values that JSON knows, in one order; `from_document` reads it back.

        Days that follow a weekday are there only where there are any, so that the digests of tables
        from before they were known stay what they were.
        """
        later: dict[str, Any] = {"follows": _to_texts(self.follows)} if self.follows else {}
        later |= {"announced": sorted(self.announced)} if self.announced else {}
        return {
            "format": FORMAT,
            "name": self.name,
            "source": self.source,
            "weekdays": sorted(self.weekdays),
            "holidays": _to_texts(self.holidays),
            "make_up_days": [day.isoformat() for day in sorted(self.make_up_days)],
            "closures": _to_texts(self.closures),
            "openings": _to_texts(self.openings),
            "official_years": sorted(self.official_years),
            **later,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> WorkingDays:
        """The table that `as_document` wrote.

        Raises WorkingDaysError for another format, a missing key and a value that cannot be read.
        """
        try:
            if document["format"] != FORMAT:
                raise WorkingDaysError(f"format {document['format']!r} is not known: {FORMAT} is")
            return cls(
                name=str(document["name"]),
                source=str(document["source"]),
                weekdays=frozenset(map(int, document["weekdays"])),
                holidays=_from_texts(document["holidays"]),
                make_up_days=frozenset(map(date.fromisoformat, document["make_up_days"])),
                closures=_from_texts(document["closures"]),
                openings=_from_texts(document["openings"]),
                official_years=frozenset(map(int, document["official_years"])),
                follows=_weekdays_from_texts(document.get("follows", {})),
                announced=frozenset(map(int, document.get("announced", ()))),
            )
        except WorkingDaysError:
            raise
        except KeyError as error:
            raise WorkingDaysError(f"a table of working days needs the key {error}") from error
        except (AttributeError, TypeError, ValueError) as error:
            raise WorkingDaysError(f"this is not a table of working days: {error}") from error

    @cached_property
    def _unsettled(self) -> frozenset[date]:
        """The make-up days on which the site may or may not work: it has said nothing of them.

        Where the clinic is from Monday to Friday, a make-up day is worked whichever of these it follows;
        on Saturdays too, a make-up Saturday is a Saturday.
        """
        if self.weekdays == MONDAY_TO_FRIDAY:
            return frozenset()
        whole_week = self.weekdays >= MONDAY_TO_FRIDAY
        asked = {day for day in self.make_up_days if not (whole_week and day.isoweekday() in self.weekdays)}
        return frozenset(asked - self.closures.keys() - self.openings.keys() - self.follows.keys())

    @cached_property
    def _open(self) -> frozenset[date]:
        """The days worked whatever the weekday or holiday says."""
        works_as = {day for day, weekday in self.follows.items() if weekday in self.weekdays}
        made_up = self.make_up_days - self._unsettled - self.follows.keys()
        return (made_up | works_as | self.openings.keys()) - self.closures.keys()

    @cached_property
    def _shut(self) -> frozenset[date]:
        """The days not worked whatever the weekday says."""
        shut = self.holidays.keys() | self._unsettled | self.follows.keys()
        return frozenset(self.closures) | (shut - self._open)

    @cached_property
    def _extra(self) -> Sequence[int]:
        """The ordinals of the days worked although their weekday is not."""
        return sorted(day.toordinal() for day in self._open if day.isoweekday() not in self.weekdays)

    @cached_property
    def _lost(self) -> Sequence[int]:
        """The ordinals of the days not worked although their weekday is."""
        return sorted(day.toordinal() for day in self._shut if day.isoweekday() in self.weekdays)


def _outwards(opens: date, target: date, closes: date) -> Iterator[date]:
    """The days of a window by their distance from the target, the earlier of two first."""
    if closes < opens:
        return
    start = min(max(opens, target), closes)
    yield start
    before, after = (start - opens).days, (closes - start).days
    for distance in range(1, max(before, after) + 1):
        if distance <= before:
            yield start - timedelta(days=distance)
        if distance <= after:
            yield start + timedelta(days=distance)


def _within(ordinals: Sequence[int], first: date, last: date) -> int:
    """How many of the sorted ordinals lie between two days, both included."""
    return bisect_right(ordinals, last.toordinal()) - bisect_left(ordinals, first.toordinal())


def _refuse_both(
    closures: Mapping[date, str], openings: Mapping[date, str], follows: Mapping[date, int]
) -> None:
    """Raise WorkingDaysError if a site says two things of one day."""
    if both := sorted(closures.keys() & openings.keys()):
        days = ", ".join(day.isoformat() for day in both)
        raise WorkingDaysError(f"{days}: closed and opened by the site at once; keep one of the two")
    if both := sorted(follows.keys() & (closures.keys() | openings.keys())):
        days = ", ".join(day.isoformat() for day in both)
        raise WorkingDaysError(
            f"{days}: closed or opened and worked as a weekday at once; keep one of the two"
        )


def _without(days: Mapping[date, _Said], taken: AbstractSet[date]) -> dict[date, _Said]:
    return {day: reason for day, reason in days.items() if day not in taken}


def _to_texts(days: Mapping[date, _Said]) -> dict[str, _Said]:
    return {day.isoformat(): text for day, text in days.items()}


def _from_texts(days: Mapping[str, str]) -> dict[date, str]:
    return {date.fromisoformat(day): str(text) for day, text in days.items()}


def _weekdays_from_texts(days: Mapping[str, int]) -> dict[date, int]:
    return {date.fromisoformat(day): int(weekday) for day, weekday in days.items()}
