"""The trail is read place by place, in bounded pieces, and shows what one walk over all of it would."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from participants.models import Participant
from participants.selectors.participants import participants_visible_to, participants_who_moved
from schedules.services.enrolment.enrolling import enrol
from tests.cast import NOW, TODAY, a_site, a_version, an_enrolment
from trials.domain.audit.trail import Order
from trials.models import AuditEntry, AuditReview, ProtocolVersion, Site, User
from trials.selectors.audit import trail
from trials.selectors.audit.trail import (
    entries_in_sight,
    newest_of,
    page_of_entries,
    seal_state,
    search_backwards,
    stretches_of,
)
from trials.services.accounts.memberships import grant_membership

pytestmark = pytest.mark.django_db


@pytest.fixture
def version() -> ProtocolVersion:
    return a_version()


@pytest.fixture
def places(version: ProtocolVersion) -> dict[str, Site]:
    """Three sites with two participants each, one of whom moved."""
    places = {code: a_site(code) for code in ("WH", "CD", "BJ")}
    for code, site in places.items():
        for number in (1, 2):
            enrol(enrolment=an_enrolment(version, site=site, subject_code=f"{code}-{number}"), by=None)
    return places


def somebody(name: str, *roles: dict[str, Any]) -> User:
    user = User.objects.create_user(name)
    for role in roles:
        grant_membership(user=user, starts_on=TODAY, by=None, **role)
    return user


def test_an_entry_about_a_participant_carries_their_trial_and_site(places: dict[str, Site]) -> None:
    person = Participant.objects.get(subject_code="CD-1")
    entries = AuditEntry.objects.filter(participant_id=person.pk)
    assert {(entry.trial_id, entry.site_id) for entry in entries} == {(person.trial_id, person.site_id)}
    assert {entry.model for entry in entries} >= {"participants.participant", "schedules.visit"}


@pytest.mark.parametrize("order", [Order.NEWEST, Order.OLDEST])
@pytest.mark.parametrize("who", ["one site", "two sites", "one trial", "site in trial", "nobody", "all"])
def test_read_by_place_it_is_the_same_trail(
    places: dict[str, Site], version: ProtocolVersion, who: str, order: Order
) -> None:
    roles: dict[str, list[dict[str, Any]]] = {
        "one site": [{"role": "coordinator", "site": places["WH"]}],
        "two sites": [{"role": "coordinator", "site": places[code]} for code in ("WH", "BJ")],
        "one trial": [{"role": "monitor", "trial": version.trial}],
        "site in trial": [{"role": "coordinator", "site": places["CD"], "trial": version.trial}],
        "nobody": [],
        "all": [{"role": "administrator"}, {"role": "monitor"}],
    }
    user = somebody("somebody", *roles[who])
    moved = Participant.objects.get(subject_code="BJ-2")
    moved.site = places["WH"]
    moved.save(update_fields=["site"])
    moved.steps.create(step="transfer", happened_on=TODAY)
    participants = participants_visible_to(user, TODAY)
    in_sight = entries_in_sight(user, TODAY, participants)
    stretches = stretches_of(user, TODAY, participants_who_moved(), participants)
    assert bool(stretches) == (who != "all")
    after, seen, expected = None, [], [entry.pk for entry in in_sight.order_by("pk")]
    while True:
        page = page_of_entries(in_sight, order, after, 7, stretches)
        seen += [entry.pk for entry in page.entries]
        if page.after is None:
            break
        after = page.after
    assert seen == (expected if order is Order.OLDEST else expected[::-1])
    assert newest_of(in_sight, stretches) == (expected[-1] if expected else 0)


def test_who_sees_everybody_is_asked_for_no_list_of_them(places: dict[str, Site]) -> None:
    user = somebody("all", {"role": "monitor"})
    in_sight = entries_in_sight(user, TODAY, participants_visible_to(user, TODAY))
    assert Participant._meta.db_table not in str(in_sight.query)


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="asks the planner of PostgreSQL")
def test_a_page_for_one_site_walks_along_an_index(places: dict[str, Site]) -> None:
    user = somebody("lin", {"role": "coordinator", "site": places["WH"]})
    participants = participants_visible_to(user, TODAY)
    in_sight = entries_in_sight(user, TODAY, participants)
    stretches = stretches_of(user, TODAY, participants_who_moved(), participants)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
    plan = in_sight.filter(stretches[0]).order_by("-pk")[:51].explain()
    assert "audit_by_site" in plan


@pytest.fixture
def monitor(places: dict[str, Site]) -> Client:
    somebody("lin", {"role": "monitor"})
    page = Client()
    page.force_login(User.objects.get(username="lin"))
    return page


OF_ONE = '"CD-1"'
A_YEAR_ON = NOW + timedelta(days=400)


def found(answer: Any) -> set[int]:
    return {row.entry.participant_id for row in answer.context["rows"]}


def test_a_text_is_looked_for_in_the_last_thirty_days_and_further_when_asked(monitor: Client) -> None:
    person = Participant.objects.get(subject_code="CD-1")
    asked = monitor.get(reverse("trail"), {"text": OF_ONE})
    assert found(asked) == {person.pk}
    assert "Only entries since 2026-10-22 were searched." in asked.content.decode()
    with time_machine.travel(A_YEAR_ON, tick=False):
        monitor.force_login(User.objects.get(username="lin"))
        later = monitor.get(reverse("trail"), {"text": OF_ONE})
        assert found(later) == set()
        wider = monitor.get(reverse("trail") + later.context["further"])
        assert found(wider) == {person.pk}


def test_the_page_the_export_and_a_review_name_the_same_days_of_a_search(monitor: Client) -> None:
    page = monitor.get(reverse("trail"), {"text": OF_ONE})
    assert "first=2026-10-22" in page.context["asked"]
    export = b"".join(monitor.get(reverse("trail-export"), {"text": OF_ONE}).streaming_content)
    assert "first=2026-10-22" in export.decode("utf-8-sig")
    said = {"last_shown": page.context["review"].initial["last_shown"], "finding": "As it should be."}
    monitor.post(f"{reverse('trail-review')}?text={OF_ONE}", said)
    assert "first=2026-10-22" in AuditReview.objects.get().filters


@pytest.mark.parametrize("order", ["oldest", "record", "who"])
def test_a_text_of_long_ago_is_looked_for_newest_first_alone(monitor: Client, order: str) -> None:
    answer = monitor.get(reverse("trail"), {"text": OF_ONE, "first": "2020-01-01", "order": order})
    assert answer.status_code == 422
    assert "looked for newest first. Choose that order." in answer.content.decode()


def test_a_wider_search_reads_bounded_pieces_and_says_how_far(
    places: dict[str, Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trail, "PIECE", 20)
    monkeypatch.setattr(trail, "PIECES", 2)
    sought = AuditEntry.objects.filter(new__contains="WH-1")
    after, found, pages = None, [], 0
    while True:
        with CaptureQueriesContext(connection) as asked:
            page = search_backwards(sought, after, 5)
        assert len(asked) <= 4
        found += [entry.pk for entry in page.entries]
        pages += 1
        if page.after is None:
            break
        after = page.after
    assert found == list(sought.order_by("-pk").values_list("pk", flat=True))
    assert pages > 2


def test_a_search_from_a_day_on_reads_nothing_that_was_written_before(
    places: dict[str, Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trail, "PIECE", 20)
    monkeypatch.setattr(trail, "PIECES", 50)
    sought, last = (
        AuditEntry.objects.filter(new__contains="no such text"),
        AuditEntry.objects.latest("pk").at.date(),
    )
    for since, pieces in ((last + timedelta(days=2), 1), (last - timedelta(days=2), 4)):
        with CaptureQueriesContext(connection) as asked:
            page = search_backwards(sought, None, 5, since)
        assert (page.entries, page.after, page.looked_back_to) == ([], None, None)
        searched = [one for one in asked if "no such text" in one["sql"]]
        assert len(searched) == 1 if pieces == 1 else len(searched) >= pieces


def test_a_text_of_these_days_is_looked_for_in_pieces_by_who_sees_all(
    places: dict[str, Site], client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One statement read the texts of all entries of thirty days: 350,000 in two seconds."""
    monkeypatch.setattr(trail, "PIECE", 20)
    monkeypatch.setattr(trail, "PIECES", 50)
    client.force_login(User.objects.create_superuser("chief"))
    with CaptureQueriesContext(connection) as asked:
        answer = client.get(reverse("trail"), {"text": "WH-1"})
    assert Participant.objects.get(subject_code="WH-1").pk in found(answer)
    assert len([one for one in asked if "WH-1" in one["sql"] and "auditentry" in one["sql"]]) > 1


def test_what_is_not_sealed_is_counted_up_to_a_bound(
    places: dict[str, Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trail, "COUNTED", 3)
    state = seal_state()
    assert (state.counted, state.more) == (3, True)


def test_a_long_value_is_folded_and_what_a_text_was_looked_for_in_is_open(monitor: Client) -> None:
    text = monitor.get(reverse("trail"), {"record": "trials.protocolversion"}).content.decode()
    assert re.search(r"<li>\s*<details>\s*<summary>", text), "its document"
    of_people = {"record": "participants.participant"}
    assert "<details open>" not in monitor.get(reverse("trail"), of_people).content.decode()
    assert "<details open>" in monitor.get(reverse("trail"), of_people | {"text": OF_ONE}).content.decode()
