"""Parameters of a list, and the list's pages: shared by every endpoint that has any."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from typing import Any

from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.fields import empty

from trials.keyset import Place, read_cursor

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

    def run_child_validation(self, data: Any) -> list[Any]:
        """Each value by itself; what is wrong with any of them is wrong with the parameter."""
        try:
            checked: list[Any] = super().run_child_validation(data)
        except serializers.ValidationError as error:
            found: Any = error.detail
            wrong = found.values() if isinstance(found, dict) else found
            raise serializers.ValidationError([one for each in wrong for one in each]) from error
        return checked


class Query(serializers.Serializer):
    """The parameters of an address; one that it does not know, or that comes too often, is refused.

    Fields are made for those parameters that are given: a request has two of twenty, and to copy all of
    them costs as much as to read a page.
    """

    def get_fields(self) -> dict[str, serializers.Field]:
        """The fields of what is given; all of them where the schema asks."""
        if not hasattr(self, "initial_data"):
            found: dict[str, serializers.Field] = super().get_fields()
            return found
        given = self.initial_data
        return {
            name: copy.deepcopy(field)
            for name, field in self._declared_fields.items()
            if field.required or name in given
        }

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """What is asked for, with the defaults of what is not. Raises ValidationError."""
        refuse_unasked(self, data)
        values: dict[str, Any] = super().to_internal_value(data)
        for name, field in self._declared_fields.items():
            if name not in values and field.default is not empty:
                values[name] = field.default() if callable(field.default) else field.default
        return values


class ListQuery(Query):
    """The parameters that every list has.

    One that it does not know is refused, and so is one that is given twice and takes one value: to pass
    over either would answer another question than the one that was asked.
    """

    cursor = CursorField(required=False, help_text="From the `next` of the page before.")
    page_size = serializers.IntegerField(
        min_value=1,
        max_value=LARGEST_SIZE,
        default=DEFAULT_SIZE,
        required=False,
        help_text="How many records a page holds.",
    )


class SparseMixin(serializers.Serializer):
    """The parameter by which a list or a record is read in part; `shows` is what is read as a whole."""

    shows: type[serializers.Serializer] | None = None

    fields = serializers.CharField(  # type: ignore[assignment]  # a parameter, and not the property
        required=False,
        max_length=2000,
        help_text="Only these fields of each record, by commas: `id,code,opens`. The answer is then of the "
        "type `application/vnd.dayzero.sparse+json`.",
    )

    def validate_fields(self, text: str) -> list[str]:
        known = list(self.shows().fields) if self.shows else []
        names = [name.strip() for name in text.split(",") if name.strip()]
        unknown = [name for name in names if name not in known]
        if unknown or not names:
            words = _("There is no field %(unknown)s; possible are %(names)s.")
            said = words % {"unknown": ", ".join(unknown) or "“”", "names": ", ".join(known)}
            raise serializers.ValidationError(said, code="unknown_field")
        return names

    @property
    def names(self) -> list[str]:
        """The fields that are asked for; none for all of them."""
        asked: list[str] = self.validated_data.get("fields", [])
        return asked


class OneQuery(Query):
    """The parameters of an address that shows one thing."""


def refuse_unasked(query: serializers.Serializer, data: Any) -> None:
    """Refuse parameters that a query does not know, and those that take one value and are given several."""
    lists = (serializers.MultipleChoiceField, SeveralField)
    known = query._declared_fields  # noqa: SLF001  a query makes the fields of what is given alone
    refuse_query(data, known, [name for name, field in known.items() if isinstance(field, lists)])


def id_after(asked: Mapping[str, Any]) -> int | None:
    """Read the id after which a list by id goes on; raises ValidationError for a place in a list by days."""
    after = asked.get("cursor")
    if isinstance(after, tuple):
        words = _("This cursor belongs to another sort order. Leave it out to start again.")
        raise serializers.ValidationError({"cursor": [words]})
    return after


def refuse_query(asked: Any, names: Collection[str], several: Collection[str] = ()) -> None:
    """Refuse parameters that are not among these names, that have no value, or too many but for `several`."""
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
        elif "" in given:
            words = _("Given without a value: give one, or leave the parameter out.")
            wrong[name] = [ErrorDetail(words, "empty_parameter")]
    if wrong:
        raise serializers.ValidationError(wrong)
