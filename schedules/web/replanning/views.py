"""Re-planning in the browser: ask, look at everything that would happen, say why, and confirm."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from django.views.decorators.http import require_http_methods, require_safe

from participants.models import Participant
from participants.selectors.participants import anchor_days
from schedules.domain.errors import BookingsOrphaned, UnlikelyDay
from schedules.selectors.pages.course import may_record_at
from schedules.selectors.pages.enrolment import Contradicting
from schedules.selectors.pages.replanning import acts_since, last_entry, other_versions, sites_by_name
from schedules.selectors.store.calendars import today_at, years_come_out
from schedules.services.availability.site_days import SitePreview, SitePreviewStale, commit_site, preview_site
from schedules.services.replanning.moves import Preview, Proposal, commit_replanning, preview_replanning
from schedules.services.replanning.refusals import PreviewStale
from schedules.services.visits.rebooking import Rebooking, rebookings_of, replan_and_rebook
from schedules.web.replanning.effects import day_zero_reasons
from schedules.web.replanning.forms import AnchorsForm, PreviewForm, TraitsForm, VersionForm, WorkingDaysForm
from schedules.web.shared.anchor_fields import PLANNED, mended
from schedules.web.shared.answers import person_of, require_record
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.people import user_of
from schedules.web.shared.places import MOST, places_named, typed
from schedules.web.shared.preview_rows import person_rows, preview_rows
from schedules.web.shared.query_params import neighbours
from schedules.web.shared.wording import near_day_words, say
from trials.domain.accounts.access import Right
from trials.domain.errors import DomainError
from trials.domain.sites.working_days import WorkingDays
from trials.domain.words import WEEKDAYS
from trials.models import Site
from trials.selectors.records import roles_of, sites_administered_by, sites_visible_to, working_days_of
from trials.web.shared.query_params import query_params
from trials.zones import zone_of

COMMIT = "commit"
OVERTAKEN = 409
NEXT_CLOSED = 5
"""So many public holidays are named on the page of a site's working days."""


@dataclass(frozen=True, slots=True)
class Asking:
    """One way of re-planning: its title, what is said above its form, and how the form is made."""

    title: Promise
    words: Promise
    make: Callable[[Participant, Any], Any]


def _anchors_form(participant: Participant, data: Any) -> AnchorsForm:
    return AnchorsForm(participant, anchor_days(participant), zone_of(participant.site), data)


ASKINGS: Mapping[str, Asking] = {
    "anchors": Asking(
        gettext_lazy("Move or set anchors"),
        gettext_lazy(
            "Give other planned days, or the day on which something took place. Nothing moves before you "
            "have seen what would."
        ),
        _anchors_form,
    ),
    "traits": Asking(
        gettext_lazy("Change traits"),
        gettext_lazy("Some visits and windows are for certain participants only."),
        TraitsForm,
    ),
    "version": Asking(
        gettext_lazy("Change the protocol version"),
        gettext_lazy("Only versions whose approval at the site is recorded and signed."),
        lambda participant, data: VersionForm(other_versions(participant), data),
    ),
}


@login_required
@require_http_methods(["GET", "POST"])
def replanning(request: HttpRequest, pk: int, what: str) -> HttpResponse:
    """Change what a participant's calendar counts from: the form, the preview, the commit."""
    if what not in ASKINGS:
        raise Http404
    participant, asking = person_of(request, pk), ASKINGS[what]
    require_record(request, participant)
    page = _Page(request, participant, asking)
    if request.method != "POST":
        return page.shown(asking.make(participant, page.prefilled()))
    data = request.POST
    if "mend" in data:
        data = mended(data, data["mend"])
    form = asking.make(participant, data)
    if not form.is_valid():
        return page.shown(form, status=422)
    proposal = form.proposal()
    if proposal == Proposal(accept_unbookable=proposal.accept_unbookable, sure=proposal.sure):
        form.add_error(None, _("Nothing is changed yet: give another day, trait or version."))
        return page.shown(form, status=422)
    return page.answered(form, proposal, commit=data.get("action") == COMMIT)


