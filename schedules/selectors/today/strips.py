"""What else is on the days of the date strips: days that are full, and other visits of the same person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from schedules.domain.visits.date_strip import STRIP_DAYS, StripDay
from schedules.models import Visit
from schedules.selectors.today.worklist import WorkRow
from schedules.selectors.visits.load import FullDays
from trials.domain.words import Say, plain
from trials.domain.words import mark as _


@dataclass(frozen=True, slots=True)
class DayNotes:
    """The days of sites that have no slot left, and for what each participant is booked."""

    full: FullDays = field(default_factory=FullDays)
    own: Mapping[int, Sequence[tuple[int, date, str]]] = field(default_factory=dict)
    say: Say = plain

    def noted(self, day: StripDay, visit: Visit) -> StripDay:
        """A day of the strip of a visit with what else is on it, in words."""
        slots = self.full.of(visit.participant_id, visit.participant.site_id, day.day)
        notes = [self.say(_("all %(slots)d slots are taken")) % {"slots": slots}] if slots else []
        for pk, on, label in self.own.get(visit.participant_id, ()):
            if on == day.day and pk != visit.pk:
                notes.append(self.say(_("%(visit)s is booked")) % {"visit": self.say(label)})
        return replace(day, note=self.say("; ").join(notes), full=bool(slots)) if notes else day


def day_notes(works: Sequence[WorkRow], full: FullDays) -> DayNotes:
    """What is on the days of the strips of these visits; one query, none without visits."""
    if not works:
        return DayNotes()
    first = min(work.today for work in works)
    last = max(work.today for work in works) + timedelta(days=STRIP_DAYS)
    booked = Visit.objects.running().filter(booked_on__range=(first, last))
    own: dict[int, list[tuple[int, date, str]]] = defaultdict(list)
    people = {work.participant.pk for work in works}
    rows = booked.filter(participant__in=people).order_by("booked_on", "pk")
    for person, pk, on, label in rows.values_list("participant", "pk", "booked_on", "label"):
        if on:
            own[person].append((pk, on, label))
    return DayNotes(full, own, works[0].reading.say)
