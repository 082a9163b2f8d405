"""Who sees which sites, trials and participants, on which day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test.utils import CaptureQueriesContext

from participants.selectors.participants import participants_visible_to
from schedules.services.enrolment.bulk import bulk_enrol
from tests.cast import NOW, TODAY, a_site, a_version, an_enrolment
from trials.domain.accounts.access import Right
from trials.models import ApiToken, Role, Site, Trial, TrialSite, User
from trials.selectors.records import api_token_in_use, may, roles_of, sites_visible_to, trials_visible_to
from trials.services.accounts.memberships import MembershipEndsTooSoon, end_membership, grant_membership
from trials.services.accounts.tokens import issue_api_token, record_api_token_use, revoke_api_token

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def user() -> User:
    return User.objects.create(username="somebody")


@pytest.fixture
def everybody() -> None:
    """One participant at each of two sites in each of two trials, named by both."""
    enrolments = [
        replace(an_enrolment(a_version(code), site=a_site(site)), subject_code=f"{site}-{number}")
        for code, number in (("CART-SLE", "001"), ("NCT07274059", "059"))
        for site in ("WH", "CD")
    ]
    bulk_enrol(enrolments=enrolments, by=None)


def grant(user: User, role: str, site: str | None, trial: str | None, **days: Any) -> None:
    grant_membership(
        user=user,
        role=role,
        site=Site.objects.get(code=site) if site else None,
        trial=Trial.objects.get(code=trial) if trial else None,
        starts_on=days.get("starts_on", TODAY),
        by=None,
    )


SLE, UCAR = "CART-SLE", "NCT07274059"


@pytest.mark.parametrize(
    ("grants", "expected", "why"),
    [
        ([], "", "without a role nobody is seen"),
        ([("coordinator", "WH", SLE)], "WH-001", "one site, one trial"),
        ([("coordinator", "WH", None)], "WH-001 WH-059", "one site, all trials"),
        ([("monitor", None, UCAR)], "WH-059 CD-059", "one trial, all sites"),
        ([("monitor", None, None)], "WH-001 CD-001 WH-059 CD-059", "everywhere"),
        ([("coordinator", "WH", SLE), ("monitor", "CD", UCAR)], "WH-001 CD-059", "pairs do not mix"),
        ([("coordinator", "WH", SLE), ("coordinator", "WH", None)], "WH-001 WH-059", "each but once"),
        ([("designer", None, None)], "", "a designer looks into no participant"),
        ([("designer", None, None), ("monitor", "WH", SLE)], "WH-001", "nor lends a monitor their reach"),
    ],
)
@pytest.mark.usefixtures("everybody")
def test_participants_are_seen_by_site_and_trial(
    user: User, grants: list[tuple[str, str | None, str | None]], expected: str, why: str
) -> None:
    for role, site, trial in grants:
        grant(user, role, site, trial)
    with CaptureQueriesContext(connection) as captured:
        seen = [participant.subject_code for participant in participants_visible_to(user, TODAY)]
    assert sorted(seen) == sorted(expected.split()), why
    assert len(captured) <= 2


@pytest.mark.parametrize(
    ("today", "expected", "why"),
    [
        (TODAY - DAY, False, "the eve of the first day"),
        (TODAY, True, "the first day"),
        (TODAY + 9 * DAY, True, "the last day"),
        (TODAY + 10 * DAY, False, "the morrow of the last day"),
    ],
)
@pytest.mark.usefixtures("everybody")
def test_a_role_holds_from_its_first_day_to_its_last(
    user: User, today: date, expected: bool, why: str
) -> None:
    membership = grant_membership(user=user, role="monitor", starts_on=TODAY, by=None)
    end_membership(membership=membership, ends_on=TODAY + 9 * DAY, by=None, reason="left the project")
    assert participants_visible_to(user, today).exists() is expected, why
    assert may(user, "view", None, None, today) is expected, why
    assert sites_visible_to(user, today).exists() is expected, why
    assert trials_visible_to(user, today).exists() is expected, why


def test_a_role_says_who_gave_it_and_who_took_it(user: User) -> None:
    manager = User.objects.create(username="manager")
    membership = grant_membership(
        user=user, role=Role.MONITOR, starts_on=TODAY, by=manager, reason="new here"
    )
    other = User.objects.create(username="other")
    ended = end_membership(membership=membership, ends_on=TODAY, by=other, reason="left")
    ended.refresh_from_db()
    assert (ended.granted_by, ended.withdrawn_by, ended.withdrawn_reason) == (manager, other, "left")


def test_a_role_cannot_end_before_it_begins(user: User) -> None:
    membership = grant_membership(user=user, role=Role.MONITOR, starts_on=TODAY, by=None)
    with pytest.raises(MembershipEndsTooSoon, match="begins on 2026-11-21 and cannot end on 2026-11-20"):
        end_membership(membership=membership, ends_on=TODAY - DAY, by=None)
    membership.refresh_from_db()
    assert membership.ends_on is None


def test_an_unknown_role_is_not_given(user: User) -> None:
    with pytest.raises(ValueError, match="cook"):
        grant_membership(user=user, role="cook", starts_on=TODAY, by=None)


@pytest.mark.usefixtures("everybody")
def test_a_superuser_sees_all_and_somebody_inactive_or_unknown_nothing(user: User) -> None:
    user.is_superuser = True
    assert participants_visible_to(user, TODAY).count() == 4
    assert (sites_visible_to(user, TODAY).count(), trials_visible_to(user, TODAY).count()) == (2, 2)
    assert may(user, Right.ADMINISTER, None, None, TODAY)
    user.is_active = False
    for nobody in (user, AnonymousUser()):
        assert not participants_visible_to(nobody, TODAY).exists()  # type: ignore[arg-type]
        assert not roles_of(nobody, TODAY).roles  # type: ignore[arg-type]
        assert not may(nobody, Right.VIEW, None, None, TODAY)  # type: ignore[arg-type]


@pytest.mark.usefixtures("everybody")
def test_sites_and_trials_are_seen_where_a_role_is_held(user: User) -> None:
    grant(user, "coordinator", "WH", SLE)
    assert [site.code for site in sites_visible_to(user, TODAY)] == ["WH"]
    assert [trial.code for trial in trials_visible_to(user, TODAY)] == [SLE]
    grant(user, "designer", None, UCAR)
    assert [site.code for site in sites_visible_to(user, TODAY)] == ["CD", "WH"]
    assert [trial.code for trial in trials_visible_to(user, TODAY)] == [SLE, UCAR]


@pytest.mark.usefixtures("everybody")
def test_a_role_for_all_trials_of_a_site_sees_those_that_the_site_runs(user: User) -> None:
    TrialSite.objects.all().delete()
    trial = Trial.objects.get(code=UCAR)
    TrialSite.objects.create(trial=trial, site=a_site("WH"))
    grant(user, "coordinator", "WH", None)
    assert [trial.code for trial in trials_visible_to(user, TODAY)] == [UCAR]


def test_a_tokens_text_is_shown_once_and_kept_nowhere(user: User) -> None:
    token, text = issue_api_token(user=user, name="EDC", by=user)
    assert api_token_in_use(text, NOW).user == user
    stored = ApiToken.objects.values().get(pk=token.pk)
    assert text not in str(stored)
    assert len(text) >= 40
    assert issue_api_token(user=user, name="EDC")[1] != text
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM trials_auditentry WHERE new LIKE %s", [f"%{text}%"])
        assert cursor.fetchone() == (0,), "nor in the audit trail"


@pytest.mark.parametrize(
    ("spoilt", "why"),
    [
        ("", "no token"),
        ("{text}x", "a longer one"),
        ("{swapped}", "other letters"),
        ("{digest}", "what is stored is no key"),
    ],
)
def test_any_other_text_opens_nothing(user: User, spoilt: str, why: str) -> None:
    token, text = issue_api_token(user=user, name="EDC")
    other = spoilt.format(text=text, swapped=text.swapcase(), digest=token.digest)
    assert api_token_in_use(other, NOW) is None, why


def test_a_revoked_token_opens_nothing(user: User) -> None:
    token, text = issue_api_token(user=user, name="EDC")
    revoke_api_token(token=token, now=NOW)
    assert api_token_in_use(text, NOW) is None


def test_the_token_of_somebody_inactive_opens_nothing(user: User) -> None:
    _token, text = issue_api_token(user=user, name="EDC")
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert api_token_in_use(text, NOW) is None


def test_revoking_again_keeps_the_first_moment(user: User) -> None:
    token, _text = issue_api_token(user=user, name="EDC")
    revoke_api_token(token=token, now=NOW)
    assert revoke_api_token(token=token, now=NOW + DAY).revoked_at == NOW


def test_the_day_of_use_is_kept_and_written_once_a_day(user: User) -> None:
    token, text = issue_api_token(user=user, name="EDC")
    record_api_token_use(text=text, today=TODAY)
    record_api_token_use(text=text, today=TODAY)
    token.refresh_from_db()
    assert token.last_used_on == TODAY
