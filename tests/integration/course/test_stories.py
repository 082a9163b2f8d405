"""Two courses from beginning to end; every date has its weekday, to be checked on a wall calendar."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from participants.domain.anchors import RecordedAnchor
from participants.domain.errors import CourseRefused
from participants.models import Participant
from schedules.domain.errors import BookingsOrphaned, ReplanningRefused
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.domain.replanning.visit_effects import Effect
from schedules.domain.replanning.wording import change_sentence
from schedules.domain.visits.values import Booking, Completion
from schedules.models import Deviation, Flag, ProtocolWindow, ReadinessCheck, Visit
from schedules.selectors.readiness.holds import waiting_of_participant
from schedules.services.course.holds import (
    Resumption,
    hold_infusion,
    record_fever,
    resume_infusion,
    sweep_holds,
)
from schedules.services.enrolment.enrolling import enrol
from schedules.services.replanning.moves import Preview, Proposal, commit_replanning, preview_replanning
from schedules.services.visits.appointments import book_visit, complete_visit
from tests.cast import a_site, a_version, an_enrolment
from trials.services.sites.working_days import record_working_days

pytestmark = pytest.mark.django_db
SHANGHAI = ZoneInfo("Asia/Shanghai")


def day(text: str) -> date:
    """`Tue 2027-02-09`: the date, once its weekday is what the wall calendar says."""
    weekday, _, iso = text.partition(" ")
    found = date.fromisoformat(iso)
    assert f"{found:%a}" == weekday, f"{iso} is a {found:%A}"
    return found


def at(text: str, hour: str = "10:00") -> datetime:
    """An hour of a day at the site."""
    return datetime.combine(day(text), time.fromisoformat(hour), SHANGHAI)


class Story:
    """One participant and what people do about them, each on the day on which they do it."""

    def __init__(self, trial: str, consent: str, infusion: str, traits: tuple[str, ...] = ()) -> None:
        site = a_site("YC", name="Third People's Hospital")
        record_working_days(site=site, by=None, first_year=2026, last_year=2029)
        anchors = {
            "infusion": AnchorDay(day(infusion)),
            "consent": AnchorDay(day(consent), AnchorKind.ACTUAL),
        }
        asked = an_enrolment(a_version(trial), site=site, anchors=anchors, traits=frozenset(traits))
        self.person: Participant = enrol(enrolment=asked, by=None)

    def visit(self, code: str) -> Visit:
        return Visit.objects.get(participant=self.person, code=code)

    def done(self, code: str, on: str, because: str = "") -> None:
        visit = self.visit(code)
        completion = Completion(day(on), activities=None)
        complete_visit(
            visit=visit,
            version=visit.version,
            completion=completion,
            by=None,
            reason=because,
            now=at(on, "17:00"),
        )

    def shown(self, infusion: str, now: datetime) -> Preview:
        anchor = RecordedAnchor("infusion", planned_on=day(infusion))
        proposal = Proposal(anchors={"infusion": anchor})
        return preview_replanning(participant=self.person, proposal=proposal, now=now)

    def booked(self, code: str, on: str, now: datetime, because: str = "") -> None:
        visit = self.visit(code)
        booking = Booking(day(on))
        book_visit(visit=visit, version=visit.version, booking=booking, by=None, now=now, reason=because)

    def moved(self, infusion: str, now: datetime, reason: str) -> Preview:
        shown = self.shown(infusion, now)
        return commit_replanning(
            participant=self.person,
            proposal=shown.proposal,
            digest=shown.digest,
            now=now,
            by=None,
            reason=reason,
        )

    def held(self, on: str, fever: str) -> None:
        record_fever(participant=self.person, at=at(on, fever), by=None, now=at(on, "20:00"))
        self.person.refresh_from_db()
        version = self.person.version
        hold_infusion(
            participant=self.person, version=version, on=day(on), by=None, reason="fever", now=at(on, "20:00")
        )

    def resumed(self, on: str, infusion: str, *, accept: bool = False) -> None:
        now = at(on)
        shown = self.shown(infusion, now)
        proposal = replace(shown.proposal, accept_unbookable=accept)
        self.person.refresh_from_db()
        resume_infusion(
            participant=self.person,
            version=self.person.version,
            resumption=Resumption(day(on), proposal, shown.digest),
            by=None,
            reason="no fever",
            now=now,
        )

    def calendar(self, *codes: str) -> dict[str, str]:
        """Opens, target and closes of these visits, as a wall calendar has them."""
        return {code: " | ".join(map(said, days_of(self.visit(code)))) for code in codes}


def said(found: date | None) -> str:
    return f"{found:%a %Y-%m-%d}" if found else "–"


def days_of(visit: Visit) -> Iterator[date]:
    yield from dict.fromkeys((visit.opens, visit.target, visit.closes))


def effects(preview: Preview) -> dict[str, list[Effect]]:
    return {change.code: list(change.effects) for change in preview.visits}


def sentence(preview: Preview, code: str) -> str:
    return change_sentence(next(change for change in preview.visits if change.code == code))


def window(code: str) -> tuple[Any, ...]:
    found = ProtocolWindow.objects.get(code=code)
    return said(found.starts_on), said(found.ends_on)


def product_at_the_start() -> tuple[str, str, str]:
    """What the list that was recorded with the start says of the product, and why it was begun."""
    check = ReadinessCheck.objects.get()
    (why,) = (line["why"] for line in check.verdicts["lines"] if line["item"] == "product")
    return said(check.for_day), check.verdicts["reason"], why


def departures() -> list[tuple[str, str, int | None]]:
    """What is drafted in the end: kind, visit, days late."""
    drafted = Deviation.objects.filter(lapsed_on=None).select_related("visit").order_by("kind")
    return [(one.kind, one.visit.code if one.visit else "", one.days) for one in drafted]


def test_ucar_t_waits_for_its_product_and_then_over_the_spring_festival() -> None:
    """NCT07274059, with lymphodepletion. New Year's Day of the lunar calendar is Saturday 6 February 2027."""
    story = Story("NCT07274059", "Mon 2027-01-04", "Thu 2027-01-28", ("lymphodepletion",))
    assert story.calendar("screening", "ld-1", "rest", "d14") == {
        "screening": "Thu 2026-12-31 | Fri 2027-01-22",  # D-28 to D-6
        "ld-1": "Sat 2027-01-23",
        "rest": "Tue 2027-01-26 | Wed 2027-01-27",
        "d14": "Tue 2027-02-09 | Thu 2027-02-11 | Sat 2027-02-13",
    }
    story.done("screening", "Mon 2027-01-11")

    # On Thursday 21 January the product is not released: a week later, and nothing is lost.
    first = story.moved("Thu 2027-02-04", at("Thu 2027-01-21"), "product not released")
    assert effects(first)["screening"] == [Effect.RETAINED]
    assert {tuple(found) for code, found in effects(first).items() if code != "screening"} == {
        (Effect.MOVED,)
    }
    assert story.calendar("screening", "ld-1", "ld-2", "ld-3", "rest", "d0", "d14") == {
        "screening": "Thu 2027-01-07 | Fri 2027-01-29",
        "ld-1": "Sat 2027-01-30",
        "ld-2": "Sun 2027-01-31",
        "ld-3": "Mon 2027-02-01",
        "rest": "Tue 2027-02-02 | Wed 2027-02-03",
        "d0": "Thu 2027-02-04",
        "d14": "Tue 2027-02-16 | Thu 2027-02-18 | Sat 2027-02-20",
    }
    assert not Deviation.objects.filter(kind="hold").exists(), "nothing had begun"

    # D28 would be on Thursday 4 March, and is booked for then.
    story.booked("d28", "Thu 2027-03-04", at("Fri 2027-01-29"))

    # Chemotherapy over the weekend; on Tuesday, two days before the infusion, 39 degrees.
    story.done("ld-1", "Sat 2027-01-30", "product on its way")
    assert product_at_the_start() == (
        "Sat 2027-01-30",
        "product on its way",
        "Missing: Received at the site. Missing: Released.",
    )
    story.done("ld-2", "Sun 2027-01-31")
    story.done("ld-3", "Mon 2027-02-01")
    story.held("Tue 2027-02-02", fever="19:30")
    assert story.visit("d0").held_on == day("Tue 2027-02-02")

    # The last fever is on Friday, the eve of the festival; on Monday, its last day, the hold is ended.
    record_fever(
        participant=story.person,
        at=at("Fri 2027-02-05", "06:00"),
        by=None,
        now=at("Fri 2027-02-05", "09:00"),
    )
    sweep_holds(now=at("Sat 2027-02-06"))
    assert Deviation.objects.get(kind="hold").days == 2, "Thursday has passed"
    assert not Flag.objects.filter(kind="hold").exists()
    sweep_holds(now=at("Sun 2027-02-07"))
    assert "waits for 3 days" in Flag.objects.get(kind="hold").message
    with pytest.raises(CourseRefused, match="full on 2027-02-07 06:00"):
        story.resumed("Sat 2027-02-06", "Sat 2027-02-06")
    second = story.shown("Tue 2027-02-09", at("Mon 2027-02-08"))
    assert effects(second)["ld-1"] == [Effect.CHEMOTHERAPY_GIVEN]
    assert effects(second)["rest"] == [Effect.BLOCK_BROKEN, Effect.MOVED]
    assert effects(second)["screening"] == [Effect.EXPIRED]
    assert sentence(second, "screening") == (
        "Done on Monday 2027-01-11, before the window now opens on Tuesday 2027-01-12: it has expired. "
        "To be repeated: Neutrophil count."
    )
    holidays = [warning.message for warning in second.warnings if warning.code == "public-holiday"]
    assert any("2027-02-06 is a public holiday (Spring Festival) on the ward" in said for said in holidays)
    assert sentence(second, "d28") == (
        "Booked on Thursday 2027-03-04, outside the window Saturday 2027-03-06 to Friday 2027-03-12; "
        "book it again. Moves from Thursday 2027-03-04 to Tuesday 2027-03-09 (+5 days)."
    )
    assert said(story.visit("d0").target) == "Thu 2027-02-04", "what is shown is not done"
    with pytest.raises(BookingsOrphaned, match=r"Day 28 \(2027-03-04\)"):
        story.resumed("Mon 2027-02-08", "Tue 2027-02-09")
    assert story.visit("d0").held_on == day("Tue 2027-02-02"), "asked first: the hold goes on"
    story.resumed("Mon 2027-02-08", "Tue 2027-02-09", accept=True)
    assert said(story.visit("d28").booked_on) == "Thu 2027-03-04", "no booking moves by itself"
    story.booked("d28", "Tue 2027-03-09", at("Mon 2027-02-08"), "the infusion slipped")
    assert waiting_of_participant(story.person).late == 5  # type: ignore[union-attr]

    story.done("rest", "Mon 2027-02-08")
    story.done("d0", "Tue 2027-02-09")
    assert story.calendar("ld-1", "rest", "d0", "d14", "d28", "m3", "m12", "m24") == {
        "ld-1": "Sat 2027-01-30",
        "rest": "Tue 2027-02-02 | Mon 2027-02-08",
        "d0": "Tue 2027-02-09",
        "d14": "Sun 2027-02-21 | Tue 2027-02-23 | Thu 2027-02-25",
        "d28": "Sat 2027-03-06 | Tue 2027-03-09 | Fri 2027-03-12",
        "m3": "Sun 2027-05-02 | Sun 2027-05-09 | Sun 2027-05-16",
        "m12": "Wed 2028-01-26 | Wed 2028-02-09 | Wed 2028-02-23",
        "m24": "Fri 2029-01-26 | Fri 2029-02-09 | Fri 2029-02-23",
    }
    assert said(story.visit("m3").suggested) == "Mon 2027-05-10"
    assert window("hospital-stay") == ("Tue 2027-02-09", "Tue 2027-02-16")
    assert window("stay-near-site") == ("Tue 2027-02-09", "Tue 2027-03-09")
    deviation = Deviation.objects.get(kind="hold")
    assert [said(deviation.planned_on), said(deviation.actual_on), deviation.days] == [
        "Thu 2027-02-04",
        "Tue 2027-02-09",
        5,
    ]
    assert departures() == [("hold", "", 5), ("outside-window", "screening", -1)]
    assert Flag.objects.get(kind="hold").cleared_at is not None


