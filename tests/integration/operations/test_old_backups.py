"""Which backups of a folder go when a new one was made."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import pytest
from django.core.management import CommandError, call_command

from trials.management.commands import backup
from trials.services.operations.archives import BackupFailed
from trials.services.operations.backups import drop_old

OLD, MADE, AHEAD = (f"dayzero-2026{day}T000000Z.backup" for day in ("1129", "1130", "1201"))


@pytest.mark.parametrize(
    ("keep", "left"),
    [(0, {MADE}), (1, {MADE}), (2, {MADE, AHEAD}), (3, {OLD, MADE, AHEAD}), (9, {OLD, MADE, AHEAD})],
)
def test_the_one_just_made_stays_though_a_clock_put_back_dated_others_ahead(
    tmp_path: Path, keep: int, left: set[str]
) -> None:
    for name in (OLD, MADE, AHEAD):
        (tmp_path / name).touch()
    drop_old(tmp_path, keep, MADE)
    assert {path.name for path in tmp_path.iterdir()} == left


@pytest.mark.django_db
def test_the_one_before_stays_where_the_new_one_cannot_be_read_to_its_end(tmp_path: Path) -> None:
    (tmp_path / OLD).touch()
    broken = patch.object(backup, "check_archive", side_effect=BackupFailed("It ends too early."))
    made = patch.object(backup, "make_backup")
    with broken, made, pytest.raises(CommandError, match="It ends too early"):
        call_command("backup", "--to", str(tmp_path), "--keep", "1")
    assert (tmp_path / OLD).exists()
