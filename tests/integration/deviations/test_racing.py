"""Several at once, on real connections: what is drafted twice is one row."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from uuid import uuid4

import pytest
from django.db import transaction

from participants.models import Participant
from schedules.domain.deviations.drafts import DeviationKind, Draft
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.models import Deviation
from schedules.services.deviations.by_hand import Entered, enter_deviation
from schedules.services.deviations.classification import sweep_unrecorded
from schedules.services.enrolment.enrolling import enrol
from schedules.services.store.deviation_drafts import draft_deviation
from tests.cast import an_enrolment
from tests.integration.deviations.conftest import INFUSION, at
from tests.integration.reminders.test_reminders import at_once

AT_ONCE = 4
TOKEN = uuid4()


def swept(person: Participant) -> None:
    sweep_unrecorded(now=at(12, 27))


def drafted(person: Participant) -> None:
    """What two services write who do not hold the participant's lock: the key alone keeps them apart."""
    draft = Draft("order:1:a:b", "2026-12-01", DeviationKind.ORDER, date(2026, 12, 1))
    with transaction.atomic():
        draft_deviation(participant=person, draft=draft, now=at(12, 27))


def entered(person: Participant) -> None:
    what = Entered(date(2026, 12, 21), "the wrong form", TOKEN)
    enter_deviation(participant=person, entered=what, by=None, now=at(12, 27))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("act", "kind"),
    [(swept, "unrecorded"), (drafted, "order"), (entered, "manual")],
    ids=["two sweeps", "two drafts", "one form sent twice"],
)
def test_it_is_drafted_once(act: Callable[[Participant], None], kind: str) -> None:
    anchors = {"infusion": AnchorDay(INFUSION, AnchorKind.ACTUAL)}
    person = enrol(enrolment=an_enrolment(anchors=anchors), by=None)
    alone = set()
    for _round in range(3):
        Deviation.objects.all().delete()
        at_once(AT_ONCE, lambda: act(person))
        found = list(Deviation.objects.filter(kind=kind).values_list("visit", "key"))
        assert found
        assert len(found) == len(set(found)), "one row for each thing"
        alone.add(tuple(sorted(key.rpartition(":")[0] for _visit, key in found)))
    assert len(alone) == 1, "every round finds the same"
