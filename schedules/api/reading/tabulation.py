"""GET /api/v1/trials/{trial}/sdtm/sv and /tv: visits and plan in the shape of SDTM, as JSON or CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.http import HttpResponseBase, StreamingHttpResponse
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request

from schedules.api.reading.queries import LARGEST_ID
from schedules.api.reading.views import ReadView, asked
from schedules.domain.visits.sdtm import SV_VARIABLES, TV_VARIABLES, Record
from schedules.selectors.exchange.protocols import version_in_sight
from schedules.selectors.exchange.tabulation import Tabulated, sv_page, tabulated, tv_of
from schedules.selectors.exchange.trials import trial_listed
from trials import request_clock
from trials.api.answers import answer, page_answer
from trials.api.authentication import signed_in
from trials.api.queries import ListQuery, OneQuery, id_after
from trials.formats.exports.tables import runs
from trials.models import Trial
from trials.selectors.records import published_versions
from trials.services.store.exports import record_export
from trials.snapshot import one_snapshot
from trials.spoken import say
from trials.zones import roles_day

CSV = "text/csv"
AT_ONCE = 500
FORMATS = ["json", "csv"]


def _record(name: str, variables: Mapping[str, str], numbers: Sequence[str]) -> type[serializers.Serializer]:
    """What the schema says of a record: its variables with their labels by CDISC."""
    fields: dict[str, Any] = {
        variable: (
            serializers.FloatField(allow_null=True, help_text=f"{label}.")
            if variable in numbers
            else serializers.CharField(allow_null=True, help_text=f"{label}.")
        )
        for variable, label in variables.items()
    }
    words = "One record of the domain, by SDTMIG 3.4; null where a variable has no value."
    return type(f"{name}RecordSerializer", (serializers.Serializer,), {**fields, "__doc__": words})


SV_NUMBERS, TV_NUMBERS = ("VISITNUM", "VISITDY", "SVSTDY", "SVENDY"), ("VISITNUM", "VISITDY")
SvRecordSerializer = _record("Sv", SV_VARIABLES, SV_NUMBERS)
TvRecordSerializer = _record("Tv", TV_VARIABLES, TV_NUMBERS)


class SvPageSerializer(serializers.Serializer):
    """A page of SV."""

    next = serializers.URLField(
        allow_null=True,
        help_text="The address of the next page; null on the last. A page may hold fewer "
        "records than `page_size`.",
    )
    next_cursor = serializers.CharField(allow_null=True, help_text="The `cursor` of the next page.")
    results = SvRecordSerializer(many=True, help_text="The records, by the ids of visits.")


class TvSerializer(serializers.Serializer):
    """TV as a whole."""

    protocol_version = serializers.IntegerField(help_text="The id of the version that it was made from.")
    results = TvRecordSerializer(many=True, help_text="The records, in the order of the schedule.")


class SvQuery(ListQuery):
    """From which day study days are counted, and in which form SV comes."""

    reference = serializers.CharField(
        required=False,
        max_length=60,
        help_text="The code of the anchor whose actual day is study day 1; without one day zero.",
    )
    format = serializers.ChoiceField(
        FORMATS, default="json", required=False, help_text="`csv`: all records at once, as a file."
    )


class TvQuery(OneQuery):
    """Of which version, and in which form TV comes."""

    protocol_version = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=LARGEST_ID,
        help_text="The id of the version; without one the newest published.",
    )
    format = serializers.ChoiceField(
        FORMATS, default="json", required=False, help_text="`csv`: the same as a file."
    )


class SubjectVisits(ReadView):
    """A trial's visits as SDTM's SV."""

    @extend_schema(
        operation_id="sdtm_sv",
        summary="Visits that took place or will not, as SDTM SV",
        parameters=[SvQuery],
        responses={
            (200, "application/json"): SvPageSerializer,
            (200, CSV): OpenApiResponse(
                OpenApiTypes.STR, description="One line for each record, with heads."
            ),
        },
    )
    def get(self, request: Request, trial: str) -> HttpResponseBase:
        found = _trial(request, trial)
        given = asked(SvQuery, request).validated_data
        of, user, now = _tabulated(found, given.get("reference")), signed_in(request), request_clock.now()
        if given["format"] == "json":
            page = sv_page(user, of, (id_after(given), given["page_size"]), now, say)
            return page_answer(request, page.records, page.after)
        # Before the first row leaves: of a reader who breaks off some have left. How many, nobody knows yet.
        record_export(by=user, what="SDTM SV", form="csv", rows=0, now=now, trial=found)

        def rows() -> Iterator[Record]:
            after = id_after(given)
            with one_snapshot():
                while True:
                    page = sv_page(user, of, (after, AT_ONCE), now, say)
                    yield from page.records
                    if not isinstance(page.after, int):
                        return
                    after = page.after

        return _file(f"sv-{found.code}.csv", SV_VARIABLES, rows)


class TrialVisits(ReadView):
    """A trial's plan as SDTM's TV."""

    @extend_schema(
        operation_id="sdtm_tv",
        summary="Planned visits, as SDTM TV",
        parameters=[TvQuery],
        responses={
            (200, "application/json"): TvSerializer,
            (200, CSV): OpenApiResponse(
                OpenApiTypes.STR, description="One line for each record, with heads."
            ),
        },
    )
    def get(self, request: Request, trial: str) -> HttpResponseBase:
        found = _trial(request, trial)
        given = asked(TvQuery, request).validated_data
        of, today = _tabulated(found, None), roles_day(request_clock.now())
        version = published_versions(found).defer("document").first()
        if "protocol_version" in given:
            version = version_in_sight(signed_in(request), today, given["protocol_version"])
        if version is None or version.trial_id != found.pk:
            words = _("%(id)s is no published version of this trial.")
            raise ValidationError({"protocol_version": [words % {"id": given.get("protocol_version", "")}]})
        records = tv_of(of, version, say)
        if given["format"] == "csv":
            return _file(f"tv-{found.code}.csv", TV_VARIABLES, lambda: iter(records))
        return answer(request, {"protocol_version": version.pk, "results": records})


def _trial(request: Request, code: str) -> Trial:
    found = trial_listed(signed_in(request), roles_day(request_clock.now()), code)
    if found is None:
        raise NotFound
    return found


def _tabulated(trial: Trial, reference: str | None) -> Tabulated:
    """What the records are made with. Raises ValidationError for an anchor that there is not, NotFound."""
    try:
        of = tabulated(trial, reference)
    except KeyError as error:
        words = _("There is no anchor %(code)s; possible are %(names)s.")
        said = words % {"code": reference, "names": error.args[0]}
        raise ValidationError({"reference": [said]}) from error
    if of is None:
        raise NotFound(_("No protocol version of this trial is published yet."))
    return of


def _file(name: str, heads: Iterable[str], rows: Callable[[], Iterator[Record]]) -> StreamingHttpResponse:
    """Records as a CSV file that is written while it is read, in the language that was asked for."""
    # The lines are made after the view has answered, and by then another language may be set.
    language = get_language() or "en"

    def lines() -> Iterator[str]:
        with override(language):
            yield _line(heads)
            for row in rows():
                yield _line(row.values())

    response = StreamingHttpResponse(lines(), content_type=f"{CSV}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "private, no-cache"
    return response


def _line(values: Iterable[Any]) -> str:
    """One line of CSV. A text that a spreadsheet would run has an apostrophe before it; a number has none."""
    text = io.StringIO()
    cells = (f"'{one}" if isinstance(one, str) and runs(one) else one for one in values)
    csv.writer(text).writerow(["" if one is None else one for one in cells])
    return text.getvalue()
