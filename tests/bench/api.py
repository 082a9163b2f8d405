"""What a page of visits costs through the API, against raw SQL written by orjson, and how deep it may lie.

`python -m tests.bench.api [--large]`, with DAYZERO_TEST_DATABASE. Both answer a request through the same
middleware and the same authentication; the bare one runs one statement and writes its rows as they come.
It reads what a document shows but for the version under which a visit was done and the step that ended it:
with those two joins both databases plan it so badly that it would measure nothing. Ours reads them, says
where each visit stands on the day at its site and why, gives instants their offsets, checks the parameters,
and has `next` and an `ETag`.
The first page asks beside that where the change feed stands. With `--large` there are a million visits,
else thirty thousand; depth is the last page against the first.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
django.setup()

import orjson  # noqa: E402
import time_machine  # noqa: E402
from django.core.cache import cache  # noqa: E402
from django.db import connection  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.test import Client, override_settings  # noqa: E402
from django.test.utils import setup_test_environment  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework.request import Request  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

from config.urls import urlpatterns as ours  # noqa: E402
from schedules.api.serializers import visit_document  # noqa: E402
from schedules.models import Visit  # noqa: E402
from schedules.selectors.exchange.visit_rows import WantedVisits, listed_visits  # noqa: E402
from schedules.services.enrolment.bulk import bulk_enrol  # noqa: E402
from tests.bench.enrolment import cast_of  # noqa: E402
from tests.bench.measuring import Comparison, medians  # noqa: E402
from tests.cast import NOW, TODAY  # noqa: E402
from trials.api import authentication  # noqa: E402
from trials.api.rendering import to_json  # noqa: E402
from trials.keyset import write_cursor  # noqa: E402
from trials.models import User  # noqa: E402
from trials.services.accounts.memberships import grant_membership  # noqa: E402
from trials.services.accounts.tokens import issue_api_token  # noqa: E402
from trials.spoken import say  # noqa: E402

PARTICIPANTS, VISITS, LARGE = 1_000, 30, 1_000_000
PAGE, DEPTH = 1.5, 1.2
SIZE = 100
COLUMNS = """
    v.id, t.code AS trial, s.code AS site, v.participant_id AS participant, p.subject_code,
    pv.label AS version_label, v.code, v.rule_code, v.occurrence, v.attempt, v.label, v.epoch, v.timing,
    v.place, v.anchor_code, v.anchor_on, v.anchor_kind,
    v."offset", v.opens, v.target, v.closes, v.target_at, v.suggested, v.timing_basis,
    v.tolerance_basis, v.booked_on, v.booked_start, v.booked_end, v.booked_zone, v.booked_place, v.arrived_on,
    v.arrived_at, v.arrived_zone,
    v.performed_on, v.performed_at, v.missed_on, v.cancelled_on, v.held_on, v.unscheduled, v.version,
    v.outside_reason, v.missed_reason, v.cancelled_reason, v.applies, v.performed_zone, s.zone
"""
RAW = f"""
    SELECT {COLUMNS} FROM schedules_visit v
    JOIN participants_participant p ON p.id = v.participant_id
    JOIN trials_trial t ON t.id = p.trial_id JOIN trials_site s ON s.id = p.site_id
    JOIN trials_protocolversion pv ON pv.id = p.protocol_version_id
    WHERE v.id > %s ORDER BY v.id LIMIT {SIZE}
"""


def raw_page(after: int = 0) -> bytes:
    """A page by one statement, as it comes."""
    with connection.cursor() as cursor:
        cursor.execute(RAW, [after])
        names = [column[0] for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return orjson.dumps({"next": None, "results": rows}, default=str)


class BarePage(APIView):
    """The same for a client that signs in."""

    def get(self, request: Request) -> HttpResponse:
        return HttpResponse(raw_page(), content_type="application/json")


urlpatterns = [path("bare", BarePage.as_view()), *ours]


def main() -> None:
    """Print the measures of the database that the environment names."""
    setup_test_environment()
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        with time_machine.travel(NOW, tick=True), override_settings(ROOT_URLCONF=__name__):
            _measure(large="--large" in sys.argv)
    finally:
        connection.creation.destroy_test_db(connection.settings_dict["NAME"], verbosity=0)


def _measure(*, large: bool) -> None:
    bulk_enrol(enrolments=cast_of(PARTICIPANTS, VISITS), by=None)
    if large:
        multiply(LARGE)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    user = User.objects.create_user("edc")
    grant_membership(user=user, role="data_manager", starts_on=TODAY - timedelta(days=9), by=None)
    token = issue_api_token(user=user, name="EDC")[1]
    client, headers = Client(), {"authorization": f"Bearer {token}"}

    def ask(address: str) -> bytes:
        cache.clear()  # nobody asks so often
        answer = client.get(address, headers=headers)
        assert answer.status_code == 200, answer.content
        return answer.content

    def page(after: int | None) -> bytes:
        found = listed_visits(user, WantedVisits(), (after, SIZE), NOW)
        return to_json({"next": None, "results": [visit_document(one, say) for one in found.visits]})

    with _no_limit():
        name = connection.display_name
        taken = medians({"ours": lambda: page(None), "bare": raw_page})
        what = f"a page of {SIZE} visits against raw SQL and orjson, {name}"
        print(Comparison(what, taken["ours"], taken["bare"]), flush=True)
        then = f"/api/v1/visits?cursor={write_cursor(0)}"
        taken = medians(
            {
                "first": lambda: ask("/api/v1/visits"),
                "ours": lambda: ask(then),
                "bare": lambda: ask("/bare"),
            }
        )
        what = f"the same as a whole request, {name}"
        print(Comparison(what, taken["ours"], taken["bare"], at_most=PAGE), flush=True)
        what = f"the first page, which says where the feed stands, {name}"
        print(Comparison(what, taken["first"], taken["bare"]), flush=True)
        last = Visit.objects.order_by("-pk").values_list("pk", flat=True)[SIZE]
        deep = write_cursor(last)
        first = write_cursor(0)
        taken = medians(
            {
                "ours": lambda: ask(f"/api/v1/visits?cursor={deep}"),
                "bare": lambda: ask(f"/api/v1/visits?cursor={first}"),
            }
        )
        count = Visit.objects.count()
        what = f"the page at depth {count:,} against that at 0, {name}"
        print(Comparison(what, taken["ours"], taken["bare"], at_most=DEPTH), flush=True)


def multiply(wanted: int) -> None:
    """Copy what there is until there are so many visits, each under an attempt of its own."""
    names = [
        field.column
        for field in Visit._meta.fields
        if field.column not in ("id", "uid", "attempt", "booked_resource_id", "booked_staff_id")
    ]
    columns = ", ".join(f'"{name}"' for name in names)
    new = "gen_random_uuid()::text" if connection.vendor == "postgresql" else "lower(hex(randomblob(16)))"
    attempt = 2
    with connection.cursor() as cursor:
        while Visit.objects.count() < wanted:
            cursor.execute(
                f"INSERT INTO schedules_visit (uid, attempt, {columns}) SELECT {new}, %s, {columns} "
                "FROM schedules_visit WHERE attempt = 1",
                [attempt],
            )
            attempt += 1


@contextmanager
def _no_limit() -> Iterator[None]:
    """A client that asks without pause, as none does."""
    usual: Any = authentication.seconds_to_wait
    authentication.seconds_to_wait = lambda *_args, **_named: 0
    try:
        yield
    finally:
        authentication.seconds_to_wait = usual


if __name__ == "__main__":
    main()
