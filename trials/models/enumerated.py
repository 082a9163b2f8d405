"""Columns that hold one of a few words: the words with their names, and the check that keeps others out.

Every such column has both; `tests/integration/store/test_enumerated_columns.py` asks it of each model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

Word = TypeVar("Word", bound=str)


def choices_of(names: Mapping[Word, str | Promise]) -> list[tuple[str, str | Promise]]:
    """Each word with its name, in the reader's language; a marked message is translated when it is read."""
    return [
        (str(word), name if isinstance(name, Promise) else gettext_lazy(name)) for word, name in names.items()
    ]


def only(column: str, words: Iterable[str], *, name: str, blank: bool = False) -> models.CheckConstraint:
    """Make the check that a column holds one of these words, or with `blank` nothing."""
    allowed = [*([""] if blank else []), *(str(word) for word in words)]
    return models.CheckConstraint(condition=models.Q(**{f"{column}__in": allowed}), name=name)
