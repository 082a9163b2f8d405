"""A refused form: the first thing to mend has the focus, and every wrong field names its message."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from tests.integration.web.conftest import TODAY, Enrol

pytestmark = pytest.mark.django_db
FOCUS = re.compile(r"<(\w+)([^>]*) autofocus")
ZERO, COUNT = "anchor-infusion-planned-on", "activity-blood-count"
DESCRIBED = re.compile(r'aria-describedby="([^"]+)"')


def _said_by(text: str) -> str:
    """What has the focus: the name of an input, or the name of the element; exactly one has it."""
    ((element, attributes),) = FOCUS.findall(text)
    named = re.search(r' name="([^"]+)"', attributes)
    return named[1] if named else element


@pytest.mark.parametrize(
    ("address", "said", "focus", "reason"),
    [
        ("/visits/{visit}/complete/", {"on": "2026-11-24"}, "on", "tomorrow is refused at the day"),
        ("/visits/{visit}/complete/", {"on": str(TODAY), "outside_reason": "so"}, COUNT, "its first choice"),
        ("/visits/{visit}/miss/", {}, "reason", "why is the only thing asked"),
        ("/participants/{person}/unscheduled/", {"on": "2026-11-24", "end": "x"}, "end", "not the day"),
        ("/participants/{person}/product/record/", {"milestone": "received"}, "on", "the first one is given"),
        ("/participants/{person}/course/withdrawal/", {"on": "x"}, "on", "before the reason"),
        ("/participants/{person}/replan/anchors/", {ZERO: "x"}, ZERO, "in a table"),
    ],
)  # fmt: skip
def test_the_first_thing_to_mend_has_the_focus(
    page: Client, enrolled: Enrol, address: str, said: dict[str, str], focus: str, reason: str
) -> None:
    person = enrolled("S01-001", TODAY)
    visit = person.visits.order_by("target").first()
    assert visit is not None
    ids: dict[str, Any] = {
        "visit": visit.pk,
        "person": person.pk,
        "version": person.protocol_version_id,
        "site": person.site_id,
    }
    form = {"version": str(visit.version)} | {name: value.format(**ids) for name, value in said.items()}
    answer = page.post(address.format(**ids), form)
    text = answer.content.decode()
    assert answer.status_code == 422, reason
    assert _said_by(text) == focus, reason
    for named in DESCRIBED.findall(text):
        assert all(f'id="{one}"' in text for one in named.split()), named
    assert 'aria-invalid="true"' in text


def test_what_is_wrong_with_the_whole_has_the_focus_before_its_fields(page: Client, enrolled: Enrol) -> None:
    visit = enrolled("S01-001", TODAY).visits.get(code="d28")
    text = page.post(f"/visits/{visit.pk}/miss/", {"version": visit.version}).content.decode()
    assert _said_by(text) == "reason", "nothing was said"
    text = page.post(f"/visits/{visit.pk}/miss/", {"version": visit.version, "reason": "so"}).content.decode()
    assert "until then it cannot be missed" in text
    assert _said_by(text) == "p"
    assert " autofocus" not in page.get(f"/visits/{visit.pk}/miss/").content.decode()
