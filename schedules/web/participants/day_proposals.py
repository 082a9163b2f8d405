"""Days that an enrolment form proposes as day zero: the best of the next weeks, each one click."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.translation import gettext as _

from schedules.domain.readiness.day_zero_search import AGAINST_LABELS, CandidateDay
from schedules.selectors.readiness.day_zero_search import RangeRefused, ranked_days
from schedules.selectors.readiness.start_context import Newcomer, start_of_newcomer
from schedules.web.participants.enrolment_form import EnrolmentForm
from schedules.web.shared.clock import now
from schedules.web.shared.wording import say
from trials.models import Cohort, Site

AHEAD = timedelta(days=41)
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Proposal:
    """A day zero, the day on which treatment begins for it, and what speaks against it in words."""

    day: date
    start: date
    points: int
    against: str


@dataclass(frozen=True, slots=True)
class Proposals:
    """The best days, what the two anchors are called, and what holds for every day of the range."""

    days: Sequence[Proposal]
    zero: str
    begins: str
    first: date
    last: date
    common: Sequence[str] = ()


def proposals_for(form: EnrolmentForm) -> Proposals | None:
    """The days that suit the site, its calendar, its beds and the gates; None while no site is chosen."""
    site = _chosen(form)
    if site is None or not form.chosen.published_at or not site.zone:
        return None
    given = getattr(form, "cleaned_data", {})
    cohort: Cohort | None = given.get("cohort")
    newcomer = Newcomer(form.chosen, site, frozenset(given.get("traits", ())), cohort)
    start = start_of_newcomer(newcomer, now(), say)
    first, last = start.today, start.today + AHEAD
    try:
        ranking = ranked_days(start, first, last)
    except RangeRefused:
        return None
    best = [_proposal(day) for day in ranking.days if day.possible][:SHOWN]
    zero, begins = start.protocol.anchor_by_code[start.protocol.day_zero], ""
    if start.anchor != start.protocol.day_zero:
        begins = start.protocol.anchor_by_code[start.anchor].label
    common = [reason.text(say) for reason in ranking.common]
    return Proposals(best, zero.label, begins, first, last, common)


def _chosen(form: EnrolmentForm) -> Site | None:
    """The site that is chosen, or that the form begins with."""
    if form.is_bound:
        site: Site | None = form.cleaned_data.get("site")
        return site
    return form.fields["site"].queryset.filter(pk=form.initial.get("site")).first()  # type: ignore[attr-defined]


def _proposal(day: CandidateDay) -> Proposal:
    kinds = dict.fromkeys(_(AGAINST_LABELS[reason.against]) for reason in day.reasons)
    return Proposal(day.day, day.start, day.points, _(" · ").join(kinds))
