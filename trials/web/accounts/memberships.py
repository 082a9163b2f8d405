"""Roles: who has or had access when, for those who administer; given and taken for a reason."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from trials import request_clock
from trials.domain.accounts.access import Right, Scope, day_there
from trials.domain.errors import DomainError, Refused
from trials.formats.exports.tables import csv_lines
from trials.models import Membership, User
from trials.reauthentication import reauthenticated
from trials.selectors.accounts.accounts import accounts_visible_to
from trials.selectors.accounts.memberships import (
    Access,
    access_report,
    may_administer,
    memberships_visible_to,
    wanted,
)
from trials.selectors.records import roles_of, sites_visible_to, trials_visible_to
from trials.services.accounts.memberships import (
    MembershipEnded,
    end_membership,
    grant_membership,
    withdraw_membership,
)
from trials.services.store.exports import record_export
from trials.web.accounts.administrators import administrator_of
from trials.web.accounts.membership_forms import AccessForm, GrantForm, WithdrawalForm
from trials.web.shared.downloads import download, head_of
from trials.web.shared.query_params import query_params
from trials.web.shared.refusals import put_refusals
from trials.zones import zone_of

PER_PAGE = 50
REFUSED, OVERTAKEN = 422, 409
HEADS = (
    *("User name", "Printed name", "Account", "Role", "Site", "Trial", "First day", "Last day"),
    *("Granted at", "Granted by", "Reason", "Withdrawn at", "Withdrawn by", "Reason of withdrawal"),
)


@login_required
@require_safe
@query_params(*AccessForm.base_fields)
def memberships(request: HttpRequest) -> HttpResponse:
    """Who has or had which role where and when."""
    user, today = administrator_of(request)
    form = _access_form(request, user, today)
    page = Paginator(wanted(memberships_visible_to(user, today), form.wanted), PER_PAGE).get_page(
        request.GET.get("page")
    )
    scope = roles_of(user, today)
    rows = [(held, _may_change(user, held, scope)) for held in page]
    context = {"page": page, "rows": rows, "form": form, "asked": request.GET.urlencode(), "today": today}
    return render(request, "memberships/list.html", context, status=200 if form.is_valid() else REFUSED)


@login_required
@require_safe
@query_params(*AccessForm.base_fields)
def export(request: HttpRequest) -> HttpResponseBase:
    """The same as a table to be kept."""
    user, today = administrator_of(request)
    form = _access_form(request, user, today)
    if not form.is_valid():
        return memberships(request)
    now = request_clock.now()
    what, filters = "who has or had access when", request.GET.urlencode()
    head = head_of(what, user, now, filters)
    with override("en"):  # files are in one language for all who take them
        rows = [_cells(access) for access in access_report(user, form.wanted, today)]
    record_export(by=user, what=what, form="csv", rows=len(rows), now=now, filters=filters)
    return download(f"access-{today}.csv", csv_lines(head, HEADS, rows))


@never_cache
@reauthenticated(allow_get=True)
@query_params("user", "role", "site", "trial")
def grant(request: HttpRequest) -> HttpResponse:
    """Give somebody a role where one administers."""
    user, today = administrator_of(request)
    places = {"sites": sites_visible_to(user, today), "trials": trials_visible_to(user, today)}
    accounts = accounts_visible_to(user, today).filter(is_active=True).exclude(pk=user.pk)
    proposed = {
        name: request.GET[name] for name in ("user", "role", "site", "trial") if request.GET.get(name)
    }
    form = GrantForm(request.POST or None, today=today, users=accounts, proposed=proposed, **places)
    if form.is_valid():
        given: dict[str, Any] = form.cleaned_data
        if not may_administer(user, given["site"], given["trial"], today):
            raise PermissionDenied(_("You do not administer all of that place: choose your site and trial."))
        try:
            held = grant_membership(by=user, **given)
        except Refused as error:
            put_refusals(form, error.fields)
        else:
            words = {"name": held.user.username, "role": held.get_role_display()}
            messages.success(request, _("%(name)s is %(role)s.") % words)
            return redirect("memberships")
    return render(request, "memberships/grant.html", {"form": form}, status=REFUSED if form.errors else 200)


@never_cache
@reauthenticated(allow_get=True)
def withdrawal(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a role from somebody, now or after a last day."""
    user, today = administrator_of(request)
    held = get_object_or_404(memberships_visible_to(user, today), pk=pk)
    if not _may_change(user, held, roles_of(user, today)):
        raise PermissionDenied(_("This role reaches beyond where you administer, or is your own."))
    here = day_there(today, zone_of(held.site)) if held.site else today
    form = WithdrawalForm(request.POST or None, today=here)
    if form.is_valid():
        try:
            return _withdraw(request, held, form.cleaned_data)
        except MembershipEnded as error:
            context = {"held": error.membership, "form": form, "overtaken": True}
            return render(request, "memberships/withdraw.html", context, status=OVERTAKEN)
        except Refused as error:
            put_refusals(form, error.fields)
        except DomainError as error:
            form.add_error("ends_on", str(error))
    context = {"held": held, "form": form}
    return render(request, "memberships/withdraw.html", context, status=REFUSED if form.errors else 200)


def _withdraw(request: HttpRequest, held: Membership, given: dict[str, Any]) -> HttpResponse:
    by, reason, ends_on = administrator_of(request)[0], given["reason"], given["ends_on"]
    if ends_on:
        end_membership(membership=held, ends_on=ends_on, by=by, reason=reason)
        words = _("The role ends after %(day)s.") % {"day": ends_on}
    else:
        withdraw_membership(membership=held, now=request_clock.now(), by=by, reason=reason)
        words = _("The role is withdrawn; calendars that hung on it are closed.")
    messages.success(request, words)
    return redirect("memberships")


def _access_form(request: HttpRequest, user: User, today: date) -> AccessForm:
    form = AccessForm(request.GET, sites=sites_visible_to(user, today), trials=trials_visible_to(user, today))
    form.is_valid()
    return form


def _may_change(user: User, held: Membership, scope: Scope) -> bool:
    everywhere = scope.allows_throughout(Right.ADMINISTER, held.site_id, held.trial_id)
    return held.user_id != user.pk and everywhere


def _cells(access: Access) -> tuple[object, ...]:
    zone = timezone.get_default_timezone()
    granted, withdrawn = (
        timezone.localtime(at, zone) if at else None for at in (access.granted_at, access.withdrawn_at)
    )
    account = "open" if access.user.is_active else "deactivated"
    return (
        *(access.user.username, access.user.get_full_name(), account, access.role, access.site, access.trial),
        *(access.starts_on, access.ends_on, granted, access.granted_by, access.reason),
        *(withdrawn, access.withdrawn_by, access.withdrawn_reason),
    )
