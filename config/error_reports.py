"""Reports of errors to a Sentry server, where SENTRY_DSN names one: nothing that was entered."""

from __future__ import annotations

from typing import Any, cast

from config.logs import CONTEXT

Event = dict[str, Any]
KEPT = ("event_id", "timestamp", "platform", "level", "logger", "environment", "release", "sdk", "modules")


def start(dsn: str, environment: str, release: str) -> None:
    """Send what goes wrong to this address from now on; nobody else is told anything."""
    import sentry_sdk  # noqa: PLC0415  heavy, and of no use without an address

    sentry_sdk.init(
        dsn=dsn,
        environment=environment,
        release=f"dayzero@{release}",
        send_default_pii=False,
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        traces_sample_rate=0,
        server_name="",
        before_send=cast("Any", without_words),  # to its types an event is no plain dictionary
    )


def without_words(event: Event, _hint: Any) -> Event:
    """Take out of a report what may hold a secret or a value of a record: addresses, words, variables."""
    found: Event = {name: event[name] for name in KEPT if name in event}
    found["tags"] = {str(name): str(value) for name, value in CONTEXT.get().items()}
    if "exception" in event:
        values = event["exception"].get("values", [])
        found["exception"] = {"values": [_bare(value) for value in values]}
    else:
        found["message"] = f"A line of the log of {event.get('logger', 'Dayzero')}"
    return found


def _bare(value: Event) -> Event:
    """An exception without its words."""
    frames = (value.get("stacktrace") or {}).get("frames", [])
    kept = ("filename", "abs_path", "function", "module", "lineno", "in_app")
    return {
        "type": value.get("type"),
        "module": value.get("module"),
        "value": "",
        "mechanism": {"type": "dayzero", "handled": True},
        "stacktrace": {"frames": [{name: frame[name] for name in kept if name in frame} for frame in frames]},
    }
