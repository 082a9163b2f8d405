"""Amendments: two versions compared, a dry run, and the runs with their progress."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from schedules.domain.errors import AmendmentRefused
from schedules.domain.plan.labels import in_language
from schedules.domain.replanning.amendments import (
    FATE_LABELS,
    HELD_BACK,
    OUTCOME_LABELS,
    PART_LABELS,
    Outcome,
    Part,
    differences,
)
from schedules.domain.replanning.visit_effects import Effect
from schedules.domain.replanning.wording import change_sentence, effect_label
from schedules.models import AmendmentRun
from schedules.selectors.pages.amendments import (
    Progress,
    left_out,
    progress_by_run,
    progress_of,
    run_in_sight,
    runs_of,
    sites_to_amend,
    steps_of_run,
    versions_to_amend,
)
from schedules.services.replanning.amendment_previews import (
    Amendment,
    AmendmentStale,
    DryRun,
    Prospect,
    preview_amendment,
)
from schedules.services.replanning.amendments import cancel_amendment, retry_amendment, start_amendment
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.forms import NO_NAMES, SAY_WHY
from schedules.web.shared.people import user_of
from schedules.web.shared.preview_rows import verdict_lines
from schedules.web.shared.query_params import neighbours
from schedules.web.shared.wording import say
from trials.domain.stored_sentences import facts_text
from trials.keyset import row_id
from trials.models import ProtocolVersion, Trial
from trials.selectors.protocols.approvals import trials_in_view
from trials.selectors.records import protocol_of
from trials.web.shared.query_params import query_params
from trials.web.shared.refusals import put_refusals

PER_PAGE = 50
LOOK = {
    Outcome.READY: "open",
    Outcome.DONE: "done",
    Outcome.WAITING: "upcoming",
    Outcome.CONSENT: "soon",
    Outcome.BOOKING: "soon",
    Outcome.REFUSED: "grave",
    Outcome.FAILED: "grave",
    Outcome.SKIPPED: "upcoming",
    Outcome.CANCELLED: "upcoming",
}
"""In which status's colours an outcome stands."""


class VersionChoice(forms.ModelChoiceField):
    """Protocol versions by their names."""

    def label_from_instance(self, obj: ProtocolVersion) -> str:
        """The version's name."""
        return obj.label


class SitesField(forms.ModelMultipleChoiceField):
    """Sites by their ids; SQLite fails for a number larger than any that it can hold."""

    def clean(self, value: Any) -> Any:
        """Return the sites; raises ValidationError, as for a site that is none, for what no id can be."""
        for one in value or ():
            if not row_id(str(one)):
                raise ValidationError(
                    self.error_messages["invalid_choice"], code="invalid_choice", params={"value": one[:20]}
                )
        return super().clean(value)


class AmendmentForm(forms.Form):
    """From which version to which, and at which sites."""

    from_version: forms.ModelChoiceField[ProtocolVersion] = VersionChoice(
        queryset=None,
        label=gettext_lazy("From version"),
        empty_label=gettext_lazy("Choose …"),
    )
    to_version: forms.ModelChoiceField[ProtocolVersion] = VersionChoice(
        queryset=None,
        label=gettext_lazy("To version"),
        empty_label=gettext_lazy("Choose …"),
    )
    sites: SitesField = SitesField(
        queryset=None, label=gettext_lazy("Sites"), widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, trial: Trial, sites: Any, data: Any = None) -> None:
        super().__init__(data, initial={"sites": [site.pk for site in sites]})
        versions = versions_to_amend(trial)
        for name, queryset in (("from_version", versions), ("to_version", versions), ("sites", sites)):
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)
            field.queryset = queryset

    def amendment(self) -> Amendment:
        """What was asked for."""
        data = self.cleaned_data
        return Amendment(data["from_version"], data["to_version"], tuple(data["sites"]))

    def refuse(self, refused: AmendmentRefused) -> None:
        """Put what was refused next to the fields that it is about."""
        put_refusals(self, refused.fields)


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=300, help_text=NO_NAMES, error_messages={"required": SAY_WHY}
    )


