"""The translator that edges and services hand to the domain: messages, labels in two languages, codes."""

from __future__ import annotations

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from trials.domain.language import Code, Named, Text, label_of, readable


def say(message: str) -> str:
    """Return a message in the reader's language, and nothing of nothing.

    A text that its document gives in both languages is said in its own words; a code by its label;
    `Chemotherapy 2` by the translation of `Chemotherapy`; a code without label or translation
    without its hyphens.
    """
    if isinstance(message, Named):
        message = label_of(message)
    if isinstance(message, Text) and message.zh:
        return message.in_language(get_language() or "en")
    if not message:
        return str(message)
    whole, (name, _space, number) = _(message), message.rpartition(" ")
    numbered = whole == message and name and number.replace(".", "").isdecimal()
    if numbered:
        return f"{_(name)} {number}"
    if not isinstance(message, Code) or whole != message:
        return whole
    capital = message[:1].upper() + message[1:]  # a label inside a sentence
    said = _(capital)
    return readable(whole) if said == capital else said
