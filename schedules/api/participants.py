"""GET /api/v1/participants/{id}. It stands here, since what the protocol asks of somebody is kept here."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from schedules.api.changes import feed_cursor
from schedules.api.fields import SiteInstant
from schedules.models import Basis, WindowKind
from schedules.selectors.exchange.data_capture import (
    ParticipantRecord,
    WantedVisits,
    listed_participants,
    participant_record,
)
from trials import request_clock
from trials.api.authentication import signed_in
from trials.api.queries import ListQuery, id_after, page_document, refuse_query


class ProtocolVersionSerializer(serializers.Serializer):
    """Which edition of the protocol the participant follows."""

    label = serializers.CharField()  # type: ignore[assignment]
    digest = serializers.CharField()


class AnchorSerializer(serializers.Serializer):
    """A day that was set for the participant, planned and then actual."""

    code = serializers.CharField(source="row.code")
    label = serializers.CharField()  # type: ignore[assignment]
    planned_on = serializers.DateField(source="row.planned_on", allow_null=True)
    planned_at = SiteInstant(source="row.planned_at")
    actual_on = serializers.DateField(source="row.actual_on", allow_null=True)
    actual_at = SiteInstant(source="row.actual_at", recorded="row.actual_zone")


class ProtocolWindowSerializer(serializers.Serializer):
    """An interval in which something must hold; an end that hangs on something unknown is null."""

    code = serializers.CharField(source="row.code")
    label = serializers.CharField(source="row.label")  # type: ignore[assignment]
    kind = serializers.ChoiceField(WindowKind.values, source="row.kind")
    starts_on = serializers.DateField(source="row.starts_on", allow_null=True)
    starts_at = SiteInstant(source="row.starts_at")
    ends_on = serializers.DateField(source="row.ends_on", allow_null=True)
    ends_at = SiteInstant(source="row.ends_at")
    basis = serializers.ChoiceField(Basis.values, source="row.basis")
    because = serializers.CharField(source="row.because")


class ParticipantSerializer(serializers.Serializer):
    """Somebody in a trial, known by a subject code."""

    id = serializers.IntegerField(source="participant.pk")
    trial = serializers.CharField(source="participant.trial.code")
    site = serializers.CharField(source="participant.site.code")
    zone = serializers.CharField(source="zone.key", help_text="The site's IANA zone.")
    subject_code = serializers.CharField(source="participant.subject_code")
    cohort = serializers.CharField(source="participant.cohort.code", allow_null=True, default=None)
    traits = serializers.ListField(child=serializers.CharField(), source="participant.traits")
    protocol_version = ProtocolVersionSerializer(source="participant.protocol_version")
    anchors = AnchorSerializer(many=True)
    windows = ProtocolWindowSerializer(many=True)
    visits = serializers.SerializerMethodField(help_text="Where this participant's visits are.")
    version = serializers.IntegerField(source="participant.version")

    def get_visits(self, record: ParticipantRecord) -> str:
        address = reverse("api-visits", request=self.context["request"])
        return f"{address}?participant={record.participant.pk}"


class ParticipantQuery(ListQuery):
    """Which participants are wanted; without any of these, all in sight."""

    trial = serializers.CharField(required=False, help_text="A trial's code.")
    site = serializers.CharField(required=False, help_text="A site's code.")
    subject_code = serializers.CharField(required=False, max_length=32, help_text="Exactly this one.")


class ListedParticipantSerializer(serializers.Serializer):
    """Somebody in a trial, as a list shows them."""

    id = serializers.IntegerField(source="pk")
    trial = serializers.CharField(source="trial.code")
    site = serializers.CharField(source="site.code")
    subject_code = serializers.CharField()
    cohort = serializers.CharField(source="cohort.code", allow_null=True, default=None)
    protocol_version = serializers.CharField(source="protocol_version.label")
    version = serializers.IntegerField()


class ParticipantPageSerializer(serializers.Serializer):
    """Participants by id, and the address of those that follow."""

    next = serializers.URLField(allow_null=True)
    next_cursor = serializers.CharField(allow_null=True)
    changes_cursor = serializers.CharField(
        allow_null=True, help_text="On the first page: where the change feed stood when the read began."
    )
    results = ListedParticipantSerializer(many=True)


class ParticipantList(APIView):
    """The participants in the reader's sight."""

    @extend_schema(
        operation_id="participants_list",
        summary="Participants: a full read by id, or one by subject code",
        parameters=[ParticipantQuery],
        responses={200: ParticipantPageSerializer},
    )
    def get(self, request: Request) -> Response:
        query = ParticipantQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        after = id_after(asked)
        begins = None if "cursor" in asked else feed_cursor()  # before the rows are read
        wanted = WantedVisits(trial=asked.get("trial"), site=asked.get("site"))
        now, code = request_clock.now(), asked.get("subject_code")
        page = listed_participants(signed_in(request), wanted, code, after, asked["page_size"], now)
        results = list(ListedParticipantSerializer(page.rows, many=True).data)
        return Response({**page_document(request, results, page.after), "changes_cursor": begins})


class ParticipantDetail(APIView):
    """One participant in the reader's sight."""

    @extend_schema(
        operation_id="participants_retrieve",
        summary="A participant with anchors and protocol windows",
        responses={200: ParticipantSerializer},
    )
    def get(self, request: Request, id: int) -> Response:  # noqa: A002 (its name in the schema)
        refuse_query(request.query_params, ())
        record = participant_record(signed_in(request), id, request_clock.now())
        if record is None:
            raise NotFound
        return Response(ParticipantSerializer(record, context={"request": request}).data)
