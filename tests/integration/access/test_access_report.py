"""Who has or had access, as an inspector asks for it: by name, role, place and day."""

from __future__ import annotations

from datetime import date

import pytest
import time_machine

from tests.cast import NOW, TODAY, a_site, a_version
from trials.models import Role, User
from trials.selectors.accounts.memberships import WantedAccess, access_report
from trials.services.accounts.memberships import grant_membership, withdraw_membership

pytestmark = pytest.mark.django_db
SPRING = date(2026, 4, 1)


def holds(name: str, role: Role, **more: object) -> None:
    user = User.objects.filter(username=name).first() or User.objects.create_user(name)
    grant_membership(user=user, role=role, starts_on=more.pop("since", SPRING), by=None, **more)


@pytest.fixture(scope="module")
def world(shared_world: None) -> None:
    """At Wuhan li coordinates one trial, wang investigates all; zhou monitors one trial everywhere."""
    with time_machine.travel(NOW, tick=False):
        wuhan, beijing = a_site("WH"), a_site("BJ")
        one, other = (a_version(code).trial for code in ("CART-SLE", "NCT07274059"))
        chief = User.objects.create_user("chief")
        grant_membership(user=chief, role=Role.ADMINISTRATOR, starts_on=SPRING, by=None)
        holds("li", Role.COORDINATOR, site=wuhan, trial=one)
        holds("wang", Role.INVESTIGATOR, site=wuhan)
        holds("wang", Role.INVESTIGATOR, site=beijing, ends_on=date(2026, 6, 30))
        holds("zhou", Role.MONITOR, trial=one, since=date(2026, 9, 1))
        holds("zhou", Role.MONITOR, trial=other, since=date(2027, 1, 1))
        User.objects.create_superuser("root")


@pytest.fixture
def chief(world: None, db: None) -> User:
    """Somebody who administers all of it."""
    return User.objects.get(username="chief")


@pytest.mark.parametrize(
    ("asked", "found", "reason"),
    [
        ({}, "chief li wang wang zhou zhou root", "nothing asked: all of it, superusers last"),
        ({"name": "AN"}, "wang wang", "part of a name, capitals or not"),
        ({"role": Role.MONITOR}, "zhou zhou", "a role, at all its places"),
        ({"role": "superuser"}, "root", "those above all roles"),
        ({"site": "WH"}, "chief li wang zhou zhou root", "also who holds a role for all sites"),
        ({"site": "BJ"}, "chief wang zhou zhou root", "not who is of another site"),
        ({"trial": "NCT07274059"}, "chief wang wang zhou root", "also who holds one for a whole site"),
        ({"site": "BJ", "trial": "CART-SLE"}, "chief wang zhou root", "both"),
        ({"on": SPRING}, "chief li wang wang", "the first day; root and zhou came later"),
        ({"on": date(2026, 3, 31)}, "", "the eve"),
        ({"on": date(2026, 6, 30), "name": "wang"}, "wang wang", "the last day is held"),
        ({"on": date(2026, 7, 1), "name": "wang"}, "wang", "the morrow is not"),
        ({"on": TODAY, "role": Role.MONITOR}, "zhou", "one role has begun, the other is to begin"),
        ({"on": date(2027, 1, 1), "role": Role.MONITOR}, "zhou zhou", "then both"),
    ],
)  # fmt: skip
def test_what_was_asked_for(chief, asked, found, reason):
    places = {"site": a_site, "trial": _trial}
    wanted = WantedAccess(**{name: places.get(name, _same)(value) for name, value in asked.items()})
    names = [access.user.username for access in access_report(chief, wanted, TODAY)]
    assert sorted(names) == sorted(found.split()), reason
    assert [name for name in names if name == "root"] == names[-1:] * ("root" in names), "superusers last"


def _same(value):
    return value


def _trial(code):
    from trials.models import Trial

    return Trial.objects.get(code=code)


def test_a_role_that_was_withdrawn_stays_in_the_report_with_when_and_why(chief):
    held = User.objects.get(username="li").memberships.get()
    withdraw_membership(membership=held, now=NOW, by=chief, reason="left the ward")
    (access,) = access_report(chief, WantedAccess(name="li"), TODAY)
    assert (access.withdrawn_at, access.withdrawn_by, access.withdrawn_reason) == (
        NOW,
        "chief",
        "left the ward",
    )
    assert (access.site, access.trial, access.role) == ("WH", "CART-SLE", "coordinator")


@pytest.mark.parametrize(
    ("where", "found", "reason"),
    [
        ({"site": "WH"}, {"li", "wang", "zhou", "chief"}, "their site, and who reaches into it from above"),
        ({"trial": "NCT07274059"}, {"zhou", "wang", "chief"}, "their trial, and who reaches into it"),
    ],
)
def test_somebody_who_administers_one_place_sees_who_reaches_into_it_alone(chief, where, found, reason):
    places = {"site": a_site, "trial": _trial}
    local = User.objects.create_user("local")
    here = {name: places[name](code) for name, code in where.items()}
    grant_membership(user=local, role=Role.ADMINISTRATOR, starts_on=SPRING, by=None, **here)
    names = {access.user.username for access in access_report(local, WantedAccess(), TODAY)}
    assert names - {"local"} == found, reason
    assert "root" not in names, "who stands above all sites is for those who administer all of them"
