"""How the schema documents what every address can refuse."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers

from trials.api.answers import SPARSE
from trials.api.errors import PROBLEM, Problem

IF_NONE_MATCH = {
    "in": "header",
    "name": "If-None-Match",
    "schema": {"type": "string"},
    "description": "The `ETag` of what you have: 304 and no body where it is still so.",
}
ETAG = {
    "schema": {"type": "string"},
    "description": "Stands for what is shown; a record's has its version first.",
}
READING = (400, 401, 403, 404, 406, 429)
WRITING = (409, 412, 413, 415, 422, 428)


class ProblemSchema(AutoSchema):
    """Documents the one form of an error for every status that an address can answer with."""

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        """Add what every validated GET can answer: 304, and some of the fields under a type of its own."""
        operation: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        if operation is None or self.method != "GET":
            return operation
        whole = operation["responses"].get("200", {})
        if any(one["name"] == "fields" for one in operation.get("parameters", ())):
            whole["content"][SPARSE] = {"schema": {"type": "object", "additionalProperties": {}}}
        if getattr(self.view, "validates", False):
            operation.setdefault("parameters", []).append(IF_NONE_MATCH)
            whole["headers"] = {"ETag": ETAG}
            operation["responses"]["304"] = {"description": "What the reader has is what there is."}
        return operation

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        found: dict[str, Any] = super()._get_response_bodies(direction=direction)
        statuses = READING if self.method == "GET" else (*READING, *WRITING)
        for status in map(str, (*statuses, *getattr(self.view, "more_statuses", ()))):
            if direction == "response" and status not in found:
                found[status] = self._get_response_for_code(Problem, status, media_types=[PROBLEM])
        return dict(sorted(found.items()))


def page_of(
    name: str, item: type[serializers.Serializer], *, follows: bool = False
) -> type[serializers.Serializer]:
    """Make what the schema says of a page of a list; `follows` for one from which the feed goes on."""
    named: dict[str, Any] = {
        "next": serializers.URLField(
            allow_null=True, help_text="The address of the next page; null on the last."
        ),
        "next_cursor": serializers.CharField(allow_null=True, help_text="The `cursor` of the next page."),
    }
    if follows:
        named["changes_cursor"] = serializers.CharField(
            allow_null=True,
            help_text="On the first page: where the change feed stood when the read began. Read all pages, "
            "then follow /api/v1/changes from here.",
        )
    named["results"] = item(many=True, help_text="The records of this page, in their order.")
    words = "A page of a list, and where the next one begins."
    return type(f"{name}PageSerializer", (serializers.Serializer,), {**named, "__doc__": words})