@login_required
@require_safe
def amendments(request: HttpRequest, pk: int) -> HttpResponse:
    """The amendment runs of a trial, and a form for another one."""
    trial, day = _trial(request, pk), server_day(now())
    runs = list(runs_of(user_of(request), trial, day))
    progress = progress_by_run(runs)
    sites = sites_to_amend(user_of(request), trial, day)
    context = {
        "trial": trial,
        "rows": [(run, progress[run.pk], _said(progress[run.pk])) for run in runs],
        "form": AmendmentForm(trial, sites) if sites else None,
        "several": len(versions_to_amend(trial)) > 1,
    }
    return render(request, "amendments/list.html", context)


@login_required
@require_http_methods(["GET", "POST"])
@query_params("from_version", "to_version", several=("sites",))
def amendment_new(request: HttpRequest, pk: int) -> HttpResponse:
    """Two versions compared and a dry run over the participants; begun by POST with its digest."""
    trial = _trial(request, pk)
    sites = sites_to_amend(user_of(request), trial, server_day(now()))
    if not sites:
        raise PermissionDenied(_("Your role here does not allow recording."))
    posted = request.POST if request.method == "POST" else None
    form, why = AmendmentForm(trial, sites, posted or request.GET or None), ReasonForm(posted)
    context: dict[str, Any] = {"trial": trial, "form": form, "why": why}
    status = 422 if form.is_bound else 200
    if form.is_valid():
        try:
            if why.is_valid():
                return _begun(request, form, why)
            context |= _shown(request, preview_amendment(amendment=form.amendment(), now=now()))
            status = 200 if posted is None else 422
        except AmendmentRefused as refused:
            form.refuse(refused)
        except AmendmentStale as stale:
            context |= {"stale": True, **_shown(request, stale.dry_run)}
            status = 409
    return render(request, "amendments/new.html", context, status=status)


@login_required
@require_safe
@query_params()
def amendment(request: HttpRequest, pk: int) -> HttpResponse:
    """One run: how far it has come, and what came of each; asked by htmx, the part that changes."""
    context = _run_context(request, pk, ReasonForm())
    if request.headers.get("HX-Request") == "true":
        return render(request, "amendments/progress.html", context)
    return render(request, "amendments/run.html", context)


@login_required
@require_POST
def amendment_retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Put those who were held back on the list again."""
    run = _run_to_change(request, pk)
    form = ReasonForm(request.POST)
    if form.is_valid():
        try:
            count = retry_amendment(run=run, by=user_of(request), reason=form.cleaned_data["reason"])
        except AmendmentRefused as refused:
            put_refusals(form, refused.fields)
        else:
            messages.success(request, _("%(count)d participants wait again.") % {"count": count})
            return redirect("amendment", pk=pk)
    return render(request, "amendments/run.html", _run_context(request, pk, form), status=422)


@login_required
@require_POST
def amendment_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop a run that goes on: who waits is not migrated."""
    run = _run_to_change(request, pk)
    form = ReasonForm(request.POST)
    if form.is_valid():
        reason = form.cleaned_data["reason"]
        try:
            count = cancel_amendment(run=run, by=user_of(request), reason=reason, now=now())
        except AmendmentRefused as refused:
            put_refusals(form, refused.fields)
        else:
            words = ngettext(
                "Cancelled: %(count)d participant stays under the older version.",
                "Cancelled: %(count)d participants stay under the older version.",
                count,
            )
            messages.success(request, words % {"count": count})
            return redirect("amendment", pk=pk)
    return render(request, "amendments/run.html", _run_context(request, pk, form), status=422)


def _run_to_change(request: HttpRequest, pk: int) -> AmendmentRun:
    """A run at whose sites the user may record; raises PermissionDenied where that is not all of them."""
    run = _run(request, pk)
    allowed = set(sites_to_amend(user_of(request), run.to_version.trial, server_day(now())))
    if not set(run.sites.all()) <= allowed:
        raise PermissionDenied(_("Your role does not allow recording at all sites of this amendment."))
    return run


