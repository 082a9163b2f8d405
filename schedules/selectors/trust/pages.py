"""What the pages of signing, of a trial's approvals and of consents show."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from participants.models import Participant
from schedules.models import Deviation
from schedules.selectors.store.course import clock_at, person_in_sight
from schedules.selectors.trust.signed_names import DEVIATION as DEVIATION_NAMES
from schedules.selectors.trust.signed_words import KEPT, MODELS, SignedWords
from schedules.selectors.trust.signing import DEVIATION, SCHEDULE, signable_deviation, signable_schedule
from trials.audit.trail_terms import field_name
from trials.domain.accounts.access import Right
from trials.domain.audit.signing import Change
from trials.models import ProtocolVersion, Signature, Site, SiteApproval, Trial, User
from trials.selectors.protocols.approvals import (
    APPROVAL,
    ApprovalState,
    Signable,
    SignatureRow,
    approval_states,
    approvals_in_view,
    signable_approval,
    signature_rows,
    signatures_of,
)
from trials.selectors.records import published_versions, roles_of, within

KINDS = {"schedule": SCHEDULE, "deviation": DEVIATION, "approval": APPROVAL}
"""What can be signed, by the word in its address."""

WORDS = {
    "participant": gettext_lazy("Participant"),
    "trial": gettext_lazy("Trial"),
    "site": gettext_lazy("Site"),
    "protocol_version": gettext_lazy("Protocol version"),
    "protocol_digest": gettext_lazy("Digest of the protocol"),
    "traits": gettext_lazy("Traits"),
    "anchors": gettext_lazy("Anchors"),
    "visits": gettext_lazy("Visits"),
    "activities": gettext_lazy("Activities"),
    "windows": gettext_lazy("Protocol windows"),
    "approved_on": gettext_lazy("Approved on"),
    "reference": pgettext_lazy("ethics approval", "Reference"),
    "usable_from": gettext_lazy("Usable from"),
}
_ITEM = re.compile(r"(\w+)\[(.+)\]\.(\w+)")
_HIDDEN = {"record", "id", "form"}


@dataclass(frozen=True, slots=True)
class ContentTable:
    """A list that is signed, as a table; each cell stands beside the head of its column."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[tuple[str, Any]]]


@dataclass(frozen=True, slots=True)
class ShownContent:
    """What is signed, for a person to read: single facts, and tables."""

    facts: Sequence[tuple[str, Any]]
    tables: Sequence[ContentTable]


@dataclass(frozen=True, slots=True)
class ApprovalRow:
    """A protocol version at a site: whether it may be used there, and the approval if one is recorded."""

    site: Site
    version: ProtocolVersion
    state: ApprovalState
    approval: SiteApproval | None
    signatures: Sequence[SignatureRow]


def signable_in_sight(user: User, kind: str, pk: int, now: datetime, today: date) -> Signable | None:
    """What stands at an address of signing; None where it does not exist for this user."""
    if kind == "schedule":
        participant = person_in_sight(user, today, pk)
        return signable_schedule(participant) if participant else None
    if kind == "approval":
        approval = approvals_in_view(user, today).filter(pk=pk).first()
        return signable_approval(approval, clock_at(approval.site, now).today) if approval else None
    deviation = deviation_in_sight(user, today, pk) if kind == "deviation" else None
    return signable_deviation(deviation) if deviation else None


def deviation_in_sight(user: User, today: date, pk: int) -> Deviation | None:
    """A deviation of a participant whom the user may look at."""
    seen = within(roles_of(user, today), Right.VIEW, site="participant__site", trial="participant__trial")
    related = ("participant__site", "participant__trial", "protocol_version")
    return Deviation.objects.filter(seen).select_related(*related).filter(pk=pk).first()


def signatures_shown(kind: str, record: Participant | Deviation) -> list[SignatureRow]:
    """The signatures of a record, and in words what changed since; one query where there is none."""
    if not Signature.objects.filter(model=KINDS[kind], object_id=record.pk).exists():
        return []
    if isinstance(record, Participant):
        return in_words(signable_schedule(record))
    return in_words(signable_deviation(record))


def in_words(signable: Signable) -> list[SignatureRow]:
    """The signatures of something, and what changed since each of them, named as on the pages."""
    rows = signatures_of(signable)
    if not any(row.changes for row in rows):
        return rows
    words = SignedWords.of(signable)
    return [replace(row, changes=[_change_in_words(change, words) for change in row.changes]) for row in rows]


def shown_content(signable: Signable) -> ShownContent:
    """What is signed, for a person to read."""
    facts, tables, words = [], [], SignedWords.of(signable)
    for name, value in signable.content.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            tables.append(_table(name, value, words))
        elif name not in _HIDDEN and value not in (None, "", []):
            listed = isinstance(value, list)
            codes = pgettext("list", ", ").join(words.code(name, code) for code in value) if listed else ""
            facts.append((_label(name), codes or words.value("", name, value)))
    return ShownContent(facts, tables)


def approval_rows(user: User, trial: Trial, sites: Sequence[Site], today: date) -> list[ApprovalRow]:
    """Every published version at these sites, the newest first; queries do not grow with either."""
    versions = list(published_versions(trial).defer("document"))
    states = approval_states((site.pk, version.pk) for site in sites for version in versions)
    found = approvals_in_view(user, today).filter(protocol_version__in=versions, site__in=sites)
    approvals = {(one.site_id, one.protocol_version_id): one for one in found}
    signed = _signatures({one.pk: one for one in approvals.values()})
    rows = []
    for version in versions:
        for site in sites:
            approval = approvals.get((site.pk, version.pk))
            signatures = signed.get(approval.pk, []) if approval else []
            rows.append(ApprovalRow(site, version, states[site.pk, version.pk], approval, signatures))
    return rows


def _signatures(approvals: dict[int, SiteApproval]) -> dict[int, list[SignatureRow]]:
    return signature_rows(APPROVAL, [signable_approval(one, one.usable_from) for one in approvals.values()])


def _table(name: str, items: list[dict[str, Any]], words: SignedWords) -> ContentTable:
    columns = list(dict.fromkeys(column for item in items for column in item))
    heads = [_label(column, name) for column in columns]
    rows = [
        [
            (head, words.value(name, column, item.get(column)))
            for head, column in zip(heads, columns, strict=True)
        ]
        for item in items
    ]
    return ContentTable(_label(name), heads, rows)


def _label(name: str, of: str = "") -> str:
    """What a part of the content is called on the pages."""
    model, kept = MODELS.get(of, Deviation), KEPT.get(of, DEVIATION_NAMES).get(name, name)
    if not of and name in WORDS:
        return str(WORDS[name])
    names = {field.name: field for field in model._meta.concrete_fields}  # noqa: SLF001
    words = field_name(names[kept]) if kept in names else name.replace("_", " ")
    return words[:1].upper() + words[1:]


def _change_in_words(change: Change, words: SignedWords) -> Change:
    found = _ITEM.fullmatch(change.path)
    of, code, name = found.groups() if found else ("", "", change.path)
    path = _label(name, of)
    if found:
        path = _("%(item)s, %(what)s") % {"item": words.code(of, code), "what": path}
    signed, now = (words.value(of, name, value) for value in (change.signed, change.now))
    return replace(change, path=path, signed=signed, now=now)
