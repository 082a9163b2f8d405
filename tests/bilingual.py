"""A shipped protocol with every label in two made-up languages, so that a page shows which one it took."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from trials.formats.protocols import library
from trials.formats.protocols.yaml_text import read_text

ENGLISH, CHINESE = "Qxen", "甲文"


def bilingual(code: str = "CART-SLE", **changes: Any) -> str:
    """The document of a shipped protocol, each label, reason and note marked by its language."""
    data = read_text(library.path(code).read_bytes()).data
    assert isinstance(data, dict)
    return json.dumps({**_both("", data), **changes}, default=date.isoformat, ensure_ascii=False)


def both(text: str) -> dict[str, str]:
    """A text in two languages, each marked."""
    return {"en": f"{ENGLISH} {text}", "zh": f"{CHINESE} {text.replace(' ', '')}"}


def _both(key: str, value: Any) -> Any:
    if key in ("label", "assumed", "then", "title", "taken") and isinstance(value, str):
        return both(value)
    if key in ("notes", "statements"):
        return [both(one) for one in value]
    if isinstance(value, dict):
        return {inner: _both(inner, item) for inner, item in value.items()}
    return [_both("", item) for item in value] if isinstance(value, list) else value
