"""By which names a schedule and a deviation are signed, and where each is kept now.

A signature is a digest of these names with their values: a name on the left never changes, and a
column that is renamed changes the right alone. What is signed by other names, or of more columns,
is a new form with a number of its own (FORMS below): new signatures carry the newest number, and
each signature is held against the record in the form in which it was made. The first form has no
number in it.
"""

from __future__ import annotations

from collections.abc import Mapping

Names = Mapping[str, str]
"""Names that are signed, each with the column (or path) in which it is kept now."""

ANCHOR: Names = {
    "code": "code",
    "planned_on": "planned_on",
    "planned_at": "planned_at",
    "actual_on": "actual_on",
    "actual_at": "actual_at",
}
VISIT: Names = {
    "code": "code",
    "attempt": "attempt",
    "opens": "opens",
    "target": "target",
    "closes": "closes",
    "timing_basis": "timing_basis",
    "tolerance_basis": "tolerance_basis",
    "booked_on": "booked_on",
    "booked_start": "booked_start",
    "booked_end": "booked_end",
    "booked_place": "booked_place",
    "performed_on": "performed_on",
    "performed_at": "performed_at",
    "outside_reason": "outside_reason",
    "missed_on": "missed_on",
    "missed_reason": "missed_reason",
    "cancelled_on": "cancelled_on",
    "cancelled_reason": "cancelled_reason",
    "applies": "applies",
    "held_on": "held_on",
}
ACTIVITY: Names = {
    "code": "at_visit",
    "attempt": "at_attempt",
    "done": "done",
    "done_at": "done_at",
    "reason": "reason",
}
"""`code` is the visit's with the activity's, `attempt` the visit's: made by the query."""
WINDOW: Names = {
    "code": "code",
    "starts_on": "starts_on",
    "starts_at": "starts_at",
    "ends_on": "ends_on",
    "ends_at": "ends_at",
    "basis": "basis",
    "cancelled_on": "cancelled_on",
}
DEVIATION: Names = {
    "key": "key",
    "kind": "kind",
    "found_on": "found_on",
    "occurred_on": "occurred_on",
    "planned_on": "planned_on",
    "opens": "opens",
    "closes": "closes",
    "actual_on": "actual_on",
    "days": "days",
    "facts": "facts",
    "description": "description",
    "classification": "classification",
    "affects_safety": "affects_safety",
    "affects_rights": "affects_rights",
    "affects_data": "affects_data",
    "cause": "cause",
    "action": "action",
    "reported_to_sponsor_on": "reported_to_sponsor_on",
    "reported_to_ethics_on": "reported_to_ethics_on",
    "withdrawn_on": "withdrawn_on",
    "withdrawn_reason": "withdrawn_reason",
}

# Add a form with the next number and leave those before as they are: a signature is checked in its own form.
SCHEDULE_FORMS: dict[int, Mapping[str, Names]] = {
    1: {"anchors": ANCHOR, "visits": VISIT, "activities": ACTIVITY, "windows": WINDOW},
}
DEVIATION_FORMS: dict[int, Mapping[str, Names]] = {1: {"deviation": DEVIATION}}
