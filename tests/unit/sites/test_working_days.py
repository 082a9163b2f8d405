"""A made-up site whose weeks can be checked on a wall calendar of February and March 2026."""

import copy
import json
import pickle
from dataclasses import FrozenInstanceError, replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trials.domain.sites.working_days import WorkingDays, WorkingDaysError


def on(text: str) -> date:
    """`Sat 2026-02-14` as a day; the weekday must be the calendar's."""
    weekday, iso = text.split()
    day = date.fromisoformat(iso)
    assert f"{day:%a}" == weekday, f"{iso} is a {day:%a}"
    return day


SPRING_FESTIVAL = {
    on(text): "Spring Festival"
    for text in (
        "Mon 2026-02-16",
        "Tue 2026-02-17",
        "Wed 2026-02-18",
        "Thu 2026-02-19",
        "Fri 2026-02-20",
        "Sat 2026-02-21",
        "Sun 2026-02-22",
        "Mon 2026-02-23",
    )
}
CLINIC = WorkingDays(
    name="CN",
    source="made up",
    holidays=SPRING_FESTIVAL,
    make_up_days=frozenset({on("Sat 2026-02-14"), on("Sat 2026-02-28")}),
    official_years=frozenset({2026}),
)
CORRECTED = CLINIC.with_corrections(
    closures={
        on("Sat 2026-02-14"): "stocktaking",
        on("Thu 2026-03-05"): "audit",
        on("Fri 2026-02-20"): "renovation",
        on("Sun 2026-03-08"): "",
    },
    openings={on("Mon 2026-02-23"): "cell infusion", on("Sun 2026-03-01"): "outreach"},
)


@pytest.mark.parametrize(
    ("day", "works", "why_not", "reason"),
    [
        ("Fri 2026-02-13", True, None, "a plain weekday"),
        ("Sat 2026-02-14", True, None, "a make-up Saturday is worked"),
        ("Sun 2026-02-15", False, "Sunday", "a plain Sunday"),
        ("Mon 2026-02-16", False, "public holiday (Spring Festival)", "a holiday on a weekday"),
        ("Sat 2026-02-21", False, "public holiday (Spring Festival)", "the holiday says more than Saturday"),
        ("Tue 2026-02-24", True, None, "the first day after the holiday"),
        ("Sat 2026-02-28", True, None, "the second make-up Saturday"),
        ("Sat 2026-03-07", False, "Saturday", "a plain Saturday"),
        ("Thu 2027-02-18", True, None, "a year without data knows weekends only"),
        ("Sat 2027-02-20", False, "Saturday", "a year without data still has its weekends"),
    ],
)
def test_a_day_is_worked_or_says_why_not(day: str, works: bool, why_not: str | None, reason: str) -> None:
    assert CLINIC.is_working_day(on(day)) is works, reason
    assert CLINIC.why_not(on(day)) == why_not, reason


@pytest.mark.parametrize(
    ("day", "why_not", "reason"),
    [
        ("Sat 2026-02-14", "closed (stocktaking)", "an own closure beats a make-up day"),
        ("Thu 2026-03-05", "closed (audit)", "an own closure beats a weekday"),
        ("Fri 2026-02-20", "closed (renovation)", "on a holiday the own closure is what is said"),
        ("Sun 2026-03-08", "closed", "a closure without a reason is still said"),
        ("Mon 2026-02-23", None, "an own opening beats a holiday"),
        ("Sun 2026-03-01", None, "an own opening beats a Sunday"),
        ("Sat 2026-02-28", None, "a make-up day without a correction stays"),
        ("Tue 2026-02-17", "public holiday (Spring Festival)", "a holiday without a correction stays"),
    ],
)
def test_the_sites_own_word_comes_first(day: str, why_not: str | None, reason: str) -> None:
    assert CORRECTED.why_not(on(day)) == why_not, reason
    assert CORRECTED.is_working_day(on(day)) is (why_not is None), reason


TUESDAYS_AND_THURSDAYS = replace(
    CLINIC, weekdays=frozenset({2, 4}), make_up_days=frozenset({on("Sun 2026-09-20"), on("Sat 2026-10-10")})
)


