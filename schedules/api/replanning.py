"""POST /api/v1/participants/{id}/replanning: shown first, and made true as it was shown."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request

from participants.domain.anchors import RecordedAnchor
from participants.models import Participant
from participants.selectors.participants import anchor_days
from schedules.api.fields import OptionalText
from schedules.api.reading.queries import LARGEST_ID
from schedules.api.writing import (
    DRY_RUN,
    IDEMPOTENCY_KEY,
    AnswersOnce,
    HourField,
    SourceBody,
    dry_run_asked,
    instant_of,
    on_behalf_of,
    require_record,
)
from schedules.domain.plan.contradictions import Contradiction
from schedules.domain.plan.recorded_anchors import put_on_record
from schedules.domain.replanning.protocol_departures import departure_sentence
from schedules.domain.replanning.visit_effects import Effect
from schedules.domain.replanning.window_and_gate_changes import WindowChange
from schedules.domain.replanning.wording import change_sentences, effect_label, gate_sentence
from schedules.domain.windows.verdict_changes import verdict_sentences
from schedules.selectors.pages.replanning import other_versions
from schedules.selectors.store.course import person_in_sight
from schedules.services.replanning.moves import (
    Preview,
    Proposal,
    commit_replanning,
    preview_replanning,
    refusals_of,
)
from schedules.services.replanning.refusals import PreviewStale
from trials import request_clock
from trials.api.authentication import signed_in
from trials.api.bodies import StrictSerializer
from trials.api.permissions import require_act
from trials.api.refusals import Overtaken, VersionNotNamed
from trials.domain.protocols.protocol import Protocol
from trials.models import ApiAct, ProtocolVersion
from trials.selectors.records import protocol_of
from trials.spoken import say
from trials.zones import roles_day, zone_of

_DIGEST = re.compile(r'"([0-9a-f]{64})"')
EFFECTS = [effect.value for effect in Effect]
IF_MATCH_DIGEST = OpenApiParameter(
    "If-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The `digest` of what you were shown, in quotes; asked for unless `dry_run` is true.",
)


class AnchorProposal(StrictSerializer):
    """A day that is to be; what is left out stays as it is on record."""

    code = serializers.CharField(max_length=60, help_text="The anchor's code in the protocol version.")
    planned_on = serializers.DateField(required=False, help_text="The planned day at the site.")
    planned_at = HourField(required=False)
    actual_on = serializers.DateField(required=False, help_text="The day on which it happened, at the site.")
    actual_at = HourField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        for kind in ("planned", "actual"):
            if f"{kind}_at" in attrs and f"{kind}_on" not in attrs:
                raise serializers.ValidationError({f"{kind}_on": [_("Give the day of this hour as well.")]})
        if len(attrs) == 1:
            raise serializers.ValidationError({"planned_on": [_("Give a day.")]})
        return attrs


class ReplanningBody(StrictSerializer):
    """What is to change, and why; `reason` is asked for where it is made true."""

    anchors = serializers.ListField(
        child=AnchorProposal(), required=False, default=list, max_length=50, help_text="Days that are to be."
    )
    traits = serializers.ListField(
        child=serializers.CharField(max_length=64),
        required=False,
        max_length=100,
        help_text="All traits that are to hold, by the protocol's codes; left out, they stay.",
    )
    protocol_version = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=LARGEST_ID,
        help_text="The id of the version to follow instead.",
    )
    accept_orphans = serializers.BooleanField(
        default=False, help_text="Bookings that lose their window by it are to be booked again."
    )
    sure = serializers.BooleanField(default=False, help_text="An unlikely day is meant.")
    reason = OptionalText(max_length=300, help_text="Kept in the audit trail.")
    source = SourceBody(required=False)  # type: ignore[assignment]  # a field, and not the attribute


class WindowOfVisit(serializers.Serializer):
    """The days of a visit."""

    opens = serializers.DateField(help_text="The first day of the window.")
    target = serializers.DateField(help_text="The target.")
    closes = serializers.DateField(help_text="The last day of the window.")


class VisitEffect(serializers.Serializer):
    """What happens to one visit."""

    code = serializers.CharField(help_text="The visit's code.")
    label = serializers.CharField(help_text="What people call it.")  # type: ignore[assignment]
    effects = serializers.ListField(
        child=serializers.ChoiceField(EFFECTS), help_text="What happens to it, the most severe first."
    )
    said = serializers.ListField(child=serializers.CharField(), help_text="The same in words.")
    sentences = serializers.ListField(child=serializers.CharField(), help_text="In sentences, with the days.")
    before = WindowOfVisit(allow_null=True, help_text="Its days now; null for one that is added.")
    after = WindowOfVisit(allow_null=True, help_text="Its days then; null for one that goes.")
    booked_on = serializers.DateField(allow_null=True, help_text="The day of its booking.")
    performed_on = serializers.DateField(allow_null=True, help_text="The day on which it was done.")
    orphans_booking = serializers.BooleanField(help_text="Whether the booking would be left behind.")


class WindowEffect(serializers.Serializer):
    """What happens to one protocol window; ends are days or instants, empty where not known."""

    code = serializers.CharField(help_text="The window's code.")
    label = serializers.CharField(help_text="What people call it.")  # type: ignore[assignment]
    effect = serializers.ChoiceField(EFFECTS, help_text="What happens to it.")
    before = serializers.ListField(
        child=serializers.CharField(), allow_null=True, help_text="Start and end now."
    )
    after = serializers.ListField(
        child=serializers.CharField(), allow_null=True, help_text="Start and end then."
    )
    verdict = serializers.ListField(
        child=serializers.CharField(), help_text="How its verdict changes, in sentences; none where it stays."
    )


class MendSerializer(serializers.Serializer):
    """A day that would mend a contradiction."""

    anchor = serializers.CharField(help_text="The anchor's code.")
    day = serializers.DateField(help_text="The day that it could have.")


class ContradictionSerializer(serializers.Serializer):
    """Two anchors that cannot be true together: what is refused."""

    anchor = serializers.CharField(help_text="The one anchor's code.")
    other = serializers.CharField(help_text="The other one's.")
    said = serializers.CharField(help_text="In words.")
    mends = MendSerializer(many=True, help_text="Days that would mend it.")


class ReplanningAnswer(serializers.Serializer):
    """What a re-planning does, or has done."""

    digest = serializers.CharField(help_text="Stands for exactly this; send it as If-Match to make it true.")
    participant = serializers.IntegerField(help_text="The participant's id.")
    kept = serializers.BooleanField(help_text="Whether it is made true; false for a dry run.")
    visits = VisitEffect(many=True, help_text="The visits to which anything happens, the most severe first.")
    unchanged = serializers.IntegerField(help_text="To how many visits nothing happens.")
    windows = WindowEffect(many=True, help_text="The protocol windows to which anything happens.")
    gates = serializers.ListField(
        child=serializers.CharField(), help_text="What happens to the gates of others, in sentences."
    )
    departures = serializers.ListField(
        child=serializers.CharField(),
        help_text="What departs from the protocol and is drafted as a deviation.",
    )
    contradictions = ContradictionSerializer(many=True, help_text="What is refused, with days that mend it.")
    refused = serializers.ListField(
        child=serializers.CharField(),
        help_text="Why it would be refused, in the sentences of the refusal: a contradiction, a consent, a "
        "closed gate, bookings left behind. None where it can be made true with a reason.",
    )
    warnings = serializers.ListField(
        child=serializers.CharField(), help_text="What somebody must look at in the new plan."
    )
    orphans = serializers.ListField(
        child=serializers.CharField(), help_text="Codes of visits whose bookings are left behind."
    )
    reminders_withdrawn = serializers.IntegerField(help_text="Reminders that are withdrawn.")
    reminders_renewed = serializers.IntegerField(help_text="Reminders that are due again.")


class ParticipantReplanning(AnswersOnce):
    """What a participant's calendar counts from."""

    @extend_schema(
        operation_id="participants_replan",
        summary="Move anchors, change traits or the protocol version: shown first, then made true",
        description="Send it with `dry_run=true` to see everything that would happen, with a `digest`; send "
        "it again without, with that digest as If-Match and a reason, to make it true. Where anything "
        "changed meanwhile the answer is 412, and `current` what would happen now.",
        parameters=[IF_MATCH_DIGEST, IDEMPOTENCY_KEY, DRY_RUN],
        request=ReplanningBody,
        responses={200: ReplanningAnswer},
    )
    def post(self, request: Request, id: int) -> HttpResponse:  # noqa: A002 (its name in the schema)
        require_act(request, ApiAct.PLAN)
        dry_run = dry_run_asked(request)
        person = person_in_sight(signed_in(request), roles_day(request_clock.now()), id)
        if person is None:
            raise NotFound
        require_record(request, person)
        found = _DIGEST.fullmatch(request.headers.get("If-Match", "").strip())
        if found is None and not dry_run:
            raise VersionNotNamed(_("Send If-Match with the digest of what you were shown by a dry run."))
        digest = None if dry_run or found is None else found[1]
        return self.once(request, lambda: (200, _replanned(request, person, digest)))


