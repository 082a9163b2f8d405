"""The demo: forty made-up participants around a day, the same ones for the same day, once."""

from collections import Counter
from datetime import UTC, date, datetime

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from participants.models import Absence, Anchor, Participant, ProductStep, SafetyReview, SitePeriod
from schedules.domain.visits.status import clinic_days, standing
from schedules.models import AmendmentRun, CalendarFeed, Visit, Webhook
from schedules.selectors.store.stored_visits import record_of
from schedules.services.demo.cast import cast
from schedules.services.demo.loading import ACCOUNTS, PASSWORD, DemoRefused, accounts_there, load_demo
from schedules.services.exchange.demo import connect_demo_edc
from trials.models import Channel, Membership, ProtocolVersion, Role, SiteApproval, Trial, User
from trials.selectors.records import protocol_of

TODAY = date(2026, 11, 21)
NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
FESTIVAL = date(2027, 2, 5)

pytestmark = pytest.mark.django_db


def statuses(today: date) -> Counter[str]:
    """Of how many visits which axis is read first on this day."""
    days = clinic_days(today, None)
    return Counter(standing(record_of(visit), days).said.value for visit in Visit.objects.all())


def everything() -> list[tuple[object, ...]]:
    """What the demo is, without ids, instants and identifiers."""
    visits = Visit.objects.values_list(
        "participant__trial__code", "participant__subject_code", "code", "opens", "target", "performed_on"
    )
    anchors = Anchor.objects.values_list("participant__subject_code", "code", "planned_on", "actual_on")
    return [*sorted(visits, key=str), *sorted(anchors, key=str)]


def test_five_trials_with_forty_participants_and_a_template_without_any() -> None:
    assert load_demo(today=TODAY, now=NOW)
    assert Counter(Participant.objects.values_list("trial__code", flat=True)) == {
        "NCT07193667": 3,
        "NCT07274059": 15,
        "NCT07339332": 9,
        "NCT07331467": 7,
        "NCT07233642": 6,
    }
    assert Trial.objects.filter(code="CART-SLE").exists()
    assert ProtocolVersion.objects.filter(published_at=None).count() == 0


@pytest.mark.parametrize(
    "today",
    [
        date(2026, 11, 21),  # a Saturday
        date(2026, 11, 25),  # a Wednesday
        date(2027, 2, 6),  # in the Spring Festival
        date(2028, 2, 29),  # a leap day
    ],
)
def test_every_kind_of_news_has_somebody(today: date) -> None:
    load_demo(today=today, now=NOW)
    found = statuses(today)
    for said in ("last-days", "open", "upcoming", "done"):
        assert found[said] >= 3, f"{said} on {today}: {found}"
    assert found["to-record"] <= 12, "a window that closed without a record is an exception"
    assert not Visit.objects.filter(performed_on__gte=today).exists(), "nothing was done in the future"
    assert Visit.objects.filter(performed_on=None, code="d0", target__lt=today).count() == 0


def test_some_are_due_over_the_next_spring_festival() -> None:
    load_demo(today=TODAY, now=NOW)
    day_28 = Visit.objects.filter(code="d28", target=FESTIVAL)
    assert day_28.count() == 2
    assert {visit.suggested for visit in day_28} == {date(2027, 2, 4)}


def test_the_same_day_gives_the_same_participants_and_another_day_others() -> None:
    assert cast(TODAY, FESTIVAL) == cast(TODAY, FESTIVAL)
    assert cast(TODAY, FESTIVAL) != cast(date(2026, 11, 22), FESTIVAL)
    codes = [(player.trial, player.subject_code) for player in cast(TODAY, FESTIVAL)]
    assert len(codes) == len(set(codes)) == 40


def test_a_second_time_changes_nothing_whatever_the_day() -> None:
    load_demo(today=TODAY, now=NOW)
    before = everything()
    with CaptureQueriesContext(connection) as queries:
        assert not load_demo(today=date(2027, 1, 1), now=NOW)
    assert everything() == before
    verbs = {query["sql"].split()[0] for query in queries if "SAVEPOINT" not in query["sql"]}
    assert verbs == {"SELECT"}
    assert len(queries) < 8, "it starts at once"


def test_the_accounts_have_their_roles_and_a_password_that_is_stored_hashed() -> None:
    load_demo(today=TODAY, now=NOW)
    assert {user.username for user in User.objects.all()} == set(ACCOUNTS)
    assert dict(Membership.objects.values_list("user__username", "role")) == {
        "coordinator": Role.COORDINATOR,
        "investigator": Role.INVESTIGATOR,
        "monitor": Role.MONITOR,
        "manager": Role.DATA_MANAGER,
        "designer": Role.DESIGNER,
        "administrator": Role.ADMINISTRATOR,
    }
    for user in User.objects.all():
        assert user.check_password(PASSWORD)
        assert PASSWORD not in user.password
        assert user.is_staff is user.is_superuser is (user.username == "manager")