def test_a_clinic_of_tuesdays_and_thursdays_is_not_sent_to_a_make_up_sunday() -> None:
    """D14 of an infusion on 6 September: the window is Friday the 18th to Tuesday the 22nd."""
    window = on("Fri 2026-09-18"), on("Sun 2026-09-20"), on("Tue 2026-09-22")
    assert TUESDAYS_AND_THURSDAYS.nearest_working_day(*window) == on("Tue 2026-09-22")
    assert CLINIC.weekdays == frozenset({1, 2, 3, 4, 5})
    by_itself = replace(TUESDAYS_AND_THURSDAYS, weekdays=CLINIC.weekdays)
    assert by_itself.nearest_working_day(*window) == on("Sun 2026-09-20"), "Monday to Friday: it counts"


@pytest.mark.parametrize(
    ("said", "works", "why_not", "reason"),
    [
        ({}, False, "Sunday, make-up day: the site has not said which weekday it follows", "not said yet"),
        ({"follows": {on("Sun 2026-09-20"): 2}}, True, None, "it follows Tuesday, a clinic day"),
        ({"follows": {on("Sun 2026-09-20"): 5}}, False, "Sunday, worked as Friday, not a clinic day",
         "it follows Friday, which is none"),
        ({"openings": {on("Sun 2026-09-20"): ""}}, True, None, "the site says that it is open"),
        ({"closures": {on("Sun 2026-09-20"): "count"}}, False, "closed (count)", "or closed"),
    ],
)  # fmt: skip
def test_a_make_up_day_waits_for_the_word_of_a_clinic_with_days_of_its_own(
    said: dict[str, object], works: bool, why_not: str | None, reason: str
) -> None:
    day, clinic = on("Sun 2026-09-20"), TUESDAYS_AND_THURSDAYS.with_corrections(**said)  # type: ignore[arg-type]
    assert (clinic.is_working_day(day), clinic.why_not(day)) == (works, why_not), reason
    assert clinic.unsettled_from(on("Sun 2026-09-20")) == [on("Sat 2026-10-10")] if said else True
    assert clinic.working_days_between(day, day) == works


@pytest.mark.parametrize(
    ("weekdays", "asked", "reason"),
    [
        ({1, 2, 3, 4, 5}, [], "Monday to Friday: whichever weekday it follows is worked"),
        ({1, 2, 3, 4, 5, 6}, ["Sun 2026-09-20"], "a make-up Saturday is a Saturday there"),
        ({1, 2, 3, 4, 5, 6, 7}, [], "every day is worked"),
        ({2, 6}, ["Sun 2026-09-20", "Sat 2026-10-10"], "the Saturday may follow a Wednesday"),
    ],
)
def test_which_make_up_days_a_site_is_asked_about(weekdays: set[int], asked: list[str], reason: str) -> None:
    clinic = replace(TUESDAYS_AND_THURSDAYS, weekdays=frozenset(weekdays))
    assert clinic.unsettled_from(on("Sun 2026-09-20")) == [on(day) for day in asked], reason
    assert clinic.unsettled_from(on("Sun 2026-10-11")) == []


def test_a_later_word_on_a_day_takes_the_place_of_an_earlier_one() -> None:
    day = on("Sun 2026-09-20")
    followed = TUESDAYS_AND_THURSDAYS.with_corrections(follows={day: 4})
    closed = followed.with_corrections(closures={day: "count"})
    assert (closed.follows, closed.is_working_day(day)) == ({}, False)
    assert closed.with_corrections(follows={day: 4}).closures == CLINIC.closures
    with pytest.raises(WorkingDaysError, match="worked as a weekday at once"):
        TUESDAYS_AND_THURSDAYS.with_corrections(follows={day: 4}, openings={day: ""})
    with pytest.raises(WorkingDaysError, match=r"\[8\]: a day follows one of"):
        TUESDAYS_AND_THURSDAYS.with_corrections(follows={day: 8})


def test_the_digest_of_a_table_without_such_days_is_what_it_was() -> None:
    assert "follows" not in CLINIC.as_document()
    followed = TUESDAYS_AND_THURSDAYS.with_corrections(follows={on("Sun 2026-09-20"): 4})
    assert WorkingDays.from_document(followed.as_document()) == followed
    assert followed.digest != TUESDAYS_AND_THURSDAYS.digest


def test_a_make_up_day_comes_before_a_holiday() -> None:
    both = replace(CLINIC, make_up_days=frozenset({on("Mon 2026-02-16")}))
    assert both.is_working_day(on("Mon 2026-02-16"))
    assert not both.is_public_holiday(on("Mon 2026-02-16"))


