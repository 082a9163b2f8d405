"""Pages leave compressed, but for those that show a secret.

A page of 90 KB is 7 KB on the wire. Compression tells something about a secret that stands beside what a
stranger can put into the page (BREACH): Django pads the answer and masks the form's token, and a page that
shows a secret once is marked `no-store` and leaves as it is. Answers of the API and feeds compress by
themselves, since their validators depend on it.
"""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware


class PageCompressionMiddleware(GZipMiddleware):
    """Compress HTML that holds no secret, for browsers that accept it."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Return the answer, compressed where it is a page without a secret."""
        page = response.get("Content-Type", "").startswith("text/html")
        if not page or "no-store" in response.get("Cache-Control", ""):
            return response
        return super().process_response(request, response)
