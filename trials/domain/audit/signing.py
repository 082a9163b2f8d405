"""Signatures bound to what was signed: canonical text, its digest, and what became of it since.

21 CFR 11.50 and 11.70: printed name, time, meaning; linked to the record, so that it cannot be
carried over to another one.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

Content = Mapping[str, Any]
"""What is signed, as plain data: texts, numbers, booleans, None, and lists and mappings of them."""

FIRST_FORM = 1
"""The form of content that carries no number of its form."""

PROOF_HOLDS = timedelta(minutes=5)
"""How long a proof of who somebody is may be used for a signature."""


class Standing(StrEnum):
    """Whether a signature still covers what is on record."""

    STANDS = "stands"
    VOID = "void"


class How(StrEnum):
    """By what somebody proved at signing who they are."""

    PASSWORD = "password"  # noqa: S105 - the word, not a secret
    PASSKEY = "passkey"


@dataclass(frozen=True, slots=True)
class Proof:
    """That the owner of an account was at the keyboard: whose account, by what (which passkey), and when."""

    user_id: int
    how: How
    at: datetime
    credential: int | None = None

    def holds_for(self, user_id: int, now: datetime) -> bool:
        """Whether this proves, now, that it is this user."""
        return self.user_id == user_id and timedelta(0) <= now - self.at <= PROOF_HOLDS


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs from what was signed: where, what was signed and what is on record."""

    path: str
    signed: str
    now: str


def canonical_text(content: Content) -> str:
    """What is signed as text: JSON with sorted keys, without white space, in Unicode's form C."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return unicodedata.normalize("NFC", text)


def digest_of(text: str) -> str:
    """The name of exactly this text: `sha256:` and its hash."""
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def content_digest(content: Content) -> str:
    """The digest that a signature of this content carries."""
    return digest_of(canonical_text(content))


def numbered(content: Content, form: int) -> Content:
    """Content that says in which form it is; the first form has no number, as it was signed before."""
    return content if form == FIRST_FORM else {"form": form, **content}


def form_of(signed_text: str) -> int:
    """Give the form in which a text was signed; the first where it names none, or is no JSON any longer."""
    try:
        form = json.loads(signed_text).get("form", FIRST_FORM)
    except (ValueError, AttributeError):
        return FIRST_FORM
    return form if isinstance(form, int) else FIRST_FORM


def standing(signed_text: str, signed_digest: str, digest_now: str) -> Standing:
    """Whether a signature stands: void once the record or its own text is not what its digest is of."""
    if digest_of(signed_text) != signed_digest or signed_digest != digest_now:
        return Standing.VOID
    return Standing.STANDS


def changes_since(signed: Content, now: Content) -> Iterator[Change]:
    """Everything in which the content now differs from the signed one, in the order of the paths."""
    was, present = dict(_leaves(signed, "")), dict(_leaves(now, ""))
    for path in sorted({*was, *present}):
        if was.get(path) != present.get(path):
            yield Change(path, _shown(was.get(path)), _shown(present.get(path)))


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every single value by its path; an item of a list goes by its code where it has one."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for place, inner in enumerate(value, 1):
            yield from _leaves(inner, f"{path}[{_name(inner, place)}]")
    else:
        yield path, value


def _name(item: Any, place: int) -> str:
    """What an item of a list goes by: its code, and the attempt after the first."""
    if not isinstance(item, Mapping) or "code" not in item:
        return str(place)
    attempt = item.get("attempt", 1)
    return str(item["code"]) if attempt == 1 else f"{item['code']} {attempt}"


def _shown(value: Any) -> str:
    return "–" if value in {None, ""} else str(value)
