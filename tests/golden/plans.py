"""The shipped trials planned for an infusion on Monday 7 December 2026, one golden file each.

`python -m tests.golden.plans` writes the files again; read what it changed before you commit it.
"""

from __future__ import annotations

import json
from datetime import date
from functools import cache
from pathlib import Path

from schedules.domain.plan.document import plan_document
from schedules.domain.plan.projection import project
from schedules.domain.plan.values import AnchorDay
from trials.domain.protocols.protocol import Protocol
from trials.formats.protocols import library
from trials.formats.protocols.yaml import digest

FOLDER = Path(__file__).parent
TRIALS = ("NCT07193667", "NCT07274059", "NCT07339332", "NCT07331467", "NCT07233642")
EDITIONS = (
    "NCT07193667@2025-09-26.2",
    "NCT07274059@2025-12-24.2",
    "NCT07339332@2026-01-14.2",
    "NCT07331467@2026-03-25.2",
    "NCT07233642@2026-01-31.2",
)
"""What was read a second time; the first editions above stay as they were published."""
INFUSION = date(2026, 12, 7)
PLAIN, EVERY_TRAIT = "", "-every-trait"


@cache
def protocol(trial: str) -> Protocol:
    return library.load(trial)


def path(trial: str, kind: str) -> Path:
    return FOLDER / f"{trial}{kind}.json"


def text(trial: str, kind: str) -> str:
    """The plan as the command prints it: for somebody without any trait, or with all of them."""
    small = protocol(trial)
    traits = frozenset(trait.code for trait in small.traits) if kind else frozenset()
    plan = project(small, {small.day_zero: AnchorDay(INFUSION)}, traits)
    return json.dumps(plan_document(plan, digest(small)), ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    for name in (*TRIALS, *EDITIONS):
        for which in (PLAIN, EVERY_TRAIT):
            path(name, which).write_text(text(name, which), encoding="utf-8")
            print(path(name, which).relative_to(FOLDER.parent.parent))
