"""The pages of visits, courses and absences: done, refused with the form filled, overtaken with the news."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import time_machine
from django.db.models import F
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.html import strip_tags

from participants.domain.lifecycle import Step
from participants.models import Absence, Anchor, CourseStep, Participant
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.domain.visits.values import Booking
from schedules.models import CalendarState, Deviation, ProtocolWindow, Visit
from schedules.selectors.pages.visit import visit_page
from schedules.services.course.status_changes import StepRequest, take_step, undo_last_step
from schedules.services.enrolment.enrolling import enrol
from schedules.services.replanning.moves import replan_many
from schedules.services.visits.appointments import book_visit
from schedules.services.visits.unscheduled import Unscheduled, add_unscheduled
from schedules.web.shared.wording import say
from tests.cast import a_site, a_version, an_approval, an_enrolment
from tests.integration.web.conftest import as_shown
from trials.models import AuditEntry, Membership, Role, Site, User
from trials.services.sites.working_days import record_working_days

pytestmark = pytest.mark.django_db
NOON = "2026-12-21T04:00:00Z"  # Monday, D14, in Shanghai
INFUSION = date(2026, 12, 7)


@pytest.fixture(autouse=True)
def monday() -> Any:
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def participant() -> Participant:
    anchors = {
        "infusion": AnchorDay(INFUSION, AnchorKind.ACTUAL),
        "consent": AnchorDay(date(2026, 11, 3), AnchorKind.ACTUAL),
    }
    return enrol(enrolment=an_enrolment(anchors=anchors), by=None)


def someone(name: str, role: str = Role.COORDINATOR, site: str = "WH") -> User:
    user = User.objects.create_user(name)
    Membership.objects.create(user=user, role=role, site=a_site(site), starts_on=date(2026, 1, 1))
    return user


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(someone("coordinator"))
    return client


def visit(code: str = "d14") -> Visit:
    return Visit.objects.get(code=code)


def deed(which: str, code: str = "d14") -> str:
    return reverse("visit-deed", kwargs={"pk": visit(code).pk, "deed": which})


def test_a_visit_is_booked_done_and_taken_back(client: Client, participant: Participant) -> None:
    form = client.get(deed("book")).context["form"]
    assert form.initial["on"] == visit().suggested or form.initial["on"] == visit().target
    said = {"version": visit().version, "on": "2026-12-22", "start": "09:30", "place": "Room 4"}
    done = client.post(deed("book"), said, follow=True)
    assert "Day 14 is booked." in done.content.decode()
    assert f"{visit().booked_start:%H:%M}" == "01:30"  # 09:30 in Shanghai
    client.post(deed("complete"), {"version": visit().version, "on": "2026-12-21"})
    assert visit().performed_on == date(2026, 12, 21)
    page = client.get(reverse("visit", kwargs={"pk": visit().pk})).content.decode()
    assert deed("undo") in page
    assert deed("book") not in page
    client.post(deed("undo"), {"version": visit().version, "reason": "wrong chart"})
    assert visit().performed_on is None


def test_what_is_refused_comes_back_filled(client: Client, participant: Participant) -> None:
    said = {"version": visit().version, "on": "2026-12-25", "outside_reason": ""}
    answer = client.post(deed("complete"), said)
    assert answer.status_code == 422
    assert "is in the future: today is Mon 21 Dec" in answer.content.decode()
    assert 'value="2026-12-25"' in answer.content.decode()
    assert client.post(deed("miss"), {"version": visit().version, "reason": " "}).status_code == 422


def test_what_is_recorded_from_a_page_of_many_says_whose_it_is(client: Client) -> None:
    """On Today stood “Day 14 is recorded as done” and “Recorded.”, and nobody's name."""
    anchors = {"infusion": AnchorDay(INFUSION, AnchorKind.ACTUAL)}
    asked = an_enrolment(a_version("NCT07274059"), anchors=anchors, traits=["childbearing_potential"])
    participant = enrol(enrolment=asked, by=None)
    visit = Visit.objects.get(code="d14")
    where = reverse("visit-deed", args=[visit.pk, "complete"])
    form = client.get(where).context["form"]
    sent = {name: value for name, value in form.initial.items() if value is not None} | {"on": "2026-12-21"}
    activity = next(name for name in form.fields if name.startswith("activity-"))
    answer = client.post(f"{where}?back=/", {**sent, activity: "left"})
    shown = answer.context["form"]
    why = activity.replace("activity", "why")
    assert list(shown.errors) == [why], "at the field that is empty"
    assert "autofocus" in str(shown[why])
    page = client.post(f"{where}?back=/", {**sent, activity: "left", why: "broken"}, follow=True)
    assert "Day 14 of S01-001 WH is recorded as done." in page.content.decode()

    fact = reverse("fact-new", args=[participant.pk, "confirmation"])
    form = client.get(f"{fact}?of=contraception&back=/").context["form"]
    assert form.initial["at_on"] == date(2026, 12, 21), "somebody has just been asked"
    away = reverse("fact-new", args=[participant.pk, "night-away"])
    page = client.post(f"{away}?back=/", {"day": "2026-12-20"}, follow=True).content.decode()
    assert "S01-001 WH: Recorded: Night away." in page
    page = client.post(away, {"day": "2026-12-19"}, follow=True).content.decode()
    assert "Recorded: Night away." in page
    assert "S01-001 WH: Recorded" not in page, "their own page says whose it is"


