"""Views that wait for somebody outside: none of them may hold a transaction while it does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.http import HttpRequest
from django.urls import Resolver404, resolve

_MARK = "calls_out"
View = TypeVar("View", bound=Callable[..., Any])


def calls_out(view: View) -> View:
    """Mark a view that sends something and waits for the answer."""
    setattr(view, _MARK, True)
    return view


def is_calling_out(request: HttpRequest) -> bool:
    """Whether the view of a request is one; no for an address of nothing."""
    try:
        view: Any = resolve(request.path_info).func
    except Resolver404:
        return False
    return bool(getattr(view, _MARK, False))
