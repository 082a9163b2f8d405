"""What a site sees people with: the list, a form for more, and places of old bookings to be matched."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy
from django.views.decorators.http import require_http_methods

from schedules.selectors.pages.course import may_record_at
from schedules.selectors.store.calendars import today_at
from schedules.selectors.visits.places import places_to_match
from schedules.services.visits.places import match_place
from schedules.web.shared.anchor_fields import DayInput
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.forms import UnlikelyDayForm, VersionedForm
from schedules.web.shared.hours import HourInput, MinutesField
from schedules.web.shared.people import user_of
from schedules.web.shared.query_params import number
from trials.domain.errors import Refused, Stale
from trials.domain.sites.resources import DEFAULT_MINUTES
from trials.domain.words import WEEKDAYS
from trials.keyset import row_id
from trials.models import Resource, Site
from trials.models.resources import KIND_NAMES
from trials.selectors.records import sites_visible_to
from trials.selectors.resources import closure_of, closures_at, resource_of, resources_of
from trials.services.sites.resources import (
    ResourceSaid,
    add_resource,
    change_resource,
    close_resource,
    end_closure,
    retire_resource,
)
from trials.web.shared.query_params import query_params


class ResourceForm(VersionedForm):
    """A room, a bed, somebody of the staff or a slot."""

    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=[(str(k), v) for k, v in KIND_NAMES.items()])
    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=120, help_text=gettext_lazy("As people at the site call it.")
    )
    capacity = forms.IntegerField(
        label=gettext_lazy("How many at once"), min_value=1, max_value=99, initial=1
    )
    opens_at = forms.TimeField(label=pgettext_lazy("hour", "From"), required=False, widget=HourInput())
    closes_at = forms.TimeField(label=pgettext_lazy("hour", "To"), required=False, widget=HourInput())
    days = forms.MultipleChoiceField(
        label=gettext_lazy("Weekdays"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("None chosen: every day on which the site works."),
        choices=[(str(number), gettext_lazy(name)) for number, name in enumerate(WEEKDAYS, start=1)],
    )
    minutes = MinutesField(
        label=gettext_lazy("Usual length in minutes"),
        initial=DEFAULT_MINUTES,
        help_text=format_lazy(
            gettext_lazy(
                "How long a booking without a length takes it. {minutes} minutes until you enter another."
            ),
            minutes=DEFAULT_MINUTES,
        ),
    )

    def said(self) -> ResourceSaid:
        """What was entered."""
        data = self.cleaned_data
        hours = (data["opens_at"], data["closes_at"])
        return ResourceSaid(
            data["kind"],
            data["name"],
            data["capacity"],
            *hours,
            "".join(sorted(data["days"])),
            data["minutes"],
        )


class ClosureForm(UnlikelyDayForm):
    """From which day to which something cannot be used, and why."""

    first = forms.DateField(label=gettext_lazy("First day"), widget=DayInput())
    last = forms.DateField(label=gettext_lazy("Last day"), widget=DayInput())
    note = forms.CharField(label=gettext_lazy("Note"), max_length=200, required=False)
    field_order = ("first", "last", "note", "reason", "sure")


@login_required
@query_params("change", "close")
@require_http_methods(["GET", "POST"])
def resources(request: HttpRequest, pk: int) -> HttpResponse:
    """The resources of a site; posted, one of the acts named by `act`."""
    user, day = user_of(request), server_day(now())
    site = get_object_or_404(sites_visible_to(user, day), pk=pk)
    allowed = may_record_at(user, site, day)
    chosen = resource_of(site, number(request, "change") or number(request, "close") or 0)
    closing = chosen is not None and "close" in request.GET
    if request.method == "POST":
        if not allowed:
            raise PermissionDenied(_("Your role here does not allow recording."))
        form: VersionedForm | None = _form(request, chosen, closing=closing)
        if _acted(request, site, chosen, form):
            return redirect(reverse("resources", kwargs={"pk": pk}))
    else:
        form = _form(request, chosen, closing=closing) if allowed else None
    context = {
        "site": site,
        "resources": resources_of(site),
        "closures": closures_at(site, today_at(site, now())),
        "places": places_to_match(site.pk),
        "chosen": chosen,
        "closing": closing,
        "form": form,
        "allowed": allowed,
    }
    status = 422 if form is not None and form.errors else 200
    return render(request, "calendar/resources.html", context, status=status)


def _form(request: HttpRequest, chosen: Resource | None, *, closing: bool) -> VersionedForm:
    data = request.POST if request.method == "POST" and request.POST.get("act") == "save" else None
    if closing:
        return ClosureForm(data)
    names = ("kind", "name", "capacity", "opens_at", "closes_at", "minutes", "version")
    stored: dict[str, Any] = {name: getattr(chosen, name) for name in names} if chosen else {}
    return ResourceForm(data, initial=stored | ({"days": list(chosen.weekdays)} if chosen else {}))


def _acted(request: HttpRequest, site: Site, chosen: Resource | None, form: VersionedForm | None) -> bool:
    """Do what was posted; False where the form has to be shown again, with what is wrong in it."""
    if request.POST.get("act") == "save" and form is not None:
        return _saved(request, site, chosen, form)
    act = _ACTS.get(request.POST.get("act", ""))
    try:
        if act is not None:
            act(request, site)
    except Stale:
        messages.error(request, _CHANGED_MEANWHILE)
    except Refused as refused:
        messages.error(request, str(refused))
    return True


def _saved(request: HttpRequest, site: Site, chosen: Resource | None, form: VersionedForm) -> bool:
    if not form.is_valid():
        return False
    try:
        _save(request, site, chosen, form)
    except Stale as stale:
        form.overtaken(stale.version, str(_CHANGED_MEANWHILE))
        return False
    except Refused as refused:
        form.refuse(refused.fields)
        return False
    return True


def _retire(request: HttpRequest, site: Site) -> None:
    found, version = _named(request, site), row_id(request.POST.get("version", ""))
    on = today_at(site, now())
    retire_resource(resource=found, version=version, on=on, by=user_of(request))
    messages.success(request, _("%(name)s is no longer offered.") % {"name": found.name})


def _open_again(request: HttpRequest, site: Site) -> None:
    closure = closure_of(site, row_id(request.POST.get("closure", "")))
    if closure:
        end_closure(closure=closure, by=user_of(request))
        messages.success(request, _("%(name)s can be used again.") % {"name": closure.resource.name})


def _match(request: HttpRequest, site: Site) -> None:
    found = _named(request, site)
    text = request.POST.get("place", "")
    count = match_place(text=text, resource=found, by=user_of(request), now=now())
    words = ngettext("%(count)d booking takes %(name)s.", "%(count)d bookings take %(name)s.", count)
    messages.success(request, words % {"count": count, "name": found.name})


_ACTS = {"retire": _retire, "open": _open_again, "match": _match}
_CHANGED_MEANWHILE = gettext_lazy("Somebody changed it meanwhile. Look at it again; nothing was saved.")


def _save(request: HttpRequest, site: Site, chosen: Resource | None, form: VersionedForm) -> None:
    by = user_of(request)
    if isinstance(form, ClosureForm):
        assert chosen is not None, "only something that was chosen is closed"
        data = form.cleaned_data
        days = {name: data[name] for name in ("first", "last", "note", "sure", "reason")}
        close_resource(resource=chosen, today=today_at(site, now()), by=by, **days)
        messages.success(request, _("The closed days of %(name)s are recorded.") % {"name": chosen.name})
    elif isinstance(form, ResourceForm):
        if chosen:
            saved = change_resource(resource=chosen, version=form.shown(), said=form.said(), by=by)
        else:
            saved = add_resource(site=site, said=form.said(), by=by)
        messages.success(request, _("%(name)s is recorded.") % {"name": saved.name})


def _named(request: HttpRequest, site: Site) -> Resource:
    found = resource_of(site, row_id(request.POST.get("resource", "")))
    if found is None:
        raise Refused({"resource": [_("Choose one of the list.")]})
    return found
