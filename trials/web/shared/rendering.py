"""How forms are written: a refused one puts the reader where something is to be mended."""

from __future__ import annotations

from typing import Any

from django.forms import BaseForm, BoundField, Widget
from django.forms.boundfield import BoundWidget
from django.forms.renderers import DjangoTemplates
from django.utils.functional import cached_property


class Field(BoundField):
    """A field that has the focus where it is the first wrong one; of several inputs the first has it."""

    def build_widget_attrs(self, attrs: dict[str, Any], widget: Widget | None = None) -> dict[str, Any]:
        """The attributes of the input, as Django has them, and the focus."""
        built = super().build_widget_attrs(attrs, widget)
        return {**built, "autofocus": True} if self.errors and self.name == first_wrong(self.form) else built

    @cached_property
    def subwidgets(self) -> list[BoundWidget]:
        """The inputs of a choice."""
        found = list(super().subwidgets)
        for later in found[1:]:
            later.data["attrs"].pop("autofocus", None)
        return found


class Renderer(DjangoTemplates):
    """Django's own, with our fields."""

    bound_field_class = Field


def first_wrong(form: BaseForm) -> str:
    """The first field with an error; empty for none, and where what is wrong with the whole comes first."""
    if form.non_field_errors():
        return ""
    return next((field.name for field in form.visible_fields() if field.errors), "")
