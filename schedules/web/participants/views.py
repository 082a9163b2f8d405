"""The list of participants, and the page of one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from typing import Any, TypeVar

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from participants.domain.lifecycle import ENDS, PHASE_LABELS, Course, Phase, first_end
from participants.selectors.periods import former_participants, period_visible_to
from schedules.domain.visits.status import Appointment, WindowPosition
from schedules.domain.windows.verdicts import VerdictStatus
from schedules.selectors.feeds.subscriptions import feeds_owned_by
from schedules.selectors.pages.participant import ParticipantPage, participant_in_sight, participant_page
from schedules.selectors.pages.participants import ENDED, IN_TRIAL, WantedPeople, participants_listed
from schedules.selectors.pages.past import last_acts
from schedules.selectors.reminders.bell import told_of_participant
from schedules.selectors.reminders.previews import pauses_now
from schedules.selectors.store.plan_rows import VisitRow
from schedules.selectors.windows.verdicts import VerdictRow
from schedules.web.participants.next_step import next_step
from schedules.web.participants.timelines import draw_timeline, epochs_of
from schedules.web.reminders.words import told_context
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.just_done import taken_from_session
from schedules.web.shared.people import user_of
from schedules.web.shared.places import offered, place_asked
from schedules.web.shared.query_params import neighbours
from schedules.web.shared.wording import person_words, place_words, say, warnings_in_words
from schedules.web.windows.facts import verdict_context
from trials.domain.accounts.access import Right
from trials.selectors.records import may, sites_visible_to, trials_visible_to
from trials.web.shared.query_params import choice_in, query_params
from trials.web.shared.typed_codes import plain_code

PER_PAGE = 50
MOVED = "moved"
PHASES = {
    IN_TRIAL: gettext_noop("In the trial"),
    ENDED: gettext_noop("No longer in the trial"),
    **{phase.value: PHASE_LABELS[phase] for phase in Phase},
    MOVED: gettext_noop("At another site now"),
}
"""By what a list is asked for: all that goes on, all that has ended, or one phase."""
SOON = timedelta(days=14)
"""What opens within these days is never folded away."""
FOLDED = frozenset({VerdictStatus.KEPT, VerdictStatus.NOT_YET, VerdictStatus.WAIVED})
"""The verdicts of windows that nobody has to look at now."""
NOT_NEXT = frozenset({WindowPosition.CLOSED, WindowPosition.WAITING})

TOLD = 8
"""How many lines of what was said to whom the page shows at most."""


@login_required
@query_params("q", "site", "trial", "phase")
def participant_list(request: HttpRequest) -> HttpResponse:
    """Everybody in sight, a page at a time, by subject code, site or trial."""
    user, instant = user_of(request), now()
    here = server_day(instant)
    sites, trials = sites_visible_to(user, here), trials_visible_to(user, here)
    site, trial = place_asked(request, "site", sites), place_asked(request, "trial", trials)
    wanted = {
        "q": plain_code(request.GET.get("q", "")),
        "site": site.code if site else "",
        "trial": trial.code if trial else "",
        "phase": choice_in(request, "phase", [*PHASES]),
    }
    places = {"sites": offered(sites, wanted["site"]), "trials": offered(trials, wanted["trial"])}
    if wanted["phase"] == MOVED:
        return _moved(request, {"wanted": wanted, "filtered": True, **places})
    found = participants_listed(user, instant, WantedPeople(wanted["q"], site, trial, wanted["phase"]))
    page = Paginator(found.participants, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": found.rows(list(page)),
        "wanted": wanted,
        **places,
        "phases": [(value, say(label)) for value, label in PHASES.items()],
        "filtered": any(wanted.values()),
        **neighbours(request, page.number, page.paginator.num_pages),
    }
    return render(request, "participants/list.html", context)


def _moved(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """The list of those who went to another site: the old one reads its own period of each."""
    wanted = context["wanted"]
    user, today = user_of(request), server_day(now())
    gone = former_participants(user, today, wanted["q"], site=wanted["site"], trial=wanted["trial"])
    page = Paginator(gone, PER_PAGE).get_page(request.GET.get("page"))
    phases = [(value, say(label)) for value, label in PHASES.items()]
    more = neighbours(request, page.number, page.paginator.num_pages)
    return render(
        request, "participants/list.html", {**context, "page": page, "moved": page, "phases": phases, **more}
    )


@login_required
def participant_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One participant: where they stand, the timeline, and every date with its reason."""
    participant = participant_in_sight(user_of(request), server_day(now()), pk)
    if participant is None:
        if period_visible_to(user_of(request), server_day(now()), pk) is None:
            raise Http404
        return redirect("participant-period", pk=pk)
    page = participant_page(participant, now(), say)
    judged = verdict_context(request, page.participant_windows, page.windows)
    context = _context(request, page) | judged | _in_groups(page, judged["verdicts"])
    context |= {
        "acts": last_acts(participant, page.reading.zone),
        "step": None if context["gone"] else next_step(page, judged["verdicts"]),
        "just": taken_from_session(request),
        "back": request.get_full_path(),
        "person_words": person_words(participant),
        "place": place_words(participant.site),
        **told_context(told_of_participant(pk), now(), TOLD, page.reading.zone, participant=pk),
        "pauses": pauses_now(page.reading.today, participant=participant),
    }
    return render(request, "participants/page.html", context)


