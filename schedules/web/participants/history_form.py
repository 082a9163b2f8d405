"""A whole history in one form: a row for each visit that could have taken place, and one reason for all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.forms.boundfield import BoundField
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from schedules.models import Visit
from schedules.services.course.takeover import PastVisit
from schedules.web.shared.anchor_fields import DayInput
from schedules.web.shared.forms import NO_NAMES, SAY_WHY, SureField, VersionedForm, without_question
from schedules.web.shared.hours import HourField, HourInput
from schedules.web.shared.wording import say

EXTRA = 3
"""Rows for visits that the protocol did not plan."""
SHEET = {
    "visit": ("visit code", "访视", "访视代码"),
    "day": ("date", "done on", "日期", "完成日期"),
    "hour": ("time", "时间"),
    "missed": ("not done", "未做", "漏访"),
    "reason": ("why", "原因"),
    "label": ("名称",),
}
"""The columns of a sheet, with the heads by which each is known besides."""
_YES = frozenset({"yes", "y", "x", "1", "true", "是", "√", "✓"})


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """A row of the form: the visit (None for one beside the protocol) and its fields."""

    visit: Visit | None
    name: str
    on: BoundField
    at: BoundField
    missed: BoundField | None
    why: BoundField

    @property
    def wrong(self) -> list[BoundField]:
        """The fields of it that are wrong."""
        return [
            field for field in (self.on, self.at, self.missed, self.why) if field is not None and field.errors
        ]


class HistoryForm(VersionedForm):
    """When each visit took place, which were missed, and why it is entered now."""

    reason = forms.CharField(
        label=gettext_lazy("Reason for all of it"),
        max_length=300,
        help_text=NO_NAMES,
        error_messages={"required": SAY_WHY},
    )
    sure = SureField()

    def __init__(self, visits: Sequence[Visit], zone: ZoneInfo, data: Any = None) -> None:
        super().__init__(data)
        self.visits, self.zone = list(visits), zone
        for visit in self.visits:
            self._add(str(visit.pk), say(visit.label))
        for number in range(1, EXTRA + 1):
            self._add(f"new{number}", _("Unscheduled visit"))

    def _add(self, key: str, name: str) -> None:
        words = {"visit": name}
        day, hour = _("%(visit)s, done on") % words, _("%(visit)s, hour") % words
        self.fields[f"on-{key}"] = forms.DateField(label=day, required=False, widget=DayInput(day))
        self.fields[f"at-{key}"] = HourField(f"on-{key}", label=hour, required=False, widget=HourInput(hour))
        if not key.startswith("new"):
            missed = forms.BooleanField(label=pgettext_lazy("state of a visit", "Missed"), required=False)
            self.fields[f"missed-{key}"] = missed
        why = _("%(visit)s, its own reason") % words
        self.fields[f"why-{key}"] = forms.CharField(
            label=why, required=False, max_length=300, widget=forms.TextInput({"aria-label": why})
        )

    def plain_fields(self) -> list[BoundField]:
        """What is asked of the whole history."""
        return without_question(self, [self["reason"], self["sure"]])

    def rows(self) -> list[HistoryRow]:
        """The rows in the order of their windows, and those for visits beside the protocol."""
        planned = [self._row(visit, str(visit.pk), say(visit.label)) for visit in self.visits]
        added = [self._row(None, f"new{number}", _("Unscheduled visit")) for number in range(1, EXTRA + 1)]
        return [*planned, *added]

    def _row(self, visit: Visit | None, key: str, name: str) -> HistoryRow:
        missed = self[f"missed-{key}"] if visit else None
        return HistoryRow(visit, name, self[f"on-{key}"], self[f"at-{key}"], missed, self[f"why-{key}"])

    def _keys(self) -> list[tuple[str, str]]:
        """Of every row its key in the names of the fields, and the code of its visit."""
        planned = [(str(visit.pk), visit.code) for visit in self.visits]
        return [*planned, *((f"new{number}", "") for number in range(1, EXTRA + 1))]

    def clean(self) -> dict[str, Any]:
        """A visit was done or missed; an hour has its day; what others recorded meanwhile is named."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for key, _code in self._keys():
            self._check_row(key, cleaned)
        known = {key for key, _code in self._keys()}
        typed = (name.partition("-") for name in self.data if self.data.get(name))
        if any(part in ("on", "missed") and key not in known for part, _dash, key in typed):
            message = _("Somebody recorded one of these visits meanwhile: its row is left out. Save again.")
            self.add_error(None, message)
        if not self.errors and not self.past():
            self.add_error(None, _("Enter at least one visit."))
        return cleaned

    def _check_row(self, key: str, cleaned: dict[str, Any]) -> None:
        on, missed = cleaned.get(f"on-{key}"), cleaned.get(f"missed-{key}")
        beside = cleaned.get(f"at-{key}") or cleaned.get(f"why-{key}")
        if on and missed:
            self.add_error(f"on-{key}", _("It was done or missed, not both."))
        elif beside and not (on or missed or f"on-{key}" in self.errors):
            self.add_error(f"on-{key}", _("Give the day, or say that it was missed."))

    def past(self) -> list[PastVisit]:
        """The visits that were entered, in the order of the rows."""
        return [one for _key, one in self._entered()]

    def _entered(self) -> Iterable[tuple[str, PastVisit]]:
        for key, code in self._keys():
            on: date | None = self.cleaned_data.get(f"on-{key}")
            if on is None and not self.cleaned_data.get(f"missed-{key}"):
                continue
            at: datetime | None = getattr(self, "instants", {}).get(f"at-{key}")
            why = str(self.cleaned_data.get(f"why-{key}") or "").strip()
            yield key, PastVisit(code, on, at, why)

    def refuse_rows(self, rows: Mapping[int, Mapping[str, Sequence[str]]]) -> None:
        """Put what was refused of each visit into its row."""
        keys = [key for key, _one in self._entered()]
        for place, fields in rows.items():
            for name, words in fields.items():
                own = {"on": "on", "at": "at", "outside_reason": "why", "reason": "why"}.get(name, "on")
                self.add_error("sure" if name == "sure" else f"{own}-{keys[place]}", list(words))


