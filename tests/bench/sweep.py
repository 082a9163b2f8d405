"""The sweeps of a large trial: nothing due, one day's rows healed, and what a loop would take.

Run for PostgreSQL in a process of its own: `python -m tests.bench.sweep`, with 10,000 participants
and 300,000 visits; with `--large` a hundred thousand and three million. One participant is enrolled
and copied in SQL, each copy some days later; a Chinese site closes no faster than that.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from statistics import median
from time import perf_counter
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
django.setup()

from django.db import connection, models  # noqa: E402

from participants.models import Anchor, Participant  # noqa: E402
from schedules.models import CalendarState, ProtocolWindow, Reminder, Visit  # noqa: E402
from schedules.selectors.windows.evaluation import windows_of_participants  # noqa: E402
from schedules.services.enrolment.enrolling import enrol  # noqa: E402
from schedules.services.reminders.sweeping import sweep_closing  # noqa: E402
from schedules.services.windows.evaluation import sweep_windows  # noqa: E402
from tests.bench.enrolment import cast_of, rolled_back, timed  # noqa: E402
from tests.bench.measuring import Comparison, medians  # noqa: E402
from tests.cast import NOW  # noqa: E402

MANY, FEW, VISITS = 100_000, 10_000, 30
DAYS = 730
SAMPLE, ROUNDS = 20, 5
IDLE, HEAL, SLOWER = 5.0, 1.5, 1_000.0
A_YEAR_ON = NOW + timedelta(days=400)


def main() -> None:
    """Print the measures."""
    participants = MANY if "--large" in sys.argv else FEW
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        fill(participants)
        for comparison in compare(participants):
            print(comparison, flush=True)
    finally:
        connection.creation.destroy_test_db(connection.settings_dict["NAME"], verbosity=0)


def compare(participants: int) -> list[Comparison]:
    """The three measures, and how long judging takes where something is due."""
    idle = _idle()
    heal, naive_heal = _heal(participants)
    loop = _naive(participants)
    visits = participants * VISITS
    where = f"{participants:,} participants, {visits:,} visits"
    slow = f"a loop over them, judging each (from {SAMPLE}), against that sweep"
    return [
        Comparison(f"sweep with nothing due, {where}", *idle, at_most=IDLE),
        heal,
        Comparison(slow, loop, idle[0], remark=_at_least(loop / idle[0])),
        Comparison("the same loop, only asking what closes, against healing", naive_heal, heal.ours),
        _judging(),
    ]


def _at_least(ratio: float) -> str:
    return f"aim: at least {SLOWER:,.0f}x {'kept' if ratio >= SLOWER else 'MISSED'}"


def _idle() -> tuple[float, float]:
    def bare() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()

    assert sweep_windows(now=NOW) == 0
    taken = medians({"ours": lambda: sweep_windows(now=NOW), "bare": bare})
    return taken["ours"], taken["bare"]


def _heal(participants: int) -> tuple[Comparison, float]:
    """Everything due today lost, and written again by one statement, against COPY of those rows.

    Both with what the database checks when they are committed.
    """
    with rolled_back():
        written = sweep_closing(now=A_YEAR_ON, days=0)
        columns = ("key", "kind", "visit_id", "due_on", "created_at")
        rows = list(Reminder.objects.values_list(*columns))
    ours: list[float] = []
    bare: list[float] = []
    for _ in range(ROUNDS):
        with rolled_back(), timed(bare):
            _copy(columns, rows)
            connection.check_constraints()
        with rolled_back(), timed(ours):
            sweep_closing(now=A_YEAR_ON, days=0)
            connection.check_constraints()
    what = f"heal one day's {written:,} lost rows against COPY of them"
    return Comparison(what, median(ours), median(bare), at_most=HEAL), _ask_each(participants)


def _copy(columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    into = f"COPY schedules_reminder ({', '.join(columns)}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(into) as copy:
        for row in rows:
            copy.write_row(row)


def _ask_each(participants: int) -> float:
    """The seconds that all would take of asking each participant what closes today, and writing it."""
    today = A_YEAR_ON.date()

    def ask(pk: int) -> None:
        for visit in Visit.objects.filter(participant=pk):
            if visit.performed_on is None and visit.closes == today:
                Reminder.objects.get_or_create(key=f"loop:{visit.uid}", visit=visit, due_on=today)

    return _scaled(participants, ask)


def _naive(participants: int) -> float:
    """The seconds that all would take of reading each participant and judging the windows."""

    def judge(pk: int) -> None:
        (participant_windows,) = windows_of_participants([pk])
        participant_windows.judged(NOW)

    return _scaled(participants, judge)


def _scaled(participants: int, act: Callable[[int], None]) -> float:
    pks = list(Participant.objects.order_by("pk").values_list("pk", flat=True)[: SAMPLE * 50 : 50])
    with rolled_back():
        start = perf_counter()
        for pk in pks:
            act(pk)
        return (perf_counter() - start) / len(pks) * participants


def _judging() -> Comparison:
    """A thousand windows that are due, judged with their consequences, against writing their rows plainly."""
    ours: list[float] = []
    bare: list[float] = []
    pks = list(ProtocolWindow.objects.order_by("pk").values_list("pk", flat=True)[:999])
    for _ in range(2):
        with rolled_back():
            ProtocolWindow.objects.filter(pk__in=pks).update(judge_at=NOW)
            with timed(ours):
                judged = sweep_windows(now=NOW)
        with rolled_back(), timed(bare):
            ProtocolWindow.objects.filter(pk__in=pks).update(judge_at=NOW)
    remark = "reading, planning and judging are on top"
    return Comparison(
        f"judge {judged:,} due windows against one UPDATE", median(ours), median(bare), None, remark
    )


def fill(participants: int) -> None:
    """One enrolled participant, and copies in SQL, each some days later; the trail is left out of it."""
    (enrolment,) = cast_of(1, VISITS)
    first = enrol(enrolment=enrolment, by=None).pk
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for model in (Participant, Anchor, Visit, ProtocolWindow, CalendarState):
            cursor.execute(_copies(model, first, participants - 1))
        cursor.execute(
            "SELECT setval(pg_get_serial_sequence('participants_participant', 'id'), max(id)) "
            "FROM participants_participant"
        )
        cursor.execute("UPDATE schedules_protocolwindow SET judge_at = '2100-01-01'")
        cursor.execute("RESET session_replication_role")
        cursor.execute("VACUUM ANALYZE")


def _copies(model: type[models.Model], first: int, count: int) -> str:
    """The statement that copies the first participant's rows of a model so many times."""
    table, fields = model._meta.db_table, model._meta.concrete_fields
    names = [f'"{field.column}"' for field in fields if not _numbered(model, field)]
    values = [_value(model, field) for field in fields if not _numbered(model, field)]
    owner = "id" if model is Participant else "participant_id"
    return (
        f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(values)} "
        f"FROM {table} one, generate_series(1, {count}) n WHERE one.{owner} = {first} "
        "ORDER BY n"  # as they are written: all of one participant together
    )


def _numbered(model: type[models.Model], field: models.Field[Any, Any]) -> bool:
    return field.primary_key and model not in (Participant, CalendarState)


def _value(model: type[models.Model], field: models.Field[Any, Any]) -> str:
    """A column of a copy: days move on, what must be unique is made so."""
    column = f'one."{field.column}"'
    if field.column == "participant_id" or (model is Participant and field.primary_key):
        return f"{column} + n"
    special = {"uid": "gen_random_uuid()::text", "subject_code": "'S01-' || n", "key": "'copy-' || n"}
    if field.column in special:
        return special[field.column]
    if isinstance(field, models.DateTimeField):
        return f"{column} + (n % {DAYS}) * interval '1 day'"
    return f"{column} + n % {DAYS}" if isinstance(field, models.DateField) else column


if __name__ == "__main__":
    main()
