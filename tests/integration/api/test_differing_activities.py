"""What was done at a visit, reported again and otherwise: both values kept, shown, settled; never dropped."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from participants.domain.anchors import RecordedAnchor
from participants.models import Fact, Participant
from schedules.domain.errors import VisitRefused
from schedules.domain.visits.values import Answer, Completion, Sampled
from schedules.models import (
    Deviation,
    EdcConfirmation,
    ProtocolWindow,
    ValueDifference,
    Visit,
    VisitActivity,
)
from schedules.services.enrolment.enrolling import enrol
from schedules.services.exchange.differences import ValuesDiffer
from schedules.services.exchange.reports import Report, report_anchor, report_visit
from schedules.services.exchange.settling import take_theirs
from tests.cast import NOW, TODAY, a_version, an_enrolment
from trials.domain.errors import Refused
from trials.models import ApiAct, User
from trials.services.accounts.memberships import grant_membership
from trials.services.accounts.tokens import TokenScope, issue_api_token

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen")]
DONE = Answer(done=True)
LEFT = Answer(done=False, reason="The laboratory is closed.")
SCREENED = Completion(
    TODAY, activities={"eligibility": DONE, "blood-count": DONE}, outside_reason="As it was.", sure=True
)


@pytest.fixture
def participant() -> Participant:
    """Somebody in a trial whose visits have activities."""
    return enrol(enrolment=an_enrolment(a_version("NCT07193667")), by=None)


def screening(person: Participant) -> Visit:
    related = ("participant__trial", "participant__site", "participant__protocol_version")
    return Visit.objects.select_related(*related).get(participant=person, code="screening")


def told(person: Participant, completion: Completion, reason: str = "Entered.") -> list[ValueDifference]:
    """Report the screening; what is kept as a difference."""
    visit = screening(person)
    report = Report(completion, reason, "rave-live", {"system": "Rave", "record": "SE-17"})
    try:
        report_visit(visit=visit, version=visit.version, report=report, by=None, now=NOW)
    except ValuesDiffer as differ:
        return list(differ.differences)
    return []


def answers(**named: Answer) -> Completion:
    given = {code.replace("_", "-"): answer for code, answer in named.items()}
    return replace(SCREENED, activities=given)


def open_ones() -> set[tuple[str, str, str, str]]:
    rows = ValueDifference.objects.filter(settled_at=None)
    return set(rows.values_list("field", "item", "ours", "theirs"))


def test_an_edc_confirms_a_visit_by_what_agrees_and_by_nothing_else(participant: Participant) -> None:
    """A drawn fault went unnoticed: a report that differed counted as one that had the visit's day."""
    assert told(participant, SCREENED) == []
    EdcConfirmation.objects.all().delete()
    assert told(participant, answers(eligibility=DONE, blood_count=LEFT))
    assert not EdcConfirmation.objects.exists()
    assert told(participant, SCREENED) == []
    assert EdcConfirmation.objects.get().client == "rave-live"


def test_an_activity_told_otherwise_is_kept_and_settles_itself_when_both_agree(
    participant: Participant,
) -> None:
    assert told(participant, SCREENED) == []
    assert told(participant, SCREENED) == [], "what is on record changes nothing"
    (kept,) = told(participant, answers(eligibility=DONE, blood_count=LEFT))
    assert open_ones() == {("activity", "blood-count", "done", f"left {LEFT.reason}")}
    assert VisitActivity.objects.get(code="blood-count").done, "nothing is overwritten"
    assert told(participant, answers(blood_count=LEFT)) == [kept], "kept once"
    assert told(participant, answers(blood_count=DONE)) == []
    assert open_ones() == set()


def test_a_day_and_an_activity_that_differ_are_two_differences(participant: Participant) -> None:
    told(participant, SCREENED)
    other = replace(answers(blood_count=LEFT), on=TODAY.replace(day=20))
    assert {one.field for one in told(participant, other)} == {"performed_on", "activity"}


def test_what_nobody_recorded_is_put_on_record(participant: Participant) -> None:
    """A visit of which only the day was known: the EDC knows what was done at it."""
    told(participant, replace(SCREENED, activities=None))
    assert not VisitActivity.objects.exists()
    assert told(participant, answers(blood_count=LEFT, eligibility=DONE)) == []
    assert dict(VisitActivity.objects.values_list("code", "done")) == {
        "blood-count": False, "eligibility": True,
    }  # fmt: skip
    assert open_ones() == set()


def test_theirs_is_taken_over_and_what_counts_from_it_is_planned_again(participant: Participant) -> None:
    told(participant, SCREENED)
    washout = ProtocolWindow.objects.get(code="csf-washout")
    assert washout.ends_on == TODAY
    (kept,) = told(participant, answers(blood_count=LEFT))
    version = screening(participant).version
    shared: dict[str, Any] = {"sure": False, "by": None, "reason": "Seen in the source.", "now": NOW}
    take_theirs(difference=kept, version=version, **shared)
    row = VisitActivity.objects.get(code="blood-count")
    assert (row.done, row.reason) == (False, LEFT.reason)
    assert ProtocolWindow.objects.get(pk=washout.pk).ends_on is None
    assert screening(participant).version > version
    assert Deviation.objects.filter(visit=screening(participant), kind="activity-left").exists()
    assert open_ones() == set()


