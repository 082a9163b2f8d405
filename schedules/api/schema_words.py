"""What the schema says of names that mean the same wherever they stand, and examples of answers and bodies.

A field's own words come first; these stand where a field has none.
"""

from __future__ import annotations

from typing import Any

WORDS = {
    "actual_on": "The day on which it happened, at the site.",
    "activities": "What was done of the visit's activities, by their codes; left out: all of them.",
    "anchor": "The code of the anchor that it is about; empty for a visit.",
    "cancelled": "true: the visit is cancelled, with a reason.",
    "client": "The name of the client that reported it.",
    "code": "The code in the protocol version.",
    "detail": "What only this kind of fact has.",
    "done": "Whether it was done.",
    "edc": "The short name under which the map of the EDC is kept, such as `rave`.",
    "ends_on": "The last day, at the site; left out for one day or no known end.",
    "environment": "`training` or `live`.",
    "field": "Which value differs, such as `performed_on`.",
    "half_life_hours": "The drug's half-life in hours, with its `source`.",
    "holds": "Whether it holds, as the participant or the record says.",
    "id": "Ours; it never changes and is never given again.",
    "index": "The item's place in the body, from 0.",
    "items": "The acts, each by itself; at most 500.",
    "kind": "Which kind it is, by its word.",
    "missed": "true: the visit is recorded as missed, with a reason.",
    "name": "What it is called, where the kind asks for it; never a person's name.",
    "next": "The address of the next page; null on the last.",
    "next_cursor": "The `cursor` of the next page.",
    "noticed_at": "When the two values were first seen to differ, with its offset.",
    "ours": "The value on record here.",
    "page_size": "How many records a page holds.",
    "participant": "The participant's id.",
    "performed": "That the visit was done: day, hour, activities.",
    "place": "Where, as entered.",
    "planned_discharge": "The day on which the ward means to discharge, at the site.",
    "planned_on": "The planned day, at the site.",
    "problem": "Why it was refused; null where it was not.",
    "reason": "Why, as a person wrote it; kept in the audit trail.",
    "reported": "From where the EDC's value came: system, time, record.",
    "result": "The result of the test, as reported.",
    "results": "One for each, in their order.",
    "settled": "true: those that are settled, instead of those that wait.",
    "settled_at": "When a person settled it, with its offset; null while it waits.",
    "settled_reason": "Why, as that person wrote it.",
    "since": "Since which day, at the site.",
    "site": "The code of the participant's present site.",
    "source": "Where the value comes from; kept in the audit trail.",
    "starts_on": "The day, or the first one, at the site.",
    "subject_code": "The participant's pseudonym, once in a trial.",
    "theirs": "The value that the EDC reported.",
    "trial": "The trial's code.",
    "version": "Counts the changes of the record; that of the record as you read it.",
    "visit": "The id of the visit, or the visit as it is now.",
    "visit_code": "The code of the visit.",
    "visits": "The visits, one by one.",
    "warnings": "What a person should look at, in words.",
    "errors": "All that is wrong, one by one.",
}

