"""Days on which an EDC and Dayzero do not agree: both shown, settled by a person, never written over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from participants.domain.anchors import RecordedAnchor
from participants.models import Anchor, Participant
from schedules.domain.visits.values import Completion
from schedules.models import Settlement, ValueDifference, Visit
from schedules.services.enrolment.enrolling import enrol
from schedules.services.exchange.differences import ValuesDiffer
from schedules.services.exchange.reports import Report, report_anchor, report_visit
from schedules.services.visits.appointments import complete_visit, miss_visit
from tests.cast import NOW, TODAY, an_enrolment
from trials.models import AuditEntry, User
from trials.services.accounts.memberships import grant_membership

pytestmark = pytest.mark.django_db
YESTERDAY = TODAY - timedelta(days=1)
FIRST = {"sure": True, "outside_reason": "As it was."}


@pytest.fixture
def person() -> Iterator[Participant]:
    with time_machine.travel(NOW, tick=False):
        yield enrol(enrolment=an_enrolment(), by=None)


@pytest.fixture
def coordinator(client: Client, person: Participant) -> User:
    user = User.objects.create_user("coordinator")
    grant_membership(user=user, role="coordinator", site=person.site, starts_on=TODAY, by=None)
    client.force_login(user)
    return user


def a_visit(person: Participant) -> Visit:
    found = Visit.objects.filter(participant=person, opens__lte=YESTERDAY).order_by("target").first()
    assert found is not None
    return found


def done(visit: Visit, day: date = TODAY) -> Visit:
    completion = Completion(on=day, **FIRST)
    return complete_visit(visit=visit, version=visit.version, completion=completion, by=None, now=NOW)


def told(visit: Visit, day: date | None, at: str = "") -> ValueDifference:
    """What an EDC that says otherwise leaves behind."""
    act = Completion(on=day, **FIRST) if day else "missed"
    report = Report(act, "Entered.", "rave-live", {"system": "Rave", "record": "SE-17"})
    with pytest.raises(ValuesDiffer) as differs:
        report_visit(visit=visit, version=visit.version, report=report, by=None, now=NOW)
    return differs.value.differences[0]


def test_both_values_are_on_the_page(client: Client, coordinator: User, person: Participant) -> None:
    told(done(a_visit(person)), YESTERDAY)
    page = client.get(reverse("differences")).content.decode()
    for words in ("Sat 21 Nov", "Fri 20 Nov", "rave-live", "SE-17", "Take over", "Keep ours"):
        assert words in page
    assert (
        "No difference has been settled"
        in client.get(reverse("differences") + "?state=settled").content.decode()
    )


def test_theirs_is_shown_first_then_taken_over(
    client: Client, coordinator: User, person: Participant
) -> None:
    visit = done(a_visit(person))
    one = told(visit, YESTERDAY)
    address = reverse("difference-take", args=[one.pk])
    form = client.get(address).content.decode()
    assert f'value="{visit.version}"' in form
    data = {"version": visit.version, "reason": "Seen in the source.", "sure": "on", "theirs": one.theirs}
    shown = client.post(address, data)
    assert Visit.objects.get(pk=visit.pk).performed_on == TODAY, "shown, not done"
    assert "not saved yet" in shown.content.decode()
    digest, seen = (shown.context["form"].data[name] for name in ("digest", "seen"))
    taken = client.post(address, {**data, "action": "commit", "digest": digest, "seen": seen, "accept": "on"})
    assert taken.status_code == 302, taken.content.decode()
    visit.refresh_from_db()
    one.refresh_from_db()
    assert visit.performed_on == YESTERDAY
    assert (one.settlement, one.settled_by, one.settled_reason) == (
        Settlement.THEIRS, coordinator, "Seen in the source.",
    )  # fmt: skip
    entry = AuditEntry.objects.filter(model="schedules.visit", object_id=str(visit.pk)).latest("id")
    assert (entry.actor, entry.reason) == ("coordinator", "Seen in the source.")
    assert client.post(address, data).status_code == 422, "settled once"


def test_ours_is_kept_with_a_reason(client: Client, coordinator: User, person: Participant) -> None:
    visit = done(a_visit(person))
    one = told(visit, YESTERDAY)
    address = reverse("difference-keep", args=[one.pk])
    assert client.get(address).status_code == 200
    assert client.post(address, {"reason": " ", "theirs": one.theirs}).status_code == 422
    assert client.post(address, {"reason": "The EDC is wrong.", "theirs": one.theirs}).status_code == 302
    one.refresh_from_db()
    assert (one.settlement, Visit.objects.get(pk=visit.pk).performed_on) == (Settlement.OURS, TODAY)
    assert client.get(address).status_code == 403
    assert "The EDC is wrong." in client.get(reverse("differences") + "?state=settled").content.decode()


@pytest.mark.parametrize("act", ["difference-keep", "difference-take"])
def test_a_value_that_the_edc_reported_since_is_not_settled_unseen(
    client: Client, coordinator: User, person: Participant, act: str
) -> None:
    visit = done(a_visit(person))
    one = told(visit, YESTERDAY)
    address = reverse(act, args=[one.pk])
    page = client.get(address)
    data = {"version": visit.version, "reason": "Seen.", "theirs": page.context["form"]["theirs"].value()}
    told(visit, YESTERDAY - timedelta(days=1))
    refused = client.post(address, data)
    assert refused.status_code == 422
    assert "reported another value since you looked" in refused.content.decode()
    one.refresh_from_db()
    assert one.settled_at is None
    again = refused.context["form"]
    assert (again["theirs"].value(), again["reason"].value()) == (one.theirs, "Seen.")
    assert client.post(address, {**data, "theirs": one.theirs}).status_code in (200, 302)


def test_who_was_overtaken_is_told(client: Client, coordinator: User, person: Participant) -> None:
    visit = done(a_visit(person))
    one = told(visit, YESTERDAY)
    data = {"version": visit.version - 1, "reason": "Seen.", "theirs": one.theirs}
    assert client.post(reverse("difference-take", args=[one.pk]), data).status_code == 409


@pytest.mark.parametrize("theirs", [YESTERDAY, None])
def test_what_was_missed_here_and_done_there_differs(person: Participant, theirs: date | None) -> None:
    visit = a_visit(person)
    if theirs:
        shared = {"version": visit.version, "by": None, "now": NOW}
        one = told(miss_visit(visit=visit, reason="Did not come.", **shared), theirs)
        assert (one.ours, one.theirs) == ("missed 2026-11-21", "2026-11-20")
    else:
        one = told(done(visit), None)
        assert (one.ours, one.theirs) == ("2026-11-21", "missed")


def test_another_hour_of_the_same_day_differs(person: Participant) -> None:
    zoned = NOW.astimezone().replace(microsecond=0)
    visit = a_visit(person)
    completion = Completion(on=TODAY, at=zoned, **FIRST)
    visit = complete_visit(visit=visit, version=visit.version, completion=completion, by=None, now=NOW)
    same = Report(Completion(on=TODAY, at=zoned), "", "rave-live")
    report_visit(visit=visit, version=visit.version, report=same, by=None, now=NOW)
    report_visit(
        visit=visit, version=visit.version, report=Report(Completion(on=TODAY), "", "r"), by=None, now=NOW
    )
    assert not ValueDifference.objects.exists()
    later = Report(Completion(on=TODAY, at=zoned - timedelta(hours=1)), "", "rave-live")
    with pytest.raises(ValuesDiffer):
        report_visit(visit=visit, version=visit.version, report=later, by=None, now=NOW)
    assert ValueDifference.objects.get().theirs == "2026-11-21T08:00:00+08:00"


def test_an_anchor_is_corrected_with_what_hangs_on_it(
    client: Client, coordinator: User, person: Participant
) -> None:
    code = "consent" if "consent" in _anchors(person) else _anchors(person)[0]
    anchor = RecordedAnchor(code, actual_on=YESTERDAY)
    report = Report("", "", "rave-live", {"system": "Rave"})
    shared = {"participant": person, "by": None, "now": NOW}
    report_anchor(anchor=anchor, report=report, **shared)
    with pytest.raises(ValuesDiffer) as differs:
        report_anchor(
            anchor=RecordedAnchor(code, actual_on=YESTERDAY - timedelta(days=1)), report=report, **shared
        )
    (one,) = differs.value.differences
    address = reverse("difference-take", args=[one.pk])
    person.refresh_from_db()
    data = {"version": person.version, "reason": "Seen in the source.", "sure": "on", "theirs": one.theirs}
    shown = client.post(address, data)
    assert shown.status_code == 200, shown.content.decode()[-3000:]
    more = {name: shown.context["form"].data[name] for name in ("digest", "seen")}
    taken = client.post(address, {**data, **more, "action": "commit", "accept": "on"})
    assert taken.status_code == 302
    assert Anchor.objects.get(participant=person, code=code).actual_on == YESTERDAY - timedelta(days=1)


def test_who_may_only_look_settles_nothing(client: Client, person: Participant) -> None:
    one = told(done(a_visit(person)), YESTERDAY)
    monitor, stranger = (User.objects.create_user(name) for name in ("monitor", "stranger"))
    grant_membership(user=monitor, role="monitor", site=person.site, starts_on=TODAY, by=None)
    address = reverse("difference-take", args=[one.pk])
    client.force_login(monitor)
    assert "Take over" not in client.get(reverse("differences")).content.decode()
    assert client.get(address).status_code == 403
    client.force_login(stranger)
    assert client.get(address).status_code == 404


def _anchors(person: Participant) -> list[str]:
    from trials.selectors.records import protocol_of

    return list(protocol_of(person.protocol_version).anchor_by_code)