def test_settings_that_do_not_allow_it_refuse_it(settings: Settings) -> None:
    settings.DEMO_ALLOWED = False
    with pytest.raises(DemoRefused, match="never for production"):
        load_demo(today=TODAY, now=NOW)
    with pytest.raises(CommandError, match="never for production"):
        call_command("load_demo")
    with pytest.raises(CommandError, match="never in production"):
        call_command("rundemo")
    assert not User.objects.exists()


@pytest.mark.parametrize("somebody", ["monitor", "manager"])
def test_a_database_in_use_is_left_alone(somebody: str) -> None:
    User.objects.create_user(somebody)
    with pytest.raises(DemoRefused, match="in use"):
        load_demo(today=TODAY, now=NOW)
    assert not Participant.objects.exists()


def test_the_command_prints_the_accounts_each_time(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("load_demo", "--today", "2026-11-21")
    call_command("load_demo", "--today", "2026-11-21")
    said = capsys.readouterr().out.splitlines()
    accounts = f"Accounts: {', '.join(ACCOUNTS)}; password of each: dayzero-demo"
    assert said == ["Loaded.", accounts, "The demo stands already; nothing was changed.", accounts]


@pytest.mark.parametrize("today", [TODAY, date(2026, 11, 25), date(2027, 2, 6)])
def test_somebody_comes_on_any_day_by_the_hour_in_a_room_and_something_clashes(today: date) -> None:
    load_demo(today=today, now=NOW)
    booked = Visit.objects.filter(booked_start__isnull=False, booked_resource__isnull=False)
    assert booked.filter(booked_on=today, performed_on=None).exists(), (
        "somebody comes today, on a Saturday too"
    )
    assert booked.filter(booked_on__gt=today).count() >= 5
    assert booked.filter(booked_on__lt=today, performed_on__isnull=False).exists(), (
        "the days before have hours"
    )
    assert booked.filter(booked_on__lt=today, performed_on=None).exists(), "a booking waits to be recorded"
    ahead = list(booked.filter(booked_on__gte=today).select_related("participant__site"))
    same = Counter((one.booked_resource_id, one.booked_on) for one in ahead)
    assert max(same.values()) >= 2, "two lie in one room on one day, and clash"
    assert Participant.objects.filter(site__name_zh="", site__short_name="").count() == 0
    slips = Anchor.objects.filter(code="infusion", planned_on__gt=today, actual_on=None)
    assert slips.exists(), "a day zero to come can slip"


def test_no_approval_is_older_than_the_edition_that_it_approves_and_windows_carry_labels() -> None:
    load_demo(today=TODAY, now=NOW)
    for approval in SiteApproval.objects.select_related("protocol_version"):
        assert str(approval.approved_on) > approval.protocol_version.label[:10], approval
    used = ProtocolVersion.objects.filter(participants__isnull=False).distinct()
    assert [version.label for version in used if not protocol_of(version).facts] == ["2026-01-12"], (
        "of one trial most are still under the first edition, and are to sign before they are migrated"
    )


def test_more_happens_than_visits_and_nothing_of_it_is_sent() -> None:
    load_demo(today=TODAY, now=NOW)
    connect_demo_edc(today=TODAY, now=NOW, by=None)
    run = AmendmentRun.objects.get()
    assert run.finished_at
    assert Counter(step.outcome for step in run.steps.all()) == {"done": 2, "consent": 5}
    left = SitePeriod.objects.get()
    assert (left.site.code, left.participant.site.code) == ("YANCHENG-3", "CHENGDU-WTC")
    assert {absence.participant is not None for absence in Absence.objects.all()} == {True, False}
    assert [step.step for step in ProductStep.objects.exclude(done_on=None).order_by("done_on")] == [
        *("collection", "shipped", "received")
    ]
    assert SafetyReview.objects.get().opens_next
    assert Webhook.objects.get().paused_at
    assert Channel.objects.get().off_at
    assert CalendarFeed.objects.get().owner.username == "coordinator"


def test_a_demo_of_an_older_release_is_known_by_its_first_accounts() -> None:
    for name in ("coordinator", "investigator", "monitor", "manager"):
        User.objects.create_user(name)
    assert not load_demo(today=TODAY, now=NOW)
    assert accounts_there() == ["coordinator", "investigator", "monitor", "manager"]
