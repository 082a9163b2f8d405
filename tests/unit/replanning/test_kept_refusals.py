"""What refused a step of an amendment is kept as words, and said in the language of whoever reads it."""

from __future__ import annotations

from schedules.domain.errors import ReplanningRefused
from trials.domain.stored_sentences import facts_text, told
from trials.domain.words import Words


def test_a_refusal_that_is_kept_is_said_in_the_readers_language() -> None:
    words = Words.of("%(site)s has no approval.", {"site": "BJ"})
    refused = ReplanningRefused.because(words, lambda message: message.replace("has no approval", "没有批件"))
    assert str(refused) == "BJ 没有批件."
    assert refused.words is not None
    assert facts_text(told(refused.words)) == "BJ has no approval."
    assert ReplanningRefused("as it was").words is None
