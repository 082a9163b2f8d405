"""GET /api/v1/deviations and /api/v1/flags: what departed from the protocol, and what needs somebody."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from schedules.domain.deviations.drafts import KIND_LABELS, STATE_LABELS, DeviationKind, DeviationState, Lapse
from schedules.domain.deviations.stored_sentences import facts_text
from schedules.models import DeviationClass, Flag, Severity
from schedules.models.follow_up import FLAG_KINDS
from schedules.selectors.deviations.log import DeviationRow, rows_of
from schedules.selectors.exchange.follow_up import WantedPeople, listed_deviations, listed_flags
from trials import request_clock
from trials.api.authentication import signed_in
from trials.api.queries import ListQuery, SeveralField, id_after, page_document
from trials.spoken import say

_LARGEST_ID = 2**63 - 1


class PeopleQuery(ListQuery):
    """Whose rows are wanted; without any of these, of all in sight. Repeat one for several values."""

    trial = SeveralField(child=serializers.CharField(), help_text="A trial's code.")
    site = SeveralField(child=serializers.CharField(), help_text="A site's code.")
    participant = SeveralField(child=serializers.IntegerField(min_value=1, max_value=_LARGEST_ID))

    @property
    def people(self) -> WantedPeople:
        """Whose rows are asked for."""
        asked = self.validated_data
        return WantedPeople(asked["trial"], asked["site"], asked["participant"])


class DeviationSerializer(serializers.Serializer):
    """A departure from the protocol: what the record shows, and what a person said of it."""

    id = serializers.IntegerField(source="deviation.pk")
    trial = serializers.CharField(source="deviation.participant.trial.code")
    site = serializers.CharField(source="deviation.participant.site.code")
    participant = serializers.IntegerField(source="deviation.participant_id")
    subject_code = serializers.CharField(source="deviation.participant.subject_code")
    protocol_version = serializers.CharField(source="deviation.protocol_version.label")
    visit = serializers.IntegerField(source="deviation.visit_id", allow_null=True)
    visit_code = serializers.CharField(source="deviation.visit.code", default=None, allow_null=True)
    window_code = serializers.CharField(source="deviation.window.code", default=None, allow_null=True)
    kind = serializers.ChoiceField([kind.value for kind in DeviationKind], source="deviation.kind")
    kind_said = serializers.SerializerMethodField(help_text="The kind in the client's language.")
    state = serializers.ChoiceField(
        [state.value for state in DeviationState],
        help_text="`no-longer-so`: a draft whose facts are on record otherwise now.",
    )
    state_said = serializers.SerializerMethodField(help_text="The state in the client's language.")
    found_on = serializers.DateField(source="deviation.found_on")
    occurred_on = serializers.DateField(source="deviation.occurred_on")
    planned_on = serializers.DateField(source="deviation.planned_on", allow_null=True)
    opens = serializers.DateField(source="deviation.opens", allow_null=True)
    closes = serializers.DateField(source="deviation.closes", allow_null=True)
    actual_on = serializers.DateField(source="deviation.actual_on", allow_null=True)
    days = serializers.IntegerField(
        source="deviation.days", allow_null=True, help_text="Before the window (negative) or after it."
    )
    facts_said = serializers.SerializerMethodField(help_text="What the record shows, in words.")
    description = serializers.CharField(source="deviation.description", help_text="As a person wrote it.")
    classification = serializers.SerializerMethodField(help_text="Null until a person classified it.")
    affects_safety = serializers.BooleanField(source="deviation.affects_safety", allow_null=True)
    affects_rights = serializers.BooleanField(source="deviation.affects_rights", allow_null=True)
    affects_data = serializers.BooleanField(source="deviation.affects_data", allow_null=True)
    cause = serializers.CharField(source="deviation.cause")
    action = serializers.CharField(source="deviation.action")
    reported_to_sponsor_on = serializers.DateField(source="deviation.reported_to_sponsor_on", allow_null=True)
    reported_to_ethics_on = serializers.DateField(source="deviation.reported_to_ethics_on", allow_null=True)
    withdrawn_on = serializers.DateField(source="deviation.withdrawn_on", allow_null=True)
    withdrawn_reason = serializers.CharField(source="deviation.withdrawn_reason")
    lapsed_on = serializers.DateField(source="deviation.lapsed_on", allow_null=True)
    lapsed_because = serializers.SerializerMethodField()
    lapsed_said = serializers.SerializerMethodField(help_text="Why it is no longer so, in words.")
    version = serializers.IntegerField(source="deviation.version")

    def get_kind_said(self, row: DeviationRow) -> str:
        return say(KIND_LABELS[DeviationKind(row.deviation.kind)])

    def get_state_said(self, row: DeviationRow) -> str:
        return say(STATE_LABELS[row.state])

    def get_facts_said(self, row: DeviationRow) -> str:
        return facts_text(row.deviation.facts, say)

    def get_lapsed_said(self, row: DeviationRow) -> str:
        return say(row.lapse_label)

    @extend_schema(responses=serializers.ChoiceField(DeviationClass.values, allow_null=True))
    def get_classification(self, row: DeviationRow) -> str | None:
        return row.deviation.classification or None

    @extend_schema(responses=serializers.ChoiceField([one.value for one in Lapse], allow_null=True))
    def get_lapsed_because(self, row: DeviationRow) -> str | None:
        return row.deviation.lapsed_because or None


class FlagSerializer(serializers.Serializer):
    """A thing that somebody must look at, and how it ended."""

    id = serializers.IntegerField(source="pk")
    trial = serializers.CharField(source="participant.trial.code")
    site = serializers.CharField(source="participant.site.code")
    participant = serializers.IntegerField(source="participant_id")
    subject_code = serializers.CharField(source="participant.subject_code")
    visit = serializers.IntegerField(source="visit_id", allow_null=True)
    visit_code = serializers.CharField(source="visit.code", default=None, allow_null=True)
    window_code = serializers.CharField(source="window.code", default=None, allow_null=True)
    kind = serializers.ChoiceField(list(FLAG_KINDS))
    kind_said = serializers.SerializerMethodField(help_text="The kind in the client's language.")
    severity = serializers.ChoiceField(Severity.values)
    severity_said = serializers.SerializerMethodField(help_text="The severity in the client's language.")
    message_said = serializers.SerializerMethodField(help_text="What it was raised for, in words.")
    raised_at = serializers.DateTimeField(help_text="With its offset.")
    snoozed_until = serializers.DateField(allow_null=True)
    cleared_at = serializers.DateTimeField(allow_null=True, help_text="Null while it stands.")
    cleared_reason = serializers.CharField(help_text="Of the person who cleared it; empty where facts did.")

    def get_kind_said(self, flag: Flag) -> str:
        return str(flag.get_kind_display())

    def get_severity_said(self, flag: Flag) -> str:
        return str(flag.get_severity_display())

    def get_message_said(self, flag: Flag) -> str:
        return facts_text(flag.message, say)


class DeviationPageSerializer(serializers.Serializer):
    """Deviations by id, and the address of those that follow."""

    next = serializers.URLField(allow_null=True)
    next_cursor = serializers.CharField(allow_null=True)
    results = DeviationSerializer(many=True)


class FlagPageSerializer(serializers.Serializer):
    """Flags by id, and the address of those that follow."""

    next = serializers.URLField(allow_null=True)
    next_cursor = serializers.CharField(allow_null=True)
    results = FlagSerializer(many=True)


def _asked(request: Request) -> tuple[WantedPeople, dict[str, Any]]:
    query = PeopleQuery(data=request.query_params)
    query.is_valid(raise_exception=True)
    return query.people, query.validated_data


class DeviationList(APIView):
    """The deviations of participants in the reader's sight."""

    @extend_schema(
        operation_id="deviations_list",
        summary="Deviations, by id: drafts, classified, lapsed and withdrawn",
        parameters=[PeopleQuery],
        responses={200: DeviationPageSerializer},
    )
    def get(self, request: Request) -> Response:
        wanted, asked = _asked(request)
        after, now = id_after(asked), request_clock.now()
        page = listed_deviations(signed_in(request), wanted, after, asked["page_size"], now)
        return Response(
            page_document(request, list(DeviationSerializer(rows_of(page.rows), many=True).data), page.after)
        )


class FlagList(APIView):
    """The flags of participants in the reader's sight."""

    @extend_schema(
        operation_id="flags_list",
        summary="Flags, by id: those that stand and those that were cleared",
        parameters=[PeopleQuery],
        responses={200: FlagPageSerializer},
    )
    def get(self, request: Request) -> Response:
        wanted, asked = _asked(request)
        after, now = id_after(asked), request_clock.now()
        page = listed_flags(signed_in(request), wanted, after, asked["page_size"], now)
        results = list(FlagSerializer(page.rows, many=True).data)
        return Response(page_document(request, results, page.after))
