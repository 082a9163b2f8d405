"""GET /api/v1/deviations and /api/v1/flags: what departed from the protocol, and what needs somebody."""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from schedules.api.reading.queries import PeopleQuery
from schedules.api.reading.views import ReadView, asked, listed
from schedules.domain.deviations.drafts import KIND_LABELS, STATE_LABELS, DeviationKind, DeviationState, Lapse
from schedules.models import DeviationClass, Flag, Severity
from schedules.models.follow_up import FLAG_KINDS
from schedules.selectors.deviations.log import DeviationRow, rows_of
from schedules.selectors.exchange.follow_up import listed_deviations, listed_flags
from trials import request_clock
from trials.api.authentication import signed_in
from trials.api.queries import SparseMixin, id_after
from trials.api.schema import page_of
from trials.domain.stored_sentences import facts_text
from trials.spoken import say

DEVIATION_KINDS = [kind.value for kind in DeviationKind]
FLAG_WORDS = list(FLAG_KINDS)


class DeviationSerializer(serializers.Serializer):
    """A departure from the protocol: what the record shows, and what a person said of it."""

    id = serializers.IntegerField(source="deviation.pk", help_text="Ours.")
    trial = serializers.CharField(source="deviation.participant.trial.code", help_text="The trial's code.")
    site = serializers.CharField(
        source="deviation.participant.site.code", help_text="The code of the participant's present site."
    )
    participant = serializers.IntegerField(
        source="deviation.participant_id", help_text="The participant's id."
    )
    subject_code = serializers.CharField(
        source="deviation.participant.subject_code", help_text="The participant's pseudonym."
    )
    protocol_version = serializers.CharField(
        source="deviation.protocol_version.label", help_text="The version that was in force when it occurred."
    )
    visit = serializers.IntegerField(
        source="deviation.visit_id", allow_null=True, help_text="The id of the visit that it is about."
    )
    visit_code = serializers.CharField(
        source="deviation.visit.code", default=None, allow_null=True, help_text="The code of that visit."
    )
    window_code = serializers.CharField(
        source="deviation.window.code",
        default=None,
        allow_null=True,
        help_text="The code of the protocol window that it is about.",
    )
    kind = serializers.ChoiceField(
        DEVIATION_KINDS,
        source="deviation.kind",
        help_text="What departed; the word never changes with the language.",
    )
    kind_said = serializers.SerializerMethodField(help_text="The kind in the client's language.")
    state = serializers.ChoiceField(
        [state.value for state in DeviationState],
        help_text="`no-longer-so`: a draft whose facts are on record otherwise now.",
    )
    state_said = serializers.SerializerMethodField(help_text="The state in the client's language.")
    found_on = serializers.DateField(
        source="deviation.found_on", help_text="The day at the site on which it was drafted or written."
    )
    occurred_on = serializers.DateField(
        source="deviation.occurred_on", help_text="The day at the site on which it happened, by the record."
    )
    planned_on = serializers.DateField(
        source="deviation.planned_on", allow_null=True, help_text="The day that the plan asked for."
    )
    opens = serializers.DateField(
        source="deviation.opens", allow_null=True, help_text="The first day of the window, as it was then."
    )
    closes = serializers.DateField(
        source="deviation.closes", allow_null=True, help_text="The last day of the window, as it was then."
    )
    actual_on = serializers.DateField(
        source="deviation.actual_on", allow_null=True, help_text="The day on which it was done instead."
    )
    days = serializers.IntegerField(
        source="deviation.days", allow_null=True, help_text="Days before the window (negative) or after it."
    )
    facts_said = serializers.SerializerMethodField(
        help_text="What the record shows, in words of the client's language."
    )
    description = serializers.CharField(
        source="deviation.description", help_text="As a person wrote it; empty until then."
    )
    classification = serializers.SerializerMethodField(
        help_text="Minor or important (ICH E3 Q&A), by a person; null until then."
    )
    affects_safety = serializers.BooleanField(
        source="deviation.affects_safety", allow_null=True, help_text="As a person judged; null until then."
    )
    affects_rights = serializers.BooleanField(
        source="deviation.affects_rights", allow_null=True, help_text="As a person judged; null until then."
    )
    affects_data = serializers.BooleanField(
        source="deviation.affects_data", allow_null=True, help_text="As a person judged; null until then."
    )
    cause = serializers.CharField(source="deviation.cause", help_text="As a person wrote it.")
    action = serializers.CharField(
        source="deviation.action", help_text="What was done about it, as a person wrote it."
    )
    reported_to_sponsor_on = serializers.DateField(
        source="deviation.reported_to_sponsor_on", allow_null=True, help_text="The day, as recorded."
    )
    reported_to_ethics_on = serializers.DateField(
        source="deviation.reported_to_ethics_on", allow_null=True, help_text="The day, as recorded."
    )
    withdrawn_on = serializers.DateField(
        source="deviation.withdrawn_on", allow_null=True, help_text="The day on which a person made it void."
    )
    withdrawn_reason = serializers.CharField(
        source="deviation.withdrawn_reason", help_text="Why it is void, as a person wrote it."
    )
    lapsed_on = serializers.DateField(
        source="deviation.lapsed_on", allow_null=True, help_text="Since when the record no longer shows it."
    )
    lapsed_because = serializers.SerializerMethodField(help_text="What changed in the record; null for none.")
    lapsed_said = serializers.SerializerMethodField(help_text="Why it is no longer so, in words.")
    version = serializers.IntegerField(
        source="deviation.version", help_text="Counts what persons wrote about it."
    )

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

    id = serializers.IntegerField(source="pk", help_text="Ours.")
    trial = serializers.CharField(source="participant.trial.code", help_text="The trial's code.")
    site = serializers.CharField(
        source="participant.site.code", help_text="The code of the participant's present site."
    )
    participant = serializers.IntegerField(source="participant_id", help_text="The participant's id.")
    subject_code = serializers.CharField(
        source="participant.subject_code", help_text="The participant's pseudonym."
    )
    visit = serializers.IntegerField(
        source="visit_id", allow_null=True, help_text="The id of the visit that it is about."
    )
    visit_code = serializers.CharField(
        source="visit.code", default=None, allow_null=True, help_text="The code of that visit."
    )
    window_code = serializers.CharField(
        source="window.code",
        default=None,
        allow_null=True,
        help_text="The code of the protocol window that it is about.",
    )
    kind = serializers.ChoiceField(
        FLAG_WORDS, help_text="What it is raised for; the word never changes with the language."
    )
    kind_said = serializers.SerializerMethodField(help_text="The kind in the client's language.")
    severity = serializers.ChoiceField(Severity.values, help_text="By the rule that raised it.")
    severity_said = serializers.SerializerMethodField(help_text="The severity in the client's language.")
    message_said = serializers.SerializerMethodField(
        help_text="What it was raised for, in words of the client's language."
    )
    raised_at = serializers.DateTimeField(help_text="When the rule raised it, with its offset.")
    snoozed_until = serializers.DateField(
        allow_null=True, help_text="The day on which it comes back, as a person chose."
    )
    cleared_at = serializers.DateTimeField(allow_null=True, help_text="When it ended; null while it stands.")
    cleared_reason = serializers.CharField(help_text="Of the person who cleared it; empty where facts did.")

    def get_kind_said(self, flag: Flag) -> str:
        return str(flag.get_kind_display())

    def get_severity_said(self, flag: Flag) -> str:
        return str(flag.get_severity_display())

    def get_message_said(self, flag: Flag) -> str:
        return facts_text(flag.message, say)


