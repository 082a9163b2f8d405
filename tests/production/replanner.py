"""Move participants without pause and write down what was acknowledged, while the database is stopped hard.

Programs of their own: `python -m tests.production.replanner make 6` enrols participants, `… move LOG SEED`
moves their infusions until somebody ends it, and `… check LOG…` prints what of the acknowledged moves is
lost, and how many plans are half written, as two numbers.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

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


def check(logs: list[Path]) -> tuple[int, int]:
    """Count the acknowledged moves that are lost, and the participants whose plan is not of one piece."""
    moves: dict[int, list[tuple[float, bool, date]]] = {}
    for log in logs:
        for line in log.read_text(encoding="utf-8").splitlines():
            said = json.loads(line)
            found = (float(said["at"]), bool(said["acknowledged"]), date.fromisoformat(said["day"]))
            moves.setdefault(int(said["person"]), []).append(found)
    lost = half = 0
    now = timezone.now()
    for person in Participant.objects.filter(subject_code__startswith=OF):
        stands = Anchor.objects.get(participant=person, code="infusion").planned_on
        assert stands is not None
        told = sorted(moves.get(person.pk, []))
        last = max((at for at, acknowledged, _day in told if acknowledged), default=0.0)
        # what was begun before the last acknowledgement and not answered may have been written after it
        possible = {day for at, acknowledged, day in told if at >= last or not acknowledged}
        lost += bool(told) and last > 0 and stands not in possible
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
