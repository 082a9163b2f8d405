"""ODM 1.3.2: written as its published schema asks, read without following anything outside."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from xml.etree.ElementTree import tostring

import odmlib
import pytest
import xmlschema
from defusedxml.ElementTree import fromstring
from hypothesis import given, settings
from hypothesis import strategies as st

from schedules.formats.odm import DateItem, EventDay, Head, OdmError, SubjectDays, day_of, read_odm, write_odm

ITEM = DateItem("SV", "SV", "SV.SVSTDAT")
SCHEMA = Path(odmlib.__file__).parent / "schemas" / "odm" / "1.3.2" / "ODM1-3-2.xsd"
WHEN = datetime(2026, 11, 21, 1, tzinfo=UTC)


def subjects() -> list[SubjectDays]:
    return [
        SubjectDays("101-001", "101", [
            EventDay("SE_D14", "1", "2026-12-21", ITEM),
            EventDay("SE_D28", "", None, ITEM, removed=True),
            EventDay("SE_ANY", "2", "2026-12-22"),
        ]),
        SubjectDays("101-002", "", [EventDay("SE_D14", "1", "2026-12-23", ITEM)]),
    ]  # fmt: skip


def a_file(inside: str, study: str = "S") -> bytes:
    return (
        '<ODM xmlns="http://www.cdisc.org/ns/odm/v1.3" FileType="Snapshot" FileOID="1" '
        f'CreationDateTime="2026-11-21T09:00:00"><ClinicalData StudyOID="{study}" '
        f'MetaDataVersionOID="1">{inside}</ClinicalData></ODM>'
    ).encode()


@pytest.mark.parametrize("transactional", [False, True])
def test_what_is_written_is_valid_and_reads_as_it_was(transactional: bool) -> None:
    head = Head("F1", WHEN, "S & T", transactional=transactional, prior="F0" if transactional else "")
    written = b"".join(write_odm(head, subjects()))
    xmlschema.XMLSchema(str(SCHEMA)).validate(written.decode())
    study, read = read_odm(written, {"SE_D14": ITEM})
    assert study == "S & T"
    assert [(one.key, one.site) for one in read] == [("101-001", "101"), ("101-002", "")]
    assert read[0].events[0].day == "2026-12-21"
    assert read[0].events[1].removed is transactional


def test_a_file_is_written_a_subject_at_a_time() -> None:
    asked: list[str] = []

    def many() -> Iterator[SubjectDays]:
        for number in range(1_000):
            asked.append(f"S{number}")
            yield SubjectDays(asked[-1], "a\nb", [EventDay("SE", str(number), "2026-12-21", ITEM)])

    parts = write_odm(Head("F\n1", WHEN, "S & T"), many())
    begins = next(parts)
    assert (asked, begins.count(b"<SubjectData")) == (["S0"], 1)
    whole = begins + b"".join(parts)
    xmlschema.XMLSchema(str(SCHEMA)).validate(whole.decode())
    root = fromstring(whole)
    as_one = tostring(root, encoding="utf-8", xml_declaration=True)
    assert whole == as_one.replace(b"xmlns:ns0", b"xmlns").replace(b"ns0:", b""), "as a tree is written"
    assert len(root[0]) == 1_000


def test_a_file_without_a_subject_is_whole() -> None:
    written = b"".join(write_odm(Head("F1", WHEN, "S"), []))
    assert written.endswith(b'<ClinicalData StudyOID="S" MetaDataVersionOID="1" /></ODM>')
    assert read_odm(written, {}) == ("S", [])


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "not_xml"),
        (b"<ODM", "not_xml"),
        (b'<?xml version="1.0" encoding="nonsense"?><ODM/>', "not_xml"),
        (b"<html/>", "not_odm"),
        (b'<ODM xmlns="http://www.cdisc.org/ns/odm/v2.0"/>', "not_odm"),
        (b'<ODM xmlns="http://www.cdisc.org/ns/odm/v1.3"/>', "one_clinical_data"),
        (b'<!DOCTYPE ODM SYSTEM "http://elsewhere/odm.dtd"><ODM/>', "not_allowed"),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><ODM>&x;</ODM>', "not_allowed"),
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><ODM>&x;</ODM>', "not_allowed"),
        (a_file("<SubjectData/>"), "missing_attribute"),
        (a_file('<SubjectData SubjectKey="1"><StudyEventData/></SubjectData>'), "missing_attribute"),
        (a_file(f'<SubjectData SubjectKey="{"1" * 121}"/>'), "missing_attribute"),
        (b"<a>" * 200_000, "not_xml"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_by_name(raw: bytes, code: str) -> None:
    with pytest.raises(OdmError) as error:
        read_odm(raw, {})
    assert error.value.code == code


def test_an_event_with_two_days_is_refused() -> None:
    groups = "".join(
        '<ItemGroupData ItemGroupOID="SV">'
        f'<ItemData ItemOID="SV.SVSTDAT" Value="2026-12-2{n}"/></ItemGroupData>'
        for n in (1, 2)
    )
    inside = (
        f'<SubjectData SubjectKey="1"><StudyEventData StudyEventOID="E"><FormData FormOID="SV">{groups}'
        "</FormData></StudyEventData></SubjectData>"
    )
    with pytest.raises(OdmError, match="several_days"):
        read_odm(a_file(inside), {"E": ITEM})


@given(st.binary(max_size=400))
@settings(max_examples=200, database=None, derandomize=True)
def test_no_bytes_break_the_reader(raw: bytes) -> None:
    for document in (raw, a_file(raw.decode("latin-1").replace("<", "&lt;").replace("&", "&amp;"))):
        with contextlib.suppress(OdmError):
            read_odm(document, {})


@pytest.mark.parametrize(
    ("text", "day", "at"),
    [("2026-12-21", "2026-12-21", ""), (" 2026-12-21T09:30:00 ", "2026-12-21", "2026-12-21T09:30:00")],
)
def test_a_day_may_have_its_hour(text: str, day: str, at: str) -> None:
    found, hour = day_of(text)
    assert (found.isoformat(), hour) == (day, at)


@pytest.mark.parametrize("text", ["2026-12", "UNK", "2026-02-30", "21.12.2026", ""])
def test_a_part_of_a_day_is_none(text: str) -> None:
    with pytest.raises(ValueError):
        day_of(text)
