"""Enrolling somebody: choose where, fill in, look at the plan, and only then save."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from schedules.domain.errors import EnrolmentRefused
from schedules.domain.plan.document import plan_document
from schedules.domain.plan.labels import in_language
from schedules.domain.plan.values import Plan
from schedules.domain.visits.status import clinic_days
from schedules.selectors.pages.enrolment import (
    LastPlace,
    last_code_at,
    last_place,
    versions_to_enrol_under,
)
from schedules.selectors.store.calendars import today_at, working_days_by_site
from schedules.selectors.store.plan_rows import (
    Reading,
    VisitRow,
    WindowRow,
    planned_rows,
    planned_window_rows,
)
from schedules.services.enrolment.enrolling import Enrolment, enrol, preview_enrolment
from schedules.web.participants.day_proposals import proposals_for
from schedules.web.participants.enrolment_form import PLANNED, EnrolmentForm, PlaceForm, mended
from schedules.web.participants.timelines import Drawn, draw_timeline, epochs_of
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.people import user_of
from schedules.web.shared.wording import say, warnings_in_words
from trials.domain.accounts.access import Right
from trials.keyset import row_id
from trials.models import ProtocolVersion
from trials.selectors.records import may, protocol_of, roles_of
from trials.zones import zone_of


@dataclass(frozen=True, slots=True)
class Preview:
    """The plan that an enrolment would make, and the mark by which it is known again at saving."""

    seal: str
    visits: list[VisitRow]
    windows: list[WindowRow]
    timeline: list[Drawn]
    epochs: list[tuple[int, str]]
    warnings: list[tuple[str, str]]


@login_required
@require_http_methods(["GET", "POST"])
def enrolment(request: HttpRequest) -> HttpResponse:
    """The form, empty, refused in words, with its plan beneath it, or saved."""
    user, today = user_of(request), server_day(now())
    if not roles_of(user, today).allows(Right.ENROL):
        raise PermissionDenied(_("Your roles do not allow enrolling."))
    data = mended(request.POST, request.POST["mend"]) if request.POST.get("mend") else request.POST
    version, place = _chosen(request, data)
    if version is None:
        return render(request, "participants/enrol.html", {"form": PlaceForm(user, today, data or None)})
    if request.method == "POST" and data.get("action") not in ("choose", "propose"):
        return _answer(request, EnrolmentForm(version, user, today, _taken(data, version)), data)
    form = EnrolmentForm(version, user, today, data or None)
    form.begin_at(place or LastPlace(version.pk, 0))
    form.is_valid()
    return render(request, "participants/enrol.html", _asking(_unjudged(form)))


def _chosen(request: HttpRequest, data: QueryDict) -> tuple[ProtocolVersion | None, LastPlace | None]:
    """The version that was chosen; where nobody chose, that of the last enrolment, with its place."""
    asked = data.get("version") or request.GET.get("version", "")
    place = None if data or asked else last_place(user_of(request), server_day(now()))
    return _version(request, str(place.version) if place else asked), place


def _asking(form: EnrolmentForm) -> dict[str, Any]:
    """The form with days that are proposed, and the code that was given last at the site."""
    given = getattr(form, "cleaned_data", {})
    site = given.get("site")
    last = last_code_at(form.chosen.trial, site.pk if site else form.initial.get("site") or 0)
    return {"form": form, "whole": True, "proposals": proposals_for(form), "last_code": last}


def _taken(data: QueryDict, version: ProtocolVersion) -> QueryDict:
    """The form with the day that was proposed and taken, as the planned day zero."""
    if "take" not in data:
        return data
    copy = data.copy()
    copy[f"anchor-{protocol_of(version).day_zero}-{PLANNED}-on"] = str(data["take"])
    return copy


def _answer(request: HttpRequest, form: EnrolmentForm, data: QueryDict) -> HttpResponse:
    """Save what was previewed; else show the plan, or what is wrong."""
    preview, changed = None, False
    if form.is_valid():
        asked = form.enrolment()
        _refuse_elsewhere(request, asked)
        try:
            preview = _preview(asked)
            if data.get("action") == "enrol" and data.get("seal") == preview.seal:
                return _saved(request, asked)
            changed = data.get("action") == "enrol"
        except EnrolmentRefused as refused:
            preview = None
            form.refuse(refused)
    context: dict[str, Any] = {"form": form, "whole": True, "preview": preview, "changed": changed}
    if preview is None:
        context |= _asking(form)
    return render(request, "participants/enrol.html", context)


def _saved(request: HttpRequest, asked: Enrolment) -> HttpResponse:
    participant = enrol(enrolment=asked, by=user_of(request))
    messages.success(request, _("%(code)s is enrolled.") % {"code": participant.subject_code})
    return redirect("participant", pk=participant.pk)


def _refuse_elsewhere(request: HttpRequest, asked: Enrolment) -> None:
    if not may(user_of(request), Right.ENROL, asked.site, asked.trial, server_day(now())):
        raise PermissionDenied(_("Your roles do not allow enrolling at this site in this trial."))


def _preview(asked: Enrolment) -> Preview:
    plan = preview_enrolment(asked)
    site = asked.site
    calendar = working_days_by_site([site.pk]).get(site.pk)
    protocol = in_language(plan.protocol, say)
    reading = Reading(
        protocol, zone_of(site), plan.day_zero, calendar, clinic_days(today_at(site, now()), calendar), say
    )
    visits, windows = planned_rows(plan.visits, reading), planned_window_rows(plan.windows, reading)
    return Preview(
        seal=_seal(plan, asked),
        visits=visits,
        windows=windows,
        timeline=draw_timeline(reading, visits, windows),
        epochs=epochs_of(protocol),
        warnings=warnings_in_words(plan.warnings),
    )


def _seal(plan: Plan, asked: Enrolment) -> str:
    """A mark of what was shown: another plan, site or version has another one."""
    document = plan_document(plan, asked.version.digest)
    shown = json.dumps([asked.site.pk, document], sort_keys=True)
    return hashlib.sha256(shown.encode()).hexdigest()


def _version(request: HttpRequest, text: str) -> ProtocolVersion | None:
    """The version that was chosen, if it is one in sight."""
    versions, asked = versions_to_enrol_under(user_of(request), server_day(now())), row_id(text)
    return versions.filter(pk=asked).first() if asked else None


def _unjudged(form: EnrolmentForm) -> EnrolmentForm:
    """The form with what was typed, before anybody asked whether it is right."""
    form.errors.clear()
    return form
