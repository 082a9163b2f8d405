"""What a machine sends: JSON of a bounded size and depth, whose fields are all known."""

from __future__ import annotations

import codecs
import json
from contextlib import suppress
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ParseError
from rest_framework.parsers import JSONParser

from trials.api.refusals import BodyTooLarge

LARGEST_BODY = 2 * 1024 * 1024
MOST_PASSED_OVER = 8 * LARGEST_BODY
_PIECE = 64 * 1024


def pass_over_body(request: HttpRequest) -> None:
    """Read what a client still sends of a request that is refused, up to 16 MiB.

    Who closes the connection while the other one sends loses the answer with it: the client hears of a
    broken pipe, and not of what it should mend.
    """
    left = MOST_PASSED_OVER
    with suppress(OSError):  # the client is gone; UnreadablePostError is one
        while left > 0 and (piece := request.read(_PIECE)):
            left -= len(piece)


class StrictJSONParser(JSONParser):
    """Reads JSON; refuses a body that is too large, is nested too deep or gives one name twice."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """The value in the body. Raises BodyTooLarge and ParseError."""
        raw = stream.read(LARGEST_BODY + 1)
        if len(raw) > LARGEST_BODY:
            words = _("The body is larger than %(count)d bytes. Send it in parts.")
            raise BodyTooLarge(words % {"count": LARGEST_BODY})
        try:
            text = codecs.decode(raw, "utf-8")
            value = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
            if "\\u" in text:  # only an escape can write half of a character, which no answer could repeat
                json.dumps(value, ensure_ascii=False).encode()
        except RecursionError as error:
            raise ParseError(_("The JSON is nested too deep.")) from error
        except ValueError as error:
            raise ParseError(_("This is no JSON: %(error)s") % {"error": error}) from error
        return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if any("\0" in name for name in found):  # of a value the field says so
        raise ParseError(_("Null characters are not allowed."))
    if len(found) < len(pairs):
        names = [name for name, _value in pairs]
        twice = sorted({_writable(name) for name in names if names.count(name) > 1})
        raise ParseError(_("Given twice: %(names)s.") % {"names": ", ".join(twice)})
    return found


def _writable(name: str) -> str:
    """A name as it can be answered: half of a character by its escape."""
    return name.encode("utf-8", "backslashreplace").decode()


def _no_constant(name: str) -> Any:
    raise ValueError(name)


class StrictSerializer(serializers.Serializer):
    """Fields of a body; one that it does not know is refused by name, since to pass over it would lose it."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            known = [name for name, field in self.fields.items() if not field.read_only]
            refuse_unknown(sorted(map(str, set(data) - set(known))), known)
        return super().to_internal_value(data)


def refuse_unknown(unknown: list[str], known: list[str]) -> None:
    """Raise ValidationError that names each unknown field and the fields there are."""
    if unknown:
        words = _("There is no such field; possible are %(names)s.") % {"names": ", ".join(known)}
        raise serializers.ValidationError({name: [ErrorDetail(words, "unknown_field")] for name in unknown})
