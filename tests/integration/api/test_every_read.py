"""What every address that is read does alike: a tag, 304, as many queries for a thousand rows as for ten."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from participants.models import Participant, SitePeriod
from participants.selectors import participants
from schedules.domain.visits.status import WindowPosition
from schedules.models import EdcMap, ValueDifference, Visit, Webhook, WebhookDelivery
from schedules.selectors.exchange import visit_rows
from schedules.selectors.exchange.people import changed_people, changed_visits, of_people
from schedules.selectors.exchange.visit_rows import WantedVisits, listed_visits
from schedules.selectors.store import records
from schedules.services.enrolment.bulk import bulk_enrol
from schedules.services.exchange.change_feed import number_all_changes
from tests.cast import NOW, TODAY, an_enrolment
from tests.integration.api.test_resources import _recorded
from tests.readers import Ask, all_pages
from trials.domain.accounts.access import Grant, Scope
from trials.models import ApiAct, Cohort, Role, Site, Trial, TrialSite, User
from trials.selectors.records import within
from trials.services.accounts.clients import ClientTerms, open_client
from trials.services.accounts.memberships import grant_membership
from trials.services.sites.working_days import record_working_days

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen")]
FEW, MANY = 10, 1_000


@pytest.fixture
def reader(participant: Participant) -> Any:
    """A client that reads everything, by OAuth."""
    terms = ClientTerms(acts=[ApiAct.READ, ApiAct.WEBHOOKS])
    client, secret = open_client(name="rave", terms=terms, today=TODAY, now=NOW, by=None, reason="EDC.")
    form = f"grant_type=client_credentials&client_id={client.client_id}&client_secret={secret}"
    given = Client().post("/api/v1/oauth/token", form, content_type="application/x-www-form-urlencoded")
    header = {"authorization": f"Bearer {given.json()['access_token']}"}

    def read(address: str, **headers: str) -> Any:
        cache.clear()
        return Client().get(address, headers={**header, **headers})

    read.client = client  # type: ignore[attr-defined]
    return read


def addresses(participant: Participant, webhook: Webhook) -> list[str]:
    """Every address of the schema that is read, with ids that there are."""
    document = Client().get("/api/v1/schema/", headers={"accept": "application/vnd.oai.openapi+json"}).json()
    left, _made = SitePeriod.objects.get_or_create(
        participant=participant, site=participant.site, ended_on=TODAY
    )
    named: Mapping[str, Any] = {
        "/api/v1/participants/{id}": participant.pk,
        "/api/v1/visits/{id}": participant.visits.order_by("pk")[0].pk,
        "/api/v1/protocol-versions/{id}": participant.protocol_version_id,
        "/api/v1/webhooks/{id}": webhook.pk,
        "/api/v1/site-periods/{id}": left.pk,
    }
    found = []
    for path, methods in document["paths"].items():
        if "get" not in methods:
            continue
        pk = next((value for start, value in named.items() if path.startswith(start)), "")
        filled = path.replace("{id}", str(pk)).replace("{trial}", "CART-SLE")
        filled = filled.replace("{edc}", "rave").replace("{environment}", "live")
        if "day-zero" in path:
            filled += "?first=2026-12-07&last=2026-12-20"
            if "participants" not in path:
                filled += f"&site=WH&protocol_version={participant.protocol_version_id}"
        found.append(filled)
    return found


def grown(participant: Participant, webhook: Webhook, people: int) -> None:
    """So many people with a row of every kind, and as many of what belongs to none of them."""
    version, known = participant.protocol_version, Participant.objects.count()
    bulk_enrol(
        enrolments=[
            an_enrolment(version, subject_code=f"S01-{n:05}") for n in range(known + 1, known + people + 1)
        ],
        by=None,
    )
    new = list(Participant.objects.order_by("-pk")[:people])
    for person in new:
        _recorded(person)
    ValueDifference.objects.bulk_create(
        ValueDifference(participant=one, field="performed_on", ours="2026-12-01", theirs="2026-12-02",
                        client="rave", noticed_at=NOW) for one in new
    )  # fmt: skip
    SitePeriod.objects.bulk_create(SitePeriod(participant=one, site=one.site, ended_on=TODAY) for one in new)
    start = EdcMap.objects.count()
    EdcMap.objects.bulk_create(
        EdcMap(trial=participant.trial, edc=f"edc{start + n}", environment="live") for n in range(people)
    )
    Cohort.objects.bulk_create(
        Cohort(trial=participant.trial, code=f"L{start + n}", label="Level", position=start + n + 50)
        for n in range(people)
    )
    sites = Site.objects.bulk_create(
        Site(code=f"X{start + n}", name="Elsewhere", zone="Asia/Shanghai") for n in range(people)
    )
    TrialSite.objects.bulk_create(TrialSite(trial=participant.trial, site=one) for one in sites)
    Trial.objects.bulk_create(Trial(code=f"T{start + n}", title="Another") for n in range(people))
    Webhook.objects.bulk_create(
        Webhook(client=webhook.client, url=f"https://edc.example/{start + n}") for n in range(people)
    )
    WebhookDelivery.objects.bulk_create(
        WebhookDelivery(webhook=webhook, key=f"dz-{start + n}", number=start + n + 1, kind="moved",
                        participant_id=participant.pk, at=NOW) for n in range(people)
    )  # fmt: skip


@pytest.fixture
def webhook(reader: Any, participant: Participant) -> Webhook:
    EdcMap.objects.create(trial=participant.trial, edc="rave", environment="live")
    return Webhook.objects.create(client=reader.client, url="https://edc.example/")


def test_every_read_has_a_tag_and_is_304_where_nothing_changed(
    reader: Any, participant: Participant, webhook: Webhook
) -> None:
    without = []
    for address in addresses(participant, webhook):
        first = reader(address)
        if first.status_code in (400, 403) and address.startswith("/api/v1/day-zero"):
            continue  # for those who may enrol
        assert first.status_code == 200, (address, first.content)
        if first.streaming or first["Content-Type"].startswith(("application/xml", "text/")):
            continue  # a file, made anew for each reader
        again = reader(address, **{"if-none-match": first.get("ETag", "")})
        if "ETag" not in first or (again.status_code, again.content) != (304, b""):
            without.append(address)
    assert without == []


def test_every_read_refuses_what_it_does_not_know(
    reader: Any, participant: Participant, webhook: Webhook
) -> None:
    wrong = {}
    for address in addresses(participant, webhook):
        sign = "&" if "?" in address else "?"
        for query in ("colour=red", "colour=red&colour=blue", "colour="):
            answer = reader(f"{address}{sign}{query}")
            if answer.status_code not in (400, 403):
                wrong[f"{address}{sign}{query}"] = answer.status_code
    assert wrong == {}


@pytest.mark.long
def test_queries_are_the_same_at_ten_and_at_a_thousand_rows(
    reader: Any, participant: Participant, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of every address that is read: the whole table grows a hundredfold, and a page to its largest."""
    monkeypatch.setattr(records, "_FEW", 0)  # up to twenty people are read by one statement in place of ten

    def counted() -> dict[str, int]:
        found = {}
        for address in addresses(participant, webhook):
            size = "page_size=200"
            for query in ("", size):
                asked = f"{address}{'&' if '?' in address else '?'}{query}" if query else address
                answer = reader(asked)
                if answer.status_code != 200:
                    continue
                b"".join(answer.streaming_content) if answer.streaming else answer.content
                with CaptureQueriesContext(connection) as queries:
                    answer = reader(asked)
                    b"".join(answer.streaming_content) if answer.streaming else answer.content
                found[asked] = len(queries)
        return found

    grown(participant, webhook, FEW)
    few = counted()
    grown(participant, webhook, MANY - FEW)
    many = counted()
    # an export reads 500 rows at a time; flags and deviations have none at first, and no signatures
    allowed = {one for one in few if "/export" in one}
    more = {one: (few[one], many[one]) for one in few if many[one] > few[one] and one not in allowed}
    assert more == {}
    assert len(few) > 40


