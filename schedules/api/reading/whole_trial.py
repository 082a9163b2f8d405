"""GET /api/v1/trials/{trial}/export: everything of a trial as lines of JSON, from one moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from django.http import HttpResponseBase, StreamingHttpResponse
from django.utils.translation import get_language, override
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from schedules.api.reading.follow_up import DeviationSerializer, FlagSerializer
from schedules.api.reading.participants import ListedParticipantSerializer
from schedules.api.reading.people import (
    ActivitySerializer,
    AnchorRowSerializer,
    FactRowSerializer,
    StepRowSerializer,
    WindowRowSerializer,
)
from schedules.api.reading.protocols import CohortRowSerializer, VersionRowSerializer
from schedules.api.reading.queries import feed_cursor
from schedules.api.reading.trials import SiteSerializer, TrialSerializer
from schedules.api.serializers import visit_document
from schedules.selectors.deviations.log import rows_of
from schedules.selectors.exchange.data_capture import listed_participants
from schedules.selectors.exchange.follow_up import listed_deviations, listed_flags
from schedules.selectors.exchange.people import WantedPeople
from schedules.selectors.exchange.person_rows import (
    listed_activities,
    listed_anchors,
    listed_facts,
    listed_steps,
    listed_windows,
)
from schedules.selectors.exchange.protocols import listed_cohorts, listed_versions
from schedules.selectors.exchange.trials import listed_sites, trial_listed
from schedules.selectors.exchange.visit_rows import WantedVisits, listed_visits
from trials import request_clock
from trials.api.authentication import signed_in
from trials.api.queries import refuse_query
from trials.api.rendering import OrjsonRenderer, to_json
from trials.domain.release import RELEASE
from trials.models import Trial, User
from trials.services.store.exports import record_export
from trials.snapshot import one_snapshot
from trials.spoken import say
from trials.zones import roles_day

NDJSON = "application/x-ndjson"
AT_ONCE = 500
FORMAT = 1
Pages = Callable[[tuple[Any, int]], Any]


class LinesRenderer(BaseRenderer):
    """Lets a client ask for lines of JSON; what is refused is JSON all the same."""

    media_type = NDJSON
    format = "ndjson"
    charset = None

    def render(self, data: Any, accepted_media_type: str | None = None, context: Any = None) -> bytes:
        """The bytes of a refusal."""
        return b"" if data is None else to_json(data)


class TrialExport(APIView):
    """A whole trial, as far as it is in the reader's sight."""

    renderer_classes = (OrjsonRenderer, LinesRenderer)

    @extend_schema(
        operation_id="trials_export",
        summary="A whole trial as lines of JSON (NDJSON), read from one moment",
        description='Each line is `{"type": …, "record": …}`: first `export` (format, when, and the place in '
        "the change feed to follow from), then `trial`, `site`, `cohort`, `protocol-version`, `participant`, "
        "`anchor`, `course-step`, `fact`, `visit`, `activity`, `protocol-window`, `flag` and `deviation` as "
        "the lists show them, each kind by id; last `end` with the number of lines before it. Without that "
        "line the export is not whole.",
        responses={
            (200, NDJSON): OpenApiResponse(OpenApiTypes.STR, description="One JSON document a line."),
        },
    )
    def get(self, request: Request, trial: str) -> HttpResponseBase:
        refuse_query(request.query_params, ())
        user, now = signed_in(request), request_clock.now()
        found = trial_listed(user, roles_day(now), trial)
        if found is None:
            raise NotFound
        record_export(by=user, what="Trial as lines", form="json", rows=0, now=now, trial=found)
        begins = feed_cursor()  # before the rows are read
        head = {"format": FORMAT, "software": f"Dayzero {RELEASE}", "at": now, "changes_cursor": begins}
        language = get_language() or "en"

        def lines() -> Iterator[bytes]:
            count = 0
            with override(language), one_snapshot():
                for kind, record in _everything(user, found, head, now):
                    count += 1
                    yield to_json({"type": kind, "record": record}) + b"\n"
            yield to_json({"type": "end", "record": {"lines": count}}) + b"\n"

        response = StreamingHttpResponse(lines(), content_type=NDJSON)
        response["Content-Disposition"] = f'attachment; filename="{found.code}.ndjson"'
        response["Cache-Control"] = "private, no-cache"
        return response


def _everything(user: User, trial: Trial, head: Any, now: Any) -> Iterator[tuple[str, Any]]:
    """The records of a trial, kind by kind, a few hundred at a time."""
    today, code, wanted = roles_day(now), [trial.code], WantedPeople(trials=[trial.code])
    yield "export", head
    yield "trial", TrialSerializer(trial_listed(user, today, trial.code)).data
    for site in _rows(lambda page: listed_sites(user, today, (), page)):
        if trial.code in [one.code for one in site.trials_shown]:
            yield "site", SiteSerializer(site).data
    kinds: list[tuple[str, Pages, Any]] = [
        ("cohort", lambda page: listed_cohorts(user, today, code, page), CohortRowSerializer),
        ("protocol-version", lambda page: listed_versions(user, today, code, page), VersionRowSerializer),
        (
            "participant",
            lambda page: listed_participants(user, wanted, None, page, now),
            ListedParticipantSerializer,
        ),
        ("anchor", lambda page: listed_anchors(user, wanted, page, now, say), AnchorRowSerializer),
        ("course-step", lambda page: listed_steps(user, wanted, page, now), StepRowSerializer),
        ("fact", lambda page: listed_facts(user, wanted, page, now, say), FactRowSerializer),
    ]
    yield from _kinds(kinds)
    after: Any = None
    once = lru_cache(maxsize=None)(say)
    while True:
        page = listed_visits(user, WantedVisits(people=wanted), (after, AT_ONCE), now)
        for visit in page.visits:
            yield "visit", visit_document(visit, once)
        after = page.after
        if after is None:
            break
    kinds = [
        ("activity", lambda page: listed_activities(user, wanted, page, now), ActivitySerializer),
        ("protocol-window", lambda page: listed_windows(user, wanted, page, now, say), WindowRowSerializer),
        ("flag", lambda page: listed_flags(user, wanted, *page, now), FlagSerializer),
    ]
    yield from _kinds(kinds)
    for pages in _pages(lambda page: listed_deviations(user, wanted, *page, now)):
        for row in rows_of(pages):
            yield "deviation", DeviationSerializer(row).data


def _kinds(kinds: list[tuple[str, Pages, Any]]) -> Iterator[tuple[str, Any]]:
    for kind, pages, item in kinds:
        for rows in _pages(pages):
            for shown in item(rows, many=True).data:
                yield kind, shown


def _rows(pages: Pages) -> Iterator[Any]:
    for rows in _pages(pages):
        yield from rows


def _pages(pages: Pages) -> Iterator[Any]:
    """The rows of all pages, page by page."""
    after: Any = None
    while True:
        page = pages((after, AT_ONCE))
        yield page.rows
        after = page.after
        if after is None:
            return
