"""The two status changes that move a whole calendar: rescreening, and transfer to another site."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from django.utils.translation import gettext as _

from participants.domain.anchors import RecordedAnchor
from participants.domain.errors import CourseRefused
from participants.models import Anchor, CourseStep, Participant, SitePeriod
from schedules.domain.errors import ReplanningRefused
from schedules.domain.visits.visit import PLAN_COLUMNS
from schedules.models import Visit, new_uid
from schedules.selectors.store.course import CourseState, clock_at, ending_step, live_visits, visit_under
from schedules.services.replanning.hold_rows import follow_plan
from schedules.services.replanning.moves import Preview, Proposal, replan_many
from schedules.services.store.site_locks import lock_sites
from schedules.services.store.visit_writing import (
    NO_BOOKING,
    Value,
    announce,
    forget_preparations,
    write_visits,
)
from trials.domain.protocols.protocol import Protocol, Role, VisitRule
from trials.domain.refusals import Refusal
from trials.models import Site, TrialSite, User
from trials.selectors.protocols.approvals import in_use
from trials.spoken import bracketed, refuse, say, sentence

FRESH: dict[str, Value] = {
    "cancelled_on": None,
    "cancelled_by": None,
    "cancelled_reason": "",
    "applies": True,
}


def rescreen(
    *, standing: CourseState, attempt: int, day_zero: date | None, by: User | None, now: datetime
) -> None:
    """Plan screening again, around a new day zero: of somebody who failed it, or whose screening expired.

    What a failure cancelled is to come again; what was used up in the earlier attempt (screening
    that was done, missed or cancelled) gets a row of its own. Without a failure only the screening is planned
    again, whole, for no protocol says what of it may stand (assumed). Raises CourseRefused for a day
    zero that is not given, over, or contradicts what is on record, and where no screening was done.
    """
    person, protocol = standing.participant, standing.protocol
    today = clock_at(person.site, now).today
    if day_zero is None or day_zero < today:
        label = say(protocol.anchor_by_code[protocol.day_zero].label)
        message = _("Give the new planned day of %(anchor)s, %(today)s or later.")
        raise CourseRefused({"day_zero": [sentence(message, {"anchor": label, "today": today})]})
    if failure := ending_step(standing.steps):
        _begin_again(person, failure, attempt, now)
        anchors = [rule.code for rule in protocol.anchors if rule.derived]
    else:
        anchors = _repeat_screening(person, protocol, attempt, now)
    Anchor.objects.filter(participant=person, code__in=anchors).delete()
    anchor = RecordedAnchor(protocol.day_zero, planned_on=day_zero)
    _replan(person, Proposal(anchors={protocol.day_zero: anchor}), "day_zero", by=by, now=now)


def _begin_again(person: Participant, failure: CourseStep, attempt: int, now: datetime) -> None:
    """Take what a failure cancelled over to the next attempt, and plan what the last one used up again.

    A visit that was added since, and is to come, goes along: of an attempt that is over nobody is reminded.
    """
    cancelled = Visit.objects.filter(participant=person, cancelled_by=failure)
    write_visits(
        person.pk, list(cancelled.values_list("pk", flat=True)), "restored", now, attempt=attempt, **FRESH
    )
    added = live_visits(person).filter(unscheduled=True, attempt=attempt - 1)
    write_visits(person.pk, list(added.values_list("pk", flat=True)), "moved", now, attempt=attempt)
    plan_once_more(Visit.objects.of(person).asked_for().filter(attempt=attempt - 1), attempt, now)


def _repeat_screening(person: Participant, protocol: Protocol, attempt: int, now: datetime) -> list[str]:
    """Plan the screening that was done again, take all else over; gives the anchors that it dated.

    A collection that took place stays, and so does an enrolment that is on record. Raises CourseRefused.
    """
    rules = screening_rules(protocol)
    present = Visit.objects.of(person).filter(attempt=attempt - 1)
    of_screening = present.asked_for().filter(rule_code__in=[rule.code for rule in rules])
    used = list(of_screening.exclude(performed_on=None, missed_on=None))
    if not any(visit.performed_on for visit in used):
        raise CourseRefused({"": [_("No screening was done that could be repeated.")]})
    over = present.exclude(pk__in=[visit.pk for visit in used]).values_list("pk", flat=True)
    write_visits(person.pk, list(over), "moved", now, attempt=attempt)
    plan_once_more(used, attempt, now)
    names = frozenset[str]().union(*(visit_under(visit, protocol).names for visit in used))
    return [rule.code for rule in protocol.anchors if rule.derived and rule.derived.visit in names]


def screening_rules(protocol: Protocol) -> list[VisitRule]:
    """The visits of a protocol's screening: the one with that role, and all others of its epoch."""
    first = protocol.visit_by_code.get(protocol.visit_of(Role.SCREENING) or "")
    return [rule for rule in protocol.visits if first and (rule is first or rule.epoch == first.epoch)]