def test_what_departs_is_shown_before_it_is_recorded_and_the_form_is_kept(client: Client) -> None:
    """The infusion was given on Sunday 6 December, a day before the block allows."""
    anchors = {
        "infusion": AnchorDay(INFUSION),
        "consent": AnchorDay(date(2026, 11, 3), AnchorKind.ACTUAL),
        "lymphodepletion-start": AnchorDay(date(2026, 12, 2), AnchorKind.ACTUAL),
    }
    enrol(enrolment=an_enrolment(anchors=anchors), by=None)
    said = {"version": visit("d0").version, "on": "2026-12-06", "at": "10:15"}
    asked = client.post(deed("complete", "d0"), said)
    page = asked.content.decode()
    assert asked.status_code == 422
    assert "Sun 6 Dec is 1 day before the window" in page
    assert "This breaks the block: Infusion on Sun 6 Dec is 1 day earlier" in page
    assert "A deviation will be drafted." in page
    assert "What would happen, not saved yet" in page
    assert "Moves from Mon 4 Jan to Sun 3 Jan (-1 days)." in page
    assert 'value="10:15"' in page
    assert visit("d0").performed_on is None
    said |= {"outside_reason": "the ward was full on Monday", "seen": asked.context["form"].data["seen"]}
    done = client.post(deed("complete", "d0"), said)
    assert done.status_code == 302
    deviation = Deviation.objects.get(kind="block-broken", visit=None)
    log = client.get(reverse("deviations")).content.decode()
    assert reverse("deviation", kwargs={"pk": deviation.pk}) in log


def test_a_booking_that_an_infusion_leaves_behind_is_asked_about(client: Client) -> None:
    """D14 is booked for the 21st, its window then the 19th to the 23rd; the infusion was on the 12th."""
    consent = AnchorDay(date(2026, 11, 3), AnchorKind.ACTUAL)
    enrol(enrolment=an_enrolment(anchors={"infusion": AnchorDay(INFUSION), "consent": consent}), by=None)
    Visit.objects.filter(code="d14").update(booked_on=date(2026, 12, 21))
    said = {"version": visit("d0").version, "on": "2026-12-12", "outside_reason": "no bed"}
    asked = client.post(deed("complete", "d0"), said)
    assert asked.status_code == 422
    assert "These bookings would be left behind: Day 14 (Mon 21 Dec)." in asked.content.decode()
    assert "they are to be booked again" in asked.content.decode()
    assert visit("d0").performed_on is None
    said |= {"accept": "on", "seen": asked.context["form"].data["seen"]}
    assert client.post(deed("complete", "d0"), said).status_code == 302
    assert (visit("d14").target, visit("d14").booked_on) == (date(2026, 12, 26), date(2026, 12, 21))


