"""The cohort board of a trial: slots, who is under observation until when, when the next may start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from participants.models import SafetyReview
from schedules.selectors.readiness.board import TrialBoard, safety_reviews_of, trial_board, trials_with_board
from schedules.services.readiness.gates import ReviewRecord, correct_safety_review, record_safety_review
from schedules.web.shared.anchor_fields import DayInput
from schedules.web.shared.answers import answer
from schedules.web.shared.clock import now, server_day
from schedules.web.shared.forms import UnlikelyDayForm
from schedules.web.shared.people import user_of
from schedules.web.shared.wording import say, treatment_words
from trials.domain.accounts.access import Right
from trials.models import Cohort, Trial
from trials.selectors.protocols.approvals import may_throughout
from trials.selectors.records import trials_visible_to
from trials.web.shared.query_params import query_params


class ReviewForm(UnlikelyDayForm):
    """When a level's safety was reviewed, with what outcome, and where that is documented."""

    held_on = forms.DateField(label=gettext_lazy("Held on"), widget=DayInput())
    opens_next = forms.BooleanField(
        label=gettext_lazy("The review lets the next level, or the next participant, begin"), required=False
    )
    reference = forms.CharField(
        label=gettext_lazy("Reference"),
        max_length=200,
        help_text=gettext_lazy("The minutes or the letter in which it is documented."),
        error_messages={
            "required": gettext_lazy("Name the minutes or the letter in which the review is documented.")
        },
    )
    field_order: Sequence[str] = ("held_on", "opens_next", "reference", "reason", "sure")

    def record(self) -> ReviewRecord:
        """What was typed."""
        data = self.cleaned_data
        return ReviewRecord(data["held_on"], data["opens_next"], data["reference"])


class ReviewCorrectionForm(ReviewForm):
    """A review on record as it should have been."""

    shown_as = forms.CharField(required=False, widget=forms.HiddenInput)
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=300)  # type: ignore[assignment]

    def __init__(self, review: SafetyReview, data: Any = None) -> None:
        stands = ReviewRecord.of(review)
        self.stands = stands.mark
        super().__init__(data, initial={**asdict(stands), "shown_as": self.stands})

    def refuse(self, fields: Mapping[str, Sequence[str]]) -> None:
        """Put what was refused next to the fields; from then on what stands now has been shown."""
        super().refuse(fields)
        self.data = {**dict(self.data.items()), "shown_as": self.stands}


@login_required
def boards(request: HttpRequest) -> HttpResponse:
    """The trials that have a board; the board itself where there is only one."""
    found = trials_with_board(user_of(request), server_day(now()))
    if len(found) == 1:
        return redirect("board", trial=found[0].code)
    return render(request, "board/list.html", {"trials": found})


@login_required
@query_params("all")
def board(request: HttpRequest, trial: str) -> HttpResponse:
    """The board of one trial: of each level the slots around today, or all."""
    found, user = _trial(request, trial), user_of(request)
    shown = trial_board(found, user, now(), say, whole=bool(request.GET.get("all")))
    context = {
        "trial": found,
        "board": shown,
        **(treatment_words(shown.protocol) if shown else {}),
        "may_record": may_throughout(user, Right.RECORD, found, server_day(now())),
    }
    return render(request, "board/board.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def review(request: HttpRequest, trial: str, level: str = "") -> HttpResponse:
    """The form of a safety review of one level, or of the whole trial where none is named."""
    found, user, instant = _trial(request, trial), user_of(request), now()
    if not may_throughout(user, Right.RECORD, found, server_day(instant)):
        raise PermissionDenied(_("Your roles do not allow recording for all sites of this trial."))
    shown = trial_board(found, user, instant, say)
    if shown is None:
        raise Http404
    of, today = _reviewed(found, shown, level), shown.latest

    def perform(form: Any) -> HttpResponse:
        asked = {"reason": form.why(), "sure": form.is_sure()}
        record_safety_review(of=of, review=form.record(), by=user, today=today, **asked)
        messages.success(request, _("The review is on record."))
        return redirect("board", trial=found.code)

    context = {
        "title": _("Safety review of %(level)s") % {"level": of.label if isinstance(of, Cohort) else of.code},
        "button": _("Record"),
        "back": reverse("board", kwargs={"trial": found.code}),
    }
    return answer(request, ReviewForm, perform, context, ZoneInfo(shown.protocol.zone))


@login_required
@require_http_methods(["GET", "POST"])
def review_correct(request: HttpRequest, trial: str, review: int) -> HttpResponse:
    """The correction of a safety review that was recorded wrongly."""
    found, user = _trial(request, trial), user_of(request)
    if not may_throughout(user, Right.RECORD, found, server_day(now())):
        raise PermissionDenied(_("Your roles do not allow recording for all sites of this trial."))
    wrong = get_object_or_404(safety_reviews_of(found), pk=review)
    shown = trial_board(found, user, now(), say)
    if shown is None:
        raise Http404
    today = shown.latest

    def perform(form: Any) -> HttpResponse:
        given = {"shown": form.cleaned_data["shown_as"], "to": form.record(), "reason": form.why()}
        given["sure"] = form.is_sure()
        correct_safety_review(review=wrong, by=user, today=today, **given)
        messages.success(request, _("The review is corrected."))
        return redirect("board", trial=found.code)

    context = {
        "title": _("Correct a safety review"),
        "button": _("Correct"),
        "back": reverse("board", kwargs={"trial": found.code}),
    }
    zone = ZoneInfo(shown.protocol.zone)
    return answer(request, lambda data: ReviewCorrectionForm(wrong, data), perform, context, zone)


def _reviewed(trial: Trial, board: TrialBoard, level: str) -> Trial | Cohort:
    """What is reviewed: the level of this code, or the trial where none is named."""
    if not level:
        return trial
    cohort = next((row.cohort for row in board.levels if row.cohort and row.cohort.code == level), None)
    if cohort is None:
        raise Http404
    return cohort


def _trial(request: HttpRequest, code: str) -> Trial:
    return get_object_or_404(trials_visible_to(user_of(request), server_day(now())), code=code)
