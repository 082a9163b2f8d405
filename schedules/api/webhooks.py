"""/api/v1/webhooks: a client's own webhooks and their messages, by the services of the page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from schedules.api.reading.queries import LARGEST_ID
from schedules.api.reading.views import ReadView, asked, listed
from schedules.api.writing import (
    DRY_RUN,
    IDEMPOTENCY_KEY,
    IF_MATCH,
    AnswersOnce,
    dry_run_asked,
    kept_unless,
    on_behalf_of,
    version_named,
)
from schedules.domain.webhooks import PauseReason
from schedules.models import Webhook
from schedules.models.follow_up import FED
from schedules.selectors.exchange.webhooks import (
    STATES,
    WebhookState,
    deliveries_by_id,
    delivery_of,
    state_of_delivery,
    state_of_webhook,
    tally_of,
    webhooks_administered_by,
    webhooks_of,
)
from schedules.services.exchange.webhooks import (
    LONGEST_OVERLAP,
    end_webhook,
    move_webhook,
    open_webhook,
    pause_webhook,
    replay_message,
    replay_webhook,
    resume_webhook,
    rotate_webhook_secret,
)
from trials import request_clock
from trials.api.answers import answer
from trials.api.authentication import client_of, signed_in
from trials.api.bodies import StrictSerializer
from trials.api.errors import overtaken
from trials.api.permissions import require_act
from trials.api.queries import ListQuery, OneQuery, SparseMixin, id_after
from trials.api.refusals import Overtaken
from trials.api.schema import page_of
from trials.domain.channels.failures import failure_text
from trials.domain.errors import Stale
from trials.keyset import page_by_id
from trials.models import AccessToken, ApiAct, ApiClient
from trials.spoken import say
from trials.zones import roles_day


class WebhookSerializer(serializers.Serializer):
    """An address that is told of changes."""

    id = serializers.IntegerField(source="pk", help_text="Ours; it never changes and is never given again.")
    client = serializers.CharField(source="client.name", help_text="The name of the client whose it is.")
    url = serializers.CharField(help_text="Where messages go.")
    state = serializers.SerializerMethodField(
        help_text="`resting`: after failures in a row it waits until `rests_until`."
    )
    created_at = serializers.DateTimeField(help_text="When it was made, with its offset.")
    paused_at = serializers.DateTimeField(allow_null=True, help_text="Since when nothing is sent.")
    paused_because = serializers.SerializerMethodField(
        help_text="Whether a person paused it, or what the receiver answered; null unless paused."
    )
    rests_until = serializers.DateTimeField(allow_null=True, help_text="When it is tried again.")
    ended_at = serializers.DateTimeField(allow_null=True, help_text="When it ended; it is kept to be read.")
    succeeded_at = serializers.DateTimeField(
        allow_null=True, help_text="When a message was last taken; null: none yet."
    )
    failures = serializers.IntegerField(help_text="How many attempts failed in a row.")
    previous_secret_until = serializers.DateTimeField(
        source="previous_until",
        allow_null=True,
        help_text="Until when messages also carry the signature of the secret before; null for no other.",
    )
    version = serializers.IntegerField(
        help_text="Counts what people and programs changed about it, and pauses; the head of its ETag."
    )

    @extend_schema(responses=serializers.ChoiceField([one.value for one in WebhookState]))
    def get_state(self, row: Webhook) -> str:
        return state_of_webhook(row, request_clock.now()).value

    @extend_schema(responses=serializers.ChoiceField([one.value for one in PauseReason], allow_null=True))
    def get_paused_because(self, row: Webhook) -> str | None:
        return row.paused_because or None


class TallySerializer(serializers.Serializer):
    """How many messages of the last 30 days there are, by what came of them."""

    open = serializers.IntegerField(help_text="Those that wait.")
    sent = serializers.IntegerField(help_text="Those that were taken.")
    refused = serializers.IntegerField(help_text="Those that were given up.")


class OneWebhookSerializer(WebhookSerializer):
    """A webhook, and how its messages fare."""

    messages = serializers.SerializerMethodField(help_text="How many messages, by what came of them.")

    @extend_schema(responses=TallySerializer)
    def get_messages(self, row: Webhook) -> dict[str, int]:
        return TallySerializer(tally_of(row)).data


class SecretSerializer(serializers.Serializer):
    """A webhook with the secret that signs its messages: the only answer that holds it."""

    secret = serializers.CharField(help_text="`whsec_…`, as Standard Webhooks write it; keep it now.")
    webhook = OneWebhookSerializer(help_text="The webhook as it is now.")


class WebhookMessageSerializer(serializers.Serializer):
    """One message: of which change it tells, and what came of it."""

    id = serializers.IntegerField(source="pk", help_text="Ours.")
    key = serializers.CharField(help_text="Its `webhook-id`; the same whenever it is sent again.")
    number = serializers.IntegerField(help_text="The number of the change in the feed.")
    kind = serializers.CharField(help_text="What was done, such as `booked`, `performed` or `moved`.")
    record = serializers.ChoiceField(FED, help_text="Of which record the change is.")
    participant = serializers.IntegerField(source="participant_id", help_text="The participant's id.")
    visit = serializers.IntegerField(source="visit_id", allow_null=True, help_text="The id of the visit.")
    changed_at = serializers.DateTimeField(source="at", help_text="When the change was written.")
    state = serializers.SerializerMethodField(help_text="Whether it waits, was taken, or was given up.")
    attempts = serializers.IntegerField(help_text="How often it was tried since it was last put in line.")
    tried_at = serializers.DateTimeField(allow_null=True, help_text="When it was last tried.")
    due_at = serializers.DateTimeField(allow_null=True, help_text="When it is tried again; null: at once.")
    sent_at = serializers.DateTimeField(allow_null=True, help_text="When it was taken.")
    refused_at = serializers.DateTimeField(allow_null=True, help_text="When it was given up.")
    status = serializers.IntegerField(allow_null=True, help_text="The HTTP status of the last answer.")
    reason = serializers.SerializerMethodField(help_text="Why it was not taken; empty where it was.")

    @extend_schema(responses=serializers.ChoiceField(list(STATES)))
    def get_state(self, row: Any) -> str:
        return state_of_delivery(row)

    def get_reason(self, row: Any) -> str:
        return failure_text(row.reason, say)


class WebhookBody(StrictSerializer):
    """Where messages are to go."""

    url = serializers.CharField(
        max_length=2000, help_text="https://…; redirects are not followed, inner networks not connected to."
    )


class WebhookPatch(StrictSerializer):
    """What changes; what is left out stays."""

    url = serializers.CharField(required=False, max_length=2000, help_text="Another address.")
    paused = serializers.BooleanField(
        required=False, help_text="true: send nothing, what changes waits; false: send again, at once."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError(_("Give url, paused or both."), code="nothing_given")
        return attrs


class RotationBody(StrictSerializer):
    """For how long both secrets sign."""

    overlap_days = serializers.IntegerField(
        min_value=0,
        max_value=LONGEST_OVERLAP,
        default=7,
        help_text="Days for which the present secret signs as well; 0 ends it at once.",
    )


class ReplayBody(StrictSerializer):
    """Which messages are sent again: those of changes since an instant, or one by its id."""

    since = serializers.CharField(
        required=False, max_length=40, help_text="An instant with its offset: 2026-12-07T14:00+08:00."
    )
    message = serializers.IntegerField(
        required=False, min_value=1, max_value=LARGEST_ID, help_text="The id of one message."
    )

    def validate_since(self, text: str) -> datetime:
        try:
            instant: datetime | None = datetime.fromisoformat(text)
        except ValueError:
            instant = None
        if instant is None or instant.tzinfo is None:
            words = _("%(text)s is no instant. Write it like 2026-12-07T14:00+08:00.")
            raise serializers.ValidationError(words % {"text": text})
        try:
            return instant.astimezone(UTC)
        except OverflowError as error:
            words = _("%(text)s is no instant. Write it like 2026-12-07T14:00+08:00.")
            raise serializers.ValidationError(words % {"text": text}) from error

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) != 1:
            raise serializers.ValidationError(_("Give exactly one of since and message."), code="one_of")
        return attrs


class ReplayedSerializer(serializers.Serializer):
    """How many messages are sent again."""

    count = serializers.IntegerField(help_text="Each with the same `webhook-id` as the first time.")


class WebhookQuery(SparseMixin, ListQuery):
    """The parameters of the list."""

    shows = WebhookSerializer


class OneWebhookQuery(SparseMixin, OneQuery):
    """Which fields of a webhook are wanted."""

    shows = OneWebhookSerializer


class MessageQuery(SparseMixin, ListQuery):
    """Which messages are wanted."""

    shows = WebhookMessageSerializer

    state = serializers.MultipleChoiceField(
        choices=list(STATES),
        required=False,
        help_text="`open` waits, `sent` was taken, `refused` was given up; repeat it for several values.",
    )


class ReadsWebhooks(IsAuthenticated):
    """Lets in a client to its own webhooks, and administrators of clients to look."""

    message = gettext_lazy("Webhooks belong to an API client. Sign in as one, by OAuth.")

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether the reader can have webhooks at all."""
        if not super().has_permission(request, view):
            return False
        client = client_of(request)
        if client is None:
            return True  # to look; a person's act is asked for once more, on the page
        held = {ApiAct.READ.value, ApiAct.WEBHOOKS.value} & set(client.acts)
        return isinstance(client, AccessToken) and bool(held)


