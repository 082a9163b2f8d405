"""Webhooks of a client, for those who administer it: made, looked at, paused, replayed, ended."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST, require_safe

from schedules.models import Webhook
from schedules.selectors.exchange.webhooks import (
    STATES,
    delivery_of,
    listed_deliveries,
    tally_of,
    webhooks_administered_by,
)
from schedules.services.exchange.webhooks import (
    end_webhook,
    open_webhook,
    pause_webhook,
    replay_message,
    replay_webhook,
    resume_webhook,
    rotate_webhook_secret,
)
from schedules.web.exchange.webhook_forms import AddressForm, OverlapForm, ReplayForm
from schedules.web.shared.clock import now, server_day, server_zone
from schedules.web.shared.people import user_of
from schedules.web.shared.query_params import next_page, number
from trials.domain.errors import DomainError, Refused
from trials.keyset import row_id
from trials.models import ApiClient
from trials.reauthentication import reauthenticated
from trials.selectors.accounts.clients import clients_administered_by
from trials.web.shared.query_params import choice_in, query_params
from trials.web.shared.refusals import put_refusals
from trials.web.shared.shown_once import render_once

REFUSED = 422
PAGE_SIZE = 50


@login_required
@require_safe
@query_params()
def webhooks(request: HttpRequest, pk: int) -> HttpResponse:
    """The webhooks of a client, and whether their messages arrive."""
    client = _client(request, pk)
    rows = [(one, tally_of(one)) for one in _mine(request).filter(client=client).order_by("-pk")[:50]]
    return render(request, "exchange/webhooks.html", {"client": client, "rows": rows, "now": now()})


@never_cache
@reauthenticated(allow_get=True)
@sensitive_variables("secret")
def webhook_new(request: HttpRequest, pk: int) -> HttpResponse:
    """Make a webhook, and show in the answer the secret that signs its messages, once."""
    client = _client(request, pk)
    form = AddressForm(request.POST or None)
    if form.is_valid():
        try:
            made, secret = open_webhook(client=client, url=form.cleaned_data["url"], by=user_of(request))
        except Refused as error:
            put_refusals(form, error.fields)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            return render_once(request, "exchange/webhook_secret.html", {"webhook": made, "secret": secret})
    context = {
        "client": client,
        "form": form,
        "title": _("New webhook"),
        "button": _("Make the webhook"),
        "words": _(
            "Whenever something changes, a short signed message goes there; the program reads the rest."
        ),
    }
    return render(request, "exchange/webhook_form.html", context, status=REFUSED if form.errors else 200)


@login_required
@require_safe
@query_params("state")
def webhook(request: HttpRequest, pk: int) -> HttpResponse:
    """One webhook: its state, and its messages with what came of each."""
    one = _webhook(request, pk)
    state = choice_in(request, "state", list(STATES))
    page = listed_deliveries(one, state, number(request, "after"), PAGE_SIZE)
    context = {
        "webhook": one,
        "tally": tally_of(one),
        "rows": page.rows,
        "state": state,
        "replay": ReplayForm(),
        "now": now(),
        **next_page(request, page.after),
    }
    return render(request, "exchange/webhook.html", context)


@never_cache
@reauthenticated(allow_get=True)
@sensitive_variables("secret")
def webhook_rotate(request: HttpRequest, pk: int) -> HttpResponse:
    """Sign with another secret, which is shown in the answer, once."""
    one = _webhook(request, pk)
    form = OverlapForm(request.POST or None)
    if form.is_valid():
        try:
            secret = rotate_webhook_secret(webhook=one, now=now(), by=user_of(request), **form.cleaned_data)
        except Refused as error:
            put_refusals(form, error.fields)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            return render_once(request, "exchange/webhook_secret.html", {"webhook": one, "secret": secret})
    context = {
        "client": one.client,
        "form": form,
        "title": _("Give another secret"),
        "button": _("Give another secret"),
        "words": _("For these days messages are signed with the old secret and the new one."),
    }
    return render(request, "exchange/webhook_form.html", context, status=REFUSED if form.errors else 200)


@login_required
@never_cache
@require_POST
def webhook_act(request: HttpRequest, pk: int) -> HttpResponse:
    """Pause, resume, replay or end; the button says which."""
    one = _webhook(request, pk)
    act = ACTS.get(request.POST.get("act", ""))
    try:
        if act is None:
            raise Refused({"": [_("Choose what to do with the webhook.")]})
        messages.success(request, act(request, one))
    except Refused as error:
        messages.warning(request, str(error))
    return redirect("webhook", pk=pk)


def _pause(request: HttpRequest, one: Webhook) -> str:
    pause_webhook(webhook=one, now=now(), by=user_of(request))
    return _("The webhook is paused. What changes meanwhile waits.")


def _resume(request: HttpRequest, one: Webhook) -> str:
    resume_webhook(webhook=one, by=user_of(request))
    return _("The webhook is resumed. What waited is sent within a minute.")


def _end(request: HttpRequest, one: Webhook) -> str:
    end_webhook(webhook=one, now=now(), by=user_of(request))
    return _("The webhook has ended.")


def _replay(request: HttpRequest, one: Webhook) -> str:
    form = ReplayForm(request.POST)
    if not form.is_valid():
        raise Refused({"": [str(words) for errors in form.errors.values() for words in errors]})
    since = datetime.combine(form.cleaned_data["since"], time(), server_zone())
    return _again(replay_webhook(webhook=one, since=since, by=user_of(request)))


def _message(request: HttpRequest, one: Webhook) -> str:
    found = delivery_of(one, row_id(request.POST.get("message", "")))
    if found is None:
        raise Http404
    return _again(replay_message(delivery=found, by=user_of(request)))


def _again(count: int) -> str:
    words = ngettext("%(count)d message is sent again.", "%(count)d messages are sent again.", count)
    return words % {"count": count}


ACTS: dict[str, Any] = {
    "pause": _pause,
    "resume": _resume,
    "end": _end,
    "replay": _replay,
    "message": _message,
}


def _client(request: HttpRequest, pk: int) -> ApiClient:
    found: ApiClient = get_object_or_404(clients_administered_by(user_of(request), server_day(now())), pk=pk)
    return found


def _mine(request: HttpRequest) -> Any:
    return webhooks_administered_by(user_of(request), server_day(now()))


def _webhook(request: HttpRequest, pk: int) -> Webhook:
    found: Webhook = get_object_or_404(_mine(request), pk=pk)
    return found
