"""GET and POST /api/v1/edc-maps/{trial}/{edc}/{environment}/odm: the days of visits as CDISC ODM 1.3.2."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NoReturn

from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, NotFound, ValidationError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from schedules.api.maps import map_key
from schedules.api.reading.queries import feed_place
from schedules.api.visit_reports import MOST_ITEMS, reported
from schedules.api.writing import DRY_RUN, IDEMPOTENCY_KEY, AnswersOnce, dry_run_asked, problem_of
from schedules.formats.odm import EventDay, Head, OdmError, SubjectDays, day_of, fits_xml, read_odm, write_odm
from schedules.models import EdcMap, Visit
from schedules.selectors.exchange.agreements import edc_map
from schedules.selectors.exchange.change_feed import last_number
from schedules.selectors.exchange.data_capture import VisitKey, visit_by_key
from schedules.selectors.exchange.odm import EventMap, subjects_done
from schedules.services.exchange.change_feed import feed_epoch, number_all_changes
from schedules.services.exchange.maps import MessageNames, note_message
from trials import request_clock
from trials.api.authentication import signed_in
from trials.api.bodies import LARGEST_BODY
from trials.api.errors import Problem
from trials.api.permissions import require_act
from trials.api.queries import refuse_query
from trials.api.refusals import BodyTooLarge
from trials.models import ApiAct
from trials.snapshot import one_snapshot

XML = "application/xml"
MOST_OID = 120
SHOWN = 50
"""How many faults of a file are named."""


class OdmParser(BaseParser):
    """Takes an XML body as it is, up to the size of any other; it is read where the map is known."""

    media_type = XML

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> dict[str, str]:
        """The bytes of the body as text, one character each. Raises BodyTooLarge."""
        raw = stream.read(LARGEST_BODY + 1)
        if len(raw) > LARGEST_BODY:
            words = _("The body is larger than %(count)d bytes. Send it in parts.")
            raise BodyTooLarge(words % {"count": LARGEST_BODY})
        return {"odm": raw.decode("latin-1")}


class TextOdmParser(OdmParser):
    """The same under its other name."""

    media_type = "text/xml"


class OdmRenderer(JSONRenderer):
    """Lets a client ask for XML; what is refused is JSON all the same."""

    media_type = XML
    format = "xml"


class EventResult(serializers.Serializer):
    """What became of one event of the file."""

    subject_key = serializers.CharField(help_text="The subject as the file names it.")
    event_oid = serializers.CharField(help_text="The event as the file names it.")
    repeat_key = serializers.CharField(help_text="Its repeat key; empty without one.")
    status = serializers.IntegerField(
        help_text="As if it had been sent by itself; 204: the file has no day for it, so nothing was done."
    )
    visit = serializers.IntegerField(allow_null=True, help_text="The id of the visit.")
    problem = Problem(allow_null=True, help_text="Why it was refused; null where it was not.")


class OdmResult(serializers.Serializer):
    """What became of a file, event by event in its order."""

    results = EventResult(many=True)


class OdmExchange(AnswersOnce):
    """The days of visits as an EDC keeps them."""

    parser_classes = (OdmParser, TextOdmParser)
    renderer_classes = (JSONRenderer, OdmRenderer)
    more_statuses = (410,)

    @extend_schema(
        operation_id="odm_retrieve",
        summary="The days of mapped visits as ODM 1.3.2: a snapshot, or what changed since a cursor",
        description="`Changes-Cursor` in the answer is the `since` of the next one.",
        parameters=[
            OpenApiParameter("since", OpenApiTypes.STR, description="A cursor: only what changed since."),
            OpenApiParameter("metadata_version", OpenApiTypes.STR, description="MetaDataVersionOID; 1."),
        ],
        responses={(200, XML): OpenApiResponse(OpenApiTypes.STR, description="An ODM 1.3.2 document.")},
    )
    def get(self, request: Request, trial: str, edc: str, environment: str) -> HttpResponseBase:
        refuse_query(request.query_params, ("since", "metadata_version"))
        found, now = _map(request, trial, edc, environment), request_clock.now()
        number_all_changes()
        epoch, last = feed_epoch(), last_number()  # before the rows are read
        since = request.query_params.get("since")
        span = None if since is None else (feed_place(since, epoch, last), last)
        metadata = request.query_params.get("metadata_version", "1")
        if not 0 < len(metadata) <= MOST_OID or not fits_xml(metadata):
            words = _("Give 1 to 120 characters, no control characters among them.")
            raise ValidationError({"metadata_version": [words]})
        incomplete = EventMap(found).incomplete
        if incomplete:
            words = _("ODM asks for a form and an item group; the map names none for %(events)s.")
            said = words % {"events": ", ".join(incomplete)}
            raise ValidationError({"events": [ErrorDetail(said, "map_incomplete")]})
        cursor, name = f"{epoch}-{last}", f"dayzero.{found.trial.code}.{edc}.{environment}"
        head = Head(
            file_oid=f"{name}.{cursor}",
            created=now,
            study_oid=found.study_oid or found.trial.code,
            metadata_oid=metadata,
            transactional=span is not None,
            prior=f"{name}.{since}" if since else "",
        )
        user = signed_in(request)

        def parts() -> Iterator[bytes]:
            with one_snapshot():
                yield from write_odm(head, subjects_done(user, found, now, span))

        return StreamingHttpResponse(parts(), content_type=XML, headers={"Changes-Cursor": cursor})

    @extend_schema(
        operation_id="odm_report",
        summary="Record the days of visits from an ODM 1.3.2 file",
        description="An OID or a subject that the map does not name refuses the whole file. What the file "
        "says of AuditRecord (reason, time, source) stands in the audit trail.",
        parameters=[IDEMPOTENCY_KEY, DRY_RUN],
        request={XML: OpenApiTypes.STR},
        responses={200: OdmResult},
    )
    def post(self, request: Request, trial: str, edc: str, environment: str) -> HttpResponse:
        require_act(request, ApiAct.VISITS)
        dry_run = dry_run_asked(request)
        found = _map(request, trial, edc, environment)
        return self.once(request, lambda: (200, self._taken(request, found, dry_run=dry_run)))

    def _taken(self, request: Request, found: EdcMap, *, dry_run: bool) -> Any:
        events = EventMap.of(found)
        study, subjects = _read(request, events)
        named = [(subject.key, event) for subject in subjects for event in subject.events]
        # before anything is refused: the map's page shows what a refused file named
        note_message(edc_map=found, names=_names(subjects), now=request_clock.now(), by=signed_in(request))
        if study != (found.study_oid or found.trial.code):
            _refuse(OdmError("other_study", "ClinicalData/@StudyOID", study))
        if len(named) > MOST_ITEMS:
            _refuse(OdmError("too_many", "StudyEventData", str(len(named))))
        visits = _visits(request, events, named, {one.key: one.site for one in subjects})
        results = [
            self._event(request, found, key, event, visit, dry_run=dry_run)
            for (key, event), visit in zip(named, visits, strict=True)
        ]
        return {"results": results}

    def _event(
        self, request: Request, found: EdcMap, key: str, event: EventDay, visit: Visit, *, dry_run: bool
    ) -> dict[str, Any]:
        said = {"subject_key": key, "event_oid": event.event_oid, "repeat_key": event.repeat_key}
        if event.day is None and not event.removed:
            return {**said, "status": 204, "visit": visit.pk, "problem": None}
        visit.refresh_from_db()  # an event before it may have moved it, and a file names no versions
        try:
            reported(request, visit, visit.version, _report(found, key, event), dry_run=dry_run)
        except Exception as error:  # noqa: BLE001  what is ours is raised again inside
            problem = problem_of(error, self)
            return {**said, "status": problem["status"], "visit": visit.pk, "problem": problem}
        return {**said, "status": 200, "visit": visit.pk, "problem": None}


def _names(subjects: Sequence[SubjectDays]) -> MessageNames:
    """What a file called sites, subjects and events."""
    return MessageNames(
        [subject.site for subject in subjects if subject.site],
        [subject.key for subject in subjects],
        [(event.event_oid, event.repeat_key) for subject in subjects for event in subject.events],
    )


def _read(request: Request, events: EventMap) -> tuple[str, list[SubjectDays]]:
    """The study of a file and its subjects; raises ValidationError where it is no such ODM."""
    body = request.data
    raw = str(body.get("odm", "") if isinstance(body, dict) else "").encode("latin-1")
    try:
        return read_odm(raw, events.items)
    except OdmError as error:
        _refuse(error)


def _map(request: Request, trial: str, edc: str, environment: str) -> EdcMap:
    key = map_key(request, trial, edc, environment)
    found = edc_map(key.trial, key.edc, key.environment)
    if found is None:
        raise NotFound
    return found


def _report(found: EdcMap, key: str, event: EventDay) -> dict[str, Any]:
    """An event as the body of a report; raises ValidationError for a day that is none."""
    where = f"SubjectData[{key}]/StudyEventData[{event.event_oid}]"
    if event.removed:
        words = _("A file takes nothing back. Correct the record on the visit's page, with a reason.")
        raise ValidationError({where: [ErrorDetail(words, "remove_not_taken")]})
    try:
        day, at = day_of(event.day or "")
    except ValueError as error:
        words = _("%(text)s is no whole day. Write it like 2026-12-07.") % {"text": (event.day or "")[:40]}
        raise ValidationError({where: [ErrorDetail(words, "invalid_day")]}) from error
    source = {"system": found.edc[:30], "record": (event.source or f"{key} {event.event_oid}")[:60]}
    if _is_instant(event.stamped):
        source["at"] = event.stamped[:40]
    done: dict[str, Any] = {"on": day, "accept_orphans": True, "sure": False, **({"at": at} if at else {})}
    return {"performed": done, "reason": event.reason[:500], "source": source}


def _is_instant(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _visits(
    request: Request, events: EventMap, named: list[tuple[str, EventDay]], sites: dict[str, str]
) -> list[Visit]:
    """The visit of each event; raises ValidationError that names all that the map does not know."""
    user, now, trial = signed_in(request), request_clock.now(), events.edc_map.trial.code
    wrong: dict[str, list[ErrorDetail]] = {}
    found: list[Visit] = []
    for key, event in named:
        where = f"SubjectData[{key}]"
        code, rule = events.codes.get(key), events.rule_of(event.event_oid, event.repeat_key)
        if code is None:
            words = _("The map names no participant “%(key)s”.") % {"key": key}
            wrong[where] = [ErrorDetail(words, "unknown_subject")]
            continue
        if rule is None:
            words = _("The map names no event “%(oid)s” with the repeat key “%(repeat)s”.")
            said = words % {"oid": event.event_oid, "repeat": event.repeat_key}
            wrong[f"{where}/StudyEventData[{event.event_oid}]"] = [ErrorDetail(said, "unknown_event")]
            continue
        visit = visit_by_key(user, VisitKey(trial, code, rule[0], rule[1]), now)
        site = sites.get(key)
        if visit is None:
            words = _("%(code)s has no visit “%(rule)s” number %(number)d in your sight.")
            said = words % {"code": code, "rule": rule[0], "number": rule[1]}
            wrong[f"{where}/StudyEventData[{event.event_oid}]"] = [ErrorDetail(said, "unknown_visit")]
        elif site and events.edc_map.sites.get(visit.participant.site.code) != site:
            words = _("The map does not name %(site)s as the site of this participant.") % {"site": site}
            wrong[f"{where}/SiteRef"] = [ErrorDetail(words, "other_site")]
        else:
            found.append(visit)
    if wrong:
        raise ValidationError(dict(list(wrong.items())[:SHOWN]))
    return found


def _refuse(error: OdmError) -> NoReturn:
    """Raise ValidationError that says in words what is wrong with a file."""
    given = {"given": error.given}
    words = {
        "not_odm": _("This is no ODM 1.3 document: its root is %(given)s."),
        "one_clinical_data": _("Send one ClinicalData in a file; there are %(given)s."),
        "not_allowed": _("A document type, an entity or a reference outside is not read (%(given)s)."),
        "not_xml": _("This is no XML: %(given)s"),
        "several_days": _("The event has several days: %(given)s. Send one."),
        "missing_attribute": _("This name is missing or longer than 120 characters: “%(given)s”."),
        "other_study": _("The file is of the study “%(given)s”, and the map of another one."),
        "too_many": _("The file has %(given)s events. Send at most 500 in one file."),
    }[error.code]
    raise ValidationError({error.path or "ODM": [ErrorDetail(words % given, error.code)]}) from error
