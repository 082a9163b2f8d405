"""Pages leave compressed, but for those that show a secret.

A page of 90 KB is 7 KB on the wire. Compression tells something about a secret that stands beside what a
stranger can put into the page (BREACH): Django pads the answer and masks the form's token, and a page that
shows a secret once is marked `no-store` and leaves as it is. Answers of the API show no secret, but for those
that give out a token, which are `no-store`. A feed compresses by itself, since it is kept compressed.
"""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

API = "/api/"
COMPRESSED = (
    "application/json",
    "application/problem+json",
    "application/vnd.dayzero",
    "application/x-ndjson",
    "application/xml",
    "text/csv",
)
GZIP = '-gzip"'


class PageCompressionMiddleware(GZipMiddleware):
    """Compress HTML that holds no secret and the answers of the API, for readers that accept it."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Return the answer, compressed where it is one without a secret.

        The tag of an answer of the API stays a strong one, since If-Match takes no other, and says which of
        the two representations it is.
        """
        kind = response.get("Content-Type", "")
        api = request.path.startswith(API) and kind.startswith(COMPRESSED)
        if not (api or kind.startswith("text/html")) or "no-store" in response.get("Cache-Control", ""):
            return response
        tag = response.get("ETag", "")
        answer = super().process_response(request, response)
        if api and tag.endswith('"') and answer.get("Content-Encoding") == "gzip":
            answer.headers["ETag"] = f"{tag[:-1]}{GZIP}"
        return answer
