"""GET /api/v1/changes: everything that changed, in the order in which it became visible."""

from __future__ import annotations

import time
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from schedules.api.reading.follow_up import DeviationSerializer
from schedules.api.reading.participants import (
    AnchorSerializer,
    ListedParticipantSerializer,
    NamedParticipantSerializer,
    ProtocolWindowSerializer,
    name_people,
)
from schedules.api.reading.queries import EdcShown, feed_place
from schedules.api.serializers import VisitSerializer, edc_named, visit_document
from schedules.models.follow_up import FED
from schedules.selectors.deviations.log import rows_of
from schedules.selectors.exchange.change_feed import Rows, changes_after, last_number
from schedules.services.exchange.change_feed import feed_epoch, number_all_changes
from trials import request_clock
from trials.api.answers import answer
from trials.api.authentication import signed_in
from trials.api.queries import OneQuery
from trials.spoken import say

LONGEST_WAIT = 20
"""Seconds that a reader may wait for something new: meanwhile it holds a thread of the web server."""

PAUSE = 0.5
"""Seconds between two looks while a reader waits."""


class ChangeQuery(OneQuery, EdcShown):
    """Where to go on from, how much, and how long to wait for something new."""

    cursor = serializers.CharField(
        required=False,
        max_length=40,
        help_text="From the answer before, or from a full read. Without one the answer is empty and its "
        "cursor says where the feed stands now.",
    )
    page_size = serializers.IntegerField(min_value=1, max_value=500, default=100, required=False)
    wait = serializers.IntegerField(
        min_value=0,
        max_value=LONGEST_WAIT,
        default=0,
        required=False,
        help_text="Seconds to wait where nothing is new.",
    )


class ChangeSerializer(serializers.Serializer):
    """One change: what happened to which record, and the record as it is now."""

    number = serializers.IntegerField(help_text="Rises with each change; gaps belong to others.")
    kind = serializers.CharField(help_text="What was done, such as `booked`, `performed` or `moved`.")
    at = serializers.DateTimeField(help_text="When it was written, UTC.")
    trial = serializers.CharField(source="participant.trial.code")
    site = serializers.CharField(source="participant.site.code")
    participant = serializers.IntegerField(source="participant_id")
    subject_code = serializers.CharField(source="participant.subject_code")
    record = serializers.ChoiceField(FED, source="about", help_text="Of which record the change is.")
    code = serializers.SerializerMethodField(
        help_text="Of the visit, the anchor or the window; the deviation's id; null for a participant."
    )
    version = serializers.SerializerMethodField(help_text="Of the visit, else of the participant.")
    visit = serializers.SerializerMethodField(help_text="The visit as it is now, where it is of a visit.")
    subject = serializers.SerializerMethodField(
        help_text="The participant as it is now, where it is of one. `added`: read the visits, too."
    )
    anchor = serializers.SerializerMethodField(help_text="The anchor as it is now; null once it is gone.")
    window = serializers.SerializerMethodField(help_text="The protocol window as it is now.")
    deviation = serializers.SerializerMethodField(help_text="The deviation as it is now.")

    @property
    def rows(self) -> Rows:
        """The records that the page names."""
        found: Rows = self.context["rows"]
        return found

    @extend_schema(responses=serializers.CharField(allow_null=True))
    def get_code(self, event: Any) -> str | None:
        found = self.context["visits"].get(event.visit_id)
        return event.code or (found["code"] if found else None)

    @extend_schema(responses=serializers.IntegerField())
    def get_version(self, event: Any) -> int:
        found = self.context["visits"].get(event.visit_id)
        return int(found["version"] if found else event.participant.version)

    @extend_schema(responses=VisitSerializer(allow_null=True))
    def get_visit(self, event: Any) -> Any:
        return self.context["visits"].get(event.visit_id)

    @extend_schema(responses=NamedParticipantSerializer(allow_null=True))
    def get_subject(self, event: Any) -> Any:
        named = self.context["names"] is not None
        item = NamedParticipantSerializer if named else ListedParticipantSerializer
        return item(event.participant).data if event.about == "participant" else None

    @extend_schema(responses=AnchorSerializer(allow_null=True))
    def get_anchor(self, event: Any) -> Any:
        found = self._coded(event, "anchor")
        return AnchorSerializer(found).data if found else None

    @extend_schema(responses=ProtocolWindowSerializer(allow_null=True))
    def get_window(self, event: Any) -> Any:
        found = self._coded(event, "window")
        return ProtocolWindowSerializer(found).data if found else None

    @extend_schema(responses=DeviationSerializer(allow_null=True))
    def get_deviation(self, event: Any) -> Any:
        found = self.context["deviations"].get(event.code) if event.about == "deviation" else None
        return DeviationSerializer(found).data if found else None

    def _coded(self, event: Any, record: str) -> Any:
        rows = {"anchor": self.rows.anchors, "window": self.rows.windows}[record]
        return rows.get((event.participant_id, event.code)) if event.about == record else None


class ChangePage(serializers.Serializer):
    """Changes in their order, and where to go on."""

    cursor = serializers.CharField(help_text="Keep it once you have kept the results; ask again with it.")
    as_of = serializers.DateTimeField(help_text="The heartbeat: the feed was read at this instant.")
    more = serializers.BooleanField(help_text="Whether to ask again at once.")
    results = ChangeSerializer(many=True)


class ChangeFeed(APIView):
    """The changes of what the reader may see."""

    validates = True

    more_statuses = (410,)

    @extend_schema(
        operation_id="changes_list",
        summary="Changes after a cursor, in the order in which they became visible",
        parameters=[ChangeQuery],
        responses={200: ChangePage},
    )
    def get(self, request: Request) -> HttpResponse:
        query = ChangeQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked, user, now = query.validated_data, signed_in(request), request_clock.now()
        names = query.names_for(user)
        epoch = feed_epoch()
        number_all_changes()
        head = last_number()
        given = request.query_params.get("cursor")  # an empty one is refused: it would skip what came before
        after = head if given is None else feed_place(given, epoch, head)
        found = changes_after(user, after, asked["page_size"], now, say)
        until = time.monotonic() + asked["wait"]
        while not found.events and given is not None and time.monotonic() < until:
            time.sleep(PAUSE)
            number_all_changes()
            found = changes_after(user, after, asked["page_size"], now, say)
        departed = {str(row.deviation.pk): row for row in rows_of(list(found.rows.deviations.values()))}
        rows = list(found.rows.visits.values())
        visits = {
            one["id"]: one for one in edc_named((visit_document(one, say) for one in rows), rows, names)
        }
        name_people((one.participant for one in found.events), names)
        context = {"rows": found.rows, "deviations": departed, "visits": visits, "names": names}
        results = ChangeSerializer(found.events, many=True, context=context).data
        more = len(found.events) == asked["page_size"]
        document = {"cursor": f"{epoch}-{found.last}", "more": more, "results": results}
        return answer(request, document, beside={"as_of": now.isoformat()})  # the heartbeat changes nothing