def test_what_moves_with_an_infusion_is_seen_before_it_is_recorded(client: Client) -> None:
    """On its planned day nothing moves; five days later D14 does, and somebody looks at it first."""
    consent = AnchorDay(date(2026, 11, 3), AnchorKind.ACTUAL)
    enrol(enrolment=an_enrolment(anchors={"infusion": AnchorDay(INFUSION), "consent": consent}), by=None)
    late = {"version": visit("d0").version, "on": "2026-12-12", "outside_reason": "no bed"}
    for seen in ("", "of something else"):
        shown = client.post(deed("complete", "d0"), late | {"seen": seen})
        page = shown.content.decode()
        assert shown.status_code == 422
        assert "The calendar moves with it" in page
        assert "Moves from Mon 21 Dec to Sat 26 Dec (+5 days)." in page
        assert visit("d0").performed_on is None
    on_time = {"version": visit("d0").version, "on": "2026-12-07"}
    assert client.post(deed("complete", "d0"), on_time).status_code == 302
    assert (
        client.post(deed("undo", "d0"), {"version": visit("d0").version, "reason": "no"}).status_code == 302
    )
    late["version"] = visit("d0").version
    seen = client.post(deed("complete", "d0"), late).context["form"].data["seen"]
    assert client.post(deed("complete", "d0"), late | {"seen": seen}).status_code == 302
    assert visit("d14").target == date(2026, 12, 26)


def test_the_slower_one_is_told_keeps_what_was_typed_and_goes_on(
    client: Client, participant: Participant
) -> None:
    shown, other = visit(), User.objects.create_user("investigator")
    first = Booking(date(2026, 12, 23), place="Room 7")
    book_visit(visit=shown, version=shown.version, booking=first, by=other, now=timezone.now())
    said = {"version": shown.version, "on": "2026-12-22", "place": "Room 4", "reason": "the lift is broken"}
    answer = client.post(deed("book"), said)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "<b>investigator</b>" in page
    assert "2026-12-23" in page
    assert "Room 7" in page
    assert 'value="Room 4"' in page
    assert visit().booked_place == "Room 7"
    client.post(deed("book"), said | {"version": str(answer.context["form"]["version"].value())})
    assert visit().booked_place == "Room 4"


def test_a_form_without_a_version_saves_nothing(client: Client, participant: Participant) -> None:
    assert client.post(deed("book"), {"on": "2026-12-22"}).status_code == 409
    assert visit().booked_on is None


# --- who may -------------------------------------------------------------------------------------
def addresses(participant: Participant) -> list[str]:
    pk = {"pk": participant.pk}
    return [
        reverse("visit", kwargs={"pk": visit().pk}),
        *(deed(which) for which in ("book", "unbook", "complete", "miss", "cancel", "undo")),
        reverse("course", kwargs=pk),
        reverse("course-undo", kwargs=pk),
        reverse("course-step", kwargs={**pk, "step": "withdrawal"}),
        reverse("unscheduled", kwargs=pk),
        reverse("participant-absences", kwargs=pk),
        reverse("site-absences", kwargs={"pk": participant.site_id}),
    ]


def test_out_of_sight_is_not_there(participant: Participant) -> None:
    client = Client()
    client.force_login(someone("elsewhere", site="NJ"))
    assert {client.get(address).status_code for address in addresses(participant)} == {404}


def test_whoever_only_reads_may_not_record(participant: Participant) -> None:
    client = Client()
    client.force_login(someone("monitor", Role.MONITOR))
    reading = {"visit", "course", "participant-absences", "site-absences"}
    for address in addresses(participant):
        allowed = any(
            address == reverse(name, kwargs={"pk": pk}) for name, pk in _readable(participant, reading)
        )
        assert client.get(address).status_code == (200 if allowed else 403), address
        assert client.post(address, {"version": 1}).status_code in {403, 405, 200 if allowed else 403}
    assert not CourseStep.objects.exists()
    assert not Absence.objects.exists()


