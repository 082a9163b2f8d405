"""The sweep of reminders: a day's of all rules against one INSERT … SELECT of the same rows, and an idle one.

Run for PostgreSQL in a process of its own: `python -m tests.bench.reminders`, with 10,000 participants and
300,000 visits; with `--large` a hundred thousand and three million, with `--participants 2000` so many.
Writing is measured twice: where every visit that closed has been recorded, and where nobody has recorded
anything for a month, so that all of it is looked at each time.
"""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from statistics import median
from zoneinfo import ZoneInfo

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
django.setup()

from django.db import connection  # noqa: E402

from schedules.models import Reminder  # noqa: E402
from schedules.selectors.reminders.candidates import COLUMNS  # noqa: E402
from schedules.services.reminders.sweeping import sweep_reminders, sweep_rules  # noqa: E402
from tests.bench.enrolment import rolled_back, timed  # noqa: E402
from tests.bench.measuring import Comparison, medians  # noqa: E402
from tests.bench.sweep import FEW, MANY, VISITS, fill  # noqa: E402
from tests.cast import NOW  # noqa: E402

ROUNDS, AIM = 5, 3.0
A_DAY = NOW + timedelta(days=400)
MIDNIGHT = A_DAY.astimezone(ZoneInfo("Asia/Shanghai")).replace(hour=0, minute=0, second=0, microsecond=0)


def main() -> None:
    """Print the measures."""
    participants = MANY if "--large" in sys.argv else FEW
    if "--participants" in sys.argv:
        participants = int(sys.argv[sys.argv.index("--participants") + 1])
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        fill(participants)
        where = f"{participants:,} participants, {participants * VISITS:,} visits"
        print(_idle(where), flush=True)
        for what, prepare in (("nothing recorded", _nothing), ("all recorded", _record)):
            prepare()
            for measure in _written(f"{what}, {where}"):
                print(measure, flush=True)
    finally:
        connection.creation.destroy_test_db(connection.settings_dict["NAME"], verbosity=0)


def _nothing() -> None:
    """Leave all as it is."""


def _record() -> None:
    """Record every visit whose window closed before yesterday; the trail is left out of it."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            "UPDATE schedules_visit SET performed_on = target WHERE closes < %s",
            [(A_DAY - timedelta(days=2)).date()],
        )
        cursor.execute("RESET session_replication_role")
        cursor.execute("VACUUM ANALYZE")


def _idle(where: str) -> Comparison:
    def bare() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()

    with rolled_back():
        sweep_reminders(now=A_DAY)
        taken = medians({"ours": lambda: sweep_reminders(now=A_DAY), "bare": bare})
    what = f"sweep of reminders with nothing new, {where}"
    return Comparison(what, taken["ours"], taken["bare"], at_most=AIM)


def _written(where: str) -> list[Comparison]:
    """A day's reminders of all rules, found and written, against one INSERT of the same rows from a table.

    The day begins a minute after a whole sweep. What a whole sweep takes that finds nothing new is printed
    besides: it is made every ten minutes.
    """
    before, begins = MIDNIGHT - timedelta(minutes=1), MIDNIGHT + timedelta(seconds=1)
    columns = ", ".join(COLUMNS)
    ours: list[float] = []
    bare: list[float] = []
    whole: list[float] = []
    written = 0
    for _ in range(ROUNDS):
        with rolled_back():
            sweep_reminders(now=before)
            connection.check_constraints()
            newest = Reminder.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
            with timed(ours):
                written = sweep_reminders(now=begins)
                connection.check_constraints()
            with timed(whole):
                left = sweep_rules(now=begins)
            assert not left, "a whole sweep finds nothing more"
            with connection.cursor() as cursor:
                cursor.execute(
                    f"CREATE TEMP TABLE same AS SELECT {columns} FROM schedules_reminder WHERE id > %s",
                    [newest],
                )
                # by id: without statistics of either table PostgreSQL compares each key with each other one
                cursor.execute("DELETE FROM schedules_reminder WHERE id > %s", [newest])
                with timed(bare):
                    cursor.execute(f"INSERT INTO schedules_reminder ({columns}) SELECT {columns} FROM same")
                    connection.check_constraints()
                cursor.execute("DROP TABLE same")
    what = f"a day's {written:,} reminders of all rules against one INSERT … SELECT of them, {where}"
    again = f"the whole sweep of every ten minutes against the same INSERT, {where}"
    return [
        Comparison(what, median(ours), median(bare), at_most=AIM),
        Comparison(again, median(whole), median(bare)),
    ]


if __name__ == "__main__":
    main()
