"""Public holidays out of the libraries `holidays` and `chinesecalendar`, read into working days.

China (CN) has a gate: a year is official once `chinesecalendar` knows it, and then every day
is as the State Council announced it, make-up days included. For any other year `holidays`
computes the statutory days, which say nothing of make-up days: such a year is provisional.

All other countries and territories come from `holidays` alone: nationwide public holidays, the
working week of the country, no regions. That library computes up to the year 2100 and never says
what has been announced, so a year counts as official only up to the one in which the locked
release was made, and only if none of its days is marked as estimated.

Both libraries are imported when a calendar is asked for: together they take half a second, which
a plan without a calendar must not pay.
"""

from __future__ import annotations

import importlib.util
import re
from datetime import MAXYEAR, MINYEAR, date
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trials.domain.errors import DomainError
from trials.domain.sites.calendar_names import calendar_names, modules_by_code
from trials.domain.sites.working_days import MONDAY_TO_FRIDAY, WorkingDays

if TYPE_CHECKING:
    from holidays import HolidayBase

__all__ = ["CHINA", "RELEASE_YEAR", "CalendarError", "calendar_names", "load_calendar"]

CHINA = "CN"
RELEASE_YEAR = 2026
"""The year of the locked release of `holidays`; leaving it behind only makes years provisional."""

_ENGLISH = "en_US"
_ESTIMATED = "estimated"
# `holidays` in the words of `chinesecalendar`, so that a holiday has one name in every year.
_CHINESE_NAMES = {
    "Chinese New Year (Spring Festival)": "Spring Festival",
    "Chinese New Year's Eve": "Spring Festival",
    "Labor Day": "Labour Day",
    "Mid-Autumn Festival": "Mid-autumn Festival",
    "Tomb-Sweeping Day": "Tomb-sweeping Day",
}
_REMARK = re.compile(r" \((observed|estimated|observed, estimated)\)")


class CalendarError(DomainError, ValueError):
    """No holiday calendar has that name or those years."""


@lru_cache(maxsize=32)
def load_calendar(name: str, first_year: int, last_year: int) -> WorkingDays:
    """The working days of a country, from the first year to the last, both included.

    Equal arguments give the same value; another range of years is another table with another
    digest. Years outside the range know weekends only and are provisional. Raises
    CalendarError for an unknown name, a range turned round and years outside 1 to 9999.
    """
    if not MINYEAR <= first_year <= last_year <= MAXYEAR:
        raise CalendarError(f"{first_year} to {last_year} is no range of years: give the earlier year first")
    if name == CHINA:
        return _load_china(first_year, last_year)
    if name not in modules_by_code():
        raise CalendarError(_unknown(name))
    return _load_country(name, first_year, last_year)


def _unknown(name: str) -> str:
    others = len(calendar_names()) - 1
    return (
        f"{name!r} is no holiday calendar: write CN or one of {others} other two-letter country codes "
        "(ISO 3166-1), for instance DE, GB, JP or US; in capitals"
    )


def _load_china(first_year: int, last_year: int) -> WorkingDays:
    """Official years from `chinesecalendar`, all others as provisional from `holidays`."""
    import chinese_calendar  # noqa: PLC0415 - dear to import, see above

    years = range(first_year, last_year + 1)
    official = frozenset(filter(_is_announced_in_china, years))
    provisional = [year for year in years if year not in official]
    sources = [f"chinesecalendar {version('chinesecalendar')}"]
    days = {day: name for day, name in chinese_calendar.holidays.items() if day.year in official}
    make_up = {day for day in chinese_calendar.workdays if day.year in official}
    if provisional:
        sources.insert(0, f"holidays {version('holidays')}")
        statutory = _compute(CHINA, provisional)
        days |= {
            day: _in_chinese_words(holiday) for day, holiday in statutory.items() if day.year in provisional
        }
        make_up |= {day for day in statutory.weekend_workdays if day.year in provisional}
    return WorkingDays(
        name=CHINA,
        source=_source(sources, first_year, last_year),
        weekdays=MONDAY_TO_FRIDAY,
        holidays=days,
        make_up_days=frozenset(make_up),
        official_years=official,
    )


def _load_country(name: str, first_year: int, last_year: int) -> WorkingDays:
    """All years from `holidays`; official up to the release's year where nothing is estimated."""
    years = range(first_year, last_year + 1)
    computed = _compute(name, years)
    estimated = {day.year for day, holiday in computed.items() if _ESTIMATED in holiday}
    known = range(computed.start_year, min(computed.end_year, RELEASE_YEAR) + 1)
    return WorkingDays(
        name=name,
        source=_source([f"holidays {version('holidays')}"], first_year, last_year),
        weekdays=frozenset(day + 1 for day in range(7) if day not in computed.weekend),
        holidays={day: _in_plain_words(holiday) for day, holiday in computed.items() if day.year in years},
        make_up_days=frozenset(day for day in computed.weekend_workdays if day.year in years),
        official_years=frozenset(year for year in years if year in known and year not in estimated),
    )


def _is_announced_in_china(year: int) -> bool:
    """Whether `chinesecalendar` knows the year: it raises for all others."""
    from chinese_calendar import is_workday  # noqa: PLC0415 - dear to import, see above

    try:
        is_workday(date(year, 1, 1))
    except NotImplementedError:
        return False
    return True


def _in_chinese_words(name: str) -> str:
    """A name by `holidays` in the words of `chinesecalendar`: Spring Festival, observed."""
    for theirs, ours in _CHINESE_NAMES.items():
        name = name.replace(theirs, ours)
    return _in_plain_words(name)


def _in_plain_words(name: str) -> str:
    """A name whose remark follows a comma, since it will itself stand in brackets."""
    return _REMARK.sub(r", \1", name)


def _source(sources: list[str], first_year: int, last_year: int) -> str:
    return f"{first_year}-{last_year} {' '.join(sources)}"


def _compute(code: str, years: range | list[int]) -> HolidayBase:
    """The nationwide public holidays of the years, by `holidays`, in English."""
    country: Any = _country_class(code)
    language = _ENGLISH if _ENGLISH in country.supported_languages else None
    computed: HolidayBase = country(years=years, expand=False, language=language)
    return computed


def _country_class(code: str) -> Any:
    """The class that computes a country's holidays, from its one file.

    Imported by its name it would bring all 250 countries with it and triple the time, since
    the package around it imports every one of them.
    """
    import holidays  # noqa: PLC0415 - dear to import, see above

    module_name, class_name = modules_by_code()[code]
    file = Path(holidays.__file__).parent / "countries" / f"{module_name}.py"
    spec = importlib.util.spec_from_file_location(f"_holidays_{module_name}", file)
    if spec is None or spec.loader is None or not file.exists():
        return getattr(holidays, class_name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, class_name)
