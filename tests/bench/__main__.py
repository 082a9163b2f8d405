"""`python -m tests.bench`: every measure, its ratio, and the aim it is held against.

`python -m tests.bench NAME` runs one part: engine, or enrolment, audit, feeds, api, replanning, today, sweep,
reminders, deliveries, web, sizes, memory, subscribers, each on PostgreSQL unless DAYZERO_TEST_DATABASE says
sqlite.
"""

from __future__ import annotations

import os
import subprocess
import sys

from tests.bench import engine

DATABASES = {"sqlite": "SQLite", "postgres": "PostgreSQL from its wheel"}
PARTS = (
    *("engine", "enrolment", "audit", "feeds", "api", "replanning"),
    *("today", "sweep", "reminders", "deliveries", "web", "sizes", "memory", "subscribers"),
)


def main() -> None:
    """Print all measures, or those of one part; a database's run in a process of their own."""
    if {"-h", "--help"} & {*sys.argv}:
        print(__doc__)
        return
    asked, others = [one for one in sys.argv[1:] if one in PARTS], [*sys.argv[1:]]
    if unknown := [one for one in others if not asked and not one.startswith("--")]:
        sys.exit(f"{unknown[0]!r} is no part; there are {', '.join(PARTS)}.")
    if not asked:
        _print_all()
    for part in asked:
        others.remove(part)
    for part in asked:
        if part == "engine":
            _print_engine()
        else:
            _run(f"tests.bench.{part}", os.environ.get("DAYZERO_TEST_DATABASE", "postgres"), *others)


def _print_engine() -> None:
    print("The engine, against plain integers and tuples", flush=True)
    for comparison in engine.comparisons():
        print(comparison, flush=True)


def _print_all() -> None:
    _print_engine()
    for database, name in DATABASES.items():
        print(f"Enrolment on {name}", flush=True)
        _run("tests.bench.enrolment", database)
        print(f"The audit trail on {name}", flush=True)
        _run("tests.bench.audit", database, *sys.argv[1:])
        print(f"Calendars on {name}", flush=True)
        _run("tests.bench.feeds", database)
        print(f"The API on {name}", flush=True)
        _run("tests.bench.api", database, *sys.argv[1:])
    print(f"Re-planning on {DATABASES['postgres']}", flush=True)
    _run("tests.bench.replanning", "postgres")
    print(f"Today on {DATABASES['postgres']}", flush=True)
    _run("tests.bench.today", "postgres")
    print(f"Sweeps on {DATABASES['postgres']}", flush=True)
    _run("tests.bench.sweep", "postgres", *sys.argv[1:])
    _run("tests.bench.reminders", "postgres", *sys.argv[1:])
    print(f"Deliveries on {DATABASES['postgres']}", flush=True)
    _run("tests.bench.deliveries", "postgres")


def _run(module: str, database: str, *arguments: str) -> None:
    environment = os.environ | {"DAYZERO_TEST_DATABASE": database, "PYTHONWARNINGS": "ignore"}
    subprocess.run([sys.executable, "-m", module, *arguments], env=environment, check=True)


if __name__ == "__main__":
    main()
