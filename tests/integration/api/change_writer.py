"""One writer of changes in a process of its own: `python -m tests.integration.api.change_writer …`.

It writes by SQL, a transaction for each change, half of them under the participant's lock; one in fifty stays
open for a moment, so that later numbers are committed before it. Four of these and a reader share no GIL.
"""

from __future__ import annotations

import sys
import time
from datetime import datetime, timedelta

import psycopg

OPEN_EVERY, OPEN_FOR = 50, 0.005


def write(address: str, person: int, begin: datetime, rounds: int) -> None:
    """Write so many changes of a participant, a second apart from `begin` on."""
    lock = f"SELECT 1 FROM participants_participant WHERE id = {person:d} FOR UPDATE;"
    with psycopg.connect(address, autocommit=True) as connection:
        for turn in range(rounds):
            at = (begin + timedelta(seconds=turn)).isoformat()
            written = (
                f"BEGIN; {lock if turn % 2 else ''} INSERT INTO schedules_changeevent "
                f"(kind, participant_id, at) VALUES ('moved', {person:d}, '{at}');"
            )
            if turn % OPEN_EVERY:
                connection.execute(f"{written} COMMIT")  # numbers and a day of ours alone
            else:
                connection.execute(written)
                time.sleep(OPEN_FOR)
                connection.execute("COMMIT")


if __name__ == "__main__":
    write(sys.argv[1], int(sys.argv[2]), datetime.fromisoformat(sys.argv[3]), int(sys.argv[4]))
