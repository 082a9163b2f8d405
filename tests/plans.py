"""What PostgreSQL says of a statement: its plan, and what that reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Any

from django.db import connection
from django.test import Client

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


def rows_of(client: Client, address: str, allowed: AbstractSet[int] = frozenset({200})) -> int:
    """How many rows the statements of a list took from tables and indexes, where no table is read whole."""
    client.get(address)
    asked: list[tuple[str, Any]] = []

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        asked.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        answer = client.get(address)
    assert answer.status_code in allowed, (address, answer.status_code)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        read = 0
        for sql, params in asked:
            if reads(sql):
                read += taken(plan_of(sql, params, "ANALYZE"))
        cursor.execute("SET LOCAL enable_seqscan = on")
    return read


def taken(plan: Plan, table: str = "") -> int:
    """The rows that the scans of a plan took, those that a filter left out too; of one table or of all."""
    return sum(
        int((step["Actual Rows"] + step.get("Rows Removed by Filter", 0)) * step["Actual Loops"])
        for step in steps_of(plan)
        if "Scan" in step["Node Type"] and "Relation Name" in step and table in ("", step["Relation Name"])
    )