def test_a_public_holiday_stays_one_when_the_site_opens() -> None:
    assert CORRECTED.is_working_day(on("Mon 2026-02-23"))
    assert CORRECTED.holiday_name(on("Mon 2026-02-23")) == "Spring Festival"
    assert not CORRECTED.is_public_holiday(on("Sat 2026-03-07")), "a weekend is no public holiday"


@pytest.mark.parametrize(
    ("day", "why_not", "reason"),
    [
        ("Tue 2026-03-03", None, "the clinic is on Tuesdays"),
        ("Wed 2026-03-04", "Wednesday, not a clinic day", "a weekday alone would not explain itself"),
        ("Sat 2026-03-07", "Saturday", "a weekend explains itself"),
        ("Sun 2026-03-08", None, "a clinic may be on Sundays"),
    ],
)
def test_weekly_clinic_days_are_the_sites(day: str, why_not: str | None, reason: str) -> None:
    assert WorkingDays(name="none", weekdays=frozenset({2, 7})).why_not(on(day)) == why_not, reason


@pytest.mark.parametrize(
    ("opens", "target", "closes", "nearest", "reason"),
    [
        ("Mon 2026-03-02", "Wed 2026-03-04", "Fri 2026-03-06", "Wed 2026-03-04", "a worked target stands"),
        ("Thu 2026-03-05", "Sat 2026-03-07", "Tue 2026-03-10", "Fri 2026-03-06", "Friday is nearer"),
        ("Thu 2026-03-05", "Sun 2026-03-08", "Tue 2026-03-10", "Mon 2026-03-09", "Monday is nearer"),
        ("Sat 2026-03-07", "Sat 2026-03-07", "Mon 2026-03-09", "Mon 2026-03-09", "Friday is outside"),
        ("Fri 2026-03-06", "Sun 2026-03-08", "Sun 2026-03-08", "Fri 2026-03-06", "Monday is outside"),
        ("Thu 2026-02-12", "Sun 2026-02-15", "Tue 2026-02-24", "Sat 2026-02-14", "a make-up day is nearest"),
        (
            "Sat 2026-02-14",
            "Thu 2026-02-19",
            "Tue 2026-02-24",
            "Sat 2026-02-14",
            "five days either way: earlier",
        ),
        (
            "Sun 2026-02-15",
            "Thu 2026-02-19",
            "Tue 2026-02-24",
            "Tue 2026-02-24",
            "the tie's earlier is outside",
        ),
        ("Sun 2026-02-15", "Thu 2026-02-19", "Mon 2026-02-23", None, "the whole window is holiday"),
        ("Sat 2026-03-07", "Sat 2026-03-07", "Sat 2026-03-07", None, "a tolerance of zero is zero"),
        (
            "Fri 2026-03-06",
            "Mon 2026-03-02",
            "Mon 2026-03-09",
            "Fri 2026-03-06",
            "a target before the window",
        ),
        ("Mon 2026-03-02", "Fri 2026-03-20", "Sat 2026-03-07", "Fri 2026-03-06", "a target after the window"),
        ("Fri 2026-03-06", "Fri 2026-03-06", "Thu 2026-03-05", None, "a window turned round holds no day"),
    ],
)
def test_the_nearest_working_day(
    opens: str, target: str, closes: str, nearest: str | None, reason: str
) -> None:
    found = CLINIC.nearest_working_day(on(opens), on(target), on(closes))
    assert found == (nearest and on(nearest)), reason


def test_the_earlier_day_wins_a_tie_over_a_single_closed_day() -> None:
    closed = CLINIC.with_corrections(closures={on("Wed 2026-03-04"): "audit"})
    found = closed.nearest_working_day(on("Mon 2026-03-02"), on("Wed 2026-03-04"), on("Fri 2026-03-06"))
    assert found == on("Tue 2026-03-03")


def test_the_ends_of_the_calendar_are_no_obstacle() -> None:
    shut = WorkingDays(name="none", weekdays=frozenset({3}))
    assert shut.nearest_working_day(date.min, date.min, date.min + timedelta(6)) == date(1, 1, 3)
    assert shut.nearest_working_day(date.max - timedelta(1), date.max, date.max) is None


