"""Handing the heads of the sealed trail to the outside: a file on another machine, e-mail addresses."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db.models import Max

from trials.domain.audit.chain import Head, HeadsAtOdds, epoch_of, standing_heads
from trials.models import AuditEpoch, AuditLink, AuditMail, AuditSeal
from trials.notifications import send_heads
from trials.selectors.audit.chain import stored_epochs

IN_ONE_MAIL = 100
"""The newest head covers those before it, so an e-mail that was long overdue need not hold them all."""


def hand_out_missing(*, to: Path, newest_only: bool = False) -> int:
    """Append the head of every seal that the file lacks (or the newest alone); gives how many."""
    epochs = stored_epochs()
    handed = {(head.epoch, head.last) for head in read_heads(to)} if to.exists() else set()
    seals = AuditSeal.objects.order_by("last").values_list("last", "head", "sealed_at")
    lines = [
        {"last": last, "head": head, "sealed_at": sealed_at.isoformat(), "epoch": epoch}
        for last, head, sealed_at in seals
        if ((epoch := epoch_of(last, epochs)), last) not in handed
    ]
    if newest_only:
        lines = lines[-1:]
    append_lines(lines, to=to)
    return len(lines)


def mail_missing(*, to: Sequence[str], now: datetime) -> int:
    """Send the heads that have not left by e-mail yet, in one message; gives how many seals they cover."""
    sealed = AuditSeal.objects.aggregate(last=Max("last"))["last"] or 0
    sent = AuditMail.objects.filter(last__lte=sealed).aggregate(last=Max("last"))["last"] or 0
    missing = list(AuditSeal.objects.filter(last__gt=sent).order_by("-last"))
    if not missing:
        return 0
    send_heads(missing[:IN_ONE_MAIL], to)
    AuditMail.objects.create(last=missing[0].last, sent_at=now)
    return len(missing)


def append_lines(lines: Sequence[dict[str, Any]], *, to: Path) -> None:
    """Append JSON objects to the file, one a line; one that was half written before is closed first."""
    if not lines:
        return
    with to.open("ab+") as file:
        if file.tell():
            file.seek(-1, 2)
            if file.read(1) != b"\n":
                file.write(b"\n")
        file.write("".join(json.dumps(line) + "\n" for line in lines).encode())


def read_heads(source: Path) -> list[Head]:
    """Give the heads in a file; a line that is none (half written, an epoch's) is passed over."""
    return parse_heads(source)[0]


def parse_heads(source: Path) -> tuple[list[Head], list[int]]:
    """Give the heads in a file, and the numbers of the lines that cannot be read."""
    heads, unreadable = [], []
    text = source.read_bytes().decode("utf-8", errors="replace")
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            if "opened_at" not in row:
                heads.append(Head(int(row["last"]), str(row["head"]), int(row.get("epoch", 0))))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            unreadable.append(number)
    return heads, unreadable


def refuse_at_odds(heads: Sequence[Head]) -> None:
    """Raise HeadsAtOdds where the chain does not hold the newest head that left, as after a restore."""
    newest = max(standing_heads(heads, stored_epochs()), key=lambda head: head.last, default=None)
    if newest is None:
        return
    link = AuditLink.objects.filter(number=newest.last).values_list("hash", flat=True).first()
    if link != newest.hash:
        end = AuditLink.objects.aggregate(last=Max("number"))["last"] or 0
        raise HeadsAtOdds(newest.last, end)


def next_epoch(heads: Sequence[Head]) -> int:
    """Give the number of the epoch to open: above those stored and those that heads name."""
    numbers = [epoch.number for epoch in stored_epochs()]
    return max([0, *numbers, *(head.epoch for head in heads)]) + 1


def epoch_line(epoch: AuditEpoch) -> dict[str, Any]:
    """Give what is handed out of an epoch, so that a reader of the file learns of it."""
    return {
        "epoch": epoch.number,
        "after": epoch.after,
        "head": epoch.head,
        "reason": epoch.reason,
        "opened_at": epoch.opened_at.isoformat(),
    }
