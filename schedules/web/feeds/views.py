"""A calendar behind a secret address, for phones: read only, no cookie, no redirect."""

from __future__ import annotations

import gzip
import re

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotFound
from django.utils.cache import get_conditional_response
from django.utils.http import http_date
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_safe

from schedules.selectors.exchange.feeds import feed_by_token
from schedules.services.feeds.subscriptions import Fetch, fetch_feed, render_feed
from trials import request_clock
from trials.limits import seconds_to_wait

# A phone asks once an hour, several devices share an address, and people pull to refresh.
FETCHES = 30
SECONDS = 300
PARTICIPANT = "/participants/{}/"
_HEADERS = {
    "Cache-Control": "private, max-age=900",
    "Content-Language": settings.LANGUAGE_CODE,
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_GZIP = re.compile(r"(?:^|,)\s*gzip\s*(?:;\s*q\s*=\s*(?P<weight>[0-9.]+)\s*)?(?=,|$)", re.IGNORECASE)


@csrf_exempt
@require_safe
@sensitive_variables("token")
def feed(request: HttpRequest, token: str) -> HttpResponseBase:
    now = request_clock.now()
    found = feed_by_token(token)
    if found is None:
        return _not_found()
    wait = seconds_to_wait(f"feed:{found.pk}", now, times=FETCHES, seconds=SECONDS)
    if wait:
        return HttpResponse(status=429, headers=_HEADERS | {"Retry-After": str(wait)})
    fetch = fetch_feed(feed=found, now=now)
    return _answer(request, fetch) if fetch else _not_found()


@csrf_exempt
def no_feed(request: HttpRequest) -> HttpResponse:
    return _not_found()


def _not_found() -> HttpResponse:
    """The same for a secret that never was, one that ended long ago and any other address below.

    No page of ours: it would set a cookie and offer a phone a form to sign in.
    """
    headers = {name: _HEADERS[name] for name in ("Referrer-Policy", "X-Robots-Tag")}
    return HttpResponseNotFound("Not Found\n", content_type="text/plain; charset=utf-8", headers=headers)


def _answer(request: HttpRequest, fetch: Fetch) -> HttpResponseBase:
    zipped = _takes_gzip(request.headers.get("Accept-Encoding", ""))
    etag = f'W/"{fetch.etag}"' if zipped else f'"{fetch.etag}"'
    changed_at = int(fetch.changed_at.timestamp())
    headers = _HEADERS | {"ETag": etag, "Last-Modified": http_date(changed_at)}
    unchanged = get_conditional_response(request, etag=etag, last_modified=changed_at)
    if unchanged is not None:
        for name, value in headers.items():
            unchanged.headers[name] = value
        return unchanged
    links = request.build_absolute_uri("/").rstrip("/") + PARTICIPANT
    body = render_feed(fetch=fetch, links=links)
    if zipped:
        body = gzip.compress(body, mtime=0)
        headers["Content-Encoding"] = "gzip"
    headers["Content-Length"] = str(len(body))
    headers["Content-Disposition"] = 'inline; filename="dayzero.ics"'
    body = b"" if request.method == "HEAD" else body
    return HttpResponse(body, content_type="text/calendar; charset=utf-8", headers=headers)


def _takes_gzip(accepted: str) -> bool:
    """Whether the client asked for gzip by name; some say `*` and then stumble on it."""
    named = _GZIP.search(accepted)
    return named is not None and (named["weight"] is None or named["weight"].strip("0.") != "")