@pytest.mark.parametrize(
    ("first", "last", "count", "reason"),
    [
        ("Mon 2026-03-02", "Mon 2026-03-02", 1, "a single worked day counts"),
        ("Sat 2026-03-07", "Sun 2026-03-08", 0, "a weekend has none"),
        ("Fri 2026-03-06", "Mon 2026-03-09", 2, "both ends count, the weekend between does not"),
        ("Mon 2026-03-02", "Sun 2026-03-08", 5, "a plain week"),
        ("Mon 2026-02-09", "Sun 2026-02-15", 6, "a week with a make-up Saturday"),
        ("Mon 2026-02-16", "Sun 2026-02-22", 0, "the week of the festival"),
        ("Sun 2026-02-01", "Sat 2026-02-28", 16, "20 weekdays, less 6 of holiday, 2 made up"),
        ("Thu 2026-01-01", "Thu 2026-12-31", 257, "261 weekdays, less 6, 2 made up"),
        ("Mon 2026-03-09", "Mon 2026-03-02", 0, "a range turned round has none"),
    ],
)
def test_working_days_between(first: str, last: str, count: int, reason: str) -> None:
    assert CLINIC.working_days_between(on(first), on(last)) == count, reason


def test_a_year_is_provisional_until_its_official_calendar_is_out() -> None:
    assert not CLINIC.is_provisional(2026)
    assert not CLINIC.is_provisional(on("Thu 2026-12-31"))
    assert CLINIC.is_provisional(on("Fri 2027-01-01")), "the morrow belongs to a year without data"
    assert CLINIC.is_provisional(2025), "so does the year before"


# ---- corrections, versions, documents


def test_a_later_correction_takes_the_place_of_an_earlier_one() -> None:
    day = on("Thu 2026-03-05")
    closed = CLINIC.with_corrections(closures={day: "audit"})
    reopened = closed.with_corrections(openings={day: "audit moved"})
    assert reopened.is_working_day(day)
    assert reopened.closures == {}
    assert reopened.with_corrections(closures={day: "audit after all"}).openings == {}
    assert CLINIC.is_working_day(day), "the table corrected is left as it was"
    assert CLINIC.with_corrections() == CLINIC


def test_corrections_keep_the_ones_before() -> None:
    twice = CORRECTED.with_corrections(closures={on("Fri 2026-03-06"): "audit"})
    assert twice.why_not(on("Thu 2026-03-05")) == "closed (audit)"
    assert twice.openings == CORRECTED.openings


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"weekdays": frozenset()}, "at least one"),
        ({"weekdays": frozenset({0, 1})}, "[0, 1]"),
        ({"weekdays": frozenset({8})}, "[8]"),
        ({"closures": {date(2026, 3, 5): "audit"}, "openings": {date(2026, 3, 5): "no"}}, "2026-03-05"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(change: dict[str, object], says: str) -> None:
    with pytest.raises(WorkingDaysError) as caught:
        replace(CLINIC, **change)  # type: ignore[arg-type]
    assert says in str(caught.value)


def test_one_correction_cannot_close_and_open_a_day() -> None:
    day = on("Thu 2026-03-05")
    with pytest.raises(WorkingDaysError) as caught:
        CLINIC.with_corrections(closures={day: "audit"}, openings={day: "no audit"})
    assert "2026-03-05" in str(caught.value)


def test_a_table_comes_back_from_its_document() -> None:
    document = json.loads(json.dumps(CORRECTED.as_document()))
    assert WorkingDays.from_document(document) == CORRECTED
    assert WorkingDays.from_document(document).version == CORRECTED.version
    assert document["holidays"]["2026-02-17"] == "Spring Festival"
    assert pickle.loads(pickle.dumps(CORRECTED)) == copy.deepcopy(CORRECTED) == CORRECTED  # noqa: S301


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"format": 2}, "format 2 is not known"),
        ({"holidays": {"2026-02-30": "no such day"}}, "day is out of range"),
        ({"holidays": ["2026-02-17"]}, "not a table of working days"),
        ({"make_up_days": 4}, "not a table of working days"),
        ({"weekdays": [9]}, "[9]"),
    ],
)
def test_a_document_that_holds_no_table_is_refused(change: dict[str, object], says: str) -> None:
    with pytest.raises(WorkingDaysError) as caught:
        WorkingDays.from_document(CLINIC.as_document() | change)
    assert says in str(caught.value)


