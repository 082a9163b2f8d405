"""What an integration maps first: the trials in sight, and nothing beside them."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from participants.models import Participant
from tests.cast import a_site, a_version
from tests.readers import Ask, all_pages, problem
from trials.keyset import write_cursor
from trials.models import Cohort, Membership, TrialSite, User

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen")]
ADDRESS = "/api/v1/trials"


def test_a_trial_names_its_sites_cohorts_and_versions_in_sight(ask: Ask, participant: Participant) -> None:
    trial = participant.trial
    TrialSite.objects.create(trial=trial, site=a_site("BJ"))  # no role there
    a_version("NCT07274059")  # a trial that does not run here
    (found,) = all_pages(ask, ADDRESS)
    assert (found["code"], [site["code"] for site in found["sites"]]) == (trial.code, ["WH"])
    assert found["sites"][0]["zone"] == "Asia/Shanghai"
    assert [one["code"] for one in found["cohorts"]] == list(trial.cohorts.values_list("code", flat=True))
    assert [one["digest"] for one in found["protocol_versions"]] == [participant.protocol_version.digest]


def test_queries_do_not_grow_with_trials_and_cohorts(ask: Ask, participant: Participant, edc: User) -> None:
    Membership.objects.filter(user=edc).update(site=None)
    ask(ADDRESS)
    with CaptureQueriesContext(connection) as few:
        ask(ADDRESS)
    other = a_version("NCT07274059").trial
    Cohort.objects.bulk_create(
        Cohort(trial=other, code=f"L{n}", label=f"Level {n}", position=100 + n) for n in range(40)
    )
    with CaptureQueriesContext(connection) as many:
        assert len(ask(ADDRESS).json()["results"]) == 2
    assert len(many) == len(few)
    assert all('"document"' not in query["sql"] for query in many)


@pytest.mark.parametrize("query", ["colour=red", "page_size=0", "cursor=abc", "page_size=1&page_size=2"])
def test_what_cannot_be_asked_is_refused(ask: Ask, query: str) -> None:
    assert problem(ask(f"{ADDRESS}?{query}"))["status"] == 400


def test_a_cursor_of_a_list_by_day_is_refused(ask: Ask) -> None:
    wrong = problem(ask(f"{ADDRESS}?cursor={write_cursor((date(2026, 12, 7), 1))}"))
    assert (wrong["status"], wrong["attr"]) == (400, "cursor")
