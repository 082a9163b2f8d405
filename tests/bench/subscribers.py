"""Twenty thousand subscribers who poll within one minute, a tenth of them after a change, on one core.

`python -m tests.bench.subscribers [NUMBER]`, with DAYZERO_TEST_DATABASE. Every fetch is made, one after the
other, through the whole of Dayzero, and its CPU time taken; then the fetches are laid at random over a minute
and answered by one core in the order in which they come. Prints how long 95 of a hundred wait, against ten
times the median of a server that has nothing else to do.
"""

from __future__ import annotations

import os
import secrets
import sys
from random import Random
from statistics import median, quantiles

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
django.setup()

from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import setup_test_environment  # noqa: E402

from participants.models import Participant  # noqa: E402
from schedules.models import CalendarFeed  # noqa: E402
from schedules.services.enrolment.bulk import bulk_enrol  # noqa: E402
from tests.bench.enrolment import cast_of  # noqa: E402
from tests.bench.feeds import change_room, spent  # noqa: E402
from tests.bench.measuring import duration  # noqa: E402
from tests.cast import NOW, a_site  # noqa: E402
from tests.phones import a_coordinator  # noqa: E402
from trials.selectors.records import token_digest  # noqa: E402

SUBSCRIBERS, PARTICIPANTS, VISITS, A_TENTH = 20_000, 200, 10, 10
MINUTE = 60.0


def main() -> None:
    """Make the subscribers, let them fetch, and print what came of it."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else SUBSCRIBERS
    setup_test_environment()
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        _measure(number)
    finally:
        connection.creation.destroy_test_db(connection.settings_dict["NAME"], verbosity=0)


def _measure(number: int) -> None:
    bulk_enrol(enrolments=cast_of(PARTICIPANTS, VISITS), by=None)
    people = list(Participant.objects.values_list("pk", flat=True))
    owner, client = a_coordinator(site=a_site()), Client()
    tokens = [secrets.token_urlsafe(32) for _ in range(number)]
    CalendarFeed.objects.bulk_create(
        CalendarFeed(
            token_digest=token_digest(token),
            owner=owner,
            participant_id=people[place % PARTICIPANTS],
            created_at=NOW,
        )
        for place, token in enumerate(tokens)
    )
    known = {token: client.get(f"/calendar/{token}.ics")["ETag"] for token in tokens}
    idle = median(_fetch(client, token, known[token], 304) for token in tokens[:500])
    for pk in people[: PARTICIPANTS // A_TENTH]:
        change_room(pk)
    times, changed = [], 0
    for place, token in enumerate(tokens):
        status = 200 if place % PARTICIPANTS < PARTICIPANTS // A_TENTH else 304
        changed += status == 200
        times.append(_fetch(client, token, known[token], status))
    waited = _queue(times)
    worst = quantiles(waited, n=20)[-1]
    verdict = "kept" if worst <= 10 * idle else "MISSED"
    print(f"  {number:,} subscribers in a minute, {changed:,} after a change, {connection.display_name}")
    print(f"  no error; the core is busy for {sum(times):.1f} s of {MINUTE:.0f} s")
    waits = f"95% wait at most {duration(worst)} = {worst / idle:.1f}x"
    print(f"  idle {duration(idle)}; {waits}  aim 10x {verdict}")


def _fetch(client: Client, token: str, etag: str, status: int) -> float:
    seconds, answer = spent(lambda: client.get(f"/calendar/{token}.ics", headers={"if-none-match": etag}))
    assert answer.status_code == status
    return seconds


def _queue(times: list[float]) -> list[float]:
    """From arrival to answer, of each, where one core answers them in the order in which they come."""
    random = Random(1)
    arrivals = sorted((random.uniform(0, MINUTE), seconds) for seconds in times)
    free, waited = 0.0, []
    for arrived, seconds in arrivals:
        free = max(free, arrived) + seconds
        waited.append(free - arrived)
    return waited


if __name__ == "__main__":
    main()
