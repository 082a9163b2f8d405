"""What a trial calls its day zero and what it begins with, for sentences that name them."""

from __future__ import annotations

import re

from trials.domain.language import Code, in_both
from trials.domain.protocols.protocol import Protocol
from trials.domain.protocols.validation.graph import anchors_of_visit
from trials.domain.words import mark as _

INFUSION, CHEMOTHERAPY = Code("infusion"), Code("chemotherapy")
"""What is said where no protocol is at hand."""
FIRST_TREATMENT = Code(_("first treatment"))
"""What is said of a protocol that does not name what it begins with."""
_BEGINS_A_WORD = re.compile(r"[A-Z](?=[a-z])")


def day_zero_name(protocol: Protocol) -> Code:
    """Return the label of day zero as it stands inside a sentence: `infusion`, `first dose`."""
    rule = protocol.anchor_by_code.get(protocol.day_zero)
    return in_sentence(rule.label if rule else protocol.day_zero)


def first_treatment_name(protocol: Protocol, anchor: str) -> Code:
    """Return what is given on an anchor's day: the label of the visit that is the anchor, else its own."""
    visit = next((rule for rule in protocol.visits if anchor in anchors_of_visit(rule)), None)
    rule = visit or protocol.anchor_by_code.get(anchor)
    return in_sentence(rule.label if rule else anchor)


def start_of_treatment(protocol: Protocol) -> tuple[Code, Code]:
    """Return what begins a treatment that cannot be undone, and what it is given for, inside a sentence.

    A protocol without such a start has `first treatment` and its day zero.
    """
    for rule in protocol.anchors:
        if rule.point_of_no_return and rule.derived:
            awaited = protocol.anchor_by_code[rule.derived.anchor]
            return first_treatment_name(protocol, rule.code), in_sentence(awaited.label)
    return FIRST_TREATMENT, day_zero_name(protocol)


def in_sentence(label: str) -> Code:
    """Return a label without the capital of its first word; one in capitals, and Chinese, as they are."""
    lower = in_both(label, lambda text: text[:1].lower() + text[1:] if _BEGINS_A_WORD.match(text) else text)
    return Code(lower)


def capital(label: Code) -> Code:
    """Return a label with the capital of the sentence that it begins."""
    return Code(in_both(label, lambda text: text[:1].upper() + text[1:]))