def plan_of(rows: Any) -> str:
    """How the database would find these rows, were the table large."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")  # a small table is read as a whole
    return str(rows.explain())


def test_what_changed_since_is_found_by_an_index(participant: Participant) -> None:
    number_all_changes()
    for since in (5, NOW):
        for rows in (
            Visit.objects.filter(changed_visits(since)),
            Participant.objects.filter(changed_people(since)),
        ):
            plan = plan_of(rows)
            whole = ("Seq Scan on schedules_changeevent", "SCAN schedules_changeevent", "SCAN U0")
            assert not [one for one in whole if one in plan], plan
            assert "number" in plan or "changes_at" in plan, plan


@pytest.mark.parametrize("few", [True, False])
def test_a_page_far_down_is_found_by_its_id_or_by_its_people(
    participant: Participant, edc: User, few: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No OFFSET; EXPLAIN names the key of the table where many are in sight, and of few their own rows."""
    if not few:
        monkeypatch.setattr(participants, "MOST_BY_PERSON", 0)
    with CaptureQueriesContext(connection) as queries:
        listed_visits(edc, WantedVisits(), (5, 100), NOW)
    (sql,) = (one["sql"] for one in queries if "schedules_visit" in one["sql"])
    assert "OFFSET" not in sql
    assert "COUNT(" not in sql
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            for way in ("seqscan", "sort"):  # of a table of thirty rows every way is the cheapest
                cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute(("EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN ") + sql)
        plan = "\n".join(str(row[-1]) for row in cursor.fetchall())
    if few:
        assert "schedules_visit_participant_id" in plan or "visit_once_per_participant" in plan, plan
        assert "PRIMARY KEY (rowid>?)" not in plan, plan
    else:
        assert "schedules_visit_pkey" in plan or "PRIMARY KEY (rowid>?)" in plan, plan


