"""A calendar of more than ten thousand events: whole, unchanged until something is, as cheap to look at."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from participants.models import Participant
from schedules.models import Visit
from schedules.services.enrolment.bulk import bulk_enrol
from tests.bench.enrolment import cast_of
from tests.cast import NOW, a_site
from tests.phones import a_coordinator, change, fetch, subscribe
from tests.plans import plan_of, steps_of

pytestmark = [pytest.mark.django_db, pytest.mark.long, pytest.mark.usefixtures("frozen")]
MANY, VISITS = 1_010, 10
SECOND = timedelta(seconds=1)


def test_more_than_ten_thousand_events_come_whole_and_one_change_is_one_change() -> None:
    bulk_enrol(enrolments=cast_of(MANY, VISITS), by=None)
    site = a_site()
    _, address = subscribe(a_coordinator(site=site), site=site)
    first = fetch(address)
    assert first.status_code == 200
    events = first.content.split(b"BEGIN:VEVENT")[1:]
    assert len(events) == Visit.objects.count() == MANY * VISITS
    assert len({event.partition(b"UID:")[2][:36] for event in events}) == MANY * VISITS, "each of them once"
    assert fetch(address).content == first.content
    asked = {"if-none-match": first["ETag"]}
    assert fetch(address, **asked).status_code == 304

    person = Participant.objects.order_by("pk")[MANY // 2]
    code = Visit.objects.filter(participant=person).order_by("target").values_list("code", flat=True)[0]
    change(person, code, booked_on=NOW.date(), booked_place="Room 3", outside_reason="travels")
    cache.clear()
    with CaptureQueriesContext(connection) as queries:
        after = fetch(address, at=NOW + SECOND, **asked)
    assert len(queries) <= 20, "as many as for a calendar of ten events"
    changed = [
        new for new, old in zip(after.content.split(b"BEGIN:VEVENT")[1:], events, strict=True) if new != old
    ]
    assert len(changed) == 1
    assert b"LOCATION:Room 3" in changed[0]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite does not say what a plan has read")
def test_whose_calendar_it_is_is_asked_once_where_postgresql_last_saw_nobody() -> None:
    """It was asked for each of them again: a lane with many rows rolled back stood for ten minutes."""
    people = 100
    with transaction.atomic():
        bulk_enrol(enrolments=cast_of(3 * people, 3), by=None)
        transaction.set_rollback(True)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    bulk_enrol(enrolments=cast_of(people, 3), by=None)
    site = a_site()
    _, address = subscribe(a_coordinator(site=site), site=site)
    with CaptureQueriesContext(connection) as queries:
        assert fetch(address).status_code == 200
    (sql,) = [one["sql"] for one in queries if "schedules_calendarchunk c ON" in one["sql"]]
    steps = list(steps_of(plan_of(sql, options="ANALYZE")))
    asked = [one for one in steps if one.get("Relation Name") == "trials_trial" and one["Alias"] != "t"]
    assert asked
    assert all(one["Actual Loops"] <= people for one in asked)
