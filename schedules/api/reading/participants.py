"""GET /api/v1/participants and /api/v1/participants/{id}."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.reverse import reverse

from participants.domain.lifecycle import Phase
from participants.models import Participant
from schedules.api.fields import SiteInstant
from schedules.api.reading.queries import (
    EdcQuery,
    EdcShown,
    PeopleQuery,
    SinceField,
    feed_cursor,
    people_of,
)
from schedules.api.reading.views import ReadView, asked, listed
from schedules.api.serializers import EdcPersonSerializer
from schedules.models import Basis
from schedules.selectors.exchange.data_capture import (
    ParticipantRecord,
    listed_participants,
    participant_record,
)
from schedules.selectors.exchange.odm import ExternalNames
from trials import request_clock
from trials.api.answers import answer, some_of
from trials.api.authentication import signed_in
from trials.api.queries import OneQuery, SparseMixin, id_after
from trials.api.schema import page_of
from trials.domain.protocols.terms import WindowKind
from trials.spoken import say

WINDOW_KINDS = [kind.value for kind in WindowKind]


NAMES = "edc_names"
"""Under which attribute a participant carries what an EDC calls them."""
_EDC = (
    "What the EDC of the parameter `edc` calls them; null without a map of the trial, and only where `edc` "
    "asks for it."
)


class ProtocolVersionSerializer(serializers.Serializer):
    """Which edition of the protocol the participant follows."""

    id = serializers.IntegerField(source="pk", help_text="Of the version, for /protocol-versions/{id}.")
    label = serializers.CharField(help_text="As the document names it.")  # type: ignore[assignment]
    digest = serializers.CharField(help_text="Of the document: SHA-256 of its canonical bytes.")


class AnchorSerializer(serializers.Serializer):
    """A day that was set for the participant, planned and then actual."""

    code = serializers.CharField(source="row.code", help_text="The anchor's code in the protocol version.")
    label = serializers.CharField(  # type: ignore[assignment]
        help_text="What people call it, from the protocol, in the client's language."
    )
    planned_on = serializers.DateField(
        source="row.planned_on", allow_null=True, help_text="The planned day at the site, as entered."
    )
    planned_at = SiteInstant(source="row.planned_at", help_text="The planned hour, with the site's offset.")
    actual_on = serializers.DateField(
        source="row.actual_on", allow_null=True, help_text="The day on which it happened, as entered."
    )
    actual_at = SiteInstant(
        source="row.actual_at",
        recorded="row.actual_zone",
        help_text="The hour at which it happened, with the offset of the place where it was recorded.",
    )


class ProtocolWindowSerializer(serializers.Serializer):
    """An interval in which something must hold; an end that hangs on something unknown is null."""

    code = serializers.CharField(source="row.code", help_text="The window's code in the protocol version.")
    label = serializers.CharField(  # type: ignore[assignment]
        help_text="What people call it, from the protocol, in the client's language."
    )
    kind = serializers.ChoiceField(WINDOW_KINDS, source="row.kind", help_text="What it asks for.")
    starts_on = serializers.DateField(
        source="row.starts_on", allow_null=True, help_text="Its first day at the site, worked out."
    )
    starts_at = SiteInstant(source="row.starts_at", help_text="The instant, where it counts in hours.")
    ends_on = serializers.DateField(
        source="row.ends_on", allow_null=True, help_text="Its last day at the site, worked out."
    )
    ends_at = SiteInstant(source="row.ends_at", help_text="The instant, where it counts in hours.")
    basis = serializers.ChoiceField(
        Basis.values, source="row.basis", help_text="Whether the protocol states it or somebody assumed it."
    )
    because = serializers.CharField(
        source="row.because", help_text="Why its ends are what they are, in words."
    )


class ParticipantSerializer(serializers.Serializer):
    """Somebody in a trial, known by a subject code."""

    id = serializers.IntegerField(source="participant.pk", help_text="Ours.")
    trial = serializers.CharField(source="participant.trial.code", help_text="The trial's code.")
    site = serializers.CharField(source="participant.site.code", help_text="The code of the present site.")
    zone = serializers.CharField(source="zone.key", help_text="The site's IANA zone.")
    subject_code = serializers.CharField(
        source="participant.subject_code", help_text="The pseudonym, once in a trial; never a name."
    )
    cohort = serializers.CharField(
        source="participant.cohort.code",
        allow_null=True,
        default=None,
        help_text="The code of the dose level; null without one.",
    )
    traits = serializers.ListField(
        child=serializers.CharField(),
        source="participant.traits",
        help_text="Codes of the protocol's traits that hold, as entered.",
    )
    phase = serializers.ChoiceField(
        [phase.value for phase in Phase],
        help_text="Where the course stands, derived from its steps, chemotherapy and infusion.",
    )
    protocol_version = ProtocolVersionSerializer(
        source="participant.protocol_version", help_text="The present version of the protocol."
    )
    anchors = AnchorSerializer(many=True, help_text="The days that others count from, as entered.")
    windows = ProtocolWindowSerializer(
        many=True, help_text="What must hold when; /protocol-windows has the verdicts."
    )
    visits = serializers.SerializerMethodField(help_text="Where this participant's visits are.")
    history_since = serializers.DateField(
        source="participant.history_since",
        allow_null=True,
        help_text="While days before enrolment are being entered: since when; nothing is judged until then.",
    )
    version = serializers.IntegerField(
        source="participant.version", help_text="Counts the changes of the record."
    )
    edc = EdcPersonSerializer(required=False, allow_null=True, source=f"participant.{NAMES}", help_text=_EDC)

    def get_visits(self, record: ParticipantRecord) -> str:
        address = reverse("api-visits", request=self.context["request"])
        return f"{address}?participant={record.participant.pk}"


class ListedParticipantSerializer(serializers.Serializer):
    """Somebody in a trial, as a list shows them."""

    id = serializers.IntegerField(source="pk", help_text="Ours.")
    trial = serializers.CharField(source="trial.code", help_text="The trial's code.")
    site = serializers.CharField(source="site.code", help_text="The code of the present site.")
    subject_code = serializers.CharField(help_text="The pseudonym, once in a trial; never a name.")
    cohort = serializers.CharField(
        source="cohort.code",
        allow_null=True,
        default=None,
        help_text="The code of the dose level; null without one.",
    )
    traits = serializers.ListField(
        child=serializers.CharField(), help_text="Codes of the protocol's traits that hold, as entered."
    )
    protocol_version = serializers.CharField(
        source="protocol_version.label", help_text="The label of the present version of the protocol."
    )
    version = serializers.IntegerField(help_text="Counts the changes of the record.")


class NamedParticipantSerializer(ListedParticipantSerializer):
    """Somebody in a trial, with what an EDC calls them where one is named."""

    edc = EdcPersonSerializer(required=False, allow_null=True, source=NAMES, help_text=_EDC)


class ParticipantQuery(SparseMixin, PeopleQuery, EdcQuery):
    """Which participants are wanted; without any of these, all in sight."""

    shows = NamedParticipantSerializer
    participant = None  # type: ignore[assignment]  # each has an address

    changed_since = SinceField()


class OneParticipantQuery(SparseMixin, OneQuery, EdcShown):
    """Which fields of a participant are wanted."""

    shows = ParticipantSerializer


class ParticipantList(ReadView):
    """The participants in the reader's sight."""

    @extend_schema(
        operation_id="participants_list",
        summary="Participants: a full read by id, or those with a subject code",
        parameters=[ParticipantQuery],
        responses={200: page_of("Participant", NamedParticipantSerializer, follows=True)},
    )
    def get(self, request: Request) -> HttpResponse:
        query = asked(ParticipantQuery, request)
        given = query.validated_data
        begins = None if "cursor" in given else feed_cursor()  # before the rows are read
        page = (id_after(given), given["page_size"])
        since, now = given.get("changed_since"), request_clock.now()
        user, beside = signed_in(request), {"changes_cursor": begins}
        names = query.names_for(user)
        found = listed_participants(user, people_of(given, names), since, page, now)
        item = NamedParticipantSerializer if names else ListedParticipantSerializer
        name_people(found.rows, names)
        return listed(request, query, item, (found.rows, found.after), beside)


class ParticipantDetail(ReadView):
    """One participant in the reader's sight."""

    @extend_schema(
        operation_id="participants_retrieve",
        summary="A participant with phase, anchors and protocol windows",
        parameters=[OneParticipantQuery],
        responses={200: ParticipantSerializer},
    )
    def get(self, request: Request, id: int) -> HttpResponse:  # noqa: A002 (its name in the schema)
        query = asked(OneParticipantQuery, request)
        user = signed_in(request)
        names = query.names_for(user)
        record = participant_record(user, id, request_clock.now(), say)
        if record is None:
            raise NotFound
        name_people([record.participant], names)
        item = ParticipantSerializer(record, context={"request": request})
        if names is None:
            item.fields.pop("edc")
        return answer(request, some_of([item.data], query.names)[0], version=record.participant.version)


def name_people(people: Iterable[Participant], names: ExternalNames | None) -> None:
    """Give participants what an EDC calls them, for their serializers; one query, none without an EDC."""
    found = list(people) if names else []
    subjects = names.subjects([one.pk for one in found]) if names else {}
    for one in found:
        known = names.person(one.trial.code, one.site.code, subjects.get(one.pk)) if names else None
        setattr(one, NAMES, known)