@pytest.mark.parametrize(
    ("window", "indexes"),
    [
        (WindowPosition.WAITING, {"visit_held", "visit_from_planned"}),
        (WindowPosition.NO_CLINIC_DAY_LEFT, {"visit_over_by_closes"}),
    ],
)
def test_windows_that_few_visits_are_in_are_found_by_an_index(
    many: int, window: WindowPosition, indexes: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen by all they were looked for among everybody's visits, by id; the same ones are found."""
    everywhere = User.objects.create_user("everywhere")
    grant_membership(user=everywhere, role=Role.MONITOR, starts_on=TODAY, by=None)
    for site in Site.objects.all():  # on this Saturday the next clinic day is Monday
        record_working_days(site=site, by=None, first_year=TODAY.year, last_year=TODAY.year + 1)
    first = Visit.objects.order_by("pk")[0]
    Visit.objects.filter(pk=first.pk).update(held_on=TODAY)
    monkeypatch.setattr(participants, "MOST_BY_PERSON", 0)
    with CaptureQueriesContext(connection) as queries:
        found = listed_visits(everywhere, WantedVisits(window=(window,)), (None, 100), NOW)
    (sql,) = (one["sql"] for one in queries if "MATERIALIZED" in one["sql"])
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            for way in ("seqscan", "indexscan"):  # of a table of a few rows every way is the cheapest
                cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute(("EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN ") + sql)
        plan = "\n".join(str(row[-1]) for row in cursor.fetchall())
    # SQLite knows a value that is bound to a statement too late for an index of part of a table
    if connection.vendor == "postgresql" or window is not WindowPosition.WAITING:
        assert not [one for one in indexes if one not in plan], plan
    monkeypatch.setattr(visit_rows, "RARE", frozenset())
    along = listed_visits(everywhere, WantedVisits(window=(window,)), (None, 100), NOW)
    assert [one.state.pk for one in found.visits] == [one.state.pk for one in along.visits]
    assert found.visits or window is not WindowPosition.WAITING


@pytest.mark.parametrize("window", list(WindowPosition))
def test_before_the_first_site_no_visit_is_in_any_window(window: WindowPosition) -> None:
    root = User.objects.create_superuser("root")
    assert not Site.objects.exists()
    assert not listed_visits(root, WantedVisits(window=(window,)), (None, 100), NOW).visits


def test_a_list_is_the_same_read_along_its_ids_or_by_its_people(
    ask: Ask, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists = ("visits", "visits?order=target", "anchors", "protocol-windows", "participants", "flags")
    asked = [f"/api/v1/{one}{'&' if '?' in one else '?'}page_size=20" for one in lists]
    by_people = [all_pages(ask, one) for one in asked]
    monkeypatch.setattr(participants, "MOST_BY_PERSON", 0)
    assert [all_pages(ask, one) for one in asked] == by_people
    assert len(by_people[0]) == Visit.objects.count() == many


def test_visits_that_close_soon_are_the_same_found_by_their_day_or_along_all_ids(
    ask: Ask, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Walking along all ids, seen by all, 56,000 visits were passed for a page of 100."""
    soon = list(Visit.objects.order_by("-pk").values_list("pk", flat=True)[:9])
    Visit.objects.filter(pk__in=soon).update(
        opens=TODAY, target=TODAY, closes=TODAY + timedelta(days=2), anchor_kind="actual", place="clinic"
    )
    Visit.objects.filter(pk__in=soon[:3]).update(performed_on=TODAY)
    monkeypatch.setattr(participants, "MOST_BY_PERSON", 0)
    monkeypatch.setattr(visit_rows, "IN_REACH", 0)
    lists = [f"/api/v1/visits?window=last-days&page_size=4{order}" for order in ("", "&order=target")]
    with CaptureQueriesContext(connection) as queries:
        by_day = [all_pages(ask, one) for one in lists]
    assert any("UNION ALL" in one["sql"] for one in queries)
    monkeypatch.setattr(visit_rows, "CLOSING_SOON", 0)
    with CaptureQueriesContext(connection) as queries:
        assert [all_pages(ask, one) for one in lists] == by_day
    assert not any("UNION ALL" in one["sql"] for one in queries)
    assert [len(some) for some in by_day] == [9, 9]
    assert many > 9


@pytest.mark.parametrize(
    ("scope", "listed"),
    [
        (Scope(everything=True), False),
        (Scope(frozenset({Grant("coordinator")})), False),
        (Scope(frozenset({Grant("coordinator", site=1)})), True),
        (Scope(), True),
    ],
)
def test_rows_of_all_people_are_asked_for_no_list_of_them(scope: Scope, listed: bool) -> None:
    """Whoever sees everybody had each visit looked up among all participants there are."""
    condition = of_people(Participant.objects.filter(within(scope)))
    assert bool(condition) is listed
    assert list(Visit.objects.filter(condition)) == []
