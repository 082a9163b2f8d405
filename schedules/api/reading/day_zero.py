"""GET day-zero: the days of a range as day zero, the best first, each with what speaks against it."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.request import Request

from schedules.api.fields import PlausibleDay
from schedules.api.reading.queries import LARGEST_ID, CodesField
from schedules.api.reading.views import ReadView, asked
from schedules.domain.readiness.day_zero_search import CandidateDay, Objection
from schedules.domain.readiness.start_context import Start
from schedules.selectors.exchange.people import ids_by_code
from schedules.selectors.pages.enrolment import (
    cohorts_of,
    sites_to_enrol_at,
    versions_to_enrol_under,
)
from schedules.selectors.readiness.day_zero_search import ranked_days
from schedules.selectors.readiness.start_context import Newcomer, start_of, start_of_newcomer
from schedules.selectors.store.course import person_in_sight
from trials import request_clock
from trials.api.answers import answer
from trials.api.authentication import signed_in
from trials.api.queries import OneQuery
from trials.domain.accounts.access import Right
from trials.selectors.records import may, protocol_of
from trials.spoken import say
from trials.zones import roles_day


class ReasonSerializer(serializers.Serializer):
    """One thing that speaks against a day."""

    code = serializers.ChoiceField(
        [one.value for one in Objection], help_text="What it is; it never changes with the language."
    )
    said = serializers.CharField(help_text="The same in words of the client's language, with what it is of.")
    points = serializers.IntegerField(help_text="What it costs by this server's weights; they are assumed.")


class CandidateSerializer(serializers.Serializer):
    """A day that was looked at as day zero."""

    day = serializers.DateField(help_text="Day zero.")
    start = serializers.DateField(help_text="The day on which treatment would begin, such as chemotherapy.")
    possible = serializers.BooleanField(help_text="Whether nothing rules it out.")
    points = serializers.IntegerField(help_text="All points against it; fewer are better.")
    waiting = serializers.IntegerField(
        help_text="The part of them for full weeks after the first possible day."
    )
    reasons = ReasonSerializer(many=True, help_text="What speaks against it, the most severe first.")


class RankingSerializer(serializers.Serializer):
    """The days of a range, the best first."""

    anchor = serializers.CharField(help_text="The code of the anchor that is day zero.")
    today = serializers.DateField(help_text="The day at the site on which the search was made.")
    common = ReasonSerializer(many=True, help_text="What speaks against every one of the days.")
    days = CandidateSerializer(many=True, help_text="Possible ones first, then by points, then by day.")


class RangeQuery(OneQuery):
    """From which to which day, at most 120 days."""

    first = PlausibleDay(help_text="The first day that is looked at.")
    last = PlausibleDay(help_text="The last one; at most 120 days later.")


class NewcomerQuery(RangeQuery):
    """The same for somebody who is not enrolled yet."""

    protocol_version = serializers.IntegerField(
        min_value=1, max_value=LARGEST_ID, help_text="The id of the version that they would follow."
    )
    site = serializers.CharField(help_text="The site's code.")
    cohort = serializers.CharField(required=False, help_text="The dose level's code.")
    trait = CodesField(help_text="A trait's code; repeat it for several.")


class ParticipantDayZero(ReadView):
    """The search for one participant in the reader's sight."""

    @extend_schema(
        operation_id="participants_day_zero",
        summary="Find a day zero for a participant",
        parameters=[RangeQuery],
        responses={200: RankingSerializer},
    )
    def get(self, request: Request, id: int) -> HttpResponse:  # noqa: A002 (its name in the schema)
        person = person_in_sight(signed_in(request), roles_day(request_clock.now()), id)
        if person is None:
            raise NotFound
        given = asked(RangeQuery, request).validated_data
        start = start_of(person, request_clock.now(), say)
        if start.infused:
            words = _("Day zero of this participant is on record: there is none to look for.")
            raise ValidationError({"first": [words]})
        return _ranked(request, start, given)


class NewcomerDayZero(ReadView):
    """The search for somebody who is not enrolled yet, for those who may enrol."""

    @extend_schema(
        operation_id="day_zero_newcomer",
        summary="Find a day zero for somebody who is not enrolled yet",
        parameters=[NewcomerQuery],
        responses={200: RankingSerializer},
    )
    def get(self, request: Request) -> HttpResponse:
        given = asked(NewcomerQuery, request).validated_data
        return _ranked(request, start_of_newcomer(_newcomer(request, given), request_clock.now(), say), given)


def _newcomer(request: Request, given: dict[str, Any]) -> Newcomer:
    """Who is asked about. Raises ValidationError for what is not in sight, PermissionDenied."""
    user, today = signed_in(request), roles_day(request_clock.now())
    versions = versions_to_enrol_under(user, today).filter(published_at__isnull=False)
    version = versions.filter(pk=given["protocol_version"]).first()
    if version is None:
        words = _("%(id)s is no protocol version under which you may enrol.")
        raise ValidationError({"protocol_version": [words % {"id": given["protocol_version"]}]})
    (site_id,) = ids_by_code(sites_to_enrol_at(user, today), "site", [given["site"]])
    site = sites_to_enrol_at(user, today).get(pk=site_id)
    if not may(user, Right.ENROL, site, version.trial, today):
        raise PermissionDenied(_("Your roles do not allow enrolling at this site in this trial."))
    cohort = None
    if "cohort" in given:
        levels = cohorts_of(version.trial)
        cohort = levels.get(pk=ids_by_code(levels, "cohort", [given["cohort"]])[0])
    known = [trait.code for trait in protocol_of(version).traits]
    if unknown := sorted(set(given["trait"]) - set(known)):
        words = _("There is no trait %(unknown)s; possible are %(names)s.")
        said = {"unknown": ", ".join(unknown), "names": ", ".join(known) or _("none")}
        raise ValidationError({"trait": [words % said]})
    return Newcomer(version, site, frozenset(given["trait"]), cohort)


def _ranked(request: Request, start: Start, given: dict[str, Any]) -> HttpResponse:
    ranking = ranked_days(start, given["first"], given["last"])
    return answer(
        request,
        {
            "anchor": start.protocol.day_zero,
            "today": start.today,
            "common": [_reason(one) for one in ranking.common],
            "days": [_candidate(day) for day in ranking.days],
        },
    )


def _candidate(day: CandidateDay) -> dict[str, Any]:
    return {
        "day": day.day,
        "start": day.start,
        "possible": day.possible,
        "points": day.points,
        "waiting": day.waiting,
        "reasons": [_reason(one) for one in day.reasons],
    }


def _reason(one: Any) -> dict[str, Any]:
    said = one.text(say)
    named = f"{say(one.of)}: {said}" if one.of and one.against is Objection.TEST else said
    return {"code": one.against.value, "said": named, "points": one.points}
