"""What calendar feeds show of participants: their visits and protocol windows, as values."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypedDict
from zoneinfo import ZoneInfo

from django.db.models import Model, Q

from participants.models import Anchor, Participant
from participants.selectors.participants import participants_visible_to
from schedules.domain.feeds import CANCELLED_DAYS
from schedules.domain.plan.explanations import because_visit
from schedules.domain.visits.allowed_actions import activities_of
from schedules.domain.visits.short_names import visit_mark
from schedules.ical.entries import ShownWindow
from schedules.ical.stamps import Stamp
from schedules.ical.values import ASSUMED_LENGTH, Hours, WholeDays
from schedules.ical.visit_entry import ShownVisit, VisitNaming, VisitRecord, VisitTerms
from schedules.models import Basis, ProtocolWindow, Visit
from schedules.selectors.store.rows_once import RawRows, rows_of
from schedules.selectors.store.stored_visits import (
    day_zero_of,
    lost_booking,
    planned_visit,
    version_of,
    window_of,
)
from trials.domain.language import Text, kept
from trials.domain.protocols.protocol import Protocol, TimingKind
from trials.domain.words import Say, plain
from trials.keyset import ID_END
from trials.models import Site, User
from trials.selectors.records import protocol_of
from trials.zones import server_zone, zone_of


class _Along(TypedDict):
    """What is read along with a row, and what is left out."""

    related: tuple[str, ...]
    without: tuple[str, ...]


_DAY = timedelta(days=1)
_SOURCE = 16
_STAMP = ("digest", "edition", "sequence", "changed_at")
_OF_PERSON: _Along = {
    "related": ("trial", "site", "protocol_version", "calendar_state"),
    "without": ("protocol_version__document",),
}
_OF_VISIT: _Along = {
    "related": ("booked_resource", "done_under", "stamp"),
    "without": ("done_under__document",),
}


@dataclass(frozen=True, slots=True)
class StoredVisit:
    """A visit as it is stored: its id, its participant's, when it was cancelled, and its row.

    `stamp` is the one that it was last given out with; None for one that never was.
    """

    pk: int
    participant_id: int
    cancelled_on: date | None
    stamp: Stamp | None
    row: tuple[Any, ...]

    def is_gone(self, today: date) -> bool:
        """Say whether it was cancelled so long ago that calendars no longer show it."""
        return bool(self.cancelled_on and self.cancelled_on < today - CANCELLED_DAYS)


class ShownPeople:
    """Participants with their visits and windows as they are stored, to be shown in any language."""

    def __init__(
        self, pks: Collection[int], *, windows: bool = False, only: Collection[int] | None = None
    ) -> None:
        """Read these participants (ids): three statements, one more for their protocol windows.

        `only` names the visits (ids) that are wanted of them, where not all are.
        """
        self.people = _people(pks)
        of = (pks, "participant_id") if only is None else (only, "id")
        self._rows = RawRows(Visit, of[0], column=of[1], order="target, id", **_OF_VISIT)
        self.stored = [one for one in _stored(self._rows) if one.participant_id in self.people]
        self._windows: list[ProtocolWindow] = []
        if windows:
            found = rows_of(ProtocolWindow, pks, column="participant_id", order="id")
            self._windows = [one for one in found if one.participant_id in self.people and _has_days(one)]

    @property
    def stamps(self) -> dict[int, Stamp]:
        """The stamps with which visits (ids) were last given out."""
        return {visit.pk: visit.stamp for visit in self.stored if visit.stamp}

    def sources(self, edition: str) -> dict[int, str]:
        """Digest for each visit (id) all that its entry is made from: its row, its participant's, its room's.

        `edition` is that of the software. While the digest is the same, so is everything that is shown.
        """
        of_person = {pk: repr((edition, _values_of(person))) for pk, person in self.people.items()}
        until = self._rows.columns("stamp").start  # a stamp comes of what is shown, and decides nothing of it
        return {
            visit.pk: hashlib.sha256(
                f"{of_person[visit.participant_id]} {visit.row[:until]!r}".encode()
            ).hexdigest()[:_SOURCE]
            for visit in self.stored
        }

    def visits(
        self, today: date | None, links: str, say: Say = plain, *, but: Collection[int] = ()
    ) -> Iterator[tuple[int, ShownVisit]]:
        """Yield each participant's id with a visit of theirs, by target, in the language of `say`.

        `links` is the address of a participant with `{}` for the id, `but` the visits (ids) that are not
        wanted. Without what was cancelled so long ago that it is no longer shown on this day; without a day,
        all of them.
        """
        for visit in self.stored:
            if visit.pk in but or (today and visit.is_gone(today)):
                continue
            person = self.people[visit.participant_id]
            yield person.pk, _shown(self._rows.instance(visit.row), person, links.format(person.pk), say)

    def windows(self, links: str, say: Say = plain) -> Iterator[tuple[int, ShownWindow]]:
        """Yield each participant's id with a protocol window of theirs whose days are known."""
        for window in self._windows:
            person = self.people[window.participant_id]
            yield person.pk, _shown_window(window, person, links.format(person.pk), say)


def _stored(rows: RawRows[Visit]) -> Iterator[StoredVisit]:
    """Each visit with what decides whether it is looked at any further."""
    pk, person, digest = rows.place("id"), rows.place("participant_id"), rows.place("digest", "stamp")
    for row in rows.rows:
        stamp = None
        if row[digest] is not None:
            stamp = Stamp(*(rows.value(row, name, "stamp") for name in _STAMP))
        yield StoredVisit(row[pk], row[person], rows.value(row, "cancelled_on"), stamp, row)


