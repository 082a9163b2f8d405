"""Sealing the audit trail and finding out whether anybody touched it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from trials.domain.audit_chain import START, Fault, Head, chain, first_fault
from trials.models import AuditLink, AuditSeal
from trials.notifications import send_head
from trials.selectors_audit import linked_entries, stray_entry, unsealed_count, unsealed_entries
from trials.services.loading import load_rows

BATCH = 5000


@dataclass(frozen=True, slots=True)
class Verification:
    """What a check of the trail found: the first fault if any, and how much is sealed and not yet."""

    fault: Fault | None
    sealed: int
    unsealed: int


@transaction.atomic
def seal_audit(*, now: datetime) -> AuditSeal | None:
    """Chain every entry that is not sealed yet and close the stretch; None where there is nothing new.

    Writers wait while this runs, so that no entry can commit later with an earlier number.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE trials_auditentry, trials_auditlink IN SHARE ROW EXCLUSIVE MODE")
    end = AuditLink.objects.order_by("-number").first()
    first, head = (end.number + 1, end.hash) if end else (1, START)
    number = first
    for batch in _batches(unsealed_entries()):
        hashes = list(chain(batch, head))
        linked = enumerate(zip(batch, hashes, strict=True), start=number)
        load_rows(
            AuditLink, ("number", "entry_id", "hash"), ((n, entry[0], link) for n, (entry, link) in linked)
        )
        number, head = number + len(batch), hashes[-1]
    if number == first:
        return None
    return AuditSeal.objects.create(first=first, last=number - 1, head=head, sealed_at=now)


def seal_and_hand_out(*, now: datetime) -> AuditSeal | None:
    """Seal, and hand the heads to wherever the settings say: a file, e-mail addresses, both or nowhere.

    Heads that did not reach the file before (it could not be written then) are handed out with the
    next one. Raises OSError or SMTPException where something does not leave; what is sealed stays.
    """
    seal = seal_audit(now=now)
    if settings.AUDIT_HEADS_FILE:
        hand_out_missing(to=Path(settings.AUDIT_HEADS_FILE))
    if seal and settings.AUDIT_HEADS_TO:
        send_head(seal, settings.AUDIT_HEADS_TO)
    return seal


def hand_out_missing(*, to: Path) -> int:
    """Append the head of every seal that the file lacks; gives how many."""
    handed = max((head.last for head in read_heads(to)), default=0) if to.exists() else 0
    seals = list(AuditSeal.objects.filter(last__gt=handed).order_by("last"))
    for seal in seals:
        hand_out(seal=seal, to=to)
    return len(seals)


def hand_out(*, seal: AuditSeal, to: Path) -> None:
    """Append the head of a seal to a file that should live on another machine: one JSON object a line."""
    line = json.dumps({"last": seal.last, "head": seal.head, "sealed_at": seal.sealed_at.isoformat()})
    with to.open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def read_heads(source: Path) -> list[Head]:
    """The heads that `hand_out` wrote to a file."""
    lines = source.read_text(encoding="utf-8").splitlines()
    return [Head(row["last"], row["head"]) for row in map(json.loads, lines)]


def verify_audit(*, heads: list[Head]) -> Verification:
    """Recompute the whole chain and compare it with itself, its seals and the heads handed out.

    Names the first entry that was altered, removed, inserted or cut off.
    """
    seals = [Head(last, head) for last, head in AuditSeal.objects.values_list("last", "head")]
    fault = first_fault(linked_entries(), [*seals, *heads])
    sealed = AuditLink.objects.count()
    return Verification(fault or _inserted(), sealed, unsealed_count())


def _inserted() -> Fault | None:
    """An entry without a link whose number lies before the last sealed one was put there afterwards."""
    stray = stray_entry()
    if stray is None:
        return None
    return Fault(0, stray, "inserted", f"entry {stray} stands among sealed entries without being sealed")


def _batches(entries: Iterator[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    while batch := list(islice(entries, BATCH)):
        yield batch
