"""The map of an EDC on a page: edited as a whole, checked, and nothing that was typed is lost."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from participants.models import Participant
from schedules.models import EdcMap, EdcSubject
from schedules.services.enrolment.enrolling import enrol
from schedules.services.exchange.maps import MessageNames, note_message
from tests.cast import NOW, TODAY, a_site, an_enrolment
from trials.models import User
from trials.services.accounts.memberships import grant_membership

pytestmark = pytest.mark.django_db


@pytest.fixture
def participant() -> Participant:
    return enrol(enrolment=an_enrolment(), by=None)


@pytest.fixture
def manager(participant: Participant) -> Client:
    user = User.objects.create_user("manager")
    grant_membership(user=user, role="data_manager", starts_on=TODAY, by=None)
    client = Client()
    client.force_login(user)
    return client


def _typed(page: Any, **changed: str) -> dict[str, Any]:
    """The form of a page as a browser sends it, with what somebody changed."""
    typed = page.context["typed"]
    data: dict[str, Any] = {"version": typed.version or "", "study_oid": typed.study_oid, "subjects": ""}
    data |= {f"site-{row.site.code}": row.name for row in typed.sites}
    data["row"] = [row.key for row in typed.events]
    for row in typed.events:
        data |= {f"{row.key}-{name}": value for name, value in row.values.items()}
    return data | changed


def test_a_map_is_made_saved_and_checked(manager: Client, participant: Participant) -> None:
    pk = participant.trial_id
    assert 'name="edc"' in manager.get(f"/trials/{pk}/edc-maps/").content.decode(), "there is a field to fill"
    made = manager.post(f"/trials/{pk}/edc-maps/", {"edc": "rave", "environment": "live"})
    address = made.headers["Location"]
    page = manager.get(address)
    changed = {
        "study_oid": "CART(PROD)",
        "site-WH": "101",
        "d14-event_oid": "SE_D14",
        "d14-date_item_oid": "VISDAT",
        "new-visit": "ld",
        "new-occurrence": "2",
        "new-event_oid": "SE_LD2",
        "subjects": f"{participant.subject_code}, 101-001",
    }
    assert manager.post(address, _typed(page, **changed)).status_code == 302
    kept = EdcMap.objects.get()
    assert (kept.study_oid, kept.sites, kept.version) == ("CART(PROD)", {"WH": "101"}, 1)
    assert {"visit": "d14", "event_oid": "SE_D14", "date_item_oid": "VISDAT"} in kept.events
    assert {"visit": "ld", "occurrence": 2, "event_oid": "SE_LD2"} in kept.events
    assert EdcSubject.objects.get().external_id == "101-001"
    again = manager.get(address)
    text = again.content.decode()
    assert "d28" in again.context["check"].visits
    assert "The EDC has sent no message yet." in text
    assert manager.post(address, _typed(again)).status_code == 302, "what is shown saves as it is"
    assert sorted(map(str, EdcMap.objects.get().events)) == sorted(map(str, kept.events))
    listed = manager.get(f"/trials/{pk}/edc-maps/").content.decode()
    assert "rave" in listed


def test_what_the_last_message_named_and_the_map_lacks_is_shown(
    manager: Client, participant: Participant
) -> None:
    events = [
        {"visit": "d14", "event_oid": "SE_D14"},
        {"visit": "d28", "event_oid": "SE_D28", "repeat_key": "1"},
    ]
    kept = EdcMap.objects.create(
        trial=participant.trial, edc="rave", environment="live", sites={"WH": "101"}, events=events
    )
    names = MessageNames(
        ["101", "102"], ["101-001"], [("SE_D14", "7"), ("SE_D28", "2"), ("SE_D28", "1"), ("SE_EOT", "")]
    )
    note_message(edc_map=kept, names=names, now=NOW, by=None)
    page = manager.get(f"/trials/{participant.trial_id}/edc-maps/rave/live/")
    assert page.context["check"].unknown == ["102", "101-001", "SE_D28 2", "SE_EOT"]
    assert "SE_EOT" in page.content.decode()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"d14-event_oid": "SE", "d28-event_oid": "SE"}, "Given more than once: SE"),
        ({"d14-form_oid": "SV"}, "Enter the event&#x27;s OID"),
        ({"d14-event_oid": "x" * 121}, "At most 120 characters"),
        ({"new-event_oid": "SE"}, "Choose the visit"),
        ({"new-visit": "d14", "new-occurrence": "none", "new-event_oid": "SE"}, "is not a number of a visit"),
        ({"subjects": "S01-001"}, "Write one participant a line"),
        ({"subjects": "S99-999, 1"}, "Nobody in this trial has the subject code"),
    ],
)
def test_what_cannot_be_is_refused_and_what_was_typed_is_kept(
    manager: Client, participant: Participant, changed: dict[str, str], words: str
) -> None:
    address = f"/trials/{participant.trial_id}/edc-maps/castor/training/"
    answer = manager.post(address, _typed(manager.get(address), study_oid="Typed", **changed))
    assert answer.status_code == 422
    text = answer.content.decode()
    assert words in text
    assert "Typed" in text
    assert not EdcMap.objects.exists()


def test_somebody_else_s_map_is_not_written_over(manager: Client, participant: Participant) -> None:
    address = f"/trials/{participant.trial_id}/edc-maps/rave/live/"
    typed = _typed(manager.get(address), study_oid="Mine")
    EdcMap.objects.create(trial=participant.trial, edc="rave", environment="live", study_oid="Theirs")
    late = manager.post(address, typed)
    assert late.status_code == 409
    assert "Mine" in late.content.decode()
    assert EdcMap.objects.get().study_oid == "Theirs"


def test_a_coordinator_of_one_site_looks_and_does_not_edit(participant: Participant) -> None:
    EdcMap.objects.create(trial=participant.trial, edc="rave", environment="live")
    user = User.objects.create_user("coordinator")
    grant_membership(user=user, role="coordinator", site=participant.site, starts_on=TODAY, by=None)
    client = Client()
    client.force_login(user)
    address = f"/trials/{participant.trial_id}/edc-maps/rave/live/"
    page = client.get(address)
    assert page.status_code == 200
    assert "Save the map" not in page.content.decode()
    assert client.post(address, {}).status_code == 403
    assert client.get(f"/trials/{participant.trial_id}/edc-maps/other/live/").status_code == 404
    assert client.get(f"/trials/{participant.trial_id}/edc-maps/rave/nowhere/").status_code == 404


def test_nobody_reads_of_other_sites_in_a_check(participant: Participant) -> None:
    there = an_enrolment(participant.protocol_version, site=a_site("BEIJING"), subject_code="S02-001")
    enrol(enrolment=there, by=None)
    kept = EdcMap.objects.create(trial=participant.trial, edc="rave", environment="live")
    note_message(
        edc_map=kept, names=MessageNames(["102"], ["102-001"], [("SE_SCREEN", "")]), now=NOW, by=None
    )
    user = User.objects.create_user("monitor")
    grant_membership(user=user, role="monitor", site=participant.site, starts_on=TODAY, by=None)
    client = Client()
    client.force_login(user)
    for address in (
        f"/trials/{participant.trial_id}/edc-maps/rave/live/",
        "/api/v1/edc-maps/CART-SLE/rave/live",
    ):
        text = client.get(address).content.decode()
        assert "SE_SCREEN" in text
        assert not [one for one in ("S02-001", "102-001", "BEIJING") if one in text]