def transfer(
    *, standing: CourseState, site: Site | None, on: date, release: bool, by: User | None, now: datetime
) -> None:
    """Move somebody to another site that runs the trial under an approved version; suggestions follow.

    Bookings at the old site are given up with `release`, and hold up the transfer without it. The old site
    goes on reading what is on record up to the day `on`. Raises CourseRefused.
    """
    person = standing.participant
    today = clock_at(person.site, now).today
    if site:  # or its days change meanwhile, and the person is not among those who are planned again by them
        lock_sites([site.pk])
    refusals = list(_refusals_of_site(standing, site))
    booked = live_visits(person).filter(booked_on__gte=today)  # the old site's, whatever their windows
    if not release and (bookings := list(booked.order_by("booked_on"))):
        listed = _(", ").join(bracketed(say(visit.label), visit.booked_on) for visit in bookings)
        message = _("Booked at the present site: %(visits)s. Confirm that these bookings are cancelled.")
        refusals.append(Refusal.said("release", message % {"visits": listed}))
    refuse(refusals, CourseRefused)
    assert site is not None
    # also of visits that are cancelled or missed, which may be undone at the new site
    to_come = Visit.objects.filter(participant=person, performed_on=None)
    forget_preparations(list(to_come.values_list("pk", flat=True)))
    # one that the plan no longer asks for comes back with its booking, should it ask again
    gone = Visit.objects.filter(participant=person, applies=False, cancelled_by=None, booked_on__gte=today)
    pks = [*booked.values_list("pk", flat=True), *gone.values_list("pk", flat=True)]
    write_visits(person.pk, pks, "unbooked", now, **NO_BOOKING)
    _end_period(person, on)
    person.site = site
    person.save(update_fields=["site"])
    announce(person.pk, [], "transferred", now)
    _replan(person, Proposal(), "site", by=by, now=now)


def _end_period(person: Participant, on: date) -> None:
    """Keep from when until when somebody was at the site that they leave."""
    before = SitePeriod.objects.filter(participant=person).order_by("-pk").first()
    starts = min(before.ended_on, on) if before else None
    SitePeriod.objects.create(participant=person, site=person.site, starts_on=starts, ended_on=on)


def plan_anew(*, person: Participant, by: User | None, now: datetime) -> None:
    """Bring what is to come again up to date with the record, a hold as well; raises CourseRefused."""
    preview = _replan(person, Proposal(), "", by=by, now=now)
    follow_plan(preview.record, preview.plan, now, withdrawn=True)


def _refusals_of_site(standing: CourseState, site: Site | None) -> list[Refusal]:
    person = standing.participant
    if site is None or site.pk == person.site_id:
        return [Refusal.said("site", _("Give a site other than the present one."))]
    words = {"site": str(site), "trial": person.trial.code, "version": person.protocol_version.label}
    if not site.zone:
        return [Refusal.said("site", _("%(site)s has no time zone yet: give it one first.") % words)]
    if not TrialSite.objects.filter(trial=person.trial_id, site=site).exists():
        return [Refusal.said("site", _("Trial %(trial)s does not run at %(site)s.") % words)]
    if not in_use(site, person.protocol_version_id):
        message = _("%(site)s has no approval in use of protocol version %(version)s: record it and sign it.")
        return [Refusal.said("site", message % words)]
    return []


def plan_once_more(used: Iterable[Visit], attempt: int, now: datetime) -> None:
    """Give visits of an earlier attempt, of one participant, rows of their own in a new one, as planned."""
    again = Visit.objects.bulk_create([_copy(visit, attempt, now) for visit in used])
    if again:
        announce(again[0].participant_id, [visit.pk for visit in again], "added", now)


def _copy(visit: Visit, attempt: int, now: datetime) -> Visit:
    """A visit of the earlier attempt as it was planned, for the new one."""
    columns = {name: getattr(visit, name) for name in PLAN_COLUMNS}
    return Visit(**columns, attempt=attempt, uid=new_uid(), changed_at=now)


def _replan(person: Participant, proposal: Proposal, name: str, *, by: User | None, now: datetime) -> Preview:
    proposals = {person.pk: proposal}
    try:
        (preview,) = replan_many(ids=[person.pk], proposals=proposals, now=now, by=by, reason="")
    except ReplanningRefused as refused:
        raise CourseRefused({name: [str(refused)]}) from refused
    return preview
