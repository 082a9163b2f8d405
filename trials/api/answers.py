"""Answers of reading addresses: with a validator, some of the fields, or nothing where nothing changed."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.http import HttpResponse
from django.utils.cache import patch_vary_headers
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

from trials.api.rendering import JSON, to_json
from trials.keyset import Place, write_cursor

SPARSE = "application/vnd.dayzero.sparse+json"
"""What an answer with some of its fields is called: it does not fulfil the schema of the whole."""

GZIP = '-gzip"'
"""How the tag of a compressed answer ends (config/compression.py)."""

NOT_MODIFIED = 304
_DIGITS = 16
_VARY = ("Authorization", "Cookie", "Accept-Language")


def answer(
    request: Request, document: Any, *, version: int | None = None, beside: Mapping[str, Any] | None = None
) -> HttpResponse:
    """Answer a GET with a document and its ETag: 304 where the reader has it already.

    The tag is the digest of what is shown, after the version of a record that has one. `beside` is part of
    the answer and not of the tag: it says where the reader stands, and not what the records are.
    """
    shown = to_json(document)
    digest = hashlib.sha256(shown).hexdigest()[:_DIGITS]  # processors have it built in; nobody forges a tag
    tag = f'"{digest}"' if version is None else f'"{version}-{digest}"'
    if request.method in ("GET", "HEAD") and _known(request, tag):
        response = HttpResponse(status=NOT_MODIFIED)
    else:
        body = shown[:-1] + b"," + to_json(beside)[1:] if beside else shown  # written once
        response = HttpResponse(body, content_type=SPARSE if "fields" in request.query_params else JSON)
    response["ETag"] = tag
    response["Cache-Control"] = "private, no-cache"
    patch_vary_headers(response, _VARY)
    return response


def page_answer(
    request: Request,
    results: Sequence[Any],
    after: Place | None,
    beside: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """Answer with a page of a list, the address of the next one and its cursor; both null on the last."""
    cursor = write_cursor(after) if after else None
    following = None
    if cursor:
        following = replace_query_param(request.build_absolute_uri(), "cursor", cursor)
    return answer(request, {"next": following, "next_cursor": cursor, "results": results}, beside=beside)


def some_of(documents: Iterable[Mapping[str, Any]], names: Collection[str]) -> list[Mapping[str, Any]]:
    """The documents with only these fields; as they are where none are named."""
    if not names:
        return list(documents)
    return [{name: one[name] for name in one if name in names} for one in documents]


def _known(request: Request, tag: str) -> bool:
    """Whether the reader says that it has this; compared weakly, as RFC 9110 has it for If-None-Match."""
    given = request.headers.get("If-None-Match", "")
    have = {one.strip().removeprefix("W/").replace(GZIP, '"') for one in given.split(",")}
    return given.strip() == "*" or tag in have