class DeviationQuery(SparseMixin, PeopleQuery):
    """Whose deviations are wanted."""

    shows = DeviationSerializer


class FlagQuery(SparseMixin, PeopleQuery):
    """Whose flags are wanted."""

    shows = FlagSerializer


class DeviationList(ReadView):
    """The deviations of participants in the reader's sight."""

    @extend_schema(
        operation_id="deviations_list",
        summary="Deviations, by id: drafts, classified, lapsed and withdrawn",
        parameters=[DeviationQuery],
        responses={200: page_of("Deviation", DeviationSerializer)},
    )
    def get(self, request: Request) -> HttpResponse:
        query = asked(DeviationQuery, request)
        after, now = id_after(query.validated_data), request_clock.now()
        size = query.validated_data["page_size"]
        page = listed_deviations(signed_in(request), query.people, after, size, now)
        return listed(request, query, DeviationSerializer, (rows_of(page.rows), page.after))


class FlagList(ReadView):
    """The flags of participants in the reader's sight."""

    @extend_schema(
        operation_id="flags_list",
        summary="Flags, by id: those that stand and those that were cleared",
        parameters=[FlagQuery],
        responses={200: page_of("Flag", FlagSerializer)},
    )
    def get(self, request: Request) -> HttpResponse:
        query = asked(FlagQuery, request)
        after, now = id_after(query.validated_data), request_clock.now()
        page = listed_flags(signed_in(request), query.people, after, query.validated_data["page_size"], now)
        return listed(request, query, FlagSerializer, (page.rows, page.after))
