"""A participant's absence, shown before it is on record or ended: its days, the bookings that lie on them."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from participants.domain.errors import AbsenceRefused
from participants.models import Absence
from participants.services.absences import Away, refusals_of_absence
from schedules.domain.errors import BookingsOrphaned
from schedules.selectors.store.absences import days_between
from schedules.selectors.store.course import first_consent
from schedules.selectors.store.records import record_of, records_of, without_absence
from schedules.services.availability.absences import add_absence, close_absence
from schedules.services.replanning.previews import Preview, Proposal, preview_of
from schedules.services.replanning.refusals import PreviewStale
from schedules.services.replanning.side_effects import with_side_effects, with_verdicts
from schedules.services.store.unlikely_days import questions_about
from trials.audit.acts import recorded
from trials.domain.sites.closed_days import PARTICIPANT_AWAY
from trials.models import User
from trials.selectors.records import working_days_of
from trials.services.sites.plausible_days import ask_once
from trials.spoken import bracketed, say


def preview_absence(*, away: Away, now: datetime, sure: bool = False) -> Preview:
    """What a participant's absence would do to their calendar; writes nothing.

    Raises AbsenceRefused, also for an unlikely day that nobody has said is meant (`sure`).
    """
    _ask_about(away, sure=sure)
    return with_side_effects(_preview(away, now, lock=False), now)


@recorded
def commit_absence(
    *,
    away: Away,
    digest: str,
    accept_unbookable: bool,
    by: User | None,
    now: datetime,
    reason: str = "",
    sure: bool = False,
) -> Absence:
    """Put a previewed absence of a participant on record; days are suggested around it, no booking moves.

    Raises AbsenceRefused, also for an unlikely day that is not meant or has no reason, PreviewStale
    where something changed since it was shown, and BookingsOrphaned for bookings on its days unless
    they are accepted so.
    """
    _ask_about(away, sure=sure, reason=reason)
    preview = _preview(away, now, lock=True)
    if preview.digest != digest:
        raise PreviewStale(with_side_effects(preview, now))
    if preview.orphans and not accept_unbookable:
        listed = _(", ").join(bracketed(say(change.label), change.booked_on) for change in preview.orphans)
        message = _("Booked on these days: %(bookings)s. Confirm that they are to be booked again.")
        raise BookingsOrphaned(message % {"bookings": listed})
    return add_absence(away=away, by=by, now=now, reason=reason)


def preview_end(*, absence: Absence, now: datetime) -> Preview:
    """What the end of a participant's absence would do to their calendar; writes nothing."""
    return with_side_effects(_preview_end(absence, now, lock=False), now)


@recorded
def commit_end(*, absence: Absence, digest: str, by: User | None, now: datetime, reason: str) -> Absence:
    """End a participant's absence as it was previewed; its days may be suggested for visits again.

    Raises AbsenceRefused without a reason and where it is ended already, and PreviewStale where
    something changed since it was shown.
    """
    preview = _preview_end(absence, now, lock=True)
    if preview.digest != digest:
        raise PreviewStale(with_side_effects(preview, now))
    return close_absence(absence=absence, by=by, now=now, reason=reason)


def _ask_about(away: Away, *, sure: bool, reason: str | None = None) -> None:
    if fields := refusals_of_absence(away):
        raise AbsenceRefused(fields)
    person = away.participant
    assert person is not None, "a site's absence is asked about with its working days"
    unlikely = questions_about(person, [away.first, away.last], consented=first_consent(person))
    ask_once(unlikely, AbsenceRefused, sure=sure, reason=reason)


def _preview_end(absence: Absence, now: datetime, *, lock: bool) -> Preview:
    assert absence.participant_id is not None, "a site's absence is shown for all its participants"
    (record,) = without_absence(records_of([absence.participant_id], lock=lock), absence)
    asked = Proposal(calendar=working_days_of(record.participant.site))
    return with_verdicts(preview_of(record, asked, now), now)


def _preview(away: Away, now: datetime, *, lock: bool) -> Preview:
    if fields := refusals_of_absence(away):
        raise AbsenceRefused(fields)
    assert away.participant is not None, "a site's absence is shown for all its participants"
    record = record_of(away.participant.pk, lock=lock)
    calendar = working_days_of(record.participant.site)
    days = dict.fromkeys(days_between(away.first, away.last), PARTICIPANT_AWAY)
    closed = calendar.with_corrections(closures=days) if calendar else None
    return with_verdicts(preview_of(record, Proposal(calendar=closed), now), now)