class WebhookList(ReadView, AnswersOnce):
    """The webhooks of a client."""

    permission_classes = (ReadsWebhooks,)
    keeps_secrets = True

    @extend_schema(
        operation_id="webhooks_list",
        summary="Webhooks, by id: your client's own, ended ones too",
        parameters=[WebhookQuery],
        responses={200: page_of("Webhook", WebhookSerializer)},
    )
    def get(self, request: Request) -> HttpResponse:
        query = asked(WebhookQuery, request)
        given = query.validated_data
        page = page_by_id(_mine(request), id_after(given), given["page_size"])
        return listed(request, query, WebhookSerializer, (page.rows, page.after))

    @extend_schema(
        operation_id="webhooks_open",
        summary="Be told of changes from now on",
        description="The answer holds the secret that signs messages; no other answer does.",
        parameters=[IDEMPOTENCY_KEY, DRY_RUN],
        request=WebhookBody,
        responses={201: SecretSerializer},
    )
    def post(self, request: Request) -> HttpResponse:
        client = _writing(request)

        def made() -> tuple[int, Any]:
            body = _body(WebhookBody, request)
            with on_behalf_of(request, None):
                webhook, secret = open_webhook(client=client, url=body["url"], by=signed_in(request))
            return 201, _with_secret(webhook, secret)

        return self.once(request, made)


