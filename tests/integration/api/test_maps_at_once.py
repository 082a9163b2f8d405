"""Two who save the map of an EDC, or name subjects in it, at the same moment: one is told."""

from __future__ import annotations

import pytest
from django.db import connection

from participants.models import Participant
from schedules.models import EdcMap, EdcSubject
from schedules.services.exchange.maps import MapContent, MapKey, name_subjects, save_map
from tests.cast import at_once
from trials.domain.errors import Refused, Stale

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("frozen"),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="one writer at a time"),
]


def a_map(participant: Participant, study: str = "CART") -> EdcMap:
    key = MapKey(participant.trial, "rave", "live")
    return save_map(key=key, version=None, content=MapContent(study, {}, []), by=None)


def test_of_two_who_make_one_map_one_is_told(participant: Participant) -> None:
    assert at_once(lambda place: a_map(participant, f"CART{place}")) == [Stale.__name__, "saved"]
    assert EdcMap.objects.get().version == 1


def test_of_two_who_give_one_name_to_a_subject_both_leave_one(participant: Participant) -> None:
    edc_map = a_map(participant)
    names = {participant.subject_code: "101-001"}
    assert at_once(lambda _place: name_subjects(edc_map=edc_map, names=names, by=None)) == ["saved", "saved"]
    assert EdcSubject.objects.get().external_id == "101-001"


def test_who_saves_a_version_of_a_map_that_is_not_there_is_told(participant: Participant) -> None:
    key = MapKey(participant.trial, "rave", "live")
    with pytest.raises(Stale):
        save_map(key=key, version=3, content=MapContent("CART", {}, []), by=None)
    with pytest.raises(Refused):
        save_map(key=key, version=None, content=MapContent("CART", {"NOWHERE": "9"}, []), by=None)
