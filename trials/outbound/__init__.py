"""The only way out for what people give an address for: channels of reminders and webhooks of the API.

Every connection is judged by the address that it is made to, redirects are not followed, and a request
ends in time whatever the other side does. `check_url` is asked when an address is saved, `post` when
something is sent:

    check_url("https://gateway.example.org/dayzero")            # raises OutboundRefused, in words
    answer = post(url, body, headers=signed_headers(secret, key, now, body))
    answer.verdict                                              # Verdict.TAKEN, LATER or NEVER

requests and urllib3 are loaded when something is sent, not when Django starts.
"""

from __future__ import annotations

from trials.outbound.answers import Answer, OutboundError, OutboundRefused, OutboundUnreachable, Verdict
from trials.outbound.resolving import allowed_networks, check_url, way_out
from trials.outbound.sending import SECONDS, post
from trials.outbound.signatures import is_signing_secret, new_signing_secret, signed_headers

__all__ = [
    "SECONDS",
    "Answer",
    "OutboundError",
    "OutboundRefused",
    "OutboundUnreachable",
    "Verdict",
    "allowed_networks",
    "check_url",
    "is_signing_secret",
    "new_signing_secret",
    "post",
    "signed_headers",
    "way_out",
]