def _replanned(request: Request, person: Participant, digest: str | None) -> dict[str, Any]:
    """What would happen, or with a digest what has."""
    body = ReplanningBody(data=request.data)
    body.is_valid(raise_exception=True)
    values, now = body.validated_data, request_clock.now()
    proposal = _proposal(person, values)
    if digest is None:
        preview = preview_replanning(participant=person, proposal=proposal, now=now)
        return _shown(preview)
    with on_behalf_of(request, values.get("source")):
        try:
            done = commit_replanning(
                participant=person,
                proposal=proposal,
                digest=digest,
                now=now,
                by=signed_in(request),
                reason=values["reason"],
            )
        except PreviewStale as stale:
            words = _(
                "The calendar changed since you were shown what would happen. Look at `current`, decide."
            )
            current = _shown(stale.preview)
            raise Overtaken(words, current) from stale
    return replanning_document(done, kept=True)


def _proposal(person: Participant, values: dict[str, Any]) -> Proposal:
    """What is to change. Raises ValidationError for codes and versions that there are not."""
    protocol = protocol_of(person.protocol_version)
    anchors = _anchors(person, protocol, values["anchors"])
    traits = _traits(protocol, values["traits"]) if "traits" in values else None
    version = _version(person, values["protocol_version"]) if "protocol_version" in values else None
    if not anchors and version is None and (traits is None or traits == frozenset(person.traits)):
        raise ValidationError(_("Nothing is changed yet: give another day, trait or version."))
    orphans, sure = values["accept_orphans"], values["sure"]
    return Proposal(anchors=anchors, traits=traits, version=version, accept_unbookable=orphans, sure=sure)


