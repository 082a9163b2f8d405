"""What somebody had typed when their session ended: kept for them, and sent again if they say so."""

from __future__ import annotations

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache

KEPT = "dayzero_kept_form"
LARGEST = 200_000  # characters: what is larger is no form that a person typed
OUR_OWN = ("csrfmiddlewaretoken", "password")


def keep(request: HttpRequest, user: str) -> bool:
    """Keep the fields of a form for anyone who it was; nothing of the pages where one signs in."""
    if request.method != "POST" or request.path_info.startswith(reverse("account")):
        return False
    fields = [
        (name, value)
        for name, values in request.POST.lists()
        if not name.startswith(OUR_OWN)
        for value in values
    ]
    if sum(len(name) + len(str(value)) for name, value in fields) > LARGEST:
        return False
    request.session[KEPT] = {"user": user, "path": request.get_full_path(), "fields": fields}
    return True


@never_cache
@login_required
def kept_form(request: HttpRequest) -> HttpResponse:
    """Show once what was typed, with a button that sends it; to anybody else, nothing."""
    kept = request.session.pop(KEPT, None)
    if not kept or kept["user"] != request.session[SESSION_KEY]:
        return redirect("today")
    return render(request, "account/kept.html", kept)
