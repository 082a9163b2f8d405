"""Who is away when: what it does is shown before it is on record; ended with a reason."""

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
from django.views.decorators.http import require_http_methods

from participants.models import Absence, Participant
from participants.services.absences import Away
from schedules.domain.errors import BookingsOrphaned, UnlikelyDay
from schedules.selectors.pages.course import absence_in_sight, may_record_at, people_at
from schedules.selectors.pages.replanning import last_entry
from schedules.selectors.store.absences import absences_of
from schedules.services.availability.absence_previews import (
    commit_absence,
    commit_end,
    preview_absence,
    preview_end,
)
from schedules.services.availability.site_days import (
    SitePreview,
    SitePreviewStale,
    SiteProposal,
    commit_site,
    preview_site,
)
from schedules.services.replanning.moves import Preview
from schedules.services.replanning.refusals import PreviewStale
from schedules.web.course.forms import AbsenceForm
from schedules.web.shared.answers import (
    COMMIT,
    OVERTAKEN,
    answer,
    may_record,
    overtaking,
    person_of,
)
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.forms import ShownForm, ShownReasonForm
from schedules.web.shared.people import user_of
from schedules.web.shared.preview_rows import person_rows, preview_rows
from trials.domain.errors import DomainError, Refused
from trials.models import Site
from trials.selectors.records import sites_visible_to
from trials.zones import zone_of


@login_required
@require_http_methods(["GET", "POST"])
def participant_absences(request: HttpRequest, pk: int) -> HttpResponse:
    """Show when a participant is away, and a form for another absence."""
    participant = person_of(request, pk)
    context = {
        "title": _("Absences of %(who)s") % {"who": participant.subject_code},
        "participant": participant,
        "back": reverse("participant", kwargs={"pk": pk}),
        "absences": absences_of(participant=participant),
    }
    page = _Page(request, context, participant.site, participant)
    return page.answered(allowed=may_record(request, participant))


@login_required
@require_http_methods(["GET", "POST"])
def site_absences(request: HttpRequest, pk: int) -> HttpResponse:
    """When somebody whom a site cannot do without is away, and a form for more."""
    user, day = user_of(request), server_day(now())
    site = get_object_or_404(sites_visible_to(user, day), pk=pk)
    context = {
        "title": _("Absences at %(site)s") % {"site": site},
        "back": reverse("today"),
        "absences": absences_of(site=site),
    }
    return _Page(request, context, site).answered(allowed=may_record_at(user, site, day))


@login_required
@require_http_methods(["GET", "POST"])
def absence_end(request: HttpRequest, pk: int) -> HttpResponse:
    """The form by which an absence is ended."""
    user, day = user_of(request), server_day(now())
    absence = absence_in_sight(user, day, pk)
    if absence is None:
        raise Http404
    person = absence.participant
    site = person.site if person else absence.site
    assert site is not None, "an absence is of a participant or of a site"
    if not (may_record(request, person) if person else may_record_at(user, site, day)):
        raise PermissionDenied(_("Your role here does not allow recording."))
    page = _Page(request, {"title": _("End the absence"), "participant": person}, site, person)

    def perform(form: Any) -> HttpResponse:
        return page.ended(form, absence)

    context = {**page.context, "button": _("Show what would happen"), "back": page.home}
    return answer(request, ShownReasonForm, perform, context, zone_of(site))


Shown = Preview | SitePreview


