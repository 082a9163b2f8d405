"""Protocol documents as YAML: what the text itself may be, the way out and back, the canonical bytes."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.protocols.documents import DATA
from trials.domain.errors import ProtocolInvalid
from trials.domain.protocols.offsets import MonthLength, Offset, Unit
from trials.domain.protocols.protocol import (
    AnchorRule,
    AtOffset,
    Basis,
    BasisKind,
    DayCount,
    Epoch,
    Protocol,
    Reference,
    ReferenceKind,
    Source,
    Tolerance,
    VisitRule,
)
from trials.formats.protocols import library
from trials.formats.protocols.yaml import (
    canonical_bytes,
    digest,
    dump,
    load,
    load_document,
    load_path,
)
from trials.formats.protocols.yaml_text import LARGEST

TINY = """\
format: 1
trial: TINY
version: "1"
title: Tiny
zone: UTC
day_zero: d0
epochs: [{code: all, label: All}]
anchors: [{code: d0, label: Day zero}]
visits: [{code: v, label: Visit, epoch: all, from: d0, at: P1D, basis: assumed,
    tolerance: {before: P0D, after: P0D, basis: assumed}}]
"""
HEAD = TINY.replace("title: Tiny\n", "")


def faults_of(text):
    """All problems that keep the text from loading."""
    with pytest.raises(ProtocolInvalid) as invalid:
        load(text, "tiny.yaml")
    return invalid.value.problems


TEXTS = [
    ("", "empty", 1, "the document is empty; begin with `format: 1`", "nothing at all"),
    ("# a remark\n", "empty", 1, "the document is empty", "nothing but a remark"),
    ("---\n", "empty", 1, "the document is empty", "an opened document"),
    ("- 1\n", "wrong-type", 1, "a list stands here; right is a mapping", "a list"),
    (TINY + "notes: [a", "not-yaml", 11, "this is not YAML: expected ',' or ']'", "an open bracket"),
    (TINY + "notes: a: b\n", "not-yaml", 11, "mapping values are not allowed here", "two colons"),
    (
        TINY + "notes:\n\t- a\n",
        "tab",
        12,
        "a tab stands in column 1; YAML is indented with spaces only",
        "a tab",
    ),
    (TINY + 'notes: ["\\UFFFFFFFF"]\n', "not-yaml", 1, "this is not YAML", "no such character"),
    (TINY + 'notes: ["a\\0b"]\n', "control-character", 11, "the text holds U+0000", "cannot be stored"),
    (TINY + 'notes: ["\\uD800"]\n', "control-character", 11, "the text holds U+D800", "half a character"),
    (TINY + "notes: [a\x07]\n", "not-yaml", 11, "special characters are not allowed", "a bell"),
    (
        TINY + "trial: TWICE\n",
        "duplicate-key",
        11,
        "the key 'trial' stands a second time (first in line 2)",
        "twice",
    ),
    (
        TINY + "notes: [&a b, *a]\n",
        "alias",
        11,
        "*a is an alias; write the value out where it stands",
        "an alias",
    ),
    (TINY + "notes: [!!python/name:os.system x]\n", "tag", 11, "leave it out: tags are not read", "a tag"),
    (TINY + "? [a]\n: b\n", "bad-key", 11, "a key is not a plain word", "a list for a key"),
    (TINY + "---\nformat: 1\n", "second-document", 11, "a second document begins", "two in one file"),
    (TINY + "notes: " + "[" * 20 + "]" * 20, "too-deep", 11, "the nesting is more than 12 deep", "a well"),
    (
        TINY + "notes: " + "{a: " * 10 + "[" * 9,
        "too-deep",
        11,
        "the nesting is more than 12 deep",
        "mappings too",
    ),
    (TINY + "#" * LARGEST, "too-large", 1, "the document has more than 1,048,576 bytes", "a mountain"),
    (HEAD + "title: no\n", "doubtful-word", 10, 'write true or false, or the text "no"', "Norway"),
    (HEAD + "title: On\n", "doubtful-word", 10, "On without quotes is a truth value to some readers", "on"),
    (
        HEAD + "title: true\n",
        "wrong-type",
        10,
        "the truth value True stands here; right is a text",
        "no word",
    ),
    (
        HEAD + "title: 2025-09-26\n",
        "wrong-type",
        10,
        "the day 2025-09-26 stands here; right is a text; put it in quotes",
        "a day",
    ),
    (
        HEAD + "title: 1.10\n",
        "wrong-type",
        10,
        "the number 1.1 stands here; right is a text; put it in quotes",
        "1.10",
    ),
    (HEAD + "title: 12345\n", "wrong-type", 10, "the number 12345 stands here", "a number"),
    (TINY + "planned_end: 2027-02-29\n", "bad-day", 11, "2027-02-29 is not in the calendar", "no leap year"),
    (TINY + "planned_end: 2027-2-9\n", "wrong-type", 11, "'2027-2-9' is not a day; write a day", "no zeros"),
    (
        TINY.replace("P1D", "P1X"),
        "unknown-unit",
        9,
        "visits[0].at: 'P1X' has the unknown unit",
        "line of the key",
    ),
]


@pytest.mark.parametrize(("text", "code", "line", "words", "reason"), TEXTS)
def test_a_text_that_is_wrong_is_told_with_its_line(text, code, line, words, reason):
    found = faults_of(text)
    assert [(problem.code, problem.line) for problem in found] == [(code, line)], reason
    assert words in str(found[0])


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        (TINY.replace("Tiny", "Tin\xff").encode("latin-1"), 4, "Latin-1"),
        (TINY.encode("utf-16"), 1, "UTF-16, as some editors save"),
        (TINY.replace("Tiny", "年").encode("gb18030"), 4, "GB 18030"),
    ],
)
def test_bytes_that_are_not_utf_8_are_told_with_their_line(text, line, reason):
    found = faults_of(text)
    assert [(problem.code, problem.line) for problem in found] == [("not-utf-8", line)], reason


def test_laughing_aliases_are_refused_before_they_grow():
    """The billion laughs: ten lists of ten of the list before."""
    laughs = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10) if n else 'ha'}]\n" for n in range(10))
    codes = {problem.code for problem in faults_of(TINY + laughs)}
    assert codes == {"alias", "unknown-key"}


@pytest.mark.parametrize(
    "text", [TINY, "\ufeff" + TINY, TINY.replace("\n", "\r\n"), "---\n" + TINY + "...\n"]
)
def test_the_same_document_may_be_written_in_several_ways(text):
    assert digest(load(text, "tiny").protocol) == digest(load(TINY.encode(), "tiny").protocol)


def test_a_text_is_the_same_however_its_accents_are_typed():
    composed, combined = TINY.replace("Tiny", "caf\u00e9"), TINY.replace("Tiny", "cafe\u0301")
    assert load(composed, "tiny").protocol == load(combined, "tiny").protocol


def test_the_canonical_bytes_of_a_tiny_document_stay_as_they_are():
    """Pinned: whatever changes these bytes breaks every digest ever published, and is a new format."""
    protocol = load(TINY, "tiny").protocol
    assert canonical_bytes(protocol) == (
        b'{"activities":[],"anchors":[{"applies_to":[],"code":"d0","derived":null,"label":"Day zero",'
        b'"not_after":[],"point_of_no_return":false}],"blocks":[],"conflicts":[],"day_count":0,'
        b'"day_zero":"d0","dose_levels":[],"epochs":[{"code":"all","label":"All"}],"format":1,"gates":[],'
        b'"hold":null,"month":"calendar","notes":[],"planned_end":null,"planned_number":null,"sources":[],'
        b'"title":"Tiny","traits":[],"trial":"TINY","unscheduled_epochs":[],"version":"1","visits":['
        b'{"applies_to":[],"at":"P1D","basis":{"assumed":""},"block":null,"code":"v","epoch":"all",'
        b'"from":{"anchor":"d0"},"label":"Visit","place":"clinic","repeat":null,"tolerance":'
        b'{"after":"P0D","basis":{"assumed":""},"before":"P0D"}}],"windows":[],"zone":"UTC"}'
    )
    assert digest(protocol) == "sha256:a8ce26b283c4f6d548580b61d4063ff3cbbaa2dcd5f27448e849d9f0a56930d5"


def test_the_digest_of_the_document_with_everything_stays_as_it_is():
    assert (
        digest(load_document(DATA, "small").protocol)
        == "sha256:858a676e67c04d44a1fe485ce82762ecf4d3d7dc7ab9b4051229c3115ebe7f69"
    )


def test_a_hold_with_its_clocks_comes_back_and_is_another_document():
    """The clocks came into the format later: silent documents keep their digest, above."""
    said = {**DATA, "hold": {**DATA["hold"], "afebrile": "PT48H", "escalate_after": "P3D"}}
    protocol = load_document(said, "small").protocol
    assert (protocol.hold.afebrile.words, protocol.hold.escalate_after.words) == ("48 hours", "3 days")
    assert load(dump(protocol), "dumped").protocol == protocol
    assert load(canonical_bytes(protocol), "canonical").protocol == protocol
    assert digest(protocol) != digest(load_document(DATA, "small").protocol)


def test_everything_comes_back_from_dump_and_from_the_canonical_bytes():
    protocol = load_document(DATA, "small").protocol
    assert load(dump(protocol), "again").protocol == protocol
    assert load_document(json.loads(canonical_bytes(protocol)), "stored").protocol == protocol
    tiny = load(TINY, "tiny").protocol
    assert load(canonical_bytes(tiny), "again").protocol == tiny, "JSON is YAML"


def test_a_dump_reads_well():
    """Defaults are left out, short things stand on one line, and sections are set apart."""
    text = dump(load_document(DATA, "small").protocol)
    assert text.startswith('format: 1\ntrial: SMALL-1\nversion: "1.0"\n')
    assert "\n\nepochs:\n  - {code: before, label: Before}\n" in text
    assert "    basis: assumed\n" in text
    assert "null" not in text
    assert max(map(len, text.splitlines())) <= 110


def test_the_example_of_the_documentation_is_a_valid_document():
    page = Path(__file__).resolve().parents[3] / "docs" / "protocol-format.md"
    example = page.read_text(encoding="utf-8").partition("```yaml\n")[2].partition("```")[0]
    loaded = load(example, "docs/protocol-format.md")
    assert loaded.protocol.trial == "NCT07193667"
    assert loaded.warnings == ()


def test_load_path_reads_a_file_and_names_it(tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY, encoding="utf-8")
    assert load_path(path).protocol.trial == "TINY"
    path.write_text(TINY.replace("format: 1", "format: 2"), encoding="utf-8")
    with pytest.raises(ProtocolInvalid, match=r"tiny\.yaml:1: format: format 2 is not known"):
        load_path(path)
    with pytest.raises(FileNotFoundError):
        load_path(tmp_path / "none.yaml")


WORDS = st.one_of(
    st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=12),
    st.sampled_from(
        ["no", "Yes", "null", "~", "1.10", "0x1F", "2025-09-26", "a: b", "- a", "# a", "*a", "&a", "!a"]
    ),
    st.sampled_from(
        [" a ", "a\nb", "a\n\n b", "'", '"', "\\", "a #b", "@", "%", "```", "{a: b}", "年", "é", "🧪 x"]
    ),
    st.text("ab :,'\"#[]{}\n", min_size=1, max_size=150).filter(str.strip),
    st.text("ab ,;.-()/+%×", min_size=1, max_size=250).filter(str.strip),
).map(lambda word: unicodedata.normalize("NFC", word))


@st.composite
def protocols(draw):
    """Sound protocols with one visit and texts of every kind."""
    basis = draw(
        st.builds(Basis, st.just(BasisKind.STATED), st.just("record"), WORDS, st.just("") | WORDS)
        | st.builds(Basis, st.just(BasisKind.ASSUMED), note=st.just("") | WORDS)
    )
    unit = draw(st.sampled_from([Unit.DAYS, Unit.WEEKS, Unit.MONTHS, Unit.YEARS]))
    timing = AtOffset(
        Offset(draw(st.integers(-99, 99)), unit),
        Tolerance(Offset(draw(st.integers(0, 99)), unit), Offset(0, Unit.DAYS), basis),
    )
    label = draw(WORDS)
    reference = Reference(ReferenceKind.ANCHOR, "infusion")
    return Protocol(
        trial="T",
        version=draw(WORDS),
        title=draw(WORDS),
        zone="Asia/Shanghai",
        day_zero="infusion",
        sources=(Source("record", label, draw(st.dates(date(1990, 1, 1)))),),
        epochs=(Epoch("all", label),),
        anchors=(AnchorRule("infusion", label),),
        visits=(
            VisitRule("v", label, "all", reference, timing, basis, stays_after_early_end=draw(st.booleans())),
        ),
        notes=tuple(draw(st.lists(WORDS, max_size=3))),
        month=draw(st.sampled_from(MonthLength)),
        day_count=draw(st.sampled_from(DayCount)),
        planned_number=draw(st.none() | st.integers(1, 100_000)),
    )


@settings(max_examples=8)
@given(protocols())
def test_whatever_a_protocol_says_comes_back(protocol):
    again = load(dump(protocol), "again").protocol
    assert again == protocol
    assert digest(again) == digest(protocol)
    assert digest(replace(protocol, title=protocol.title + "!")) != digest(protocol)


def test_a_visit_that_stays_after_an_early_end_leaves_the_digests_of_other_documents_alone():
    protocol = load(library.path("CART-SLE").read_text(encoding="utf-8"), "CART-SLE").protocol
    assert "stays_after_early_end" not in canonical_bytes(protocol).decode()
    last = protocol.visits[-1]
    staying = replace(protocol, visits=(*protocol.visits[:-1], replace(last, stays_after_early_end=True)))
    assert digest(staying) != digest(protocol)
    assert load(dump(staying), "again").protocol == staying
    document = dump(staying).replace("stays_after_early_end: true", "stays_after_early_end: yes-please")
    with pytest.raises(ProtocolInvalid, match="right is true or false without quotes"):
        load(document, "wrong")
