"""A plan as a table for the terminal, readable without colour and marking what is assumed."""

from __future__ import annotations

from datetime import date
from typing import Any

from trials.domain.protocols.protocol import Protocol

ASSUMED = "assumed"
_HEAD = ("DAY", "VISIT", "LABEL", "OPENS", "TARGET", "CLOSES", "PLACE", "TIMING", "TOLERANCE")


def render(protocol: Protocol, document: dict[str, Any]) -> str:
    """The whole plan: head, anchors, visits, protocol windows, warnings and a legend."""
    suggested = document["calendar"] is not None
    parts = [
        f"{document['trial']}  {protocol.title}",
        f"version {document['version']}  {document['digest'][:19]}…",
        f"holiday calendar: {document['calendar'] or 'none'}",
        "",
        "Anchors",
        *_lines(("ANCHOR", "DAY", "KIND"), [_anchor(code, day) for code, day in document["anchors"].items()]),
        "",
        "Visits",
        *_lines(_head(suggested), [_visit(visit, suggested) for visit in document["visits"]]),
    ]
    if document["windows"]:
        head = ("WINDOW", "KIND", "STARTS", "ENDS", "BASIS")
        parts += ["", "Protocol windows", *_lines(head, [_window(window) for window in document["windows"]])]
    if document["warnings"]:
        parts += ["", "Warnings", *(f"  ! {w['code']}: {w['message']}" for w in document["warnings"])]
    parts += ["", "~ marks what is assumed: no record states it; – is not known yet."]
    return "\n".join(parts)


def _head(suggested: bool) -> tuple[str, ...]:
    return (*_HEAD[:6], "SUGGESTED", *_HEAD[6:]) if suggested else _HEAD


def _anchor(code: str, anchor: dict[str, Any]) -> tuple[str, ...]:
    at = f" {anchor['at'][11:]}" if anchor["at"] else ""
    return code, _day(anchor["date"]) + at, anchor["kind"] + _mark(ASSUMED if anchor["assumed"] else None)


def _visit(visit: dict[str, Any], suggested: bool) -> tuple[str, ...]:
    days = [_day(visit[key]) for key in ("opens", "target", "closes")]
    if suggested:
        days.append(_day(visit["suggested"]) if visit["suggested"] != visit["target"] else "=")
    basis = visit["basis"]
    tolerance = f"{_tolerance(visit)}{_mark(basis['tolerance'])}"
    head = visit["day_label"] or "", visit["code"], visit["label"]
    return (*head, *days, visit["place"], f"{basis['timing']}{_mark(basis['timing'])}", tolerance)


def _tolerance(visit: dict[str, Any]) -> str:
    if visit["basis"]["tolerance"] is None:
        return "range"
    opens, target, closes = (date.fromisoformat(visit[key]) for key in ("opens", "target", "closes"))
    before, after = (target - opens).days, (closes - target).days
    return f"±{before}" if before == after else f"−{before} +{after}"


def _window(window: dict[str, Any]) -> tuple[str, ...]:
    ends = (_day(window["starts"]), _day(window["ends"]))
    return (window["code"], window["kind"], *ends, _basis(window))


def _mark(basis: str | None) -> str:
    return " ~" if basis == ASSUMED else ""


def _day(text: str | None) -> str:
    """A day with its weekday, an instant with its hour; a dash for what is not known."""
    if text is None:
        return "–"
    weekday = f"{date.fromisoformat(text[:10]):%a}"
    return f"{weekday} {text.replace('T', ' ')}"


def _lines(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    return [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (head, *rows)
    ]


def _basis(window: dict[str, Any]) -> str:
    """A window's basis; marked also where the day it counts from is assumed."""
    if window["basis"] != ASSUMED and window["days_assumed"]:
        return f"{window['basis']}, from a day ~"
    return f"{window['basis']}{_mark(window['basis'])}"