@dataclass(frozen=True, slots=True)
class _Page:
    """The page of one re-planning: who asks, for whom and what."""

    request: HttpRequest
    participant: Participant
    asking: Asking

    def answered(self, form: PreviewForm, proposal: Proposal, *, commit: bool) -> HttpResponse:
        """What would happen, or what has."""
        try:
            if commit:
                return self._committed(form, proposal)
            preview = preview_replanning(participant=self.participant, proposal=proposal, now=now())
        except PreviewStale as stale:
            return self.shown(form, stale.preview, status=OVERTAKEN)
        except BookingsOrphaned as refused:
            form.add_error("accept", str(refused))
        except UnlikelyDay as asked:
            form.add_error(asked.field, str(asked))
        except DomainError as refused:
            form.add_error("reason" if commit and not form.cleaned_data["reason"] else None, str(refused))
        else:
            return self.shown(form, preview)
        return self.shown(form, self._again(proposal), status=422)

    def _committed(self, form: PreviewForm, proposal: Proposal) -> HttpResponse:
        said: dict[str, Any] = {
            "participant": self.participant,
            "proposal": proposal,
            "digest": form.cleaned_data["digest"],
            "now": now(),
            "by": user_of(self.request),
            "reason": form.cleaned_data["reason"],
        }
        if form.cleaned_data.get("rebook"):
            self._say_rebooked(replan_and_rebook(**said))
        else:
            commit_replanning(**said)
            messages.success(self.request, _("The calendar is moved, as it was shown."))
        return redirect("participant", pk=self.participant.pk)

    def _say_rebooked(self, done: Sequence[Rebooking]) -> None:
        messages.success(self.request, _("The calendar is moved, as it was shown."))
        if booked := rebooked_words(done):
            words = pgettext("list", ", ").join(booked)
            messages.success(self.request, _("Booked again: %(visits)s.") % {"visits": words})
        for one in done:
            if one.on is None:
                words = _("%(visit)s could not be booked again. It is listed under “To book”.")
                messages.warning(self.request, words % {"visit": say(one.label)})

    def _again(self, proposal: Proposal) -> Preview | None:
        """The preview beside a refusal; None where the proposal leads nowhere."""
        try:
            return preview_replanning(participant=self.participant, proposal=proposal, now=now())
        except DomainError:
            return None

    def shown(self, form: PreviewForm, preview: Preview | None = None, *, status: int = 200) -> HttpResponse:
        """The form, and below it what would happen."""
        context: dict[str, Any] = {
            "participant": self.participant,
            "title": self.asking.title,
            "words": self.asking.words,
            "back": reverse("participant", kwargs={"pk": self.participant.pk}),
            "tabs": [
                (
                    reverse("replan", kwargs={"pk": self.participant.pk, "what": what}),
                    each.title,
                    each is self.asking,
                )
                for what, each in ASKINGS.items()
            ],
        }
        if preview is not None:
            if status == OVERTAKEN:
                seen = form.cleaned_data.get("seen") or 0
                context |= {"overtaken": True, "changes": self._changes(seen)}
            context |= {"against": day_zero_reasons(self.participant, preview, now())}
            context |= {"rows": preview_rows(preview), "committable": not self._contradicted(form, preview)}
            context |= {"rebookings": rebooked_words(rebookings_of(preview))}
            form.showing(preview.digest, last_entry(self.participant.pk))
            context |= _moving(preview)
        return render(self.request, "replanning/form.html", {**context, "form": form}, status=status)

    def prefilled(self) -> QueryDict | None:
        """The form with days given in the address (`?infusion=2026-12-09`), as other pages link to it."""
        asked = {code: day for code, day in self.request.GET.items() if day}
        if not asked or self.asking.make is not _anchors_form:
            return None
        form = _anchors_form(self.participant, None)
        data = QueryDict(mutable=True)
        for field in form:
            data[field.html_name] = str(field.value() or "")
        for code, day in asked.items():
            if f"anchor-{code}-{PLANNED}-on" in form.fields:
                data[f"anchor-{code}-{PLANNED}-on"] = str(day)
        return data

    def _changes(self, seen: int) -> list[Any]:
        return acts_since(self.participant.pk, seen, zone_of(self.participant.site))

    def _contradicted(self, form: PreviewForm, preview: Preview) -> bool:
        """Say on the form which anchors contradict each other, with the days that would mend it."""
        refused, days = preview.ruling.refused, preview.plan.anchors
        if refused and isinstance(form, AnchorsForm):
            form.contradicted_by(
                Contradicting(one, days[one.anchor].day, days[one.other].day) for one in refused
            )
        return bool(refused)


def rebooked_words(found: Sequence[Rebooking]) -> list[str]:
    """The bookings that are made again, each with its new day."""
    return [f"{say(one.label)} {near_day_words(one.on, server_day(now()))}" for one in found if one.on]


def _moving(preview: Preview) -> dict[str, Any]:
    """What the button says: to which day a planned day zero moves, and what it is called."""
    protocol = preview.plan.protocol
    given = preview.proposal.anchors.get(protocol.day_zero)
    if given is None or given.actual_on:
        return {}
    return {"moves_to": given.planned_on, "zero_label": say(protocol.anchor_by_code[protocol.day_zero].label)}


