"""All calendar subscriptions of a site, for those who administer it: seen, ended, switched off."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from schedules.selectors.feeds.subscriptions import feeds_at, site_administered, trials_at
from schedules.services.feeds.subscriptions import revoke_feed, switch_site, switch_trial
from schedules.web.feeds.subscriptions import feed_row
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.people import user_of
from trials.domain.accounts.access import Right
from trials.keyset import row_id
from trials.models import Site
from trials.selectors.records import roles_of


@login_required
@require_safe
def site_calendars(request: HttpRequest, pk: int) -> HttpResponse:
    """Every subscription that may show anything of the site, whose it is, and when it was last fetched."""
    site = _administered(request, pk)
    scope = roles_of(user_of(request), server_day(now()))
    switchable = [
        (trial, scope.allows_throughout(Right.ADMINISTER, None, trial.pk) and trial.frozen_on is None)
        for trial in trials_at(site)
    ]
    rows = [feed_row(feed, own=False) for feed in feeds_at(site)]
    return render(request, "feeds/site.html", {"site": site, "rows": rows, "trials": switchable})


@login_required
@never_cache
@require_POST
def site_calendar_end(request: HttpRequest, pk: int) -> HttpResponse:
    """End somebody's address: phones that use it show nothing more."""
    feeds = feeds_at(_administered(request, pk))
    found = feeds.filter(pk=row_id(request.POST.get("feed", ""))).first()
    if found is None:
        messages.warning(request, _("This address has ended already. Nothing was changed."))
        return redirect("site-calendars", pk)
    revoke_feed(feed=found, now=now())
    messages.success(request, _("The calendar address has ended. Phones that use it will show nothing more."))
    return redirect("site-calendars", pk)


@login_required
@never_cache
@require_POST
def site_calendar_switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Switch the calendars of the site, or of one trial, off or on."""
    site, enabled = _administered(request, pk), request.POST.get("enabled") == "1"
    asked = request.POST.get("trial", "")
    if asked:
        trial = trials_at(site).filter(pk=row_id(asked)).first()
        if trial is None:
            raise Http404
        scope = roles_of(user_of(request), server_day(now()))
        if not scope.allows_throughout(Right.ADMINISTER, None, trial.pk):
            raise PermissionDenied(_("Only someone who administers all sites switches a trial off or on."))
        switch_trial(trial=trial, enabled=enabled)
    else:
        switch_site(site=site, enabled=enabled)
    messages.success(
        request,
        _("Calendar subscriptions are switched on.")
        if enabled
        else _("Calendar subscriptions are switched off."),
    )
    return redirect("site-calendars", pk)


def _administered(request: HttpRequest, pk: int) -> Site:
    site = site_administered(user_of(request), pk, server_day(now()))
    if site is None:
        raise Http404
    return site