def _readable(participant: Participant, names: set[str]) -> list[tuple[str, int]]:
    pks = {"visit": visit().pk, "site-absences": participant.site_id}
    return [(name, pks.get(name, participant.pk)) for name in names]


# --- the course ------------------------------------------------------------------------------------
def test_only_possible_steps_are_offered(client: Client, participant: Participant) -> None:
    page = client.get(reverse("course", kwargs={"pk": participant.pk})).content.decode()
    assert "in follow-up" in page
    for step, offered in (("withdrawal", True), ("completion", True), ("screen-failure", False)):
        address = reverse("course-step", kwargs={"pk": participant.pk, "step": step})
        assert (address in page) is offered, step


def test_a_step_is_taken_and_taken_back(client: Client, participant: Participant) -> None:
    participant.refresh_from_db()
    address = reverse("course-step", kwargs={"pk": participant.pk, "step": "early-termination"})
    said = {
        "version": participant.version,
        "on": "2026-12-21",
        "seen_by": "2027-01-04",
        "reason": "moves abroad",
    }
    assert client.post(address, said | {"reason": ""}).status_code == 422
    assert as_shown(client, address, said).status_code == 302
    assert client.post(address, said).status_code == 409  # sent twice: the second is stale
    assert Visit.objects.get(code="early-termination").closes == date(2027, 1, 4)
    page = client.get(reverse("participant", kwargs={"pk": participant.pk})).content.decode()
    assert "Early termination" in page
    participant.refresh_from_db()
    undo = {"version": participant.version, "reason": "stays"}
    undoing = reverse("course-undo", kwargs={"pk": participant.pk})
    shown = client.post(undoing, undo).content.decode()
    assert "Is to come again: Mon 21 Dec, window" in shown
    assert visit().cancelled_on, "shown, and nothing written"
    assert as_shown(client, undoing, undo).status_code == 302
    assert visit().cancelled_on is None


def test_an_unscheduled_visit_shows_everywhere(client: Client, participant: Participant) -> None:
    address = reverse("unscheduled", kwargs={"pk": participant.pk})
    said = {"on": "2027-01-06", "kind": "clinic", "reason": "rash"}
    page = client.post(address, said, follow=True).content.decode()
    assert "Unscheduled 28.1" in page
    there = reverse("visit", kwargs={"pk": visit("unscheduled-1").pk})
    assert "<h1>Unscheduled 28.1</h1>" in client.get(there).content.decode(), "numbered once"
    assert client.get("/").status_code == 200


def test_why_an_added_visit_has_no_rule_is_said_in_the_readers_language(participant: Participant) -> None:
    asked = Unscheduled(Booking(date(2027, 1, 6)))
    now = timezone.now()
    extra = add_unscheduled(participant=participant, asked=asked, by=None, reason="rash", now=now)
    row = visit_page(extra, now, lambda message: f"<{message}>").row
    assert "<not one of the protocol's visits: added at the site>" in row.because
    assert row.assumption == "not one of the protocol's visits: added at the site", (
        "once, and said by the page"
    )


def test_a_numbered_label_is_said_by_its_name() -> None:
    with translation.override("zh-hans"):
        assert [say("Chemotherapy 2"), say("Chemotherapy 2 of 3"), say("3")] == [
            "清淋化疗 2",
            "Chemotherapy 2 of 3",
            "3",
        ]


