"""Measures for Prometheus at `/metrics/`: read from the database and the broker when they are asked for.

So they are the same from whichever process answers. A request shows METRICS_TOKEN as a bearer token.
"""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from trials import request_clock


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Give the measures to anyone who shows the token; to anyone else there is no such page."""
    shown = request.headers.get("Authorization", "")
    if not settings.METRICS_TOKEN or not constant_time_compare(shown, f"Bearer {settings.METRICS_TOKEN}"):
        return HttpResponseNotFound(b"Not Found\n", content_type="text/plain; charset=utf-8")
    from config import measures  # noqa: PLC0415  nobody else needs its library

    text, kind = measures.text_at(request_clock.now())
    return HttpResponse(text, content_type=kind)
