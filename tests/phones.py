"""Somebody with a calendar subscription, and what comes back when it is fetched."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import icalendar
import time_machine
from django.http import HttpResponse
from django.test import Client

from participants.models import Participant
from schedules.models import CalendarFeed, CalendarState, Visit
from schedules.services.feeds.subscriptions import open_feed
from tests.cast import NOW, TODAY
from trials.models import User
from trials.services.accounts.memberships import grant_membership


def a_coordinator(name: str = "wang", **where: Any) -> User:
    user = User.objects.create_user(name)
    grant_membership(user=user, role="coordinator", starts_on=TODAY - timedelta(days=30), by=None, **where)
    return user


def subscribe(owner: User, **what: Any) -> tuple[CalendarFeed, str]:
    feed, token = open_feed(owner=owner, now=NOW, **what)
    return feed, f"/calendar/{token}.ics"


def fetch(address: str, at: datetime = NOW, method: str = "get", **headers: str) -> HttpResponse:
    with time_machine.travel(at, tick=False):
        answer: HttpResponse = getattr(Client(), method)(address, headers=headers)
    return answer


def events(response: HttpResponse) -> list[icalendar.Event]:
    assert response.status_code == 200
    return icalendar.Calendar.from_ical(response.content).events


def titles(response: HttpResponse) -> list[str]:
    return [str(event["SUMMARY"]) for event in events(response)]


def filled_in(answer: Any, **changes: Any) -> dict[str, Any]:
    """What a page's form sends when its fields are left as they were shown, but for these changes."""
    form = answer.context["form"]
    shown = {field.html_name: field.value() for field in form}
    values = {name: "on" if value is True else value for name, value in {**shown, **changes}.items()}
    return {name: value for name, value in values.items() if value not in (None, False)}


def change(participant: Participant, code: str, **values: Any) -> None:
    """A change as services make it: the visit, and with it the calendar's revision."""
    visits = Visit.objects.filter(participant=participant, code=code)
    visits.update(changed_at=NOW, **values)
    state = CalendarState.objects.get(participant=participant)
    CalendarState.objects.filter(participant=participant).update(revision=state.revision + 1)
