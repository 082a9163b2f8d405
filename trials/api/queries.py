"""Parameters of a list, and the list's pages: shared by every endpoint that has any."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.utils.urls import remove_query_param, replace_query_param

from trials.keyset import Key, read_cursor, write_cursor

DEFAULT_SIZE = 100
LARGEST_SIZE = 200


class CursorField(serializers.CharField):
    """Where a page starts: a text from the `next` of the page before."""

    def to_internal_value(self, data: Any) -> Key:  # type: ignore[override]  # text in, key out
        try:
            return read_cursor(super().to_internal_value(data))
        except ValueError as error:
            raise serializers.ValidationError(
                _("This is no cursor. Follow “next” as it was given, or leave it out to start again."),
                code="invalid_cursor",
            ) from error


class ListQuery(serializers.Serializer):
    """The parameters that every list has; any that it does not know is refused, and not passed over."""

    cursor = CursorField(required=False, help_text="From the `next` of the page before.")
    page_size = serializers.IntegerField(
        min_value=1, max_value=LARGEST_SIZE, default=DEFAULT_SIZE, required=False
    )

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        unknown = sorted(set(data) - set(self.fields))
        if unknown:
            words = _("There is no such parameter; possible are %(names)s.")
            raise serializers.ValidationError(
                {name: [words % {"names": ", ".join(self.fields)}] for name in unknown},
                code="unknown_parameter",
            )
        return super().to_internal_value(data)


def page_document(request: Request, results: Sequence[Any], after: Key | None) -> dict[str, Any]:
    """A page and the address of the next one, None on the last."""
    here = remove_query_param(request.build_absolute_uri(), "cursor")
    following = replace_query_param(here, "cursor", write_cursor(after)) if after else None
    return {"next": following, "results": results}
