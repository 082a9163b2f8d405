"""No list is forgotten: every address that answers GET is asked for its plan, or named with the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver

from tests.integration.access.classification import ADDRESSES
from tests.integration.store.lists import LISTS, OTHERWISE

ADMIN = ("index", "changelist")


def names(resolver: URLResolver, space: str = "") -> Iterator[str]:
    """The names of all addresses, with their namespaces."""
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from names(pattern, pattern.namespace or space)
        elif isinstance(pattern, URLPattern) and pattern.name:
            yield f"{space}:{pattern.name}" if space else pattern.name


def test_every_address_that_is_read_is_a_list_or_says_why_not() -> None:
    read = {
        name
        for name in names(get_resolver())
        if (name.startswith("admin:") and name.endswith(ADMIN)) or _answers_get(name)
    }
    entered = Counter([*LISTS, *(name for group in OTHERWISE.values() for name in group)])
    assert sorted(read - set(entered)) == []  # enter it in tests/integration/store/lists.py
    assert sorted(set(entered) - read) == []
    assert [name for name, times in entered.items() if times > 1] == []


def _answers_get(name: str) -> bool:
    """Whether the access matrix says that an address answers GET; it knows all but the admin's."""
    return name in ADDRESSES and ADDRESSES[name].get is not None
