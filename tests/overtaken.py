"""The second in the very moment in which the first has read and not yet written."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

GRACE = 0.25
"""How long the first waits for the second, in seconds: who needs the first's lock does not come to an end."""

Act = Callable[[], Any]
Outcome = type[Exception] | None
Where = tuple[Any, str]


def overtaken(
    monkeypatch: pytest.MonkeyPatch, where: tuple[Any, str], first: Act, second: Act
) -> list[Outcome]:
    """Let the second begin once the first has come through this function; gives how both ended."""
    module, name = where
    real, ended, outcomes = getattr(module, name), threading.Event(), {}
    began: list[threading.Thread] = []

    def outcome_of(who: int, act: Act) -> None:
        try:
            act()
            outcomes[who] = None
        except Exception as error:  # noqa: BLE001 - whatever it is, the test must see it
            outcomes[who] = type(error)

    def come() -> None:
        try:
            outcome_of(1, second)
        finally:
            ended.set()
            connections.close_all()

    def paused(*args: Any, **kwargs: Any) -> Any:
        found = real(*args, **kwargs)
        if not began:
            began.append(threading.Thread(target=come))
            began[0].start()
            ended.wait(GRACE)
        return found

    monkeypatch.setattr(module, name, paused)
    outcome_of(0, first)
    assert began, f"the first never came through {name}"
    began[0].join()
    return [outcomes[0], outcomes[1]]
