"""GET /api/v1/site-periods: what a site recorded of somebody until they went to another site."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from participants.domain.fact_rows import row_of
from schedules.api.reading.follow_up import DEVIATION_KINDS
from schedules.api.reading.people import FACT_KINDS
from schedules.api.reading.queries import CodesField, IdsField
from schedules.api.reading.views import ReadView, asked, listed
from schedules.selectors.exchange.site_periods import WantedPeriods, listed_periods, period_in_sight
from schedules.selectors.pages.site_period import PeriodPage, period_page
from trials import request_clock
from trials.api.answers import answer, some_of
from trials.api.authentication import signed_in
from trials.api.queries import ListQuery, OneQuery, SparseMixin, id_after
from trials.api.schema import page_of
from trials.spoken import say
from trials.zones import roles_day, zone_of


class PeriodSerializer(serializers.Serializer):
    """The days that a participant spent at a site before a transfer, both ends inside."""

    id = serializers.IntegerField(source="pk", help_text="Of the period, for /site-periods/{id}.")
    trial = serializers.CharField(source="participant.trial.code", help_text="The trial's code.")
    site = serializers.CharField(source="site.code", help_text="The code of the site that was left.")
    participant = serializers.IntegerField(source="participant_id", help_text="The participant's id.")
    subject_code = serializers.CharField(
        source="participant.subject_code", help_text="The pseudonym, once in a trial."
    )
    starts_on = serializers.DateField(
        allow_null=True, help_text="The first day at the site; null at the site of enrolment."
    )
    ended_on = serializers.DateField(help_text="The day of the transfer, the last one at this site.")


class PeriodVisitSerializer(serializers.Serializer):
    """A visit that was done or missed in the period; both ends of its window inside."""

    id = serializers.IntegerField(source="visit.pk", help_text="Ours.")
    code = serializers.CharField(source="visit.code", help_text="Of this visit, from the protocol.")
    rule = serializers.CharField(source="visit.rule_code", help_text="The code of the visit rule.")
    occurrence = serializers.IntegerField(
        source="visit.occurrence", help_text="Which of the rule's visits, from 1."
    )
    attempt = serializers.IntegerField(source="visit.attempt", help_text="Which attempt, from 1.")
    label = serializers.SerializerMethodField(  # type: ignore[assignment]  # a field, and not the attribute
        help_text="What people call it, in the client's language."
    )
    opens = serializers.DateField(source="visit.opens", help_text="The first day of the window.")
    closes = serializers.DateField(source="visit.closes", help_text="The last day of the window.")
    performed_on = serializers.DateField(
        source="visit.performed_on", allow_null=True, help_text="The day on which it was done, at the site."
    )
    missed_on = serializers.DateField(
        source="visit.missed_on", allow_null=True, help_text="The day on which it was recorded as missed."
    )
    reason = serializers.SerializerMethodField(
        help_text="Why it was missed or done outside its window, as entered; empty where nobody gave one."
    )
    left = serializers.ListField(
        child=serializers.CharField(),
        source="left_out",
        help_text="The activities that were not done, in the client's language.",
    )

    def get_label(self, one: Any) -> str:
        return say(one.visit.label)

    def get_reason(self, one: Any) -> str:
        visit = one.visit
        # one that was booked outside its window has a reason for that day as well
        return str(visit.missed_reason if visit.missed_on else visit.outside_reason)


class PeriodFactSerializer(serializers.Serializer):
    """A fact of the period that stands."""

    kind = serializers.ChoiceField(FACT_KINDS, help_text="What kind of fact it is.")
    of = serializers.CharField(help_text="The protocol's code of the drug, the test, …; empty for none.")
    starts_on = serializers.DateField(allow_null=True, help_text="The day, or the first one, at the site.")
    starts_at = serializers.DateTimeField(allow_null=True, help_text="The hour, where it is known.")
    ends_on = serializers.DateField(allow_null=True, help_text="The last day; null for one day.")
    ends_at = serializers.DateTimeField(allow_null=True, help_text="The hour of the end, where known.")
    detail = serializers.DictField(help_text="What only this kind has.")


class PeriodConsentSerializer(serializers.Serializer):
    """A form that was signed in the period."""

    form = serializers.CharField(source="form.version", help_text="The version of the form.")
    signed_on = serializers.DateField(help_text="The day, at the site.")


class PeriodDeviationSerializer(serializers.Serializer):
    """A deviation that occurred in the period."""

    id = serializers.IntegerField(source="pk", help_text="Ours.")
    kind = serializers.ChoiceField(DEVIATION_KINDS, help_text="Which kind it is, by its word.")
    occurred_on = serializers.DateField(help_text="The day, at the site.")
    description = serializers.CharField(help_text="As a person wrote it.")


class PeriodRecordSerializer(PeriodSerializer):
    """What a site may read of its own period after a transfer: what is on record of its days, and no more."""

    visits = PeriodVisitSerializer(many=True, help_text="Done or missed in the period.")
    facts = PeriodFactSerializer(many=True, help_text="On record of its days, withdrawn ones left out.")
    consents = PeriodConsentSerializer(many=True, help_text="Signed in the period.")
    deviations = PeriodDeviationSerializer(many=True, help_text="That occurred in the period.")


class PeriodsQuery(SparseMixin, ListQuery):
    """Whose periods are wanted; without any of these, of all sites in sight."""

    shows = PeriodSerializer

    trial = CodesField(help_text="A trial's code.")
    site = CodesField(help_text="The code of a site that was left.")
    participant = IdsField(help_text="A participant's id.")
    subject_code = CodesField(help_text="Exactly this subject code; it is known once in a trial.")


class OnePeriodQuery(SparseMixin, OneQuery):
    """Which fields of a period are wanted."""

    shows = PeriodRecordSerializer


class PeriodList(ReadView):
    """The periods at sites in the reader's sight."""

    @extend_schema(
        operation_id="site_periods_list",
        summary="Who was at a site until a transfer, by id",
        description="A participant who went to a site that you may not see stands in no other list from then "
        "on; what your site recorded until that day stays readable here.",
        parameters=[PeriodsQuery],
        responses={200: page_of("SitePeriod", PeriodSerializer)},
    )
    def get(self, request: Request) -> HttpResponse:
        query = asked(PeriodsQuery, request)
        given, today = query.validated_data, roles_day(request_clock.now())
        wanted = WantedPeriods(given["trial"], given["site"], given["participant"], given["subject_code"])
        page = listed_periods(signed_in(request), today, wanted, (id_after(given), given["page_size"]))
        return listed(request, query, PeriodSerializer, (page.rows, page.after))


class PeriodDetail(ReadView):
    """One period at a site in the reader's sight, with what was recorded in it."""

    @extend_schema(
        operation_id="site_periods_retrieve",
        summary="What a site recorded of a participant until the transfer",
        parameters=[OnePeriodQuery],
        responses={200: PeriodRecordSerializer},
    )
    def get(self, request: Request, id: int) -> HttpResponse:  # noqa: A002 (its name in the schema)
        query = asked(OnePeriodQuery, request)
        found = period_in_sight(signed_in(request), roles_day(request_clock.now()), id)
        if found is None:
            raise NotFound
        return answer(request, some_of([_record(period_page(found, say))], query.names)[0])


def _record(page: PeriodPage) -> dict[str, Any]:
    zone = zone_of(page.period.site)
    shown: dict[str, Any] = dict(PeriodSerializer(page.period).data)
    shown["visits"] = PeriodVisitSerializer(page.visits, many=True).data
    rows = [row_of(fact, zone) for fact in page.facts]
    shown["facts"] = PeriodFactSerializer(rows, many=True).data
    shown["consents"] = PeriodConsentSerializer(page.consents, many=True).data
    shown["deviations"] = PeriodDeviationSerializer(page.deviations, many=True).data
    return shown
