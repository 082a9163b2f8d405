"""The page of a visit, and a form for each thing that people do with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from schedules.domain.errors import VisitRefused
from schedules.domain.visits.clashes import Clash
from schedules.domain.visits.values import VisitAction
from schedules.domain.visits.visit import UNSCHEDULED
from schedules.models import Visit, VisitPlace
from schedules.selectors.pages.visit import VisitPage, visit_page
from schedules.selectors.reminders.bell import told_of_visit
from schedules.selectors.store.course import visit_in_sight
from schedules.selectors.visits.clashes import ProposedBooking, clashes_of_bookings
from schedules.selectors.visits.offers import Offer, offers_of
from schedules.services.visits.appointments import (
    book_visit,
    cancel_visit,
    complete_visit,
    miss_visit,
    record_arrival,
    unbook_visit,
    undo_visit,
    withdraw_arrival,
)
from schedules.services.visits.together import book_together
from schedules.services.visits.unscheduled import Unscheduled, add_unscheduled
from schedules.web.reminders.words import told_context
from schedules.web.shared.answers import answer, may_record, person_of, require_record
from schedules.web.shared.back import back_or
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.forms import ReasonForm, VersionedForm
from schedules.web.shared.just_done import typed_before
from schedules.web.shared.people import user_of
from schedules.web.shared.query_params import day_asked
from schedules.web.shared.wording import say, visit_of_words
from schedules.web.visits.forms import (
    DONE,
    BookingForm,
    CompletionForm,
    MissForm,
    UnscheduledForm,
)
from trials.domain.errors import Stale
from trials.domain.sites.wall_clock import instant_at, later
from trials.selectors.resources import resources_of
from trials.zones import zone_of


@dataclass(frozen=True, slots=True)
class DeedWords:
    """What a deed is called: on a link, above its form, on its button, and once it is done."""

    link: Promise
    title: Promise
    button: Promise
    done: Promise


REBOOK = gettext_lazy("Rebook")
DEEDS: Mapping[VisitAction, DeedWords] = {
    VisitAction.BOOK: DeedWords(
        gettext_lazy("Book"),
        gettext_lazy("Book %(visit)s"),
        gettext_lazy("Book"),
        gettext_lazy("%(visit)s is booked."),
    ),
    VisitAction.UNBOOK: DeedWords(
        gettext_lazy("Cancel the booking"),
        gettext_lazy("Cancel the booking of %(visit)s"),
        gettext_lazy("Cancel booking"),
        gettext_lazy("The booking of %(visit)s is cancelled."),
    ),
    VisitAction.ARRIVE: DeedWords(
        gettext_lazy("Record the arrival"),
        gettext_lazy("Record the arrival for %(visit)s"),
        gettext_lazy("Record the arrival"),
        gettext_lazy("The arrival for %(visit)s is recorded."),
    ),
    VisitAction.UNDO_ARRIVAL: DeedWords(
        gettext_lazy("Undo the arrival"),
        gettext_lazy("Undo the arrival for %(visit)s"),
        gettext_lazy("Undo the arrival"),
        gettext_lazy("The arrival for %(visit)s is undone."),
    ),
    VisitAction.COMPLETE: DeedWords(
        gettext_lazy("Record as done"),
        gettext_lazy("Record %(visit)s as done"),
        gettext_lazy("Record as done"),
        gettext_lazy("%(visit)s is recorded as done."),
    ),
    VisitAction.MISS: DeedWords(
        gettext_lazy("Record as missed"),
        gettext_lazy("Record %(visit)s as missed"),
        gettext_lazy("Record as missed"),
        gettext_lazy("%(visit)s is recorded as missed."),
    ),
    VisitAction.CANCEL: DeedWords(
        gettext_lazy("Cancel the visit"),
        gettext_lazy("Cancel %(visit)s"),
        gettext_lazy("Cancel the visit"),
        gettext_lazy("%(visit)s is cancelled."),
    ),
    VisitAction.UNDO: DeedWords(
        gettext_lazy("Undo"),
        gettext_lazy("Undo the record of %(visit)s"),
        gettext_lazy("Withdraw"),
        gettext_lazy("%(visit)s is to come again."),
    ),
}
REASONED: Mapping[VisitAction, Callable[..., Visit]] = {
    VisitAction.UNBOOK: unbook_visit,
    VisitAction.UNDO_ARRIVAL: withdraw_arrival,
    VisitAction.CANCEL: cancel_visit,
    VisitAction.UNDO: undo_visit,
}

TOLD = 20
"""How many lines of what was said to whom the page shows at most."""


@login_required
def visit_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One visit: why its date is what it is, what is on record, and what may be done."""
    page = _page(request, pk)
    links = [(deed, DEEDS[deed].link) for deed in page.deeds]
    if page.visit.booked_on is not None:
        links = [(deed, REBOOK if deed is VisitAction.BOOK else link) for deed, link in links]
    context = {"page": page, "links": links, "may_record": may_record(request, page.visit.participant)}
    told = told_context(told_of_visit(pk), now(), TOLD, zone_of(page.visit.participant.site), visit=pk)
    return render(request, "visits/visit.html", context | told)


