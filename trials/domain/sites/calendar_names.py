"""The names of the holiday calendars: two-letter codes of countries (ISO 3166-1), from `holidays`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache


def calendar_names() -> tuple[str, ...]:
    """Return the names of every holiday calendar, sorted."""
    return tuple(sorted(modules_by_code()))


@lru_cache(maxsize=1)
def modules_by_code() -> Mapping[str, tuple[str, str]]:
    """Return the module and class in `holidays` of every country, by its two-letter code."""
    from holidays.registry import COUNTRIES  # noqa: PLC0415 - dear to import, and a plan may do without

    return {names[1]: (module, names[0]) for module, names in COUNTRIES.items()}
