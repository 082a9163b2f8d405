"""What somebody had typed when their session ended, or was another: kept, and sent again if they say so."""

from __future__ import annotations

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import REASON_BAD_ORIGIN
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django_htmx.http import HttpResponseClientRedirect

KEPT = "dayzero_kept_form"
LARGEST = 200_000  # characters: what is larger is no form that a person typed
OUR_OWN = ("csrfmiddlewaretoken", "password", "secret")
OF_A_CHANNEL = "address"
"""Anyone who has the address of a robot writes as it: it is stored encrypted, and in no session."""


def keep(request: HttpRequest, user: str) -> bool:
    """Keep the fields of a form for anyone who it was; no secret, nothing of the pages where one signs in."""
    if request.method != "POST" or request.path_info.startswith(reverse("account")):
        return False
    secret = (*OUR_OWN, OF_A_CHANNEL) if request.path_info.startswith(reverse("channels")) else OUR_OWN
    fields = [
        (name, value)
        for name, values in request.POST.lists()
        if not name.startswith(secret)
        for value in values
    ]
    if sum(len(name) + len(str(value)) for name, value in fields) > LARGEST:
        return False
    request.session[KEPT] = {"user": user, "path": request.get_full_path(), "fields": fields}
    return True


def token_refused(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Offer again what was sent from a page that was opened before one signed in again, in another tab.

    Only what came from a page of ours is offered: the browser names where it came from, and Django has
    compared it. Anything else is refused with a page that says so.
    """
    user = request.session.get(SESSION_KEY, "")
    ours = "Origin" in request.headers and reason != REASON_BAD_ORIGIN % request.headers["Origin"]
    if not (user and ours and keep(request, user)):
        return render(request, "403_csrf.html", status=403)
    request.session[KEPT] |= {"opened_before": True}
    request.session.modified = True
    address = reverse("kept-form")
    return HttpResponseClientRedirect(address) if getattr(request, "htmx", False) else redirect(address)


@never_cache
@login_required
def kept_form(request: HttpRequest) -> HttpResponse:
    """Show once what was typed, with a button that sends it; to anybody else, nothing."""
    kept = request.session.pop(KEPT, None)
    if not kept or kept["user"] != request.session[SESSION_KEY]:
        return redirect("today")
    return render(request, "account/kept.html", kept)
