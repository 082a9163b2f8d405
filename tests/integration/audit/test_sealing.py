"""The trail is sealed by the clock, and the heads leave the machine."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core import mail

from tests.cast import a_site
from trials.models import AuditSeal
from trials.services.audit import read_heads, seal_and_hand_out, verify_audit
from trials.tasks import seal

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)


def test_beat_seals_and_the_head_leaves_for_a_file_and_by_e_mail(tmp_path: Path, settings: Any) -> None:
    settings.AUDIT_HEADS_FILE, settings.AUDIT_HEADS_TO = str(tmp_path / "heads"), ["qa@sponsor.example"]
    a_site()
    seal()
    stored = AuditSeal.objects.get()
    (line,) = (tmp_path / "heads").read_text().splitlines()
    assert (json.loads(line)["last"], json.loads(line)["head"]) == (stored.last, stored.head)
    assert stored.head in mail.outbox[0].body
    assert verify_audit(heads=read_heads(tmp_path / "heads")).unsealed == 0


def test_ringing_again_writes_and_sends_nothing(tmp_path: Path, settings: Any) -> None:
    settings.AUDIT_HEADS_FILE, settings.AUDIT_HEADS_TO = str(tmp_path / "heads"), ["qa@sponsor.example"]
    a_site()
    for _ in range(3):
        seal()
    assert (AuditSeal.objects.count(), len(mail.outbox)) == (1, 1)
    assert len(read_heads(tmp_path / "heads")) == 1


def test_a_head_that_could_not_be_written_is_handed_out_with_the_next(tmp_path: Path, settings: Any) -> None:
    settings.AUDIT_HEADS_FILE = str(tmp_path / "not there" / "heads")
    a_site("A")
    with pytest.raises(FileNotFoundError):
        seal_and_hand_out(now=NOW)
    (tmp_path / "not there").mkdir()
    a_site("B")
    seal_and_hand_out(now=NOW + timedelta(minutes=10))
    heads = read_heads(Path(settings.AUDIT_HEADS_FILE))
    sealed = list(AuditSeal.objects.order_by("last").values_list("last", flat=True))
    assert [head.last for head in heads] == sealed
    assert len(sealed) == 2


def test_the_beat_knows_the_task() -> None:
    from config.celery import app

    app.loader.import_default_modules()
    assert {entry["task"] for entry in app.conf.beat_schedule.values()} <= set(app.tasks)
