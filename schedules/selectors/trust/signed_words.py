"""What is signed, as a person reads it: labels for codes, words for choices, the hours of the site."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Model
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from participants.models import Anchor
from schedules.domain.plan.explanations import label_of
from schedules.models import Deviation, ProtocolWindow, Visit, VisitActivity
from schedules.selectors.trust.signed_names import ACTIVITY, ANCHOR, DEVIATION, VISIT, WINDOW
from trials.domain.protocols.protocol import Protocol, Reference, ReferenceKind
from trials.domain.stored_sentences import facts_text
from trials.models import ProtocolVersion
from trials.selectors.protocols.approvals import Signable
from trials.selectors.records import protocol_of
from trials.spoken import say
from trials.zones import zone_of

MODELS: Mapping[str, type[Model]] = {
    "anchors": Anchor,
    "visits": Visit,
    "activities": VisitActivity,
    "windows": ProtocolWindow,
}
KEPT = {"anchors": ANCHOR, "visits": VISIT, "activities": ACTIVITY, "windows": WINDOW}
"""Where the names of signed lists are kept, in whose words they are shown."""
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00")
_TRUTH = ("True", "False")


@dataclass(frozen=True, slots=True)
class SignedWords:
    """The words for what one record signs: the labels of its protocol, the clocks of its site."""

    protocol: Protocol | None
    zone: ZoneInfo | None

    @classmethod
    def of(cls, signable: Signable) -> SignedWords:
        """Read the protocol version that the content names; one query."""
        label = signable.content.get("protocol_version")
        versions = ProtocolVersion.objects.filter(trial=signable.trial) if signable.trial and label else ()
        named = next((one for one in versions if one.label == label), None)
        zone = zone_of(signable.site) if signable.site and signable.site.zone else None
        return cls(protocol_of(named) if named else None, zone)

    def code(self, of: str, code: str) -> str:
        """What people call a thing of a signed list: an anchor, a visit, an activity, a window, a trait."""
        if self.protocol is None:
            return code
        if of == "activities":
            visit, _slash, activity = code.partition("/")
            parts = (self._label(ReferenceKind.VISIT, visit), self._label(ReferenceKind.ACTIVITY, activity))
            return pgettext("list", ", ").join(parts)
        if of in {"windows", "traits"}:
            rules = self.protocol.windows if of == "windows" else self.protocol.traits
            return say({rule.code: rule.label for rule in rules}.get(code, code))
        return self._label(ReferenceKind.ANCHOR if of == "anchors" else ReferenceKind.VISIT, code)

    def value(self, of: str, name: str, value: Any) -> str:
        """A signed value as pages write it."""
        text = "" if value is None else str(value)
        if text in _TRUTH:
            return _("yes") if text == "True" else _("no")
        if _INSTANT.fullmatch(text) and self.zone:
            return f"{datetime.fromisoformat(text).astimezone(self.zone):%Y-%m-%d %H:%M}"
        if name == "code":
            return self.code(of, text)
        column = _field(of, name)
        choices = dict(column.flatchoices) if column is not None else {}
        return str(choices.get(text, "")) or facts_text(text, say)

    def _label(self, kind: ReferenceKind, code: str) -> str:
        assert self.protocol is not None, "asked for a label of a protocol"
        found = label_of(self.protocol, Reference(kind, code))
        return say(found if found != code else code.replace("-", " ").capitalize())


def _field(of: str, name: str) -> Any:
    """The column in which a signed value is kept; None where it is none."""
    kept = KEPT.get(of, DEVIATION).get(name, name)
    fields = {field.name: field for field in MODELS.get(of, Deviation)._meta.concrete_fields}  # noqa: SLF001
    return fields.get(kept)
