"""How many statements the uses take that every move of a calendar waits for; `-s` prints each number.

Counted as PostgreSQL is sent them, with the two that begin and end the transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from participants.domain.anchors import RecordedAnchor
from participants.models import Anchor, Participant
from schedules.models import ProtocolWindow, Visit
from schedules.selectors.readiness.board import is_gated
from schedules.selectors.store.records import record_of, records_of
from schedules.services.enrolment.enrolling import enrol
from schedules.services.replanning.moves import Proposal, commit_replanning, preview_replanning
from tests.cast import INFUSION, NOW, a_site, a_version, an_enrolment, document
from trials.formats.protocols import library
from trials.models import Cohort, Site, Trial, WorkingDayTable
from trials.selectors.records import protocol_of
from trials.selectors.together import Asked, read_together
from trials.services.sites.working_days import record_working_days

pytestmark = pytest.mark.django_db


@contextmanager
def at_most(number: int, what: str) -> Iterator[None]:
    """Print how many statements the block sends, and fail where they are more.

    Inside a test's transaction, the act is taken from the database again at the end of a service: a
    statement that the end of a transaction of its own does not need.
    """
    with CaptureQueriesContext(connection) as captured:
        yield
    sent = [query["sql"] for query in captured if "set_config('dayzero.act', ''" not in query["sql"]]
    print(f"{what}: {len(sent)} statements, aim {number}")
    assert len(sent) <= number, "\n".join(sent)


def moved(day: date) -> Proposal:
    return Proposal(anchors={"infusion": RecordedAnchor("infusion", planned_on=day)})


@pytest.mark.parametrize("code", ["CART-SLE", "CART-SLE with its gates", "NCT07193667"])
def test_one_enrolment_gated_or_not(code: str) -> None:
    gated = code.endswith("gates")
    version = a_version(
        text=library.path("CART-SLE").read_text(encoding="utf-8") if gated else document(code)
    )
    assert is_gated(protocol_of(version)) or not gated
    cohort = Cohort.objects.filter(trial=version.trial).order_by("position").first()
    site = a_site()
    record_working_days(site=site, by=None, first_year=2026, last_year=2028)
    enrolment = an_enrolment(version, site=site, cohort=cohort, traits=frozenset())
    with at_most(20, f"enrolment in {code}"):
        enrol(enrolment=enrolment, by=None)


def test_one_replanning() -> None:
    participant = enrol(enrolment=an_enrolment(), by=None)
    proposal = moved(INFUSION + timedelta(days=3))
    with at_most(5, "preview"):
        preview = preview_replanning(participant=participant, proposal=proposal, now=NOW)
    with at_most(15 if connection.vendor == "postgresql" else 16, "re-planning"):
        commit_replanning(
            participant=participant,
            proposal=proposal,
            digest=preview.digest,
            now=NOW,
            by=None,
            reason="moved",
        )


def test_a_record_is_the_same_read_with_others_or_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few participants are read by one statement, many by one for each table."""
    version = a_version()
    people = [
        enrol(enrolment=an_enrolment(version, subject_code=f"S01-{number:03}"), by=None).pk
        for number in range(1, 4)
    ]
    with CaptureQueriesContext(connection) as together:
        found = records_of(people)
    monkeypatch.setattr("schedules.selectors.store.records._FEW", 0)
    with CaptureQueriesContext(connection) as apart:
        assert records_of(people) == found
    assert len(apart) == len(together) + 11
    assert record_of(people[1]) == found[1]


def test_rows_read_together_are_what_each_query_gives() -> None:
    participant = enrol(enrolment=an_enrolment(), by=None)
    record_working_days(site=participant.site, by=None, first_year=2026, last_year=2027)
    queries = [
        Participant.objects.select_related("site", "trial", "cohort").defer("trial__title"),
        Site.objects.filter(pk__in=[]),
        WorkingDayTable.objects.order_by("-version").values_list("site_id", "document"),
        Trial.objects.values_list("code", flat=True),
        participant.visits.order_by("pk"),
        participant.visits.order_by("pk").values("target", "uid", "changed_at"),
    ]
    with CaptureQueriesContext(connection) as captured:
        found = read_together(*queries)
    assert len(captured) == 1
    assert found == [list(query) for query in queries]
    (person,) = found[0]
    with CaptureQueriesContext(connection) as captured:
        assert (person.site.code, person.trial.code, person.cohort) == ("WH", "CART-SLE", None)
    assert not len(captured)
    for visit, same in zip(found[4], queries[4], strict=True):
        for field in visit._meta.concrete_fields:
            assert getattr(visit, field.attname) == getattr(same, field.attname), field.attname


def test_a_query_compiled_for_others_is_asked_for_these_ids() -> None:
    """As many ids are the same SQL; others are compiled for themselves."""
    version = a_version()
    people = [
        enrol(enrolment=an_enrolment(version, subject_code=f"S01-{number:03}"), by=None).pk
        for number in range(1, 5)
    ]
    for ids in ([people[0]], [people[1]], people[:3], set(people[1:]), people, [], [0]):
        asked = [Asked.of(kind, ids) for kind in (visits_of, windows_or_none, nobody)]
        asked.append(Asked.of(both, first=ids, second=people[:2]))
        assert read_together(*asked) == [list(one.query) for one in asked], ids
    assert read_together(Asked.of(visits_of, people[:1]))[0][0].participant_id == people[0]


def visits_of(ids: Collection[int]) -> QuerySet[Visit]:
    return Visit.objects.filter(participant__in=ids).select_related("participant").order_by("pk")


def windows_or_none(ids: Collection[int]) -> QuerySet[Any, Any]:
    found = ProtocolWindow.objects.filter(participant__in=ids, cancelled_on=None).order_by("pk")
    return found.values_list("pk", "starts_on", "starts_at")


def nobody(ids: Collection[int]) -> QuerySet[Visit]:
    return Visit.objects.none()


def both(*, first: Collection[int], second: Collection[int]) -> QuerySet[Any, Any]:
    return Anchor.objects.filter(participant__in=second).exclude(participant__in=first).order_by("pk")
