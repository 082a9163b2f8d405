"""What an EDC writes: by the services of the screens, in its version, once, never over ours."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from participants.models import Participant
from schedules.models import ValueDifference, Visit
from schedules.services.enrolment.enrolling import enrol
from tests.cast import a_site, an_enrolment
from tests.readers import Ask, problem
from trials.models import ApiAct, ApiToken, AuditEntry, Membership, User
from trials.services.accounts.tokens import TokenScope, issue_api_token

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frozen")]
Send = Callable[..., Any]
SOURCE = {"system": "Rave", "at": "2026-11-21T08:30:00+08:00", "record": "SE-17"}


@pytest.fixture
def send(edc: User) -> Send:
    text = issue_api_token(user=edc, name="Rave live", scope=TokenScope(acts=ApiAct.values))[1]

    def send(method: str, address: str, body: Any, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return getattr(Client(), method)(
            f"/api/v1/{address}",
            body,
            content_type="application/json",
            headers={"authorization": f"Bearer {text}", **named},
        )

    return send


@pytest.fixture
def visit(participant: Participant) -> Visit:
    """The first visit whose window is open."""
    found = Visit.objects.filter(participant=participant, opens__lte="2026-11-21").order_by("target").first()
    assert found is not None
    return found


def done(day: str = "2026-11-21") -> dict[str, Any]:
    return {"performed": {"on": day, "accept_orphans": True, "sure": True}, "reason": "Entered in the EDC."}


def test_a_visit_done_in_the_edc_is_done_here_and_named_in_the_trail(send: Send, visit: Visit) -> None:
    answer = send("patch", f"visits/{visit.pk}", {**done(), "source": SOURCE}, if_match=f'"{visit.version}"')
    assert answer.status_code == 200, answer.content
    assert answer.json()["performed_on"] == "2026-11-21"
    assert answer["ETag"].startswith(f'"{answer.json()["version"]}-')
    entry = (
        AuditEntry.objects.filter(model="schedules.visit", object_id=str(visit.pk)).order_by("-id").first()
    )
    assert entry is not None
    assert entry.actor == "edc"
    assert entry.cause == ("PATCH api-visit; client Rave live; source Rave 2026-11-21T08:30:00+08:00 SE-17")
    again = send("patch", f"visits/{visit.pk}", done(), if_match=answer["ETag"])
    assert again.json()["version"] == answer.json()["version"], "nothing is done twice"


def test_a_visit_is_booked_and_its_booking_given_up(send: Send, visit: Visit) -> None:
    booked = {"booked": {"on": "2026-11-23", "start": "2026-11-23T09:00"}, "reason": "Called."}
    answer = send("patch", f"visits/{visit.pk}", booked, if_match=f'"{visit.version}"')
    assert answer.status_code == 200, answer.content
    assert answer.json()["booked_start"] == "2026-11-23T09:00:00+08:00"
    gone = send("patch", f"visits/{visit.pk}", {"booked": None, "reason": "Ill."}, if_match=answer["ETag"])
    assert gone.json()["booked_on"] is None


def test_without_the_version_nothing_is_changed(send: Send, visit: Visit) -> None:
    for header in ({}, {"if_match": "7"}, {"if_match": "*"}, {"if_match": 'W/"1"'}):
        wrong = problem(send("patch", f"visits/{visit.pk}", done(), **header))
        assert (wrong["status"], wrong["code"]) == (428, "version_required")
    assert Visit.objects.get(pk=visit.pk).performed_on is None


def test_an_old_version_is_refused_with_the_present_state(send: Send, visit: Visit) -> None:
    Visit.objects.filter(pk=visit.pk).update(version=9)
    answer = send("patch", f"visits/{visit.pk}", done(), if_match=f'"{visit.version}"')
    assert problem(answer)["status"] == 412
    assert answer.json()["current"]["version"] == 9


def test_a_day_that_differs_is_kept_beside_ours(send: Send, visit: Visit) -> None:
    first = send("patch", f"visits/{visit.pk}", done(), if_match=f'"{visit.version}"')
    for _twice in range(2):
        other = send(
            "patch", f"visits/{visit.pk}", {**done("2026-11-20"), "source": SOURCE}, if_match=first["ETag"]
        )
        assert (problem(other)["status"], problem(other)["code"]) == (409, "value_differs")
    assert Visit.objects.get(pk=visit.pk).performed_on.isoformat() == "2026-11-21"
    kept = ValueDifference.objects.get()
    assert (kept.ours, kept.theirs, kept.client) == ("2026-11-21", "2026-11-20", "Rave live")
    assert kept.source == SOURCE
    send("patch", f"visits/{visit.pk}", done(), if_match=first["ETag"])
    kept.refresh_from_db()
    assert kept.settled_at is not None, "both agree again"


@pytest.mark.parametrize(
    ("body", "attr", "words"),
    [
        ({"performed": {"on": "2026-11-22"}}, "on", ""),
        ({"performed": {"on": "2026-02-30"}}, "performed.on", ""),
        ({"performed": {"on": "2026-11-21", "at": "25:00"}}, "performed.at", "no instant"),
        ({"performed": {"on": "2026-11-21", "colour": 1}}, "performed.colour", "no such field"),
        ({"colour": "red"}, "colour", "no such field"),
        ({}, "non_field_errors", "exactly one of performed, booked"),
        ({"missed": True, "cancelled": True}, "non_field_errors", "exactly one"),
        ({"missed": False}, "missed", "Give true"),
        ([1], "non_field_errors", "dictionary"),
        ({"missed": True, "source": {"system": "Rave", "at": "now"}}, "source.at", "no instant"),
    ],
)
def test_what_is_wrong_is_named_at_its_field(
    send: Send, visit: Visit, body: Any, attr: str, words: str
) -> None:
    answer = send("patch", f"visits/{visit.pk}", body, if_match=f'"{visit.version}"')
    assert problem(answer)["status"] == 400
    assert attr in {error["attr"] for error in answer.json()["errors"]}
    assert words in answer.json()["detail"]
    assert Visit.objects.get(pk=visit.pk).version == visit.version


@pytest.mark.parametrize("raw", ["{", '{"a": 1, "a": 2}', "[" * 100_000, "NaN", "\xff", '{"a": 1e99999}x'])
def test_no_json_is_refused(send: Send, visit: Visit, raw: str) -> None:
    wrong = problem(send("patch", f"visits/{visit.pk}", raw.encode("latin-1"), if_match='"1"'))
    assert (wrong["status"], wrong["code"]) == (400, "parse_error")


def test_a_body_that_is_too_large_is_refused(send: Send, visit: Visit) -> None:
    wrong = problem(send("patch", f"visits/{visit.pk}", b" " * (2**21 + 1), if_match='"1"'))
    assert wrong["status"] == 413


def test_another_media_type_is_refused(visit: Visit, token: str) -> None:
    answer = Client().patch(
        f"/api/v1/visits/{visit.pk}",
        "<a/>",
        content_type="text/xml",
        headers={"authorization": f"Bearer {token}"},
    )
    assert problem(answer)["status"] in {403, 415}


def test_a_token_that_reads_does_not_write(visit: Visit, token: str) -> None:
    answer = Client().patch(
        f"/api/v1/visits/{visit.pk}", {}, content_type="application/json",
        headers={"authorization": f"Bearer {token}", "if-match": '"1"'},
    )  # fmt: skip
    assert (problem(answer)["status"], problem(answer)["code"]) == (403, "act_not_allowed")


def test_a_role_that_looks_on_does_not_write(send: Send, visit: Visit, edc: User) -> None:
    Membership.objects.filter(user=edc).update(role="monitor")
    assert problem(send("patch", f"visits/{visit.pk}", done(), if_match='"1"'))["status"] == 403


def test_a_dry_run_answers_and_keeps_nothing(send: Send, visit: Visit) -> None:
    before = AuditEntry.objects.count()
    answer = send("patch", f"visits/{visit.pk}?dry_run=true", done(), if_match=f'"{visit.version}"')
    assert answer.json()["performed_on"] == "2026-11-21"
    assert Visit.objects.get(pk=visit.pk).performed_on is None
    assert AuditEntry.objects.count() == before
    assert (
        problem(send("patch", f"visits/{visit.pk}?dry_run=perhaps", done(), if_match='"1"'))["status"] == 400
    )
    assert problem(send("patch", f"visits/{visit.pk}?dryrun=true", done(), if_match='"1"'))["status"] == 400


def test_of_many_one_that_is_refused_holds_up_no_other(
    send: Send, visit: Visit, participant: Participant
) -> None:
    there = enrol(
        enrolment=an_enrolment(participant.protocol_version, subject_code="S02-001", site=a_site("BJ")),
        by=None,
    )
    key = {"trial": "CART-SLE", "subject_code": "S01-001", "code": visit.code}
    items = [
        {"id": Visit.objects.filter(participant=there).first().pk, "version": 1, **done()},
        {"id": visit.pk, "version": visit.version + 5, **done()},
        {**key, "version": visit.version, **done()},
        {**key, **done()},
        {"version": 1, **done()},
        "nonsense",
    ]
    answer = send("patch", "visits", {"items": items})
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [one["status"] for one in results] == [404, 412, 200, 428, 400, 400]
    assert results[2]["visit"]["performed_on"] == "2026-11-21"
    assert results[1]["problem"]["current"]["id"] == visit.pk
    assert problem(send("patch", "visits", {"items": items * 100}))["status"] == 400


def test_a_visit_that_did_not_change_is_not_sent_again(ask: Ask, visit: Visit) -> None:
    first = ask(f"/api/v1/visits/{visit.pk}")
    again = ask(f"/api/v1/visits/{visit.pk}", **{"if-none-match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert ApiToken.objects.count() == 1


@pytest.mark.parametrize("token", ["right", "wrong"])
def test_what_is_refused_is_read_to_its_end(send: Send, visit: Visit, token: str) -> None:
    """A server that closes while ten megabytes are still sent takes its answer along."""
    body = b'{"reason": "' + b"a" * 10_000_000 + b'"}'
    if token == "right":
        answer = send("patch", f"visits/{visit.pk}", body, if_match='"1"')
    else:
        answer = Client().patch(
            f"/api/v1/visits/{visit.pk}",
            body,
            content_type="application/json",
            headers={"authorization": "Bearer no"},
        )
    assert answer.status_code == (413 if token == "right" else 401)
    assert answer.wsgi_request.read() == b""


def test_the_report_that_the_guide_shows_is_taken(send: Send, visit: Visit) -> None:
    shown = re.findall(r"```json\n(.*?)```", Path("docs/edc.md").read_text(encoding="utf-8"), re.DOTALL)
    (report,) = [block for block in shown if block.startswith('{"performed": {')]
    body = json.loads(report.replace("2026-12-21", "2026-11-21").replace("T09:30", "T08:30"))
    answer = send("patch", f"visits/{visit.pk}", body, if_match=f'"{visit.version}"')
    assert answer.status_code == 200, answer.content
    assert answer.json()["performed_at"] == "2026-11-21T08:30:00+08:00"


def test_an_empty_reason_says_as_little_as_none(send: Send, visit: Visit) -> None:
    version = f'"{visit.version}"'
    refused = [
        problem(send("patch", f"visits/{visit.pk}", {"missed": True, **reason}, if_match=version))
        for reason in ({}, {"reason": ""})
    ]
    assert refused[0] == refused[1]
    assert "reason" in refused[0]["detail"]
    taken = {"performed": {"on": "2026-11-21"}, "reason": ""}
    assert send("patch", f"visits/{visit.pk}", taken, if_match=version).status_code == 200
