"""What calendar feeds show of participants: their visits and protocol windows, as values."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Q

from participants.models import Participant
from participants.selectors.participants import participants_visible_to
from schedules.domain.feeds import CANCELLED_DAYS
from schedules.domain.plan.explanations import because_visit
from schedules.domain.visits.short_names import visit_mark
from schedules.domain.visits.state import activities_of
from schedules.ical.entries import ShownWindow
from schedules.ical.values import ASSUMED_LENGTH, Hours, WholeDays
from schedules.ical.visits import ShownVisit, VisitNaming, VisitRecord, VisitTerms
from schedules.models import Basis, ProtocolWindow, Visit
from schedules.selectors.store.stored_visits import (
    day_zero_of,
    lost_booking,
    planned_visit,
    version_of,
    window_of,
)
from trials.domain.protocols.protocol import Protocol, TimingKind
from trials.domain.words import Say, plain
from trials.models import Site, User
from trials.selectors.records import protocol_of
from trials.zones import server_zone, zone_of

_DAY = timedelta(days=1)
_ID_END = 2**63


class ShownPeople:
    """Participants with their visits and windows as they are stored, to be shown in any language."""

    def __init__(
        self, pks: Collection[int], *, windows: bool = False, only: Collection[int] | None = None
    ) -> None:
        """Read these participants (ids): three queries, one more for their protocol windows.

        `only` names the visits (ids) that are wanted of them, where not all are.
        """
        related = Participant.objects.select_related("trial", "site", "protocol_version", "calendar_state")
        self.people = related.prefetch_related("anchors").filter(pk__in=pks).in_bulk()
        visits = Visit.objects.filter(participant__in=pks)
        if only is not None:
            visits = visits.filter(pk__in=only)
        under = visits.select_related("done_under", "booked_resource").defer("done_under__document")
        self._visits = [
            visit for visit in under.order_by("target", "id") if visit.participant_id in self.people
        ]
        self._windows: list[ProtocolWindow] = []
        if windows:
            kept = ProtocolWindow.objects.filter(
                participant__in=pks, cancelled_on=None, starts_on__isnull=False, ends_on__isnull=False
            )
            self._windows = [one for one in kept.order_by("id") if one.participant_id in self.people]

    def visits(self, today: date, links: str, say: Say = plain) -> Iterator[tuple[int, ShownVisit]]:
        """Yield each participant's id with a visit of theirs, by target, in the language of `say`.

        `links` is the address of a participant with `{}` for the id. Without what was cancelled so long ago
        that it is no longer shown on this day.
        """
        for visit in self._visits:
            if visit.cancelled_on and visit.cancelled_on < today - CANCELLED_DAYS:
                continue
            person = self.people[visit.participant_id]
            yield person.pk, _shown(visit, person, links.format(person.pk), say)

    def windows(self, links: str, say: Say = plain) -> Iterator[tuple[int, ShownWindow]]:
        """Yield each participant's id with a protocol window of theirs whose days are known."""
        for window in self._windows:
            person = self.people[window.participant_id]
            yield person.pk, _shown_window(window, person, links.format(person.pk), say)


def visit_of_file(user: User, pk: int, today: date) -> Visit | None:
    """A visit of a participant in a user's sight; None for any other id."""
    if not 0 < pk < _ID_END:
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
    asked = activities_of(protocol, visit.rule_code, visit.code, frozenset(person.traits))
    return tuple(activity.label for activity in asked)