def typed_from_sheet(
    rows: Iterable[tuple[int, Mapping[str, str]]], visits: Sequence[Visit]
) -> tuple[QueryDict, list[str]]:
    """What a sheet says, as the form would send it, and in words what of it has no row here."""
    data, unread = QueryDict(mutable=True), []
    by_name = {name.casefold(): visit for visit in visits for name in (visit.code, say(visit.label))}
    extra = iter(range(1, EXTRA + 1))
    for number, row in rows:
        if not (row.get("day") or _missed(row)):
            continue
        named = row.get("visit") or row.get("label") or ""
        key = _key_of(named, by_name, extra)
        if key is not None and f"on-{key}" not in data:
            _type_row(data, key, row)
            continue
        words = {"number": number, "visit": named or "–"}
        unread.append(_("Row %(number)d: no visit “%(visit)s” is left to be recorded.") % words)
    return data, unread


def _key_of(named: str, by_name: Mapping[str, Visit], extra: Iterator[int]) -> str | None:
    """The key of the row for a visit of this name, of the next free one where none is given; or None."""
    if not named:
        added = next(extra, None)
        return f"new{added}" if added else None
    visit = by_name.get(named.casefold())
    return str(visit.pk) if visit else None


def _type_row(data: QueryDict, key: str, row: Mapping[str, str]) -> None:
    """Put what a row of the sheet says into the fields of a visit's line."""
    data[f"on-{key}"], data[f"at-{key}"] = row.get("day", ""), row.get("hour", "")
    data[f"why-{key}"] = row.get("reason", "")
    if _missed(row):
        data[f"missed-{key}"] = "on"


def _missed(row: Mapping[str, str]) -> bool:
    return row.get("missed", "").casefold() in _YES
