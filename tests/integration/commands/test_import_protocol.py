"""`manage.py import_protocol`: a shipped edition or a file becomes the draft of a version."""

import io

import pytest
from django.core.management import CommandError, call_command

from schedules.management.commands.rundemo import newer_words
from tests.cast import a_version
from trials.models import AuditEntry, ProtocolVersion

pytestmark = pytest.mark.django_db
EDITION = "NCT07193667@2025-09-26.2"


def taken_in(name):
    out = io.StringIO()
    call_command("import_protocol", str(name), stdout=out)
    return out.getvalue().strip()


def test_an_edition_is_taken_in_as_a_draft_and_said_to_be():
    assert "NCT07193667 2025-09-26.2 is taken in as a draft" in taken_in(EDITION)
    version = ProtocolVersion.objects.get()
    assert version.published_at is None
    assert AuditEntry.objects.filter(model="trials.protocolversion", object_id=version.pk).exists()


def test_what_cannot_be_taken_in_is_told_and_leaves_nothing(tmp_path):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("format: 2", encoding="utf-8")
    for name, words in (
        (wrong, "format: 1"),
        (tmp_path / "none.yaml", "give a path or the name of an edition"),
    ):
        with pytest.raises(CommandError, match=words):
            taken_in(name)
    assert not ProtocolVersion.objects.exists()


def test_the_demo_names_what_is_newer_than_the_database():
    assert newer_words() == []
    a_version("NCT07193667")
    assert EDITION in newer_words()[0]
    assert f"manage.py import_protocol {EDITION}" in newer_words()[1]
    taken_in(EDITION)
    assert newer_words() == []