class WebhookDetail(ReadView):
    """One webhook."""

    permission_classes = (ReadsWebhooks,)

    @extend_schema(
        operation_id="webhooks_retrieve",
        summary="A webhook, and how its messages fare",
        parameters=[OneWebhookQuery],
        responses={200: OneWebhookSerializer},
    )
    def get(self, request: Request, id: int) -> HttpResponse:  # noqa: A002 (its name in the schema)
        query = asked(OneWebhookQuery, request)
        row = _one(request, id)
        shown = OneWebhookSerializer(row).data
        chosen = {name: shown[name] for name in shown if name in query.names} if query.names else shown
        return answer(request, chosen, version=row.version)

    @extend_schema(
        operation_id="webhooks_change",
        summary="Give a webhook another address, pause it, resume it",
        parameters=[IF_MATCH, DRY_RUN],
        request=WebhookPatch,
        responses={200: OneWebhookSerializer},
    )
    def patch(self, request: Request, id: int) -> HttpResponse:  # noqa: A002
        row, by = _one(request, id), signed_in(request)
        _writing(request)
        dry_run = dry_run_asked(request)
        version, body = version_named(request), _body(WebhookPatch, request)
        shared: dict[str, Any] = {"webhook": row, "by": by}
        with on_behalf_of(request, None), _unless_stale(row), kept_unless(dry_run):
            if "url" in body:
                move_webhook(**shared, version=version, url=body["url"])
                version += 1
            if body.get("paused") is True:
                pause_webhook(**shared, version=version, now=request_clock.now())
            elif "paused" in body:
                resume_webhook(**shared, version=version)
            row.refresh_from_db()
            shown = OneWebhookSerializer(row).data
        return answer(request, shown, version=row.version)

    @extend_schema(
        operation_id="webhooks_end",
        summary="End a webhook: nothing is sent to it any more",
        parameters=[IF_MATCH, DRY_RUN],
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request, id: int) -> Response:  # noqa: A002
        row = _one(request, id)
        _writing(request)
        dry_run, version = dry_run_asked(request), version_named(request)
        with on_behalf_of(request, None), _unless_stale(row), kept_unless(dry_run):
            end_webhook(webhook=row, version=version, now=request_clock.now(), by=signed_in(request))
        return Response(status=204)


