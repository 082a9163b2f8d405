"""GET /api/v1/trials: what an integration maps first: trials, sites, cohorts and protocol versions."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from schedules.selectors.exchange.trials import listed_trials
from trials import request_clock
from trials.api.authentication import signed_in
from trials.api.queries import ListQuery, id_after, page_document
from trials.zones import roles_day


class TrialSiteSerializer(serializers.Serializer):
    """A site of a trial, in the reader's sight."""

    code = serializers.CharField()
    name = serializers.CharField()
    zone = serializers.CharField(help_text="Its IANA zone, by which its days are counted; empty: none yet.")


class TrialCohortSerializer(serializers.Serializer):
    """One dose level of a trial."""

    code = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # a field, and not the attribute
    position = serializers.IntegerField(help_text="In the order of escalation, from the lowest.")


class TrialVersionSerializer(serializers.Serializer):
    """A published edition of the protocol."""

    label = serializers.CharField()  # type: ignore[assignment]
    digest = serializers.CharField(help_text="Of the document; it never changes once published.")
    published_at = serializers.DateTimeField(help_text="With its offset.")


class TrialSerializer(serializers.Serializer):
    """A trial with what an integration has to match."""

    id = serializers.IntegerField(source="pk")
    code = serializers.CharField(help_text="`trial` in every other address.")
    registry_id = serializers.CharField(help_text="Of the registry; empty where none is on record.")
    title = serializers.CharField()
    frozen_on = serializers.DateField(
        allow_null=True, help_text="Since this day nothing of it is changed; null while it goes on."
    )
    sites = TrialSiteSerializer(many=True, source="sites_shown")
    cohorts = TrialCohortSerializer(many=True)
    protocol_versions = TrialVersionSerializer(
        many=True, source="versions_published", help_text="The published ones, the oldest first."
    )


class TrialPageSerializer(serializers.Serializer):
    """Trials by id, and the address of those that follow."""

    next = serializers.URLField(allow_null=True)
    next_cursor = serializers.CharField(allow_null=True)
    results = TrialSerializer(many=True)


class TrialList(APIView):
    """The trials in the reader's sight."""

    @extend_schema(
        operation_id="trials_list",
        summary="Trials with their sites, cohorts and published protocol versions",
        parameters=[ListQuery],
        responses={200: TrialPageSerializer},
    )
    def get(self, request: Request) -> Response:
        query = ListQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        today = roles_day(request_clock.now())
        page = listed_trials(signed_in(request), today, id_after(asked), asked["page_size"])
        return Response(page_document(request, list(TrialSerializer(page.rows, many=True).data), page.after))
