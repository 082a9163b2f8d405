"""Codes and numbers as people type or paste them, among them from a Chinese keyboard."""

from __future__ import annotations

import unicodedata
from typing import Any

from django import forms

_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−"), "-")


def plain_code(text: str) -> str:
    """A code in plain characters: full-width letters, digits and signs, and every dash, are one with them."""
    return unicodedata.normalize("NFKC", text).translate(_DASHES).strip()


class CodeField(forms.CharField):
    """A code or a number, read as it was meant."""

    def to_python(self, value: Any) -> str:
        """The text in plain characters."""
        return plain_code(super().to_python(value) or "")
