"""What a coordinator reads before anything moves: every effect in a sentence with its days."""

from __future__ import annotations

from dataclasses import replace

import pytest

from schedules.domain.plan.visit_windows import VisitWindow
from schedules.domain.readiness.gates import GateVerdict
from schedules.domain.replanning.visit_effects import GRAVITY, Effect, VisitChange
from schedules.domain.replanning.window_and_gate_changes import GateChange
from schedules.domain.replanning.wording import change_sentence, change_sentences, effect_label, gate_sentence
from tests.unit.plan.small import on

BEFORE = VisitWindow(on("Sat 2026-12-19"), on("Mon 2026-12-21"), on("Wed 2026-12-23"))
AFTER = VisitWindow(on("Mon 2026-12-21"), on("Wed 2026-12-23"), on("Fri 2026-12-25"))
WIDER = VisitWindow(on("Fri 2026-12-18"), on("Mon 2026-12-21"), on("Thu 2026-12-24"))
CHANGE = VisitChange("d14", "D14", BEFORE, AFTER, ())
SPAN = "Monday 2026-12-21 to Friday 2026-12-25"


SENTENCES = [
    (
        Effect.CHEMOTHERAPY_GIVEN,
        {"performed_on": on("Wed 2026-12-02")},
        "Given on Wednesday 2026-12-02, it stays done; the rest lengthens.",
    ),
    (Effect.BLOCK_BROKEN, {}, "Its block no longer holds together."),
    (
        Effect.EXPIRED,
        {"performed_on": on("Sun 2026-12-20"), "repeat": ("Blood count", "ECG")},
        (
            "Done on Sunday 2026-12-20, before the window now opens on Monday 2026-12-21: it has "
            "expired. To be repeated: Blood count, ECG."
        ),
    ),
    (
        Effect.EXPIRED,
        {"performed_on": on("Sun 2026-12-20")},
        "Done on Sunday 2026-12-20, before the window now opens on Monday 2026-12-21: it has expired.",
    ),
    (
        Effect.BOOKING_OUTSIDE,
        {"booked_on": on("Sun 2026-12-20")},
        f"Booked on Sunday 2026-12-20, outside the window {SPAN}; book it again.",
    ),
    (
        Effect.BOOKING_CLOSED,
        {"booked_on": on("Thu 2026-12-24")},
        "Booked on Thursday 2026-12-24, when the site is closed; book it again.",
    ),
    (
        Effect.BOOKING_ALREADY_OUTSIDE,
        {"booked_on": on("Fri 2026-12-18")},
        f"Booked on Friday 2026-12-18, outside the window as before, now {SPAN}; book it again.",
    ),
    (Effect.NOW_MISSED, {}, "Its window closed on Friday 2026-12-25, before today."),
    (
        Effect.NOW_LATE,
        {},
        "Its target Wednesday 2026-12-23 has passed; the window is open until Friday 2026-12-25.",
    ),
    (
        Effect.DONE_LATE,
        {"performed_on": on("Sat 2026-12-26")},
        f"Done on Saturday 2026-12-26, now after the window {SPAN}.",
    ),
    (
        Effect.DONE_EARLY,
        {"performed_on": on("Sun 2026-12-20")},
        f"Done on Sunday 2026-12-20, now before the window {SPAN}.",
    ),
    (Effect.CANCELLED, {"after": None}, "The plan no longer asks for it."),
    (Effect.ADDED, {"before": None}, f"New: Wednesday 2026-12-23, window {SPAN}."),
    (Effect.MOVED, {}, "Moves from Monday 2026-12-21 to Wednesday 2026-12-23 (+2 days)."),
    (
        Effect.MOVED,
        {"before": AFTER, "after": BEFORE},
        "Moves from Wednesday 2026-12-23 to Monday 2026-12-21 (-2 days).",
    ),
    (Effect.MOVED, {"after": WIDER}, "Its window is now Friday 2026-12-18 to Thursday 2026-12-24."),
    (
        Effect.SUGGESTED,
        {"suggested": (on("Wed 2026-12-23"), on("Thu 2026-12-24"))},
        "Suggested is Thursday 2026-12-24 instead of Wednesday 2026-12-23.",
    ),
    (
        Effect.SUGGESTED,
        {"suggested": (None, on("Thu 2026-12-24"))},
        "Suggested is Thursday 2026-12-24 instead of –.",
    ),
    (Effect.RETAINED, {}, "Stays as recorded."),
    (Effect.UNCHANGED, {}, "Nothing changes."),
    (Effect.CANCELLED_BY_COURSE, {}, "Does not take place any more."),
    (
        Effect.CANCELLED_BY_COURSE,
        {"booked_on": on("Tue 2026-12-22")},
        "Does not take place any more, though booked on Tuesday 2026-12-22: tell those concerned.",
    ),
    (Effect.NOT_APPLICABLE, {}, "Does not apply any more."),
    (
        Effect.UNBOOKED,
        {"booked_on": on("Tue 2026-12-22")},
        "The booking on Tuesday 2026-12-22 is cancelled.",
    ),
    (Effect.HELD, {}, "Waits until the hold ends."),
    (Effect.RESUMED, {}, "Waits no longer."),
    (Effect.RESTORED, {}, f"Is to come again: Wednesday 2026-12-23, window {SPAN}."),
]


@pytest.mark.parametrize(("effect", "more", "sentence"), SENTENCES)
def test_every_effect_on_a_visit_is_a_sentence_with_its_days(effect, more, sentence):
    assert change_sentence(replace(CHANGE, effects=(effect,), **more)) == sentence


def test_several_effects_are_told_one_after_the_other():
    change = replace(CHANGE, effects=(Effect.BOOKING_OUTSIDE, Effect.MOVED), booked_on=on("Sun 2026-12-20"))
    told = change_sentences(change)
    assert [text.split()[0] for text in told] == ["Booked", "Moves"]
    assert change_sentence(change) == " ".join(told)


def test_every_effect_has_a_label_and_a_place_in_the_order():
    assert all(effect_label(effect) for effect in Effect)
    assert sorted(GRAVITY.values()) == list(range(len(Effect)))


CLOSED, LATER = GateVerdict(False, on("Tue 2027-01-05")), GateVerdict(False, on("Thu 2027-01-07"))
OPEN, NEVER = GateVerdict(True, on("Wed 2027-01-06")), GateVerdict(False, None)
START = "The gate before the start on Wednesday 2027-01-06"


def test_the_table_above_leaves_no_effect_on_a_visit_out():
    of_gates = GateChange("S2", on("Wed 2027-01-06"), CLOSED, OPEN).effect
    assert {effect for effect, _, _ in SENTENCES} == set(Effect) - {of_gates}


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        (OPEN, LATER, f"{START} closes; it opens on Thursday 2027-01-07."),
        (OPEN, NEVER, f"{START} closes; it opens on a day that nobody knows yet."),
        (LATER, OPEN, f"{START} is open."),
        (LATER, CLOSED, f"{START} now opens on Tuesday 2027-01-05, not on Thursday 2027-01-07."),
        (CLOSED, NEVER, f"{START} now opens on a day that nobody knows yet, not on Tuesday 2027-01-05."),
    ],
)
def test_what_becomes_of_the_gate_of_somebody_else(before, after, sentence):
    assert gate_sentence(GateChange("S2", on("Wed 2027-01-06"), before, after)) == sentence
