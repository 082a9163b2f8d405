"""What is to be done next about a participant: one sentence and one button."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from django.urls import reverse
from django.utils.translation import gettext as _

from participants.domain.fact_kinds import FactKind
from participants.models import Participant
from schedules.domain.visits.bookings import needs_no_booking
from schedules.domain.visits.date_strip import day_to_offer
from schedules.domain.visits.status import Appointment, WindowPosition
from schedules.domain.windows.verdicts import VerdictStatus
from schedules.models import Visit
from schedules.selectors.pages.participant import ParticipantPage
from schedules.selectors.store.plan_rows import Reading, VisitRow
from schedules.selectors.windows.verdicts import VerdictRow
from schedules.web.shared.wording import near_day_words
from schedules.web.windows.fact_wording import KINDS
from trials.domain.protocols.protocol import Place

CLOSING = frozenset({WindowPosition.NO_CLINIC_DAY_LEFT, WindowPosition.LAST_DAYS})
AHEAD = frozenset({WindowPosition.OPEN, WindowPosition.UPCOMING})
Live = Sequence[tuple[VisitRow, Visit]]


@dataclass(frozen=True, slots=True)
class NextStep:
    """One sentence and what its button does: post an act on a visit, or lead to a page.

    `act` is an act of the Today page, on `visit`, for the day `on`; empty where `address` leads on.
    `grave` where it cannot wait.
    """

    title: str
    words: str
    button: str
    grave: bool = False
    address: str = ""
    act: str = ""
    visit: Visit | None = None
    on: date | None = None
    other: str = ""


def next_step(page: ParticipantPage, verdicts: Sequence[VerdictRow]) -> NextStep | None:
    """The first thing that waits, in the order in which a coordinator would do it; None for nothing."""
    person = page.participant
    if person.history_since:
        address = reverse("history", kwargs={"pk": person.pk})
        words = _("Nothing is judged, drafted or flagged until it is complete.")
        return NextStep(_("Complete the history"), words, _("Complete the history"), True, address)
    stored = {visit.pk: visit for visit in person.visits.all()}
    live = [
        (row, visit) for row in page.visits if row.live and (visit := stored.get(row.pk or 0)) is not None
    ]
    today = page.reading.today
    return (
        _to_record(live, today)
        or _to_book(live, page.reading, CLOSING, grave=True)
        or _today(live, today)
        or _fact(person, verdicts)
        or _to_book(live, page.reading, AHEAD, grave=False)
        or _booked(live, today)
    )


def _to_record(live: Live, today: date) -> NextStep | None:
    for row, visit in live:
        if row.standing.appointment not in (Appointment.TO_RECORD, Appointment.ARRIVED):
            continue
        arrived = row.standing.appointment is Appointment.ARRIVED
        on = today if arrived else visit.booked_on
        title = _("Record %(visit)s") % {"visit": row.mark}
        if arrived:
            words = _("The participant is here.")
        elif visit.booked_on:
            words = _("It was booked for %(day)s, and nothing is recorded.") % _day(visit.booked_on, today)
        else:
            words = _("Its window closed on %(day)s, and nothing is recorded.") % _day(visit.closes, today)
        if on is None:
            return NextStep(title, words, _("Done on…"), True, _form(visit, "complete"))
        return _record(title, words, _("Done on %(day)s") % _day(on, today), visit, on, grave=True)
    return None


def _today(live: Live, today: date) -> NextStep | None:
    for row, visit in live:
        booked = row.standing.appointment is Appointment.BOOKED and row.booked_on == today
        if booked or (_is_given(visit) and visit.opens <= today <= visit.closes):
            title = _("%(visit)s is today") % {"visit": row.mark}
            words = _("Record it once it was done.")
            return _record(title, words, _("Done today"), visit, today, grave=False)
    return None


def _record(title: str, words: str, button: str, visit: Visit, on: date, *, grave: bool) -> NextStep:
    other = _form(visit, "complete")
    return NextStep(title, words, button, grave, act="done", visit=visit, on=on, other=other)


def _to_book(
    live: Live, reading: Reading, windows: Collection[WindowPosition], *, grave: bool
) -> NextStep | None:
    for row, visit in live:
        if row.standing.window not in windows or row.standing.appointment is not Appointment.TO_BOOK:
            continue
        if _is_given(visit):
            continue
        on = day_to_offer(
            row.planned.window, Place(visit.place), reading.calendar, reading.today, visit.suggested
        )
        title = _("Book %(visit)s") % {"visit": row.mark}
        words = _window_words(row, reading.today)
        other = _form(visit, "book")
        if on is None:
            return NextStep(title, words, _("No day left: options…"), True, other)
        button = _("Book %(day)s") % _day(on, reading.today)
        return NextStep(title, words, button, grave, act="book", visit=visit, on=on, other=other)
    return None


def _fact(person: Participant, verdicts: Sequence[VerdictRow]) -> NextStep | None:
    asks = (VerdictStatus.AT_RISK, VerdictStatus.CANNOT_JUDGE)
    for row in verdicts:
        if row.flag is None or row.verdict.status not in asks or not row.feeds:
            continue
        confirms = FactKind.CONFIRMATION in row.feeds and row.verdict.status is VerdictStatus.CANNOT_JUDGE
        kind = FactKind.CONFIRMATION if confirms else row.feeds[0]
        address = reverse("fact-new", kwargs={"pk": person.pk, "kind": kind.value})
        missing = (_("Missing: %(what)s.") % {"what": one} for one in row.missing)
        return NextStep(row.label, next(iter((*row.because, *missing)), ""), str(KINDS[kind]), True, address)
    return None


def _booked(live: Live, today: date) -> NextStep | None:
    for row, visit in live:
        if row.standing.appointment is Appointment.BOOKED and row.booked_on:
            title = _("%(visit)s comes next") % {"visit": row.mark}
            words = _("It is booked for %(day)s. Nothing waits until then.") % _day(row.booked_on, today)
            address = reverse("visit", kwargs={"pk": visit.pk})
            return NextStep(title, words, _("Open the visit"), address=address)
    return None


def _is_given(visit: Visit) -> bool:
    """Whether a visit comes on its day without a booking, and has none."""
    given = needs_no_booking(visit.place, visit.timing, visit.opens, visit.closes)
    return given and visit.booked_on is None


def _form(visit: Visit, deed: str) -> str:
    return reverse("visit-deed", kwargs={"pk": visit.pk, "deed": deed})


def _window_words(row: VisitRow, today: date) -> str:
    window = row.planned.window
    words = {
        "opens": near_day_words(window.opens, today),
        "closes": near_day_words(window.closes, today),
        "count": row.clinic_days,
    }
    if window.opens > today:
        return _("Its window is from %(opens)s to %(closes)s.") % words
    if row.clinic_days is None:
        return _("Its window is open until %(closes)s.") % words
    return _("Its window is open until %(closes)s; clinic days left: %(count)s.") % words


def _day(day: date, today: date) -> dict[str, str]:
    return {"day": near_day_words(day, today)}
