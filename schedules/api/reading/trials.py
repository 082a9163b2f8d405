"""What an integration maps first: trials with their cohorts and protocol versions, and sites."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from schedules.api.reading.queries import CodesField, EdcShown
from schedules.api.reading.views import ReadView, asked, listed
from schedules.selectors.exchange.odm import ExternalNames
from schedules.selectors.exchange.trials import listed_sites, listed_trials, trial_listed
from trials import request_clock
from trials.api.answers import answer, some_of
from trials.api.authentication import signed_in
from trials.api.queries import ListQuery, OneQuery, SparseMixin, id_after
from trials.api.schema import page_of
from trials.models import StudyType
from trials.spoken import say
from trials.zones import roles_day, zone_of

NAMES = "edc_names"
"""Under which attribute a trial or a site carries what an EDC calls it."""


class TrialSiteSerializer(serializers.Serializer):
    """A site of a trial, in the reader's sight."""

    code = serializers.CharField(help_text="`site` in every other address.")
    name = serializers.CharField(help_text="As people call it.")
    zone = serializers.CharField(help_text="Its IANA zone, by which its days are counted; empty: none yet.")


class CohortSerializer(serializers.Serializer):
    """One dose level of a trial."""

    code = serializers.CharField(help_text="Once in a trial.")
    label = serializers.SerializerMethodField(  # type: ignore[assignment]  # a field, and not the attribute
        help_text="What people call it, in the client's language."
    )
    position = serializers.IntegerField(help_text="In the order of escalation, from the lowest.")
    planned_number = serializers.IntegerField(
        allow_null=True, help_text="How many participants are planned, as recorded; null where nobody said."
    )

    def get_label(self, cohort: Any) -> str:
        return say(cohort.label)


class TrialVersionSerializer(serializers.Serializer):
    """A published edition of the protocol."""

    id = serializers.IntegerField(source="pk", help_text="For /protocol-versions/{id}.")
    label = serializers.CharField(help_text="As the document names it.")  # type: ignore[assignment]
    digest = serializers.CharField(help_text="Of the document; it never changes once published.")
    published_at = serializers.DateTimeField(help_text="With its offset.")


class EdcStudySerializer(serializers.Serializer):
    """What an EDC calls a trial and its sites."""

    study_oid = serializers.CharField(allow_null=True, help_text="The EDC's OID of the study.")
    sites = serializers.DictField(
        child=serializers.CharField(), help_text="The EDC's id of each site in your sight, by our code."
    )


class TrialSerializer(serializers.Serializer):
    """A trial with what an integration has to match."""

    id = serializers.IntegerField(source="pk", help_text="Ours.")
    code = serializers.CharField(help_text="`trial` in every other address.")
    registry_id = serializers.CharField(help_text="Of the registry; empty where none is on record.")
    title = serializers.SerializerMethodField(help_text="As recorded, in the client's language.")
    study_type = serializers.ChoiceField(StudyType.values, help_text="The registry's word.")
    planned_number = serializers.IntegerField(
        allow_null=True, help_text="How many participants are planned, as recorded; null where nobody said."
    )
    planned_end = serializers.DateField(allow_null=True, help_text="The planned last day, as recorded.")
    frozen_on = serializers.DateField(
        allow_null=True, help_text="Since this day nothing of it is changed; null while it goes on."
    )
    sites = TrialSiteSerializer(many=True, source="sites_shown", help_text="Those in your sight.")
    cohorts = CohortSerializer(many=True, help_text="Its dose levels; none in a trial without escalation.")
    protocol_versions = TrialVersionSerializer(
        many=True, source="versions_published", help_text="The published ones, the oldest first."
    )
    edc = EdcStudySerializer(
        required=False,
        allow_null=True,
        source=NAMES,
        help_text="What the EDC of the parameter `edc` calls it; null without a map of the trial, and only "
        "where `edc` asks for it.",
    )

    def get_title(self, trial: Any) -> str:
        return say(trial.title)


