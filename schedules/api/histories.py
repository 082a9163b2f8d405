"""POST /api/v1/participants/{id}/history: a whole history in one act."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from participants.models import Participant
from schedules.api.records import person_recorded
from schedules.api.writing import (
    DRY_RUN,
    IDEMPOTENCY_KEY,
    AnswersOnce,
    HourField,
    SourceBody,
    instant_of,
    on_behalf_of,
)
from schedules.services.course.takeover import HistoryRefused, PastVisit, record_history
from trials import request_clock
from trials.api.authentication import signed_in
from trials.api.bodies import StrictSerializer
from trials.api.permissions import require_act
from trials.models import ApiAct
from trials.zones import zone_of

MOST_VISITS = 500
_FIELDS = {"outside_reason": "reason"}


class PastVisitBody(StrictSerializer):
    """What became of one visit: done on a day, or missed. Without a code it was not planned."""

    code = serializers.CharField(
        max_length=64,
        required=False,
        default="",
        allow_blank=True,
        help_text="Empty: unscheduled.",
    )
    on = serializers.DateField(required=False, help_text="The day at the site on which it was done.")
    at = HourField(required=False)
    missed = serializers.BooleanField(default=False, help_text="It was not done, and will not be.")
    reason = serializers.CharField(
        max_length=300, required=False, default="", allow_blank=True, help_text="In place of the one for all."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if bool(attrs.get("on")) is attrs["missed"]:
            raise serializers.ValidationError({"on": [_("Give the day, or say that it was missed.")]})
        return attrs


class HistoryBody(StrictSerializer):
    """A whole history and why it is entered now; the reason stands for every visit without its own."""

    visits = PastVisitBody(many=True, help_text="1 to 500 visits, in any order.")
    reason = serializers.CharField(
        max_length=300, help_text="Why it is entered now; kept in the audit trail."
    )
    sure = serializers.BooleanField(default=False, help_text="Unlikely days are meant.")
    source = SourceBody(required=False)  # type: ignore[assignment]  # a field, and not the attribute

    def validate_visits(self, value: list[Any]) -> list[Any]:
        if not 1 <= len(value) <= MOST_VISITS:
            words = _("Give 1 to %(most)d visits.") % {"most": MOST_VISITS}
            raise serializers.ValidationError(words)
        return value


class HistoryRecorded(serializers.Serializer):
    """How many visits were put on record."""

    visits = serializers.IntegerField(help_text="How many visits are on record now by this.")


class ParticipantHistory(AnswersOnce):
    """Everything that took place before: written first, judged and drafted once; all of it or nothing."""

    @extend_schema(
        operation_id="history_record",
        summary="Record a whole history in one act",
        parameters=[IDEMPOTENCY_KEY, DRY_RUN],
        request=HistoryBody,
        responses={201: HistoryRecorded},
    )
    def post(self, request: Request, id: int) -> HttpResponse:  # noqa: A002
        require_act(request, ApiAct.VISITS)
        person = person_recorded(request, id)
        return self.once(request, lambda: (201, _recorded(request, person)))


def _recorded(request: Request, person: Participant) -> dict[str, int]:
    body = HistoryBody(data=request.data)
    body.is_valid(raise_exception=True)
    values, zone = body.validated_data, zone_of(person.site)
    visits = [
        PastVisit(
            code=one["code"],
            on=one.get("on"),
            at=instant_of(one, "at", zone, f"visits.{place}.at"),
            reason=one["reason"].strip(),
        )
        for place, one in enumerate(values["visits"])
    ]
    said = {"by": signed_in(request), "reason": values["reason"], "now": request_clock.now()}
    with on_behalf_of(request, values.get("source")):
        try:
            count = record_history(participant=person, visits=visits, sure=values["sure"], **said)
        except HistoryRefused as refused:
            raise ValidationError({"visits": _by_place(refused, len(visits))}) from refused
    return {"visits": count}


def _by_place(refused: HistoryRefused, count: int) -> list[dict[str, list[str]]]:
    """What is wrong of each visit, in the order in which they were sent."""
    rows: list[dict[str, list[str]]] = [{} for _place in range(count)]
    for place, fields in refused.rows.items():
        for name, words in fields.items():
            rows[place].setdefault(_FIELDS.get(name, name) or "code", []).extend(words)
    return rows
