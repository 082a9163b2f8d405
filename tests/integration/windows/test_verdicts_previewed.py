"""A preview shows every verdict that a slip changes, as it then comes to be."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
import time_machine
from django.test import Client

from participants.domain.anchors import RecordedAnchor
from participants.domain.facts import Confirmation
from participants.domain.facts import TestResult as Result
from participants.models import Participant
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.domain.windows.verdict_changes import VerdictChange
from schedules.domain.windows.verdicts import VerdictStatus
from schedules.selectors.windows.evaluation import dockets_of
from schedules.services.enrolment.enrolling import enrol
from schedules.services.replanning.moves import Proposal, commit_replanning, preview_replanning
from schedules.services.windows.facts import record_fact
from tests.cast import a_version, an_enrolment
from tests.integration.windows.conftest import INFUSION, noon
from trials.models import User

pytestmark = pytest.mark.django_db
NONE_OF = ("immunosuppressant", "biologic", "other-trial", "malignancy")


@pytest.fixture
def ready(coordinator: User) -> Participant:
    """Of NCT07193667: enrolment on 1 December for an infusion on the 7th; all is confirmed."""
    anchors = {"infusion": AnchorDay(INFUSION), "consent": AnchorDay(date(2026, 11, 2), AnchorKind.ACTUAL)}
    asked = an_enrolment(
        a_version("NCT07193667"),
        anchors=anchors,
        traits=frozenset({"childbearing_potential", "lymphodepletion"}),
    )
    person = enrol(enrolment=asked, by=None)
    record = {"participant": person, "by": coordinator, "now": noon(12, 1)}
    record_fact(fact=Result("hcg", noon(11, 25), noon(11, 25), "negative"), **record)
    for code in NONE_OF:
        record_fact(fact=Confirmation(code, date(2026, 12, 1)), **record)
    return person


def statuses(person: Participant, now: datetime) -> dict[str, tuple[VerdictStatus, VerdictStatus]]:
    """Of each window the verdict now, and at its end if nothing more is recorded."""
    (docket,) = dockets_of([person.pk])
    return {code: (one.verdict.status, one.at_end.status) for code, one in docket.verdicts(now).items()}


def infusion_on(day: date) -> Proposal:
    return Proposal(anchors={"infusion": RecordedAnchor("infusion", planned_on=day)}, accept_orphans=True)


def moved(person: Participant, proposal: Proposal, now: datetime) -> tuple[VerdictChange, ...]:
    shown = preview_replanning(participant=person, proposal=proposal, now=now)
    commit_replanning(
        participant=person, proposal=proposal, digest=shown.digest, now=now, by=None, reason="no bed"
    )
    return shown.around.verdicts


@pytest.mark.parametrize("days", [-3, 1, 2, 7, 30, 120])
def test_the_preview_of_a_slip_shows_the_verdicts_that_come_of_it(ready: Participant, days: int) -> None:
    now = noon(12, 1, 18)
    before = statuses(ready, now)
    shown = moved(ready, infusion_on(INFUSION + timedelta(days=days)), now)
    after = statuses(ready, now)
    assert {one.code: ((one.before, one.end_before), (one.after, one.end_after)) for one in shown} == {
        code: (before[code], status) for code, status in after.items() if before[code] != status
    }


def test_two_days_of_slip_show_which_answers_lapse_and_which_test_must_be_repeated(
    ready: Participant, client: Client
) -> None:
    """Answers of 1 December no longer reach the enrolment, now on the 3rd; hCG of 25 November is too old."""
    now = noon(12, 1, 18)
    shown = preview_replanning(participant=ready, proposal=infusion_on(INFUSION + timedelta(days=2)), now=now)
    found = {one.code: one for one in shown.around.verdicts}
    assert {code for code, one in found.items() if one.lapses} >= {f"{of}-washout" for of in NONE_OF}
    assert {str(one.repeat) for one in found.values() if one.repeat} == {"hcg"}
    with time_machine.travel(now, tick=False):
        client.force_login(User.objects.create_superuser("manager"))
        asked = {"anchor-infusion-planned-on": "2026-12-09", "action": "preview"}
        asked |= {"anchor-consent-actual-on": "2026-11-02"}
        page = client.post(f"/participants/{ready.pk}/replan/anchors/", asked).content.decode()
    assert "windows can no longer be judged" in page
    assert "Tests to be repeated" in page
    assert "Open, kept so far → At risk" in page
