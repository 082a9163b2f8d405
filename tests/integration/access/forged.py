"""Requests that name what is elsewhere in what they send: in a form, or behind the question mark.

Each is answered without a word of theirs and without anything written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.integration.access.world import MAIN, World


@dataclass(frozen=True)
class Forged:
    """Who sends what where; `statuses` that are right."""

    who: str
    method: str
    path: str
    data: dict[str, Any] = field(default_factory=dict)
    statuses: frozenset[int] = frozenset({200, 302, 400, 403, 404, 422})


def forged_requests(world: World) -> Iterator[Forged]:
    """Every such request."""
    yield from _queries(world)
    yield from _forms(world)
    yield from _in_the_records(world)


def _queries(world: World) -> Iterator[Forged]:
    site, person = world.rows["trials.site"]["theirs"], world.rows["participants.participant"]["theirs"]
    wanted = [
        ("/", {"site": site.code}),
        ("/", {"site": site.pk}),
        ("/participants/", {"site": site.code}),
        ("/participants/", {"q": "THEIRS"}),
        ("/flags/", {"site": site.pk}),
        ("/deviations/", {"site": site.pk}),
        ("/logs/screening/", {"site": site.pk}),
        ("/logs/enrolment.csv", {"site": site.pk}),
        ("/forecast/", {"site": site.pk}),
        ("/consents/", {"show": "missing"}),
        ("/trail/", {"participant": "THEIRS"}),
        ("/trail/", {"text": "words"}),
        ("/trail/", {"record": "participants.participant", "number": person.pk}),
        ("/trail/trail.csv", {"participant": "THEIRS"}),
        ("/api/v1/visits", {"site": site.code}),
        ("/api/v1/visits", {"participant": person.pk}),
        ("/api/v1/visits", {"trial": MAIN}),
    ]
    for path, asked in wanted:
        for who in ("coordinator", "monitor"):
            yield Forged(who, "get", path, asked, frozenset({200, 400, 422}))
    for path, asked in (
        ("/people/", {"name": "their"}),
        ("/memberships/", {"site": site.pk}),
        ("/memberships/access.csv", {"name": "their"}),
        ("/admin/trials/membership/", {"site__id__exact": site.pk}),
        ("/admin/trials/apitoken/", {"q": "THEIRS"}),
        ("/admin/trials/site/", {"q": "Elsewhere"}),
        ("/admin/trials/workingdaytable/", {"site__id__exact": site.pk}),
        ("/admin/schedules/calendarfeed/", {"site__id__exact": site.pk}),
    ):
        yield Forged("administrator", "get", path, asked)


def _forms(world: World) -> Iterator[Forged]:
    site, version = world.rows["trials.site"]["theirs"], world.rows["trials.protocolversion"]["ours"]
    stranger = world.rows["trials.user"]["theirs"]
    flag, here = world.objects["flag"]["ours"]["pk"], world.objects["site"]["ours"]["pk"]
    newcomer = {"version": version.pk, "site": site.pk, "subject_code": "S09-001"}
    refused = frozenset({403, 404, 422})
    yield Forged("coordinator", "post", "/participants/enrol/", newcomer | {"infusion": "2027-08-02"})
    yield Forged("coordinator", "post", f"/flags/{flag}/owner/", {"owner": stranger.pk}, refused)
    away = {"user": stranger.pk, "first": "2026-12-01", "last": "2026-12-02"}
    yield Forged("coordinator", "post", f"/sites/{here}/absences/", away, refused)
    role = {"user": stranger.pk, "role": "monitor", "starts_on": "2026-11-21", "reason": "x", "site": here}
    yield Forged("administrator", "post", "/memberships/grant/", role, refused)
    ours = world.rows["trials.user"]["ours"].pk
    yield Forged(
        "administrator", "post", "/memberships/grant/", role | {"user": ours, "site": site.pk}, refused
    )
    yield Forged("administrator", "post", "/memberships/grant/", role | {"user": ours, "site": ""}, refused)


def _in_the_records(world: World) -> Iterator[Forged]:
    """Actions and forms of the admin, with rows that are not in sight or not the sender's to change."""
    site, version = world.rows["trials.site"]["theirs"], world.rows["trials.protocolversion"]["theirs"]
    token, feed = world.rows["trials.apitoken"]["theirs"], world.rows["schedules.calendarfeed"]["theirs"]
    for path, action, row in (
        ("trials/site/", "renew_working_days", site),
        ("trials/apitoken/", "revoke", token),
        ("schedules/calendarfeed/", "revoke", feed),
    ):
        chosen = {"action": action, "_selected_action": [row.pk]}
        yield Forged("administrator", "post", f"/admin/{path}", chosen)
    publish = {"action": "publish", "_selected_action": [version.pk]}
    yield Forged("designer", "post", "/admin/trials/protocolversion/", publish)
    years = {
        "site": site.pk,
        "first_year": 2026,
        "last_year": 2027,
        "closures": "",
        "openings": "",
        "note": "",
    }
    yield Forged("administrator", "post", "/admin/trials/workingdaytable/add/", years)
    key = {"user": world.rows["trials.user"]["theirs"].pk, "name": "mine"}
    yield Forged("administrator", "post", "/admin/trials/apitoken/add/", key)
    document = {"document": version.document.replace("label: ", "label: New ", 1)}
    yield Forged("designer", "post", "/admin/trials/protocolversion/add/", document)
