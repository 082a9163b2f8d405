"""Roles give rights at sites and in trials."""

from __future__ import annotations

import pytest

from trials.domain.accounts.access import ROLE_RIGHTS, Grant, Right, Scope

HERE, ELSEWHERE = 1, 2


@pytest.mark.parametrize(
    ("grant", "right", "site", "trial", "expected", "why"),
    [
        (Grant("coordinator", HERE, HERE), Right.ENROL, HERE, HERE, True, "at the site, in the trial"),
        (Grant("coordinator", HERE, HERE), Right.ENROL, ELSEWHERE, HERE, False, "at another site"),
        (Grant("coordinator", HERE, HERE), Right.ENROL, HERE, ELSEWHERE, False, "in another trial"),
        (Grant("coordinator", HERE), Right.ENROL, HERE, ELSEWHERE, True, "no trial named: all of them"),
        (Grant("coordinator", None, HERE), Right.ENROL, ELSEWHERE, HERE, True, "no site named: all of them"),
        (Grant("coordinator"), Right.ENROL, ELSEWHERE, ELSEWHERE, True, "nothing named: everywhere"),
        (Grant("coordinator", HERE), Right.ENROL, None, None, True, "asked whether anywhere"),
        (Grant("monitor"), Right.VIEW, HERE, HERE, True, "a monitor reads"),
        (Grant("monitor"), Right.ENROL, HERE, HERE, False, "a monitor does not enrol"),
        (Grant("monitor"), Right.RECORD, HERE, HERE, False, "nor record"),
        (Grant("designer"), Right.PUBLISH, HERE, HERE, True, "a designer publishes protocols"),
        (Grant("designer"), Right.VIEW, HERE, HERE, False, "and looks into no participant"),
        (Grant("administrator"), Right.ADMINISTER, HERE, HERE, True, "an administrator sets up"),
        (Grant("administrator"), Right.VIEW, HERE, HERE, False, "and looks into no participant"),
        (Grant("cook"), Right.VIEW, HERE, HERE, False, "an unknown role gives nothing"),
    ],
)
def test_a_grant_gives_its_rights_where_it_holds(
    grant: Grant, right: Right, site: int | None, trial: int | None, expected: bool, why: str
) -> None:
    assert Scope(frozenset({grant})).allows(right, site, trial) is expected, why


def test_two_grants_do_not_lend_each_other_their_places() -> None:
    scope = Scope(frozenset({Grant("coordinator", HERE, HERE), Grant("coordinator", ELSEWHERE, ELSEWHERE)}))
    assert scope.allows(Right.VIEW, HERE, HERE)
    assert not scope.allows(Right.VIEW, HERE, ELSEWHERE)


def test_a_scope_without_grants_allows_nothing_and_a_superusers_all() -> None:
    assert not any(Scope().allows(right) for right in Right)
    assert all(Scope(everything=True).allows(right, HERE, HERE) for right in Right)


def test_every_right_is_given_by_some_role() -> None:
    assert set().union(*ROLE_RIGHTS.values()) == set(Right)


@pytest.mark.parametrize(
    ("grant", "site", "trial", "expected", "why"),
    [
        (Grant("coordinator", HERE, HERE), HERE, HERE, True, "it names both"),
        (Grant("coordinator", HERE, HERE), HERE, None, False, "in one of the site's trials"),
        (Grant("coordinator", HERE, HERE), None, HERE, False, "at one of the trial's sites"),
        (Grant("coordinator", HERE), HERE, None, True, "no trial named: all of them"),
        (Grant("coordinator", HERE), HERE, ELSEWHERE, True, "and so any one"),
        (Grant("coordinator", HERE, HERE), HERE, ELSEWHERE, False, "another trial"),
        (Grant("coordinator"), None, None, True, "nothing named: everywhere"),
        (Grant("monitor"), None, None, False, "a monitor does not enrol"),
    ],
)
def test_a_right_throughout_needs_a_grant_as_wide(grant, site, trial, expected, why) -> None:
    assert Scope(frozenset({grant})).allows_throughout(Right.ENROL, site, trial) is expected, why
    assert Scope(everything=True).allows_throughout(Right.ENROL, site, trial)
