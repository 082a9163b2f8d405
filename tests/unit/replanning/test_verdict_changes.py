"""What a new plan does to verdicts, in words."""

from __future__ import annotations

import pytest

from schedules.domain.windows.verdict_changes import Judged, compare_verdicts, verdict_sentences
from schedules.domain.windows.verdicts import Evidence, Verdict, VerdictStatus
from tests.unit.plan.small import window
from trials.domain.protocols.protocol import Freshness
from trials.domain.words import Words

HCG = window("infusion -P7D", "infusion P0D", Freshness("hcg", "negative"), code="hcg")
CARE = window("infusion P0D", "infusion P28D", code="care")
KEPT, OPEN, RISK = VerdictStatus.KEPT, VerdictStatus.OPEN_AND_KEPT, VerdictStatus.AT_RISK
LACKS, NOT_YET = VerdictStatus.CANNOT_JUDGE, VerdictStatus.NOT_YET


def verdict(status: VerdictStatus, missing=(), evidence=()) -> Verdict:
    seen = tuple(Evidence(Words.of(text)) for text in evidence)
    return Verdict(status, missing=tuple(map(Words.of, missing)), evidence=seen)


def judged(
    now: VerdictStatus | None, end: VerdictStatus | None = None, rule=HCG, **told
) -> dict[str, Judged]:
    """What a window comes to now, and at its end (the same where none is given)."""
    return {rule.code: Judged(rule, verdict(now, **told), verdict(end or now, **told))} if now else {}


@pytest.mark.parametrize(
    ("before", "after", "rule", "repeat", "reason"),
    [
        (KEPT, RISK, HCG, "hcg", "the sample is before the new window"),
        (OPEN, NOT_YET, HCG, "hcg", "the new window has not begun: what was done serves no longer"),
        (KEPT, VerdictStatus.VIOLATED, HCG, "hcg", "or is over"),
        (KEPT, OPEN, HCG, None, "the sample is inside the new window too"),
        (KEPT, VerdictStatus.WAIVED, HCG, None, "somebody waived it"),
        (NOT_YET, LACKS, HCG, None, "nothing had been done"),
        (KEPT, LACKS, CARE, None, "a conduct is no test"),
    ],
)
def test_a_test_that_served_is_to_be_repeated_where_it_serves_no_longer(before, after, rule, repeat, reason):
    (change,) = compare_verdicts(judged(before, rule=rule), judged(after, rule=rule), str)
    assert (change.before, change.after, change.repeat) == (before, after, repeat), reason
    assert change.lapses is (after is LACKS)
    assert change.is_grave is bool(repeat)


@pytest.mark.parametrize(
    ("before", "after", "told", "reason"),
    [
        (KEPT, KEPT, False, "nothing changes"),
        (None, NOT_YET, False, "a new window that is still to come says nothing"),
        (None, LACKS, True, "a new one that cannot be judged does"),
        (KEPT, None, False, "it is asked for no longer"),
    ],
)
def test_only_what_changes_is_told(before, after, told, reason):
    assert bool(compare_verdicts(judged(before), judged(after), str)) is told, reason


def test_a_change_says_what_was_what_will_be_and_what_is_lacking():
    then = judged(LACKS, missing=("hCG",), evidence=("nobody reads this",))
    (change,) = compare_verdicts(judged(KEPT), then, str)
    assert verdict_sentences(change) == (
        "Verdict: Kept → Cannot be judged.",
        "If nothing more is recorded, it ends: Kept → Cannot be judged.",
        "To be repeated: hcg.",
        "Missing: hCG.",
    )
    late = judged(VerdictStatus.VIOLATED, rule=CARE, evidence=("On Monday.",))
    (change,) = compare_verdicts({}, late, str)
    assert verdict_sentences(change) == ("Verdict: Violated.", "On Monday.")


def test_an_answer_that_no_longer_reaches_the_end_lapses_though_the_verdict_of_today_stays():
    before, after = judged(OPEN, KEPT, CARE), judged(OPEN, LACKS, CARE, missing=("the last two days",))
    (change,) = compare_verdicts(before, after, str)
    assert (change.lapses, change.is_grave, change.ends_otherwise) == (True, False, True)
    assert verdict_sentences(change) == (
        "If nothing more is recorded, it ends: Kept → Cannot be judged.",
        "Missing: the last two days.",
    )


def test_a_test_that_has_not_been_needed_yet_is_repeated_where_its_sample_comes_to_lie_outside():
    (change,) = compare_verdicts(judged(OPEN, KEPT), judged(NOT_YET, VerdictStatus.VIOLATED), str)
    assert (change.repeat, change.is_violated) == ("hcg", True)


def test_what_is_lacking_is_told_of_the_verdict_that_changes():
    lasting = {"care": Judged(CARE, verdict(LACKS, missing=("now",)), verdict(RISK, missing=("at the end",)))}
    (both,) = compare_verdicts(judged(KEPT, rule=CARE), lasting, str)
    (end,) = compare_verdicts(judged(LACKS, KEPT, CARE), lasting, str)
    assert [words.text() for one in (both, end) for words in one.missing] == ["now", "at the end"]
