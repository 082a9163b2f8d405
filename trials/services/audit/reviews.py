"""The audit trail is looked through now and then: that it was, and what was found, is recorded too."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from trials.audit.acts import recorded
from trials.domain.errors import Refused
from trials.models import AuditReview, User


class ReviewRefused(Refused):
    """A review cannot be recorded so; `fields` says what would be right."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """What was looked at: from which entry to which one, and filtered how."""

    first: int
    last: int
    filters: str = ""


@recorded
def record_review(*, stretch: Stretch, finding: str, by: User, now: datetime) -> AuditReview:
    """Somebody looked through this stretch and found that, whether it is nothing.

    The same word on the same stretch by the same person is recorded once. Raises ReviewRefused
    without a finding.
    """
    finding = finding.strip()
    if not finding:
        raise ReviewRefused({"finding": [_("Say what you found, also where it is nothing.")]})
    longest = AuditReview._meta.get_field("filters").max_length  # noqa: SLF001 (public by custom)
    looked_at = {
        "first_entry": stretch.first,
        "last_entry": stretch.last,
        "filters": stretch.filters[:longest],
        "finding": finding,
    }
    before = AuditReview.objects.filter(by=by, **looked_at).first()
    return before or AuditReview.objects.create(by=by, reviewed_at=now, **looked_at)
