"""A request reads the clock once, so that no part of a page stands on another day than the rest."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from schedules.models import Visit
from tests.integration.web.conftest import TODAY, Enrol
from trials.models import Site

OURS = ("trials.", "participants.", "schedules.", "config.")


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The modules of ours that read the clock, one entry a read."""
    found: list[str] = []
    real = timezone.now

    def counted() -> datetime:
        module = sys._getframe(1).f_globals["__name__"]
        if module.startswith(OURS):
            found.append(module)
        return real()

    monkeypatch.setattr(timezone, "now", counted)
    return found


def addresses(person: Any, site: Site) -> list[str]:
    visit = Visit.objects.filter(participant=person).first()
    one = f"/participants/{person.pk}/"
    below = ["", "course/", "facts/", "eligibility/", "readiness/", "day-zero/", "consent/", "absences/"]
    alone = [
        "/",
        "/participants/",
        "/participants/enrol/",
        "/flags/",
        "/deviations/",
        "/forecast/",
        "/board/NCT07274059/",
    ]
    kept = ["/logs/screening/", "/logs/enrolment/", "/sites/", "/trials/", "/consents/", "/day-zero/"]
    return [
        *alone,
        *kept,
        f"/visits/{visit.pk}/",
        f"/sites/{site.pk}/absences/",
        *(one + part for part in below),
    ]


def test_every_page_reads_the_clock_once(page: Client, enrolled: Enrol, site: Site, reads: list[str]) -> None:
    person = enrolled(infusion=TODAY)
    for address in addresses(person, site):
        reads.clear()
        answer = page.get(address, follow=False)
        assert answer.status_code == 200, address
        assert reads == ["trials.request_clock"], address
