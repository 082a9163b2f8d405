"""The one form of an error: problem details (RFC 9457), with a code for each thing that is wrong."""

from __future__ import annotations

from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.utils.translation import gettext as _
from drf_standardized_errors.formatter import ExceptionFormatter
from drf_standardized_errors.handler import ExceptionHandler
from drf_standardized_errors.types import ErrorResponse
from rest_framework import serializers
from rest_framework.exceptions import APIException, ErrorDetail, NotAcceptable, ValidationError
from rest_framework.response import Response

from trials.api.bodies import pass_over_body
from trials.api.refusals import BodyTooLarge, Overtaken
from trials.api.rendering import JSON, OrjsonRenderer
from trials.domain.errors import DomainError, Refused, Stale
from trials.domain.refusals import INVALID
from trials.spoken import say

PROBLEM = "application/problem+json"
TYPES = "urn:dayzero:problem:"


class ProblemFormatter(ExceptionFormatter):
    """Writes what is wrong as problem details: `code` of the whole, and `errors` one by one."""

    def format_error_response(self, error_response: ErrorResponse) -> dict[str, Any]:
        """The document, with the current state beside it where the reader was overtaken."""
        errors = [asdict(error) for error in error_response.errors]
        one = errors[0] if errors else {"code": "error", "detail": "", "attr": None}
        code = error_response.type if isinstance(self.exc, ValidationError) else one["code"]
        status = int(self.exc.status_code)
        document = {
            "type": f"{TYPES}{code}",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "detail": " ".join(error["detail"] for error in errors),
            "code": code,
            "errors": errors,
        }
        current = getattr(self.exc, "current", None)
        return document if current is None else {**document, "current": current}


class DomainExceptionHandler(ExceptionHandler):
    """Tell what the domain refuses as 400, field by field where the error knows its fields."""

    def convert_known_exceptions(self, exc: Exception) -> Exception:
        if isinstance(exc, Stale):
            return Overtaken(overtaken(exc))
        if isinstance(exc, DomainError):
            return ValidationError(_named(exc))
        if isinstance(exc, RequestDataTooBig):
            return BodyTooLarge(_("The body is too large. Send it in parts."))
        if isinstance(exc, NotAcceptable):
            return NotAcceptable(_("Dayzero answers in application/json; accept that."))
        known: Exception = super().convert_known_exceptions(exc)
        return known

    def get_response(self, exc: APIException, data: dict[str, Any]) -> Response:
        """The answer: JSON, in whatever form the address answers otherwise, once the body is read."""
        request: Any = self.context["request"]
        request.accepted_renderer, request.accepted_media_type = OrjsonRenderer(), JSON
        pass_over_body(request._request)  # noqa: SLF001  Django's own request, whose body may be unread
        answer: Response = super().get_response(exc, data)
        answer.content_type = PROBLEM
        return answer


def overtaken(stale: Stale) -> str:
    """Say which version was named and which there is."""
    words = _("Version %(shown)d was named and %(version)d is on record. Read it again, then decide.")
    return words % {"shown": stale.shown, "version": stale.version}


def _named(error: DomainError) -> Any:
    """What is wrong, by field and with its code; what is about the whole under DRF's name for that."""
    if field := getattr(error, "field", ""):
        return {field: [str(error)]}
    if not isinstance(error, Refused) or not error.fields:
        return str(error)
    codes = {(one.field, one.text(say)): one.code for one in error.refusals}
    return {
        name or "non_field_errors": [
            ErrorDetail(message, codes.get((name, message), INVALID)) for message in messages
        ]
        for name, messages in error.fields.items()
    }


class ProblemDetail(serializers.Serializer):
    """One thing that is wrong, and the parameter or field that it is about."""

    code = serializers.CharField(help_text="A word for machines; it does not change with the language.")
    detail = serializers.CharField(help_text="What is wrong, and what would be right.")
    attr = serializers.CharField(allow_null=True, help_text="The parameter or field; null for the whole.")


class Problem(serializers.Serializer):
    """What is wrong with a request, as RFC 9457 says it."""

    type = serializers.CharField(help_text="A URN that ends in `code`.")
    title = serializers.CharField(help_text="The phrase of the HTTP status.")
    status = serializers.IntegerField(help_text="The HTTP status.")
    detail = serializers.CharField(help_text="All that is wrong, in words.")
    code = serializers.CharField(help_text="A word for machines for the whole problem.")
    errors = ProblemDetail(many=True)  # type: ignore[assignment]  # a field, and not the property
    current = serializers.JSONField(
        required=False, help_text="With 412: the record as it is now, so that you can decide."
    )
