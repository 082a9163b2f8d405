"""Re-planning in the browser: seen first, said why, committed as shown; the slower of two goes on."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from participants.domain.anchors import RecordedAnchor
from participants.models import Participant
from participants.selectors.participants import anchor_days
from schedules.models import Deviation, Visit
from schedules.services.replanning.moves import Proposal, commit_replanning, preview_replanning, record_anchor
from schedules.web.shared.anchor_fields import KINDS
from tests.integration.web.conftest import MORNING, SHANGHAI, TODAY, Enrol, as_shown, with_role
from trials.models import Role, Site, User, WorkingDayTable

pytestmark = pytest.mark.django_db
INFUSION = date(2026, 12, 14)  # a Monday, three weeks ahead
LATER = "2026-12-16"


@pytest.fixture
def participant(enrolled: Enrol) -> Participant:
    return enrolled("S01-007", infusion=INFUSION)


def address(participant: Participant, what: str = "anchors") -> str:
    return reverse("replan", kwargs={"pk": participant.pk, "what": what})


def typed(participant: Participant, **values: Any) -> dict[str, Any]:
    """The form of the anchors as it is shown, with some of it changed."""
    found: dict[str, Any] = {}
    for code, anchor in anchor_days(participant).items():
        for kind in KINDS:
            found[f"anchor-{code}-{kind}-on"] = getattr(anchor, f"{kind}_on") or ""
    return {"action": "preview", **found, **values}


def moved(participant: Participant, day: str = LATER, **values: Any) -> dict[str, Any]:
    return typed(participant, **{"anchor-infusion-planned-on": day, **values})


def infusion() -> date:
    return Visit.objects.get(code="d0").target


def test_nothing_moves_before_it_was_seen_and_then_exactly_that(
    page: Client, participant: Participant
) -> None:
    assert "Move or set anchors" in page.get(f"/participants/{participant.pk}/").content.decode()
    assert page.get(address(participant)).context["form"]["anchor-infusion-planned-on"].value() == INFUSION
    shown = page.post(address(participant), moved(participant))
    said = shown.content.decode()
    assert (shown.status_code, infusion()) == (200, INFUSION)
    assert "Moves from Mon 28 Dec to Wed 30 Dec (+2 days)." in said
    digest = shown.context["form"].data["digest"]
    nothing = page.post(address(participant), moved(participant, action="commit", digest=digest))
    assert nothing.status_code == 422
    assert "Enter why you move the calendar" in nothing.content.decode()
    done = page.post(
        address(participant), moved(participant, action="commit", digest=digest, reason="no bed")
    )
    assert done.status_code == 302
    assert infusion() == date(2026, 12, 16)


def test_a_day_is_offered_that_mends_a_contradiction(page: Client, participant: Participant) -> None:
    """Lymphodepletion begins five days before the infusion: the 9th for the 14th."""
    wrong = {"anchor-lymphodepletion-start-planned-on": "2026-12-10"}
    Participant.objects.update(traits=["lymphodepletion"])
    participant.refresh_from_db()
    shown = page.post(address(participant), typed(participant, **wrong))
    said = shown.content.decode()
    assert "contradict each other" in said
    assert 'name="mend" value="infusion=2026-12-15"' in said
    assert "Move the calendar" not in said, "what contradicts itself cannot be committed"
    mended = page.post(address(participant), typed(participant, mend="infusion=2026-12-15", **wrong))
    assert 'value="commit"' in mended.content.decode()
    assert mended.context["form"]["anchor-infusion-planned-on"].value() == "2026-12-15"


def test_the_slower_one_sees_what_changed_keeps_the_reason_and_goes_on(
    page: Client, participant: Participant
) -> None:
    shown = page.post(address(participant), moved(participant)).context["form"].data
    other = User.objects.create_user("investigator")
    quicker = Proposal(anchors={"infusion": RecordedAnchor("infusion", date(2026, 12, 21))})
    preview = preview_replanning(participant=participant, proposal=quicker, now=MORNING)
    commit_replanning(
        participant=participant,
        proposal=quicker,
        digest=preview.digest,
        now=MORNING,
        by=other,
        reason="fever",
    )
    held = {"action": "commit", "digest": shown["digest"], "seen": shown["seen"], "reason": "no bed"}
    late = page.post(address(participant), moved(participant, **held))
    said = late.content.decode()
    assert late.status_code == 409
    assert "<b>investigator</b>" in said
    assert "fever" in said
    assert "infusion: planned on: <del>Mon 14 Dec</del> → Mon 21 Dec" in said
    assert 'value="no bed"' in said
    again = late.context["form"].data
    page.post(address(participant), moved(participant, **held | {"digest": again["digest"]}))
    assert infusion() == date(2026, 12, 16)


def test_a_booking_that_loses_its_window_is_asked_about(page: Client, participant: Participant) -> None:
    Visit.objects.filter(code="d14").update(booked_on=date(2026, 12, 28))
    shown = page.post(address(participant), moved(participant, "2026-12-21"))
    assert "Day 14, booked Mon 28 Dec" in shown.content.decode()
    held = {"action": "commit", "digest": shown.context["form"].data["digest"], "reason": "no bed"}
    refused = page.post(address(participant), moved(participant, "2026-12-21", **held))
    assert (refused.status_code, infusion()) == (422, INFUSION)
    assert refused.context["form"].errors["accept"]
    page.post(address(participant), moved(participant, "2026-12-21", accept="on", **held))
    assert infusion() == date(2026, 12, 21)
    assert Visit.objects.get(code="d14").booked_on == date(2026, 12, 28)


def test_bookings_that_lose_their_window_are_made_again_by_the_same_act(
    page: Client, participant: Participant
) -> None:
    """At the same hour, on the day that the preview names; one reason, and nothing is asked twice."""
    at = datetime(2026, 12, 28, 10, 30, tzinfo=SHANGHAI)
    Visit.objects.filter(code="d14").update(booked_on=at.date(), booked_start=at, booked_place="Room 3")
    shown = page.post(address(participant), moved(participant, "2026-12-21"))
    assert "Book them again in the same step" in shown.content.decode()
    assert shown.context["rebookings"] == ["Day 14 Mon 4 Jan"]
    held = {"action": "commit", "digest": shown.context["form"].data["digest"], "reason": "no bed"}
    done = page.post(address(participant), moved(participant, "2026-12-21", rebook="on", **held), follow=True)
    visit = Visit.objects.get(code="d14")
    assert infusion() == date(2026, 12, 21)
    assert visit.booked_on == date(2027, 1, 4)
    assert visit.booked_start.astimezone(SHANGHAI).hour == 10
    assert visit.booked_place == "Room 3"
    assert "Booked again: Day 14 Mon 4 Jan." in done.content.decode()


def test_a_booking_that_was_left_behind_before_is_not_made_again_unseen(
    page: Client, participant: Participant
) -> None:
    Visit.objects.filter(code="d14").update(booked_on=date(2026, 12, 28))
    Visit.objects.filter(code="d28").update(booked_on=date(2026, 12, 1))  # lost by an earlier move
    shown = page.post(address(participant), moved(participant, "2026-12-21"))
    assert shown.context["rebookings"] == ["Day 14 Mon 4 Jan"]
    held = {"action": "commit", "digest": shown.context["form"].data["digest"], "reason": "no bed"}
    page.post(address(participant), moved(participant, "2026-12-21", rebook="on", **held))
    assert Visit.objects.get(code="d14").booked_on == date(2027, 1, 4)
    assert Visit.objects.get(code="d28").booked_on == date(2026, 12, 1)


REFUSED = [
    ("nothing else than stands", {}, "Nothing is changed yet"),
    ("a day left out", {"anchor-infusion-planned-on": ""}, "the field cannot be empty"),
    ("no day at all", {"anchor-infusion-planned-on": "2026-02-30"}, "valid date"),
    ("a day beyond the calendar", {"anchor-infusion-planned-on": "9999-12-30"}, "9999-12-30 cannot be right"),
]


@pytest.mark.parametrize(("why", "values", "says"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_cannot_be_comes_back_filled(
    page: Client, participant: Participant, why: str, values: dict[str, str], says: str
) -> None:
    answer = page.post(address(participant), typed(participant, reason="typed", **values))
    assert answer.status_code == 422, why
    assert says in answer.content.decode()
    assert 'value="typed"' in answer.content.decode(), "the reason too, though it is asked for only later"


def test_what_has_not_happened_is_refused_before_anything_is_shown(
    page: Client, participant: Participant
) -> None:
    tomorrow = {"anchor-infusion-actual-on": TODAY + timedelta(days=1)}
    answer = page.post(address(participant), typed(participant, **tomorrow))
    assert answer.status_code == 422
    assert "is in the future" in answer.content.decode()
    assert "What would happen" not in answer.content.decode()


def test_what_happened_against_the_protocol_is_shown_first_and_recorded_with_a_reason(
    page: Client, enrolled: Enrol
) -> None:
    """Chemotherapy on Wednesday the 18th for Monday the 23rd; the infusion was given on Sunday the 22nd."""
    person = enrolled("S01-008", infusion=TODAY, traits=["lymphodepletion"])
    began = RecordedAnchor("lymphodepletion-start", actual_on=TODAY - timedelta(days=5))
    record_anchor(participant=person, anchor=began, now=MORNING, by=None, reason="as listed")
    consented = RecordedAnchor("consent", actual_on=TODAY - timedelta(days=30))
    record_anchor(participant=person, anchor=consented, now=MORNING, by=None, reason="as signed")
    given = {"anchor-infusion-actual-on": TODAY - timedelta(days=1)}
    shown = page.post(address(person), typed(person, **given))
    said = shown.content.decode()
    assert "This breaks the block: Infusion on Sun 22 Nov is 1 day earlier" in said
    assert said.index("This breaks the block") < said.index("block broken"), "the gravest first"
    assert "contradict each other" not in said
    held = {"action": "commit", "digest": shown.context["form"].data["digest"]}
    asked = page.post(address(person), typed(person, **given, **held))
    assert asked.status_code == 422
    assert "Enter why" in asked.content.decode()
    assert page.post(address(person), typed(person, **given, **held, reason="no bed")).status_code == 302
    assert Deviation.objects.get(kind="block-broken", visit=None).days == -1


def test_traits_bring_visits_and_take_them_back(page: Client, participant: Participant) -> None:
    said = {"action": "preview", "traits": ["lymphodepletion"]}
    shown = page.post(address(participant, "traits"), said)
    assert "New: Wed 9 Dec" in shown.content.decode()
    held = {"action": "commit", "digest": shown.context["form"].data["digest"], "reason": "decided"}
    page.post(address(participant, "traits"), said | held)
    assert Participant.objects.get(pk=participant.pk).traits == ["lymphodepletion"]
    assert Visit.objects.filter(code="ld-1").exists()


def test_only_versions_in_use_are_offered(page: Client, participant: Participant) -> None:
    form = page.get(address(participant, "version")).context["form"]
    assert list(form.fields["version"].queryset) == []


def test_a_link_may_bring_the_day_along(page: Client, participant: Participant) -> None:
    form = page.get(f"{address(participant)}?infusion={LATER}").context["form"]
    assert form["anchor-infusion-planned-on"].value() == LATER


def test_whoever_only_looks_is_refused_and_others_see_nothing(participant: Participant, site: Site) -> None:
    monitor, stranger = Client(), Client()
    monitor.force_login(with_role("monitor", Role.MONITOR, site))
    stranger.force_login(User.objects.create_user("stranger"))
    assert monitor.get(address(participant)).status_code == 403
    assert stranger.get(address(participant)).status_code == 404


def test_a_site_closes_a_day_once_everybody_it_touches_was_seen(
    page: Client, participant: Participant, site: Site
) -> None:
    """D14 is on Monday 28 December: closed, the 25th (Friday) to the 30th are left."""
    home = reverse("working-days", kwargs={"pk": site.pk})
    said = {"what": "closed", "first": "2026-12-28", "note": "stocktaking", "action": "preview"}
    shown = page.post(home, said)
    assert "S01-007" in shown.content.decode()
    assert "instead of Mon 28 Dec" in shown.content.decode()
    assert WorkingDayTable.objects.count() == 1
    held = {"action": "commit", "digest": shown.context["form"].data["digest"], "reason": "stocktaking"}
    assert page.post(home, said | held | {"digest": "x"}).status_code == 409
    assert page.post(home, said | held).status_code == 302
    assert "closed: stocktaking" in page.get(home).content.decode()
    assert Visit.objects.get(code="d14").suggested != date(2026, 12, 28)
    assert page.get("/sites/").status_code == 200


def test_a_hold_is_begun_counted_and_resumed(page: Client, enrolled: Enrol) -> None:
    """Chemotherapy began on Wednesday the 18th for an infusion today, Monday the 23rd of November."""
    person = enrolled("S01-008", infusion=TODAY, traits=["lymphodepletion"])
    began = RecordedAnchor("lymphodepletion-start", actual_on=TODAY - timedelta(days=5))
    record_anchor(participant=person, anchor=began, now=MORNING, by=None, reason="as listed")
    home = reverse("hold", kwargs={"pk": person.pk})
    assert "as planned" in page.get(home).content.decode()
    shown = act(page, person, "begin", on=TODAY, reason="fever")
    assert "Waits until the hold ends." in shown.content.decode()
    assert "as planned" in page.get(home).content.decode(), "shown, and nothing written"
    answers = [
        acted(page, person, "begin", on=TODAY, reason="fever"),
        act(page, person, "fever", on=TODAY, at="07:30"),
    ]
    assert [answer.status_code for answer in answers] == [302, 302]
    said = page.get(home).content.decode()
    assert "on hold" in said
    assert "of 48 hours" in said
    early = act(page, person, "resume", on=TODAY, reason="well again")
    assert early.status_code == 422
    assert "full on Wed 25 Nov 07:30" in early.content.decode()
    assert acted(page, person, "resume", on=TODAY, reason="well", despite="on").status_code == 302
    shown = page.post(address(person), moved(person, "2026-11-25"))
    assert "it stays done" in shown.content.decode() or "rest" in shown.content.decode().lower()
    held = {"action": "commit", "digest": shown.context["form"].data["digest"], "reason": "fever"}
    page.post(address(person), moved(person, "2026-11-25", **held))
    assert Deviation.objects.get(kind="hold").days == 2
    assert acted(page, person, "abandon", on=TODAY, reason="sepsis").status_code == 302
    assert "nothing can be on hold" in page.get(home).content.decode()


def test_a_repeated_lymphodepletion_is_shown_before_it_is_planned(page: Client, enrolled: Enrol) -> None:
    """Chemotherapy was given from Wednesday the 18th; again for an infusion on Monday 14 December."""
    person = enrolled("S01-008", infusion=TODAY, traits=["lymphodepletion"])
    began = RecordedAnchor("lymphodepletion-start", actual_on=TODAY - timedelta(days=5))
    record_anchor(participant=person, anchor=began, now=MORNING, by=None, reason="as listed")
    Visit.objects.filter(code="ld-1").update(performed_on=TODAY - timedelta(days=5))
    acted(page, person, "begin", on=TODAY, reason="fever")
    said = {"day_zero": INFUSION, "reason": "the product was thawed"}
    shown = act(page, person, "repeat", **said)
    assert shown.status_code == 200
    assert "New: Wed 9 Dec, window Wed 9 Dec" in shown.content.decode()
    assert Visit.objects.filter(code="ld-1").count() == 1
    digest = shown.context["form"].data["digest"]
    assert act(page, person, "repeat", **said, action="commit", digest="x").status_code == 409
    assert act(page, person, "repeat", **said, action="commit", digest=digest).status_code == 302
    assert Visit.objects.filter(code="ld-1", attempt=2, target=date(2026, 12, 9)).exists()
    course = page.get(reverse("course", kwargs={"pk": person.pk})).content.decode()
    back = reverse("course-undo", kwargs={"pk": person.pk})
    assert back in course, "what was a mistake can be taken back"
    assert page.get(back).context["form"]["day_zero"].value() == TODAY, "the day that it was given for"
    person.refresh_from_db()
    said = {"version": person.version, "day_zero": TODAY, "reason": "another participant was meant"}
    assert "Does not take place any more." in page.post(back, said).content.decode()
    assert as_shown(page, back, said).status_code == 302
    assert "on hold" in page.get(reverse("hold", kwargs={"pk": person.pk})).content.decode()
    assert not Visit.objects.filter(attempt=2).exists()


def acted(page: Client, person: Participant, which: str, **values: Any) -> Any:
    person.refresh_from_db()
    where = reverse("hold-act", kwargs={"pk": person.pk, "act": which})
    return as_shown(page, where, {"version": person.version, **values})


def act(page: Client, person: Participant, which: str, **values: Any) -> Any:
    person.refresh_from_db()
    where = reverse("hold-act", kwargs={"pk": person.pk, "act": which})
    return page.post(where, {"version": person.version, **values})


def test_hours_are_those_of_the_site(page: Client, participant: Participant) -> None:
    hour = {"anchor-infusion-planned-at": "10:15"}
    shown = page.post(address(participant), moved(participant, **hour))
    held = {"action": "commit", "digest": shown.context["form"].data["digest"], "reason": "theatre"}
    page.post(address(participant), moved(participant, **hour, **held))
    stored = participant.anchors.get(code="infusion").planned_at
    assert stored == datetime(2026, 12, 16, 10, 15, tzinfo=SHANGHAI)
    field = page.get(address(participant)).context["form"]["anchor-infusion-planned-at"]
    assert field.value().strftime("%H:%M") == "10:15"
