"""How a change of dates is shown in a template: as a picture, and as a list of effects."""

from __future__ import annotations

from typing import Any

from django import template

from schedules.web.replanning.effects import effect_lines
from schedules.web.replanning.pictures import picture_of
from schedules.web.shared.preview_rows import PreviewRows

register = template.Library()


@register.inclusion_tag("replanning/picture.html")
def move_picture(rows: PreviewRows) -> dict[str, Any]:
    """The weeks around day zero before and after; nothing where they stay as they are."""
    return {"picture": picture_of(rows.preview)}


@register.inclusion_tag("replanning/effects.html", takes_context=True)
def move_effects(context: dict[str, Any], rows: PreviewRows) -> dict[str, Any]:
    """What changes, the most severe first."""
    return {"effects": effect_lines(rows.preview, rows, context.get("against"))}
