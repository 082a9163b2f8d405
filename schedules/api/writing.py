"""What every writing address does alike: who may, which version, once, for trial, and on whose behalf."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.views import APIView

from participants.models import Participant
from schedules.services.exchange.once import Answer, KeyReusedError, answer_once
from trials import request_clock
from trials.api.authentication import client_of, signed_in
from trials.api.bodies import StrictSerializer
from trials.api.errors import PROBLEM, DomainExceptionHandler
from trials.api.queries import refuse_query
from trials.api.refusals import KeyNotNamed, KeyReused, VersionNotNamed
from trials.api.rendering import JSON, to_json
from trials.audit.acts import caused_by
from trials.domain.accounts.access import Right
from trials.domain.sites.wall_clock import HourError, instant_from
from trials.selectors.accounts.accounts import roles_in_words
from trials.selectors.records import may
from trials.spoken import say
from trials.stored_secrets import decrypted, encrypted
from trials.zones import roles_day

# As long as its column: PostgreSQL refuses a longer text.
LONGEST_CAUSE = 200
SERVER_ERROR = 500
_KEY = re.compile(r"[\x21-\x7e]{1,128}")
# Behind the version an ETag has the digest of the answer, and where it left compressed says so.
_TAG = re.compile(r'"([0-9]{1,9})(?:-[0-9a-f]+(?:-gzip)?)?"')

IF_MATCH = OpenApiParameter(
    "If-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    required=True,
    description='The `ETag` of the record as you read it, or its version in quotes: `"7"`.',
)
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    required=True,
    description="A new word for each act, such as a UUID. Sent again within a day, it is answered again and "
    "nothing is done twice; with another body it is refused.",
)
DRY_RUN = OpenApiParameter(
    "dry_run",
    OpenApiTypes.BOOL,
    description="Do everything but keep nothing: the answer is the one that there would be.",
)


class SourceBody(StrictSerializer):
    """Where a value comes from; it is kept in the audit trail."""

    system = serializers.CharField(max_length=30, help_text="The EDC or other system.")
    at = serializers.CharField(
        max_length=40, required=False, help_text="When it was entered there: ISO 8601 with an offset."
    )
    record = serializers.CharField(max_length=60, required=False, help_text="Its record there.")

    def validate_at(self, value: str) -> str:
        words = _("%(text)s is no instant. Write it like 2026-12-07T14:00+08:00.")
        try:
            instant = datetime.fromisoformat(value)
        except ValueError as error:
            raise serializers.ValidationError(words % {"text": value}) from error
        if instant.tzinfo is None:
            raise serializers.ValidationError(words % {"text": value})
        return instant.isoformat()


class HourField(serializers.CharField):
    """An ISO 8601 instant as text; without an offset the hour is that of the site's zone."""

    def __init__(self, **kwargs: Any) -> None:
        words = "ISO 8601; without an offset it is an hour of the site. An hour that comes twice needs one."
        super().__init__(max_length=40, help_text=words, **kwargs)


def instant_of(given: Mapping[str, Any], name: str, zone: ZoneInfo, where: str = "") -> datetime | None:
    """The instant under a name in a body; None where it is left out. Raises ValidationError."""
    text = given.get(name)
    if not text:
        return None
    try:
        return instant_from(text, zone)
    except HourError as error:
        raise ValidationError({where or name: [say(error.template) % error.values]}) from error
    except (ValueError, OverflowError) as error:
        words = _("%(text)s is no instant. Write it like 2026-12-07T14:00+08:00.")
        raise ValidationError({where or name: [words % {"text": text}]}) from error


def require_record(request: Request, participant: Participant) -> None:
    """Raise PermissionDenied for somebody whose role does not let them record anything of a participant."""
    today = roles_day(request_clock.now())
    if not may(signed_in(request), Right.RECORD, participant.site, participant.trial, today):
        raise PermissionDenied(_("Your role here does not allow recording."))


def version_named(request: Request) -> int:
    """The version in If-Match. Raises VersionNotNamed where there is none that can be read."""
    found = _TAG.fullmatch(request.headers.get("If-Match", "").strip())
    if found is None:
        raise VersionNotNamed(_('Send If-Match with the ETag of the record as you read it, such as "7".'))
    return int(found[1])