def _in_groups(page: ParticipantPage, verdicts: Sequence[VerdictRow]) -> dict[str, object]:
    """The timeline, and visits and verdicts apart by whether somebody has to look at them now."""
    soon = page.reading.today + SOON
    statuses = {row.code: row.verdict.status for row in verdicts}
    folded, first = _apart(verdicts, lambda row: row.verdict.status in FOLDED and not row.flag)
    live, ended = _apart(page.visits, lambda row: row.live)
    later, soon_or_late = _apart(live, lambda row: _later(row, soon))
    return {
        "timeline": draw_timeline(page.reading, page.visits, page.windows, statuses),
        "verdicts_first": first,
        "verdicts_folded": folded,
        "flags_here": sum(row.flag is not None for row in verdicts),
        "visits_first": soon_or_late,
        "visits_later": later,
        "visits_ended": ended,
    }


Row = TypeVar("Row")


def _apart(rows: Iterable[Row], holds: Callable[[Row], object]) -> tuple[list[Row], list[Row]]:
    """The rows of which something holds, and the others, each in their order."""
    found: tuple[list[Row], list[Row]] = ([], [])
    for row in rows:
        found[not holds(row)].append(row)
    return found


def _context(request: HttpRequest, page: ParticipantPage) -> dict[str, object]:
    participant, reading = page.participant, page.reading
    labels = {trait.code: trait.label for trait in reading.protocol.traits}
    following, course = next_visit(page), page.course
    gone = course.study_ended_on is not None or (page.phase in ENDS and following is None)
    number = (reading.today - reading.zero).days if reading.zero and not gone else None
    return {
        "phase": PHASE_LABELS[page.phase],
        "gone": gone,
        "ends": _ends(course),
        "page": page,
        "participant": participant,
        "today": reading.today,
        "day_number": None if number is None else reading.protocol.day_label(number),
        "next_visit": following,
        "feeds": feeds_owned_by(user_of(request)).filter(participant=participant),
        "infused": _is_infused(page),
        "traits": [labels.get(code, code) for code in participant.traits],
        "epochs": epochs_of(reading.protocol),
        "warnings": warnings_in_words(page.plan.warnings if page.plan else ()),
        "may_record": may(
            user_of(request), Right.RECORD, participant.site, participant.trial, server_day(now())
        ),
        "may_subscribe": may(
            user_of(request), Right.SUBSCRIBE, participant.site, participant.trial, server_day(now())
        ),
    }


def _later(row: VisitRow, soon: date) -> bool:
    """Whether a visit opens after a day that is soon, and nobody has to do anything about it yet."""
    return (
        row.planned.window.opens > soon
        and row.standing.window is WindowPosition.UPCOMING
        and row.standing.appointment is Appointment.TO_BOOK
        and not row.booking_lost
    )


def _ends(course: Course) -> list[tuple[str, date]]:
    """The ends that are on record, each in words with its day."""
    ends = (
        (_("Treatment ended on"), course.treatment_ended_on if course.infused_on else None),
        (_("Visits of the protocol ended on"), _visits_ended_on(course)),
        (_("All contact ended on"), course.study_ended_on),
    )
    return [(label, day) for label, day in ends if day]


def _is_infused(page: ParticipantPage) -> bool:
    zero = [row.recorded for row in page.anchors if row.code == page.reading.protocol.day_zero]
    return any(recorded and recorded.actual_on for recorded in zero)


def _visits_ended_on(course: Course) -> date | None:
    """The day on which the protocol's visits ended; None while they go on, or where more ended that day."""
    first = first_end(course.steps)
    return first.on if first and first.on != course.study_ended_on else None


def next_visit(page: ParticipantPage) -> VisitRow | None:
    """The first visit that is still to come and whose window has not closed."""
    return next((row for row in page.visits if row.live and row.standing.window not in NOT_NEXT), None)
