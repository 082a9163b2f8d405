"""Trials: which versions are in use where, the consent forms, and the end."""

from __future__ import annotations

import tempfile
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from schedules.selectors.store.course import clock_at
from schedules.selectors.trust.pages import approval_rows
from schedules.web.shared.answers import answer
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.people import user_of
from schedules.web.shared.places import MOST
from schedules.web.shared.query_params import neighbours
from schedules.web.trust.forms import ApprovalForm, ClosingForm, EditionForm
from trials.domain.accounts.access import Right
from trials.domain.errors import Refused
from trials.models import ProtocolVersion, Site, Trial
from trials.reauthentication import reauthenticated
from trials.selectors.protocols.approvals import (
    approvals_in_view,
    may_throughout,
    sites_in_view,
    trials_in_view,
    with_sites,
)
from trials.selectors.records import may, published_versions
from trials.services.jobs.jobs import ask_for_export
from trials.services.protocols.approvals import correct_approval, record_approval
from trials.services.protocols.closure import archive_trial, export_trial, freeze_trial, open_trial
from trials.services.protocols.consent_forms import record_consent_form
from trials.web.shared.query_params import query_params
from trials.zones import server_zone, zone_of


@login_required
@require_safe
def trials(request: HttpRequest) -> HttpResponse:
    """The trials in sight."""
    found = with_sites(trials_in_view(user_of(request), server_day(now())))
    return render(request, "trust/trials.html", {"trials": found})


