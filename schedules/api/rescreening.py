"""POST /api/v1/participants/{id}/rescreening: screening is planned again."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from participants.domain.lifecycle import Step
from participants.models import Participant
from schedules.api.records import person_recorded
from schedules.api.writing import DRY_RUN, IDEMPOTENCY_KEY, AnswersOnce, SourceBody, on_behalf_of
from schedules.services.course.status_changes import StepRequest, take_step
from trials import request_clock
from trials.api.authentication import signed_in
from trials.api.bodies import StrictSerializer
from trials.api.permissions import require_act
from trials.models import ApiAct


class RescreeningBody(StrictSerializer):
    """From which day on screening is repeated, around which day zero, and why."""

    on = serializers.DateField(help_text="The day at the site on which it was decided.")
    day_zero = serializers.DateField(help_text="The planned day zero around which screening is planned.")
    reason = serializers.CharField(max_length=500, help_text="Why; kept in the audit trail.")
    sure = serializers.BooleanField(default=False, help_text="Unlikely days are meant.")
    source = SourceBody(required=False)  # type: ignore[assignment]  # a field, and not the attribute


class RescreeningRecorded(serializers.Serializer):
    """The answer once screening is repeated: the attempt that begins."""

    attempt = serializers.IntegerField(help_text="Which attempt it is, from 1; its visits carry it.")


class ParticipantRescreening(AnswersOnce):
    """Screening again: after a screen failure, or because what was done has expired."""

    @extend_schema(
        operation_id="participants_rescreening",
        summary="Plan screening again, after a failure or because it has expired",
        parameters=[IDEMPOTENCY_KEY, DRY_RUN],
        request=RescreeningBody,
        responses={201: RescreeningRecorded},
    )
    def post(self, request: Request, id: int) -> HttpResponse:  # noqa: A002
        require_act(request, ApiAct.VISITS)
        person = person_recorded(request, id)
        return self.once(request, lambda: (201, _recorded(request, person)))


def _recorded(request: Request, person: Participant) -> dict[str, Any]:
    body = RescreeningBody(data=request.data)
    body.is_valid(raise_exception=True)
    values = body.validated_data
    step = StepRequest(Step.RESCREENING, values["on"], day_zero=values["day_zero"], sure=values["sure"])
    with on_behalf_of(request, values.get("source")):
        taken = take_step(
            participant=person,
            version=person.version,
            request=step,
            by=signed_in(request),
            reason=values["reason"],
            now=request_clock.now(),
        )
    return {"attempt": taken.attempt}
