"""API clients, for those who administer: made, given another secret, ended; a secret is shown once."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_safe

from trials import request_clock
from trials.domain.accounts.accounts import AccountError
from trials.domain.errors import Refused
from trials.models import ApiAct, ApiClient
from trials.reauthentication import reauthenticated
from trials.selectors.accounts.clients import clients_administered_by, secrets_in_use
from trials.selectors.accounts.memberships import may_administer
from trials.selectors.records import sites_visible_to, trials_visible_to
from trials.services.accounts.clients import end_client, open_client, rotate_client_secret
from trials.web.accounts.administrators import administrator_of
from trials.web.accounts.client_forms import ClientForm, ReasonedForm, RotationForm
from trials.web.accounts.people_forms import in_words
from trials.web.shared.query_params import query_params
from trials.web.shared.refusals import put_refusals

REFUSED = 422


@login_required
@require_safe
@query_params()
def clients(request: HttpRequest) -> HttpResponse:
    """The clients that one administers, what they may do and when they were last used."""
    user, today = administrator_of(request)
    rows = [(one, acts_of(one)) for one in clients_administered_by(user, today)[:500]]
    return render(request, "clients/list.html", {"rows": rows, "now": request_clock.now()})


@never_cache
@reauthenticated(allow_get=True)
def new(request: HttpRequest) -> HttpResponse:
    """Make a client, and show its secret in the answer, once."""
    user, today = administrator_of(request)
    sites, trials = sites_visible_to(user, today), trials_visible_to(user, today)
    form = ClientForm(request.POST or None, sites=sites, trials=trials)
    if form.is_valid():
        terms, now = form.terms(), request_clock.now()
        if not may_administer(user, terms.site, terms.trial, today):
            raise PermissionDenied(_("You do not administer all of that place: choose your site and trial."))
        named = {"name": form.cleaned_data["name"], "reason": form.cleaned_data["reason"]}
        try:
            made, secret = open_client(**named, terms=terms, today=today, now=now, by=user)
        except AccountError as error:
            form.add_error("name" if error.field == "user_name" else error.field, in_words(error))
        except Refused as error:
            put_refusals(form, error.fields)
        else:
            return _shown(request, made, secret)
    return render(request, "clients/new.html", {"form": form}, status=REFUSED if form.errors else 200)


@login_required
@require_safe
@query_params()
def client(request: HttpRequest, pk: int) -> HttpResponse:
    """One client and its secrets: since when, until when, and when they were last used."""
    found = _client(request, pk)
    context = {
        "client": found,
        "acts": acts_of(found),
        "secrets": secrets_in_use(found, request_clock.now()),
        "rotation": RotationForm(),
        "ending": ReasonedForm(prefix="end"),
        "now": request_clock.now(),
    }
    return render(request, "clients/client.html", context)


@never_cache
@reauthenticated(allow_get=True)
def rotation(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a client another secret, and show it in the answer, once."""
    found = _client(request, pk)
    form = RotationForm(request.POST or None)
    if form.is_valid():
        now, by = request_clock.now(), administrator_of(request)[0]
        try:
            secret = rotate_client_secret(client=found, now=now, by=by, **form.cleaned_data)
        except Refused as error:
            put_refusals(form, error.fields)
        else:
            return _shown(request, found, secret)
    context = {"client": found, "form": form}
    return render(request, "clients/rotate.html", context, status=REFUSED if form.errors else 200)


@never_cache
@reauthenticated(allow_get=True)
def ending(request: HttpRequest, pk: int) -> HttpResponse:
    """End a client for good."""
    found = _client(request, pk)
    form = ReasonedForm(request.POST or None)
    if form.is_valid():
        try:
            end_client(
                client=found,
                now=request_clock.now(),
                by=administrator_of(request)[0],
                reason=form.cleaned_data["reason"],
            )
        except Refused as error:
            put_refusals(form, error.fields)
        else:
            messages.success(request, _("The client %(name)s has ended.") % {"name": found.name})
            return redirect("api-clients")
    context = {"client": found, "form": form}
    return render(request, "clients/end.html", context, status=REFUSED if form.errors else 200)


def acts_of(found: ApiClient) -> list[str]:
    """What a client may do, in words."""
    return [str(ApiAct(act).label) for act in found.acts]


@sensitive_variables("secret")
def _shown(request: HttpRequest, found: ApiClient, secret: str) -> HttpResponse:
    address = request.build_absolute_uri("/api/v1/oauth/token")
    return render(request, "clients/secret.html", {"client": found, "secret": secret, "address": address})


def _client(request: HttpRequest, pk: int) -> ApiClient:
    user, today = administrator_of(request)
    found: ApiClient = get_object_or_404(clients_administered_by(user, today), pk=pk)
    return found
