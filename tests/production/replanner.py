"""Move participants without pause and write down what was acknowledged, while the database is stopped hard.

Programs of their own: `python -m tests.production.replanner make 6` enrols participants, `… move LOG SEED`
moves their infusions until somebody ends it, and `… check LOG…` prints what of the acknowledged moves is
lost, and how many plans are half written, as two numbers.
"""

from __future__ import annotations

import json
import math
import os
import random
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.development")
django.setup()

from django.db import DatabaseError, InterfaceError, connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from participants.domain.anchors import RecordedAnchor  # noqa: E402
from participants.models import Anchor, Participant  # noqa: E402
from schedules.domain.errors import ReplanningRefused, ReplanningStale  # noqa: E402
from schedules.domain.plan.values import AnchorDay  # noqa: E402
from schedules.models import Visit  # noqa: E402
from schedules.services.enrolment.enrolling import enrol  # noqa: E402
from schedules.services.reminders.sweeping import lapse_reminders  # noqa: E402
from schedules.services.replanning.moves import Proposal, commit_replanning, preview_replanning  # noqa: E402
from tests.cast import a_site, a_version, an_enrolment  # noqa: E402
from trials.audit.acts import caused_by  # noqa: E402

OF = "R-"
AHEAD = 40
"""How many days before the infusion, so that every move is one to come."""


def make(number: int) -> None:
    """Enrol so many participants whose windows can be reminded of."""
    today = timezone.now().date()
    site, version = a_site("REPLAN"), a_version()
    first = today + timedelta(days=AHEAD - today.weekday())
    for place in range(number):
        asked = an_enrolment(
            version,
            site=site,
            subject_code=f"{OF}{place:03}",
            anchors={"infusion": AnchorDay(first)},
            today=today,
        )
        enrol(enrolment=asked, by=None)


def move(log: Path, seed: int) -> None:
    """Move one after the other by some weeks, for ever; a line for each begun and acknowledged move."""
    chance = random.Random(seed)
    with log.open("a", encoding="utf-8", buffering=1) as out:
        while True:
            try:
                for said in _one(chance):
                    out.write(json.dumps(said) + "\n")
            except (ReplanningRefused, ReplanningStale):
                continue
            except (DatabaseError, InterfaceError):
                connection.close()
                time.sleep(0.2)


def _one(chance: random.Random) -> Iterator[dict[str, object]]:
    people = list(Participant.objects.filter(subject_code__startswith=OF).order_by("pk"))
    person, now = chance.choice(people), timezone.now()
    today = now.date()
    day = today + timedelta(days=AHEAD - today.weekday() + 7 * chance.randrange(8))
    proposal = Proposal({"infusion": RecordedAnchor("infusion", planned_on=day)}, accept_unbookable=True)
    shown = preview_replanning(participant=person, proposal=proposal, now=now)
    said = {"person": person.pk, "day": day.isoformat(), "at": time.time()}
    yield said | {"acknowledged": False}
    commit_replanning(
        participant=person, proposal=proposal, digest=shown.digest, now=now, by=None, reason="no bed"
    )
    yield said | {"acknowledged": True, "at": time.time()}


class Move(NamedTuple):
    """A move as its writer saw it: when it began and ended (seconds), and whether with an answer."""

    person: int
    day: date
    begun: float
    ended: float
    acknowledged: bool


def moves_in(log: Path) -> Iterator[Move]:
    """Read a writer's log: what follows the begin of a move is its acknowledgement, or the next begin."""
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    for said, then in zip(lines, [*lines[1:], None], strict=True):
        if not said["acknowledged"]:
            ended = float(then["at"]) if then else math.inf
            answered = bool(then and then["acknowledged"])
            yield Move(
                int(said["person"]), date.fromisoformat(said["day"]), float(said["at"]), ended, answered
            )


def is_lost(moves: Sequence[Move], stands: date) -> bool:
    """Whether an infusion stands on a day that neither the last acknowledged move nor a later one gave it.

    What had ended, answered or not, before the last acknowledged one was begun was overwritten by it.
    """
    last = max((one for one in moves if one.acknowledged), key=lambda one: one.ended, default=None)
    return last is not None and stands not in {one.day for one in moves if one.ended >= last.begun}


def check(logs: list[Path]) -> tuple[int, int]:
    """Count the participants who lost acknowledged moves, and those whose plan is not of one piece."""
    moves: dict[int, list[Move]] = {}
    for log in logs:
        for one in moves_in(log):
            moves.setdefault(one.person, []).append(one)
    lost = half = 0
    now = timezone.now()
    for person in Participant.objects.filter(subject_code__startswith=OF):
        stands = Anchor.objects.get(participant=person, code="infusion").planned_on
        assert stands is not None
        lost += is_lost(moves.get(person.pk, []), stands)
        same = Proposal({"infusion": RecordedAnchor("infusion", planned_on=stands)}, accept_unbookable=True)
        moved = list(preview_replanning(participant=person, proposal=same, now=now).changed)
        strays = Visit.objects.filter(participant=person, anchor_code="infusion", cancelled_on=None)
        half += bool(moved) or strays.exclude(anchor_on=stands).exists()
    return lost, half + lapse_reminders(now=now)


if __name__ == "__main__":
    what, *given = sys.argv[1:]
    with caused_by("test"):
        if what == "make":
            make(int(given[0]))
        elif what == "move":
            move(Path(given[0]), int(given[1]))
        else:
            print(*check([Path(one) for one in given]))