def _people(pks: Collection[int]) -> dict[int, Participant]:
    """Read participants with all that calendars show beside their visits; by their ids."""
    people = {person.pk: person for person in rows_of(Participant, pks, **_OF_PERSON)}
    anchors: dict[int, list[Anchor]] = {pk: [] for pk in people}
    for anchor in rows_of(Anchor, pks, column="participant_id", order="participant_id, code"):
        anchors[anchor.participant_id].append(anchor)
    for pk, recorded in anchors.items():
        rows = people[pk].anchors.all()
        rows._result_cache = recorded  # noqa: SLF001 (as prefetch_related does)
        people[pk]._prefetched_objects_cache = {"anchors": rows}  # type: ignore[attr-defined]  # noqa: SLF001
    return people


def _row_of(row: Model) -> list[Any]:
    """The values of a row in every language, but for what was not read of it."""
    values = row.__dict__
    found = [values.get(field.attname) for field in row._meta.concrete_fields]  # noqa: SLF001
    return [kept(value) if isinstance(value, Text) else value for value in found]


def _values_of(person: Participant) -> list[Any]:
    """What of a participant's own record decides what their entries show."""
    rows = [person, *person.anchors.all()]
    trial = person.trial
    return [
        *map(_row_of, rows),
        (trial.code, trial.outside_name, trial.outside_name_zh),
        person.site.zone,
        person.protocol_version.digest,
    ]


def _has_days(window: ProtocolWindow) -> bool:
    return bool(window.cancelled_on is None and window.starts_on and window.ends_on)


def visit_of_file(user: User, pk: int, today: date) -> Visit | None:
    """A visit of a participant in a user's sight; None for any other id."""
    if not 0 < pk < ID_END:
        return None
    return Visit.objects.filter(pk=pk, participant__in=participants_visible_to(user, today)).first()


def week_of_file(user: User, site: Site, days: tuple[date, date], today: date, *, booked: bool) -> list[int]:
    """The visits (ids) of a site between two days: booked or done, else by target too; none cancelled."""
    people = participants_visible_to(user, today).filter(site=site)
    found = Visit.objects.filter(participant__in=people, cancelled_on=None)
    on_day = Q(booked_on__range=days) | Q(performed_on__range=days)
    if not booked:
        on_day |= Q(booked_on=None, performed_on=None, target__range=days)
    return list(found.filter(on_day).order_by("target", "pk").values_list("pk", flat=True))


def zone_of_file(visits: Collection[int]) -> ZoneInfo:
    """The zone of the site of these visits (ids); the server's for none."""
    site = Site.objects.filter(participants__visits__in=visits).first()
    return zone_of(site) if site else server_zone()


def _shown_window(window: ProtocolWindow, person: Participant, url: str, say: Say) -> ShownWindow:
    if window.starts_on is None or window.ends_on is None:
        raise ValueError("A window without days is not read; see ShownPeople.")
    return ShownWindow(
        pk=window.pk,
        changed_at=person.calendar_state.changed_at,
        trial=person.trial.called,
        subject_code=person.subject_code,
        label=say(window.label),
        kind=window.get_kind_display(),
        days=WholeDays(window.starts_on, window.ends_on),
        assumed=window.basis == Basis.ASSUMED,
        url=url,
    )


def _shown(visit: Visit, person: Participant, url: str, say: Say) -> ShownVisit:
    protocol, zone = protocol_of(version_of(visit, person.protocol_version)), zone_of(person.site)
    planned = planned_visit(visit, protocol, zone)
    zero = day_zero_of(person, protocol, zone)
    mark = visit.label if visit.unscheduled else visit_mark(protocol, planned, zero)
    return ShownVisit(
        uid=visit.uid,
        sequence=visit.sequence,
        changed_at=visit.changed_at,
        naming=VisitNaming(person.trial.called, person.subject_code, say(mark), say(visit.label)),
        terms=VisitTerms(
            timing=TimingKind(visit.timing),
            window=window_of(visit),
            tolerance_assumed=visit.tolerance_basis == Basis.ASSUMED,
            place=visit.place,
            activities=tuple(map(say, _activities(visit, person, protocol))),
            because=because_visit(protocol, planned, say),
        ),
        record=_record(visit),
        url=url,
        pk=visit.pk,
    )


def _record(visit: Visit) -> VisitRecord:
    return VisitRecord(
        booked=_booking(visit),
        lost_day=visit.booked_on if lost_booking(visit) else None,
        room=_room(visit),
        performed_on=visit.performed_on,
        missed=visit.missed_on is not None,
        cancelled=visit.cancelled_on is not None,
        held=visit.held_on is not None,
        arrived=visit.arrived_on is not None,
        gone_on=visit.cancelled_on + CANCELLED_DAYS + _DAY if visit.cancelled_on else None,
    )


def _room(visit: Visit) -> str:
    """Where a booking is: the room, bed or slot that it takes, and what was written of the place."""
    resource = visit.booked_resource.name if visit.booked_resource else ""
    return ", ".join(dict.fromkeys(part for part in (resource, visit.booked_place) if part))


def _booking(visit: Visit) -> Hours | WholeDays | None:
    if visit.arrived_on and visit.arrived_on != visit.booked_on:
        return WholeDays(visit.arrived_on, visit.arrived_on)
    if visit.booked_start:
        room = visit.booked_resource
        usual = timedelta(minutes=room.minutes) if room else ASSUMED_LENGTH
        return Hours(visit.booked_start, visit.booked_end, usual)
    return WholeDays(visit.booked_on, visit.booked_on) if visit.booked_on else None


def _activities(visit: Visit, person: Participant, protocol: Protocol) -> tuple[str, ...]:
    asked = activities_of(protocol, visit.rule_code, visit.occurrence, frozenset(person.traits))
    return tuple(activity.label for activity in asked)
