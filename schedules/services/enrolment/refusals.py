"""Why an enrolment may be refused, and the plan that it makes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from participants.models import SUBJECT_CODE
from schedules.domain.errors import EnrolmentRefused
from schedules.domain.plan.contradictions import Contradiction
from schedules.domain.plan.projection import project
from schedules.domain.plan.recorded_anchors import anchor_days, hours_that_are_none, recorded_anchor
from schedules.domain.plan.values import AnchorDay, AnchorKind, Known, Plan, PlannedWindow
from schedules.selectors.store.absences import absences_counted, away_days_of
from schedules.selectors.store.calendars import days_of_tables, working_day_tables
from schedules.selectors.store.first_days import first_approvals
from schedules.services.enrolment.consenting import refusals_without_consent
from schedules.services.enrolment.history import asked_of, ruling_on
from schedules.services.enrolment.values import Enrolment
from trials.domain.errors import DomainError
from trials.domain.protocols.protocol import Protocol, Role
from trials.domain.refusals import Refusal
from trials.domain.sites.plausible_days import AFTER_PLANNED_END, LAST_DAY, LONG_AHEAD, Frame, latest_day
from trials.domain.sites.working_days import WorkingDays
from trials.domain.sites.zones import is_zone
from trials.models import ProtocolVersion, TrialSite
from trials.selectors.protocols.approvals import ApprovalState, Pair, approval_states
from trials.selectors.records import protocol_of
from trials.selectors.together import Asked, read_together
from trials.services.sites.plausible_days import impossible_days, questions_of
from trials.spoken import refuse, require_reason, say, sentence
from trials.zones import zone_of

__all__ = ["Enrolment", "Ground", "not_in_use", "plan_enrolment"]


@dataclass(frozen=True, slots=True)
class Ground:
    """What is on record about sites and versions, for any number of enrolments at once."""

    running: frozenset[tuple[int, int]]
    published: frozenset[int]
    calendars: Mapping[int, WorkingDays | None]
    approvals: Mapping[Pair, ApprovalState]
    began: Mapping[Pair, date]
    """When each trial began at a site, by the ids of site and trial."""

    @classmethod
    def of(cls, enrolments: Sequence[Enrolment]) -> Ground:
        """Read with three queries; days on which its people are away are closed."""
        trials = {one.trial.pk for one in enrolments}
        versions = {one.version.pk for one in enrolments}
        sites = {one.site.pk: one.site for one in enrolments}
        published = ProtocolVersion.objects.filter(pk__in=versions, published_at__isnull=False)
        running, usable, absences, tables, began = read_together(
            TrialSite.objects.filter(trial__in=trials, site__in=sites).values_list("trial_id", "site_id"),
            published.order_by("pk").values_list("pk", flat=True),
            Asked.of(absences_counted, participants=(), sites=sites),
            Asked.of(working_day_tables, sites),
            Asked.of(first_approvals, sites, trials),
        )
        away, calendars = away_days_of(absences), days_of_tables(tables)
        return cls(
            frozenset(running),
            frozenset(usable),
            {pk: away.applied(calendars.get(pk), None, pk) for pk in sites},
            approval_states((one.site.pk, one.version.pk) for one in enrolments),
            {(site, trial): first for site, trial, first in began},
        )


def plan_enrolment(enrolment: Enrolment, ground: Ground) -> Plan:
    """The plan of an enrolment; raises EnrolmentRefused with every reason, by field."""
    refuse(_refusals_of_place(enrolment, ground), EnrolmentRefused)
    protocol = protocol_of(enrolment.version)
    zone = zone_of(enrolment.site)
    refuse(
        (
            Refusal("anchors", error.template, error.values)
            for _code, error in hours_that_are_none(enrolment.anchors)
        ),
        EnrolmentRefused,
    )
    given = {
        code: anchor if isinstance(anchor, AnchorDay) else recorded_anchor(code, anchor, zone)
        for code, anchor in enrolment.anchors.items()
    }
    anchors = anchor_days(given, zone)
    asked = (*_refusals_of_words(enrolment, protocol, anchors), *refusals_without_consent(enrolment))
    refuse(asked, EnrolmentRefused)
    plan = _project(enrolment, protocol, anchors, ground, zone)
    refuse(_refusals_of_years(enrolment, anchors), EnrolmentRefused)
    refusals, unlikely = list(_refusals_of_plan(enrolment, plan)), list(_unlikely(enrolment, plan, ground))
    if not enrolment.sure and all(refusal.field == "reason" for refusal in refusals):
        refusals += (Refusal.said("sure", message) for message in unlikely)
    refuse(refusals, EnrolmentRefused)
    if unlikely:
        require_reason(enrolment.reason, EnrolmentRefused)
    return plan


def _project(
    enrolment: Enrolment,
    protocol: Protocol,
    anchors: Mapping[str, AnchorDay],
    ground: Ground,
    zone: ZoneInfo,
) -> Plan:
    known = Known(comes_of_age=enrolment.comes_of_age_on)
    calendar = ground.calendars[enrolment.site.pk]
    try:
        return project(protocol, anchors, frozenset(enrolment.traits), calendar, known, zone)
    except (DomainError, OverflowError, ValueError) as error:
        raise EnrolmentRefused({"anchors": [_("These days lead outside the calendar.")]}) from error


def _refusals_of_place(enrolment: Enrolment, ground: Ground) -> Iterator[Refusal]:
    site, version, trial = enrolment.site, enrolment.version, enrolment.trial
    words = {"site": site.code, "trial": trial.code, "version": version.label, "zone": site.zone}
    if not site.zone:
        yield Refusal.said(
            "site", _("Site %(site)s has no time zone: give it one, such as Asia/Shanghai.") % words
        )
    elif not is_zone(site.zone):
        yield Refusal.said(
            "site", _("Site %(site)s has an unknown time zone, %(zone)s: an IANA name is wanted.") % words
        )
    if (trial.pk, site.pk) not in ground.running:
        yield Refusal.said("site", _("Trial %(trial)s does not run at site %(site)s.") % words)
    if version.trial_id != trial.pk:
        yield Refusal.said(
            "version", _("Version %(version)s belongs to another trial than %(trial)s.") % words
        )
    elif version.pk not in ground.published:
        yield Refusal.said("version", _("Version %(version)s is not published yet.") % words)
    else:
        yield from _refusals_of_use(enrolment, ground)
    if enrolment.cohort and enrolment.cohort.trial_id != trial.pk:
        yield Refusal.said("cohort", _("This cohort belongs to another trial than %(trial)s.") % words)
    try:
        SUBJECT_CODE(enrolment.subject_code)
    except ValidationError as error:
        yield Refusal.said("subject_code", error.messages[0])


def _refusals_of_use(enrolment: Enrolment, ground: Ground) -> Iterator[Refusal]:
    """A site uses a version only once its approval is recorded and signed."""
    site, version = enrolment.site, enrolment.version
    state = ground.approvals[site.pk, version.pk]
    may_run = (enrolment.trial.pk, site.pk) in ground.running and is_zone(site.zone)
    if may_run and state is not ApprovalState.IN_USE:  # else there is something to mend first
        yield Refusal.said("version", not_in_use(state) % {"site": site.code, "version": version.label})


def not_in_use(state: ApprovalState) -> str:
    """Why a site may not use a protocol version yet; to be filled with `site` and `version`."""
    return _(NOT_IN_USE[state])


NOT_IN_USE: Mapping[ApprovalState, str] = {
    ApprovalState.MISSING: gettext_noop("No approval of version %(version)s is on record at site %(site)s."),
    ApprovalState.UNSIGNED: gettext_noop(
        "The approval of version %(version)s at site %(site)s is not signed: an investigator signs it."
    ),
    ApprovalState.VOID: gettext_noop(
        "The approval of version %(version)s at site %(site)s was changed after it was signed: "
        "an investigator signs it again."
    ),
}
"""The same, marked for translation and not translated."""


def _refusals_of_years(enrolment: Enrolment, anchors: Mapping[str, AnchorDay]) -> Iterator[Refusal]:
    """Days that nobody can have meant; a trial without a planned end is counted from today."""
    end = enrolment.trial.planned_end or enrolment.today
    for messages in impossible_days({code: day.day for code, day in anchors.items()}, end).values():
        yield from (Refusal.said("anchors", message) for message in messages)
    for messages in impossible_days({"": enrolment.comes_of_age_on}, end).values():
        yield from (Refusal.said("comes_of_age_on", message) for message in messages)


def _unlikely(enrolment: Enrolment, plan: Plan, ground: Ground) -> Iterator[str]:
    """What is asked about the days given: before the trial began or the consent, long after the last window.

    What departs from the protocol is asked about as that.
    """
    consent, given = plan.protocol.code_of(Role.CONSENT), plan.anchors
    departing = {one.anchor for one in ruling_on(enrolment, plan).departures}
    days = {code: given[code].day for code in enrolment.anchors if code in given and code not in departing}
    end = enrolment.trial.planned_end
    last = end or (enrolment.today and latest_day(enrolment.today, years=1))
    began = ground.began.get((enrolment.site.pk, enrolment.trial.pk))
    at_site = Frame(LAST_DAY, began, last, too_late=AFTER_PLANNED_END if end else LONG_AHEAD)
    signed = days.pop(consent, enrolment.consent.signed_on if enrolment.consent else None)
    yield from questions_of(at_site, [signed] if signed else [])
    frame = replace(at_site, start=signed, by_consent=True) if signed else at_site
    yield from questions_of(frame, days.values())


def _refusals_of_words(
    enrolment: Enrolment, protocol: Protocol, anchors: Mapping[str, AnchorDay]
) -> Iterator[Refusal]:
    traits = [trait.code for trait in protocol.traits]
    for trait in sorted(set(enrolment.traits).difference(traits)):
        yield Refusal.said(
            "traits",
            _("%(trait)s is no trait of this protocol; it has %(traits)s.")
            % {"trait": trait, "traits": _(", ").join(traits) or "-"},
        )
    for code, day in anchors.items():
        if wrong := _wrong_with_anchor(code, day, protocol, enrolment.today):
            yield Refusal.said("anchors", wrong)
    if protocol.day_zero not in anchors:
        label = protocol.anchor_by_code[protocol.day_zero].label
        yield Refusal.said(
            "anchors", _("Give the day of %(anchor)s: the others count from it.") % {"anchor": say(label)}
        )


def _wrong_with_anchor(code: str, day: AnchorDay, protocol: Protocol, today: date | None) -> str:
    """Say why an anchor cannot be given so; empty where it can."""
    rule = protocol.anchor_by_code.get(code)
    words = {"anchor": say(rule.label) if rule else code, "anchors": _(", ").join(protocol.anchor_by_code)}
    if rule is None:
        return _("%(anchor)s is no anchor of this protocol; it has %(anchors)s.") % words
    if day.kind is AnchorKind.ACTUAL and today and day.day > today:
        said = words | {"day": day.day, "today": today}
        return sentence(_("%(anchor)s on %(day)s is in the future: today is %(today)s at the site."), said)
    if day.kind is AnchorKind.DERIVED:
        return _("%(anchor)s follows from others: give its own day, or leave it out.") % words
    return ""


def _refusals_of_plan(enrolment: Enrolment, plan: Plan) -> Iterator[Refusal]:
    ruling = ruling_on(enrolment, plan)
    for found in ruling.refused:
        yield Refusal.said("anchors", _contradiction_in_words(found, plan))
    if ruling.departures and not enrolment.reason.strip():
        yield from (Refusal.said("reason", message) for message in asked_of(ruling.departures, plan))
    for code in enrolment.anchors:
        if code not in plan.anchors:
            label = say(plan.protocol.anchor_by_code[code].label)
            yield Refusal.said(
                "anchors", _("%(anchor)s does not apply to somebody with these traits.") % {"anchor": label}
            )
    for window in plan.windows:
        if crossed(window):
            words = {"window": say(window.rule.label), "starts": window.starts, "ends": window.ends}
            yield Refusal.said(
                "anchors",
                sentence(_("“%(window)s” would start on %(starts)s, after its end on %(ends)s."), words),
            )


def crossed(window: PlannedWindow) -> bool:
    """Whether a protocol window would end on a day before the one on which it starts."""
    ends = (window.starts, window.ends)
    starts, stops = (point.date() if isinstance(point, datetime) else point for point in ends)
    return starts is not None and stops is not None and starts > stops


def _contradiction_in_words(found: Contradiction, plan: Plan) -> str:
    label = {rule.code: say(rule.label) for rule in plan.protocol.anchors}
    one = _("%(anchor)s on %(day)s")
    mends = [sentence(one, {"anchor": label[code], "day": day}) for code, day in found.mends]
    message = _(
        "%(anchor)s on %(day)s and %(other)s on %(other_day)s contradict each other. "
        "It would be mended by %(mends)s."
    )
    words = {
        "anchor": label[found.anchor],
        "day": plan.anchors[found.anchor].day,
        "other": label[found.other],
        "other_day": plan.anchors[found.other].day,
        "mends": _(" or by ").join(mends),
    }
    return sentence(message, words)
