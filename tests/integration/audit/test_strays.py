"""An attacker with SQL access inserts an entry; a backup is restored. Sealing and verifying say so."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse

from tests.cast import a_site
from trials.domain.audit.chain import HeadsAtOdds
from trials.models import AuditEntry, AuditEpoch, AuditLink, AuditSeal, User
from trials.services.audit import sealing
from trials.services.audit.sealing import read_heads, seal_and_hand_out, seal_audit, strays, verify_audit

pytestmark = pytest.mark.django_db
GUARD = "dayzero_append_only_trials_auditentry_insert"


def now() -> datetime:
    return datetime.now(UTC)


def ago(days: int) -> str:
    at = f"{now() - timedelta(days=days):%Y-%m-%d %H:%M:%S.%f}"
    return f"timestamptz '{at}+00'" if connection.vendor == "postgresql" else f"'{at[:-3]}'"


def forge(number: str, at: str) -> None:
    """An entry written by hand: a coordinator is said to have recorded a dose that nobody gave."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO trials_auditentry (id, at, act, actor, roles, cause, reason, action, model, "
            f"object_id, old, new) VALUES ({number}, {at}, 'a', 'lin', 'coordinator', 'POST visit-deed', "
            "'', 'create', 'schedules.visit', '1', '', '{}')"
        )


@contextmanager
def guard_taken_away() -> Iterator[None]:
    """Anyone who owns the tables: no guard of the application holds them."""
    with connection.cursor() as cursor:
        on = " ON trials_auditentry" if connection.vendor == "postgresql" else ""
        cursor.execute(f"DROP TRIGGER {GUARD}{on}")
    yield


FORGED = {
    "with a low number, ninety days old": ("-5", ago(90)),
    "with a low number and the time of now": ("0", ago(0)),
    "with the next number, ninety days old": ("NEXT", ago(90)),
    "with the next number, of tomorrow": ("NEXT", ago(-1)),
}


@pytest.mark.parametrize("way", FORGED)
def test_nobody_inserts_an_entry_beside_the_triggers(way: str) -> None:
    a_site()
    number, at = FORGED[way]
    following = str((AuditEntry.objects.latest("id").pk or 0) + 1)
    with pytest.raises(DatabaseError, match="written by its triggers alone"), transaction.atomic():
        forge(number.replace("NEXT", following), at)
    with pytest.raises(DatabaseError, match="written by its triggers alone"), transaction.atomic():
        AuditEntry.objects.create(
            at=now(), actor="lin", action="create", model="schedules.visit", object_id="1"
        )
    a_site("B")
    assert AuditEntry.objects.filter(model="trials.site").count() == 2, "triggers write on"


@pytest.mark.parametrize("way", FORGED)
def test_a_forged_entry_is_refused_by_the_next_seal_loudly_and_what_is_right_is_sealed(
    way: str, caplog: pytest.LogCaptureFixture
) -> None:
    a_site("A")
    seal_audit(now=now())
    number, at = FORGED[way]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT nextval(pg_get_serial_sequence('trials_auditentry', 'id'))")
            following = cursor.fetchone()[0]
        else:
            following = AuditEntry.objects.latest("id").pk + 1
    with guard_taken_away():
        forged = number.replace("NEXT", str(following))
        forge(forged, at)
    a_site("B")
    assert (found := verify_audit(heads=[]).fault)
    assert (found.kind, found.entry) == ("inserted", int(forged))
    with caplog.at_level(logging.ERROR):
        assert seal_audit(now=now())
    assert f"not sealed: {forged}" in caplog.text
    assert [stray.entry for stray in strays()] == [int(forged)]
    assert not AuditLink.objects.filter(entry_id=int(forged)).exists()
    assert AuditLink.objects.filter(entry_id=AuditEntry.objects.latest("id").pk).exists()
    assert (found := verify_audit(heads=[]).fault)
    assert (found.kind, found.entry) == ("inserted", int(forged))
    with pytest.raises(CommandError, match="do not continue the trail"):
        call_command("seal_audit", to=None)


def test_a_number_that_the_database_never_gave_is_refused() -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite's counter follows whatever is inserted")
    a_site("A")
    seal_audit(now=now())
    with guard_taken_away():
        forge("1000000000", ago(0))
    a_site("B")
    assert seal_audit(now=now())
    assert [stray.entry for stray in strays()] == [1000000000]
    a_site("C")
    assert seal_audit(now=now()), "what comes later is sealed all the same"


def test_a_stray_leaves_with_the_heads_by_e_mail(settings: Any, mailoutbox: list[Any]) -> None:
    settings.AUDIT_HEADS_TO = ["qa@sponsor.example"]
    a_site("A")
    seal_and_hand_out(now=now())
    with guard_taken_away():
        forge("-5", ago(90))
    a_site("B")
    seal_and_hand_out(now=now())
    assert "entry -5" in mailoutbox[-1].body


def test_a_stray_that_comes_after_the_last_seal_leaves_with_the_next_head(
    settings: Any, mailoutbox: list[Any]
) -> None:
    settings.AUDIT_HEADS_TO = ["qa@sponsor.example"]
    a_site("A")
    seal_and_hand_out(now=now())
    following = (AuditEntry.objects.latest("id").pk or 0) + 1
    with guard_taken_away():
        forge(str(following), ago(90))
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT nextval(pg_get_serial_sequence('trials_auditentry', 'id'))")
    a_site("B")
    seal_and_hand_out(now=now())
    assert f"entry {following}" in mailoutbox[-1].body