@login_required
@require_safe
@query_params("site")
def sites(request: HttpRequest) -> HttpResponse:
    """The sites in sight, with their working days and absences; searched by code or name, and paged."""
    user, today = user_of(request), server_day(now())
    text = typed(request, "site")
    seen = sites_by_name(sites_visible_to(user, today))
    page = Paginator(places_named(seen, "site", text) if text else seen, MOST).get_page(
        request.GET.get("page")
    )
    here = sites_administered_by(user, today).filter(pk__in=[site.pk for site in page])
    context = {
        "sites": page,
        "text": text,
        "searched": bool(text) or page.paginator.num_pages > 1,
        "administered": set(here.values_list("pk", flat=True)),
        "may_add": roles_of(user, today).allows_throughout(Right.ADMINISTER),
        **neighbours(request, page.number, page.paginator.num_pages),
    }
    return render(request, "replanning/sites.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def working_days(request: HttpRequest, pk: int) -> HttpResponse:
    """The working days of a site: close or open days, once it is seen whom that touches."""
    user, day = user_of(request), server_day(now())
    site = get_object_or_404(sites_visible_to(user, day), pk=pk)
    allowed = may_record_at(user, site, day)
    if request.method != "POST":
        return _site_page(request, site, WorkingDaysForm(initial=_asked(request)) if allowed else None)
    if not allowed:
        raise PermissionDenied(_("Your role here does not allow recording."))
    form = WorkingDaysForm(request.POST)
    if not form.is_valid():
        return _site_page(request, site, form, status=422)
    return _site_answer(request, site, form)


def _asked(request: HttpRequest) -> dict[str, str]:
    """What the address asks the form about, such as a make-up day that is not settled."""
    return {name: request.GET[name] for name in ("what", "first") if name in request.GET}


def _site_answer(request: HttpRequest, site: Site, form: WorkingDaysForm) -> HttpResponse:
    """What would happen to everybody at the site, or what has."""
    proposal, commit = form.proposal(site), request.POST.get("action") == COMMIT
    try:
        if commit:
            commit_site(
                site=site,
                proposal=proposal,
                digest=form.cleaned_data["digest"],
                now=now(),
                by=user_of(request),
                reason=form.cleaned_data["reason"],
            )
            messages.success(request, _("The working days are changed, as it was shown."))
            return redirect("working-days", pk=site.pk)
        preview = preview_site(site=site, proposal=proposal, now=now())
    except SitePreviewStale as stale:
        return _site_page(request, site, form, stale.preview, status=OVERTAKEN)
    except BookingsOrphaned as refused:
        form.add_error("accept", str(refused))
    except UnlikelyDay as asked:
        form.add_error(asked.field, str(asked))
    except DomainError as refused:
        form.add_error("reason" if commit and not form.cleaned_data["reason"] else None, str(refused))
    else:
        return _site_page(request, site, form, preview)
    try:
        again = preview_site(site=site, proposal=proposal, now=now())
    except DomainError:
        return _site_page(request, site, form, status=422)
    return _site_page(request, site, form, again, status=422)


def _next_closed(calendar: WorkingDays, today: date) -> list[tuple[date, str]]:
    """The next public holidays without clinic, each run of days by its first, with its name."""
    found: list[tuple[date, str]] = []
    last = None
    for day, name in calendar.holidays.items():
        if day < today or calendar.is_working_day(day):
            continue
        if last is None or day - last > timedelta(days=1) or not found or found[-1][1] != say(name):
            found.append((day, say(name)))
        last = day
        if len(found) > NEXT_CLOSED:
            break
    return found[:NEXT_CLOSED]


def _site_page(
    request: HttpRequest,
    site: Site,
    form: WorkingDaysForm | None,
    preview: SitePreview | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    calendar, today = working_days_of(site), today_at(site, now())
    context: dict[str, Any] = {"site": site, "calendar": calendar, "form": form}
    if calendar:
        context |= {
            "unsettled": calendar.unsettled_from(today),
            "follows": [(day, _(WEEKDAYS[weekday - 1])) for day, weekday in calendar.follows.items()],
            "come_out": years_come_out(site, calendar, today),
            "clinic_days": [_(WEEKDAYS[number - 1]) for number in sorted(calendar.weekdays)],
            "next_closed": _next_closed(calendar, today),
        }
    if preview is not None and form is not None:
        people = [person_rows(one) for one in preview.affected]
        context |= {
            "people": people,
            "shown": True,
            "overtaken": status == OVERTAKEN,
            "orphans": preview.orphans,
            "unaffected": len(preview.previews) - len(people),
        }
        form.showing(preview.digest, 0)
    return render(request, "replanning/working_days.html", context, status=status)
