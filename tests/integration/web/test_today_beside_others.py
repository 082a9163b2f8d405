"""Acts of the page of today from a page that others have overtaken, and on rows of which one is forbidden."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.domain.visits.values import Booking
from schedules.models import Flag, Severity, Visit, VisitPreparation
from schedules.selectors.today import changes
from schedules.selectors.today.changes import changed_since
from schedules.selectors.today.worklist import Wanted
from schedules.services.today.preparations import prepare_visit
from schedules.services.visits.appointments import book_visit
from schedules.web.today.words import lately
from tests.integration.web.conftest import MORNING, TODAY, Enrol, with_role
from tests.integration.web.test_today_acts import IN_PLACE, act
from trials import request_clock
from trials.models import AuditEntry, Role, Site, User

DAY = timedelta(days=1)


@pytest.fixture
def visit(enrolled: Enrol) -> Visit:
    enrolled(infusion=TODAY - 28 * DAY, given=True)
    return Visit.objects.get(code="d28")


@pytest.fixture
def colleague(site: Site) -> Client:
    client = Client()
    client.force_login(with_role("colleague", Role.COORDINATOR, site))
    return client


@pytest.fixture
def flag(visit: Visit) -> Flag:
    told = {"key": "k", "kind": "hold", "severity": Severity.WARNING, "message": "x"}
    return Flag.objects.create(participant=visit.participant, raised_at=visit.changed_at, **told)


def test_of_several_that_are_recorded_none_is_where_one_may_not_be(
    page: Client, visit: Visit, enrolled: Enrol, other_site: Site
) -> None:
    """The first ones were recorded, and the answer said that there is no such page."""
    enrolled("THERE-1", TODAY - 28 * DAY, given=True, site=other_site)
    Visit.objects.filter(code="d28").update(booked_on=TODAY - DAY)
    there = Visit.objects.get(participant__subject_code="THERE-1", code="d28")
    sent = [f"{one.pk}:{one.version}" for one in (visit, there)]
    assert page.post("/today/record/", {"visit": sent}, headers=IN_PLACE).status_code == 404
    assert not Visit.objects.filter(code="d28").exclude(performed_on=None).exists()


def test_of_two_visits_of_one_person_the_first_may_move_the_second(page: Client, enrolled: Enrol) -> None:
    """The second was told that somebody else had been quicker: the act itself."""
    consent = {"consent": AnchorDay(TODAY - 45 * DAY, AnchorKind.ACTUAL)}
    person = enrolled("S01-002", TODAY - 15 * DAY, anchors=consent)
    visits = list(Visit.objects.filter(participant=person, code__in=["d0", "d14"]).order_by("target"))
    for visit in visits:
        Visit.objects.filter(pk=visit.pk).update(booked_on=visit.target)
    sent = [f"{one.pk}:{one.version}" for one in visits]
    shown = page.post("/today/record/", {"visit": sent}, headers=IN_PLACE).content.decode()
    for visit in visits:
        visit.refresh_from_db()
    assert visits[1].version > int(sent[1].partition(":")[2]) + 1, "moved by the first, then recorded"
    assert [one.performed_on for one in visits] == [one.booked_on for one in visits], shown
    assert "quicker" not in shown


def test_a_tick_that_a_colleague_made_since_stays(page: Client, visit: Visit) -> None:
    """Every box that stood open on the page was taken for one that was just opened."""
    Visit.objects.filter(pk=visit.pk).update(booked_on=TODAY + DAY)
    assert "Next clinic day, not prepared yet" in page.get("/").content.decode()
    prepare_visit(visit=visit, kind="orders", done=True, by=None, now=request_clock.now())
    answer = act(page, visit, "prepare", section="prepare", **{"ready-doctor": "on"})
    assert "is prepared" in answer.content.decode()
    assert set(VisitPreparation.objects.values_list("kind", flat=True)) == {"doctor", "orders"}


def test_undoing_a_snooze_does_not_open_what_a_colleague_has_cleared(
    page: Client, colleague: Client, flag: Flag
) -> None:
    page.post(f"/today/flags/{flag.pk}/snooze/", headers=IN_PLACE)
    colleague.post(f"/today/flags/{flag.pk}/clear/", {"reason": "the dose is on record"}, headers=IN_PLACE)
    answer = page.post(f"/today/flags/{flag.pk}/undo/", {"what": "snooze"}, headers=IN_PLACE)
    assert answer.status_code == 409
    assert "Not saved: colleague cleared it at" in answer.content.decode()
    flag.refresh_from_db()
    assert flag.cleared_reason == "the dose is on record"


def test_undoing_a_clearing_does_not_open_what_a_colleague_has_cleared_again(
    page: Client, colleague: Client, flag: Flag
) -> None:
    acts = [(page, "clear", "seen"), (page, "undo", ""), (colleague, "clear", "checked")]
    for whose, act_name, reason in acts:
        said = {"what": "clear", "reason": reason}
        whose.post(f"/today/flags/{flag.pk}/{act_name}/", said, headers=IN_PLACE)
    assert page.post(f"/today/flags/{flag.pk}/undo/", {"what": "clear"}, headers=IN_PLACE).status_code == 409
    flag.refresh_from_db()
    assert flag.cleared_reason == "checked"


@pytest.mark.parametrize("theirs", ["clear", "snooze"])
def test_a_flag_that_a_colleague_has_dealt_with_says_who_and_keeps_what_was_typed(
    page: Client, colleague: Client, flag: Flag, theirs: str
) -> None:
    """It said that it was cleared, as if by oneself, and offered to undo what the colleague had done."""
    colleague.post(f"/today/flags/{flag.pk}/{theirs}/", {"reason": "checked"}, headers=IN_PLACE)
    said = {"reason": "the dose is on record", "evidence": flag.evidence, "snoozed": ""}
    answer = page.post(f"/today/flags/{flag.pk}/clear/", said, headers=IN_PLACE)
    shown = answer.content.decode()
    assert answer.status_code == 409
    assert {"clear": "colleague cleared it at", "snooze": "colleague snoozed it until"}[theirs] in shown
    assert "undo" not in shown
    flag.refresh_from_db()
    assert flag.cleared_reason == ("checked" if theirs == "clear" else "")
    if theirs == "snooze":
        assert 'value="the dose is on record"' in shown
        again = page.post(
            f"/today/flags/{flag.pk}/clear/", {**said, "snoozed": f"{flag.snoozed_until}"}, headers=IN_PLACE
        )
        assert again.status_code == 200, "what became of it has been seen"


def test_what_was_done_on_another_day_says_the_day(page: Client, colleague: Client, flag: Flag) -> None:
    """An hour alone is read as one of today, and the page may lie open for days."""
    colleague.post(f"/today/flags/{flag.pk}/clear/", {"reason": "checked"}, headers=IN_PLACE)
    Flag.objects.filter(pk=flag.pk).update(cleared_at=MORNING - DAY)
    late = page.post(f"/today/flags/{flag.pk}/clear/", {"reason": "done"}, headers=IN_PLACE)
    assert "Not saved: colleague cleared it on Sun 22 Nov 09:00: “checked”." in late.content.decode()


@pytest.mark.parametrize(
    ("days", "said"), [(0, "09:00"), (1, "Sun 22 Nov 09:00"), (400, "Sun 19 Oct 2025 09:00")]
)
def test_an_hour_is_said_with_its_day_where_that_is_not_today(days: int, said: str) -> None:
    assert lately(MORNING - days * DAY) == said


def test_a_snooze_does_not_move_one_that_a_colleague_set(page: Client, colleague: Client, flag: Flag) -> None:
    until = TODAY + 3 * DAY
    colleague.post(f"/flags/{flag.pk}/snooze/", {"until": until.isoformat()})
    answer = page.post(f"/today/flags/{flag.pk}/snooze/", {"snoozed": ""}, headers=IN_PLACE)
    assert answer.status_code == 409
    flag.refresh_from_db()
    assert flag.snoozed_until == until


def test_a_flag_that_says_something_else_since_is_not_cleared_unseen(page: Client, flag: Flag) -> None:
    said = {"reason": "the dose is on record", "evidence": "what it said this morning"}
    answer = page.post(f"/today/flags/{flag.pk}/clear/", said, headers=IN_PLACE)
    assert answer.status_code == 422
    assert "says something else since you looked" in answer.content.decode()
    flag.refresh_from_db()
    assert flag.cleared_at is None
    assert f'name="evidence" value="{flag.evidence}"' in answer.content.decode()


def test_an_undo_that_is_sent_twice_says_that_it_is_done(page: Client, visit: Visit) -> None:
    """The second click was told that somebody else had been quicker: oneself."""
    act(page, visit, "book", on=TODAY.isoformat())
    visit.refresh_from_db()
    first, again = (act(page, visit, "undo", what="book") for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200)
    assert "Done already" in again.content.decode()


@pytest.mark.parametrize(("address", "name"), [("missed", "reason"), ("book", "on")])
def test_a_zero_byte_is_refused_in_words(page: Client, visit: Visit, address: str, name: str) -> None:
    assert act(page, visit, address, **{name: "a\0b"}).status_code in (400, 422)


@pytest.mark.parametrize(
    ("address", "name"), [("/today/views/", "name"), ("/today/flags/{flag}/clear/", "reason")]
)
def test_a_zero_byte_is_refused_wherever_it_is_typed(
    page: Client, flag: Flag, address: str, name: str
) -> None:
    answer = page.post(address.format(flag=flag.pk), {name: "a\0b"}, headers=IN_PLACE)
    assert answer.status_code in (400, 422)


def test_a_booking_that_was_moved_is_not_undone_by_giving_it_up(page: Client, visit: Visit) -> None:
    """Undo said that the visit was as before, and its first booking was gone."""
    act(page, visit, "book", on=TODAY.isoformat())
    visit.refresh_from_db()
    moved = {"on": (TODAY + DAY).isoformat(), "reason": "asked by phone"}
    answer = act(page, visit, "book", **moved)
    assert "is booked for Tue 24 Nov" in answer.content.decode()
    assert 'name="what" value="book"' not in answer.content.decode()


def test_what_is_done_elsewhere_does_not_hide_what_was_done_here(
    colleague: Client,
    page: Client,
    visit: Visit,
    enrolled: Enrol,
    monkeypatch: pytest.MonkeyPatch,
    other_site: Site,
) -> None:
    """The latest acts of all sites were read, those out of sight dropped, and all of them marked as read."""
    monkeypatch.setattr(changes, "_READ", 2)
    enrolled("THERE-1", TODAY - 28 * DAY, given=True, site=other_site)
    page.post("/today/read/", {"entry": AuditEntry.objects.latest("id").pk})
    act(colleague, visit, "book", on=TODAY.isoformat())
    for there in Visit.objects.filter(participant__subject_code="THERE-1", opens__gt=TODAY)[:3]:
        prepare_visit(visit=there, kind="orders", done=True, by=None, now=request_clock.now())
        book = Booking(there.target, sure=True, anyway=True)
        book_visit(
            visit=there, version=there.version, booking=book, by=None, reason="x", now=request_clock.now()
        )
    found = changed_since(User.objects.get(username="coordinator"), request_clock.now(), Wanted())
    assert [row.participant.subject_code for row in found.rows] == ["S01-001"]
