"""Whether lists read more than they show: the plan is asked before and after many more people come.

PostgreSQL says how many rows each step of a plan took. `make bench-web` prints the pages of 8 KB.
"""

from __future__ import annotations

import pytest
import time_machine
from django.db import connection

from participants.models import Anchor, Fact, Participant
from schedules.models import CalendarState, Deviation, Flag, ProtocolWindow, Visit
from schedules.services.enrolment.enrolling import enrol
from tests.bench.enrolment import cast_of
from tests.bench.sweep import _copies
from tests.cast import NOW, TODAY
from tests.integration.store.lists import every_list
from tests.plans import rows_of
from trials.models import AuditEntry, Role, Site, TrialSite, User
from trials.services.accounts.memberships import grant_membership

pytestmark = [pytest.mark.django_db, pytest.mark.long]
FEW, MANY, SITES = 600, 6_000, 8
AT_LEAST = 600
"""Rows that any list may take: a page with what is joined to it, and what the frame of a page counts."""
OF_ALL, OF_ONE = 2.0, 1.3
COUNTS_PEOPLE = frozenset(
    {"today", "worklist", "participants", "trial", "screening-log", "enrolment-log"}
    | {"flags", "deviations", "find", "trail", "forecast", "calendar"}
)
"""These count people or flags, or what is due of all, and show it: three rows for each newcomer.

The last two join what they show with all people, where PostgreSQL finds that cheaper among so few: by what
it sampled, the calendar took 549 or 2,550 rows before, and 4,319 after.
"""
OF_A_PERSON = 100
"""So many rows of a person at the reader's site may be read: three statements look at thirty visits each."""


def test_ten_times_the_people_make_no_list_read_more(lane: str) -> None:
    """Each of them has thirty visits, windows, a flag, a deviation and a trail, and none of those is read.

    Who is of one site, to which nobody came, reads no more than before.
    """
    if lane != "postgres":
        pytest.skip("SQLite does not say what a plan has read")
    with time_machine.travel(NOW, tick=True):
        (enrolment,) = cast_of(1, 30)
        first = enrol(enrolment=enrolment, by=None)
        followed_up(first)
        for number in range(1, SITES):
            site = Site.objects.create(code=f"P{number}", name=f"Place {number}", zone="Asia/Shanghai")
            TrialSite.objects.create(trial=enrolment.trial, site=site)
        places = list(Site.objects.order_by("pk").values_list("pk", flat=True))
        readers = {"all": reader("all", None), "one site": reader("one", first.site)}
        copied(first.pk, 1, FEW, places)
        before = rows_of_lists(readers, first.site)
        copied(first.pk, FEW + 1, MANY, places[1:])
        after = rows_of_lists(readers, first.site)
    for key, read in sorted(after.items(), key=lambda one: -one[1]):
        print(*key, before[key], read)
    grown = {key: (before[key], read) for key, read in after.items() if read > most(key, before[key])}
    assert not grown


def most(key: tuple[str, str], before: int) -> float:
    """How many rows a list may take after MANY - FEW people came."""
    who, address = key
    if who == "one site":
        return max(OF_ONE * before, before + OF_A_PERSON * FEW / SITES, AT_LEAST)
    counted = 3 * (MANY - FEW) if address.split()[0] in COUNTS_PEOPLE else 0
    return OF_ALL * max(before, AT_LEAST) + counted


def reader(name: str, site: Site | None) -> User:
    """Somebody who may open every list, at one site or at all."""
    found = User.objects.create_user(name, is_staff=True)
    for role in (Role.COORDINATOR, Role.MONITOR, Role.DATA_MANAGER, Role.ADMINISTRATOR):
        grant_membership(user=found, role=role, starts_on=TODAY, by=None, site=site)
    return found


def followed_up(person: Participant) -> None:
    """A fact, an open flag and a deviation."""
    Fact.objects.create(
        participant=person, kind="night-away", starts_on=TODAY, ends_on=TODAY, detail={"minutes": 40}
    )
    Flag.objects.create(
        participant=person, key="f", kind="window-at-risk", severity="notice", message="", raised_at=NOW
    )
    Deviation.objects.create(
        participant=person,
        protocol_version=person.protocol_version,
        key="d",
        kind="missed",
        found_on=TODAY,
        occurred_on=TODAY,
    )


def copied(first: int, start: int, stop: int, places: list[int]) -> None:
    """The people of these numbers, each a day later than the one before, over these sites."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for model in (Participant, Anchor, Visit, ProtocolWindow, CalendarState, Fact, Flag, Deviation):
            cursor.execute(_copies(model, first, stop).replace("series(1,", f"series({start},"))
        moved = "UPDATE participants_participant SET site_id = (%s::bigint[])[1 + id %% %s] WHERE id >= %s"
        cursor.execute(moved, [places, len(places), first + start])
        cursor.execute(TRAIL, [first, first + start])
        cursor.execute("SET LOCAL session_replication_role = origin")
        cursor.execute("ANALYZE")


TRAIL = f"""
    INSERT INTO {AuditEntry._meta.db_table}
        (at, act, actor, roles, cause, reason, action, model, object_id,
         trial_id, site_id, participant_id, old, new)
    SELECT e.at, e.act, e.actor, e.roles, e.cause, e.reason, e.action, e.model, e.object_id,
         p.trial_id, p.site_id, p.id, e.old, e.new
    FROM {AuditEntry._meta.db_table} e JOIN participants_participant p ON e.participant_id = %s AND p.id >= %s
    ORDER BY p.id, e.id
"""


def rows_of_lists(readers: dict[str, User], site: Site) -> dict[tuple[str, str], int]:
    """The rows that each address takes, by reader and name of the list with what is asked of it."""
    return {
        key: rows_of(client, address, allowed) for key, client, address, allowed in every_list(readers, site)
    }
