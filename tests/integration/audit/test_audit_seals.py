"""Tampering behind the application's back: found, and the entry named."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection

from trials.audit.triggers import lay_triggers
from trials.domain.audit.chain import Head
from trials.models import AuditEntry, AuditLink, AuditSeal, Site
from trials.services.audit.sealing import read_heads, seal_audit, verify_audit

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
ENTRIES = 20


@pytest.fixture
def sealed() -> AuditSeal:
    for number in range(ENTRIES // 2):
        Site.objects.create(code=f"S{number}", name="a")
    first = seal_audit(now=NOW)
    Site.objects.update(name="b")
    seal = seal_audit(now=NOW)
    assert first
    assert seal
    assert (first.first, first.last, seal.first, seal.last) == (1, 10, 11, 20)
    return seal


@contextmanager
def behind_its_back() -> Iterator[Callable[[str], None]]:
    """A database administrator who takes the guards away and lays them again."""
    tables = ("trials_auditentry", "trials_auditlink", "trials_auditseal")
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            for table in tables:
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        else:
            cursor.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE '%append_only%'"
            )
            for (name,) in cursor.fetchall():
                cursor.execute(f"DROP TRIGGER {name}")
        yield cursor.execute
        if connection.vendor == "postgresql":
            for table in tables:
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    if connection.vendor == "sqlite":
        lay_triggers(apps.get_app_config("trials"), "default")


def entry_ids() -> list[int]:
    return list(AuditLink.objects.order_by("number").values_list("entry_id", flat=True))


def alter(run: Callable[[str], None], ids: list[int], at: int) -> tuple[str, int | None]:
    column = random.Random(at).choice(["actor", "reason", "old", "new", "action", "object_id", "cause"])
    # the database refuses an action that is none, so one that is takes its place
    forged = "CASE action WHEN 'create' THEN 'change' ELSE 'create' END" if column == "action" else "'forged'"
    run(f"UPDATE trials_auditentry SET {column} = {forged} WHERE id = {ids[at]}")
    return "altered", ids[at]


def remove(run: Callable[[str], None], ids: list[int], at: int) -> tuple[str, int | None]:
    run(f"DELETE FROM trials_auditentry WHERE id = {ids[at]}")
    return "removed", ids[at]


def remove_with_link(run: Callable[[str], None], ids: list[int], at: int) -> tuple[str, int | None]:
    run(f"DELETE FROM trials_auditlink WHERE entry_id = {ids[at]}")
    run(f"DELETE FROM trials_auditentry WHERE id = {ids[at]}")
    return ("cut off" if at == len(ids) - 1 else "removed"), None


def insert(run: Callable[[str], None], ids: list[int], at: int) -> tuple[str, int | None]:
    """An entry smuggled in among sealed ones, with a number from before them all."""
    columns = "at, act, actor, roles, cause, reason, action, model, object_id, old, new"
    run(
        f"INSERT INTO trials_auditentry (id, {columns}) SELECT {-at - 1}, {columns} "
        f"FROM trials_auditentry WHERE id = {ids[at]}"
    )
    return "inserted", -at - 1


def swap(run: Callable[[str], None], ids: list[int], at: int) -> tuple[str, int | None]:
    other = ids[at - 1] if at else ids[1]
    one, two = sorted((ids[at], other))
    for source, to in ((one, -999999), (two, one), (-999999, two)):
        run(f"UPDATE trials_auditentry SET id = {to} WHERE id = {source}")
    return "altered", one


def cut_off(run: Callable[[str], None], ids: list[int], at: int) -> tuple[str, int | None]:
    """Everything from an entry on is gone: entries, links and the seals that covered them."""
    first = AuditLink.objects.get(entry_id=ids[at]).number
    run(f"DELETE FROM trials_auditseal WHERE last >= {first}")
    run(f"DELETE FROM trials_auditlink WHERE number >= {first}")
    run(f"DELETE FROM trials_auditentry WHERE id >= {ids[at]}")
    return "cut off", None


TAMPERINGS = [alter, remove, remove_with_link, insert, swap, cut_off]
CASES = int(os.environ.get("DAYZERO_AUDIT_CASES", "200"))


@pytest.mark.parametrize("cases", [4 * len(TAMPERINGS), pytest.param(CASES, marks=pytest.mark.long)])
def test_tampering_is_found_and_the_entry_named(sealed: AuditSeal, cases: int) -> None:
    """Each kind four times in every lane, 200 in the long one; DAYZERO_AUDIT_CASES=10000 for more."""
    ids, heads = entry_ids(), [Head(sealed.last, sealed.head)]
    choose = random.Random(20261121)
    with behind_its_back() as run, connection.cursor() as cursor:
        for case in range(cases):
            tamper = TAMPERINGS[case % len(TAMPERINGS)]
            at = choose.randrange(len(ids))
            cursor.execute("SAVEPOINT tampering")
            kind, entry = tamper(run, ids, at)
            found = verify_audit(heads=heads).fault
            cursor.execute("ROLLBACK TO SAVEPOINT tampering")
            assert found is not None, (tamper.__name__, at)
            assert found.kind == kind, (tamper.__name__, at, found)
            assert entry is None or found.entry == entry, (tamper.__name__, at, found)
    assert verify_audit(heads=heads).fault is None


def test_a_chain_written_again_from_the_start_is_found_by_its_old_head(sealed: AuditSeal) -> None:
    with behind_its_back() as run:
        run("UPDATE trials_auditentry SET actor = 'somebody else'")
        run("DELETE FROM trials_auditseal")
        run("DELETE FROM trials_auditlink")
    seal_audit(now=NOW)
    assert verify_audit(heads=[]).fault is None, "without the old head nobody can know"
    found = verify_audit(heads=[Head(sealed.last, sealed.head)]).fault
    assert found is not None
    assert found.kind == "rewritten"


def test_what_is_not_yet_sealed_is_reported(sealed: AuditSeal) -> None:
    Site.objects.create(code="NEW", name="n")
    found = verify_audit(heads=[])
    assert (found.fault, found.sealed, found.unsealed) == (None, ENTRIES, 1)


def test_sealing_twice_adds_nothing(sealed: AuditSeal) -> None:
    assert seal_audit(now=NOW) is None


def test_the_commands_hand_heads_out_and_check_against_them(tmp_path, capsys, sealed: AuditSeal) -> None:
    heads = tmp_path / "heads.jsonl"
    Site.objects.create(code="NEW", name="n")
    call_command("seal_audit", to=heads)
    assert [head.last for head in read_heads(heads)] == [21]
    call_command("verify_audit", heads=heads)
    assert "The trail is whole." in capsys.readouterr().out
    with behind_its_back() as run:
        cut_off(run, entry_ids(), 20)
    with pytest.raises(CommandError, match="cut off: 1 of 21 sealed entries"):
        call_command("verify_audit", heads=heads)
    assert AuditEntry.objects.count() == ENTRIES
