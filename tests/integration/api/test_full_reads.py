"""A full read loses nothing; a question that cannot be answered as asked is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F

from participants.models import Participant
from schedules.models import Visit
from tests.cast import NOW, TODAY, a_site
from tests.readers import Ask, all_pages, problem
from trials.domain.accounts.access import ROLE_RIGHTS, Right
from trials.models import Membership, User

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen")]


@pytest.mark.parametrize("days", [200, -200])
def test_a_full_read_loses_no_visit_that_is_replanned_while_its_pages_are_turned(
    ask: Ask, many: int, days: int
) -> None:
    """Paged by target, two days of chemotherapy of 425 visits were missing from a read of an EDC system."""
    here = set(Visit.objects.values_list("pk", flat=True))
    page = ask("/api/v1/visits?page_size=10").json()
    read = [visit["id"] for visit in page["results"]]
    while page["next"]:
        shift = timedelta(days=days)
        some = Visit.objects.order_by("-pk" if days > 0 else "pk").values("pk")[: len(here) // 3]
        Visit.objects.filter(pk__in=list(some.values_list("pk", flat=True))).update(
            target=F("target") + shift, opens=F("opens") + shift, closes=F("closes") + shift
        )
        page = ask(page["next"]).json()
        read += [visit["id"] for visit in page["results"]]
        days = -days
    assert sorted(read) == sorted(here)


def test_a_list_by_target_is_asked_for_and_says_what_it_is(ask: Ask, many: int) -> None:
    found = all_pages(ask, "/api/v1/visits?order=target&page_size=7")
    keys = [(visit["target"], visit["id"]) for visit in found]
    assert keys == sorted(set(keys))
    assert len(keys) == Visit.objects.count()
    schema = ask("/api/v1/schema/", accept="application/vnd.oai.openapi+json").json()
    (order,) = [
        one for one in schema["paths"]["/api/v1/visits"]["get"]["parameters"] if one["name"] == "order"
    ]
    assert "left out or come twice" in order["description"]


@pytest.mark.parametrize(("first", "then"), [("target", "id"), ("id", "target")])
def test_a_cursor_of_the_other_order_is_refused(ask: Ask, many: int, first: str, then: str) -> None:
    following = ask(f"/api/v1/visits?order={first}&page_size=5").json()["next"]
    wrong = problem(ask(following.replace(f"order={first}", f"order={then}")))
    assert (wrong["status"], wrong["attr"]) == (400, "cursor")


@pytest.mark.parametrize(
    "name",
    ["site", "trial", "participant", "target_from", "target_to", "page_size", "cursor", "order"],
)
def test_a_repeated_parameter_is_refused_and_no_value_dropped(ask: Ask, name: str) -> None:
    """`?site=A&site=B` answered B."""
    wrong = problem(ask(f"/api/v1/visits?{name}=WH&{name}=BJ"))
    assert (wrong["status"], wrong["attr"], wrong["code"]) == (400, name, "repeated_parameter")
    assert "WH, BJ" in wrong["detail"]


def test_an_address_without_parameters_refuses_any(ask: Ask, participant: Participant) -> None:
    wrong = problem(ask(f"/api/v1/participants/{participant.pk}?fields=id"))
    assert (wrong["status"], wrong["attr"], wrong["code"]) == (400, "fields", "unknown_parameter")


@pytest.mark.parametrize("role", ["none", "ended", "to come", "designer", "administrator"])
def test_an_account_to_which_no_role_shows_anything_is_told_so(
    ask: Ask, participant: Participant, edc: User, role: str
) -> None:
    """An empty list of an account without any role reads like an empty trial."""
    held = Membership.objects.filter(user=edc)
    if role == "none":
        held.delete()
    elif role == "ended":
        held.update(starts_on=TODAY - timedelta(days=9), ends_on=TODAY - timedelta(days=1))
    elif role == "to come":
        held.update(starts_on=TODAY + timedelta(days=1), ends_on=None)
    else:
        held.update(role=role)
    for address in ("visits", "visits?site=WH", f"participants/{participant.pk}", "participants/987654321"):
        wrong = problem(ask(f"/api/v1/{address}"))
        assert wrong["status"] == 403, address
        assert "Ask an administrator" in wrong["detail"]


@pytest.mark.parametrize("role", sorted(role for role, rights in ROLE_RIGHTS.items() if Right.VIEW in rights))
def test_a_role_that_shows_participants_gets_an_empty_list_where_there_are_none(
    ask: Ask, edc: User, role: str
) -> None:
    Membership.objects.filter(user=edc).update(role=role, site=a_site("EMPTY"))
    page = ask("/api/v1/visits", at=NOW).json()
    assert (page["next"], page["next_cursor"], page["results"]) == (None, None, [])