def test_an_unscheduled_visit_on_a_day_gone_by_is_recorded_at_once_on_its_own_day(
    client: Client, participant: Participant
) -> None:
    """Added on 21 December 2026 for a fever on the 18th: the form of what was done opens with the 18th."""
    address = reverse("unscheduled", kwargs={"pk": participant.pk})
    said = {"on": "2026-12-18", "start": "21:30", "kind": "ward", "reason": "fever"}
    answer = client.post(address, said, follow=True)
    there = reverse("visit-deed", kwargs={"pk": visit("unscheduled-1").pk, "deed": "complete"})
    assert answer.redirect_chain == [(f"{there}?at=21:30", 302)]
    assert all(f'value="{typed}"' in answer.content.decode() for typed in ("2026-12-18", "21:30"))
    page = client.get(reverse("visit", kwargs={"pk": visit("unscheduled-1").pk})).content.decode()
    assert "<dt>Added because</dt><dd>fever</dd>" in page
    assert "To record" in page, "it is to be recorded: no window was missed"
    shown = client.get(f"/participants/{participant.pk}/")
    assert shown.context["next_visit"].planned.code != "unscheduled-1", "what comes next is another"


def test_an_absence_over_a_whole_window_says_that_no_clinic_day_is_left(
    client: Client, participant: Participant
) -> None:
    """D28 is on Monday 4 January 2027, ±3: away over all of it, and over all but its last day."""
    record_working_days(site=participant.site, by=None, first_year=2026, last_year=2027)
    address = reverse("participant-absences", kwargs={"pk": participant.pk})
    none = "Day 28: none from Fri 1 Jan to Thu 7 Jan."
    for last, said in (("2027-01-07", True), ("2027-01-06", False)):
        shown = client.post(address, {"first": "2026-12-30", "last": last})
        assert (none in shown.content.decode()) == said


@pytest.mark.parametrize("name", ["participant-absences", "site-absences"])
def test_an_absence_is_shown_before_it_is_recorded_and_ended(
    client: Client, participant: Participant, name: str
) -> None:
    """D28 is on Monday 4 January 2027 and booked for that day: away from the 2nd to the 5th."""
    record_working_days(site=participant.site, by=None, first_year=2026, last_year=2027)
    replan_many(ids=[participant.pk], proposals={}, now=timezone.now(), by=None, reason="the days")
    Visit.objects.filter(code="d28").update(booked_on=date(2027, 1, 4))
    pk = participant.pk if name == "participant-absences" else participant.site_id
    address = reverse(name, kwargs={"pk": pk})
    wrong = client.post(address, {"first": "2027-01-05", "last": "2027-01-02"})
    assert (wrong.status_code, Absence.objects.count()) == (422, 0)
    days = {"first": "2027-01-02", "last": "2027-01-05"}
    shown = client.post(address, days)
    page = shown.content.decode()
    assert (shown.status_code, Absence.objects.count()) == (200, 0)
    assert "What would happen, not saved yet" in page
    assert "Booked on Mon 4 Jan, when the site is closed; book it again." in page
    said = days | {"action": "commit", "digest": shown.context["form"].data["digest"]}
    asked = client.post(address, said)
    assert asked.status_code == 422
    assert asked.context["form"].errors["accept"]
    assert client.post(address, said | {"accept": "on", "digest": "x"}).status_code == 409
    assert client.post(address, said | {"accept": "on"}).status_code == 302
    assert visit("d28").suggested == date(2027, 1, 6)
    assert visit("d28").booked_on == date(2027, 1, 4), "no booking moves"
    end = reverse("absence-end", kwargs={"pk": Absence.objects.get().pk})
    assert client.post(end, {"reason": ""}).status_code == 422
    said = {"reason": "back early"}
    shown = client.post(end, said)
    assert "Suggested is Mon 4 Jan instead of Wed 6 Jan." in shown.content.decode()
    digest = {"action": "commit", "digest": shown.context["form"].data["digest"]}
    assert (visit("d28").suggested, Absence.objects.get().ended) == (date(2027, 1, 6), False)
    Visit.objects.filter(code="d28").update(version=F("version") + 1)  # somebody was quicker
    overtaken = client.post(end, said | digest)
    assert (overtaken.status_code, Absence.objects.get().ended) == (409, False)
    assert "Something was changed after this had been shown" in overtaken.content.decode()
    again = digest | {"digest": overtaken.context["form"].data["digest"]}
    assert client.post(end, said | again).status_code == 302
    assert visit("d28").suggested == date(2027, 1, 4)
    assert client.post(end, said | again).status_code in {409, 422}, "ended once"