def test_cd19_car_t_waits_for_two_days_because_of_a_fever_two_days_before() -> None:
    """NCT07193667: infusion planned for Monday 7 December 2026, chemotherapy from Wednesday to Friday."""
    story = Story("NCT07193667", "Mon 2026-11-09", "Mon 2026-12-07")
    story.done("screening", "Mon 2026-11-16")
    story.done("ld-1", "Wed 2026-12-02", "released")
    story.done("ld-2", "Thu 2026-12-03")
    story.booked("d4", "Fri 2026-12-11", at("Thu 2026-12-03"))
    story.booked("d14", "Mon 2026-12-21", at("Thu 2026-12-03"))
    story.done("ld-3", "Fri 2026-12-04")
    story.held("Sat 2026-12-05", fever="18:00")
    with pytest.raises(ReplanningRefused, match="Infusion to 2026-12-07"):  # never earlier than given for
        story.moved("Sun 2026-12-06", at("Sat 2026-12-05", "21:00"), "before the fever rises")
    shown = story.shown("Wed 2026-12-09", at("Mon 2026-12-07"))
    assert [change.code for change in shown.visits[:4]] == ["ld-1", "ld-2", "ld-3", "rest"], "the gravest"
    assert sentence(shown, "ld-1") == ("Given on Wednesday 2026-12-02, it stays done; the rest lengthens.")
    assert sentence(shown, "rest") == (
        "Its block no longer holds together. Its window is now Saturday 2026-12-05 to Tuesday 2026-12-08."
    )
    assert sentence(shown, "w52") == "Moves from Monday 2027-12-06 to Wednesday 2027-12-08 (+2 days)."
    assert sentence(shown, "d4") == (
        "Booked on Friday 2026-12-11, outside the window Saturday 2026-12-12 to Monday 2026-12-14; "
        "book it again. Moves from Friday 2026-12-11 to Sunday 2026-12-13 (+2 days)."
    )
    assert effects(shown)["d14"] == [Effect.MOVED], "Monday 21 December lies in the window as before"
    assert effects(shown)["screening"] == [Effect.RETAINED]
    assert any("the infusion can be delayed, resumed or abandoned" in w.message for w in shown.warnings)

    # 48 hours without fever are full on Monday at 18:00: Wednesday is late enough.
    story.resumed("Mon 2026-12-07", "Wed 2026-12-09", accept=True)
    assert [said(story.visit(code).booked_on) for code in ("d4", "d14")] == [
        "Fri 2026-12-11",
        "Mon 2026-12-21",
    ], "no booking moves by itself"
    story.booked("d4", "Mon 2026-12-14", at("Mon 2026-12-07"), "the infusion slipped")
    story.done("rest", "Tue 2026-12-08")
    story.done("d0", "Wed 2026-12-09")
    assert story.calendar("d4", "d7", "d10", "d14", "d21", "d28", "w8", "w12", "w24", "w36", "w52") == {
        "d4": "Sat 2026-12-12 | Sun 2026-12-13 | Mon 2026-12-14",
        "d7": "Tue 2026-12-15 | Wed 2026-12-16 | Thu 2026-12-17",
        "d10": "Fri 2026-12-18 | Sat 2026-12-19 | Sun 2026-12-20",
        "d14": "Mon 2026-12-21 | Wed 2026-12-23 | Fri 2026-12-25",
        "d21": "Mon 2026-12-28 | Wed 2026-12-30 | Fri 2027-01-01",
        "d28": "Sun 2027-01-03 | Wed 2027-01-06 | Sat 2027-01-09",
        "w8": "Wed 2027-01-27 | Wed 2027-02-03 | Wed 2027-02-10",
        "w12": "Wed 2027-02-24 | Wed 2027-03-03 | Wed 2027-03-10",
        "w24": "Wed 2027-05-12 | Wed 2027-05-26 | Wed 2027-06-09",
        "w36": "Wed 2027-08-04 | Wed 2027-08-18 | Wed 2027-09-01",
        "w52": "Wed 2027-11-24 | Wed 2027-12-08 | Wed 2027-12-22",
    }
    assert [said(story.visit(code).suggested) for code in ("d4", "d10")] == [
        "Mon 2026-12-14",
        "Fri 2026-12-18",
    ]
    deviation = Deviation.objects.get(kind="hold")
    assert (said(deviation.planned_on), said(deviation.actual_on), deviation.days) == (
        "Mon 2026-12-07",
        "Wed 2026-12-09",
        2,
    )
    assert departures() == [("hold", "", 2)]
    assert not Visit.objects.filter(held_on__isnull=False).exists()
    assert not Flag.objects.filter(kind="hold").exists(), "two days escalate nothing"