def _anchors(
    person: Participant, protocol: Protocol, typed: Sequence[Mapping[str, Any]]
) -> dict[str, RecordedAnchor]:
    """The anchors that are to be otherwise than they are."""
    zone, standing = zone_of(person.site), anchor_days(person)
    known, anchors = list(protocol.anchor_by_code), dict[str, RecordedAnchor]()
    for place, given in enumerate(typed):
        code, where = given["code"], f"anchors.{place}"
        if code not in known or code in anchors:
            words = _("There is no anchor %(code)s, or it is given twice; possible are %(names)s.")
            said = words % {"code": code, "names": ", ".join(known)}
            raise ValidationError({f"{where}.code": [said]})
        stands = standing.get(code)
        wanted = put_on_record(_anchor(stands or RecordedAnchor(code), given, zone, where), stands, zone)
        if wanted != stands:
            anchors[code] = wanted
    return anchors


def _anchor(stands: RecordedAnchor, given: Mapping[str, Any], zone: ZoneInfo, where: str) -> RecordedAnchor:
    """An anchor with the days and hours that are given of it; all others stay."""
    wanted = stands
    for kind in ("planned", "actual"):
        if f"{kind}_on" not in given:
            continue
        at = instant_of(given, f"{kind}_at", zone, f"{where}.{kind}_at")
        if at is not None and at.astimezone(zone).date() != given[f"{kind}_on"]:
            words = _("This hour is not on the day beside it.")
            raise ValidationError({f"{where}.{kind}_at": [words]})
        wanted = replace(wanted, **{f"{kind}_on": given[f"{kind}_on"], f"{kind}_at": at})
    # The zone of the hour that stood says nothing of this one: `put_on_record` names its own.
    return replace(wanted, actual_zone="") if "actual_on" in given else wanted


