"""A program that reads the API, and what it makes of the answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Ask = Callable[..., Any]


def problem(response: Any) -> dict[str, Any]:
    """The first thing that is wrong, by the one format."""
    body = response.json()
    assert set(body) - {"current"} == {"type", "title", "status", "detail", "code", "errors"}
    assert body["status"] == response.status_code
    assert body["type"] == f"urn:dayzero:problem:{body['code']}"
    assert response["Content-Type"].startswith("application/problem+json")
    assert set(body["errors"][0]) == {"code", "detail", "attr"}
    return {"status": response.status_code, **body["errors"][0]}


def all_pages(ask: Ask, address: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while address:
        page = ask(address).json()
        assert set(page) - {"changes_cursor"} == {"next", "next_cursor", "results"}, "nothing is counted"
        found += page["results"]
        address = page["next"]
    return found
