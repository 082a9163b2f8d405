"""Channels: the list of those one looks after, a form for another, and the page of one."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from trials import request_clock
from trials.database_time import database_now
from trials.domain.channels.kinds import KINDS
from trials.domain.errors import Refused, Stale
from trials.keyset import row_id
from trials.models import Channel, User
from trials.outbound import way_out
from trials.selectors.channels import (
    channel_in_sight,
    channels_of,
    health_of,
    sites_to_manage,
    trials_to_manage,
)
from trials.services.channels.channels import (
    Added,
    add_channel,
    no_way_out,
    renew_channel,
    switch_channel,
    try_channel,
)
from trials.stored_secrets import can_store_secrets
from trials.web.channels.forms import ChannelForm, RenewForm
from trials.web.shared.calls_out import calls_out
from trials.web.shared.query_params import query_params
from trials.web.shared.refusals import put_refusals
from trials.web.shared.shown_once import render_once
from trials.zones import roles_day

REFUSED, OVERTAKEN = 422, 409


@login_required
@require_safe
@query_params()
def channels(request: HttpRequest) -> HttpResponse:
    """The channels that one may look after, and how each has done lately."""
    user = _user(request)
    found = channels_of(user, roles_day(request_clock.now()))
    health = health_of(one.receiver_way for one in found)
    context = {
        "rows": [(one, health.get(one.receiver_way)) for one in found],
        **_installation(),
        "now": database_now(),
    }
    return render(request, "channels/list.html", context)


@sensitive_post_parameters("address", "secret")
@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def channel_new(request: HttpRequest) -> HttpResponse:
    """A form for another channel; posted, it is put on record and its page is shown."""
    user, today = _user(request), roles_day(request_clock.now())
    places: dict[str, Any] = {"sites": sites_to_manage(user, today), "trials": trials_to_manage(user, today)}
    initial = {"language": get_language()}
    form = ChannelForm(request.POST if request.method == "POST" else None, **places, initial=initial)
    if form.is_valid():
        try:
            added = add_channel(said=form.said(), now=request_clock.now(), by=user, **form.place())
        except Refused as refused:
            put_refusals(form, refused.fields)
        else:
            messages.success(
                request, _("%(name)s is recorded. Send a test now.") % {"name": added.channel.name}
            )
            return (
                _shown_once(request, added) if added.shown_once else redirect("channel", pk=added.channel.pk)
            )
    context = {"form": form, "kinds": _forms_of_addresses(), **_installation()}
    return render(request, "channels/new.html", context, status=REFUSED if form.errors else 200)


@sensitive_post_parameters("address", "secret")
@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def channel(request: HttpRequest, pk: int) -> HttpResponse:
    """One channel: how it does; posted, it is renewed or switched, as `act` says."""
    user = _user(request)
    found = _channel(user, pk)
    act = request.POST.get("act", "") if request.method == "POST" else ""
    if act in {"off", "on"}:
        _switch(request, found, user, on=act == "on")
        return redirect("channel", pk=pk)
    initial = {
        "name": found.name,
        "keyword": found.keyword,
        "language": found.language,
        "version": found.version,
    }
    form = RenewForm(request.POST if act == "renew" else None, initial=initial)
    status = 200
    if act == "renew":
        added, status = _renewed(request, found, user, form)
        if added:
            return _shown_once(request, added) if added.shown_once else redirect("channel", pk=pk)
    health = health_of([found.receiver_way]).get(found.receiver_way)
    context = {"channel": found, "health": health, "form": form, "example": KINDS[_kind(found)].form}
    return render(
        request, "channels/channel.html", context | _installation() | {"now": database_now()}, status=status
    )


@never_cache
@login_required
@require_POST
@calls_out
def channel_test(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a test by a channel, and say on its page what came of it."""
    found = _channel(_user(request), pk)
    tried = try_channel(channel=found, at=database_now(), link=request.build_absolute_uri("/"))
    (messages.success if tried.left else messages.error)(request, tried.words)
    return redirect("channel", pk=pk)


def _renewed(request: HttpRequest, found: Channel, user: User, form: RenewForm) -> tuple[Added | None, int]:
    if not form.is_valid():
        return None, REFUSED
    version = form.cleaned_data["version"] or 0
    try:
        added = renew_channel(
            channel=found, version=version, said=form.said(), now=request_clock.now(), by=user
        )
    except Stale as stale:
        typed = form.data.copy()  # type: ignore[attr-defined]
        typed["version"] = str(stale.version)
        form.data = typed
        form.add_error(None, _changed())
        return None, OVERTAKEN
    except Refused as refused:
        put_refusals(form, refused.fields)
        return None, REFUSED
    messages.success(
        request, _("%(name)s has its new address. Send a test now.") % {"name": added.channel.name}
    )
    return added, 200


def _switch(request: HttpRequest, found: Channel, user: User, *, on: bool) -> None:
    version = request.POST.get("version", "")
    try:
        switch_channel(
            channel=found,
            version=row_id(version),
            on=on,
            now=request_clock.now(),
            by=user,
        )
    except Stale:
        messages.error(request, _changed())
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        words = (
            _("%(name)s is switched on.") if on else _("%(name)s is switched off: nothing more leaves by it.")
        )
        messages.success(request, words % {"name": found.name})


def _changed() -> str:
    return _("Somebody changed it meanwhile. Look at it again; nothing was saved.")


def _shown_once(request: HttpRequest, added: Added) -> HttpResponse:
    """Show a secret that was made: it is stored encrypted and nobody sees it again."""
    context = {"channel": added.channel, "secret": added.shown_once}
    return render_once(request, "channels/secret.html", context)


def _installation() -> dict[str, Any]:
    return {
        "no_way_out": "" if way_out() else no_way_out(),
        "no_key": not can_store_secrets(),
    }


def _forms_of_addresses() -> list[tuple[str, str]]:
    return [(_(known.label), known.form) for known in KINDS.values()]


def _kind(found: Channel) -> Any:
    return next(kind for kind in KINDS if kind == found.kind)


def _channel(user: User, pk: int) -> Channel:
    found = channel_in_sight(user, pk, roles_day(request_clock.now()))
    if found is None:
        raise Http404
    return found


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
