"""The API's documentation, from this server and under its strict policy."""

from __future__ import annotations

from drf_spectacular.views import SpectacularSwaggerSplitView


class Documentation(SpectacularSwaggerSplitView):
    """Swagger UI whose script is a request of its own, with no style in the page."""

    url_name = "api-schema"
    template_name = "api/docs.html"
