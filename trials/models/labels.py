"""The column of a label: English, or English and Chinese with a sign between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import models

from trials.domain.language import from_kept, kept


class LabelField(models.CharField):
    """A label that comes back in both languages; in the database it is an ordinary text.

    It reads as CharField in migrations, since the column is one.
    """

    def from_db_value(self, value: str | None, *_: object) -> str | None:
        """Return the label with its other language."""
        return None if value is None else from_kept(value)

    def to_python(self, value: Any) -> Any:
        """Read what a form or a fixture gives, both languages in one text."""
        return from_kept(value) if isinstance(value, str) else super().to_python(value)

    def get_prep_value(self, value: Any) -> Any:
        """Write both languages into one text."""
        value = super().get_prep_value(value)
        return kept(value) if isinstance(value, str) else value

    def value_from_object(self, obj: models.Model) -> Any:
        """Show a form both languages, so that saving it loses none."""
        value = super().value_from_object(obj)
        return kept(value) if isinstance(value, str) else value

    def run_validators(self, value: Any) -> None:
        """Judge the length of what is kept, not of the English alone."""
        super().run_validators(kept(value) if isinstance(value, str) else value)

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        """Describe the column as the CharField that it is: no migration is due for the reading of it."""
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs
