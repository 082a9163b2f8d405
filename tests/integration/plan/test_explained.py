"""Why a date is what it is, of what is stored: a rest that a hold lengthened, a visit of an older version."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from participants.domain.anchors import RecordedAnchor
from participants.models import Participant
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.models import Deviation, Visit
from schedules.services.enrolment.enrolling import enrol
from schedules.services.replanning.moves import Proposal, commit_replanning, preview_replanning
from schedules.services.visits.appointments import undo_visit
from tests.cast import a_version, an_approval, an_enrolment, document
from tests.integration.visits.test_visits import (
    CONSENT,
    INFUSION,
    at,
    conditioned,
    done,
    visit,
)
from trials.models import User

pytestmark = pytest.mark.django_db
NOW = at(12, 22)
LONGER = "Longer than the protocol"


@pytest.fixture(autouse=True)
def tuesday() -> Any:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def participant() -> Participant:
    """Of CART-SLE: chemotherapy on 2 to 4 December 2026, for an infusion on Monday the 7th."""
    anchors = {"infusion": AnchorDay(INFUSION), "consent": AnchorDay(CONSENT, AnchorKind.ACTUAL)}
    person = enrol(enrolment=an_enrolment(anchors=anchors), by=None)
    conditioned(person)
    return person


def client() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("head", password="a long enough secret"))
    return client


def committed(person: Participant, proposal: Proposal, now: datetime) -> None:
    shown = preview_replanning(participant=person, proposal=proposal, now=now)
    commit_replanning(
        participant=person, proposal=proposal, digest=shown.digest, now=now, by=None, reason="fever"
    )


def said(page: Client, name: str, pk: int) -> str:
    text = page.get(reverse(name, kwargs={"pk": pk})).content.decode()
    return text.replace("&#x27;", "'")


def test_a_rest_that_a_hold_lengthened_says_so(participant: Participant) -> None:
    """Fever: the infusion moves from Monday the 7th to Wednesday the 9th; rest from the 5th to the 8th."""
    page, rest = client(), visit(participant, "rest")
    assert LONGER not in said(page, "participant", participant.pk)
    moved = Proposal(anchors={"infusion": RecordedAnchor("infusion", planned_on=date(2026, 12, 9))})
    committed(participant, moved, at(12, 5))
    rest.refresh_from_db()
    assert (rest.opens, rest.closes) == (date(2026, 12, 5), date(2026, 12, 8))
    assert said(page, "participant", participant.pk).count(LONGER) == 1
    assert LONGER in said(page, "visit", rest.pk)
    assert LONGER not in said(page, "visit", visit(participant, "d28").pk)


def test_a_visit_is_explained_by_the_version_under_which_it_was_done(participant: Participant) -> None:
    """Version 2 widens D14; the visit of 21 December was done under version 1."""
    done(visit(participant, "d0"), INFUSION, at(12, 7))
    done(visit(participant, "d14"), date(2026, 12, 21), at(12, 21))
    old = participant.protocol_version.label
    new = a_version(text=document().replace(f'version: "{old}"', 'version: "new"'))
    an_approval(participant.site, new)
    committed(participant, Proposal(version=new), NOW)
    page = client()
    assert f"Protocol version {old}." in said(page, "visit", visit(participant, "d14").pk)
    assert "Protocol version new." in said(page, "visit", visit(participant, "d28").pk)
    whole = said(page, "participant", participant.pk)
    done_before = Visit.objects.filter(participant=participant, performed_on__isnull=False).count()
    assert whole.count(f"Protocol version {old}.") == done_before
    back = visit(participant, "d14")
    undo_visit(visit=back, version=back.version, by=None, reason="wrong chart", now=NOW)
    assert "Protocol version new." in said(page, "visit", back.pk), "to come again, by the present version"


def test_a_deviation_is_of_the_version_under_which_the_visit_was_done(participant: Participant) -> None:
    """Done on the target of version 1; under version 2 the infusion's day is corrected, and D14 was late."""
    done(visit(participant, "d0"), INFUSION, at(12, 7))
    done(visit(participant, "d14"), date(2026, 12, 21), at(12, 21))
    old, label = participant.protocol_version, participant.protocol_version.label
    new = a_version(text=document().replace(f'version: "{label}"', 'version: "new"'))
    an_approval(participant.site, new)
    committed(participant, Proposal(version=new), NOW)
    given = RecordedAnchor("infusion", INFUSION, None, date(2026, 12, 4), None)
    committed(participant, Proposal(anchors={"infusion": given}), NOW)
    assert Deviation.objects.get(visit=visit(participant, "d14")).protocol_version == old
    block = Deviation.objects.get(kind="block-broken", visit=None)
    assert block.protocol_version == old, "the version in force on the day of the infusion"
