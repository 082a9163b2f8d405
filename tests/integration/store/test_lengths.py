"""Texts are cut to the length of their columns: SQLite keeps a longer one, and PostgreSQL refuses it."""

from __future__ import annotations

import pytest
from django.db.models import Model

from participants.models import Fact, ProductStep, SafetyReview
from participants.services import facts, product
from schedules.api import writing
from schedules.domain.visits import visit
from schedules.models import AmendmentRun, Deviation, Flag, ReminderDelivery, ReminderPause, Visit
from schedules.services.deviations import classification
from schedules.services.readiness import gates
from schedules.services.reminders import decisions, ledger
from schedules.services.replanning import amendments
from schedules.services.windows import flags
from trials.models import AuditEntry, BackupRun, ChannelHealth, Export, TaskRun
from trials.services.channels import health
from trials.services.operations import backups, runs
from trials.services.store import exports

CUT: tuple[tuple[int, type[Model], str], ...] = (
    (facts._REASON, Fact, "withdrawn_reason"),
    (product._NOTE, ProductStep, "note"),
    (gates._REFERENCE, SafetyReview, "reference"),
    (visit.WHY_SHIFTED, Visit, "why_shifted"),
    (classification._REASON, Deviation, "withdrawn_reason"),
    (flags._REASON, Flag, "cleared_reason"),
    (amendments._REASON, AmendmentRun, "reason"),
    (ledger._REASON, ReminderDelivery, "reason"),
    (decisions.LONGEST, ReminderDelivery, "reason"),
    (decisions.LONGEST, ReminderPause, "reason"),
    (health._REASON, ChannelHealth, "reason"),
    (backups._ERROR, BackupRun, "error"),
    (runs.ERROR, TaskRun, "error"),
    (exports.LONGEST, Export, "what"),
    (writing.LONGEST_CAUSE, AuditEntry, "cause"),
)


@pytest.mark.parametrize(("length", "model", "field"), CUT)
def test_a_text_is_cut_to_its_column(length: int, model: type[Model], field: str) -> None:
    assert length == model._meta.get_field(field).max_length
