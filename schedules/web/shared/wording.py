"""What the domain found, in words for a coordinator."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import TypeVar

from django import forms
from django.utils.translation import get_language, gettext_lazy, ngettext, pgettext, pgettext_lazy
from django.utils.translation import gettext as _

from participants.domain.moments import ZoneOfRecord
from participants.models import Participant
from schedules.domain.plan.values import AnchorKind, PlanWarning
from schedules.domain.visits.calendar_conflicts import Hindrance, HindranceKind
from schedules.domain.visits.status import Appointment, Standing, WindowPosition
from schedules.selectors.today.worklist import Part
from schedules.web.shared.clock import now, server_day
from trials.domain.protocols.protocol import Protocol
from trials.domain.protocols.treatment_names import capital, day_zero_name, start_of_treatment
from trials.domain.words import day_text, written_day
from trials.models import Site
from trials.spoken import say as say  # noqa: PLC0414 - pages take all their words from here
from trials.spoken import site_name as site_name  # noqa: PLC0414
from trials.spoken import site_place
from trials.spoken import trial_name as trial_name  # noqa: PLC0414

Shown = TypeVar("Shown", bound=forms.BaseForm)

WEEKDAYS = (
    pgettext_lazy("short weekday", "Mon"),
    pgettext_lazy("short weekday", "Tue"),
    pgettext_lazy("short weekday", "Wed"),
    pgettext_lazy("short weekday", "Thu"),
    pgettext_lazy("short weekday", "Fri"),
    pgettext_lazy("short weekday", "Sat"),
    pgettext_lazy("short weekday", "Sun"),
)
"""The weekday that stands beside every date."""

MONTHS = (
    pgettext_lazy("short month", "Jan"),
    pgettext_lazy("short month", "Feb"),
    pgettext_lazy("short month", "Mar"),
    pgettext_lazy("short month", "Apr"),
    pgettext_lazy("short month", "May"),
    pgettext_lazy("short month", "Jun"),
    pgettext_lazy("short month", "Jul"),
    pgettext_lazy("short month", "Aug"),
    pgettext_lazy("short month", "Sep"),
    pgettext_lazy("short month", "Oct"),
    pgettext_lazy("short month", "Nov"),
    pgettext_lazy("short month", "Dec"),
)
"""The months where there is little room."""

STANDING = {
    WindowPosition.UPCOMING: pgettext_lazy("window position", "Upcoming"),
    WindowPosition.OPEN: pgettext_lazy("window position", "Open"),
    WindowPosition.LAST_DAYS: gettext_lazy("Last days"),
    WindowPosition.NO_CLINIC_DAY_LEFT: gettext_lazy("No clinic day left"),
    WindowPosition.CLOSED: gettext_lazy("Window closed"),
    WindowPosition.WAITING: gettext_lazy("Waiting"),
    WindowPosition.NOT_APPLICABLE: gettext_lazy("Does not apply"),
    Appointment.TO_BOOK: gettext_lazy("To book"),
    Appointment.BOOKED: pgettext_lazy("state of a visit", "Booked"),
    Appointment.ARRIVED: gettext_lazy("Arrived"),
    Appointment.TO_RECORD: gettext_lazy("To record"),
    Appointment.DONE: pgettext_lazy("state of a visit", "Done"),
    Appointment.MISSED: pgettext_lazy("state of a visit", "Missed"),
    Appointment.CANCELLED: gettext_lazy("Cancelled"),
}
"""The window's position and the appointment in a word; `Standing.said` says which is read first."""

