"""Everything that an integration reads besides visits: each in sight, by id, with what it needs."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from participants.models import Fact, Participant
from schedules.models import VisitActivity
from schedules.selectors.store import records
from schedules.services.enrolment.bulk import bulk_enrol
from schedules.services.enrolment.enrolling import enrol
from tests.cast import TODAY, a_site, an_enrolment
from tests.readers import Ask, all_pages, problem
from trials.domain.protocols.protocol import study_day
from trials.models import Cohort
from trials.selectors.records import protocol_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen")]
LISTS = [
    "anchors",
    "facts",
    "course-steps",
    "activities",
    "protocol-windows",
    "flags",
    "deviations",
    "visits",
]


def _recorded(person: Participant) -> None:
    """A row of every kind."""
    Fact.objects.create(
        participant=person, kind="night-away", starts_on=TODAY, ends_on=TODAY, detail={"minutes": 40}
    )
    person.steps.create(step="withdrawal", happened_on=TODAY, reason="Moved away.")
    visit = person.visits.order_by("pk").first()
    assert visit
    VisitActivity.objects.create(
        visit=visit, participant=person, code="consent", label="Consent ‖ 知情同意", done=True
    )


@pytest.fixture
def recorded(participant: Participant) -> Participant:
    _recorded(participant)
    there = enrol(
        enrolment=an_enrolment(participant.protocol_version, subject_code="S02-001", site=a_site("BJ")),
        by=None,
    )
    _recorded(there)
    return participant


@pytest.mark.parametrize("name", LISTS)
def test_a_list_shows_what_is_in_sight_alone(ask: Ask, recorded: Participant, name: str) -> None:
    address = f"/api/v1/{name}"
    found = all_pages(ask, f"{address}?page_size=2")
    assert {one["subject_code"] for one in found} <= {recorded.subject_code}
    assert found or name in ("flags", "deviations")
    assert [one["id"] for one in found] == sorted(one["id"] for one in found)
    assert all_pages(ask, f"{address}?subject_code=S02-001") == []
    assert len(all_pages(ask, f"{address}?subject_code=S01-001&trial=CART-SLE&site=WH")) == len(found)
    assert problem(ask(f"{address}?site=BJ"))["attr"] == "site"
    if name != "participants":
        assert problem(ask(f"{address}?participant=987654321"))["attr"] == "participant"
    first = ask(address)
    assert ask(address, **{"if-none-match": first["ETag"]}).status_code == 304


def test_a_fact_a_step_and_an_activity_as_they_are_on_record(ask: Ask, recorded: Participant) -> None:
    (fact,) = all_pages(ask, "/api/v1/facts")
    assert (fact["kind"], fact["starts_on"], fact["detail"]) == ("night-away", "2026-11-21", {"minutes": 40})
    (step,) = all_pages(ask, "/api/v1/course-steps")
    assert (step["step"], step["ends"], step["reason"]) == ("withdrawal", "contact", "Moved away.")
    course = ask(f"/api/v1/participants/{recorded.pk}/course").json()
    assert (course["phase"], [one["step"] for one in course["steps"]]) == ("withdrawn", ["withdrawal"])
    (done,) = all_pages(ask, "/api/v1/activities")
    assert (done["code"], done["label"], done["done"], done["done_at"]) == ("consent", "Consent", True, None)
    (said,) = ask("/api/v1/activities", **{"accept-language": "zh-hans"}).json()["results"]
    assert said["label"] == "知情同意"
    (anchor,) = all_pages(ask, "/api/v1/anchors?fields=code,planned_on,label")
    assert anchor == {"code": "infusion", "label": "Infusion", "planned_on": "2026-12-07"}


def test_a_window_comes_with_its_verdict_and_its_evidence(ask: Ask, participant: Participant) -> None:
    found = all_pages(ask, "/api/v1/protocol-windows")
    assert len(found) == participant.protocol_windows.count()
    words = {one["verdict"]["status"] for one in found}
    assert words <= {"not-yet", "cannot-judge", "at-risk", "open-and-kept", "kept", "violated", "waived"}
    waiting = [one for one in found if one["verdict"]["missing"]]
    assert waiting
    assert all(one["because"] for one in found)


@pytest.mark.parametrize("name", LISTS)
def test_queries_of_a_list_do_not_grow(ask: Ask, participant: Participant, name: str) -> None:
    _recorded(participant)
    address = f"/api/v1/{name}?page_size=200"
    ask(address)
    with CaptureQueriesContext(connection) as few:
        assert ask(address).status_code == 200
    version = participant.protocol_version
    bulk_enrol(enrolments=[an_enrolment(version, subject_code=f"S01-{n:03}") for n in range(2, 12)], by=None)
    for person in Participant.objects.exclude(pk=participant.pk):
        _recorded(person)
    ask(address)  # the changes of the enrolment get their numbers
    with CaptureQueriesContext(connection) as more:
        ask(address)
    # flags and deviations have none yet at first, and then go without their signatures
    assert len(more) <= len(few) + (1 if name in ("flags", "deviations") else 0)
    assert not [one["sql"] for one in more if "COUNT(" in one["sql"] or "OFFSET" in one["sql"]]


def test_a_protocol_version_as_a_document_and_as_a_schedule(ask: Ask, participant: Participant) -> None:
    version = participant.protocol_version
    (row,) = all_pages(ask, "/api/v1/protocol-versions?trial=CART-SLE")
    assert (row["id"], row["trial"], row["digest"]) == (version.pk, "CART-SLE", version.digest)
    whole = ask(f"/api/v1/protocol-versions/{version.pk}").json()
    assert whole["document"]["trial"] == "CART-SLE"
    assert whole["text"] == version.document
    schedule = ask(f"/api/v1/protocol-versions/{version.pk}/schedule?day_zero=2026-12-07").json()
    by_code = {one["code"]: one for one in schedule["visits"]}
    assert set(by_code) >= {visit.code for visit in participant.visits.all()}
    d28 = by_code["d28"]
    assert (d28["opens_day"], d28["target_day"], d28["closes_day"]) == (25, 28, 31)
    assert (d28["opens"], d28["target"], d28["closes"]) == ("2027-01-01", "2027-01-04", "2027-01-07")
    assert d28["study_day"] == study_day(date(2027, 1, 4), date(2026, 12, 7)) == 29
    known = {one.code for one in protocol_of(version).activities}
    assert {code for one in schedule["visits"] for code in one["activities"]} == known
    bare = ask(f"/api/v1/protocol-versions/{version.pk}/schedule").json()
    assert {one["target"] for one in bare["visits"]} == {None}
    assert problem(ask(f"/api/v1/protocol-versions/{version.pk}/schedule?trait=tall"))["attr"] == "trait"
    for pk in (version.pk + 99, 2**63, 10**30):
        assert problem(ask(f"/api/v1/protocol-versions/{pk}"))["status"] == 404


def test_cohorts_sites_and_a_trial_by_its_code(ask: Ask, participant: Participant) -> None:
    trial = participant.trial
    Cohort.objects.create(trial=trial, code="L9", label="Level 9 ‖ 剂量9", position=9)
    (cohort,) = [one for one in all_pages(ask, "/api/v1/cohorts?trial=CART-SLE") if one["code"] == "L9"]
    assert (cohort["trial"], cohort["label"], cohort["position"]) == ("CART-SLE", "Level 9", 9)
    (site,) = all_pages(ask, "/api/v1/sites")
    assert (site["code"], site["zone"], site["trials"]) == ("WH", "Asia/Shanghai", ["CART-SLE"])
    assert ask("/api/v1/trials/CART-SLE").json()["code"] == "CART-SLE"
    assert problem(ask("/api/v1/trials/NCT07274059"))["status"] == 404


def test_a_day_zero_is_found_with_what_speaks_against_it(ask: Ask, participant: Participant) -> None:
    asked = "first=2026-12-07&last=2026-12-20"
    found = ask(f"/api/v1/participants/{participant.pk}/day-zero?{asked}").json()
    assert found["anchor"] == "infusion"
    assert sorted(day["day"] for day in found["days"]) == [f"2026-12-{n:02}" for n in range(7, 21)]
    possible = [day["points"] for day in found["days"] if day["possible"]]
    assert possible == sorted(possible)
    assert all(reason["said"] for day in found["days"] for reason in day["reasons"])
    wrong = problem(ask(f"/api/v1/participants/{participant.pk}/day-zero?first=2026-12-20&last=2026-12-07"))
    assert (wrong["status"], wrong["attr"]) == (400, "last")
    assert problem(ask(f"/api/v1/participants/{participant.pk}/day-zero"))["code"] == "required"


def test_a_newcomer_s_day_zero_is_for_those_who_may_enrol(
    ask: Ask, participant: Participant, edc: Any
) -> None:
    asked = f"protocol_version={participant.protocol_version_id}&site=WH&first=2026-12-07&last=2026-12-20"
    edc.memberships.update(role="coordinator")
    assert len(ask(f"/api/v1/day-zero?{asked}").json()["days"]) == 14
    assert problem(ask(f"/api/v1/day-zero?{asked}&cohort=none"))["attr"] == "cohort"
    edc.memberships.update(role="monitor")
    assert problem(ask(f"/api/v1/day-zero?{asked}"))["status"] in (400, 403)


@pytest.mark.long
@pytest.mark.parametrize("name", LISTS)
def test_queries_of_a_list_are_the_same_at_ten_and_at_a_thousand_rows(
    ask: Ask, participant: Participant, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "_FEW", 0)  # up to twenty people are read by one statement in place of ten
    version = participant.protocol_version
    bulk_enrol(enrolments=[an_enrolment(version, subject_code=f"S01-{n:03}") for n in range(2, 102)], by=None)
    for person in Participant.objects.all():
        _recorded(person)
    found = {}
    for size in (10, 200):
        ask(f"/api/v1/{name}?page_size={size}")
        with CaptureQueriesContext(connection) as queries:
            ask(f"/api/v1/{name}?page_size={size}")
        found[size] = len(queries)
    assert found[10] == found[200]
