"""Every fault of a document's shape: one thing changed in a sound one, and what is then said."""
# ruff: noqa: E501 - a row of a table is one line

from __future__ import annotations

import pytest

from tests.unit.protocols.documents import GONE, SMALL, changed, problems_of
from trials.domain.errors import ProtocolInvalid
from trials.formats.protocols.yaml import load

SHAPE = [
    ("format", GONE, "missing-key", "format", "this key is missing; write `format: 1`", "asked for"),
    ("format", 2, "unknown-format", "format", "format 2 is not known; this program reads `format: 1`", "newer"),
    ("format", True, "unknown-word", "format", "true is not known here", "true is not 1"),
    ("format", "1", "unknown-format", "format", "format '1' is not known", "a text is no number"),
    ("trial", GONE, "missing-key", "trial", "this key is missing; give `trial`", "the head is whole"),
    ("title", None, "wrong-type", "title", "nothing stands here; right is a text", "a key without value"),
    ("colour", "red", "unknown-key", "colour", "unknown key 'colour'; possible are format, trial", "top"),
    ("visits[4].tolerence", 1, "unknown-key", "visits[4].tolerence", "did you mean tolerance?", "near miss"),
    ("visits[4].from", 5, "wrong-type", "visits[4].from", "the number 5 stands here; right is a mapping", "code"),
    ("visits[4].from", {}, "not-one-of", "visits[4].from", "none of the possible keys", "a reference"),
    ("visits[4].from", {"visit": "d0", "activity": "blood-count"}, "not-one-of", "visits[4].from",
     "visit and activity stand together; give exactly one of anchor, visit, activity", "two references"),
    ("version", 1.5, "wrong-type", "version", "the number 1.5 stands here; right is a text; put it in quotes", "1.10 would be read as 1.1"),
    ("visits[4].at", "P4X", "unknown-unit", "visits[4].at", "unknown unit 'X'; possible are D, W, M, Y", "unit"),
    ("visits[4].at", "PT4D", "unknown-unit", "visits[4].at", "unknown unit 'D'; possible are", "days take no T"),
    ("visits[4].at", "28 days", "bad-offset", "visits[4].at", "'28 days' is not an offset; write a sign", "words"),
    ("visits[4].at", "P1M2D", "bad-offset", "visits[4].at", "'P1M2D' is not an offset", "one unit each"),
    ("visits[4].at", "P٣D", "bad-offset", "visits[4].at", "is not an offset", "digits are ASCII"),
    ("visits[4].at", "P" + "9" * 5000 + "D", "bad-offset", "visits[4].at", "is not an offset", "too long for int"),
    ("visits[4].at", 28, "wrong-type", "visits[4].at", "28 is not an offset", "a number has no unit"),
    ("visits[0].within", GONE, "not-one-of", "visits[0]", "give exactly one of at, within, each, over", "untimed"),
    ("visits[4].tolerance", GONE, "missing-key", "visits[4].tolerance", "give it beside at", "an offset has one"),
    ("visits[4].over", {"first": "P1D", "last": "P2D"}, "not-one-of", "visits[4]", "at and over stand together",
     "two timings"),
    ("visits[0].repeat", {"every": "P1D", "until": "P2D"}, "key-without", "visits[0].repeat",
     "repeat stands without at; repeat only goes with at", "only an offset repeats"),
    ("visits[4].place", "Ward", "unknown-word", "visits[4].place", "possible are 'ward', 'clinic'", "small letters"),
    ("visits[4].basis", "stated", "bad-basis", "visits[4].basis", "'stated' is not a basis; write assumed", "source"),
    ("visits[4].basis", {"stated": "record"}, "missing-key", "visits[4].basis.section", "give it beside stated", "a stated value says where"),
    ("visits[4].basis", {"assumed": "a", "stated": "record", "section": "b"}, "not-one-of", "visits[4].basis",
     "assumed and stated stand together", "never both"),
    ("visits[4].basis", {"assumed": "a", "section": "b"}, "key-without", "visits[4].basis.section",
     "section stands without stated", "an assumption has no section"),
    ("visits[4]", "d28", "wrong-type", "visits[4]", "the text 'd28' stands here; right is a mapping", "not a code"),
    ("visits", {}, "wrong-type", "visits", "a mapping stands here; right is a list", "a list of visits"),
    ("traits[0].always", "yes", "wrong-type", "traits[0].always", "right is true or false", "a word"),
    ("planned_number", "3", "wrong-type", "planned_number", "right is a whole number without quotes", "a text"),
    ("planned_end", "2028", "wrong-type", "planned_end", "'2028' is not a day; write a day", "a year only"),
    ("planned_end", "2027-02-29", "bad-day", "planned_end", "'2027-02-29' is not in the calendar", "no leap year"),
    ("sources[0].dated", GONE, "missing-key", "sources[0].dated", "give `dated`", "a copy has a date"),
    ("windows[0].stay", {}, "not-one-of", "windows[0]", "presence and stay stand together", "one kind"),
    ("windows[0].presence", GONE, "not-one-of", "windows[0]", "give exactly one of presence, stay", "no kind"),
    ("windows[0].starts.pick", "latest", "key-without", "windows[0].starts.pick", "only goes with moments", "one"),
    ("windows[0].starts.moments", [], "not-one-of", "windows[0].starts", "from and moments stand together", "two forms of a bound"),
    ("windows[0].starts.offset", GONE, "not-one-of", "windows[0].starts", "offset, half_lives beside from", "bare"),
    ("windows[3].starts.pick", "first", "unknown-word", "windows[3].starts.pick", "'earliest' or 'latest'", "words"),
    ("day_count", 2, "unknown-word", "day_count", "the number 2 is not known here; possible are 0 or 1", "labels"),
    ("month", 29, "unknown-word", "month", "possible are 'calendar', 28 or 30", "three ways"),
    ("gates[0].before", "site", "unknown-word", "gates[0].before", "'participant' or 'level'", "two kinds"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "code", "where", "words", "reason"), SHAPE)
