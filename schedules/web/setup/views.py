"""The steps to the first participant, and the pages on which sites, trials and versions are added."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from schedules.selectors.pages.first_steps import first_steps
from schedules.web.setup.forms import DocumentForm, NewSiteForm, SiteNamesForm, TrialNamesForm, TrialSiteForm
from schedules.web.setup.protocol_rows import schedule_of
from schedules.web.setup.words import shown_steps
from schedules.web.shared.answers import answer
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.people import user_of
from schedules.web.shared.places import offered, site_asked, trial_asked
from trials.domain.accounts.access import Right
from trials.domain.errors import ProtocolInvalid, Refused
from trials.domain.words import run_on
from trials.models import Site, Trial
from trials.selectors.records import (
    roles_of,
    sites_administered_by,
    sites_visible_to,
    trials_visible_to,
    versions_visible_to,
)
from trials.services.protocols.publishing import VersionPublished, publish_protocol
from trials.services.protocols.trials import NAMES as TRIAL_NAMES
from trials.services.protocols.trials import rename_trial, run_at, take_in
from trials.services.protocols.trials import shown_version as trial_version
from trials.services.sites.sites import NAMES, add_site, rename_site, shown_version
from trials.web.shared.query_params import query_params
from trials.zones import server_zone, zone_of


@login_required
@require_safe
@query_params("site", "trial")
def setup(request: HttpRequest) -> HttpResponse:
    """How far a trial at a site is on the way to its first participant."""
    user, today = user_of(request), server_day(now())
    found = first_steps(user, today, site_asked(request), trial_asked(request))
    steps = shown_steps(found)
    context = {
        "found": found,
        "steps": steps,
        "done": sum(step.done for step in steps),
        "sites": offered(sites_visible_to(user, today), found.site.pk if found.site else None),
        "trials": offered(trials_visible_to(user, today), found.trial.pk if found.trial else None),
    }
    return render(request, "setup/steps.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def site_new(request: HttpRequest) -> HttpResponse:
    """Add a site, with its working days."""
    _require(roles_of(user_of(request), server_day(now())).allows_throughout(Right.ADMINISTER), _SITES)

    def perform(form: NewSiteForm) -> HttpResponse:
        site = add_site(said=form.said(), year=server_day(now()).year, by=user_of(request))
        words = _("%(site)s is added, with its working days.")
        messages.success(request, words % {"site": site})
        return redirect(f"{reverse('setup')}?{urlencode({'site': site.pk})}")

    context = {"title": _("Add a site"), "button": _("Add the site"), "back": reverse("sites")}
    return answer(request, NewSiteForm, perform, context, server_zone())


@login_required
@require_http_methods(["GET", "POST"])
def site_change(request: HttpRequest, pk: int) -> HttpResponse:
    """Change the names, numbers and card of a site."""
    user, today = user_of(request), server_day(now())
    site = get_object_or_404(sites_visible_to(user, today), pk=pk)
    _require(sites_administered_by(user, today).filter(pk=pk).exists(), _SITES)

    def make(data: Any) -> SiteNamesForm:
        shown = {name: getattr(site, name) for name in NAMES}
        return SiteNamesForm(data, initial={**shown, "version": shown_version(site)})

    def perform(form: SiteNamesForm) -> HttpResponse:
        rename_site(site=site, version=form.shown(), said=form.names(), by=user)
        messages.success(request, _("Saved."))
        return redirect("sites")

    context = {
        "title": _("Names and numbers of %(site)s") % {"site": site.code},
        "button": _("Save"),
        "back": reverse("sites"),
    }
    return answer(request, make, perform, context, zone_of(site))


@login_required
@require_http_methods(["GET", "POST"])
def trial_new(request: HttpRequest) -> HttpResponse:
    """Take in a protocol document, and with the first one of a trial the trial itself."""
    user = user_of(request)
    scope = roles_of(user, server_day(now()))
    _require(scope.allows(Right.PUBLISH), _("Only a designer takes protocols in."))

    def perform(form: DocumentForm) -> HttpResponse:
        version = _taken_in(request, form)
        words = _("%(version)s is taken in as a draft. Read it through, then publish it.")
        messages.success(request, words % {"version": version})
        return redirect("trial-version", pk=version.pk)

    def make(data: Any) -> DocumentForm:
        return DocumentForm(data, request.FILES or None)

    context = {
        "title": _("Add a trial"),
        "button": _("Take the document in"),
        "back": reverse("setup"),
        "template": "setup/document.html",
    }
    return answer(request, make, perform, context, server_zone())


def _taken_in(request: HttpRequest, form: DocumentForm) -> Any:
    user = user_of(request)
    scope = roles_of(user, server_day(now()))
    at = next(name for name in ("shipped", "file", "document") if form.cleaned_data.get(name))

    def may_design(trial: Trial) -> bool:
        return scope.allows_throughout(Right.PUBLISH, trial=trial.pk)

    try:
        return take_in(
            text=form.text(),
            outside_name=form.cleaned_data["outside_name"],
            may_design=may_design,
            by=user,
        )
    except ProtocolInvalid as error:
        raise Refused({at: [_line(problem) for problem in error.problems]}) from error
    except VersionPublished as error:
        raise Refused({at: [str(error)]}) from error
    except UnicodeDecodeError as error:
        raise Refused({at: [_("The file is no text in UTF-8: save the document as UTF-8.")]}) from error


def _line(problem: Any) -> str:
    if problem.line is None:
        return str(problem)
    return _("Line %(line)d: %(problem)s") % {"line": problem.line, "problem": problem}


@login_required
@require_http_methods(["GET", "POST"])
def version(request: HttpRequest, pk: int) -> HttpResponse:
    """A protocol version to be read through; posted, it is published."""
    user, today = user_of(request), server_day(now())
    found = get_object_or_404(versions_visible_to(user, today).select_related("trial"), pk=pk)
    may_publish = roles_of(user, today).allows_throughout(Right.PUBLISH, trial=found.trial_id)
    if request.method == "POST":
        _require(may_publish, _("Your role does not allow publishing in %(trial)s.") % {"trial": found.trial})
        try:
            publish_protocol(version=found, by=user, now=now())
            messages.success(request, _("%(version)s is published.") % {"version": found})
        except ProtocolInvalid as error:
            messages.error(request, run_on(map(_line, error.problems), _))
        return redirect(f"{reverse('setup')}?{urlencode({'trial': found.trial_id})}")
    context = {"version": found, "schedule": schedule_of(found), "may_publish": may_publish}
    return render(request, "setup/version.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def trial_sites(request: HttpRequest, pk: int) -> HttpResponse:
    """Where a trial runs, and a form for another site."""
    user, today, trial = user_of(request), server_day(now()), _trial(request, pk)
    here = sites_visible_to(user, today)
    others = here.exclude(trial_sites__trial=trial)
    _require(roles_of(user, today).allows_throughout(Right.ADMINISTER, trial=trial.pk), _TRIALS)

    def perform(form: TrialSiteForm) -> HttpResponse:
        site: Site = form.cleaned_data["site"]
        run_at(trial=trial, site=site, by=user)
        messages.success(request, _("%(trial)s runs at %(site)s.") % {"trial": trial, "site": site})
        return redirect(f"{reverse('setup')}?{urlencode({'trial': trial.pk, 'site': site.pk})}")

    context = {
        "title": _("Sites of %(trial)s") % {"trial": trial},
        "button": _("Add the site"),
        "back": reverse("setup"),
        "template": "setup/trial_sites.html",
        "trial": trial,
        "running": here.filter(trial_sites__trial=trial),
        "others": others.exists(),
    }
    return answer(request, partial(TrialSiteForm, others), perform, context, server_zone())


@login_required
@require_http_methods(["GET", "POST"])
def trial_names(request: HttpRequest, pk: int) -> HttpResponse:
    """Change what a trial is called on pages and outside."""
    user, today, trial = user_of(request), server_day(now()), _trial(request, pk)
    _require(roles_of(user, today).allows_throughout(Right.ADMINISTER, trial=trial.pk), _TRIALS)

    def make(data: Any) -> TrialNamesForm:
        shown = {name: getattr(trial, name) for name in TRIAL_NAMES}
        return TrialNamesForm(data, initial={**shown, "version": trial_version(trial)})

    def perform(form: TrialNamesForm) -> HttpResponse:
        names = {name: form.cleaned_data[name] for name in TRIAL_NAMES}
        rename_trial(trial=trial, version=form.shown(), names=names, by=user)
        messages.success(request, _("Saved."))
        return redirect("trials")

    title = _("Names of %(trial)s") % {"trial": trial.code}
    context = {"title": title, "button": _("Save"), "back": reverse("trials")}
    return answer(request, make, perform, context, server_zone())


_SITES = "sites"
_TRIALS = "trials"


def _require(allowed: bool, words: str) -> None:
    if allowed:
        return
    said = {
        _SITES: _("Only somebody who administers the site does this."),
        _TRIALS: _("Only somebody who administers the whole trial does this."),
    }
    raise PermissionDenied(said.get(words, words))


def _trial(request: HttpRequest, pk: int) -> Trial:
    return get_object_or_404(trials_visible_to(user_of(request), server_day(now())), pk=pk)