def _begun(request: HttpRequest, form: AmendmentForm, why: ReasonForm) -> HttpResponse:
    run = start_amendment(
        amendment=form.amendment(),
        digest=request.POST.get("digest", ""),
        by=user_of(request),
        reason=why.cleaned_data["reason"],
        now=now(),
    )
    messages.success(request, _("The amendment has started. Participants are migrated one by one."))
    return redirect("amendment", pk=run.pk)


def _trial(request: HttpRequest, pk: int) -> Trial:
    return get_object_or_404(trials_in_view(user_of(request), server_day(now())), pk=pk)


def _run(request: HttpRequest, pk: int) -> AmendmentRun:
    run = run_in_sight(user_of(request), server_day(now()), pk)
    if run is None:
        raise Http404
    return run


def _run_context(request: HttpRequest, pk: int, form: ReasonForm) -> dict[str, Any]:
    run, user, day = _run(request, pk), user_of(request), server_day(now())
    steps = steps_of_run(run, user, day)
    progress = progress_of(steps)
    page = Paginator(steps, PER_PAGE).get_page(request.GET.get("page"))
    allowed = set(sites_to_amend(user, run.to_version.trial, day))
    held = any(progress.counts.get(outcome) for outcome in HELD_BACK)
    return {
        "run": run,
        "trial": run.to_version.trial,
        "progress": progress,
        "tallies": _said(progress),
        "page": page,
        "rows": [(step, _outcome(Outcome(step.outcome)), facts_text(step.message, say)) for step in page],
        "why": form,
        "left_out": left_out(run),
        "may_cancel": bool(progress.waiting) and set(run.sites.all()) <= allowed,
        "may_retry": held and not progress.waiting and set(run.sites.all()) <= allowed,
        **neighbours(request, page.number, page.paginator.num_pages),
    }


def _shown(request: HttpRequest, dry: DryRun) -> dict[str, Any]:
    """The difference and the dry run, a page of participants at a time."""
    old, new = (
        in_language(protocol_of(one), say) for one in (dry.amendment.from_version, dry.amendment.to_version)
    )
    found = differences(old, new, say)
    page = Paginator(dry.prospects, PER_PAGE).get_page(request.GET.get("page"))
    counts = {outcome: len(dry.of(outcome)) for outcome in Outcome}
    return {
        "dry": dry,
        "parts": [
            (_(PART_LABELS[part]), [(one, _(FATE_LABELS[one.fate])) for one in found if one.part is part])
            for part in Part
            if any(one.part is part for one in found)
        ],
        "tallies": _said(Progress({outcome: count for outcome, count in counts.items() if count})),
        "ready": counts[Outcome.READY],
        "page": page,
        "rows": [_row(one) for one in page],
        **neighbours(request, page.number, page.paginator.num_pages),
    }


def _row(one: Prospect) -> dict[str, Any]:
    effects = (Effect.ADDED, Effect.MOVED, Effect.CANCELLED)
    notes, verdicts = verdict_lines(one.verdicts)
    return {
        "prospect": one,
        "outcome": _outcome(one.outcome),
        "why": one.why.text(say) if one.why else "",
        "counts": [(effect_label(effect, say), one.count(effect)) for effect in effects if one.preview],
        "changes": [(change.label, change_sentence(change, say)) for change in one.changes],
        "done": [(change.label, one.under(change.code)) for change in one.done],
        "notes": notes,
        "verdicts": verdicts,
    }


def _outcome(outcome: Outcome) -> dict[str, str]:
    return {"code": outcome.value, "word": _(OUTCOME_LABELS[outcome]), "look": LOOK[outcome]}


def _said(progress: Progress) -> list[tuple[dict[str, str], int]]:
    return [(_outcome(outcome), count) for outcome, count in sorted(progress.counts.items(), key=_order)]


def _order(item: tuple[Outcome, int]) -> int:
    return list(Outcome).index(item[0])
