"""How pages grow with the people of one trial: `python -m tests.bench.sizes`, on the database that is named.

Every page of `tests.bench.web` at 100 and 1,000 participants with 30 visits each, at ten sites (aim: at most
five times on SQLite); then those that look at everybody of a gated trial, the board, readiness and the search
for day zero, at 170 and 1,700 (aim: at most twelve times). Milliseconds of the whole answer, the median of
some: on SQLite of this process alone, which a busy machine changes little.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from statistics import median
from time import perf_counter, process_time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
django.setup()

import time_machine  # noqa: E402
from django.db import connection  # noqa: E402
from django.db.models import F  # noqa: E402
from django.db.models.functions import Mod  # noqa: E402
from django.test import Client  # noqa: E402

from participants.models import Anchor, Participant  # noqa: E402
from schedules.domain.plan.values import AnchorDay  # noqa: E402
from schedules.models import Visit  # noqa: E402
from schedules.services.enrolment.bulk import bulk_enrol  # noqa: E402
from tests.bench.enrolment import cast_of  # noqa: E402
from tests.bench.places import follow_up  # noqa: E402
from tests.bench.web import addresses_of, make_readers  # noqa: E402
from tests.cast import NOW, TODAY  # noqa: E402
from trials.models import Site, TrialSite, User  # noqa: E402

SITES, VISITS, ROUNDS, ENOUGH = 10, 30, 5, 5.0
FEW, MANY, PAGES_AIM = 100, 1_000, 5.0
SMALL_TRIAL, LARGE_TRIAL, TRIAL_AIM = 170, 1_700, 12.0
OF_A_TRIAL = ("board", "readiness", "day-zero")
A_YEAR_ON = NOW + timedelta(days=400)
THAT_DAY = A_YEAR_ON.date()
Taken = Mapping[tuple[str, str], float]


def main() -> None:
    """Print how each page grew between both sizes, and then those that look at everybody of a trial."""
    _compare(FEW, MANY, PAGES_AIM, ())
    _compare(SMALL_TRIAL, LARGE_TRIAL, TRIAL_AIM, OF_A_TRIAL)


def _compare(few: int, many: int, aim: float, names: tuple[str, ...]) -> None:
    small, large = _measured(few, names), _measured(many, names)
    print(f"{connection.display_name}: {few:,} and {many:,} participants; aim {aim:g}x", flush=True)
    for key, seconds in large.items():
        ratio = seconds / small[key]
        over = "  OVER" if ratio > aim else ""
        print(
            f"  {key[0]:<34} {key[1]:<9} {small[key] * 1000:>8.0f} ms {seconds * 1000:>8.0f} ms"
            f" {ratio:>6.1f}x{over}",
            flush=True,
        )


def _measured(participants: int, names: tuple[str, ...]) -> Taken:
    with a_trial_of(participants):
        return {
            (name, reader): _seconds(Client(), reader, address)
            for reader in ("one site", "all")
            for name, address in addresses_of().items()
            if not names or name in names
        }


def _seconds(client: Client, reader: str, address: str) -> float:
    client.force_login(User.objects.get(username=reader))
    client.get(address)
    clock = process_time if connection.vendor == "sqlite" else perf_counter
    taken: list[float] = []
    while len(taken) < ROUNDS and sum(taken) < ENOUGH:
        began = clock()
        answer = client.get(address)
        b"".join(answer.streaming_content) if answer.streaming else answer.content
        taken.append(clock() - began)
        assert answer.status_code < 400, (address, answer.status_code)
    return median(taken)


@contextmanager
def a_trial_of(participants: int) -> Iterator[None]:
    """A database with so many people of one trial, over ten sites; what lies in the past mostly done."""
    name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        with time_machine.travel(NOW, tick=True):
            _fill(participants)
            make_readers()
        with time_machine.travel(A_YEAR_ON, tick=True):
            yield
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)


def _fill(participants: int) -> None:
    """Enrol all at one site, and move nine tenths of them to others past all services."""
    enrolments = cast_of(participants, VISITS)
    first, trial = enrolments[0].site, enrolments[0].trial
    others = [Site(code=f"P{n}", name=f"Place {n}", zone=first.zone) for n in range(1, SITES)]
    sites = Site.objects.bulk_create(others)
    TrialSite.objects.bulk_create(TrialSite(trial=trial, site=site) for site in sites)
    days = [AnchorDay(TODAY + timedelta(days=30 + n * 730 // participants)) for n in range(participants)]
    spread = [replace(one, anchors={"infusion": day}) for one, day in zip(enrolments, days, strict=True)]
    ids = bulk_enrol(enrolments=spread, by=None)
    for number, site in enumerate(sites, 1):
        Participant.objects.alias(nth=Mod("pk", SITES)).filter(nth=number).update(site=site)
    past = Visit.objects.filter(target__lt=THAT_DAY - timedelta(days=3)).alias(nth=Mod("pk", 40))
    past.exclude(nth=0).update(performed_on=F("target"), anchor_kind="actual")
    Anchor.objects.filter(planned_on__lt=THAT_DAY).update(actual_on=F("planned_on"))
    for pk in ids:
        follow_up(Participant.objects.get(pk=pk))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


if __name__ == "__main__":
    main()