def test_those_who_write_wait_for_what_came_after_the_last_seal_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each seal read the whole trail under the lock; it is looked through afterwards."""
    for place in range(30):
        a_site(f"S{place}")
    seal_audit(now=now())
    a_site("A")
    looked = strays()
    with monkeypatch.context() as without:
        without.setattr(sealing, "unsealed_entries", lambda: pytest.fail("the whole trail, under the lock"))
        without.setattr(sealing, "strays", lambda: looked)
        assert seal_audit(now=now())
    assert verify_audit(heads=[]).fault is None


def test_strays_that_are_right_are_admitted_with_a_reason_and_shown_ever_after(
    capsys: pytest.CaptureFixture[str],
) -> None:
    a_site("A")
    seal_audit(now=now())
    with guard_taken_away():
        forge("-5", ago(90))
    call_command("open_audit_epoch", reason="the clock was set back", admit=True)
    assert verify_audit(heads=[]).fault is None
    call_command("verify_audit", heads=None)
    assert "Strays admitted after link" in capsys.readouterr().out
    a_site("B")
    assert seal_audit(now=now())
    assert verify_audit(heads=[]).fault is None


def restore(after: int) -> None:
    """The database as a backup holds it: what was sealed after a link is gone, with its seals."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE '%append_only%'"
            )
            for (name,) in cursor.fetchall():
                cursor.execute(f"DROP TRIGGER {name}")
        else:
            for table in ("trials_auditentry", "trials_auditlink", "trials_auditseal"):
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        (entry,) = AuditLink.objects.filter(number=after).values_list("entry_id", flat=True)
        cursor.execute(f"DELETE FROM trials_auditseal WHERE last > {after}")
        cursor.execute(f"DELETE FROM trials_auditlink WHERE number > {after}")
        cursor.execute(f"DELETE FROM trials_auditentry WHERE id > {entry}")


def test_a_restore_opens_a_new_epoch_with_its_reason_and_the_chain_is_checked_from_there(
    tmp_path: Path, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "heads"
    settings.AUDIT_HEADS_FILE = str(file)
    for code in "ABC":
        a_site(code)
        seal_and_hand_out(now=now())
    kept = AuditSeal.objects.order_by("last")[0].last
    restore(kept)
    a_site("D")
    with pytest.raises(HeadsAtOdds, match="open_audit_epoch"):
        seal_and_hand_out(now=now())
    assert AuditLink.objects.count() == kept, "nothing is sealed before somebody says why"
    call_command("open_audit_epoch", reason="disk failure, backup of the night", heads=file)
    epoch = AuditEpoch.objects.get()
    assert (epoch.number, epoch.after) == (1, kept)
    entry = AuditEntry.objects.get(model="trials.auditepoch")
    assert entry.reason == "disk failure, backup of the night"
    seal_and_hand_out(now=now())
    found = verify_audit(heads=read_heads(file))
    assert (found.fault, found.superseded, found.unsealed) == (None, 2, 0)
    capsys.readouterr()
    call_command("verify_audit", heads=file)
    said = capsys.readouterr().out
    assert f"Restored at link {kept}" in said
    assert "disk failure, backup of the night" in said
    client = Client()
    client.force_login(User.objects.create_superuser("root", password="x"))
    page = client.get(reverse("trail")).content.decode()
    assert f"Restored at link {kept}" in page


def test_heads_of_before_a_restore_are_still_met_up_to_its_link(tmp_path: Path, settings: Any) -> None:
    file = tmp_path / "heads"
    settings.AUDIT_HEADS_FILE = str(file)
    for code in "AB":
        a_site(code)
        seal_and_hand_out(now=now())
    kept = AuditSeal.objects.order_by("last")[0].last
    restore(kept)
    call_command("open_audit_epoch", reason="restored", heads=file)
    seal_and_hand_out(now=now())
    heads = read_heads(file)
    first = min(heads, key=lambda head: head.last)
    forged = [head if head is not first else type(head)(head.last, "0" * 64) for head in heads]
    assert (found := verify_audit(heads=forged).fault)
    assert found.kind == "rewritten"
    cut = verify_audit(heads=[*heads, type(first)(10_000, "f" * 64, 1)]).fault
    assert cut
    assert cut.kind == "cut off", "of the new epoch every head is met"


def test_a_second_restore_to_before_the_first_epoch_opens_a_third(tmp_path: Path, settings: Any) -> None:
    file = tmp_path / "heads"
    settings.AUDIT_HEADS_FILE = str(file)
    file.write_text('{"last": 900, "head": "ff", "epoch": 4}\n')
    a_site()
    with pytest.raises(HeadsAtOdds):
        seal_and_hand_out(now=now())
    call_command("open_audit_epoch", reason="restored again", heads=file)
    assert AuditEpoch.objects.get().number == 5
    seal_and_hand_out(now=now())
    assert verify_audit(heads=read_heads(file)).fault is None


@pytest.mark.parametrize(
    ("given", "said"), [({"reason": " "}, "Give a reason"), ({"reason": "r", "after": 77}, "no link 77")]
)
def test_an_epoch_is_refused_in_words(given: dict[str, Any], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        call_command("open_audit_epoch", **given)
    assert not AuditEpoch.objects.exists()
