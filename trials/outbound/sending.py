"""Send one request through the guarded connection."""

from __future__ import annotations

from collections.abc import Mapping

from trials.outbound.answers import Answer

SECONDS = 10.0
"""How long a request may take, from the first byte out to the last byte in."""


def post(
    url: str, body: bytes, *, headers: Mapping[str, str] | None = None, seconds: float = SECONDS
) -> Answer:
    """Post a body to a URL and give the answer, whatever its status; redirects are not followed.

    Raises OutboundRefused where the URL is wrong or the address connected to is not allowed, and
    OutboundUnreachable where nobody answers within `seconds`.
    """
    from trials.outbound.connections import GuardedSession, answer_of  # noqa: PLC0415  requests is heavy

    with GuardedSession(seconds=seconds) as session:
        return answer_of(lambda: session.post(url, data=body, headers=dict(headers or {})))
