"""A calendar behind a secret address, for phones: read only, no cookie, no redirect."""

from __future__ import annotations

import gzip
import re

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotFound
from django.utils.cache import get_conditional_response
from django.utils.http import http_date
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables

from schedules.selectors.exchange.feeds import feed_by_token
from schedules.services.feeds.fetching import Fetch, fetch_feed, render_feed
from schedules.web.feeds.clients import client_name
from trials import request_clock
from trials.limits import seconds_to_wait

# A phone asks once an hour, several devices share an address, and people pull to refresh.
FETCHES = 30
SECONDS = 300
PARTICIPANT = "/participants/{}/"
_ALWAYS = {
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_REFUSED = _ALWAYS | {"Cache-Control": "no-store"}
_FOUND = _ALWAYS | {"Cache-Control": "private, max-age=900", "Vary": "Accept-Encoding"}
_GZIP = re.compile(r"(?:^|,)\s*gzip\s*(?:;\s*q\s*=\s*(?P<weight>[0-9.]+)\s*)?(?=,|$)", re.IGNORECASE)
_READING = ("GET", "HEAD")
_FAST = 1
"""The level of compression: the lowest shrinks a calendar to a fifth, and the others cost much more."""


@csrf_exempt
@sensitive_variables("token")
def feed(request: HttpRequest, token: str) -> HttpResponseBase:
    if request.method not in _READING:
        return _reading_only()
    now = request_clock.now()
    found = feed_by_token(token)
    if found is None:
        return _not_found()
    wait = seconds_to_wait(f"feed:{found.pk}", now, times=FETCHES, seconds=SECONDS)
    if wait:
        return HttpResponse(
            status=429,
            headers=_REFUSED | {"Retry-After": str(wait), "Content-Length": "0"},
            content_type="text/plain; charset=utf-8",
        )
    links = request.build_absolute_uri("/").rstrip("/") + PARTICIPANT
    client = client_name(request.headers.get("User-Agent", ""))
    fetch = fetch_feed(feed=found, now=now, links=links, client=client)
    return _answer(request, fetch) if fetch else _not_found()


@csrf_exempt
def no_feed(request: HttpRequest) -> HttpResponse:
    return _not_found() if request.method in _READING else _reading_only()


def _not_found() -> HttpResponse:
    """The same for a secret that never was, one that ended long ago and any other address below.

    No page of ours: it would set a cookie and offer a phone a form to sign in.
    """
    body = b"Not Found\n"
    headers = _REFUSED | {"Content-Length": str(len(body))}
    return HttpResponseNotFound(body, content_type="text/plain; charset=utf-8", headers=headers)


def _reading_only() -> HttpResponse:
    """The same for every address, so that no method tells whether a secret exists."""
    headers = _REFUSED | {"Allow": ", ".join(_READING), "Content-Length": "0"}
    return HttpResponse(status=405, headers=headers, content_type="text/plain; charset=utf-8")


def _answer(request: HttpRequest, fetch: Fetch) -> HttpResponseBase:
    zipped = fetch.feed.compressed and _takes_gzip(request.headers.get("Accept-Encoding", ""))
    etag = f'W/"{fetch.etag}"' if zipped else f'"{fetch.etag}"'
    changed_at = int(fetch.changed_at.timestamp())
    headers = _FOUND | {
        "Content-Language": fetch.feed.language,
        "ETag": etag,
        "Last-Modified": http_date(changed_at),
    }
    unchanged = get_conditional_response(request, etag=etag, last_modified=changed_at)
    if unchanged is not None:
        for name, value in headers.items():
            unchanged.headers[name] = value
        return unchanged
    body = render_feed(fetch=fetch)
    if zipped:
        body = gzip.compress(body, _FAST, mtime=0)
        headers["Content-Encoding"] = "gzip"
    headers["Content-Length"] = str(len(body))
    headers["Content-Disposition"] = 'inline; filename="dayzero.ics"'
    body = b"" if request.method == "HEAD" else body
    return HttpResponse(body, content_type="text/calendar; charset=utf-8", headers=headers)


def _takes_gzip(accepted: str) -> bool:
    """Whether the client asked for gzip by name; some say `*` and then stumble on it."""
    named = _GZIP.search(accepted)
    return named is not None and (named["weight"] is None or named["weight"].strip("0.") != "")
