"""From one page of a list to the next."""

from __future__ import annotations

from django.http import HttpRequest


def neighbours(request: HttpRequest, number: int, pages: int) -> dict[str, str]:
    """The addresses of the pages before and after this one, with everything else that was asked for."""
    before = _address(request, number - 1) if number > 1 else ""
    after = _address(request, number + 1) if number < pages else ""
    return {"previous": before, "next": after}


def _address(request: HttpRequest, number: int) -> str:
    asked = request.GET.copy()
    asked["page"] = str(number)
    return f"?{asked.urlencode()}"
