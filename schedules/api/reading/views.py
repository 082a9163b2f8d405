"""What every list of the API does alike."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from rest_framework import serializers
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.views import APIView

from trials.api.answers import page_answer, some_of
from trials.api.queries import ListQuery, SparseMixin
from trials.keyset import Place
from trials.selectors.records import roles_read_once

Query = TypeVar("Query", bound=serializers.Serializer)


class ReadView(APIView):
    """An address that is read, and whose answers carry a validator."""

    validates = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer; the roles of the reader are read once, for the permission and for what is in sight."""
        if request.method not in SAFE_METHODS:
            return super().dispatch(request, *args, **kwargs)
        with roles_read_once():
            return super().dispatch(request, *args, **kwargs)


def asked(query: type[Query], request: Request) -> Query:
    """The parameters of a request, checked. Raises ValidationError."""
    found = query(data=request.query_params)
    found.is_valid(raise_exception=True)
    return found


def listed(
    request: Request,
    query: ListQuery,
    item: type[serializers.Serializer],
    page: tuple[Sequence[Any], Place | None],
    beside: Mapping[str, Any] | None = None,
    *,
    without: Collection[str] = (),
) -> HttpResponse:
    """A page of rows as a serializer shows them, with the fields that are asked for; never with `without`."""
    rows, after = page
    names = query.names if isinstance(query, SparseMixin) else []
    shown: Any = item(rows, many=True)
    fields = shown.child.fields
    for name in {*without, *(set(fields) - set(names) if names else ())}:
        fields.pop(name)
    return page_answer(request, some_of(shown.data, names), after, beside)
