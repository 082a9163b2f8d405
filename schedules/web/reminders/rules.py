"""The rules of a trial and of its sites: what is assumed, what is set, and what they would say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext
from django.views.decorators.http import require_http_methods, require_safe

from participants.selectors.participants import participants_visible_to
from schedules.domain.reminders.people import CAPACITY_LABELS
from schedules.domain.reminders.rules import BY_KIND, KIND_LABELS, MANNER_LABELS, Direction
from schedules.domain.reminders.settings import Wanted, assumed
from schedules.notifications import sentence
from schedules.selectors.reminders.previews import RuleRow, coming_reminders, pauses_now, rules_of, setting_of
from schedules.services.reminders.settings import set_rule
from schedules.web.reminders.forms import HoursForm, RuleForm
from schedules.web.shared.answers import answer
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.people import user_of
from schedules.web.shared.query_params import number
from trials.domain.accounts.access import Right
from trials.models import Site, Trial
from trials.selectors.protocols.approvals import (
    may_throughout,
    sites_in_view,
    trials_at_in_view,
    trials_in_view,
)
from trials.selectors.records import may, sites_visible_to
from trials.spoken import say
from trials.web.shared.query_params import query_params
from trials.zones import server_zone, zone_of

ALL = "hours"
"""The word in the address for what holds of all rules: the hours."""


@dataclass(frozen=True, slots=True)
class Line:
    """One rule in words, each with whether it is set and where."""

    kind: str
    label: str
    active: bool
    days: str
    people: str
    manner: str
    escalates: int
    source: str


@login_required
@require_safe
@query_params("site")
def rules(request: HttpRequest, pk: int) -> HttpResponse:
    """The rules of a trial, or of it at one of its sites, and what they would say in a week."""
    user, instant = user_of(request), now()
    today = server_day(instant)
    trial, site, sites = _place(request, pk)
    rows = rules_of(trial, site)
    coming = coming_reminders(trial, [site] if site else sites, participants_visible_to(user, today), instant)
    context = {
        "trial": trial,
        "site": site,
        "sites": sites,
        "lines": [_line(row) for row in rows],
        "hours": rows[0],
        "hours_set": {"earliest", "latest", "working_days"} & (rows[0].set_in_trial | rows[0].set_at_site),
        "may_set": _may_set(request, trial, site),
        "pauses": pauses_now(today, trial=trial),
        "coming": [
            (one, say(KIND_LABELS[one.kind]), sentence(one.kind, one.thing, one.day)) for one in coming
        ],
        "query": f"?site={site.pk}" if site else "",
    }
    return render(request, "reminders/rules.html", context)


@login_required
@require_safe
def site_rules(request: HttpRequest, pk: int) -> HttpResponse:
    """The trials at a site, each with the way to its rules there; where there is one alone, those rules."""
    user, today = user_of(request), server_day(now())
    site = get_object_or_404(sites_visible_to(user, today), pk=pk)
    trials = trials_at_in_view(user, site, today)
    if len(trials) == 1:
        return redirect(_rules_at(trials[0].pk, site))
    return render(request, "reminders/site_rules.html", {"site": site, "trials": trials})


@login_required
@require_http_methods(["GET", "POST"])
@query_params("site")
def rule(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """The form of one rule, or of the hours of all, at a place."""
    trial, site, _sites = _place(request, pk)
    if kind not in (ALL, *BY_KIND):
        raise Http404
    if not _may_set(request, trial, site):
        raise PermissionDenied(_("Your role here does not allow changing the rules of reminders."))
    stored = "" if kind == ALL else kind
    row = setting_of(trial, site, stored)
    version = row.version if row else 0
    holds = {one.wanted.rule.kind: one.wanted for one in rules_of(trial, site)}[stored or "book"]
    home = _rules_at(pk, site)

    def make(data: Any) -> Any:
        if kind == ALL:
            return HoursForm(holds, version, data)
        return RuleForm(BY_KIND[kind], holds, version, data)

    def perform(form: Any) -> HttpResponse:
        to = form.setting(_hours_above(trial, site)) if kind == ALL else form.setting()
        set_rule(trial=trial, site=site, kind=stored, to=to, version=form.shown(), by=user_of(request))
        messages.success(request, _("The reminders of this place are changed; the next sweep goes by it."))
        return redirect(home)

    context = {"title": _title(kind, trial, site), "button": _("Save"), "back": home}
    return answer(request, make, perform, context, zone_of(site) if site else server_zone())


def _rules_at(trial: int, site: Site | None) -> str:
    """The address of the rules of a trial, at one of its sites or for all of them."""
    return reverse("reminder-rules", kwargs={"pk": trial}) + (f"?site={site.pk}" if site else "")


def _title(kind: str, trial: Trial, site: Site | None) -> str:
    label = _("When messages leave") if kind == ALL else say(BY_KIND[kind].label)
    where = str(site) if site else _("all sites")
    return _("%(rule)s: %(trial)s, %(where)s") % {"rule": label, "trial": trial.code, "where": where}


def _hours_above(trial: Trial, site: Site | None) -> Wanted:
    """The hours that hold where this place says nothing: the trial's for a site, else what is assumed."""
    return rules_of(trial, None)[0].wanted if site else assumed(BY_KIND["book"])


def _place(request: HttpRequest, pk: int) -> tuple[Trial, Site | None, list[Site]]:
    user, today = user_of(request), server_day(now())
    trial = get_object_or_404(trials_in_view(user, today), pk=pk)
    sites = sites_in_view(user, trial, today)
    wanted = number(request, "site")
    site = next((one for one in sites if one.pk == wanted), None)
    if wanted and site is None:
        raise Http404
    return trial, site, sites


def _may_set(request: HttpRequest, trial: Trial, site: Site | None) -> bool:
    user, today = user_of(request), server_day(now())
    if trial.frozen_on:
        return False
    if site is None:
        return may_throughout(user, Right.RECORD, trial, today)
    return may(user, Right.RECORD, site, trial, today)


def _line(row: RuleRow) -> Line:
    rule = row.wanted.rule
    days = ""
    if row.wanted.days:
        last = row.wanted.days[-1] if len(row.wanted.days) == 1 else len(row.wanted.days)
        before = ngettext("%(days)s day before", "%(days)s days before", last)
        after = ngettext("%(days)s day after", "%(days)s days after", last)
        words = before if rule.direction is Direction.BEFORE else after
        days = words % {"days": pgettext("list", ", ").join(map(str, row.wanted.days))}
    of_rule = {"active", "days", "recipients", "manner", "escalates"}
    source = "site" if row.set_at_site & of_rule else "trial" if row.set_in_trial & of_rule else "assumed"
    return Line(
        kind=rule.kind,
        label=say(rule.label),
        active=row.wanted.active,
        days=days or _("at once"),
        people=_("; ").join(say(CAPACITY_LABELS[one]) for one in row.wanted.recipients),
        manner=say(MANNER_LABELS[row.wanted.manner]),
        escalates=row.wanted.escalates,
        source=source,
    )
