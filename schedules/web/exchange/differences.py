"""Days on which an EDC and Dayzero do not agree: looked at, and settled by a person with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from schedules.models import ValueDifference
from schedules.selectors.exchange.agreements import (
    WantedDifferences,
    differences_visible_to,
    listed_differences,
    what_differs,
    words_of_both,
)
from schedules.services.course.rehearsals import Act
from schedules.services.exchange.differences import settle_difference
from schedules.services.exchange.settling import take_theirs
from schedules.web.shared.answers import Showing, answer, answer_shown, may_record, require_record
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.forms import ReasonForm, ShownReasonForm, SureField, without_question
from schedules.web.shared.people import user_of
from schedules.web.shared.places import places, site_asked, trial_asked
from schedules.web.shared.query_params import next_page, number, search_asked
from schedules.web.shared.wording import say
from trials.web.shared.query_params import choice_in, query_params
from trials.zones import zone_of

PAGE_SIZE = 50
SETTLED = "settled"


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    """A difference in a list: of what, both values in words, and whether the reader may settle it."""

    one: ValueDifference
    of: str
    ours: str
    theirs: str
    may_settle: bool


class SeenForm(ReasonForm):
    """Why, of the value that the EDC had when the page was shown: it may have reported another one since."""

    theirs = forms.CharField(widget=forms.HiddenInput, required=False, strip=False)
    seen_values = ("theirs",)

    def seen_value(self) -> str:
        """The EDC's value as it was shown."""
        return str(self.cleaned_data["theirs"])


class TakeForm(ShownReasonForm, SeenForm):
    """Why theirs is right, once what it does is shown."""

    sure = SureField()

    def plain_fields(self) -> list[Any]:
        """All fields; whether an unlikely day is meant only once that is asked."""
        return without_question(self, super().plain_fields())


@login_required
@require_safe
@query_params("trial", "site", "q", "state")
def differences(request: HttpRequest) -> HttpResponse:
    """The differences in sight, those that wait for somebody or those that are settled."""
    state = choice_in(request, "state", [SETTLED])
    wanted = WantedDifferences(
        trial_asked(request), site_asked(request), search_asked(request), settled=bool(state)
    )
    after = number(request, "after")
    page = listed_differences(user_of(request), server_day(now()), wanted, after, PAGE_SIZE)
    context = {
        "rows": [_row(one, may_settle=may_record(request, one.participant)) for one in page.rows],
        "wanted": wanted,
        "settled_state": SETTLED,
        **places(request, wanted.site, wanted.trial),
        **next_page(request, page.after),
    }
    return render(request, "exchange/differences.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def difference_take(request: HttpRequest, pk: int) -> HttpResponse:
    """Take over what the EDC says: what would follow is shown first, then done."""
    one = _open(request, pk)
    context = _context(one, _("Take over the value of the EDC"), _("Take it over"))
    version = one.visit.version if one.visit else one.participant.version

    def act(form: TakeForm) -> Act:
        said = {"version": form.shown(), "sure": form.cleaned_data["sure"], "reason": form.why()}
        seen = form.seen_value()
        return partial(take_theirs, difference=one, **said, theirs=seen, by=user_of(request), now=now())

    def done(form: TakeForm) -> HttpResponse:
        messages.success(request, _("The record has the value of the EDC now."))
        return redirect("differences")

    def make(data: Any) -> TakeForm:
        return TakeForm(data, initial={"version": version, "theirs": one.theirs})

    return answer_shown(request, make, Showing(one.participant, act, done), context)


@login_required
@require_http_methods(["GET", "POST"])
def difference_keep(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep what is on record, with a reason; the EDC is to be corrected there."""
    one = _open(request, pk)
    context = _context(one, _("Keep our value"), _("Keep it"))

    def perform(form: Any) -> HttpResponse:
        seen = form.seen_value()
        settle_difference(difference=one, now=now(), by=user_of(request), reason=form.why(), theirs=seen)
        messages.success(request, _("Our value is kept. Correct the EDC, so that it does not come again."))
        return redirect("differences")

    def make(data: Any) -> SeenForm:
        return SeenForm(data, initial={"theirs": one.theirs})

    return answer(request, make, perform, context, zone_of(one.participant.site))


def _open(request: HttpRequest, pk: int) -> ValueDifference:
    """A difference that waits; 404 out of sight, 403 without the right to record, told where settled."""
    day = server_day(now())
    one = differences_visible_to(user_of(request), day).filter(pk=pk).first()
    if one is None:
        raise Http404
    require_record(request, one.participant)
    if one.settled_at and request.method == "GET":
        raise PermissionDenied(_("This difference is settled already."))
    return one


def _context(one: ValueDifference, title: str, button: str) -> dict[str, Any]:
    return {
        "row": _row(one, may_settle=True),
        "participant": one.participant,
        "title": title,
        "button": button,
        "back": reverse("differences"),
        "template": "exchange/settle.html",
    }


def _row(one: ValueDifference, *, may_settle: bool) -> DifferenceRow:
    ours, theirs = (words.text(say) for words in words_of_both(one))
    return DifferenceRow(one, what_differs(one).text(say), ours, theirs, may_settle)
