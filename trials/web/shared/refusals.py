"""How a page shows what a service refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.forms import BaseForm


def put_refusals(form: BaseForm, fields: Mapping[str, Sequence[str]]) -> None:
    """Put what was refused next to its fields; above the form where it has no such field."""
    for name, messages in fields.items():
        form.add_error(name if name in form.fields else None, list(messages))
