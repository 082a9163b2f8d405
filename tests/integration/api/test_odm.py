"""ODM through the API: the days of visits in and out by the map, of REDCap, OpenClinica and Rave."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import odmlib
import pytest
import xmlschema
from django.test import Client

from participants.domain.anchors import RecordedAnchor
from participants.models import Participant
from schedules.models import EdcMap, ValueDifference, Visit
from schedules.services.enrolment.enrolling import enrol
from schedules.services.exchange.maps import MapContent, MapKey, name_subjects, save_map
from schedules.services.visits.appointments import undo_visit
from tests.cast import NOW, TODAY, an_enrolment, open_epoch_as_a_restore_does
from tests.readers import problem
from trials.domain.errors import Refused
from trials.models import ApiAct, AuditEntry, User
from trials.services.accounts.tokens import TokenScope, issue_api_token

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen")]
SAMPLES = Path("tests/data/edc")
SCHEMA = Path(odmlib.__file__).parent / "schemas" / "odm" / "1.3.2" / "ODM1-3-2.xsd"
MAPS: dict[str, dict[str, Any]] = {
    "redcap": {
        "study": "Project.CartSle", "site": "WH", "subject": "1",
        "event": {"event_oid": "Event.screening_arm_1", "repeat_key": "1", "form_oid": "Form.visit",
                  "item_group_oid": "visit.visit_date", "date_item_oid": "visit_date"},
    },
    "openclinica": {
        "study": "S_CARTSLE", "site": "101", "subject": "SS_101001",
        "event": {"event_oid": "SE_SCREENING", "repeat_key": "1"},
    },
    "rave": {
        "study": "CART-SLE(PROD)", "site": "101", "subject": "101-001",
        "event": {"event_oid": "SCREENING", "repeat_key": "SCREENING[1]", "form_oid": "SV",
                  "item_group_oid": "SV", "date_item_oid": "SV.SVSTDAT"},
    },
}  # fmt: skip
Send = Callable[..., Any]


@pytest.fixture
def header(edc: User) -> dict[str, str]:
    token = issue_api_token(user=edc, name="EDC live", scope=TokenScope(acts=ApiAct.values))[1]
    return {"authorization": f"Bearer {token}"}


@pytest.fixture
def send(header: dict[str, str]) -> Send:
    def send(edc: str, body: bytes | str, query: str = "", key: str = "k1", **more: Any) -> Any:
        return Client().post(
            address(edc) + query,
            body,
            content_type=more.get("content_type", "application/xml"),
            headers={**header, "idempotency-key": key},
        )

    return send


def read(answer: Any) -> bytes:
    """The body of an answer that is written as it is read; each time from what was read at first."""
    if not hasattr(answer, "whole"):
        answer.whole = answer.getvalue()
    return bytes(answer.whole)


def address(edc: str) -> str:
    return f"/api/v1/edc-maps/CART-SLE/{edc}/live/odm"


def mapped(person: Participant, edc: str) -> None:
    of = MAPS[edc]
    content = MapContent(of["study"], {"WH": of["site"]}, [{"visit": "screening", **of["event"]}])
    saved = save_map(key=MapKey(person.trial, edc, "live"), version=None, content=content, by=None)
    name_subjects(edc_map=saved, names={person.subject_code: of["subject"]}, by=None)


def screening(person: Participant) -> Visit:
    return Visit.objects.get(participant=person, rule_code="screening")


@pytest.mark.parametrize("which", MAPS)
def test_a_sample_of_each_edc_is_taken_and_given_back(
    send: Send, header: dict[str, str], participant: Participant, which: str
) -> None:
    mapped(participant, which)
    sample = (SAMPLES / f"{which}.xml").read_bytes()
    answer = send(which, sample)
    assert answer.status_code == 200, answer.content
    (result,) = answer.json()["results"]
    assert (result["status"], result["visit"]) == (200, screening(participant).pk), result
    assert screening(participant).performed_on.isoformat() == "2026-11-20"
    again = send(which, sample)
    assert again["Idempotency-Replayed"] == "true"
    assert again.content == answer.content
    document = Client().get(address(which), headers=header)
    assert document["Content-Type"] == "application/xml"
    xmlschema.XMLSchema(str(SCHEMA)).validate(read(document).decode())
    of = MAPS[which]
    text = read(document).decode()
    for name in (of["study"], of["subject"], of["event"]["event_oid"], of["event"]["repeat_key"]):
        assert f'"{name}"' in text
    assert ("2026-11-20" in text) is ("date_item_oid" in of["event"])
    assert "Wuhan" not in text
    back = send(which, read(document), key="k2")
    assert back.json()["results"][0]["status"] in {200, 204}, "what was given is taken again"


def test_what_a_file_says_of_its_audit_stands_in_ours(send: Send, participant: Participant) -> None:
    mapped(participant, "rave")
    send("rave", (SAMPLES / "rave.xml").read_bytes())
    entry = AuditEntry.objects.filter(
        model="schedules.visit", object_id=str(screening(participant).pk)
    ).latest("id")
    assert (entry.actor, entry.reason) == ("edc", "Entered from the source.")
    assert entry.cause == "POST api-odm; client EDC live; source rave 2026-11-21T00:30:00+00:00 47976"


def test_another_day_is_kept_as_a_difference(send: Send, participant: Participant) -> None:
    mapped(participant, "rave")
    sample = (SAMPLES / "rave.xml").read_text(encoding="utf-8")
    send("rave", sample)
    answer = send("rave", sample.replace('Value="2026-11-20"', 'Value="2026-11-19"'), key="k2")
    (result,) = answer.json()["results"]
    assert (result["status"], result["problem"]["code"]) == (409, "value_differs")
    assert screening(participant).performed_on.isoformat() == "2026-11-20"
    assert ValueDifference.objects.get().theirs == "2026-11-19"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("CART-SLE(PROD)", "OTHER", "other_study"),
        ('SubjectKey="101-001"', 'SubjectKey="999"', "unknown_subject"),
        ('StudyEventOID="SCREENING"', 'StudyEventOID="AE"', "unknown_event"),
        ("SCREENING[1]", "SCREENING[9]", "unknown_event"),
        ('<SiteRef LocationOID="101"/>', '<SiteRef LocationOID="102"/>', "other_site"),
        ("<ODM", '<!DOCTYPE ODM [<!ENTITY a SYSTEM "file:///etc/passwd">]><ODM', "not_allowed"),
        ("</ODM>", "", "not_xml"),
        ('<?xml version="1.0" encoding="UTF-8"?>', '<?xml version="1.0" encoding="EBCDIC-ZZ"?>', "not_xml"),
        ("odm/v1.3", "odm/v2.0", "not_odm"),
    ],
)
def test_a_file_that_the_map_does_not_know_writes_nothing(
    send: Send, participant: Participant, old: str, new: str, code: str
) -> None:
    mapped(participant, "rave")
    sample = (SAMPLES / "rave.xml").read_text(encoding="utf-8")
    assert old in sample
    wrong = problem(send("rave", sample.replace(old, new)))
    assert (wrong["status"], wrong["code"]) == (400, code)
    assert screening(participant).performed_on is None


@pytest.mark.parametrize(
    ("value", "code"), [("2026-11", "invalid_day"), ("UNK", "invalid_day"), ("2026-11-30", "invalid")]
)
def test_a_day_that_cannot_be_is_refused_at_its_event(
    send: Send, participant: Participant, value: str, code: str
) -> None:
    mapped(participant, "rave")
    sample = (SAMPLES / "rave.xml").read_text(encoding="utf-8").replace("2026-11-20", value)
    (result,) = send("rave", sample).json()["results"]
    assert result["status"] == 400
    assert code in {error["code"] for error in result["problem"]["errors"]} or code == "invalid"


def test_a_file_takes_nothing_back_and_tries_without_keeping(send: Send, participant: Participant) -> None:
    mapped(participant, "rave")
    sample = (SAMPLES / "rave.xml").read_text(encoding="utf-8")
    assert send("rave", sample, "?dry_run=true").json()["results"][0]["status"] == 200
    assert screening(participant).performed_on is None
    removed = sample.replace('mdsol:InstanceId="22" TransactionType="Upsert"', 'TransactionType="Remove"')
    (result,) = send("rave", removed, key="k3").json()["results"]
    assert result["problem"]["code"] == "validation_error"
    assert "takes nothing back" in result["problem"]["detail"]
    assert problem(send("rave", sample, content_type="application/json"))["status"] in {400, 415}
    assert problem(send("rave", b" " * (2**21 + 1)))["status"] == 413
    assert problem(send("castor", sample))["status"] == 404


def test_what_changed_since_a_cursor_is_given_and_what_is_no_longer_done(
    send: Send, header: dict[str, str], participant: Participant
) -> None:
    mapped(participant, "rave")
    first = Client().get(address("rave"), headers=header)["Changes-Cursor"]
    send("rave", (SAMPLES / "rave.xml").read_bytes())
    changed = Client().get(f"{address('rave')}?since={first}", headers=header)
    xmlschema.XMLSchema(str(SCHEMA)).validate(read(changed).decode())
    text = read(changed).decode()
    assert all(word in text for word in ('FileType="Transactional"', "PriorFileOID", "2026-11-20", "Upsert"))
    visit = screening(participant)
    undo_visit(visit=visit, version=visit.version, by=None, reason="Wrong person.", now=NOW)
    later = Client().get(f"{address('rave')}?since={changed['Changes-Cursor']}", headers=header)
    xmlschema.XMLSchema(str(SCHEMA)).validate(read(later).decode())
    assert 'TransactionType="Remove"' in read(later).decode()
    none = Client().get(f"{address('rave')}?since={later['Changes-Cursor']}", headers=header)
    assert "SubjectData" not in read(none).decode()
    open_epoch_as_a_restore_does()
    gone = Client().get(f"{address('rave')}?since={first}", headers=header)
    assert problem(gone)["status"] == 410
    assert problem(Client().get(f"{address('rave')}?since=x", headers=header))["status"] == 400


def test_a_file_is_sent_as_it_is_read_and_compressed_for_who_takes_that(
    header: dict[str, str], participant: Participant
) -> None:
    mapped(participant, "rave")
    plain, packed = (
        Client().get(address("rave"), headers={**header, "accept-encoding": way})
        for way in ("identity", "gzip")
    )
    assert plain.streaming
    assert (packed["Content-Encoding"], gzip.decompress(packed.getvalue())) == ("gzip", plain.getvalue())


def test_many_subjects_come_in_the_order_of_their_codes(
    header: dict[str, str], participant: Participant, monkeypatch: pytest.MonkeyPatch
) -> None:
    mapped(participant, "rave")
    edc_map, version = EdcMap.objects.get(), participant.protocol_version
    names = {f"S01-{number}": f"101-{number}" for number in range(208, 200, -1)}
    for code in names:
        enrolled = enrol(enrolment=replace(an_enrolment(version), subject_code=code), by=None)
        Visit.objects.filter(participant=enrolled, rule_code="screening").update(performed_on=TODAY)
    name_subjects(edc_map=edc_map, names=names, by=None)
    whole = Client().get(address("rave"), headers=header).getvalue()
    found = re.findall(r'SubjectKey="([^"]+)"', whole.decode())
    assert found == sorted(names.values())
    monkeypatch.setattr("schedules.selectors.exchange.odm.AT_ONCE", 3)
    assert Client().get(address("rave"), headers=header).getvalue() == whole


@pytest.mark.parametrize("name", ["a\x00b", "a\nb", "a\x0bb", "a\ufffeb"])
def test_a_name_that_no_file_can_hold_is_refused_where_it_is_entered(
    header: dict[str, str], participant: Participant, name: str
) -> None:
    mapped(participant, "rave")
    asked = Client().get(address("rave"), {"metadata_version": name}, headers=header)
    assert (problem(asked)["status"], problem(asked)["attr"]) == (400, "metadata_version")
    edc_map, event = EdcMap.objects.get(), {"visit": "screening", "event_oid": name}
    key = MapKey(participant.trial, "rave", "live")
    for content in (
        MapContent(name, {}, []),
        MapContent("S", {"WH": name}, []),
        MapContent("S", {}, [event]),
    ):
        with pytest.raises(Refused, match="control characters"):
            save_map(key=key, version=edc_map.version, content=content, by=None)
    with pytest.raises(Refused, match="control characters"):
        name_subjects(edc_map=edc_map, names={participant.subject_code: name}, by=None)


def test_an_event_that_moves_others_of_the_same_file_refuses_none_of_them(send: Send, edc: User) -> None:
    """A file names no versions: the next event was refused as overtaken by the one before."""
    planned, done = date(2026, 11, 5), date(2026, 11, 6)
    consent = RecordedAnchor("consent", actual_on=date(2026, 10, 1))
    anchors = {"consent": consent, "infusion": RecordedAnchor("infusion", planned_on=planned)}
    person = enrol(enrolment=an_enrolment(subject_code="S01-007", anchors=anchors), by=None)
    rules, of = {"d0": done, "d14": done + timedelta(days=14)}, MAPS["rave"]
    events = [{"visit": rule, **of["event"], "event_oid": rule, "repeat_key": "1"} for rule in rules]
    content = MapContent(of["study"], {"WH": of["site"]}, events)
    saved = save_map(key=MapKey(person.trial, "rave", "live"), version=None, content=content, by=None)
    name_subjects(edc_map=saved, names={person.subject_code: of["subject"]}, by=None)
    sample = (SAMPLES / "rave.xml").read_text(encoding="utf-8")
    (event,) = re.findall(r"(?s)<StudyEventData.*</StudyEventData>", sample)
    told = [
        event.replace("SCREENING[1]", "1").replace("SCREENING", rule).replace("2026-11-20", str(day))
        for rule, day in rules.items()
    ]
    answer = send("rave", sample.replace(event, "\n".join(told)))
    assert [one["status"] for one in answer.json()["results"]] == [200, 200], answer.json()
