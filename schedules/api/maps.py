"""GET and PUT /api/v1/edc-maps/{trial}/{edc}/{environment}: the names that an EDC uses."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request

from schedules.api.reading.queries import CodesField
from schedules.api.reading.views import ReadView, asked, listed
from schedules.api.writing import (
    DRY_RUN,
    IF_MATCH,
    dry_run_asked,
    kept_unless,
    on_behalf_of,
    version_named,
)
from schedules.models import EdcEnvironment, EdcMap
from schedules.selectors.exchange.agreements import edc_map, listed_maps
from schedules.selectors.exchange.map_check import checked
from schedules.services.exchange.maps import MapContent, MapKey, check_map, name_subjects, save_map
from trials import request_clock
from trials.api.answers import answer
from trials.api.authentication import signed_in
from trials.api.bodies import StrictSerializer
from trials.api.permissions import require_act
from trials.api.queries import ListQuery, SparseMixin, id_after, refuse_query
from trials.api.schema import page_of
from trials.domain.accounts.access import Right
from trials.models import ApiAct, Trial
from trials.selectors.records import roles_of, trials_visible_to
from trials.zones import roles_day

MOST = 2000


class EventBody(StrictSerializer):
    """One visit of ours and the event of the EDC that it is."""

    visit = serializers.CharField(max_length=60, help_text="The code of the visit rule.")
    occurrence = serializers.IntegerField(
        required=False, min_value=1, max_value=32767, help_text="Which of several; all where left out."
    )
    event_oid = serializers.CharField(max_length=120, help_text="StudyEventOID; the event's name in REDCap.")
    repeat_key = serializers.CharField(max_length=40, required=False, help_text="StudyEventRepeatKey.")
    form_oid = serializers.CharField(
        max_length=120, required=False, help_text="The form on which the day of the visit is."
    )
    item_group_oid = serializers.CharField(
        max_length=120, required=False, help_text="The item group in which that field is."
    )
    date_item_oid = serializers.CharField(
        max_length=120, required=False, help_text="The field that holds the day of the visit."
    )


class MapBody(StrictSerializer):
    """A map as a whole: what is left out is left out of the map."""

    study_oid = serializers.CharField(
        max_length=120, required=False, default="", allow_blank=True, help_text="The EDC's OID of the study."
    )
    sites = serializers.DictField(
        child=serializers.CharField(max_length=120), default=dict, help_text="The EDC's id by our code."
    )
    events = serializers.ListField(
        child=EventBody(), default=list, max_length=MOST, help_text="Visits and the events that they are."
    )
    subjects = serializers.DictField(
        child=serializers.CharField(max_length=120),
        required=False,
        help_text="The EDC's name by subject code; those left out stay as they are.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not self.initial_data:  # a body that was lost on its way is not an empty map
            words = _("Nothing is given: send the map, or an empty “events” to empty it.")
            raise serializers.ValidationError(words, code="required")
        return attrs


class MapCheckSerializer(serializers.Serializer):
    """A map held against its trial and the EDC's last message."""

    visits = serializers.ListField(
        child=serializers.CharField(),
        help_text="Codes of the newest version's visit rules without an event.",
    )
    sites = serializers.ListField(
        child=serializers.CharField(), help_text="Codes of the trial's sites without a name."
    )
    participants = serializers.IntegerField(help_text="How many participants have no name.")
    gone = serializers.ListField(
        child=serializers.CharField(), help_text="Codes in the map that the newest version no longer has."
    )
    used_twice = serializers.ListField(
        child=serializers.CharField(),
        help_text="Events with their repeat keys that stand for more than one visit.",
    )
    unknown = serializers.ListField(
        child=serializers.CharField(), help_text="Names in the EDC's last message that the map does not have."
    )


class MapSerializer(serializers.Serializer):
    """A map, and what of the trial it does not name yet."""

    trial = serializers.CharField(help_text="The trial's code.")
    edc = serializers.CharField(help_text="The name of the EDC, as it was given.")
    environment = serializers.ChoiceField(EdcEnvironment.values, help_text="Training or live.")
    study_oid = serializers.CharField(help_text="The EDC's OID of the study; empty while nobody gave one.")
    sites = serializers.DictField(child=serializers.CharField(), help_text="The EDC's id by our code.")
    events = serializers.ListField(child=EventBody(), help_text="Visits and the events that they are.")
    version = serializers.IntegerField(
        help_text="Counts how often it was saved; the number at the head of its ETag."
    )
    unmapped = serializers.ListField(
        child=serializers.CharField(), help_text="What is to be mended, in words of the client's language."
    )
    check = MapCheckSerializer(help_text="The same, name by name.")
    last_message_at = serializers.DateTimeField(
        allow_null=True, help_text="When the EDC's last message came, with its offset; null: none yet."
    )