@login_required
@require_safe
@query_params()
def trial(request: HttpRequest, pk: int) -> HttpResponse:
    """One trial: versions at its sites, consent forms, whether it is frozen or archived."""
    user, today = user_of(request), server_day(now())
    found = _trial(request, pk)
    page = Paginator(sites_in_view(user, found, today), MOST).get_page(request.GET.get("page"))
    rows = approval_rows(user, found, list(page), today)
    context = {
        "trial": found,
        "rows": [(row, may(user, Right.RECORD, row.site, found, today)) for row in rows],
        "page": page,
        **neighbours(request, page.number, page.paginator.num_pages),
        "forms": found.consent_forms.order_by("-effective_on", "-pk"),
        "may_record_forms": may_throughout(user, Right.RECORD, found, today),
        "may_close": may_throughout(user, Right.CLOSE, found, today),
        "may_set_up": may_throughout(user, Right.ADMINISTER, found, today),
        "today": today,
    }
    return render(request, "trust/trial.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def approval_new(request: HttpRequest, pk: int, version: int, site: int) -> HttpResponse:
    """Record the approval of a version at a site."""
    found = _trial(request, pk)
    which = published_versions(found).filter(pk=version).first()
    where = {one.pk: one for one in sites_in_view(user_of(request), found, server_day(now()))}.get(site)
    if which is None or where is None:
        raise Http404
    _require_record(request, where, found)

    def perform(form: ApprovalForm) -> HttpResponse:
        today = clock_at(where, now()).today
        by = user_of(request)
        made = record_approval(site=where, version=which, approval=form.said(), today=today, by=by)
        messages.success(request, _("The approval is recorded; an investigator signs it now."))
        return redirect("sign", kind="approval", pk=made.pk)

    return answer(request, ApprovalForm, perform, _approval_context(which, where), zone_of(where))


@login_required
@require_http_methods(["GET", "POST"])
def approval_correct(request: HttpRequest, pk: int) -> HttpResponse:
    """Put an approval right; what was signed of it is void then."""
    standing = get_object_or_404(approvals_in_view(user_of(request), server_day(now())), pk=pk)
    _require_record(request, standing.site, standing.protocol_version.trial)

    def perform(form: ApprovalForm) -> HttpResponse:
        correct_approval(
            approval=standing,
            version=form.shown(),
            to=form.said(),
            today=clock_at(standing.site, now()).today,
            by=user_of(request),
            reason=form.why(),
        )
        messages.success(request, _("The approval is corrected; an investigator signs it again."))
        return redirect("sign", kind="approval", pk=standing.pk)

    def make(data: Any) -> ApprovalForm:
        shown = ("version", "approved_on", "reference", "usable_from")
        initial = {name: getattr(standing, name) for name in shown}
        return ApprovalForm(data, standing=standing, initial=initial)

    context = _approval_context(standing.protocol_version, standing.site)
    return answer(request, make, perform, context, zone_of(standing.site))


@login_required
@require_http_methods(["GET", "POST"])
def consent_form_new(request: HttpRequest, pk: int) -> HttpResponse:
    """Record an edition of a trial's consent form."""
    found = _trial(request, pk)
    if not may_throughout(user_of(request), Right.RECORD, found, server_day(now())):
        raise PermissionDenied(_("Your roles do not allow recording for all sites of this trial."))

    def perform(form: EditionForm) -> HttpResponse:
        made = record_consent_form(trial=found, edition=form.said(), by=user_of(request))
        messages.success(request, _("Consent form %(version)s is recorded.") % {"version": made.version})
        return redirect("trial", pk=pk)

    title = _("Consent form of %(trial)s") % {"trial": found.code}
    context = {"title": title, "button": _("Record"), "back": reverse("trial", args=[pk])}
    return answer(request, EditionForm, perform, context, server_zone())


CLOSING = {
    "freeze": lambda trial, today, by, reason: freeze_trial(trial=trial, today=today, by=by, reason=reason),
    "open": lambda trial, _today, by, reason: open_trial(trial=trial, by=by, reason=reason),
    "archive": lambda trial, today, by, reason: archive_trial(trial=trial, today=today, by=by, reason=reason),
}


@never_cache
@reauthenticated(allow_get=True)
@require_http_methods(["GET", "POST"])
def closing(request: HttpRequest, pk: int, deed: str) -> HttpResponse:
    """Freeze a trial, open it again, or archive it."""
    found = _trial(request, pk)
    if deed not in CLOSING:
        raise Http404
    _require_close(request, found)

    def perform(form: ClosingForm) -> HttpResponse:
        CLOSING[deed](found, server_day(now()), user_of(request), form.why())
        messages.success(request, _("Done; it is on record who did it and why."))
        return redirect("trial", pk=pk)

    titles = {
        "freeze": _("Freeze %(trial)s: nothing of its records is changed any more"),
        "open": _("Open %(trial)s again"),
        "archive": _("Archive %(trial)s: it is read and exported, and never opened again"),
    }
    buttons = {"freeze": _("Freeze"), "open": _("Open again"), "archive": _("Archive")}
    context = {"title": titles[deed] % {"trial": found.code}, "button": buttons[deed]}
    context["back"] = reverse("trial", args=[pk])
    return answer(request, ClosingForm, perform, context, server_zone())


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def trial_export(request: HttpRequest, pk: int) -> HttpResponseBase:
    """A trial's records, their metadata and their trail, as one zip; posted, made in the background."""
    found = _trial(request, pk)
    _require_close(request, found)
    if request.method == "POST":
        try:
            job = ask_for_export(trial=found, by=user_of(request), now=now())
        except Refused as refused:
            messages.error(request, str(refused))
            return redirect("jobs")
        return redirect("job", pk=job.pk)
    to = tempfile.TemporaryFile()  # noqa: SIM115  the answer closes it
    export_trial(trial=found, by=user_of(request), now=now(), to=to)
    to.seek(0)
    name = f"{found.code}-{server_day(now())}.zip"
    return FileResponse(to, as_attachment=True, filename=name, content_type="application/zip")


def _trial(request: HttpRequest, pk: int) -> Trial:
    return get_object_or_404(with_sites(trials_in_view(user_of(request), server_day(now()))), pk=pk)


def _require_record(request: HttpRequest, site: Site, found: Trial) -> None:
    if not may(user_of(request), Right.RECORD, site, found, server_day(now())):
        raise PermissionDenied(_("Your role here does not allow recording."))


def _require_close(request: HttpRequest, found: Trial) -> None:
    if not may_throughout(user_of(request), Right.CLOSE, found, server_day(now())):
        raise PermissionDenied(_("Only a data manager of the whole trial closes and exports it."))


def _approval_context(version: ProtocolVersion, site: Site) -> dict[str, Any]:
    words = {"version": version.label, "site": str(site)}
    return {
        "title": _("Approval of version %(version)s at %(site)s") % words,
        "button": _("Record"),
        "back": reverse("trial", args=[version.trial_id]),
    }
