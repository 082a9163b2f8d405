"""The stamp of an entry belongs to what the entry shows: it rises with that, and with nothing else."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import icalendar
import pytest

from participants.models import Absence, Participant
from participants.services.absences import Away
from schedules.models import Visit, VisitStamp
from schedules.services.availability.absences import add_absence
from schedules.services.replanning.moves import Proposal, replan_many
from tests.cast import NOW, a_version, an_approval, document
from tests.phones import change, events, fetch, subscribe
from trials.models import ProtocolVersion, Resource, Trial, User

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen")]
HOUR = timedelta(hours=1)
ADDED = """
activities:
  - code: iron
    label: Iron
    visits: [d28]
    basis: {assumed: "confirm against your protocol"}
"""


def by_uid(address: str, at: datetime) -> dict[str, icalendar.Event]:
    return {str(one["UID"]): one for one in events(fetch(address, at=at))}


def stamp(event: icalendar.Event) -> tuple[int, datetime, datetime]:
    return event["SEQUENCE"], event["DTSTAMP"].dt, event["LAST-MODIFIED"].dt


def text(event: icalendar.Event) -> tuple[str, ...]:
    names = ("SUMMARY", "DESCRIPTION", "DTSTART", "DTEND", "STATUS", "LOCATION", "CATEGORIES")
    return tuple(event[name].to_ical().decode() if name in event else "" for name in names)


def second_version(site: object) -> ProtocolVersion:
    """The template with one activity more at D28."""
    first = document().replace('version: "1"', 'version: "2"')
    made = a_version(text=first.replace("\nwindows:", f"{ADDED}\nwindows:"))
    an_approval(site, made)  # type: ignore[arg-type]
    return made


def test_an_amendment_that_changes_the_text_changes_the_stamps_and_the_rows(
    participant: Participant, owner: User
) -> None:
    _, address = subscribe(owner, participant=participant)
    before, first = by_uid(address, NOW), fetch(address)
    d28 = Visit.objects.get(participant=participant, code="d28")
    proposals = {participant.pk: Proposal(version=second_version(participant.site))}
    replan_many(ids=[participant.pk], proposals=proposals, now=NOW + HOUR, by=None, reason="amendment")
    later = NOW + 2 * HOUR
    assert fetch(address, at=later, **{"if-none-match": first["ETag"]}).status_code == 200
    after = by_uid(address, later)
    assert "Iron" in after[d28.uid]["DESCRIPTION"]
    for uid, event in after.items():
        assert text(event) != text(before[uid]), "each names its protocol version"
        assert all(new > old for new, old in zip(stamp(event), stamp(before[uid]), strict=True))
    raised = Visit.objects.get(pk=d28.pk)
    assert (raised.version, raised.sequence) > (d28.version, d28.sequence)
    assert raised.version == d28.version + 1


def test_traits_that_bring_another_activity_change_its_visits_alone(
    participant: Participant, owner: User
) -> None:
    _, address = subscribe(owner, participant=participant)
    before = by_uid(address, NOW)
    proposals = {participant.pk: Proposal(traits=frozenset({"childbearing-potential"}))}
    replan_many(ids=[participant.pk], proposals=proposals, now=NOW + HOUR, by=None, reason="corrected")
    after = by_uid(address, NOW + 2 * HOUR)
    changed = {uid for uid in before if text(before[uid]) != text(after[uid])}
    assert changed == {uid for uid in before if stamp(before[uid]) != stamp(after[uid])}


def test_another_name_of_the_trial_restamps_every_entry(participant: Participant, owner: User) -> None:
    _, address = subscribe(owner, participant=participant)
    before, first = by_uid(address, NOW), fetch(address)
    Trial.objects.filter(pk=participant.trial_id).update(outside_name="Study 7, phase I")
    answer = fetch(address, at=NOW + HOUR, **{"if-none-match": first["ETag"]})
    assert answer.status_code == 200
    assert b"\r\nNAME:Study 7\\, phase I S01-001\r\n" in answer.content
    assert b"\r\nX-WR-CALNAME:Study 7\\, phase I S01-001\r\n" in answer.content
    for uid, event in by_uid(address, NOW + HOUR).items():
        assert str(event["SUMMARY"]).startswith("Study 7, phase I S01-001")
        assert all(new > old for new, old in zip(stamp(event), stamp(before[uid]), strict=True))


def test_what_is_not_shown_restamps_nothing(participant: Participant, owner: User) -> None:
    _, address = subscribe(owner, participant=participant)
    before = by_uid(address, NOW)
    d28 = Visit.objects.get(participant=participant, code="d28")
    away = Away(d28.opens, d28.opens, participant)
    add_absence(away=away, by=None, now=NOW + HOUR)
    assert Absence.objects.exists()
    change(participant, "d28", version=d28.version + 1, sequence=d28.sequence + 1)
    after = by_uid(address, NOW + 2 * HOUR)
    assert {uid: stamp(event) for uid, event in after.items()} == {
        uid: stamp(event) for uid, event in before.items()
    }


def test_the_first_digest_after_an_upgrade_restamps_nothing(participant: Participant, owner: User) -> None:
    _, address = subscribe(owner, participant=participant)
    Visit.objects.filter(participant=participant).update(sequence=4)
    before = by_uid(address, NOW)
    assert {event["SEQUENCE"] for event in before.values()} == {4}
    VisitStamp.objects.update(edition="0.0.9/1", digest="worded otherwise")
    after = by_uid(address, NOW + HOUR)
    assert {uid: stamp(event) for uid, event in after.items()} == {
        uid: stamp(event) for uid, event in before.items()
    }
    VisitStamp.objects.all().delete()
    fresh = by_uid(address, NOW + HOUR)
    assert {event["SEQUENCE"] for event in fresh.values()} == {4}


def test_the_booked_room_is_the_place_and_another_room_another_stamp(
    participant: Participant, owner: User
) -> None:
    nine = datetime(2027, 1, 4, 1, tzinfo=UTC)
    hours = {"booked_on": date(2027, 1, 4), "booked_start": nine, "booked_end": nine + HOUR}
    change(participant, "d28", booked_place="Room 3, floor 2", **hours)
    _, address = subscribe(owner, participant=participant)
    uid = Visit.objects.get(participant=participant, code="d28").uid
    before = by_uid(address, NOW)[uid]
    assert before["LOCATION"] == "Room 3, floor 2"
    change(participant, "d28", booked_place="Room 4")
    after = by_uid(address, NOW + HOUR)[uid]
    assert after["LOCATION"] == "Room 4"
    assert stamp(after) > stamp(before)
    assert after["SEQUENCE"] > before["SEQUENCE"]


def test_a_booking_with_a_start_and_no_end_ends(participant: Participant, owner: User) -> None:
    nine = datetime(2027, 1, 4, 1, tzinfo=UTC)
    change(participant, "d28", booked_on=date(2027, 1, 4), booked_start=nine)
    _, address = subscribe(owner, participant=participant)
    uid = Visit.objects.get(participant=participant, code="d28").uid
    event = by_uid(address, NOW)[uid]
    assert (event.start, event.end) == (nine, nine + HOUR)
    assert "No end is booked: 60 minutes are assumed." in event["DESCRIPTION"]


def test_the_room_that_is_taken_is_the_place_and_its_new_name_another_stamp(
    participant: Participant, owner: User
) -> None:
    nine = datetime(2027, 1, 4, 1, tzinfo=UTC)
    room = Resource.objects.create(site=participant.site, kind="room", name="Room 3", minutes=45)
    hours = {"booked_on": date(2027, 1, 4), "booked_start": nine, "booked_resource": room}
    change(participant, "d28", booked_place="floor 2", **hours)
    _, address = subscribe(owner, participant=participant)
    uid = Visit.objects.get(participant=participant, code="d28").uid
    before = by_uid(address, NOW)
    assert before[uid]["LOCATION"] == "Room 3, floor 2"
    assert before[uid].end - before[uid].start == timedelta(minutes=45), "its usual length"
    assert "No end is booked: 45 minutes are assumed." in before[uid]["DESCRIPTION"]
    Resource.objects.update(name="Room 4")
    after = by_uid(address, NOW + HOUR)
    assert after[uid]["LOCATION"] == "Room 4, floor 2"
    assert stamp(after[uid]) > stamp(before[uid])
    assert [stamp(after[one]) for one in after if one != uid] == [
        stamp(before[one]) for one in before if one != uid
    ]
