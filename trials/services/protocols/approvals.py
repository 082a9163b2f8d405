"""The approval by which a site may use a protocol version, once an investigator has signed it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from trials.audit.acts import recorded
from trials.domain.errors import Refused, Stale
from trials.models import ProtocolVersion, Site, SiteApproval, Trial, TrialSite, User
from trials.services.sites.plausible_days import impossible_days
from trials.spoken import require_reason, sentence


class ApprovalRefused(Refused):
    """An approval cannot be recorded so; `fields` says what would be right."""


@dataclass(frozen=True, slots=True)
class Approval:
    """What an ethics committee said: on which day, under which reference, and from when it holds."""

    approved_on: date
    reference: str
    usable_from: date


@recorded
def record_approval(
    *, site: Site, version: ProtocolVersion, approval: Approval, today: date, by: User, reason: str = ""
) -> SiteApproval:
    """A site's approval of a published version on record; it lets nobody enrol until it is signed.

    `today` is the site's. Raises ApprovalRefused for a draft, a trial that does not run at the
    site, a second approval of the same version, days in the future or out of order.
    """
    words = {"site": site.code, "version": version.label, "trial": version.trial.code}
    if not ProtocolVersion.objects.filter(pk=version.pk, published_at__isnull=False).exists():
        message = _("Version %(version)s is a draft: publish it first.")
        raise ApprovalRefused({"version": [message % words]})
    if not TrialSite.objects.filter(trial=version.trial_id, site=site).exists():
        message = _("Trial %(trial)s does not run at site %(site)s.")
        raise ApprovalRefused({"site": [message % words]})
    _refuse_days(approval, version.trial, today)
    try:
        with transaction.atomic():
            return SiteApproval.objects.create(
                site=site,
                protocol_version=version,
                approved_on=approval.approved_on,
                reference=approval.reference.strip(),
                usable_from=approval.usable_from,
                recorded_by=by,
            )
    except IntegrityError as error:
        if not SiteApproval.objects.filter(site=site, protocol_version=version).exists():
            raise
        message = _("Site %(site)s has an approval of version %(version)s on record: correct that one.")
        raise ApprovalRefused({"version": [message % words]}) from error


@recorded
def correct_approval(
    *, approval: SiteApproval, version: int, to: Approval, today: date, by: User, reason: str
) -> SiteApproval:
    """An approval put right, for a reason; whatever was signed of it is void and is signed again.

    `version` is the one that was shown. Raises ApprovalRefused without a reason, and for days in the
    future or out of order; Stale where somebody else corrected it meanwhile.
    """
    approval = SiteApproval.objects.select_for_update(of=("self",), no_key=True).get(pk=approval.pk)
    if approval.version != version:
        raise Stale("trials.siteapproval", approval.pk, version, approval.version)
    require_reason(reason, ApprovalRefused)
    _refuse_days(to, approval.protocol_version.trial, today)
    approval.approved_on, approval.usable_from = to.approved_on, to.usable_from
    approval.reference = to.reference.strip()
    approval.version += 1
    approval.save(update_fields=["approved_on", "usable_from", "reference", "version"])
    return approval


def _refuse_days(approval: Approval, trial: Trial, today: date) -> None:
    asked = {"approved_on": approval.approved_on, "usable_from": approval.usable_from}
    if impossible := impossible_days(asked, trial.planned_end or today):
        raise ApprovalRefused(impossible)
    refused = {}
    words = {"approved": approval.approved_on, "usable": approval.usable_from, "today": today}
    if approval.approved_on > today:
        message = _("%(approved)s is in the future: today is %(today)s at the site.")
        refused["approved_on"] = [sentence(message, words)]
    if approval.usable_from < approval.approved_on:
        message = _("%(usable)s is before the approval on %(approved)s: give that day or a later one.")
        refused["usable_from"] = [sentence(message, words)]
    if not approval.reference.strip():
        refused["reference"] = [_("Give the reference of the committee's letter.")]
    if refused:
        raise ApprovalRefused(refused)
