"""CDISC ODM 1.3.2: the days of visits as StudyEventData, in and out.

What is written is valid against the published schema. What is read comes from outside: no document type, no
entity and nothing from a network is followed, and of each event only what the map names is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from xml.etree.ElementTree import Element, SubElement, tostring

NAMESPACE = "http://www.cdisc.org/ns/odm/v1.3"
OPENCLINICA = "http://www.openclinica.org/ns/odm_ext_v130/v3.1"
LONGEST = 120
_ODM = f"{{{NAMESPACE}}}"
_NO_SIGN = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\ud800-\\udfff\\ufffe\\uffff]")
"""What XML cannot hold, and what no name has: control characters, halves of pairs, and no characters."""


def fits_xml(text: str) -> bool:
    """Whether a name can stand in a file: XML has no way to write control characters."""
    return _NO_SIGN.search(text) is None


class OdmError(ValueError):
    """A document cannot be read: `path` says where, `code` which fault it is, `given` what stood there."""

    def __init__(self, code: str, path: str = "", given: str = "") -> None:
        self.code, self.path, self.given = code, path, given[:LONGEST]
        super().__init__(f"{code} {path} {given}")


@dataclass(frozen=True, slots=True)
class DateItem:
    """Where an event keeps the day of the visit."""

    form_oid: str
    item_group_oid: str
    item_oid: str


@dataclass(frozen=True, slots=True)
class EventDay:
    """One event of a subject: its day or instant as text (None: none is given), why, and where from.

    `removed` says that the file takes it back.
    """

    event_oid: str
    repeat_key: str = ""
    day: str | None = None
    item: DateItem | None = None
    reason: str = ""
    stamped: str = ""
    source: str = ""
    removed: bool = False


@dataclass(frozen=True, slots=True)
class SubjectDays:
    """The events of one subject."""

    key: str
    site: str = ""
    events: Sequence[EventDay] = ()


@dataclass(frozen=True, slots=True)
class Head:
    """What a file says of itself; `prior` is the file that a transactional one follows."""

    file_oid: str
    created: datetime
    study_oid: str
    metadata_oid: str = "1"
    transactional: bool = False
    prior: str = ""


def write_odm(head: Head, subjects: Iterable[SubjectDays]) -> Iterator[bytes]:
    """Write a file, a snapshot or the changes since another one, a subject at a time.

    No more than one subject is held in memory.
    """
    root, clinical = _frame(head)
    rows = (tostring(_subject_data(one, head.transactional), encoding="utf-8") for one in subjects)
    first = next(rows, None)
    if first is None:
        yield tostring(root, encoding="utf-8", xml_declaration=True)
        return
    clinical.text = "\n"  # the last line end of all: those in names are written as &#10;
    begins, _end, ends = tostring(root, encoding="utf-8", xml_declaration=True).rpartition(b"\n")
    yield begins + first
    yield from rows
    yield ends


def _frame(head: Head) -> tuple[Element, Element]:
    """What stands around the subjects, and the element that they stand in."""
    root = Element("ODM", {"xmlns": NAMESPACE, "ODMVersion": "1.3.2"})
    root.set("FileType", "Transactional" if head.transactional else "Snapshot")
    root.set("Granularity", "AllClinicalData")
    root.set("FileOID", head.file_oid)
    root.set("CreationDateTime", head.created.isoformat(timespec="seconds"))
    if head.prior:
        root.set("PriorFileOID", head.prior)
    if not head.transactional:
        root.set("AsOfDateTime", head.created.isoformat(timespec="seconds"))
    root.set("Originator", "Dayzero")
    names = {"StudyOID": head.study_oid, "MetaDataVersionOID": head.metadata_oid}
    return root, SubElement(root, "ClinicalData", names)


def _subject_data(subject: SubjectDays, transactional: bool) -> Element:
    row = Element("SubjectData", {"SubjectKey": subject.key})
    if transactional:
        row.set("TransactionType", "Context")
    if subject.site:
        SubElement(row, "SiteRef", {"LocationOID": subject.site})
    for event in subject.events:
        act = {"TransactionType": "Remove" if event.removed else "Upsert"} if transactional else {}
        _add_event(row, event, act)
    return row


def _add_event(row: Element, event: EventDay, act: dict[str, str]) -> None:
    repeat = {"StudyEventRepeatKey": event.repeat_key} if event.repeat_key else {}
    data = SubElement(row, "StudyEventData", {"StudyEventOID": event.event_oid, **repeat, **act})
    if event.item and event.day and not event.removed:
        form = SubElement(data, "FormData", {"FormOID": event.item.form_oid, **act})
        group = SubElement(form, "ItemGroupData", {"ItemGroupOID": event.item.item_group_oid, **act})
        SubElement(group, "ItemData", {"ItemOID": event.item.item_oid, "Value": event.day, **act})


def read_odm(raw: bytes, items: dict[str, DateItem]) -> tuple[str, list[SubjectDays]]:
    """Read a file's study OID and its events; `items` says by event OID where its day stands.

    An event without an item has its day as OpenClinica's StartDate. Raises OdmError.
    """
    root = _parsed(raw)
    if root.tag != f"{_ODM}ODM":
        raise OdmError("not_odm", given=str(root.tag))
    clinical = root.findall(f"{_ODM}ClinicalData")
    if len(clinical) != 1:
        raise OdmError("one_clinical_data", "ClinicalData", str(len(clinical)))
    study = _named(clinical[0], "StudyOID", "ClinicalData")
    return study, [_subject(row, items) for row in clinical[0].findall(f"{_ODM}SubjectData")]


def day_of(text: str) -> tuple[date, str]:
    """The day in a value, and the instant as it was written where it has an hour; raises ValueError."""
    text = text.strip()
    if len(text) == len("2026-12-07"):
        return date.fromisoformat(text), ""
    return datetime.fromisoformat(text).date(), text


def _parsed(raw: bytes) -> Element:
    from defusedxml.common import DefusedXmlException  # noqa: PLC0415  only where a file is read
    from defusedxml.ElementTree import ParseError, fromstring  # noqa: PLC0415

    try:
        root: Element = fromstring(raw, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    except DefusedXmlException as error:
        raise OdmError("not_allowed", given=type(error).__name__) from error
    except (ParseError, ValueError, LookupError) as error:  # an encoding that nobody knows is a LookupError
        raise OdmError("not_xml", given=str(error)) from error
    return root


def _subject(row: Element, items: dict[str, DateItem]) -> SubjectDays:
    key = _named(row, "SubjectKey", "SubjectData")
    site = row.find(f"{_ODM}SiteRef")
    where = "" if site is None else _named(site, "LocationOID", f"SubjectData[{key}]/SiteRef")
    removed = row.get("TransactionType") == "Remove"
    events = [
        _event(one, f"SubjectData[{key}]", items, removed=removed)
        for one in row.findall(f"{_ODM}StudyEventData")
    ]
    return SubjectDays(key, where, events)


def _event(row: Element, where: str, items: dict[str, DateItem], *, removed: bool) -> EventDay:
    oid = _named(row, "StudyEventOID", f"{where}/StudyEventData")
    item = items.get(oid)
    found = list(_items(row, item)) if item else [row]
    days = {_day(one, by_item=item is not None) for one in found} - {None}
    if len(days) > 1:
        raise OdmError("several_days", f"{where}/StudyEventData[{oid}]", ", ".join(sorted(map(str, days))))
    audit = next((one for one in (*found, row) if one.find(f"{_ODM}AuditRecord") is not None), row)
    return EventDay(
        event_oid=oid,
        repeat_key=row.get("StudyEventRepeatKey", "")[:LONGEST],
        day=next(iter(days), None),
        item=item,
        reason=_said(audit, "ReasonForChange"),
        stamped=_said(audit, "DateTimeStamp"),
        source=_said(audit, "SourceID"),
        removed=removed or row.get("TransactionType") == "Remove",
    )


def _items(event: Element, item: DateItem) -> Iterator[Element]:
    """The data of the date item, in whichever of the event's forms and groups the map names."""
    for form in event.findall(f"{_ODM}FormData"):
        if item.form_oid and form.get("FormOID") != item.form_oid:
            continue
        for group in form.findall(f"{_ODM}ItemGroupData"):
            if item.item_group_oid and group.get("ItemGroupOID") != item.item_group_oid:
                continue
            # typed items (ItemDataDate and its kin) hold their value as text
            yield from (one for one in group if one.get("ItemOID") == item.item_oid)


def _day(row: Element, *, by_item: bool) -> str | None:
    if not by_item:
        return (row.get(f"{{{OPENCLINICA}}}StartDate") or "").strip() or None
    value = row.get("Value")
    text = (row.text or "") if value is None else value
    return text.strip() or None


def _said(row: Element, name: str) -> str:
    found = row.find(f"{_ODM}AuditRecord/{_ODM}{name}")
    return "" if found is None else (found.text or "").strip()


def _named(row: Element, attribute: str, where: str) -> str:
    value = (row.get(attribute) or "").strip()
    if not value or len(value) > LONGEST:
        raise OdmError("missing_attribute", f"{where}/@{attribute}", value)
    return value
