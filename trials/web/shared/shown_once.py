"""An answer with a secret that is shown once: a form that is sent twice is given the same one again."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string


class ShownOnce(HttpResponse):
    """A page that cannot be asked for again, as what it shows is stored encrypted."""


def render_once(request: HttpRequest, template: str, context: dict[str, Any]) -> ShownOnce:
    """Render a page that is the answer to a form, and that nobody sees again."""
    return ShownOnce(render_to_string(template, context, request))
