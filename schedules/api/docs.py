"""The API's schema and documentation, from this server and under its strict policy."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.renderers import (
    OpenApiJsonRenderer,
    OpenApiJsonRenderer2,
    OpenApiYamlRenderer,
    OpenApiYamlRenderer2,
)
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from trials.api.queries import refuse_query

FORMATS: dict[str, list[type[BaseRenderer]]] = {
    "json": [OpenApiJsonRenderer, OpenApiJsonRenderer2],
    "yaml": [OpenApiYamlRenderer, OpenApiYamlRenderer2],
}


class Schema(SpectacularAPIView):
    """The schema as YAML or JSON: as `format` says, else as the client accepts it."""

    def get_renderers(self) -> list[BaseRenderer]:
        """Those of the format that is asked for; of every one where none is, or where it is refused."""
        asked = FORMATS.get(self.request.query_params.get("format", ""))
        found: list[BaseRenderer] = [one() for one in asked] if asked else super().get_renderers()
        return found

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        refuse_query(request.query_params, ("format", "lang", "version"))
        if request.query_params.get("format", "json") not in FORMATS:
            words = _("Give one of %(formats)s.") % {"formats": ", ".join(FORMATS)}
            raise ValidationError({"format": [words]})
        return super().get(request, *args, **kwargs)


class Documentation(SpectacularSwaggerSplitView):
    """Swagger UI whose script is a request of its own, with no style in the page."""

    url_name = "api-schema"
    template_name = "api/docs.html"