def test_a_day_is_taken_over_with_all_that_was_said_at_the_visit(participant: Participant) -> None:
    window = ProtocolWindow.objects.filter(participant=participant).order_by("pk").first()
    assert window is not None
    told(participant, replace(SCREENED, confirmed={window.code: True}))
    (kept,) = told(participant, replace(SCREENED, on=TODAY.replace(day=20), activities=None))
    take_theirs(
        difference=kept, version=screening(participant).version, sure=True, by=None, reason="Seen.", now=NOW
    )
    assert screening(participant).performed_on == TODAY.replace(day=20)
    assert VisitActivity.objects.filter(done=True).count() == 2
    (stands,) = Fact.objects.filter(withdrawn_at=None, kind="confirmation")
    assert (stands.of, str(stands.starts_on)) == (window.code, "2026-11-20")
    (kept,) = told(participant, replace(SCREENED, on=TODAY.replace(day=20), confirmed={window.code: False}))
    assert (kept.field, kept.ours, kept.theirs) == ("confirmed", "kept", "broken")
    take_theirs(
        difference=kept, version=screening(participant).version, sure=True, by=None, reason="Seen.", now=NOW
    )
    assert Fact.objects.get(withdrawn_at=None, kind="confirmation").detail["holds"] is False


@pytest.mark.parametrize(
    ("completion", "field"),
    [
        (answers(tea=DONE), "activities"),
        (answers(blood_count=Answer(done=False)), "activity-blood-count"),
        (replace(SCREENED, results={"tea": Sampled("green")}), "results"),
        (replace(SCREENED, events=frozenset({"tea"})), "events"),
    ],
)
def test_what_the_visit_does_not_have_is_refused_also_the_second_time(
    participant: Participant, completion: Completion, field: str
) -> None:
    told(participant, SCREENED)
    with pytest.raises(VisitRefused) as refused:
        told(participant, completion)
    assert field in refused.value.fields
    assert not ValueDifference.objects.exists()


@pytest.mark.parametrize("day", ["0001-01-01", "0206-11-20", "2026-11-23", "9999-12-31"])
def test_a_day_that_nobody_can_have_meant_is_refused_and_no_difference(
    participant: Participant, day: str
) -> None:
    told(participant, SCREENED)
    with pytest.raises(VisitRefused) as refused:
        told(participant, replace(SCREENED, on=date.fromisoformat(day), activities=None))
    assert "on" in refused.value.fields
    anchor = RecordedAnchor("consent", actual_on=TODAY)
    report = Report("", "Entered.", "rave-live", sure=True)
    shared: dict[str, Any] = {"participant": participant, "by": None, "now": NOW}
    report_anchor(anchor=anchor, report=report, **shared)
    with pytest.raises(Refused) as impossible:
        report_anchor(anchor=replace(anchor, actual_on=date.fromisoformat(day)), report=report, **shared)
    assert "actual_on" in impossible.value.fields
    assert not ValueDifference.objects.exists()


def test_both_answers_are_on_the_page_and_in_the_api(client: Client, participant: Participant) -> None:
    told(participant, SCREENED)
    user = User.objects.create_user("coordinator")
    grant_membership(user=user, role="coordinator", site=participant.site, starts_on=TODAY, by=None)
    text = issue_api_token(user=user, name="Rave live", scope=TokenScope(acts=ApiAct.values))[1]
    headers = {"authorization": f"Bearer {text}"}
    visit = screening(participant)
    body = {"performed": {"on": str(TODAY), "activities": {"blood-count": {"done": False, "reason": "Ill."}}}}
    answer = client.patch(
        f"/api/v1/visits/{visit.pk}",
        body,
        content_type="application/json",
        headers={**headers, "if-match": f'"{visit.version}"'},
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "value_differs")
    assert answer.json()["detail"] == (
        "Screening: Blood count: the EDC reports “not done: Ill.”, Dayzero has “done” on record. "
        "Both values are kept until somebody settles the difference."
    )
    (row,) = client.get("/api/v1/differences", headers=headers).json()["results"]
    assert (row["field"], row["item"], row["ours"], row["theirs"]) == (
        "activity", "blood-count", "done", "left Ill.",
    )  # fmt: skip
    client.force_login(user)
    page = client.get(reverse("differences")).content.decode()
    for words in ("Blood count", "done", "not done: Ill."):
        assert words in page
    seen = {"version": visit.version, "reason": "Seen.", "theirs": row["theirs"]}
    shown = client.post(reverse("difference-take", args=[row["id"]]), seen).content.decode()
    assert "not saved yet" in shown
