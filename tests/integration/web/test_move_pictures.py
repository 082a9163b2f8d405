"""The picture of a move, and its effects in the order of their gravity."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from schedules.models import Visit
from tests.integration.web.conftest import TODAY, Enrol
from tests.integration.web.test_replanning import INFUSION, address, moved, typed
from trials.models import Site

pytestmark = pytest.mark.django_db


def kinds(answer: object) -> list[str]:
    content = answer.content.decode()  # type: ignore[attr-defined]
    return [part.split('"')[0] for part in content.split('<li class="e-')[1:]]


def test_a_move_is_drawn_and_its_effects_come_gravest_first(page: Client, enrolled: Enrol) -> None:
    person = enrolled("S01-007", infusion=INFUSION)
    Visit.objects.filter(participant=person, code="d14").update(booked_on=INFUSION + timedelta(days=12))
    shown = page.post(address(person), moved(person))
    content = shown.content.decode()
    assert content.count('<svg class="wide"') == 1
    assert "Infusion Mon 14 Dec" in content
    assert "Infusion Wed 16 Dec" in content
    assert "Move Infusion to Wed 16 Dec" in content
    found = kinds(shown)
    assert found[-1] == "moves"
    assert "1 booking must be made again" in content
    order = ["breaks", "lapses", "bookings", "look", "gains", "moves"]
    assert found == sorted(found, key=order.index)


def test_a_bed_that_is_taken_on_the_new_day_breaks(page: Client, enrolled: Enrol, site: Site) -> None:
    site.infusions_per_day = 1
    site.save()
    enrolled("S01-001", infusion=INFUSION + timedelta(days=2))
    person = enrolled("S01-007", infusion=INFUSION)
    shown = page.post(address(person), moved(person))
    free = page.post(address(person), moved(person, str(INFUSION + timedelta(days=1))))
    full = "1 of 1 slots for day zero on Wed 16 Dec are taken."
    assert kinds(shown)[0] == "breaks"
    assert (full in shown.content.decode(), full in free.content.decode()) == (True, False)


def test_a_day_on_record_and_a_trait_are_shown_too(page: Client, enrolled: Enrol) -> None:
    person = enrolled("S01-007", infusion=INFUSION)
    asked = typed(person, **{"anchor-consent-actual-on": str(TODAY)})
    assert page.post(address(person), asked).status_code == 200
    traits = {"traits": ["lymphodepletion"], "action": "preview"}
    shown = page.post(address(person, "traits"), traits)
    assert shown.status_code == 200
    assert kinds(shown)
