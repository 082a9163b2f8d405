"""The secret calendar addresses that somebody made: seen, replaced and ended by the one who made them."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from schedules.domain.errors import FeedRefused
from schedules.models import CalendarFeed
from schedules.selectors.exchange.feeds import feeds_owned_by
from schedules.services.feeds.subscriptions import replace_feed, revoke_feed
from schedules.web.shared.clock import now
from schedules.web.shared.people import user_of


@login_required
@require_safe
def own_calendars(request: HttpRequest) -> HttpResponse:
    """Every address that still works, what it shows, and when it was last used; the secret is not kept."""
    return render(request, "participants/calendars.html", {"feeds": feeds_owned_by(user_of(request))})


@login_required
@never_cache
@require_POST
def calendar_end(request: HttpRequest, pk: int) -> HttpResponse:
    """End an address: phones that use it show nothing more."""
    revoke_feed(feed=_mine(request, pk), now=now())
    messages.success(request, _("The calendar address has ended. Phones that use it will show nothing more."))
    return redirect("own-calendars")


@login_required
@never_cache
@require_POST
def calendar_replace(request: HttpRequest, pk: int) -> HttpResponse:
    """End an address and show the new one that takes its place, once."""
    try:
        feed, token = replace_feed(feed=_mine(request, pk), now=now())
    except FeedRefused as error:
        raise PermissionDenied(str(error)) from error
    return show_address(request, feed, token)


def show_address(request: HttpRequest, feed: CalendarFeed, token: str) -> HttpResponse:
    """The page on which a secret address is shown, which is the only time."""
    address = request.build_absolute_uri(reverse("feed", kwargs={"token": token}))
    scheme = address.partition("://")[0]
    webcal = address.replace(f"{scheme}://", "webcal://", 1)
    context = {"participant": feed.participant, "site": feed.site, "address": address, "webcal": webcal}
    return render(request, "participants/feed_opened.html", context)


def _mine(request: HttpRequest, pk: int) -> CalendarFeed:
    feed = feeds_owned_by(user_of(request)).filter(pk=pk).first()
    if feed is None:
        raise Http404
    return feed
