"""A preview shows every verdict that a slip changes, as it then comes to be."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from participants.domain.anchors import RecordedAnchor
from participants.domain.fact_kinds import Confirmation
from participants.domain.fact_kinds import TestResult as Result
from participants.models import Participant
from schedules.domain.errors import ReplanningStale
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.domain.windows.verdict_changes import VerdictChange
from schedules.domain.windows.verdicts import VerdictStatus
from schedules.selectors.store.records import records_of
from schedules.selectors.windows.evaluation import windows_of_participants
from schedules.services.enrolment.enrolling import enrol
from schedules.services.replanning.amendment_previews import (
    Amendment,
    AmendmentStale,
    preview_amendment,
)
from schedules.services.replanning.amendments import start_amendment
from schedules.services.replanning.moves import Proposal, commit_replanning, preview_of, preview_replanning
from schedules.services.replanning.side_effects import with_verdicts, with_verdicts_of
from schedules.services.windows.facts import record_fact
from tests.cast import a_version, an_approval, an_enrolment, document
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
    (participant_windows,) = windows_of_participants([person.pk])
    return {
        code: (one.verdict.status, one.at_end.status)
        for code, one in participant_windows.verdicts(now).items()
    }


def infusion_on(day: date) -> Proposal:
    return Proposal(anchors={"infusion": RecordedAnchor("infusion", planned_on=day)}, accept_unbookable=True)


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


@pytest.fixture
def stricter(ready: Participant) -> Amendment:
    """A second version, which takes an hCG of the last five days alone."""
    text = document("NCT07193667").replace(
        "{from: enrolment, offset: -P7D", "{from: enrolment, offset: -P5D", 1
    )
    second = a_version(text=re.sub(r"^version: .*$", 'version: "2"', text, count=1, flags=re.MULTILINE))
    an_approval(ready.site, second)
    return Amendment(ready.protocol_version, second, (ready.site,))


def test_the_dry_run_of_an_amendment_shows_the_verdicts_that_come_of_it(
    ready: Participant, stricter: Amendment, client: Client
) -> None:
    now = noon(12, 1, 18)
    (one,) = preview_amendment(amendment=stricter, now=now).prospects
    found = {change.code: change for change in one.verdicts}
    assert found.keys() == {"hcg-before-enrolment"}
    assert found["hcg-before-enrolment"].is_grave
    with time_machine.travel(now, tick=False):
        client.force_login(User.objects.create_superuser("manager"))
        asked = {"from_version": stricter.from_version.pk, "to_version": stricter.to_version.pk}
        address = reverse("amendment-new", args=[ready.trial.pk])
        page = client.get(address, {**asked, "sites": ready.site.pk}).content.decode()
    assert "Tests to be repeated" in page
    assert "Serum hCG negative within 7 days before enrolment" in page


def test_a_verdict_that_changed_since_makes_what_was_shown_stale(
    ready: Participant, stricter: Amendment, coordinator: User
) -> None:
    """A test of 30 November, recorded after the dry run and the preview of a slip were shown."""
    now, slip = noon(12, 1, 18), infusion_on(INFUSION + timedelta(days=2))
    dry = preview_amendment(amendment=stricter, now=now)
    shown = preview_replanning(participant=ready, proposal=slip, now=now)
    again = Result("hcg", noon(11, 30), noon(11, 30), "negative")
    record_fact(participant=ready, fact=again, by=coordinator, now=now)
    with pytest.raises(AmendmentStale) as changed:
        start_amendment(amendment=stricter, digest=dry.digest, by=None, reason="amendment 2", now=now)
    (one,) = changed.value.dry_run.prospects
    assert not one.verdicts, "the new sample serves both"
    with pytest.raises(ReplanningStale):
        commit_replanning(
            participant=ready, proposal=slip, digest=shown.digest, now=now, by=None, reason="no bed"
        )


def test_a_preview_for_many_reads_no_more_for_more_and_shows_the_same(ready: Participant) -> None:
    now = noon(12, 1, 18)
    asked = replace(an_enrolment(ready.protocol_version), anchors={"infusion": AnchorDay(INFUSION)})
    ids = [
        ready.pk,
        *(enrol(enrolment=replace(asked, subject_code=f"S02-00{n}"), by=None).pk for n in (1, 2)),
    ]
    previews = [
        preview_of(record, infusion_on(INFUSION + timedelta(days=2)), now) for record in records_of(ids)
    ]
    with CaptureQueriesContext(connection) as queries:
        judged = with_verdicts_of(previews, now)
    assert not len(queries), "the steps came with the records"
    alone = with_verdicts(previews[0], now)
    assert judged[0].around.verdicts == alone.around.verdicts != ()
    assert judged[0].digest == alone.digest != previews[0].digest