def test_every_fault_of_shape_is_named_once(path, value, code, where, words, reason):
    problems = problems_of(changed((path, value)))
    assert [(problem.code, problem.path) for problem in problems] == [(code, where)], reason
    assert words in str(problems[0])


def test_all_faults_come_at_once_and_in_the_order_of_their_lines():
    """Shape and domain together: what is sound is judged though other parts are not."""
    text = SMALL
    for right, wrong in (
        ("Asia/Shanghai", "Mars"),
        ("at: P28D", "at: 28"),
        ("epoch: after\n    from: {visit: d28}", "epoch: afer\n    from: infusoin"),
        ("taken: the shorter", "taken: no, token: x"),
    ):
        assert right in text
        text = text.replace(right, wrong)
    with pytest.raises(ProtocolInvalid) as invalid:
        load(text, "small.yaml")
    assert [(problem.code, problem.path) for problem in invalid.value.problems] == [
        ("unknown-zone", "zone"),
        ("wrong-type", "visits[4].at"),
        ("unknown-epoch", "visits[6].epoch"),
        ("unknown-anchor", "visits[6].from"),
        ("doubtful-word", "conflicts[0].taken"),
        ("unknown-key", "conflicts[0].token"),
    ]
    lines = [problem.line for problem in invalid.value.problems]
    assert lines == sorted(lines)
    assert str(invalid.value).splitlines()[0].startswith("small.yaml:6: zone: the zone 'Mars' is not known")


def test_what_a_fault_of_shape_puts_in_doubt_is_not_called_wrong():
    """A visit that cannot be read is not therefore unknown to those that name it."""
    data = changed(("visits[4].at", 28), ("anchors[0].label", None), ("sources", {}), ("zone", 5))
    found = {(problem.code, problem.path) for problem in problems_of(data)}
    assert found == {
        ("wrong-type", "visits[4].at"),
        ("wrong-type", "anchors[0].label"),
        ("wrong-type", "sources"),
        ("wrong-type", "zone"),
    }


@pytest.mark.parametrize(
    "data", [None, [], "x", 1, {}, {"visits": None}, {"visits": [None, 1]}, {"": {"": []}}]
)
def test_nothing_that_can_be_written_is_met_with_a_traceback(data):
    assert problems_of(data)
