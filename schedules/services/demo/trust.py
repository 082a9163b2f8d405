"""What the demo's sites may use and what its participants consented to: approvals, signatures, forms."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta

from schedules.services.demo.cast import PARTS
from trials.domain.audit.signing import Proof
from trials.models import ConsentForm, Meaning, ProtocolVersion, Site, User
from trials.selectors.protocols.approvals import signable_approval
from trials.services.audit.signatures import sign
from trials.services.protocols.approvals import Approval, record_approval
from trials.services.protocols.consent_forms import Edition, record_consent_form
from trials.zones import zone_of

APPROVED_BEFORE = timedelta(days=900)
COMMITTEE = timedelta(days=14)
"""So long an ethics committee takes: no approval is older than the edition that it approves."""

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
NEW_FORM_BEFORE = timedelta(days=20)
ASKS_AGAIN = "NCT07331467"
"""The trial whose newest consent form asks everybody to consent again."""


def put_to_use(
    sites: Mapping[str, Site],
    versions: Mapping[str, ProtocolVersion],
    *,
    by: User,
    proof: Proof,
    now: datetime,
) -> None:
    """The approval of every trial's version at each of its sites, signed by the demo's investigator.

    `now` is on the day of the demo, from which on its accounts have their roles.
    """
    for number, part in enumerate(PARTS, 1):
        site, version = sites[part.site], versions[part.trial]
        approve(site, version, number=number, by=by, proof=proof, now=now)


def approve(
    site: Site, version: ProtocolVersion, *, number: int, by: User, proof: Proof, now: datetime
) -> None:
    """The approval of a version at a site, by the letter of this number, signed."""
    today = now.astimezone(zone_of(site)).date()
    day = max(today - APPROVED_BEFORE, min(today, _written_on(version) + COMMITTEE))
    said = Approval(day, f"EC-{day.year}-{number:03}", day)
    approval = record_approval(site=site, version=version, approval=said, today=today, by=by)
    record = signable_approval(approval, today)
    sign(record=record, meaning=Meaning.APPROVED, shown=record.digest, by=by, proof=proof, now=now)


def _written_on(version: ProtocolVersion) -> date:
    """The day that an edition is named after; the first day of all for one that is not."""
    found = _DAY.match(version.label)
    return date.fromisoformat(found[0]) if found else date.min


def record_consent_forms(
    versions: Mapping[str, ProtocolVersion], *, by: User, today: date
) -> tuple[dict[str, ConsentForm], ConsentForm]:
    """The editions of the consent forms: by trial the one that everybody signed, and the newer one."""
    forms = {}
    for code, version in versions.items():
        first = Edition("1.0", today - APPROVED_BEFORE)
        forms[code] = record_consent_form(trial=version.trial, edition=first, by=by)
        if code == ASKS_AGAIN:
            edition = Edition("2.0", today - NEW_FORM_BEFORE, consent_again=True)
            newer = record_consent_form(trial=version.trial, edition=edition, by=by)
    return forms, newer
