"""What the page of a participant's consents shows beside them: how each was changed since."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from participants.models import Consent
from trials.audit.trail_terms import field_name
from trials.models import AuditEntry
from trials.selectors.audit.trail_wording import EntryInWords, in_words

_UNSAID = {"version"}


def corrected_in_words(consents: Iterable[Consent]) -> list[tuple[Consent, list[EntryInWords]]]:
    """Each consent with its changes since it was recorded, the first first; queries do not grow with them."""
    rows = list(consents)
    entries = AuditEntry.objects.filter(
        model="participants.consent", action="change", object_id__in=[str(one.pk) for one in rows]
    )
    found: dict[str, list[EntryInWords]] = defaultdict(list)
    fields = Consent._meta.concrete_fields  # noqa: SLF001 - documented
    unsaid = {field_name(field) for field in fields if field.name in _UNSAID}
    for one in in_words(list(entries.order_by("id"))) if rows else []:
        said = [change for change in one.changes if change.label not in unsaid]
        found[one.entry.object_id].append(replace(one, changes=said))
    return [(one, found[str(one.pk)]) for one in rows]
