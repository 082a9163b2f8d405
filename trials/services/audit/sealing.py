"""Sealing the audit trail and finding out whether anybody touched it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction

from trials.audit.acts import recorded
from trials.domain.audit.chain import (
    START,
    Entry,
    EpochImpossible,
    Fault,
    Head,
    Stray,
    chain,
    first_fault,
    standing_heads,
)
from trials.models import AuditEpoch, AuditLink, AuditSeal, User
from trials.notifications import send_strays
from trials.selectors.audit.chain import (
    end_of_chain,
    entries_after,
    linked_entries,
    stored_epochs,
    unsealed_count,
    unsealed_entries,
)
from trials.services.audit.heads import (
    append_lines,
    epoch_line,
    hand_out_missing,
    mail_missing,
    next_epoch,
    read_heads,
    refuse_at_odds,
)
from trials.services.store.loading import load_rows

__all__ = [
    "hand_out_missing",
    "open_epoch",
    "read_heads",
    "seal_and_hand_out",
    "seal_audit",
    "strays",
    "verify_audit",
]
BATCH = 5000
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Verification:
    """What a check of the trail found: the first fault if any, and how much is sealed and not yet.

    `epochs` were opened since the trail began, `superseded` heads belong to what a restore has lost.
    """

    fault: Fault | None
    sealed: int
    unsealed: int
    epochs: tuple[AuditEpoch, ...] = ()
    superseded: int = 0


def seal_audit(*, now: datetime, admit: bool = False) -> AuditSeal | None:
    """Chain every entry that continues the chain and close the stretch; None where there is nothing new.

    A stray (inserted with a number or a time from before) is left out and named in the log, each time,
    unless `admit` says to take it in. Writers wait while it is sealed, so that no entry can commit later
    with an earlier number: so only what came after the last seal is read then, whatever the trail's length.
    The whole trail is looked through for strays afterwards, while nobody waits.
    """
    seal = _sealed(now, admit=admit)
    _name(strays())
    return seal


@transaction.atomic
def _sealed(now: datetime, *, admit: bool) -> AuditSeal | None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE trials_auditentry, trials_auditlink IN SHARE ROW EXCLUSIVE MODE")
    end = AuditLink.objects.order_by("-number").first()
    first, head = (end.number + 1, end.hash) if end else (1, START)
    number, continuation = first, end_of_chain()
    entries = unsealed_entries() if admit else continuation.taken(entries_after(continuation.last_entry))
    for batch in _batches(entries):
        hashes = list(chain(batch, head))
        linked = enumerate(zip(batch, hashes, strict=True), start=number)
        load_rows(
            AuditLink, ("number", "entry_id", "hash"), ((n, entry[0], link) for n, (entry, link) in linked)
        )
        number, head = number + len(batch), hashes[-1]
    if number == first:
        return None
    return AuditSeal.objects.create(first=first, last=number - 1, head=head, sealed_at=now)


def _name(found: Sequence[Stray]) -> None:
    for stray in found[:20]:
        logger.error("The audit trail holds an entry that was not sealed: %s, %s", stray.entry, stray.why)


def strays() -> list[Stray]:
    """The entries that sealing refuses, by their numbers; what is merely new is not among them.

    It reads the numbers of the whole trail.
    """
    continuation = end_of_chain()
    for _entry in continuation.taken(unsealed_entries()):
        pass
    return continuation.strays


def seal_and_hand_out(*, now: datetime, to: Path | None = None) -> AuditSeal | None:
    """Seal, and hand the heads to wherever the settings say: a file, e-mail addresses, both or nowhere.

    Heads that did not reach the file or the addresses before are handed out now, whether anything new
    was sealed or not; one way out that fails does not stop the other. Raises HeadsAtOdds, with nothing
    sealed, where the chain lacks a head that left; OSError or SMTPException where something does not
    leave; what is sealed stays.
    """
    file = to or (Path(settings.AUDIT_HEADS_FILE) if settings.AUDIT_HEADS_FILE else None)
    begins = to is not None and not to.exists()  # a new file that somebody names begins with the newest head
    if file and file.exists():
        refuse_at_odds(read_heads(file))
    seal = seal_audit(now=now)
    ways: list[Callable[[], object]] = []
    if file:
        ways.append(lambda: hand_out_missing(to=file, newest_only=begins))
    if settings.AUDIT_HEADS_TO:
        ways.append(lambda: _mail(settings.AUDIT_HEADS_TO, now))
    _try_each(ways)
    return seal


def _try_each(ways: Iterable[Callable[[], object]]) -> None:
    """Hand heads out by each of these ways, and raise what the first that failed raised."""
    failed: list[Exception] = []
    for way in ways:
        try:
            way()
        except Exception as error:  # noqa: BLE001  whatever a disk or a mail server says, the other way is tried
            failed.append(error)
    for later in failed[1:]:
        logger.error("A head of the audit trail did not leave: %s", type(later).__name__)
    if failed:
        raise failed[0]


def _mail(to: Sequence[str], now: datetime) -> None:
    """Send what is missing, and with it what sealing refused: no message every ten minutes for the latter."""
    if mail_missing(to=to, now=now) and (found := strays()):
        send_strays(found, to)


@recorded
def open_epoch(
    *,
    by: User | None,
    reason: str,
    now: datetime,
    after: int | None = None,
    admit: bool = False,
    file: Path | None = None,
) -> AuditEpoch:
    """Begin a new epoch of the chain after a restore, or to admit strays; it is recorded with its reason.

    `after` is the last link that the restored backup held (without it: the last there is). With
    `admit`, the entries that sealing refuses are sealed behind it. Raises EpochImpossible where no
    reason is given or there is no such link.
    """
    if not reason.strip():
        raise EpochImpossible("Give a reason with --reason: it is kept in the audit trail.")
    last, head = _end_after(after)
    heads = read_heads(file) if file and file.exists() else []
    epoch = AuditEpoch.objects.create(
        number=next_epoch(heads),
        after=last,
        head=head,
        reason=reason,
        opened_at=now,
        admitted=admit,
    )
    if admit:
        seal_audit(now=now, admit=True)
    if file:
        append_lines([epoch_line(epoch)], to=file)
    return epoch


def _end_after(number: int | None) -> tuple[int, str]:
    """The number and hash of this link, of the last one for None; those of an empty chain where none is.

    Raises EpochImpossible for a link that there is not.
    """
    links = AuditLink.objects.order_by("-number")
    link = links.first() if number is None else links.filter(number=number).first()
    if number and link is None:
        raise EpochImpossible(f"There is no link {number}: name the last link that the backup held.")
    return (link.number, link.hash) if link else (0, START)


def verify_audit(*, heads: list[Head]) -> Verification:
    """Recompute the whole chain and compare it with itself, its seals and the heads handed out.

    Names the first entry that was altered, removed, inserted or cut off.
    """
    seals = [Head(last, head) for last, head in AuditSeal.objects.values_list("last", "head")]
    standing = standing_heads(heads, stored_epochs())
    fault = first_fault(linked_entries(), [*seals, *standing])
    return Verification(
        fault=fault or _inserted(),
        sealed=AuditLink.objects.count(),
        unsealed=unsealed_count(),
        epochs=tuple(AuditEpoch.objects.order_by("number")),
        superseded=len(heads) - len(standing),
    )


def _inserted() -> Fault | None:
    """An entry that does not continue the chain was put there by somebody."""
    stray = next(iter(strays()), None)
    if stray is None:
        return None
    return Fault(0, stray.entry, "inserted", f"entry {stray.entry} is not sealed: {stray.why}")


def _batches(entries: Iterator[Entry]) -> Iterator[list[Entry]]:
    while batch := list(islice(entries, BATCH)):
        yield batch
