"""Why a date is what it is: every kind of sentence, word for word."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from schedules.domain.plan.explanations import because_visit, because_window, from_anchor, offset_text
from schedules.domain.plan.projection import project
from schedules.domain.plan.values import Known
from tests.unit.plan.small import (
    CHEMOTHERAPY,
    CLINIC,
    CONDITIONING,
    STATED,
    at,
    bound,
    by_code,
    day_of,
    days,
    instant,
    offset,
    on,
    over,
    placed,
    protocol,
    visit,
    window,
    within,
)
from trials.domain.protocols.protocol import (
    Basis,
    BasisKind,
    EventAfter,
    Freshness,
    Pick,
    Place,
    Washout,
)
from trials.domain.words import day_text

NOTED = Basis(BasisKind.ASSUMED, note="as is usual")
FROM_RECORD = "stated in Registry record, 2026-01-12, Section 4"
INFUSION = days(infusion="Mon 2026-12-07")
ENROLMENT = "Enrolment (derived, assumed, Tuesday 2026-12-01)"
VERSION = "Protocol version 2."


def _because(rule, given=None, calendar=None, known=None, *others):
    small = protocol(rule, *others)
    plan = project(small, given or INFUSION, calendar=calendar, known=known)
    return because_visit(small, by_code(plan)[rule.code], lambda message: message)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (visit("v", at("P28D", "P3D"), basis=STATED),
         ("Monday 2027-01-04 is 28 days after Infusion (planned Monday 2026-12-07). "
         f"Tolerance 3 days before, 3 days after; assumed. Timing {FROM_RECORD}. {VERSION}")),
        (visit("v", at("P8W", "P1D", "P1W", STATED), basis=NOTED),
         ("Monday 2027-02-01 is 8 weeks after Infusion (planned Monday 2026-12-07). "
         f"Tolerance 1 day before, 1 week after; {FROM_RECORD}. Timing assumed (as is usual). {VERSION}")),
        (visit("v", at("P0D")),
         ("Monday 2026-12-07 is the day of Infusion (planned Monday 2026-12-07). "
         f"No tolerance: it never moves by itself; assumed. Timing assumed. {VERSION}")),
        (visit("v", at("P6M", "P0D", "P1M", NOTED)),
         ("Monday 2027-06-07 is 6 months after Infusion (planned Monday 2026-12-07). "
         f"Tolerance 0 days before, 1 month after; assumed (as is usual). Timing assumed. {VERSION}")),
        (visit("v", within("-P28D", "-P6D")),
         ("Monday 2026-11-09 is 28 days before Infusion (planned Monday 2026-12-07). "
         f"Once, on any day from Monday 2026-11-09 to Tuesday 2026-12-01. Timing assumed. {VERSION}")),
        (visit("v", over("-P2D", "-P1D")),
         ("Saturday 2026-12-05 is 2 days before Infusion (planned Monday 2026-12-07). "
         f"Over the whole range from Saturday 2026-12-05 to Sunday 2026-12-06. Timing assumed. {VERSION}")),
        (visit("v", at("P1Y"), "enrolment"),
         (f"Wednesday 2027-12-01 is 1 year after {ENROLMENT}. "
         f"No tolerance: it never moves by itself; assumed. Timing assumed. {VERSION}")),
        (visit("v", at("P1D"), CHEMOTHERAPY),
         ("Thursday 2026-12-03 is 1 day after Lymphodepletion start (derived Wednesday 2026-12-02). "
         f"No tolerance: it never moves by itself; assumed. Timing assumed. {VERSION}")),
    ],
)  # fmt: skip
def test_a_visit_explains_itself(rule, expected):
    assert _because(rule) == expected


LAST = "its last day counts."


@pytest.mark.parametrize(
    ("timing", "infusion", "expected"),
    [
        (at("P6M", "P1M"), "Mon 2026-08-31", [f"February has no 31st: {LAST}"]),
        (at("P6M", "P14D"), "Sun 2026-08-30", [f"February has no 30th: {LAST}"]),
        (at("P1Y", "P0D"), "Tue 2028-02-29", [f"February has no 29th: {LAST}"]),
        (at("P5M", "P1M", "P3M"), "Mon 2026-08-31", [f"April has no 31st: {LAST}"]),
        (at("P7M", "P1M"), "Mon 2026-08-31", [f"February has no 31st: {LAST}", f"April has no 31st: {LAST}"]),
        (within("P1M", "P3M"), "Mon 2026-08-31",
         [f"September has no 31st: {LAST}", f"November has no 31st: {LAST}"]),
        (over("P9M", "P10M"), "Mon 2026-08-31", [f"June has no 31st: {LAST}"]),
        (at("P28D", "P1M"), "Sun 2027-01-03", [f"February has no 31st: {LAST}"]),
        (at("P6M", "P1M"), "Fri 2026-08-28", []),
        (at("P28D", "P3D"), "Mon 2026-08-31", []),
    ],
)  # fmt: skip
def test_a_clamped_month_end_is_explained(timing, infusion, expected):
    sentence = _because(visit("v", timing), days(infusion=infusion))
    found = [part.rpartition(". ")[2] + LAST for part in sentence.split(LAST)[:-1]]
    assert [line.strip() for line in found] == expected


def test_a_clamped_end_of_a_protocol_window_is_explained():
    rule = window("infusion P0D", "infusion P6M")
    sentence = because_window(protocol(), placed(rule, days(infusion="Mon 2026-08-31")))
    assert "February has no 31st: its last day counts." in sentence


def test_an_actual_anchor_says_so():
    text = _because(visit("v", at("P1D")), days(infusion="Mon 2026-12-07 actual"))
    assert text.startswith("Tuesday 2026-12-08 is 1 day after Infusion (actual Monday 2026-12-07). ")


def test_each_day_of_a_range_explains_itself():
    plan = project(protocol(*CONDITIONING), INFUSION)
    assert because_visit(protocol(*CONDITIONING), by_code(plan)["ld-3"]) == (
        "Friday 2026-12-04 is 2 days after Lymphodepletion start (derived Wednesday 2026-12-02). "
        f"One on each day of the range; it never moves by itself. Timing assumed. {VERSION}"
    )


def test_a_rest_on_hold_explains_why_it_is_longer():
    small = protocol(*CONDITIONING)
    plan = project(small, days(infusion="Sat 2026-12-12", ld="Wed 2026-12-02 actual"))
    assert because_visit(small, by_code(plan)["rest"]) == (
        "Saturday 2026-12-05 is 7 days before Infusion (planned Saturday 2026-12-12). "
        "Over the whole range from Saturday 2026-12-05 to Friday 2026-12-11. "
        f"Longer than the protocol's: day zero waits. Timing assumed. {VERSION}"
    )


def test_a_visit_chained_to_another_names_it():
    first, second = visit("first", at("P14D", "P2D")), visit("second", at("P7D"), "visit:first")
    expected = "Monday 2026-12-28 is 7 days after First (derived, assumed, Monday 2026-12-21). "
    assert _because(second, None, None, None, first).startswith(expected)
    known = Known(performed={"first": day_of("Wed 2026-12-23 actual")})
    moved = "Wednesday 2026-12-30 is 7 days after First (actual Wednesday 2026-12-23). "
    assert _because(second, None, None, known, first).startswith(moved)


@pytest.mark.parametrize(
    ("rule", "infusion", "expected"),
    [
        (visit("v", at("P7D", "P1D")), "Sat 2026-01-31",
         " Suggested Friday 2026-02-06, because Saturday 2026-02-07: Saturday."),
        (visit("v", at("P14D", "P4D")), "Fri 2026-02-06",
         " Suggested Tuesday 2026-02-24, because Friday 2026-02-20: public holiday (Spring Festival)."),
        (visit("v", at("P7D", "P1D")), "Thu 2026-02-05", ""),
        (visit("v", at("P7D")), "Sat 2026-01-31", ""),
    ],
)  # fmt: skip
def test_a_suggestion_is_explained_only_where_it_is_not_the_target(rule, infusion, expected):
    assert _because(rule, days(infusion=infusion), CLINIC).endswith(f"{VERSION}{expected}")


def test_hours_are_told_with_their_clock():
    text = _because(visit("v", at("PT36H"), CHEMOTHERAPY), {CHEMOTHERAPY: instant("2026-12-02T09:00")})
    assert text.startswith(
        "Thursday 2026-12-03 21:00 +08:00 is 36 hours after Lymphodepletion start "
        "(planned Wednesday 2026-12-02 09:00 +08:00). "
    )


SOURCED = {"basis": STATED}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (window(bound("infusion P0D", basis=STATED), bound("infusion P28D", basis=STATED), **SOURCED),
         ("From the day of Infusion (planned Monday 2026-12-07). Until 28 days after Infusion "
         f"(planned Monday 2026-12-07). Window {FROM_RECORD}. {VERSION}")),
        (window(bound("enrolment -P6M", basis=NOTED), bound("enrolment P0D", basis=STATED), **SOURCED),
         (f"From 6 months before {ENROLMENT}. Start assumed (as is usual). "
         f"Until the day of {ENROLMENT}. Window {FROM_RECORD}. {VERSION}")),
        (window("infusion P0D", bound("infusion P1Y", basis=STATED)),
         ("From the day of Infusion (planned Monday 2026-12-07). Until 1 year after Infusion (planned "
         f"Monday 2026-12-07). End {FROM_RECORD}. Window assumed. {VERSION}")),
        (window(bound(f"{CHEMOTHERAPY} P0D", "infusion P0D"), None),
         ("From the earliest of: the day of Lymphodepletion start (derived Wednesday 2026-12-02); the day of "
         f"Infusion (planned Monday 2026-12-07). Window assumed. {VERSION}")),
        (window(None, bound(f"{CHEMOTHERAPY} P0D", "infusion P0D", pick=Pick.LATEST)),
         ("Until the latest of: the day of Lymphodepletion start (derived Wednesday 2026-12-02); the day of "
         f"Infusion (planned Monday 2026-12-07). Window assumed. {VERSION}")),
        (window("enrolment -5 of mtx", "enrolment P0D", Washout(("mtx",))),
         (f"From 5 × the half-life of mtx before {ENROLMENT}. Until the day "
         f"of {ENROLMENT}. Not known yet: the half-life of mtx. "
         f"Window assumed. {VERSION}")),
        (window("infusion P0D", "infusion 5 of mtx"),
         ("From the day of Infusion (planned Monday 2026-12-07). Until 5 × the half-life of mtx after "
         "Infusion (planned Monday 2026-12-07). Not known yet: the half-life of mtx. "
         f"Window assumed. {VERSION}")),
        (window("consent -P2Y", "activity:count P0D"),
         ("From 2 years before Consent. Until the day of count. Not known yet: the day of Consent, the "
         f"day of the activity count. Window assumed. {VERSION}")),
        (window(f"{CHEMOTHERAPY} -PT12H", f"{CHEMOTHERAPY} PT0H", Freshness("hcg")),
         ("From 12 hours before Lymphodepletion start (derived Wednesday 2026-12-02). Until the hour of "
         "Lymphodepletion start (derived Wednesday 2026-12-02). Not known yet: the hour of "
         f"Lymphodepletion start. Window assumed. {VERSION}")),
        (window(None, None, EventAfter("consent again", 18), code="comes-of-age"),
         f"Not known yet: the day the participant comes of age. Window assumed. {VERSION}"),
    ],
)  # fmt: skip
def test_a_window_explains_itself(rule, expected):
    assert because_window(protocol(), placed(rule, INFUSION)) == expected


def test_a_source_that_the_protocol_does_not_list_is_named_by_its_code():
    odd = visit("v", at("P1D"), basis=Basis(BasisKind.STATED, "letter"))
    assert "Timing stated in letter. " in _because(odd)


def test_a_stated_value_with_a_note_keeps_it():
    noted = replace(STATED, note="read as days")
    assert f"Timing {FROM_RECORD} (read as days). " in _because(visit("v", at("P1D"), basis=noted))


def test_every_sentence_goes_through_the_translator():
    words: list[str] = []

    def say(message):
        words.append(message)
        return message.upper() if "%" not in message else message

    small = protocol(visit("v", at("P7D", "P1D")), windows=(window("enrolment -5 of mtx", "infusion P0D"),))
    plan = project(small, days(infusion="Sat 2026-01-31"), calendar=CLINIC)
    text = because_visit(small, plan.visits[0], say)
    assert "SATURDAY 2026-02-07 is 7 days after Infusion (PLANNED SATURDAY 2026-01-31)" in text
    assert "Suggested %(day)s, because %(target)s: %(why)s." in words
    because_window(small, plan.windows[0], say)
    assert {"From %(moments)s.", "Until %(moments)s.", "Window",
    "%(n)d × the half-life of %(drug)s before %(anchor)s",
            "Not known yet: %(missing)s.", "derived, assumed,"} <= set(words)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("P1D", "1 day"), ("-P5D", "5 days"), ("P1W", "1 week"), ("P12W", "12 weeks"), ("-P1M", "1 month"),
        ("P24M", "24 months"), ("P1Y", "1 year"), ("P2Y", "2 years"), ("PT1H", "1 hour"), ("PT48H",
         "48 hours"),
        ("P0D", "0 days"),
    ],
)  # fmt: skip
def test_the_size_of_an_offset(text, expected):
    assert offset_text(offset(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-P5D", "5 days before Infusion"),
        ("P1M", "1 month after Infusion"),
        ("P0W", "the day of Infusion"),
        ("PT0H", "the hour of Infusion"),
        ("-PT1H", "1 hour before Infusion"),
    ],
)
def test_an_offset_and_its_anchor(text, expected):
    assert from_anchor(offset(text), "Infusion") == expected


def test_weekdays():
    week = [day_text(on("Mon 2026-12-07") + timedelta(step)).split()[0] for step in range(7)]
    assert week == ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


def test_a_ward_visit_on_a_holiday_explains_itself_without_a_shift():
    text = _because(visit("v", at("P0D", "P3D"), place=Place.WARD), days(infusion="Mon 2026-02-16"), CLINIC)
    assert "Suggested" not in text
