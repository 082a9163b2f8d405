"""The worked client of examples/: in step with the record, whatever happens in between."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from examples.edc_in_step import Answer, Dayzero, Edc, Refused
from participants.domain.anchors import RecordedAnchor
from participants.models import Participant
from schedules.models import ValueDifference, Visit
from schedules.services.enrolment.enrolling import enrol
from schedules.services.replanning.moves import record_anchor
from tests.cast import INFUSION, NOW, TODAY, an_enrolment, open_epoch_as_a_restore_does
from trials.models import ApiAct
from trials.services.accounts.clients import ClientTerms, open_client

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen")]


def in_process(method: str, path: str, headers: dict[str, str], body: bytes | None) -> Answer:
    """Ask the application itself."""
    answer = Client().generic(
        method, path, body or b"", content_type=headers.pop("content-type"), headers=headers
    )
    document = answer.json() if answer.content else {}
    return answer.status_code, {name.lower(): value for name, value in answer.headers.items()}, document


@pytest.fixture
def edc(participant: Participant) -> Edc:
    terms = ClientTerms(site=participant.site, acts=[ApiAct.READ, ApiAct.VISITS])
    client, secret = open_client(name="edc-live", terms=terms, today=TODAY, now=NOW, by=None, reason="EDC.")
    return Edc(Dayzero(in_process, client.client_id, secret, sleep=lambda _seconds: None))


def in_step(edc: Edc) -> bool:
    """Whether the copy is what a full read gives now."""
    edc.follow()
    fresh = Edc(edc.dayzero)
    fresh.read_all()
    return edc.visits == fresh.visits


def due(person: Participant) -> Visit:
    found = (
        Visit.objects.filter(participant=person, opens__lte=TODAY, performed_on=None).order_by("pk").first()
    )
    assert found is not None
    return found


def test_it_reads_the_plan_and_follows_what_moves_and_who_is_new(edc: Edc, participant: Participant) -> None:
    assert in_step(edc)
    assert len(edc.visits) == Visit.objects.count()
    anchor = RecordedAnchor("infusion", planned_on=INFUSION + timedelta(days=2))
    record_anchor(participant=participant, anchor=anchor, by=None, now=NOW)
    enrol(enrolment=an_enrolment(participant.protocol_version, subject_code="S01-002"), by=None)
    assert in_step(edc)
    assert (len(edc.visits), edc.begun) == (Visit.objects.count(), 1)


def test_it_sends_what_was_done_also_where_somebody_was_quicker(edc: Edc, participant: Participant) -> None:
    edc.follow()
    visit = due(participant)
    Visit.objects.filter(pk=visit.pk).update(version=9)
    edc.push([(visit.pk, TODAY.isoformat())])
    visit.refresh_from_db()
    assert visit.performed_on == TODAY
    assert in_step(edc)


def test_what_differs_waits_for_a_person_and_is_not_sent_again(edc: Edc, participant: Participant) -> None:
    edc.follow()
    visit = due(participant)
    edc.push([(visit.pk, TODAY.isoformat()), (visit.pk, (TODAY - timedelta(days=1)).isoformat())])
    assert edc.differences == [visit.pk]
    assert ValueDifference.objects.filter(settled_at=None).count() == 1
    assert Visit.objects.get(pk=visit.pk).performed_on == TODAY


def test_after_a_restore_it_reads_everything_again(edc: Edc, participant: Participant) -> None:
    edc.follow()
    visit = due(participant)
    edc.visits[visit.pk] = {**edc.visits[visit.pk], "version": 99}
    open_epoch_as_a_restore_does()
    assert in_step(edc)
    assert edc.begun == 2


def test_it_asks_again_where_nobody_answers_and_ends_where_its_secret_has(
    edc: Edc, participant: Participant
) -> None:
    answers = iter([ConnectionResetError(), (503, {"retry-after": "2"}, {}), (429, {}, {})])
    real = edc.dayzero.send

    def flaky(*asked: Any) -> Answer:
        given = next(answers, None)
        if isinstance(given, Exception):
            raise given
        return given or real(*asked)

    edc.dayzero.send = flaky
    assert in_step(edc)
    cache.clear()
    wrong = Edc(Dayzero(real, edc.dayzero.client_id, "dzs_wrong", sleep=lambda _seconds: None))
    with pytest.raises(Refused, match="secret"):
        wrong.follow()
