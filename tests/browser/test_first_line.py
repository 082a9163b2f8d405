"""The first whole line: a document, a participant, a page, a phone, a machine, a reminder."""

import json
import re
import subprocess
import sys
import urllib.error
import urllib.request
from datetime import date, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import icalendar
import pytest
from django.core import mail
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from schedules import tasks
from schedules.domain.reminders.rules import Manner
from schedules.models import ReminderSetting
from tests.cast import an_approval
from trials.formats.protocols import library
from trials.models import Role, Site, Trial, User
from trials.services.accounts.memberships import grant_membership
from trials.services.accounts.tokens import issue_api_token
from trials.services.protocols.publishing import import_protocol, publish_protocol
from trials.services.sites.working_days import record_working_days

PASSWORD = "a long and made-up one"
TRIAL = "NCT07274059"
CODE = "S01-001"


@pytest.fixture
def today() -> date:
    return timezone.now().astimezone(ZoneInfo("Asia/Shanghai")).date()


@pytest.fixture
def coordinator(transactional_db: None, today: date) -> User:
    """A coordinator at a site that runs a trial, whose document was imported and published."""
    user = User.objects.create_user("coordinator", "coordinator@dayzero.example", PASSWORD)
    text = library.path(TRIAL).read_text(encoding="utf-8")
    version = import_protocol(text=text, by=user)
    publish_protocol(version=version, by=user, now=timezone.now())
    site = Site.objects.create(
        code="YANCHENG-3", name="Yancheng Third People's Hospital", zone="Asia/Shanghai"
    )
    record_working_days(site=site, by=user, first_year=today.year - 1, last_year=today.year + 3)
    an_approval(site, version)
    grant_membership(user=user, role=Role.COORDINATOR, site=site, starts_on=today, by=None)
    return user


def subscribed(address: str, folder: Path) -> list[icalendar.Event]:
    """The events that a calendar client (vdirsyncer) has after it has fetched a subscription."""
    entries = folder / "entries"
    configuration = folder / "vdirsyncer.ini"
    configuration.write_text(f"""
[general]
status_path = "{folder}/status"
[pair dayzero]
a = "there"
b = "here"
collections = null
[storage there]
type = "http"
url = "{address}"
[storage here]
type = "filesystem"
path = "{entries}"
fileext = ".ics"
""")
    entries.mkdir(exist_ok=True)
    client = Path(sys.executable).with_name("vdirsyncer")
    for act in ("discover", "sync"):
        subprocess.run(
            [client, "-c", configuration, act], check=True, capture_output=True, timeout=60, input=b"y\n"
        )
    calendars = [icalendar.Calendar.from_ical(file.read_bytes()) for file in entries.glob("*.ics")]
    return [event for calendar in calendars for event in calendar.events]


def asked(address: str, token: str) -> dict[str, object]:
    """What the API answers a machine."""
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
        found: dict[str, object] = json.load(answer)
        return found


def sign_in(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_label("User name").fill("coordinator")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def enrol(page: Page, infusion: date) -> None:
    """Fill in the form as a coordinator does, look at the plan, and save it."""
    page.get_by_role("link", name="Enrol").first.click()
    page.get_by_label("Subject code").fill(CODE)  # one version and one site: both are chosen already
    page.get_by_label("Or why no form is on record yet").fill("kept on paper until now")
    page.locator("[name=anchor-consent-actual-on]").fill(f"{infusion - timedelta(days=30)}")
    page.locator("[name=anchor-infusion-planned-on]").fill(f"{infusion}")
    page.locator("[name=anchor-infusion-actual-on]").fill(f"{infusion}")
    page.get_by_role("button", name="Show the plan").click()
    page.get_by_role("button", name="Enrol with this plan").click()


def test_from_a_document_to_a_page_a_phone_a_machine_and_one_reminder(
    live_server: LiveServer, page: Page, complaints: list[str], coordinator: User, today: date, tmp_path: Path
) -> None:
    infusion = today - timedelta(days=14)  # day 14 ±2 is today, and its window closes in two days

    # a person enrols, and sees
    sign_in(page, live_server.url)
    expect(page).to_have_title(re.compile("Dayzero$"))
    enrol(page, infusion)
    expect(page.get_by_text(f"{CODE} is enrolled.")).to_be_visible()
    expect(page.get_by_role("heading", name=CODE)).to_be_visible()
    number = int(page.url.rstrip("/").rpartition("/")[2])
    expect(page.locator("#visit-d14")).to_contain_text(re.compile("Last days|No clinic day left"))
    page.goto(live_server.url)
    expect(page.get_by_role("main")).to_contain_text(CODE)
    assert not complaints

    # a phone subscribes, and fetches
    page.goto(f"{live_server.url}/participants/{number}/")
    page.goto(f"{live_server.url}/calendars/new/?participant={number}")
    page.locator("form.subscription button.primary").click()
    address = page.locator("#https").input_value()
    events = subscribed(address, tmp_path)
    visits = {str(event["SUMMARY"]): event.start for event in events}
    assert [day for name, day in visits.items() if "D14" in name] == [today]
    assert all(CODE in name for name in visits)

    # a machine asks
    _row, token = issue_api_token(user=coordinator, name="EDC")
    answer = asked(f"{live_server.url}/api/v1/participants/{number}", token)
    assert answer["subject_code"] == CODE
    closing = "window=last-days&window=no-clinic-day-left"
    due = asked(f"{live_server.url}/api/v1/visits?participant={number}&{closing}", token)
    (visit,) = due["results"]  # type: ignore[misc]
    assert visit["code"] == "d14"
    assert visit["target"] == today.isoformat()
    with pytest.raises(urllib.error.HTTPError, match="401"):
        asked(f"{live_server.url}/api/v1/visits", "dz_not-a-token")

    # somebody is reminded, once, at whatever hour this runs
    trial, night = Trial.objects.get(), {"earliest": time.min, "latest": time(23, 59), "working_days": False}
    ReminderSetting.objects.create(trial=trial, kind="closing", manner=Manner.AT_ONCE, **night)
    for _ in range(3):
        tasks.sweep.delay()
        tasks.deliver.delay()
    keys = [message.extra_headers["X-Dayzero-Key"] for message in mail.outbox]
    assert len(keys) == len(set(keys))
    (told,) = (message for message in mail.outbox if "Day 14" in message.body)
    assert told.to == ["coordinator@dayzero.example"]
    assert CODE in told.body
    assert CODE not in told.subject
