"""The page that finds things, and the switch of the single keys."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from participants.models import Participant
from schedules.selectors.pages.search import LONGEST, search
from schedules.web.shared.back import back_or
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.people import user_of
from schedules.web.shared.places import PLACES, places_to_choose
from schedules.web.shared.wording import say
from trials.domain.accounts.access import Right
from trials.selectors.records import keeps_records, roles_of
from trials.services.accounts.choices import choose_single_keys
from trials.web.shared.query_params import query_params
from trials.web.shared.typed_codes import plain_code


@dataclass(frozen=True, slots=True)
class PageWords:
    """A page that can be found: its address, what it is called, and words that people try for it."""

    name: str
    label: Promise
    words: str
    right: str = ""


PAGES = (
    PageWords("today", gettext_lazy("Today"), "today worklist tasks"),
    PageWords("worklist", gettext_lazy("Visits by urgency"), "worklist list visits overdue"),
    PageWords("calendar", gettext_lazy("Calendar"), "calendar planner week month rooms"),
    PageWords("participants", gettext_lazy("Participants"), "participants patients subjects"),
    PageWords("flags", gettext_lazy("Flags"), "flags warnings alerts"),
    PageWords("boards", gettext_lazy("Cohorts"), "cohorts gates dose levels"),
    PageWords("deviations", gettext_lazy("Deviations"), "deviations protocol deviations log"),
    PageWords("screening-log", gettext_lazy("Screening log"), "screening log"),
    PageWords("enrolment-log", gettext_lazy("Enrolment log"), "enrolment log"),
    PageWords("consents", gettext_lazy("Consent again"), "consents consent forms reconsent"),
    PageWords("forecast", gettext_lazy("Forecast"), "forecast load workload"),
    PageWords("enrol", gettext_lazy("Enrol a participant"), "enrol enroll new participant", Right.ENROL),
    PageWords("day-zero-newcomer", gettext_lazy("Find a day zero"), "day zero infusion search", Right.ENROL),
    PageWords("trials", gettext_lazy("Trials"), "trials approvals protocols versions"),
    PageWords("sites", gettext_lazy("Sites and their working days"), "sites working days rooms beds"),
    PageWords("own-calendars", gettext_lazy("Your calendar subscriptions"), "calendar subscriptions phone"),
    PageWords("trail", gettext_lazy("Audit trail"), "audit trail history"),
    PageWords("account", gettext_lazy("Your account"), "account password second factor"),
    PageWords("keys", gettext_lazy("Keys"), "keys keyboard shortcuts"),
    PageWords("people", gettext_lazy("Accounts"), "accounts people users", Right.ADMINISTER),
    PageWords("admin:index", gettext_lazy("Records"), "records admin setup", "records"),
)


@login_required
@require_safe
@query_params("q")
def find(request: HttpRequest) -> HttpResponse:
    """What a few words find; a single participant or visit is opened at once."""
    user, text = user_of(request), plain_code(request.GET.get("q", ""))[:LONGEST]
    found = search(user, text, now(), say)
    pages = _pages(request, text)
    if found.only is not None and not pages:
        name = "participant" if isinstance(found.only, Participant) else "visit"
        return redirect(name, pk=found.only.pk)
    context = {"q": text, "found": found, "pages": pages, "nothing": not (found.count or pages)}
    return render(request, "find/find.html", context)


@login_required
@require_safe
@query_params("site", "trial")
def find_places(request: HttpRequest, kind: str) -> HttpResponse:
    """The sites or trials in sight whose code or names a text occurs in, for the field that searches them."""
    if kind not in PLACES:
        raise Http404
    return render(request, "find/places.html", {"found": places_to_choose(request, kind)})


@login_required
@require_http_methods(["GET", "POST"])
def keys(request: HttpRequest) -> HttpResponse:
    """The keys of the pages, and the switch by which somebody goes without them."""
    user = user_of(request)
    if request.method == "POST":
        on = request.POST.get("keys") == "on"
        choose_single_keys(user=user, on=on, by=user)
        messages.success(request, _("Single keys are on.") if on else _("Single keys are off."))
        return redirect(back_or(request, reverse("keys")))
    return render(request, "find/keys.html")


def _pages(request: HttpRequest, text: str) -> list[tuple[str, str]]:
    """The pages whose name or words begin with what was typed, and which the reader may open."""
    typed = text.casefold()
    if len(typed) < 2 and typed.isascii():  # noqa: PLR2004
        return []
    user, day = user_of(request), server_day(now())
    scope = roles_of(user, day)
    found = []
    for page in PAGES:
        label = str(page.label)
        words = (*page.words.split(), page.words)
        if typed not in label.casefold() and not any(word.startswith(typed) for word in words):
            continue
        if page.right == "records":
            allowed = keeps_records(user, day, scope)
        else:
            allowed = not page.right or scope.allows(Right(page.right))
        if allowed:
            found.append((reverse(page.name), label))
    return found