# --- every step of a course, taken in the browser ------------------------------------------------
NEVER, OFF = "Does not apply any more.", "Does not take place any more."
STEPS = [
    ("screening", "screen-failure", {}, "screen failure", NEVER),
    ("screen-failed", "rescreening", {"day_zero": "2027-02-01"}, "in screening",
     "Is to come again: Mon 1 Feb"),
    ("screening", "never-infused", {}, "day zero not reached", NEVER),
    ("screening", "transfer", {"site": "BJ"}, "in screening", "Nothing: every visit and window stays"),
    ("screening", "withdrawal", {}, "withdrawn", OFF),
    ("conditioning", "hold", {}, "on hold before day zero", "Waits until the hold ends."),
    ("on-hold", "resumption", {}, "in treatment before day zero", "Waits no longer."),
    ("on-hold", "never-infused", {}, "day zero not reached", NEVER),
    ("on-hold", "lost-to-follow-up", {}, "lost to follow-up", OFF),
    ("follow-up", "early-termination", {"seen_by": "2027-01-04"}, "terminated early",
     "New: Mon 21 Dec, window Mon 21 Dec to Mon 4 Jan."),
    ("follow-up", "withdrawal", {}, "withdrawn", OFF),
    ("follow-up", "lost-to-follow-up", {}, "lost to follow-up", OFF),
    ("follow-up", "death", {}, "died", OFF),
    ("follow-up", "transfer", {"site": "BJ"}, "in follow-up", "Nothing: every visit and window stays"),
    ("done", "completion", {}, "completed", "Nothing: every visit and window stays"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("stands", "step", "more", "then", "says"), STEPS, ids=[f"{r[0]}: {r[1]}" for r in STEPS]
)
def test_every_step_is_shown_and_taken_from_the_page_of_the_course(
    client: Client, stands: str, step: str, more: dict[str, str], then: str, says: str
) -> None:
    person = standing(stands)
    home = reverse("course", kwargs={"pk": person.pk})
    address = reverse("course-step", kwargs={"pk": person.pk, "step": step})
    assert address in client.get(home).content.decode(), "offered where it is possible"
    assert client.get(address).status_code == 200
    person.refresh_from_db()
    said = {"version": person.version, "on": "2026-12-21", "reason": "as told", **more}
    if "site" in more:
        said["site"] = str(a_second_site(person, more["site"]).pk)
    stood = everything()
    shown = client.post(address, said)
    assert says in shown.content.decode(), shown.context["form"].errors
    other = client.post(address, {**said, "action": "commit", "digest": "x"})
    assert (other.status_code, everything()) == (409, stood), "what was not shown is not done"
    answer = as_shown(client, address, said)
    assert answer.status_code == 302, answer.context["form"].errors
    if "site" in more:
        assert (
            "S01-001 is now at Hospital BJ, where you have no role."
            in client.get(answer.url).content.decode()
        )
        Membership.objects.create(
            user=User.objects.get(username="coordinator"),
            role=Role.COORDINATOR,
            site=a_site("BJ"),
            starts_on=date(2026, 1, 1),
        )
    assert f"<b>{then}</b>" in client.get(home).content.decode()


def quicker(person: Participant, did: str) -> None:
    """What somebody else does to a participant in the meantime."""
    person.refresh_from_db()
    shared: dict[str, Any] = {"by": someone("quick"), "now": timezone.now()}
    if did == "booked":
        booking = Booking(date(2027, 1, 5))
        book_visit(visit=visit("d28"), version=visit("d28").version, booking=booking, **shared)
        return
    said = {"participant": person, "version": person.version, "reason": "as told", **shared}
    take_step(request=StepRequest(Step.WITHDRAWAL, date(2026, 12, 20)), **said)
    if did == "undone":
        undo_last_step(**said | {"version": person.version + 1})


QUICKER = [
    ("booked", True, "Day 28: booked on: Tue 5 Jan", 302),
    ("withdrawn", True, "Withdrawal: on: Sun 20 Dec", 422),
    ("withdrawn", False, "Withdrawal: on: Sun 20 Dec", 422),
    ("undone", False, "Withdrawal: withdrawn: no → yes", 302),
]


@pytest.mark.parametrize(
    ("did", "seen", "told", "then"), QUICKER, ids=[f"{row[0]}, {row[1]}" for row in QUICKER]
)
def test_who_takes_a_step_is_told_what_a_quicker_one_did_and_goes_on(
    client: Client, did: str, seen: bool, told: str, then: int
) -> None:
    """Also by somebody who has seen nothing yet but the form; what was typed stays."""
    person = standing("follow-up")
    address = reverse("course-step", kwargs={"pk": person.pk, "step": "lost-to-follow-up"})
    said = typed(client.get(address)) | {"on": "2026-12-21", "reason": "letters came back"}
    if seen:
        said = typed(client.post(address, said))
    quicker(person, did)
    overtaken = client.post(address, said | {"action": "commit"})
    assert overtaken.status_code == 409
    page = " ".join(strip_tags(overtaken.content.decode()).split())
    assert "quick · " in page, page
    assert told in page
    again = typed(overtaken)
    assert (again["on"], again["reason"]) == ("2026-12-21", "letters came back")
    if not again["digest"]:
        again = typed(client.post(address, again))
    assert client.post(address, again | {"action": "commit", "accept": "on"}).status_code == then


def test_the_picture_of_a_change_names_a_window_of_one_day_by_that_day(client: Client) -> None:
    """It said “Infusion: Mon 7 Dec to Mon 7 Dec”."""
    person = standing("follow-up")
    address = reverse("course-step", kwargs={"pk": person.pk, "step": "lost-to-follow-up"})
    said = typed(client.get(address)) | {"on": "2026-12-21", "reason": "letters came back"}
    page = client.post(address, said).content.decode()
    assert "Rest: Sat 5 Dec to Sun 6 Dec" in page
    assert "Infusion: Mon 7 Dec" in page
    assert "to Mon 7 Dec" not in page


def typed(page: Any) -> dict[str, str]:
    """What stands in the fields of a page's form."""
    return {field.name: str(field.value() or "") for field in page.context["form"]}


def test_where_no_visit_is_left_no_calendar_is_warned_of(client: Client) -> None:
    """Chemotherapy from Wednesday 3 February 2027 meets the Spring Festival, until screening has failed."""
    anchors = {
        "infusion": AnchorDay(date(2027, 2, 8), AnchorKind.PLANNED),
        "consent": AnchorDay(date(2026, 11, 3), AnchorKind.ACTUAL),
    }
    asked = an_enrolment(anchors=anchors, traits=frozenset({"lymphodepletion"}))
    record_working_days(site=asked.site, by=None, first_year=2026, last_year=2027)
    person = enrol(enrolment=asked, by=None)
    met = "Fri 5 Feb: Spring Festival"
    assert met in client.get(reverse("participant", kwargs={"pk": person.pk})).content.decode()
    address = reverse("course-step", kwargs={"pk": person.pk, "step": "screen-failure"})
    shown = client.post(address, {"version": person.version, "on": "2026-12-21", "reason": "criteria"})
    assert NEVER in shown.content.decode()
    assert met not in shown.content.decode()


def everything() -> list[Any]:
    """All that a step writes, as it stands."""
    tables = (Participant, Visit, CourseStep, Anchor, ProtocolWindow, Deviation, CalendarState, AuditEntry)
    return [list(table.objects.order_by("pk").values()) for table in tables]


def standing(where: str) -> Participant:
    """Somebody who stands so on Monday 21 December 2026."""
    actual = {
        "conditioning": {"lymphodepletion-start": date(2026, 12, 16)},
        "on-hold": {"lymphodepletion-start": date(2026, 12, 16)},
        "follow-up": {"infusion": INFUSION},
        "done": {"infusion": INFUSION},
    }
    infusion = AnchorDay(date(2026, 12, 21) if where in {"conditioning", "on-hold"} else date(2027, 1, 18))
    days = {code: AnchorDay(day, AnchorKind.ACTUAL) for code, day in actual.get(where, {}).items()}
    consent = {"consent": AnchorDay(date(2026, 11, 3), AnchorKind.ACTUAL)}
    person = enrol(enrolment=an_enrolment(anchors={"infusion": infusion, **consent, **days}), by=None)
    step = {"screen-failed": Step.SCREEN_FAILURE, "on-hold": Step.HOLD}.get(where)
    if step:
        request = StepRequest(step, date(2026, 12, 20))
        now = timezone.now()
        take_step(participant=person, version=1, request=request, by=None, reason="so", now=now)
    if where == "done":
        Visit.objects.update(performed_on=date(2026, 12, 21))
    return person


def a_second_site(person: Participant, code: str) -> Site:
    site = a_site(code)
    an_approval(site, person.protocol_version)
    return site


# --- constant query counts -----------------------------------------------------------------------
@pytest.mark.parametrize("name", ["visit", "course"])
def test_queries_do_not_grow(
    client: Client, participant: Participant, name: str, django_assert_max_num_queries: Any
) -> None:
    pk = visit().pk if name == "visit" else participant.pk
    with django_assert_max_num_queries(16):
        assert client.get(reverse(name, kwargs={"pk": pk})).status_code == 200


def test_an_arrival_is_recorded_on_its_page_and_undone(client: Client, participant: Participant) -> None:
    """Noon in Shanghai; what is done next stands on the page of the visit."""
    pk = visit("d14").pk
    page, deed = reverse("visit", kwargs={"pk": pk}), {"pk": pk, "deed": "arrive"}
    assert client.get(reverse("visit-deed", kwargs=deed)).status_code == 200
    client.post(reverse("visit-deed", kwargs=deed), {"version": visit("d14").version})
    shown = client.get(page).content.decode()
    assert (visit("d14").arrived_on, "12:00" in shown, "Arrived" in shown) == (date(2026, 12, 21), True, True)
    undo = reverse("visit-deed", kwargs={"pk": pk, "deed": "undo-arrival"})
    said = {"version": visit("d14").version, "reason": "of another participant"}
    client.post(undo, said)
    assert (visit("d14").arrived_on, "Arrived" in client.get(page).content.decode()) == (None, False)


def test_the_day_that_the_form_proposes_is_taken_as_it_stands(
    client: Client, participant: Participant
) -> None:
    """On Sunday 27 December its target is past: the form began with that Sunday, and was refused."""
    with time_machine.travel("2026-12-27T04:00:00Z", tick=False):
        record_working_days(site=participant.site, by=None, first_year=2025, last_year=2028)
        client.force_login(User.objects.get(username="coordinator"))
        Visit.objects.filter(code="d14").update(
            target=date(2026, 12, 26), closes=date(2026, 12, 29), suggested=None
        )
        form = client.get(deed("book")).context["form"]
        assert form["on"].value() == date(2026, 12, 28), "Monday, as Today offers it"
        said = {name: form[name].value() or "" for name in ("version", "on")}
        assert client.post(deed("book"), said).status_code == 302


def test_the_page_of_a_visit_that_waits_names_the_day_it_waits_for(client: Client) -> None:
    anchors = {"infusion": AnchorDay(INFUSION), "consent": AnchorDay(date(2026, 11, 3), AnchorKind.ACTUAL)}
    person = enrol(enrolment=an_enrolment(anchors=anchors, today=INFUSION), by=None)
    address = reverse("visit", args=[Visit.objects.get(participant=person, code="d14").pk])
    said = " ".join(strip_tags(client.get(address).content.decode()).split())
    assert "Waits for Infusion, planned for Mon 7 Dec and not recorded yet" in said
    Visit.objects.update(anchor_kind=AnchorKind.ACTUAL)
    assert "Waits for" not in strip_tags(client.get(address).content.decode())