def test_a_missing_key_is_named() -> None:
    with pytest.raises(WorkingDaysError) as caught:
        WorkingDays.from_document({"format": 1})
    assert "'name'" in str(caught.value)


def test_a_version_names_the_calendar_its_source_and_its_content() -> None:
    assert CLINIC.version == f"CN made up {CLINIC.digest[:12]}"
    assert CORRECTED.version != CLINIC.version, "a correction makes another version"
    assert WorkingDays(name="none").version == f"none {WorkingDays(name='none').digest[:12]}"


def test_the_digest_is_of_the_days_and_not_of_their_order_or_source() -> None:
    turned = dict(reversed(SPRING_FESTIVAL.items()))
    same = replace(CLINIC, holidays=turned, source="another library")
    assert same.digest == CLINIC.digest
    assert hash(same) == hash(CLINIC)
    assert json.dumps(same.as_document()["holidays"]) == json.dumps(CLINIC.as_document()["holidays"])
    assert replace(CLINIC, official_years=frozenset()).digest != CLINIC.digest


def test_a_table_cannot_be_changed() -> None:
    given_days = dict(SPRING_FESTIVAL)
    table = WorkingDays(name="CN", holidays=given_days)
    given_days.clear()
    assert table.is_public_holiday(on("Tue 2026-02-17")), "the mapping handed over is copied"
    with pytest.raises(TypeError):
        table.holidays[on("Wed 2026-03-04")] = "no"  # type: ignore[index]
    with pytest.raises(FrozenInstanceError):
        table.name = "DE"  # type: ignore[misc]


# ---- against a naive oracle, over six weeks in which everything can collide

START = on("Sun 2026-02-01")
DAYS = st.integers(0, 41).map(lambda number: START + timedelta(days=number))
REASONS = st.dictionaries(DAYS, st.just("x"), max_size=6)


@st.composite
def tables(draw: st.DrawFn) -> WorkingDays:
    closures = draw(REASONS)
    openings = {day: "y" for day in draw(REASONS) if day not in closures}
    return WorkingDays(
        name="any",
        weekdays=draw(st.frozensets(st.integers(1, 7), min_size=1)),
        holidays=draw(REASONS),
        make_up_days=draw(st.frozensets(DAYS, max_size=6)),
        closures=closures,
        openings=openings,
        follows={
            day: weekday
            for day, weekday in draw(st.dictionaries(DAYS, st.integers(1, 7), max_size=4)).items()
            if day not in closures and day not in openings
        },
    )


def naively_works(table: WorkingDays, day: date) -> bool:
    """The order of precedence, read aloud."""
    if day in table.closures:
        return False
    if day in table.openings:
        return True
    if day in table.follows:
        return table.follows[day] in table.weekdays
    if day in table.make_up_days:
        by_itself = {1, 2, 3, 4, 5}
        return table.weekdays == by_itself or (
            table.weekdays > by_itself and day.isoweekday() in table.weekdays
        )
    return day not in table.holidays and day.isoweekday() in table.weekdays


@settings(max_examples=40, deadline=None, database=None)
@given(tables(), DAYS, DAYS, DAYS)
def test_answers_agree_with_a_loop_over_the_days(table: WorkingDays, a: date, b: date, c: date) -> None:
    first, target, last = sorted((a, b, c))
    window = [first + timedelta(days=step) for step in range((last - first).days + 1)]
    worked = [day for day in window if naively_works(table, day)]
    assert [day for day in window if table.is_working_day(day)] == worked
    assert [day for day in window if table.why_not(day) is None] == worked
    assert table.working_days_between(first, last) == len(worked)
    nearest = min(worked, key=lambda day: (abs(day - target), day), default=None)
    assert table.nearest_working_day(first, target, last) == nearest
    assert WorkingDays.from_document(table.as_document()) == table


def test_a_year_is_provisional_no_longer_once_the_site_has_entered_its_announced_days() -> None:
    """And the table says so when it is read back; a table without it keeps its digest."""
    entered = CLINIC.with_corrections(announced={2027})
    assert not entered.is_provisional(2027)
    assert entered.is_provisional(2028), "the year after is another one"
    assert WorkingDays.from_document(entered.as_document()) == entered
    assert "announced" not in CLINIC.as_document()
    assert not entered.with_corrections(closures={on("Fri 2027-01-01"): ""}).is_provisional(2027)
