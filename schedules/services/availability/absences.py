"""Absences, and the days that are suggested around them."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from participants.models import Absence, Participant
from participants.services.absences import Away, end_absence, record_absence
from schedules.domain.plan.suggestions import suggest
from schedules.domain.visits.visit import WHY_SHIFTED
from schedules.models import Visit
from schedules.selectors.store.absences import AwayDays, away_days
from schedules.selectors.store.calendars import working_days_by_site
from schedules.selectors.store.stored_visits import planned_visit
from schedules.services.store.site_locks import lock_people_at
from schedules.services.store.visit_writing import announce, lock_participant
from trials.audit.acts import recorded
from trials.domain.sites.working_days import WorkingDays
from trials.models import User
from trials.selectors.records import protocol_of
from trials.services.store.updating import update_rows
from trials.zones import zone_of

_COLUMNS = ("suggested", "why_shifted", "version", "sequence", "changed_at")


@recorded
def add_absence(*, away: Away, by: User | None, now: datetime, reason: str = "") -> Absence:
    """An absence on record, and new suggestions for the visits it touches; nothing booked moves.

    Raises AbsenceRefused.
    """
    _lock(away.participant.pk if away.participant else None, away.site.pk if away.site else None)
    absence = record_absence(away=away, by=by)
    suggest_anew(absence=absence, now=now)
    return absence


@recorded
def close_absence(*, absence: Absence, by: User | None, now: datetime, reason: str) -> Absence:
    """An absence that counts no more, and suggestions without it; raises AbsenceRefused."""
    _lock(absence.participant_id, absence.site_id)
    ended = end_absence(absence=absence, by=by, reason=reason)
    suggest_anew(absence=ended, now=now)
    return ended


def _lock(participant: int | None, site: int | None) -> None:
    """Let no calendar move by other days than those that hold afterwards."""
    if participant:
        lock_participant(participant)
    elif site:
        lock_people_at(site)


def suggest_anew(*, absence: Absence, now: datetime) -> int:
    """Suggest days again for the live visits whose windows meet an absence; gives how many changed.

    Those of a frozen trial stay as they are. The number of statements depends on neither visits
    nor participants.
    """
    whose = Q(participant=absence.participant_id) | Q(participant__site=absence.site_id)
    live = Visit.objects.live().asked_for().filter(whose, participant__trial__frozen_on=None)
    related = live.touching(absence.first, absence.last).select_related(
        "participant__site", "participant__protocol_version"
    )
    visits = list(related)
    people = {visit.participant for visit in visits}
    sites = {person.site_id for person in people}
    calendars = working_days_by_site(sites)
    away = away_days(participants=[person.pk for person in people], sites=sites)
    rows = [
        row
        for visit in visits
        if (row := _suggested(visit, calendars.get(visit.participant.site_id), away, now))
    ]
    update_rows(Visit, _COLUMNS, rows)
    touched = {row[0] for row in rows}
    for person in people:
        mine = [visit.pk for visit in visits if visit.pk in touched and visit.participant_id == person.pk]
        if mine:
            announce(person.pk, mine, "suggested", now)
    return len(rows)


def _suggested(
    visit: Visit, calendar: WorkingDays | None, away: AwayDays, now: datetime
) -> tuple[object, ...] | None:
    """The row of a visit whose suggestion changes; None where it stays."""
    person: Participant = visit.participant
    working = away.applied(calendar, person.pk, person.site_id)
    if working is None:
        return None
    planned = planned_visit(visit, protocol_of(person.protocol_version), zone_of(person.site))
    new = suggest(planned, working)
    why = new.why_shifted[:WHY_SHIFTED] if new.suggested != new.window.target else ""
    if (new.suggested, why) == (visit.suggested, visit.why_shifted):
        return None
    return (visit.pk, new.suggested, why, visit.version + 1, visit.sequence + 1, now)
