"""Keeping that data left: every export stands in the audit trail."""

from __future__ import annotations

from datetime import datetime

from trials.audit.acts import recorded
from trials.models import Export, Trial, User

# As long as its column: PostgreSQL refuses a longer text.
LONGEST = 200


@recorded
def record_export(
    *,
    by: User,
    what: str,
    form: Export.Form | str,
    rows: int,
    now: datetime,
    filters: str = "",
    trial: Trial | None = None,
) -> Export:
    """Keep that somebody took so many rows of something in a form; before they are handed over."""
    # PostgreSQL keeps no zero byte in a text: what somebody typed must not keep an export off the record.
    return Export.objects.create(
        by=by,
        at=now,
        what=what[:LONGEST],
        form=Export.Form(form),
        rows=rows,
        filters=filters.replace("\0", ""),
        trial=trial,
    )
