"""What PostgreSQL says of a statement: its plan, and what that reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.db import connection

Plan = dict[str, Any]


def reads(sql: str) -> bool:
    """Whether a statement begins as one that reads: SELECT, a named part or a bracket, on whatever line."""
    return sql.lstrip("( \n").upper().startswith(("SELECT", "WITH"))


def plan_of(sql: str, params: Any = None, options: str = "") -> Plan:
    """The plan of a statement; with the options ANALYZE and BUFFERS also what it read."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN ({options}{', ' if options else ''}FORMAT JSON) {sql}", params)
        (found,) = cursor.fetchone()
    plan: Plan = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    return plan


def steps_of(plan: Plan) -> Iterator[Plan]:
    """Every step of a plan."""
    yield plan
    for part in plan.get("Plans", ()):
        yield from steps_of(part)