@login_required
@require_http_methods(["GET", "POST"])
def visit_deed(request: HttpRequest, pk: int, deed: str) -> HttpResponse:
    """The form of one thing that is done with a visit."""
    if deed not in set(VisitAction):
        raise Http404
    page, what = _page(request, pk), VisitAction(deed)
    require_record(request, page.visit.participant)
    words = {"visit": page.row.planned.label}
    context = {
        "page": page,
        "participant": page.visit.participant,
        "title": str(DEEDS[what].title) % words,
        "button": DEEDS[what].button,
        "back": back_or(request, reverse("visit", kwargs={"pk": pk})),
    }

    def perform(form: Any) -> HttpResponse:
        _perform(request, page, what, form)
        home = _home(page)
        there = back_or(request, f"{home}#visit-{page.visit.code}")
        own = there.startswith(home)  # else the page that says it has others on it
        said = words if own else {"visit": visit_of_words(page.visit.participant, words["visit"])}
        messages.success(request, str(DEEDS[what].done) % said)
        return redirect(there)

    # the day and hour that were chosen in a calendar, or typed for an unscheduled visit that was over
    asked: dict[str, Any] = {"on": day_asked(request, "on"), "at": request.GET.get("at")}
    if request.method == "GET":
        asked |= _typed_on_today(request, pk)
    return answer(request, lambda data: _form(page, what, data, asked), perform, context, page.reading.zone)


@login_required
@require_http_methods(["GET", "POST"])
def unscheduled(request: HttpRequest, pk: int) -> HttpResponse:
    """The form of a visit that the protocol did not plan."""
    participant = person_of(request, pk)
    require_record(request, participant)
    home = reverse("participant", kwargs={"pk": pk})
    context = {
        "participant": participant,
        "title": _("Add an unscheduled visit"),
        "button": _("Add"),
        "back": home,
    }

    def perform(form: UnscheduledForm) -> HttpResponse:
        asked = Unscheduled(form.booking(zone_of(participant.site)), form.cleaned_data["kind"])
        by, instant = user_of(request), now()
        visit = add_unscheduled(participant=participant, asked=asked, by=by, reason=form.why(), now=instant)
        messages.success(request, _("%(visit)s is added.") % {"visit": say(visit.label)})
        if visit.booked_on is None:
            messages.info(request, _("Its day is over: record what was done."))
            form_of_done = reverse("visit-deed", kwargs={"pk": visit.pk, "deed": VisitAction.COMPLETE.value})
            start = form.cleaned_data["start"]
            return redirect(f"{form_of_done}?at={start:%H:%M}" if start else form_of_done)
        return redirect(f"{home}#visit-{visit.code}")

    resources = list(resources_of(participant.site))

    def make(data: Any) -> UnscheduledForm:
        return UnscheduledForm(resources, data)

    return answer(request, make, perform, context, zone_of(participant.site))


def _page(request: HttpRequest, pk: int) -> VisitPage:
    visit = visit_in_sight(user_of(request), server_day(now()), pk)
    if visit is None:
        raise Http404
    return visit_page(visit, now(), say)


def _home(page: VisitPage) -> str:
    return reverse("participant", kwargs={"pk": page.visit.participant_id})


def _form(page: VisitPage, deed: VisitAction, data: Any, asked: Mapping[str, Any]) -> VersionedForm:
    """The form of a deed, with what is likely filled in where nothing was typed yet."""
    if deed is VisitAction.BOOK:
        return _booking_form(page, data, asked)
    if deed is VisitAction.COMPLETE:
        return _completion_form(page, data, asked)
    initial = {"version": page.visit.version, "reason": asked.get("reason", "")}
    plain: Mapping[VisitAction, type[VersionedForm]] = {
        VisitAction.ARRIVE: VersionedForm,
        VisitAction.MISS: MissForm,
    }
    return plain.get(deed, ReasonForm)(data, initial=initial)


def _typed_on_today(request: HttpRequest, pk: int) -> dict[str, Any]:
    """The reason and the day that were given on Today, where the whole form has to ask for more."""
    typed = typed_before(request, pk)
    try:
        return {"reason": typed.reason, "on": date.fromisoformat(typed.on)}
    except ValueError:
        return {"reason": typed.reason}


def _booking_form(page: VisitPage, data: Any, asked: Mapping[str, Any]) -> BookingForm:
    visit = page.visit
    offer = offers_of([(visit, page.reading)]).of[visit.pk]
    initial = _suggested(page, offer)
    chosen = {"on": asked["on"], "start": asked["at"]}
    initial |= {name: value for name, value in chosen.items() if value}
    both = offer.companion_to_book
    day = initial["on"]
    initial["together"] = bool(both and isinstance(day, date) and both.window.holds(day))
    form = BookingForm(list(resources_of(visit.participant.site)), data, initial=initial, companion=both)
    if data is None:
        found = _clashes_of_suggested(page, initial)
        form.clashes = [one for one in found if not (both and one.other == both.visit.pk)]
    return form


