"""What stands on a record's page about consent and signatures."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.translation import gettext as _

from participants.domain.consents import asks_first
from participants.models import Participant
from participants.selectors.consents import consent_standing, editions_of
from schedules.models import Deviation
from schedules.selectors.store.course import clock_at
from schedules.selectors.trust.pages import signatures_shown
from schedules.web.shared.clock import now, server_day
from trials.models import Role
from trials.selectors.protocols.approvals import signing_roles

register = template.Library()


@register.filter
def role_names(roles: str) -> str:
    """Roles as they are kept ("coordinator, monitor"), in the reader's language."""
    names = dict(Role.choices)
    between = str(_(", "))
    return between.join(str(names.get(role, role)) for role in roles.split(", "))


@register.inclusion_tag("trust/signatures.html", takes_context=True)
def signatures(context: template.Context, kind: str, record: Participant | Deviation) -> dict[str, Any]:
    """The signatures of a participant's schedule or of a deviation, and the way to sign."""
    person = record if isinstance(record, Participant) else record.participant
    user = context["request"].user
    return {
        "signatures": signatures_shown(kind, record),
        "kind": kind,
        "record": record,
        "may_sign": bool(signing_roles(user, person.site, person.trial, server_day(now()))),
    }


@register.inclusion_tag("trust/standing.html")
def consent_of(participant: Participant) -> dict[str, Any]:
    """Where a participant's consent stands, in a line that leads to their consents."""
    today = clock_at(participant.site, now()).today
    return {"participant": participant, "standing": consent_standing(participant, today)}


@register.inclusion_tag("trust/consent_first.html")
def consent_first(participant: Participant) -> dict[str, Any]:
    """The form that asks for consent before another protocol version holds, with the way to record it."""
    today = clock_at(participant.site, now()).today
    standing = consent_standing(participant, today)
    asking = asks_first(standing, editions_of(participant), today)
    return {"participant": participant, "standing": standing, "asking": asking}
