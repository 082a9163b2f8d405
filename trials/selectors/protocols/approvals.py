"""What can be read of signatures, of approvals at sites and of who may act for a whole trial."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from trials.domain.accounts.access import Right
from trials.domain.audit.signing import (
    Change,
    Content,
    Standing,
    changes_since,
    content_digest,
    form_of,
    numbered,
    standing,
)
from trials.models import (
    AccountChange,
    Meaning,
    ProtocolVersion,
    Signature,
    Site,
    SiteApproval,
    Trial,
    TrialSite,
    User,
)
from trials.selectors.accounts.account_changes import changes_of
from trials.selectors.records import roles_of, within

APPROVAL = "trials.siteapproval"

Pair = tuple[int, int]
"""A site and a protocol version, by their ids."""


@dataclass(frozen=True, slots=True)
class SignatureRow:
    """A signature as it is shown: printed name, roles, meaning, time with zone, and whether it stands.

    `account_changes` is what others did to the signer's account, before the signature and since.
    """

    printed_name: str
    roles: str
    meaning: str
    signed_at: datetime
    zone: str
    digest: str
    standing: Standing
    changes: Sequence[Change] = field(default=())
    account_changes: Sequence[AccountChange] = field(default=())

    @property
    def void(self) -> bool:
        """Whether what was signed is no longer what is on record."""
        return self.standing is Standing.VOID


@dataclass(frozen=True, slots=True)
class Signable:
    """Something that can be signed: which record, its content now, where it belongs; `refusal` if not yet.

    `rows` are those that hold the content, to be locked while it is signed; `read_again` reads it then.
    `older` writes the content in the forms in which it was signed before, by their numbers.
    """

    model: str
    object_id: int
    content: Content
    site: Site | None = None
    trial: Trial | None = None
    refusal: str = ""
    rows: Sequence[QuerySet[Any]] = ()
    read_again: Callable[[], Content] | None = None
    older: Mapping[int, Callable[[], Content]] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """What a signature of it would carry."""
        return content_digest(self.content)

    def standing_of(self, signature: Signature) -> tuple[Standing, Content]:
        """Whether a signature stands, and the content now in the form in which it was made.

        A form that this software does not know makes it void, shown against the newest form.
        """
        form = form_of(signature.content)
        write = self.older.get(form)
        now = write() if write else self.content
        return standing(signature.content, signature.digest, content_digest(now)), now


def older_forms(forms: Iterable[int], write: Callable[[int], Content]) -> dict[int, Callable[[], Content]]:
    """The writers of all forms but the newest, by their numbers."""
    return {form: partial(write, form) for form in sorted(forms)[:-1]}


class ApprovalState(StrEnum):
    """Whether a site may use a protocol version: only where its approval is in use."""

    MISSING = "missing"
    UNSIGNED = "unsigned"
    VOID = "void"
    IN_USE = "in-use"


def signatures_of(record: Signable) -> list[SignatureRow]:
    """The signatures of a record, the newest first, held against its content now; two queries."""
    return signature_rows(record.model, [record]).get(record.object_id, [])


def signature_rows(model: str, records: Iterable[Signable]) -> dict[int, list[SignatureRow]]:
    """The signatures of many records of a kind, by their ids, each held against its content; two queries."""
    rows: dict[int, list[SignatureRow]] = {}
    by_id = {record.object_id: record for record in records}
    found = Signature.objects.filter(model=model, object_id__in=list(by_id)).order_by("-signed_at", "-pk")
    signatures = list(found)
    changed = changes_of(signature.user_id for signature in signatures) if signatures else {}
    for signature in signatures:
        row = _row(signature, by_id[signature.object_id], changed.get(signature.user_id, ()))
        rows.setdefault(signature.object_id, []).append(row)
    return rows


def _row(signature: Signature, record: Signable, changed: Sequence[AccountChange]) -> SignatureRow:
    stands, content = record.standing_of(signature)
    void = stands is Standing.VOID
    return SignatureRow(
        printed_name=signature.printed_name,
        roles=signature.roles,
        meaning=str(Meaning(signature.meaning).label),
        signed_at=signature.signed_at.astimezone(ZoneInfo(signature.zone)),
        zone=signature.zone,
        digest=signature.digest,
        standing=stands,
        changes=tuple(changes_since(json.loads(signature.content), content)) if void else (),
        account_changes=changed,
    )


APPROVAL_FORMS = (1,)
"""The forms of signed approvals. A name that is signed never changes; another one is another form."""


def approval_content(approval: SiteApproval, form: int = max(APPROVAL_FORMS)) -> Content:
    """What an investigator signs when a protocol version is put to use at a site.

    The names on the left are signed, the right says where each is kept now.
    """
    version = approval.protocol_version
    content = {
        "record": APPROVAL,
        "id": approval.pk,
        "trial": version.trial.code,
        "protocol_version": version.label,
        "protocol_digest": version.digest,
        "site": approval.site.code,
        "approved_on": approval.approved_on.isoformat(),
        "reference": approval.reference,
        "usable_from": approval.usable_from.isoformat(),
    }
    return numbered(content, form)


def signable_approval(approval: SiteApproval, today: date) -> Signable:
    """An approval as what is signed when a version is put to use; not before it is usable at the site."""
    refusal, related = "", ("site", "protocol_version__trial")
    if today < approval.usable_from:
        words = {"day": approval.usable_from, "today": today}
        refusal = _("Usable from %(day)s, and today is %(today)s at the site: sign on that day or later.")
        refusal %= words
    return Signable(
        APPROVAL,
        approval.pk,
        approval_content(approval),
        approval.site,
        approval.protocol_version.trial,
        refusal,
        rows=(SiteApproval.objects.filter(pk=approval.pk),),
        read_again=lambda: approval_content(
            SiteApproval.objects.select_related(*related).get(pk=approval.pk)
        ),
        older=older_forms(APPROVAL_FORMS, lambda form: approval_content(approval, form)),
    )


def approval_states(pairs: Iterable[Pair]) -> dict[Pair, ApprovalState]:
    """Whether each site may use each version; two queries for any number of them."""
    asked = set(pairs)
    states = dict.fromkeys(asked, ApprovalState.MISSING)
    if not asked:
        return states
    found = SiteApproval.objects.filter(
        site__in={site for site, _ in asked}, protocol_version__in={version for _, version in asked}
    ).select_related("site", "protocol_version__trial")
    approvals = list(found.defer("protocol_version__document"))
    signed = _approving_signatures([approval.pk for approval in approvals])
    for approval in approvals:
        states[approval.site_id, approval.protocol_version_id] = _state(approval, signed)
    return states


def _approving_signatures(ids: Sequence[int]) -> Mapping[int, list[Signature]]:
    signed: dict[int, list[Signature]] = {}
    for signature in Signature.objects.filter(
        model=APPROVAL, object_id__in=ids, meaning__in=(Meaning.APPROVED, Meaning.RESPONSIBLE)
    ):
        signed.setdefault(signature.object_id, []).append(signature)
    return signed


def _state(approval: SiteApproval, signed: Mapping[int, list[Signature]]) -> ApprovalState:
    signatures = signed.get(approval.pk, [])
    record = signable_approval(approval, approval.usable_from)
    if any(record.standing_of(one)[0] is Standing.STANDS for one in signatures):
        return ApprovalState.IN_USE
    return ApprovalState.VOID if signatures else ApprovalState.UNSIGNED


def in_use(site: Site | int, version: ProtocolVersion | int) -> bool:
    """Whether a site may use a protocol version: its approval is recorded, and signed as it stands."""
    pair = (_id(site), _id(version))
    return approval_states([pair])[pair] is ApprovalState.IN_USE


def _id(row: Site | ProtocolVersion | int) -> int:
    return row if isinstance(row, int) else row.pk


def with_sites(trials: QuerySet[Trial]) -> QuerySet[Trial]:
    """The trials, each knowing by `at_no_site` whether no site runs it, such as a template."""
    return trials.annotate(at_no_site=~Exists(TrialSite.objects.filter(trial=OuterRef("pk"))))


def trials_in_view(user: User, today: date) -> QuerySet[Trial]:
    """The trials into whose records a user may look, at one of their sites at least."""
    scope = roles_of(user, today)
    if scope.everything:
        return Trial.objects.all()
    seen = Q(pk__in=[])
    for grant in scope.granting(Right.VIEW):
        here = Q(trial_sites__site=grant.site) if grant.site else Q(pk__isnull=False)
        seen |= here & (Q(pk=grant.trial) if grant.trial else Q(pk__isnull=False))
    return Trial.objects.filter(seen).distinct()


def sites_in_view(user: User, trial: Trial, today: date) -> list[Site]:
    """The sites of a trial into whose records a user may look."""
    running = TrialSite.objects.filter(within(roles_of(user, today), Right.VIEW), trial=trial)
    return [running_at.site for running_at in running.select_related("site").order_by("site__code")]


def trials_at_in_view(user: User, site: Site, today: date) -> list[Trial]:
    """The trials at a site into whose records a user may look there; one query besides that of the roles."""
    running = TrialSite.objects.filter(within(roles_of(user, today), Right.VIEW), site=site)
    return [running_at.trial for running_at in running.select_related("trial").order_by("trial__code")]


def approvals_in_view(user: User, today: date) -> QuerySet[SiteApproval]:
    """The approvals at sites and of versions into whose records a user may look."""
    seen = within(roles_of(user, today), Right.VIEW, trial="protocol_version__trial")
    return SiteApproval.objects.filter(seen).select_related("site", "protocol_version__trial")


def may_throughout(user: User, right: Right, trial: Trial, today: date) -> bool:
    """Whether a right is held in a trial at all of its sites, as what concerns the trial itself asks."""
    return roles_of(user, today).allows_throughout(right, trial=trial.pk)


def signing_roles(user: User, site: Site | None, trial: Trial | None, today: date) -> str:
    """The roles in which somebody may sign there, in words; empty for nobody: a superuser is none."""
    ids = (site.pk if site else None, trial.pk if trial else None)
    grants = roles_of(user, today).granting(Right.SIGN)
    return ", ".join(sorted({grant.role for grant in grants if grant.covers(*ids)}))
