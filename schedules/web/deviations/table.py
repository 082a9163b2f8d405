"""A deviation as a row of an export; its words are English, so that tables of all readers compare."""

from __future__ import annotations

from django.utils.translation import override

from schedules.selectors.deviations.log import DeviationRow
from trials.domain.stored_sentences import facts_text

HEADS = (
    *("Number", "Trial", "Site", "Participant", "Kind", "Concerns", "State"),
    *("Found on", "Occurred on", "Planned on", "Window opens", "Window closes", "Actually on"),
    *("Days early", "Days late", "Protocol version", "What the record says"),
    *("Description", "Classification", "Affects safety", "Affects rights", "Affects data"),
    *("Cause", "Action", "Reported to sponsor on", "Reported to ethics committee on"),
    *("Signature", "No longer so since", "No longer so because"),
    *("Withdrawn on", "Reason of withdrawal", "Version of the record"),
)


def cells(row: DeviationRow) -> tuple[object, ...]:
    """The cells of one deviation, in the order of HEADS."""
    one, person = row.deviation, row.deviation.participant
    about = one.visit.label if one.visit else one.window.label if one.window else ""
    with override("en"):
        classification = one.get_classification_display()
    return (
        *(one.pk, person.trial.code, person.site.code, person.subject_code, row.kind_label, about, row.state),
        *(one.found_on, one.occurred_on, one.planned_on, one.opens, one.closes, one.actual_on),
        *(row.early, row.late, one.protocol_version.label, facts_text(one.facts)),
        *(one.description, classification),
        *(_yes(one.affects_safety), _yes(one.affects_rights), _yes(one.affects_data)),
        *(one.cause, one.action, one.reported_to_sponsor_on, one.reported_to_ethics_on),
        *(row.signed, one.lapsed_on, row.lapse_label),
        *(one.withdrawn_on, one.withdrawn_reason, one.version),
    )


def _yes(answer: bool | None) -> str:
    return "" if answer is None else "yes" if answer else "no"