def dry_run_asked(request: Request) -> bool:
    """Whether nothing is to be kept. Raises ValidationError for any other parameter or value."""
    refuse_query(request.query_params, ("dry_run",))
    field = serializers.BooleanField(required=False)
    try:
        return bool(field.run_validation(request.query_params.get("dry_run", "false")))
    except ValidationError as error:
        raise ValidationError({"dry_run": error.detail}) from error


def client_name(request: Request) -> str:
    """By which name a machine is known; that of the account for a person."""
    client = client_of(request)
    return client.name if client else signed_in(request).get_username()


def source_kept(source: Mapping[str, Any] | None) -> dict[str, str]:
    """A source as it is stored."""
    return {name: str(value) for name, value in (source or {}).items()}


@contextmanager
def on_behalf_of(request: Request, source: Mapping[str, Any] | None) -> Iterator[None]:
    """Name the client and its source in the audit trail as the cause of what is written inside."""
    user, match = signed_in(request), request.resolver_match
    parts = [f"{request.method} {match.view_name if match else ''}", f"client {client_name(request)[:40]}"]
    if source:
        kept = source_kept(source)
        parts.append("source " + " ".join(kept[name] for name in ("system", "at", "record") if name in kept))
    roles = roles_in_words(user, roles_day(request_clock.now()))
    with caused_by("; ".join(parts)[:LONGEST_CAUSE], by=user, roles=roles):
        yield


@contextmanager
def kept_unless(dry_run: bool) -> Iterator[None]:
    """One transaction, withdrawn in the end where nothing is to be kept."""
    with transaction.atomic():
        yield
        if dry_run:
            transaction.set_rollback(True)


def problem_of(error: Exception, view: APIView) -> dict[str, Any]:
    """What is wrong, as the one form of an error says it; raises what is nobody's fault but ours."""
    answer = DomainExceptionHandler(
        error, {"request": view.request, "view": view, "args": (), "kwargs": {}}
    ).run()
    if answer is None or answer.status_code >= SERVER_ERROR:
        raise error
    document: dict[str, Any] = answer.data
    return document


class AnswersOnce(APIView):
    """A POST whose key is kept with its answer for a day; one that holds a secret is kept encrypted."""

    keeps_secrets = False

    def once(self, request: Request, act: Callable[[], tuple[int, Any]]) -> HttpResponse:
        """Answer with the status and data of `act`, or as the key was answered before.

        A refusal is an answer and is kept as well; what breaks leaves nothing, the key included.
        """
        key = request.headers.get("Idempotency-Key", "")
        if not _KEY.fullmatch(key):
            words = _("Send Idempotency-Key: a new word for each act, of 1 to 128 visible characters.")
            raise KeyNotNamed(words)
        asked = [request.method, request.get_full_path(), request.data]
        digest = hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()

        def answered() -> Answer:
            try:
                status, data = act()
            except Exception as error:  # noqa: BLE001  what is ours is raised again inside
                data = problem_of(error, self)
                status = data["status"]
            body = to_json(data).decode()
            return Answer(status, encrypted(body) if self.keeps_secrets else body)

        # Its key is not kept either: sent again without `dry_run` it is the act itself, not a repeat.
        if dry_run_asked(request):
            with kept_unless(dry_run=True):
                return self._response(answered())
        try:
            answer = answer_once(
                user=signed_in(request), key=key, digest=digest, now=request_clock.now(), act=answered
            )
        except KeyReusedError as error:
            raise KeyReused(str(error)) from error
        return self._response(answer)

    def _response(self, answer: Answer) -> HttpResponse:
        """An answer whose JSON is written already."""
        failed = answer.status >= 400  # noqa: PLR2004  where refusals begin
        body = decrypted(answer.body) if self.keeps_secrets else answer.body
        response = HttpResponse(body, status=answer.status, content_type=PROBLEM if failed else JSON)
        if self.keeps_secrets:
            response["Cache-Control"] = "no-store"
        if answer.replayed:
            response["Idempotency-Replayed"] = "true"
        return response