class WebhookSecret(AnswersOnce):
    """The secret that signs the messages of a webhook."""

    permission_classes = (ReadsWebhooks,)
    keeps_secrets = True

    @extend_schema(
        operation_id="webhooks_rotate",
        summary="Sign with another secret, and with the one before for some days",
        parameters=[IDEMPOTENCY_KEY, DRY_RUN],
        request=RotationBody,
        responses={200: SecretSerializer},
    )
    def post(self, request: Request, id: int) -> HttpResponse:  # noqa: A002
        row = _one(request, id)
        _writing(request)

        def rotated() -> tuple[int, Any]:
            days, now = _body(RotationBody, request)["overlap_days"], request_clock.now()
            with on_behalf_of(request, None):
                secret = rotate_webhook_secret(webhook=row, overlap_days=days, now=now, by=signed_in(request))
            row.refresh_from_db()
            return 200, _with_secret(row, secret)

        return self.once(request, rotated)


class WebhookMessages(ReadView):
    """The messages of a webhook."""

    permission_classes = (ReadsWebhooks,)

    @extend_schema(
        operation_id="webhooks_messages",
        summary="Messages of a webhook, by id, and what came of each",
        parameters=[MessageQuery],
        responses={200: page_of("WebhookMessage", WebhookMessageSerializer)},
    )
    def get(self, request: Request, id: int) -> HttpResponse:  # noqa: A002
        query = asked(MessageQuery, request)
        given = query.validated_data
        after, size = id_after(given), given["page_size"]
        page = deliveries_by_id(_one(request, id), given.get("state", ()), after, size)
        return listed(request, query, WebhookMessageSerializer, (page.rows, page.after))


class WebhookReplay(AnswersOnce):
    """Messages of a webhook, sent again."""

    permission_classes = (ReadsWebhooks,)

    @extend_schema(
        operation_id="webhooks_replay",
        summary="Send messages again, with the same `webhook-id`",
        parameters=[IDEMPOTENCY_KEY, DRY_RUN],
        request=ReplayBody,
        responses={200: ReplayedSerializer},
    )
    def post(self, request: Request, id: int) -> HttpResponse:  # noqa: A002
        row = _one(request, id)
        _writing(request)

        def replayed() -> tuple[int, Any]:
            body, by = _body(ReplayBody, request), signed_in(request)
            with on_behalf_of(request, None):
                if "since" in body:
                    return 200, {"count": replay_webhook(webhook=row, since=body["since"], by=by)}
                found = delivery_of(row, body["message"])
                if found is None:
                    words = _("This webhook has no message %(id)s.") % {"id": body["message"]}
                    raise ValidationError({"message": [words]})
                return 200, {"count": replay_message(delivery=found, by=by)}

        return self.once(request, replayed)


def _mine(request: Request) -> QuerySet[Webhook]:
    """The webhooks that the reader may look at."""
    client = client_of(request)
    if isinstance(client, AccessToken):
        return webhooks_of(client.client)
    return webhooks_administered_by(signed_in(request), roles_day(request_clock.now()))


def _one(request: Request, pk: int) -> Webhook:
    found = _mine(request).filter(pk=min(pk, LARGEST_ID)).first()
    if found is None:
        raise NotFound
    return found


def _writing(request: Request) -> ApiClient:
    """The client that signed in, whole; raises PermissionDenied for any other and for a part of it.

    Messages go by what the client may see, so a token of one site may not have all sites told of.
    """
    token = client_of(request)
    require_act(request, ApiAct.WEBHOOKS)
    if not isinstance(token, AccessToken):
        raise PermissionDenied(str(ReadsWebhooks.message))
    client = token.client
    if (token.trial_id, token.site_id) != (client.trial_id, client.site_id):
        words = _(
            "This token covers only part of what its client may see. "
            "Request one that names no trial and no site."
        )
        raise PermissionDenied(words, code="scope_too_narrow")
    return client


def _body(body: type[StrictSerializer], request: Request) -> dict[str, Any]:
    given = body(data=request.data)
    given.is_valid(raise_exception=True)
    values: dict[str, Any] = given.validated_data
    return values


def _with_secret(webhook: Webhook, secret: str) -> dict[str, Any]:
    webhook.refresh_from_db()
    return {"secret": secret, "webhook": dict(OneWebhookSerializer(webhook).data)}


@contextmanager
def _unless_stale(row: Webhook) -> Iterator[None]:
    """Tell the reader the current state where somebody was quicker."""
    try:
        yield
    except Stale as stale:
        row.refresh_from_db()
        raise Overtaken(overtaken(stale), OneWebhookSerializer(row).data) from stale
