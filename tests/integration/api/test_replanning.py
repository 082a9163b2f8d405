"""Re-planning through the API: shown first, made true as it was shown, refused as on the screens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import F
from django.test import Client

from participants.models import Anchor, Participant
from schedules.models import Visit
from tests.readers import problem
from trials.models import ApiAct, AuditEntry, Membership, User
from trials.services.accounts.tokens import TokenScope, issue_api_token

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen")]
Post = Callable[..., Any]
LATER = {"anchors": [{"code": "infusion", "planned_on": "2026-12-09"}]}
WHY = {"reason": "The product comes later.", "source": {"system": "Rave", "record": "SE-17"}}


@pytest.fixture
def post(edc: User, participant: Participant) -> Post:
    text = issue_api_token(user=edc, name="Rave live", scope=TokenScope(acts=ApiAct.values))[1]
    count = iter(range(1000))

    def post(body: Any, *, dry: bool = False, pk: int | None = None, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Client().post(
            f"/api/v1/participants/{pk or participant.pk}/replanning{'?dry_run=true' if dry else ''}",
            body,
            content_type="application/json",
            headers={"authorization": f"Bearer {text}", "idempotency-key": f"k-{next(count)}", **named},
        )

    return post


def _moved() -> Any:
    return Anchor.objects.get(code="infusion").planned_on.isoformat()


def test_it_is_shown_and_made_true_as_it_was_shown(post: Post, participant: Participant) -> None:
    before = Visit.objects.get(code="d28")
    shown = post(LATER, dry=True).json()
    assert (shown["kept"], _moved()) == (False, "2026-12-07")
    (d28,) = [one for one in shown["visits"] if one["code"] == "d28"]
    assert (d28["before"]["target"], d28["after"]["target"]) == ("2027-01-04", "2027-01-06")
    assert "moved" in d28["effects"]
    assert d28["sentences"]
    done = post({**LATER, **WHY}, if_match=f'"{shown["digest"]}"')
    assert done.status_code == 200, done.content
    assert (done.json()["kept"], _moved()) == (True, "2026-12-09")
    after = Visit.objects.get(code="d28")
    assert (after.target.isoformat(), after.version > before.version) == ("2027-01-06", True)
    entry = AuditEntry.objects.filter(model="participants.anchor").order_by("-id").first()
    assert entry is not None
    assert (entry.actor, entry.reason) == ("edc", WHY["reason"])
    assert entry.cause == "POST api-replanning; client Rave live; source Rave SE-17"


def test_what_changed_meanwhile_is_shown_and_nothing_moves(post: Post, participant: Participant) -> None:
    shown = post(LATER, dry=True).json()
    Visit.objects.filter(code="d28").update(version=9)
    late = post({**LATER, **WHY}, if_match=f'"{shown["digest"]}"')
    assert (problem(late)["status"], problem(late)["code"]) == (412, "stale")
    assert late.json()["current"]["digest"] != shown["digest"]
    assert _moved() == "2026-12-07"


def test_what_was_not_shown_is_not_made_true(post: Post) -> None:
    for header in ({}, {"if_match": '"7"'}, {"if_match": "*"}):
        assert problem(post({**LATER, **WHY}, **header))["status"] == 428
    shown = post(LATER, dry=True).json()
    assert problem(post(LATER, if_match=f'"{shown["digest"]}"'))["status"] == 400, "without a reason"
    assert _moved() == "2026-12-07"


@pytest.mark.parametrize(
    ("body", "attr"),
    [
        ({"anchors": [{"code": "moonrise", "planned_on": "2026-12-09"}]}, "anchors.0.code"),
        ({"anchors": [{"code": "infusion"}]}, "anchors.0.planned_on"),
        ({"anchors": [{"code": "infusion", "planned_at": "2026-12-09T10:00"}]}, "anchors.0.planned_on"),
        (
            {"anchors": [{"code": "infusion", "planned_on": "2026-12-09", "planned_at": "2026-12-10T10:00"}]},
            "anchors.0.planned_at",
        ),
        ({"anchors": [{"code": "infusion", "planned_on": "9999-12-31"}]}, None),
        ({"traits": ["tall"]}, "traits"),
        ({"protocol_version": 987654321}, "protocol_version"),
        ({"colour": "red"}, "colour"),
        ({}, None),
        ({"anchors": [{"code": "infusion", "planned_on": "2026-12-07"}]}, None),
        ([], None),
    ],
)
def test_what_cannot_be_is_refused_and_named(post: Post, body: Any, attr: str | None) -> None:
    wrong = problem(post(body, dry=True))
    assert wrong["status"] == 400
    assert attr is None or wrong["attr"] == attr
    assert _moved() == "2026-12-07"


def test_days_that_contradict_each_other_are_shown_with_what_would_mend_them(post: Post) -> None:
    body = {"anchors": [{"code": "enrolment", "planned_on": "2026-12-20"}]}
    answer = post(body, dry=True)
    if answer.status_code == 200 and answer.json()["contradictions"]:
        shown = answer.json()
        assert shown["contradictions"][0]["said"]
        assert problem(post({**body, **WHY}, if_match=f'"{shown["digest"]}"'))["status"] == 400


def test_what_would_be_refused_is_shown_in_the_words_of_the_refusal(post: Post) -> None:
    Visit.objects.filter(code="d28").update(booked_on=F("target"))
    body = {"anchors": [{"code": "infusion", "planned_on": "2026-12-15"}]}
    shown = post(body, dry=True).json()
    (said,) = shown["refused"]
    assert "Day 28" in said
    assert problem(post({**body, **WHY}, if_match=f'"{shown["digest"]}"'))["detail"] == said
    agreed = post({**body, "accept_orphans": True}, dry=True).json()
    assert (agreed["orphans"], agreed["refused"]) == (["d28"], [])
    done = post({**body, **WHY, "accept_orphans": True}, if_match=f'"{agreed["digest"]}"')
    assert (done.status_code, done.json()["refused"]) == (200, [])


def test_a_monitor_and_a_token_without_the_act_may_not(
    post: Post, edc: User, participant: Participant
) -> None:
    Membership.objects.filter(user=edc).update(role="monitor")
    assert problem(post(LATER, dry=True))["status"] == 403
    Membership.objects.filter(user=edc).update(role="coordinator")
    text = issue_api_token(user=edc, name="Reader")[1]
    answer = Client().post(
        f"/api/v1/participants/{participant.pk}/replanning?dry_run=true",
        LATER,
        content_type="application/json",
        headers={"authorization": f"Bearer {text}", "idempotency-key": "k"},
    )
    assert problem(answer)["code"] == "act_not_allowed"
    assert problem(post(LATER, dry=True, pk=987654321))["status"] == 404
