"""Dates a protocol for chosen anchors: no database, no participant."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from datetime import MAXYEAR, MINYEAR, date
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import CommandParser

from schedules.domain.plan.document import plan_document
from schedules.domain.plan.projection import project
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.management.plan_table import render
from trials.domain.errors import DomainError, ProtocolInvalid
from trials.domain.protocols.protocol import Protocol
from trials.domain.sites.wall_clock import HourError, HourTwice, instant_from
from trials.domain.sites.working_days import WorkingDays
from trials.formats.protocols.library import codes, load_named
from trials.formats.protocols.yaml import digest
from trials.formats.sites.holiday_calendars import calendar_names, load_calendar
from trials.management.one_line import OneLineCommand, one_line_error

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}([+-]\d{2}:\d{2})?)?")
NO_CALENDAR = "none"
_YEARS_BEFORE, _YEARS_AFTER = 1, 5


class Command(OneLineCommand):
    """`manage.py plan TRIAL --on ANCHOR=DATE`."""

    help = "Print the dated plan that a protocol makes of the anchors given."

    def remedy(self) -> str:
        """Return what stands behind a refusal of the arguments."""
        return " (manage.py plan --help says what is possible)"

    def add_arguments(self, parser: CommandParser) -> None:
        """The options; DATE is 2026-12-07 or 2026-12-07T14:00, in the protocol's zone or with an offset."""
        add = parser.add_argument
        add(
            "trial",
            metavar="TRIAL",
            nargs="?",
            help=f"one of {', '.join(codes())}, or the path of a document",
        )
        add("--on", metavar="ANCHOR=DATE", action="append", default=[], help="plan this anchor on this day")
        add("--actual", metavar="ANCHOR=DATE", action="append", default=[], help="this anchor happened then")
        add("--with", metavar="TRAIT", nargs="+", action="extend", default=[], dest="traits")
        add("--format", choices=["table", "json", "csv"], default="table")
        add("--calendar", default=NO_CALENDAR, help="holiday calendar for suggested days, such as CN")
        add("--zone", help="the site's time zone, where it is not the protocol's")

    def handle(self, *args: Any, **options: Any) -> None:
        """Read everything, plan, print; anything wrong is one line and exit 2."""
        try:
            self._print(options)
        except ProtocolInvalid as error:
            raise one_line_error(
                f"{error.name} has faults: {error.problems[0]} (see check_protocol)"
            ) from error
        except (DomainError, OSError, OverflowError) as error:
            raise one_line_error(str(error)) from error

    def _print(self, options: dict[str, Any]) -> None:
        name, traits = _trial_and_traits(options["trial"], options["traits"])
        protocol = load_named(name).protocol
        _check_codes("trait", traits, [trait.code for trait in protocol.traits], protocol.trial)
        zone = _zone(options["zone"] or protocol.zone)
        anchors = _anchors(protocol, options, zone)
        calendar = _calendar(options["calendar"], anchors)
        plan = project(protocol, anchors, frozenset(traits), calendar, zone=zone)
        document = plan_document(plan, digest(protocol))
        if options["format"] == "json":
            self.stdout.write(json.dumps(document, ensure_ascii=False, indent=2))
        elif options["format"] == "csv":
            _write_csv(document, self.stdout)
        else:
            self.stdout.write(render(protocol, document))


def _trial_and_traits(trial: str | None, traits: list[str]) -> tuple[str, list[str]]:
    """Give the trial and the traits; a TRIAL that stands last was read as the last trait of --with."""
    if trial is None and traits:
        return traits[-1], traits[:-1]
    if trial is None:
        raise one_line_error(f"no TRIAL given: possible are {', '.join(codes())}, or the path of a document")
    return trial, traits


def _check_codes(what: str, given: Sequence[str], possible: Sequence[str], trial: str) -> None:
    for code in given:
        if code not in possible:
            listed = ", ".join(possible) or "none"
            raise one_line_error(f"unknown {what} {code!r}{_meant(code, possible)}: {trial} has {listed}")


def _meant(given: str, possible: Sequence[str]) -> str:
    near = get_close_matches(given, possible, n=1)
    return f" (did you mean {near[0]}?)" if near else ""


def _anchors(protocol: Protocol, options: dict[str, Any], zone: ZoneInfo) -> dict[str, AnchorDay]:
    possible = [anchor.code for anchor in protocol.anchors]
    given: dict[str, AnchorDay] = {}
    for kind, texts in ((AnchorKind.PLANNED, options["on"]), (AnchorKind.ACTUAL, options["actual"])):
        for text in texts:
            code, equals, day = text.partition("=")
            if not equals:
                raise one_line_error(f"{text!r} is not ANCHOR=DATE, such as {protocol.day_zero}=2026-12-07")
            _check_codes("anchor", [code], possible, protocol.trial)
            if code in given and given[code].kind is kind:
                raise one_line_error(f"{code} is given twice: {given[code].day} and {day}")
            given[code] = _anchor_day(day, kind, zone)
    if not given:
        raise one_line_error(f"no anchor given: use --on ANCHOR=DATE with one of {', '.join(possible)}")
    return given


def _anchor_day(text: str, kind: AnchorKind, zone: ZoneInfo) -> AnchorDay:
    remedy = "write a day as 2026-12-07 or an hour as 2026-12-07T14:00, with its offset where it comes twice"
    if not _DATE.fullmatch(text):
        raise one_line_error(f"{text!r} is not a date: {remedy}")
    try:
        if "T" not in text:
            return AnchorDay(date.fromisoformat(text), kind)
        return AnchorDay.at_instant(instant_from(text, zone), kind)
    except HourTwice as error:
        both = " or ".join(at.isoformat(timespec="minutes") for at in error.instants)
        raise one_line_error(f"{text!r} comes twice in {zone.key}: write {both}") from error
    except HourError as error:
        raise one_line_error(f"{text!r} in {zone.key}: {error} ({remedy})") from error
    except (ValueError, OverflowError) as error:
        raise one_line_error(f"{text!r} is not a date ({error}): {remedy}") from error


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise one_line_error(f"unknown zone {name!r}: use an IANA name such as Asia/Shanghai") from error


def _calendar(name: str, anchors: dict[str, AnchorDay]) -> WorkingDays | None:
    if name == NO_CALENDAR:
        return None
    if name not in calendar_names():
        possible = [NO_CALENDAR, *calendar_names()]
        hint = _meant(name.lower(), possible) or _meant(name.upper(), possible)
        raise one_line_error(f"unknown calendar {name!r}{hint}: possible are {', '.join(possible)}")
    years = [anchor.day.year for anchor in anchors.values()]
    first, last = max(MINYEAR, min(years) - _YEARS_BEFORE), min(MAXYEAR, max(years) + _YEARS_AFTER)
    return load_calendar(name, first, last)


def _write_csv(document: dict[str, Any], stream: Any) -> None:
    columns = [
        "code", "label", "epoch", "timing", "offset", "day", "day_label", "anchor", "place",
        "opens", "target", "closes", "suggested", "timing_basis", "tolerance_basis", "block", "because",
    ]  # fmt: skip
    writer = csv.DictWriter(stream, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for visit in document["visits"]:
        basis = visit["basis"]
        writer.writerow(visit | {"timing_basis": basis["timing"], "tolerance_basis": basis["tolerance"]})
