"""A full read loses nothing; a question that cannot be answered as asked is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F

from participants.models import Participant
from schedules.models import ChangeEvent, Visit
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
    ["target_from", "window_to", "as_of", "changed_since", "fields", "page_size", "cursor", "order"],
)
def test_a_repeated_parameter_is_refused_and_no_value_dropped(ask: Ask, name: str) -> None:
    """`?site=A&site=B` answered B."""
    wrong = problem(ask(f"/api/v1/visits?{name}=WH&{name}=BJ"))
    assert (wrong["status"], wrong["attr"], wrong["code"]) == (400, name, "repeated_parameter")
    assert "WH, BJ" in wrong["detail"]


def test_an_address_without_parameters_refuses_any(ask: Ask, participant: Participant) -> None:
    wrong = problem(ask(f"/api/v1/participants/{participant.pk}?page_size=1"))
    assert (wrong["status"], wrong["attr"], wrong["code"]) == (400, "page_size", "unknown_parameter")


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


def test_several_values_of_a_parameter_are_all_asked_for(ask: Ask, many: int, edc: User) -> None:
    Membership.objects.filter(user=edc).update(site=None)
    a_site("BJ")
    one, two, *_others = (
        Visit.objects.values_list("participant", flat=True).distinct().order_by("participant")
    )
    found = all_pages(
        ask, f"/api/v1/visits?participant={one}&participant={two}&site=WH&site=BJ&page_size=200"
    )
    assert {visit["participant"] for visit in found} == {one, two}
    coded = all_pages(ask, "/api/v1/visits?subject_code=S01-001&subject_code=S01-002&code=d28&code=d14")
    assert {(visit["subject_code"], visit["code"]) for visit in coded} == {
        (subject, code) for subject in ("S01-001", "S01-002") for code in ("d14", "d28")
    }
    (keyed,) = all_pages(ask, "/api/v1/visits?trial=CART-SLE&subject_code=S01-001&rule=ld&occurrence=2")
    assert (keyed["rule"], keyed["occurrence"]) == ("ld", 2)


def test_both_axes_are_told_as_of_a_day(ask: Ask, participant: Participant) -> None:
    """D28 opens on 1 January and closes on the 7th."""
    for day, window, appointment in (
        ("2026-12-31", "upcoming", "to-book"),
        ("2027-01-01", "open", "to-book"),
        ("2027-01-08", "closed", "to-record"),
    ):
        (visit,) = all_pages(ask, f"/api/v1/visits?code=d28&as_of={day}")
        assert (visit["as_of"], visit["window"], visit["appointment"]) == (day, window, appointment)
        assert ask(f"/api/v1/visits/{visit['id']}?as_of={day}").json()["window"] == window
        asked = f"/api/v1/visits?code=d28&as_of={day}&window={window}&appointment={appointment}"
        assert len(all_pages(ask, asked)) == 1
    assert problem(ask("/api/v1/visits?as_of=9999-12-31"))["attr"] == "as_of"


def test_windows_that_have_a_day_in_common_with_a_range(ask: Ask, participant: Participant) -> None:
    for first, last, found in (
        ("2027-01-07", "2027-01-31", 1),
        ("2027-01-08", "2027-01-31", 0),
        ("2026-12-25", "2027-01-01", 1),
        ("2026-12-25", "2026-12-31", 0),
    ):
        assert len(all_pages(ask, f"/api/v1/visits?code=d28&window_from={first}&window_to={last}")) == found
    wrong = problem(ask("/api/v1/visits?window_from=2027-01-02&window_to=2027-01-01"))
    assert (wrong["status"], wrong["attr"]) == (400, "window_to")


def test_the_words_of_an_edc_and_why(ask: Ask, participant: Participant) -> None:
    step = participant.steps.create(step="withdrawal", happened_on=TODAY, reason="Moved away.")
    rows = Visit.objects.order_by("target", "pk")
    done, booked, missed, stopped, off, lost, *_rest = rows
    Visit.objects.filter(pk=done.pk).update(performed_on=TODAY, outside_reason="Ill.")
    Visit.objects.filter(pk=booked.pk).update(booked_on=booked.target)
    Visit.objects.filter(pk=missed.pk).update(missed_on=TODAY, missed_reason="Not seen.")
    Visit.objects.filter(pk=stopped.pk).update(cancelled_on=TODAY, cancelled_by=step)
    Visit.objects.filter(pk=off.pk).update(cancelled_on=TODAY, cancelled_reason="Not needed.")
    Visit.objects.filter(pk=lost.pk).update(booked_on=lost.closes + timedelta(days=9))
    told = {one["id"]: (one["edc_status"], one["reason"]) for one in all_pages(ask, "/api/v1/visits")}
    assert [told[one.pk] for one in (done, booked, missed, stopped, off, lost)] == [
        ("completed", "Ill."),
        ("scheduled", None),
        ("skipped", "Not seen."),
        ("stopped", "Withdrawal; Moved away."),
        ("skipped", "Not needed."),
        ("not-scheduled", None),
    ]
    words = ["completed", "scheduled", "skipped", "stopped", "not-scheduled"]
    by_word = {
        word: {one["id"] for one in all_pages(ask, f"/api/v1/visits?edc_status={word}")} for word in words
    }
    assert by_word == {word: {pk for pk, (said, _why) in told.items() if said == word} for word in words}
    both = all_pages(ask, "/api/v1/visits?edc_status=skipped&edc_status=stopped")
    assert {one["id"] for one in both} == by_word["skipped"] | by_word["stopped"]


def test_some_of_the_fields_are_named_and_no_other_comes(ask: Ask, participant: Participant) -> None:
    answer = ask("/api/v1/visits?fields=id,opens,closes&page_size=2")
    assert answer["Content-Type"] == "application/vnd.dayzero.sparse+json"
    assert {tuple(one) for one in answer.json()["results"]} == {("id", "opens", "closes")}
    assert set(ask(f"/api/v1/participants/{participant.pk}?fields=phase").json()) == {"phase"}
    wrong = problem(ask("/api/v1/visits?fields=id,colour"))
    assert (wrong["status"], wrong["attr"], wrong["code"]) == (400, "fields", "unknown_field")
    assert "colour" in wrong["detail"]
    assert problem(ask("/api/v1/visits?fields="))["status"] == 400


@pytest.mark.parametrize("address", ["visits?page_size=5", "participants", "trials", "flags", "deviations"])
def test_what_has_not_changed_is_not_sent_again(ask: Ask, participant: Participant, address: str) -> None:
    first = ask(f"/api/v1/{address}")
    again = ask(f"/api/v1/{address}", **{"if-none-match": f'"other", {first["ETag"]}'})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    small = ask(f"/api/v1/{address}", **{"accept-encoding": "gzip"})
    if small.get("Content-Encoding"):
        assert small["ETag"] == first["ETag"][:-1] + '-gzip"'
        assert ask(f"/api/v1/{address}", **{"if-none-match": small["ETag"]}).status_code == 304


def test_what_changed_since_a_place_in_the_feed(ask: Ask, participant: Participant) -> None:
    begins = ask("/api/v1/visits?page_size=1").json()["changes_cursor"]
    assert all_pages(ask, f"/api/v1/visits?changed_since={begins}") == []
    visit = Visit.objects.get(code="d28")
    ChangeEvent.objects.create(kind="booked", participant=participant, visit=visit)
    assert [one["code"] for one in all_pages(ask, f"/api/v1/visits?changed_since={begins}")] == ["d28"]
    assert len(all_pages(ask, f"/api/v1/participants?changed_since={begins}")) == 1
    ChangeEvent.objects.create(kind="transferred", participant=participant)
    assert len(all_pages(ask, f"/api/v1/visits?changed_since={begins}")) == Visit.objects.count()
    far = "2199-01-01T00:00:00%2B08:00"
    assert all_pages(ask, f"/api/v1/visits?changed_since={far}") == []
    assert all_pages(ask, "/api/v1/visits?changed_since=2000-01-01T00:00:00Z")
    wrong = problem(ask("/api/v1/visits?changed_since=2026-11-21"))
    assert (wrong["status"], wrong["attr"]) == (400, "changed_since")
    before_all = "/api/v1/visits?changed_since=0001-01-01T00:00:00%2B14:00"
    assert problem(ask(before_all))["attr"] == "changed_since"
    assert problem(ask("/api/v1/visits?changed_since=000000000000-1"))["status"] == 410