class MapRowSerializer(serializers.Serializer):
    """A map, as a list names it."""

    id = serializers.IntegerField(source="pk", help_text="Ours.")
    trial = serializers.CharField(source="trial.code", help_text="The trial's code.")
    edc = serializers.CharField(help_text="The name of the EDC, as it was given.")
    environment = serializers.ChoiceField(EdcEnvironment.values, help_text="Training or live.")
    study_oid = serializers.CharField(help_text="The EDC's OID of the study; empty while nobody gave one.")
    version = serializers.IntegerField(help_text="Counts how often it was saved.")
    last_message_at = serializers.DateTimeField(
        allow_null=True, help_text="When the EDC's last message came, with its offset; null: none yet."
    )


class MapsQuery(SparseMixin, ListQuery):
    """Which maps are wanted; without a trial, all in sight."""

    shows = MapRowSerializer

    trial = CodesField(help_text="A trial's code.")


class EdcMapList(ReadView):
    """The maps of the trials in the reader's sight."""

    @extend_schema(
        operation_id="edc_maps_list",
        summary="Maps of EDCs: one for each trial, EDC and environment",
        parameters=[MapsQuery],
        responses={200: page_of("MapRow", MapRowSerializer)},
    )
    def get(self, request: Request) -> HttpResponse:
        query = asked(MapsQuery, request)
        given, today = query.validated_data, roles_day(request_clock.now())
        page = listed_maps(signed_in(request), today, given["trial"], (id_after(given), given["page_size"]))
        return listed(request, query, MapRowSerializer, (page.rows, page.after))


class EdcMapDetail(ReadView):
    """One map of a trial in the reader's sight."""

    @extend_schema(
        operation_id="edc_maps_retrieve",
        summary="The map of an EDC, checked",
        responses={200: MapSerializer},
    )
    def get(self, request: Request, trial: str, edc: str, environment: str) -> HttpResponse:
        refuse_query(request.query_params, ())
        key = map_key(request, trial, edc, environment)
        found = edc_map(key.trial, key.edc, key.environment)
        if found is None:
            raise NotFound
        return _shown(request, found)

    @extend_schema(
        operation_id="edc_maps_save",
        summary="Save the map of an EDC as a whole",
        description="If-Match is asked for once the map exists.",
        parameters=[IF_MATCH, DRY_RUN],
        request=MapBody,
        responses={200: MapSerializer},
    )
    def put(self, request: Request, trial: str, edc: str, environment: str) -> HttpResponse:
        require_act(request, ApiAct.MAP)
        dry_run = dry_run_asked(request)
        key = map_key(request, trial, edc, environment)
        scope = roles_of(signed_in(request), roles_day(request_clock.now()))
        if not scope.allows_throughout(Right.RECORD, trial=key.trial.pk):
            raise PermissionDenied(_("A map holds for all sites: your role must hold at all of them."))
        exists = edc_map(key.trial, edc, environment) is not None
        version = version_named(request) if exists else None
        body = MapBody(data=request.data)
        body.is_valid(raise_exception=True)
        values: dict[str, Any] = body.validated_data
        content = MapContent(values["study_oid"], values["sites"], values["events"])
        with on_behalf_of(request, None), kept_unless(dry_run):
            saved = save_map(key=key, version=version, content=content, by=signed_in(request))
            if values.get("subjects"):
                name_subjects(edc_map=saved, names=values["subjects"], by=signed_in(request))
            return _shown(request, saved)


def map_key(request: Request, trial: str, edc: str, environment: str) -> MapKey:
    """Which map is asked for; raises NotFound for a trial out of sight and for an unknown environment."""
    today = roles_day(request_clock.now())
    found: Trial | None = trials_visible_to(signed_in(request), today).filter(code=trial).first()
    if found is None or environment not in EdcEnvironment.values:
        raise NotFound
    return MapKey(found, edc, environment)


def _shown(request: Request, found: EdcMap) -> HttpResponse:
    check = checked(found, signed_in(request), roles_day(request_clock.now()))
    data = {
        "trial": found.trial.code,
        **{name: getattr(found, name) for name in ("edc", "environment", "study_oid", "sites", "events")},
        "version": found.version,
        "unmapped": list(check_map(check)),
        "check": {
            "visits": list(check.visits),
            "sites": list(check.sites),
            "participants": check.people,
            "gone": list(check.gone),
            "used_twice": list(check.used_twice),
            "unknown": list(check.unknown),
        },
        "last_message_at": found.last_message_at,
    }
    return answer(request, data, version=found.version)
