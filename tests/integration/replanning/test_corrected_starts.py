"""A start whose day is corrected among the anchors: gate and readiness are asked of the day that is right.

Of the template as it ships: anyone who went first is observed to Monday 4 January 2027, so that the gate
opens on Tuesday the 5th.
"""

from __future__ import annotations

from datetime import date

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from participants.domain.anchors import RecordedAnchor
from participants.domain.product import Milestone
from participants.models import Participant
from participants.services.product import MilestoneRecord, record_milestone
from schedules.domain.deviations.drafts import Assessment
from schedules.domain.replanning.protocol_departures import DepartureKind
from schedules.models import Deviation, ReadinessCheck, Visit
from schedules.selectors.deviations.log import WantedDeviations, deviation_rows
from schedules.services.deviations.classification import assess_deviation
from schedules.services.replanning.moves import (
    Preview,
    Proposal,
    commit_replanning,
    preview_replanning,
    record_anchor,
)
from schedules.services.replanning.refusals import DepartureNeedsReason
from schedules.web.deviations.table import cells
from tests.integration.replanning.test_reality import BECAUSE, CHEMOTHERAPY, completed, gated
from tests.integration.visits.test_visits import INFUSION, at
from trials.domain.words import day_text
from trials.models import User

pytestmark = pytest.mark.django_db
OPENS, CLOSED, EARLIER = date(2027, 1, 5), date(2027, 1, 4), date(2027, 1, 3)
NOW = at(1, 6, year=2027)


@pytest.fixture
def begun() -> Participant:
    """Chemotherapy on the day on which the gate opened and the product, there since the 4th, was released."""
    gated(INFUSION, 1)
    later = gated(date(2027, 1, 10), 2)
    for what, day in ((Milestone.RECEIVED, CLOSED), (Milestone.RELEASED, OPENS)):
        record = MilestoneRecord(what, day, "")
        record_milestone(participant=later, record=record, by=None, today=OPENS)
    completed(later, "ld-1", OPENS, now=at(1, 5, year=2027))
    assert not Deviation.objects.filter(participant=later).exists()
    return later


def proposal(day: date) -> Proposal:
    return Proposal(anchors={CHEMOTHERAPY: RecordedAnchor(CHEMOTHERAPY, None, None, day, None)})


def corrected(person: Participant, day: date) -> Preview:
    asked = proposal(day)
    shown = preview_replanning(participant=person, proposal=asked, now=NOW)
    commit_replanning(
        participant=person, proposal=asked, digest=shown.digest, now=NOW, by=None, reason=BECAUSE
    )
    return shown


def standing(person: Participant) -> dict[str, date]:
    found = Deviation.objects.filter(
        participant=person, visit=None, lapsed_on=None, kind__in=["gate", "start"]
    )
    return {one.kind: one.occurred_on for one in found}


def test_the_preview_says_that_the_gate_was_closed_and_the_list_not_ready(begun: Participant) -> None:
    shown = preview_replanning(participant=begun, proposal=proposal(CLOSED), now=NOW)
    found = {one.kind: " ".join(words.text(point=day_text) for words in one.why) for one in shown.departures}
    assert set(found) == {DepartureKind.GATE, DepartureKind.START}
    assert "observed until Monday 2027-01-04: S01-001" in found[DepartureKind.GATE]
    assert found[DepartureKind.START] == "Product at the site and released: Missing: Released.", (
        "the course that went on from it is no reason"
    )
    assert not Deviation.objects.filter(participant=begun).exists(), "a preview writes nothing"


def test_it_becomes_a_deviation_and_the_list_is_kept_anew(begun: Participant) -> None:
    corrected(begun, CLOSED)
    assert standing(begun) == {"gate": CLOSED, "start": CLOSED}
    assert Visit.objects.get(participant=begun, code="ld-1").performed_on == CLOSED
    checks = ReadinessCheck.objects.filter(participant=begun).order_by("pk")
    assert [check.for_day for check in checks] == [OPENS, CLOSED]
    assert checks[1].verdicts["reason"] == BECAUSE


def test_the_record_is_told_in_the_language_of_whoever_reads(begun: Participant, client: Client) -> None:
    corrected(begun, CLOSED)
    client.force_login(User.objects.create_superuser("reader"))
    one = Deviation.objects.get(participant=begun, kind="start")
    page = reverse("deviation", kwargs={"pk": one.pk})
    english = client.get(page).content.decode()
    assert "Product at the site and released: Missing: Released. Reason given: it could not wait" in english
    with override("en"):  # and back again afterwards
        chinese = client.get(page, headers={"accept-language": "zh-hans"}).content.decode()
    assert "2027-01-04" in chinese
    assert BECAUSE in chinese, "what a person typed stands as it was typed"
    assert "Product at the site" not in chinese
    found = deviation_rows(User.objects.get(username="reader"), NOW.date(), WantedDeviations())
    (row,) = (row for row in found if row.deviation == one)
    assert any("Missing: Released." in str(cell) for cell in cells(row)), "tables of all readers compare"


def test_the_drafts_follow_the_day(begun: Participant) -> None:
    corrected(begun, CLOSED)
    corrected(begun, EARLIER)
    assert standing(begun) == {"gate": EARLIER, "start": EARLIER}
    assert Deviation.objects.filter(participant=begun, kind="gate").count() == 1, "the same draft, moved"
    corrected(begun, OPENS)
    assert standing(begun) == {}
    one = Deviation.objects.get(participant=begun, kind="gate")
    assert one.lapsed_because == "kept"


def test_what_a_person_has_described_stays_and_is_marked(begun: Participant) -> None:
    corrected(begun, CLOSED)
    one = Deviation.objects.get(participant=begun, kind="gate")
    said = Assessment("The gate was overlooked.", "minor", False, False, False)
    assess_deviation(deviation=one, version=one.version, said=said, by=None, now=NOW)
    corrected(begun, EARLIER)
    one.refresh_from_db()
    assert (one.occurred_on, one.lapsed_because) == (CLOSED, "kept")
    assert standing(begun) == {"gate": EARLIER, "start": EARLIER}


def test_without_a_preview_it_asks_why(begun: Participant) -> None:
    anchor = RecordedAnchor(CHEMOTHERAPY, actual_on=CLOSED)
    with pytest.raises(DepartureNeedsReason, match="against a closed gate"):
        record_anchor(participant=begun, anchor=anchor, now=NOW, by=None)
    record_anchor(participant=begun, anchor=anchor, now=NOW, by=None, reason=BECAUSE)
    assert standing(begun) == {"gate": CLOSED, "start": CLOSED}


def test_an_hour_that_is_corrected_asks_nothing(begun: Participant) -> None:
    asked = Proposal(
        anchors={CHEMOTHERAPY: RecordedAnchor(CHEMOTHERAPY, None, None, OPENS, at(1, 5, 14, 2027))}
    )
    assert preview_replanning(participant=begun, proposal=asked, now=NOW).departures == ()
