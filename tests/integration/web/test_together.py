"""Two visits of one participant that could be on the same day: one row, booked and undone by one act."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from schedules.models import Visit
from tests.cast import a_version
from tests.integration.web.conftest import TODAY, Enrol
from tests.integration.web.test_today_acts import act
from trials.models import ProtocolVersion

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
    act(page, first, "undo", what="book", **{"with": f"{second.pk}:{second.version}"})
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
