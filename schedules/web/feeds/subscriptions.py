"""The pages of one's own calendar subscriptions: made, changed, paused, replaced and ended by their owner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from participants.models import Participant
from schedules.domain.errors import FeedRefused
from schedules.models import CalendarFeed
from schedules.selectors.feeds.subscriptions import (
    feeds_owned_by,
    own_feed,
    places_to_follow,
    switched_off_by,
)
from schedules.selectors.store.course import person_in_sight
from schedules.services.feeds.subscriptions import (
    FormUsed,
    change_content,
    open_feed,
    pause_feed,
    replace_feed,
    resume_feed,
    revoke_feed,
)
from schedules.web.feeds.forms import ContentForm, SubscriptionForm, content_words
from schedules.web.feeds.qr import qr_svg
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.people import user_of
from schedules.web.shared.wording import say
from trials.domain.accounts.access import Right
from trials.keyset import row_id
from trials.selectors.records import may

_CONFLICT, _REFUSED = 409, 422
_FORM = ["GET", "HEAD", "POST"]


@dataclass(frozen=True, slots=True)
class FeedRow:
    """A subscription in a list: what it is of, what it shows, and in which state it is."""

    feed: CalendarFeed
    of: str
    about: str
    shows: list[str]
    off: bool


def feed_row(feed: CalendarFeed, *, own: bool = True) -> FeedRow:
    """Give a subscription as its owner sees it; to anyone else (not `own`) without subject codes."""
    of, about = _of(feed, own=own)
    return FeedRow(feed, of, about, content_words(feed.content), switched_off_by(feed) is not None)


def _of(feed: CalendarFeed, *, own: bool) -> tuple[str, str]:
    if feed.participant:
        person = feed.participant
        return (person.subject_code if own else _("one participant")), person.trial.code
    if feed.cohort:
        return say(feed.cohort.label), feed.cohort.trial.code
    if feed.trial:
        return feed.trial.code, _("all participants of the trial")
    if feed.site:
        return feed.site.code, _("all participants of the site")
    return _("All participants"), _("whom you follow") if own else _("whom the owner follows")


@login_required
@require_safe
def own_calendars(request: HttpRequest) -> HttpResponse:
    """Every subscription that still works, what it shows, and when and by what it was last fetched."""
    user, today = user_of(request), server_day(now())
    context = {
        "rows": [feed_row(feed) for feed in feeds_owned_by(user)],
        "may_subscribe": may(user, Right.SUBSCRIBE, None, None, today),
    }
    return render(request, "feeds/list.html", context)


@login_required
@never_cache
@require_http_methods(_FORM)
def calendar_new(request: HttpRequest) -> HttpResponse:
    """Choose what a calendar is of and what it shows; its address is shown in the answer, once."""
    user, today = user_of(request), server_day(now())
    participant = _participant_asked_for(request)
    if not may(user, Right.SUBSCRIBE, None, None, today):
        raise PermissionDenied(_("Your role here does not allow calendar subscriptions."))
    data = request.POST if request.method == "POST" else None
    form = SubscriptionForm(data, places=places_to_follow(user, today), participant=participant)
    context = {"form": form, "participant": participant, "title": _("New calendar subscription")}
    if data is None:
        return render(request, "feeds/form.html", context)
    if not form.is_valid():
        return render(request, "feeds/form.html", context, status=_REFUSED)
    return _opened(request, form, context)


@sensitive_variables("token")
def _opened(request: HttpRequest, form: SubscriptionForm, context: dict[str, Any]) -> HttpResponse:
    try:
        feed, token = open_feed(
            owner=user_of(request),
            now=now(),
            content=form.content(),
            compressed=form.cleaned_data["compressed"],
            form_key=form.cleaned_data["form_key"],
            **form.of_what(),
        )
    except FormUsed as used:
        told = {"row": feed_row(used.feed), "words": str(used)}
        return render(request, "feeds/used.html", told, status=_CONFLICT)
    except FeedRefused as error:
        form.add_error("of", str(error))
        return render(request, "feeds/form.html", context, status=_REFUSED)
    return show_address(request, feed, token)


@login_required
@never_cache
@require_http_methods(_FORM)
def calendar_change(request: HttpRequest, pk: int) -> HttpResponse:
    """Show something else behind the same address."""
    feed = _mine(request, pk)
    data = request.POST if request.method == "POST" else None
    form = ContentForm(data, feed=feed)
    if data is not None and form.is_valid():
        try:
            change_content(feed=feed, content=form.content(), compressed=form.cleaned_data["compressed"])
        except FeedRefused as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("The calendar was changed. Phones show it after their next fetch."))
        return redirect("own-calendars")
    context = {"form": form, "row": feed_row(feed), "title": _("Change the calendar subscription")}
    return render(request, "feeds/form.html", context, status=200 if data is None else _REFUSED)


@login_required
@never_cache
@require_POST
def calendar_pause(request: HttpRequest, pk: int) -> HttpResponse:
    """Pause a subscription, or resume one that is paused."""
    feed = _mine(request, pk)
    if request.POST.get("resume"):
        resume_feed(feed=feed)
        messages.success(request, _("The calendar is shown again. Phones show it after their next fetch."))
    else:
        pause_feed(feed=feed, now=now())
        messages.success(request, _("The calendar is paused. Phones show no visits until you resume it."))
    return redirect("own-calendars")


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
@sensitive_variables("token")
def calendar_replace(request: HttpRequest, pk: int) -> HttpResponse:
    """End an address and show the new one that takes its place, once; sent again, it makes no other."""
    feed = own_feed(user_of(request), pk)
    if feed is None:
        raise Http404
    try:
        made, token = replace_feed(feed=feed, now=now())
    except FeedRefused as error:
        messages.error(request, str(error))
        return redirect("own-calendars")
    return show_address(request, made, token)


@sensitive_variables("token", "address", "webcal")
def show_address(request: HttpRequest, feed: CalendarFeed, token: str) -> HttpResponse:
    """The page on which a secret address is shown, which is the only time."""
    address = request.build_absolute_uri(reverse("feed", kwargs={"token": token}))
    scheme = address.partition("://")[0]
    webcal = address.replace(f"{scheme}://", "webcal://", 1)
    picture: SafeString = qr_svg(webcal)
    context = {"row": feed_row(feed), "address": address, "webcal": webcal, "picture": picture}
    return render(request, "feeds/address.html", context)


def _participant_asked_for(request: HttpRequest) -> Participant | None:
    """The participant whom the address names; 404 where the user may not see them."""
    asked = request.GET.get("participant", "")
    if not asked:
        return None
    person = person_in_sight(user_of(request), server_day(now()), row_id(asked))
    if person is None:
        raise Http404
    return person


def _mine(request: HttpRequest, pk: int) -> CalendarFeed:
    feed = feeds_owned_by(user_of(request)).filter(pk=pk).first()
    if feed is None:
        raise Http404
    return feed
