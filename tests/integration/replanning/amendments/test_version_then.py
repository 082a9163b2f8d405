"""After an amendment: what was done before it is told, and departs, by the version then in force.

Infused on Monday 7 December 2026; D14, done on the 23rd, the last day of ±2. Version 2, applied on the
23rd, allows ±3 days.
"""

from __future__ import annotations

import importlib
from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.apps import apps

from participants.domain.anchors import RecordedAnchor
from participants.models import Anchor, Participant, SitePeriod
from schedules.domain.deviations.drafts import DeviationKind, Draft
from schedules.models import AmendmentStep, Deviation, Visit
from schedules.selectors.deviations.record_facts import versions_then
from schedules.selectors.exchange.visit_rows import WantedVisits, listed_visits
from schedules.selectors.feeds.content import ShownPeople
from schedules.services.deviations.by_hand import Entered, enter_deviation
from schedules.services.replanning.amendments import advance_amendments
from schedules.services.replanning.moves import record_anchor
from schedules.services.store.deviation_drafts import draft_deviation
from tests.cast import a_site, an_approval
from tests.integration.replanning.amendments.conftest import INFUSION, NOW, amendment, somebody, started
from trials.models import Membership, ProtocolVersion, Role, Site, User

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(days=5)


@pytest.fixture
def amended(old: ProtocolVersion, new: ProtocolVersion, site: Site) -> Participant:
    person = somebody(old, site, "S01-001")
    an_approval(site, new)
    started(amendment(old, new, site))
    advance_amendments(now=NOW)
    person.refresh_from_db()
    assert person.protocol_version == new
    return person


def test_the_api_and_the_feed_explain_a_visit_by_the_version_under_which_it_was_done(
    amended: Participant, site: Site
) -> None:
    user = User.objects.create_user("coordinator")
    Membership.objects.create(user=user, role=Role.COORDINATOR, site=site, starts_on=date(2026, 1, 1))
    page = listed_visits(user, WantedVisits(), (None, 50), NOW).visits
    told = {one.state.code: (one.because(), one.edition.label) for one in page}
    assert "Tolerance 2 days before, 2 days after" in told["d14"][0]
    assert "Protocol version 1." in told["d14"][0]
    assert "Protocol version 2." in told["d28"][0]
    assert (told["d14"][1], told["d28"][1]) == ("1", "2")
    people = ShownPeople(list(Participant.objects.values_list("pk", flat=True)))
    fed = {one.naming.label: one.terms.because for _pk, one in people.visits(date(2026, 12, 23), "/{}/")}
    assert "Protocol version 1." in fed["Day 14"]
    assert "Protocol version 2." in fed["Day 28"]


THEN = [
    (date(2026, 12, 7), "1", "before the amendment"),
    (date(2026, 12, 23), "1", "on the day of a visit that was done under it"),
    (date(2026, 12, 24), "2", "after it"),
]


@pytest.mark.parametrize(("day", "version", "why"), THEN, ids=[row[2] for row in THEN])
def test_a_deviation_is_under_the_version_in_force_when_it_occurred(
    amended: Participant, day: date, version: str, why: str
) -> None:
    draft = Draft(f"order:{amended.pk}:a:b", f"{day}", DeviationKind.ORDER, day)
    drafted = draft_deviation(participant=amended, draft=draft, now=LATER)
    entered = Entered(day, "A form was wrong.", uuid4())
    by_hand = enter_deviation(participant=amended, entered=entered, by=None, now=LATER)
    found = Deviation.objects.filter(pk__in=[drafted.pk, by_hand.pk]).select_related("protocol_version")
    assert {one.protocol_version.label for one in found} == {version}, why


def test_without_a_visit_the_day_of_the_amendment_decides(amended: Participant) -> None:
    Visit.objects.filter(participant=amended).update(done_under=None)
    Anchor.objects.create(participant=amended, code="lymphodepletion-start", actual_on=date(2026, 12, 2))
    corrected = RecordedAnchor("infusion", actual_on=INFUSION - timedelta(days=1))
    record_anchor(participant=amended, anchor=corrected, now=LATER, by=None, reason="a slip of the pen")
    one = Deviation.objects.select_related("protocol_version").get(kind="block-broken", visit=None)
    assert (one.occurred_on, one.protocol_version.label) == (date(2026, 12, 6), "1")


def test_the_day_of_an_amendment_is_that_of_the_site_at_which_it_was_applied(amended: Participant) -> None:
    """The morning of the 23rd in Shanghai is still the 22nd in Los Angeles, where they are now."""
    Visit.objects.filter(participant=amended).update(done_under=None)
    Participant.objects.filter(pk=amended.pk).update(site=a_site("LA", zone="America/Los_Angeles"))
    days = [date(2026, 12, 22), date(2026, 12, 23)]
    then = versions_then({(amended.pk, day) for day in days})
    assert then == {(amended.pk, days[0]): ProtocolVersion.objects.get(label="1").pk}
    stands = AmendmentStep.objects.get().done_on
    AmendmentStep.objects.update(done_on=None)
    SitePeriod.objects.create(
        participant=amended, site=Site.objects.exclude(code="LA").get(), ended_on=date(2026, 12, 24)
    )
    importlib.import_module("schedules.migrations.0044_more_zones_of_record").name_days(apps, None)
    assert AmendmentStep.objects.get().done_on == stands == days[1]
