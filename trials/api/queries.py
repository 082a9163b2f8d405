"""Parameters of a list, and the list's pages: shared by every endpoint that has any."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.fields import empty
from rest_framework.request import Request
from rest_framework.utils.urls import remove_query_param, replace_query_param

from trials.keyset import Place, read_cursor, write_cursor

DEFAULT_SIZE = 100
LARGEST_SIZE = 200


class CursorField(serializers.CharField):
    """Where a page starts: a text from the `next` of the page before."""

    def to_internal_value(self, data: Any) -> Place:  # type: ignore[override]  # text in, key out
        try:
            return read_cursor(super().to_internal_value(data))
        except ValueError as error:
            raise serializers.ValidationError(
                _("This is no cursor. Follow “next” as it was given, or leave it out to start again."),
                code="invalid_cursor",
            ) from error


class SeveralField(serializers.ListField):
    """A parameter that is given once for each of its values; without any, an empty list."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, default=list, **kwargs)

    def get_value(self, dictionary: Any) -> Any:
        # its own would look for `name[0]` by reading every parameter as one value, which refuses several
        if not isinstance(dictionary, MultiValueDict):
            return super().get_value(dictionary)
        return dictionary.getlist(self.field_name) or empty


class ListQuery(serializers.Serializer):
    """The parameters that every list has.

    One that it does not know is refused, and so is one that is given twice and takes one value: to pass
    over either would answer another question than the one that was asked.
    """

    cursor = CursorField(required=False, help_text="From the `next` of the page before.")
    page_size = serializers.IntegerField(
        min_value=1, max_value=LARGEST_SIZE, default=DEFAULT_SIZE, required=False
    )

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        lists = (serializers.MultipleChoiceField, SeveralField)
        several = [name for name, field in self.fields.items() if isinstance(field, lists)]
        refuse_query(data, self.fields, several)
        return super().to_internal_value(data)


def id_after(asked: Mapping[str, Any]) -> int | None:
    """Read the id after which a list by id goes on; raises ValidationError for a place in a list by days."""
    after = asked.get("cursor")
    if isinstance(after, tuple):
        words = _("This cursor is of another order. Leave it out to start again.")
        raise serializers.ValidationError({"cursor": [words]})
    return after


def refuse_query(asked: Any, names: Collection[str], several: Collection[str] = ()) -> None:
    """Refuse parameters that are not among these names, and those given more than once but for `several`."""
    wrong: dict[str, list[ErrorDetail]] = {}
    for name in sorted(set(asked)):
        given = asked.getlist(name) if isinstance(asked, MultiValueDict) else [asked[name]]
        if name not in names:
            words = _("There is no such parameter; possible are %(names)s.")
            said = words % {"names": ", ".join(names) or _("none")}
            wrong[name] = [ErrorDetail(said, "unknown_parameter")]
        elif len(given) > 1 and name not in several:
            words = _("Given %(count)d times (%(values)s): give it once, and ask again for each other value.")
            said = words % {"count": len(given), "values": ", ".join(given)}
            wrong[name] = [ErrorDetail(said, "repeated_parameter")]
    if wrong:
        raise serializers.ValidationError(wrong)


def page_document(request: Request, results: Sequence[Any], after: Place | None) -> dict[str, Any]:
    """A page and the address of the next one, None on the last."""
    here = remove_query_param(request.build_absolute_uri(), "cursor")
    cursor = write_cursor(after) if after else None
    following = replace_query_param(here, "cursor", cursor) if cursor else None
    return {"next": following, "next_cursor": cursor, "results": results}
