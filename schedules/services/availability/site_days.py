"""A site's working days changed, or somebody it needs away: shown for all its participants first."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from django.utils.translation import gettext as _

from participants.domain.errors import AbsenceRefused
from participants.models import Absence
from participants.services.absences import Away
from schedules.domain.errors import BookingsOrphaned, ReplanningRefused, ReplanningStale, UnlikelyDay
from schedules.models import Visit
from schedules.selectors.store.absences import days_between
from schedules.selectors.store.calendars import today_at
from schedules.selectors.store.records import records_of, without_absence
from schedules.services.availability.absences import add_absence, close_absence
from schedules.services.replanning.moves import replan_many
from schedules.services.replanning.previews import Preview, Proposal, preview_of
from schedules.services.replanning.side_effects import with_verdicts_of
from schedules.services.store.site_locks import lock_people_at
from trials.audit.acts import recorded
from trials.domain.audit.own_reasons import ABSENT
from trials.domain.errors import DomainError
from trials.domain.refusals import REASON_MISSING
from trials.domain.sites.closed_days import STAFF_AWAY
from trials.domain.sites.working_days import WorkingDays
from trials.domain.words import run_on
from trials.models import Site, User
from trials.selectors.records import working_days_of
from trials.services.sites.plausible_days import frame_at_site, impossible_days, questions_of
from trials.services.sites.working_days import correct_working_days, first_working_days, renewed_working_days
from trials.spoken import bracketed, require_reason, say


@dataclass(frozen=True, slots=True)
class SiteProposal:
    """Days that are closed or opened, each with its reason, or an absence of somebody at the site.

    `follows` are days that are worked as a weekday; `renewed` reads the holiday calendar and the clinic days
    again, as when an official calendar has come out; `announced` are years of which the site has entered
    all announced days, so that they are provisional no longer. `ended` is an absence that ends.
    `accept_unbookable` says that bookings on days that close may stand there until they are moved; `sure`
    that unlikely days are meant.
    """

    closures: Mapping[date, str] = field(default_factory=dict)
    openings: Mapping[date, str] = field(default_factory=dict)
    follows: Mapping[date, int] = field(default_factory=dict)
    renewed: bool = False
    announced: frozenset[int] = frozenset()
    absence: Away | None = None
    ended: Absence | None = None
    accept_unbookable: bool = False
    sure: bool = False

    @property
    def days(self) -> list[date]:
        """The days that it is about."""
        absence = self.absence or self.ended
        away = days_between(absence.first, absence.last) if absence else ()
        return sorted({*self.closures, *self.openings, *self.follows, *away})


@dataclass(frozen=True, slots=True)
class SitePreview:
    """What a proposal would do to the calendars of a site's participants; `digest` stands for just this."""

    site: Site
    calendar: WorkingDays
    previews: tuple[Preview, ...]
    digest: str

    @property
    def affected(self) -> tuple[Preview, ...]:
        """The participants for whom anything changes: a visit, or the verdict on a window."""
        return tuple(one for one in self.previews if one.changed or one.around.verdicts)

    @property
    def orphans(self) -> list[str]:
        """The bookings on days that would be closed, in words."""
        return [
            bracketed(f"{preview.record.participant.subject_code} {say(change.label)}", change.booked_on)
            for preview in self.previews
            for change in preview.orphans
        ]


class SitePreviewStale(ReplanningStale):
    """What was shown is no longer so; `preview` holds what the same proposal would do now."""

    def __init__(self, preview: SitePreview) -> None:
        self.preview = preview
        super().__init__()


def preview_site(*, site: Site, proposal: SiteProposal, now: datetime) -> SitePreview:
    """What a proposal would do to everybody whose visits it can touch; writes nothing.

    The number of queries does not depend on how many they are. Raises ReplanningRefused for days
    that contradict each other, and for none; UnlikelyDay for days that nobody has said are meant.
    """
    return _preview(site, proposal, now, lock=False)


@recorded
def commit_site(
    *, site: Site, proposal: SiteProposal, digest: str, now: datetime, by: User | None, reason: str
) -> SitePreview:
    """Make a previewed proposal true for all participants of the site, in one transaction.

    An absence needs no reason unless its days are unlikely: its note says why. Raises ReplanningRefused
    without one otherwise (AbsenceRefused for such an absence), BookingsOrphaned and SitePreviewStale as
    `commit_replanning` does.
    """
    reason = _reason_for(proposal, reason)
    # Before anything is read: what somebody is just changing must be read as it is afterwards.
    lock_people_at(site.pk)
    preview = _preview(site, proposal, now, lock=True)
    if preview.digest != digest:
        raise SitePreviewStale(preview)
    if preview.orphans and not proposal.accept_unbookable:
        message = _(
            "These bookings would be on closed days: %(bookings)s. Confirm that they are to be moved."
        )
        raise BookingsOrphaned(message % {"bookings": _(", ").join(preview.orphans)})
    if proposal.absence:
        add_absence(away=proposal.absence, by=by, now=now, reason=reason)
    elif proposal.ended:
        close_absence(absence=proposal.ended, by=by, now=now, reason=reason)
    else:
        correct_working_days(site=site, days=preview.calendar, by=by, reason=reason, note=reason[:200])
        ids = [one.record.participant.pk for one in preview.affected]
        replan_many(ids=ids, proposals={}, now=now, by=by, reason=reason)
    return preview


