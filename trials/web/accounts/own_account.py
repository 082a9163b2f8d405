"""One's own account, and the way out."""

from __future__ import annotations

from typing import Any

from allauth.account.views import LogoutView
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from trials import request_clock
from trials.audit.acts import caused_by
from trials.domain.accounts.access import Right
from trials.domain.audit.own_reasons import STOPPED_BY_LINK, STOPPED_BY_OWNER
from trials.domain.words import run_on
from trials.models import User
from trials.selectors.accounts.account_changes import changes_of, open_changes
from trials.selectors.accounts.accounts import administers_everything
from trials.selectors.records import roles_of
from trials.services.accounts.account_changes import (
    ChangeRefused,
    change_of_token,
    prove_former_password,
    stop_changes,
)
from trials.web.accounts.sign_in_forms import FormerPasswordForm
from trials.zones import roles_day

STOPPED = gettext_lazy(
    "Stopped. This account signs nothing until a second administrator confirms the change. Tell your site."
)
_leave = LogoutView.as_view()


@login_required
def own_account(request: HttpRequest) -> HttpResponse:
    """What one may change about one's own account, and what one administers."""
    assert isinstance(request.user, User)
    today = roles_day(request_clock.now())
    context = {
        "administers": roles_of(request.user, today).allows(Right.ADMINISTER),
        "administers_everything": administers_everything(request.user, today),
        "changes": open_changes(request.user),
    }
    return render(request, "account/own.html", context)


@sensitive_post_parameters("password")
@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def own_changes(request: HttpRequest) -> HttpResponse:
    """What others changed of one's account: the owner proves that they know of it, or stops it."""
    assert isinstance(request.user, User)
    user, now = request.user, request_clock.now()
    form = FormerPasswordForm(request.POST if "password" in request.POST else None)
    if request.method == "POST" and "stop" in request.POST:
        stop_changes(user=user, now=now, by=user, reason=STOPPED_BY_OWNER)
        messages.success(request, STOPPED)
        return redirect("own-changes")
    if form.is_valid():
        try:
            prove_former_password(user=user, password=form.cleaned_data["password"], now=now, request=request)
        except ChangeRefused as refused:
            form.add_error("password", run_on(refused.fields["password"], _))
        else:
            messages.success(request, _("Thank you. What this password proves is confirmed."))
            return redirect("own-changes")
    context = {"form": form, "changes": changes_of([user.pk]).get(user.pk, []), "open": open_changes(user)}
    return render(request, "account/changes.html", context, status=422 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "POST"])
def stop(request: HttpRequest, token: str) -> HttpResponse:
    """Stop what somebody else did to one's account, behind the link of the e-mail; nobody need sign in."""
    change = change_of_token(token)
    if change is None:
        raise Http404
    if request.method == "POST":
        with caused_by("link of an e-mail"):
            stop_changes(
                user=change.user,
                now=request_clock.now(),
                by=None,
                reason=STOPPED_BY_LINK,
            )
        change.refresh_from_db()
    context = {"change": change, "stopped": change.stopped_at is not None}
    return render(request, "account/stop.html", context)


def sign_out(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
    """Sign out, and let the browser forget the pages: keyboards are shared."""
    response: HttpResponseBase = _leave(request, **kwargs)
    if request.method == "POST":
        response.headers["Clear-Site-Data"] = '"cache"'
    return response
