"""What a trial calls its day zero and what it begins with, for sentences that name them."""

from __future__ import annotations

import re

from trials.domain.protocols.language import Code, in_both
from trials.domain.protocols.protocol import Protocol
from trials.domain.protocols.validation.graph import anchors_of_visit

INFUSION, CHEMOTHERAPY = Code("infusion"), Code("chemotherapy")
"""What is said where no protocol is at hand."""
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


def in_sentence(label: str) -> Code:
    """Return a label without the capital of its first word; one in capitals, and Chinese, as they are."""
    lower = in_both(label, lambda text: text[:1].lower() + text[1:] if _BEGINS_A_WORD.match(text) else text)
    return Code(lower)


def capital(label: Code) -> Code:
    """Return a label with the capital of the sentence that it begins."""
    return Code(in_both(label, lambda text: text[:1].upper() + text[1:]))
