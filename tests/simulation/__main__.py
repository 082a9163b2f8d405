"""`python -m tests.simulation --years 1000 --seed 1`: rounds until so many participant-years are lived.

On a database of its own (DAYZERO_TEST_DATABASE, sqlite or postgres), which is destroyed afterwards. Ends
with 1 where a window was missed although a clinic day was left, a deviation was not shown in time, or a
draft was false.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Callable
from datetime import date
from functools import partial
from time import process_time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
django.setup()

from django.db import connection, transaction  # noqa: E402

from tests.simulation.outcome import Outcome, simulate  # noqa: E402
from tests.simulation.world import World  # noqa: E402

START = date(2026, 3, 2)


def main() -> int:
    """Live the rounds, print each and the sum, and name what was found."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--years", type=float, default=1000)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--days", type=int, default=420, help="how long a round lasts")
    asked.add_argument("--people", type=int, default=6, help="participants of each site in a round")
    asked.add_argument("--sites", type=int, default=4, help="sites of each trial in a round")
    given = asked.parse_args()
    connection.creation.create_test_db(verbosity=0)
    gc.freeze()  # a round makes millions of objects, and few circles
    gc.set_threshold(100_000, 50, 50)
    total, seed, spent = Outcome(), given.seed, 0.0
    try:
        while total.years < given.years:
            begun = process_time()
            tell = partial(_tell, seed, begun)
            found = _round(World(seed, START, given.people, sites_each=given.sites), given.days, tell)
            tell(found)
            _add(total, found)
            spent += process_time() - begun
            seed += 1
    finally:
        connection.creation.destroy_test_db(connection.settings_dict["NAME"], verbosity=0)
    print(f"In all, {spent / (total.years or 1):.2f} s of CPU a year: {total}")
    return 1 if total.missed or total.unseen or total.false else 0


def _tell(seed: int, begun: float, found: Outcome) -> None:
    """Print what came of a round so far, each finding in a line of its own."""
    took = (process_time() - begun) / (found.years or 1)
    print(f"seed {seed}, {took:.2f} s of CPU a year: {found}", flush=True)
    for line in (*found.missed, *found.unseen, *found.false, *found.refused, *found.again):
        print(f"  {line}", flush=True)


def _round(world: World, days: int, tell: Callable[[Outcome], None]) -> Outcome:
    """One round, rolled back, so that the next meets the same database."""
    with transaction.atomic():
        world.set_up()
        found = simulate(world, days, tell)
        transaction.set_rollback(True)
    return found


def _add(total: Outcome, found: Outcome) -> None:
    total.years += found.years
    total.visits += found.visits
    total.no_shows += found.no_shows
    total.screened_again += found.screened_again
    total.deviations += found.deviations
    total.kinds += found.kinds
    total.missed += found.missed
    total.unseen += found.unseen
    total.false += found.false
    total.refused += found.refused
    total.again += found.again


if __name__ == "__main__":
    sys.exit(main())
