"""What an EDC reports of visits and anchors, by the same services as the screens.

A report of what is on record already changes nothing; one that differs from it is kept beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from participants.domain.anchors import RecordedAnchor
from participants.domain.fact_kinds import FactKind
from participants.domain.moments import local, on_record
from participants.models import Anchor, Participant
from schedules.domain.errors import UnlikelyDay, VisitRefused
from schedules.domain.visits.allowed_actions import refusals_of_moment
from schedules.domain.visits.reported_values import ReportedField, values_agree
from schedules.domain.visits.values import Booking, Completion
from schedules.domain.windows.fact_sources import feeds_of
from schedules.models import EdcConfirmation, ValueDifference, Visit
from schedules.selectors.store.course import clock_at, visit_under
from schedules.services.exchange.differences import Reported, ValuesDiffer, agree, keep_difference
from schedules.services.exchange.said_at_visits import put_said, said_beside_the_day
from schedules.services.replanning.moves import record_anchor
from schedules.services.store.visit_writing import lock_participant, lock_visit
from schedules.services.visits.appointments import (
    book_visit,
    cancel_visit,
    complete_visit,
    miss_visit,
    unbook_visit,
    undo_visit,
)
from trials.domain.errors import Refused
from trials.domain.refusals import IMPOSSIBLE_DAY, IN_THE_FUTURE, Refusal
from trials.domain.sites.plausible_days import FIRST_DAY, LAST_DAY
from trials.models import User
from trials.selectors.records import protocol_of
from trials.spoken import refuse
from trials.zones import zone_of

MISSED, CANCELLED = "missed", "cancelled"
_DAY = len("2026-12-07")

Act = Completion | Booking | str
"""What is reported: done, booked, or the name of an act that needs a reason alone."""

REASONED: Mapping[str, Callable[..., Visit]] = {
    "missed": miss_visit,
    "cancelled": cancel_visit,
    "unbooked": unbook_visit,
    "restored": undo_visit,
}


@dataclass(frozen=True, slots=True)
class Report:
    """One report of one visit: what, why, by which client, and from where.

    `sure`: the unlikely day of an anchor is meant; a visit's act says so itself.
    """

    act: Act
    reason: str = ""
    client: str = ""
    source: dict[str, Any] = field(default_factory=dict)
    sure: bool = False


def report_visit(*, visit: Visit, version: int, report: Report, by: User | None, now: datetime) -> Visit:
    """Put a report of a visit on record; raises as the services of the screens do.

    What is on record already is left as it is; what a report says beside the day of a visit that is done,
    and nobody has recorded, is put on record. Raises Stale, and ValuesDiffer where it was done on another day
    or hour, with other activities or results, or missed: the differences are kept unless the caller's
    transaction is rolled back.
    """
    kept: list[ValueDifference] = []
    with transaction.atomic():
        visit = _taken_in(visit, version, report, kept, by=by, now=now)
    if kept:  # after the transaction, which keeps them
        raise ValuesDiffer(*kept)
    return visit


def _taken_in(
    visit: Visit, version: int, report: Report, kept: list[ValueDifference], *, by: User | None, now: datetime
) -> Visit:
    """Put a report on record or hold it against the record; what differs is added to `kept`.

    What is compared is read under the participant's lock, as what is written: somebody may take the visit
    back in that moment, and the report would agree with a day that is on record no longer.
    """
    visit = lock_visit(visit.pk, visit.participant_id, version)
    shared: dict[str, Any] = {"visit": visit, "version": version, "by": by, "now": now}
    act = report.act
    if isinstance(act, Completion):
        refuse(_unknown_windows(visit, act), VisitRefused)
        ours = outcome_on_record(visit)
        if not ours:
            completed = complete_visit(**shared, completion=act, reason=report.reason)
            _confirm(completed, report.client, now)
            return completed
        return _beside(visit, ours, report, act, kept, by, now)
    if isinstance(act, Booking):
        if _is_booked_so(visit, act):
            return visit
        return book_visit(**shared, booking=act, reason=report.reason)
    if act == MISSED and visit.missed_on is not None:
        agree(participant=visit.participant, reported=_reported(visit, MISSED, report), by=by, now=now)
        return visit
    if act == MISSED and visit.performed_on is not None:
        reported = _reported(visit, MISSED, report)
        kept.append(_kept(visit.participant, outcome_on_record(visit), reported, by, now))
        return visit
    return REASONED[act](**shared, reason=report.reason)


def _is_booked_so(visit: Visit, asked: Booking) -> bool:
    """Whether the booking that is asked for is on record, of a visit that was done or is to come by it."""
    stands = (visit.booked_on, visit.booked_start, visit.booked_end, visit.booked_place)
    taken = (visit.booked_resource_id, visit.booked_staff_id)
    said = (asked.on, asked.start, asked.end, asked.place.strip(), asked.resource, asked.staff)
    state = visit_under(visit, protocol_of(visit.participant.protocol_version))
    counts = visit.performed_on is not None or (state.live and not state.booking_lost)
    return counts and (*stands, *taken) == said


def _unknown_windows(visit: Visit, act: Completion) -> list[Refusal]:
    """The refusals of what was confirmed of no window: a mistyped code would stand and judge nothing."""
    windows = protocol_of(visit.participant.protocol_version).windows
    feeds = {one.of for one in feeds_of(windows) if one.kind is FactKind.CONFIRMATION}
    known = sorted(feeds | {one.code for one in windows})
    message = gettext_noop("No window of the protocol is judged by %(of)s; possible are: %(possible)s.")
    return [
        Refusal("confirmed", message, {"of": code, "possible": ", ".join(known) or "–"})
        for code in sorted(set(act.confirmed).difference(known))
    ]


def _beside(
    visit: Visit,
    ours: str,
    report: Report,
    act: Completion,
    kept: list[ValueDifference],
    by: User | None,
    now: datetime,
) -> Visit:
    """Hold a report of a visit that has an outcome against the record, value by value."""
    person = visit.participant
    day = _reported(visit, value_of(act.on, act.at, zone_of(person.site)), report)
    said = said_beside_the_day(visit, act, now) if visit.performed_on else []
    same_day = _same(ours, day.value)
    if not same_day:
        clock = clock_at(person.site, now)
        refuse([*_too_early("on", act.on), *refusals_of_moment(act, clock)], VisitRefused)
        kept.append(_kept(person, ours, day, by, now))
    else:
        agree(participant=person, reported=day, by=by, now=now)
    version = visit.version
    for one in said:
        if not one.ours and same_day:
            visit = put_said(visit=visit, version=version, said=one, by=by, reason=report.reason, now=now)
            version = visit.version
            continue
        reported = Reported(one.field, one.theirs, report.client, visit, "", report.source, one.item)
        if one.ours and values_agree(one.ours, one.theirs):
            agree(participant=person, reported=reported, by=by, now=now)
        else:
            kept.append(_kept(person, one.ours, reported, by, now))
    if not kept:
        _confirm(visit, report.client, now)
    return visit


def report_anchor(
    *, participant: Participant, anchor: RecordedAnchor, report: Report, by: User | None, now: datetime
) -> None:
    """Put the actual day of an anchor on record, and re-plan what hangs on it.

    Raises ValuesDiffer where another day is on record, Refused for an anchor that the protocol does not
    have or an unlikely day that nobody has confirmed or explained, and as `record_anchor`.
    """
    codes = protocol_of(participant.protocol_version).anchor_by_code
    if anchor.code not in codes:
        words = _("%(code)s is no anchor of this protocol; possible are %(possible)s.")
        raise Refused({"code": [words % {"code": anchor.code, "possible": _(", ").join(codes)}]})
    zone = zone_of(participant.site)
    value = value_of(anchor.actual_on, anchor.actual_at, zone)
    reported = Reported(ReportedField.ANCHOR, value, report.client, anchor=anchor.code, source=report.source)
    with transaction.atomic():
        lock_participant(participant.pk)  # what is compared is what stands until this is over
        stands = Anchor.objects.filter(participant=participant, code=anchor.code).first()
        if stands is None or stands.actual_on is None:
            said: dict[str, Any] = {"reason": report.reason, "sure": report.sure}
            try:
                record_anchor(participant=participant, anchor=anchor, now=now, by=by, **said)
            except UnlikelyDay as asked:
                raise Refused({asked.field: [str(asked)]}) from asked
            return
        # In the zone of the record: by a later site's clocks the very day on record differed from itself.
        ours = value_of(stands.actual_on, on_record(stands.actual_at, stands.actual_zone, zone), zone)
        if _same(ours, value):
            agree(participant=participant, reported=reported, by=by, now=now)
            return
        refuse(_impossible_day("actual_on", anchor.actual_on, clock_at(participant.site, now).today))
        kept = _kept(participant, ours, reported, by, now)
    raise ValuesDiffer(kept)


def _too_early(field: str, day: date | None) -> list[Refusal]:
    """The refusal of a day that nobody can have meant: a mistyped year is no difference to settle."""
    if day is None or day >= FIRST_DAY:
        return []
    return [Refusal(field, IMPOSSIBLE_DAY, {"day": day, "first": FIRST_DAY, "latest": LAST_DAY})]


def _impossible_day(field: str, day: date | None, today: date) -> list[Refusal]:
    """The same, and that of a day that has not come."""
    if day is not None and day > today:
        return [Refusal(field, IN_THE_FUTURE, {"day": day, "today": today})]
    return _too_early(field, day)


def _confirm(visit: Visit, client: str, now: datetime) -> None:
    """Remember that an EDC has the day that is on record."""
    told = {"client": client[:100], "confirmed_at": now}
    EdcConfirmation.objects.update_or_create(visit=visit, defaults=told)


def outcome_on_record(visit: Visit) -> str:
    """What is on record of a visit: when it was done, that people recorded it as missed or cancelled; or "".

    What the course cancelled may still turn out to have been done, so it stands against nothing.
    """
    if visit.performed_on:
        zone = zone_of(visit.participant.site)
        return value_of(visit.performed_on, on_record(visit.performed_at, visit.performed_zone, zone), zone)
    if visit.missed_on:
        return f"{MISSED} {visit.missed_on}"
    by_people = visit.cancelled_on and visit.applies and visit.cancelled_by_id is None
    return f"{CANCELLED} {visit.cancelled_on}" if by_people else ""


def value_of(day: date | None, at: datetime | None, zone: ZoneInfo) -> str:
    """Give a day as text to compare: its instant, by the clock of its record or site, where that is known."""
    return local(at, zone).isoformat() if at else str(day)


def _same(ours: str, theirs: str) -> bool:
    """Whether two values agree: by the day where theirs has no hour."""
    # `missed 2026-12-07` is longer than a day as well, and no instant.
    if len(theirs) > _DAY and len(ours) > _DAY and ours[0].isdigit():
        return datetime.fromisoformat(ours) == datetime.fromisoformat(theirs)
    return ours == theirs or (len(theirs) == _DAY and ours.startswith(theirs))


def _reported(visit: Visit, value: str, report: Report) -> Reported:
    return Reported(ReportedField.DAY, value, report.client, visit=visit, source=report.source)


def _kept(
    participant: Participant, ours: str, reported: Reported, by: User | None, now: datetime
) -> ValueDifference:
    return keep_difference(participant=participant, ours=ours, reported=reported, now=now, by=by)
