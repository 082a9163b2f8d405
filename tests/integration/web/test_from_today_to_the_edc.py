"""One visit from end to end: booked on Today, on the phone, in the EDC; done there, and told no more here."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import time_machine
from django.core.cache import cache
from django.test import Client

from schedules.models import Visit
from schedules.selectors.reminders.notices import open_reminders
from schedules.services.feeds.subscriptions import open_feed
from schedules.services.reminders.sweeping import lapse_reminders, sweep_reminders
from tests.integration.web.conftest import MORNING, TODAY, Enrol
from tests.phones import events
from trials.models import ApiAct, Site, User
from trials.services.accounts.clients import ClientTerms, open_client

DAY = timedelta(days=1)
LATER = MORNING + 2 * DAY


def parts(page: Client) -> dict[str, str]:
    """The part of the worklist in which each visit stands, by its mark."""
    groups = page.get("/worklist/").context["groups"]
    return {row.line.mark: group.part.value for group in groups for row in group.rows}


def test_a_visit_booked_on_today_is_on_the_phone_and_in_the_edc_and_done_there_is_done_here(
    page: Client, enrolled: Enrol, site: Site, coordinator: User
) -> None:
    cache.clear()
    person = enrolled(infusion=TODAY - 29 * DAY, given=True)
    visit = Visit.objects.get(participant=person, code="d28")
    _feed, token = open_feed(owner=coordinator, now=MORNING, site=site)
    terms = ClientTerms(site=site, acts=[ApiAct.READ, ApiAct.VISITS])
    edc = _Edc(*open_client(name="edc", terms=terms, today=TODAY, now=MORNING, by=None, reason="EDC."))
    cursor = edc.ask("GET", "/api/v1/visits")["changes_cursor"]

    # booked on Today for tomorrow
    sent = {"version": visit.version, "on": (TODAY + DAY).isoformat()}
    assert page.post(f"/today/visits/{visit.pk}/book/", sent).status_code in {200, 302}
    assert parts(page)["D28"] == "booked"
    phone = events(Client().get(f"/calendar/{token}.ics"))
    assert (TODAY + DAY) in {_day(event) for event in phone if str(visit.uid) in str(event["UID"])}
    news = edc.ask("GET", f"/api/v1/changes?cursor={cursor}")
    mine = [one["visit"] for one in news["results"] if one["visit"] and one["visit"]["id"] == visit.pk]
    assert [one["booked_on"] for one in mine] == [(TODAY + DAY).isoformat()]

    # the day has passed and nobody has recorded anything: it is to record, and somebody is reminded
    with time_machine.travel(LATER, tick=False):
        cache.clear()
        page.force_login(coordinator)  # the session of two days ago has ended
        sweep_reminders(now=LATER)
        assert parts(page)["D28"] == "to-record"
        assert open_reminders(LATER).filter(visit=visit).exists()

        # the EDC says that it was done
        version = edc.ask("GET", f"/api/v1/visits/{visit.pk}")["version"]
        report = {
            "performed": {"on": (TODAY + DAY).isoformat(), "accept_orphans": True},
            "source": {"system": "Rave", "record": "SE-28"},
        }
        done = edc.ask("PATCH", f"/api/v1/visits/{visit.pk}", report, **{"if-match": f'"{version}"'})
        assert done["performed_on"] == (TODAY + DAY).isoformat()
        assert "D28" not in parts(page)
        lapse_reminders(now=LATER)
        assert not open_reminders(LATER).filter(visit=visit).exists(), "nobody is told any more"
        assert edc.ask("GET", f"/api/v1/changes?cursor={news['cursor']}")["results"][0]["kind"] == "performed"


class _Edc:
    """A program with its secret."""

    def __init__(self, client: Any, secret: str) -> None:
        self.client_id, self.secret = client.client_id, secret

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        data = f"grant_type=client_credentials&client_id={self.client_id}&client_secret={self.secret}"
        form = "application/x-www-form-urlencoded"
        token = Client().post("/api/v1/oauth/token", data, content_type=form).json()["access_token"]
        named = {"authorization": f"Bearer {token}", **headers}
        answer = getattr(Client(), method.lower())(
            path, body, **({"content_type": "application/json"} if body else {}), headers=named
        )
        assert answer.status_code == 200, answer.content
        return answer.json()


def _day(event: Any) -> date:
    start = event["DTSTART"].dt
    return start.date() if hasattr(start, "date") else start