@dataclass(frozen=True, slots=True)
class _Page:
    """The absences of a participant or of a site: the list, the form, what would happen, the record."""

    request: HttpRequest
    context: dict[str, Any]
    site: Site
    participant: Participant | None = None

    def answered(self, *, allowed: bool) -> HttpResponse:
        """The list with its form; anyone who may only look gets the list."""
        posted = self.request.method == "POST"
        if not allowed:
            if posted:
                raise PermissionDenied(_("Your role here does not allow recording."))
            return render(self.request, "visits/form.html", self.context)
        people = None if self.participant else people_at(self.site, server_day(now()))
        form = AbsenceForm(people, self.request.POST if posted else None)
        if not posted:
            return self._shown(form)
        return self._asked(form) if form.is_valid() else self._shown(form, status=422)

    def _asked(self, form: AbsenceForm) -> HttpResponse:
        """What the absence would do; or that it is on record."""
        away = form.away(participant=self.participant, site=None if self.participant else self.site)
        try:
            if self.request.POST.get("action") == COMMIT:
                self._commit(form, away)
                messages.success(self.request, _("The absence is recorded; days are suggested around it."))
                return redirect(self.home)
            return self._shown(form, self._preview(form, away))
        except (PreviewStale, SitePreviewStale) as stale:
            return self._shown(form, stale.preview, status=OVERTAKEN)
        except BookingsOrphaned as refused:
            form.add_error("accept", str(refused))
            return self._shown(form, self._preview(form, away), status=422)
        except UnlikelyDay as asked:
            form.add_error(asked.field, str(asked))
        except Refused as refused:
            form.refuse(refused.fields)
        except DomainError as refused:
            form.add_error(None, str(refused))
        return self._shown(form, status=422)

    @property
    def home(self) -> str:
        """The address of the list."""
        if self.participant:
            return reverse("participant-absences", kwargs={"pk": self.participant.pk})
        return reverse("site-absences", kwargs={"pk": self.site.pk})

    def ended(self, form: ShownReasonForm, absence: Absence) -> HttpResponse:
        """What the end of an absence would do; or that it is ended."""
        try:
            if self.request.POST.get("action") != COMMIT:
                return self._end_shown(form, self._preview_end(absence))
            self._commit_end(form, absence)
        except (PreviewStale, SitePreviewStale) as stale:
            return self._end_shown(form, stale.preview, status=OVERTAKEN)
        messages.success(self.request, _("The absence is ended; days are suggested without it."))
        return redirect(self.home)

    def _preview_end(self, absence: Absence) -> Shown:
        if self.participant:
            return preview_end(absence=absence, now=now())
        return preview_site(site=self.site, proposal=SiteProposal(ended=absence), now=now())

    def _commit_end(self, form: ShownReasonForm, absence: Absence) -> None:
        said = {"digest": form.cleaned_data["digest"], "reason": form.why()}
        shared: dict[str, Any] = {**said, "by": user_of(self.request), "now": now()}
        if self.participant:
            commit_end(absence=absence, **shared)
        else:
            commit_site(site=self.site, proposal=SiteProposal(ended=absence), **shared)

    def _end_shown(self, form: ShownReasonForm, preview: Shown, *, status: int = 200) -> HttpResponse:
        words = {"button": _("Show what would happen"), "commit": _("End"), "back": self.home}
        context = {**self.context, **words, **_rows(preview), **self._news(form, status), "form": form}
        form.showing(preview.digest, orphans=False, seen=self._last())
        return render(self.request, "visits/form.html", context, status=status)

    def _preview(self, form: AbsenceForm, away: Away) -> Shown:
        sure = form.is_sure()
        if self.participant:
            return preview_absence(away=away, now=now(), sure=sure)
        return preview_site(site=self.site, proposal=SiteProposal(absence=away, sure=sure), now=now())

    def _commit(self, form: AbsenceForm, away: Away) -> None:
        digest, accept = form.cleaned_data["digest"], form.cleaned_data["accept"]
        sure, why = form.is_sure(), form.why()
        shared = {"digest": digest, "by": user_of(self.request), "now": now()}
        if self.participant:
            commit_absence(away=away, accept_unbookable=accept, reason=why, sure=sure, **shared)
            return
        proposal = SiteProposal(absence=away, accept_unbookable=accept, sure=sure)
        commit_site(site=self.site, proposal=proposal, reason=why, **shared)

    def _shown(self, form: AbsenceForm, preview: Shown | None = None, *, status: int = 200) -> HttpResponse:
        context = {**self.context, "form": form, "button": _("Show what would happen")}
        if preview is not None:
            context |= {"commit": _("Put the absence on record"), **_rows(preview)}
            context |= self._news(form, status)
            form.showing(preview.digest, orphans=bool(preview.orphans), seen=self._last())
        return render(self.request, "visits/form.html", context, status=status)

    def _last(self) -> int:
        return last_entry(self.participant.pk) if self.participant else 0

    def _news(self, form: ShownForm, status: int) -> dict[str, Any]:
        """What others did to a participant since the preview was shown, where it holds no more."""
        if status != OVERTAKEN:
            return {}
        return overtaking(self.participant, form) if self.participant else {"stale": True}


def _rows(preview: Shown) -> dict[str, Any]:
    """What would happen, to one participant or to those of a site."""
    if isinstance(preview, Preview):
        return {"rows": preview_rows(preview)}
    people = [person_rows(one) for one in preview.affected]
    return {"people": people, "nobody": not people}