def _suggested(page: VisitPage, offer: Offer) -> dict[str, Any]:
    """The day that is booked, or that Today offers, with the hours and the room that go with it."""
    visit, zone, kept = page.visit, page.reading.zone, _booking_kept(page)
    initial: dict[str, Any] = {"version": visit.version}
    _suggest_hours(initial, visit, zone)
    offered = offer.day or max(visit.target, page.reading.today)
    initial["on"] = kept if kept and kept >= page.reading.today else offered
    if offer.companion_booked and offer.companion_booked.booked_on == offered and not kept:
        _join(initial, offer.companion_booked.visit, zone)
    return initial


def _completion_form(page: VisitPage, data: Any, asked: Mapping[str, Any]) -> CompletionForm:
    visit, today = page.visit, page.reading.today
    on = _booking_kept(page) or (visit.target if visit.rule_code == UNSCHEDULED else today)
    initial = {"version": visit.version, "on": min(on, today), "at": asked["at"]}
    initial |= {f"activity-{one.code}": DONE for one in page.asked}  # exceptions are said by hand
    return CompletionForm(page.asked, page.questions(), data, initial=initial)


def _booking_kept(page: VisitPage) -> date | None:
    """The booked day, as long as it fits the window."""
    return None if page.row.booking_lost else page.visit.booked_on


def _join(initial: dict[str, Any], booked: Visit, zone: ZoneInfo) -> None:
    """Suggest the day, hour and room of another visit of the participant: one journey for both."""
    _suggest_hours(initial, booked, zone)
    initial["on"] = booked.booked_on


def _suggest_hours(initial: dict[str, Any], booked: Visit, zone: ZoneInfo) -> None:
    """Suggest the hours, place, room and person of a booking."""
    start, end = booked.booked_start, booked.booked_end
    minutes = int((end - start).total_seconds() // 60) if start and end else None
    start = start.astimezone(zone) if start else None
    initial |= {"start": start, "minutes": minutes, "place": booked.booked_place}
    initial |= {"resource": booked.booked_resource_id, "staff": booked.booked_staff_id}


def _clashes_of_suggested(page: VisitPage, initial: Mapping[str, Any]) -> tuple[Clash, ...]:
    """Return what clashes with the booking that a form suggests, hints among it."""
    visit, zone, start = page.visit, page.reading.zone, initial["start"]
    if isinstance(start, str):
        try:
            start = instant_at(initial["on"], time.fromisoformat(start), zone)
        except ValueError:
            start = None
    minutes = initial["minutes"]
    proposed = ProposedBooking(
        visit.participant,
        initial["on"],
        start,
        later(start, timedelta(minutes=minutes)) if start and minutes else None,
        *(initial["resource"], initial["staff"], visit.pk, visit.place == VisitPlace.WARD),
    )
    (found,) = clashes_of_bookings([proposed], say)
    return found


def _book(request: HttpRequest, page: VisitPage, form: BookingForm) -> None:
    """Book a visit, and with it the other one that was ticked."""
    said: dict[str, Any] = {
        "booking": form.booking(page.reading.zone),
        "by": user_of(request),
        "reason": form.why(),
        "now": now(),
    }
    other = form.other()
    if other is None:
        book_visit(visit=page.visit, version=form.shown(), **said)
        return
    pk, version = other
    second = visit_in_sight(user_of(request), server_day(now()), pk)
    if second is None or second.participant_id != page.visit.participant_id or pk == page.visit.pk:
        raise Http404
    try:
        book_together(visits=[(page.visit, form.shown()), (second, version)], **said)
    except Stale as stale:
        if stale.pk == page.visit.pk:
            raise
        words = _("%(visit)s was changed meanwhile: open the form again, or book this visit alone.")
        raise VisitRefused({"together": [words % {"visit": say(second.label)}]}) from stale


def _perform(request: HttpRequest, page: VisitPage, deed: VisitAction, form: Any) -> None:
    """Call the service of a deed with what the form says."""
    shared = {"visit": page.visit, "version": form.shown(), "by": user_of(request), "now": now()}
    zone = page.reading.zone
    if deed is VisitAction.BOOK:
        _book(request, page, form)
    elif deed is VisitAction.COMPLETE:
        complete_visit(**shared, completion=form.completion(zone))
    elif deed is VisitAction.ARRIVE:
        record_arrival(**shared)
    elif deed is VisitAction.MISS:
        miss_visit(**shared, reason=form.why(), sure=form.is_sure())
    else:
        REASONED[deed](**shared, reason=form.why())