PART = {
    Part.COMING: (gettext_lazy("Coming today"), gettext_lazy("booked for today, or here already")),
    Part.NO_CLINIC_DAY_LEFT: (
        gettext_lazy("No clinic day left"),
        gettext_lazy("the window is open, and the clinic sees nobody before it closes"),
    ),
    Part.LAST_DAYS: (
        gettext_lazy("Last days"),
        gettext_lazy("to book: three clinic days or fewer are left"),
    ),
    Part.OPEN: (pgettext_lazy("part of the worklist", "To book"), gettext_lazy("the window is open")),
    Part.UPCOMING: (gettext_lazy("Opening soon"), gettext_lazy("to book: the window opens within a week")),
    Part.TO_RECORD: (
        gettext_lazy("To record"),
        gettext_lazy("the booked day or the window is over, and nothing is recorded"),
    ),
    Part.BOOKED: (pgettext_lazy("state of a visit", "Booked"), gettext_lazy("for a later day")),
}
"""A part of the worklist: its name, and what belongs to it."""

ANCHOR_KIND = {
    AnchorKind.PLANNED: gettext_lazy("planned"),
    AnchorKind.ACTUAL: gettext_lazy("actual"),
    AnchorKind.DERIVED: gettext_lazy("follows"),
}
"""How the day of an anchor is known, in a word."""

# What a page names on its own, above the table; the rest stands in the rows it is about.
WARNINGS = {
    "contradictory-anchors": gettext_lazy("Two anchors contradict each other"),
    "hold": gettext_lazy("On hold before day zero"),
    "outside-window": gettext_lazy("An anchor lies outside its window"),
    "block-on-holiday": gettext_lazy("A block meets a day that cannot be kept"),
    "anchor-missing": gettext_lazy("An anchor is not known yet"),
    "anchor-not-applicable": gettext_lazy("An anchor is not used"),
    "hour-unknown": gettext_lazy("An hour is not known yet"),
}


def _chinese() -> bool:
    return (get_language() or "en").startswith("zh")


def standing_words(standing: Standing) -> str:
    """Where a visit stands, in a few words; one that was done out of its window says by how many days."""
    days = abs(standing.days_outside)
    if not days:
        return str(STANDING[standing.said])
    if standing.days_outside < 0:
        words = ngettext("Done %(days)d day before its window", "Done %(days)d days before its window", days)
    else:
        words = ngettext("Done %(days)d day after its window", "Done %(days)d days after its window", days)
    return words % {"days": days}


def day_words(day: date) -> str:
    """A day with its weekday in a sentence: Mon 7 Dec, 12月7日（周一）; with its year where it is needed."""
    today = server_day(now())
    return written_day(day, today, say, chinese=True) if _chinese() else near_day_words(day, today)


def table_day_words(day: date) -> str:
    """A day with its weekday in a table: Mon 7 Dec, in Chinese 2026-12-07 周一."""
    if not _chinese():
        return near_day_words(day, server_day(now()))
    words = {"weekday": WEEKDAYS[day.weekday()], "day": day.isoformat()}
    return _("%(weekday)s %(day)s") % words


_HALF_A_YEAR = 183


def near_day_words(day: date, today: date) -> str:
    """A day as one says it: Tue 1 Dec; with its year where it is more than half a year from today."""
    far = abs((day - today).days) > _HALF_A_YEAR
    words = _parts(day)
    if far:
        return pgettext("weekday day month year", "%(weekday)s %(day)d %(month)s %(year)d") % words
    return pgettext("weekday day month", "%(weekday)s %(day)d %(month)s") % words


def place_words(site: Site) -> str:
    """The place of a site, as it stands beside a subject code: S01-003 Wuhan Union."""
    return site_place(site)


def person_words(participant: Participant) -> str:
    """A participant as nobody mistakes them: the subject code and the place."""
    words = {"code": participant.subject_code, "place": place_words(participant.site)}
    return pgettext("participant and place", "%(code)s %(place)s") % words


def visit_of_words(participant: Participant, mark: str) -> str:
    """A visit of somebody, as it is named in a sentence on a page that is not theirs."""
    return _("%(visit)s of %(person)s") % {"visit": mark, "person": person_words(participant)}


def hour_words(at: datetime) -> str:
    """An hour by its own clocks; where they are those of the place where it was recorded, with their zone."""
    zone = at.tzinfo
    return f"{at:%H:%M} ({zone.key})" if isinstance(zone, ZoneOfRecord) else f"{at:%H:%M}"


