"""The trail is sealed by the clock, and the heads leave the machine."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from smtplib import SMTPServerDisconnected
from typing import Any

import pytest
import yaml
from django.core import mail
from django.core.management import call_command

from tests.cast import a_site
from trials.models import AuditSeal
from trials.services.audit.sealing import read_heads, seal_and_hand_out, verify_audit
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


def test_a_half_written_line_stops_no_later_head_and_its_own_is_handed_out_again(
    tmp_path: Path, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "heads"
    settings.AUDIT_HEADS_FILE = str(file)
    a_site("A")
    seal()
    file.write_text(file.read_text()[:25])  # the disk was full, the machine went off
    a_site("B")
    seal()
    heads = read_heads(file)
    assert sorted(head.last for head in heads) == sorted(AuditSeal.objects.values_list("last", flat=True))
    assert verify_audit(heads=heads).fault is None
    call_command("verify_audit", heads=file)
    assert "cannot be read, and were passed over: 1" in capsys.readouterr().out


@pytest.mark.parametrize(
    "junk", ["[1, 2]", "null", '{"last": "x"}', "[" * 20000, "\x00\xff", '{"last": 3, "he']
)
def test_a_line_of_the_file_that_is_no_head_is_passed_over(junk: str, tmp_path: Path, settings: Any) -> None:
    settings.AUDIT_HEADS_FILE = str(tmp_path / "heads")
    (tmp_path / "heads").write_bytes(junk.encode("latin-1"))
    a_site()
    seal()
    assert len(read_heads(tmp_path / "heads")) == 1


def test_a_head_whose_mail_failed_is_mailed_with_the_next_ringing(
    settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings.AUDIT_HEADS_TO = ["qa@sponsor.example"]
    settings.AUDIT_HEADS_FILE = str(tmp_path / "heads")

    def down(*_: object) -> None:
        raise SMTPServerDisconnected

    with monkeypatch.context() as patched:
        patched.setattr("trials.services.audit.heads.send_heads", down)
        a_site("A")
        with pytest.raises(SMTPServerDisconnected):
            seal_and_hand_out(now=NOW)
    first = AuditSeal.objects.get()
    assert len(read_heads(tmp_path / "heads")) == 1, "the file is another way out"
    seal_and_hand_out(now=NOW)
    assert first.head in mail.outbox[0].body, "although nothing new was sealed"
    seal_and_hand_out(now=NOW)
    assert len(mail.outbox) == 1


def test_a_file_that_cannot_be_written_stops_no_mail(settings: Any, tmp_path: Path) -> None:
    settings.AUDIT_HEADS_FILE = str(tmp_path / "not there" / "heads")
    settings.AUDIT_HEADS_TO = ["qa@sponsor.example"]
    a_site()
    with pytest.raises(FileNotFoundError):
        seal_and_hand_out(now=NOW)
    assert len(mail.outbox) == 1


def test_the_command_hands_out_heads_that_a_file_lacks(tmp_path: Path) -> None:
    a_site()
    seal_and_hand_out(now=NOW)
    call_command("seal_audit", to=tmp_path / "heads")
    assert len(read_heads(tmp_path / "heads")) == 1


def test_the_shipped_compose_file_hands_out_heads_to_a_volume() -> None:
    compose = yaml.safe_load((Path(__file__).parents[3] / "docker-compose.yml").read_text())
    for name in ("web", "worker", "beat"):
        service = compose["services"][name]
        file = service["environment"]["AUDIT_HEADS_FILE"].partition(":-")[2].rstrip("}")
        volumes = dict(volume.split(":") for volume in service["volumes"])
        assert volumes["audit-heads"] == str(Path(file).parent)
    assert "audit-heads" in compose["volumes"]
