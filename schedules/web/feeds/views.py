"""A calendar behind a secret address, for phones: read only, no cookie, no redirect."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotFound
from django.utils.cache import get_conditional_response
from django.utils.http import http_date
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables

from schedules.selectors.feeds.subscriptions import feed_by_digest
from schedules.services.feeds.fetching import (
    Fetch,
    fetch_feed,
    keep_seen,
    render_feed,
    render_gzipped,
    state_of,
)
from schedules.web.feeds.clients import client_name
from trials import request_clock
from trials.limits import seconds_to_wait
from trials.selectors.records import token_digest

# A phone asks once an hour, several devices share an address, and people pull to refresh.
FETCHES = 30
SECONDS = 300
_ALWAYS = {
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_REFUSED = _ALWAYS | {"Cache-Control": "no-store"}
_FOUND = _ALWAYS | {"Cache-Control": "private, max-age=900", "Vary": "Accept-Encoding"}
_GZIP = re.compile(r"(?:^|,)\s*gzip\s*(?:;\s*q\s*=\s*(?P<weight>[0-9.]+)\s*)?(?=,|$)", re.IGNORECASE)
_READING = ("GET", "HEAD")


@csrf_exempt
@sensitive_variables("token")
def feed(request: HttpRequest, token: str) -> HttpResponseBase:
    if request.method not in _READING:
        return _reading_only()
    now = request_clock.now()
    links, digest = participant_links(request), token_digest(token)
    state = state_of(digest, now=now, links=links)
    if state is None:
        return _not_found()
    wait = seconds_to_wait(f"feed:{state.pk}", now, times=FETCHES, seconds=SECONDS)
    if wait:
        return HttpResponse(
            status=429,
            headers=_REFUSED | {"Retry-After": str(wait), "Content-Length": "0"},
            content_type="text/plain; charset=utf-8",
        )
    client = client_name(request.headers.get("User-Agent", ""))
    if state.is_unchanged and state.changed_at:
        shown = _Shown(state.etag, state.changed_at, state.compressed, state.language)
        unchanged = shown.unchanged(request)
        if unchanged is not None:
            keep_seen(state.pk, state.last_fetched_at, now, client)
            return unchanged
    found = feed_by_digest(digest)
    fetch = fetch_feed(feed=found, now=now, links=links, state=state, client=client) if found else None
    return _answer(request, fetch) if fetch else _not_found()


@csrf_exempt
def no_feed(request: HttpRequest) -> HttpResponse:
    return _not_found() if request.method in _READING else _reading_only()


def participant_links(request: HttpRequest) -> str:
    """The address of a participant's page at this host, with `{}` for the id."""
    return request.build_absolute_uri("/").rstrip("/") + "/participants/{}/"


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


@dataclass(frozen=True, slots=True)
class _Shown:
    """What every answer of a calendar says of its content."""

    etag: str
    changed_at: datetime
    compressed: bool
    language: str

    def zips(self, request: HttpRequest) -> bool:
        """Whether the content travels compressed."""
        return self.compressed and _takes_gzip(request.headers.get("Accept-Encoding", ""))

    def headers(self, request: HttpRequest) -> dict[str, str]:
        """The headers of a 200 and of a 304."""
        return _FOUND | {
            "Content-Language": self.language,
            "ETag": f'W/"{self.etag}"' if self.zips(request) else f'"{self.etag}"',
            "Last-Modified": http_date(int(self.changed_at.timestamp())),
        }

    def unchanged(self, request: HttpRequest) -> HttpResponseBase | None:
        """The 304 for a client that has this content already; None for any other."""
        headers = self.headers(request)
        answer = get_conditional_response(
            request, etag=headers["ETag"], last_modified=int(self.changed_at.timestamp())
        )
        if answer is not None:
            for name, value in headers.items():
                answer.headers[name] = value
        return answer


def _answer(request: HttpRequest, fetch: Fetch) -> HttpResponseBase:
    shown = _Shown(fetch.etag, fetch.changed_at, fetch.feed.compressed, fetch.feed.language)
    unchanged = shown.unchanged(request)
    if unchanged is not None:
        return unchanged
    headers = shown.headers(request)
    if shown.zips(request):
        body = render_gzipped(fetch=fetch)
        headers["Content-Encoding"] = "gzip"
    else:
        body = render_feed(fetch=fetch)
    headers["Content-Length"] = str(len(body))
    headers["Content-Disposition"] = 'inline; filename="dayzero.ics"'
    body = b"" if request.method == "HEAD" else body
    return HttpResponse(body, content_type="text/calendar; charset=utf-8", headers=headers)


def _takes_gzip(accepted: str) -> bool:
    """Whether the client asked for gzip by name; some say `*` and then stumble on it."""
    named = _GZIP.search(accepted)
    return named is not None and (named["weight"] is None or named["weight"].strip("0.") != "")