VISIT = {
    "id": 41, "trial": "CART-SLE", "site": "WH", "participant": 3, "subject_code": "S01-003",
    "protocol_version": "1.2", "code": "d28", "rule": "d28", "occurrence": 1, "attempt": 1,
    "label": "Day 28", "epoch": "follow-up", "timing": "offset", "place": "clinic",
    "anchor": {"code": "infusion", "date": "2026-12-07", "kind": "actual", "assumed": False},
    "offset": "P28D", "opens": "2027-01-01", "target": "2027-01-04", "closes": "2027-01-07",
    "target_at": None, "suggested": "2027-01-04", "basis": {"timing": "stated", "tolerance": "assumed"},
    "as_of": "2026-12-20", "window": "upcoming", "appointment": "booked", "edc_status": "scheduled",
    "reason": None, "days_outside": 0, "booked_on": "2027-01-05", "booking_fits": True,
    "booked_start": "2027-01-05T09:00:00+08:00", "booked_end": None, "booked_place": "Room 2",
    "arrived_on": None, "arrived_at": None, "performed_on": None, "performed_at": None,
    "missed_on": None, "cancelled_on": None, "held_on": None, "unscheduled": False, "version": 4,
}  # fmt: skip
PARTICIPANT = {
    "id": 3, "trial": "CART-SLE", "site": "WH", "subject_code": "S01-003", "cohort": None, "traits": [],
    "protocol_version": "1.2", "version": 2,
}  # fmt: skip
WEBHOOK = {
    "id": 2, "client": "rave-live", "url": "https://edc.example/dayzero", "state": "active",
    "created_at": "2026-12-01T09:00:00+08:00", "paused_at": None, "paused_because": None, "rests_until": None,
    "ended_at": None, "succeeded_at": "2026-12-07T10:31:02+08:00", "failures": 0,
    "previous_secret_until": None, "version": 1,
}  # fmt: skip
ONE_WEBHOOK = {**WEBHOOK, "messages": {"open": 0, "sent": 41, "refused": 0}}
SECRET = {"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "webhook": ONE_WEBHOOK}
LAST_PAGE = {"next": None, "next_cursor": None}
CURSOR = "a1b2c3d4e5f6-17"

ANSWERS: dict[str, Any] = {
    "visits_list": {**LAST_PAGE, "changes_cursor": CURSOR, "results": [VISIT]},
    "visits_retrieve": VISIT,
    "visits_report": VISIT,
    "participants_list": {**LAST_PAGE, "changes_cursor": CURSOR, "results": [PARTICIPANT]},
    "anchors_list": {
        **LAST_PAGE,
        "results": [
            {
                "id": 9, "trial": "CART-SLE", "site": "WH", "participant": 3, "subject_code": "S01-003",
                "code": "infusion", "label": "Infusion", "planned_on": "2026-12-07", "planned_at": None,
                "actual_on": "2026-12-07", "actual_at": "2026-12-07T10:30:00+08:00",
            }
        ],
    },
    "course_steps_list": {
        **LAST_PAGE,
        "results": [
            {
                "id": 5, "step": "withdrawal", "step_said": "Withdrawal", "happened_on": "2027-02-01",
                "reason": "Moved away.", "attempt": 1, "ends": "contact", "undone": False,
                "trial": "CART-SLE", "site": "WH", "participant": 3, "subject_code": "S01-003",
            }
        ],
    },
    "webhooks_list": {**LAST_PAGE, "results": [WEBHOOK]},
    "webhooks_open": SECRET,
    "webhooks_rotate": SECRET,
    "webhooks_retrieve": ONE_WEBHOOK,
    "webhooks_change": ONE_WEBHOOK,
    "webhooks_replay": {"count": 12},
    "webhooks_messages": {
        **LAST_PAGE,
        "results": [
            {
                "id": 803, "key": "dz-2-a1b2c3d4e5f6-17", "number": 17, "kind": "performed",
                "record": "visit", "participant": 3, "visit": 41,
                "changed_at": "2026-12-07T10:31:00+08:00", "state": "sent", "attempts": 1,
                "tried_at": "2026-12-07T10:31:02+08:00", "due_at": None,
                "sent_at": "2026-12-07T10:31:02+08:00", "refused_at": None, "status": 204, "reason": "",
            }
        ],
    },
    "sites_list": {
        **LAST_PAGE,
        "results": [
            {"id": 1, "code": "WH", "name": "Wuhan", "zone": "Asia/Shanghai", "trials": ["CART-SLE"]}
        ],
    },
}  # fmt: skip
"""An answer of each of these operations."""

BODIES: dict[str, Any] = {
    "webhooks_open": {"url": "https://edc.example/dayzero"},
    "webhooks_change": {"paused": True},
    "webhooks_rotate": {"overlap_days": 7},
    "webhooks_replay": {"since": "2026-12-07T00:00+08:00"},
    "visits_report": {
        "performed": {"on": "2027-01-05", "at": "2027-01-05T09:30"},
        "source": {"system": "Rave", "at": "2027-01-05T10:02:00+08:00", "record": "SE-17"},
    },
    "participants_replan": {
        "anchors": [{"code": "infusion", "planned_on": "2026-12-09"}],
        "reason": "The product comes two days later.",
    },
    "anchors_record": {"code": "infusion", "actual_on": "2026-12-07", "actual_at": "2026-12-07T10:30"},
}
"""A body of each of these."""

PROBLEM = {
    "type": "urn:dayzero:problem:stale",
    "title": "Precondition Failed",
    "status": 412,
    "detail": "Version 4 was named and 5 is on record. Read it again, then decide.",
    "code": "stale",
    "errors": [
        {
            "code": "stale",
            "detail": "Version 4 was named and 5 is on record. Read it again, then decide.",
            "attr": None,
        }
    ],
}


def describe(result: dict[str, Any], **_named: Any) -> dict[str, Any]:
    """Add the words that fields and parameters lack, and the examples; called once the schema is made."""
    components = result.get("components", {}).get("schemas", {})
    for schema in components.values():
        for name, field in schema.get("properties", {}).items():
            if not field.get("description") and name in WORDS:
                field["description"] = WORDS[name]
    if "Problem" in components:
        components["Problem"]["examples"] = [PROBLEM]
    for methods in result.get("paths", {}).values():
        for operation in methods.values():
            _describe(operation)
    return result


def _describe(operation: dict[str, Any]) -> None:
    for parameter in operation.get("parameters", ()):
        if not parameter.get("description") and parameter["name"] in WORDS:
            parameter["description"] = WORDS[parameter["name"]]
    name = operation.get("operationId")
    answers = operation.get("responses", {})
    answer = answers.get("200", answers.get("201", {})).get("content", {}).get("application/json")
    if answer is not None and name in ANSWERS:
        answer["example"] = ANSWERS[name]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body is not None and name in BODIES:
        body["example"] = BODIES[name]