class SiteSerializer(serializers.Serializer):
    """A site in the reader's sight."""

    id = serializers.IntegerField(source="pk", help_text="Ours.")
    code = serializers.CharField(help_text="`site` in every other address.")
    name = serializers.CharField(help_text="As people call it.")
    zone = serializers.SerializerMethodField(
        help_text="The IANA zone by which its days are counted; the server's while it has none."
    )
    trials = serializers.SerializerMethodField(help_text="Codes of the trials in your sight that run there.")
    edc = serializers.DictField(
        child=serializers.CharField(),
        required=False,
        source=NAMES,
        help_text="The EDC's id of the site by the trial's code, where a map names it; only "
        "where `edc` asks for it.",
    )

    @extend_schema(responses=serializers.CharField())
    def get_zone(self, site: Any) -> str:
        return zone_of(site).key

    @extend_schema(responses=serializers.ListField(child=serializers.CharField()))
    def get_trials(self, site: Any) -> list[str]:
        return [trial.code for trial in site.trials_shown]


class TrialQuery(SparseMixin, ListQuery, EdcShown):
    """Which trials are wanted; without a code, all in sight."""

    shows = TrialSerializer

    trial = CodesField(help_text="A trial's code.")


class OneTrialQuery(SparseMixin, OneQuery, EdcShown):
    """Which fields of a trial are wanted."""

    shows = TrialSerializer


class SiteQuery(SparseMixin, ListQuery, EdcShown):
    """Which sites are wanted; without a code, all in sight."""

    shows = SiteSerializer

    site = CodesField(help_text="A site's code.")


class TrialList(ReadView):
    """The trials in the reader's sight."""

    @extend_schema(
        operation_id="trials_list",
        summary="Trials with their sites, cohorts and published protocol versions",
        parameters=[TrialQuery],
        responses={200: page_of("Trial", TrialSerializer)},
    )
    def get(self, request: Request) -> HttpResponse:
        query = asked(TrialQuery, request)
        given, today = query.validated_data, roles_day(request_clock.now())
        user = signed_in(request)
        names = query.names_for(user)
        page = listed_trials(user, today, given["trial"], (id_after(given), given["page_size"]))
        for trial in page.rows:
            _name_trial(trial, names)
        without = () if names else ("edc",)
        return listed(request, query, TrialSerializer, (page.rows, page.after), without=without)


class TrialDetail(ReadView):
    """One trial in the reader's sight."""

    @extend_schema(
        operation_id="trials_retrieve",
        summary="A trial by its code",
        parameters=[OneTrialQuery],
        responses={200: TrialSerializer},
    )
    def get(self, request: Request, trial: str) -> HttpResponse:
        query = asked(OneTrialQuery, request)
        user = signed_in(request)
        names = query.names_for(user)
        found = trial_listed(user, roles_day(request_clock.now()), trial)
        if found is None:
            raise NotFound
        _name_trial(found, names)
        item = TrialSerializer(found)
        if names is None:
            item.fields.pop("edc")
        return answer(request, some_of([item.data], query.names)[0])


class SiteList(ReadView):
    """The sites in the reader's sight."""

    @extend_schema(
        operation_id="sites_list",
        summary="Sites with their zones and the trials that run there",
        parameters=[SiteQuery],
        responses={200: page_of("Site", SiteSerializer)},
    )
    def get(self, request: Request) -> HttpResponse:
        query = asked(SiteQuery, request)
        given, today = query.validated_data, roles_day(request_clock.now())
        user = signed_in(request)
        names = query.names_for(user)
        page = listed_sites(user, today, given["site"], (id_after(given), given["page_size"]))
        for site in page.rows:
            _name_site(site, names)
        without = () if names else ("edc",)
        return listed(request, query, SiteSerializer, (page.rows, page.after), without=without)


def _name_trial(trial: Any, names: ExternalNames | None) -> None:
    if names is not None:
        setattr(trial, NAMES, names.study(trial.code, [site.code for site in trial.sites_shown]))


def _name_site(site: Any, names: ExternalNames | None) -> None:
    if names is not None:
        setattr(site, NAMES, names.site(site.code, [trial.code for trial in site.trials_shown]))
