"""The one form of an error: `{"type", "errors": [{"code", "detail", "attr"}]}`."""

from __future__ import annotations

from django.utils.translation import gettext as _
from drf_standardized_errors.handler import ExceptionHandler
from rest_framework import serializers
from rest_framework.exceptions import NotAcceptable, ValidationError

from trials.domain.errors import DomainError

REFUSED_TYPES = ["validation_error", "client_error"]


class DomainExceptionHandler(ExceptionHandler):
    """Tell what the domain refuses as 400, field by field where the error knows its fields."""

    def convert_known_exceptions(self, exc: Exception) -> Exception:
        if isinstance(exc, DomainError):
            return ValidationError(getattr(exc, "fields", None) or str(exc))
        if isinstance(exc, NotAcceptable):
            return NotAcceptable(_("Dayzero answers in application/json; accept that."))
        known: Exception = super().convert_known_exceptions(exc)
        return known


class RefusedDetail(serializers.Serializer):
    """One thing that is wrong, and the parameter or field that it is about."""

    code = serializers.CharField()
    detail = serializers.CharField(help_text="What is wrong, and what would be right.")
    attr = serializers.CharField(allow_null=True)


class Refused(serializers.Serializer):
    """What is wrong with a request."""

    type = serializers.ChoiceField(REFUSED_TYPES)
    errors = RefusedDetail(many=True)  # type: ignore[assignment]  # a field, and not the property
