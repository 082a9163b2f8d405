"""Two visits of one participant that could be on the same day: one row, booked and undone by one act."""

from __future__ import annotations

import re
from datetime import date, time, timedelta
from typing import Any

import pytest
from django.test import Client

from schedules.models import Visit
from schedules.selectors.today.board import BoardRow
from schedules.selectors.today.parts import Section
from tests.cast import a_version
from tests.integration.web.conftest import TODAY, Enrol
from tests.integration.web.test_today_acts import act
from trials.models import ProtocolVersion, Resource

DAY = timedelta(days=1)


@pytest.fixture
def version(db: None) -> ProtocolVersion:
    """The protocol that asks for day 90 and for month 3, each with a week to either side."""
    return a_version("NCT07331467")


@pytest.fixture
def pair(enrolled: Enrol) -> tuple[Visit, Visit]:
    """Day 90 in three days, month 3 about the same day."""
    enrolled(infusion=TODAY - 87 * DAY, given=True)
    first, second = Visit.objects.filter(code__in=("d90", "m3")).order_by("closes", "opens")
    return first, second


def booked(*visits: Visit) -> list[Any]:
    """For which day each of them is booked now."""
    return [Visit.objects.get(pk=visit.pk).booked_on for visit in visits]


def test_both_are_one_row_and_one_act_books_and_undoes_both(page: Client, pair: tuple[Visit, Visit]) -> None:
    first, second = pair
    text = page.get("/").content.decode()
    assert f'id="v-{first.pk}"' in text
    assert f'id="v-{second.pk}"' not in text, "the second has no row of its own"
    assert "Book both" in text
    day = TODAY + 4 * DAY
    answer = act(page, first, "book", on=day.isoformat(), **{"with": f"{second.pk}:{second.version}"})
    shown = answer.content.decode()
    assert answer.status_code == 200, shown
    assert "are booked for Fri 27 Nov, inside both windows." in shown
    assert booked(first, second) == [day, day]
    first.refresh_from_db()
    second.refresh_from_db()
    assert f'name="with" value="{second.pk}:{second.version}"' in shown, "Undo takes both back"
    both = re.search(r"([A-Z0-9]+ and [A-Z0-9]+) of", shown)
    assert both
    assert f">: {both[1]}</span>" in shown, "and is called by both"
    undone = act(page, first, "undo", what="book", **{"with": f"{second.pk}:{second.version}"})
    assert f"{both[1]} of" in undone.content.decode()
    assert booked(first, second) == [None, None]


def test_a_day_inside_one_window_alone_books_that_one(page: Client, pair: tuple[Visit, Visit]) -> None:
    first, second = pair
    Visit.objects.filter(pk=second.pk).update(opens=TODAY + 3 * DAY, version=second.version)
    answer = act(
        page, first, "book", on=(TODAY + DAY).isoformat(), **{"with": f"{second.pk}:{second.version}"}
    )
    assert answer.status_code == 200
    assert booked(first, second) == [TODAY + DAY, None]


def test_neither_is_booked_where_the_other_was_changed_meanwhile(
    page: Client, pair: tuple[Visit, Visit]
) -> None:
    first, second = pair
    day = TODAY + 4 * DAY
    stale = f"{second.pk}:{second.version + 1}"
    assert act(page, first, "book", on=day.isoformat(), **{"with": stale}).status_code == 409
    form = f"/visits/{first.pk}/book/"
    said = {"on": day.isoformat(), "version": first.version, "together": "on", "with": stale}
    answer = page.post(form, said)
    assert answer.status_code == 422
    assert "was changed meanwhile" in answer.content.decode()
    assert booked(first, second) == [None, None]


def test_the_form_books_both_for_one_hour_and_the_calendar_shows_one_card(
    page: Client, pair: tuple[Visit, Visit]
) -> None:
    first, second = pair
    cards = page.get("/planner/").context["cards"]
    assert [card.visit.pk for card, *_links in cards].count(second.pk) == 0
    form = page.get(f"/visits/{first.pk}/book/").context["form"]
    assert form.initial["together"] is True
    said = {
        "on": (TODAY + 4 * DAY).isoformat(),
        "start": "10:00",
        "minutes": "60",
        "version": first.version,
        "together": "on",
        "with": f"{second.pk}:{second.version}",
    }
    answer = page.post(f"/visits/{first.pk}/book/", said)
    assert answer.status_code == 302, answer.content.decode()
    stored = Visit.objects.filter(pk__in=[first.pk, second.pk]).values_list("booked_on", "booked_start")
    assert len(set(stored)) == 1, "one appointment"


def test_one_that_is_booked_draws_the_other_to_its_day(page: Client, pair: tuple[Visit, Visit]) -> None:
    first, second = pair
    day = TODAY + 2 * DAY
    act(page, second, "book", on=day.isoformat())
    text = page.get("/").content.decode()
    assert "one journey for both" in text
    assert page.get(f"/visits/{first.pk}/book/").context["form"].initial["on"] == day


def to_book(page: Client) -> list[BoardRow]:
    """The rows of Today that are to be booked."""
    return list(page.get("/").context["board"].rows[Section.BOOK])


def one_slot(visit: Visit) -> None:
    """A site with one slot a day."""
    hours = {"opens_at": time(9), "closes_at": time(10), "minutes": 60}
    Resource.objects.create(site=visit.participant.site, kind="room", name="Room 1", **hours)


def test_a_day_on_which_the_person_has_the_last_slot_is_not_full_for_them(
    page: Client, pair: tuple[Visit, Visit]
) -> None:
    first, second = pair
    one_slot(first)
    day = TODAY + 2 * DAY
    act(page, second, "book", on=day.isoformat())
    (row,) = to_book(page)
    assert (row.offered, row.companion_booked and row.companion_booked.visit) == (day, second)
    assert not [one for one in row.strip if one.full], "one journey takes one slot"


def test_a_closed_day_is_not_offered_though_the_other_visit_is_booked_for_it(
    page: Client, pair: tuple[Visit, Visit]
) -> None:
    first, second = pair
    saturday: date = TODAY + 5 * DAY
    Visit.objects.filter(pk=second.pk).update(booked_on=saturday)
    (row,) = to_book(page)
    assert row.visit == first
    assert row.offered is not None
    assert row.offered.weekday() < 5


def test_two_whose_common_days_are_full_are_two_rows_on_today_and_two_cards(
    page: Client, pair: tuple[Visit, Visit], enrolled: Enrol
) -> None:
    first, second = pair
    one_slot(first)
    Visit.objects.filter(pk=second.pk).update(opens=TODAY + 3 * DAY)
    enrolled("S01-002", infusion=TODAY - 87 * DAY, given=True)
    others = Visit.objects.running().filter(participant__subject_code="S01-002").order_by("-target")
    common = [day for n in range(3, 15) if (day := TODAY + n * DAY).weekday() < 5]
    for other, day in zip(others, common, strict=False):
        Visit.objects.filter(pk=other.pk).update(booked_on=day, place="clinic")
    rows = [row for row in to_book(page) if row.participant.subject_code == first.participant.subject_code]
    cards = [card for card, *_links in page.get("/planner/").context["cards"]]
    mine = [card for card in cards if card.visit.participant_id == first.participant_id]
    alone = {row.visit: row for row in rows}[first]
    assert alone.companion_to_book is None
    assert alone.offered in (TODAY + DAY, TODAY + 2 * DAY), "a day with a slot, before the common ones"
    assert [row.visit for row in rows] == [card.visit for card in mine]
    assert not [card for card in mine if card.companion_to_book]