def short_day_words(day: date) -> str:
    """A day with little room: Mon 7 Dec."""
    return pgettext("weekday day month", "%(weekday)s %(day)d %(month)s") % _parts(day)


def paper_day_words(day: date) -> str:
    """A day as it stands on paper, which is read on any day: Mon 7 Dec 2026."""
    return pgettext("day on paper", "%(weekday)s %(day)d %(month)s %(year)d") % _parts(day)


def paper_days_words(first: date, last: date) -> str:
    """Days on paper from the first to the last, with the year once where it is one."""
    if first.year != last.year:
        words = {"first": paper_day_words(first), "last": paper_day_words(last)}
        return pgettext("days on paper", "%(first)s – %(last)s") % words
    ends = {f"first_{name}": part for name, part in _parts(first).items()} | _parts(last)
    return (
        pgettext(
            "days on paper",
            "%(first_weekday)s %(first_day)d %(first_month)s – %(weekday)s %(day)d %(month)s %(year)d",
        )
        % ends
    )


def shortest_day_words(day: date) -> str:
    """A day with hardly any room: 7 Dec."""
    return pgettext("day month", "%(day)d %(month)s") % _parts(day)


def month_words(day: date) -> str:
    """A month with its year: Dec 2026."""
    return pgettext("month year", "%(month)s %(year)d") % _parts(day)


def _parts(day: date) -> dict[str, object]:
    """A day in parts, to be put together in the reader's order."""
    return {
        "weekday": WEEKDAYS[day.weekday()],
        "day": day.day,
        "month": MONTHS[day.month - 1],
        "year": day.year,
    }


def hindrance_words(hindrance: Hindrance) -> str:
    """What stands in the way, in a few words."""
    words = {
        "day": day_words(hindrance.day),
        "year": hindrance.day.year,
        "holiday": _(hindrance.holiday) if hindrance.holiday else "",
    }
    return _hindrance(hindrance) % words


def _hindrance(hindrance: Hindrance) -> str:
    if hindrance.kind is HindranceKind.TARGET_CLOSED:
        return (
            _("No clinic on the target day: %(holiday)s")
            if hindrance.holiday
            else _("No clinic on the target day")
        )
    return {
        HindranceKind.NO_CALENDAR: _("The site has no table of working days"),
        HindranceKind.NO_CLINIC_DAY: _("No clinic day in the whole window"),
        HindranceKind.NO_CLINIC_DAY_LEFT: _("No clinic day left"),
        HindranceKind.LAST_CLINIC_DAY: _("Only clinic day left: %(day)s"),
        HindranceKind.HOLIDAY_ON_WARD: _("Ward day on a public holiday: %(holiday)s"),
        HindranceKind.PROVISIONAL: _("Holidays of %(year)s provisional"),
    }[hindrance.kind]


def warnings_in_words(warnings: Iterable[PlanWarning]) -> list[tuple[str, str]]:
    """The warnings that a page names above its table: the heading, and the engine's own sentence."""
    return [
        (str(WARNINGS[warning.code]), warning.words.text(say, day_text))
        for warning in warnings
        if warning.code in WARNINGS
    ]


def treatment_words(protocol: Protocol) -> dict[str, str]:
    """Return the names that texts take, in the reader's language; `_first` begins a sentence.

    `given` is what a treatment begins with, `awaited` what it is given for, `zero` is day zero.
    """
    given, awaited = start_of_treatment(protocol)
    names = {"given": given, "awaited": awaited, "zero": day_zero_name(protocol)}
    inside = {name: say(label) for name, label in names.items()}
    return inside | {f"{name}_first": say(capital(label)) for name, label in names.items()}


def name_fields(form: Shown, names: Mapping[str, str]) -> Shown:
    """Give a form's labels the names that they have places for, and return it."""
    for field in form.fields.values():
        if field.label:
            field.label = str(field.label) % names
    return form