def _reason_for(proposal: SiteProposal, reason: str) -> str:
    """The reason that is kept; an absence without one has its note. Raises as `commit_site` does."""
    if proposal.absence:
        if proposal.sure:
            require_reason(reason, AbsenceRefused)
        reason = reason.strip() or proposal.absence.note or ABSENT
    if not reason.strip():
        raise ReplanningRefused(_(REASON_MISSING))
    return reason


def people_moved_by(*, site: Site, days: WorkingDays, now: datetime) -> int:
    """For how many participants of a site other working days would change anything; writes nothing."""
    records = records_of(_touched(site, None))
    return sum(bool(preview_of(record, Proposal(calendar=days), now).changed) for record in records)


def _preview(site: Site, proposal: SiteProposal, now: datetime, *, lock: bool) -> SitePreview:
    days, standing = proposal.days, working_days_of(site)
    whole_table = proposal.renewed or proposal.announced
    if not days and not whole_table:
        raise ReplanningRefused(_("Give at least one day."))
    _ask_about(site, proposal, now)
    corrected = _corrected(site, standing, proposal, now)
    _refuse_unchanged(proposal, standing, corrected)
    away = dict.fromkeys(days, STAFF_AWAY) if proposal.absence else {}
    planned_by = corrected.with_corrections(closures=away) if away else corrected
    ids = _touched(site, days if standing and not whole_table else None)
    records = records_of(ids, lock=lock)
    if proposal.ended:
        records = without_absence(records, proposal.ended)
    asked = Proposal(calendar=planned_by)
    previews = with_verdicts_of([preview_of(record, asked, now) for record in records], now)
    return SitePreview(site, corrected, previews, _digest(corrected, proposal, previews))


def _digest(corrected: WorkingDays, proposal: SiteProposal, previews: Sequence[Preview]) -> str:
    """Stands for what a proposal would make of the site's days and of everybody's calendar."""
    absences = (str(proposal.absence), str(proposal.ended))
    said = [corrected.digest, *absences, *(preview.digest for preview in previews)]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()


def _ask_about(site: Site, proposal: SiteProposal, now: datetime) -> None:
    """Raise ReplanningRefused for days that cannot be, UnlikelyDay for such as nobody has said are meant."""
    days = proposal.days
    ends = {"first": days[0], "last": days[-1]} if days else {}
    if impossible := impossible_days(ends):
        raise ReplanningRefused(run_on(dict.fromkeys(words[0] for words in impossible.values()), say))
    if proposal.ended or proposal.sure:
        return
    if unlikely := list(questions_of(frame_at_site(site, today_at(site, now)), ends.values())):
        raise UnlikelyDay(run_on(unlikely, say))


def _refuse_unchanged(proposal: SiteProposal, standing: WorkingDays | None, corrected: WorkingDays) -> None:
    """Raise ReplanningRefused where a calendar is taken over that says what stands already."""
    if standing is None or corrected.digest != standing.digest:
        return
    if proposal.renewed:
        raise ReplanningRefused(_("Nothing has changed in the holiday calendar or the clinic days."))
    if proposal.announced:
        raise ReplanningRefused(_("The announced days of this year are entered already."))


def _corrected(
    site: Site, standing: WorkingDays | None, proposal: SiteProposal, now: datetime
) -> WorkingDays:
    """The table that a proposal makes of the standing one. Raises ReplanningRefused."""
    year = today_at(site, now).year
    try:
        calendar = standing or first_working_days(site, year)
        if proposal.renewed:
            calendar = renewed_working_days(site, calendar, year)
        return calendar.with_corrections(
            closures=proposal.closures,
            openings=proposal.openings,
            follows=proposal.follows,
            announced=proposal.announced,
        )
    except DomainError as error:
        raise ReplanningRefused(str(error)) from error


def _touched(site: Site, days: list[date] | None) -> list[int]:
    """The participants with a visit to come whose window or booking meets one of the days; None for all.

    A frozen trial's stay as they are: nothing of theirs is written, and they stop nobody else.
    """
    live = Visit.objects.live().filter(participant__site=site, participant__trial__frozen_on=None)
    if days is not None:
        live = live.touching(days[0], days[-1]) | live.filter(booked_on__in=days)
    return sorted(set(live.values_list("participant_id", flat=True)))
