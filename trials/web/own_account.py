"""One's own account, and the way out."""

from __future__ import annotations

from typing import Any

from allauth.account.views import LogoutView
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from trials import request_clock
from trials.domain.access import Right
from trials.models import User
from trials.selectors import roles_of
from trials.selectors_accounts import administers_everything
from trials.zones import roles_day

_leave = LogoutView.as_view()


@login_required
def own_account(request: HttpRequest) -> HttpResponse:
    """What one may change about one's own account, and what one administers."""
    assert isinstance(request.user, User)
    today = roles_day(request_clock.now())
    context = {
        "administers": roles_of(request.user, today).allows(Right.ADMINISTER),
        "administers_everything": administers_everything(request.user, today),
    }
    return render(request, "account/own.html", context)


def sign_out(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
    """Sign out, and let the browser forget the pages: keyboards are shared."""
    response: HttpResponseBase = _leave(request, **kwargs)
    if request.method == "POST":
        response.headers["Clear-Site-Data"] = '"cache"'
    return response
