"""Zones and calendars of sites are of the lists; a row that is wrong all the same stops nobody."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime
from typing import Any

import pytest
import time_machine
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.test import Client
from django.urls import reverse

from schedules.models import Deviation
from schedules.services.course import holds
from schedules.services.deviations import classification
from schedules.services.enrolment.enrolling import enrol
from schedules.services.feeds.subscriptions import open_feed
from schedules.services.reminders.sweeping import sweep_closing, sweep_reminders
from schedules.services.windows import evaluation
from tests.cast import a_site, an_approval, an_enrolment, show_who_one_is
from trials.domain.audit.signing import How, Proof
from trials.domain.sites.zones import is_zone, near_zones, zone_names
from trials.models import Meaning, Membership, Role, Site, User
from trials.selectors.protocols.approvals import signable_approval
from trials.selectors.records import may, roles_of
from trials.services.audit.signatures import sign
from trials.zones import roles_day, wrong_settings, zone_of

pytestmark = pytest.mark.django_db
WRONG = "Asia/shanghai"


@pytest.fixture
def wrong_site() -> Site:
    """A site with participants whose zone somebody broke with SQL."""
    site = a_site("XX")
    version = an_enrolment().version
    enrol(enrolment=an_enrolment(version, site=site, subject_code="X-1"), by=None)
    enrol(enrolment=an_enrolment(version, subject_code="W-1"), by=None)
    Site.objects.filter(pk=site.pk).update(zone=WRONG)
    site.refresh_from_db()
    return site


@pytest.fixture
def chief(client: Client) -> Client:
    user = User.objects.create_superuser("chief", password="a long enough secret")
    for role in (Role.COORDINATOR, Role.ADMINISTRATOR):
        Membership.objects.create(user=user, role=role, starts_on=date(2020, 1, 1))
    client.force_login(user)
    show_who_one_is(client)
    return client


@pytest.mark.parametrize("name", [WRONG, "Shanghai", "../etc/passwd", "Asia", "+08:00", "UTC+8", "x" * 60])
def test_what_is_no_zone_is_refused_by_the_model(name: str) -> None:
    assert not is_zone(name)
    site = Site(code="A1", name="A", zone=name)
    with pytest.raises(ValidationError) as refused:
        site.full_clean()
    assert "zone" in refused.value.message_dict


def test_the_refusal_names_what_was_meant() -> None:
    with pytest.raises(ValidationError, match="Asia/Shanghai"):
        Site(code="A1", name="A", zone=WRONG).full_clean()
    assert near_zones("europe/berlin")[0] == "Europe/Berlin"
    assert {"Asia/Shanghai", "Europe/Berlin", "America/Los_Angeles", "UTC"} <= set(zone_names())


def test_what_is_no_calendar_is_refused_by_the_model() -> None:
    with pytest.raises(ValidationError) as refused:
        Site(code="A1", name="A", zone="Asia/Shanghai", holiday_calendar="China").full_clean()
    assert "holiday_calendar" in refused.value.message_dict


def test_records_offer_lists(chief: Client) -> None:
    site = a_site("WH")
    address = reverse("admin:trials_site_change", args=[site.pk])
    page = chief.get(address).content.decode()
    assert '<option value="Asia/Shanghai" selected>' in page
    assert '<option value="Europe/Berlin">' in page
    assert '<option value="CN" selected>' in page
    typed = {
        "code": "WH", "name": "Hospital WH", "zone": WRONG, "clinic_days": "12345", "holiday_calendar": "DE",
        "working_day_tables-TOTAL_FORMS": 0, "working_day_tables-INITIAL_FORMS": 0,
    }  # fmt: skip
    answer = chief.post(address, typed)
    assert answer.status_code == 200
    assert "is no time zone" in answer.content.decode()
    site.refresh_from_db()
    assert site.zone == "Asia/Shanghai"
    assert chief.post(address, {**typed, "zone": "Europe/Berlin"}).status_code == 302
    site.refresh_from_db()
    assert (site.zone, site.holiday_calendar) == ("Europe/Berlin", "DE")


@pytest.mark.parametrize("page", ["today", "participants", "forecast", "flags", "deviations", "sites"])
def test_a_wrong_zone_takes_no_page_down(wrong_site: Site, chief: Client, page: str) -> None:
    assert chief.get(reverse(page)).status_code == 200


def test_a_wrong_zone_and_calendar_are_named_on_today(wrong_site: Site, chief: Client) -> None:
    Site.objects.filter(pk=wrong_site.pk).update(holiday_calendar="cn")
    shown = chief.get(reverse("today")).content.decode()
    assert f"Site XX: “{WRONG}” is no time zone" in shown
    assert "Site XX: “cn” is no holiday calendar" in shown
    assert [(one.site.code, one.field) for one in wrong_settings(Site.objects.all())] == [
        ("XX", "zone"),
        ("XX", "holiday_calendar"),
    ]
    person = wrong_site.participants.get()
    assert chief.get(reverse("participant", kwargs={"pk": person.pk})).status_code == 200


def test_a_wrong_zone_stops_no_sweep_and_no_feed(
    wrong_site: Site, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        assert sweep_closing(now=datetime(2026, 11, 30, 4, tzinfo=UTC), days=400) > 0
        sweep_reminders(now=datetime(2026, 11, 30, 4, tzinfo=UTC))
    assert WRONG in caplog.text
    later = datetime(2027, 2, 1, 4, tzinfo=UTC)
    evaluation.sweep_windows(now=later)
    holds.sweep_holds(now=later)
    classification.sweep_unrecorded(now=later)
    assert set(Deviation.objects.values_list("participant__site__code", flat=True)) == {"WH", "XX"}
    assert zone_of(wrong_site).key == "Asia/Shanghai", "the server's"
    user = User.objects.create_user("phone")
    Membership.objects.create(user=user, role=Role.COORDINATOR, starts_on=date(2020, 1, 1))
    _feed, token = open_feed(owner=user, site=wrong_site, now=later)
    assert client.get(reverse("feed", args=[token])).status_code == 200


@pytest.mark.parametrize("zone", ["Asia/shanghai", "nowhere"])
def test_the_servers_zone_is_a_setting_that_is_checked(zone: str) -> None:
    import subprocess
    import sys

    asked = [sys.executable, "-c", "import config.settings.development as s; print(s.TIME_ZONE)"]
    env = {
        "DJANGO_SETTINGS_MODULE": "config.settings.development",
        "TIME_ZONE": "Europe/Berlin",
        "PATH": "/usr/bin:/bin",
    }
    good = subprocess.run(asked, env=env, capture_output=True, text=True, check=False)
    assert good.stdout.strip() == "Europe/Berlin"
    bad = subprocess.run(asked, env={**env, "TIME_ZONE": zone}, capture_output=True, text=True, check=False)
    assert ImproperlyConfigured.__name__ in bad.stderr
    assert zone in bad.stderr


# --- the days of roles ------------------------------------------------------------------------------
# 20:30 UTC on 29 November: Monday the 30th in Shanghai, still Sunday the 29th in Berlin.
LATE = datetime(2026, 11, 29, 20, 30, tzinfo=UTC)
SUNDAY, MONDAY = date(2026, 11, 29), date(2026, 11, 30)


def held(role: str, starts: date, ends: date | None = None, **where: Any) -> User:
    user = User.objects.create_user(f"one-{User.objects.count()}", first_name="Dr. Weber")
    Membership.objects.create(user=user, role=role, starts_on=starts, ends_on=ends, **where)
    return user


def test_a_role_begins_and_ends_by_the_day_of_its_site() -> None:
    berlin = a_site("BE", zone="Europe/Berlin")
    day = roles_day(LATE)
    assert day == MONDAY, "in Shanghai, where the server is"
    assert not may(held("coordinator", MONDAY, site=berlin), "view", berlin, None, day)
    assert may(held("coordinator", SUNDAY, SUNDAY, site=berlin), "view", berlin, None, day)
    assert may(held("coordinator", MONDAY), "view", berlin, None, day), "for all sites: the server's day"
    assert not roles_of(held("coordinator", SUNDAY, SUNDAY), day).grants


def test_an_investigator_in_berlin_signs_from_the_first_hour_of_the_role(client: Client) -> None:
    berlin = a_site("BE", zone="Europe/Berlin")
    chief = held("administrator", date(2020, 1, 1))
    chief.set_password("a long enough secret")
    chief.save()
    doctor = User.objects.create_user("doctor", first_name="Dr. Weber")
    with time_machine.travel(LATE, tick=False):
        client.force_login(chief)
        show_who_one_is(client)
        typed = {"user": doctor.pk, "role": "investigator", "site": berlin.pk, "starts_on": str(MONDAY)}
        answer = client.post(reverse("grant"), {**typed, "reason": "new"})
    assert answer.status_code == 302, answer.context and answer.context["form"].errors
    assert Membership.objects.get(user=doctor).starts_on == SUNDAY, "today is Sunday in Berlin"
    approval = an_approval(berlin, an_enrolment().version, signed=False)
    record = signable_approval(approval, SUNDAY)
    proof = Proof(doctor.pk, How.PASSWORD, LATE)
    signature = sign(
        record=record, meaning=Meaning.APPROVED, shown=record.digest, by=doctor, proof=proof, now=LATE
    )
    assert signature.zone == "Europe/Berlin"