def _traits(protocol: Protocol, codes: Collection[str]) -> frozenset[str]:
    possible = [trait.code for trait in protocol.traits if not trait.always]
    if unknown := sorted(set(codes) - set(possible)):
        words = _("There is no trait %(unknown)s; possible are %(names)s.")
        said = words % {"unknown": ", ".join(unknown), "names": ", ".join(possible) or _("none")}
        raise ValidationError({"traits": [said]})
    return frozenset(codes)


def _version(person: Participant, pk: int) -> ProtocolVersion:
    version = other_versions(person).filter(pk=pk).first()
    if version is None:
        words = _("%(id)s is no other version in use at this participant's site.")
        raise ValidationError({"protocol_version": [words % {"id": pk}]})
    return version


def _shown(preview: Preview) -> dict[str, Any]:
    """What would happen, and why it would be refused."""
    return replanning_document(preview, kept=False, refused=refusals_of(preview))


def replanning_document(preview: Preview, *, kept: bool, refused: Sequence[str] = ()) -> dict[str, Any]:
    """What a re-planning does, for machines."""
    around, protocol = preview.around, preview.plan.protocol
    judged = {change.code: verdict_sentences(change, say) for change in around.verdicts}
    changed = preview.changed
    return {
        "digest": preview.digest,
        "participant": preview.record.participant.pk,
        "kept": kept,
        "visits": [_visit_effect(change) for change in changed],
        "unchanged": len(preview.visits) - len(changed),
        "windows": [
            _window_effect(one, judged.get(one.code, ()))
            for one in preview.windows
            if one.effect is not Effect.UNCHANGED or one.code in judged
        ],
        "gates": [gate_sentence(one, say) for one in around.gates],
        "departures": [departure_sentence(one, protocol, say, ahead=not kept) for one in preview.departures],
        "contradictions": [_contradiction(one) for one in preview.ruling.refused],
        "refused": list(refused),
        "warnings": [one.words.text(say) for one in preview.warnings],
        "orphans": [one.code for one in preview.orphans],
        "reminders_withdrawn": around.cancelled,
        "reminders_renewed": around.renewed,
    }


def _contradiction(one: Contradiction) -> dict[str, Any]:
    return {
        "anchor": one.anchor,
        "other": one.other,
        "said": one.words.text(say),
        "mends": [{"anchor": anchor, "day": day} for anchor, day in one.mends],
    }


def _window_effect(one: WindowChange, verdict: Iterable[str]) -> dict[str, Any]:
    return {
        "code": one.code,
        "label": say(one.label),
        "effect": one.effect.value,
        "before": [one.before.starts, one.before.ends] if one.before else None,
        "after": [one.after.starts, one.after.ends] if one.after else None,
        "verdict": list(verdict),
    }


def _visit_effect(change: Any) -> dict[str, Any]:
    spoken = replace(change, repeat=tuple(say(activity) for activity in change.repeat))
    days = {
        name: window and dict(zip(("opens", "target", "closes"), window, strict=True))
        for name, window in (("before", change.before), ("after", change.after))
    }
    return {
        "code": change.code,
        "label": say(change.label),
        "effects": [effect.value for effect in change.effects],
        "said": [effect_label(effect, say) for effect in change.effects],
        "sentences": list(change_sentences(spoken, say)),
        **days,
        "booked_on": change.booked_on,
        "performed_on": change.performed_on,
        "orphans_booking": change.orphans_booking,
    }
